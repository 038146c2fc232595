"""Pages and wrappers: models of an SDK that hold their client, or that no name leads to, as they are recorded."""

from __future__ import annotations

import functools
from typing import Any

from pydantic import BaseModel

__all__ = ["as_page", "is_page", "page_of", "settled"]


def settled(value: Any) -> Any:
    """Return a model as it is recorded: a page without its client, a wrapped list bare."""
    if isinstance(value, BaseModel):
        kind = type(value)
        if is_page(kind):
            return as_page(_named(kind), value)
        data = vars(value).get("data")
        if isinstance(data, list) and kind.__module__.endswith("._wrappers") and kind.model_fields.keys() == {"data"}:
            return data  # llama-stack-client's DataWrapper[List[Model]] has no importable name
    return value


@functools.lru_cache(maxsize=1024)
def _named(page: Any) -> Any:
    """Return a page's class; without its item type where that is no class, since no name leads to such a page."""
    generic = page.__pydantic_generic_metadata__
    return page if all(isinstance(item, type) for item in generic["args"]) else generic["origin"]


def page_of(cls: Any, data: list[Any]) -> Any:
    """Return the page or the wrapper that the SDK makes of a list: one that was imported, or recorded bare."""
    return cls.model_construct(data=data, **({"object": "list"} if "object" in cls.model_fields else {}))


@functools.lru_cache(maxsize=1024)
def is_page(cls: type) -> bool:
    """Return whether a class is a page of an SDK."""
    return any(base.__name__ == "BasePage" for base in cls.__mro__)


def as_page(cls: Any, page: BaseModel) -> Any:
    """Copy a page as one of another class, without its client."""
    made: Any = object.__new__(cls)
    object.__setattr__(made, "__dict__", dict(page.__dict__))
    object.__setattr__(made, "__pydantic_fields_set__", set(page.__pydantic_fields_set__))
    extra = page.__pydantic_extra__
    object.__setattr__(made, "__pydantic_extra__", dict(extra) if extra is not None else None)
    object.__setattr__(made, "__pydantic_private__", {})
    return made
