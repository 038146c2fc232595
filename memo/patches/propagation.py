"""`memo.propagate`: the requests that clients make inside a scope carry the scope to the server under test."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import wrapt

from memo._engine.scopes.recorder import Recorder
from memo._engine.sessions.active import current
from memo._engine.sessions.allowing import Allowed, hosts_of, is_loopback, server_of
from memo._engine.sessions.guard import passing
from memo._engine.sessions.known_sdks import TARGETS
from memo._engine.sessions.scope_names import HEADER
from memo.errors import InvalidOption
from memo.patches._wrapper import bypassing

__all__ = ["Propagation", "propagate"]


class _Seam(NamedTuple):
    module: str
    method: str
    is_result: bool
    """True if the method returns the request; else the request is its first argument."""


_STAINLESS = {
    preset: (_Seam(module, "BaseClient._build_request", is_result=True),)
    for module, (preset, _) in TARGETS.items()
    if module.endswith("._base_client")
}
_SEAMS: dict[str, tuple[_Seam, ...]] = {
    **_STAINLESS,
    **{
        package: tuple(
            _Seam(f"{package}._client", f"{kind}.send", is_result=False) for kind in ("Client", "AsyncClient")
        )
        for package in ("httpx", "httpx2")
    },
    "requests": (_Seam("requests.sessions", "Session.send", is_result=False),),
}


class Propagation:
    """Clients whose requests carry the scope, until `uninstall` or the end of a `with`."""

    def __init__(self, clients: tuple[str, ...], hosts: Iterable[str]) -> None:
        for client in clients:
            if client not in _SEAMS:
                raise InvalidOption("propagate", client, sorted(_SEAMS))
        self.clients = clients
        named = hosts_of("hosts", (hosts,) if isinstance(hosts, str) else hosts)
        self._named = Allowed(hosts=named)
        self._is_on = True
        for client in clients:
            for seam in _SEAMS[client]:
                _hook(seam)
        with _lock:
            _active.append(self)
            passing.append(self._passes)
            if named:
                bypassing.append(self._bypasses)

    def uninstall(self) -> None:
        """Stop adding the scope to the requests of these clients. Uninstalling twice has no further effect."""
        with _lock:
            if self._is_on:
                self._is_on = False
                _active.remove(self)
                passing.remove(self._passes)
                if self._named.hosts:
                    bypassing.remove(self._bypasses)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.uninstall()

    def reaches(self, host: str, port: int | None) -> bool:
        """Return whether requests to a server carry the scope: to one of `hosts`, or without `hosts` to any server on this machine."""
        return self._named.host(host, port) if self._named.hosts else is_loopback(host)

    def _passes(self, sdk: str, client: Any) -> bool:
        server = server_of(client) if sdk in self.clients else None
        return server is not None and self.reaches(*server)

    def _bypasses(self, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        request: Any = args[0] if args else kwargs.get("request")
        if hasattr(request, "url") and hasattr(
            request, "headers"
        ):  # of an HTTP client, which may have no server of its own
            return HEADER in request.headers or self._named.host(*_address(request))
        server = server_of(client)
        return server is not None and self._named.host(*server)


def propagate(*clients: str, hosts: Iterable[str] = ()) -> Propagation:
    """Let the requests that clients make inside a scope carry it: `memo.propagate("openai", "ogx-client", "httpx")`.

    The server, with `memo.integrations.asgi.Middleware`, then serves each request in the scope of the test that made it.

    - `clients`: `httpx`, `httpx2`, `requests`, or an SDK built by Stainless (`openai`, `anthropic`, `ogx-client`, …).
    - `hosts`: the servers under test: `"localhost:8321"`, `"http://127.0.0.1:8321"`, `"*.test.example.com"`. Only these get the
      scope, and calls to them are not recorded here, even if their SDK is patched: the server records what it does for
      them. Without `hosts`, every server on this machine gets the scope.

    In replay, these clients do call these servers: what the server does for a request is replayed there. Outside of a scope, requests
    are as they would be without memo. Propagating twice adds the header once. Code that makes
    requests of its own adds `memo_recorder.headers` to them. Raises `InvalidOption` for an unknown client and an invalid host.
    """
    if not clients:
        raise InvalidOption("propagate", "", sorted(_SEAMS))
    return Propagation(clients, hosts)


_lock = threading.RLock()
_active: list[Propagation] = []
_hooked: set[_Seam] = set()


def _hook(seam: _Seam) -> None:
    """Wrap a method when its module is imported, once for the process: without a propagation it is called as it is."""
    with _lock:
        if seam in _hooked:
            return
        _hooked.add(seam)
    if seam.module in sys.modules:
        _wrap(seam)
    else:
        wrapt.register_post_import_hook(lambda _: _wrap(seam), seam.module)


def _wrap(seam: _Seam) -> None:
    clients = frozenset(client for client, seams in _SEAMS.items() if seam in seams)
    wrapper: Callable[..., Any] = _made if seam.is_result else _sent
    wrapt.wrap_function_wrapper(
        seam.module, seam.method, lambda call, _, args, kwargs: wrapper(clients, call, args, kwargs)
    )


def _made(clients: frozenset[str], build: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    request = build(*args, **kwargs)
    if _active:
        _add(clients, request)
    return request


def _sent(clients: frozenset[str], send: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _active:
        _add(clients, args[0] if args else kwargs.get("request"))
    return send(*args, **kwargs)


def _add(clients: frozenset[str], request: Any) -> None:
    """Add the scope to a request that goes to a server under test."""
    session = current()
    if not isinstance(session, Recorder) or HEADER in request.headers:
        return
    address = _address(request)
    if any(not clients.isdisjoint(propagation.clients) and propagation.reaches(*address) for propagation in _active[:]):
        request.headers.update(session.headers)


def _address(request: Any) -> tuple[str, int | None]:
    url = urlsplit(str(request.url))
    return url.hostname or "", url.port or {"http": 80, "https": 443}.get(url.scheme)
