"""What `@recordable` makes of a function: a wrapper that is the function itself in everything but its recordings."""

from __future__ import annotations

from typing import Any, cast

import wrapt

from memo._calls.key_builder import Describe
from memo._engine.calls.cache import CacheMethods
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.function import RecordableFunction
from memo._engine.calls.options import Options
from memo._engine.calls.overrides import wrap_overrides
from memo._engine.calls.pickling import PickledByName, PickledMethod
from memo._engine.sessions.active import session_for
from memo._engine.sessions.session import Session
from memo._engine.storing.definitions import defined

__all__ = ["BoundRecordable", "Recordable"]


class BoundRecordable(PickledMethod, CacheMethods, wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]
    """A recordable method of one object."""


class Recordable(PickledByName, CacheMethods, wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A recordable function. In everything but its recordings it is the function itself."""

    __bound_function_wrapper__ = BoundRecordable

    def __init__(
        self,
        function: Any,
        session: Session | None,
        options: Options,
        run: type[CallDriver] = CallDriver,
        describe: Describe | None = None,
    ) -> None:
        bound = RecordableFunction(function, session, options, run, describe)
        if describe is None:
            defined(function)

        def wrapper(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            session = bound.session or session_for(bound.name)
            if session is None:
                return wrapped(*args, **kwargs)
            if session.is_ruled:
                return bound.run_ruled(session, wrapped, instance, args, kwargs)
            return bound.run(session, session.mode, wrapped, instance, args, kwargs)

        super().__init__(function, wrapper)
        self._self_bound = bound
        self._self_options = options

    def __set_name__(self, owner: type, name: str) -> None:
        wrapped: Any = self.__wrapped__
        if hasattr(type(wrapped), "__set_name__"):
            wrapped.__set_name__(owner, name)
        if getattr(self, "__isabstractmethod__", False):
            wrap_overrides(owner, name, self._self_override)

    def _self_override(self, cls: type, override: Any) -> Any:
        inner = override.__func__ if isinstance(override, staticmethod | classmethod) else override
        if isinstance(inner, Recordable | BoundRecordable) or not (callable(inner) and hasattr(inner, "__qualname__")):
            return override
        options, named = self._self_options, self._self_options.get("name")
        if named:  # two implementations are two functions
            options = cast(Options, {**options, "name": f"{named}.{cls.__qualname__}".replace("<locals>.", "")})
        return Recordable(override, self._self_bound.session, options)
