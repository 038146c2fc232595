"""Remembers which request a call of an SDK's method became, so that an identical call is not transformed again.

Above the recorded seam, the SDK's methods transform their arguments by the types of their parameters, in Python. For a
long conversation, that takes a thousand times as long as the rest of a replay. So the methods of a patched SDK that make
one request and return its result are watched: the plan of a replayed call is found by its arguments the next time, as the
recording is found by the request.

Nothing is recorded here. A call that may become another request goes through the SDK, and so does a call whose recording
is gone: it is made, or missed, at the seam.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import threading
from collections import Counter
from contextlib import suppress
from types import FunctionType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import wrapt

from memo._calls.argument_cache import written
from memo._calls.key_builder import KeyBuilder
from memo._engine.calls.context import FunctionContext
from memo._engine.rules.modes import Mode
from memo._engine.sessions.active import current
from memo._engine.waiting.fairness import checkpoint, is_due
from memo.patches._stainless.driver import MISSING, ReplayPlan, Stainless, request_log
from memo.patches._wrapper import unpatched

__all__ = ["began", "ended"]

_MODULES = (
    "resources.chat.completions",
    "resources.chat.completions.completions",
    "resources.completions",
    "resources.embeddings",
    "resources.responses.responses",
)
_RESOURCES = re.compile(r"(Async)?(Completions|Embeddings|Responses)(Resource)?")
_METHOD = "create"

_MODES = (Mode.REPLAY, Mode.RECORD_IF_MISSING)
MOST_BYTES = 16 * 1024 * 1024
"""The most bytes that the remembered calls of one client take."""
_BESIDE = 2048
"""The bytes of a remembered call beside its arguments."""


class _Remembered(NamedTuple):
    """A remembered call: the plan of its replay, and the server that it goes to."""

    plan: ReplayPlan
    server: Any
    size: int


class _Calls:
    """The remembered calls of one client."""

    def __init__(self) -> None:
        self.by_key: dict[_Key, _Remembered] = {}
        self._size = 0

    def keep(self, key: _Key, call: _Remembered) -> None:
        """Keep one more call. The oldest goes where there are too many."""
        with _lock:
            before = self.by_key.pop(key, None)
            self.by_key[key] = call
            self._size += call.size - (before.size if before is not None else 0)
            while self._size > MOST_BYTES:
                self._size -= self.by_key.pop(next(iter(self.by_key))).size


_Key = tuple[Any, Any, KeyBuilder, bytes]
"""The method, the SDK's own method that sends, the key builder of the request, and the arguments as bytes."""

_clients: WeakKeyDictionary[Any, _Calls] = WeakKeyDictionary()


class _Unknown(NamedTuple):
    """A call that is not remembered."""

    key: _Key
    client: Any
    server: Any
    setting: FunctionContext
    arguments: tuple[Any, Any]

    def keep(self, made: list[tuple[Stainless, Any]], result: Any) -> None:
        """Remember the call, if it became one request, and the method returned what the request was replayed with."""
        if len(made) != 1 or result is None or made[0][1] is not result:
            return
        ((run, _),), client, (method, post, _, given) = made, self.client, self.key
        plan = run.plan(self.setting)
        if plan is None or run.client is not client or client.base_url is not self.server or not _own(post, method):
            return
        if not _is_still(given, client, self.arguments):
            return
        size = len(given) + len(plan.call.arguments) + _BESIDE
        if size <= MOST_BYTES:
            with _lock:
                calls = _clients.setdefault(client, _Calls())
            calls.keep(self.key, _Remembered(plan, self.server, size))


def _given(client: Any, arguments: tuple[Any, Any]) -> tuple[Any, ...]:
    """Return what a request is made of, beside the server."""
    # In together, the path depends on whether it is the default one.
    overridden = getattr(client, "_base_url_overridden", None)
    return (*arguments, getattr(client, "default_query", None), client._custom_headers, overridden)


