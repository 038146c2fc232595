"""Warnings point at the user's own line, not into the SDK whose call it is."""

import sys
import warnings

import pytest

import memo
from memo import recordable, recording
from memo.errors import WatchedFieldChangedWarning
from memo.stores import MemoryStore

SDK = """
class Client:
    def create(self, prompt):
        return self._retried(lambda: self.send(prompt))

    async def acreate(self, prompt):
        return await self._aretried(prompt)

    async def stream(self, prompt):
        async for item in self.send_stream(prompt):
            yield item

    def _retried(self, call):
        return call()

    async def _aretried(self, prompt):
        return await self.asend(prompt)

    def send(self, prompt):
        return 1

    async def asend(self, prompt):
        return 1

    async def send_stream(self, prompt):
        yield 1
"""


@pytest.fixture
def client(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "acme_sdk.py"
    package.parent.mkdir()
    package.write_text(SDK)
    monkeypatch.syspath_prepend(package.parent)
    targets = [f"acme_sdk:Client.{name}" for name in ("send", "asend", "send_stream")]
    lines = [f'"{target}" = {{ watch = ["prompt"] }}' for target in targets]
    (tmp_path / "memo.toml").write_text("\n".join(["[patches]", *lines]))
    monkeypatch.chdir(tmp_path)
    with memo.install():
        import acme_sdk

        yield acme_sdk.Client()
    sys.modules.pop("acme_sdk", None)


async def _create(client, prompt):
    client.create(prompt)  # the line that is named


async def _acreate(client, prompt):
    await client.acreate(prompt)  # the line that is named


async def _stream(client, prompt):
    async for _ in client.stream(prompt):  # the line that is named
        pass


@pytest.mark.parametrize("use", [_create, _acreate, _stream], ids=["sync", "async", "stream"])
async def test_the_line_is_that_of_the_caller_of_the_sdk(client, use):
    store = MemoryStore()
    with recording(store, mode="record"):
        await use(client, "before")
    with recording(store), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await use(client, "after")
    (one,) = caught
    assert one.category is WatchedFieldChangedWarning
    first = use.__code__.co_firstlineno
    assert (one.filename, one.lineno) == (__file__, first + 1)


def test_of_a_cell_without_a_file():
    store, namespace = MemoryStore(), {"__name__": "__main__"}
    namespace["ask"] = recordable(name="ask", watch="x")(lambda x: 1)
    with recording(store, mode="record"):
        namespace["ask"](1)
    with recording(store), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile("\n\nask(2)\n", "<cell>", "exec"), namespace)
    assert [(one.filename, one.lineno) for one in caught] == [("<cell>", 3)]
