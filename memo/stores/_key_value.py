"""A store of py-key-value as a store of memo."""

from __future__ import annotations

import asyncio
import base64
import inspect
import os
import threading
import weakref
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar
from urllib.parse import unquote

from memo.errors import RecordingDamaged, StoreError, StoreNotReadable, StoreNotWritable
from memo.stores._salt import checked_salt, new_salt
from memo.stores.file_names import shown

__all__ = ["KeyValueStore", "is_key_value"]

T = TypeVar("T")

_MOST = 1_000_000
"""Keys to ask for: py-key-value gives only one page of them."""


def is_key_value(store: object) -> bool:
    """Return whether an object has the coroutine functions `get`, `put` and `delete` of py-key-value, which take a `collection`."""
    try:
        return all(
            inspect.iscoroutinefunction(function) and "collection" in inspect.signature(function).parameters
            for function in (getattr(store, name, None) for name in ("get", "put", "delete"))
        )
    except (TypeError, ValueError):
        return False


class KeyValueStore:
    """A store of py-key-value: each recording is a value `{"text": …}` in one collection.

    The coroutines of the store run in an event loop of their own, in a thread, so plain functions and any number of event
    loops may use it. py-key-value cannot put only what is absent: two processes that record the same call at the same
    instant may both believe that they were first. Where the store cannot list its keys, `scan` is an error.
    """

    reads_in_place = False
    writes_in_place = False

    def __init__(self, store: Any, *, collection: str = "memo", timeout: float = 5.0) -> None:
        self.timeout = timeout
        self._store = store
        self._collection = collection
        self._salt: bytes | None = None
        self._salting = threading.RLock()
        self._loop: _Loop | None = None
        self._starting = threading.RLock()  # reentrant: the garbage collector ends streams at any time

    def __repr__(self) -> str:
        return f"KeyValueStore({type(self._store).__name__}, collection={self._collection!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        return self._read(name, self._run(self._get(name), StoreNotReadable))

    async def aget(self, name: str) -> bytes | None:
        """Async twin of `get`."""
        try:
            value = await asyncio.wrap_future(self._submit(self._get(name)))
        except Exception as error:
            raise self._failure(error, StoreNotReadable) from error
        return self._read(name, value)

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name."""
        try:
            value = {"text": data.decode()}
        except UnicodeDecodeError:
            value = {"base64": base64.b64encode(data).decode()}
        self._run(self._store.put(shown(name), value, collection=self._collection), StoreNotWritable)

    def salt(self) -> bytes:
        """Return the 32 random bytes of all who use this collection, kept in a collection of their own.

        Two processes that are the first to ask, at the same instant, may use different bytes until they end.
        """
        with self._salting:
            if self._salt is None:
                where = {"collection": f"{self._collection}-salt"}
                kept = self._run(self._store.get("salt", **where), StoreNotReadable)
                if kept is None:
                    self._run(self._store.put("salt", {"salt": new_salt().hex()}, **where), StoreNotWritable)
                    kept = self._run(self._store.get("salt", **where), StoreNotReadable)
                try:
                    self._salt = checked_salt(bytes.fromhex(kept["salt"]), self.location("salt"))
                except (TypeError, KeyError, ValueError):
                    raise RecordingDamaged(self.location("salt"), "is not a salt") from None
        return self._salt

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        return bool(self._run(self._store.delete(shown(name), collection=self._collection), StoreNotWritable))

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of entries. Raises `StoreNotReadable` where the store cannot list its keys."""
        keys = getattr(self._store, "keys", None)
        if keys is None:
            raise StoreNotReadable(self.location(), "cannot list its keys, which this needs")
        found: list[str] = self._run(keys(collection=self._collection, limit=_MOST), StoreNotReadable)
        names = (unquote(key, errors="surrogatepass") for key in found)
        return iter([name for name in names if name.startswith(prefix)])

    def location(self, name: str = "") -> str:
        """Return a name for people."""
        root = f"key-value://{type(self._store).__name__}/{shown(self._collection)}"
        return f"{root}/{shown(name)}" if name else root

    def _get(self, name: str) -> Coroutine[Any, Any, Any]:
        coroutine: Coroutine[Any, Any, Any] = self._store.get(shown(name), collection=self._collection)
        return coroutine

    def _read(self, name: str, value: Any) -> bytes | None:
        if value is None:
            return None
        try:
            return base64.b64decode(value["base64"], validate=True) if "base64" in value else value["text"].encode()
        except (TypeError, KeyError, ValueError, AttributeError):
            raise RecordingDamaged(self.location(name), "is not a memo recording") from None

    def _run(self, coroutine: Coroutine[Any, Any, T], kind: type[StoreError]) -> T:
        try:
            return self._submit(coroutine).result()
        except Exception as error:
            raise self._failure(error, kind) from error

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        with self._starting:
            if self._loop is None or self._loop.process != os.getpid():
                self._loop = _Loop()
                weakref.finalize(self, self._loop.stop)
            loop = self._loop.loop
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, self.timeout), loop)

    def _failure(self, error: Exception, kind: type[StoreError]) -> StoreError:
        # The text of the error may hold a URL with credentials. It is the cause, which only a whole traceback shows.
        if isinstance(error, TimeoutError):
            return kind(self.location(), f"did not answer within {self.timeout:g} seconds")
        return kind(self.location(), f"failed ({type(error).__name__})")


class _Loop:
    """An event loop in its own thread."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name="memo-key-value", daemon=True).start()

    def _run(self) -> None:
        self.loop.run_forever()
        self.loop.close()

    def stop(self) -> None:
        """End the event loop, from any thread."""
        if self.process == os.getpid():
            self.loop.call_soon_threadsafe(self.loop.stop)
