"""The types of functions that are bound to a recorder, and of the decorator that binds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from memo._engine.calls.cache import CacheInfo

if TYPE_CHECKING:
    pass

__all__ = ["Memoize", "Memoized", "MemoizedMember", "MemoizedMethod", "OfClass", "OfObject"]

P = ParamSpec("P")
Q = ParamSpec("Q")
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")
S = TypeVar("S")


class Memoized(Protocol[P, R_co]):
    """A function bound to a recorder: called like the function itself, with the cache methods of functools and async-lru."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function."""
        ...

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Memoized[P, R_co]: ...
    @overload
    def __get__(
        self: Memoized[Concatenate[S, Q], R_co], instance: S, owner: type | None = None
    ) -> Memoized[Q, R_co]: ...

    def cache_info(self) -> CacheInfo:
        """Return the numbers of replayed and live calls in this process, and of recordings in the store."""
        ...

    def cache_contains(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Return whether this call is recorded."""
        ...

    def cache_invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Delete the recording of this call; return whether it existed."""
        ...

    def invalidate(self, *, tag: str) -> int:
        """Delete the recordings of this function that have a tag; return how many there were."""
        ...

    async def ainvalidate(self, *, tag: str) -> int:
        """Async twin of `invalidate`: the event loop does not wait for the store."""
        ...

    def cache_clear(self) -> None:
        """Delete every recording of this function in the recorder's store."""
        ...

    async def acache_info(self) -> CacheInfo:
        """Async twin of `cache_info`: the event loop does not wait for the store."""
        ...

    async def acache_contains(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Async twin of `cache_contains`."""
        ...

    async def acache_invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Async twin of `cache_invalidate`."""
        ...

    async def acache_clear(self) -> None:
        """Async twin of `cache_clear`."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Make this call live now, and store what comes of it in place of what was recorded."""
        ...


class OfClass(Protocol[P, R_co]):
    """A classmethod, as type checkers see one below another decorator: a function whose first parameter is named `cls`."""

    def __call__(self, cls: Any, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function."""
        ...


class MemoizedMember(Protocol[P, R_co]):
    """A classmethod bound to a recorder: reached through its class or an object, it is `Memoized`."""

    def __call__(self, cls: Any, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function below the `@classmethod`."""
        ...

    def __get__(self, instance: Any, owner: type | None = None) -> Memoized[P, R_co]: ...


class OfObject(Protocol[P, R_co]):
    """A method in its class: a function whose first parameter is named `self`."""

    def __call__(_self, self: Any, *args: P.args, **kwargs: P.kwargs) -> R_co:  # noqa: N805
        """Call the function."""
        ...


class MemoizedMethod(Protocol[P, R_co]):
    """A method bound to a recorder: reached through its class or an object, it is `Memoized`."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the method. (pyright matches protocols with this, without binding the method to its object.)"""
        ...

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Memoized[Concatenate[Any, P], R_co]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Memoized[P, R_co]: ...


class Memoize(Protocol):
    """A decorator that binds functions to a recorder."""

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, function: OfClass[P, R], /
    ) -> MemoizedMember[P, R]: ...
    @overload
    def __call__(self, function: OfObject[P, R], /) -> MemoizedMethod[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Memoized[P, R]: ...
