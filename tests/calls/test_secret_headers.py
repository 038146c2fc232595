"""Headers in the forms that servers and HTTP clients have them in: names and values of bytes, and schemes before a credential."""

import pytest

from memo import Recorder, recordable, recording

pytestmark = pytest.mark.anyio

HEADERS = {
    "raw pairs": lambda secret: [(b"host", b"example"), (b"x-api-key", secret.encode())],
    "raw pairs under a name": lambda secret: {"headers": [(b"cookie", b"session=" + secret.encode())]},
    "raw lists": lambda secret: {"scope": {"headers": [[b"authorization", b"Basic " + secret.encode()]]}},
    "a mapping of bytes": lambda secret: {b"authorization": b"Token " + secret.encode()},
    "bytes and text": lambda secret: {b"password": secret},
    "pairs with a scheme": lambda secret: [("authorization", "Basic " + secret)],
    "auth with a scheme": lambda secret: {"auth": "Basic " + secret + "dXNlcjpwYXNz"},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_a_credential_in_headers_is_written_nowhere(tmp_path, headers):
    @recordable
    async def ask(headers):
        return headers

    with recording(tmp_path, mode="record"):
        await ask(headers("hunter2pass"))
    (file,) = tmp_path.rglob("*.json")
    assert "hunter2" not in file.read_text(encoding="utf-8")
    with recording(tmp_path, mode="replay") as recorder:
        await ask(headers("another4word"))
    assert recorder.stats.replayed == 1


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_a_memoizer_distinguishes_credentials(tmp_path, headers):
    recorder = Recorder(tmp_path, mode="record-if-missing")
    asked = []

    @recorder.recordable
    async def ask(headers):
        asked.append(headers)
        return len(asked)

    answers = [await ask(headers(secret)) for secret in ("hunter2pass", "another4word", "hunter2pass")]
    assert answers == [1, 2, 1]
    assert all("hunter2" not in file.read_text(encoding="utf-8") for file in tmp_path.rglob("*.json"))


async def test_pairs_of_bytes_that_are_no_headers_count(tmp_path):
    @recordable
    async def ask(pairs):
        return 1

    with recording(tmp_path, mode="record"):
        for pairs in (
            [(b"authorization", b"required")],
            [(b"authorization", b"optional")],
            [(b"q", b"a")],
            [(b"q", b"b")],
        ):
            await ask(pairs)
    assert len([*tmp_path.rglob("*.json")]) == 4
