"""The package as a whole: which module may import which, what is public, and what `import memo` costs."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import version
from pathlib import Path
from typing import get_origin

import pytest

import memo

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "memo"

# A room is a folder of `memo/`, or a module that stands beside them. Each row names all that the room may import.
BASE = {"errors", "fault", "keep", "scrub", "_json", "_values"}
ENGINE = BASE | {"codecs", "_calls", "_recordings", "stores", "_engine"}
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "fault": {"errors"},
    "keep": set(),
    "scrub": {"_values"},
    "_installation": set(),
    "_json": set(),
    "_values": {"errors"},
    "codecs": BASE,
    "_calls": BASE | {"codecs"},
    "_recordings": BASE | {"codecs", "_calls"},
    "stores": BASE | {"_calls"},
    "_engine": ENGINE - {"_engine"},
    "maintenance": ENGINE - {"_engine"},
    "_configuration": ENGINE,
    "patches": ENGINE | {"_configuration"},
    "integrations": ENGINE,
    "_verifying": ENGINE | {"maintenance", "patches", "_configuration"},
    "importers": ENGINE | {"patches"},
    "demo": ENGINE | {"patches"},
    "pytest_plugin": ENGINE | {"maintenance", "patches", "_configuration", "_installation"},
    "cli": ENGINE | {"maintenance", "patches", "_verifying", "importers", "demo", "_configuration", "_installation"},
    "__init__": ENGINE | {"maintenance", "patches", "integrations"},
    "__main__": BASE | {"cli"},
}

# The folders of the engine, from the ground up: each may import those before it.
ENGINE_FLOORS = (
    "rules",
    "waiting",
    "numbering",
    "storing",
    "reports",
    "streaming",
    "sessions",
    "live",
    "calls",
    "scopes",
)

OPTIONAL = """
    anthropic google groq hypothesis httpx httpx2 key_value kingfisher_sdk llama_stack_client mcp numpy obstore ollama
    openai opentelemetry pandas pytest redis requests rich sqlite3 trio typer yaml
""".split()


def modules() -> dict[str, Path]:
    """Every module by its dotted name; a package is its `__init__`."""
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    """The room that a module is in: `codecs` for `memo.codecs.types`."""
    return module.split(".")[1]


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of every import of this package's own, under TYPE_CHECKING and inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            if name.startswith(".") or name.split(".")[0] == "memo":
                yield node.lineno, name


def offences(module: str, source: str) -> list[str]:
    found: list[str] = []
    for line, name in imported(ast.parse(source)):
        if name == "memo":
            if room(module) != "__init__":  # which names its own sub-modules so
                found.append(f"line {line}: imports the package root; import from the module that defines the name")
        elif name.startswith("."):
            found.append(f"line {line}: imports relatively ({name}); write the whole name")
        elif room(name) == room(module):
            continue
        elif room(name) not in ROOMS[room(module)]:
            found.append(f"line {line}: {room(module)} imports {name}, which is in a room it may not import")
        elif any(part.startswith("_") for part in name.split(".")[2:]):
            found.append(f"line {line}: imports {name}, which is private to {room(name)}")
    return found


def climbs(module: str, source: str) -> list[str]:
    """Return the imports of an engine's module from a folder of the engine above its own."""
    floor = ENGINE_FLOORS.index(module.split(".")[2])
    above = {f"memo._engine.{folder}" for folder in ENGINE_FLOORS[floor + 1 :]}
    return [
        f"line {line}: imports {name}, which is above {ENGINE_FLOORS[floor]}"
        for line, name in imported(ast.parse(source))
        if ".".join(name.split(".")[:3]) in above
    ]


def test_every_module_is_in_a_room():
    unknown = {room(module) for module in modules()} - ROOMS.keys()
    assert not unknown, f"give {', '.join(sorted(unknown))} a row in ROOMS: what may it import?"


def test_rooms_import_one_way():
    assert [room for room, below in ROOMS.items() if any(room in ROOMS[other] for other in below)] == []


