"""Recorded requests of MCP, made again by sessions with servers that the user names: memo starts no command of a recording."""

from __future__ import annotations

import asyncio
import re
import sys
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from memo._calls.decoded import holds_mask
from memo._recordings.document import Document
from memo._recordings.plain import plain
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import function_seam
from memo.patches._transports import Noted, Transport, passing
from memo.patches.presets.mcp import PATCHES, name_of, note_name, parameters_of

__all__ = ["only_asks_mcp", "remade_mcp"]

_EFFECTS = frozenset({"mcp.call_tool", "mcp.set_logging_level", "mcp.subscribe_resource", "mcp.unsubscribe_resource"})
_KINDS = {"set_logging_level": "SetLevel", "subscribe_resource": "Subscribe", "unsubscribe_resource": "Unsubscribe"}
"""The words of requests whose classes are not named as their calls are."""
_INITIALIZE = "mcp.initialize"


def only_asks_mcp(document: Document) -> bool:
    """Return whether a request leaves nothing behind: all but calls of tools, and what changes the session."""
    return document.function not in _EFFECTS


def remade_mcp(document: Document, clients: Clients) -> Remade:
    """Return a request of a session. Raises `Unreachable`."""
    if holds_mask(document.arguments):
        raise Unreachable("an argument holds a credential, which is not in the recording")
    arguments: dict[str, Any] = dict(document.arguments)
    recorded: dict[str, Any] = arguments.pop("self", None) or {}
    server = _server(recorded, clients)
    parameters = parameters_of(server)
    try:
        import_module("mcp.client.session")
    except ImportError as error:
        raise Unreachable(f"mcp cannot be imported: {error}") from error
    function, send = function_seam(PATCHES, "mcp.client.session:ClientSession.send_request")
    name = recorded.get("server")
    request = _request(document, arguments)

    def within(made: Callable[[Any, Any], Awaitable[Any]]) -> Any:
        async def connected() -> Any:
            if document.function == _INITIALIZE:
                async with _opened(server) as session:
                    return await made(send.__get__(session), session)
            session = await clients.once("mcp", _Connections).session(server)
            if (found := name_of(session)) != name:
                raise Unreachable(
                    f"it was recorded from a server that is called {name}, and this one is called {found}"
                )
            return await made(send.__get__(session), session)

        return connected()

    return Remade(function, send, _stand_in(name, parameters, clients), request, {}, within)


def _server(recorded: dict[str, Any], clients: Clients) -> Any:
    """Return the user's server that is the recorded one: a URL, or the parameters of a command. Raises `Unreachable`."""
    transport = recorded.get("transport")
    if transport is None:
        raise Unreachable("its server was in the program's own memory")
    found = [server for server in [*clients.given("mcp"), *clients.given("builtins")] if _is_server(server)]
    for server in found:
        if parameters_of(server) == transport:
            return server
    shown = transport.get("url") or " ".join([str(transport.get("command")), *map(str, transport.get("args", ()))])
    why = "no --client is the server" if found else "memo starts and calls no server that only a recording names"
    raise Unreachable(f"{why}: {shown}", "--client MODULE:SERVER")


def _is_server(given: Any) -> bool:
    return isinstance(given, str) or (hasattr(given, "command") and hasattr(given, "args"))


def _request(document: Document, given: dict[str, Any]) -> tuple[Any, Any]:
    """Return a request and the type of its result. Raises `Unreachable`."""
    types = sys.modules.get("mcp_types") or import_module("mcp.types")
    word = document.function.partition(".")[2]
    kind = _KINDS.get(word) or re.sub(r"(?:^|_)([a-z])", lambda found: found[1].upper(), word)
    asked = getattr(types, f"{kind}Request", None)
    if asked is None or word == "discover":
        raise Unreachable("it is a part of the handshake" if word == "discover" else f"mcp has no {kind}Request")
    if document.function == _INITIALIZE:
        given = {**given, "protocolVersion": _version(document), "clientInfo": {"name": "memo", "version": "1"}}
    tree: dict[str, Any] = {"method": typing.get_args(asked.model_fields["method"].annotation)[0]}
    if given or asked.model_fields["params"].is_required():
        tree["params"] = given
    try:
        request = asked.model_validate(tree, by_name=True, by_alias=True)
    except ValueError as error:
        raise Unreachable(f"its arguments are none of {kind}Request: {str(error).splitlines()[0]}") from error
    root = types.ClientRequest
    return root(request) if isinstance(root, type) else request, getattr(types, f"{kind}Result", types.EmptyResult)


def _version(document: Document) -> str:
    """Return the version of the protocol that the handshake came to."""
    for outcome in document.outcomes:
        value = plain(outcome.get("value"))
        for name in ("protocolVersion", "protocol_version"):
            if isinstance(value, dict) and isinstance(value.get(name), str):
                return str(value[name])
    raise Unreachable("its version of the protocol is not in the recording")


def _stand_in(name: str | None, parameters: dict[str, Any], clients: Clients) -> Any:
    """Return what identifies a session as a session with a server does, before there is one."""
    stream = object()
    stack = ExitStack()
    stack.enter_context(Noted(Transport(parameters, _never, answers=False), stream))
    clients.on_close(stack.close)
    return _StandIn(SimpleNamespace(name=name), stream)


class _StandIn:
    """The parts of a session by which memo identifies its server."""

    def __init__(self, server_info: Any, stream: object) -> None:
        self.server_info = server_info
        self._read_stream = stream


def _never() -> AbstractAsyncContextManager[Any]:
    raise AssertionError


class _Connections:
    """The open sessions, one for each server. Each is opened and closed by its own task, which ends with the loop."""

    def __init__(self) -> None:
        self._sessions: list[tuple[Any, asyncio.Future[Any]]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def session(self, server: Any) -> Any:
        """Return the session with a server, after its handshake. Raises `Unreachable`."""
        ready = next((ready for known, ready in self._sessions if known == server), None)
        if ready is None:
            ready = asyncio.get_running_loop().create_future()
            self._sessions.append((server, ready))
            self._tasks.append(asyncio.create_task(self._hold(server, ready)))
        return await ready

    async def _hold(self, server: Any, ready: asyncio.Future[Any]) -> None:
        try:
            async with _opened(server) as session:
                note_name(session, await session.initialize())
                ready.set_result(session)
                await asyncio.Event().wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(Unreachable(f"its server cannot be reached ({type(error).__name__}: {error})"))


@asynccontextmanager
async def _opened(server: Any) -> AsyncGenerator[Any]:
    """Open a transport to a server, and a session that has made no handshake."""
    transport = Transport(parameters_of(server), _never, answers=False)
    kind = import_module("mcp.client.session").ClientSession
    async with passing(transport, _transport(server)) as streams, kind(*streams[:2]) as session:
        yield session


def _transport(server: Any) -> AbstractAsyncContextManager[Any]:
    if not isinstance(server, str):
        return import_module("mcp.client.stdio").stdio_client(server)  # type: ignore[no-any-return]
    if server.startswith("ws"):
        return import_module("mcp.client.websocket").websocket_client(server)  # type: ignore[no-any-return]
    if urlsplit(server).path.rstrip("/").endswith("/sse"):
        return import_module("mcp.client.sse").sse_client(server)  # type: ignore[no-any-return]
    module = import_module("mcp.client.streamable_http")
    opened = getattr(module, "streamable_http_client", None) or module.streamablehttp_client  # of 1.x
    return opened(server)  # type: ignore[no-any-return]
