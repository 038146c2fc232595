"""What the readers of forms need of whoever decodes the whole: `memo.codecs.values.Values`, which is made of these readers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any, Protocol

from memo.codecs.types import Types
from memo.errors import MemoError

__all__ = ["CutShort", "Decode", "Decoder", "Further"]

Decode = Callable[[Any], Any]
"""Returns a fresh value of a form, or of JSON."""

CutShort = Callable[[int, str], MemoError]
"""Makes the error for a stream that is read on after what was recorded, given how much that is, and of what."""


class Further(Protocol):
    """Goes on with the streams of a result that are read further than they were recorded: of `memo.codecs.streams.RecordedItems`."""

    def items(self, stream: Any) -> Generator[Any, Any, Any]:
        """Yield what follows the recorded items, or the recorded bytes of a response."""
        ...

    def aitems(self, stream: Any) -> AsyncGenerator[Any, Any]:
        """Async twin of `items`."""
        ...

    def body(self, stream: Any) -> Any:
        """Return what the bytes are read from that follow the recorded ones."""
        ...

    async def abody(self, stream: Any) -> Any:
        """Async twin of `body`."""
        ...

    def attributes(self, stream: Any) -> dict[str, Any]:
        """Return the attributes of the live stream that are data, as they are now."""
        ...

    def leave(self, manager: dict[str, Any], kind: Any, error: BaseException | None, traceback: Any) -> Any:
        """Leave a context manager that was entered to go on. Return None if it was not, else what it returned."""
        ...

    async def aleave(self, manager: dict[str, Any], kind: Any, error: BaseException | None, traceback: Any) -> Any:
        """Async twin of `leave`."""
        ...


class Decoder(Protocol):
    """Decodes values with the types that one function's recordings may name. `Values` documents each member."""

    types: Types
    streams: Sequence[Any] | None
    cut_short: CutShort | None
    further: Callable[[], Further | None] | None

    def going_on(self, further: Callable[[], Further | None], cut_short: CutShort) -> Decoder:
        """Return the decoder of streams that go on with `further`."""
        ...

    def decode(self, tree: Any) -> Any:
        """Return a fresh value."""
        ...

    def reader(self, tree: Any, *, once: bytes | None = None) -> Callable[[], Any]:
        """Return a function that gives a fresh value at each call."""
        ...

    def model(self, name: str) -> Any:
        """Return the model class of that name, None if it is the name of anything else."""
        ...

    def plain_reader(self, cls: Any, name: str, *, fields_set_mode: str | None) -> Callable[[bytes], Any]:
        """Return a function that builds models from the JSON of their plain form."""
        ...

    def shared(self, node: dict[str, Any], decode: Decode) -> Any:
        """Return the object that a `shared` form stands for."""
        ...

    def sharing(self, tree: Any) -> Decoder:
        """Return the decoder of a tree that holds objects in several places."""
        ...
