"""The key builder: from the arguments of an invocation, as they were given, to the call that a recording is found by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import ModuleType
from typing import Any

import orjson

from memo._calls.argument_cache import ArgumentCache
from memo._calls.call import NO_VALUES, NOTHING_WATCHED, Call, Credentials
from memo._calls.canonical import Canonical
from memo._calls.credentials import LEFT_OUT, PROCESS_SALT, CredentialFilter, Found, has_credential
from memo._calls.digest import call_tail, digest
from memo._calls.fingerprints import fingerprint_of
from memo._calls.key_rules import KeyRules, as_names
from memo._calls.places import change, pop, replace
from memo._calls.secret_names import plain_name
from memo._calls.secrets import NO_RULES, SecretRules, looks_secret
from memo._calls.signature import Signature
from memo._json import exact
from memo._values.ids import Ids
from memo._values.paths import Step, parse_path, path_text, steps_of
from memo.errors import InvalidOption, UnkeyableArgument
from memo.scrub import Scrubber

__all__ = ["Describe", "KeyBuilder"]

_WRITTEN_IN_PYTHON = 1 << 9
"""The flag of types that live on the heap, as those of a `class` statement do."""

Describe = Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[str, dict[str, Any]]]
"""From `self`, positional and keyword arguments to the call's name and its arguments, where they are not the signature's.

