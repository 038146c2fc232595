"""A miss: why a call has no recording, which recording is nearest, what differs, and how to record it.

It is worked out where the miss is raised, since later the store may say something else; it takes a bounded time, and
nothing that goes wrong here is raised: what could not be looked at is said.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from heapq import heappush, heapreplace
from itertools import chain, islice
from typing import NamedTuple

import orjson

from memo._calls.call import NOTHING_WATCHED, Call
from memo._calls.digest import call_key, entry_name
from memo._recordings.difference_lines import lines, printable
from memo._recordings.differences import ABSENT, Difference, differences
from memo._recordings.document import Document, parse_head, render
from memo._recordings.likeness import similarity
from memo._values.paths import parse_path
from memo.errors import InvalidOption, Nearest, RecordingNotFound
from memo.stores import DirectoryStore, Store

__all__ = ["missed", "named_recording", "recording_command"]

_HEAD = 8 * 1024
"""How much of each recording is looked at,"""
_WHOLE = 4 * 1024 * 1024
"""and how much of the likest ones,"""
_FINALISTS = 5
"""of which there are so many."""
_LONGER, _MUCH_LONGER = 3, 8
"""How much longer than it may work a search may last: in a store that reads in place, and in others."""
_NOTHING = 0.001
"""Less is not worth going on for."""
_ANYHOW, _SELDOM = 200, 8
"""So many steps in place are made anyhow, and then the clock is looked at before every eighth."""
_MANY, _FEW = 500, 3
"""How many other names are tried, in a store that reads in place and in others."""
_LIKE = 0.7
_DIGEST = re.compile("-[0-9a-f]{12}$")
_FUNCTION = re.compile(rb'"function": ("(?:[^"\\]|\\.)*")')
_LINES = 60


def missed(call: Call, store: Store, seconds: float) -> RecordingNotFound:
    """The error of a call that has no recording in the store; `seconds` of work may be spent on looking for the nearest.

    Never raises. A disk that is slow, or a processor that is shared, is waited for some times as long; another store is
    left alone after that, even where it hangs.
    """
    try:
        search = _Search(call, store, seconds)
        if store.reads_in_place:
            search.run()
        else:
            thread = threading.Thread(target=search.run, name="memo-miss", daemon=True)
            thread.start()
            thread.join(seconds * _MUCH_LONGER)
        return _error(call, store, search)
    except Exception as error:  # noqa: BLE001 - the miss is what has to be said, whatever goes wrong in explaining it
        return _plain(call, store, f"what is nearest could not be found out ({_said(error)})")


def recording_command(mode: str = "record-if-missing") -> str:
    """What to type to run this program, or under pytest this test, in that mode."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    if test:
        if "memo.pytest_plugin" in sys.modules:
            return f"pytest --memo-mode={mode} {shlex.quote(test)}"
        return f"MEMO_MODE={mode} pytest {shlex.quote(test)}"
    # What follows the program's name may be anything, a password too.
    program, *rest = [*sys.orig_argv[1:], ""]
    if program == "-m" and rest[0]:
        program, rest = f"-m {shlex.quote(rest[0])}", rest[1:]
    elif program.startswith("-") or not program:
        return f"MEMO_MODE={mode} python …"
    else:
        program = shlex.quote(program)
    return f"MEMO_MODE={mode} python {program}{' …' if any(rest) else ''}"


def named_recording(store: Store, call: Call) -> str:
    """What to type where `memo rekey` takes a store, so that only the recording of this call is meant."""
    return f"{_named_store(store)} --only {shlex.quote(entry_name(call.function, call.key))}"


def _named_store(store: Store) -> str:
    """What to type where a command takes a store: what is shown of it, where that leads there, but for credentials; or `STORE`."""
    location = store.location()
    shown = isinstance(store, DirectoryStore) or location.startswith(_SAY_ALL)
    return shlex.quote(location) if shown else "STORE"


_SAY_ALL = ("sqlite://", "redis://", "rediss://", "valkey://", "valkeys://")
"""URLs in which nothing but credentials and what does not matter here is left out."""


# Looking


class _Candidate(NamedTuple):
    likeness: float
    name: str
    data: bytes


