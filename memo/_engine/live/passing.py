"""What takes the place of a live stream inside a result: the stream itself in everything but its items.

The methods of its class run on the stand-in, so that what they read of the stream is recorded, too.
"""

from __future__ import annotations

import functools
import inspect
import io
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from memo._engine.live.carried import carry, is_more, note_use
from memo._engine.live.held import Part
from memo._engine.streaming.begun import LiveStream, LiveSyncStream
from memo._engine.streaming.consumers import Consumer, is_cancelled
from memo._engine.streaming.delegates import Delegate, delegate_class
from memo._engine.streaming.streams import stream, stream_sync
from memo._engine.waiting.flights import Pending
from memo._values.kinds import (
    BUILTINS,
    declares,
    is_data_type,
    is_iterator,
    is_model,
)
from memo.codecs.registry import codec_of
from memo.codecs.responses import is_unread

__all__ = ["kind_of", "passing"]


def kind_of(value: Any, *, declared: bool) -> str:
    """Return how an object is read once: "async", "sync", "bytes", "async bytes" or "response"; "" for what is no stream.

    Any iterator is one. Of what can be iterated or read only those are that are declared.
    """
    cls: Any = type(value)
    if isinstance(value, io.IOBase) and (value.closed or value.writable()):
        return ""  # a file is more than what is read from it
    if is_iterator(cls):
        return "async" if declares(cls, "__anext__") else "sync"
    if declares(cls, "__aiter__") and not is_model(cls):
        return "async"
    if is_unread(value):
        return "response"
    if not declared or cls in BUILTINS.values() or is_data_type(cls) or codec_of(cls) is not None:
        return ""
    if declares(cls, "read"):
        return "async bytes" if inspect.iscoroutinefunction(cls.read) else "bytes"
    return "sync" if declares(cls, "__iter__") else ""


def passing(part: Part, value: Any, kind: str) -> Any:
    """Return what passes the items of a live stream on, and records them in its part of the result."""
    part.form["kind"] = kind
    if not carry(part, value) and not is_more(value):
        return _deferred(part, _items(part, kind, value))
    cls: Any = type(value)
    made = _passing_class(cls, kind)(value)
    made._self_part = part
    if kind.endswith("bytes"):
        return _deferred(part, made)
    source = _Source(value) if is_iterator(type(value)) else value  # which closes what it holds itself, once
    made._self_items = _deferred(part, _items(part, kind, source))
    return made


def _deferred(part: Part, result: Any) -> Any:
    return part.held.attempt.defer(Pending.SDK_STREAM, result, part.held)


def _items(part: Part, kind: str, source: Any) -> Any:
    if kind == "sync":
        return stream_sync(lambda: LiveSyncStream(iter(source), part))

    async def abegin() -> LiveStream:
        return LiveStream(aiter(source), part)

    return stream(abegin)


class _Source:
    """The items of an iterator, and nothing else of it."""

    def __init__(self, items: Any) -> None:
        self._items = items

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return next(self._items)

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        return await anext(self._items)


class _Passing(Delegate):
    """A live stream whose items are recorded as they pass."""

    _self_part: Part
    _self_items: Any = None
    _self_is_closing = False

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            note_use(self._self_part, self.__wrapped__, name)
        found = inspect.getattr_static(type(self.__wrapped__), name, None)
        if isinstance(found, FunctionType) and name not in getattr(self.__wrapped__, "__dict__", ()):
            return MethodType(found, self)
        return getattr(self.__wrapped__, name)

    def _self_leave(self) -> None:
        """End the recording of the stream: its consumer closes it."""
        items = self._self_items
        if items is not None and not items.gi_running:
            items.close()
        if items is None or not self._self_part.is_read:
            self._self_part.finish("closed")

    async def _self_aleave(self) -> None:
        items = self._self_items
        if items is not None and not items.ag_running:
            self._self_is_closing = True
            await items.aclose()
        if items is None or not self._self_part.is_read:
            if is_cancelled():
                self._self_part.abandon()
            else:
                await self._self_part.afinish("closed")


