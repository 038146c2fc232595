"""`memo scan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memo.cli._output import (
    AllowEmpty,
    Json,
    Progress,
    StoreArgument,
    near,
    open_store,
    place,
    print_empty,
    print_json,
    print_line,
    print_reasons,
)
from memo.cli._text import count, size

if TYPE_CHECKING:
    from memo.maintenance.masking import Masked
    from memo.maintenance.scan import Scan
    from memo.stores import Store

__all__ = ["scan"]


def scan(
    store: StoreArgument = None,
    *,
    mask: Annotated[bool, typer.Option("--mask", help="Replace each secret by `<secret>`.")] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PACKAGE",
            help="With --mask, import this package's types to check that masked recordings can be read. Can be given "
            "several times.",
            show_default=False,
        ),
    ] = None,
    allow_empty: AllowEmpty = False,
    json: Json = False,
) -> int:
    """Search recordings for secrets.

    Searches calls and outcomes, also pending ones, with memo's rules and those of kingfisher (pip install
    'memo-recorder[scan]'). Everything happens on this machine: no credential is tried. Shows the place of each secret and
    the text around it, never the secret itself.

    With --mask, each secret is replaced by `<secret>`, and the recording lists the places. A recording whose call held a
    secret gets another key; replay finds it if the call no longer contains the secret (ignore=, secrets=, scrub=). Masking
    does not make a committed or shared secret safe again: revoke it.

    Exit codes: 0 if no secret is left, 1 if there are secrets, damaged recordings or no recordings, 2 if the search failed.
    """
    from memo.maintenance.masking import mask_secrets
    from memo.maintenance.scan import Detectors
    from memo.maintenance.scan import scan as search
    from memo.maintenance.trees import with_pending

    opened = with_pending(open_store(store))
    masked: Masked | None = None
    with Progress("recordings") as progress:
        detectors = Detectors()
        found = search(opened, detectors, progress)
        if mask and found.findings:
            whole = [name for name in found.names if opened.location(name) not in found.damaged]
            masked = mask_secrets(opened, whole, detectors, trust=trust or (), progress=progress)
            for name in found.names:
                location = opened.location(name)
                if location in found.damaged:
                    masked.left[location] = found.damaged[location]
    if json:
        _print_json(opened, found, masked)
    else:
        _print(opened, found, masked)
    if not (found.entries or found.damaged or allow_empty):
        print_empty(opened)
        return 1
    left = masked.left if masked is not None else found.findings
    return 1 if left or found.damaged else 0


def _print(store: Store, found: Scan, masked: Masked | None) -> None:
    for finding in found.findings:
        where = f"{finding.path}: " if finding.path else ""
        print_line(f"{place(store, finding.name)}: {where}{', '.join(finding.detectors)}: {finding.excerpt}")
    secrets, holders = count(len(found.findings), "secret"), len(found.names)
    print_line(
        f"{secrets} in {holders:,} of {count(found.entries, 'recording')} ({size(found.size)}) in {store.location()}"
    )
    if masked is not None:
        print_line(f"masked them in {count(masked.masked, 'recording')}")
        for old, new in masked.moved.items():
            print_line(f"  {near(old)} is now {near(new)}: replay finds it if the call no longer contains the secret")
        if masked.unproved:
            print_line(f"not read again, since their types were not imported (--trust): {len(masked.unproved):,}")
        print_reasons(f"not masked, {count(len(masked.left), 'file')}", masked.left)
    damaged = {where: why for where, why in found.damaged.items() if masked is None or where not in masked.left}
    print_reasons(count(len(damaged), "damaged recording"), damaged)


def _print_json(store: Store, found: Scan, masked: Masked | None) -> None:
    print_json(
        {
            "store": store.location(),
            "recordings": found.entries,
            "size": found.size,
            "secrets": [
                {
                    "location": store.location(finding.name),
                    "path": finding.path,
                    "detectors": finding.detectors,
                    "excerpt": finding.excerpt,
                }
                for finding in found.findings
            ],
            "masked": masked.masked if masked is not None else 0,
            "moved": masked.moved if masked is not None else {},
            "unproved": masked.unproved if masked is not None else [],
            "left": [
                {"location": location, "reason": reason}
                for location, reason in (masked.left.items() if masked is not None else ())
            ],
            "damaged": [{"location": location, "reason": reason} for location, reason in found.damaged.items()],
        }
    )
