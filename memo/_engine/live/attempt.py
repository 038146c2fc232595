"""An attempt: one live call, and what becomes of its outcome."""

from __future__ import annotations

import logging
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import Context, Token, copy_context
from types import MappingProxyType
from typing import Any, Self, TypeVar

import orjson

from memo._calls.call import Call
from memo._calls.secrets import SecretRules
from memo._engine.live.changes import ArgumentWatch
from memo._engine.live.context_variables import changed_variables, is_seen
from memo._engine.live.passed import PassedStream
from memo._engine.numbering.uncertain import OverlappingStreams
from memo._engine.reports.call_log import CallRecord, LiveCall, record_of
from memo._engine.sessions.active import active
from memo._engine.sessions.session import Session
from memo._engine.storing.writing import Draw
from memo._engine.streaming.consumers import Consumer, OpenStream
from memo._engine.waiting.flights import Flight, Pending
from memo._engine.waiting.nesting import Making, making
from memo._engine.waiting.order import Ending, form
from memo._engine.waiting.threads import in_event_loop, run_to_end
from memo._recordings.answers import is_answer, why_no_answer
from memo._recordings.outcome_forms import error_outcome, loss_warning, value_outcome
from memo._recordings.outcomes import Outcome
from memo.codecs.imports import note_imports
from memo.codecs.values import Values
from memo.errors import (
    ArgumentsChangedWarning,
    ContextVariableSetWarning,
    ErrorNotWholeWarning,
    MemoError,
    UnrecordableValue,
)

__all__ = ["Attempt"]

log = logging.getLogger("memo")

T = TypeVar("T")


def _ends_at_once(outcome: dict[str, Any]) -> bool:
    """Return whether a call is over when it returns: it gives no stream."""
    return "stream" not in outcome and "holds" not in outcome


_IMMUTABLE = frozenset((str, int, float, bool, bytes, type(None)))