@pytest.mark.parametrize("module", modules())
def test_imports_follow_the_rooms(module: str):
    assert offences(module, modules()[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source", "offends"),
    [
        ("memo._calls.canonical", "from memo.errors import MemoError", False),
        ("memo._calls.canonical", "from memo.codecs.values import Values", False),
        ("memo._calls.canonical", "from memo.codecs._writer import Writer", True),
        ("memo.codecs.values", "from memo.codecs.types import Types", False),
        ("memo.codecs", "import memo._calls.canonical", True),
        ("memo._calls.canonical", "def late():\n    from memo._engine.streaming.streams import tee", True),
        ("memo._calls.canonical", "if TYPE_CHECKING:\n    from memo._engine.scopes.recorder import Recorder", True),
        ("memo.maintenance.verify", "from memo._engine.sessions.session import Session", True),
        ("memo.cli", "from memo import errors", True),
        ("memo.__main__", "import memo", True),
        ("memo.codecs.values", "from ._writer import Writer", True),
    ],
)
def test_the_rule_itself(module: str, source: str, offends: bool):
    assert bool(offences(module, source)) is offends


def engine_modules() -> list[str]:
    return [module for module in modules() if module.startswith("memo._engine.") and module.count(".") > 2]


def test_every_module_of_the_engine_is_in_a_folder():
    assert {module for module in modules() if module.startswith("memo._engine.")} == {
        *engine_modules(),
        "memo._engine.__init__",
    }
    assert {module.split(".")[2] for module in engine_modules()} == set(ENGINE_FLOORS)


@pytest.mark.parametrize("module", engine_modules())
def test_folders_of_the_engine_import_downwards(module: str):
    assert climbs(module, modules()[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source", "offends"),
    [
        ("memo._engine.calls.driver", "from memo._engine.live.attempt import Attempt", False),
        ("memo._engine.live.attempt", "from memo._engine.calls.driver import SyncDriver", True),
        ("memo._engine.sessions.active", "from memo._engine.sessions.session import Session", False),
        ("memo._engine.rules.modes", "def late():\n    from memo._engine.scopes import scope", True),
        ("memo._engine.storing.gateway", "if TYPE_CHECKING:\n    import memo._engine.sessions.session", True),
    ],
)
def test_the_rule_for_the_engine(module: str, source: str, offends: bool):
    assert bool(climbs(module, source)) is offends


def circle(sources: dict[str, str]) -> list[str]:
    """Return modules of which each imports the next, and the last the first: for types, and inside functions, too."""
    graph: dict[str, set[str]] = {}
    for module, source in sources.items():
        found = graph[module] = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                found.update(name if name in sources else node.module or "" for name in names)
            elif isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
    try:
        TopologicalSorter({module: names & sources.keys() - {module} for module, names in graph.items()}).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_modules_import_one_another_in_a_circle():
    sources = {name.removesuffix(".__init__"): path.read_text(encoding="utf-8") for name, path in modules().items()}
    assert circle(sources) == []


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ("from memo.b import x", "from memo.errors import y", []),
        ("from memo.b import x", "from memo.a import y", ["memo.a", "memo.b", "memo.a"]),
        ("from memo import b", "import memo.a", ["memo.a", "memo.b", "memo.a"]),
        (
            "if TYPE_CHECKING:\n    from memo.b import x",
            "def late():\n    from memo.a import y",
            ["memo.a", "memo.b", "memo.a"],
        ),
    ],
)
def test_the_rule_for_circles(a: str, b: str, found: list[str]):
    assert circle({"memo.a": a, "memo.b": b, "memo.errors": ""}) in (found, [*found[1:], *found[1:2]])