class _Search:
    """What there is in the store that may have been meant. What is known so far can be read from another thread."""

    def __init__(self, call: Call, store: Store, seconds: float) -> None:
        self.names: list[str] = []
        self.seen: int | None = None
        """How many recordings the function has, None where that was not found out."""
        self.looked_at = 0
        self.functions: list[str] = []
        self.same: _Candidate | None = None
        """An entry of the same arguments."""
        self.best: list[_Candidate] = []
        self.unread: list[str] = []
        """What could not be looked at, and why."""
        self._call = call
        self._store = store
        self._seconds = seconds
        self._over = time.perf_counter() + seconds * (_LONGER if store.reads_in_place else _MUCH_LONGER)
        self._steps = 0
        self._sure = 0.0
        self._started = 0.0

    def finalists(self) -> Iterator[tuple[str, Document]]:
        """The nearest recordings, without their outcomes, the likest first."""
        for each in sorted(self.best, reverse=True):
            yield from self.parsed(each)

    def parsed(self, candidate: _Candidate) -> Iterator[tuple[str, Document]]:
        """One of them, if it can be read."""
        try:
            data = candidate.data
            if isinstance(self._store, DirectoryStore) and len(data) == _HEAD:
                data = self._store.head(candidate.name, _WHOLE) or b""
            yield candidate.name, _document(data)
        except Exception as error:  # noqa: BLE001 - a damaged neighbour is no reason to say nothing
            self._could_not(candidate.name, error)

    def run(self) -> None:
        """Look, until everything is seen or the time is over."""
        self._started = time.thread_time()
        for step in (self._list, self._same_arguments, self._nearest):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - a store is anybody's code
                self.unread.append(f"{self._store_location()} ({_said(error)})")
                return

    def _store_location(self, name: str = "") -> str:
        try:
            return self._store.location(name)
        except Exception:  # noqa: BLE001
            return type(self._store).__name__

    def _in_time(self, part: float = 1.0) -> bool:
        self._steps += 1
        if self._store.reads_in_place and (self._steps < _ANYHOW or self._steps % _SELDOM):
            return True
        now = time.perf_counter()
        if now < self._sure:
            return True  # it has worked no longer than the clock ran
        left = part * self._seconds - (time.thread_time() - self._started)
        self._sure = now + left
        return left > _NOTHING and now < self._over

    def _list(self) -> None:
        store, function = self._store, self._call.function
        names = store.entries(function) if isinstance(store, DirectoryStore) else store.scan(f"{function}/")
        for name in names:
            self.names.append(name)
            if not self._in_time(0.5):
                return
        self.seen = len(self.names)

    def _same_arguments(self) -> None:
        """Under another version, or another function's name."""
        call, quick = self._call, self._store.reads_in_place
        versions = ((call.function, version) for version in _near(call.version))
        functions = ((function, call.version) for function in self._functions() if function != call.function)
        for function, version in chain(
            islice(versions, None if quick else _FEW), islice(functions, _MANY if quick else _FEW)
        ):
            if not self._in_time():
                return
            if function != call.function:
                self.functions.append(function)
            if self.same is None:
                name = entry_name(function, call_key(function, call.arguments, version))
                data = self._read(name)
                if data is not None:
                    self.same = _Candidate(0.0, name, data)

    def _functions(self) -> Iterator[str]:
        """The names of functions that have recordings."""
        if isinstance(self._store, DirectoryStore):
            yield from map(self._named, self._store.functions())
            return
        last = None
        for name in self._store.scan():
            function = name.rpartition("/")[0]
            if function != last:
                last = function
                yield function
            if not self._in_time():
                return

    def _named(self, folder: str) -> str:
        """The function of a folder, which has another name where that is no file's: then its recordings say it."""
        if not _DIGEST.search(folder) or not isinstance(self._store, DirectoryStore):
            return folder
        name = next(self._store.entries(folder), None)
        found = _FUNCTION.search(self._store.head(name, _HEAD) or b"") if name is not None else None
        return str(orjson.loads(found[1])) if found else folder

    def _read(self, name: str) -> bytes | None:
        if isinstance(self._store, DirectoryStore):
            return self._store.head(name, _HEAD)
        return self._store.get(name)

    def _nearest(self) -> None:
        asked = _Likeness(self._call)
        self._steps = 0
        for name in self.names:
            if not self._in_time():
                break
            try:
                data = self._read(name)
            except Exception as error:  # noqa: BLE001 - a neighbour that can not be read is no reason to say nothing
                self._could_not(name, error)
                continue
            if data is None:
                continue  # gone meanwhile
            self.looked_at += 1
            candidate = _Candidate(asked.of(data[:_HEAD]), name, data)
            if len(self.best) < _FINALISTS:
                heappush(self.best, candidate)
            elif candidate > self.best[0]:
                heapreplace(self.best, candidate)

    def _could_not(self, name: str, error: Exception) -> None:
        location = self._store_location(name)
        said = _said(error)
        self.unread.append(f"{location} ({said.removeprefix(location).strip()})" if location not in said else said)


