"""`memo rekey`."""

from __future__ import annotations

import json as plain_json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memo.cli._key_options import OptionsFile, key_options
from memo.cli._output import (
    Json,
    Progress,
    StoreArgument,
    open_store,
    print_error,
    print_json,
    print_line,
    print_reasons,
    print_table,
)
from memo.cli._text import count

if TYPE_CHECKING:
    from memo.maintenance.changes import ApplyResult, Plan
    from memo.maintenance.rekey import Accepted
    from memo.stores import Store

__all__ = ["rekey"]

_Names = list[str] | None


def rekey(
    store: StoreArgument = None,
    *,
    drop: Annotated[
        _Names, typer.Option(metavar="NAME", help="Remove an argument: its parameter was removed, or is ignored now.")
    ] = None,
    add: Annotated[
        _Names,
        typer.Option(
            metavar="NAME=VALUE", help="Add an argument where it is missing: the default of a new parameter, in JSON."
        ),
    ] = None,
    rename: Annotated[_Names, typer.Option(metavar="OLD=NEW", help="Rename an argument.")] = None,
    replace: Annotated[
        _Names,
        typer.Option(
            metavar="PATH#PRINT=VALUE",
            help="Replace the value at PATH if it has the fingerprint PRINT, as the summary of pytest shows it. VALUE is "
            "JSON, or @FILE for a file that holds it.",
        ),
    ] = None,
    function: Annotated[
        _Names,
        typer.Option(metavar="OLD=NEW", help="Rename a function; only its recordings are changed."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Set the function's version=, in JSON; null removes it.")
    ] = None,
    watch: Annotated[
        _Names,
        typer.Option(
            metavar="PATH[=VALUE|#PRINT|#OLD#NEW]",
            help="Watch an argument instead of keeping it in the key, as watch= does. With a value in JSON, or the fingerprint "
            "that the warning shows, accept that value as the recorded one; with two, only where the old one is recorded.",
        ),
    ] = None,
    unwatch: Annotated[
        _Names,
        typer.Option(metavar="PATH", help="Keep an argument in the key again: it is no longer under watch=."),
    ] = None,
    options: OptionsFile = None,
    ids: Annotated[
        bool,
        typer.Option(
            "--ids", help="Number the ids of tool calls in SDKs' requests, which were part of the key before."
        ),
    ] = False,
    only: Annotated[
        _Names,
        typer.Option(metavar="FUNCTION[/KEY]", help="Change only the recordings of this function, or this recording."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes without making them.")] = False,
    json: Json = False,
) -> int:
    """Give recordings new keys without making a live call.

    Use this when code makes a recorded call in another way: the recording of the old call then answers the new one. A name
    can be a path, as in ignore= and watch=: metadata.user, messages[*].name. A value is JSON as in a recording (3, true,
    null, "text"); anything that is not JSON is text. Every option can be given several times.

    All recordings are changed, in every test's store under STORE, or none: nothing changes if two recordings would become the
    same call or if one cannot be read. After an interruption, run the same command again to complete it. STORE can also be
    the file of a single recording.

    Exit codes: 0, 1 if the change was refused and nothing was changed, 2 for a usage error.
    """
    from memo.maintenance.changes import apply
    from memo.maintenance.rekey import Rekey, plan_rekey

    edits = (drop, add, rename, replace, function, watch, unwatch, options, ids)
    if not any(edits) and version is None:
        raise typer.BadParameter(
            "nothing to change: give --drop, --add, --rename, --replace, --function, --version, --watch, --unwatch, --options "
            "or --ids"
        )
    given: dict[str, Any] = {} if version is None else {"version": _version(version)}
    change = Rekey(
        drop=drop or (),
        add={name: _value("--add", text) for name, text in _pairs("--add", add)},
        rename=dict(_pairs("--rename", rename)),
        replace=dict(map(_replaced, replace or ())),
        function=dict(_pairs("--function", function, paths=False)),
        watch=dict(map(_watched, watch or ())),
        unwatch=unwatch or (),
        shape=key_options(options).arguments if options is not None else None,
        ids=ids,
        **given,
    )
    opened, chosen = _chosen(store, only or [])
    done: ApplyResult | None = None
    with Progress("recordings") as progress:
        plan = plan_rekey(opened, change, only=chosen, progress=progress)
        if not dry_run and not plan.obstacles:
            done = apply(opened, plan, change, progress)
    if json:
        _print_json(opened, plan, done)
    else:
        _print(opened, plan, done, dry_run=dry_run)
    return 1 if plan.obstacles or (done is not None and done.left) else 0


def _chosen(store: str | None, only: list[str]) -> tuple[Store, list[str]]:
    """Return the store, and which of its recordings: STORE can be the file of one recording, as warnings name it."""
    from memo.maintenance.entries import at
    from memo.maintenance.trees import with_pending

    named = at(store) if store is not None else None
    if named is not None:
        _refuse_only(store, only)
        return named[0], [named[1]]
    file = Path(store).expanduser() if store is not None else None
    if file is None or file.suffix != ".json" or file.is_dir() or not os.path.lexists(file):
        return with_pending(open_store(store)), only
    _refuse_only(store, only)
    from memo.stores import DirectoryStore

    file = file.absolute()
    return DirectoryStore(file.parent.parent), [f"{file.parent.name}/{file.stem}"]


def _refuse_only(store: str | None, only: list[str]) -> None:
    if only:
        raise typer.BadParameter(f"--only selects recordings of a store, and {store} is a single recording")


def _pairs(option: str, given: Iterable[str] | None, *, paths: bool = True) -> Iterable[tuple[str, str]]:
    for text in given or ():
        name, rest = _split(text, "=") if paths else text.split("=", 1) if "=" in text else (text, None)
        if rest is None or not name or (not rest and option != "--add"):
            raise typer.BadParameter(f"{option} {text!r}: the text before or after the = is missing")
        yield name, rest


def _split(text: str, signs: str) -> tuple[str, str | None]:
    """Return what precedes and what follows the first of some signs outside brackets."""
    found = re.match(rf"""((?:\[[^\]]*\]|[^\[{signs}])*)[{signs}](.*)""", text, re.DOTALL)
    return (found[1], found[2]) if found else (text, None)


def _watched(text: str) -> tuple[str, Accepted | None]:
    from memo._calls.fingerprints import canonical_fingerprint
    from memo.maintenance.rekey import Accepted

    path, rest = _split(text, "=#")
    if rest is None:
        return path, None
    if text[len(path)] == "=":
        if "[*]" in path:
            raise typer.BadParameter(f"--watch {text!r}: [*] names several values; give the fingerprint: {path}#…")
        values = [_value("--watch", rest)]
        return path, Accepted(canonical_fingerprint(path, values), values=values)
    *old, new = rest.split("#")
    if len(old) > 1 or not all(map(_PRINT.fullmatch, (*old, new))):
        raise typer.BadParameter(f"--watch {text!r}: a fingerprint has 16 digits from 0 to 9 and a to f")
    return path, Accepted(new, old[0] if old else None)


def _replaced(text: str) -> tuple[str, tuple[str, Any]]:
    path, rest = _split(text, "#")
    old, sign, value = (rest or "").partition("=")
    if not sign or not path or not _PRINT.fullmatch(old):
        raise typer.BadParameter(
            f"--replace {text!r}: write PATH#PRINT=VALUE, with the 16 digits of the old fingerprint"
        )
    if value.startswith("@"):
        try:
            value = Path(value[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"--replace {text!r}: {value[1:]} cannot be read ({error})") from None
    return path, (old, _value("--replace", value))


_PRINT = re.compile("[0-9a-f]{16}")


def _version(text: str) -> str | int | None:
    value = _value("--version", text)
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise typer.BadParameter(f"--version {text!r}: a version is a text or a whole number; null removes it")
    return value


def _value(option: str, text: str) -> Any:
    """Return the JSON that an option gives, in the form that arguments have in a recording."""
    from memo._values.scalars import LARGEST, SMALLEST, float_form, int_form, is_text

    def whole(digits: str) -> Any:
        number = int(digits)
        return number if SMALLEST <= number <= LARGEST else {"__type__": "int", "value": int_form(number)}

    def constant(name: str) -> Any:
        return {"__type__": "float", "value": float_form(float(name))}

    try:
        value = plain_json.loads(text, parse_int=whole, parse_constant=constant)
    except ValueError as error:
        if text[:1] in ('"', "'", "[", "{") or text in ("True", "False", "None"):
            hint = {"True": "true", "False": "false", "None": "null"}.get(text)
            says = f"write {hint}, or '\"{text}\"' for the text" if hint else f"is not valid JSON ({error})"
            raise typer.BadParameter(f"{option} {text!r}: {says}") from None
        value = text
    if not is_text(plain_json.dumps(value, ensure_ascii=False)):
        raise typer.BadParameter(f"{option} {text!r}: UTF-8 has no lone surrogates")
    return value


def _print(store: Store, plan: Plan, done: ApplyResult | None, *, dry_run: bool) -> None:
    from memo.maintenance.trees import StoreTree, folder_of

    if plan.obstacles:
        print_reasons(
            f"nothing was changed: {count(len(plan.obstacles), 'recording')} cannot be changed", plan.obstacles
        )
        print_error("delete recordings that are not needed, restore those that are damaged, or use --only")
        return
    if dry_run and plan.changes:
        renames = any(change.new_function != change.function for change in plan.changes)
        tests = isinstance(store, StoreTree)
        rows = [
            (
                change.function,
                change.key[:12],
                change.new_key[:12] if change.moves else "(watched)",
                *([change.new_function] if renames else []),
                *([folder_of(store, change.name)] if tests else []),
            )
            for change in plan.changes
        ]
        columns = (*(["NEW FUNCTION"] if renames else []), *(["<TEST"] if tests else []))
        print_table(("FUNCTION", "KEY", "NEW KEY", *columns), rows)
    word = "would get" if done is None else "got"
    got = []
    for moves, what in ((True, "a new key"), (False, "a new fingerprint")):
        names = [change.name for change in plan.changes if change.moves == moves]
        folders = {folder_of(store, name) for name in names}
        of_tests = f" of {count(len(folders), 'test')}" if isinstance(store, StoreTree) else ""
        if names:
            got.append(f"{count(len(names), 'recording')}{of_tests} {word} {what}")
    as_before = f"{count(plan.unchanged, 'recording')} as before, in {store.location()}"
    print_line(f"{', '.join(got) or 'nothing changes'}; {as_before}")
    if done is not None:
        print_reasons("there still", dict.fromkeys(done.left, "was recorded again in the meantime"))


def _print_json(store: Store, plan: Plan, done: ApplyResult | None) -> None:
    print_json(
        {
            "store": store.location(),
            "done": done is not None,
            "changes": [
                {
                    "location": store.location(change.name),
                    "new_location": store.location(change.new_name),
                    "function": change.function,
                    "key": change.key,
                    "new_function": change.new_function,
                    "new_key": change.new_key,
                }
                for change in plan.changes
            ],
            "unchanged": plan.unchanged,
            "obstacles": [{"location": location, "reason": reason} for location, reason in plan.obstacles.items()],
            "left": done.left if done is not None else [],
        }
    )
