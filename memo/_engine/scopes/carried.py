"""Scopes of other processes, served here: one recorder for each, whichever requests, tasks and threads are in it."""

from __future__ import annotations

import atexit
import logging
import os
import shlex
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from memo._calls.call import Call
from memo._engine.numbering.journal import Journal
from memo._engine.numbering.shared_draws import SharedDraws
from memo._engine.rules.mode_rules import ModeRule
from memo._engine.rules.modes import Mode
from memo._engine.scopes.carrier import Carrier
from memo._engine.scopes.observed import ObservedRecorder
from memo._engine.sessions.active import carried as sessions
from memo._engine.sessions.active import enter, leave, process_wide
from memo._engine.sessions.guard import began, ended
from memo._engine.sessions.scope_names import HEADER, SECRET, VARIABLE
from memo._engine.sessions.verification import VerifiedCall
from memo._engine.waiting.holders import is_gone
from memo.errors import MemoError, RecordingNotFound, ScopeLostWarning, ScopeRefused

__all__ = ["CarriedRecorder", "carried", "close_all", "opened", "opened_after_fork"]

log = logging.getLogger("memo")


class CarriedRecorder(ObservedRecorder):
    """The recorder of a scope that came from another process. What it does is in the scope's journal."""

    def __init__(self, carrier: Carrier, value: str, own: Mapping[str, Any]) -> None:
        options: dict[str, Any] = {**carrier.resolved(own), "test": carrier.test, "isolated": True}
        super().__init__(carrier.store, mode=Mode.of(carrier.mode), environ={"MEMO_MODES": carrier.modes}, **options)
        self.process = os.getpid()
        self._value = value
        self.uses = 0
        """How many requests, tasks and threads are in the scope now."""
        self._carrier = carrier
        self._journal = Journal(carrier.journal, carrier.test)
        try:
            self.share_draws(SharedDraws(f"{carrier.journal}.draws"))
        except OSError as error:  # on another machine, or after the end of the run: this process counts for itself
            log.warning("the draws of %s are not shared with other processes: %s", carrier.test or "a scope", error)
        if Mode.REPLAY in self.modes:
            began()
        sessions.append(self)

    def __repr__(self) -> str:
        return f"<memo scope of {self._carrier.test or self._carrier.run}: {self.mode} {self.store.location()}>"

    def __enter__(self) -> Self:
        """Be active in this context."""
        self.hold(1)
        enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Be active no more in this context. The recorder goes on: other requests of its scope may follow."""
        leave(self)
        self.hold(-1)

    def hold(self, by: int) -> None:
        """Count that so many more uses keep the recorder."""
        with self._lock:
            self.uses += by

    @property
    def headers(self) -> dict[str, str]:
        """The header that takes the scope further, to the next server."""
        return {HEADER: self._value}

    @property
    def env(self) -> dict[str, str]:
        """The variables that take the scope further, to a child process."""
        return {VARIABLE: self._value, SECRET: os.environ[SECRET]}

    def has_ended(self) -> bool:
        """Return whether nothing here is in the scope, and the process that opened it has left it, or is gone."""
        if self.process != os.getpid():  # a copy, in a process that was forked
            return True
        return self.uses <= 0 and (self._journal.has_ended() or is_gone(self._carrier.process))

    def close(self) -> None:
        """End the recorder: store what passed of its open streams."""
        sessions.remove(self)
        self.store_open_streams()
        if Mode.REPLAY in self.modes:
            ended()
        self.close_store()

    def _guard(self, *, active: bool) -> None:
        """Do nothing: the guards are placed as long as the recorder lives."""

    def recording_command(self, mode: str = "record-if-missing", rule: ModeRule | None = None) -> str:
        """Return what to type to record the calls of the test that the scope belongs to."""
        test = self._carrier.test
        if test is None or rule is not None:
            return super().recording_command(mode, rule)
        return f"pytest --memo-mode={mode} {shlex.quote(test)}"

    # What the journal holds

    def _on_replayed(self, name: str, seconds: float) -> None:
        """Note a replay."""
        self._journal.write("replayed", name=name, path=self.store.location(name), seconds=seconds)

    def on_verified(self, made: VerifiedCall) -> None:
        """Note a call that was compared with what is recorded."""
        self._journal.write("verified", **made.as_json(self._carrier.test or ""))

    def _on_recorded(self, name: str) -> None:
        """Note a recording that was written."""
        self._journal.write("recorded", name=name, path=self.store.location(name))

    def _on_touched(self, name: str) -> None:
        """Note a recording that could not be replayed."""
        self._journal.write("touched", name=name, path=self.store.location(name))

    def _on_unrecorded(self, call: Call, reason: str) -> None:
        """Note a call that ended without an outcome to record."""
        self._journal.write("unrecorded", function=call.function, key=call.key, reason=reason)

    def _on_missed(self, call: Call, error: RecordingNotFound) -> None:
        """Note a call that has no recording: the process of the test looks for the nearest one itself."""
        self._journal.write(
            "missed",
            function=call.function,
            key=call.key,
            arguments=call.arguments.decode(),
            version=call.version,
            watched=dict(call.watched),
        )

    def on_replay_error(self, error: MemoError) -> None:
        """Note why a call could not be replayed."""
        if not isinstance(error, RecordingNotFound) or error.reason == "consumed":
            self._journal.write("error", text=str(error))

    def count_unscoped(self) -> None:
        """Count a call from a context that is in no scope."""
        super().count_unscoped()
        self._journal.write("unscoped")

    def on_scope_lost(self, warning: ScopeLostWarning) -> None:
        """Note a call that went live and is not recorded, although it may have been one of this scope."""
        self._journal.write(
            "lost", function=warning.function, context=warning.context, recorders=warning.recorders, process=os.getpid()
        )

    def failed(self, call: Call, error: Exception, what: str = "could not be recorded") -> None:
        """Note that an outcome could not be recorded."""
        super().failed(call, error, what)
        with self._lock:
            failures, self.failures = self.failures, []
        for failure in failures:
            self._journal.write("failed", text=str(failure))

    def count_live(self) -> None:
        """Count a live call."""
        super().count_live()
        self._journal.write("live")


_MOST = 64
"""Recorders that wait for requests of their scope. The draws of one that is made again go on as they are in the log."""
_lock = threading.Lock()
_open: dict[str, CarriedRecorder] = {}
"""By the text that carried the scope."""


def opened(value: str, own: Mapping[str, Any] | None = None) -> CarriedRecorder:
    """Return the recorder of a carried scope: one for each scope in a process, with the options that this process brings.

    Raises `ScopeRefused` for a text that the run did not sign.
    """
    recorder = _open.get(value)  # this very text was verified before
    if recorder is not None and recorder.process == os.getpid():
        return recorder
    carrier = Carrier.verified(value, os.environ.get(SECRET))
    with _lock:
        recorder = _open.get(value)
        if recorder is None or recorder.process != os.getpid():
            _close_some()
            recorder = _open[value] = _made(carrier, value, own or {})
        return recorder


def _made(carrier: Carrier, value: str, own: Mapping[str, Any]) -> CarriedRecorder:
    try:
        return CarriedRecorder(carrier, value, own)
    except MemoError as error:
        Journal(carrier.journal, carrier.test).write("error", text=str(error))
        if isinstance(error, ScopeRefused):
            raise
        raise ScopeRefused(str(error), "to carry it: the same memo in both processes") from error


def _close_some() -> None:
    """Close the recorders whose scope is over, and the oldest of very many that wait."""
    for value, recorder in list(_open.items()):
        if recorder.process != os.getpid():  # of the process that this one was forked from
            del _open[value]
        elif recorder.has_ended() or (len(_open) >= _MOST and recorder.uses <= 0):
            del _open[value]
            recorder.close()


@atexit.register
def close_all() -> None:
    """Close the recorders of every carried scope: at the end of the process, which nothing else does."""
    for recorder in _open.values():
        if recorder.process == os.getpid():
            recorder.close()
    _open.clear()


def carried(value: str) -> CarriedRecorder:
    """Return the recorder of a carried scope, from now on the default of this whole process."""
    recorder = opened(value)
    recorder.hold(1)
    process_wide.append(recorder)
    return recorder


def opened_after_fork(value: str) -> CarriedRecorder:
    """Return the recorder of a scope of the parent process, in a child that has no other thread yet."""
    global _lock  # noqa: PLW0603 - a thread of the parent may have held it
    _lock = threading.Lock()
    recorder = opened(value)
    recorder.hold(1)
    return recorder
