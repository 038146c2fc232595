"""The faults of a Stainless SDK: the errors that its API names, and streams that break."""

from __future__ import annotations

from typing import Any

from memo.fault import Fault
from memo.patches._faulty import HttpFaultyCall
from memo.patches._stainless.request import Request

__all__ = ["StainlessFaults"]

_ERRORS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
"""What the APIs name these errors."""


class StainlessFaults(HttpFaultyCall):
    """The faults of a call of either client."""

    def error_body(self, status: int) -> Any:
        """Return the JSON with which the API answers an error."""
        kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        body: dict[str, Any] = {"error": {"type": kind, "message": f"memo: status {status}, as asked for"}}
        return {"type": "error", **body} if self.name.startswith("anthropic.") else body

    @property
    def streams(self) -> bool:
        """Return whether the call returns the SDK's stream object."""
        return Request.of(self.args, self.kwargs).form == "stream"

    def is_stream(self, value: Any) -> bool:
        """Return whether a result is the SDK's stream object."""
        return hasattr(value, "_iterator") or super().is_stream(value)

    def changed(self, value: Any, fault: Fault) -> Any:
        """Return a stream as it is with a fault."""
        if not hasattr(value, "_iterator"):
            return super().changed(value, fault)
        change = self.apassed if hasattr(value, "__anext__") else self.passed
        value._iterator = change(value._iterator, fault)
        return value
