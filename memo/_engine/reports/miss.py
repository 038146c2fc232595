"""A miss: why a call has no recording, which recording is nearest, what differs, and how to record it.

The message of `RecordingNotFound` is put together in two places: its frame in `memo.errors`, the reason and the details here.

All of it is worked out where the miss is raised, since the store may change later, and in a bounded time. Nothing that goes
wrong in the meantime is raised: what could not be read is named.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import orjson

from memo._calls.call import NOTHING_WATCHED, Call
from memo._calls.digest import entry_name
from memo._calls.places import pop
from memo._engine.reports.commands import named_store
from memo._engine.reports.search import Search, first_line
from memo._engine.rules.mode_rules import ModeRule
from memo._recordings.difference_lines import lines, printable
from memo._recordings.differences import ABSENT, Difference, differences
from memo._recordings.document import Document
from memo._recordings.likeness import similarity
from memo._values.ids import Ids, numbered
from memo._values.paths import Step, parse_path, path_text, steps_of
from memo.errors import InvalidOption, Nearest, RecordingNotFound
from memo.stores import DirectoryStore, Store, layer_of, layers_of

__all__ = ["missed"]

_IS_ID = re.compile(r"(?:^|[_\-])ids?$|I[dD]s?$", re.ASCII)
_ALIKE = 0.7
"""From this similarity on, a recording of the same function is nearer than one of another function."""
_DIFFERENCE_LINES = 60


def missed(call: Call, store: Store, seconds: float, command: str, rule: ModeRule | None = None) -> RecordingNotFound:
    """Return the error of a call that has no recording in the store.

    `seconds` of work may be spent on the search for the nearest, `command` records the call, `rule` decided that it is
    replayed. Never raises. A disk that is
    slow, or a processor that is shared, is waited for some times as long; another store is left alone after that, even
    where it hangs.
    """
    try:
        search = Search(call, store, seconds)
        search.wait()
        return _error(call, store, search, command, rule)
    except Exception as error:  # noqa: BLE001 - the miss is reported, whatever goes wrong in explaining it
        return _plain(call, store, command, rule, f"the nearest could not be searched for ({first_line(error)})")


def _error(call: Call, store: Store, search: Search, command: str, rule: ModeRule | None) -> RecordingNotFound:
    asked = orjson.loads(call.arguments)
    likest: tuple[float, str, Document] | None = None
    for name, document in search.finalists():
        alike = similarity(document.arguments, asked)
        if likest is None or alike > likest[0]:
            likest = (alike, name, document)
    for name, document in search.parsed(search.same) if search.same is not None else ():
        # The same question may be asked of two functions: another's counts where this one has nothing like it. Without
        # arguments, all functions are asked the same.
        if document.function == call.function or (asked and (likest is None or likest[0] < _ALIKE)):
            likest = (1.0, name, document)
    nearest, found, watched, recorded = None, list[Difference](), NOTHING_WATCHED, None
    holder = store
    if likest is not None:
        _, name, document = likest
        holder = layer_of(store, name)
        recorded = document.arguments
        nearest, found = _nearest(name, document, store), differences(document.arguments, asked)
        watched = document.watched
    reason = _reason(call, store, search, nearest, found, watched)
    details = [*_about_nearest(call, holder, reason, nearest, found, recorded)]
    details += _about_watched(call, holder, watched) if reason == "watched" else ()
    details += _could_not_say(search)
    elsewhere = _elsewhere(call, store, only_this=bool(search.names))
    if not search.names and not search.unread:
        details += _about_nothing(call, store, search)
    # Each test has its own directory: for a test, MEMO_STORE names another one of these, and not where it looks.
    of_test = "--memo-mode=" in command
    details += [
        f"  but in:    {location}" + ("" if of_test else f" (MEMO_STORE={shlex.quote(location)})")
        for location in elsewhere
    ]
    return RecordingNotFound(
        function=call.function,
        key=call.key,
        store=store.location(),
        arguments=call.arguments.decode(),
        detail=_DETAILS[reason],
        reason=reason,
        seen=search.seen if search.seen is not None else len(search.names),
        looked_at=search.looked_at,
        nearest=nearest,
        differences=tuple(found),
        elsewhere=elsewhere,
        summary=_counted(call, search),
        details=details,
        command=command,
        rule="" if rule is None else str(rule),
    )


_DETAILS = {
    "arguments": "there is no recording of this call",
    "moved": "there is a recording of this call, but not under its name",
    "version": "this call is recorded, but with another version=",
    "watched": "this call is recorded, but with other fields watched",
    "function": "this call is recorded, but under the name of another function",
    "no recordings": "there are no recordings of this function",
    "no store": "there are no recordings at all: the store does not exist",
    "unknown": "there is no recording of this call",
}


def _reason(
    call: Call,
    store: Store,
    search: Search,
    nearest: Nearest | None,
    found: list[Difference],
    watched: Mapping[str, str],
) -> str:
    if nearest is not None:
        if nearest.function != call.function:
            return "function"
        if not found:
            return "moved" if nearest.version == call.version else "version"
        if nearest.version == call.version and _only_watched(found, {**watched, **call.watched}):
            return "watched"
        return "arguments"
    if search.names:
        return "arguments"
    if search.unread or search.seen is None:
        return "unknown"
    return "no store" if all(map(_is_absent, layers_of(store))) else "no recordings"


def _is_absent(store: Store) -> bool:
    return isinstance(store, DirectoryStore) and not os.path.isdir(store.location())  # noqa: PTH112


def _only_watched(found: list[Difference], paths: Iterable[str]) -> bool:
    """Return whether only watched places differ: what is watched is left out of one side (in a list, None keeps its place)."""
    watched = [parse_path(path, "watch") for path in paths]

    def taken(path: str) -> bool:
        try:
            steps = parse_path(path, "watch")
        except InvalidOption:  # a key with both kinds of quotes
            return False
        return any(
            len(pattern) == len(steps) and all(one in (None, other) for one, other in zip(pattern, steps, strict=True))
            for pattern in watched
        )

    nothing = (ABSENT, None)
    return all(
        (difference.before in nothing or difference.after in nothing) and taken(difference.path) for difference in found
    )


def _nearest(name: str, document: Document, store: Store) -> Nearest:
    return Nearest(
        location=store.location(name),
        recorded_at=document.recorded_at or "",
        test=document.test,
        function=document.function,
        version=document.version,
    )


def _about_nearest(
    call: Call, store: Store, reason: str, nearest: Nearest | None, found: list[Difference], recorded: Any
) -> Iterator[str]:
    if nearest is None:
        return
    yield f"  nearest:   {nearest.location}"
    made = f"recorded {printable(nearest.recorded_at)}" if nearest.recorded_at else "recorded"
    by = f" by {printable(nearest.test)}" if nearest.test else ""
    yield f"             {made}{by}"
    if reason == "function":
        renamed = shlex.quote(f"{printable(nearest.function)}={call.function}")
        yield f"             as {printable(nearest.function)}; renamed? memo rekey {named_store(store)} --function {renamed}"
    if nearest.version != call.version:
        yield f"             with version={nearest.version!r}; this call has version={call.version!r}"
    if reason == "version":
        only, version = shlex.quote(call.function), shlex.quote(orjson.dumps(call.version).decode())
        yield f"             answers still right? memo rekey {named_store(store)} --only {only} --version {version}"
    if found:
        yield "  differs:   recorded → asked for"
        yield from (f"    {line}" for line in lines(found, _DIFFERENCE_LINES))
        yield from _about_ids(call, store, found, recorded)
        yield from _about_places(call)
    if reason == "watched":
        yield "             what is watched stays out of the key, and that was not the same then"


def _about_places(call: Call) -> Iterator[str]:
    """Name the watched places that the call does not have, and the nearest that it has: below one argument."""
    asked = orjson.loads(call.arguments)
    for path in (path for path, values in call.watched_values.items() if not values):
        steps = parse_path(path, "watch")
        near = [path_text((name, *steps)) for name, value in asked.items() if pop(value, steps)]
        yield f"  watched:   {path} is no place in this call{f'; did you mean {near[0]}?' if near else ''}"


def _about_watched(call: Call, store: Store, watched: Mapping[str, str]) -> Iterator[str]:
    """Say how recordings go on that were made before an argument was watched, or while it still was."""
    new = [f"--watch {shlex.quote(path)}" for path in call.watched if path not in watched]
    old = [f"--unwatch {shlex.quote(path)}" for path in watched if path not in call.watched and "[*]" not in path]
    if bool(new) != bool(old):
        options = " ".join(new or old)
        only = shlex.quote(call.function)
        yield f"             for all recordings of it: memo rekey {named_store(store)} --only {only} {options}"


def _about_ids(call: Call, store: Store, found: list[Difference], recorded: Any) -> Iterator[str]:
    """Say so if two calls differ in ids alone, and how not to tell them apart."""
    steps: list[tuple[Step, ...]] = [steps_of(difference.path) or () for difference in found]
    names = sorted({path[-1] for path in steps if path and isinstance(path[-1], str) and _IS_ID.search(path[-1])})
    if not names or not all(isinstance(value, str) for _, *values in found for value in values):
        return
    asked = orjson.loads(call.arguments)
    if numbered(recorded.get("body")) == asked.get("body") is not None:
        yield f"             only ids differ, and they are numbered now: memo rekey {named_store(store)} --ids"
    elif (same := Ids(names))(recorded) == same(asked):
        places = dict.fromkeys(path[0] for path in steps)
        how = f"scrub.ids({', '.join(map(repr, names))})"
        yield f"             only ids differ: scrub={{{', '.join(f'{place!r}: {how}' for place in places)}}}"


def _counted(call: Call, search: Search) -> str:
    number = len(search.names)
    if search.seen is None and not number:
        return ""
    counted = f"{number:,} recording{'' if number == 1 else 's'} of {call.function}"
    if search.seen is None:
        counted += " or more"
    return counted if search.looked_at == search.seen else f"{counted}; compared: {search.looked_at:,}"


def _could_not_say(search: Search) -> Iterator[str]:
    if search.unread:
        yield "  could not look at:"
        yield from (f"    {name}" for name in search.unread[:3])
        if len(search.unread) > 3:
            yield f"    … and {len(search.unread) - 3:,} more"


def _about_nothing(call: Call, store: Store, search: Search) -> Iterator[str]:
    if search.functions:
        near = get_close_matches(call.function, search.functions, 3, 0.4)
        named = near or search.functions[:3]
        more = len(search.functions) - len(named)
        yield f"  it has:    recordings of {printable(', '.join(named))}{f' and {more} more' if more > 0 else ''}"
    if isinstance(store, DirectoryStore):
        yield f"  from:      {_cwd()} (the working directory)"


def _elsewhere(call: Call, store: Store, *, only_this: bool) -> tuple[str, ...]:
    """Return directories nearby that have recordings of this function: those with this very call first, or alone."""
    if not isinstance(store, DirectoryStore):
        return ()
    here, name = _cwd(), os.path.basename(store.location())  # noqa: PTH119
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
    bases = [here, os.path.dirname(os.path.abspath(test))] if test else [here]  # noqa: PTH100, PTH120
    parent = os.path.dirname(here)  # noqa: PTH120
    bases += [os.path.join(here, "tests"), os.path.join(here, "test"), parent, os.path.join(parent, "tests")]  # noqa: PTH118
    bases += [os.path.dirname(store.location()), os.path.dirname(os.path.dirname(store.location()))]  # noqa: PTH120
    found: list[tuple[bool, str]] = []
    for folder in dict.fromkeys(os.path.join(base, subfolder) for base in bases for subfolder in (name, "recordings")):  # noqa: PTH118
        if folder == store.location():
            continue
        try:
            near = DirectoryStore(folder)
            exact = near.head(entry_name(call.function, call.key), 1) is not None
            if exact or (not only_this and next(near.scan(f"{call.function}/"), None) is not None):
                found.append((not exact, folder))
        except Exception:  # noqa: BLE001, S112 - a place that cannot be read is no hint
            continue
    return tuple(folder for _, folder in sorted(found, key=lambda candidate: candidate[0]))


def _cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:  # it was removed
        return os.curdir


def _plain(call: Call, store: Store, command: str, rule: ModeRule | None, why: str) -> RecordingNotFound:
    location: Callable[[], str] = store.location
    try:
        at = location()
    except Exception:  # noqa: BLE001
        at = type(store).__name__
    return RecordingNotFound(
        function=call.function,
        key=call.key,
        store=at,
        arguments=call.arguments.decode(),
        reason="unknown",
        details=[f"             {why}"],
        command=command,
        rule="" if rule is None else str(rule),
    )