def _planned(method: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the planned replay of a call; `_Unknown` where it may be remembered, None where its request may vary."""
    session = current()
    if session is None or session.mode not in _MODES or session.faults is not None:
        return None
    try:
        client, post = resource._client, resource._post
        found = unpatched(client, "request")
        if found is None or post.__self__ is not client:
            return None
        function, wrapped = found
        setting: FunctionContext = function.setting(session)
        key_builder: KeyBuilder = function.key_builder(session, setting, 1)
        if not key_builder.is_pure:
            return None
        server, arguments = client._base_url, (args, kwargs)
        given = written(*_given(client, arguments))
        if given is None:
            return None
        key = (method, post.__func__, key_builder, given)
        calls = _clients.get(client)
    except (AttributeError, TypeError):
        return None  # no client that memo knows
    remembered = calls.by_key.get(key) if calls is not None else None
    if remembered is None or not (remembered.server is server or remembered.server == server):
        return _Unknown(key, client, server, setting, arguments)
    plan = remembered.plan
    return plan.kind.from_plan(plan, function, setting, session, wrapped)


def _is_still(given: bytes, client: Any, arguments: tuple[Any, Any]) -> bool:
    """Return whether the arguments still give the same bytes, and nobody changed them in the meantime."""
    try:
        return written(*_given(client, arguments)) == given
    except RuntimeError:  # another thread is changing them
        return False


# The methods


def _recall(method: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    found = _planned(method, resource, args, kwargs)
    if type(found) is not _Unknown:
        result = MISSING
        if found is not None:
            session = found.session
            recording = None if session.reads_in_place else session.find(found.call)  # else it is found by `look`
            result = found.replay_or_missing(recording)
        return result if result is not MISSING else method(resource, *args, **kwargs)
    made: list[tuple[Stainless, Any]] = []
    before = request_log.set(made)
    try:
        result = method(resource, *args, **kwargs)
    finally:
        request_log.reset(before)
    found.keep(made, result)
    return result


async def _arecall(method: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    found = _planned(method, resource, args, kwargs)
    if type(found) is not _Unknown:
        result = MISSING
        if found is not None:
            if is_due():
                await checkpoint()
            recording = None if found.session.reads_in_place else await found.afound()
            result = found.replay_or_missing(recording)
        return result if result is not MISSING else await method(resource, *args, **kwargs)
    made: list[tuple[Stainless, Any]] = []
    before = request_log.set(made)
    try:
        result = await method(resource, *args, **kwargs)
    finally:
        with suppress(ValueError):  # a forgotten coroutine ends in the context in which it is collected
            request_log.reset(before)
    found.keep(made, result)
    return result


def _watched(method: Any, *, sync: bool) -> Any:
    """Wrap a method so that its calls are remembered. Outside sessions that replay, it is the method itself.

    The wrapper is a plain function, since wrapt takes a fifth of the time of a replay.
    """
    recall: Any = _recall if sync else _arecall
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def acreate(self: Any, *args: Any, **kwargs: Any) -> Any:
            return await _arecall(method, self, args, kwargs)

        return acreate

    @functools.wraps(method)
    def create(self: Any, *args: Any, **kwargs: Any) -> Any:
        session = current()
        if session is None or session.mode not in _MODES or session.faults is not None:
            return method(self, *args, **kwargs)
        return recall(method, self, args, kwargs)

    return create


class _Placed(NamedTuple):
    """A wrapper, and the method in whose place it is."""

    watched: Any
    method: Any


_lock = threading.RLock()
_patched: Counter[str] = Counter()
"""The number of patches of each SDK that are in place."""
_hooked: set[str] = set()
_placed: dict[type, _Placed] = {}


def began(sdk: str) -> None:
    """Count one more patch of the SDK, named by its package. The first one watches its methods."""
    names = [f"{sdk}.{module}" for module in _MODULES]
    with _lock:
        _patched[sdk] += 1
        hooked = sdk in _hooked
        _hooked.add(sdk)
    for name in names:
        if not hooked:
            wrapt.register_post_import_hook(_imported, name)  # at once, if it is imported already
        elif name in sys.modules:
            _imported(sys.modules[name])


def ended(sdk: str) -> None:
    """Count one patch less. The last one leaves no trace, except for an idle method under a foreign wrapper."""
    with _lock:
        _patched[sdk] -= 1
        if not _patched[sdk]:
            for owner, (watched, method) in list(_placed.items()):
                if owner.__module__.startswith(f"{sdk}.") and vars(owner).get(_METHOD) is watched:
                    del _placed[owner]
                    setattr(owner, _METHOD, method)


def _imported(module: Any) -> None:
    """Watch the methods of a module that was just imported. Errors must not break the import."""
    with _lock, suppress(Exception):
        sdk = module.__name__.partition(".resources.")[0]
        for name, owner in list(vars(module).items()) if _patched[sdk] else ():
            found = _RESOURCES.fullmatch(name)
            if found is not None and isinstance(owner, type):
                _watch(owner, sync=found[1] is None)


def _watch(owner: type, *, sync: bool) -> None:
    method = vars(owner).get(_METHOD)
    functions = _own(method, owner)
    if functions and not any(map(_warns, functions)):
        placed = _placed[owner] = _Placed(_watched(method, sync=sync), method)
        setattr(owner, _METHOD, placed.watched)


def _own(function: Any, of: Any) -> list[FunctionType]:
    """Return a function of an SDK and those it wraps; none if it has a foreign wrapper, which is called each time."""
    package, found = of.__module__.partition(".")[0], list[FunctionType]()
    while type(function) is FunctionType and function.__globals__.get("__name__", "").partition(".")[0] == package:
        found.append(function)
        function = getattr(function, "__wrapped__", None)
    return found if function is None else []


def _warns(function: FunctionType) -> bool:
    """Return whether the function may warn, which has to happen for each call."""
    return "warnings" in function.__code__.co_names
