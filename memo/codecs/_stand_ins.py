"""Objects in the place of recorded streams: of the same class, built without its `__init__`.

What is `recorded` are the items of `memo.codecs.streams.RecordedItems`.
"""

from __future__ import annotations

import functools
import inspect
import io
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from memo._values.kinds import declares

__all__ = ["stand_in"]


def stand_in(cls: Any, kind: str, recorded: Any, attributes: dict[str, Any], after: dict[str, Any]) -> Any:
    """Return an object of a class, built without its `__init__`, that gives what was recorded of another such object.

    The attributes that had changed at the end of the stream change at its end again.
    """
    value = _new(_stand_in_class(cls, kind))
    state = value.__dict__
    state.update(attributes)
    recorded.on_end = functools.partial(state.update, after)
    recorded.on_change = state.update
    if kind.endswith("bytes"):
        state["_memo_items"] = _Body(recorded)
    else:
        state["_memo_items"] = recorded.play() if kind == "sync" else recorded.aplay()
    return value


class _Body:
    """Recorded bytes, read in any steps. What gave less than it was asked for gives no more than that again."""

    def __init__(self, recorded: Any) -> None:
        self._recorded = recorded
        self._pieces = recorded.pieces()[::-1]
        short = recorded.node.get("short", ())
        self._short = {len(self._pieces) - 1 - at for at in short if type(at) is int}
        """How many pieces follow those that gave less than they were asked for."""
        self._rest: Any = None

    def read(self, size: int | None = None) -> bytes:
        data, missing = self._take(size)
        if missing:
            self._rest = self._rest or self._recorded.body()
            if self._rest is not None:
                data += bytes(self._rest.read(missing))
                self._recorded.refresh()
        return data

    async def aread(self, size: int | None = None) -> bytes:
        data, missing = self._take(size)
        if missing:
            self._rest = self._rest or await self._recorded.abody()
            if self._rest is not None:
                data += bytes(await self._rest.read(missing))
                self._recorded.refresh()
        return data

    def _take(self, size: int | None) -> tuple[bytes, int]:
        """Return recorded bytes, and how many are still to be had from what follows them, -1 for all."""
        left = -1 if size is None or size < 0 else size
        taken: list[bytes] = []
        is_short = False
        while self._pieces and left and not is_short:
            piece = self._pieces.pop()
            if left >= 0:
                if len(piece) > left:
                    self._pieces.append(piece[left:])
                    piece = piece[:left]
                left -= len(piece)
            taken.append(piece)
            is_short = left > 0 and len(self._pieces) in self._short
        if not self._pieces:
            self._recorded.on_end()
        is_enough = is_short or (left > 0 and taken and not self._recorded.goes_on)
        return b"".join(taken), 0 if is_enough else left


def _new(cls: Any) -> Any:
    return (io.IOBase if issubclass(cls, io.IOBase) else object).__new__(cls)


@functools.lru_cache(maxsize=256)
def _stand_in_class(cls: Any, kind: str) -> type:
    methods: dict[str, Any] = {"__del__": _nothing, "__getattr__": _missing}
    if kind.endswith("bytes"):
        methods |= {"read": _aread if kind == "async bytes" else _read}
        if declares(cls, "readinto"):
            methods["readinto"] = _readinto
    elif kind == "sync":
        methods |= {"__iter__": _itself if declares(cls, "__next__") else _items}
        if declares(cls, "__next__"):
            methods["__next__"] = _next
    else:
        methods |= {"__aiter__": _itself if declares(cls, "__anext__") else _items}
        if declares(cls, "__anext__"):
            methods["__anext__"] = _anext
    for name, (sync, is_async) in _ENDS.items():
        if declares(cls, name):
            methods[name] = is_async if _is_async(cls, name) else sync
    return type(
        cls.__name__,
        (cls,),
        {**methods, "__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": None},
    )


def _is_async(cls: Any, name: str) -> bool:
    return name.startswith("__a") or inspect.iscoroutinefunction(inspect.getattr_static(cls, name))


def _nothing(*_: Any) -> None: ...


def _missing(self: Any, name: str) -> Any:
    raise AttributeError(
        f"{type(self).__name__!r} object has no attribute {name!r} in a replay: it had none, or one that is no data",
        name=name,
        obj=self,
    )


def _itself(self: Any) -> Any:
    return self


def _items(self: Any) -> Any:
    return self._memo_items


def _next(self: Any) -> Any:
    return next(self._memo_items)


async def _anext(self: Any) -> Any:
    return await anext(self._memo_items)


def _read(self: Any, size: int | None = None, *_: Any) -> bytes:
    return bytes(self._memo_items.read(size))


async def _aread(self: Any, size: int | None = None, *_: Any) -> bytes:
    return bytes(await self._memo_items.aread(size))


def _readinto(self: Any, buffer: Any) -> int:
    view = memoryview(buffer).cast("B")
    data = self._memo_items.read(len(view))
    view[: len(data)] = data
    return len(data)


def _close(self: Any, *_: Any) -> None:
    items = self.__dict__.get("_memo_items")
    if isinstance(items, Generator):
        items.close()


async def _aclose(self: Any, *_: Any) -> None:
    items = self.__dict__.get("_memo_items")
    if isinstance(items, AsyncGenerator):
        await items.aclose()
    _close(self)


async def _aitself(self: Any) -> Any:
    return self


_ENDS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "close": (_close, _aclose),
    "aclose": (_close, _aclose),
    "__enter__": (_itself, _aitself),
    "__exit__": (_close, _aclose),
    "__aenter__": (_itself, _aitself),
    "__aexit__": (_close, _aclose),
}
