"""Secrets in streams: a credential that is cut over items is found in the text that belongs together, and masked in its pieces."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, Field

from memo import recordable, recording
from memo._calls.digest import call_key, entry_name
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.maintenance.scan import scan
from memo.stores import MemoryStore

KEY = "sk-proj-abcdefghijklmnop0123456789"
TEXT = f"Your key is {KEY}, keep it."


class Text(BaseModel):
    type: str = "text_delta"
    text: str


class BlockDelta(BaseModel):
    type: str = "content_block_delta"
    index: int = 0
    delta: Text


class Delta(BaseModel):
    content: str | None = None
    role: str | None = None


class Choice(BaseModel):
    index: int = 0
    delta: Delta
    finish_reason: str | None = None


class Chunk(BaseModel):
    id: str = "chatcmpl-9f8a7b6c5d4e"
    choices: list[Choice]


class OutputDelta(BaseModel):
    type: str = "response.output_text.delta"
    item_id: str = "msg_1"
    output_index: int = 0
    content_index: int = 0
    delta: str


class Piece(BaseModel):
    text: str = Field(min_length=1, max_length=8)


def chat(piece: str) -> Chunk:
    return Chunk(choices=[Choice(delta=Delta(content=piece))])


KINDS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "text": (lambda piece: piece, lambda item: item),
    "bytes": (lambda piece: piece.encode(), lambda item: item.decode()),
    "dicts": (lambda piece: {"text": piece}, lambda item: item["text"]),
    "chat chunks": (chat, lambda item: item.choices[0].delta.content),
    "messages": (lambda piece: BlockDelta(delta=Text(text=piece)), lambda item: item.delta.text),
    "responses": (lambda piece: OutputDelta(delta=piece), lambda item: item.delta),
    "ollama": (
        lambda piece: {"model": "m", "message": {"role": "assistant", "content": piece}},
        lambda item: item["message"]["content"],
    ),
    "genai": (
        lambda piece: {"candidates": [{"content": {"parts": [{"text": piece}]}}]},
        lambda item: item["candidates"][0]["content"]["parts"][0]["text"],
    ),
    "tool arguments": (
        lambda piece: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}}]},
        lambda item: item["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"],
    ),
    "models with constraints": (lambda piece: Piece(text=piece), lambda item: item.text),
}


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def record(items: list[Any]) -> tuple[list[Any], dict[str, Any], bytes]:
    """What the caller got, the outcome, and the whole file."""
    store = MemoryStore()

    @recordable(name="f")
    def stream() -> Iterator[Any]:
        yield from items

    with recording(store, mode="record"):
        got = list(stream())
    [name] = store.scan()
    data = store.get(name) or b""
    with recording(store):
        assert len(list(stream())) == len(items)
    [outcome] = orjson.loads(data)["outcomes"]
    return got, outcome, data


def replayed(items: list[Any]) -> list[Any]:
    store = MemoryStore()

    @recordable(name="f")
    def stream() -> Iterator[Any]:
        yield from items

    with recording(store, mode="record"):
        list(stream())
    with recording(store):
        return list(stream())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 3, 4, 7])
def test_a_key_in_pieces_is_masked(kind: str, size: int):
    make, text_of = KINDS[kind]
    items = [make(piece) for piece in cut(TEXT, size)]
    got, outcome, _ = record(items)
    assert got == items
    again = replayed(items)
    assert [len(text_of(item)) for item in again] == [len(text_of(item)) for item in items]
    text = "".join(map(text_of, again))
    assert text.startswith("Your key is <secret>***")
    assert text.endswith("*, keep it.")
    assert KEY[:12] not in text
    assert not any(KEY[at : at + 12] in text for at in range(len(KEY) - 12))
    assert outcome["redacted"]
    assert all(path.startswith("[") for path in outcome["redacted"])


@pytest.mark.parametrize("at", range(1, len(KEY)))
def test_a_key_cut_at_any_place_is_masked(at: int):
    for pieces in ([TEXT[: 12 + at], TEXT[12 + at :]], ["a ", KEY[:at], KEY[at:], "."]):
        joined = "".join(
            replayed([chat(piece) for piece in pieces])[i].choices[0].delta.content for i in range(len(pieces))
        )
        assert "<secret>" in joined
        assert KEY not in joined
        assert len(joined) == len("".join(pieces))


@pytest.mark.parametrize("at", range(24, len(KEY)))
def test_no_tail_of_a_key_is_left_where_a_letter_precedes_the_key(at: int):
    assert "".join(replayed(["ask", KEY[:at], KEY[at:], "."])).removeprefix("ask").strip("*.") == "<secret>"


JSON = {
    "cookies": '{"cookies": {"theme": "dark", "pref": "hunter2-hunter2"}}',
    "a login": '{"login": ["ann", "hunter2-hunter2"], "n": 1}',
    "a code": '{"otp": "481516", "pin": 234299, "pins": 123456}',
    "a list": '{"passwords": ["hunter2", "swordfish"]}',
    "credentials": '{"credentials": {"user": "ann42x", "session": "hunter2-hunter2"}}',
    "JSON in JSON": orjson.dumps({"body": '{"cookies": {"pref": "hunter2-hunter2"}}'}).decode(),
    "after prose": 'I got {"cookies": {"pref": "hunter2-hunter2"}} back.',
    "of events": 'data: {"cookies": {"pref": "hunter2-hunter2"}}\n\n',
    "a name of the user": '{"shelf": "hunter2-hunter2"}',
}


@pytest.mark.parametrize("kind", ["text", "dicts", "chat chunks", "tool arguments"])
@pytest.mark.parametrize("size", [1, 4, 7])
@pytest.mark.parametrize("text", JSON.values(), ids=JSON)
def test_a_credential_of_json_in_pieces_is_masked_and_the_json_stays_json(kind: str, size: int, text: str):
    make, text_of = KINDS[kind]
    store = MemoryStore()
    stream = recordable(name="f", secrets="shelf")(lambda: iter([make(piece) for piece in cut(text, size)]))
    with recording(store, mode="record"):
        list(stream())
    with recording(store):
        again = "".join(text_of(item) for item in stream())
    assert len(again) == len(text)
    assert not any(secret in again for secret in ("hunter2", "swordfish", "481516", "234299"))
    assert all(data in again for data in ("dark", "ann", "123456", "theme", "back.") if data in text)
    if text.startswith("{"):
        assert orjson.loads(again).keys() == orjson.loads(text).keys()


@pytest.mark.parametrize("end", [20, 34, 40])
def test_a_credential_of_json_that_is_cut_off_is_masked(end: int):
    text = '{"cookies": {"pref": "hunter2-hunter2-hunter2"}}'[:end]
    assert "hunter" not in "".join(replayed(cut(text, 5)))


@pytest.mark.parametrize(
    "text", ["db_password = hunter2-hunter2", '{"api_key": "hunter2-hunter2"}', "PGPASSWORD='hunter2-hunter2' psql"]
)
@pytest.mark.parametrize("kind", ["text", "chat chunks", "bytes"])
def test_a_credential_that_one_item_holds_and_another_names_is_masked(kind: str, text: str):
    make, text_of = KINDS[kind]
    for at in range(1, len(text)):
        again = "".join(text_of(item) for item in replayed([make(text[:at]), make(text[at:])]))
        assert not {"hunter2-hunter2", "hunter2-hunter"} & {
            again[start : start + size] for start in range(len(again)) for size in (14, 15)
        }


@pytest.mark.parametrize(
    "text",
    [
        '{"cookies": {"theme": "dark"}, "pins": 123456, "session": "2026-11-30T01:02:03Z", "login": "ann_lee"}',
        '{"properties": {"password": {"type": "string"}, "pin": {"maximum": 123456}}}',
        '{"logprobs": [{"token": "w0rld42", "bytes": [104, 1000]}], "max_tokens": 123456, "status_code": "123456"}',
    ],
)
def test_json_without_a_credential_is_left_alone(text: str):
    assert "".join(replayed(cut(text, 4))) == text


@pytest.mark.parametrize(
    "pieces",
    [
        [b"\xff" + KEY[:10].encode(), KEY[10:].encode() + b"\xfe"],
        [b"\xff\xfe use ", *(piece.encode() for piece in cut(KEY, 4)), b"\x80"],
        [("é" + KEY).encode()[1:12], ("é" + KEY).encode()[12:]],
        [bytearray(b"\x80" + KEY[:9].encode()), bytearray(KEY[9:].encode())],
    ],
    ids=range(4),
)
def test_a_key_in_bytes_that_are_no_text_is_masked(pieces: list[Any]):
    again = replayed(pieces)
    assert [(type(piece), len(piece)) for piece in again] == [(type(piece), len(piece)) for piece in pieces]
    assert KEY[10:].encode() not in b"".join(again)
    assert b"<secret>***" in b"".join(again)
    whole = b"".join(pieces)
    assert b"".join(again)[: whole.index(b"sk-")] == whole[: whole.index(b"sk-")]


@pytest.mark.parametrize("kind", ["value", "stream"])
def test_scan_finds_what_is_cut_over_items(kind: str):
    for items in (cut(JSON["cookies"], 4), [b"\xff" + KEY[:10].encode(), KEY[10:].encode()], cut(TEXT, 4)):
        values = Values(Types())
        stream = {"items": [values.encode(item) for item in items], "end": "complete"}
        outcome: dict[str, Any] = {"stream": stream}
        if kind == "value":
            outcome = {"value": {"a": {"__type__": "stream", **stream}}, "holds": ["a"]}
        store = MemoryStore()
        document = {"memo": 1, "function": "f", "key": call_key("f", b"{}"), "arguments": {}, "outcomes": [outcome]}
        store.put(entry_name("f", document["key"]), orjson.dumps(document))
        assert scan(store, NoDetectors()).findings


class NoDetectors:
    """In the place of kingfisher's rules, which are not all that finds a credential."""

    def find(self, data: bytes) -> dict[str, str]:
        return {}


