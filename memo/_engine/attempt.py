"""An attempt: one live call, and what becomes of its outcome."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from memo._calls.call import Call
from memo._engine.flights import Flight
from memo._engine.session import Session
from memo._engine.threads import writers
from memo._engine.writing import Slot
from memo._recordings.outcomes import Outcome, StreamWriter, error_outcome, is_answer, value_outcome
from memo.codecs.values import Values
from memo.errors import MemoError

__all__ = ["Attempt"]

T = TypeVar("T")


class Attempt:
    """A call that goes to the real function. Told what came of it, it stores that and lets those who wait look again.

    It ends once: with a value, an error, a stream's end, or abandoned, which stores nothing.
    """

    def __init__(
        self,
        session: Session,
        call: Call,
        values: Values,
        *,
        flight: Flight | None,
        slot: Slot | None,
        errors: str,
        secrets: frozenset[str],
    ) -> None:
        self.flight = flight
        self.awaited = False
        """Whether a plain function returned an awaitable."""
        self.iterated = ""
        self.winning_outcome: Outcome | None = None
        """What another process recorded for the same call meanwhile: that, not its own, is what this call came to."""
        self.convert: Callable[[Any], Any] = _as_it_is
        """Turns a result, or an item of a stream, into what is recorded of it."""
        self._session = session
        self._call = call
        self._values = values
        self._slot = slot
        self._errors = errors
        self._secrets = secrets
        self._over = False
        self._unused = ""
        self._taken: dict[str, Any] | None = None
        self._is_taken = False
        self._response: Any = None
        self._writer: StreamWriter | None = None
        self._offsets: list[float] = []
        session.count_live()
        self._started = time.perf_counter()

    # What came of the call

    def snapshot(self, value: Any) -> None:
        """It will return what is made of this value: the value is what is recorded, as it is now."""
        self._taken = self._encoded(lambda: value_outcome(self.convert(value), self._values, self._secrets))
        self._is_taken = True

    def annotate(self, name: str, value: Any) -> None:
        """The object that was snapped has got an attribute since, which is recorded with it."""
        tree = self._taken.get("value") if self._taken is not None else None
        if type(tree) is dict and "__type__" in tree:
            tree.setdefault("attributes", {})[name] = value

    def respond(self, response: Any) -> None:
        """The stream to come is the body of this HTTP response."""
        self._response = self._values.encode(response)

    def returned(self, value: Any) -> None:
        """It returned."""
        if not self._is_taken:
            self.snapshot(value)
        self._store(self._taken)

    async def areturned(self, value: Any) -> None:
        """It returned."""
        if not self._is_taken:
            self.snapshot(value)
        await self._astore(self._taken)

    def raised(self, error: BaseException) -> None:
        """It raised."""
        self._store(self._raised(error))

    async def araised(self, error: BaseException) -> None:
        """It raised."""
        await self._astore(self._raised(error))

    def abandon(self) -> None:
        """Nothing will be stored."""
        if not self._over:
            self._over = True
            if self._slot is not None:
                self._session.leave(self._call, self._slot)
            if self.flight is not None:
                self.flight.finish()

    def defer(self, kind: str, result: T) -> T:
        """The call returned, and what comes of it is still to come. It never will if nobody can begin to use it any more."""
        self._unused = kind
        weakref.finalize(result, self._collected, kind).atexit = False
        if self.flight is not None:
            self.flight.defer(kind)
        return result

    def _collected(self, kind: str) -> None:
        if self._unused == kind:
            self.abandon()

    # The result is a stream, or an awaitable: this is its sink

    def begin(self) -> None:
        """Somebody began to use it."""
        self._unused = ""
        if self.flight is not None:
            self.flight.begin()
        self._writer = StreamWriter(self._values, self._secrets)

    def add(self, item: Any) -> None:
        """An item passes."""
        assert self._writer is not None
        self._writer.add(self.convert(item))
        if self._session.timings:
            self._offsets.append(round(time.perf_counter() - self._started, 6))

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        """The stream ended."""
        self._store(self._ended(end, error, returned))

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        """The stream ended."""
        await self._astore(self._ended(end, error, None))

    # Storing

    def _ended(self, end: str, error: BaseException | None, returned: Any) -> dict[str, Any] | None:
        if error is not None and not self._recordable(error):
            return None
        writer = self._writer
        assert writer is not None
        outcome = self._encoded(lambda: writer.outcome(end, error, returned=returned, sync=self.iterated == "sync"))
        if outcome is not None and self._response is not None:
            outcome["stream"]["response"] = self._response
        if outcome is not None and self._offsets:
            outcome["stream"]["offsets"] = self._offsets
        return outcome

    def _raised(self, error: BaseException) -> dict[str, Any] | None:
        if not self._recordable(error):
            return None
        return self._encoded(lambda: error_outcome(error, self._values, self._secrets))

    def _recordable(self, error: BaseException) -> bool:
        # Cancellation, KeyboardInterrupt and SystemExit are no Exceptions; our own errors are no answers of the function.
        if not isinstance(error, Exception) or isinstance(error, MemoError):
            return False
        return self._errors == "all" or is_answer(error)

    def _encoded(self, encode: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """The outcome, encoded now, before the caller gets the value and may change it."""
        seconds = round(time.perf_counter() - self._started, 6)
        try:
            outcome = encode()
        except Exception as error:  # noqa: BLE001 - the live answer goes to the caller, whatever happens here
            self._session.failed(self._call, error)
            return None
        if self.awaited:
            outcome["awaited"] = True
        outcome["seconds"] = seconds
        return outcome

    def _store(self, outcome: dict[str, Any] | None) -> None:
        try:
            if outcome is not None and not self._over:
                self._keep(outcome)
        finally:
            self.abandon()

    async def _astore(self, outcome: dict[str, Any] | None) -> None:
        try:
            if outcome is None or self._over:
                return
            if self._session.store.writes_in_place:
                self._keep(outcome)
                return
            # The answer is here and was paid for: a cancellation that arrives now waits until it is on disk.
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._keep, outcome, limiter=writers())
        finally:
            self.abandon()

    def _keep(self, outcome: dict[str, Any]) -> None:
        claim = self.flight.claim if self.flight is not None else None
        self.winning_outcome = self._session.store_outcome(self._call, self._slot, outcome, self._values, claim)


def _as_it_is(value: Any) -> Any:
    return value
