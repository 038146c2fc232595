"""httpx and httpx2: every request of a client, sync and async, at `Client.send`.

One answer stands for all that it took: redirects, retries and steps of an authentication. A replay gives the responses to the
client's event hooks, and its cookies, as the client itself would. Requests to an application in the same process
(`ASGITransport`, a test client) pass.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from memo._calls.signature import DoesNotFit
from memo._engine.calls.bodies import LiveBody
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.sessions.session import Session
from memo._engine.streaming.bodies import AsyncBody, AsyncReplay, SyncBody, SyncReplay
from memo._recordings.outcomes import Outcome
from memo.codecs.responses import mark_decoded, package_of
from memo.patches._http.answers import Head, encoding_of, phrase, recorded_head, sent_headers
from memo.patches._http.driver import HttpRun, Passing, Replayed, is_inside
from memo.patches._http.faults import HttpxFaults
from memo.patches._http.naming import Asked, HttpNaming, location
from memo.patches._patch import Patch
from memo.patches._text import bytes_of, readable_bytes

__all__ = ["patches"]

_IN_PROCESS = frozenset({"ASGITransport", "MockTransport", "WSGITransport", "_TestClientTransport"})
"""Transports that reach no network."""


def patches(package: str) -> tuple[Patch, ...]:
    """Return the patches of httpx, or of httpx2."""
    return tuple(
        Patch(
            f"{package}:{client}.send",
            Options(name="http"),
            run,
            describe=HttpNaming(_asked),
            prepare=_prepared,
            passes=_passes,
            offered=True,
        )
        for client, run in (("AsyncClient", _AsyncRun), ("Client", _Run))
    )


def _request(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return args[0] if args else kwargs["request"]
    except KeyError:
        raise DoesNotFit("send() missing 1 required positional argument: 'request'") from None


def _asked(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    request = _request(args, kwargs)
    return Asked(request.method, str(request.url), request.headers, request.content)


def _prepared(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Read the body of the request, which may come from a generator: what is sent identifies the request."""
    request = _request(args, kwargs)
    if hasattr(request.stream, "__iter__"):
        request.read()
        return args, kwargs

    async def read() -> tuple[tuple[Any, ...], dict[str, Any]]:
        await request.aread()
        return args, kwargs

    return read()


