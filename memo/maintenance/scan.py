"""Looking for secrets in what is stored, and masking them.

memo masks what it knows to be a secret when it records: by its name, or in an unmistakable shape. This looks again, at
recordings of any age and origin, and with several hundred detectors more: those of kingfisher, which runs in this
process and asks nobody whether a key works. It goes by shapes, not by how random a text looks: ids, hashes and embeddings
are as random as keys. What is not found: a secret that a model said in several pieces of a stream, since it stands nowhere as
a whole, and one inside of bytes that are no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from memo._calls.digest import call_key
from memo._calls.secrets import INNER, MASK, is_credential, mask, may_hold_secret, redact
from memo._json import canonical_json
from memo._recordings.document import parse, render
from memo._recordings.outcomes import Outcome
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import MemoError, Refused, UntrustedType
from memo.maintenance.changes import ApplyResult, Progress, apply, plan_changes
from memo.maintenance.entries import read
from memo.stores import MemoryStore, Store

__all__ = ["Detectors", "Finding", "Masked", "Scan", "mask_secrets", "scan"]

_OWN = "memo"
_BEFORE, _AFTER = 32, 16
"""How much of the text around a secret is shown."""
Step = str | int


@dataclass(frozen=True, slots=True)
class Finding:
    """A secret, or what looks like one."""

    name: str
    """Of the recording, in the store."""
    path: str
    """In its JSON: `outcomes[0].value.text`; nothing where the file is no whole JSON."""
    detectors: tuple[str, ...]
    """`memo`, or the names of kingfisher's rules."""
    excerpt: str
    """The text around it, with `<secret>` in its place."""


@dataclass(slots=True)
class Scan:
    """What was found."""

    entries: int = 0
    size: int = 0
    """In bytes."""
    findings: list[Finding] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    """Places of what is no whole recording, and why. Its bytes were searched all the same, unless it could not be read."""

    @property
    def names(self) -> list[str]:
        """The recordings with secrets."""
        return list(dict.fromkeys(finding.name for finding in self.findings))


@dataclass(slots=True)
class Masked:
    """What was masked."""

    masked: int = 0
    """Recordings."""
    moved: dict[str, str] = field(default_factory=dict)
    """Old and new place of those that had a secret in the call: it has another key now."""
    unproved: list[str] = field(default_factory=list)
    """Places of those that may no longer be readable: their types were not at hand."""
    left: dict[str, str] = field(default_factory=dict)
    """Places of what could not be masked, and why."""


class Detectors:
    """kingfisher's rules, ready to be used. Getting them ready takes seconds the first time; then they are cached.

    Raises `MemoError` if kingfisher is not installed.
    """

    def __init__(self) -> None:
        try:
            from kingfisher_sdk import Rules, Scanner
        except ImportError as error:
            raise MemoError(
                f"looking for secrets needs kingfisher: pip install 'memo-recorder[scan]' ({error})"
            ) from None
        self._scanner = Scanner(Rules(confidence="low"))

    def find(self, data: bytes) -> dict[str, str]:
        """What looks like a secret in some JSON, as it stands there, and the rule that says so."""
        found: dict[str, str] = {}
        for each in self._scanner.scan(data):
            if each.visible:
                place = each.location
                text = data[place["start_offset"] : place["end_offset"]].decode(errors="replace")
                found.setdefault(text or each.secret, each.rule_id)
        return found


def scan(store: Store, detectors: Detectors, progress: Progress = lambda done, total: None) -> Scan:
    """Look for secrets in every recording of a store: in the call, in its outcomes, in the names that they use.

    Changes nothing; holds one recording in memory at a time. What is damaged is searched as text. Raises `StoreError` if
    the store can not be listed.
    """
    result = Scan()
    names = list(store.scan())
    for done, name in enumerate(names, 1):
        location = store.location(name)
        try:
            data = read(store, name)
        except MemoError as error:
            result.damaged[getattr(error, "location", location)] = _reason(error)
            continue
        finally:
            progress(done, len(names))
        if data is None:
            continue
        result.entries += 1
        result.size += len(data)
        found = detectors.find(data)
        try:
            document = parse(data, location)
        except MemoError as error:
            result.damaged[location] = _reason(error)
            result.findings += _in_text(name, data.decode(errors="replace"), found)
            continue
        if found or may_hold_secret(data.decode()):
            result.findings += _findings(name, document, found)
    return result


def _in_text(name: str, text: str, found: dict[str, str]) -> Iterator[Finding]:
    masked = _without(mask(text), found)
    rules = tuple(dict.fromkeys(([_OWN] if mask(text) != text else []) + list(found.values())))
    if rules:
        yield Finding(name, "", rules, _excerpt(masked))


