"""The forms in which outcomes are recorded, as `outcomes` describes them: proved, and without secrets."""

from __future__ import annotations

from typing import Any

import orjson

from memo._calls.secret_streams import mask_across
from memo._calls.secrets import SecretRules, may_hold_secret, redact
from memo._recordings.unread import refuse_unread
from memo._values.paths import path_text
from memo.codecs.errors import left_out_paths
from memo.codecs.items import Packer
from memo.codecs.values import Values
from memo.errors import ErrorNotWholeWarning, MemoError, UnrecordableValue

__all__ = ["StreamWriter", "error_outcome", "loss_warning", "value_outcome"]


def loss_warning(function: str, outcome: dict[str, Any]) -> ErrorNotWholeWarning | None:
    """Return what to warn of, if an error (or the error at the end of a stream) could not be recorded whole."""
    error = outcome.get("error") or outcome.get("stream", {}).get("error")
    paths = left_out_paths(error)
    return ErrorNotWholeWarning(function, error["__type__"], paths) if paths else None


def value_outcome(value: Any, values: Values, secrets: SecretRules) -> dict[str, Any]:
    """Return the outcome of a call that returned. Raises `UnrecordableValue`."""
    tree = values.encode(value)
    written = _written(tree)
    refuse_unread(tree, written)
    if not may_hold_secret(written.decode(), secrets):
        return {"value": tree}
    masks = _Masks(values, secrets)
    return {"value": masks.of(tree), **masks.report()}


def error_outcome(
    error: BaseException, values: Values, secrets: SecretRules, *, outside: BaseException | None = None
) -> dict[str, Any]:
    """Return the outcome of a call that raised. Raises `UnrecordableValue`.

    `outside` is the exception that the caller was handling when it made the call: no part of the outcome.
    """
    masks = _Masks(values, secrets)
    return {"error": masks.without_secrets(values.encode_error(error, outside=outside)), **masks.report()}


class StreamWriter:
    """Encodes the items of a stream as they pass. An item that cannot be recorded is reported at the end and stops nothing."""

    def __init__(self, values: Values, secrets: SecretRules) -> None:
        self._values = values
        self._secrets = secrets
        self._packer = Packer()
        self.count = 0
        self.failure: Exception | None = None
        self._last: Any = None

    def add(self, item: Any) -> None:
        """Add an item as it is now: what its consumer does to it later is not recorded."""
        if self.failure is None:
            try:
                tree = self._values.encode(item)
                if item is self._last:
                    tree = self._values.again(item, tree)
                self._last = item
                self._packer.add(tree)
            except Exception as error:  # noqa: BLE001 - whatever a value of anybody's does: the stream goes on
                if isinstance(error, UnrecordableValue):
                    error.path = f"[{self.count}]{error.path}"
                self.failure = error
                self._packer = Packer()
        self.count += 1

    def outcome(
        self,
        end: str,
        error: BaseException | None = None,
        *,
        returned: Any = None,
        sync: bool = False,
        outside: BaseException | None = None,
    ) -> dict[str, Any]:
        """Return the outcome of the stream. Raises `UnrecordableValue` if an item, or the error, cannot be recorded."""
        if self.failure is not None:
            raise self.failure
        masks = _Masks(self._values, self._secrets)
        stream = {**self._without_secrets(masks).packed(), "end": end}
        if error is not None:
            stream["error"] = masks.without_secrets(self._values.encode_error(error, outside=outside))
        if returned is not None:
            stream["returned"] = masks.without_secrets(self._values.encode(returned))
        if sync:
            stream["iterated"] = "sync"
        return {"stream": stream, **masks.report()}

    def _without_secrets(self, masks: _Masks) -> Packer:
        """Return the items without secrets, those cut over several items included.

        What passed stays as it is: more of the stream may come. All items are searched at once: one by one takes ten times as long.
        """
        packer = self._packer
        if len(packer) > 1:
            items = packer.trees()
            if masks.across(items):
                packer = Packer()
                for item in items:
                    packer.add(item)
        if not may_hold_secret(packer.text(), self._secrets):
            return packer
        masked = Packer()
        for index, item in enumerate(packer):
            masked.add(masks.without_secrets(item, index))
        return masked


def _written(tree: Any) -> bytes:
    """Return the JSON of a tree. Raises `UnrecordableValue`."""
    try:
        return orjson.dumps(tree)
    except orjson.JSONEncodeError as error:
        raise UnrecordableValue("", f"cannot be written as JSON ({error})") from error


class _Masks:
    """What was masked in an outcome, and what was not because the user allows it."""

    def __init__(self, values: Values, rules: SecretRules) -> None:
        self._values = values
        self._rules = rules
        self._masked: dict[str, None] = {}
        self._allowed: dict[str, None] = {}

    def report(self) -> dict[str, Any]:
        """Return the paths as they are kept in the outcome."""
        if not self._masked and not self._allowed:
            return {}
        paths = {"redacted": [*self._masked], "allowed_secrets": [*self._allowed]}
        return {name: found for name, found in paths.items() if found}

    def across(self, items: list[Any]) -> bool:
        """Mask what is cut over several items, in place; return whether there was anything."""
        found = mask_across(items, self._rules)
        for steps in found:
            self._masked[path_text(steps)] = None
        for index in {steps[0]: None for steps in found}:
            self._check(items[index], path_text([index]))  # type: ignore[index]
        return bool(found)

    def without_secrets(self, tree: Any, *at: int) -> Any:
        """Return a tree without its secrets; `at` is the index of an item. Raises `UnrecordableValue`."""
        return self.of(tree, *at) if may_hold_secret(_written(tree).decode(), self._rules) else tree

    def of(self, tree: Any, *at: int) -> Any:
        """Return a tree, which may hold secrets, without them; `at` is the index of an item. Raises `UnrecordableValue`."""
        holder = [tree]
        masked, allowed = redact(holder, self._rules, at)
        paths = [path_text(steps) for steps in masked]
        if paths:
            self._check(holder[0], paths[0])
        self._masked.update(dict.fromkeys(paths))
        self._allowed.update(dict.fromkeys(path_text(steps) for steps in allowed))
        return holder[0]

    def _check(self, tree: Any, path: str) -> None:
        """Raise `UnrecordableValue` if a masked tree cannot be read back."""
        try:
            self._values.decode(tree)
        except MemoError as error:
            raise UnrecordableValue(path, f"holds a secret, and could not be read back masked ({error})") from error
