"""A session: a store, a mode and options; what was replayed and recorded so far; and which session is active."""

from __future__ import annotations

import inspect
import logging
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal
from warnings import warn

import anyio.to_thread
import orjson

from memo._calls.digest import entry_name
from memo._calls.keys import NOTHING_WATCHED, Call, KeyRules
from memo._calls.secrets import plain_names
from memo._engine.flights import Claim, Flight, Flights
from memo._engine.gateway import StoreGateway
from memo._engine.modes import Mode
from memo._recordings.document import FORMAT_VERSION, parse, render, timestamp
from memo._recordings.outcomes import Outcome, fingerprint
from memo.codecs.values import Values
from memo.errors import (
    InvalidOption,
    MemoError,
    OutcomesExhausted,
    RecordingExpired,
    RecordingNotFound,
    RecordingsSpooled,
    StoreError,
    UnrecordableValue,
    WatchedFieldChanged,
)
from memo.scrub import Scrubber
from memo.stores import DirectoryStore, Store, as_store

__all__ = ["Recording", "Session", "Slot", "Stats", "active", "current"]

log = logging.getLogger("memo")

_SEARCH = 0.06
"""Seconds for the nearest recordings of one missed call,"""
_SEARCH_BRIEFLY = 0.005
"""once all the misses of a session have taken"""
_SEARCHES = 5.0

active: ContextVar[Session | None] = ContextVar("memo_session", default=None)
"""The session of the innermost scope."""

process_wide: list[Session] = []
"""The defaults of the whole process, the innermost last: the one that was started, and those of tests around or inside it."""


def current() -> Session | None:
    """The session of the innermost scope here, else the process-wide one, else None."""
    return active.get() or (process_wide[-1] if process_wide else None)


@dataclass(slots=True)
class Stats:
    """What a recorder did so far: numbers of calls."""

    replayed: int = 0
    recorded: int = 0
    live: int = 0
    """Calls that went to the real function, recorded or not."""
    missed: int = 0
    """Calls that had no recording in replay, and failed."""
    seconds_saved: float = 0.0
    """How long the replayed calls took when they were recorded."""


class Recording:
    """A recording as it was read: its outcomes become ready one by one, as they are asked for.

    One that is not `held` in memory is replayed once, and then forgotten.
    """

    made: float | None = None
    """When it was recorded, in seconds: worked out when it is asked for."""
    until: float | None = None
    """When the store lets go of it, by `time.monotonic()`."""

    def __init__(
        self, document: dict[str, Any], data: bytes, values: Values, store: Store, name: str, *, held: bool
    ) -> None:
        self._trees: list[Any] = document["outcomes"]
        self.count = len(self._trees)
        self._outcomes = _none_yet(self.count) if held else None
        self._data = b"" if held else data
        self._values = values
        self._store = store
        self._name = name
        self.watched: Mapping[str, str] = document.get("watched", NOTHING_WATCHED)
        self.recorded_at: object = document.get("recorded_at")
        self.size = len(data)

    def location(self) -> str:
        """Where it lies."""
        return self._store.location(self._name)

    def outcome(self, index: int) -> Outcome:
        """The outcome of the identical call number `index`."""
        outcomes = self._outcomes
        if outcomes is None:
            return Outcome(self._trees[index], self._values, self.location, once=self._data)
        tree = self._trees[index]  # before the look whether another thread has made the outcome, and let go of it
        ready = outcomes[index]
        if ready is None:
            ready = outcomes[index] = Outcome(tree, self._values, self.location)
            self._trees[index] = None  # ready outcomes are held as bytes, five times smaller
        return ready


def _none_yet(count: int) -> list[Outcome | None]:
    return [None] * count


