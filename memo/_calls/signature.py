"""Binding: the arguments of a call by their parameters' names, defaults applied.

`inspect.Signature.bind` takes seven times as long as the rest of a small key, so what it would find out at each call is
found out once. A call that does not fit the signature is given to `inspect` to be refused.
"""

from __future__ import annotations

import copy
import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, NoReturn

from memo.errors import InvalidOption

__all__ = ["DoesNotFit", "Signature"]

_EMPTY = inspect.Parameter.empty
_SHAPES = 64
_UNCHANGING = frozenset((type(None), bool, int, float, str, bytes))


class DoesNotFit(TypeError):
    """A call's arguments do not fit the signature."""


class Signature:
    """The parameters of a callable, less the first `skip` (a bound `self` or `cls`)."""

    def __init__(self, function: Callable[..., Any], *, skip: int = 0) -> None:
        self._args: tuple[Any, ...] = ()
        self._kwargs: dict[str, Any] = {}
        # What a partial has fixed is an argument like any other.
        while isinstance(function, functools.partial):
            self._args = function.args + self._args
            self._kwargs = {**function.keywords, **self._kwargs}
            function = function.func
        signature = _signature(function)
        parameters = list(signature.parameters.values())
        hidden = _hidden_defaults(function)
        if parameters and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
            skip = 0  # `def method(*args)`: a bound `self` is no parameter of its own
        self.skipped = [parameter.name for parameter in parameters[:skip]]
        parameters = parameters[skip:]
        # For `inspect` a parameter with such a default has none, and may not come after one that has.
        self._signature = signature.replace(
            parameters=[p.replace(default=None) if p.name in hidden else p for p in parameters]
        )
        kinds = inspect.Parameter
        self.owner = str(getattr(function, "__qualname__", "")).rpartition(".")[0]
        """The qualified name of the class in whose body the function is written, of a method."""
        self._positional = [
            p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        ]
        self._by_name = frozenset(
            p.name for p in parameters if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
        )
        self._shapes: dict[int | tuple[Any, ...], tuple[tuple[str, ...], tuple[Any, ...]]] = {}
        self.defaults = {p.name: p.default for p in parameters if p.default is not _EMPTY or p.name in hidden}
        self._count = sum(p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD) for p in parameters)
        self._rest: str | None = next((p.name for p in parameters if p.kind is kinds.VAR_POSITIONAL), None)
        self.keywords: str | None = next((p.name for p in parameters if p.kind is kinds.VAR_KEYWORD), None)
        self.names = frozenset(p.name for p in parameters)
        fixed = (*self.defaults.values(), *self._args, *self._kwargs.values())
        self.binds_alike = _UNCHANGING.issuperset(map(type, fixed))
        """Whether equal arguments are always bound alike: what is bound beside them cannot change."""

    def as_given(self) -> Signature:
        """Return a signature that every call fits: its arguments are `*args` and `**kwargs`, as they are given.

        No parameter has these names, so such a call has the key of no other.
        """
        given = copy.copy(self)
        given._positional, given._by_name = [], frozenset()
        given._shapes, given.defaults, given._count = {}, {}, 0
        given._rest, given.keywords = "*args", "**kwargs"
        given.names = frozenset(("*args", "**kwargs"))
        return given

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name. `*args` and `**kwargs` are arguments under their own names.

        Raises `DoesNotFit`.
        """
        if self._args or self._kwargs:
            args, kwargs = self._args + args, {**self._kwargs, **kwargs}
        shape = (len(args), *kwargs) if kwargs else len(args)
        layout = self._shapes.get(shape)
        if layout is not None:
            names, defaults = layout
            given = (*args, *kwargs.values(), *defaults) if kwargs else args + defaults
            return dict(zip(names, given))  # noqa: B905 - as many as names, and strictness takes half as long again
        bound = self._bind(args, kwargs)
        if self._rest is None and self.keywords is None and len(self._shapes) < _SHAPES:
            # Calls are written in few ways: where each argument goes is known from how many there are, and their names.
            first = (*self._positional[: len(args)], *kwargs)
            left = [name for name in bound if name not in first]
            self._shapes[shape] = ((*first, *left), tuple(bound[name] for name in left))
        return bound

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        positional = self._positional
        bound = self.defaults.copy()
        bound.update(zip(positional, args, strict=False))
        more: dict[str, Any] = {}
        if kwargs:
            given = positional[: len(args)]
            for name, value in kwargs.items():
                if name not in self._by_name:
                    more[name] = value
                elif name in given:
                    self._refuse(args, kwargs)
                else:
                    bound[name] = value
        if len(bound) != self._count:
            self._refuse(args, kwargs)
        if self._rest is not None:
            bound[self._rest] = args[len(positional) :]
        elif len(args) > len(positional):
            self._refuse(args, kwargs)
        if self.keywords is not None:
            bound[self.keywords] = more
        elif more:
            self._refuse(args, kwargs)
        return bound

    def _refuse(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NoReturn:
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise DoesNotFit(*error.args) from None
        # Python 3.13 binds a positional-only parameter by keyword beside **kwargs, and refuses the call itself.
        raise DoesNotFit("got some positional-only arguments passed as keyword arguments")


def _signature(function: Any) -> inspect.Signature:
    """Return the signature of a callable. Raises `InvalidOption` for one that has none, or whose own is not valid."""
    try:
        return inspect.signature(function)
    except Exception as error:  # `__signature__` and `__wrapped__` are the user's
        named = getattr(function, "__qualname__", type(function).__qualname__)
        refused = InvalidOption("recordable", function, ["a function, a method or another callable with a signature"])
        reason = f"recordable() needs a signature, and {named} has none that can be read ({error})"
        refused.args = (f"{reason}\n  decorate a function of your own that calls it, with the arguments that it takes",)
        raise refused from error


def _hidden_defaults(function: Any) -> frozenset[str]:
    """Return the parameters whose default is `inspect.Parameter.empty`, by which a signature says that there is none."""
    core = inspect.unwrap(function)
    core = getattr(core, "__func__", core)
    if not isinstance(core, types.FunctionType) or "__signature__" in vars(core):
        return frozenset()
    code, defaults = core.__code__, core.__defaults__ or ()
    positional = code.co_varnames[: code.co_argcount]
    by_name = {**dict(zip(reversed(positional), reversed(defaults), strict=False)), **(core.__kwdefaults__ or {})}
    return frozenset(name for name, default in by_name.items() if default is _EMPTY)
