"""MCP: every request that a `ClientSession` sends, and the transports below it.

A request is identified by its method, what is sent, and the server: the name that the server gave in the handshake, and
where it is (`transport`: the command and its arguments, or the URL). Progress callback, timeout and `meta` do not
identify it, nor do the versions of client and server. With `ignore=("self.transport",)` the recordings of one server
answer for another of the same name.

The handshake (`initialize`, `server/discover`) is recorded, too: in a replay no transport is opened, no process started.
In `record-if-missing` the transport is opened for the first call that is not recorded. A session whose transport memo does
not know (a server in memory, streams of one's own) makes its handshake itself, each time.

A replay has no session id, reports no progress, and the server asks nothing of it. Errors of the moment (connection closed, timed out,
internal error) are not recorded.
"""

from __future__ import annotations

import re
import sys
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

from memo._calls.secret_names import judge
from memo._calls.signature import Signature
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.rules.modes import Mode
from memo._recordings.outcomes import Outcome
from memo.patches._faulty_mcp import McpFaults
from memo.patches._patch import Patch
from memo.patches._transports import Transport, passing, transport_of
from memo.scrub import paths

__all__ = ["PATCHES", "REQUIRES", "name_of", "note_name", "parameters_of"]

REQUIRES = "mcp>=1.10"

_TIMED_OUT = frozenset({-32001, 408})
"""JSON-RPC's timeout, and that of 1.x."""
_OF_THE_MOMENT = _TIMED_OUT | {-32000, -32603}
"""And connection closed, internal error."""
_ASIDE = ("meta", "clientInfo", "client_info", "protocolVersion", "protocol_version")
_HANDSHAKES = ("mcp.initialize", "mcp.discover")
_NAMES = {
    "completion/complete": "complete",
    "logging/setLevel": "set_logging_level",
    "resources/templates/list": "list_resource_templates",
    "server/discover": "discover",
}
"""What the SDK names otherwise than by verb and noun."""

_names: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()
"""The names that servers gave in their handshakes, by session: those of SDK 1.x do not keep them."""
_SENT = Signature(lambda request, result_type, *_, **__: None)


