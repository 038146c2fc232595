"""A session: what a recorder does for the calls made under it, by its settings, with its store."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from anyio.lowlevel import checkpoint_if_cancelled

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._engine.numbering.draws import DrawNumbers
from memo._engine.numbering.shared_draws import SharedDraws
from memo._engine.numbering.uncertain import UncertainDraws
from memo._engine.reports.call_log import CallLog, CallRecord
from memo._engine.reports.callers import Callers
from memo._engine.reports.credentials import IgnoredCredentials
from memo._engine.reports.failures import failure_of, raise_all
from memo._engine.reports.search_time import SearchTime
from memo._engine.reports.staleness import Staleness
from memo._engine.rules import modes
from memo._engine.rules.mode_rules import ModeRule
from memo._engine.rules.modes import Mode, ModeName
from memo._engine.sessions.lazy import lazy
from memo._engine.sessions.options import RecorderOptions, checked
from memo._engine.sessions.settings import Settings
from memo._engine.sessions.spending import LiveLimit, Spending
from memo._engine.sessions.stats import Counts, Stats
from memo._engine.sessions.verification import Verification, VerifiedCall
from memo._engine.storing import definitions
from memo._engine.storing.gateway import StoreGateway
from memo._engine.storing.memory import Memory, Recording
from memo._engine.storing.order_changes import OrderChanges
from memo._engine.storing.pending import PendingStore
from memo._engine.storing.recordings import Recordings
from memo._engine.storing.writing import Draw, Writer
from memo._engine.streaming.consumers import OpenStreams
from memo._engine.waiting.flights import Claim, Flights
from memo._engine.waiting.nesting import making
from memo._engine.waiting.order import Order
from memo._engine.waiting.threads import in_thread
from memo._recordings.outcomes import Outcome
from memo.codecs.values import Values
from memo.errors import (
    CallsNotRecordedWarning,
    InvalidOption,
    MemoError,
    OutcomesExhausted,
    RecordingNotFound,
    RecordingReplacedWarning,
    ScopeLostWarning,
    StoreError,
)
from memo.stores import MemoryStore, Store, StoreLike, as_layers, as_store

__all__ = ["Session"]

log = logging.getLogger("memo")


class Session(Settings):
    """What a recorder does for the calls that are made under it. Safe for any number of tasks, threads, event loops."""

    is_of_test = False
    """True if pytest made the session for a marked test, so that the options of the plugin count."""

    flights = lazy(lambda _: Flights())
    uncertain = lazy(lambda _: UncertainDraws())
    open_streams = lazy(lambda _: OpenStreams())
    ignored_credentials = lazy(lambda _: IgnoredCredentials())
    _searches = lazy(lambda _: SearchTime())

    def __init__(
        self,
        store: StoreLike | Sequence[StoreLike] = "recordings",
        *,
        mode: ModeName | Mode = "replay",
        environ: Mapping[str, str] | None = None,
        **options: Unpack[RecorderOptions],
    ) -> None:
        environ = os.environ if environ is None else environ
        settings = checked(options)
        super().__init__(mode, environ, settings)
        self.options: dict[str, Any] = dict(options)
        """The options as they were given."""
        self.memoized_errors: str = options.get("errors", "none")
        """As `errors`, for functions bound to the recorder: an error in a cache would be raised forever."""
        self.started = False
        """Whether it was started for the whole process."""
        self._open(store, environ.get("MEMO_STORE"), settings["fallback"])
        self.pending = PendingStore.of(self.store, settings["pending"]) if self.is_recording else None
        """Where what is recorded is put aside. None: it is recorded."""
        self._entries: Store = self.pending or self.store
        self._gateway = StoreGateway(
            self._entries,
            recording=self.is_recording,
            claims=settings["claims"],
            patience=settings["claim_timeout"],
        )
        self.salt, self.salt_in_loop = self._gateway.salt, self._gateway.salt_in_loop
        self.aread_salt = self._gateway.aread_salt
        self.reads_in_place = self._gateway.in_place
        """Whether reading is quick enough for an event loop."""
        self.leads_at_once = self._gateway.claims_nothing and self.reads_in_place
        """Whether nobody has to be waited for to lead a call: there is no other process, and reading is quick."""
        self.is_remote = self._gateway.is_remote
        is_read_again = self.max_age is not None and self.staleness.is_checked_in_store
        self._memory = Memory(
            settings["memory"],
            self.staleness.is_expired if is_read_again else None,
            of_memory=isinstance(self.store, MemoryStore),
        )
        self.in_memory = self._memory.get
        """Returns the recording of a call, if it is in memory and need not be read again."""
        self.recordings = Recordings(self.store, self._entries, self._gateway, self._memory)
        self.order_changes = OrderChanges(self.recordings)
        self.lead, self.alead = self.recordings.claim, self.recordings.aclaim
        """Return what has been recorded in the meantime; else claim a draw for the fleet, where the store can."""
        self._set_limits(settings)
        self._set_records(settings)

    def _set_limits(self, settings: Mapping[str, Any]) -> None:
        max_live, max_cost = settings["max_live"], settings["max_cost"]
        self.live_limit = LiveLimit(max_live) if max_live is not None else None
        """How many calls may go to the real function, if that has a limit."""
        self.spending = Spending.of(max_cost, settings["prices"])
        """What live calls cost, if that has a limit."""
        if self.spending is not None and self.mode is Mode.LIVE:
            raise InvalidOption("max_cost", max_cost, ["none in the mode live, which reads no answers"])

    def _set_records(self, settings: Mapping[str, Any]) -> None:
        """Make what remembers the calls of the session."""
        self.counts = Counts()
        self.calls_made = CallLog() if settings["calls"] else None
        """What was called, if that is to be listed."""
        self.callers = Callers()
        self.numbers: DrawNumbers = DrawNumbers()
        """Gives each call that is being made its number among the identical ones.

        It is used up by an outcome, replayed or recorded; without one, give it back (`give_back`).
        """
        self.order = Order()
        """The order in which concurrent calls end."""
        self.verification = Verification() if modes.VERIFY in self.modes else None
        """The outcomes of the calls in `verify`."""
        self.failures: list[MemoError] = []
        """What could not be recorded, although the caller got the live result."""
        # Reentrant: the garbage collector may close a stream at any time, which stores or abandons it.
        self._lock = threading.RLock()

    def _open(self, store: Any, instead: str | None, fallback: Sequence[StoreLike]) -> None:
        first, *lower = store if isinstance(store, list | tuple) and store else [store]
        self.named: object = instead or first
        """The store as it was given; of several, the one that is written to."""
        lower += fallback
        self.store = as_layers([self.named, *lower]) if lower else as_store(self.named)
        self._owns_store = self.store is not self.named
        if lower:
            self.options["fallback"] = tuple(lower)

    def __repr__(self) -> str:
        return f"<memo.Recorder {self.mode} {self.store.location()}>"

    @property
    def stats(self) -> Stats:
        """Return what this recorder did so far: a copy."""
        stats = self.counts.stats()
        if self.mode_rules is not None:
            stats.by_rule = dict(self.mode_rules.counts)
        if self.faults is not None:
            stats.injected = self.faults.injected
        if self.pending is not None:
            stats.volatile = len(self.pending.volatile)
        return stats

    @property
    def calls(self) -> list[CallRecord]:
        """Return what was called so far, in order. Raises `InvalidOption` for a recorder without `calls=True`.

        What came of a call is read from the store now. A call that is going on, or was not recorded, has no outcome.
        """
        if self.calls_made is None:
            raise InvalidOption("calls", "False", ["calls=True: recording(..., calls=True)"])
        return self.calls_made.records(self._entries)

    def raise_failures(self) -> None:
        """Raise what could not be recorded so far: one error as itself, several as an `ExceptionGroup`. Once.

        What could not be delivered to the store, but is kept in a local directory, is warned of (`RecordingsSpooledWarning`), and so
        are calls that had no outcome to record (`CallsNotRecordedWarning`), and outcomes of an earlier recorder of this process
        that other ones replaced (`RecordingReplacedWarning`).
        """
        made = vars(self)
        replaced = self._writer.lost() if "_writer" in made else ()
        uncertain: Sequence[MemoError] = ()
        if "uncertain" in made and self.verification is None:
            uncertain = self.uncertain.warnings(self.numbers.taken, self._has_several)
        with self._lock:
            failures, self.failures = self.failures, []
        unrecorded = self.counts.take_unrecorded()
        warnings = [
            self._gateway.undelivered(),
            CallsNotRecordedWarning(unrecorded) if unrecorded else None,
            RecordingReplacedWarning(replaced, self.store.location()) if replaced else None,
            self.order.warning(lambda: self.recording_command("record")),
            *uncertain,
            *self._found_at_end(),
        ]
        raise_all(failures, warnings)

    def _has_several(self, name: str) -> bool:
        """Return whether a recording has several outcomes: equal ones that follow each other are one."""
        try:
            document = self.recordings.document(name)
            return document is not None and len(document.outcomes) > 1
        except MemoError:  # reported where the outcome was to be written
            return False

    def check_patterns(self) -> None:
        """Raise `UnknownFunction` for a pattern that would do nothing. A run of tests reports at its end what covered nothing."""
        if self.is_of_test:
            return
        if self.mode_rules is not None:
            self.mode_rules.check(self.store)
        if self.faults is not None:
            self.faults.check(self.store)

    def _found_at_end(self) -> list[MemoError | None]:
        if self.is_of_test:  # a run of tests knows at its end which patterns covered nothing, and reports what differs
            return []
        return [
            self.verification.warning() if self.verification is not None else None,
            *(self.mode_rules.unknown(self.store) if self.mode_rules is not None else ()),
            *(self.faults.unknown() if self.faults is not None else ()),
        ]

    def close_store(self) -> None:
        """Close what the store holds open, where the store is this session's own. What is in use is left open."""
        if self._owns_store:
            self._gateway.close()

    def on_replay_error(self, error: MemoError) -> None:
        """Handle that a call could not be replayed. A recorder of tests remembers the error even if it is caught."""

    def on_unreadable(self, call: Call, error: MemoError) -> None:
        """Handle that the recording of a call could not be decoded: say where it is and how it is replaced."""
        self._locate(call, error)
        self.on_replay_error(error)

    def _locate(self, call: Call, error: MemoError) -> None:
        from memo._engine.reports.unreadable import locate

        command = self.recording_command("record", self.rule_of(call))
        locate(error, self.store.location(entry_name(call.function, call.key)), command)

    def on_scope_lost(self, warning: ScopeLostWarning) -> None:
        """Handle that a call went live which may have been one of this session's. A scope of another process lets that one know."""

    def has_ended(self) -> bool:
        """Return whether no call follows: nobody knows that of a session of this process."""
        return False

    def share_draws(self, shared: SharedDraws) -> None:
        """Count the identical calls together with the other processes that have the scope."""
        self.numbers = self._writer.shared = shared
        self.order.is_off = True
        if self.pending is not None:
            self.pending.shared = shared

    def begun(self) -> list[str]:
        """Return the keys whose recordings were replaced in `record`, and the names of what was put aside."""
        return self._writer.begun() + (self.pending.begun() if self.pending is not None else [])

    # Reading

    def find(self, call: Call) -> Recording | None:
        """Return the recording of a call, None where there is none. Raises `RecordingDamaged`, `NewerFormat`, `StoreError`."""
        return self.in_memory(call) or self.fetch(call)

    def fetch(self, call: Call) -> Recording | None:
        """Return the recording of a call from the store, whatever is in memory."""
        return self.recordings.fetch(call)

    async def afetch(self, call: Call) -> Recording | None:
        """Async twin of `fetch`: off the event loop where the store is not quick."""
        return await self.recordings.afetch(call)

    def give_back(self, call: Call, number: int | None) -> None:
        """Let the next identical call have the number of a call that was neither replayed nor recorded."""
        if number is not None:
            self.numbers.give_back(call, number)

    def replay(
        self, call: Call, recording: Recording, values: Values, number: int | None, index: int | None = None
    ) -> Outcome:
        """Return the outcome of a recording that a call is replayed with, and count the replay.

        That is the one at `index`, else the one of the replay with that number. Raises `OutcomesExhausted`,
        `WatchedFieldChangedWarning`, `RecordingExpiredWarning`.
        """
        if self.max_age is not None or call.watched or recording.watched:
            self.staleness.check(call, recording, is_refreshed=self.is_refreshed(call.function))
        outcome = recording.only
        if outcome is None or self.exhausted == "error" or recording.generation != definitions.generation:
            if index is None:
                is_only = recording.count == 1 and self.exhausted == "repeat"
                index = 0 if is_only else self._index(call, recording, number)
            try:
                outcome = recording.outcome(index, values)
            except MemoError as error:
                self._locate(call, error)
                raise
        if self.calls_made is not None:
            self.calls_made.replayed(call, index or 0)
        self.counts.replayed(outcome.seconds)
        return outcome

    def take_inside(self, inside: Mapping[str, int]) -> None:
        """Take the draws that were taken inside a call when it was recorded: a replay does not make those calls."""
        outer = making.get()
        for name, count in inside.items():
            function, _, key = name.rpartition("/")
            call = Call(function, key, b"{}")
            for _ in range(count):
                self.numbers.take(call)
            if outer is not None:
                outer.note(self, call, count)

    def _index(self, call: Call, recording: Recording, number: int | None) -> int:
        if number is None:
            number = self.numbers.take(call)
        index, is_used_up = recording.draws.replayed(number)
        if not is_used_up or self.exhausted == "repeat":
            return index
        raise OutcomesExhausted(
            function=call.function,
            key=call.key,
            store=self.store.location(),
            arguments=call.arguments.decode(),
            outcomes=recording.count,
            location=recording.location(),
            command=self.recording_command("record", self.rule_of(call)),
        )

    def missed(self, call: Call) -> RecordingNotFound:
        """Return the error of a call that cannot be replayed, with the nearest recording.

        The search takes less than a tenth of a second, and much less once this session's misses have taken some seconds.
        """
        self.counts.missed()
        return self.error_of_miss(call)

    def error_of_miss(self, call: Call) -> RecordingNotFound:
        """Return the error of a call that has no recording, and count nothing."""
        from memo._engine.reports.miss import missed

        rule = self.rule_of(call)
        with self._searches.one() as seconds:
            return missed(call, self.store, seconds, self.recording_command(rule=rule), rule)

    def recording_command(self, mode: str = "record-if-missing", rule: ModeRule | None = None) -> str:
        """Return what to type to record the calls of this program, or of the test that runs."""
        from memo._engine.reports.commands import recording_command

        return recording_command(mode, of_test=self.is_of_test, rule=rule)

    async def amissed(self, call: Call) -> RecordingNotFound:
        """Async twin of `missed`: off the event loop where the store is not quick."""
        await checkpoint_if_cancelled()  # a task that is cancelled already gets no miss
        if self.store.reads_in_place:
            return self.missed(call)
        return await in_thread(lambda: self.missed(call))

    def has_begun(self, call: Call, draw: int) -> bool:
        """Return whether the call with that number has begun, among the identical ones."""
        return self.numbers.taken(call.key) > draw

    # Recording

    def allow_live(self, function: str, call: Call) -> None:
        """Count a call that is about to go to the real function.

        Raises `TooManyLiveCalls` after `max_live` of them, `CostLimitReached`, and `InvalidOption` for a model without a price.
        """
        try:
            if self.spending is not None:
                self.spending.check(function, call)
            if self.live_limit is not None:
                self.live_limit.take(function)
        except MemoError as error:
            self.on_replay_error(error)
            raise

    def count_live(self) -> None:
        """Count a call that goes to the real function."""
        self.counts.live()

    def count_unscoped(self) -> None:
        """Count a call from a context that is in no scope."""
        self.counts.unscoped()

    def count_unrecorded(self, call: Call, reason: str) -> None:
        """Count a call that ended without an outcome that is recorded, to be reported when the scope ends."""
        if self.verification is not None and self.mode_of(call.function) is Mode.VERIFY:
            self.verification.unfinished[f"{call.function} {reason}"] += 1
            return
        self.counts.unrecorded(call.function, reason)

    def go_without_salt(self, function: str, error: StoreError) -> None:
        """Count a call that goes to the real function, since its key needs the salt of the store: it cannot be recorded.

        Raises the error where no call may be made.
        """
        if not self._gateway.may_go_without_salt(error):
            raise error
        self.count_live()
        reason = f"with a credential, whose digest needs the salt of a store that failed: {error}"
        self.count_unrecorded(Call(function, "", b"{}"), reason)

    def restart(self, call: Call) -> None:
        """Let the next outcome of this call replace what was recorded."""
        self._writer.restart(call)
        self.numbers.restart(call)

    def store_outcome(
        self, call: Call, draw: Draw, outcome: dict[str, Any], values: Values, claim: Claim | None = None
    ) -> Outcome | None:
        """Write the outcome of a live call.

        If its draw has another outcome already, recorded in whichever process of the fleet, return that: it is the outcome
        of the call, for everybody. Never raises: what fails is logged, and raised when the scope ends.
        """
        try:
            if draw.is_compared:
                self._compare(call, draw, outcome)
                return None
            there = self._writer.write(call, draw, outcome, claim)
            if there is not None:
                recording = self.recordings.keep(call, there)
                index = recording.draws.index(draw.place)
                return self.replay(call, recording, values, draw.number, index if draw.is_counted else None)
        except Exception as error:  # noqa: BLE001 - the live answer was paid for and goes to the caller, whatever happens here
            self.failed(call, error)
            return None
        self._memory.drop(call.key)
        if not draw.is_counted and draw.number is not None:
            self.numbers.restart(call)
            self.numbers.take(call)  # the live call used up the only outcome
        self.counts.recorded()
        if outcome.get("redacted"):
            places = ", ".join(path or "the value itself" for path in outcome["redacted"])
            log.warning("%s: masked secrets in the recorded outcome at %s", call.function, places)
        return None

    def _compare(self, call: Call, draw: Draw, outcome: dict[str, Any]) -> None:
        assert self.verification is not None
        recorded = self.recordings.document(entry_name(call.function, call.key), call)
        self.on_verified(self.verification.compare(call, draw, outcome, recorded))

    def on_verified(self, made: VerifiedCall) -> None:
        """Handle that a call in `verify` was compared with what is recorded."""

    def failed(self, call: Call, error: Exception, what: str = "could not be recorded") -> None:
        """Note that an outcome could not be recorded, or what else went wrong."""
        failure = failure_of(call, error, what)
        log.error("the live result was returned, but could not be recorded: %s", failure)
        with self._lock:
            self.failures.append(failure)

    def store_open_streams(self) -> None:
        """Store what passed of each stream that is still open, and log which streams may still be read on."""
        for call, error in self.order_changes.write():
            self.failed(call, error, "was recorded without the call that it ended after")
        for stream in self.open_streams.store() if "open_streams" in vars(self) else ():
            log.warning(
                "%s: the stream was still open when the recording ended, and is stored as far as it was read", stream
            )

    @lazy
    def staleness(self) -> Staleness:
        """Return what notices that a recording may not fit its call any more."""
        return Staleness(self.store, self.max_age, self.on_expiry, self.on_watched_change, of_test=self.is_of_test)

    @lazy
    def _writer(self) -> Writer:
        return Writer(self.store, self._gateway, self.test, self.pending and self.pending.aside)

    # Deleting

    def forget_tagged(self, tag: str, function: str = "") -> int:
        """Delete every recording with a tag, those of one function or all; return how many there were."""
        count = 0
        for call, was_there in self.recordings.delete_tagged(tag, function):
            self.restart(call)
            count += was_there
        return count

    def forget(self, call: Call) -> bool:
        """Delete the recording of a call; return whether there was one."""
        self.restart(call)
        return self.recordings.delete(call)

    def forget_all(self, function: str) -> None:
        """Delete every recording of a function."""
        self.recordings.delete_all(function)
        self._writer.restart_function(function)
        self.numbers.restart_function(function)