@dataclass(slots=True, eq=False)
class ConcurrentCalls:
    """The identical calls that are being made now."""

    places: list[dict[str, Any] | None] = field(default_factory=list)
    """One a call, in the order in which the calls were made, filled when the call is over."""
    pending: int = 0
    writing: threading.RLock = field(default_factory=threading.RLock)


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one live call among the identical ones."""

    making: ConcurrentCalls
    index: int


class Session:
    """What a recorder does for the calls that are made under it. Safe for any number of tasks, threads, event loops."""

    def __init__(
        self,
        store: Store | str | os.PathLike[str] = "recordings",
        *,
        mode: str = "replay",
        exhausted: Literal["repeat", "error"] = "repeat",
        errors: Literal["answers", "all"] = "answers",
        on_watched_change: Literal["warn", "fail"] = "warn",
        max_age: str | timedelta | None = None,
        on_expiry: Literal["warn", "fail", "record"] = "warn",
        timings: bool = False,
        pace: float = 0.0,
        trust: Iterable[str] = (),
        secrets: Iterable[str] = (),
        claims: bool = True,
        claim_timeout: float = 300.0,
        memory: int = 64 * 1024 * 1024,
        ignore: Iterable[str] = (),
        watch: Iterable[str] = (),
        scrub: Mapping[str, Scrubber | Iterable[Scrubber]] | None = None,
        test: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.mode = Mode.of(environ.get("MEMO_MODE") or mode)
        self.store = as_store(environ.get("MEMO_STORE") or store)
        self._access = StoreGateway(
            self.store,
            recording=self.mode in (Mode.RECORD, Mode.RECORD_IF_MISSING),
            claims=claims,
            patience=_positive("claim_timeout", claim_timeout),
        )
        self.reads_in_place = self._access.in_place
        """Whether reading is quick enough for an event loop."""
        self.exhausted = _one_of("exhausted", exhausted, "repeat", "error")
        self.errors = _one_of("errors", errors, "answers", "all")
        self.on_watched_change = _one_of("on_watched_change", on_watched_change, "warn", "fail")
        self.max_age: timedelta | None = None
        if max_age is not None:
            from memo._recordings.ages import duration

            self.max_age = duration(max_age, "max_age")
        self.on_expiry = _one_of("on_expiry", on_expiry, "warn", "fail", "record")
        self.timings = timings
        self.pace = pace
        self.trust = frozenset([trust] if isinstance(trust, str) else trust)
        self.secrets = plain_names([secrets] if isinstance(secrets, str) else secrets)
        self.key_rules = KeyRules.of(ignore, watch, scrub)
        self.test = test
        self.started = False
        """Whether it was started for the whole process."""
        self.failures: list[MemoError] = []
        """What could not be recorded, although the caller got the live result."""
        self.flights = Flights()
        self._stats = Stats()
        # Reentrant: a stream that the garbage collector closes, at any time, is stored or left.
        self._lock = threading.RLock()
        self._searched = 0.0
        """Seconds spent on saying why calls were missed."""
        self._memory = memory
        self._held = 0
        self._ready: OrderedDict[str, Recording] = OrderedDict()
        self._replays: dict[str, int] = {}
        self._warned: set[tuple[Any, ...]] = set()
        self._concurrent: dict[str, ConcurrentCalls] = {}
        self._made: dict[str, int] = {}
        """In `record`: how many outcomes a key has got in this session, trailing equal ones included."""

    def __repr__(self) -> str:
        return f"<memo.Recorder {self.mode} {self.store.location()}>"

    @property
    def stats(self) -> Stats:
        """What this recorder did so far: a copy."""
        with self._lock:
            return replace(self._stats)

    def raise_failures(self) -> None:
        """Raise what could not be recorded so far: one error as itself, several as an `ExceptionGroup`. Once.

        What could not be delivered to the store, but is kept in a local directory, is warned of (`RecordingsSpooled`).
        """
        with self._lock:
            failures, self.failures = self.failures, []
            undelivered = self._access.undelivered()
        if undelivered is not None:
            try:
                warn(undelivered, stacklevel=2)
            except RecordingsSpooled as error:  # where warnings are errors, it is one of several
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise ExceptionGroup(f"memo: {len(failures)} calls could not be recorded", failures)

    def note(self, error: MemoError) -> None:
        """In replay, a call failed: it could not be replayed. A recorder of tests remembers it, whoever catches the error."""

    # Reading

    def find(self, call: Call, values: Values) -> Recording | None:
        """The recording of a call, None where there is none. Raises `RecordingDamaged`, `NewerFormat`, `StoreError`."""
        return self.ready(call) or self.fetch(call, values)

    def fetch(self, call: Call, values: Values) -> Recording | None:
        """The same from the store, whatever is in memory."""
        name = entry_name(call.function, call.key)
        data = self._access.get(name)
        return self._keep(call, values, name, data) if data is not None else None

    def ready(self, call: Call) -> Recording | None:
        """The recording of a call, if it is in memory."""
        ready = self._ready.get(call.key)
        if ready is not None:
            if self.max_age is not None and self.on_expiry != "warn" and self.expired(ready):
                return None  # another process may have recorded it again
            if ready.until is not None and time.monotonic() > ready.until:
                return None
            try:
                self._ready.move_to_end(call.key)
            except KeyError:  # another thread has just let go of it
                return ready
        return ready

    async def afetch(self, call: Call, values: Values) -> Recording | None:
        """The same, off the event loop where the store is not quick."""
        if self.reads_in_place:
            return self.fetch(call, values)
        name = entry_name(call.function, call.key)
        try:
            data = await self._access.aget(name)
        except StoreError as error:
            data = self._access.missed(name, error)
        return self._keep(call, values, name, data) if data is not None else None

    def lead(self, call: Call, values: Values, flight: Flight) -> Recording | None:
        """Look once more, since another call may just have ended, and claim this one for the fleet where the store can."""
        return self._led(call, values, flight, self._access.claim(entry_name(call.function, call.key)))

    async def alead(self, call: Call, values: Values, flight: Flight) -> Recording | None:
        """The same, without blocking the event loop. Cancelled, it claims nothing."""
        return self._led(call, values, flight, await self._access.aclaim(entry_name(call.function, call.key)))

    def _led(self, call: Call, values: Values, flight: Flight, found: bytes | Claim | None) -> Recording | None:
        if found is None or isinstance(found, bytes):
            return self._keep(call, values, entry_name(call.function, call.key), found) if found is not None else None
        flight.claim = found
        return None

    def replay(self, call: Call, recording: Recording) -> Outcome:
        """The outcome that this call is replayed with.

        Raises `OutcomesExhausted`, `WatchedFieldChanged`, `RecordingExpired`.
        """
        if self.max_age is not None and self.expired(recording):
            self._tell_expired(call, recording, self.max_age)
        if call.watched or recording.watched:
            self._compare_watched(call, recording)
        index = 0
        if recording.count > 1 or self.exhausted == "error":
            with self._lock:
                index = self._replays.get(call.key, 0)
                self._replays[call.key] = index + 1
            if index >= recording.count:
                if self.exhausted == "error":
                    from memo._engine.miss import recording_command

                    raise OutcomesExhausted(
                        function=call.function,
                        key=call.key,
                        store=self.store.location(),
                        arguments=call.arguments.decode(),
                        outcomes=recording.count,
                        location=recording.location(),
                        command=recording_command("record"),
                    )
                index = recording.count - 1
        outcome = recording.outcome(index)
        with self._lock:
            self._stats.replayed += 1
            self._stats.seconds_saved += outcome.seconds
        return outcome

    def expired(self, recording: Recording) -> bool:
        """Whether a recording is older than `max_age`. One of the future is new; one that does not say when it was made is old."""
        if self.max_age is None:
            return False
        if recording.made is None:
            from memo._recordings.ages import moment

            made = moment(recording.recorded_at)
            recording.made = -math.inf if made is None else made
        return time.time() - recording.made > self.max_age.total_seconds()

    def should_rerecord(self, recording: Recording) -> bool:
        """Whether a recording is recorded again instead of being replayed, where calls may be made."""
        return self.on_expiry == "record" and self.expired(recording)

    def missed(self, call: Call) -> RecordingNotFound:
        """The error of a call that can not be replayed, with the recording that is nearest.

        It takes less than a tenth of a second, and much less once this session's misses have taken some seconds.
        """
        from memo._engine.miss import missed

        with self._lock:
            self._stats.missed += 1
            seconds = _SEARCH if self._searched < _SEARCHES else _SEARCH_BRIEFLY
        started = time.perf_counter()
        error = missed(call, self.store, seconds)
        with self._lock:
            self._searched += time.perf_counter() - started
        return error

    async def amissed(self, call: Call) -> RecordingNotFound:
        """The same, off the event loop where the store is not quick."""
        if self.store.reads_in_place:
            return self.missed(call)
        return await anyio.to_thread.run_sync(self.missed, call)

    def forget(self, call: Call) -> bool:
        """Delete the recording of a call. Whether there was one."""
        with self._lock:
            self._drop(call.key)
            self._made.pop(call.key, None)
            self._replays.pop(call.key, None)
        return self.store.delete(entry_name(call.function, call.key))

    def forget_all(self, function: str) -> None:
        """Delete every recording of a function."""
        for name in self.store.scan(f"{function}/"):
            self.store.delete(name)
        with self._lock:
            self._ready.clear()
            self._held = 0
            self._made.clear()
            self._replays.clear()

    # Recording

    def count_live(self) -> None:
        """Count a call that goes to the real function."""
        with self._lock:
            self._stats.live += 1

    def slot(self, call: Call) -> Slot:
        """The place of a call that is being made now. It has to be left, stored or not."""
        with self._lock:
            making = self._concurrent.setdefault(call.key, ConcurrentCalls())
            making.places.append(None)
            making.pending += 1
            return Slot(making, len(making.places) - 1)

    def restart(self, call: Call) -> None:
        """The next outcome of this call replaces what was recorded."""
        with self._lock:
            self._made.pop(call.key, None)
            self._replays.pop(call.key, None)

    def leave(self, call: Call, slot: Slot) -> None:
        """The call is over."""
        with self._lock:
            making = slot.making
            making.pending -= 1
            if making.pending == 0:
                done = sum(each is not None for each in making.places)
                if done:
                    self._made[call.key] = self._made.get(call.key, 0) + done
                self._concurrent.pop(call.key, None)

    def store_outcome(
        self, call: Call, slot: Slot | None, outcome: dict[str, Any], values: Values, claim: Claim | None = None
    ) -> Outcome | None:
        """Write the outcome of a live call: in its place, or, without one, only if no other came first.

        If one did, in whichever process of the fleet, that is returned: it is what the call came to, for everybody.
        Never raises: what fails is logged, and raised when the scope ends.
        """
        try:
            if slot is not None:
                with slot.making.writing:
                    slot.making.places[slot.index] = outcome
                    made = [each for each in slot.making.places if each is not None]
                    self._write(call, [*self._before(call), *made])
            else:
                document = self._rendered(call, [outcome])
                first = self._access.create(entry_name(call.function, call.key), document, claim)
                if first is not None:
                    found = self._keep(call, values, entry_name(call.function, call.key), first)
                    if not self.should_rerecord(found):
                        return self.replay(call, found)
                    self._access.put(entry_name(call.function, call.key), document)
                    self.restart(call)
                self._written(call)
                if self.exhausted == "error":
                    with self._lock:
                        self._replays[call.key] = 1  # the live call used up the first
        except Exception as error:  # noqa: BLE001 - the live answer was paid for and goes to the caller, whatever happens here
            if slot is not None:
                slot.making.places[slot.index] = None
            self.failed(call, error)
            return None
        if outcome.get("redacted"):
            log.warning(
                "%s: masked secrets in the recorded outcome at %s", call.function, ", ".join(outcome["redacted"])
            )
        return None

    def failed(self, call: Call, error: Exception) -> None:
        """Note that an outcome could not be recorded."""
        if isinstance(error, UnrecordableValue):
            error.function = call.function
        if not isinstance(error, MemoError):
            failure = MemoError(f"{call.function}: could not be recorded ({type(error).__name__}: {error})")
            failure.__cause__ = error
            error = failure
        log.error("the live result was handed over, but could not be recorded: %s", error)
        with self._lock:
            self.failures.append(error)

    def _write(self, call: Call, outcomes: list[dict[str, Any]]) -> None:
        while len(outcomes) > 1 and fingerprint(outcomes[-1]) == fingerprint(outcomes[-2]):
            outcomes.pop()
        self._access.put(entry_name(call.function, call.key), self._rendered(call, outcomes))
        self._written(call)

    def _rendered(self, call: Call, outcomes: list[dict[str, Any]]) -> bytes:
        return render(
            {
                "memo": FORMAT_VERSION,
                "function": call.function,
                **({"version": call.version} if call.version is not None else {}),
                "key": call.key,
                "arguments": orjson.loads(call.arguments),
                **({"watched": dict(call.watched)} if call.watched else {}),
                "recorded_at": timestamp(),
                **({"test": self.test} if self.test else {}),
                "outcomes": outcomes,
            }
        )

    def _written(self, call: Call) -> None:
        with self._lock:
            self._drop(call.key)
            self._stats.recorded += 1

    def _before(self, call: Call) -> list[dict[str, Any]]:
        """The outcomes that this session has recorded of earlier identical calls."""
        made = self._made.get(call.key, 0)
        data = self._access.get(entry_name(call.function, call.key)) if made else None
        if data is None:
            return []
        outcomes: list[dict[str, Any]] = parse(data, self.store.location(entry_name(call.function, call.key)))[
            "outcomes"
        ]
        return outcomes + [outcomes[-1]] * (made - len(outcomes))

    def _keep(self, call: Call, values: Values, name: str, data: bytes) -> Recording:
        held = len(data) <= self._memory
        document = parse(data, lambda: self.store.location(name), call)
        recording = Recording(document, data, values, self.store, name, held=held)
        if not held:
            return recording
        if self._access.ttl is not None:
            recording.until = time.monotonic() + self._access.ttl
        with self._lock:
            self._drop(call.key)
            self._ready[call.key] = recording
            self._held += recording.size
            while self._held > self._memory and self._ready:
                _, oldest = self._ready.popitem(last=False)
                self._held -= oldest.size
        return recording

    def _drop(self, key: str) -> None:
        dropped = self._ready.pop(key, None)
        if dropped is not None:
            self._held -= dropped.size

    def _tell_expired(self, call: Call, recording: Recording, max_age: timedelta) -> None:
        """Raise `RecordingExpired`, or warn. `record` is for where calls may be made, and this is not."""
        from memo._engine.miss import recording_command
        from memo._recordings.ages import in_words, moment

        if self.on_expiry == "warn" and (call.key, "expired") in self._warned:
            return
        made = moment(recording.recorded_at)
        age = None if made is None else timedelta(seconds=time.time() - made)
        limit = f"max_age={in_words(max_age)}"
        warning = RecordingExpired(
            function=call.function,
            key=call.key,
            location=recording.location(),
            recorded_at="" if age is None else str(recording.recorded_at),
            age=age,
            max_age=max_age,
            said=f"does not say when it was recorded, and {limit} is asked for"
            if age is None
            else f"was recorded {in_words(age)} ago, which is more than {limit}",
            command=recording_command("record-if-missing" if self.on_expiry == "record" else "record"),
        )
        if self.on_expiry != "warn":
            raise warning
        self._warn_once((call.key, "expired"), warning)

    def _compare_watched(self, call: Call, recording: Recording) -> None:
        then, now = recording.watched, call.watched
        changed = {path: (then.get(path), now.get(path)) for path in {**now, **then} if then.get(path) != now.get(path)}
        if not changed:
            return
        target = ""
        if not isinstance(self.store, DirectoryStore):
            from memo._engine.miss import named_recording

            target = named_recording(self.store, call)
        warning = WatchedFieldChanged(call.function, changed, recording.location(), changed, target)
        if self.on_watched_change == "fail":
            raise warning
        self._warn_once((call.key, *now.items()), warning)

    def _warn_once(self, about: tuple[Any, ...], warning: Warning) -> None:
        """Warn where the user's code made the call; once about the same thing."""
        if about not in self._warned:
            warn(warning, stacklevel=_outside())
            self._warned.add(about)  # not before: as an error it is raised each time


def _outside() -> int:
    """How many frames above the caller of this the code stands that is not memo's."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("memo", "wrapt"):
        level, frame = level + 1, frame.f_back
    return level


def _one_of(option: str, value: str, *allowed: str) -> str:
    if value not in allowed:
        raise InvalidOption(option, value, allowed)
    return value


def _positive(option: str, value: float) -> float:
    number: object = value
    if isinstance(number, bool) or not isinstance(number, int | float) or not number > 0:
        raise InvalidOption(option, value, ["a positive number"])
    return value
