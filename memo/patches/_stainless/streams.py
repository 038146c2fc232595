"""The stream objects of the SDKs: their inner iterators, taken over while recording and replaced in a replay."""

from __future__ import annotations

import copy
import functools
import inspect
import typing
from typing import Any

from memo.patches._stainless.request import Request

__all__ = ["item_type", "taken_over", "takes_options"]


def taken_over(opened: Any) -> Any:
    """Return the inner iterator of the SDK's stream object, without a reference to that object.

    A stream object that its consumer forgets is then collected at once, not when the garbage collector runs.
    """
    twin = copy.copy(opened)
    twin.__dict__.pop("_iterator", None)
    opened.__dict__.pop("_iterator", None)
    return twin.__stream__()


@functools.lru_cache(maxsize=256)
def takes_options(stream_cls: Any) -> bool:
    """Return whether a stream class takes the options of its request."""
    return "options" in inspect.signature(stream_cls).parameters


def item_type(request: Request) -> Any:
    """Return the type of a stream's items."""
    kind = request.stream_cls
    for base in (kind, *getattr(kind, "__orig_bases__", ())):
        arguments = typing.get_args(base)
        if arguments:
            return arguments[0]
    return request.cast_to
