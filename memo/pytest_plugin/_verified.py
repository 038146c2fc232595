"""`--memo-mode=verify`: the outcomes of the calls of tests, and how they differ from the recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from memo._recordings.changes import Tier, is_broken
from memo.pytest_plugin._usage import Usage

if TYPE_CHECKING:
    from memo.pytest_plugin._recorder import TestRecorder
    from memo.stores import Store

__all__ = ["complaint", "lines", "put_changed_aside", "verified_by"]

_SHOWN = 20


def verified_by(recorder: TestRecorder) -> list[dict[str, Any]]:
    """Return the calls that a recorder made in `verify`, as JSON: that goes from a worker of xdist to the controller."""
    own = [made.as_json(recorder.test or "") for made in recorder.verification.calls] if recorder.verification else []
    return [*own, *recorder.verified_elsewhere]


def put_changed_aside(recorder: TestRecorder, store: Store, fail_on: Collection[str]) -> None:
    """Put aside what is new, or differs in more than values or in a tier that fails. Errors in place of answers are not."""
    from memo.maintenance.pending import put_aside

    aside: set[str] = {*Tier} - {Tier.VALUE} | {*fail_on}
    for made in recorder.verification.calls if recorder.verification else ():
        changes = made.changes
        if changes is None or any(change.tier in aside for change in changes):
            if "error" in made.document.outcomes[0] and (changes is None or is_broken(changes)):
                continue
            put_aside(store, made.document._replace(test=recorder.test), "made again by pytest --memo-mode=verify")


def complaint(usage: Usage, fail_on: Collection[str]) -> str:
    """Return why the run fails, or an empty text."""
    failing = sum(
        any(tier in fail_on for tier, _ in made["changes"] or ())
        for note in usage.notes.values()
        for made in note.verified
    )
    calls = "1 call" if failing == 1 else f"{failing:,} calls"
    tiers = ", ".join(tier for tier in Tier if tier in fail_on)
    return f"memo: the run fails for {calls} that differ from their recordings ({tiers})" if failing else ""


def lines(usage: Usage, fail_on: Collection[str]) -> Iterator[str]:
    """Yield what the summary says: how many calls were made again, and what differs, by tiers."""
    calls = [made for note in usage.notes.values() for made in note.verified]
    if not calls:
        return
    new = sum(made["changes"] is None for made in calls)
    changed = sum(bool(made["changes"]) for made in calls)
    parts = [f"{len(calls) - new - changed:,} as recorded", f"{changed:,} changed"]
    yield ", ".join([f"verified {len(calls):,}: {parts[0]}", *parts[1:], *([f"{new:,} not recorded"] if new else [])])
    found: dict[str, Counter[str]] = {}
    for made in calls:
        for tier, line in made["changes"] or ():
            found.setdefault(tier, Counter())[f"{made['function']}: {line} ({made['test']})"] += 1
    for tier in sorted(found, key=lambda tier: tier not in fail_on):
        if tier == Tier.VALUE and tier not in fail_on:
            yield f"value: {found[tier].total():,} places, as ids, times and texts are (--memo-fail-on=value names them)"
            continue
        yield f"{tier}{' (fails)' if tier in fail_on else ''}:"
        for line in list(found[tier])[:_SHOWN]:
            yield f"  {line}"
        if len(found[tier]) > _SHOWN:
            yield f"  and {len(found[tier]) - _SHOWN:,} more"