def _passes(session: Session, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if is_inside(session):
        return True
    try:
        transport = client._transport_for_url(_request(args, kwargs).url)
    except Exception:  # noqa: BLE001 - a call that is wrong raises its own error
        return False
    return any(kind.__name__ in _IN_PROCESS for kind in type(transport).__mro__)


class _HttpxRun(HttpRun):
    """A request of either client."""

    faulty = HttpxFaults

    @property
    def _client(self) -> Any:
        return self._wrapped.__self__  # type: ignore[attr-defined]

    @property
    def _is_read(self) -> bool:
        """True if the response comes with its body."""
        return not self._kwargs.get("stream")

    def _head(self, response: Any) -> Head:
        encoding = response.headers.encoding
        head = recorded_head(
            response.status_code,
            [(name.decode(encoding), text.decode(encoding)) for name, text in response.headers.raw],
            self.rules,
            reason=response.reason_phrase,
            version=response.http_version,
        )
        if response.history:
            head["method"], head["url"] = response.request.method, location(str(response.request.url))
            head["history"] = [self._redirect(passed) for passed in response.history]
        return head

    def _redirect(self, response: Any) -> Head:
        request = {"method": response.request.method, "url": location(str(response.request.url))}
        return {**request, **self._head_alone(response), **readable_bytes(response.content)}

    def _head_alone(self, response: Any) -> Head:
        history, response.history = response.history, []
        try:
            return self._head(response)
        finally:
            response.history = history

    def live_body(self, attempt: Attempt, value: Any, given: list[bytes]) -> LiveBody:
        """Return the body of a live response, of which the consumer has got these pieces."""
        is_async = hasattr(self._client, "aclose")
        pieces, close = (value.aiter_bytes(), value.aclose) if is_async else (value.iter_bytes(), value.close)
        return self.rest(attempt, self._head(value), pieces, close, given)

    # Replay

    def _built(self, replayed: Replayed, content: bytes | None) -> Any:
        """Return the client's response, and do with it what the client does with responses. Without `content`, it is still to be read."""
        client, head = self._client, replayed.head
        http, request = package_of(client), _request(self._args, self._kwargs)
        history: list[Any] = []
        for passed in head.get("history", ()):
            hop = self._response(http, passed, self._hop(http, passed, request), bytes_of(passed))
            hop.history = list(history)
            history.append(hop)
        if history:
            request = self._hop(http, head, request)
        response = self._response(http, head, request, content, keeps_encoding=replayed.keeps_encoding)
        response.history = history
        response.elapsed = timedelta(seconds=replayed.seconds)
        if response.has_redirect_location:
            with suppress(Exception):
                response.next_request = client._build_redirect_request(request, response)
        return response

    def _following(self, history: list[Any], response: Any) -> Any:
        """Return the request that a replayed redirect leads to, if the caller follows redirects; None at the end.

        Other clients, and cassettes, record each hop as its own answer.
        """
        follows = self._kwargs.get("follow_redirects", self._client.follow_redirects)
        if not isinstance(follows, bool):  # the client's default
            follows = self._client.follow_redirects
        if not follows or response.next_request is None:
            return None
        history[:] = [*response.history, response]
        if len(history) > self._client.max_redirects:
            http = package_of(self._client)
            raise http.TooManyRedirects("Exceeded maximum allowed redirects.", request=response.request)
        return response.next_request

    @property
    def _as_asked(self) -> dict[str, Any]:
        """The options of the request for the next hop."""
        kept = {name: value for name, value in self._kwargs.items() if name != "request"}
        return {**kept, "follow_redirects": False}

    def _hop(self, http: Any, head: Head, request: Any) -> Any:
        same = head["method"] == request.method and head["url"] == str(request.url)
        return request if same else http.Request(head["method"], head["url"])

    def _response(
        self, http: Any, head: Head, request: Any, content: bytes | None, *, keeps_encoding: bool = True
    ) -> Any:
        whole = content is not None
        size = len(content) if content is not None and not encoding_of(head) else None
        response = http.Response(
            head["status"],
            headers=[
                (name.encode(), text.encode())  # text that is not ASCII is taken as bytes alone
                for name, text in sent_headers(head, size, encodes=whole or keeps_encoding)
            ],
            request=request,
            stream=http.ByteStream(content or b""),
            extensions={
                "http_version": head.get("version", "HTTP/1.1").encode(),
                "reason_phrase": phrase(head).encode(),
            },
            default_encoding=getattr(self._client, "_default_encoding", "utf-8"),
        )
        if whole:
            mark_decoded(response)
            response.read()
        if "cookies_set" in head:
            self._client.cookies.extract_cookies(response)
        return response


class _AsyncRun(_HttpxRun):
    """A request of `AsyncClient`."""

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        if self._is_read:
            await self.awhole(attempt, self._head(value), value.content)
        else:
            value.stream = AsyncBody(value.stream, Passing(self._head(value), attempt))
        return value

    async def _aplayed(self, outcome: Outcome) -> Any:
        replayed = self.replayed(outcome)
        if self._is_read:
            response = self._built(replayed, await replayed.acontent())
        else:
            response = self._built(replayed, None)
            response.stream = AsyncReplay(response.stream, replayed.apieces())
        for hop in (*response.history, response):
            for hook in self._client.event_hooks["request"]:
                await hook(hop.request)
            for hook in self._client.event_hooks["response"]:
                await hook(hop)
        history: list[Any] = []
        while (following := self._following(history, response)) is not None:
            await response.aread()
            response = await self._client.send(following, **self._as_asked)
            response.history = history + response.history
        return response


class _Run(_HttpxRun):
    """A request of `Client`."""

    def _received(self, attempt: Attempt, value: Any) -> Any:
        if self._is_read:
            self.whole(attempt, self._head(value), value.content)
        else:
            value.stream = SyncBody(value.stream, Passing(self._head(value), attempt))
        return value

    def _played(self, outcome: Outcome) -> Any:
        replayed = self.replayed(outcome)
        if self._is_read:
            response = self._built(replayed, replayed.content())
        else:
            response = self._built(replayed, None)
            response.stream = SyncReplay(response.stream, replayed.pieces())
        for hop in (*response.history, response):
            for hook in self._client.event_hooks["request"]:
                hook(hop.request)
            for hook in self._client.event_hooks["response"]:
                hook(hop)
        history: list[Any] = []
        while (following := self._following(history, response)) is not None:
            response.read()
            response = self._client.send(following, **self._as_asked)
            response.history = history + response.history
        return response
