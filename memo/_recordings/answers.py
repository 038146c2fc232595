"""Which errors are answers, which are recorded: connections that fail, timeouts, 429 and 5xx say nothing about the call."""

from __future__ import annotations

__all__ = ["is_answer", "why_no_answer"]

_TRANSIENT_STATUS = frozenset({408, 409, 425, 429})
_TRANSIENT_NAMES = frozenset(
    {
        "APIConnectionError",  # the SDKs built by Stainless
        "ClientConnectionError",  # aiohttp
        "ConnectionError",  # Python, requests, redis
        "NetworkError",
        "RateLimitError",
        "ServiceUnavailable",
        "Timeout",  # requests
        "TimeoutError",  # Python, redis, playwright
        "TooSlowError",  # trio
        "TransportError",  # httpx, elastic
        "gaierror",  # no answer from the name server
    }
)


def is_answer(error: BaseException) -> bool:
    """Return whether an error says something about the call, not about the moment: connections, 429 and 5xx do not."""
    kind, reason = type(error), getattr(error, "reason", None)
    if kind.__name__ == "MaxRetryError" and isinstance(reason, Exception):  # of urllib3: what the last attempt raised
        return is_answer(reason)
    if any(cls.__name__ in _TRANSIENT_NAMES for cls in kind.__mro__):
        return False
    if kind.__name__ == "ProtocolError" and kind.__module__ == "urllib3.exceptions":  # the connection broke
        return False
    status = _status(error)
    return status is None or not (status in _TRANSIENT_STATUS or 500 <= status <= 599)


def why_no_answer(error: BaseException) -> str:
    """Return how a call ended whose error is no answer: `answered 429 (RateLimitError)`, `raised ConnectionError`."""
    status = _status(error)
    name = type(error).__name__
    return f"answered {status} ({name})" if status is not None and 400 <= status <= 599 else f"raised {name}"


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "code"):
            status = getattr(holder, name, None)
            if type(status) is int:
                return status
    return None
