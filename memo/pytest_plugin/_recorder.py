"""The recorder of a test, which also keeps what was used and what went wrong, even if the code under test caught it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from memo._calls.call import Call
from memo._calls.digest import KEY_CHARACTERS, entry_name
from memo._engine.flights import Claim
from memo._engine.memory import Recording
from memo._engine.modes import Mode
from memo._engine.scope import Recorder
from memo._engine.writing import Draw
from memo._recordings.outcomes import Outcome
from memo.codecs.values import Values
from memo.errors import MemoError, RecordingNotFound
from memo.pytest_plugin._judging import modified
from memo.pytest_plugin._renames import Rename
from memo.pytest_plugin._tokens import tokens

__all__ = ["TestRecorder"]


_ALL = "             to record such errors too: @pytest.mark.memo(errors='all')"
NOTHING_LOST: Mapping[str, str] = MappingProxyType({})


class TestRecorder(Recorder):
    """The recorder of one test, or of the fixtures of one scope."""

    __test__ = False
    is_of_test = True

    def __init__(
        self,
        store: Any,
        *,
        mode: Mode,
        options: dict[str, Any],
        test: str,
        alone: bool,
        written_after_report: set[str],
        find_renamed: Callable[[str], Rename | None] | None = None,
        lost: Mapping[str, str] = NOTHING_LOST,
        may_delete: bool = False,
        modes: str = "",
    ) -> None:
        super().__init__(
            store, mode=mode, test=test, environ={"MEMO_MODES": modes}, **options
        )  # the plugin's settings contain the environment's
        self.alone = alone
        """True if no other test keeps recordings in this store."""
        self.is_over = False
        """True once the test is reported; the files written later are added to `written_after_report`."""
        self._written_after_report = written_after_report
        self.misses: list[MemoError] = []
        """The errors of the calls that could not be replayed."""
        self.renamed: dict[RecordingNotFound, Rename] = {}
        """The directory of a renamed test that has the recording of a call, by the call's error."""
        self.before = {path: time for path in self._files() if (time := modified(path))} if may_delete else {}
        """The files that were in the store when the recorder was made, and their modification times."""
        self.unrecorded: dict[str, tuple[str, str]] = {}
        """Function and reason of the calls that ended without an outcome to record, by key."""
        self._lost = lost
        self._find_renamed = find_renamed
        self._used: dict[str, int] = {}
        """The names of the entries that were replayed or written, and how often each was replayed."""
        self._billed: dict[str, bytes] = {}
        """The entries that report tokens."""

    def _files(self) -> list[str]:
        return [self.store.location(name) for name in self.store.scan()]

    def activate(self) -> None:
        """Become the default of the process: the tasks of async tests do not inherit a scope."""
        self._become_default()

    def deactivate(self) -> None:
        """Make the previous default the default again."""
        self._cease()

    @property
    def used(self) -> set[str]:
        """The files of the recordings that were replayed or written."""
        return {self.store.location(name) for name in self._used}

    @property
    def tokens_saved(self) -> int:
        """The tokens that replayed calls took when they were recorded, where the recordings report tokens."""
        return sum(tokens(data, self._used.get(name, 0)) for name, data in self._billed.items())

    def on_replay_error(self, error: MemoError) -> None:
        """Remember why a call failed: the code under test may catch the error."""
        if not self.misses or self.misses[-1] is not error:  # an error may pass here twice
            self.misses.append(error)

    def missed(self, call: Call) -> RecordingNotFound:
        """Return the error of a call that cannot be replayed; note where a renamed test has its recording."""
        error = super().missed(call)
        rename = self._find_renamed(entry_name(call.function, call.key)) if self._find_renamed is not None else None
        if rename is not None:
            self.renamed[error] = rename
            error.add_note(rename.advice(Path.cwd()))
        elif (reason := self._lost.get(call.key[:KEY_CHARACTERS])) is not None:
            error.add_note(
                f"  not recorded: this call {reason} when it was to be recorded, which is not an answer\n{_ALL}"
            )
        self.on_replay_error(error)
        return error

    def count_unrecorded(self, call: Call, reason: str) -> None:
        """Count a call that ended without an outcome to record, for the summary and for the miss that follows."""
        super().count_unrecorded(call, reason)
        self.unrecorded[call.key] = (call.function, reason)

    def fetch(self, call: Call) -> Recording | None:
        """Return the recording of a call from the store, or None."""
        try:
            return super().fetch(call)
        except MemoError as error:
            self.on_replay_error(error)
            raise

    async def afetch(self, call: Call) -> Recording | None:
        """Async twin of `fetch`, off the event loop if the store is slow."""
        try:
            return await super().afetch(call)
        except MemoError as error:
            self.on_replay_error(error)
            raise

    def replay(
        self, call: Call, recording: Recording, values: Values, number: int | None, index: int | None = None
    ) -> Outcome:
        """Return the outcome with which a call is replayed."""
        name = entry_name(call.function, call.key)
        try:
            outcome = super().replay(call, recording, values, number, index)
        except MemoError as error:
            self._used.setdefault(name, 0)
            self.on_replay_error(error)
            raise
        self._used[name] = self._used.get(name, 0) + 1
        return outcome

    def store_outcome(
        self, call: Call, draw: Draw, outcome: dict[str, Any], values: Values, claim: Claim | None = None
    ) -> Outcome | None:
        """Store the outcome of a live call."""
        winning_outcome = super().store_outcome(call, draw, outcome, values, claim)
        name = entry_name(call.function, call.key)
        self._used.setdefault(name, 0)
        if self.is_over:  # a stream that was not read to its end is closed only now
            self._written_after_report.add(self.store.location(name))
        return winning_outcome

    def _keep(self, call: Call, name: str, data: bytes) -> Recording:
        if b"usage" in data or b"eval_count" in data:
            self._billed[name] = data
        return super()._keep(call, name, data)
