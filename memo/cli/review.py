"""`memo review`."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import typer

from memo.cli._keys import is_interactive, key_presses
from memo.cli._output import (
    StoreArgument,
    near,
    open_store,
    print_differences,
    print_heading,
    print_line,
)
from memo.cli._text import age, ago
from memo.cli._waiting import Judged, Waiting, alike_to, place_of, sizes, waiting
from memo.errors import MemoError

if TYPE_CHECKING:
    from memo._recordings.document import Document
    from memo.stores import Store

__all__ = ["review"]

_MOST = 10_000
"""Lines that `m` shows of one part."""
_QUIT = ("q", "\x03", "\x04")
"""Also Ctrl-C and Ctrl-D, where they arrive as keys."""
_SHORT = 40
"""Characters of two texts, together, that are shown whole: longer ones word by word."""
_FRAME = 9
"""Lines of a screen that are not differences."""


def review(store: StoreArgument = None) -> int:
    """Compare each pending recording with the one that it would replace, and accept or reject it.

    The text of a stream is joined, and its changes are marked word by word: [-was-]{+is+}. Keys: a accepts, r rejects, s
    skips; A, R and S do the same for all recordings that changed alike; m shows more, q quits. Each decision takes effect
    at once; however the review ends, the rest stays pending.

    Recordings changed alike if the same paths changed in the same way, and equal values became equal values.

    Exit codes: 0 if nothing is pending any more, 1 if something is, 2 if this is no terminal or the store does not exist.
    """
    from memo.maintenance.pending import pending_store, settle

    opened = open_store(store)
    pending_store(opened)
    where = shlex.quote(near(opened.location()))
    if not is_interactive():
        raise typer.BadParameter(
            f"a review needs a terminal; in a script, list pending recordings with memo pending {where}, "
            f"and decide with memo accept KEY... --store {where} or memo reject KEY... --store {where}"
        )
    items = waiting(opened)
    alike = sizes(items)
    items.sort(key=lambda item: (-alike[item.group], item.group))  # the most at once comes first
    settle(opened)
    if not items:
        print_line(f"nothing is pending in {opened.location()}")
        return 0
    asked = _Review(opened, items)
    try:
        with key_presses() as key:
            asked.run(key)
    except KeyboardInterrupt:
        print_line()
    print_line(asked.judged.words(asked.left))
    asked.judged.print_refused()
    if asked.left:
        print_line(f"to go on: memo review {where}")
    return 1 if asked.left else 0


class _Review:
    """Shows one after the other, and takes a key for each."""

    def __init__(self, store: Store, items: list[Waiting]) -> None:
        self._store = store
        self._waiting = list(items)
        """Those that were neither judged nor skipped."""
        self._total = len(items)
        self.judged = Judged(store)

    @property
    def left(self) -> int:
        """Return how many are still pending."""
        return self._total - len(self.judged.accepted) - len(self.judged.rejected)

    def run(self, key: Callable[[], str]) -> None:
        """Show what waits until all is judged or skipped, or the user quits."""
        while self._waiting:
            item = self._waiting[0]
            alike = alike_to(self._waiting, item)
            lines = max(get_terminal_size().lines - _FRAME, 5)
            if not self._show(item, len(alike), lines):
                self._waiting.remove(item)
                continue
            if not self._ask(key, item, alike):
                return

    def _ask(self, key: Callable[[], str], item: Waiting, alike: list[Waiting]) -> bool:
        """Take keys until one judges the item; return whether to go on."""
        while True:
            print_line(_question(len(alike), damaged=item.change is None), "bold")
            pressed = key()
            if pressed in _QUIT:
                return False
            if pressed == "m":
                self._show(item, len(alike), _MOST, whole=True)
                continue
            chosen = alike if pressed.isupper() else [item]
            match pressed.lower():
                case "a" if item.change is not None:
                    self.judged.accept(chosen)
                case "r":
                    self.judged.reject(chosen)
                case "s":
                    pass
                case _:
                    continue
            done = set(map(id, chosen))
            self._waiting = [other for other in self._waiting if id(other) not in done]
            return True

    def _show(self, item: Waiting, alike: int, lines: int, *, whole: bool = False) -> bool:
        """Show an item, `whole` with every piece of a stream; return False if it was recorded again, or judged elsewhere, in the meantime."""
        from memo.maintenance.pending import documents

        one = item.pending
        print_line()
        done = self._total - len(self._waiting) + 1
        group = f" · {alike:,} alike" if alike > 1 else ""
        print_heading(f"{done:,} of {self._total:,}{group} · {one.function} · {one.key[:12]}")
        print_line(one.test or near(place_of(self._store, item)), "dim")
        if item.change is None:
            print_line(f"cannot be accepted: {one.problem or 'it cannot be shown'}")
            return True
        try:
            before, after = documents(self._store, one)
            _print(before, after, one.reason, lines, whole=whole)
        except MemoError as error:
            self.judged.refused[str(getattr(error, "location", ""))] = str(getattr(error, "reason", error))
            return False
        return True


def _question(alike: int, *, damaged: bool) -> str:
    one = "r reject · s skip" if damaged else "a accept · r reject · s skip"
    many = f"A R S all {alike:,} alike · " if alike > 1 else ""
    return f"{one} · {many}m more · q quit"


def _print(before: Document | None, after: Document, reason: str, lines: int, *, whole: bool) -> None:
    """Print what differs, in about so many lines."""
    from memo.cli._recording_diff import parts, without_pieces
    from memo.maintenance.entries import recorded_at

    when = ago(recorded_at(after))
    if before is None:
        print_line(f"a new call, recorded {when}", "dim")
        _print_new(after, lines)
        return
    print_line(f"{reason} {when}; the recording is {age(recorded_at(before))} old", "dim")
    differing = parts(before, after)
    for number, (name, found) in enumerate(differing):
        index = _outcome_of(name, before, after)
        if index is not None and not whole:
            found = without_pieces(found, before.outcomes[index], after.outcomes[index]) or found  # noqa: PLW2901
        room = max(lines // (len(differing) - number), 2)
        if len(differing) > 1 or not name.startswith("outcome"):
            print_heading(name)
        print_differences(found, room, _SHORT)
        lines -= room


def _outcome_of(part: str, before: Document, after: Document) -> int | None:
    """Return the index of the outcome that a part is about, if both recordings have a stream there."""
    name, _, number = part.partition(" ")
    if name != "outcome":
        return None
    index = int(number) - 1
    both = index < len(before.outcomes) and index < len(after.outcomes)
    return index if both and "stream" in before.outcomes[index] and "stream" in after.outcomes[index] else None


def _print_new(document: Document, lines: int) -> None:
    """Print a call that has no recording yet, and what came of it."""
    from memo.cli._plain import members, shown

    out = list(members(document.arguments))
    for number, outcome in enumerate(map(shown, document.outcomes), 1):
        parts = {name: outcome[name] for name in _OF_OUTCOME if name in outcome}
        out += [f"outcome {number}: {outcome['kind']}", *members(parts, 2)]
    for line in out[:lines]:
        print_line(line)
    if len(out) > lines:
        print_line(f"… and {len(out) - lines:,} more lines", "dim")


_OF_OUTCOME = ("text", "thinking", "tool_calls", "value", "raised", "end")
