"""Remembers what request a call of an SDK's method became, so that an identical call need not be transformed again.

Above the seam that is recorded (`_stainless`) stand the SDK's methods, which transform what they are given by the types of
their parameters, in Python: for a long conversation, that takes a thousand times as long as all the rest of a replay. So
where an SDK is patched, the methods that make one request and hand over what comes of it are watched: what a call of theirs
was replayed with is found by its arguments the next time, as it would have been by the request.

Nothing is recorded here, and to those who install a patch this is none. What is not sure to become the same request goes
through the SDK, and so does what has no recording any more: to be made, or missed, at the seam.
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
from memo._engine.active import current
from memo._engine.driver import FunctionContext
from memo._engine.modes import Mode
from memo.patches._registry import unpatched
from memo.patches._stainless import MISSING, ReplayPlan, Stainless, request_log

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
_MOST = 16 * 1024 * 1024
"""How many bytes are kept of the calls on one client,"""
_BESIDE = 2048
"""and how many of them are those of a call beside its arguments."""


# What calls became


class _Known(NamedTuple):
    """What a call became: the request, and the server that it goes to."""

    repeat: ReplayPlan
    server: Any
    size: int


class _Calls:
    """What the calls on one client became."""

    def __init__(self) -> None:
        self.known: dict[_Key, _Known] = {}
        self._size = 0

    def keep(self, key: _Key, known: _Known) -> None:
        """Keep one more; the oldest goes, where there are too many."""
        with _lock:
            before = self.known.pop(key, None)
            self.known[key] = known
            self._size += known.size - (before.size if before is not None else 0)
            while self._size > _MOST:
                self._size -= self.known.pop(next(iter(self.known))).size


_Key = tuple[Any, Any, KeyBuilder, bytes]
"""The method, the SDK's own that sends, what the options of patch and session make of a request, and what is given."""

_clients: WeakKeyDictionary[Any, _Calls] = WeakKeyDictionary()


class _Unknown(NamedTuple):
    """A call of which it is not known what it becomes."""

    key: _Key
    client: Any
    server: Any
    setting: FunctionContext
    arguments: tuple[Any, Any]

    def keep(self, made: list[tuple[Stainless, Any]], result: Any) -> None:
        """Remember what it became: if that is one request, and the method handed over what this was replayed with."""
        if len(made) != 1 or result is None or made[0][1] is not result:
            return
        ((run, _),), client, (method, post, _, given) = made, self.client, self.key
        repeat = run.repeat(self.setting)
        if repeat is None or run.client is not client or client.base_url is not self.server or not _own(post, method):
            return
        if not _is_still(given, client, self.arguments):
            return
        size = len(given) + len(repeat.call.arguments) + _BESIDE
        if size <= _MOST:
            with _lock:
                calls = _clients.setdefault(client, _Calls())
            calls.keep(self.key, _Known(repeat, self.server, size))


def _given(client: Any, arguments: tuple[Any, Any]) -> tuple[Any, ...]:
    """What a request is made of, beside the server."""
    # In together, the path depends on whether it is the default one.
    overridden = getattr(client, "_base_url_overridden", None)
    return (arguments, getattr(client, "default_query", None), client._custom_headers, overridden)


def _known(method: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The request that the call becomes; `_Unknown` where it may be remembered, None where it may be another each time."""
    session = current()
    if session is None or session.mode not in _MODES:
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
    known = calls.known.get(key) if calls is not None else None
    if known is None or not (known.server is server or known.server == server):
        return _Unknown(key, client, server, setting, arguments)
    repeat = known.repeat
    return repeat.kind.again(repeat, function, setting, session, wrapped)


def _is_still(given: bytes, client: Any, arguments: tuple[Any, Any]) -> bool:
    """Whether these bytes are those of what is given now, too, and nobody changed it meanwhile."""
    try:
        return written(*_given(client, arguments)) == given
    except RuntimeError:  # it is being changed
        return False


# The methods


def _recall(method: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    known = _known(method, resource, args, kwargs)
    if type(known) is not _Unknown:
        result = known.replay_or_missing(known.found()) if known is not None else MISSING
        return result if result is not MISSING else method(resource, *args, **kwargs)
    made: list[tuple[Stainless, Any]] = []
    before = request_log.set(made)
    try:
        result = method(resource, *args, **kwargs)
    finally:
        request_log.reset(before)
    known.keep(made, result)
    return result


async def _arecall(method: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    known = _known(method, resource, args, kwargs)
    if type(known) is not _Unknown:
        result = known.replay_or_missing(await known.afound()) if known is not None else MISSING
        return result if result is not MISSING else await method(resource, *args, **kwargs)
    made: list[tuple[Stainless, Any]] = []
    before = request_log.set(made)
    try:
        result = await method(resource, *args, **kwargs)
    finally:
        with suppress(ValueError):  # forgotten half-way, it ends in the context of whoever collects it
            request_log.reset(before)
    known.keep(made, result)
    return result


def _watched(method: Any, *, sync: bool) -> Any:
    """A method whose calls are remembered. Outside of sessions that replay, it is the method itself.

    A plain function, since wrapt takes a fifth of the time that a replay has.
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
        if session is None or session.mode not in _MODES:
            return method(self, *args, **kwargs)
        return recall(method, self, args, kwargs)

    return create


class _Placed(NamedTuple):
    """What stands in the place of a method."""

    watched: Any
    method: Any


_lock = threading.RLock()
_patched: Counter[str] = Counter()
"""How many patches of each SDK are in place."""
_hooked: set[str] = set()
_placed: dict[type, _Placed] = {}


def began(sdk: str) -> None:
    """One more patch of the SDK is in place: the package of that name."""
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
    """One less. The last one leaves no trace; but under what somebody has put on top, a method that does nothing more."""
    with _lock:
        _patched[sdk] -= 1
        if not _patched[sdk]:
            for owner, (watched, method) in list(_placed.items()):
                if owner.__module__.startswith(f"{sdk}.") and vars(owner).get(_METHOD) is watched:
                    del _placed[owner]
                    setattr(owner, _METHOD, method)


def _imported(module: Any) -> None:
    """Watch the methods of this module. Nothing that goes wrong here may break an import."""
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
    """A function of an SDK and what it wraps; nothing where others have put something around it, to be called each time."""
    package, found = of.__module__.partition(".")[0], list[FunctionType]()
    while type(function) is FunctionType and function.__globals__.get("__name__", "").partition(".")[0] == package:
        found.append(function)
        function = getattr(function, "__wrapped__", None)
    return found if function is None else []


def _warns(function: FunctionType) -> bool:
    """Whether it may warn, which it is to do each time, of the line that calls it."""
    return "warnings" in function.__code__.co_names
