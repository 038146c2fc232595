"""The recorder of a test: it also knows which recordings were used, and what went wrong, whether that was caught or not."""

from __future__ import annotations

from typing import Any

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._engine.flights import Claim
from memo._engine.memory import Recording
from memo._engine.modes import Mode
from memo._engine.scope import Recorder
from memo._engine.writing import Slot
from memo._recordings.outcomes import Outcome
from memo.codecs.values import Values
from memo.errors import MemoError, RecordingNotFound
from memo.pytest_plugin._tokens import tokens

__all__ = ["TestRecorder"]


class TestRecorder(Recorder):
    """The recorder of one test, or of the fixtures of one scope."""

    __test__ = False

    def __init__(
        self, store: Any, *, mode: Mode, options: dict[str, Any], test: str, alone: bool, written_after_report: set[str]
    ) -> None:
        super().__init__(store, mode=mode, test=test, environ={}, **options)  # the environment has had its say
        self.alone = alone
        """Whether nobody else keeps recordings in this store."""
        self.is_over = False
        """Whether its test has been reported: where recordings lie that are still written then is kept in `written_after_report`."""
        self._written_after_report = written_after_report
        self.misses: list[MemoError] = []
        """The calls that could not be replayed."""
        self._used: dict[str, int] = {}
        """The names of what was replayed and written, and how often it was replayed."""
        self._billed: dict[str, bytes] = {}
        """Of these, the recordings that speak of tokens."""

    def activate(self) -> None:
        """Be the default of the process, since the tasks in which async tests run are nobody's children."""
        self._become_default()

    def deactivate(self) -> None:
        """Let the one before be it again."""
        self._cease()

    @property
    def used(self) -> set[str]:
        """Where the recordings lie that were replayed or written."""
        return {self.store.location(name) for name in self._used}

    @property
    def tokens_saved(self) -> int:
        """The tokens that the replayed calls took when they were recorded, where they say so."""
        return sum(tokens(data, self._used.get(name, 0)) for name, data in self._billed.items())

    def on_replay_error(self, error: MemoError) -> None:
        """Remember why a call failed: the code under test may catch the error."""
        if not self.misses or self.misses[-1] is not error:  # it may pass here twice on its way
            self.misses.append(error)

    def missed(self, call: Call) -> RecordingNotFound:
        """The error of a call that can not be replayed."""
        error = super().missed(call)
        self.on_replay_error(error)
        return error

    def fetch(self, call: Call, values: Values) -> Recording | None:
        """The recording of a call from the store, None where there is none."""
        try:
            return super().fetch(call, values)
        except MemoError as error:
            self.on_replay_error(error)
            raise

    async def afetch(self, call: Call, values: Values) -> Recording | None:
        """The same, off the event loop where the store is not quick."""
        try:
            return await super().afetch(call, values)
        except MemoError as error:
            self.on_replay_error(error)
            raise

    def replay(self, call: Call, recording: Recording) -> Outcome:
        """The outcome that this call is replayed with."""
        name = entry_name(call.function, call.key)
        try:
            outcome = super().replay(call, recording)
        except MemoError as error:
            self._used.setdefault(name, 0)
            self.on_replay_error(error)
            raise
        self._used[name] = self._used.get(name, 0) + 1
        return outcome

    def store_outcome(
        self, call: Call, slot: Slot | None, outcome: dict[str, Any], values: Values, claim: Claim | None = None
    ) -> Outcome | None:
        """Write the outcome of a live call."""
        winning_outcome = super().store_outcome(call, slot, outcome, values, claim)
        name = entry_name(call.function, call.key)
        self._used.setdefault(name, 0)
        if self.is_over:  # a stream that nobody read to its end was closed only now
            self._written_after_report.add(self.store.location(name))
        return winning_outcome

    def _keep(self, call: Call, values: Values, name: str, data: bytes) -> Recording:
        if b"usage" in data or b"eval_count" in data:
            self._billed[name] = data
        return super()._keep(call, values, name, data)
