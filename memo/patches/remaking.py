"""Make recorded calls again: through the own client of an SDK that memo has a preset for, or through the function itself.

A recording is data that anybody may have written. So no module is imported because a recording names it, unless the user
trusts its package; no request leaves for a server that a recording names; and what may have effects is made only if the user
names it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from memo._calls.decoded import NotDecodable, decoded
from memo._engine.calls.function import recordables
from memo._engine.rules.patterns import covers, families
from memo._recordings.document import Document
from memo.errors import InvalidOption
from memo.patches._remaking.aws import only_asks_aws, remade_aws
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.cohere import remade_cohere
from memo.patches._remaking.google_genai import remade_google
from memo.patches._remaking.huggingface_hub import remade_huggingface
from memo.patches._remaking.litellm import remade_litellm
from memo.patches._remaking.mcp import only_asks_mcp, remade_mcp
from memo.patches._remaking.mistralai import remade_mistral
from memo.patches._remaking.ollama import remade_ollama
from memo.patches._remaking.tavily import remade_tavily
from memo.patches._stainless.remaking import remade_request
from memo.patches._targets import find

__all__ = ["Remade", "Remaker", "Unreachable"]

_STAINLESS = frozenset({"anthropic", "cerebras", "groq", "llama-stack-client", "ogx-client", "openai", "together"})
_MAKERS: dict[str, Callable[[Document, Clients], Remade]] = {
    "aiobotocore": remade_aws,
    "botocore": remade_aws,
    "cohere": remade_cohere,
    "google-genai": remade_google,
    "huggingface-hub": remade_huggingface,
    "litellm": remade_litellm,
    "mcp": remade_mcp,
    "mistralai": remade_mistral,
    "ollama": remade_ollama,
    "tavily": remade_tavily,
}
"""What makes the calls of the other presets again."""
_MODULES = {"cerebras": "cerebras.cloud.sdk"}
_HTTP = "http"
"""The first word of the names of requests that `memo.install("http")` records."""
_IN_TESTS = "pytest --memo-mode=verify"
_HARMLESS = re.compile(
    r"/?(?:(?:v\d\w*|api|openai|inference|deployments/[^/]+)/)*"
    r"(?:chat|chat/completions|chat/classifications|chat/moderations|classifications|classify|completions|detokenize|embed"
    r"|embeddings|fim/completions|generate|images/generations|messages|messages/count_tokens|moderations|ocr|rerank|responses"
    r"|responses/input_tokens|score|show|summarize|tokenize|audio/speech|audio/transcriptions|agents/completions)"
    r"|/.*:(?:batchEmbedContents|computeTokens|countTokens|embedContent|generateContent|predict|streamGenerateContent)"
)
"""The paths of requests that ask a model, and leave nothing behind that anybody would miss."""


class Remaker:
    """Makes calls from their recordings.

    `include` are the patterns of functions that may have effects and are called all the same, `modules` what is imported
    first, `clients` the SDKs' clients to use. Raises `InvalidOption` for a module that cannot be imported.
    """

    def __init__(
        self, *, include: Sequence[str] = (), modules: Iterable[str] = (), clients: Sequence[Any] = ()
    ) -> None:
        self._include = tuple(include)
        self._clients = Clients(clients)
        self._trusted: set[str] = set()
        for module in modules:
            self._import(module, required=True)
        for pattern in include:
            root = pattern.partition("*")[0].partition(".")[0]
            if root and root not in families.values() and covers(pattern, pattern):
                self._import(root, required=False)

    def close(self) -> None:
        """Close the clients that were made for the calls."""
        self._clients.close()

    def remade(self, document: Document) -> Remade:
        """Return a recorded call, ready to be made again. Raises `Unreachable`."""
        root = document.function.partition(".")[0]
        preset = next((name for name, family in families.items() if family == root), None)
        known = recordables.get(document.function)
        if known is not None and known.function.__module__.partition(".")[0] != root:
            return self._of_function(document)
        if root == _HTTP:
            raise Unreachable("a request over HTTP is made again only by the test that makes it", _IN_TESTS)
        if preset is None:
            return self._of_function(document)
        if preset not in (*_STAINLESS, *_MAKERS):
            raise Unreachable(f"memo does not make requests of {preset} again; their tests do", _IN_TESTS)
        if holds_streams(document):
            raise Unreachable("its answer holds streams")
        if not self.is_included(document.function) and has_effects(document):
            raise Unreachable("it may have effects", f"--include {document.function}")
        if preset in _STAINLESS:
            return remade_request(document, preset, _MODULES.get(preset, root), self._clients)
        return _MAKERS[preset](document, self._clients)

    def is_included(self, function: str) -> bool:
        """Return whether the user named the function."""
        return any(covers(pattern, function) for pattern in self._include)

    def _import(self, module: str, *, required: bool) -> None:
        try:
            find(f"{module}:x", module, ())
            import_module(module)
        except Exception as error:  # a module's own code may raise anything
            if required:
                raise InvalidOption("--trust", module, [f"what can be imported here ({error})"]) from error
        else:
            self._trusted.add(module.partition(".")[0])

    def _of_function(self, document: Document) -> Remade:
        name = document.function
        if not self.is_included(name):
            raise Unreachable("a function of your own may have effects", f"--include {name}")
        function = recordables.get(name) or self._imported(name)
        root = name.partition(".")[0]
        if function is None and root in self._trusted:
            raise Unreachable(f"{root} has no recordable function of that name")
        if function is None:
            raise Unreachable("no function of that name is imported", f"--trust {root}")
        if function.is_method:
            raise Unreachable("it is a method, whose object is not in the recording")
        if holds_streams(document):
            raise Unreachable("its answer holds streams")
        try:
            args, kwargs = decoded(function.function, document.arguments)
        except NotDecodable as error:
            raise Unreachable(str(error)) from error
        return Remade(function, function.function, None, args, kwargs)

    def _imported(self, name: str) -> Any:
        """Return a function of a trusted package, whose module is imported for that."""
        parts = name.split(".")
        if parts[0] not in self._trusted:
            return None
        for count in range(1, len(parts)):
            try:
                importlib.import_module(".".join(parts[:count]))
            except Exception:  # noqa: BLE001 - no module of that name, or its own code raises
                break
            if name in recordables:
                return recordables[name]
        return None


def has_effects(document: Document) -> bool:
    """Return whether a call may change something on its server: anything but reading, and asking a model."""
    match document.function.partition(".")[0]:
        case "aws":
            return not only_asks_aws(document)
        case "mcp":
            return not only_asks_mcp(document)
        case "huggingface_hub" | "litellm" | "tavily":
            return False
        case _:
            pass
    method, path = (str(document.arguments.get(name, "")) for name in ("method", "path"))
    return method not in ("GET", "HEAD") and not (method == "POST" and _HARMLESS.fullmatch(path.rstrip("/")))


def holds_streams(document: Document) -> bool:
    """Return whether an answer holds streams that its consumer would have to read."""
    return any("holds" in outcome for outcome in document.outcomes)
