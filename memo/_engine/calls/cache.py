"""The methods of a memoized function that users of functools and async-lru know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from memo._calls.call import Call
from memo._engine.calls.function import RecordableFunction
from memo._engine.rules.modes import Mode
from memo._engine.sessions.active import current
from memo._engine.sessions.session import Session
from memo._engine.waiting.threads import in_thread
from memo.errors import CallNotAllowed

__all__ = ["CacheInfo", "CacheMethods", "beside_loop"]

T = TypeVar("T")


class CacheInfo(NamedTuple):
    """The statistics of a cache, as `functools.lru_cache` has them. Hits and misses are this process's; recordings are not limited in number."""

    hits: int
    misses: int
    maxsize: int | None
    currsize: int


class CacheMethods:
    """The methods of a memoized function and of its bound methods.

    All of them concern their own function alone. The ones that begin with `a` are for event loops, which they never block.
    """

    # Without annotated attributes: a class that has `__annotations__` hides those of the function it wraps.

    @property
    def __dict__(self: Any) -> dict[str, Any]:  # type: ignore[override]
        """The attributes of the wrapped function. (Before wrapt 2, those of a subclass's instances hide them.)"""
        attributes: dict[str, Any] = self.__wrapped__.__dict__
        return attributes

    @property
    def _self_function(self: Any) -> RecordableFunction:
        function: RecordableFunction = (self if self._self_parent is None else self._self_parent)._self_bound
        return function

    @property
    def _self_receiver(self: Any) -> Any:
        # As wrapt finds it for a call.
        method = self._self_binding == "classmethod"
        return getattr(self.__wrapped__, "__self__", None) if method else self._self_instance

    @property
    def _self_session(self) -> Session | None:
        return self._self_function.session or current()

    def _self_call(self: Any, session: Session, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        try:
            call: Call = self._self_function.call(session, self._self_receiver, args, kwargs)
        except TypeError as error:
            raise _without_class(self, error) from None
        return call

    async def _self_acall(self: Any, session: Session, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        try:
            call: Call = await self._self_function.acall(session, self._self_receiver, args, kwargs)
        except TypeError as error:
            raise _without_class(self, error) from None
        return call

    def cache_info(self) -> CacheInfo:
        """Return how many calls were replayed and how many went live in this process, and how many recordings there are."""
        return _info(self._self_function, self._self_session)

    async def acache_info(self) -> CacheInfo:
        """Async twin of `cache_info`."""
        session = self._self_session
        return await beside_loop(session, lambda: _info(self._self_function, session))

    def cache_contains(self, *args: Any, **kwargs: Any) -> bool:
        """Return whether this call is recorded, and young enough to be replayed. False outside any recorder."""
        session = self._self_session
        if session is None:
            return False
        call, expiry = self._self_call(session, args, kwargs), self._self_function.setting(session).expiry
        found = session.find(call)
        if found is not None and expiry is not None and expiry.is_over(found):
            found = session.fetch(call)  # another process may have made it again
        return found is not None and not (expiry is not None and expiry.is_over(found))

    async def acache_contains(self, *args: Any, **kwargs: Any) -> bool:
        """Async twin of `cache_contains`."""
        session = self._self_session
        if session is None:
            return False
        call = await self._self_acall(session, args, kwargs)
        expiry = self._self_function.setting(session).expiry
        found = session.in_memory(call)
        if found is None or (expiry is not None and expiry.is_over(found)):
            found = await session.afetch(call)
        return found is not None and not (expiry is not None and expiry.is_over(found))

    def cache_invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Delete the recording of this call; return whether there was one."""
        session = self._self_session
        return session is not None and session.forget(self._self_call(session, args, kwargs))

    async def acache_invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Async twin of `cache_invalidate`."""
        session = self._self_session
        if session is None:
            return False
        call = await self._self_acall(session, args, kwargs)
        return await beside_loop(session, lambda: session.forget(call))

    def invalidate(self, *, tag: str) -> int:
        """Delete the recordings of this function that have a tag; return how many there were."""
        session = self._self_session
        return 0 if session is None else session.forget_tagged(tag, self._self_function.name)

    async def ainvalidate(self, *, tag: str) -> int:
        """Async twin of `invalidate`."""
        session = self._self_session
        if session is None:
            return 0
        return await beside_loop(session, lambda: session.forget_tagged(tag, self._self_function.name))

    def cache_clear(self) -> None:
        """Delete every recording of this function in the recorder's store."""
        session = self._self_session
        if session is not None:
            session.forget_all(self._self_function.name)

    async def acache_clear(self) -> None:
        """Async twin of `cache_clear`."""
        session = self._self_session
        if session is not None:
            await beside_loop(session, lambda: session.forget_all(self._self_function.name))

    def refresh(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Make this call live now, and store its outcome in place of what was recorded.

        Returns what the call returns: for an async function an awaitable, for a generator a generator. Outside any
        recorder the call is made and nothing is stored. Raises `CallNotAllowed` in `replay`, where no call is ever made.
        """
        session: Session | None = self._self_session
        function: RecordableFunction = self._self_function
        mode = Mode.LIVE if session is None else session.mode_of(function.name)
        if session is None or mode is Mode.LIVE:
            return self.__wrapped__(*args, **kwargs)
        if mode is Mode.REPLAY:
            raise CallNotAllowed(function.name, mode)
        mode = Mode.VERIFY if mode is Mode.VERIFY else Mode.RECORD
        return function.run(
            session, mode, self.__wrapped__, self._self_receiver, args, kwargs, restarts=mode is Mode.RECORD
        )


def _info(function: RecordableFunction, session: Session | None) -> CacheInfo:
    size = sum(1 for _ in session.store.scan(f"{function.name}/")) if session is not None else 0
    return CacheInfo(function.hits, function.misses, None, size)


async def beside_loop(session: Session | None, work: Callable[[], T]) -> T:
    """Run what asks the store in a thread, unless the store is as quick as that."""
    if session is None or session.store.writes_in_place:
        return work()
    return await in_thread(work)


def _without_class(method: Any, error: TypeError) -> TypeError:
    """Return the error, or the one of a cache method below `@classmethod`, which no longer binds it from Python 3.13 on."""
    code = getattr(method.__wrapped__, "__code__", None)
    if method._self_parent is not None or code is None or code.co_varnames[:1] != ("cls",):
        return error
    return TypeError(
        f"{error}\n  from Python 3.13 on, a cache method below @classmethod does not know the class: write @classmethod below the "
        "recordable's decorator, or pass the class as the first argument"
    )
