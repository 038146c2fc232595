"""Search recordings for secrets.

memo masks what it recognizes as a secret while it records: by name, or by an unmistakable shape. `scan` searches recordings
of any age and origin again, with memo's own rules and several hundred detectors of kingfisher, which runs in this process
and asks no server whether a key works. Both go by shape, not by randomness: ids, hashes and embeddings are as random as
keys. Base64 of text is decoded, and the printable ASCII in bytes is searched; what is compressed or encrypted is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from memo._calls.secrets import MASK, mask, may_hold_secret
from memo._recordings.document import Document, parse
from memo._values.paths import path_text
from memo.errors import MemoError
from memo.maintenance._detectors import Detectors
from memo.maintenance._recording_trees import Step, changed_paths, text_at, texts
from memo.maintenance._secret_free import as_recorded_now, escaped, without, without_secrets
from memo.maintenance.changes import Progress
from memo.maintenance.entries import read
from memo.stores import Store

__all__ = ["Detectors", "Finding", "Scan", "scan"]

_OWN = "memo"
_BEFORE, _AFTER = 32, 16
"""Characters of text shown before and after a secret."""
_TOUCHING = re.compile(r"\A\S+")


@dataclass(frozen=True, slots=True)
class Finding:
    """A secret, or what looks like one."""

    name: str
    """The recording's name in the store."""
    path: str
    """The path in the recording's JSON: `outcomes[0].value.text`; empty if the file is no complete JSON."""
    detectors: tuple[str, ...]
    """`memo`, or the names of kingfisher's rules."""
    excerpt: str
    """The text around it, with `<secret>` in its place."""


@dataclass(slots=True)
class Scan:
    """The result of a search."""

    entries: int = 0
    size: int = 0
    """Bytes."""
    findings: list[Finding] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    """Location to reason, for damaged files. Their bytes were searched nevertheless, unless they could not be read."""

    @property
    def names(self) -> list[str]:
        """The recordings with secrets."""
        return list(dict.fromkeys(finding.name for finding in self.findings))


def scan(store: Store, detectors: Detectors, progress: Progress = lambda done, total: None) -> Scan:
    """Look for secrets in every recording of a store: in the call, in its outcomes, in the names that they use.

    Changes nothing; holds one recording in memory at a time. What is damaged is searched as text. Raises `StoreError` if
    the store cannot be listed.
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
        # Nothing in the text of a file shows a secret that is cut over the items of a stream.
        has_streams = any("stream" in outcome or "holds" in outcome for outcome in document.outcomes)
        if found or may_hold_secret(data.decode()) or has_streams:
            result.findings += _findings(name, document, found)
    return result


def _in_text(name: str, text: str, found: dict[str, str]) -> Iterator[Finding]:
    masked = without(mask(text), found)
    rules = tuple(dict.fromkeys(([_OWN] if mask(text) != text else []) + list(found.values())))
    if rules:
        yield Finding(name, "", rules, _excerpt(masked))


def _findings(name: str, document: Document, found: dict[str, str]) -> Iterator[Finding]:
    own = as_recorded_now(document)
    masked = without_secrets(own, found).tree()
    tree = document.tree()
    places: dict[tuple[Step, ...], list[str]] = {steps: [_OWN] for steps in changed_paths(tree, own.tree())}
    if mask(document.function) != document.function:
        places["function",] = [_OWN]
    unplaced = dict(found)
    for steps, text in texts(tree):
        plain = escaped(text)
        for secret, rule in found.items():
            if secret in plain:
                unplaced.pop(secret, None)
                places.setdefault(steps, []).append(rule)
    for steps, rules in places.items():
        yield Finding(
            name,
            without(mask(path_text(steps)), found),
            tuple(dict.fromkeys(rules)),
            _excerpt(text_at(masked, steps)),
        )
    for rule in dict.fromkeys(unplaced.values()):
        yield Finding(name, "", (rule,), MASK)


def _excerpt(masked: str) -> str:
    """Return the text around the first mask, without the characters that touch it: they may be part of the secret."""
    at = masked.find(MASK)
    if at < 0:
        return MASK
    start, end = len(_TOUCHING.sub("", masked[:at][::-1])), at + len(MASK)
    end += len(masked) - end - len(_TOUCHING.sub("", masked[end:]))
    before, after = masked[:start][-_BEFORE:], masked[end:][:_AFTER]
    cut = "…" if start > _BEFORE else "", "…" if len(masked) - end > _AFTER else ""
    return " ".join(f"{cut[0]}{before}{MASK}{after}{cut[1]}".split())


def _reason(error: MemoError) -> str:
    return str(getattr(error, "reason", error))
