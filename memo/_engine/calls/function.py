"""What the decorator knows of the function that it decorates, and what becomes of a call of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from memo._calls.call import Call
from memo._calls.key_builder import Describe, KeyBuilder
from memo._calls.secrets import SecretRules
from memo._calls.signature import DoesNotFit, Signature
from memo._engine.calls.context import FunctionContext
from memo._engine.calls.decorated import core_of, is_in_class, kind_of, name_of, named_as
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options, check_options
from memo._engine.reports.callers import caller_of
from memo._engine.rules.modes import Mode
from memo._engine.rules.patterns import functions
from memo._engine.sessions.faults import injecting
from memo._engine.sessions.session import Session
from memo._engine.storing.gateway import SaltUnread
from memo._engine.storing.tags import checked_tags, tags_of
from memo._engine.streaming.begun import Unrecorded
from memo._engine.streaming.streams import stream
from memo._recordings.ages import duration
from memo._values.paths import parse_path
from memo.codecs.types import Types, held_by
from memo.codecs.values import Values
from memo.errors import InvalidOption, StoreError

__all__ = ["RecordableFunction", "recordables"]

recordables: weakref.WeakValueDictionary[str, RecordableFunction] = weakref.WeakValueDictionary()
"""The functions that are recordable in this process, by their names in recordings."""

DEPTH = 3
"""How deep in arguments and objects classes are looked for."""
_ERRORS = ("none", "answers", "all")
_LIVE = Mode.LIVE
_UNKEYED = Call("", "", b"{}", has_types=False)


class RecordableFunction:
    """A function that is recordable: its name, its kind, its options."""

    def __init__(
        self, function: Any, session: Session | None, options: Options, run: type[CallDriver], describe: Describe | None
    ) -> None:
        check_options(options)
        inner = function.__func__ if isinstance(function, staticmethod | classmethod) else function
        core = core_of(inner)
        self.session = session
        self.kind = kind_of(core)
        self._run = run
        self._brings_classes = describe is not None and run.brings_classes
        self.drives = {"async generator": "async_generator", "plain": "sync"}.get(self.kind, self.kind)
        self._drive = getattr(run, self.drives)
        if self.kind == "coroutine":
            self._drive = named_as(inner, self._drive)
        self._describe = describe
        self.name = options.get("name") or name_of(inner, core)
        self.hits = self.misses = 0
        if describe is None:
            _make_known(self)
        self._inner = inner
        self._static = isinstance(function, staticmethod)
        self._bound = getattr(inner, "__self__", None) is not None
        self._refuses_itself = type(inner) is FunctionType and not {"__wrapped__", "__signature__"} & vars(inner).keys()
        """True if Python itself refuses a call that does not fit the signature, before anything of the function runs."""
        self.function = inner
        self._tells_objects_apart = session is None and "identity" not in options and not (self._static or self._bound)
        """True if the object whose method is called is not in the key."""
        self._errors = options.get("errors")
        self._tags = checked_tags(options.get("tags", ()))
        self.has_tags = bool(self._tags)
        ttl = options.get("ttl")
        self._ttl = None if ttl is None else duration(ttl, "ttl")
        self._secrets = SecretRules.of(options.get("secrets", ()), options.get("allow_secrets", ()))
        self._streams = tuple(parse_path(path, "streams") for path in _tuple(options.get("streams", ())))
        self._trust = frozenset(_tuple(options.get("trust", ())))
        self._setting: FunctionContext | None = None
        self._key_options: dict[str, Any] = {
            name: value
            for name, value in options.items()
            if name in ("ignore", "watch", "key", "identity", "version", "scrub")
        }
        self._method = isinstance(function, classmethod) or (not self._static and is_in_class(inner))
        is_in_key = options.get("version") == "source" and not (self._method and self._tells_objects_apart)
        self._is_compared = describe is None and not is_in_key
        """True unless a patch names the calls, which then tells them apart, or the key says all that the function is."""
        if options.get("version") == "source":
            from memo._calls.source_version import source_version

            self._key_options["version"] = source_version(inner, self.name)
        # Made now: a wrong option is found where it is written.
        self._prepared_key_builder = (
            1 if self._method else 0,
            self._key_builder(1 if self._method else 0),
        )
        self._values = self._values_for(self._trust)
        if self._errors not in (None, *_ERRORS):
            raise InvalidOption("errors", self._errors, _ERRORS)

    @property
    def is_method(self) -> bool:
        """True if a call needs an object, or a class, in addition to its arguments."""
        return self._method or self._bound

    def call(
        self,
        session: Session,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        setting: FunctionContext | None = None,
    ) -> Call:
        """Return the call with these arguments. Raises `UnkeyableArgument`, and `TypeError` as the function itself would.

        Blocks where the salt of the store has to be read: once, at the first call with a credential.
        """
        setting = setting or self.setting(session)
        try:
            return self._call(session, instance, args, kwargs, setting)
        except DoesNotFit as error:
            raise TypeError(*error.args) from None
        except SaltUnread:
            session.salt()
            return self._call(session, instance, args, kwargs, setting)

    async def acall(self, session: Session, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Async twin of `call`, for functions that are async."""
        try:
            return self._call(session, instance, args, kwargs, self.setting(session))
        except SaltUnread:
            await session.aread_salt()
        except DoesNotFit:
            pass
        return self.call(session, instance, args, kwargs)

    def _call(
        self,
        session: Session,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        setting: FunctionContext,
    ) -> Call:
        """Return the call with these arguments. Raises `DoesNotFit` where no call of the function could have them."""
        if self._static:
            instance = None  # wrapt passes the instance, but the function does not take one
        skip = 0 if instance is None or self._bound else 1
        if instance is None and self._method and args:
            # A classmethod around the decorator, or the function taken from the class: self or cls comes first.
            instance, args, skip = args[0], args[1:], 1
        try:
            key_builder = setting.key_builders.get(skip) or self.key_builder(session, setting, skip)
            call = key_builder.call(instance, args, kwargs)
        except DoesNotFit:
            if self._refuses_itself or self._describe is not None:
                raise
            # The declared signature says less than the function takes: a decorator adds, drops or moves arguments.
            call = self.key_builder(session, setting, skip, as_given=True).call(instance, args, kwargs)
        if call.credentials is not None:
            session.ignored_credentials.check(call)
        return call

    def tags(self, session: Session, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
        """Return the tags of a call. Raises what a function that gives them raises, and `InvalidOption` for what is no tag."""
        if not callable(self._tags):
            return self._tags
        return tags_of(self._tags(self.arguments(session, instance, args, kwargs)))

    def arguments(
        self, session: Session, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the arguments of a call by name."""
        skip = 0 if instance is None or self._bound or self._static else 1
        if instance is None and self._method and args:
            args, skip = args[1:], 1
        setting = self.setting(session)
        try:
            return self.key_builder(session, setting, skip).arguments(instance, args, kwargs)
        except DoesNotFit:
            if self._refuses_itself or self._describe is not None:
                raise
            return self.key_builder(session, setting, skip, as_given=True).arguments(instance, args, kwargs)

    def key_builder(
        self, session: Session, setting: FunctionContext, skip: int, *, as_given: bool = False
    ) -> KeyBuilder:
        """Return what makes calls under that session: of a method (`skip=1`), or of a function.

        `as_given` is for calls that do not fit the signature: their positional and keyword arguments identify them.
        """
        place = ~skip if as_given else skip
        key_builder = setting.key_builders.get(place)
        if key_builder is None:
            made_for, key_builder = self._prepared_key_builder
            if made_for != place or session.secrets or session.key_rules or self._is_shared(session):
                key_builder = self._key_builder(skip, session, as_given=as_given)
            setting.key_builders[place] = key_builder
        return key_builder

    def run(
        self,
        session: Session,
        mode: Mode,
        wrapped: Any,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        restarts: bool = False,
    ) -> Any:
        """Return what the function itself would: a value, a coroutine, a generator, …

        With `restarts`, the outcome replaces what was recorded.
        """
        setting = self._setting
        if setting is None or setting.of() is not session:
            setting = self._setting = self._new_setting(session)
        if mode is _LIVE:
            call = _UNKEYED if session.calls_made is None else self._listed(session, instance, args, kwargs, setting)
            return self._drive(self._run(self, setting, session, mode, call, wrapped, args, kwargs, instance))
        try:
            call = self._call(session, instance, args, kwargs, setting)
        except DoesNotFit as error:
            return self._refused(error, wrapped, args, kwargs)
        except SaltUnread:
            return self._salted(
                session,
                wrapped,
                args,
                kwargs,
                # No lambda: its cells would slow down each call here by a tenth.
                partial(self.run, session, mode, wrapped, instance, args, kwargs, restarts=restarts),
            )
        except StoreError as error:  # of the salt
            return self._unsalted(session, error, wrapped, args, kwargs)
        if restarts:
            session.restart(call)
        if self._is_compared:
            is_function = instance is None or not self._tells_objects_apart or isinstance(instance, type)
            caller = self if is_function else caller_of(self, instance)
            if session.callers.by_key.get(call.key) is not caller:
                session.callers.check(self.name, call.key, caller, memoizes=self.session is not None)
        # Only a call whose arguments hold a class, or an instance of one, can bring a class that has no name.
        if call.has_types or self._brings_classes:
            setting = self._reaching(setting, args, kwargs)
        return self._drive(self._run(self, setting, session, mode, call, wrapped, args, kwargs, instance))

    def run_ruled(
        self, session: Session, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call as `run` does, in the mode of the function and with its faults: for both, a patch names the call first."""
        name = self.name if self._describe is None else self._describe(instance, args, kwargs)[0]
        faults, faulty = session.faults, self._run.faulty

        def proceed() -> Any:
            mode = session.mode_rules.decide(name) if session.mode_rules is not None else session.mode
            return self.run(session, mode, wrapped, instance, args, kwargs)

        if faults is None or not faults.covers(name) or not faulty.applies(name):
            return wrapped(*args, **kwargs) if injecting.get() else proceed()
        is_recorded = session.mode_of(name) in (Mode.RECORD, Mode.RECORD_IF_MISSING)
        return faulty(faults, name, proceed, wrapped, args, kwargs, drains=is_recorded).run(self.kind)

    def _listed(
        self, session: Session, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any], setting: FunctionContext
    ) -> Call:
        """Return a live call as it is listed: with its arguments, where they have a form."""
        try:
            return self.call(session, instance, args, kwargs, setting)
        except Exception:  # noqa: BLE001 - what is made live may have any arguments
            return _UNKEYED

    def _refused(self, error: DoesNotFit, wrapped: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Raise the `TypeError` of a call that does not fit: the function's own, before anything of it runs, where it has one."""
        if self._refuses_itself:
            return wrapped(*args, **kwargs)
        raise TypeError(*error.args) from None

    def _reaching(self, setting: FunctionContext, args: tuple[Any, ...], kwargs: dict[str, Any]) -> FunctionContext:
        """Return the context of one call, whose recording may name the classes among its arguments, too."""
        depth = DEPTH if self._describe is None else 0  # what an SDK is to make of the answer is its own argument
        unnamed = setting.values.types.unnamed((*args, *kwargs.values()), depth)
        return replace(setting, values=setting.values.reaching(unnamed)) if unnamed else setting

    def owned(self, types: Types, instance: Any, args: tuple[Any, ...]) -> Callable[[], Iterable[Any]] | None:
        """Return what finds the classes in the object whose method is called; None if there is no object."""
        if self._describe is not None or self._static:
            return None  # a patch gets the client of an SDK
        owner = instance
        if owner is None:
            owner = args[0] if self._method and args else getattr(self._inner, "__self__", self._inner)
        if isinstance(owner, FunctionType | ModuleType):
            return None
        return lambda: types.unnamed(held_by(owner), DEPTH)

    def _salted(
        self,
        session: Session,
        wrapped: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        again: Callable[[], Any],
    ) -> Any:
        """Return the coroutine or the async generator that reads the salt of the store and then runs as it would have."""

        async def begin() -> Any:
            try:
                await session.aread_salt()
            except StoreError as error:
                return self._unsalted(session, error, wrapped, args, kwargs)
            return again()

        async def coroutine() -> Any:
            return await (await begin())

        async def abegin() -> Unrecorded:
            return Unrecorded(aiter(await begin()))

        return coroutine() if self.kind == "coroutine" else stream(abegin)

    def _unsalted(
        self, session: Session, error: StoreError, wrapped: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return what the function itself returns: without the salt, a call with a credential has no key."""
        session.go_without_salt(self.name, error)
        self.misses += 1
        return wrapped(*args, **kwargs)

    def setting(self, session: Session) -> FunctionContext:
        """Return the options of the function and of the session together: made once, since calls come under one session in a row."""
        setting = self._setting
        if setting is None or setting.of() is not session:
            setting = self._setting = self._new_setting(session)
        return setting

    def _new_setting(self, session: Session) -> FunctionContext:
        has_draws = session.draws and self.session is None
        return FunctionContext(
            of=weakref.ref(session),
            values=self._values if session.trust <= self._trust else self._values_for(self._trust | session.trust),
            errors=self._errors or (session.errors if self.session is None else session.memoized_errors),
            secrets=session.secrets | self._secrets,
            has_draws=has_draws,
            expiry=session.expiry_of(self.name, self._ttl, has_draws=has_draws),
            is_numbered=has_draws or session.exhausted == "error",
            is_ordered=has_draws and self.drives in ("coroutine", "sync"),
            plain=self.kind == "plain",
            streams=self._streams,
        )

    def _values_for(self, trust: frozenset[str]) -> Values:
        return Values(Types(self._inner, trust=trust))

    def _is_shared(self, session: Session) -> bool:
        """Return whether recordings are shared by all who call: in a memoizer, and on a server."""
        return self.session is not None or session.is_remote

    def _key_builder(self, skip: int, session: Session | None = None, *, as_given: bool = False) -> KeyBuilder:
        signature = Signature(self._inner, skip=skip)
        more: dict[str, Any] = {"secrets": self._secrets, "describe": self._describe}
        if session is not None:
            more |= {"secrets": session.secrets | self._secrets, "key_rules": session.key_rules}
            if self._is_shared(session):
                is_async = self.kind in ("coroutine", "async generator")
                salt = session.salt_in_loop if is_async else session.salt
                more |= {"salt": salt, "memoizes": self.session is not None}
        if as_given:
            options = {name: option for name, option in self._key_options.items() if name != "key"}
            return KeyBuilder(self.name, signature.as_given(), **more, **options)
        return KeyBuilder(self.name, signature, **more, **self._key_options)


def _make_known(function: RecordableFunction) -> None:
    functions.add(function.name)
    recordables[function.name] = function


def _tuple(value: Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
