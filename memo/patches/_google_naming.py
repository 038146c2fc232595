"""Names of google-genai's calls: the same for each of the SDK's own clients."""

from __future__ import annotations

import re

__all__ = ["function_of"]

# What the SDK names otherwise than the wire does.
_NAMES = {"stream_generate_content": "generate_content_stream", "batch_embed_contents": "embed_content"}
_VERSION = re.compile(r"v\d\w*/")


def function_of(path: str) -> str:
    """Return the name of the call of a path: its verb, or else its collection."""
    parts = _VERSION.sub("", path.partition("?")[0].strip("/"), count=1).split("/")
    if "files" in parts:
        parts = parts[: parts.index("files") + 2]  # what follows is a path in an environment
    # …/collection/id:verb, or collection/id/collection/…
    word = next(iter(re.findall(r":([a-z][A-Za-z]*)$", parts[-1])), parts[::2][-1])
    name = re.sub(r"\W|(?<=[a-z])(?=[A-Z])", "_", word).lower()
    return f"google.{_NAMES.get(name, name)}"
