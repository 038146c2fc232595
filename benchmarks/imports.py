"""What `import memo` costs over what it depends on, and which modules it brings."""

from collections.abc import Iterator

from benchmarks._harness import Row, race_processes, run_python

SDKS = ("openai", "anthropic", "ollama", "mcp", "google", "httpx", "httpx2", "aiohttp", "requests", "typer", "rich")

NAMED = "import wrapt, pydantic, anyio, orjson"
# pydantic and anyio load most of themselves when something of theirs is first used.
USED = (
    f"{NAMED}; import anyio.to_thread, anyio.lowlevel; from pydantic import BaseModel, SecretStr, TypeAdapter, networks"
)
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
ADDED = "import sys; {}; before = set(sys.modules); from memo import recordable, recording; print(*(set(sys.modules) - before))"


def rows(*, quick: bool) -> Iterator[Row]:
    rounds = 7 if quick else 25
    for name, floor in (("wrapt, pydantic, anyio, orjson", NAMED), ("the same, their lazy parts loaded", USED)):
        added = run_python("-c", ADDED.format(floor)).split()
        sdks = sorted({each.partition(".")[0] for each in added} & {*SDKS})
        own = sum(each.partition(".")[0] == "memo" for each in added)
        with_memo, without = TIMED.format(f"{floor}; from memo import recordable, recording"), TIMED.format(floor)
        row = race_processes(
            f"import: memo, over {name}", 0.040, ["-c", with_memo], ["-c", without], rounds=rounds, added=True
        )
        yield row._replace(note=f"{own} modules of memo, {len(added) - own} others, SDKs: {', '.join(sdks) or 'none'}")
