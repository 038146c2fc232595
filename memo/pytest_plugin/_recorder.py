"""The recorder of a test, which also keeps what was used and what went wrong, even if the code under test caught it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from memo._calls.call import Call
from memo._calls.digest import KEY_CHARACTERS, entry_name
from memo._engine.rules.modes import Mode
from memo._engine.scopes.observed import ObservedRecorder
from memo._recordings.tokens import tokens
from memo.errors import MemoError, RecordingNotFound, ScopeLostWarning
from memo.pytest_plugin._judging import stamp
from memo.pytest_plugin._renames import Rename
from memo.stores import layers_of

__all__ = ["TestRecorder"]


_ALL = "             to record such errors too: @pytest.mark.memo(errors='all')"
NOTHING_LOST: Mapping[str, str] = MappingProxyType({})


class TestRecorder(ObservedRecorder):
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
        journals: Callable[[], str] | None = None,
    ) -> None:
        options = {"calls": True, **options}
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
        self.before = self._stamps() if may_delete else {}
        """The locations of the recordings that were in the store when the recorder was made, with their stamps."""
        self.unrecorded: dict[str, tuple[str, str]] = {}
        """Function and reason of the calls that ended without an outcome to record, by key."""
        self.aside: frozenset[Any] | None = None
        """The tiers of changes for which a recording is put aside in `verify`. None: nothing is."""
        self.verified_elsewhere: list[dict[str, Any]] = []
        """The calls in `verify` that other processes made."""
        self.journals = journals
        self._lost = lost
        self._find_renamed = find_renamed
        self._used: dict[str, int] = {}
        """The names of the entries that were replayed or written, and how often each was replayed."""
        self._billed: dict[str, bytes] = {}
        """The entries that report tokens."""
        self.recordings.on_read = self._on_read

    def _stamps(self) -> dict[str, int]:
        own = layers_of(self.store)[0]
        found = {own.location(name): stamp(own, name) for name in own.scan()}
        return {path: seen for path, seen in found.items() if seen}

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

    def _on_missed(self, call: Call, error: RecordingNotFound) -> None:
        """Note a call that has no recording, and where a renamed test has its recording."""
        rename = self._find_renamed(entry_name(call.function, call.key)) if self._find_renamed is not None else None
        if rename is not None:
            self.renamed[error] = rename
            error.add_note(rename.advice(Path.cwd()))
        elif (reason := self._lost.get(call.key[:KEY_CHARACTERS])) is not None:
            error.add_note(
                f"  not recorded: this call {reason} when it was to be recorded, which is not an answer\n{_ALL}"
            )
        self.on_replay_error(error)

    def _on_unrecorded(self, call: Call, reason: str) -> None:
        """Note a call that ended without an outcome to record, for the summary and for the miss that follows."""
        self.unrecorded[call.key] = (call.function, reason)

    def _on_touched(self, name: str) -> None:
        """Note that an entry is used."""
        self._used.setdefault(name, 0)

    def _on_replayed(self, name: str, seconds: float) -> None:
        """Note that an entry is used, and how often."""
        self._used[name] = self._used.get(name, 0) + 1

    def _on_recorded(self, name: str) -> None:
        """Note that an entry is used."""
        self._used.setdefault(name, 0)
        if self.is_over:  # a stream that was not read to its end is closed only now
            self._written_after_report.add(self.store.location(name))

    def on_event(self, event: dict[str, Any]) -> None:
        """Take over what another process did, as if this one had done it."""
        try:
            super().on_event(event)
        except ScopeLostWarning as warning:  # warnings are errors, and this one comes while a report is made
            self.failures.append(warning)
        match event:
            case {"event": "replayed", "name": name, "seconds": seconds}:
                self._on_replayed(name, seconds)
            case {"event": "recorded", "name": name}:
                self._on_recorded(name)
            case {"event": "touched", "name": name}:
                self._on_touched(name)
            case {"event": "unrecorded", "function": function, "key": key, "reason": reason}:
                self.unrecorded[key] = (function, reason)
            case {"event": "verified", "function": function, "changes": changes}:
                made = {"function": function, "test": self.test or "", "changes": changes}
                self.verified_elsewhere.append(made)
            case {"event": "missed"}:
                self._missed_elsewhere(event)
            case {"event": "error", "text": text, "process": process}:
                self.on_replay_error(_of_process(MemoError(text), process))
            case _:
                pass

    def _missed_elsewhere(self, event: dict[str, Any]) -> None:
        """Note a call that another process missed: the nearest recording is looked for here."""
        call = Call(event["function"], event["key"], event["arguments"].encode(), event["version"], event["watched"])
        error = self.error_of_miss(call)
        self._on_missed(call, error)
        _of_process(error, event["process"])

    def _on_read(self, name: str, data: bytes) -> None:
        """Note an entry that reports tokens."""
        if b"usage" in data or b"eval_count" in data:
            self._billed[name] = data


E = TypeVar("E", bound=MemoError)


def _of_process(error: E, process: object) -> E:
    error.add_note(f"  called in:  process {process}, which has the scope of this test")
    return error
