"""Where a passing stream is recorded, or not."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, Protocol

from memo._engine.streaming.consumers import Consumer

__all__ = ["NOWHERE", "Answering", "Sink"]


class Sink(Protocol):
    """Where a passing stream is recorded."""

    def begin(self, consumer: Consumer | None = None) -> None:
        """Note that somebody began to iterate: the task that `consumer` watches, where the stream is async."""
        ...

    def producing(self) -> AbstractContextManager[object]:
        """Enclose the making of one item: what runs inside is the real function's code."""
        ...

    def add(self, item: Any) -> None:
        """Record an item that passes."""
        ...

    def answered(self) -> None:
        """Note that the stream answered what was thrown into it, by an item, its end or its own error."""
        ...

    def compare(self, recorded: Any, item: Any) -> None:
        """Report it if a live item differs from the recorded one that the consumer has got in its place."""
        ...

    def abandon(self, loss: str | None = None) -> None:
        """Store nothing, for the reason that `loss` gives, else because the stream was cancelled."""
        ...

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        """Store the stream, which ended."""
        ...

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        """Async twin of `finish`, off the event loop."""
        ...


class _Nowhere:
    """The sink of what is not recorded."""

    _PRODUCING = nullcontext()

    def begin(self, consumer: Consumer | None = None) -> None: ...

    def producing(self) -> AbstractContextManager[object]:
        return self._PRODUCING

    def add(self, item: Any) -> None: ...

    def answered(self) -> None: ...

    def compare(self, recorded: Any, item: Any) -> None: ...

    def abandon(self, loss: str | None = None) -> None: ...

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None: ...

    async def afinish(self, end: str, error: BaseException | None = None) -> None: ...


NOWHERE = _Nowhere()


class Answering(NamedTuple):
    """Encloses the throwing of an error into a stream: any end but that error is an answer."""

    sink: Sink
    thrown: BaseException

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not self.thrown:
            self.sink.answered()
