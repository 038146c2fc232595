"""Import the cassettes of vcrpy and pytest-recording.

They hold HTTP requests and responses without keys. Those of an OpenAI-compatible endpoint become the calls that
`AsyncOpenAI(base_url=server)` makes, which the `openai` patch replays:

    POST …/chat/completions, /completions, /embeddings, /responses, plain and streamed; GET …/models
    POST …/v1/messages of anthropic's, where its SDK is installed

`server` is the part of the URL before these words; for Azure, the part before `/deployments/` and the body's `model`, since
`AzureOpenAI` adds these two itself. Calls made through `with_raw_response` and
`with_streaming_response` stay such calls. A call that another SDK made (groq, together) is imported as one of openai's.

All other requests, of any host, become what `memo.install("http")` records of them and replays to any client; so do those
above with `http=True`, which is for programs that make them without an SDK.

The importer reads the YAML and JSON of vcrpy since 1.0, the responses of its older httpx recorder, and the `parsed_body` that
pydantic-ai's serializer writes. An SDK's errors that are no answer (429, 5xx) are not imported, as memo does not
record them. See `memo.importers.cassettes` for the order of identical calls.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from memo.importers._reading import Item
from memo.importers._taking import Interaction
from memo.importers.cassettes import (
    CassettesReport,
    Format,
    Recorded,
    as_json,
    headers_of,
    import_cassettes,
    member,
)
from memo.importers.report import NotCarried
from memo.stores import Store

__all__ = ["import_recordings", "recorded"]


def import_recordings(
    source: Path,
    store: Store | str | Path,
    progress: Callable[[int, int], None] = lambda done, files: None,
    *,
    http: bool = False,
    per_test: bool = False,
) -> CassettesReport:
    """Import a cassette, or all below a directory (`*.yaml`, `*.yml`, `*.json` and files without a suffix), into a store.

    What cannot be carried over is named in the report and stops nothing else; of a file that is cut off, what comes before
    that is imported. Recordings that are in the store are kept: the outcomes that they lack come after those that they have,
    so importing again changes nothing, and a damaged or foreign file there is left as it is and named. Raises
    `MissingExtra` without PyYAML, openai's SDK or httpx, `InvalidOption` if there is nothing to import, `StoreError` if the store
    fails. With `per_test`, a cassette in `cassettes/<module>/<test>.yaml` goes into that test's directory, as pytest's plugin keeps
    it: beside the test files if the store's directory is the root of the tests, else as with `memo_dir`. `progress` is called with the number of files done. YAML is read one interaction at a time, JSON whole; memory
    holds the outcomes of one file.
    """
    return import_cassettes(_VCR, source, store, progress, http=http, per_test=per_test)


def recorded(data: Any, item: Item) -> Recorded:
    """Return one interaction as vcrpy writes it. Raises `NotCarried`."""
    request, response = member(data, "request", Mapping), member(data, "response", Mapping)
    if "status_code" in response:  # its httpx recorder, before 6.0
        status, body = member(response, "status_code", int), _bytes(response.get("content"), "response")
        reason = None
    else:
        answered = member(response, "status", Mapping)
        status, reason = member(answered, "code", int), answered.get("message")
        body = _body(response, "response", item)
    return Recorded(
        Interaction(
            method=member(request, "method", str).upper(),
            url=member(request, "uri", str),
            request_headers={name.lower(): text for name, text in headers_of(request)},
            request_body=_body(request, "request", item),
            status=status,
            headers=headers_of(response),
            body=body,
            reason=reason if isinstance(reason, str) else "",
        )
    )


def _body(holder: Mapping[str, Any], what: str, item: Item) -> bytes:
    if "parsed_body" in holder:
        return as_json(holder["parsed_body"], item)
    body = holder.get("body")
    if isinstance(body, Mapping):
        if "base64_string" in body:
            try:
                return base64.b64decode(body["base64_string"], validate=True)
            except (binascii.Error, TypeError, ValueError):
                raise NotCarried(f"has a {what} body that is not base64") from None
        body = body.get("string")
    return _bytes(body, what)


def _bytes(body: Any, what: str) -> bytes:
    if isinstance(body, str):
        return body.encode()
    if body is not None and not isinstance(body, bytes):
        raise NotCarried(f"has a {what} body that is a {type(body).__name__}")
    return body or b""


_VCR = Format("vcrpy", ("", ".json", ".yaml", ".yml"), "1.1", recorded)
