"""Every method of ollama: what is recorded equals the live call, and what is replayed equals both."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ollama
import pytest
from answering import Answering
from samples import NoSample, answer, argument, hints
from uses import a
from walking import same, settled

import memo

pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(ollama|httpx|httpcore):ResourceWarning")

Call = Callable[[], Any]
JSON = [("content-type", "application/json")]


def needed(method: Any, **more: Any) -> dict[str, Any]:
    """The arguments that a method needs, and those without which it does nothing."""
    known = hints(method)
    parameters = inspect.signature(method).parameters.items()
    return {
        name: argument(known.get(name, str))
        for name, each in parameters
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    } | {name: value for name, value in more.items() if name in dict(parameters)}


async def walked(calls: dict[str, Call], failed: Callable[[], int] = lambda: 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, call in calls.items():
        before = failed()
        try:
            result = await settled(await a(call()))
        except NoSample as error:
            result = ("no sample", repr(error))
        except Exception as error:  # an error is what the method gives
            result = ("raised", type(error).__name__, str(error)[:200])
        found[name] = result if failed() == before else ("not recorded", result)
    return found


async def compared(
    preset: str, server: Answering, calls: Callable[[bool], dict[str, Call]], folder: Path
) -> dict[str, Any]:
    with memo.install(preset):
        live = await walked(calls(True))
        with memo.recording(folder, mode="record", errors="all") as rec:
            recorded = await walked(calls(True), lambda: len(rec.failures))
        server.stop()
        with memo.recording(folder) as replay:
            replayed = await walked(calls(False))
    given = {
        name: result
        for name, result in live.items()
        if not (type(result) is tuple and result[0] in ("raised", "no sample"))
    }
    assert [name for name in given if not same(live[name], recorded[name])] == []
    assert [name for name in given if not same(live[name], replayed[name])] == []
    assert replay.stats.replayed == rec.stats.live > 0
    return given


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering() as made:
        yield made


@pytest.mark.parametrize("kind", ["AsyncClient", "Client"])
async def test_ollama(kind: str, server: Answering, tmp_path: Path):
    base: Any = getattr(ollama, kind)

    class Telling(base):  # type: ignore[misc, valid-type]
        def _request(self, cls: Any, *args: Any, stream: bool = False, **more: Any) -> Any:
            item = json.dumps(answer(cls)).encode()
            server.answer(b"\n".join([item] * 3) if stream else item, JSON)
            return super()._request(cls, *args, stream=stream, **more)

    clients = {True: Telling(host=server.url), False: base(host=server.url)}
    blob = tmp_path / "blob"
    blob.write_bytes(b"content")

    def calls(telling: bool) -> dict[str, Call]:
        client, found = clients[telling], dict[str, Call]()
        for name, method in inspect.getmembers(client, inspect.ismethod):
            if name.startswith("_") or name in ("close", "web_search", "web_fetch"):
                continue  # the web's are at another server, with a key
            more = (
                {"model": "m", "path": str(blob), "from_": "m"}
                if name == "create_blob"
                else {"model": "m", "from_": "m"}
            )
            found[name] = lambda method=method, more=more: method(**needed(method, **more))
            if "stream" in inspect.signature(method).parameters:
                found[f"{name} streamed"] = lambda method=method, more=more: method(
                    **needed(method, **more), stream=True
                )
        return found

    live = await compared("ollama", server, calls, tmp_path / "store")
    assert len(live) >= 17, "a method of ollama is not walked"
    for client in clients.values():
        await a(client.close())