def _document(data: bytes) -> Document:
    """Return a recording without its outcomes. Raises `ValueError`."""
    try:
        return parse_head(data)
    except orjson.JSONDecodeError:
        raise ValueError("is no whole recording" if len(data) < _WHOLE else "is too large to be compared") from None


class _Likeness:
    """How alike the arguments in a file are to those of the call, told from its bytes: in microseconds, whatever its size."""

    def __init__(self, call: Call) -> None:
        self._region = _region(render(Document.of(call, []))[:_HEAD])
        self._number = int.from_bytes(self._region, "big")
        self._by_line = len(self._region) > _WORDS_UP_TO
        self._tokens = set(self._split(self._region))

    def _split(self, region: bytes) -> list[bytes]:
        """Words; of much text, lines."""
        return region.split(b"\n") if self._by_line else region.split()

    def of(self, head: bytes) -> float:
        """0 for nothing alike, about 2 for the same."""
        region = _region(head)
        size, mine = len(region), len(self._region)
        least = min(size, mine)
        if not least:
            return 0.0
        # As numbers all bytes are compared at once: their exclusive or is 0 where they are equal.
        number = int.from_bytes(region, "big")
        start = (number >> 8 * (size - least)) ^ (self._number >> 8 * (mine - least))
        end = number ^ self._number
        before = least - (start.bit_length() + 7) // 8
        behind = ((end & -end).bit_length() - 1) // 8 if end else least
        tokens = self._split(region)
        shared = len(self._tokens.intersection(tokens)) / max(len(tokens), len(self._tokens))
        return min(before + behind, least) / max(size, mine) + shared


def _region(head: bytes) -> bytes:
    start = head.find(b'"arguments": ')
    end = head.find(b'\n  "', start)
    return head[start + 13 : end if end > 0 else None].rstrip(b",")


_WORDS_UP_TO = 1024


def _near(version: str | int | None) -> Iterator[str | int | None]:
    """Versions that may have been there before, or come after."""
    if version is not None:
        yield None
    digits = str(version)
    number = int(digits) if digits.isdecimal() and len(digits) < _DIGITS else 0
    for each in (number - 1, number + 1, *range(number - 2, max(number - 20, 0) - 1, -1)):
        if each >= 0 and not isinstance(version, str):
            yield each
        if each >= 0 and not isinstance(version, int):
            yield str(each)


_DIGITS = 10


# Saying


def _error(call: Call, store: Store, search: _Search) -> RecordingNotFound:
    asked = orjson.loads(call.arguments)
    likest: tuple[float, str, Document] | None = None
    for name, document in search.finalists():
        alike = similarity(document.arguments, asked)
        if likest is None or alike > likest[0]:
            likest = (alike, name, document)
    for name, document in search.parsed(search.same) if search.same is not None else ():
        # The same question may be asked of two functions: another's counts where this one has nothing like it.
        if document.function == call.function or likest is None or likest[0] < _LIKE:
            likest = (1.0, name, document)
    nearest, found, watched = None, list[Difference](), NOTHING_WATCHED
    if likest is not None:
        _, name, document = likest
        nearest, found = _nearest(name, document, store), differences(document.arguments, asked)
        watched = document.watched
    reason = _reason(call, store, search, nearest, found, watched)
    details = [*_about_nearest(call, store, reason, nearest, found), *_could_not_say(search)]
    elsewhere = _elsewhere(call, store, only_this=bool(search.names))
    if not search.names and not search.unread:
        details += _about_nothing(call, store, search)
    details += [f"  but in:    {each} (MEMO_STORE={shlex.quote(each)})" for each in elsewhere]
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
        command=recording_command(),
    )


_DETAILS = {
    "arguments": "there is no recording of this call",
    "moved": "there is a recording of this call, but not under its name",
    "version": "this call is recorded, but of another version",
    "watched": "this call is recorded, but with other fields watched",
    "function": "this call is recorded, but of another function",
    "no recordings": "there are no recordings of this function",
    "no store": "there are no recordings at all: the store does not exist",
    "unknown": "there is no recording of this call",
}


