"""Drives the HTTP requests of every client: what becomes of a live response, and of a recorded one.

Each client has a subclass that says how its responses are read and built. The body of a response that its caller reads piece by
piece is recorded as it passes.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from functools import partial
from typing import Any

from memo._calls.secrets import SecretRules
from memo._engine.calls.bodies import BodyCall, LiveBody
from memo._engine.live.attempt import Attempt
from memo._engine.sessions.session import Session
from memo._engine.streaming.begun import RecordedStream
from memo._engine.streaming.streams import stream, stream_sync
from memo._engine.waiting.nesting import parent_in
from memo._recordings.outcomes import Outcome, raise_recorded
from memo.codecs.encodings import Encoder, can_encode, decoder
from memo.patches._http.answers import Head, encoding_of, header, streams
from memo.patches._http.events import ItemBytes, JoinedBody, Splitter, is_cut, item_bytes
from memo.patches._stainless.bodies import Body
from memo.patches._text import bytes_of, readable_bytes

__all__ = ["HttpRun", "Passing", "Replayed", "is_inside"]


def is_inside(session: Session, *_: Any) -> bool:
    """Return whether a request is made inside a call that is recorded: then it is a part of that."""
    return parent_in(session) is not None


class Replayed:
    """A recorded response: its head, and its body, which is there as a whole or comes piece by piece."""

    def __init__(
        self, head: Head, body: bytes | JoinedBody | RecordedStream, seconds: float, *, is_masked: bool = False
    ) -> None:
        self.head = head
        self._is_masked = is_masked
        self.seconds = seconds
        self._body = body
        encoding = encoding_of(head)
        self.encodes = bool(encoding) and can_encode(encoding)
        """Whether the body is to be encoded as its headers say. What cannot be, is given as it reads."""
        self._encoding = encoding if self.encodes else ""
        self.keeps_encoding = self.encodes or bool(head.get("encoded"))

    @property
    def is_whole(self) -> bool:
        """True if the body is there as a whole."""
        return isinstance(self._body, bytes)

    @property
    def size(self) -> int | None:
        """Return the number of bytes of a body that is there as a whole and is in no encoding; else None."""
        return len(self._body) if isinstance(self._body, bytes) and not encoding_of(self.head) else None

    def is_sized(self, *, as_sent: bool) -> bool:
        """Return whether the recorded headers may say how long the body is. One that is masked, or encoded anew, has another length."""
        return not (self._is_masked and self.size is None) and not (as_sent and self.encodes)

    def content(self) -> bytes:
        """Return the whole body, decoded. Raises what cut it short."""
        if not isinstance(self._body, RecordedStream):
            return self._body if isinstance(self._body, bytes) else b"".join(self._body)
        play = self._body
        return b"".join(stream_sync(lambda: play))

    async def acontent(self) -> bytes:
        """Async twin of `content`."""
        if not isinstance(self._body, RecordedStream):
            return self.content()
        play = self._body

        async def begin() -> RecordedStream:
            return play

        return b"".join([piece async for piece in stream(begin)])

    def wire(self, content: bytes) -> bytes:
        """Return a whole body as it is sent."""
        if not self._encoding:
            return content
        encoder = Encoder(self._encoding)
        return encoder.piece(content) + encoder.end()

    def pieces(self, *, encodes: bool = True) -> Generator[bytes, None, None]:
        """Return the body as it is sent, piece by piece; without `encodes`, decoded."""
        encoding = self._encoding if encodes else ""
        if not isinstance(self._body, RecordedStream):
            return _encoded(self._there(), encoding)
        play = self._body
        return _encoded(stream_sync(lambda: play), encoding)

    def apieces(self, *, encodes: bool = True) -> AsyncGenerator[bytes, None]:
        """Async twin of `pieces`."""
        encoding = self._encoding if encodes else ""
        if not isinstance(self._body, RecordedStream):
            pieces = _all(self._there())
            return _aencoded(pieces, encoding) if encoding else pieces
        play = self._body

        async def begin() -> RecordedStream:
            return play

        return _aencoded(stream(begin), encoding)

    def _there(self) -> Iterable[bytes]:
        """Return a body that is read without waiting for anything."""
        assert not isinstance(self._body, RecordedStream)
        if isinstance(self._body, bytes):
            return [self._body] if self._body else []
        return self._body


async def _all(pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


def _encoded(pieces: Iterable[bytes], encoding: str) -> Generator[bytes, None, None]:
    if not encoding:
        yield from pieces
        return
    encoder = Encoder(encoding)
    for piece in pieces:
        yield encoder.piece(piece)
    yield encoder.end()


async def _aencoded(pieces: AsyncGenerator[bytes, None], encoding: str) -> AsyncGenerator[bytes, None]:
    encoder = Encoder(encoding) if encoding else None
    try:
        async for piece in pieces:
            yield encoder.piece(piece) if encoder is not None else piece
        if encoder is not None:
            yield encoder.end()
    finally:
        await pieces.aclose()


class Passing(Body):
    """The sink of a body that its caller reads piece by piece: as it is sent, or decoded already."""

    def __init__(self, head: Head, attempt: Attempt, *, decoded: bool = False, given: Iterable[bytes] = ()) -> None:
        self._attempt = attempt
        self._head = head
        encoding = "" if decoded else header(head, "content-encoding")
        self._decode = decoder(encoding) if encoding else None
        if encoding and self._decode is None:
            head["encoded"] = True
        self._pieces: list[bytes] = []
        self._given = list(given)
        self._splitter = Splitter(head) if streams(head) and "encoded" not in head else None
        self._last: Any = None
        self._received = 0
        for piece in self._given:
            self._received += len(piece)
            if self._splitter is not None:
                self._take(piece)

    def add(self, item: bytes) -> None:
        """Record a piece as it is sent."""
        self._received += len(item)
        if self._decode is not None:
            try:
                item = self._decode(item)
            except Exception:  # noqa: BLE001 - the client that reads it says what is wrong
                self._decode = None
                self._head["encoded"] = True
        self._take(item)

    def _take(self, data: bytes) -> None:
        if self._splitter is None:
            self._pieces.append(data)
            return
        for item in self._splitter.add(data):
            self._last = item
            self._attempt.add(item)

    def _ended(self, end: str) -> Any:
        """Return the answer with its whole body. None for a stream of items, and for a body that was cut short."""
        whole = end == "complete" or (end == "closed" and self._is_all())
        if self._splitter is None and whole:
            return {**self._head, **readable_bytes(b"".join([*self._given, *self._pieces]))}
        if self._splitter is None:
            rest = b"".join(self._pieces)
            items = [_text(piece) for piece in (*self._given, rest) if piece]
            self._pieces = []
        else:
            items = self._splitter.rest()
            style = self._splitter.style.recorded()
            if style:
                self._head["style"] = style
        for item in items:
            self._attempt.add(item)
        self._attempt.respond(self._head)
        return None

    def _is_all(self) -> bool:
        """Return whether a consumer that left had got everything."""
        if isinstance(self._last, dict) and self._last.get("data") == "[DONE]":
            return True  # SDKs themselves stop at this event, before the connection ends
        length = header(self._head, "content-length")
        return length.isdecimal() and int(length) == self._received

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        """Store the response: what came of its body."""
        whole = self._ended(end)
        if whole is not None:
            self._attempt.returned(whole)
        else:
            self._attempt.finish(self._end(end), error)

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        """Async twin of `finish`."""
        whole = self._ended(end)
        if whole is not None:
            await self._attempt.areturned(whole)
        else:
            await self._attempt.afinish(self._end(end), error)

    def _end(self, end: str) -> str:
        return "complete" if end == "closed" and self._splitter is not None and self._is_all() else end


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


_KEPT = 1 << 16
"""The bytes up to which a body is kept as it was written, for the next replay."""


class HttpRun(BodyCall):
    """A request of some client."""

    brings_classes = False

    @property
    def rules(self) -> SecretRules:
        """Return what the user says of secrets."""
        return self.setting.secrets

    # Live responses, for subclasses

    def whole(self, attempt: Attempt, head: Head, content: bytes) -> None:
        """Record a response whose body was read, and decoded."""
        _note_encoding(head)
        if streams(head):
            self._read(attempt, head, content).finish("complete")
        else:
            attempt.returned({**head, **readable_bytes(content)})

    async def awhole(self, attempt: Attempt, head: Head, content: bytes) -> None:
        """Async twin of `whole`."""
        _note_encoding(head)
        if streams(head):
            await self._read(attempt, head, content).afinish("complete")
        else:
            await attempt.areturned({**head, **readable_bytes(content)})

    def _read(self, attempt: Attempt, head: Head, content: bytes) -> Passing:
        sink = Passing(head, attempt, decoded=True)
        sink.begin()
        sink.add(content)
        return sink

    def rest(self, attempt: Attempt, head: Head, pieces: Any, close: Callable[[], Any], given: list[bytes]) -> LiveBody:
        """Return the body of a response that comes piece by piece, decoded."""
        _note_encoding(head)
        sink = Passing(head, attempt, decoded=True, given=given)
        return LiveBody(head["status"], header(head, "content-type"), pieces, close, sink)

    # Recorded responses

    def status(self, outcome: Outcome) -> int:
        """Return the status of a recorded response whose body was left."""
        assert outcome.response is not None
        status: int = outcome.response()["status"]
        return status

    def content_type(self, outcome: Outcome) -> str:
        """Return the type of a recorded body."""
        assert outcome.response is not None
        return header(outcome.response(), "content-type")

    def pieces(self, outcome: Outcome) -> list[bytes]:
        """Return the body of a recorded response, in the pieces that are recorded."""
        if outcome.items is None:
            assert outcome.read is not None
            return [bytes_of(outcome.read())]
        assert outcome.response is not None
        return list(item_bytes(outcome.items, outcome.response()))

    def replayed(self, outcome: Outcome) -> Replayed:
        """Return a recorded response. Raises the error that was recorded in place of one."""
        if outcome.written is not None:
            written: Replayed = outcome.written
            return written
        if outcome.error is not None and outcome.items is None:
            raise_recorded(outcome.error())
        if outcome.items is None:
            assert outcome.read is not None
            head = outcome.read()
            body = bytes_of(head)
            del head["body"]
            return self._keep(outcome, head, body)
        assert outcome.response is not None
        head, play = outcome.response(), super()._play(outcome)
        # What was left or failed after n events does so after n pieces, and what has a rhythm comes one by one.
        if outcome.end == "complete" and not play.pace and is_cut(head):
            return Replayed(
                head,
                JoinedBody(play, head, partial(self._keep, outcome, head)),
                outcome.seconds,
                is_masked=outcome.is_masked,
            )
        played: Any = copy.copy(outcome)
        played.items, played.unit = ItemBytes(outcome.items, head), "byte"
        return Replayed(head, play._replace(outcome=played), outcome.seconds, is_masked=outcome.is_masked)

    def _keep(self, outcome: Outcome, head: Head, body: bytes) -> Replayed:
        replayed = Replayed(head, body, outcome.seconds)
        if len(body) < _KEPT:
            outcome.keep(replayed)
        return replayed


def _note_encoding(head: Head) -> None:
    """Note that the body is still in its encoding, which no client could decode."""
    encoding = header(head, "content-encoding")
    if encoding and decoder(encoding) is None:
        head["encoded"] = True