class Attempt:
    """A call that goes to the real function. It stores the outcome of the call, and lets those who wait look again.

    It ends once: with a value, an error, a stream's end, or abandoned, which stores nothing. As a context manager it
    encloses what runs of the real function.
    """

    awaited = False
    """Whether a plain function returned an awaitable."""
    iterated = ""
    winning_outcome: Outcome | None = None
    """What another process recorded for the same call in the meantime: the outcome of this call, in place of its own."""
    convert: Callable[[Any], Any] | None = None
    """Turns a result, or an item of a stream, into what is recorded of it."""

    # What most calls leave as it is.
    _storing: AbstractContextManager[object] | None = None
    """A lock, of what more than one thread can store: a stream, or an awaitable."""
    _is_stored = False
    _waiting: dict[str, Any] | None = None
    _loss: str | None = "was cancelled"
    """Why the call will not be recorded, if nothing stores an outcome. None where that is reported already."""
    _is_over = False
    _sink: OpenStream | None = None
    """What records the stream, if not the attempt itself."""
    _unused: Pending | None = None
    _snapshot: dict[str, Any] | None = None
    _has_snapshot = False
    _response: Any = None
    _is_stream = False
    _passed: PassedStream | None = None
    """What has passed of the stream."""
    recorded_parts: Mapping[tuple[str, str], dict[str, Any]] = MappingProxyType({})
    """What is recorded of the streams of an earlier such result, by place and kind: of those that are not read this time."""
    _spent = 0.0
    """The cost of the call that is counted already."""
    _begun = 0
    """When the call began, of one that takes part in the order of the session's calls."""
    _before: Ending | None = None
    """The call that ended last while this one ran, when the outcome was written."""
    _context: Context | None = None
    """The context in which the real function runs, as it was before."""
    _variables: tuple[str, ...] = ()
    """The context variables that it set."""
    _overlapping: OverlappingStreams | None = None
    """The identical streams that are open at the same time, this one included."""

    def __init__(
        self,
        session: Session,
        call: Call,
        values: Values,
        *,
        flight: Flight | None,
        draw: Draw,
        errors: str,
        secrets: SecretRules,
        watch: ArgumentWatch | None = None,
        given: Callable[[Any, ArgumentWatch | None], dict[str, str]] | None = None,
        listed: LiveCall | None = None,
        is_ordered: bool = False,
    ) -> None:
        self.flight = flight
        self._session = session
        self._call = call
        self._values = values
        self._draw = draw
        self._errors = errors
        self._secrets = secrets
        self._watch = watch
        self._given = given
        self._listed = listed
        self._making = Making(session, call, flight)
        if self._making.parent is None:
            self._enter(is_ordered=is_ordered)
        session.count_live()
        self._modules = len(sys.modules)
        self._entered: list[Token[Making | None]] = []
        self._outside = sys.exc_info()[1]
        self._started = time.perf_counter()

    def _enter(self, *, is_ordered: bool) -> None:
        """Note that a call runs that is not made inside another one, as far as is known."""
        session = self._session
        is_own = active.get() is session
        # A foreign context may be inside a call that runs: then a replay does not make this one, and nobody may wait for it.
        if is_ordered and self._draw.number is not None and (is_own or not session.uncertain.running):
            self._begun = 0 if session.order.is_off or self._draw.is_compared else session.order.begin()
        if is_own:
            session.uncertain.running[self._making] = None

    # The real function runs

    def producing(self) -> Self:
        """Enclose what runs of the real function: calls from inside know that they are made by this one."""
        return self

    def __enter__(self) -> None:
        if self.flight is not None:
            self.flight.idle_since = None
        self._entered.append(making.set(self._making))
        if self._watch is not None:
            self._watch.before()
        if self._making.parent is None and not self._is_stream:
            self._context = copy_context()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._watch is not None:
            self._watch.after()
        token, context = self._entered.pop(), self._context
        changed: tuple[str, ...] = ()
        if context is not None:
            self._context = None
            changed = changed_variables(context, copy_context())
        try:
            making.reset(token)
        except ValueError:
            self._reset_another(token)
        else:
            self._variables += changed
        if self._is_stream and self.flight is not None and error is None:
            self.flight.idle_since = time.monotonic()

    def _reset_another(self, token: Token[Making | None]) -> None:
        """Reset, of nested ones, what was entered in this context: one stream of a result reads another, or closes it."""
        entered, others = self._entered, [token]
        while entered:
            token = entered.pop()
            try:
                making.reset(token)
            except ValueError:  # of another task, in another context
                others.append(token)
            else:
                break
        entered += reversed(others)

    # The outcome of the call

    def snapshot(self, value: Any) -> None:
        """Record this value, as it is now: the call will return what is made of it."""
        self._snapshot = self._encoded(lambda: value_outcome(self._converted(value), self._values, self._secrets))
        self._has_snapshot = True

    def encoded(self, value: Any, streams: Sequence[Any]) -> dict[str, Any] | UnrecordableValue | None:
        """Return the outcome that a value is, with a form to be filled for each live stream that the value holds.

        Where the value has no such form, return why, unreported; None where something else failed, which is reported.
        """
        values = self._values.holding(streams) if streams else self._values
        seconds = self._seconds()
        try:
            outcome = value_outcome(self._converted(value), values, self._secrets)
            self._values = values.holding(None) if streams else values
        except UnrecordableValue as error:
            return error
        except Exception as error:  # noqa: BLE001 - the live answer goes to the caller, whatever happens here
            self._failed(error)
            return None
        return self._made(outcome, seconds)

    def keep(self, outcome: dict[str, Any] | None) -> None:
        """Take an outcome as the one to be stored; None stores nothing."""
        self._snapshot, self._has_snapshot = outcome, True

    def refuse(self, error: Exception) -> None:
        """Report that the outcome cannot be recorded, for that reason: nothing will be stored."""
        self._failed(error)
        self.keep(None)

    def _converted(self, value: Any) -> Any:
        return value if self.convert is None else self.convert(value)

    def note_given(self, value: Any) -> None:
        """Note which of the caller's own objects the result is, or holds: a replay gives the caller the same."""
        outcome = self._snapshot
        if outcome is None or self._given is None or type(value) in _IMMUTABLE:
            return
        given = self._given(value, self._watch)
        if given and not (self._watch is not None and self._watch.has_changes) and "redacted" not in outcome:
            outcome["given"] = given

    def annotate(self, name: str, value: Any) -> None:
        """Record an attribute that was put on the object since its snapshot."""
        tree = self._snapshot.get("value") if self._snapshot is not None else None
        if type(tree) is dict and "__type__" in tree:
            tree.setdefault("attributes", {})[name] = value

    def respond(self, response: Any) -> None:
        """Record the HTTP response whose body is the stream to come."""
        self._response = self._values.encode(response)

    def returned(self, value: Any) -> None:
        """Store the value that the call returned."""
        if not self._has_snapshot:
            self.snapshot(value)
        self._store(self._snapshot)

    async def areturned(self, value: Any) -> None:
        """Async twin of `returned`."""
        if not self._has_snapshot:
            self.snapshot(value)
        await self._astore(self._snapshot)

    def raised(self, error: BaseException) -> None:
        """Store the error that the call raised."""
        self._store(self._raised(error))

    async def araised(self, error: BaseException) -> None:
        """Async twin of `raised`."""
        await self._astore(self._raised(error))

    def abandon(self, loss: str | None = None) -> None:
        """End without storing anything, for the reason that `loss` gives, else because the call was cancelled. Idempotent."""
        if self._is_over:
            return
        self._loss = loss or self._loss
        self._is_over = self._making.is_over = True
        self._session.uncertain.running.pop(self._making, None)
        if self._begun:
            self._session.order.drop(self._begun)
        if self._overlapping is not None:
            passed = self._stream()
            self._session.uncertain.end_stream(self._overlapping, passed.stored_count, passed.end)
        if self._is_stream:
            self._session.open_streams.discard(self._sink or self)
        if not self._is_stored:
            self._session.give_back(self._call, self._draw.number)
            if self._draw.number is not None:
                self._making.note_outside(self._session, self._call, -1)
            if self._loss is not None:
                self._session.count_unrecorded(self._call, self._loss)
        if self.flight is not None:
            self.flight.finish()

    def defer(self, kind: Pending, result: T, sink: OpenStream | None = None) -> T:
        """Note that the call returned and that its outcome is still to come, with the use of `result`.

        A stream that nobody reads is closed after 0 items. An awaitable that nobody can await any more has no outcome.
        """
        self._unused = kind
        self._storing = self._storing or threading.RLock()  # the collector may close a stream while it is being stored
        if kind is not Pending.AWAITABLE:
            self._sink = sink
            self._is_stream = True
            consumer = None
            if in_event_loop():
                consumer = Consumer()
                consumer.note_task()
            self._session.open_streams.add(sink or self, consumer)
        weakref.finalize(result, self._collected, kind).atexit = False
        if self.flight is not None:
            self.flight.mark_pending(kind)
        return result

    def _collected(self, kind: Pending) -> None:
        if self._unused is not kind:
            return
        if kind is Pending.AWAITABLE:
            self.abandon("was never awaited")
            return
        # Stored with the next outcome, or when the scope ends: the collector may have interrupted the store.
        self._session.open_streams.mark_left(self._sink or self)
        if self.flight is not None:
            self.flight.finish()

    # The result is a stream, or an awaitable: this is its sink

    @property
    def function(self) -> str:
        """The function's name in recordings."""
        return self._call.function

    @property
    def encoding(self) -> tuple[Values, SecretRules]:
        """Return what the outcome is encoded with: the types that its recording may name, and what is masked."""
        return self._values, self._secrets

    @property
    def description(self) -> str:
        """The function and how many items passed, for messages."""
        count = self._passed.count if self._passed is not None else 0
        return f"{self._call.function} after {count} {'item' if count == 1 else 'items'}"

    def begin(self, consumer: Consumer | None = None, sink: OpenStream | None = None) -> None:
        """Note that somebody began to use the result: `sink` records what passes, if not the attempt itself."""
        is_stream, self._unused = self._unused is not Pending.AWAITABLE, None
        if self.flight is not None:
            self.flight.mark_consumed()
        if is_stream and not self._is_over:
            self._is_stream = True
            self._sink = sink
            self._storing = self._storing or threading.RLock()
            if consumer is not None:
                consumer.on_lost = self._lost
            self._session.open_streams.add(sink or self, consumer)
            if sink is None and self._draw.number is not None and self._draw.is_counted:
                self._overlapping = self._session.uncertain.begin_stream(self._call)

    def add(self, item: Any) -> None:
        """Record an item that passes."""
        if len(sys.modules) != self._modules:
            self._modules = note_imports(self._modules)
        passed = self._passed or self._stream()
        if self._session.timings:
            passed.note_offset(round(time.perf_counter() - self._started, 6))
        passed.add(item if self.convert is None else self.convert(item))

    def answered(self) -> None:
        """Note that the stream answered what was thrown into it after the items that passed."""
        self._stream().answer()

    def compare(self, recorded: Any, item: Any) -> None:
        """Log it, once, if a live item differs from the recorded one that the consumer has got in its place."""
        if self._stream().differs(recorded, item):
            log.warning(
                "%s: a consumer left the recorded stream, and the live call that goes on with it gave other items",
                self._call.function,
            )

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        """Store the stream, which ended."""
        self._store(self._ended(end, error, returned))

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        """Async twin of `finish`."""
        await self._astore(self._ended(end, error, None))

    def checkpoint(self) -> None:
        """Store as closed what passed of a stream that may go on."""
        if self._is_over or not self._stream().has_grown:
            return
        outcome = self._ended("closed", None, None)
        if outcome is not None:
            self._keep(outcome)
        if self.flight is not None:
            self.flight.finish()

    def _lost(self) -> None:
        (self._sink or self).finish("closed")

    def _stream(self) -> PassedStream:
        if self._passed is None:
            self._passed = PassedStream(self._values, self._secrets)
        return self._passed

    # Storing

    def _ended(self, end: str, error: BaseException | None, returned: Any) -> dict[str, Any] | None:
        if self.flight is not None:
            self.flight.idle_since = None
        passed = self._stream()
        if self._is_over or (error is not None and not self.is_recordable(error)):
            return None
        if end == "closed" and not passed.has_grown:
            return None
        passed.stored_count, passed.end = passed.count, end
        return self._encoded(
            lambda: passed.outcome(
                end,
                error,
                returned=returned,
                sync=self.iterated == "sync",
                outside=self._outside,
                response=self._response,
            )
        )

    def _raised(self, error: BaseException) -> dict[str, Any] | None:
        if not self.is_recordable(error):
            return None
        return self._encoded(lambda: error_outcome(error, self._values, self._secrets, outside=self._outside))

    def is_recordable(self, error: BaseException) -> bool:
        """Return whether an error is recorded: it answers the call, or the user asks for it."""
        # Cancellation, KeyboardInterrupt and SystemExit are no Exceptions; memo's own errors are no answers of the function.
        if isinstance(error, MemoError):
            self._loss = None
            return False
        if not isinstance(error, Exception):
            if isinstance(error, KeyboardInterrupt | SystemExit):
                self._loss = f"raised {type(error).__name__}"
            return False
        if self._errors == "none":
            self._loss = None  # as asked for
            return False
        if self._errors == "all" or is_answer(error):
            return True
        self._loss = why_no_answer(error)
        return False

    def _encoded(self, encode: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """Return the outcome, encoded now: the caller may change the value later. None if that failed, which is reported."""
        seconds = self._seconds()
        try:
            outcome = encode()
        except Exception as error:  # noqa: BLE001 - the live answer goes to the caller, whatever happens here
            self._failed(error)
            return None
        return self._made(outcome, seconds)

    def _seconds(self) -> float:
        """Return how long the call took until now, when its outcome is encoded."""
        if len(sys.modules) != self._modules:
            self._modules = note_imports(self._modules)
        return round(time.perf_counter() - self._started, 6)

    def _failed(self, error: Exception) -> None:
        self._loss = None
        self._session.failed(self._call, error)

    def _made(self, outcome: dict[str, Any], seconds: float) -> dict[str, Any]:
        if self.awaited:
            outcome["awaited"] = True
        return self.timed(outcome, seconds)

    def timed(self, outcome: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Note in an outcome how long the call took, by default until now, and which calls it made."""
        if self._making.inside and (inside := {name: n for name, n in self._making.inside.items() if n > 0}):
            outcome["inside"] = inside
        if self._values.types.names_owned:
            outcome["of_object"] = True
        outcome["seconds"] = round(time.perf_counter() - self._started, 6) if seconds is None else seconds
        return outcome

    def _store(self, outcome: dict[str, Any] | None) -> None:
        self._making.is_over = True  # what is made inside from now on is not in the outcome any more
        is_ordered = self._begun and outcome is not None and not self._is_over and not in_event_loop()
        try:
            if outcome is not None and not self._is_over:
                if is_ordered:
                    self._name_predecessor(outcome)
                self._waiting = outcome
            self._keep_waiting()
        finally:
            self.abandon()
        self._report(outcome)
        if self._begun and outcome is not None:
            self._end(outcome, is_named=bool(is_ordered))

    async def _astore(self, outcome: dict[str, Any] | None) -> None:
        self._making.is_over = True
        try:
            if outcome is not None and not self._is_over:
                if self._begun:
                    self._name_predecessor(outcome)
                self._waiting = outcome
                if self._session.store.writes_in_place:
                    self._keep_waiting()
                else:
                    # The answer is here and was paid for: a cancellation that arrives now waits until it is stored.
                    await run_to_end(self._keep_waiting)
        finally:
            self.abandon()
        self._report(outcome)
        if self._begun and outcome is not None:
            self._end(outcome)

    def _name_predecessor(self, outcome: dict[str, Any]) -> None:
        """Name in an outcome the call that ended last while this one ran."""
        last = self._session.order.last
        if last[2] > self._begun and _ends_at_once(outcome):
            self._before = last
            outcome["after"] = form(last)

    def _end(self, outcome: dict[str, Any], *, is_named: bool = True) -> None:
        """Note that the call returns now. Another may have returned while this one was written."""
        if not self._is_stored or not _ends_at_once(outcome):
            return
        number = self._draw.number
        assert number is not None
        last = self._session.order.end(self._call, number)
        before = last if last[2] > self._begun else None
        if before is not self._before and is_named and self.winning_outcome is None:
            self._session.order_changes.note(self._call, number, before and form(before))

    def _keep_waiting(self) -> None:
        """Store the outcome that waits for that; if another thread stores it now, wait for the other thread.

        A scope may end while a worker thread is still to write what a stream left behind.
        """
        if self._storing is None:
            self._keep_now()
        else:
            with self._storing:
                self._keep_now()

    def _keep_now(self) -> None:
        outcome, self._waiting = self._waiting, None
        if outcome is not None:
            self._keep(outcome)

    def _keep(self, outcome: dict[str, Any]) -> None:
        if self._session.spending is not None:
            self._spent = self._session.spending.add(self._call, outcome, self._spent)
        if (
            self._session.keep is not None
            and not self._draw.is_compared
            and not self._is_kept(self._session.keep, outcome)
        ):
            return
        claim = self.flight.claim if self.flight is not None else None
        self._loss = None  # what fails in storing is reported as such
        self.winning_outcome = self._session.store_outcome(self._call, self._draw, outcome, self._values, claim)
        self._is_stored = True
        if self._listed is not None:
            self._listed.place = self._draw.place
        self._session.open_streams.store_unread()

    def _is_kept(self, keep: Callable[[CallRecord], bool | str], outcome: dict[str, Any]) -> bool:
        """Return whether `keep` wants an outcome stored; else note why not."""
        plain = orjson.loads(orjson.dumps(outcome))  # what is written already is in it as fragments
        try:
            answer = keep(record_of(self._call.function, orjson.loads(self._call.arguments), plain, replayed=False))
        except Exception as error:  # noqa: BLE001 - the user's own function: the answer was paid for
            self._session.failed(self._call, error, "was recorded without a judgment, since keep= raised")
            return True
        if answer is True:
            return True
        self._loss = answer or "was not worth keeping (keep=)"
        return False

    def _report(self, outcome: dict[str, Any] | None) -> None:
        """Warn of what a replay will not do or give as the call did."""
        if outcome is None:
            return
        if self._watch is not None:
            self._warn(self._watch.warning())
        if self._variables and is_seen():
            warning = ContextVariableSetWarning(self._call.function, dict.fromkeys(self._variables))
            self._session.staleness.warn_once((self._call.function, "variables", *warning.variables), warning)
        if "error" in outcome or ("stream" in outcome and "error" in outcome["stream"]):
            self._warn(loss_warning(self._call.function, outcome))

    def _warn(self, warning: ArgumentsChangedWarning | ErrorNotWholeWarning | None) -> None:
        if warning is not None:
            self._session.staleness.warn_once((self._call.function, *warning.paths), warning)
