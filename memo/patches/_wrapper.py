"""The wrapper that a patch puts in the place of a function, and what is above and below it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any, Protocol

from memo._engine.calls.recordable import BoundRecordable, Recordable
from memo._engine.rules.modes import Mode
from memo._engine.sessions.active import session_for
from memo._engine.sessions.session import Session
from memo.patches._patch import Passes, Prepare

__all__ = ["Patched", "bypassing", "is_decorated", "is_patched", "is_under", "unpatched"]


class Target(Protocol):
    """The part of an applied patch that its wrapper uses."""

    name: str
    count: int
    """The number of installations that want the target patched."""
    wrapper: Any
    owner: Any
    function: Any

    def unpatched(self, wrapper: Patched, instance: Any) -> tuple[Any, Any] | None: ...


bypassing: list[Callable[[Any, tuple[Any, ...], dict[str, Any]], bool]] = []
"""What says of a client and its call that such calls are not recorded here: the server under test, which it calls, records its own."""


class Patched(Recordable):
    """A recordable put in place from outside. While no installation wants it, a call goes straight to the function."""

    def __init__(
        self,
        applied: Target,
        original: Any,
        inheritor: type | None,
        prepare: Prepare | None,
        passes: Passes | None = None,
    ) -> None:
        def wrapper(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if inheritor is not None and instance is not None:
                wrapped = _inherited(inheritor, applied.name, original, instance, wrapped)
            session = session_for(applied.function.name) if applied.count and applied.wrapper is self else None
            if (
                session is None
                or (passes is not None and passes(session, instance, args, kwargs))
                or (bypassing and any(bypasses(instance, args, kwargs) for bypasses in bypassing))
            ):
                return wrapped(*args, **kwargs)
            if prepare is not None and session.modes != _LIVE:
                prepared = prepare(instance, args, kwargs)
                if type(prepared) is not tuple:
                    return _prepared(prepared, session, applied.function, wrapped, instance)
                args, kwargs = prepared
            if session.is_ruled:
                return applied.function.run_ruled(session, wrapped, instance, args, kwargs)
            return applied.function.run(session, session.mode, wrapped, instance, args, kwargs)

        super(Recordable, self).__init__(original, wrapper)
        self._self_bound = applied.function
        self._self_applied = applied
        self._self_original = original
        self._self_own = inheritor is None
        self._self_unbound: Any = None

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is not None or type(self._self_original) is classmethod:
            return super().__get__(instance, owner)
        # As of a plain function: the same object each time, and for subclasses, too.
        if self._self_unbound is None:
            self._self_unbound = super().__get__(None, self._self_applied.owner)
        return self._self_unbound


async def _prepared(prepared: Any, session: Session, function: Any, wrapped: Any, instance: Any) -> Any:
    """Make a call whose arguments have to be awaited."""
    args, kwargs = await prepared
    if session.is_ruled:
        return await function.run_ruled(session, wrapped, instance, args, kwargs)
    return await function.run(session, session.mode, wrapped, instance, args, kwargs)


def unpatched(instance: Any, name: str) -> tuple[Any, Any] | None:
    """Return what memo knows of a patched method of that object, and the method without memo's wrapper.

    None for a method that is not patched, or that is overridden or wrapped: in a subclass, or in this object alone.
    """
    found = _ABSENT
    if name not in vars(instance):
        for kind in type(instance).__mro__:
            found = vars(kind).get(name, _ABSENT)
            if found is not _ABSENT:
                break
    return found._self_applied.unpatched(found, instance) if is_patched(found) else None


def is_patched(found: Any) -> bool:
    """Return whether an attribute is a wrapper of memo's patches."""
    return type(found) is Patched


def is_decorated(found: Any) -> bool:
    """Return whether the function was made recordable where it is defined."""
    inner = found.__func__ if isinstance(found, staticmethod | classmethod) else found
    return type(inner) in (Recordable, BoundRecordable)


def _inherited(inheritor: type, name: str, original: Any, instance: Any, wrapped: Any) -> Any:
    """Return what a call of an inherited method reaches without memo's wrapper.

    That is what `inheritor` inherits; in a subclass with several parents it may be another parent's method.
    """
    kind = instance if isinstance(instance, type) and inheritor in instance.__mro__ else type(instance)
    order = inspect.getmro(kind)
    if inheritor not in order:
        return wrapped
    for cls in order[order.index(inheritor) + 1 :]:
        found = vars(cls).get(name, _ABSENT)
        if is_patched(found):
            found = found._self_original if found._self_own else _ABSENT
        if found is original:
            return wrapped
        if found is not _ABSENT:
            if not hasattr(type(found), "__get__"):
                return found
            return found.__get__(None if instance is kind else instance, kind)
    return wrapped


_ABSENT: Any = object()
_LIVE = {Mode.LIVE}


def is_under(top: Any, wrapper: Any) -> bool:
    """Return whether a call of `top` visibly reaches the wrapper: by wrapt, `functools.wraps`, closures or names."""
    waiting, seen = [(top, 0)], 0
    while waiting and seen < 200:
        function, depth = waiting.pop(0)
        seen += 1
        if function is wrapper or (type(function) is BoundRecordable and function._self_parent is wrapper):
            return True
        if depth > 4:
            continue
        under = [getattr(function, "__wrapped__", None), getattr(function, "__func__", None)]
        if isinstance(function, partial):
            under.append(function.func)
        if isinstance(function, FunctionType):
            under += [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
            under += [function.__globals__.get(name) for name in function.__code__.co_names if depth == 0]
        waiting += [(inner, depth + 1) for inner in under if callable(inner)]
    return False


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return False
    return True
