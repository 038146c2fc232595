"""llama-stack's recordings of google-genai, replayed by the SDK's own client under memo's preset."""

import json
import re
import shutil

import pytest
from llama_stack_files import request, stream, value

import memo
from memo.importers.llama_stack import import_recordings

genai = pytest.importorskip("google.genai")
credentials = pytest.importorskip("google.auth.credentials")

BODY = {
    "model": "gemini-2.0-flash",
    "contents": [{"role": "user", "parts": [{"text": "Which planet has rings?"}]}],
    "config": {
        "system_instruction": "be brief",
        "tools": [{"function_declarations": [{"name": "look", "parameters": {"type": "OBJECT"}}]}],
        "max_output_tokens": 9,
    },
}


def answer(text, **more):
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finish_reason": "STOP"}
    headers = {"Content-Type": "application/json; charset=UTF-8", "Set-Cookie": "session=1"}
    return {"sdk_http_response": {"headers": headers}, "candidates": [candidate], "response_id": "r", **more}


def asked(path, **body):
    return request(path, server="vertexai://", **{**BODY, **body})


def client(**place):
    place = place or {"project": "project", "location": "global"}
    return genai.Client(vertexai=True, credentials=credentials.AnonymousCredentials(), **place)


def texts(chunks):
    return [chunk.text for chunk in chunks]


async def test_calls_are_replayed_to_the_sdks_client(old):
    old.write("a", asked("/generate_content"), value(answer("Saturn", automatic_function_calling_history=[])))
    old.write("b", asked("/generate_content_stream"), stream(answer("Sat"), answer("urn", model_version="v")))
    report = old.run()
    assert (report.failed, report.google) == ({}, 2)
    arguments = old.documents()["google.generate_content_stream"]["arguments"]
    path = "projects/project/locations/global/publishers/google/models/gemini-2.0-flash:streamGenerateContent"
    assert arguments["path"] == f"/v1beta1/{path}"
    assert (arguments["method"], arguments["server"]) == ("POST", "https://aiplatform.googleapis.com")
    assert arguments["body"]["systemInstruction"]["parts"] == [{"text": "be brief"}]
    with memo.install("google-genai"), memo.recording(old.dest) as recorder:
        models = client().models
        plain = models.generate_content(**BODY)
        assert (plain.text, plain.response_id) == ("Saturn", "r")
        assert plain.sdk_http_response.headers == {"Content-Type": "application/json; charset=UTF-8"}
        assert texts(models.generate_content_stream(**BODY)) == ["Sat", "urn"]
        models = client().aio.models
        assert (await models.generate_content(**BODY)).text == "Saturn"
        assert [chunk.text async for chunk in await models.generate_content_stream(**BODY)] == ["Sat", "urn"]
    assert (recorder.stats.replayed, recorder.stats.live) == (4, 0)


async def test_the_place_of_the_project_is_that_of_the_environment(old, monkeypatch):
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "ours")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west1")
    old.write("a", asked("/generate_content"), value(answer("Saturn")))
    old.run()
    with memo.install("google-genai"), memo.recording(old.dest):
        assert client(project="ours", location="europe-west1").models.generate_content(**BODY).text == "Saturn"
        with pytest.raises(memo.RecordingNotFound):
            client(project="theirs", location="europe-west1").models.generate_content(**BODY)


@pytest.mark.parametrize(
    ("body", "response", "reason"),
    [
        ({"colour": 1}, value(answer("a")), "is no request of google-genai"),
        ({"config": {"temperature": "hot"}}, value(answer("a")), "is no request of google-genai"),
        ({}, value({"candidates": 5}), "holds no answer of google-genai"),
        ({}, stream("data: {}"), "holds no answer of google-genai"),
    ],
)
def test_what_the_sdk_does_not_take_is_named(old, body, response, reason):
    old.write("a", asked("/generate_content", **body), response)
    [found] = old.run().failed.values()
    assert reason in found


def test_the_whole_corpus_is_replayed(corpus, tmp_path):
    files = sorted(file for file in corpus.rglob("*.json") if b'"/generate_content' in file.read_bytes())
    (tmp_path / "old").mkdir()
    for number, file in enumerate(files):
        shutil.copy(file, tmp_path / "old" / f"{number:03}.json")
    report = import_recordings(tmp_path / "old", tmp_path / "new")
    assert (report.failed, report.imported, report.google) == ({}, 109, 109)
    models = client().models
    with memo.install("google-genai"), memo.recording(tmp_path / "new") as recorder:
        for file in files:
            old = json.loads(file.read_bytes())
            wanted = old["response"]["body"]
            if old["response"]["is_streaming"]:
                found = [shown(chunk) for chunk in models.generate_content_stream(**old["request"]["body"])]
            else:
                found = shown(models.generate_content(**old["request"]["body"]))
            assert found == wanted, file
    assert (recorder.stats.replayed, recorder.stats.live) == (109, 0)


def shown(answer):
    return answer.model_dump(mode="json", exclude_none=True)


def test_lists_of_models_of_several_servers_stay_what_they_were(old):
    model = "openai.types.model.Model"
    for number, (server, names) in enumerate([("http://a/v1", "xy"), ("http://b/v1", "z"), ("http://a/v1", "w")]):
        made = [
            {"__type__": model, "__data__": {"id": name, "created": 1, "object": "model", "owned_by": "o"}}
            for name in names
        ]
        old.write(str(number), request("/v1/models", server=server), value(made), test=None)
    assert old.run().failed == {}
    found = {}
    for file in old.dest.rglob("*.json"):
        document = json.loads(file.read_text())
        lists = [re.findall(r'"id": ?"(.)"', json.dumps(outcome)) for outcome in document["outcomes"]]
        found[document["arguments"]["server"]] = lists
    assert found == {"http://a/v1": [["x", "y"], ["w"]], "http://b/v1": [["z"]]}
