"""Streams inside values: the form in which they are recorded, and what a replay gives in their place.

    {"__type__": "stream", "class": "app:Events", "of": …, "items": […], "end": "complete"}

with `"kind"` (how it is read: "async", "sync", "bytes" or "async bytes"), `"error"` where it ended in one, `"returned"` by a
generator, and, of an object that is no generator, its `"attributes"` as they were at first, `"after"` those that had
changed at its end, and `"during"` those that had changed when they were used, by the number of items; of bytes, in `"short"` the
numbers of the pieces that had fewer than were asked for. A context manager is `{"__type__": "manager", "kind": …, "value": …}`: what it gave when it was entered,
or `"error"`; `"suppresses"` if it swallowed the error that left it, or `"exit"`, the error that it raised then. A response
that was given unread is `{"__type__": "response", "response": …}`, as it was when it had been read, with `"end"` and `"error"`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from memo.codecs._shape import mapping
from memo.codecs._stand_ins import stand_in
from memo.codecs.decoder import Decoder
from memo.codecs.items import Items
from memo.codecs.responses import is_response, is_unread, unread
from memo.errors import DataMismatch, MemoError, StreamCutShort

__all__ = [
    "KINDS",
    "RecordedItems",
    "cut_short",
    "marked",
    "nodes",
    "read_manager",
    "read_response",
    "read_stream",
    "stand_in",
]

KINDS = ("async", "sync", "bytes", "async bytes")

_Node = dict[str, Any]


def cut_short(count: int, unit: str) -> MemoError:
    """Return the error for a stream outside any call."""
    return StreamCutShort("a stream inside a result", count, unit)


def marked(tree: Any, places: Iterable[str]) -> list[_Node]:
    """Note in the form of each stream in a value, and of each context manager, its place and the managers that it is in.

    Return the forms, in the order of `nodes`, which is that of the places.
    """
    found = []
    for (node, managers), place in zip(nodes(tree), places, strict=False):
        node["place"], node["managers"] = place, managers
        found.append(node)
    return found


def nodes(tree: Any) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    """Yield the forms of the streams and context managers in a value, each with the places of the managers that it is in.

    In the order of the keys, whichever order a mapping has.
    """
    pending: list[tuple[Any, tuple[str, ...]]] = [(tree, ())]
    while pending:
        node, managers = pending.pop()
        if type(node) is list:
            pending += [(item, managers) for item in reversed(node)]
        elif type(node) is dict and node.get("__type__") in ("stream", "manager", "response"):
            yield node, managers
            if node["__type__"] == "manager":
                pending.append((node.get("value"), (*managers, node.get("place", ""))))
        elif type(node) is dict:
            pending += [(node[key], managers) for key in sorted(node, reverse=True)]


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
    return unread(recorded, RecordedItems(values, {**node, "items": [], "kind": "response"}, recorded.content))


def read_manager(values: Decoder, node: dict[str, Any]) -> Any:
    """Return a recorded context manager."""
    return _AsyncManager(values, node) if node.get("kind") == "async" else _Manager(values, node)


class RecordedItems:
    """The items of a recorded stream, and its end."""

    def __init__(self, values: Decoder, node: _Node, content: bytes | None = None) -> None:
        items = Items(node, values)
        # At once: what cannot be read is found where the call is made.
        self._items = items if items.repeats else list(items)
        self.node = node
        """The form of the stream."""
        self.live: Any = None
        """The live stream that goes on with this one."""
        self._recorded = items
        self._content = content
        self._end = node.get("end")
        self._cut_short = values.cut_short or cut_short
        self._further = values.further() if values.further is not None and self._end == "closed" else None
        self._error = values.reader(node["error"]) if "error" in node else None
        self._returned = values.reader(node["returned"]) if "returned" in node else None
        self.on_end: Callable[[], object] = _nothing
        """Called at the end, or with the last item before the consumer left. Idempotent."""
        self.on_change: Callable[[dict[str, Any]], object] = _nothing
        """Called with the attributes that have changed since: as they were after some item, or of the live stream that goes on."""
        self._during = mapping(values.decode(node.get("during", {})))

    def play(self) -> Generator[Any, Any, Any]:
        """Yield the items, raise the recorded error, or return what a generator returned."""
        yield from self._given()
        return (yield from self.rest())

    async def aplay(self) -> AsyncGenerator[Any, Any]:
        """Yield the items, then raise the recorded error."""
        for item in self._given():
            yield item
        async for item in self.arest():
            yield item

    def rest(self) -> Generator[Any, Any, Any]:
        """Yield what a live call goes on with, where the consumer left; raise the recorded error, or end."""
        if self._further is not None:
            try:
                return (yield from self._further.items(self))
            finally:
                self.refresh()
        self.stop()
        return self._returned() if self._returned is not None else None

    async def arest(self) -> AsyncGenerator[Any, Any]:
        """Async twin of `rest`."""
        if self._further is None:
            self.stop()
            return
        rest = self._further.aitems(self)
        try:
            async for item in rest:
                yield item
        finally:
            await rest.aclose()
            self.refresh()

    def body(self) -> Any:
        """Return what a live call goes on with, to be read from; None at the end of the bytes. Raise the recorded error."""
        return self._further.body(self) if self._further is not None else self.stop()

    async def abody(self) -> Any:
        """Async twin of `body`."""
        return await self._further.abody(self) if self._further is not None else self.stop()

    def refresh(self) -> None:
        """Take over the attributes of the live stream that goes on with this one."""
        if self._further is not None:
            self.on_change(self._further.attributes(self))

    @property
    def goes_on(self) -> bool:
        """True if a live call may give more than is recorded."""
        return self._further is not None

    def again(self) -> Iterable[Any]:
        """Return fresh items, as they were recorded."""
        return self._recorded

    def _given(self) -> Iterator[Any]:
        last = len(self._items) if self._end == "closed" else 0
        for count, item in enumerate(self._items, 1):
            if self._during and str(count) in self._during:
                self.on_change(mapping(self._during[str(count)]))
            if count == last:
                self.on_end()
            yield item

    def content(self) -> bytes:
        """Return what is recorded of a stream of bytes, or of the body of a response."""
        return self._content if self._content is not None else b"".join(self.pieces())

    def pieces(self) -> list[bytes]:
        """Return the recorded bytes as they were read."""
        return [item for item in self._items if isinstance(item, bytes)]

    def stop(self) -> None:
        """Raise what the stream ended with, if it did not end by itself."""
        self.on_end()
        if self._error is not None:
            error: BaseException = self._error()
            if not isinstance(error, Exception):
                raise DataMismatch("stream", "it ended with an error that is none")
            raise error
        if self._end != "complete":
            raise self.cut_short()

    def cut_short(self) -> MemoError:
        """Return the error for a stream that is read on."""
        if self.node.get("kind") in ("bytes", "async bytes", "response"):
            return self._cut_short(len(self.content()), "byte")
        return self._cut_short(len(self._items), "item")


def _nothing(*_: Any) -> None: ...


class _Managed:
    """What a recorded context manager does."""

    def __init__(self, values: Decoder, node: dict[str, Any]) -> None:
        self._node = node
        self._further = further = values.further() if values.further is not None else None
        # What it gives belongs to the same call, whatever is replayed meanwhile.
        self._values = values if further is None else values.going_on(lambda: further, values.cut_short or cut_short)

    def enter(self) -> Any:
        if "error" in self._node:
            raise self._error("error")
        return self._values.decode(self._node.get("value"))

    def exit(self, kind: Any, error: BaseException | None, traceback: Any) -> Any:
        left = self._further.leave(self._node, kind, error, traceback) if self._further is not None else None
        return self._leave(error) if left is None else left

    async def aexit(self, kind: Any, error: BaseException | None, traceback: Any) -> Any:
        left = await self._further.aleave(self._node, kind, error, traceback) if self._further is not None else None
        return self._leave(error) if left is None else left

    def _leave(self, error: BaseException | None) -> bool:
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
        return bool(self._managed.exit(kind, error, traceback))


class _AsyncManager(AbstractAsyncContextManager[Any, bool]):
    def __init__(self, values: Decoder, node: dict[str, Any]) -> None:
        self._managed = _Managed(values, node)

    async def __aenter__(self) -> Any:
        return self._managed.enter()

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        return bool(await self._managed.aexit(kind, error, traceback))
