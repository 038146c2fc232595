"""What anthropic is given is keyed by what it sends: files by their content, iterators by their items, each read once."""

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from answering import Answering
from uses import a

import memo
from memo.errors import RecordingNotFound

pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(anthropic|httpx|httpcore):ResourceWarning")

MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None, "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "three"}], "usage": {"input_tokens": 1, "output_tokens": 2},
}  # fmt: skip
kinds = pytest.mark.parametrize("kind", ["Async", ""])


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering() as made:
        made.answer(json.dumps(MESSAGE).encode(), [("content-type", "application/json")])
        yield made


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("anthropic") as installation:
        yield installation


async def ask(kind: str, url: str, messages: Any, **more: Any) -> Any:
    client = getattr(anthropic, f"{kind}Anthropic")(base_url=url, api_key="k", max_retries=0)
    try:
        return await a(client.messages.create(model="m", max_tokens=1, messages=messages, **more))
    finally:
        await a(client.close())


def image(data: Any) -> list[Any]:
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return [{"role": "user", "content": [{"type": "image", "source": source}]}]


Given = Callable[[Path, bytes], Any]


def path_to(folder: Path, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "image.png"
    path.write_bytes(content)
    return path


def opened(path: Path) -> Any:
    files.append(path.open("rb"))
    return files[-1]


files: list[Any] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while files:
        files.pop().close()


FILES: dict[str, Given] = {
    "path": path_to,
    "open file": lambda folder, content: opened(path_to(folder, content)),
    "bytes in memory": lambda _, content: io.BytesIO(content),
    "text": lambda _, content: base64.b64encode(content).decode(),
}


@kinds
@pytest.mark.parametrize("name", FILES)
async def test_a_file_is_its_content(kind: str, name: str, server: Answering, tmp_path: Path):
    def given(folder: str, content: bytes) -> Any:
        return image(FILES[name](tmp_path / folder, content))

    with memo.recording(tmp_path / "store", mode="record-if-missing", draws=False) as rec:
        first = await ask(kind, server.url, given("here", b"one"))
        assert await ask(kind, server.url, given("there", b"one")) == first  # the same content elsewhere
        await ask(kind, server.url, given("here", b"two"))  # and another one at the same place
    assert (rec.stats.recorded, rec.stats.replayed, server.count) == (2, 1, 2)
    server.stop()
    with memo.recording(tmp_path / "store"):
        assert await ask(kind, server.url, image(base64.b64encode(b"one").decode())) == first  # as it was sent
        assert await ask(kind, server.url, given("elsewhere", b"two")) == first
        with pytest.raises(RecordingNotFound):
            await ask(kind, server.url, given("here", b"three"))


SAID = [{"role": "user", "content": "how"}, {"role": "assistant", "content": "many"}]
ONCE: dict[str, Callable[[], Any]] = {
    "generator": lambda: (message for message in SAID),
    "map": lambda: map(dict, SAID),
    "values of a dict": lambda: dict(enumerate(SAID)).values(),
    "iterator": lambda: iter(SAID),
    "tuple": lambda: tuple(SAID),
}


@kinds
@pytest.mark.parametrize("name", ONCE)
async def test_what_is_read_once_is_its_items(kind: str, name: str, server: Answering, tmp_path: Path):
    with memo.recording(tmp_path, mode="record") as rec:
        first = await ask(kind, server.url, ONCE[name]())
    assert rec.stats.recorded == 1
    server.stop()
    with memo.recording(tmp_path):
        assert await ask(kind, server.url, ONCE[name]()) == first
        assert await ask(kind, server.url, SAID) == first
        with pytest.raises(RecordingNotFound):
            await ask(kind, server.url, SAID[:1])


@kinds
async def test_answers_in_the_arguments_are_what_is_sent_of_them(kind: str, server: Answering, tmp_path: Path):
    answer = await ask(kind, server.url, SAID)

    def conversation(content: Any) -> list[Any]:
        return [*SAID, {"role": "assistant", "content": content}]

    with memo.recording(tmp_path, mode="record"):
        first = await ask(kind, server.url, conversation(answer.content))
    server.stop()
    with memo.recording(tmp_path):
        assert await ask(kind, server.url, conversation([{"type": "text", "text": "three"}])) == first
        extra = {"messages": conversation(answer.content)}
        assert await ask(kind, server.url, [], extra_body=extra) == first


@kinds
async def test_a_file_that_is_not_there_is_the_sdks_own_error(kind: str, server: Answering, tmp_path: Path):
    for mode in ("record", "replay"):
        with memo.recording(tmp_path, mode=mode), pytest.raises(FileNotFoundError):
            await ask(kind, server.url, image(tmp_path / "missing.png"))
    assert server.count == 0


async def test_the_callers_arguments_are_not_changed(server: Answering, tmp_path: Path):
    messages = image(path_to(tmp_path, b"one"))
    with memo.recording(tmp_path, mode="record"):
        await ask("", server.url, messages)
    assert messages == image(tmp_path / "image.png")


@pytest.mark.parametrize("mode", ["record", "replay"])
async def test_files_are_read_off_the_event_loop(mode: Any, server: Answering, tmp_path: Path, monkeypatch: Any):
    path = path_to(tmp_path / "here", b"one")
    with memo.recording(tmp_path / "store", mode="record"):
        await ask("Async", server.url, image(path))
    read_bytes, threads = Path.read_bytes, []
    monkeypatch.setattr(Path, "read_bytes", lambda self: threads.append(threading.get_ident()) or read_bytes(self))
    with memo.recording(tmp_path / "store", mode=mode):
        await ask("Async", server.url, image(path))
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