@functools.lru_cache(maxsize=256)
def _passing_class(cls: Any, kind: str) -> Any:
    methods: dict[str, Any] = {}
    for name in ("__iter__", "__next__", "__aiter__", "__anext__"):
        if declares(cls, name):
            methods[name] = _METHODS[kind, name] if (kind, name) in _METHODS else _own(cls, name)
    if kind.endswith("bytes"):
        methods |= {"read": _aread if kind == "async bytes" else _read}
        if declares(cls, "readinto"):
            methods["readinto"] = _readinto
    for name in ("close", "aclose", "__exit__", "__aexit__"):
        if declares(cls, name):
            is_async = name == "__aexit__" or inspect.iscoroutinefunction(inspect.getattr_static(cls, name))
            methods[name] = (_aleaving if is_async else _leaving)(name, has_items=kind in ("sync", "async"))
    for name, enter in (("__enter__", _enter), ("__aenter__", _aenter)):
        if declares(cls, name):
            methods[name] = enter
    if declares(cls, "__next__") and not declares(cls, "__iter__"):
        methods["__iter__"] = _itself
    return delegate_class(_Passing, cls, methods)


def _own(cls: Any, name: str) -> Any:
    """Return a method of a class that runs on the stand-in: what the method reads passes there."""
    found = inspect.getattr_static(cls, name)
    if isinstance(found, FunctionType):
        return found
    return lambda self: getattr(self.__wrapped__, name)()


def _itself(self: Any) -> Any:
    return self


def _iterated(self: Any) -> Any:
    return self if is_iterator(type(self.__wrapped__)) else self._self_items


def _next(self: Any) -> Any:
    return next(self._self_items)


async def _anext(self: Any) -> Any:
    if self._self_is_closing:
        raise StopAsyncIteration  # another task closes the stream, and waits for what is recorded
    return await anext(self._self_items)


_METHODS: dict[tuple[str, str], Any] = {
    ("sync", "__iter__"): _iterated,
    ("sync", "__next__"): _next,
    ("async", "__aiter__"): _iterated,
    ("async", "__anext__"): _anext,
}


def _leaving(name: str, *, has_items: bool) -> Callable[..., Any]:
    def leave(self: Any, *args: Any) -> Any:
        if has_items and not hasattr(self._self_items, "gi_running"):
            return getattr(self.__wrapped__, name)(*args)  # a sync way out of an async stream
        try:
            return getattr(self.__wrapped__, name)(*args)
        finally:
            self._self_leave()

    return leave


def _aleaving(name: str, *, has_items: bool) -> Callable[..., Any]:
    async def aleave(self: Any, *args: Any) -> Any:
        try:
            return await getattr(self.__wrapped__, name)(*args)
        finally:
            if not has_items or hasattr(self._self_items, "ag_running"):
                await self._self_aleave()

    return aleave


def _enter(self: Any) -> Any:
    entered = self.__wrapped__.__enter__()
    return self if entered is self.__wrapped__ or self._self_items is None else entered


async def _aenter(self: Any) -> Any:
    entered = await self.__wrapped__.__aenter__()
    return self if entered is self.__wrapped__ or self._self_items is None else entered


# Bytes


def _read(self: Any, *args: Any, **kwargs: Any) -> Any:
    part: Part = self._self_part
    _begun(part, None)
    try:
        with part.producing():
            data = self.__wrapped__.read(*args, **kwargs)
    except Exception as error:
        part.finish("error", error)
        raise
    if _is_end(part, data, *args, **kwargs):
        part.finish("complete")
    return data


async def _aread(self: Any, *args: Any, **kwargs: Any) -> Any:
    part: Part = self._self_part
    consumer = Consumer()
    consumer.note_task()
    _begun(part, consumer)
    try:
        with part.producing():
            data = await self.__wrapped__.read(*args, **kwargs)
    except Exception as error:
        await part.afinish("error", error)
        raise
    except BaseException:
        part.abandon()
        raise
    if _is_end(part, data, *args, **kwargs):
        await part.afinish("complete")
    return data


def _readinto(self: Any, buffer: Any) -> Any:
    part: Part = self._self_part
    _begun(part, None)
    with part.producing():
        count = self.__wrapped__.readinto(buffer)
    if _is_end(part, bytes(memoryview(buffer).cast("B")[:count]), len(memoryview(buffer).cast("B"))):
        part.finish("complete")
    return count


def _begun(part: Part, consumer: Consumer | None) -> None:
    if not part.is_read:
        part.begin(consumer)


def _is_end(part: Part, data: Any, *args: Any, **kwargs: Any) -> bool:
    """Record what was read. Return whether nothing can follow."""
    size = next((size for size in (*args, *kwargs.values()) if size is not None), None)
    if data:
        if size is not None and len(data) < size:
            part.form.setdefault("short", []).append(part.count)
        part.add(data)
    return size is None or size < 0 or (size > 0 and not data)
