"""A call that is not found in a store that is damaged, fails or hangs: the error shows what could be read."""

import os
import threading

import pytest
from missed_calls import chat, from_user, missed, record

from memo import RecordingNotFound, recordable, recording
from memo.errors import StoreNotReadable
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


def test_damaged_neighbours(tmp_path):
    ask = chat()
    record(tmp_path, lambda: ask(from_user("What is the wheather?")), lambda: ask(from_user("Who won?")))
    folder = tmp_path / "app.chat"
    whole = next(iter(folder.glob("*.json"))).read_bytes()
    (folder / "half.json").write_bytes(whole[: len(whole) // 3])
    (folder / "nothing.json").write_bytes(b"")
    (folder / "list.json").write_bytes(b"[1, 2]")
    (folder / "odd.json").write_bytes(b'{"arguments": [1], "outcomes": 3}')
    (folder / "noise.json").write_bytes(os.urandom(5000))
    (folder / "large.json").write_bytes(b'{"arguments": {"messages": "' + b"x" * 5_000_000)
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    (folder / "gone.json").symlink_to("nowhere")
    error = missed(tmp_path, lambda: ask(from_user("What is the weather?")))
    assert error.reason == "arguments"
    assert error.differences == (("messages[0].content", "What is the wheather?", "What is the weather?"),)
    assert "could not look at:" in str(error)
    assert "folder.json" in str(error)


class Odd(MemoryStore):
    """A store that misbehaves while it is searched."""

    def __init__(self, **broken):
        super().__init__()
        self.broken = {}
        self.later = broken

    def _try(self, name):
        error = self.broken.get(name)
        if error is not None:
            raise error

    def scan(self, prefix=""):
        for number, name in enumerate(super().scan(prefix)):
            if number:
                self._try("later")
            yield name
        self._try("scan")

    def get(self, name):
        data = super().get(name)
        if data is not None:
            self._try("get")
        return data

    def location(self, name=""):
        if name:
            self._try("location")
        return super().location(name)


@pytest.mark.parametrize("method", ["scan", "get", "location", "later"])
@pytest.mark.parametrize("kind", [StoreNotReadable("memory://", "is away"), RuntimeError(), OSError("no")], ids=repr)
def test_a_store_that_fails(method, kind):
    store, ask = Odd(), chat()
    record(store, lambda: ask(from_user("a")), lambda: ask(from_user("b")))
    store.broken = {method: kind}
    error = missed(store, lambda: ask(from_user("c")))
    assert error.reason in ("unknown", "arguments")
    assert "to record:" in str(error)
    assert type(kind).__name__ in str(error) or str(kind) in str(error)


class Slow(MemoryStore):
    """A store far away, whose reads hang once something is recorded."""

    reads_in_place = False

    def __init__(self):
        super().__init__()
        self.hangs = threading.Event()
        self.go_on = threading.Event()
        self.after = 0

    def get(self, name):
        data = super().get(name)
        if self.hangs.is_set() and data is not None:
            if self.after == 0:
                self.go_on.wait(30)
            self.after -= 1
        return data


@pytest.mark.parametrize("after", [0, 2])
async def test_a_store_that_hangs_is_not_waited_for(after):
    store = Slow()

    @recordable(name="app.ask")
    async def ask(question):
        return question

    with recording(store, mode="record"):
        for question in ("one", "two", "three", "four"):
            await ask(question)
    store.after = after
    store.hangs.set()
    try:
        with recording(store), pytest.raises(RecordingNotFound) as raised:
            await ask("fifth")
    finally:
        store.go_on.set()
    assert raised.value.seen == 4
    assert raised.value.looked_at == after
    assert (raised.value.nearest is None) is (after == 0)
