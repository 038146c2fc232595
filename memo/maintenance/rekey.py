"""Give recordings new keys when code makes their calls in another way, without a live call.

This covers a parameter that is removed, new or renamed, an argument with another value, a function with another name or
`version=`, and an argument that `watch=` now keeps out of the key, or keeps out no more, or that was edited under `watch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, NamedTuple

import orjson

from memo._calls.fingerprints import canonical_fingerprint
from memo._calls.places import pop, put, rename, replace
from memo._json import canonical_json
from memo._recordings.document import Document
from memo._values.ids import numbered
from memo._values.paths import Step, parse_path
from memo.errors import InvalidOption, Refused
from memo.maintenance.changes import Plan, plan_changes
from memo.stores import Store

__all__ = ["Accepted", "Rekey", "plan_rekey", "selected"]

_UNSAID: Any = object()
_REQUEST = frozenset({"method", "path", "body"})
"""Arguments of an SDK's request."""


class Accepted(NamedTuple):
    """What a watched field may be from now on."""

    fingerprint: str
    old: str | None = None
    """The fingerprint of the recorded value that it replaces; None for any."""
    values: list[Any] | None = None
    """The values, if they are known: what a later warning shows as the old ones."""


class Rekey:
    """Changes calls: a `Rewrite`.

    The changes are made in this order: the function's name (`function`, old to new) and `version` (None removes it); arguments
    are removed (`drop`), renamed (`rename`, old path to new name), replaced (`replace`, path to the fingerprint of the old
    value and the new value; other values stay) and added where they are missing (`add`). Then the arguments in `unwatch` go
    back into the key, with the recorded value, which has to be there whole, and those in `watch` leave the key, and a
    fingerprint stays: that of the recorded value (None), or the given one, which accepts its value (with `Accepted(old=…)`
    only where the old value is recorded).
    At last `shape` makes of the name and the arguments the canonical ones that identify the call.
    Values are canonical JSON, as in a recording; paths are those of `ignore=` and `watch=`. With `function`, recordings of
    other functions stay as they are, and so do recordings that do not have the argument a path begins with. With `ids`,
    the ids of calls in the bodies of SDKs' requests are numbered, as presets do.

    Raises `InvalidOption` for an invalid path, for a function named twice, and if there is nothing to change.
    """

    def __init__(
        self,
        *,
        drop: Iterable[str] = (),
        add: Mapping[str, Any] | None = None,
        rename: Mapping[str, str] | None = None,
        replace: Mapping[str, tuple[str, Any]] | None = None,
        function: Mapping[str, str] | None = None,
        watch: Mapping[str, str | Accepted | None] | None = None,
        unwatch: Iterable[str] = (),
        version: str | int | None = _UNSAID,
        shape: Callable[[str, Mapping[str, Any]], bytes] | None = None,
        ids: bool = False,
    ) -> None:
        self._drop = [parse_path(path, "drop") for path in drop]
        self._add = [(_named(path, "add"), value) for path, value in (add or {}).items()]
        self._rename = [(_named(path, "rename"), _name(path, new)) for path, new in (rename or {}).items()]
        self._replace = [(path, parse_path(path, "replace"), *change) for path, change in (replace or {}).items()]
        self._function = dict(function or {})
        self._watch = [
            (path, parse_path(path, "watch"), Accepted(given) if isinstance(given, str) else given)
            for path, given in (watch or {}).items()
        ]
        self._unwatch = [(path, parse_path(path, "unwatch")) for path in unwatch]
        self._version = version
        self._shape = shape
        self._ids = ids
        self.adds = any(len(steps) == 1 for steps, _ in self._add) and not self._function
        """True if every recording gets a new parameter: nothing in a recording shows that it is not meant."""
        for new in {*self._function.values()} & {*self._function}:
            raise InvalidOption("function", new, ["each name once, as the old or as the new one"])
        changes = (self._drop, self._add, self._rename, self._replace, self._function, self._watch, self._unwatch)
        if not any(changes) and version is _UNSAID and shape is None and not ids:
            raise InvalidOption(
                "rekey", None, ["drop", "add", "rename", "replace", "function", "watch", "unwatch", "version", "ids"]
            )

    def __call__(self, document: Document) -> Document:
        """Return the changed document, or the same object if nothing changes. Raises `Refused`."""
        new = self._shaped(self._changed(document))
        if new is not document and self._changed(new) is not new:
            raise Refused(
                "", "would be changed again the next time: these options undo each other, give them one by one"
            )
        return new

    def _shaped(self, document: Document) -> Document:
        """Return the document of the call as the options identify it."""
        if self._shape is None:
            return document
        data = self._shape(document.function, document.arguments)
        if data == canonical_json(document.arguments):
            return document
        return document.with_call(document.function, data, document.version)

    def _changed(self, document: Document) -> Document:
        name = document.function
        if self._function and name not in {*self._function, *self._function.values()}:
            return document
        before = canonical_json(document.arguments)
        arguments: dict[str, Any] = orjson.loads(before)
        watched: dict[str, str] = dict(document.watched)
        values = document.watched_values
        self._edit(arguments, watched, values)
        function = self._function.get(name, name)
        version = document.version if self._version is _UNSAID else self._version
        try:
            data = canonical_json(arguments)
        except orjson.JSONEncodeError as error:
            raise Refused("", f"would have arguments that cannot be written ({error})") from None
        same = (name, document.version, before, document.watched)
        if same == (function, version, data, watched) and type(version) is type(document.version):
            return document
        return document.with_call(function, data, version).with_watched(watched, values)

    def _edit(self, arguments: dict[str, Any], watched: dict[str, str], values: dict[str, list[Any]]) -> None:
        """Change the arguments and the watched fields of a call, in place."""
        for steps in self._drop:
            pop(arguments, steps)
            for path in _below(watched, steps):
                del watched[path]
        for steps, new in self._rename:
            self._renamed(arguments, watched, steps, new)
        for path, steps, old, value in self._replace:
            replace(arguments, steps, partial(_replaced, path, old, value))
        for steps, value in self._add:
            if not _below(watched, steps):
                put(arguments, steps, deepcopy(value))
        self._edit_watched(arguments, watched, values)
        if self._ids and arguments.keys() >= _REQUEST:
            arguments["body"] = numbered(arguments["body"])

    def _edit_watched(self, arguments: dict[str, Any], watched: dict[str, str], values: dict[str, list[Any]]) -> None:
        """Watch fewer or more arguments, and accept the new values of watched ones, in place."""
        for path, steps in self._unwatch:
            if path in watched:
                value = _whole(path, watched.pop(path), values.pop(path, []))
                if isinstance(steps[-1], str):
                    put(arguments, steps, value)
                else:  # a place in a list, where null stands for what is watched
                    replace(arguments, steps, partial(_same, value))
        for path, steps, given in self._watch:
            if path not in watched and steps[0] in arguments:
                values[path] = pop(arguments, steps)
                watched[path] = canonical_fingerprint(path, values[path])
            if path in watched and given is not None and given.old in (None, watched[path]):
                _accept(given, path, watched, values)

    @staticmethod
    def _renamed(arguments: dict[str, Any], watched: dict[str, str], steps: tuple[Step, ...], name: str) -> None:
        for path in _below(watched, steps):
            raise Refused(
                "",
                f"watches {path}, and its fingerprint holds for that name only: drop {path}, and watch it under the new one",
            )
        if rename(arguments, steps, name):
            raise Refused("", f"has an argument {name} already")


