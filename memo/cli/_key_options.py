"""`--options FILE`: the options that shape keys, as the replay will have them."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from memo._calls.key_options import KeyOptions, Rules
from memo._configuration import configured, configured_by
from memo._engine.rules.patterns import families
from memo.errors import InvalidOption

__all__ = ["OptionsFile", "key_options", "recorder_options"]

OptionsFile = Annotated[
    Path | None,
    typer.Option(
        "--options",
        metavar="FILE",
        help="The options that shape keys in the replay (ignore, scrub, key): a TOML file with [tool.memo], or a Python file with "
        "memo_config, such as conftest.py.",
        show_default=False,
    ),
]


def key_options(file: Path | None) -> KeyOptions:
    """Return the options in a file; without one, those of `[tool.memo]` where this is run. Raises `InvalidOption`."""
    _check(file)
    if file is not None and file.suffix == ".py":
        return _of_python(file)
    configuration = configured() if file is None else configured_by(file)
    patches = {target: found.options for target, found in configuration.patches.items()}
    return KeyOptions(Rules.of(configuration.options), _of_functions(patches.items()))


def recorder_options(file: Path | None) -> Mapping[str, Any]:
    """Return the options of the recorders in a file, or in `[tool.memo]`. Raises `InvalidOption`."""
    _check(file)
    if file is not None and file.suffix == ".py":
        return _config(file)
    return configured().options if file is None else configured_by(file).options


def _check(file: Path | None) -> None:
    if file is not None and not file.is_file():
        raise InvalidOption("--options", str(file), ["a TOML file with [tool.memo]", "a Python file with memo_config"])


def _of_python(file: Path) -> KeyOptions:
    config = _config(file)
    patches = [(patch.target, patch.options) for patch in config.get("patches", ()) if not isinstance(patch, str)]
    return KeyOptions(Rules.of(config), _of_functions(patches))


def _config(file: Path) -> Mapping[str, Any]:
    file = file.resolve()
    # What it imports is found as pytest finds it: from the first directory above that is no package.
    root = next(folder for folder in file.parents if not (folder / "__init__.py").exists())
    sys.path.insert(0, str(root))
    try:
        found: Any = runpy.run_path(str(file)).get("memo_config")
    finally:
        sys.path.remove(str(root))
    found = getattr(found, "_get_wrapped_function", lambda: found)()  # of pytest's fixture
    try:
        config = found() if callable(found) else found
    except TypeError as error:
        raise InvalidOption(f"{file}: memo_config", str(error), ["a function without parameters, or a dict"]) from None
    if not isinstance(config, Mapping):
        raise InvalidOption(f"{file}: memo_config", config, ["a dict of options, or a function that returns one"])
    return config


def _of_functions(patches: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Rules]:
    """Return the rules of functions by the beginning of their names in recordings."""
    return {
        str(options.get("name") or families.get(target, target.replace(":", "."))): Rules.of(options)
        for target, options in patches
    }
