"""Errors are outcomes: they are replayed as what they were. What is no answer is passed on and not recorded."""

import socket
import traceback
from contextlib import nullcontext
from types import SimpleNamespace

import anyio
import pytest
import trio
import urllib3

from memo import UnkeyableArgument, recordable, recording
from memo.errors import CallsNotRecordedWarning, RecordingNotFound

pytestmark = pytest.mark.anyio


class OutOfStock(LookupError):
    made = 0

    def __init__(self, item, *, left):
        type(self).made += 1
        super().__init__(f"no {item}", left)
        self.item = item
        self.left = {"left": left}


async def test_an_error_is_replayed_as_what_it_was(tmp_path):
    @recordable
    async def buy():
        error = OutOfStock("tea", left=3)
        error.add_note("it is Sunday")
        raise error

    OutOfStock.made, raised = 0, []
    for mode in ("record", "replay", "replay"):
        with recording(tmp_path, mode=mode), pytest.raises(OutOfStock) as caught:
            await buy()
        raised.append(caught.value)
    live, *replayed = raised
    assert OutOfStock.made == 1
    for error in replayed:
        assert type(error) is OutOfStock
        assert error.args == live.args
        assert vars(error) == vars(live)
        assert error.__notes__ == ["it is Sunday"]
        assert str(error) == str(live)
    replayed[0].left["left"] = "changed"
    assert replayed[1].left == {"left": 3}


def plain(error):
    @recordable(name="fails")
    def fails():
        raise error()

    async def call():
        return fails()

    return call


def coroutine(error):
    @recordable(name="fails")
    async def fails():
        raise error()

    return fails


def awaitable(error):
    async def fails():
        raise error()

    def fails_later():
        return fails()

    return recordable(name="fails")(fails_later)


def async_generator(error):
    @recordable(name="fails")
    async def fails():
        yield 1
        raise error()

    async def call():
        return [item async for item in fails()]

    return call


def generator(error):
    @recordable(name="fails")
    def fails():
        yield 1
        raise error()

    async def call():
        return list(fails())

    return call


EVERY_KIND = pytest.mark.parametrize("kind", [plain, coroutine, awaitable, async_generator, generator])


class StatusError(Exception):
    def __init__(self, status_code):
        super().__init__(f"status {status_code}")
        self.status_code = status_code


class WithResponse(Exception):
    def __init__(self, status):
        self.response = SimpleNamespace(status=status)


class APIConnectionError(Exception):
    """As the SDKs built by Stainless name it."""


class Timeout(OSError):
    """As requests names it."""


NO_ANSWERS = {
    "connection": ConnectionError,
    "reset": ConnectionResetError,
    "refused": lambda: ConnectionRefusedError(111, "refused"),
    "timeout": TimeoutError,
    "trio's timeout": trio.TooSlowError,
    "no name": lambda: socket.gaierror(-2, "Name or service not known"),
    "SDK's connection": APIConnectionError,
    "requests' timeout": Timeout,
    "urllib3's connection": lambda: urllib3.exceptions.ProtocolError("Connection aborted."),
    "urllib3's retries": lambda: urllib3.exceptions.MaxRetryError(
        None, "/", urllib3.exceptions.ProtocolError("aborted")
    ),
    **{str(status): lambda status=status: StatusError(status) for status in (429, 500, 502, 503, 529)},
    "response 503": lambda: WithResponse(503),
}
ANSWERS = {
    "urllib3's redirects": lambda: urllib3.exceptions.MaxRetryError(
        None, "/", urllib3.exceptions.ResponseError("too many redirects")
    ),
    "value": lambda: ValueError("no"),
    "file": lambda: FileNotFoundError(2, "No such file", "x"),
    "key": lambda: KeyError("x"),
    **{str(status): lambda status=status: StatusError(status) for status in (400, 401, 404, 422)},
    "response 404": lambda: WithResponse(404),
}


async def error_of(call):
    with pytest.raises(Exception) as raised:
        await call()
    return raised.value


@EVERY_KIND
@pytest.mark.parametrize("error", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_what_is_no_answer_is_not_recorded(tmp_path, kind, error):
    with pytest.warns(CallsNotRecordedWarning), recording(tmp_path, mode="record-if-missing") as recorder:
        for _ in range(2):
            assert type(await error_of(kind(error))) is type(error())
    assert (recorder.stats.live, recorder.stats.recorded) == (2, 0)
    assert not list(tmp_path.rglob("*.json"))


@EVERY_KIND
@pytest.mark.parametrize("error", ANSWERS.values(), ids=ANSWERS)
async def test_what_is_an_answer_is_recorded(tmp_path, kind, error):
    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode) as recorder:
            raised = await error_of(kind(error))
            assert type(raised) is type(error())
            assert str(raised) == str(error())
    assert recorder.stats.replayed == 1


