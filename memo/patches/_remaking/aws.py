"""Recorded calls of AWS's services, made again by botocore's clients for the recorded service and region."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import Any

from memo._calls.decoded import NotDecodable, holds_mask, plain
from memo._recordings.document import Document
from memo.patches._remaking.call import Remade, Unreachable
from memo.patches._remaking.clients import Clients
from memo.patches._remaking.seams import seam_of, with_ids
from memo.patches.presets.botocore import PATCHES

__all__ = ["only_asks_aws", "remade_aws"]

_HARMLESS = re.compile(
    r"(?:BatchGet|Count|Describe|Get|Head|List|Query|Scan|Search|Select)[A-Z]\w*|Query|Scan|Retrieve"
    r"|Converse(?:Stream)?|InvokeModel(?:WithResponseStream)?|ApplyGuardrail|Rerank|RetrieveAndGenerate"
    r"|(?:BatchDetect|Classify|Detect)\w+|TranslateText"
)
"""The operations that read, or ask a model."""


def only_asks_aws(document: Document) -> bool:
    """Return whether a call leaves nothing behind that anybody would miss."""
    return _HARMLESS.fullmatch(str(document.arguments.get("operation", ""))) is not None


def remade_aws(document: Document, clients: Clients) -> Remade:
    """Return a call of a client: of botocore, which made it or has the same operations. Raises `Unreachable`."""
    arguments: dict[str, Any] = document.arguments
    service, region, operation = (arguments.get(name) for name in ("service", "region", "operation"))
    if not (isinstance(service, str) and isinstance(operation, str)):
        raise Unreachable("its service or its operation is not in the recording")
    if holds_mask(arguments):
        raise Unreachable("an argument holds a credential, which is not in the recording")

    def make() -> Any:
        return import_module("botocore.session").get_session().create_client(service, region_name=region)

    client = clients.find(
        "botocore",
        arguments.get("server"),
        make=make,
        server_of=lambda client: str(client.meta.endpoint_url),
        setting="AWS_ENDPOINT_URL",
        name=f"{service} {region}",
    )
    try:
        params = {name: _sent(name, value) for name, value in with_ids(arguments.get("params") or {}).items()}
    except NotDecodable as error:
        raise Unreachable(str(error)) from error
    function, wrapped = seam_of(PATCHES, client, "_make_api_call")
    return Remade(function, wrapped, client, (operation, params), {})


def _sent(name: str, form: Any) -> Any:
    """Return a parameter from its form in a recording, where a body of JSON is the JSON itself."""
    value = plain(form, name)
    return json.dumps(value).encode() if name.lower() == "body" and not isinstance(value, str | bytes) else value
