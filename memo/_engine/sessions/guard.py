"""Guards: while a session replays, no call of a known SDK that is not patched goes to the network unnoticed.

They stand on the methods that the presets of `memo.patches` patch, as long as any session replays, and let every call
through that is not made under such a session.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import wrapt

from memo._engine.rules.modes import Mode
from memo._engine.rules.patterns import families
from memo._engine.sessions.active import session_for
from memo._engine.sessions.faults import injecting
from memo._engine.sessions.known_sdks import TARGETS
from memo._engine.sessions.session import Session
from memo.errors import NotPatched

__all__ = ["again", "began", "ended", "lift", "passing"]


class _Guard(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A method that is not patched. Under a session that replays, calling it is an error."""

    def __init__(self, method: Any, owner: type, name: str, preset: str) -> None:
        def wrapper(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            session = session_for(preset)
            replays = session is not None and Mode.REPLAY in session.modes_below(families[preset])
            may_pass = _goes_through_net(preset) or (session is not None and _may_pass(session, preset, instance))
            if session is not None and replays and not may_pass and not injecting.get():
                method = f"{owner.__module__}:{owner.__qualname__}.{name}"
                error = NotPatched(sdk=preset, method=method, patch=preset)
                session.on_replay_error(error)
                raise error
            return wrapped(*args, **kwargs)

        super().__init__(method, wrapper)
        self._self_guarded = (owner, name)
        self._self_method = method
        self._self_own = name in vars(owner)


passing: list[Callable[[str, Any], bool]] = []
"""What says of an SDK and its client that their calls go to a server that is in the scope itself."""


def _may_pass(session: Session, preset: str, client: Any) -> bool:
    return session.allow.sdk(preset, client) or any(passes(preset, client) for passes in passing)


_lock = threading.RLock()
_replaying = 0
"""How many sessions that replay are active."""
_hooked = False
_placed: dict[tuple[type, str], _Guard] = {}


def began() -> None:
    """Count a session that replays from now on, and place the guards if it is the first."""
    global _replaying, _hooked  # noqa: PLW0603
    with _lock:
        _replaying += 1
        hooked, _hooked = _hooked, True
    if hooked:
        again()
    else:
        for module in TARGETS:
            wrapt.register_post_import_hook(_imported, module)  # at once, if it is imported already


def ended() -> None:
    """Count a session that replays no more; the last one takes the guards away."""
    global _replaying  # noqa: PLW0603
    with _lock:
        _replaying -= 1
        if not _replaying:
            for owner, name in list(_placed):
                lift(owner, name)


def again() -> None:
    """Guard what has lost its patches since the guards were placed."""
    if _replaying:
        for module in TARGETS.keys() & sys.modules.keys():
            _imported(sys.modules[module])


def lift(owner: Any, name: str) -> None:
    """Take a guard away, leaving no trace. A guard that somebody has wrapped since stays where it is, under the wrapper."""
    with _lock:
        guard = _placed.get((owner, name))
        if guard is not None and vars(owner).get(name) is guard:
            if guard._self_own:  # pyright: ignore[reportPrivateUsage]
                setattr(owner, name, guard._self_method)  # pyright: ignore[reportPrivateUsage]
            else:
                delattr(owner, name)
            del _placed[owner, name]


def _imported(module: Any) -> None:
    """Guard the SDK of a module. Nothing that goes wrong here may break an import, or a scope."""
    preset, paths = TARGETS[module.__name__]
    for path in paths:
        kind, _, name = path.partition(".")
        try:
            with _lock:
                owner = getattr(module, kind, None)
                method = _defined(owner, name) if isinstance(owner, type) else None
                if _replaying and isinstance(owner, type) and callable(method) and not _known(method):
                    guard = _Guard(method, owner, name, preset)
                    setattr(owner, name, guard)
                    _placed[owner, name] = guard
        except Exception:  # noqa: BLE001, S112 - an SDK that is not what memo knows
            continue


def _defined(owner: type, name: str) -> Any:
    """Return what a class has under a name, wherever it inherits it from. (`inspect.getattr_static` takes eight times as long.)"""
    for base in owner.__mro__:
        defined = base.__dict__
        if name in defined:
            return defined[name]
    return None


_NETS = {"aiohttp": "ClientSession._request", "httpx": "AsyncClient.send", "httpx2": "AsyncClient.send"}
"""A method of each HTTP client that the preset `http` patches."""


def _goes_through_net(preset: str) -> bool:
    """Return whether the requests of an SDK are recorded below it, at its HTTP client. (Servers of mcp need none.)"""
    if preset == "mcp":
        return False
    for module, path in _NETS.items():
        kind, _, name = path.partition(".")
        owner = getattr(sys.modules.get(module), kind, None)
        if owner is not None and _known(vars(owner).get(name)):
            return True
    return False


def _known(method: Any) -> bool:
    """Return whether there is a patch that is in use, or a guard, below other wrappers."""
    for _ in range(20):
        if hasattr(method, "_self_guarded"):
            return True
        if hasattr(method, "_self_bound"):
            applied = getattr(method, "_self_applied", None)
            return applied is None or bool(applied.count)
        method = getattr(method, "__wrapped__", None)
        if method is None:
            return False
    return False
