"""The options of `recordable`: named, typed and checked here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, TypedDict

from memo._engine.rules.option_types import check_types
from memo._engine.storing.tags import Tags
from memo.errors import UnknownOption
from memo.scrub import Scrubber

__all__ = ["Options", "check_options"]


class Options(TypedDict, total=False):
    """The options of `recordable`."""

    name: str | None
    version: str | int | None
    ignore: Iterable[str]
    watch: Iterable[str]
    key: Callable[[dict[str, Any]], Mapping[str, Any]] | None
    identity: Callable[[Any], Any] | None
    scrub: Mapping[str, Scrubber | Iterable[Scrubber]] | None
    secrets: Iterable[str]
    allow_secrets: Iterable[str]
    errors: Literal["none", "answers", "all"] | None
    trust: Iterable[str]
    ttl: str | timedelta | None
    streams: Iterable[str]
    tags: Tags


def check_options(options: Options) -> None:
    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        raise UnknownOption("recordable", min(unknown), sorted(Options.__annotations__))
    check_types(options)
