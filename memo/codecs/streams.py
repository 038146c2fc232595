"""Streams inside values: the form in which they are recorded, and what a replay gives in their place.

    {"__type__": "stream", "class": "app:Events", "of": …, "items": […], "end": "complete"}

with `"kind"` (how it is read: "async", "sync", "bytes" or "async bytes"), `"error"` where it ended in one, `"returned"` by a
generator, and, of an object that is no generator, its `"attributes"` as they were at first, and `"after"` those that had
changed at its end. A context manager is `{"__type__": "manager", "kind": …, "value": …}`: what it gave when it was entered,
or `"error"`; `"suppresses"` if it swallowed the error that left it, or `"exit"`, the error that it raised then. A response
that was given unread is `{"__type__": "response", "response": …}`, as it was when it had been read, with `"end"` and `"error"`.
"""

from __future__ import annotations

import functools
import inspect
import io
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from memo._values.kinds import declares
from memo.codecs._shape import mapping
from memo.codecs.decoder import Decoder
from memo.codecs.items import Items
from memo.codecs.responses import is_response, is_unread, unread
from memo.errors import DataMismatch, MemoError, StreamCutShort

__all__ = [
    "KINDS",
    "RecordedItems",
    "cut_short",
    "read_manager",
    "read_response",
    "read_stream",
    "stand_in",
]

KINDS = ("async", "sync", "bytes", "async bytes")


def cut_short(count: int) -> MemoError:
    """Return the error for a stream outside any call."""
    return StreamCutShort("a stream inside a result", count)


def read_stream(values: Decoder, node: dict[str, Any]) -> Any:
    """Return a recorded stream, to be read once: a generator, or an object of the class that was recorded."""
    if "at" in node and values.streams is not None:
        return values.streams[node["at"]]
    kind, name, recorded = node.get("kind"), node.get("class"), RecordedItems(values, node)
    if kind not in KINDS:
        raise DataMismatch("stream", f"it is read in an unknown way ({kind!r})")
    if name is None:
        return recorded.play() if kind == "sync" else recorded.aplay()
    attributes = mapping(values.decode(node.get("attributes", {})))
    after = mapping(values.decode(node.get("after", {})))
    return stand_in(values.types.resolve_stream(name), kind, recorded, attributes, after)


def read_response(values: Decoder, node: dict[str, Any]) -> Any:
    """Return a recorded HTTP response whose body is still to be read."""
    recorded = values.decode(node["response"])
    if not is_response(type(recorded)) or is_unread(recorded):
        raise DataMismatch("response", "it is none that was read")
    return unread(recorded, RecordedItems(values, {**node, "items": []}).stop)


def read_manager(values: Decoder, node: dict[str, Any]) -> Any:
    """Return a recorded context manager."""
    return _AsyncManager(values, node) if node.get("kind") == "async" else _Manager(values, node)


class RecordedItems:
    """The items of a recorded stream, and its end."""

    def __init__(self, values: Decoder, node: dict[str, Any]) -> None:
        items = Items(node, values)
        # At once: what cannot be read is found where the call is made.
        self._items = items if items.repeats else list(items)
        self._end = node.get("end")
        self._cut_short = values.cut_short or cut_short
        self._error = values.reader(node["error"]) if "error" in node else None
        self._returned = values.reader(node["returned"]) if "returned" in node else None
        self.on_end: Callable[[], object] = _nothing
        """Called at the end, or with the last item before the consumer left. Idempotent."""

    def play(self) -> Generator[Any, Any, Any]:
        """Yield the items, raise the recorded error, or return what a generator returned."""
        yield from self._given()
        self.stop()
        return self._returned() if self._returned is not None else None

    async def aplay(self) -> AsyncGenerator[Any, Any]:
        """Yield the items, then raise the recorded error."""
        for item in self._given():
            yield item
        self.stop()

    def _given(self) -> Iterator[Any]:
        last = len(self._items) if self._end == "closed" else 0
        for count, item in enumerate(self._items, 1):
            if count == last:
                self.on_end()
            yield item

    def content(self) -> bytes:
        """Return the items of a stream of bytes, together."""
        return b"".join(item for item in self._items if isinstance(item, bytes))

    def stop(self) -> None:
        """Raise what the stream ended with, if it did not end by itself."""
        self.on_end()
        if self._error is not None:
            error: BaseException = self._error()
            if not isinstance(error, Exception):
                raise DataMismatch("stream", "it ended with an error that is none")
            raise error
        if self._end != "complete":
            raise self._cut_short(len(self._items))


def stand_in(cls: Any, kind: str, recorded: RecordedItems, attributes: dict[str, Any], after: dict[str, Any]) -> Any:
    """Return an object of a class, built without its `__init__`, that gives what was recorded of another such object.

    The attributes that had changed at the end of the stream change at its end again.
    """
    value = _new(_stand_in_class(cls, kind))
    state = value.__dict__
    state.update(attributes)
    recorded.on_end = functools.partial(state.update, after)
    if kind.endswith("bytes"):
        state["_memo_items"] = _Body(recorded)
    else:
        state["_memo_items"] = recorded.play() if kind == "sync" else recorded.aplay()
    return value


class _Body:
    """Recorded bytes, read in any steps."""

    def __init__(self, recorded: RecordedItems) -> None:
        self._recorded = recorded
        self._content = memoryview(recorded.content())

    def read(self, size: int | None = None) -> bytes:
        whole = size is None or size < 0
        data = bytes(self._content if whole else self._content[:size])
        self._content = self._content[len(data) :]
        if not self._content:
            self._recorded.on_end()
        if whole or (size and not data):
            self._recorded.stop()
        return data


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
    return bytes(self._memo_items.read(size))


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


class _Managed:
    """What a recorded context manager does."""

    def __init__(self, values: Decoder, node: dict[str, Any]) -> None:
        self._values = values
        self._node = node

    def enter(self) -> Any:
        if "error" in self._node:
            raise self._error("error")
        return self._values.decode(self._node.get("value"))

    def leave(self, error: BaseException | None) -> bool:
        if "exit" in self._node:
            raise self._error("exit")
        return error is not None and bool(self._node.get("suppresses"))

    def _error(self, name: str) -> Exception:
        error = self._values.decode(self._node[name])
        if not isinstance(error, Exception):
            raise DataMismatch("manager", "its error is none")
        return error


class _Manager(AbstractContextManager[Any, bool]):
    def __init__(self, values: Decoder, node: dict[str, Any]) -> None:
        self._managed = _Managed(values, node)

    def __enter__(self) -> Any:
        return self._managed.enter()

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        return self._managed.leave(error)


class _AsyncManager(AbstractAsyncContextManager[Any, bool]):
    def __init__(self, values: Decoder, node: dict[str, Any]) -> None:
        self._managed = _Managed(values, node)

    async def __aenter__(self) -> Any:
        return self._managed.enter()

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        return self._managed.leave(error)
