"""huggingface-hub: every call of `InferenceClient` and `AsyncInferenceClient`, plain and streamed, of every provider.

Recorded are the bytes, or the lines, that the client gets, below its own types.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from memo._calls.signature import Signature
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._values.ids import numbered
from memo.patches._faulty_redirected import RedirectedFaults
from memo.patches._http_calls import fixed_words
from memo.patches._patch import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "huggingface-hub>=0.30"
_SIGNATURE = Signature(lambda request_parameters, *, stream=False: None)


def _described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    asked = _SIGNATURE.bind(args, kwargs)
    request = asked["request_parameters"]
    url = urlsplit(request.url)
    named = (request.task or "").replace("-", "_") or fixed_words(url.path)
    return f"huggingface_hub.{named}", {
        "path": url.path,
        "query": parse_qs(url.query, keep_blank_values=True),
        "body": numbered(request.json) if request.json is not None else request.data,
        "stream": asked["stream"],
        "server": f"{url.scheme}://{url.netloc}",
    }


class _Faults(RedirectedFaults):
    @property
    def streams(self) -> bool:
        """Return whether the call returns the lines of a stream."""
        return bool(_SIGNATURE.bind(self.args, self.kwargs)["stream"])

    def counts(self, item: Any) -> bool:
        """Return whether a line is one of an event: the others are empty."""
        return bool(item)

    def error_body(self, status: int) -> Any:
        """Return the JSON with which the API answers an error."""
        return {"error": f"memo: status {status}, as asked for"}


class _Run(CallDriver):
    faulty = _Faults


PATCHES = tuple(
    Patch(
        f"huggingface_hub.inference.{client}._inner_post",
        Options(name="huggingface_hub"),
        _Run,
        describe=_described,
        offered=True,
    )
    for client in ("_client:InferenceClient", "_generated._async_client:AsyncInferenceClient")
)
