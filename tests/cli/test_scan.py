"""`memo scan`: what is found is shown without being shown, and masked."""

import random
import string
import sys

import pytest

GITLAB = "glpat-" + "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=20))  # no real one


@pytest.fixture(autouse=True)
def ready(detectors, monkeypatch):
    """What the rules are compiled to is in a cache."""


@pytest.fixture
def store(write, tmp_path):
    write("app.f", {"value": {"text": f"here is {GITLAB} for you"}}, x=1)
    write("app.f", {"value": "nothing"}, x=2)
    return tmp_path / "store"


def test_nothing_to_be_found(memo, write, tmp_path):
    write("app.f", {"value": "nothing"})
    done = memo("scan", tmp_path / "store")
    assert done.out.startswith("0 secrets in 0 of 1 recording (")
    assert done.err == ""


def test_what_is_found(memo, store):
    done = memo("scan", store, code=1)
    found, told = done.out.splitlines()
    assert found.split(".json: ")[1] == "outcomes[0].value.text: memo, betterleaks.gitlab-pat: here is <secret> for you"
    assert told.startswith("1 secret in 1 of 2 recordings (")
    assert GITLAB[8:14] not in done.out + done.err


def test_as_json(memo, store):
    tree = memo("scan", store, "--json", code=1).json
    (secret,) = tree["secrets"]
    assert (secret["path"], secret["excerpt"]) == ("outcomes[0].value.text", "here is <secret> for you")
    assert (tree["recordings"], tree["masked"], tree["damaged"]) == (2, 0, [])
    tree = memo("scan", store, "--json", "--mask").json
    assert (tree["masked"], tree["left"]) == (1, [])


def test_masked(memo, store):
    done = memo("scan", store, "--mask")
    assert "masked them in 1 recording" in done.out
    assert GITLAB not in "".join(path.read_text() for path in store.rglob("*.json"))
    memo("scan", store)
    memo("ls", store)


def test_a_secret_in_a_call(memo, write, tmp_path):
    old = write("app.f", prompt=f"use {GITLAB}")
    done = memo("scan", tmp_path / "store", "--mask")
    assert old.name in done.out
    assert "replay finds it if the call no longer contains the secret" in done.out
    assert not old.exists()


def test_without_kingfisher(memo, store, monkeypatch):
    monkeypatch.setitem(sys.modules, "kingfisher_sdk", None)
    done = memo("scan", store, code=2)
    assert "pip install 'memo-recorder[scan]'" in done.err
    assert done.out == ""


def test_damaged_stores(memo, damaged):
    store, says = damaged
    half = next(path for path in store.rglob("0*.json"))
    half.write_text(f'{{"memo": 1, "outcomes": ["{GITLAB} ')
    before = sorted(store.rglob("*"))
    done = memo("scan", store, code=1)
    assert all(f"{name}: " in done.err for name in says)
    assert "betterleaks.gitlab-pat: " in done.out
    assert GITLAB not in done.out + done.err
    memo("scan", store, "--mask", code=1)
    assert len(memo("scan", store, "--mask", "--json", code=1).json["damaged"]) == len(says)
    assert sorted(store.rglob("*")) == before
