"""Read cassettes interaction by interaction: YAML of any size, and JSON and TOML, which are read whole.

Only text, bytes, numbers, lists and mappings are built from them, whatever tags they have.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from memo.errors import MissingExtra
from memo.importers.report import NotCarried

__all__ = ["Item", "NoCassette", "OwnRecording", "interactions", "require_yaml"]

_SECTIONS = ("interactions", "grpc_interactions", "ws_interactions", "observed_requests", "http_interactions")
"""The sections with recorded items: of vcrpy and cassetter, of cassetter for other protocols, of Ruby's VCR."""
_DEEPEST = 200
"""Levels of nested nodes. Composing a node takes three of Python's 1,000 frames."""


class NoCassette(NotCarried):
    """A file that is no cassette."""

    def __init__(self) -> None:
        super().__init__("holds no interactions, so it is not a cassette")


class OwnRecording(NoCassette):
    """A file of memo's own."""


class Item(NamedTuple):
    """One entry of a cassette."""

    section: str
    aliased: bool
    """True if it uses YAML's aliases, so it can be far larger than the file once it is expanded."""
    build: Callable[[], Any]
    """Returns the data. Raises for whatever is wrong with this item alone."""


def require_yaml() -> None:
    """Raise `MissingExtra` if there is nothing to read YAML with."""
    try:
        import_module("yaml")
    except ModuleNotFoundError:
        raise MissingExtra("importing cassettes", "cassettes") from None


def interactions(path: Path, *, yaml: str) -> Iterator[Item]:
    """Yield what a cassette holds, in order. `yaml` is the version of YAML that the tool writes: "1.1" or "1.2".

    Raises `NoCassette` for another file, `NotCarried` where it cannot be read, or not any further.
    """
    try:
        with path.open("rb") as file:
            match path.suffix.lower():
                case ".json":
                    yield from _sections(json.load(file))
                case ".toml":
                    yield from _sections(tomllib.load(file))
                case _:
                    yield from _yaml(file, core=yaml == "1.2")
    except OSError as error:
        raise NotCarried(f"cannot be read: {error.strerror}") from None
    except RecursionError:
        raise NotCarried("is nested too deep") from None
    except ValueError as error:
        raise NotCarried(f"is damaged, or was cut off ({error})") from None


def _sections(document: Any) -> Iterator[Item]:
    found = [section for section in _SECTIONS if section in document] if isinstance(document, dict) else []
    if not found:
        raise OwnRecording if isinstance(document, dict) and "memo" in document else NoCassette
    for section in found:
        items = document[section]
        if not isinstance(items, list):
            raise NotCarried(f"has {section} that are no list")
        for data in items:
            yield Item(section, aliased=False, build=partial(_itself, data))


def _itself(value: Any) -> Any:
    return value


def _yaml(file: BinaryIO, *, core: bool) -> Iterator[Item]:
    yaml: Any = import_module("yaml")
    loader = _loader(core)(file)
    try:
        yield from _yaml_items(yaml, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}" if mark else ""
        raise NotCarried(
            f"is damaged, or was cut off{where}, or is nested too deep (PyYAML: {error.problem})"
        ) from None
    except yaml.YAMLError as error:
        raise NotCarried(f"is damaged: {error}") from None
    finally:
        loader.dispose()


def _yaml_items(yaml: Any, loader: Any) -> Iterator[Item]:
    seen = set[str]()
    loader.get_event()  # the stream's start
    if loader.check_event(yaml.StreamEndEvent):
        raise NotCarried("is empty")
    loader.get_event()  # the document's
    if not isinstance(loader.get_event(), yaml.MappingStartEvent):
        raise NoCassette
    while not loader.check_event(yaml.MappingEndEvent):
        section = str(loader.construct_document(loader.compose_node(None, None)))
        seen.add(section)
        if section not in _SECTIONS:
            loader.compose_node(None, None)
            continue
        if not isinstance(loader.get_event(), yaml.SequenceStartEvent):
            raise NotCarried(f"has {section} that are no list")
        while not loader.check_event(yaml.SequenceEndEvent):
            loader.aliased = False
            node = loader.compose_node(None, None)
            yield Item(section, loader.aliased, partial(loader.construct_document, node))
        loader.get_event()
    if seen.isdisjoint(_SECTIONS):
        raise NoCassette
    if "version" not in seen:  # which vcrpy writes last, and cassetter first
        raise NotCarried("has no version, so it was cut off: what stood after its last interaction is lost")


@cache
def _loader(core: bool) -> Any:  # noqa: FBT001 - cached by its place
    """Return PyYAML's safe loader, in C if available, which hands out a document node by node.

    With `core`, plain scalars have the types of YAML 1.2 and JSON: 2026-01-01 and 1:30 are text, 1.0e-7 is a number.
    """
    yaml: Any = import_module("yaml")
    composer: Any = import_module("yaml.composer").Composer
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base, composer):  # type: ignore[misc]
        def __init__(self, stream: BinaryIO) -> None:
            base.__init__(self, stream)
            composer.__init__(self)
            self.aliased = False
            self.depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.aliased = self.aliased or self.check_event(yaml.AliasEvent)
            self.depth += 1
            if self.depth > _DEEPEST:
                raise RecursionError  # before Python or PyYAML raises an error in other words
            node = composer.compose_node(self, parent, index)
            self.depth -= 1
            return node

    if core:
        Loader.yaml_implicit_resolvers = {}
        for tag, pattern, first in _CORE:
            Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), first)
    return Loader


_CORE: tuple[tuple[str, str, list[str]], ...] = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
)
