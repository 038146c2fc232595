"""One call of a recordable function: the mode ladder, and the two drivers that await or don't."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel

from memo._attempt import Attempt
from memo._flight import Flight
from memo._modes import Mode
from memo._outcomes import Outcome
from memo._session import Recording, Session
from memo._stream import Live, LiveSync, Play, Unrecorded, stream, stream_sync
from memo.codecs import Values
from memo.keys import Call

__all__ = ["Run", "decide"]


class Go(NamedTuple):
    """Make the call."""

    recorded: bool = True
    in_turn: bool = False
    """Its outcome takes its place among those of the identical calls."""


class Lead(NamedTuple):
    """Look once more, since another call may just have ended, and then make the call that others wait for."""

    flight: Flight


class Wait(NamedTuple):
    """The same call is on its way: wait for it, and look again."""

    flight: Flight


def decide(
    session: Session, mode: Mode, call: Call, found: Recording | None, *, ready: bool
) -> Outcome | Go | Lead | Wait:
    """The rule of each mode, for sync and async alike.

    `ready` says that the caller leads already, or has tried to wait for a call that it would wait for for ever.
    """
    match mode:
        case Mode.LIVE:
            return Go(recorded=False)
        case Mode.REPLAY:
            if found is None:
                raise session.missed(call)
            return session.replay(call, found)
        case Mode.RECORD_IF_MISSING:
            if found is not None:
                return session.replay(call, found)
            if ready:
                return Go()
            flight, mine = session.flights.join(call.key)
            return Lead(flight) if mine else Wait(flight)
        case Mode.RECORD:
            return Go(in_turn=True)


@dataclass(slots=True, eq=False)
class Run:
    """One call, under one session."""

    session: Session
    mode: Mode
    call: Call
    values: Values
    invoke: Callable[[], Any]
    """Calls the real function with the real arguments."""
    errors: str
    secrets: frozenset[str]
    plain: bool
    """It is a plain function: what it returns says what it is."""
    note: Callable[..., None]
    """Told whether the call was a hit."""

    # The sync driver

    def sync(self) -> Any:
        """The call of a plain function."""
        decision = self._decided()
        if isinstance(decision, str):
            # The same call was made in this thread and is still to be awaited: so is this one.
            return self.coroutine() if decision == "awaitable" else stream(self._abegin)
        if isinstance(decision, Outcome):
            return self._played_later(decision) if decision.awaited else self._played(decision)
        if decision is None:
            return self.invoke()
        try:
            result = self.invoke()
        except BaseException as error:
            decision.raised(error)
            raise
        if inspect.isawaitable(result):
            decision.defer("awaitable")
            return _until_collected(self._awaited(decision, result), decision)
        passing = self._passing(decision, result)
        if passing is None:
            decision.returned(result)
            return result
        if inspect.isasyncgen(passing):
            decision.defer("stream")
        return passing

    def generator(self) -> Generator[Any, Any, Any]:
        """The call of a generator function."""
        return stream_sync(self._begin)

    def _begin(self) -> LiveSync | Play | Unrecorded:
        decision = self._decided()
        if isinstance(decision, Outcome):
            return Play(decision, self.call.function, self.session.pace)
        source = self.invoke()
        if not isinstance(decision, Attempt):
            return Unrecorded(source)
        decision.iterated = "sync"
        return LiveSync(source, decision)

    def _decided(self) -> Outcome | Attempt | str | None:
        """What to replay, or the attempt that the call is, None where it is not recorded; or how it is still to come."""
        leading, ready = None, False
        while True:
            try:
                found = self.session.find(self.call, self.values) if self.mode.looks else None
                decision = decide(self.session, self.mode, self.call, found, ready=ready)
            except BaseException:
                if leading is not None:
                    leading.land()
                raise
            match decision:
                case Lead(flight):
                    leading, ready = flight, True
                case Wait(flight):
                    ready = not flight.wait_in_thread()
                    if flight.deferred and not ready:
                        return flight.deferred
                case Go():
                    return self._attempt(decision, leading)
                case _:
                    return self._replay(leading, decision)

    # The async driver

    async def coroutine(self) -> Any:
        """The call of a coroutine function."""
        decision = await self._adecided()
        if isinstance(decision, Outcome):
            return self._played(decision)
        if decision is None:
            return await _result(self.invoke())
        try:
            result = await _result(self.invoke())
        except BaseException as error:
            await decision.araised(error)
            raise
        return await self._returned(decision, result)

    def async_generator(self) -> AsyncGenerator[Any, Any]:
        """The call of an async generator function."""
        return stream(self._abegin)

    async def _abegin(self) -> Live | Play | Unrecorded:
        decision = await self._adecided()
        if isinstance(decision, Outcome):
            return Play(decision, self.call.function, self.session.pace)
        source = aiter(self.invoke())
        return Live(source, decision) if decision is not None else Unrecorded(source)

    async def _adecided(self) -> Outcome | Attempt | None:
        leading, ready = None, False
        while True:
            try:
                found = await self.session.afind(self.call, self.values) if self.mode.looks else None
                decision = decide(self.session, self.mode, self.call, found, ready=ready)
            except BaseException:
                if leading is not None:
                    leading.land()
                raise
            match decision:
                case Lead(flight):
                    leading, ready = flight, True
                    flight.board()
                case Wait(flight):
                    ready = not await flight.wait()
                case Go():
                    return self._attempt(decision, leading)
                case _:
                    return self._replay(leading, decision)

    async def _awaited(self, attempt: Attempt, result: Awaitable[Any]) -> Any:
        attempt.begin()
        try:
            value = await result
        except BaseException as error:
            await attempt.araised(error)
            raise
        return await self._returned(attempt, value)

    async def _returned(self, attempt: Attempt, value: Any) -> Any:
        attempt.awaited = self.plain
        passing = self._passing(attempt, value)
        if passing is not None:
            return passing
        await attempt.areturned(value)
        return value

    # Both

    def _replay(self, leading: Flight | None, outcome: Outcome) -> Outcome:
        if leading is not None:
            leading.land()
        self.note(hit=True)
        return outcome

    def _attempt(self, go: Go, leading: Flight | None) -> Attempt | None:
        self.note(hit=False)
        if not go.recorded:
            self.session.go_live()
            return None
        return Attempt(
            self.session,
            self.call,
            self.values,
            flight=leading,
            place=self.session.place(self.call) if go.in_turn else None,
            errors=self.errors,
            secrets=self.secrets,
        )

    def _passing(self, attempt: Attempt, value: Any) -> Any:
        """The stream that a call returned, recorded as it passes; None if it returned no stream."""
        kind = type(value)
        if hasattr(kind, "__anext__") or (hasattr(kind, "__aiter__") and not isinstance(value, BaseModel)):
            source = aiter(value)

            async def abegin() -> Live:
                return Live(source, attempt)

            return _until_collected(stream(abegin), attempt)
        if hasattr(kind, "__next__"):
            attempt.iterated = "sync"
            return _until_collected(stream_sync(lambda: LiveSync(value, attempt)), attempt)
        return None

    def _played(self, outcome: Outcome) -> Any:
        if outcome.items is not None:
            return self._stream(outcome)
        if outcome.read is not None:
            return outcome.read()
        assert outcome.error is not None
        raise outcome.error()

    async def _played_later(self, outcome: Outcome) -> Any:
        return self._played(outcome)

    def _stream(self, outcome: Outcome) -> Any:
        play = Play(outcome, self.call.function, self.session.pace)
        if outcome.sync:
            return stream_sync(lambda: play)

        async def abegin() -> Play:
            return play

        return stream(abegin)


async def _result(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _until_collected(result: Any, attempt: Attempt) -> Any:
    """A result whose attempt ends when nobody can begin to use it any more."""
    weakref.finalize(result, attempt.abandon_unless_begun).atexit = False  # type: ignore[misc]
    return result
