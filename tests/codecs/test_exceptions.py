"""Exceptions: type, args, notes and attributes, rebuilt without running `__init__`."""

import threading

import pytest
from pydantic import BaseModel, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from memo.codecs import dumps, loads
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import UnrecordableValue


class Keyword(Exception):
    def __init__(self, message, *, status, detail=None):
        super().__init__(message)
        self.status, self.detail = status, detail


class Shadow(Exception):
    code = property(lambda self: self.__dict__["code"] * 2)

    def __setattr__(self, name, value):
        raise TypeError(name)


class FileShadow(OSError):
    filename = property(lambda self: "shadowed")


class Slotted(Exception):
    __slots__ = ("__mine", "x")


class Model(BaseModel):
    a: int
    b: list[int] = []

    @field_validator("a")
    @classmethod
    def check(cls, value):
        if value == 1:
            raise ValueError("not one")
        if value == 2:
            raise PydanticCustomError("odd_thing", "is {what}", {"what": "odd"})
        assert value != 3, "three"
        return value


def raised(act):
    try:
        act()
    except Exception as error:
        return error


def made(cls, *args, **attributes):
    error = cls(*args)
    error.__dict__.update(attributes)
    return error


def slotted():
    error = Slotted("a")
    error.x = None
    error._Slotted__mine = (1,)
    return error


ERRORS = [
    ValueError(), ValueError("a", 1, (2,)), KeyError("k"), OSError(2, "No such file", "name"), OSError(2, "a", "b", None, "c"), OSError("only text"),
    raised(lambda: open("/no/such/file")), raised(lambda: b"\xff".decode()), UnicodeEncodeError("ascii", "\ud800", 0, 1, "no"), StopIteration(5), StopAsyncIteration(1),
    SystemExit(3), SystemExit(), KeyboardInterrupt(), ImportError("a", name="n", path="p"), raised(lambda: compile("1 +", "f", "exec")), raised(lambda: {}["x"]),
    ExceptionGroup("g", [ValueError(1), ExceptionGroup("h", (KeyError("k"),))]), BaseExceptionGroup("g", [SystemExit(1)]),
    Keyword("m", status=4, detail={"a": (1,)}), made(Shadow, "x", code=2), FileShadow(2, "a", "f"), made(ValueError, "x", more=[Model(a=0)]), slotted(), TimeoutError(), RecursionError("x"),
]  # fmt: skip


@pytest.mark.parametrize("noted", [False, True])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_comes_back_identical(error, noted, back, identical):
    if noted and not isinstance(error, Shadow):
        error.add_note("a note")
    back(error)
    back({"errors": [error, (error,)]})
    values = Values(Types())
    got = values.decode(values.encode_error(error))
    assert identical(got, error)
    assert str(got) == str(error)
    assert getattr(got, "__notes__", None) == getattr(error, "__notes__", None)


def test_the_members_of_a_group_are_its_args(back):
    got = back(ExceptionGroup("g", [ValueError(1)]))
    assert got.exceptions[0] is got.args[1][0]


@pytest.mark.parametrize("data", [{}, {"a": "x", "b": 5}, {"a": 1, "b": ["x"]}, {"a": 2}, {"a": 3}], ids=repr)
def test_a_validation_error_says_the_same(data):
    error = raised(lambda: Model.model_validate(data))
    error.add_note("n")
    values = Values(Types())
    got = values.decode(values.encode_error(error))
    assert type(got) is ValidationError
    assert str(got) == f"{error}"
    assert repr(got.errors()) == repr(error.errors())
    assert got.__notes__ == ["n"]


def test_what_has_no_form_is_left_out_of_an_error_and_named():
    error = Keyword("m", status=1)
    error.lock = threading.Lock()
    error.cause = made(ValueError, "inner", lock=error.lock)
    values = Values(Types())
    tree = values.encode_error(error)
    assert tree["left_out"] == ["lock"]
    got = values.decode(tree)
    assert got.status == 1
    assert not hasattr(got, "lock")
    assert type(got.cause) is ValueError


