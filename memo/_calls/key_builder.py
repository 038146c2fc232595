"""The key builder: from the arguments of an invocation, as they were given, to the call that a recording is found by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memo._calls.argument_cache import ArgumentCache
from memo._calls.call import NOTHING_WATCHED, Call
from memo._calls.canonical import Canonical, NotText
from memo._calls.digest import call_tail, digest
from memo._calls.fingerprints import fingerprint_of
from memo._calls.key_rules import KeyRules, as_names
from memo._calls.places import change, pop
from memo._calls.secrets import plain_names
from memo._calls.signature import Signature
from memo._values.paths import Step, parse_path
from memo.errors import InvalidOption
from memo.scrub import Scrubber

__all__ = ["Describe", "KeyBuilder"]

_KNOWN = 4096

Describe = Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[str, dict[str, Any]]]
"""From `self`, positional and keyword arguments to the call's name and its arguments, where they are not the signature's."""


class KeyBuilder:
    """Turn the invocations of one function into `Call`s, by the options that the function was given."""

    def __init__(
        self,
        function: str,
        signature: Signature,
        *,
        ignore: Iterable[str] = (),
        watch: Iterable[str] = (),
        key: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None,
        identity: Callable[[Any], Any] | None = None,
        version: str | int | None = None,
        scrub: Mapping[str, Scrubber | Iterable[Scrubber]] | None = None,
        secrets: Iterable[str] = (),
        describe: Describe | None = None,
        key_rules: KeyRules | None = None,
    ) -> None:
        self.function = function
        self._signature = signature
        self._describe = describe
        self._key = key
        self._identity = identity
        self._version = version
        self._tail = call_tail(function, version)
        more = key_rules or KeyRules()
        ignored = [*as_names(ignore), *filter(self._has, more.ignore)]
        watched = dict.fromkeys([*as_names(watch), *filter(self._has, more.watch)])
        scrubbed = [*(scrub or {}).items(), *((path, how) for path, how in more.scrub.items() if self._has(path))]
        paths = [self._path(path, "ignore") for path in ignored]
        self._ignored = [str(steps[0]) for steps in paths if len(steps) == 1]
        self._ignored_inside = [steps for steps in paths if len(steps) > 1]
        self._watch = [(path, self._path(path, "watch")) for path in watched]
        self._scrub = [(self._path(path, "scrub"), (how,) if callable(how) else tuple(how)) for path, how in scrubbed]
        self.is_pure = key is None and identity is None and not self._scrub
        """True if equal arguments always give the same call: no function of the user's takes part."""
        self._tree_changes = bool(self._ignored_inside or self._watch or self._scrub)
        self._secrets = plain_names(as_names(secrets))
        self._canonical = Canonical(function, self._secrets, shares=not self._tree_changes)
        self._searched: set[str] = set()
        """Keys of calls in whose arguments no secret was found: what is asked for again is not searched again."""
        # Scrubbers are the user's own code, which may say something else the next time.
        self._asked_again: ArgumentCache[Call] | None = None if self._scrub else ArgumentCache()

    def call(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Return the call with these arguments; `instance` is the `self` or `cls` of a method.

        Raises `DoesNotFit` for arguments that do not fit the signature, `UnkeyableArgument` for one without a canonical form.
        """
        function = self.function
        if self._describe is None:
            arguments = self._signature.bind(args, kwargs)
        else:
            try:
                function, arguments = self._describe(instance, args, kwargs)
            except TypeError:
                self._signature.bind(args, kwargs)  # its own error, where it is the call that is wrong
                raise
        if self._key is not None:
            arguments = dict(self._key(dict(arguments)))
        if self._ignored:
            arguments = dict(arguments)
            for name in self._ignored:
                arguments.pop(name, None)
        if self._identity is not None and instance is not None:
            arguments = {**arguments, (self._signature.skipped or ["self"])[0]: self._identity(instance)}
        asked_again = self._asked_again
        if asked_again is not None:
            call = asked_again.get(function, arguments)
            if call is not None:
                return call
        canonical = self._canonical
        tree = canonical.tree(arguments)
        watched = self._change(tree) if self._tree_changes else NOTHING_WATCHED
        try:
            data = canonical.json(tree)
        except NotText:
            tree = Canonical(function, self._secrets).tree(arguments)
            data = canonical.json(tree)
        tail = self._tail if self._describe is None else call_tail(function, self._version)
        key = digest(data, tail)
        if key not in self._searched:
            masked = canonical.masked(tree, data)
            if masked is not data:
                return Call(function, digest(masked, tail), masked, self._version, watched)
            if len(self._searched) >= _KNOWN:
                self._searched.clear()
            self._searched.add(key)
            return Call(function, key, data, self._version, watched)
        call = Call(function, key, data, self._version, watched)
        if asked_again is not None:
            asked_again.add(function, arguments, call)
        return call

    def _change(self, tree: dict[str, Any]) -> dict[str, str]:
        for steps in self._ignored_inside:
            pop(tree, steps)
        for steps, scrubbers in self._scrub:
            for scrubber in scrubbers:
                change(tree, steps, scrubber)
        return {path: fingerprint_of(self._canonical, path, pop(tree, steps)) for path, steps in self._watch}

    def _has(self, path: str) -> bool:
        """Return whether the function may have something at this path."""
        try:
            self._path(path, "")
        except InvalidOption:
            return False
        return True

    def _path(self, path: str, option: str) -> tuple[Step, ...]:
        steps = parse_path(path, option)
        names, keywords = self._signature.names, self._signature.keywords
        if steps[0] in names or self._key is not None or self._describe is not None:
            return steps
        if keywords is not None:
            return (keywords, *steps)
        raise InvalidOption(option, path, sorted(names) or ["(the function has no parameters)"])