def test_choices_blocks_and_calls_have_a_text_each():
    def chunk(index: int, piece: str) -> Chunk:
        return Chunk(choices=[Choice(index=index, delta=Delta(content=piece))])

    pieces = cut(TEXT, 4)
    items = [
        item
        for piece in pieces
        for item in (chunk(0, piece), chunk(1, "fine"), BlockDelta(index=1, delta=Text(text="x")))
    ]
    again = replayed(items)
    assert "".join(item.choices[0].delta.content for item in again[::3]).startswith("Your key is <secret>")
    assert all(item.choices[0].delta.content == "fine" for item in again[1::3])
    assert all(item.delta.text == "x" for item in again[2::3])


def test_other_items_between_the_pieces_do_not_hide_a_key():
    items: list[Any] = []
    for piece in cut(TEXT, 4):
        items += [
            OutputDelta(delta=piece),
            {"type": "ping"},
            OutputDelta(type="response.reasoning.delta", delta="hm "),
            None,
        ]
    again = replayed(items)
    assert "".join(item.delta for item in again[::4]).startswith("Your key is <secret>")
    assert all(item.delta == "hm " for item in again[2::4])


def test_an_empty_or_a_missing_text_does_not_hide_a_key():
    pieces = [None, "", *cut(KEY, 5), "", None]
    again = replayed([Chunk(choices=[Choice(delta=Delta(content=piece))]) for piece in pieces])
    assert "".join(item.choices[0].delta.content or "" for item in again).startswith("<secret>")
    assert [item.choices[0].delta.content is None for item in again] == [piece is None for piece in pieces]


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1B2" * 9,
        "AKIAIOSFODNN7EXAMPLE",
        "postgres://ann:hunter2-hunter2@db/x",
        "Bearer abcdefghijklmnop.qrst",
        '{"tool": "login", "password": "hunter2-hunter2"}',
        "-----BEGIN PRIVATE KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8\n-----END PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("size", [4, 9])
