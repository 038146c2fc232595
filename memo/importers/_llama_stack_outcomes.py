"""The outcomes that files of llama-stack record: objects and errors, as their SDKs build and raise them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from memo._calls.call import Call
from memo._calls.secrets import NO_RULES
from memo._recordings.outcome_forms import StreamWriter, error_outcome, value_outcome
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.importers._llama_stack_calls import STAINLESS, call_of, member, read
from memo.importers._llama_stack_google import google_answer
from memo.importers._llama_stack_http import http_outcome, is_http
from memo.importers.report import NotCarried

__all__ = ["Imported", "OutcomeReader"]

_PACKAGES = STAINLESS | {"google", "llama_stack", "llama_stack_api", "ogx", "ogx_api", "ollama"}
"""The packages whose objects llama-stack recorded. Nothing else that a file names is imported."""
_BUILTINS = {
    cls.__name__: cls
    for cls in (
        ConnectionError,
        KeyError,
        NotImplementedError,
        PermissionError,
        RuntimeError,
        TimeoutError,
        TypeError,
        ValueError,
    )
}
"""The exceptions that llama-stack recorded by their bare names."""


@dataclass(slots=True)
class Imported:
    """An outcome, and where it comes from."""

    path: Path
    call: Call
    test: str | None
    tree: dict[str, Any]
    objects: int
    exact: int
    """Number of objects that needed the exact form."""
    unproved: set[str]
    """Types of objects whose package is not installed."""


@dataclass(frozen=True, slots=True)
class _Unproved:
    """An object of a package that is not installed."""

    name: str
    data: Any


class OutcomeReader(Values):
    """Reads the outcome of one file: builds its objects, and counts them and their forms."""

    def __init__(self, path: Path) -> None:
        super().__init__(Types())
        self._path = path
        self._objects = self._exact = 0
        self._unproved: set[str] = set()

    def outcome(self) -> Imported:
        """Return the outcome in the file. Raises `NotCarried`."""
        document = read(self._path)
        request = member(document, "request", dict)
        test = document.get("test_id") or request.get("test_id")
        if is_http(document):
            call, tree = http_outcome(document)
            return Imported(self._path, call, test, tree, 0, 0, set())
        call = call_of(request)
        tree = orjson.loads(orjson.dumps(self._tree(call, member(document, "response", dict))))
        return Imported(self._path, call, test, tree, self._objects, self._exact, self._unproved)

    def _tree(self, call: Call, response: dict[str, Any]) -> dict[str, Any]:
        if response.get("is_exception"):
            error = _exception(member(response, "exception_data", dict), call)
            return error_outcome(error, self, NO_RULES)
        if "body" not in response:
            raise NotCarried("has no body in its response")
        body, status = response["body"], response.get("status", 200)
        if not isinstance(status, int):
            raise NotCarried(f"has the status {status!r}")
        if status >= 400:
            sdk = call.function.partition(".")[0]
            return error_outcome(
                _status_error(sdk, status, f"Error code: {status} - {body}", body, call), self, NO_RULES
            )
        built = google_answer if call.function.startswith("google.") else self._object
        if response.get("is_streaming"):
            writer = StreamWriter(self, NO_RULES)
            for item in member(response, "body", list):
                writer.add(built(item))
            return writer.outcome("complete")
        value = [built(item) for item in body] if isinstance(body, list) else built(body)
        return value_outcome(value, self, NO_RULES)

    def _object(self, item: Any) -> Any:
        """Return an item as its SDK builds it; return anything but an object as it is."""
        if not (isinstance(item, dict) and "__type__" in item and "__data__" in item):
            return item
        name, data = member(item, "__type__", str), member(item, "__data__", dict)
        module, _, cls_name = name.rpartition(".")
        package = module.partition(".")[0]
        if package not in _PACKAGES:
            raise NotCarried(f"names the type {name}, and llama-stack has no objects of that package")
        self._objects += 1
        if not _imported(module):
            return _Unproved(f"{module}:{cls_name}", data)
        cls = self.types.resolve(f"{module}:{cls_name}")
        if not (isinstance(cls, type) and issubclass(cls, BaseModel)):
            raise NotCarried(f"names the type {name}, which is not a model")
        if package in STAINLESS:
            return cls.construct(**data)  # pyright: ignore[reportDeprecated] - the SDK's own, not pydantic's
        return cls.model_validate(data)

    def encode(self, value: Any) -> Any:
        """Return the typed JSON; of an unproved object, its plain form."""
        if isinstance(value, list) and any(isinstance(item, _Unproved) for item in value):
            return [self.encode(item) for item in value]
        if isinstance(value, _Unproved):
            self._unproved.add(value.name)
            return {"__type__": value.name, "value": value.data}
        tree = super().encode(value)
        self._exact += sum("exact" in node for node in _objects(tree))
        return tree

    def decode(self, tree: Any) -> Any:
        """Return an unproved object as it is: nothing can decode it."""
        if isinstance(tree, dict) and tree.get("__type__") in self._unproved:
            return tree
        return super().decode(tree)


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Return the trees of the objects in a value: the value itself, or the items of a list."""
    if isinstance(tree, dict) and tree.get("__type__") == "list":
        tree = tree["items"]
    for item in tree if isinstance(tree, list) else [tree]:
        if isinstance(item, dict) and "__type__" in item:
            yield item


def _imported(module: str) -> bool:
    """Import a module of an SDK. Whether it is installed."""
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        return False
    return True


# Errors


def _exception(data: dict[str, Any], call: Call) -> Exception:
    """Return the exception that llama-stack recorded."""
    kind, message = member(data, "type", str), member(data, "message", str)
    if data.get("category") == "provider_sdk":
        status, sdk = member(data, "status_code", int), member(data, "provider", str)
        error = _status_error(sdk, status, message, data.get("body"), call)
        if type(error).__name__ != kind:
            raise NotCarried(f"holds a {kind} with the status {status}, which is {sdk}'s {type(error).__name__}")
        return error
    if kind in _BUILTINS:
        return _BUILTINS[kind](message)
    raise NotCarried(f"holds an exception of the type {kind}, of which it does not say where it comes from")


def _status_error(sdk: str, status: int, message: str, body: Any, call: Call) -> Exception:
    """Return the SDK's error for a status, as the SDK raises it."""
    if sdk not in STAINLESS:
        raise NotCarried(f"holds an error of {sdk}, whose errors are not known here")
    if not _imported(sdk):
        raise NotCarried(f"holds an error of {sdk}: pip install {sdk}")
    home = vars(import_module(f"{sdk}._exceptions"))
    base, http = home["APIStatusError"], home.get("httpx2") or home["httpx"]
    arguments = orjson.loads(call.arguments)
    response = http.Response(
        status,
        json=_on_the_wire(message, body),
        request=http.Request(arguments["method"], arguments["server"] + arguments["path"]),
    )
    response.headers.pop("content-length", None)  # of this body, not of the one that the old recorder saw
    by_status = {
        subclass.status_code: subclass
        for subclass in base.__subclasses__()
        if isinstance(vars(subclass).get("status_code"), int)
    }
    cls = by_status.get(status) or (home["InternalServerError"] if status >= 500 else base)
    error: Exception = cls(message, response=response, body=body)
    return error


def _on_the_wire(message: str, body: Any) -> Any:
    """Return the JSON of the answer: an error's `body` can be a part of it, and its message repeats all of it."""
    try:
        return ast.literal_eval(message.partition(" - ")[2])
    except (SyntaxError, ValueError):
        return body
