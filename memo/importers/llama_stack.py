"""Import the recordings of llama-stack (now ogx).

Each file holds one request and its outcome, keyed per test. The imported call is what the SDK's own client sends:

    function    the SDK and the fixed words of the path: openai.chat.completions, openai.embeddings, openai.models,
                ollama.ps, anthropic.messages, google.generate_content_stream; <provider>.invoke_tool for tools,
                <provider>.<api> for the rest (pypdf.file_processors)
    arguments   of a request always these five, of a tool `tool_name` and `kwargs`:
      method    in upper case, and the real one: GET for lists (the files have POST for everything)
      path      what the client adds to its base URL: /chat/completions
      query     the query of the URL, `extra_query` included; {} if there is none
      body      the JSON that is sent, `extra_body` merged into it; null for a GET
      server    the client's base URL, without a slash at its end: https://api.openai.com/v1

So `AsyncOpenAI(base_url=server).chat.completions.create(**body)` is the imported call. (The files' `url` is the base URL
and an `endpoint` that starts with /v1, often a second one.) Headers, time-outs, the SDK's version and
`id_normalization_mapping` are no part of a call and are not imported.

Objects are built as their SDK builds them and proved like any other. An object of a package that is not installed is written
as it is, under its type's name, unproved. A list of models is a list; an exception, or a status from 400 on, is an error with
the SDK's class, whose response holds the status and the body. The files do not say when and how fast they were recorded:
`recorded_at` is the time of the file, and `seconds` is left out.

The outcomes of identical calls share one recording, in the order of the files' paths, each with its test if that differs
from the first one's.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel

from memo._calls.call import Call
from memo._calls.secrets import NO_RULES
from memo._recordings.outcomes import StreamWriter, error_outcome, value_outcome
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import InvalidOption
from memo.importers._merging import merge
from memo.importers.report import NotCarried, Report, carrying
from memo.stores import Store, as_store

__all__ = ["LlamaStackReport", "import_recordings"]

_T = TypeVar("_T")

_STAINLESS = frozenset({"anthropic", "llama_stack_client", "ogx_client", "openai"})
"""SDKs that build their objects without validation."""
_PACKAGES = _STAINLESS | {"google", "llama_stack", "llama_stack_api", "ogx", "ogx_api", "ollama"}
"""The packages whose objects llama-stack recorded. Nothing else that a file names is imported."""
_LISTS = frozenset({"/api/ps", "/api/tags", "/v1/models"})
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
class LlamaStackReport(Report):
    """The result of an import of llama-stack's recordings."""

    objects: int = 0
    exact: int = 0
    """Number of objects that needed the exact form."""
    not_installed: dict[str, list[str]] = field(default_factory=dict)
    """Types whose package is not installed, and the files that hold such objects, written unproved."""

    def counts(self) -> dict[str, Any]:
        """Return the report as JSON: numbers, and lists of names."""
        return Report.counts(self) | {
            "objects": self.objects,
            "exact": self.exact,
            "not_installed": sum(map(len, self.not_installed.values())),
            "not_installed_types": self.not_installed,
        }


def import_recordings(
    source: Path, store: Store | str | Path, progress: Callable[[int, int], None] = lambda done, files: None
) -> LlamaStackReport:
    """Import a file, or all `*.json` below a directory, into a store.

    What cannot be carried over is named in the report and stops nothing else. A recording that is there already keeps
    its outcomes, and those that it lacks come after them: importing again changes nothing, and a damaged or foreign file
    is left as it is and named. Raises `InvalidOption` if there is nothing to import, `StoreError` if the store fails.
    `progress` is told how many of the files are done. Memory holds the outcomes of one call at a time.
    """
    paths = sorted(source.rglob("*.json")) if source.is_dir() else [source]
    if not paths or not paths[0].exists():
        raise InvalidOption("source", str(source), ["a recording of llama-stack", "a directory that holds some"])
    into = as_store(store)
    report = LlamaStackReport(files=len(paths))
    calls: dict[str, list[Path]] = {}
    for path in paths:
        with carrying(report, str(path)):
            document = _read(path)
            if "memo" in document:
                report.files -= 1
                continue
            calls.setdefault(_call(_member(document, "request", dict)).key, []).append(path)
    done = len(report.failed)
    for files in calls.values():
        imported: list[_Imported] = []
        for path in files:
            with carrying(report, str(path)):
                imported.append(_Importing(path).outcome(report))
            done += 1
            progress(done, report.files)
        if imported:
            with carrying(report, *(str(outcome.path) for outcome in imported)):
                written = min(outcome.path.stat().st_mtime for outcome in imported)
                merge(imported[0].call, [outcome.tree | {"test": outcome.test} for outcome in imported], into, written)
                report.recordings += 1
                report.imported += len(imported)
    return report


