"""`memo verify`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memo.cli._key_options import OptionsFile
from memo.cli._output import (
    AllowEmpty,
    Json,
    Progress,
    StoreArgument,
    open_store,
    place,
    print_empty,
    print_heading,
    print_json,
    print_line,
)
from memo.cli._text import count
from memo.cli._verify_live import LiveOptions, add_working_directory, verify_live

if TYPE_CHECKING:
    from memo.maintenance.verify import VerifyReport
    from memo.stores import Store

__all__ = ["verify"]

_SHOWN = 20


def _live(*names: str, help: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="With --live", show_default=False, **more)


def verify(
    store: StoreArgument = None,
    *,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            "--trust",
            metavar="PACKAGE",
            help="Import this package or module and build its types. Can be given several times.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="The number of processes for a large store; by default one for each processor."
        ),
    ] = None,
    largest: Annotated[int, typer.Option(metavar="MB", min=1, help="The size up to which a recording is read.")] = 100,
    allow_empty: AllowEmpty = False,
    json: Json = False,
    live: Annotated[
        bool, typer.Option("--live", help="Make the recorded calls again, and compare the outcomes.")
    ] = False,
    function: Annotated[
        list[str] | None, _live("--function", metavar="PATTERN", help="Make the calls of these functions only.")
    ] = None,
    include: Annotated[
        list[str] | None,
        _live("--include", metavar="PATTERN", help="Call these functions although they may have effects."),
    ] = None,
    fail_on: Annotated[
        str, _live("--fail-on", metavar="TIERS", help="The changes that are a failure: by default removed,type,error.")
    ] = "removed,type,error",
    ignore: Annotated[
        list[str] | None,
        _live("--ignore", metavar="PATH", help="Do not compare this place: usage, choices[*].logprobs."),
    ] = None,
    tolerance: Annotated[
        float, _live("--tolerance", metavar="X", min=0.0, help="Accept numbers that differ by this part, such as 0.01.")
    ] = 0.0,
    sample: Annotated[
        str, _live("--sample", metavar="PART", help="Make a part of the calls, such as 0.1; the same calls each time.")
    ] = "100%",
    max_calls: Annotated[
        int, _live("--max-calls", metavar="N", min=1, help="Make at most N calls; by default 50.")
    ] = 50,
    max_cost: Annotated[
        float | None,
        _live("--max-cost", metavar="X", min=0.0, help="Stop when the calls have cost this much, by --price."),
    ] = None,
    price: Annotated[
        list[str] | None,
        _live("--price", metavar="MODEL=IN,OUT", help="The price of a million tokens, in and out: gpt-4o=2.5,10."),
    ] = None,
    client: Annotated[
        list[str] | None,
        _live(
            "--client",
            metavar="MODULE:NAME",
            help="Call with this client of an SDK, or the client that this function returns.",
        ),
    ] = None,
    options: OptionsFile = None,
    pending: Annotated[bool, _live("--pending", help="Put changed outcomes aside for memo review.")] = False,
) -> int:
    """Check that every recording is complete and can be replayed, or, with --live, that it still holds.

    A recording passes if it is complete JSON in memo's format, its key is the key of its arguments, it is where replay
    looks for it, and every outcome and every item of a stream can be decoded with the current types. A link that leads out
    of the store, anything but a file, and a file larger than --largest count as damage and are not opened.

    Nothing is imported because a recording names it. The types of the SDKs that memo has presets for and of the packages
    that [tool.memo] patches are checked; --trust adds others. Types that were not checked are reported, and are no
    failure.

    With --live, memo makes recorded calls again, with the clients of openai, anthropic, ollama and other SDKs built by
    Stainless, and your own functions that --include names. Changes are reported in tiers: added, removed, type, value,
    stream, error. Changed values are no failure by default. Nothing is written, except with --pending.

    Exit codes: 0, 1 if any recording fails or there is none, 2 if the store or a package does not exist.
    """
    given = LiveOptions(
        functions=function or (),
        include=include or (),
        trust=trust or (),
        clients=client or (),
        fail_on=fail_on,
        ignore=ignore or (),
        tolerance=tolerance,
        sample=sample,
        max_calls=max_calls,
        max_cost=max_cost or None,
        prices=price or (),
        pending=pending,
        options=options,
        json=json,
        allow_empty=allow_empty,
    )
    opened = open_store(store)
    add_working_directory()
    if live:
        return verify_live(opened, given)
    given.refuse(LiveOptions(trust=given.trust, json=json, allow_empty=allow_empty))
    return _verify(opened, given, jobs or os.cpu_count() or 1, largest)


def _verify(opened: Store, options: LiveOptions, jobs: int, largest: int) -> int:
    from memo.maintenance.verify import verify as check

    with Progress("recordings") as progress:
        report = check(
            opened,
            trust=_trusted(),
            modules=options.trust,
            jobs=jobs,
            largest=largest * 1024 * 1024,
            progress=progress if progress.shown else None,
        )
    if options.json:
        print_json(_tree(report, opened))
    else:
        _print(report, opened)
    if not report.recordings and not options.allow_empty:
        print_empty(opened)
        return 1
    return 1 if report.failed else 0


def _trusted() -> list[str]:
    """Return the packages that are trusted without being named: the presets' SDKs, and what this project configures."""
    from importlib import import_module

    from memo._configuration import configured
    from memo.patches import preset_names

    targets = [
        patch.target for name in preset_names() for patch in import_module(f"memo.patches.presets.{name}").PATCHES
    ]
    targets += [target for target in configured().patches if ":" in target]
    packages = sorted({target.partition(":")[0].partition(".")[0] for target in targets})
    return [package for package in packages if _is_installed(package)]


def _is_installed(package: str) -> bool:
    try:
        return package in sys.modules or find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _print(report: VerifyReport, store: Store) -> None:
    parts = [f"{report.sound:,} sound", f"{report.failed:,} failed"]
    if report.incomplete:
        parts.append(f"{report.incomplete:,} not checked completely")
    print_line(f"{count(report.recordings, 'recording')} in {store.location()}: {', '.join(parts)}")
    for reason in dict.fromkeys(failure.reason for failure in report.failures):
        failures = [failure for failure in report.failures if failure.reason == reason]
        print_heading(f"{reason} ({len(failures):,}):")
        for failure in failures[:_SHOWN]:
            print_line(f"  {place(store, failure.name)}: {failure.message}")
        if len(failures) > _SHOWN:
            print_line(f"  and {len(failures) - _SHOWN:,} more (--json names them all)")
    for package, recordings in report.unchecked.most_common():
        advice = f"memo verify --trust {package}" if _is_installed(package) else "it is not installed here"
        print_line(f"not checked: types of {package}, in {count(recordings, 'recording')}: {advice}")
    if report.local:
        print_line(
            f"not checked: classes local to a function, in {count(report.local, 'recording')}: only a replay knows them"
        )


def _tree(report: VerifyReport, store: Store) -> dict[str, object]:
    from memo.maintenance.entries import display_path

    return {
        "store": store.location(),
        "recordings": report.recordings,
        "sound": report.sound,
        "failed": report.failed,
        "incomplete": report.incomplete,
        "failures": [
            {"location": display_path(store, failure.name), "reason": str(failure.reason), "message": failure.message}
            for failure in report.failures
        ],
        "unchecked": dict(report.unchecked.most_common()),
        "local": report.local,
    }
