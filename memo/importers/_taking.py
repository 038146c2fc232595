"""Recorded HTTP interactions, and the session that takes what a client makes of one.

A client receives the recorded response in place of a server's, with memo's patch installed and a session that takes the
outcome. So the call's name, arguments and key, and its types, streams and errors, are those of a live call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from memo._calls.call import Call
from memo._engine.rules.modes import Mode
from memo._engine.sessions.active import active
from memo._engine.sessions.session import Session
from memo._engine.storing.writing import Draw
from memo._engine.waiting.flights import Claim
from memo.codecs.encodings import Encoder, can_encode
from memo.codecs.values import Values
from memo.importers.report import NotCarried
from memo.stores import MemoryStore

__all__ = ["Interaction", "taken_from"]


@dataclass(frozen=True, slots=True)
class Interaction:
    """One HTTP request and its response. The names of the request's headers are in lower case."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    """As sent, or decoded already, whatever `content-encoding` says."""
    reason: str = ""
    """What the server wrote beside the status, if the cassette says so."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            is_http = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            is_http = False
        if not is_http:
            raise NotCarried(f"has the url {self.url}, which is not one of HTTP")

    @property
    def redirects(self) -> bool:
        """True if the response leads to another request."""
        return self.status in (301, 302, 303, 307, 308) and any(name.lower() == "location" for name, _ in self.headers)

    @property
    def encoding(self) -> str:
        """The encoding of the body, "" if it has none, or is decoded already though its headers still name one."""
        return "" if _is_text(self.body) else self._named_encoding

    @property
    def _named_encoding(self) -> str:
        return ", ".join(text for name, text in self.headers if name.lower() == "content-encoding")

    def sent(self) -> tuple[list[tuple[str, str]], bytes]:
        """Return the headers and the body of the response as the server sent them.

        A body that is decoded already is encoded again; where that cannot be, headers that say how it is sent are left out.
        """
        named = self._named_encoding
        if not named or not self.body or self.encoding:
            return list(self.headers), self.body
        if not can_encode(named):
            return [pair for pair in self.headers if pair[0].lower() not in _OF_SENDING], self.body
        encoder = Encoder(named)
        return list(self.headers), encoder.piece(self.body) + encoder.end()


_OF_SENDING = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Taking(Session):
    """Keeps the outcome of a call instead of storing it."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), mode="record")
        self.mode = Mode.RECORD  # whatever the environment says
        self.taken: tuple[Call, dict[str, Any]] | None = None
        self.failure: Exception | None = None

    def store_outcome(
        self, call: Call, draw: Draw, outcome: dict[str, Any], values: Values, claim: Claim | None = None
    ) -> None:
        """Take it."""
        self.taken = call, outcome

    def failed(self, call: Call, error: Exception, what: str = "could not be recorded") -> None:
        """Take the reason why there is nothing to take."""
        self.failure = error


def taken_from(call: Callable[[], None]) -> tuple[Call, dict[str, Any]]:
    """Return the call that a client makes inside, and the outcome. Raises `NotCarried`, and what the client raises."""
    session = _Taking()
    token = active.set(session)
    try:
        call()
    finally:
        active.reset(token)
    if session.failure is not None:
        raise session.failure
    if session.taken is None:
        raise NotCarried("holds nothing that can be recorded")
    found, outcome = session.taken
    if b'"[FILTERED]"' in found.arguments:
        raise NotCarried("was filtered when it was recorded, so its request is not the one that the client sends")
    outcome.pop("seconds", None)  # of this replay, not of the recorded call
    return found, outcome
