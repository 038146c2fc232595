"""The memoizers that others use, each as its documentation has it: for async functions where it knows them."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks._harness import missing

Function = Callable[[Any], Awaitable[Any]]
Decorate = Callable[[Function], Function]


def cashews_memory(_: Path, **settings: Any) -> Decorate:
    from cashews import Cache

    cache = Cache()
    cache.setup("mem://", size=100_000, check_interval=0, **settings)
    return cache(ttl="10h")


def cashews_disk(directory: Path, **settings: Any) -> Decorate:
    from cashews import Cache

    cache = Cache()
    cache.setup("disk://", directory=str(directory), **settings)
    return cache(ttl="10h")


def aiocache_memory(_: Path) -> Decorate:
    from aiocache import Cache, cached

    return cached(cache=Cache.MEMORY)


def async_lru(_: Path) -> Decorate:
    from async_lru import alru_cache

    return alru_cache(maxsize=None)


def cachier_memory(_: Path) -> Decorate:
    from cachier import cachier

    return cachier(backend="memory")


def cachier_disk(directory: Path) -> Decorate:
    from cachier import cachier

    return cachier(cache_dir=directory, separate_files=True)


def joblib_disk(directory: Path) -> Decorate:
    from joblib import Memory

    return Memory(directory, verbose=0).cache


def diskcache_disk(directory: Path, **settings: Any) -> Decorate:
    """It knows no async functions: of one, it would keep the coroutine. So it gets a plain one that runs it."""
    from diskcache import Cache

    cache = Cache(str(directory), **settings)

    def decorate(function: Function) -> Function:
        @cache.memoize(name=function.__name__)
        def plain(argument: Any) -> Any:
            running = function(argument)
            if not asyncio.iscoroutine(running):
                return running
            try:
                running.send(None)
            except StopIteration as stop:
                return stop.value
            raise RuntimeError("it waits")

        async def called(argument: Any) -> Any:
            return plain(argument)

        return called

    return decorate


NO_MEMORY = "keeps nothing in memory"
NO_DISK = "keeps nothing on disk"

MEMORY: dict[str, Callable[[Path], Decorate] | str] = {
    "cashews": missing("cashews") or cashews_memory,
    # Told to, it keeps a pickle, and each hit gives its own object, as memo's do. Otherwise all share one.
    "cashews, fresh": missing("cashews") or partial(cashews_memory, pickle_type="default"),
    "aiocache": missing("aiocache") or aiocache_memory,
    "async-lru": missing("async_lru") or async_lru,
    "cachier": missing("cachier") or cachier_memory,
    "joblib": NO_MEMORY,
    "diskcache": NO_MEMORY,
}

DISK: dict[str, Callable[[Path], Decorate] | str] = {
    "cashews": missing("cashews", "diskcache") or cashews_disk,
    "joblib": missing("joblib") or joblib_disk,
    "cachier": missing("cachier") or cachier_disk,
    "diskcache": missing("diskcache") or diskcache_disk,
    "aiocache": NO_DISK,
    "async-lru": NO_DISK,
}

FLUSHED: dict[str, Callable[[Path], Decorate] | str] = {
    # SQLite's FULL: the log is flushed to disk at each commit. (cashews hands what it does not know on to diskcache.)
    "cashews, flushed": missing("cashews", "diskcache") or partial(cashews_disk, sqlite_synchronous=2),
    "diskcache, flushed": missing("diskcache") or partial(diskcache_disk, sqlite_synchronous=2),
}
"""Those of them that can be told to flush what they store to disk."""
