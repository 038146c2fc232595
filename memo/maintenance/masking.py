"""Mask secrets in stored recordings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from memo._calls.secrets import INNER
from memo._json import canonical_json
from memo._recordings.document import Document, render
from memo._recordings.outcomes import Outcome
from memo._recordings.plain import redacted_paths
from memo._values.paths import path_text
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import Refused, UntrustedType
from memo.maintenance._detectors import Detectors
from memo.maintenance._recording_trees import Step, changed_paths
from memo.maintenance._secret_free import as_recorded_now, without_secrets
from memo.maintenance.changes import ApplyResult, Progress, apply, plan_changes
from memo.stores import MemoryStore, Store

__all__ = ["Masked", "mask_secrets"]

_ROUNDS = 5
"""Passes over one recording: text beside a mask may itself be a secret."""


@dataclass(slots=True)
class Masked:
    """The result of masking."""

    masked: int = 0
    """Number of masked recordings."""
    moved: dict[str, str] = field(default_factory=dict)
    """Old to new location, for recordings whose call held a secret, so that it has another key now."""
    unproved: list[str] = field(default_factory=list)
    """Locations of recordings that may no longer be readable: their types were not imported."""
    left: dict[str, str] = field(default_factory=dict)
    """Location to reason, for recordings that could not be masked."""


def mask_secrets(
    store: Store,
    names: Sequence[str],
    detectors: Detectors,
    *,
    trust: Iterable[str] = (),
    progress: Progress = lambda done, total: None,
) -> Masked:
    """Mask the secrets in those recordings as the recorder would have: outcomes list the paths under `redacted`.

    A secret in the arguments changes the call, and so the key: credentials by name are removed, others are masked, and the
    recording moves to the new key's place. Replay finds it if the call has no such secret either, or hides it with
    `ignore=`, `secrets=` or `scrub=`. A recording that would no longer be readable, or would take another one's place, is left
    unmasked; types of packages that neither the program has imported nor `trust` names are not read. All other recordings are
    masked together, or none is: see `memo.maintenance.changes`.
    """
    masker = _Masker(detectors, Values(Types(trust=trust)))
    result = Masked()
    plan = plan_changes(store, names, masker, progress)
    result.left, plan.obstacles = plan.obstacles, {}
    # In memory: the undo data holds secrets, which must not be written anywhere else.
    changed: ApplyResult = apply(store, plan, masker, progress, undo=MemoryStore())
    result.masked = changed.changed
    for change in plan.changes:
        place = store.location(change.new_name)
        if change.moves:
            result.moved[store.location(change.name)] = place
        if change.new_key in masker.unproved:
            result.unproved.append(place)
    result.left |= dict.fromkeys(changed.left, "was recorded again in the meantime")
    return result


class _Masker:
    """Masks secrets in recordings: a `Rewrite`."""

    def __init__(self, detectors: Detectors, values: Values) -> None:
        self._detectors = detectors
        self._values = values
        self.unproved: set[str] = set()
        """Keys of recordings whose types were not imported, so that reading them proves nothing."""

    def __call__(self, document: Document) -> Document:
        new = document
        for _ in range(_ROUNDS):  # text beside a mask may itself be a secret
            found = self._detectors.find(render(new))
            cleaned = _with_paths(new, without_secrets(as_recorded_now(new), found))
            if cleaned is new:
                break
            new = cleaned
        if new is document:
            raise Refused("", "has a secret where memo cannot mask it: delete it, and record it again")
        arguments = canonical_json(new.arguments)
        if arguments != canonical_json(document.arguments):
            new = new.with_call(new.function, arguments, new.version)
        self._prove(document, new)
        return new

    def _prove(self, document: Document, new: Document) -> None:
        for old_tree, tree in zip(document.outcomes, new.outcomes, strict=True):
            if old_tree == tree:
                continue
            after = self._failure(tree)
            if isinstance(after, UntrustedType):
                self.unproved.add(new.key)
            elif after is not None and self._failure(old_tree) is None:
                raise Refused("", f"could not be read back masked ({after}): delete it, and record it again")

    def _failure(self, tree: dict[str, Any]) -> Exception | None:
        """Return why an outcome cannot be read, or None."""
        try:
            outcome = Outcome(tree, self._values, str)
            for read_ in (outcome.read, outcome.error, outcome.returned, outcome.response):
                if read_ is not None:
                    read_()
            for _ in outcome.items or ():
                pass
        except Exception as error:  # noqa: BLE001 - whatever classes do with data that does not suit them
            return error
        return None


def _with_paths(old: Document, new: Document) -> Document:
    """Return the new document, its outcomes listing the paths of what was masked; the old one if nothing was masked."""
    steps = list(changed_paths(old.tree(), new.tree()))
    if not steps:
        return old
    outcomes: list[dict[str, Any]] = []
    for index, tree in enumerate(new.outcomes):
        paths = [
            path_text(_steps_in_value(path[2:], old.outcomes[index]))
            for path in steps
            if path[:2] == ("outcomes", index)
        ]
        if paths:
            kind, rest = next(iter(tree)), {name: value for name, value in tree.items() if name != "redacted"}
            redacted = list(dict.fromkeys([*redacted_paths(tree), *paths]))
            tree = {kind: rest.pop(kind), "redacted": redacted, **rest}  # noqa: PLW2901
        outcomes.append(tree)
    return new._replace(outcomes=outcomes)


def _steps_in_value(steps: tuple[Step, ...], outcome: Any) -> list[Step]:
    """Return steps into an outcome as `redacted` has them: those in the value, without what memo writes around it."""
    inside: list[Step] = []
    node = outcome
    for number, step in enumerate(steps):
        written = step in INNER and type(node) is dict and ("__type__" in node or "items" in node)
        if number and not written:
            inside.append(step)
        node = node[step]
    return inside