# A test imports public modules and the room that it tests. Beside these:
STORED_FORM = {"_json", "_calls.call", "_calls.digest", "_calls.fingerprints", "_recordings.document"}
"""The one maker of keys, names and documents: tests that build, move or damage a recording by hand need it."""
EXCEPTIONS: dict[str, set[str]] = {
    "codecs/test_fuzz.py": {"_recordings.outcomes"},  # damages what was encoded, and replays it
    "codecs/test_names.py": {"_values.kinds"},  # the cache by class that codecs are found with
    "daily/conftest.py": {"pytest_plugin._suite"},  # imported once, for the inner and the outer run
    "engine/test_expiry.py": {"_recordings.ages"},  # how an age is written
    "engine/test_miss.py": {"_recordings.differences"},  # the mark of what one side lacks
    # whether two recordings differ, as a review and `verify` ask
    "importers/test_as_recorded.py": {"_recordings.changed", "_recordings.outcome_changes"},
    "patches/test_guard.py": {"_engine.sessions.known_sdks"},  # the table of the guard names what the presets patch
    "patches/test_mode_rules.py": {"_engine.rules.patterns"},  # the table of names that patterns are checked with
    "patches/test_readme.py": {"_configuration"},  # the configuration that the README shows
    "pytest_plugin/test_network.py": {
        "_engine.sessions"
    },  # the guard of the network, whose warnings and names it looks at
    "recordings/test_differences.py": {"_values.paths"},  # the paths that differences are named by
    "server/test_lost_scopes.py": {"_engine.scopes.carried"},
    "server/test_middleware.py": {"_engine.scopes.carried"},  # ends what else lives as long as a server's process
    "shared/faulty.py": {"_engine.storing"},  # waits for no circuit breaker
    "verifying/conftest.py": {"_recordings.changes"},
    "verifying/test_live.py": {"_recordings.changes"},  # the tiers in which changes are expected
    "shared/mutations.py": {"_calls.secrets", "_recordings.outcome_forms"},  # encodes what is damaged then
    "stores/test_urls.py": {"_configuration"},  # a store that a configuration names by its URL
    "test_public_surface.py": {"_engine.sessions.session"},  # whose class is public under another name
    "test_readme.py": {"_engine.sessions.options", "_engine.calls.options"},  # the options that the README lists
    "values/test_paths.py": {"_recordings.differences"},  # writes the paths that are read here
}


def foreign(test: str, source: str) -> list[str]:
    """Return the private modules of other rooms that a test imports."""
    folder = test.split("/", maxsplit=1)[0]
    found: list[str] = []
    for _, name in imported(ast.parse(source)):
        parts = name.split(".")[1:]
        if parts[:1] in ([folder], [f"_{folder}"]) or not any(re.match("_[a-z]", part) for part in parts):
            continue
        if ".".join(parts) not in STORED_FORM:
            found.append(".".join(parts))
    return found


def test_tests_import_public_modules_or_their_room():
    folder = ROOT / "tests"
    found = {
        path.relative_to(folder).as_posix(): set(foreign(path.relative_to(folder).as_posix(), path.read_text("utf-8")))
        for path in folder.rglob("*.py")
    }
    assert {test: names for test, names in found.items() if names} == EXCEPTIONS


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from memo.stores import MemoryStore\nfrom memo.stores._urls import options", []),
        ("from memo._engine.sessions.session import Session", ["_engine.sessions.session"]),
        ("def late():\n    import memo.codecs._writer", ["codecs._writer"]),
        ("from memo.__main__ import main\nfrom memo._calls.digest import entry_name", []),
    ],
)
def test_the_rule_for_tests(source: str, names: list[str]):
    assert foreign("stores/test_urls.py", source) == names


def public_modules() -> list[str]:
    names = (name.removesuffix(".__init__") for name in modules())
    return [name for name in names if not any(part.startswith("_") for part in name.split("."))]


@pytest.mark.parametrize("name", public_modules())
def test_public_modules_say_what_is_public(name: str):
    # That `__all__` is sorted is ruff's to check (RUF022).
    module = importlib.import_module(name)
    names = getattr(module, "__all__", None)
    assert names is not None, f"{name} has no __all__"
    assert len(names) == len(set(names))
    assert [exported for exported in names if not hasattr(module, exported)] == []


def test_everything_exported_has_a_docstring():
    assert memo.__all__
    named = {name: getattr(memo, name) for name in memo.__all__}
    assert [name for name, thing in named.items() if not get_origin(thing) and not (thing.__doc__ or "").strip()] == []


def test_importing_memo_imports_nothing_optional():
    program = f"import sys, memo; print(*sorted({set(OPTIONAL)!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_search_for_secrets_is_loaded_by_what_needs_it():
    program = """
import sys
from memo import recordable, recording
def loaded():
    print(*sorted(name[19:] for name in sys.modules if name.startswith("memo._calls.secret_") and name[19:] in NAMES), sep=",")
NAMES = ("search", "shapes", "text")
loaded()
f = recordable(name="f")(lambda text: text)
for text in ("a planet", "sk-proj-abcdefghijklmnop0123"):
    with recording("memory://", mode="record"):
        f(text)
    loaded()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["", "search,shapes", "search,shapes,text"]


def test_one_version():
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert version("memo-recorder") == stated
    assert getattr(memo, "__version__", stated) == stated


def test_nothing_is_left_to_do():
    mark = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [name for name, path in modules().items() if mark.search(path.read_text(encoding="utf-8"))] == []
