"""What may be called live in replay: SDKs by their names, and servers by their hosts."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from memo._calls.key_rules import as_names
from memo._engine.sessions.known_sdks import TARGETS
from memo.errors import InvalidOption

__all__ = ["Allowed", "Server", "hosts_of", "is_loopback", "server_of"]

_PORTS = {"http": 80, "https": 443}


class Server(NamedTuple):
    """Where a client is connected to."""

    host: str
    port: int | None


class Allowed(NamedTuple):
    """The SDKs and hosts that the option `allow` names."""

    sdks: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: str | Iterable[str]) -> Allowed:
        """Return what the names mean. Raise `InvalidOption` for a name that is neither a known SDK nor a host."""
        found = as_names(names) if names else ()
        if not found:
            return _NOTHING
        known = {preset for preset, _ in TARGETS.values()}
        return cls(frozenset(found) & known, hosts_of("allow", (name for name in found if name not in known), known))

    def sdk(self, name: str, client: object) -> bool:
        """Return whether an SDK, or the server that its client is connected to, may be called."""
        if name in self.sdks:
            return True
        server = server_of(client) if self.hosts else None
        return server is not None and self.host(*server)

    def host(self, host: str, port: int | None = None) -> bool:
        """Return whether a server may be called."""
        return any(_matches(pattern, host, port) for pattern in self.hosts)


_NOTHING = Allowed()


def hosts_of(option: str, names: Iterable[str], sdks: Iterable[str] = ()) -> tuple[str, ...]:
    """Return hosts as patterns: `api.example.com`, `*.example.com`, `10.0.0.0/8`, `localhost:8321`, or from a URL.

    Raises `InvalidOption` for an invalid name.
    """
    return tuple(_pattern(option, name, sdks) for name in names)


def _pattern(option: str, name: Any, sdks: Iterable[str]) -> str:
    if isinstance(name, str) and "://" in name:
        url = urlsplit(name)
        port = url.port or _PORTS.get(url.scheme)
        if url.hostname:
            return f"{url.hostname}:{port}" if port else url.hostname
    elif isinstance(name, str) and (name == "localhost" or any(mark in name for mark in ".:*")):
        return name.lower()
    raise InvalidOption(option, name, [*sorted(sdks), "a host such as localhost:8321 or *.example.com"])


def _matches(pattern: str, host: str, port: int | None) -> bool:
    name, colon, wanted = pattern.rpartition(":")
    if not colon or ":" in name:  # no port, or the colons of an IPv6 address
        name, wanted = pattern, "*"
    if wanted not in ("*", str(port)) and port is not None:
        return False
    host = host.lower()
    return fnmatchcase(host, name) or (is_loopback(name) and is_loopback(host)) or _is_in(host, name)


def _is_in(host: str, network: str) -> bool:
    try:
        return "/" in network and ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def server_of(client: Any) -> Server | None:
    """Return the server that a client of an SDK is connected to, None if its client does not say."""
    url = getattr(client, "base_url", None) or getattr(getattr(client, "_client", None), "base_url", None)
    if url is None:
        return None
    found = urlsplit(str(url))
    return Server(found.hostname, found.port or _PORTS.get(found.scheme)) if found.hostname else None
