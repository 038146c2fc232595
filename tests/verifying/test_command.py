"""`memo verify --live`: what is called and what is not, what is shown, and when it fails."""

import importlib
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import openai
import pytest
from changing_server import ChangingServer

from memo import install, recording
from memo.cli import main
from memo.maintenance.pending import all_pending
from memo.stores import as_store

Verify = Callable[..., Any]
OWN = ("--include", "liveapp.forecast", "--include", "liveapp.count")


def test_unchanged_calls_are_no_alarm_and_nothing_is_written(server: ChangingServer, store: Path, verify: Verify):
    before = {path: path.read_bytes() for path in store.rglob("*.json")}
    found = verify("--json", *OWN)
    assert found["left"] == []
    assert (found["checked"], found["fails"], found["complete"]) == (12, False, True)
    assert found["tiers"] == {"value": 10}
    assert {path: path.read_bytes() for path in store.rglob("*.json")} == before
    assert {authorization for name, authorization, _ in server.seen if name == "chat"} == {"Bearer sk-mine"}


def test_functions_of_ones_own_are_called_only_if_they_are_named(app: ModuleType, verify: Verify):
    app.CALLS.clear()
    found = verify("--json", "--function", "liveapp.*", code=1)
    assert not app.CALLS
    assert {(left["function"], left["fix"]) for left in found["left"]} == {
        ("liveapp.forecast", "--include liveapp.forecast"),
        ("liveapp.count", "--include liveapp.count"),
    }
    verify("--function", "liveapp.*", *OWN)
    assert app.CALLS == [(app.City(name="Paris"), 3)]


def test_what_breaks_code_fails_as_asked_for(app: ModuleType, verify: Verify, monkeypatch: Any):
    monkeypatch.setattr(app, "ANSWER", {"id": "b", "score": 0.501, "more": 1})
    options = ("--function", "liveapp.forecast", "--include", "liveapp.*")
    out = verify(*options, code=1)
    assert 'removed (1 call, fails):\n  liveapp.forecast\n    tags: removed ["x"]\n    in ' in out
    assert "added (1 call):\n  liveapp.forecast\n    more: added 1\n" in out
    assert "score: 0.5 → 0.501" in out
    verify(*options, "--fail-on", "type,error")
    verify(*options, "--fail-on", "none")
    verify(*options, "--ignore", "tags")
    verify(*options, "--fail-on", "added", code=1)
    assert "score" not in verify(*options, "--tolerance", "0.01", code=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fail-on", "remved"), "did you mean 'removed'?"),
        (("--function", "openai.chat.completion"), "did you mean 'openai.chat.completions'?"),
        (("--include", "liveapp.forcast"), "did you mean 'liveapp.forecast'?"),
        (("--sample", "ten"), "--sample='ten' is invalid"),
        (("--ignore", "usage["), "--ignore='usage['"),
        (("--trust", "no_such_module"), "--trust='no_such_module'"),
        (("--client", "json:nothing"), "--client='json:nothing'"),
        (("--function", "liveapp.forecast"), "to make the call: --include liveapp.forecast"),
    ],
)
def test_bad_input_is_refused_before_any_call(server: ChangingServer, verify: Verify, options: Any, said: str):
    assert said in verify(*options, code=2)
    assert not server.seen


def test_options_of_live_are_refused_without_it(store: Path, capsys: Any):
    assert main(["verify", str(store), "--max-calls", "3"]) == 2
    assert "--max-calls=3 is invalid" in capsys.readouterr().err


def test_a_client_is_never_pointed_to_the_server_of_a_recording(
    server: ChangingServer, store: Path, verify: Verify, monkeypatch: Any
):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    found = verify("--json", "--function", "openai.*", code=1)
    assert not server.seen
    assert {left["reason"] for left in found["left"]} == {
        f"it was recorded from {server.url}/v1, and the client calls http://127.0.0.1:9/v1"
    }
    assert {left["fix"] for left in found["left"]} == {f"OPENAI_BASE_URL={server.url}/v1"}