def _findings(name: str, document: dict[str, Any], found: dict[str, str]) -> Iterator[Finding]:
    own = _masked(document)
    masked = _cleaned(own, found)
    places: dict[tuple[Step, ...], list[str]] = {steps: [_OWN] for steps in _differences(document, own)}
    if mask(document["function"]) != document["function"]:
        places["function",] = [_OWN]
    unplaced = dict(found)
    for steps, text in _texts(document):
        plain = _escaped(text)
        for secret, rule in found.items():
            if secret in plain:
                unplaced.pop(secret, None)
                places.setdefault(steps, []).append(rule)
    for steps, rules in places.items():
        yield Finding(
            name, _without(mask(_path(steps)), found), tuple(dict.fromkeys(rules)), _excerpt(_at(masked, steps))
        )
    for rule in dict.fromkeys(unplaced.values()):
        yield Finding(name, "", (rule,), MASK)


def mask_secrets(
    store: Store,
    names: Sequence[str],
    detectors: Detectors,
    *,
    trust: Iterable[str] = (),
    progress: Progress = lambda done, total: None,
) -> Masked:
    """Mask the secrets in those recordings, as the recorder would have: outcomes list the paths under `redacted`.

    A secret in the arguments changes the call, and so the key: credentials by name are left out, others are masked, and
    the recording moves to where a call like that is looked for. Replay finds it if the call has no such secret either,
    or hides it: `ignore=`, `secrets=` or `scrub=`. What would not be readable any more is left, and so is what would take
    another recording's place; types of packages that were not imported and that `trust` does not name are not read.
    The recordings that are masked are so all together, or none is: see `memo.maintenance.changes`.
    """
    masker = _Masker(detectors, Values(Types(trust=trust)))
    result = Masked()
    plan = plan_changes(store, names, masker, progress)
    result.left, plan.obstacles = plan.obstacles, {}
    # In memory: what is undone when something fails holds secrets, and these shall lie nowhere else.
    changed: ApplyResult = apply(store, plan, masker, progress, undo=MemoryStore())
    result.masked = changed.changed
    for change in plan.changes:
        place = store.location(change.new_name)
        if change.moves:
            result.moved[store.location(change.name)] = place
        if change.new_key in masker.unproved:
            result.unproved.append(place)
    result.left |= dict.fromkeys(changed.left, "was recorded again meanwhile")
    return result


class _Masker:
    """Masks the secrets in recordings: a `Rewrite`."""

    def __init__(self, detectors: Detectors, values: Values) -> None:
        self._detectors = detectors
        self._values = values
        self.unproved: set[str] = set()
        """Keys of what could not be read, before it was masked as after."""

    def __call__(self, document: dict[str, Any]) -> dict[str, Any]:
        new = document
        for _ in range(_ROUNDS):  # what stands beside a mask may be a secret by itself
            found = self._detectors.find(render(new))
            cleaned = _with_paths(new, _cleaned(_masked(new), found))
            if cleaned is new:
                break
            new = cleaned
        if new is document:
            raise Refused("", "has a secret where memo can not mask it: delete it, and record it again")
        if canonical_json(new["arguments"]) != canonical_json(document["arguments"]):
            data = canonical_json(new["arguments"])
            key = call_key(new["function"], data, new.get("version"))
            new = {**new, "key": key, "arguments": orjson.loads(data)}
        self._prove(document, new)
        return new

    def _prove(self, document: dict[str, Any], new: dict[str, Any]) -> None:
        for old_tree, tree in zip(document["outcomes"], new["outcomes"], strict=True):
            if old_tree == tree:
                continue
            after = self._failure(tree)
            if isinstance(after, UntrustedType):
                self.unproved.add(new["key"])
            elif after is not None and self._failure(old_tree) is None:
                raise Refused("", f"could not be read back masked ({after}): delete it, and record it again")

    def _failure(self, tree: dict[str, Any]) -> Exception | None:
        """Why an outcome can not be read, None where it can."""
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


_ROUNDS = 5


def _masked(document: dict[str, Any]) -> dict[str, Any]:
    """The document as memo would record it now."""
    new = {**document, "arguments": _as_keyed(document["arguments"])}
    if type(document.get("test")) is str:
        new["test"] = mask(document["test"])
    trees: list[Any] = [orjson.loads(orjson.dumps(each)) for each in document["outcomes"]]
    for tree in trees:
        for part in ("value", "error", "stream"):
            if part in tree:
                holder = [tree[part]]
                redact(holder)
                tree[part] = holder[0]
    return {**new, "outcomes": trees}


