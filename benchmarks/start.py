"""What it takes to import memo, and its pytest plugin, against the others, in new processes.

`python -X importtime -c "import memo"` tells module by module what the first rows sum up.
"""

from collections.abc import Iterator
from importlib.util import find_spec

from benchmarks._harness import Row, Skipped, missing, race_all_processes

TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"

LIBRARIES = {
    "vcrpy": "vcr",
    "cassetter": "cassetter",
    "cashews": "cashews",
    "joblib": "joblib",
    "cachier": "cachier",
    "aiocache": "aiocache",
    "diskcache": "diskcache",
    "async-lru": "async_lru",
}
PLUGINS = {"vcrpy, pytest-recording": "pytest_recording.plugin", "cassetter": "cassetter.pytest_plugin"}


def rows(*, quick: bool) -> Iterator[Row | Skipped]:
    rounds = 3 if quick else 15
    others = {name: missing(module) or imports(module) for name, module in LIBRARIES.items()}
    yield from race_all_processes("start: import", imports("memo"), others, None, rounds=rounds)
    if find_spec("memo.pytest_plugin") is None:
        return
    others = {name: missing(module.partition(".")[0]) or imports(module, "pytest") for name, module in PLUGINS.items()}
    yield from race_all_processes(
        "start: import of the pytest plugin", imports("memo.pytest_plugin", "pytest"), others, None, rounds=rounds
    )


def imports(module: str, first: str = "") -> list[str]:
    """A process that imports it, after another one that is there anyway."""
    before = f"import {first}; " if first else ""
    return ["-c", before + TIMED.format(module)]