def test_a_client_of_the_users_is_called(server: ChangingServer, app: ModuleType, verify: Verify, monkeypatch: Any):
    monkeypatch.delenv("OPENAI_API_KEY")
    found = verify("--json", "--function", "openai.mod*", code=1)
    assert "OPENAI_API_KEY" in found["left"][0]["reason"]
    made = openai.OpenAI(api_key="k2", base_url=f"{server.url}/v1")
    monkeypatch.setattr(app, "client", made, raising=False)
    verify("--function", "openai.models", "--client", "liveapp:client")
    assert [authorization for _, authorization, _ in server.seen] == ["Bearer k2"]
    made.close()


def test_requests_with_effects_methods_and_credentials_are_left_out(
    server: ChangingServer, app: ModuleType, tmp_path: Path, verify: Verify
):
    with install("openai"), recording(tmp_path / "other", mode="record"):
        with openai.OpenAI() as client:
            client.files.delete("f1")
        app.Tool().use("x")
        app.login(api_key="sk-abcdefghijklmnopqrstuvwxyz123456")
    found = verify("--json", "--include", "liveapp.*", place=tmp_path / "other", code=1)
    assert {left["function"]: left["reason"] for left in found["left"]} == {
        "liveapp.Tool.use": "it is a method, whose object is not in the recording",
        "liveapp.login": "its argument api_key is not in the recording",
        "openai.files": "it may have effects",
    }
    server.seen.clear()
    verify("--function", "openai.*", "--include", "openai.files*", place=tmp_path / "other")
    assert [name for name, _, _ in server.seen] == ["deleted"]


def test_a_sample_and_the_first_calls_are_the_same_each_time(server: ChangingServer, verify: Verify):
    one, other = (verify("--json", "--sample", "40%") for _ in range(2))
    assert 0 < one["checked"] == other["checked"] < 10
    found = verify("--json", "--max-calls", "2", "--function", "openai.*")
    assert found["checked"] == 2
    assert sum(left["calls"] for left in found["left"]) == 4


def test_calls_end_where_they_cost_too_much(verify: Verify):
    options = ("--function", "openai.emb*", "--function", "openai.chat*", "--max-cost", "0.00001")
    prices = ("--price", "gpt-4o=1,1", "--price", "e=1,1", "--price", "gone=0,0")
    found = verify("--json", *options, *prices)
    beyond = sum(left["calls"] for left in found["left"] if left["reason"] == "it is beyond --max-cost")
    assert 0 < found["checked"] < 5
    assert found["checked"] + beyond == 5
    assert "--price='gpt-4o' is invalid" in verify(*options, "--price", "gpt-4o", code=2)
    assert "prices={} is invalid" in verify(*options, code=2)


def test_what_has_changed_is_put_aside(server: ChangingServer, store: Path, verify: Verify, tmp_path: Path):
    import shutil

    place = shutil.copytree(store, tmp_path / "copied")
    before = {path: path.read_bytes() for path in place.rglob("*.json")}
    server.change("embeddings", lambda tree: tree["usage"].pop("prompt_tokens") and None)
    server.change("messages", lambda tree: {"error": {"type": "overloaded_error", "message": "busy"}}, 422)
    out = verify("--pending", place=place, code=1)
    assert "1 recording put aside: memo review" in out
    assert {path: path.read_bytes() for path in before} == before
    assert [pending.function for pending in all_pending(as_store(place))] == ["openai.embeddings"]
    assert "1 recording not put aside: an error came in place of the answer" in out


def test_what_is_not_put_aside_is_reported(store: Path, verify: Verify, tmp_path: Path):
    import shutil

    place = shutil.copytree(store, tmp_path / "copied")
    options = ("--function", "openai.chat*", "--pending")
    out = verify(*options, place=place)
    said = "not put aside: they differ in value only (--fail-on value puts them aside, too)"
    assert said in out
    assert "put aside: memo review" not in out
    assert not list(all_pending(as_store(place)))
    out = verify(*options, "--fail-on", "value", place=place, code=1)
    assert said not in out
    assert "recordings put aside: memo review" in out
    assert said not in verify("--function", "openai.chat*", place=place)


