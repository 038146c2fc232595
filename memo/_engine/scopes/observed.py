"""A recorder with a hook for each event of a call: of a test, which judges its recordings, or of a scope of another process."""

from __future__ import annotations

from typing import Any

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._engine.scopes.recorder import Recorder
from memo._engine.storing.memory import Recording
from memo._engine.storing.writing import Draw
from memo._engine.waiting.flights import Claim
from memo._recordings.outcomes import Outcome
from memo.codecs.values import Values
from memo.errors import MemoError, RecordingNotFound

__all__ = ["ObservedRecorder"]


class ObservedRecorder(Recorder):
    """A recorder with hooks: `_on_replayed`, `_on_recorded`, `_on_touched`, `_on_unrecorded`, `_on_missed`, and the session's `on_replay_error`."""

    def _on_replayed(self, name: str, seconds: float) -> None:
        """Handle that an entry was replayed, and how long the call took when it was recorded."""

    def _on_recorded(self, name: str) -> None:
        """Handle that an entry was written, or was to be written."""

    def _on_touched(self, name: str) -> None:
        """Handle that an entry was found, and could not be replayed."""

    def _on_unrecorded(self, call: Call, reason: str) -> None:
        """Handle that a call ended without an outcome to record."""

    def _on_missed(self, call: Call, error: RecordingNotFound) -> None:
        """Handle that a call has no recording."""

    def missed(self, call: Call) -> RecordingNotFound:
        """Return the error of a call that cannot be replayed."""
        error = super().missed(call)
        self._on_missed(call, error)
        return error

    def count_unrecorded(self, call: Call, reason: str) -> None:
        """Count a call that ended without an outcome to record."""
        super().count_unrecorded(call, reason)
        self._on_unrecorded(call, reason)

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
            self._on_touched(name)
            self.on_replay_error(error)
            raise
        self._on_replayed(name, outcome.seconds)
        return outcome

    def store_outcome(
        self, call: Call, draw: Draw, outcome: dict[str, Any], values: Values, claim: Claim | None = None
    ) -> Outcome | None:
        """Store the outcome of a live call."""
        winning_outcome = super().store_outcome(call, draw, outcome, values, claim)
        (self._on_touched if draw.is_compared else self._on_recorded)(entry_name(call.function, call.key))
        return winning_outcome