One with a method `given` makes both of what that returns for the same three: plain values alone, which are found again faster.
"""


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
        secrets: SecretRules = NO_RULES,
        describe: Describe | None = None,
        key_rules: KeyRules | None = None,
        salt: Callable[[], bytes] | None = None,
        memoizes: bool = False,
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
        self._adapts = describe is not None or key is not None or bool(self._ignored)
        """True if the arguments are other ones than those of the signature."""
        self._binds_alike = signature.binds_alike and not self._adapts
        """True if equal arguments are bound to equal ones: no default or function of the user's may change."""
        self._given: Callable[..., tuple[Any, ...]] | None = getattr(describe, "given", None) if self.is_pure else None
        self._tree_changes = bool(self._ignored_inside or self._watch or self._scrub)
        self._secrets = secrets
        self._salt = salt
        """Gives the salt of the store, where credentials identify calls."""
        self._memoizes = memoizes
        """Whether `self` identifies a call, as in a function that is bound to a recorder."""
        self._receiver = (signature.skipped or ["self"])[0]
        self._canonical = Canonical(function, secrets, shares=not self._tree_changes)
        self._unshared = Canonical(function, secrets)
        # Scrubbers are the user's own code, which may say something else the next time.
        self._cache: ArgumentCache[Call] | None = None if self._scrub else ArgumentCache()

    def call(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Return the call with these arguments; `instance` is the `self` or `cls` of a method.

        Raises `DoesNotFit` for arguments that do not fit the signature, `UnkeyableArgument` for one without a canonical form.
        """
        receiver = self._receiver_of(instance) if instance is not None else LEFT_OUT
        cache = self._cache
        if cache is None:
            return self._new_call(*self._bound(instance, receiver, args, kwargs))
        if receiver is LEFT_OUT and self._binds_alike:
            # By the arguments as they are given: to bind them takes as long as to look them up.
            bound = None
            given: tuple[Any, ...] = (args, kwargs)
            values: Collection[Any] = (*args, *kwargs.values()) if kwargs else args
        elif self._given is not None and cache.is_used:
            bound, given = None, self._given(instance, args, kwargs)
            values = given
        else:
            bound = given = self._bound(instance, receiver, args, kwargs)
            values = bound[1].values()
        asked, call = cache.look_up(values, given)
        if call is not None:
            return call
        call = self._new_call(*(bound or self._bound(instance, receiver, args, kwargs)))
        if asked is None and cache.note(call.key, len(call.arguments)):
            asked, _ = cache.look_up(values, given)
        if asked is not None:
            cache.store(asked, call.with_arguments(exact(call.arguments)))
        return call

    def _bound(
        self, instance: Any, receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Return the call's name and arguments, and among these what identifies its `self` or `cls`."""
        if self._adapts:
            function, arguments = self._adapted(instance, args, kwargs)
        else:
            function, arguments = self.function, self._signature.bind(args, kwargs)
        if receiver is not LEFT_OUT:
            arguments = {**arguments, self._receiver: receiver}
        return function, arguments

    def arguments(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name, defaults applied, as `key` gets them. Raises `DoesNotFit`."""
        if self._describe is not None:
            return self._describe(instance, args, kwargs)[1]
        return self._signature.bind(args, kwargs)

    def _adapted(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the call's name and arguments, as `describe`, `key` and `ignore` say."""
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
            arguments = {name: value for name, value in arguments.items() if name not in self._ignored}
        return function, arguments

    def _receiver_of(self, instance: Any) -> Any:
        """Return what identifies the `self` or `cls` of a call, `LEFT_OUT` if nothing does.

        A class does, unless it is the one that the function's name names; an object does by `identity`, and in a memoizer.
        """
        if self._identity is not None:
            return self._identity(instance)
        if self._describe is not None:
            return LEFT_OUT
        if isinstance(instance, type):
            return LEFT_OUT if instance.__qualname__ == self._signature.owner else instance
        if self._memoizes and not isinstance(instance, ModuleType):
            return type(instance) if _is_stateless(instance) else instance
        return LEFT_OUT

    def _new_call(self, function: str, arguments: dict[str, Any]) -> Call:
        tree = self._canonical.tree(arguments)
        watched, values, credentials = NOTHING_WATCHED, NO_VALUES, None
        if self._tree_changes:
            for steps in self._ignored_inside:
                pop(tree, steps)
            credentials = self._filter(needs_salt=has_credential(tree))
            tree = self._settled(tree, arguments, credentials)
            watched, values = self._change(tree)
        try:
            data = orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            if credentials is None:
                tree = self._unshared.tree(arguments)
                credentials = self._filter(needs_salt=has_credential(tree))
                tree = self._settled(tree, arguments, credentials)
            data = self._json(tree)
        if looks_secret(data.decode()):
            shaped = self._filter(needs_salt=True)
            data = self._json(shaped.by_shape(tree))
            shaped.found += credentials.found if credentials is not None else []
            credentials = shaped
        tail = self._tail if self._describe is None else call_tail(function, self._version)
        ignored = self._ignored_credentials(credentials.found) if credentials is not None else None
        has_types = b'"__type__"' in data
        return Call(function, digest(data, tail), data, self._version, watched, ignored, has_types, values)

    def _filter(self, *, needs_salt: bool) -> CredentialFilter:
        """Return what takes the credentials out of a call: with digests, where recordings are shared."""
        salt = self._salt() if self._salt is not None and needs_salt else PROCESS_SALT
        form, keeps = self._unshared.form_of, self._salt is not None
        return CredentialFilter(self.function, form, self._secrets, salt=salt, keeps_digests=keeps)

    def _json(self, tree: dict[str, Any]) -> bytes:
        try:
            return self._canonical.json(tree)
        except UnkeyableArgument as error:
            (receiver, *_) = steps_of(error.path) or ("",)
            if receiver != self._receiver or receiver in self._signature.names:
                raise
            raise UnkeyableArgument(error.function, error.path, error.reason, receiver=True) from None

    def _settled(
        self, tree: dict[str, Any], arguments: dict[str, Any], credentials: CredentialFilter
    ) -> dict[str, Any]:
        """Return a tree without marks of credentials, and without defaults that have no canonical form."""
        for name in self._canonical.unkeyable(tree):
            if name in self._signature.defaults and arguments[name] is self._signature.defaults[name]:
                del tree[name]  # left at its default: whatever that is, it is the same for all such calls
        settled: dict[str, Any] = credentials.by_name(tree)
        return settled

    def _change(self, tree: dict[str, Any]) -> tuple[dict[str, str], dict[str, list[Any]]]:
        """Take out of a tree what does not identify the call; return the fingerprints of what is watched, and its values."""
        for steps in self._ignored_inside:
            pop(tree, steps)
        for steps, scrubbers in self._scrub:
            for scrubber in scrubbers:
                (replace if isinstance(scrubber, Ids) else change)(tree, steps, scrubber)
        values = {path: pop(tree, steps) for path, steps in self._watch}
        return {path: fingerprint_of(self._canonical, path, found) for path, found in values.items()}, values

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

    def _ignored_credentials(self, found: list[Found]) -> Credentials | None:
        """Return what a call leaves out of its key, but for what the user names: that is known not to change the answer."""
        if self._salt is not None:
            return None
        named = [
            (path_text(steps), value)
            for steps, value in found
            if not any(type(step) is str and plain_name(step) in self._secrets.names for step in steps)
        ]
        if not named:
            return None
        return Credentials(tuple(dict.fromkeys(path for path, _ in named)), " ".join(map(" ".join, sorted(named))))


def _is_stateless(instance: Any) -> bool:
    """Return whether an object has nothing of its own: no attribute, no slot, and no base that is written in C."""
    kinds = type(instance).__mro__[:-1]
    return not getattr(instance, "__dict__", None) and not any(
        "__slots__" in vars(kind) or not kind.__flags__ & _WRITTEN_IN_PYTHON for kind in kinds
    )
