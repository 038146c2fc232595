"""Remembers what request a call of an SDK's method became, so that an identical call need not be transformed again.

Above the seam that is recorded (`_stainless`) stand the SDK's methods, which transform what they are given by the types of
their parameters, in Python: for a long conversation, that takes a thousand times as long as all the rest of a replay. So
where an SDK is patched, the methods that make one request and hand over what comes of it are watched: what a call of theirs
was replayed with is found by its arguments the next time, as it would have been by the request.

Nothing is recorded here, and to those who install a patch this is none. What is not sure to become the same request goes
through the SDK, and so does what has no recording any more: to be made, or missed, at the seam.
"""

from __future__ import annotations

import marshal
import re
import sys
import threading
from collections import Counter
from contextlib import suppress
from types import FunctionType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import wrapt

from memo._modes import Mode
from memo._run import Setting
from memo._session import Session, current
from memo.patches._naming import default_query
from memo.patches._registry import beneath
from memo.patches._stainless import MISSING, Repeat, Stainless, requests

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
_PLAIN = frozenset({type(None), bool, int, float, str})
_MOST = 32 * 1024 * 1024
"""How many bytes are kept of the calls on one client,"""
_BESIDE = 2048
"""and how many of them are those of a call beside its arguments."""


# What calls became


class _Known(NamedTuple):
    repeat: Repeat
    server: Any
    size: int


class _Calls:
    """What the calls on one client became."""

    def __init__(self) -> None:
        self._known: dict[Any, _Known] = {}
        self._size = 0

    def get(self, key: Any, server: Any) -> Repeat | None:
        known = self._known.get(key)
        return known.repeat if known is not None and (known.server is server or known.server == server) else None

    def keep(self, key: Any, known: _Known) -> None:
        with _lock:
            before = self._known.pop(key, None)
            self._known[key] = known
            self._size += known.size - (before.size if before is not None else 0)
            while self._size > _MOST:
                self._size -= self._known.pop(next(iter(self._known))).size


class _Unsure(Exception):
    """What the call becomes may be another request each time."""


class _Asked:
    """A call of a method that may become the same request again. Raises `_Unsure`."""

    __slots__ = ("_arguments", "_client", "_function", "_key", "_server", "_session", "_setting", "_wrapped", "repeat")

    def __init__(self, session: Session, method: Any, resource: Any, arguments: tuple[Any, Any]) -> None:
        client, post = resource._client, resource._post
        found = beneath(client.request)
        if found is None or post.__self__ is not client:
            raise _Unsure
        self._function, self._wrapped = found
        self._setting: Setting = self._function.setting(session)
        keyer = self._function.keyer(session, self._setting, 1)
        if not keyer.alike:
            raise _Unsure
        self._session = session
        self._client = client
        self._server = client._base_url
        self._arguments = arguments
        # What the options of the patch and of the session make of a request is the keyer's.
        self._key = (method, post.__func__, keyer, marshal.dumps(self._all(), 2))
        calls = _clients.get(client)
        self.repeat = calls.get(self._key, self._server) if calls is not None else None

    def _all(self) -> tuple[Any, ...]:
        """All that the request is made of, beside the server."""
        client = self._client
        overridden = getattr(client, "_base_url_overridden", None)  # together: the path depends on it
        return (self._arguments, default_query(client), client._custom_headers, overridden)

    def run(self) -> Any:
        """The request."""
        assert self.repeat is not None
        return self.repeat.run(self._function, self._setting, self._session, self._wrapped)

    def keep(self, made: list[Stainless], result: Any) -> None:
        """Remember the request: if it was the only one, and the method only handed over what it was replayed with."""
        if len(made) != 1 or result is None or made[0].handed is not result:
            return
        (run,), client, (method, post, _, raw) = made, self._client, self._key
        repeat = run.repeat(self._setting)
        if repeat is None or run.client is not client or client.base_url is not self._server or not _own(post, method):
            return
        # marshal writes the same bytes for what is of the same plain types and equal, whether or not it is the same object,
        # and refuses whatever is of another type, but for what looks like bytes, and sets. So if these values are plain,
        # no others are ever written like them. If they are not what they were, somebody has changed them meanwhile.
        everything = self._all()
        if not _is_plain(everything) or marshal.dumps(everything, 2) != raw:
            return
        size = len(raw) + len(repeat.call.arguments) + _BESIDE
        if size <= _MOST:
            with _lock:
                calls = _clients.setdefault(client, _Calls())
            calls.keep(self._key, _Known(repeat, self._server, size))


_clients: WeakKeyDictionary[Any, _Calls] = WeakKeyDictionary()


def _asked(method: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Asked | None:
    session = current()
    if session is None or session.mode not in _MODES:
        return None
    try:
        return _Asked(session, method, resource, (args, kwargs))
    except (_Unsure, AttributeError, TypeError, ValueError):
        return None  # not plain, or no client that memo knows


def _is_plain(value: Any) -> bool:
    """Whether it consists of nothing but plain values, and lists, tuples and dicts of them."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        kind = type(each)
        if kind is dict:
            waiting += each.keys()
            waiting += each.values()
        elif kind is list or kind is tuple:
            waiting += each
        elif kind not in _PLAIN:
            return False
    return True


# The methods


def _recall(method: Any, wrapped: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    asked = _asked(method, resource, args, kwargs)
    if asked is None:
        return wrapped(*args, **kwargs)
    if asked.repeat is not None:
        result = asked.run().recalled()
        if result is not MISSING:
            return result
    made: list[Stainless] = []
    before = requests.set(made)
    try:
        result = wrapped(*args, **kwargs)
    finally:
        requests.reset(before)
    asked.keep(made, result)
    return result


async def _arecall(method: Any, wrapped: Any, resource: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    asked = _asked(method, resource, args, kwargs)
    if asked is None:
        return await wrapped(*args, **kwargs)
    if asked.repeat is not None:
        result = await asked.run().arecalled()
        if result is not MISSING:
            return result
    made: list[Stainless] = []
    before = requests.set(made)
    try:
        result = await wrapped(*args, **kwargs)
    finally:
        with suppress(ValueError):  # it was forgotten half-way, and ends in the context of whoever collects it
            requests.reset(before)
    asked.keep(made, result)
    return result


class _Watched(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A method whose calls are remembered. Outside of sessions that replay, it is the method itself."""

    def __init__(self, method: Any, *, sync: bool) -> None:
        recall: Any = _recall if sync else _arecall

        def wrapper(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            session = current()
            if session is None or session.mode not in _MODES or instance is None:
                return wrapped(*args, **kwargs)
            return recall(method, wrapped, instance, args, kwargs)

        super().__init__(method, wrapper)
        self._self_method = method


_lock = threading.RLock()
_patched: Counter[str] = Counter()
"""How many patches of each SDK are in place."""
_hooked: set[str] = set()
_placed: dict[type, _Watched] = {}


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
    """One less. The last one leaves no trace, but under what somebody has put on top: there nothing is remembered."""
    with _lock:
        _patched[sdk] -= 1
        if not _patched[sdk]:
            for owner, watched in list(_placed.items()):
                if owner.__module__.startswith(f"{sdk}."):
                    del _placed[owner]
                    if vars(owner).get(_METHOD) is watched:
                        setattr(owner, _METHOD, watched._self_method)


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
        watched = _Watched(method, sync=sync)
        setattr(owner, _METHOD, watched)
        _placed[owner] = watched


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
