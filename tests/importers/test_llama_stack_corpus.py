"""The whole real corpus of llama-stack, imported: no object is lost or changed."""

import json
import subprocess
import sys

import orjson
import pytest
from llama_stack_files import ROOT
from recording_schema import invalid

from memo._calls.digest import call_key
from memo._json import canonical_json
from memo._recordings.document import parse
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.importers._llama_stack_calls import call_of
from memo.importers.llama_stack import import_recordings
from memo.stores import DirectoryStore

openai = pytest.importorskip("openai")


@pytest.fixture(scope="module")
def whole(corpus, imported):
    return corpus, *imported


def test_the_whole_corpus(whole, capsys):
    corpus, dest, report = whole
    assert report.failed == {}
    assert (report.files, report.imported, report.objects, report.masked) == (1627, 1627, 66042, [])
    assert {name: len(files) for name, files in report.not_installed.items()} == {
        "ogx_api.tools:ToolInvocationResult": 8,
        "llama_stack_api.file_processors.models:ProcessFileResponse": 1,
    }
    assert report.recordings == sum(1 for _ in dest.glob("*/*.json"))
    before, after = (sum(file.stat().st_size for file in folder.rglob("*.json")) for folder in (corpus, dest))
    with capsys.disabled():
        sys.stdout.write(f"\n{report.recordings} recordings, {report.exact} exact, {after / before:.3f} of the bytes\n")
    assert after * 3 <= before


def test_every_recording_of_the_corpus_fits_the_schema(whole):
    _, dest, _ = whole
    assert invalid(dest) == {}


def test_every_key_of_the_corpus_can_be_recomputed(whole):
    _, dest, _ = whole
    for file in dest.glob("*/*.json"):
        document = parse(file.read_bytes(), str(file)).tree()
        assert call_key(document["function"], canonical_json(document["arguments"])) == document["key"]
        assert file.stem == document["key"][:32]


def test_no_object_of_the_corpus_is_lost_or_changed(whole):
    corpus, dest, _ = whole
    store, recordings = DirectoryStore(dest), {}
    for path in sorted(corpus.rglob("*.json")):
        old = json.loads(path.read_bytes())
        if "payload" in old["request"]:
            continue  # test_http.py
        call = call_of(old["request"])
        if call.function.startswith("google."):
            continue  # its answers are what came over the wire: test_llama_stack_google replays them
        name = f"{call.function}/{call.key[:32]}"
        if name not in recordings:
            recordings[name] = forms(orjson.loads(store.get(name)))
        assert expected(old) in recordings[name], path


class Foreign(Values):
    """Leaves types that are not installed as they are."""

    def decode(self, tree):
        if isinstance(tree, dict) and str(tree.get("__type__")).startswith(("ogx_api", "llama_stack_api")):
            return tree
        return super().decode(tree)


def forms(document):
    """What each outcome of a recording says: kind, and each item with its type, its set fields and its JSON."""
    values, found = Foreign(Types()), []
    for tree in document["outcomes"]:
        if "stream" in tree:
            found.append(["stream", *map(form, values.decode({"__type__": "list", **tree["stream"]}))])
        elif "error" in tree:
            error = values.decode(tree["error"])
            found.append(["error", type(error).__name__, str(error), error.status_code, error.body])
        else:
            value = values.decode(tree["value"])
            found.append(["value", list(map(form, value)) if isinstance(value, list) else form(value)])
    return found


def expected(old):
    response = old["response"]
    body = response["body"]
    if response.get("is_exception"):
        data = response["exception_data"]
        return ["error", data["type"], data["message"], data["status_code"], data["body"]]
    if response.get("status", 200) >= 400:
        return ["error", "BadRequestError", f"Error code: {response['status']} - {body}", response["status"], body]
    if response["is_streaming"]:
        return ["stream", *map(wanted, body)]
    return ["value", list(map(wanted, body)) if isinstance(body, list) else wanted(body)]


def form(value):
    if not hasattr(value, "model_dump"):
        return value
    # The old files hold all fields, but not those that the SDK has got since.
    dumped = value.model_dump(mode="json", exclude_unset=True, warnings=False)
    return [type(value), set_fields(value), json.dumps(dumped, sort_keys=True)]


def wanted(item):
    if not (isinstance(item, dict) and "__type__" in item):
        return item
    module, _, name = item["__type__"].rpartition(".")
    if module.startswith(("ogx_api", "llama_stack_api")):
        return {"__type__": f"{module}:{name}", "value": item["__data__"]}
    cls = getattr(sys.modules[module], name)
    built = cls.construct(**item["__data__"]) if module.startswith("openai") else cls.model_validate(item["__data__"])
    return [cls, set_fields(built), json.dumps(item["__data__"], sort_keys=True)]


def set_fields(value):
    """The set fields of a model and of all that it holds, in order."""
    if isinstance(value, list):
        return [set_fields(each) for each in value]
    if not hasattr(value, "model_fields_set"):
        return None
    return [sorted(value.model_fields_set), *(set_fields(each) for each in vars(value).values())]


def test_the_recordings_of_this_repository_are_what_the_import_writes(corpus, tmp_path):
    listed = (ROOT / "recordings" / "README.md").read_text(encoding="utf-8")
    sources = [line.split("`")[-2] for line in listed.splitlines() if line.startswith("| `")]
    assert len(sources) == 5
    for source in sources:
        (path,) = corpus.glob(f"dev/{source.replace('….json', '*.json')}")
        import_recordings(path, tmp_path)
    written = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.glob("*/*.json")}
    shipped = ROOT / "recordings"
    assert written == {str(file.relative_to(shipped)): file.read_bytes() for file in shipped.glob("*/*.json")}
    for line in listed.splitlines():
        if line.startswith("| `"):
            assert any(name.startswith(line.split("`")[1].replace("….json", "")) for name in written)


def test_the_example_next_to_them_runs():
    readme = (ROOT / "recordings" / "README.md").read_text(encoding="utf-8")
    program = readme.split("```python\n")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Python 3.12" in done.stdout