@pytest.mark.parametrize("error", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_all_errors_are_recorded_where_asked_for(tmp_path, error):
    for mode in ("record", "replay"):
        with recording(tmp_path / "recorder", mode=mode, errors="all") as recorder:
            assert type(await error_of(coroutine(error))) is type(error())
    assert recorder.stats.replayed == 1

    @recordable(errors="all")
    async def fails():
        raise error()

    for mode in ("record", "replay"):
        with recording(tmp_path / "function", mode=mode) as recorder:
            assert type(await error_of(fails)) is type(error())
    assert recorder.stats.replayed == 1

    @recordable(errors="answers")
    async def fails_again():
        raise error()

    with (
        pytest.warns(CallsNotRecordedWarning),
        recording(tmp_path / "neither", mode="record", errors="all") as recorder,
    ):
        await error_of(fails_again)
    assert recorder.stats.recorded == 0


@EVERY_KIND
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_what_ends_the_program_is_never_recorded(tmp_path, kind, error):
    reported = pytest.warns(CallsNotRecordedWarning)
    with reported, recording(tmp_path, mode="record-if-missing", errors="all") as recorder, pytest.raises(error):
        await kind(error)()
    assert (recorder.stats.live, recorder.stats.recorded) == (1, 0)
    assert not list(tmp_path.rglob("*.json"))


@EVERY_KIND
async def test_memos_own_errors_are_never_recorded(tmp_path, kind):
    def error():
        return RecordingNotFound(function="inner", key="k", store="s", arguments="{}")

    with recording(tmp_path, mode="record", errors="all") as recorder:
        assert type(await error_of(kind(error))) is RecordingNotFound
    assert (recorder.stats.live, recorder.stats.recorded) == (1, 0)


async def test_cancellation_is_never_recorded(tmp_path):
    @recordable
    async def forever():
        await anyio.sleep_forever()

    with (
        pytest.warns(CallsNotRecordedWarning),
        recording(tmp_path, mode="record-if-missing", errors="all") as recorder,
        anyio.fail_after(5),
    ):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(forever)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    assert (recorder.stats.live, recorder.stats.recorded) == (1, 0)
    assert not list(tmp_path.rglob("*.json"))


async def test_an_argument_without_a_key_is_an_error_before_the_call(tmp_path):
    @recordable
    async def find(messages):
        pytest.fail("was called")

    for mode in ("record", "record-if-missing", "replay"):
        with recording(tmp_path, mode=mode), pytest.raises(UnkeyableArgument) as raised:
            await find([{"content": object()}])
        assert raised.value.path == "messages[0].content"


async def test_the_traceback_begins_at_the_real_error(tmp_path):
    def deep_inside():
        raise ValueError("x")

    @recordable
    async def fails():
        deep_inside()

    with recording(tmp_path, mode="record"):
        live = await error_of(fails)
    assert "deep_inside" in [frame.name for frame in traceback.extract_tb(live.__traceback__)]
    assert live.__cause__ is None
    assert live.__context__ is None
    with recording(tmp_path, mode="replay"):
        replayed = await error_of(fails)
    assert replayed.__cause__ is None
    assert replayed.__context__ is None


# Errors of SDKs


def sdk_error(client, status):
    """An error as the SDK makes it of a response."""
    httpx2 = pytest.importorskip("httpx2")
    response = httpx2.Response(
        status,
        request=httpx2.Request("POST", "https://api.example.com/v1/chat", headers={"authorization": "Bearer sk-x"}),
        headers={"retry-after": "20", "x-request-id": "req_1", "set-cookie": "secret=1"},
        json={"error": {"message": "that went wrong", "code": "the_code", "type": "the_type", "param": "model"}},
    )
    return client._make_status_error_from_response(response)


@pytest.mark.parametrize(
    ("status", "name"), [(429, "RateLimitError"), (400, "BadRequestError"), (404, "NotFoundError")]
)
async def test_errors_of_openai(tmp_path, status, name):
    openai = pytest.importorskip("openai")

    @recordable
    async def complete():
        raise sdk_error(openai.AsyncOpenAI(api_key="sk-x"), status)

    reported = pytest.warns(CallsNotRecordedWarning, match=name) if status == 429 else nullcontext()
    with reported, recording(tmp_path, mode="record-if-missing") as recorder:
        await error_of(complete)
    assert recorder.stats.recorded == (0 if status == 429 else 1)

    with recording(tmp_path, mode="record", errors="all"):
        live = await error_of(complete)
    with recording(tmp_path, mode="replay"):
        error = await error_of(complete)
    assert type(error) is type(live) is getattr(openai, name)
    assert str(error) == str(live)
    for attribute in ("status_code", "body", "code", "type", "param", "request_id", "message"):
        assert getattr(error, attribute) == getattr(live, attribute)
    assert (error.status_code, error.code, error.request_id) == (status, "the_code", "req_1")
    assert error.response.status_code == status
    assert error.response.headers["retry-after"] == "20"
    assert error.response.json() == live.response.json()
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.json"))
    assert "sk-x" not in written
    assert "secret=1" not in written
