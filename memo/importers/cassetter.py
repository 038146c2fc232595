"""Import the cassettes of cassetter.

`memo.importers.vcr` describes which interactions are imported, and as which calls. This module reads cassetter's YAML and
TOML, and the vcrpy cassettes that cassetter takes over unchanged. Calls over gRPC and websockets are listed and not imported,
and so are requests from which cassetter filtered a part that identifies the call: nothing would ever replay them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from memo.importers import vcr
from memo.importers._reading import Item
from memo.importers._taking import Interaction
from memo.importers.cassettes import (
    CassettesReport,
    Format,
    Recorded,
    as_json,
    as_text,
    headers_of,
    import_cassettes,
    member,
)
from memo.importers.report import NotCarried
from memo.stores import Store

__all__ = ["import_recordings"]


def import_recordings(
    source: Path,
    store: Store | str | Path,
    progress: Callable[[int, int], None] = lambda done, files: None,
    *,
    http: bool = False,
    per_test: bool = False,
) -> CassettesReport:
    """Import a cassette, or all below a directory (`*.yaml`, `*.yml`, `*.toml`), into a store.

    As `memo.importers.vcr.import_recordings`; a recording is dated as its first interaction is. TOML is read whole.
    """
    return import_cassettes(_CASSETTER, source, store, progress, http=http, per_test=per_test)


def _recorded(data: Any, item: Item) -> Recorded:
    request, response = member(data, "request", Mapping), member(data, "response", Mapping)
    if isinstance(response.get("status"), Mapping) or "status_code" in response:
        return vcr.recorded(data, item)
    interaction = Interaction(
        method=member(request, "method", str).upper(),
        url=member(request, "uri", str),
        request_headers={name.lower(): text for name, text in headers_of(request)},
        request_body=_body(request, "request", item),
        status=member(response, "status", int),
        headers=headers_of(response),
        body=_body(response, "response", item),
    )
    # Written last: without it, the file was cut off, perhaps in the middle of a body.
    at = member(data, "recorded_at", str)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise NotCarried(f"was recorded at {at!r}, which is not a time with a zone")
    return Recorded(interaction, moment.timestamp())


def _body(holder: Mapping[str, Any], what: str, item: Item) -> bytes:
    if "body_type" in holder:  # in TOML, which holds JSON as text
        kind, content = holder["body_type"], holder.get("body_content")
        if kind == "json":
            content = json.loads(as_text(content, f"{what} body"))
    else:
        body = holder.get("body") or {"type": "none"}
        kind, content = member(body, "type", str), body.get("content")
    match kind:
        case "none":
            return b""
        case "json":
            return as_json(content, item)
        case "text":
            return as_text(content, f"{what} body").encode()
        case "binary":
            try:
                return bytes.fromhex(as_text(content, f"{what} body"))
            except ValueError:
                raise NotCarried(f"has a {what} body that is not hexadecimal") from None
        case _:
            raise NotCarried(f"has a {what} body of the type {kind}, which is not known here")


_CASSETTER = Format("cassetter", (".toml", ".yaml", ".yml"), "1.2", _recorded)
