"""The faults of botocore and aiobotocore: the client's own retries, parsers and exceptions see what a service would have answered."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import orjson

from memo._engine.sessions.faults import raised_for
from memo.errors import InvalidOption
from memo.fault import Fault
from memo.patches._faulty import injected
from memo.patches._stream_objects import AsyncStreamObject, SyncStreamObject
from memo.patches._wire import WireFaultyCall, faulty_pool, request_of_session

__all__ = ["AiobotocoreFaults", "BotocoreFaults"]

_CODES = {
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
"""What the services name these errors."""


class _AwsFaults(WireFaultyCall):
    """The faults of a call of either client."""

    stream_type = "application/vnd.amazon.eventstream"

    @property
    def _service(self) -> Any:
        return self._own()[1].meta.service_model

    @property
    def _speaks_xml(self) -> bool:
        return "json" not in self._service.metadata["protocol"]

    @property
    def _operation(self) -> str:
        name: str = self.args[0] if self.args else self.kwargs["operation_name"]
        return name

    @property
    def streams(self) -> bool:
        """Return whether the answer holds a stream of events."""
        return bool(self._service.operation_model(self._operation).has_event_stream_output)

    def error_headers(self, status: int) -> Mapping[str, str]:
        """Return the headers with which the service answers an error."""
        if self._speaks_xml:
            return {"content-type": "text/xml"}
        return {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": _code(status)}

    def error_body(self, status: int) -> Any:
        """Return the body with which the service answers an error."""
        message = f"memo: status {status}, as asked for"
        if not self._speaks_xml:
            return {"__type": _code(status), "message": message}
        error = f"<Error><Code>{_code(status)}</Code><Message>{message}</Message></Error>"
        match self._service.metadata["protocol"]:
            case "ec2":
                return f"<Response><Errors>{error}</Errors><RequestID>memo</RequestID></Response>"
            case "rest-xml" if self._service.service_name.startswith("s3"):
                return error
            case _:
                return f"<ErrorResponse>{error}<RequestId>memo</RequestId></ErrorResponse>"

    def content(self, body: Any) -> bytes:
        """Return a body as it is sent: text as it is."""
        return body.encode() if isinstance(body, str) else orjson.dumps(body)

    def is_stream(self, value: Any) -> bool:
        """Return whether an answer holds a stream of events."""
        return self.streams

    def changed(self, value: Any, fault: Fault) -> Any:
        """Return an answer as it is with a fault."""
        if not self.streams:
            return value
        name = _events(value)
        return {**value, name: self.held_back(value[name], fault)}

    def held_back(self, events: Any, fault: Fault) -> Any:
        """Return a stream of events as it is with a fault."""
        raise NotImplementedError

    def _copied(self) -> tuple[Any, Any, Any]:
        """Return the client's function, a copy of the client, and the copy's own session, which makes its requests."""
        function, client = self._own()
        # Not `copy.copy`: it asks for attributes that a client makes of what the copy does not have yet.
        made = object.__new__(type(client))
        vars(made).update(vars(client))
        made._endpoint = copy.copy(client._endpoint)
        made._endpoint.http_session = session = copy.copy(client._endpoint.http_session)
        return function, made, session


def _code(status: int) -> str:
    return _CODES.get(status, "InternalServerException" if status >= 500 else "ValidationException")


def _events(answer: dict[str, Any]) -> str:
    """Return the member of an answer that is a stream of events."""
    return next(
        name
        for name, part in answer.items()
        if hasattr(part, "__next__") or hasattr(part, "__anext__") or _is_events(part)
    )


def _is_events(part: Any) -> bool:
    return any(kind.__name__ == "EventStream" for kind in type(part).__mro__)


class BotocoreFaults(_AwsFaults):
    """The faults of a call of botocore."""

    def _method(self, *, is_lost: bool) -> Any:
        function, made, session = self._copied()
        managers, answer = session._get_connection_manager, self.answering(is_lost=is_lost)
        session._get_connection_manager = lambda *of: _Pools(managers(*of), answer)
        return function.__get__(made)

    def held_back(self, events: Any, fault: Fault) -> Any:
        """Return a stream of events as it is with a fault."""
        return SyncStreamObject(events, self.passed(events, fault))

    def broken(self, fault: Fault) -> BaseException:
        """Return what the client raises where a stream of events breaks."""
        with injected():
            answer = self._method(is_lost=True)(*self.args, **self.kwargs)
        events = answer[_events(answer)]
        try:
            for _ in events:
                pass
        except Exception as error:  # noqa: BLE001 - that is what is asked for
            return error
        finally:
            events.close()
        return raised_for(fault, self.name)


class _Pools:
    """A manager whose pools are connected to nothing."""

    def __init__(self, manager: Any, answer: Any) -> None:
        self._manager = manager
        self._answer = answer

    def connection_from_url(self, url: str) -> Any:
        return faulty_pool(self._manager.connection_from_url(url), self._answer)


class AiobotocoreFaults(_AwsFaults):
    """The faults of a call of aiobotocore."""

    def _method(self, *, is_lost: bool) -> Any:
        function, made, session = self._copied()
        sessions, answer = session._get_session, self.answering(is_lost=is_lost)

        async def given(proxy_url: Any) -> Any:
            client = await sessions(proxy_url)
            if not hasattr(client, "_connector"):
                raise InvalidOption(f"{self.name}: its faults", "a client whose requests httpx makes", ["aiohttp"])
            return _Session(client, answer)

        session._get_session = given
        return function.__get__(made)

    def held_back(self, events: Any, fault: Fault) -> Any:
        """Return a stream of events as it is with a fault."""
        return AsyncStreamObject(events, self.apassed(events, fault))

    async def abroken(self, fault: Fault) -> BaseException:
        """Return what the client raises where a stream of events breaks."""
        with injected():
            answer = await self._method(is_lost=True)(*self.args, **self.kwargs)
        events = answer[_events(answer)]
        try:
            async for _ in events:
                pass
        except Exception as error:  # noqa: BLE001 - that is what is asked for
            return error
        finally:
            events.close()
        return raised_for(fault, self.name)


class _Session:
    """A session of aiohttp whose requests are connected to nothing."""

    def __init__(self, session: Any, answer: Any) -> None:
        self._session = session
        self._answer = answer

    async def request(self, method: str, url: Any, **options: Any) -> Any:
        return await request_of_session(
            type(self._session)._request, self._session, self._answer, method, url, **options
        )
