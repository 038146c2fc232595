"""`memo verify --live`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memo.cli._output import (
    Progress,
    near,
    print_differences,
    print_empty,
    print_error,
    print_heading,
    print_json,
    print_line,
)
from memo.cli._text import count

if TYPE_CHECKING:
    from memo._recordings.changes import Change, Tier
    from memo._verifying.report import LiveReport
    from memo.stores import Store

__all__ = ["LiveOptions", "add_working_directory", "verify_live"]

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """The options of `memo verify --live`, as they were given."""

    functions: Sequence[str] = ()
    include: Sequence[str] = ()
    trust: Sequence[str] = ()
    clients: Sequence[str] = ()
    fail_on: str = "removed,type,error"
    ignore: Sequence[str] = ()
    tolerance: float = 0.0
    sample: str = "100%"
    max_calls: int = 50
    max_cost: float | None = None
    prices: Sequence[str] = ()
    pending: bool = False
    options: Path | None = None
    json: bool = False
    allow_empty: bool = False

    def refuse(self, allowed: LiveOptions) -> None:
        """Raise `InvalidOption` for an option that is given without --live."""
        from memo.errors import InvalidOption

        for field in fields(self):
            if getattr(self, field.name) != getattr(allowed, field.name):
                option = {"functions": "function", "clients": "client", "prices": "price"}.get(
                    field.name, field.name
                ).replace("_", "-")
                raise InvalidOption(f"--{option}", getattr(self, field.name), ["an option of memo verify --live"])


def verify_live(store: Store, options: LiveOptions) -> int:
    """Make recorded calls again, and print what has changed. Return the exit code."""
    from memo._configuration import configured
    from memo._engine.sessions.spending import Spending
    from memo._recordings.changes import Rules, Tier, parse_tiers
    from memo._verifying.ignored import unmatched
    from memo._verifying.plan import Sessions, plan, share
    from memo._verifying.report import LiveReport
    from memo._verifying.run import run
    from memo.cli._key_options import recorder_options
    from memo.maintenance.pending import pending_store
    from memo.patches import install_patches
    from memo.patches.remaking import Remaker

    tiers = parse_tiers(options.fail_on, "--fail-on")
    rules, sample = Rules.of(options.ignore, options.tolerance), share(options.sample, "--sample")
    if options.pending:
        pending_store(store)
    report = LiveReport()
    try:
        with ExitStack() as used:
            # The report is alone in the output: SDKs and functions may print.
            used.enter_context(redirect_stdout(sys.stderr))
            used.enter_context(install_patches(configured()))
            remaker = Remaker(
                include=options.include,
                modules=options.trust,
                clients=[_client(name) for name in options.clients],
            )
            used.callback(remaker.close)
            spending = Spending.of(options.max_cost, _prices(options.prices))
            sessions = Sessions(store, recorder_options(options.options), rules, spending)
            with Progress("recordings read") as progress:
                calls = plan(
                    store,
                    remaker,
                    sessions,
                    report,
                    functions=options.functions,
                    include=options.include,
                    sample=sample,
                    max_calls=options.max_calls,
                    progress=progress if progress.shown else None,
                )
            aside = {Tier.ADDED, Tier.REMOVED, Tier.TYPE, Tier.STREAM, Tier.ERROR, *tiers} if options.pending else None
            with Progress("calls") as progress:
                run(store, calls, report, aside=aside, progress=progress if progress.shown else None)
            report.ignored_nothing = unmatched(rules, (planned.document for planned in calls))
    except KeyboardInterrupt:
        _print(report, store, tiers, options)
        return 130
    _print(report, store, tiers, options)
    if not report.recordings and not options.allow_empty:
        print_empty(store)
        return 1
    if not report.checked and not options.allow_empty:
        print_error("no call was made (--allow-empty accepts this)")
        return 1
    return 1 if report.fails(tiers) else 0


def _prices(texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the prices of models, in and out. Raises `InvalidOption`."""
    from memo.errors import InvalidOption

    prices = {}
    for text in texts:
        model, _, numbers = text.rpartition("=")
        sent, _, received = numbers.partition(",")
        try:
            prices[model] = float(sent), float(received)
        except ValueError:
            raise InvalidOption("--price", text, ["MODEL=IN,OUT for a million tokens: gpt-4o=2.5,10"]) from None
    return prices


def _client(name: str) -> Any:
    """Return the client that `MODULE:NAME` is, or that this function makes. Raises `InvalidOption`."""
    from memo.errors import InvalidOption

    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
        is_client = hasattr(found, "base_url") or hasattr(found, "_client")
        return found() if callable(found) and not is_client else found
    except Exception as error:  # the user's own code
        raise InvalidOption("--client", name, [f"module:client, or module:function ({error})"]) from error


