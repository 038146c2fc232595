"""Every framework, recorded twice against a server on loopback, which is stopped, and replayed in a new process.

python tests/frameworks/run.py                all of them, each in its own environment, and docs/frameworks.md anew
python tests/frameworks/run.py litellm mcp    some of them
python tests/frameworks/run.py --here openai  in this environment
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
QUESTION = "Which planet has rings?"
CONFTEST = """
import sys
sys.path[:0] = [{here!r}, {here!r} + "/programs", {here!r} + "/../shared"]
import program  # the environment of the programs
import pytest

@pytest.fixture(scope="session")
def memo_config():
    return {{"patches": {presets!r}}}
"""
sys.path.insert(0, str(HERE))

from serving import ProviderServer  # noqa: E402


class Ran(NamedTuple):
    """One run of a program: what it printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """What the program gave."""
        return json.loads(self.out.splitlines()[-1])


class Failure(Exception):
    """What does not hold of a framework."""


def names() -> list[str]:
    """Return the names of the programs."""
    return sorted(path.name.removesuffix("_program.py") for path in (HERE / "programs").glob("*_program.py"))


def run(python: str, name: str, mode: str, store: Path, url: str, question: str = QUESTION) -> Ran:
    """Run a program in its own process."""
    command = [python, str(HERE / "program.py"), name, mode, str(store), url, question]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "HOME": str(store.parent)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env=environment, cwd=store.parent, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test(python: str, folder: Path) -> Ran:
    """Run the tests of a folder in a process of their own."""
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "memo.pytest_plugin",
        "-W",
        "ignore",
        str(folder),
    ]
    # Of pytest's plugins for cassettes only one can be loaded at a time.
    environment = {**os.environ, "HOME": str(folder.parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for inherited in ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "MEMO_MODE", "CI"):
        environment.pop(inherited, None)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env=environment, cwd=folder.parent, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def keys(store: Path) -> list[str]:
    """Return the names of a store's recordings."""
    return sorted(path.relative_to(store).as_posix() for path in store.rglob("*.json"))


class Held(NamedTuple):
    """What holds of a framework: how many recordings it makes, and what becomes of a miss in it."""

    recordings: int
    miss: str


def check(python: str, name: str, folder: Path, *, quick: bool = False) -> Held:
    """Return what holds of a framework. Raises `Failure`. With `quick`, in 4 processes instead of 6."""
    server = ProviderServer()
    url, port = f"http://127.0.0.1:{server.server_port}", server.server_port
    recorded = [good(run(python, name, "record", folder / store, url), "record") for store in ("a", "b")]
    verified(python, name, folder, url)
    server.stop()
    first, second = keys(folder / "a"), keys(folder / "b")
    if not first:
        raise Failure("nothing was recorded")
    if first != second:
        raise Failure(f"the second recording has other keys: {sorted({*first} ^ {*second})}")
    for store in "b" if quick else "ab":
        live, again = recorded["ab".index(store)], good(run(python, name, "replay", folder / store, url), "replay")
        if again.result["live"]:
            raise Failure(f"the replay made {again.result['live']} live calls")
        if again.result["result"] != live.result["result"]:
            raise Failure(f"the replay differs:\n{difference(live.result['result'], again.result['result'])}")
    server = ProviderServer(port)  # it would answer
    try:
        return Held(len(first), missed(python, name, folder, url, server, quick=quick))
    finally:
        server.stop()


def verified(python: str, name: str, folder: Path, url: str) -> None:
    """Make the recorded calls of a program again, where it says how: each is made, and none has changed but in values."""
    settings = getattr(_program(name), "VERIFY", None)
    if settings is None:
        return
    environment = {**os.environ, **KEYS, "HOME": str(folder), "PYTHONPATH": str(HERE / "programs")}
    environment |= {variable: text.format(url=url) for variable, text in settings.items() if variable.isupper()}
    options = settings.get("options", "").split()
    command = [python, "-m", "memo", "verify", "--live", "--json", str(folder / "a"), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env=environment, cwd=folder, check=False
    )
    if done.returncode:
        raise Failure(f"memo verify --live fails:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    if report["left"] or not report["checked"] or report["tiers"].keys() - {"value"}:
        raise Failure(f"memo verify --live: {json.dumps(report, indent=1)[:3000]}")


KEYS = dict.fromkeys(
    (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "ANTHROPIC_API_KEY",
        "CO_API_KEY",
        "GOOGLE_API_KEY",
        "OPENAI_API_KEY",
    ),
    "dummy-key",
)
"""What SDKs want in the environment."""
MISS = "there is no recording of this call"
CHANGED = "And which has none?"
TEST = """
import asyncio
import contextlib
import pytest
import {module}

@pytest.mark.memo(fallback=[{store!r}])
def test_program(memo_recorder):
    with contextlib.suppress(Exception):  # whatever the framework, or the program, makes of a miss
        asyncio.run({module}.main({url!r}, {question!r}))
"""


def missed(python: str, name: str, folder: Path, url: str, server: ProviderServer, *, quick: bool) -> str:
    """Return how a miss shows: another question makes no live call, its message gets through, and under pytest its test fails."""
    plain = None if quick else run(python, name, "replay", folder / "a", url, CHANGED)
    if plain is not None and MISS not in plain.out + plain.err:
        raise Failure(f"the message of a miss does not get through:\n{plain.out[-500:]}\n{plain.err[-1500:]}")
    tests = folder / "tests"
    tests.mkdir()
    module = f"{name}_program"
    source = TEST.format(module=module, store=str(folder / "a"), url=url, question=CHANGED)
    (tests / "test_program.py").write_text(source)
    (tests / "conftest.py").write_text(CONFTEST.format(here=str(HERE), presets=presets(name)))
    tested = test(python, tests)
    if tested.code != 1 or MISS not in tested.out or "1 failed" not in tested.out:
        raise Failure(f"under pytest, a miss does not fail its test:\n{tested.out[-3000:]}\n{tested.err[-1000:]}")
    memos = tested.out.partition("- Captured ")[0]  # a framework may log what it tries again each time
    keys_shown = Counter(re.findall(r"\bkey: +([0-9a-f]{32})\b", memos))
    if not keys_shown or max(keys_shown.values()) > 1:
        raise Failure(f"under pytest, a miss is not shown once: {keys_shown}\n{tested.out[-6000:]}")
    if server.seen:
        raise Failure(f"a miss went to the server: {server.seen}")
    return shown(plain) if plain is not None else "a failure of its test"


def shown(ran: Ran) -> str:
    """Return how the miss of a program shows: raised, as the cause of another error, or in the log."""
    raised = ran.result.get("raised", []) if ran.out else []
    if "RecordingNotFound" not in raised:
        return "in the log"
    return "raised" if raised[0] == "RecordingNotFound" else f"the cause of `{raised[0]}`"


def good(ran: Ran, what: str) -> Ran:
    """Return the run if it ended well. Raises `Failure`."""
    if ran.code:
        raise Failure(f"{what} failed:\n{ran.err[-3000:]}")
    return ran


def difference(one: Any, other: Any, path: str = "") -> str:
    """Return where two results differ first."""
    if type(one) is type(other) and isinstance(one, dict) and one.keys() == other.keys():
        return next((difference(one[key], other[key], f"{path}.{key}") for key in one if one[key] != other[key]), "")
    if type(one) is type(other) and isinstance(one, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next((difference(left, right, f"{path}[{at}]") for at, (left, right) in pairs if left != right), "")
    return f"  at {path}: {str(one)[:300]!r} → {str(other)[:300]!r}"


def needs(name: str) -> list[str]:
    """Return the packages that a program needs."""
    return list(_program(name).NEEDS)


def presets(name: str) -> list[str]:
    """Return what a program has installed."""
    return list(_program(name).PRESETS)


def _program(name: str) -> Any:
    sys.path.insert(0, str(HERE / "programs"))
    return __import__(f"{name}_program")


def environment(name: str, at: Path) -> str:
    """Make an environment for a program; return its interpreter."""
    python = at / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(at / name)], check=True)
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-e",
            f"{ROOT}[cli]",
            "pytest",
            *needs(name),
        ]
        subprocess.run(install, check=True)
    return str(python)


