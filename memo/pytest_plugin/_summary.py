"""What memo prints at the end of a run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from memo._engine.rules.patterns import is_known, nearest
from memo.pytest_plugin._settings import relative
from memo.pytest_plugin._usage import COUNTS, Usage, added_rules

if TYPE_CHECKING:
    from pathlib import Path

    from memo.pytest_plugin._judging import Verdict

__all__ = ["summarize"]

_SHOWN = 20
_WAY_OUT = "pytest --memo-unused=delete deletes them"


def summarize(
    terminal: pytest.TerminalReporter,
    config: pytest.Config,
    usage: Usage,
    verdict: Verdict,
    waits: list[str],
    *,
    fails: bool,
) -> None:
    """Print the totals, what is unused, what waits for a review, and what many misses have in common; under -q only what needs somebody."""
    from memo.pytest_plugin._misses import causes, renames

    quiet = terminal.verbosity < 0
    advice = [*causes(usage.misses, config), *renames(usage.misses)]
    unrecorded = list(_unrecorded(usage))
    if usage.unseen:
        from memo.pytest_plugin._unseen import unseen_line

        unrecorded.append(unseen_line(usage.unseen))
    if quiet and not (fails or advice or unrecorded or waits):
        return
    terminal.section("memo", sep="-")
    if not quiet:
        terminal.line(_totals(usage, verdict))
        for line in [*_rules(usage), *_faults(usage)]:
            terminal.line(line)
    for line in unrecorded:
        terminal.line(line)
    if usage.late:
        terminal.line("failed in another process, after the test had ended:")
        _list(terminal, usage.late)
    if usage.left and not quiet:
        terminal.line("other processes, in the scopes of a run that was killed:")
        _list(terminal, usage.left)
    _print_verdict(terminal, verdict, config.rootpath)
    for line in [*waits, *advice]:
        terminal.line(line)


def _print_verdict(terminal: pytest.TerminalReporter, verdict: Verdict, root: Path) -> None:
    """Print which recordings nothing used, and what removes them."""
    if verdict.unused:
        terminal.line(f"unused, although their tests passed ({_WAY_OUT}):")
        _list(terminal, [relative(path, root) for path in verdict.unused])
    for directory, paths in sorted(verdict.below.items()):
        terminal.line(f"unused in {relative(directory, root)}, although every test that has this fallback passed:")
        _list(terminal, [relative(path, root) for path in paths])
    if verdict.orphaned:
        terminal.line("of tests that are gone, or no longer record:")
        _list(terminal, [f"rm -r {shlex.quote(relative(path, root))}" for path in verdict.orphaned])


def _rules(usage: Usage) -> Iterator[str]:
    """Yield how many calls each pattern of `modes` decided the mode of."""
    rules: dict[str, tuple[str, str, int]] = {}
    for note in usage.notes.values():
        rules = added_rules(rules, note.rules)
    for pattern, (mode, source, count) in rules.items():
        decided = f"{count} {'call' if count == 1 else 'calls'}" if count else "no call"
        near = "" if count or is_known(pattern) else nearest(pattern)
        yield f"{source}: {pattern} = {mode} ({decided}{f'; did you mean {near}?' if near else ''})"


def _faults(usage: Usage) -> Iterator[str]:
    """Yield how often each fault was injected."""
    injected: dict[str, int] = {}
    for note in usage.notes.values():
        for fault, count in note.injected.items():
            injected[fault] = injected.get(fault, 0) + count
    for fault, count in injected.items():
        times = f"injected {count} {'time' if count == 1 else 'times'}" if count else "not injected: no call was due"
        yield f"fault: {fault} ({times})"


def _unrecorded(usage: Usage) -> Iterator[str]:
    """Yield what was not recorded, and why: a replay will not find these calls."""
    found = Counter(
        (function, reason) for note in usage.notes.values() for function, reason in note.unrecorded.values()
    )
    for (function, reason), count in found.items():
        calls, were = ("call", "was") if count == 1 else ("calls", "were")
        advice = " (errors='all' records such errors)" if reason.startswith(("raised", "answered")) else ""
        yield f"{count} {calls} of {function} {reason} and {were} not recorded{advice}"


def _totals(usage: Usage, verdict: Verdict) -> str:
    counts = dict.fromkeys(COUNTS, 0.0)
    for note in usage.notes.values():
        counts = {name: count + note.counts.get(name, 0) for name, count in counts.items()}
    seconds, tokens = counts.pop("seconds"), counts.pop("tokens")
    counts |= {"unused": len(verdict.all_unused), "deleted": verdict.deleted}
    totals = [f"{count:.0f} {name}" for name, count in counts.items() if count or name == "replayed"]
    saved = f"{seconds:.1f} s" + (f" and {tokens:,.0f} tokens" if tokens else "")
    return f"{', '.join(totals)}; saved {saved}"


def _list(terminal: pytest.TerminalReporter, lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        terminal.line(f"  {line}")
    if len(lines) > _SHOWN:
        terminal.line(f"  and {len(lines) - _SHOWN} more")