def _accept(given: Accepted, path: str, watched: dict[str, str], values: dict[str, list[Any]]) -> None:
    if watched[path] != given.fingerprint:
        values.pop(path, None)
        watched[path] = given.fingerprint
    if given.values is not None:
        values[path] = given.values


def _whole(path: str, fingerprint: str, values: list[Any]) -> Any:
    """Return the value that a call was recorded with at a watched path. Raises `Refused` where only its fingerprint is known."""
    if len(values) != 1 or canonical_fingerprint(path, values) != fingerprint:
        why = f"{len(values)} values are" if len(values) > 1 else "its value is not"
        raise Refused("", f"watches {path}, but {why} recorded there: record again")
    return values[0]


def _same(value: Any, _: Any) -> Any:
    return value


def _replaced(path: str, old: str, new: Any, value: Any) -> Any:
    """Return the new value if the value has the old one's fingerprint."""
    return deepcopy(new) if canonical_fingerprint(path, [value]) == old else value


def _below(watched: Mapping[str, str], steps: tuple[Step, ...]) -> list[str]:
    """Return the watched paths that equal this path, or lead into it."""
    return [path for path in watched if parse_path(path, "watch")[: len(steps)] == steps]


def _named(path: str, option: str) -> tuple[Step, ...]:
    steps = parse_path(path, option)
    if not isinstance(steps[-1], str):
        raise InvalidOption(option, path, ["a path that ends in a name: days, metadata.user, messages[*].name"])
    return steps


def _name(path: str, new: str) -> str:
    steps = parse_path(new, "rename")
    if len(steps) != 1 or not isinstance(steps[0], str):
        raise InvalidOption("rename", f"{path}={new}", ["a name without a path, which it gets where it is"])
    return steps[0]


def selected(store: Store, only: Sequence[str] = ()) -> Iterator[str]:
    """Yield the names of the selected recordings: of `function`, or of `function/key`, where the beginning of the key is enough.

    Without any, yields all. Raises `InvalidOption` for a name that no recording has.
    """
    if not only:
        yield from store.scan()
        return
    seen: set[str] = set()
    for prefix in only:
        names = [*store.scan(f"{prefix}/"), *(store.scan(prefix) if "/" in prefix else ())]
        if not names:
            raise InvalidOption("only", prefix, ["a function's name", "function/key, or the beginning of the key"])
        for name in names:
            if name not in seen:
                seen.add(name)
                yield name


def plan_rekey(
    store: Store,
    rekey: Rekey,
    *,
    only: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """Return what a `Rekey` does to a store, or what prevents it. Writes nothing: `memo.maintenance.changes.apply` does.

    Obstacles are two recordings that would become the same call, a recording that has the new call already, and a recording
    that is damaged or cannot be changed, since it may be one that is meant. `only` names functions, or recordings as
    `function/key` (the beginning of the key is enough). Raises `Refused` if a parameter is added to several functions
    without `only`, `InvalidOption` for a name that no recording has, `StoreError` if the store cannot be read.
    """
    plan = plan_changes(store, selected(store, only), rekey, progress)
    functions = sorted({change.function for change in plan.changes})
    if rekey.adds and not only and len(functions) > 1:
        names = ", ".join(functions[:5]) + (", ..." if len(functions) > 5 else "")
        raise Refused(
            store.location(), f"has recordings of several functions ({names}): only= says which has the new parameter"
        )
    return plan