def versions(python: str, packages: Sequence[str]) -> list[str]:
    """Return the packages with their versions in an environment."""
    plain = [package.partition("[")[0].partition("<")[0].partition(">")[0] for package in packages]
    code = "import sys, importlib.metadata as m; print(*(m.version(p) for p in sys.argv[1:]))"
    found = subprocess.run([python, "-c", code, *plain], capture_output=True, text=True, check=True).stdout.split()
    return [f"{package} {version}" for package, version in zip(plain, found, strict=True)]


def main() -> int:
    """Run the programs that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--here", action="store_true", help="in this environment")
    parser.add_argument("--envs", type=Path, help="where the environments are, or are to be made (a temporary folder)")
    given = parser.parse_args()
    at = given.envs or Path(tempfile.mkdtemp())
    rows: list[tuple[str, str, Held]] = []
    failed = 0
    for name in given.names or names():
        with tempfile.TemporaryDirectory() as folder:
            try:
                python = sys.executable if given.here else environment(name, at)
                made = check(python, name, Path(folder))
                rows.append((name, ", ".join(versions(python, needs(name))), made))
                sys.stdout.write(f"{name}: {made.recordings} recordings, replayed; a miss: {made.miss}\n")
            except (Failure, subprocess.SubprocessError) as failure:
                failed += 1
                sys.stdout.write(f"{name}: FAILED: {failure}\n")
            sys.stdout.flush()
    if given.envs is None:
        shutil.rmtree(at)
    if not given.here:
        table(rows)
    return 1 if failed else 0


def table(rows: list[tuple[str, str, Held]]) -> None:
    """Write docs/frameworks.md: these rows anew, the others as they are there."""
    page = ROOT / "docs" / "frameworks.md"
    head = (HERE / "head.md").read_text(encoding="utf-8")
    kept = page.read_text(encoding="utf-8").removeprefix(head).splitlines() if page.exists() else []
    lines = {line.split(" ")[1]: line for line in kept if line.startswith("| ")}
    for name, found, made in rows:
        installed = ", ".join(f"`{preset}`" for preset in presets(name))
        lines[name] = f"| {name} | {found} | {installed} | {made.recordings} | {made.miss} |"
    page.write_text(head + "\n".join(lines[name] for name in sorted(lines)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
