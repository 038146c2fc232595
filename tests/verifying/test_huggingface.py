"""`memo verify --live` with huggingface-hub: the JSON in its answers is compared field by field."""

from collections.abc import Callable
from pathlib import Path

import faulty_server
import pytest
from rekeying import put

import memo
from memo import recording
from memo._verifying.report import LiveReport
from memo.stores import as_store

hub = pytest.importorskip("huggingface_hub")
Verify = Callable[..., LiveReport]
MESSAGES = [{"role": "user", "content": "Which planet has rings?"}]


def test_a_changed_answer_is_compared_by_its_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verify_with: Verify
):
    server = faulty_server.FaultyServer()
    client = hub.InferenceClient(base_url=f"{server.url}/v1", api_key="k")
    with memo.install("huggingface-hub"), recording(tmp_path, mode="record"):
        client.chat_completion(MESSAGES, model="m")
        list(client.chat_completion(MESSAGES, model="m", stream=True))
    assert not verify_with(tmp_path, client).changed
    whole, chunk, *rest = faulty_server.APIS["/chat/completions"]
    changed = (
        lambda: {name: part for name, part in whole().items() if name != "usage"},
        lambda text: {**chunk(text), "more": 1},
    )
    monkeypatch.setitem(faulty_server.APIS, "/chat/completions", (*changed, *rest))
    found = {(change.tier, change.path) for made in verify_with(tmp_path, client).checked for change in made.changes}
    assert found == {("removed", "usage"), ("added", "[*].more")}
    server.stop()


@pytest.mark.parametrize(
    ("recorded", "path", "reason"),
    [
        ("http://127.0.0.1:9", "/v1/chat/completions", "and the client calls https://router.huggingface.co"),
        ("https://router.huggingface.co", "@127.0.0.1:9/v1/chat", "its path names another server"),
        ("https://router.huggingface.co", "//127.0.0.1:9/v1/chat", "its path names another server"),
    ],
)
def test_no_token_leaves_for_a_server_that_a_recording_names(
    tmp_path: Path, recorded: str, path: str, reason: str, verify_with: Verify
):
    asked = {"server": recorded, "path": path, "query": {}, "body": {"model": "m"}, "stream": False}
    put(as_store(tmp_path), "huggingface_hub.conversational", asked, "x")
    report = verify_with(tmp_path, hub.InferenceClient(api_key="hf_x"))
    assert not report.checked
    assert [left.reason for left in report.left if left.reason.endswith(reason)]


def test_no_key_of_mistral_leaves_either(tmp_path: Path, verify_with: Verify):
    client = pytest.importorskip("mistralai.client").Mistral(api_key="k")
    path = "@127.0.0.1:9/v1/chat/completions"
    asked = {"server": "https://api.mistral.ai", "method": "POST", "path": path, "query": {}, "body": {"model": "m"}}
    put(as_store(tmp_path), "mistralai.chat.completions", asked, "x")
    report = verify_with(tmp_path, client, "mistralai.*")
    assert not report.checked
    assert [left.reason for left in report.left] == ["its path names another server"]