def _as_keyed(node: Any, *, schema: bool = False) -> Any:
    """Arguments as `memo._calls.keys` would have them: credentials are left out by their names, and masked by their shapes."""
    if type(node) is str:
        return mask(node)
    if type(node) is list:
        pairs = bool(node) and type(node[0]) is list
        return [_as_keyed(each) for each in node if not (pairs and _is_credential_pair(each))]
    if type(node) is dict:
        return {
            mask(key): _as_keyed(each, schema=key == "properties")
            for key, each in node.items()
            if schema or not is_credential(key)
        }
    return node


def _is_credential_pair(node: Any) -> bool:
    return type(node) is list and len(node) == 2 and type(node[0]) is str and is_credential(node[0])


def _cleaned(document: dict[str, Any], found: dict[str, str]) -> dict[str, Any]:
    """The document without the secrets that were found, in all that may be changed of it."""
    if not found:
        return document
    return {
        name: _each_without(tree, found) if name in ("arguments", "outcomes", "test") else tree
        for name, tree in document.items()
    }


def _each_without(node: Any, found: dict[str, str]) -> Any:
    if type(node) is str:
        return _without(node, found)
    if type(node) is list:
        return [_each_without(each, found) for each in node]
    if type(node) is dict:
        return {_without(key, found): _each_without(each, found) for key, each in node.items()}
    return node


def _without(text: str, found: dict[str, str]) -> str:
    """A text without the secrets, which are as they stand in JSON."""
    if not found:
        return text
    plain = masked = _escaped(text)
    for secret in found:
        masked = masked.replace(secret, MASK)
    if masked == plain:
        return text
    try:
        return str(orjson.loads(f'"{masked}"'))
    except orjson.JSONDecodeError:  # it began or ended within an escape
        return MASK


def _escaped(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]


def _with_paths(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The new document, its outcomes with the paths of what was masked; the old one if nothing was."""
    steps = list(_differences(old, new))
    if not steps:
        return old
    outcomes: list[dict[str, Any]] = []
    for index, tree in enumerate(new["outcomes"]):
        paths = [_path(_told(each[2:])) for each in steps if each[:2] == ("outcomes", index)]
        if paths:
            kind, rest = next(iter(tree)), {name: each for name, each in tree.items() if name != "redacted"}
            known = [each for each in tree.get("redacted", []) if isinstance(each, str)]
            redacted = list(dict.fromkeys([*known, *paths]))
            tree = {kind: rest.pop(kind), "redacted": redacted, **rest}  # noqa: PLW2901
        outcomes.append(tree)
    return {**new, "outcomes": outcomes}


def _told(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps inside of an outcome as `redacted` has them: those in the value, without what memo writes around it."""
    return tuple(step for step in steps[1:] if step not in INNER)


def _differences(old: Any, new: Any, steps: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Where the leaves of a tree have changed, or are gone."""
    if type(old) is dict and type(new) is dict:
        for key, each in old.items():
            if key in new:
                yield from _differences(each, new[key], (*steps, key))
            else:
                yield (*steps, key)
    elif type(old) is list and type(new) is list and len(old) == len(new):
        for index, (each, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(each, other, (*steps, index))
    elif old != new:
        yield steps


def _texts(node: Any, steps: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Every text in a tree, names too, with the steps that lead there."""
    if type(node) is str:
        yield steps, node
    elif type(node) is list:
        for index, each in enumerate(node):
            yield from _texts(each, (*steps, index))
    elif type(node) is dict:
        for key, each in node.items():
            yield (*steps, key), key
            yield from _texts(each, (*steps, key))


def _at(node: Any, steps: Iterable[Step]) -> str:
    """The text at some steps, as far as they lead there still."""
    for step in steps:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return MASK
    return node if type(node) is str else MASK


_PLAIN = re.compile(r"""[^.\[\]"']+""")


def _path(steps: Iterable[Step]) -> str:
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += f'["{step}"]'
    return path


def _excerpt(masked: str) -> str:
    """What stands around the first mask; what touches it may be a part of the secret, and is left out."""
    found = re.search(rf"\S*{MASK}\S*", masked)
    if found is None:
        return MASK
    before, after = masked[: found.start()][-_BEFORE:], masked[found.end() :][:_AFTER]
    cut = "…" if found.start() > _BEFORE else "", "…" if len(masked) - found.end() > _AFTER else ""
    return " ".join(f"{cut[0]}{before}{MASK}{after}{cut[1]}".split())


def _reason(error: MemoError) -> str:
    return str(getattr(error, "reason", error))
