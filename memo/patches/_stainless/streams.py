"""The stream objects of the SDKs: their inner iterators, taken over while recording and replaced in a replay."""

from __future__ import annotations

import copy
import functools
import inspect
import typing
import weakref
from typing import Any

from memo.patches._stainless.request import Request

__all__ = ["afeed", "feed", "item_type", "taken_over", "takes_options"]


def taken_over(opened: Any) -> Any:
    """Return the inner iterator of the SDK's stream object, without a reference to that object.

    A stream object that its consumer forgets is then collected at once, not when the garbage collector runs.
    """
    twin = copy.copy(opened)
    twin.__dict__.pop("_iterator", None)
    opened.__dict__.pop("_iterator", None)
    return twin.__stream__()


def afeed(opened: Any, items: Any) -> None:
    """Give the stream object these items. Closing its response ends them."""
    opened._iterator = items
    response = opened.response
    passing, kept = weakref.ref(items), weakref.ref(response)

    async def aclose() -> None:
        # The SDK closes the response and leaves its iterator where it is: the consumer has left. At the end, the
        # iterator itself closes the response, and is running.
        items, response = passing(), kept()
        if items is not None and not items.ag_running:
            await items.aclose()
        if response is not None:
            await type(response).aclose(response)

    response.aclose = aclose


def feed(opened: Any, items: Any) -> None:
    """Sync twin of `afeed`."""
    opened._iterator = items
    response = opened.response
    passing, kept = weakref.ref(items), weakref.ref(response)

    def close() -> None:
        items, response = passing(), kept()
        if items is not None and not items.gi_running:
            items.close()
        if response is not None:
            type(response).close(response)

    response.close = close


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
