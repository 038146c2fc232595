"""The clients of SDKs: those that the user names, and else the SDK's own, configured by its environment."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from memo.patches._remade import Unreachable

__all__ = ["Clients"]


class Clients:
    """The clients of one run. A client is made when it is first needed."""

    def __init__(self, given: Sequence[Any] = ()) -> None:
        self._given = tuple(given)
        self._made: dict[str, Any] = {}

    def find(self, module: str, server: str | None) -> Any:
        """Return the client of an SDK for a server that is named in a recording. Raises `Unreachable`.

        A client is never pointed to another server than that which its user configured: a recording would get the user's
        credentials to any server.
        """
        root = module.partition(".")[0]
        found = [client for client in self._given if type(client).__module__.partition(".")[0] == root]
        clients = found or [self._made.get(module) or self._make(module)]
        servers = [_server(client) for client in clients]
        if server is None:
            return clients[0]
        if server not in servers:
            where = "OLLAMA_HOST" if module == "ollama" else f"{root.upper()}_BASE_URL"
            raise Unreachable(f"it was recorded from {server}, and the client calls {servers[0]}", f"{where}={server}")
        return clients[servers.index(server)]

    def close(self) -> None:
        """Close the clients that were made here, not those of the user."""
        for client in self._made.values():
            close = getattr(client, "close", None) or client._client.close  # ollama's has had none
            close()

    def _make(self, module: str) -> Any:
        try:
            client = self._made[module] = import_module(module).Client()
        except Exception as error:  # the SDK's own, of a missing key above all
            raise Unreachable(f"its client cannot be made: {str(error).splitlines()[0]}") from error
        return client


def _server(client: Any) -> str:
    base: Any = getattr(client, "base_url", None) or client._client.base_url
    return str(base).rstrip("/")
