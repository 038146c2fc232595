"""What has passed of a stream, and the outcome that it is so far."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from memo._calls.secrets import SecretRules
from memo._recordings.outcome_forms import StreamWriter
from memo.codecs.values import Values

__all__ = ["PassedStream"]


class PassedStream:
    """The items of one live stream, encoded as they pass."""

    def __init__(self, values: Values, secrets: SecretRules) -> None:
        self._values = values
        self._writer = StreamWriter(values, secrets)
        self.add = self._writer.add
        """Adds an item that passes."""
        self._offsets: list[float] = []
        self._answered: list[int] = []
        self._differs = False
        self.stored_count = -1
        """How many items the outcome has that was made last."""
        self.end = ""
        """How that outcome ended."""

    @property
    def count(self) -> int:
        """Return how many items passed."""
        return self._writer.count

    @property
    def has_grown(self) -> bool:
        """True if items passed since the last outcome, or there was none."""
        return self._writer.count != self.stored_count

    def note_offset(self, seconds: float) -> None:
        """Note how many seconds after the start of the call the last item passed."""
        self._offsets.append(seconds)

    def answer(self) -> None:
        """Note that the stream answered what was thrown into it after the items that passed."""
        self._answered.append(self._writer.count)

    def differs(self, recorded: Any, item: Any) -> bool:
        """Return whether a live item differs from the recorded one that the consumer has got in its place: once."""
        if self._differs:
            return False
        with suppress(Exception):  # an item that cannot be encoded is reported when the stream is stored
            self._differs = self._values.encode(recorded) != self._values.encode(item)
        return self._differs

    def outcome(
        self,
        end: str,
        error: BaseException | None,
        *,
        returned: Any,
        sync: bool,
        outside: BaseException | None,
        response: Any,
    ) -> dict[str, Any]:
        """Return the stream as an outcome that ends here."""
        outcome = self._writer.outcome(end, error, returned=returned, sync=sync, outside=outside)
        stream = outcome["stream"]
        if response is not None:
            stream["response"] = response
        if self._offsets:
            stream["offsets"] = list(self._offsets)
        if self._answered:
            stream["answered"] = list(self._answered)
        return outcome
