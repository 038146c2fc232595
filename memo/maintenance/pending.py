"""Recordings that wait for a review: each is beside the recording that it would replace, until it is accepted or rejected.

What is pending is in its own store (`Reviews.pending` of the store), under the name of the recording: nothing replays it,
counts it or prunes it. It is written as recordings are, so a process that is killed leaves the old or the new bytes; what is put
aside again replaces what was pending. A new call, which has no recording yet, can be pending as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from memo._calls.digest import entry_name
from memo._recordings.changed import differs
from memo._recordings.document import Document, parse, render
from memo.errors import EntryVanished, MemoError, NoReviews, RecordingDamaged, Refused
from memo.maintenance._secret_free import as_recorded_now
from memo.maintenance.entries import is_where_replay_looks, read
from memo.maintenance.trees import part_of
from memo.stores import Discards, Reviews, Store

__all__ = ["Pending", "accept", "all_pending", "documents", "pending_store", "put_aside", "reject", "settle"]

_FIELD = "pending"
"""What only a pending recording has: why it is pending."""


@dataclass(frozen=True)
class Pending:
    """One recording that is pending. It holds no outcomes: `before` and `after` read them."""

    name: str
    """The name of the recording in the store, and of what is pending among the pending ones."""
    function: str
    key: str
    test: str | None
    """The test that recorded it."""
    reason: str
    """Why it is pending: "recorded again", or what put it aside."""
    recorded_at: str | None
    is_new: bool
    """True if the call has no recording yet."""
    digest: bytes
    """Digest of the bytes that are pending."""
    old_digest: bytes
    """Digest of the bytes of the recording; empty if there is none."""
    problem: str = ""
    """Why it cannot be accepted: it is damaged, or is in the wrong place."""


def pending_store(store: Store) -> Discards:
    """Return the store of what is pending beside a store. Raises `NoReviews` for a store that cannot hold pending recordings."""
    if isinstance(store, Reviews):
        return store.pending()
    raise NoReviews("store of pending recordings", store.location())


def put_aside(store: Store, document: Document, reason: str, *, name: str = "") -> bool:
    """Put a recording aside if it is new, or differs from the recording of its call; return whether it was put aside.

    Secrets in its outcomes are masked as in recordings. What was pending before is replaced; it goes if nothing differs any
    more. The recording itself stays. `name` is that of the recording in the store, by default that of its call; in a tree of stores it says which store. Raises
    `StoreError`, `NoReviews`, and `RecordingDamaged` for a damaged recording.
    """
    aside = pending_store(store)
    name = name or entry_name(document.function, document.key)
    document = document._replace(outcomes=_masked(document))
    data = store.get(name)
    if data is not None and not differs(parse(data, store.location(name)), document):
        aside.delete(name)
        return False
    aside.put(name, render(document._replace(source={**document.source, _FIELD: {"reason": reason}})))
    return True


def _masked(document: Document) -> list[dict[str, Any]]:
    """Return the outcomes without secrets, but for those that `allow_secrets=` left."""
    masked = as_recorded_now(document).outcomes
    return [
        outcome if "allowed_secrets" in outcome else without
        for outcome, without in zip(document.outcomes, masked, strict=True)
    ]


def all_pending(store: Store) -> Iterator[Pending]:
    """Yield what is pending, in the order of names, one recording in memory at a time. Writes nothing.

    What no longer differs from the recording (a process was killed after it had accepted it) is left out. Raises `StoreError`.
    """
    aside = pending_store(store)
    for name in sorted(aside.scan()):
        found = _found(store, aside, name)
        if found is not None:
            yield found


def _found(store: Store, aside: Store, name: str) -> Pending | None:
    """Return what is pending under a name, None if that is nothing."""
    try:
        data, old = read(aside, name), read(store, name)
        if data is None:
            return None
    except MemoError as error:
        return _damaged(name, b"", error)
    digest, old_digest = sha256(data).digest(), sha256(old).digest() if old is not None else b""
    try:
        document = parse(data, aside.location(name))
        if not is_where_replay_looks(aside, name, document.function, document.key):
            raise RecordingDamaged(aside.location(name), "has a name that is not that of its key")
    except MemoError as error:
        return _damaged(name, digest, error)
    problem = ""
    if old is not None:
        try:
            if not differs(parse(old, store.location(name)), document):
                return None
        except MemoError as error:
            problem = f"the recording {getattr(error, 'reason', error)}"
    return Pending(
        name,
        document.function,
        document.key,
        document.test,
        _reason(document),
        document.recorded_at,
        old is None,
        digest,
        old_digest,
        problem,
    )


def _damaged(name: str, digest: bytes, error: MemoError) -> Pending:
    function, _, key = name.rpartition("/")
    why = str(getattr(error, "reason", error))
    return Pending(name, function, key, None, "", None, digest=digest, old_digest=b"", is_new=False, problem=why)


def _reason(document: Document) -> str:
    written: Any = document.source.get(_FIELD)
    reason = written.get("reason") if isinstance(written, dict) else None
    return reason if isinstance(reason, str) and reason else "recorded again"


def documents(store: Store, pending: Pending) -> tuple[Document | None, Document]:
    """Return the recording, None if there is none, and what would replace it.

    Raises `RecordingDamaged`, `NewerFormat`, and `Refused` if either has changed since it was listed.
    """
    old, data = _unchanged(store, pending)
    after = parse(data, pending_store(store).location(pending.name))
    return (parse(old, store.location(pending.name)) if old is not None else None), _bare(after)


def _unchanged(store: Store, pending: Pending) -> tuple[bytes | None, bytes]:
    """Return the bytes of the recording and of what is pending. Raises `Refused` if either is not what was listed."""
    aside = pending_store(store)
    old, data = read(store, pending.name), read(aside, pending.name)
    if data is None or sha256(data).digest() != pending.digest:
        raise Refused(aside.location(pending.name), "was recorded again, or judged, in the meantime: look at it again")
    if (sha256(old).digest() if old is not None else b"") != pending.old_digest:
        raise Refused(store.location(pending.name), "was recorded again in the meantime: look at it again")
    return old, data


def _bare(document: Document) -> Document:
    """Return a document without what only pending recordings have."""
    return document._replace(source={name: part for name, part in document.source.items() if name != _FIELD})


def accept(store: Store, pending: Pending) -> None:
    """Replace the recording by the pending one, in one step: at any moment, the old or the new one is there.

    Raises `Refused` if it cannot be read, or if it or the recording has changed since it was listed; both are then as before.
    """
    if pending.problem:
        raise Refused(store.location(pending.name), f"cannot be replaced: {pending.problem}")
    old, data = _unchanged(store, pending)
    new = render(_bare(parse(data, pending_store(store).location(pending.name))))
    if not _swapped(store, pending.name, old, new):
        raise Refused(store.location(pending.name), "was recorded again in the meantime: look at it again")
    _drop(store, pending.name, data)


def _swapped(store: Store, name: str, old: bytes | None, new: bytes) -> bool:
    """Replace the bytes of a recording if they are the old ones; return whether they were."""
    part, entry = part_of(store, name)
    assert isinstance(part, Discards)
    try:
        return part.swap(entry, old, new) is None
    except EntryVanished:
        return False


def reject(store: Store, pending: Pending) -> None:
    """Delete what is pending; the recording stays. Raises `Refused` if it has been recorded again since it was listed."""
    aside = pending_store(store)
    data = aside.get(pending.name) if pending.digest else None
    if data is None and not pending.digest:  # it cannot be read
        aside.delete(pending.name)
        _remove_empty(store, pending.name)
    elif data is not None and (sha256(data).digest() != pending.digest or not _drop(store, pending.name, data)):
        raise Refused(aside.location(pending.name), "was recorded again in the meantime: look at it again")


def settle(store: Store) -> None:
    """Delete what equals the recording already: a process that was killed in `accept` leaves that."""
    aside = pending_store(store)
    for name in list(aside.scan()):
        if _found(store, aside, name) is None and (data := aside.get(name)) is not None:
            _drop(store, name, data)


def _drop(store: Store, name: str, data: bytes) -> bool:
    dropped = pending_store(store).discard(name, data)
    _remove_empty(store, name)
    return dropped


def _remove_empty(store: Store, name: str) -> None:
    """Remove the folders of pending recordings that are empty now."""
    part, entry = part_of(pending_store(store), name)
    end = Path(part_of(store, name)[0].location())
    folder = Path(part.location(entry)).parent
    with suppress(OSError, ValueError):  # not empty, or no folders
        while folder != end and folder.is_relative_to(end):
            folder.rmdir()
            folder = folder.parent
