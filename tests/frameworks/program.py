"""Runs one program of `programs/` under memo, in its own process.

`python program.py NAME MODE STORE URL QUESTION` prints what the program gave, as JSON.
"""

import asyncio
import importlib
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.update(
    OPENAI_API_KEY="dummy-key", ANTHROPIC_API_KEY="dummy-key", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y",
    AWS_DEFAULT_REGION="eu-west-1", GOOGLE_API_KEY="k", HF_TOKEN="t", LITELLM_LOCAL_MODEL_COST_MAP="True",
    OPENAI_AGENTS_DISABLE_TRACING="1", AWS_EC2_METADATA_DISABLED="true", HAYSTACK_TELEMETRY_ENABLED="False", DO_NOT_TRACK="1",
)  # fmt: skip
import memo

_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b0x[0-9a-f]+|\d{4}-\d\d-\d\d[T ][\d:.+Z]+"
)


def shown(value: Any, depth: int = 0) -> Any:
    """Return a result as JSON: types, fields, items. Random ids and times of the framework's own are left out."""
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, str):
        return _ID.sub("<own>", value)
    if isinstance(value, bytes):
        return value.decode("latin1")
    if isinstance(value, list | tuple):
        return [shown(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): shown(item, depth + 1) for key, item in value.items()}
    if isinstance(value, BaseException):
        return [type(value).__name__, shown(str(value))]
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [type(value).__name__, shown(dump(), depth + 1)]
    if hasattr(value, "__dataclass_fields__"):
        return [
            type(value).__name__,
            {name: shown(getattr(value, name), depth + 1) for name in value.__dataclass_fields__},
        ]
    return [type(value).__name__, shown(str(value))]


def kinds(error: BaseException | None) -> Iterator[str]:
    """Yield the classes of an error and of all that it comes from."""
    if error is not None:
        yield type(error).__name__
        for inner in getattr(error, "exceptions", ()):
            yield from kinds(inner)
        yield from kinds(error.__cause__ or error.__context__)


def main() -> None:
    name, mode, store, url, question = sys.argv[1:6]
    here = Path(__file__).parent
    sys.path[:0] = [str(here / "programs"), str(here.parent / "shared")]
    module = importlib.import_module(f"{name}_program")
    with memo.install(*module.PRESETS, **getattr(module, "OPTIONS", {})):
        sys.stdout.flush()
        with memo.recording(store, mode=mode) as recorder:
            try:
                result = asyncio.run(module.main(url, question))
            except Exception as error:
                sys.stdout.write(json.dumps({"raised": list(kinds(error))}) + "\n")
                raise
    sys.stdout.write(
        json.dumps({"result": shown(result), "live": recorder.stats.live, "replayed": recorder.stats.replayed}) + "\n"
    )


if __name__ == "__main__":
    main()