def test_every_kind_of_credential_in_pieces_is_masked(secret: str, size: int):
    text = "".join(replayed(cut(f"It is {secret} now", size)))
    assert "hunter2" not in text
    assert secret[-12:] not in text
    assert len(text) == len(f"It is {secret} now")


@pytest.mark.parametrize(
    "items",
    [
        cut("Hello, this is a text about task-based learning, and nothing else. " * 5, 4),
        [chat(piece) for piece in cut("The bearer of good news: sk-learn is fast.", 4)],
        [{"id": "sk-", "x": n} for n in range(30)],
        ["abcdefgh1234"] * 20,
        [{"index": n, "text": "sk-proj-"} for n in range(9)]
        + [{"index": n, "text": "abcdefghijk"} for n in range(9, 18)],
    ],
    ids=range(5),
)
def test_a_stream_without_a_credential_is_left_alone(items: list[Any]):
    got, outcome, _ = record(items)
    assert got == items
    assert "redacted" not in outcome
    assert replayed(items) == items


async def test_an_async_stream_passes_at_once_and_is_masked_when_it_is_stored():
    store = MemoryStore()
    seen: list[str] = []

    @recordable(name="f")
    async def stream() -> AsyncIterator[str]:
        for piece in cut(TEXT, 4):
            seen.append(f"made {piece}")
            yield piece

    with recording(store, mode="record"):
        async for piece in stream():
            seen += [f"got {piece}"]
    assert seen[:4] == ["made Your", "got Your", "made  key", "got  key"]
    with recording(store):
        assert "".join([piece async for piece in stream()]).startswith("Your key is <secret>***")


def test_a_consumer_that_leaves_in_the_middle_of_a_key_leaves_no_part_of_one():
    store = MemoryStore()

    @recordable(name="f")
    def stream() -> Iterator[str]:
        yield from cut(TEXT, 4)

    with recording(store, mode="record"):
        for count, _ in enumerate(stream()):
            if count == 9:
                break
    [name] = store.scan()
    [outcome] = orjson.loads(store.get(name) or b"")["outcomes"]
    assert "".join(outcome["stream"]["items"]).startswith("Your key is <secret>***")


def test_allow_secrets_takes_a_place_in_the_items_out():
    store = MemoryStore()

    @recordable(name="f", allow_secrets="[*].text")
    def stream() -> Iterator[dict[str, str]]:
        yield from ({"text": piece, "say": piece} for piece in cut(TEXT, 4))

    with recording(store, mode="record"):
        list(stream())
    with recording(store):
        again = list(stream())
    assert "".join(item["text"] for item in again) == TEXT
    assert "<secret>" in "".join(item["say"] for item in again)