@pytest.mark.parametrize("name", ["http.127.0.0.1", "http.api.example.com", "claude_agent_sdk.query"])
@pytest.mark.parametrize("options", [(), ("--include", "{}"), ("--include", "{}", "--trust", "liveapp")])
def test_requests_that_only_tests_make_again_say_so(
    verify: Verify, tmp_path: Path, name: str, options: tuple[str, ...]
):
    from rekeying import put

    put(as_store(tmp_path / "http"), name, {"method": "GET", "path": "/", "server": f"https://{name}"}, "x")
    given = [option.format(name) for option in options]
    out = verify(*given, place=tmp_path / "http", code=2 if given else 1)
    assert "pytest --memo-mode=verify" in out
    assert "--include http" not in out
    assert "--trust http" not in out


def test_a_function_that_is_gone_is_no_reason_to_trust_its_package_again(verify: Verify, tmp_path: Path):
    from rekeying import put

    put(as_store(tmp_path / "gone"), "liveapp.gone", {}, "x")
    out = verify("--include", "liveapp.*", "--trust", "liveapp", place=tmp_path / "gone", code=1)
    assert "1 of liveapp.gone: liveapp has no recordable function of that name\n" in out
    assert "--trust" not in out


def test_an_interruption_keeps_the_report(server: ChangingServer, verify: Verify):
    calls = iter([None, None, KeyboardInterrupt()])

    def stop(tree: Any) -> None:
        if isinstance(next(calls), KeyboardInterrupt):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    for name in ("chat", "chat stream", "embeddings", "models", "not found"):
        server.change(name, stop)
    found = verify("--json", "--function", "openai.*", code=130)
    assert (found["complete"], 0 < found["checked"] < 6) == (False, True)


def test_an_async_client_of_the_users_is_called(server: ChangingServer, app: ModuleType, verify: Verify):
    closing = {"connection": "close"}  # or the connection would be left open with the loop
    app.make = lambda: openai.AsyncOpenAI(api_key="k3", base_url=f"{server.url}/v1", default_headers=closing)
    found = verify("--json", "--function", "openai.*", "--client", "liveapp:make")
    assert (found["checked"], found["left"]) == (6, [])
    assert {authorization for _, authorization, _ in server.seen} == {"Bearer k3"}


def test_a_path_to_ignore_that_no_recording_has_is_reported(server: ChangingServer, verify: Verify):
    server.change("chat", lambda tree: tree.update(cost=1.0))
    options = ("--function", "openai.chat*", "--ignore", "usage", "--ignore", "usage.total_tokenz", "--ignore", "cost")
    out = verify(*options, "--fail-on", "none")
    assert "--ignore usage.total_tokenz: no recording has this place; the nearest is usage.total_tokens\n" in out
    assert "--ignore usage:" not in out
    assert "--ignore cost:" not in out  # it left out a field that is new
    found = verify("--json", *options, "--fail-on", "none", "--ignore", "zzz")
    assert found["ignored_nothing"] == {"usage.total_tokenz": "usage.total_tokens", "zzz": ""}


@pytest.mark.parametrize(
    "path", ["[*].choices[*].delta", "[*]", "error.body.message", "choices[0].message", 'choices[*]["message"]']
)
def test_places_in_streams_and_errors_are_known(server: ChangingServer, verify: Verify, path: str):
    assert verify("--json", "--function", "openai.*", "--ignore", path)["ignored_nothing"] == {}


IDS = """
import time
from uuid import uuid4
from memo import recordable

@recordable(name="idsapp.ask")
def ask(number):
    return {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "text": f"{number if number else uuid4()}"}
"""


def test_calls_that_differ_in_ids_and_times_alone_are_counted_by_themselves(verify: Verify, tmp_path: Path):
    (tmp_path / "idsapp.py").write_text(IDS)
    sys.path.insert(0, str(tmp_path))
    idsapp = importlib.import_module("idsapp")

    with recording(tmp_path / "ids", mode="record"):
        for number in range(3):
            idsapp.ask(number)
    out = verify("--include", "idsapp.*", place=tmp_path / "ids")
    assert "0 as recorded and 2 but for ids and times, 1 changed\nvalue (1 call):\n" in out
    assert "    text: " in out
    assert "chatcmpl-" not in out
    out = verify("--include", "idsapp.*", "--fail-on", "value", place=tmp_path / "ids", code=1)
    assert "value (3 calls, fails):" in out
    assert "chatcmpl-" in out
    assert verify("--include", "idsapp.*", "--json", place=tmp_path / "ids")["but_for_ids_and_times"] == 2