def _reason(
    call: Call,
    store: Store,
    search: _Search,
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
    return "no store" if isinstance(store, DirectoryStore) and not os.path.isdir(store.location()) else "no recordings"  # noqa: PTH112


def _only_watched(found: list[Difference], paths: Iterable[str]) -> bool:
    """Whether the one is the other with something taken out because it is watched (in a list, its place stays, as None)."""
    watched = [parse_path(path, "watch") for path in paths]

    def taken(path: str) -> bool:
        try:
            steps = parse_path(path, "watch")
        except InvalidOption:  # a key with both kinds of quotes
            return False
        return any(
            len(each) == len(steps) and all(one in (None, other) for one, other in zip(each, steps, strict=True))
            for each in watched
        )

    nothing = (ABSENT, None)
    return all((each.before in nothing or each.after in nothing) and taken(each.path) for each in found)


def _nearest(name: str, document: Document, store: Store) -> Nearest:
    return Nearest(
        location=store.location(name),
        recorded_at=document.recorded_at or "",
        test=document.test,
        function=document.function,
        version=document.version,
    )


def _about_nearest(
    call: Call, store: Store, reason: str, nearest: Nearest | None, found: list[Difference]
) -> Iterator[str]:
    if nearest is None:
        return
    yield f"  nearest:   {nearest.location}"
    made = f"recorded {printable(nearest.recorded_at)}" if nearest.recorded_at else "recorded"
    by = f" by {printable(nearest.test)}" if nearest.test else ""
    yield f"             {made}{by}"
    if reason == "function":
        renamed = shlex.quote(f"{printable(nearest.function)}={call.function}")
        yield f"             as {printable(nearest.function)}; renamed? memo rekey {_named_store(store)} --function {renamed}"
    if nearest.version != call.version:
        yield f"             with version={nearest.version!r}; this call has version={call.version!r}"
    if reason == "version":
        only, version = shlex.quote(call.function), shlex.quote(orjson.dumps(call.version).decode())
        yield f"             still right? memo rekey {_named_store(store)} --only {only} --version {version}"
    if found:
        yield "  differs:   recorded → asked for"
        yield from (f"    {line}" for line in lines(found, _LINES))
    if reason == "watched":
        yield "             what is watched stays out of the key, and that was not the same then"


def _counted(call: Call, search: _Search) -> str:
    number = len(search.names)
    if search.seen is None and not number:
        return ""
    counted = f"{number:,} recording{'' if number == 1 else 's'} of {call.function}"
    if search.seen is None:
        counted += " or more"
    return counted if search.looked_at == search.seen else f"{counted}; compared: {search.looked_at:,}"


def _could_not_say(search: _Search) -> Iterator[str]:
    if search.unread:
        yield "  could not look at:"
        yield from (f"    {each}" for each in search.unread[:3])
        if len(search.unread) > 3:
            yield f"    … and {len(search.unread) - 3:,} more"


def _about_nothing(call: Call, store: Store, search: _Search) -> Iterator[str]:
    if search.functions:
        near = get_close_matches(call.function, search.functions, 3, 0.4)
        named = near or search.functions[:3]
        more = len(search.functions) - len(named)
        yield f"  it has:    recordings of {printable(', '.join(named))}{f' and {more} more' if more > 0 else ''}"
    if isinstance(store, DirectoryStore):
        yield f"  from:      {_cwd()} (the working directory)"


def _elsewhere(call: Call, store: Store, *, only_this: bool) -> tuple[str, ...]:
    """Directories nearby that have recordings of this function: those with this very call first, or alone."""
    if not isinstance(store, DirectoryStore):
        return ()
    here, name = _cwd(), os.path.basename(store.location())  # noqa: PTH119
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
    bases = [here, os.path.dirname(os.path.abspath(test))] if test else [here]  # noqa: PTH100, PTH120
    parent = os.path.dirname(here)  # noqa: PTH120
    bases += [os.path.join(here, "tests"), os.path.join(here, "test"), parent, os.path.join(parent, "tests")]  # noqa: PTH118
    bases += [os.path.dirname(store.location()), os.path.dirname(os.path.dirname(store.location()))]  # noqa: PTH120
    found: list[tuple[bool, str]] = []
    for folder in dict.fromkeys(os.path.join(base, each) for base in bases for each in (name, "recordings")):  # noqa: PTH118
        if folder == store.location():
            continue
        try:
            near = DirectoryStore(folder)
            exact = near.head(entry_name(call.function, call.key), 1) is not None
            if exact or (not only_this and next(near.scan(f"{call.function}/"), None) is not None):
                found.append((not exact, folder))
        except Exception:  # noqa: BLE001, S112 - a place that can not be read is no hint
            continue
    return tuple(folder for _, folder in sorted(found, key=lambda each: each[0]))


def _cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:  # it was removed
        return os.curdir


def _plain(call: Call, store: Store, why: str) -> RecordingNotFound:
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
        command=recording_command(),
    )


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
