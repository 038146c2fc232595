"""The clients of SDKs: those that the user names, and else the SDK's own, configured by its environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from memo.patches._remaking.call import Unreachable

__all__ = ["Clients"]


def _base_url(client: Any) -> str:
    return str(getattr(client, "base_url", None) or client._client.base_url)


class Clients:
    """The clients of one run. A client is made when it is first needed."""

    def __init__(self, given: Sequence[Any] = ()) -> None:
        self._given = tuple(given)
        self._made: dict[str, Any] = {}
        self._shared: dict[str, Any] = {}
        self._closed: list[Callable[[], Any]] = []

    def find(
        self,
        module: str,
        server: str | None,
        *,
        make: str | Callable[[], Any] = "Client",
        server_of: Callable[[Any], str] = _base_url,
        setting: str = "",
        name: str = "",
    ) -> Any:
        """Return the client of an SDK for a server that is named in a recording. Raises `Unreachable`.

        A client is never pointed to another server than that which its user configured: a recording would get the user's
        credentials to any server. `make` is the SDK's class of clients, or makes one, `setting` the variable of the environment that names
        its server, or an option, and `name` is for clients of one SDK that differ otherwise: what the user gave has to be of that kind.
        """
        found = [client for client in self.given(module) if not name or kind_of(client) == name]
        clients = found or [self._made.get(name or module) or self._make(module, name or module, make)]
        servers = [server_of(client).rstrip("/") for client in clients]
        if server is None:
            return clients[0]
        if server not in servers:
            where = setting or f"{module.partition('.')[0].upper()}_BASE_URL"
            fix = where if where.startswith("--") else f"{where}={server}"
            raise Unreachable(f"it was recorded from {server}, and the client calls {servers[0]}", fix)
        return clients[servers.index(server)]

    def given(self, module: str) -> list[Any]:
        """Return the user's own clients of an SDK."""
        root = module.partition(".")[0]
        return [client for client in self._given if type(client).__module__.partition(".")[0] == root]

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what is made once in a run, under a name."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def on_close(self, close: Callable[[], Any]) -> None:
        """Call that when the clients are closed."""
        self._closed.append(close)

    def close(self) -> None:
        """Close the clients that were made here, not those of the user."""
        for client in self._made.values():
            close = getattr(client, "close", None) or getattr(getattr(client, "_client", None), "close", None)
            if close is not None:  # ollama's has had none, cohere's has none
                close()
        for close in self._closed:
            close()

    def _make(self, module: str, name: str, make: str | Callable[[], Any]) -> Any:
        try:
            client = self._made[name] = getattr(import_module(module), make)() if isinstance(make, str) else make()
        except Exception as error:  # the SDK's own, of a missing key above all
            message = (str(error).splitlines() or [type(error).__name__])[0]
            raise Unreachable(f"its client cannot be made: {message}") from error
        return client


def kind_of(client: Any) -> str:
    """Return what tells a client of botocore from others: its service and region."""
    meta = getattr(client, "meta", None)
    return "" if meta is None else f"{meta.service_model.service_name} {meta.region_name}"