def _described(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a request's name and what was given of it: a parameter that a newer SDK adds stales nothing while unused."""
    request = _SENT.bind(args, kwargs)["request"]
    request = getattr(request, "root", request)
    params = getattr(request, "params", None)
    given = params.model_dump(exclude_none=True, exclude=set(_ASIDE)) if params is not None else {}
    if "uri" in given:
        given["uri"] = str(given["uri"])
    given = {name: value for name, value in given.items() if value is not None and value is not False}
    return f"mcp.{_named(request.method)}", {**given, "self": _server(session)}


def _discovered(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "mcp.discover", {"self": _server(session)}


def _named(method: str) -> str:
    noun, _, verb = method.partition("/")
    singular = {"list": noun}.get(verb, noun.removesuffix("s"))
    return _NAMES.get(method) or re.sub(r"\W", "_", f"{verb}_{singular}" if verb else noun)


def name_of(session: Any) -> str | None:
    """Return the name that the server of a session gave in the handshake."""
    return getattr(getattr(session, "server_info", None), "name", None) or _names.get(session)


def note_name(session: Any, handshake: Any) -> None:
    """Note the name that the server of a session gave in the result of the handshake."""
    info = getattr(handshake, "server_info", None) or getattr(handshake, "serverInfo", None)
    _names[session] = getattr(info, "name", None)


def _server(session: Any) -> dict[str, Any]:
    name, transport = name_of(session), transport_of(session)
    if transport is None:
        return {"server": name}
    return {"transport": transport.parameters} if name is None else {"server": name, "transport": transport.parameters}


class _Request(CallDriver):
    """A request of a session's."""

    faulty = McpFaults

    __slots__ = ("_transport",)

    async def coroutine(self) -> Any:
        self._transport = transport_of(self._instance)
        if self.call.function in _HANDSHAKES and self._transport is None:
            return await self._invoke(None)
        return await super().coroutine()

    async def _invoke(self, attempt: Attempt | None) -> Any:
        if self._transport is not None:
            await self._transport.connect()
        try:
            result = await self._wrapped(*self._args, **self._kwargs)
        except Exception as error:
            code = getattr(getattr(error, "error", None), "code", None)
            if attempt is not None and self._is_of_the_moment(code) and self.setting.errors != "all":
                attempt.abandon(f"raised {type(error).__name__} ({code})")
            raise
        self._note(result)
        return result

    def _is_of_the_moment(self, code: Any) -> bool:
        # What a server does not answer to `discover` is what sends the client on to `initialize`.
        return code in _OF_THE_MOMENT and not (code in _TIMED_OUT and self.call.function == "mcp.discover")

    async def _aplayed(self, outcome: Outcome) -> Any:
        result = await super()._aplayed(outcome)
        if self.call.function == "mcp.initialize" and self._transport is not None:
            self._transport.handshake = partial(self._wrapped, *self._args, **self._kwargs)
        self._note(result)
        return result

    def _note(self, result: Any) -> None:
        if self.call.function == "mcp.initialize":
            note_name(self._instance, result)


def _to(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "mcp.transport", parameters_of((*args, *kwargs.values())[0])


def parameters_of(server: Any) -> dict[str, Any]:
    """Return what identifies a server: the same on another machine, and without credentials."""
    if isinstance(server, str):
        url = urlsplit(server)
        query = parse_qs(url.query, keep_blank_values=True)
        plain = url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl()
        return {"url": plain, "query": query} if query else {"url": plain}
    command = re.sub(r"^python[\d.]+$", "python", re.split(r"[\\/]", server.command)[-1].removesuffix(".exe"))
    return {"command": command, "args": [paths(argument) for argument in _public(server.args)]}


def _public(args: list[str]) -> list[str]:
    """Return the arguments of a command without the values of options that name a credential."""
    public, secret = list[str](), False
    for argument in args:
        option, _, value = argument.partition("=")
        names_one = option.startswith("-") and judge(option.lstrip("-")) is not None
        public.append("<secret>" if secret else f"{option}=<secret>" if names_one and value else argument)
        secret = names_one and not value
    return public


class _Connection(CallDriver):
    """A transport: not recorded itself."""

    faulty = McpFaults

    def sync(self) -> AbstractAsyncContextManager[Any]:
        opened = partial(self._wrapped, *self._args, **self._kwargs)
        if self.mode is Mode.LIVE:
            return opened()  # type: ignore[no-any-return]
        parameters = parameters_of((*self._args, *self._kwargs.values())[0])
        transport = Transport(parameters, opened, answers=self.mode is not Mode.REPLAY)
        if self.mode in (Mode.RECORD, Mode.VERIFY):
            return passing(transport, opened())
        gives_id = "http" in getattr(self._wrapped, "__name__", "") and not hasattr(sys.modules["mcp"], "Client")  # 1.x
        return transport.deferred(more=int(gives_id))


_TRANSPORTS = (
    "mcp.client.sse:sse_client",
    "mcp.client.stdio:stdio_client",
    "mcp.client.streamable_http:streamable_http_client",
    "mcp.client.streamable_http:streamablehttp_client",
    "mcp.client.websocket:websocket_client",
)
PATCHES = (
    Patch("mcp.client.session:ClientSession.send_request", Options(name="mcp"), _Request, _described, offered=True),
    Patch(
        "mcp.client.session:ClientSession.send_discover",
        Options(name="mcp"),
        _Request,
        _discovered,
        offered=True,
        versioned=True,
    ),
    *(
        Patch(target, Options(name="mcp"), _Connection, _to, offered=True, versioned=True, by_name=True)
        for target in _TRANSPORTS
    ),
)