def _print(report: LiveReport, store: Store, tiers: frozenset[Tier], options: LiveOptions) -> None:
    if options.json:
        print_json(_tree(report, store, tiers))
        return
    functions = {made.function for made in report.checked}
    same = len(report.checked) - len(report.changed)
    head = f"{count(len(report.checked), 'call')} of {count(len(functions), 'function')} made again"
    if report.checked:
        but = f" and {report.volatile:,} but for ids and times" if report.volatile else ""
        print_line(f"{head}: {same:,} as recorded{but}, {len(report.changed) - report.volatile:,} changed")
    for tier, calls in sorted(_told(report, tiers).items(), key=lambda found: found[0] not in tiers):
        print_heading(f"{tier} ({count(calls, 'call')}{', fails' if tier in tiers else ''}):")
        _print_tier(report, store, tier, fails=tier in tiers)
    if report.left:
        _print_left(report)
    if report.pending:
        print_line(f"{count(report.pending, 'recording')} put aside: memo review {_shown(store)}".rstrip())
    for reason, calls in report.not_aside.most_common():
        print_line(f"{count(calls, 'recording')} not put aside: {reason}")
    for path, nearest in report.ignored_nothing.items():
        print_line(f"--ignore {path}: no recording has this place{nearest and f'; the nearest is {nearest}'}")
    if not report.is_complete:
        print_line("interrupted: the other calls were not made")


def _told(report: LiveReport, tiers: frozenset[Tier]) -> Counter[Tier]:
    """Return how many calls have changes of each tier that are shown: ids and times are if values fail."""
    return Counter(
        tier
        for made in report.checked
        for tier in {change.tier for change in made.reported} | ({change.tier for change in made.changes} & tiers)
    )


def _print_left(report: LiveReport) -> None:
    """Print why calls were not made, and what would have them made."""
    print_heading(f"not made ({report.left.total():,}):")
    for left, calls in report.left.most_common(_SHOWN):
        print_line(f"  {calls:,} of {left.function or 'unknown functions'}: {left.reason}")
        if left.fix:
            print_line(f"    {_command(left.fix)}")
    if len(report.left) > _SHOWN:
        print_line(f"  and {len(report.left) - _SHOWN:,} more reasons (--json names them all)")


def _command(fix: str) -> str:
    """Return the command that a fix is: an option, an assignment to the environment, or a command already."""
    if fix.startswith("--"):
        return f"memo verify --live {fix}"
    return fix if fix.startswith(("memo ", "pytest ")) else f"{fix} memo verify --live"


def _shown(store: Store) -> str:
    return near(store.location())


def _print_tier(report: LiveReport, store: Store, tier: Tier, *, fails: bool) -> None:
    """Print the changes of a tier: the same change of several calls once, with one of the recordings."""
    from memo._recordings.differences import Difference
    from memo.maintenance.entries import display_path

    found: dict[tuple[str, str], list[tuple[str, Change]]] = {}
    for made in report.changed:
        for change in made.changes if fails else made.reported:
            if change.tier is tier:
                found.setdefault((made.function, change.path), []).append((made.name, change))
    for (function, path), changes in list(found.items())[:_SHOWN]:
        name, change = changes[0]
        times = f" ({len(changes):,} times)" if len(changes) > 1 else ""
        print_line(f"  {function}{times}")
        print_differences([Difference(f"    {path or 'the whole'}", change.before, change.after)], 6)
        print_line(f"    in {near(display_path(store, name))}")
    if len(found) > _SHOWN:
        print_line(f"  and {len(found) - _SHOWN:,} more (--json names them all)")


def _tree(report: LiveReport, store: Store, tiers: frozenset[Tier]) -> dict[str, Any]:
    from memo._recordings.differences import ABSENT
    from memo.maintenance.entries import display_path

    def shown(change: Change) -> dict[str, Any]:
        sides = {"before": change.before, "after": change.after}
        return {"tier": change.tier, "path": change.path} | {
            side: value for side, value in sides.items() if value is not ABSENT
        }

    return {
        "store": store.location(),
        "recordings": report.recordings,
        "checked": len(report.checked),
        "but_for_ids_and_times": report.volatile,
        "tiers": dict(report.tiers()),
        "fails": report.fails(tiers),
        "complete": report.is_complete,
        "pending": report.pending,
        "not_pending": dict(report.not_aside),
        "ignored_nothing": dict(report.ignored_nothing),
        "changed": [
            {
                "location": display_path(store, made.name),
                "function": made.function,
                "changes": [shown(change) for change in made.changes],
            }
            for made in report.changed
        ],
        "left": [
            {"function": left.function, "reason": left.reason, "fix": left.fix, "calls": calls}
            for left, calls in report.left.most_common()
        ],
    }


def add_working_directory() -> None:
    """Let modules of the working directory be imported, as `python -m` does: the user's own packages are there."""
    if os.getcwd() not in sys.path:  # noqa: PTH109
        sys.path.append(os.getcwd())  # noqa: PTH109