def test_but_not_out_of_a_value():
    error = Keyword("m", status=1)
    error.lock = threading.Lock()
    with pytest.raises(UnrecordableValue, match="not come back equal"):
        dumps(error)


def test_an_error_whose_args_have_no_form_is_refused():
    with pytest.raises(UnrecordableValue) as caught:
        Values(Types()).encode_error(ValueError("a", threading.Lock()))
    assert caught.value.path == ".args[1]"


class Raises(Exception):
    def __new__(cls, *args):
        raise RuntimeError("__new__ ran")


def test_no_code_of_the_class_runs():
    assert type(loads(b'{"__type__": "%s:Raises", "args": [1]}' % Raises.__module__.encode())) is Raises


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_response_keeps_what_may_be_kept(library):
    http = pytest.importorskip(library)
    request = http.Request("POST", "https://user:hunter2@host/p?api_key=hunter2&page=2&x-token=hunter2#hunter2",
                           headers={"authorization": "Bearer hunter2"}, json={"hunter2": 1})  # fmt: skip
    headers = {"content-type": "application/json", "Retry-After": "7", "x-request-id": "r", "x-ratelimit-limit-tokens": "9",
               "set-cookie": "hunter2", "openai-organization": "hunter2", "x-api-key": "hunter2", "x-forwarded-set-cookie": "hunter2"}  # fmt: skip
    data = dumps(http.Response(429, headers=headers, json={"error": "é"}, request=request))
    assert b"hunter2" not in data
    got, again = loads(data), loads(data)
    assert type(got) is http.Response
    assert got is not again
    assert (got.status_code, got.json(), got.headers["retry-after"]) == (429, {"error": "é"}, "7")
    assert (got.headers["x-ratelimit-limit-tokens"], got.request.method) == ("9", "POST")
    assert str(got.request.url) == "https://host/p?page=2"
    assert got.elapsed.total_seconds() == 0
    assert dumps(got) == data
    assert str(loads(dumps(request)).url) == "https://host/p?page=2"


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_response_without_request_or_with_a_body_of_bytes_or_unread(library):
    http = pytest.importorskip(library)
    assert loads(dumps(http.Response(200, content=b"\xff\x00"))).content == b"\xff\x00"
    assert loads(dumps(http.Response(204))).content == b""
    unread = loads(dumps(http.Response(200, content=iter([b"a"]))))
    assert unread.status_code == 200
    with pytest.raises(http.ResponseNotRead):
        _ = unread.content
    latin = http.Response(200, content="é".encode("latin-1"), headers={"content-type": "text/plain; charset=latin-1"})
    assert loads(dumps(latin)).text == "é"


def test_an_sdks_status_error_keeps_what_callers_read():
    openai = pytest.importorskip("openai")
    http = pytest.importorskip(openai.APIStatusError.__init__.__globals__.get("httpx2", openai).__name__)
    if http is openai:
        http = pytest.importorskip("httpx")
    client = openai.OpenAI(api_key="sk-hunter2", base_url="https://api.example/v1")
    body = {
        "error": {
            "message": "too long",
            "code": "context_length_exceeded",
            "param": "messages",
            "type": "invalid_request_error",
        }
    }
    request = http.Request("POST", "https://api.example/v1/chat", headers={"Authorization": "Bearer sk-hunter2"})
    response = http.Response(400, json=body, headers={"x-request-id": "req_1", "retry-after": "3"}, request=request)
    error = client._make_status_error_from_response(response)
    client.close()
    assert type(error) is openai.BadRequestError
    values = Values(Types())
    tree = values.encode_error(error)
    assert "hunter2" not in str(tree)
    assert "left_out" not in tree
    got = values.decode(tree)
    assert type(got) is openai.BadRequestError
    assert str(got) == str(error)
    for name in ("status_code", "body", "code", "param", "type", "request_id", "message"):
        assert getattr(got, name) == getattr(error, name), name
    assert got.response.headers["retry-after"] == "3"
    assert got.response.json() == body
    assert got.request.method == "POST"