def _read(path: Path) -> dict[str, Any]:
    try:
        # Not orjson: it would round integers of more than 64 bits.
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise NotCarried(f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise NotCarried(f"is no JSON ({error})") from None
    if not isinstance(document, dict):
        raise NotCarried("is JSON, but no recording of llama-stack")
    return document


def _member(tree: dict[str, Any], name: str, kind: type[_T]) -> _T:
    found = tree.get(name)
    if not isinstance(found, kind):
        raise NotCarried(f"has no {name}" if found is None else f"has a {name} that is a {type(found).__name__}")
    return found


# The call


def _call(request: dict[str, Any]) -> Call:
    if "url" in request:
        return _request_call(request)
    provider = _member(request, "provider", str)
    if "tool_name" in request:
        tool = {"tool_name": _member(request, "tool_name", str), "kwargs": _member(request, "kwargs", dict)}
        return Call.of(f"{provider}.invoke_tool", tool)
    rest = {name: value for name, value in request.items() if name not in ("api", "provider", "test_id")}
    return Call.of(f"{provider}.{_member(request, 'api', str)}", rest)


def _request_call(request: dict[str, Any]) -> Call:
    url, method = _member(request, "url", str), _member(request, "method", str).upper()
    # Two kinds of files: of an SDK's call (its base URL with an endpoint after it), and of the HTTP request itself.
    sdks = "endpoint" in request
    endpoint = _member(request, "endpoint", str) if sdks else urlsplit(url).path
    body = dict(_member(request, "body" if sdks else "payload", dict))
    if not url.endswith(endpoint):
        raise NotCarried(f"has the url {url}, which does not end in its endpoint {endpoint}")
    sdk, words = _sdk(endpoint)
    path, server = endpoint, url.removesuffix(endpoint)
    if sdk == "openai":
        path = endpoint.removeprefix("/v1")
        server = server if sdks else f"{server}/v1"
    query: dict[str, Any] = {}
    if sdk in _STAINLESS:
        for option in ("extra_headers", "timeout"):
            body.pop(option, None)
        query |= body.pop("extra_query", None) or {}
        body |= body.pop("extra_body", None) or {}
    if endpoint in _LISTS:
        method = "GET"
    arguments = {
        "method": method,
        "path": path,
        "query": query if method != "GET" else query | body,
        "body": body if method != "GET" else None,
        "server": server,
    }
    return Call.of(".".join((sdk, *words)), arguments)


def _sdk(endpoint: str) -> tuple[str, list[str]]:
    """Return the SDK that an endpoint belongs to, and the fixed words of the path."""
    words = [word for word in endpoint.strip("/").split("/") if word.isidentifier()]
    match words:
        case ["api", _, *_]:
            return "ollama", words[1:]
        case ["v1", "messages", *_]:
            return "anthropic", words[1:]
        case ["v1", _, *_]:
            return "openai", words[1:]
        case ["generate_content" | "generate_content_stream"]:
            return "google", words
        case _:
            raise NotCarried(f"has the endpoint {endpoint}, which no SDK known here has")


# The outcome


@dataclass(slots=True)
class _Imported:
    """An outcome, and where it comes from."""

    path: Path
    call: Call
    test: str | None
    tree: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Unproved:
    """An object of a package that is not installed."""

    name: str
    data: Any


class _Importing(Values):
    """Reads the outcome of one file: builds its objects, and counts them and their forms."""

    def __init__(self, path: Path) -> None:
        super().__init__(Types())
        self._path = path
        self._objects = self._exact = 0
        self._unproved: set[str] = set()

    def outcome(self, report: LlamaStackReport) -> _Imported:
        """Return the outcome in the file, and note it in the report."""
        document = _read(self._path)
        request = _member(document, "request", dict)
        call = _call(request)
        tree = self._tree(call, _member(document, "response", dict))
        imported = _Imported(
            self._path, call, document.get("test_id") or request.get("test_id"), orjson.loads(orjson.dumps(tree))
        )
        report.objects += self._objects
        report.exact += self._exact
        if "redacted" in tree:
            report.masked.append(str(self._path))
        for name in sorted(self._unproved):
            report.not_installed.setdefault(name, []).append(str(self._path))
        return imported

    def _tree(self, call: Call, response: dict[str, Any]) -> dict[str, Any]:
        if response.get("is_exception"):
            error = _exception(_member(response, "exception_data", dict), call)
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
        if response.get("is_streaming"):
            writer = StreamWriter(self, NO_RULES)
            for item in _member(response, "body", list):
                writer.add(self._object(item))
            return writer.outcome("complete")
        value = [self._object(item) for item in body] if isinstance(body, list) else self._object(body)
        return value_outcome(value, self, NO_RULES)

    def _object(self, item: Any) -> Any:
        """Return an item as its SDK builds it; return anything but an object as it is."""
        if not (isinstance(item, dict) and "__type__" in item and "__data__" in item):
            return item
        name, data = _member(item, "__type__", str), _member(item, "__data__", dict)
        module, _, cls_name = name.rpartition(".")
        package = module.partition(".")[0]
        if package not in _PACKAGES:
            raise NotCarried(f"names the type {name}, and llama-stack has no objects of that package")
        self._objects += 1
        if not _imported(module):
            return _Unproved(f"{module}:{cls_name}", data)
        cls = self.types.resolve(f"{module}:{cls_name}")
        if not (isinstance(cls, type) and issubclass(cls, BaseModel)):
            raise NotCarried(f"names the type {name}, which is no model")
        if package in _STAINLESS:
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
    kind, message = _member(data, "type", str), _member(data, "message", str)
    if data.get("category") == "provider_sdk":
        status, sdk = _member(data, "status_code", int), _member(data, "provider", str)
        error = _status_error(sdk, status, message, data.get("body"), call)
        if type(error).__name__ != kind:
            raise NotCarried(f"holds a {kind} with the status {status}, which is {sdk}'s {type(error).__name__}")
        return error
    if kind in _BUILTINS:
        return _BUILTINS[kind](message)
    raise NotCarried(f"holds an exception of the type {kind}, of which it does not say where it comes from")


def _status_error(sdk: str, status: int, message: str, body: Any, call: Call) -> Exception:
    """Return the SDK's error for a status, as the SDK raises it."""
    if sdk not in _STAINLESS:
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
