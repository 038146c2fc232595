"""botocore: every call of every AWS service, through boto3 or botocore itself.

A call is identified by service, region, endpoint, operation and parameters; a body of JSON (Bedrock's `invoke_model`) counts as
JSON. Event streams (`converse_stream`, `invoke_model_with_response_stream`) are recorded as they pass. A body that is read piece
by piece (`invoke_model`, S3's `get_object`) is read as a whole while it is recorded. Errors are raised as the client's
own classes; throttling and errors of the server are not recorded. Retries happen inside a call.
"""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Any, NamedTuple

from memo._calls.signature import Signature
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._recordings.outcomes import Outcome
from memo._values.ids import numbered
from memo.errors import StreamCutShort
from memo.patches._faulty_aws import BotocoreFaults
from memo.patches._patch import Patch
from memo.patches._stream_objects import SyncStreamObject, recorded_sync

__all__ = ["PATCHES", "REQUIRES", "Failed", "described", "streams_of"]

REQUIRES = "botocore>=1.34"
_SIGNATURE = Signature(lambda operation_name, api_params: None)
_OF_THE_MOMENT = re.compile(r"Throttl|TooManyRequests|SlowDown|RequestLimitExceeded|ModelNotReady|ServiceUnavailable")


def described(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name of a call, and what identifies it."""
    asked = _SIGNATURE.bind(args, kwargs)
    service, operation = client.meta.service_model.service_name, asked["operation_name"]
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()
    params = {name: _sent(name, value) for name, value in (asked["api_params"] or {}).items()}
    return f"aws.{service}.{word}", {
        "service": service,
        "region": client.meta.region_name,
        "server": client.meta.endpoint_url,
        "operation": operation,
        "params": numbered(params),
    }


def _sent(name: str, value: Any) -> Any:
    """Return what is sent of a parameter: the content of a file, JSON as JSON."""
    if hasattr(value, "read") and hasattr(value, "seek"):
        file, place = value, value.tell()
        value = file.read()
        file.seek(place)
    if name.lower() == "body" and isinstance(value, str | bytes | bytearray):
        try:
            return json.loads(value)
        except ValueError:
            return value if isinstance(value, str) else bytes(value)
    return value


class Failed(NamedTuple):
    """An error that the service answered with, and what is recorded of it: its class is made by the client."""

    error: Exception
    recorded: dict[str, Any]


class AwsCall(CallDriver):
    """A call of a client."""

    # Live

    def failure(self, attempt: Attempt | None, error: Exception) -> dict[str, Any] | None:
        """Return what is recorded of an error; None for one that is no answer, or none of the service's."""
        response = getattr(error, "response", None)
        if attempt is None or not isinstance(response, dict) or "Error" not in response:
            return None
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        code = str(response["Error"].get("Code", ""))
        if (status >= 500 or status == 429 or _OF_THE_MOMENT.search(code)) and self.setting.errors != "all":
            attempt.abandon(f"raised {type(error).__name__} ({status} {code})")
            return None
        return {"error": dict(response), "operation": getattr(error, "operation_name", "")}

    def _source(self, attempt: Attempt, result: Any) -> Any:
        if isinstance(result, Failed):
            raise result.error
        for name in streams_of(result, "EventStream"):
            attempt.respond({"member": name, "answer": {key: part for key, part in result.items() if key != name}})
            return result[name]
        raise StreamCutShort(self.call.function, 0)

    # Replay

    def raise_failure(self, recorded: dict[str, Any]) -> None:
        """Raise a recorded error as the client would."""
        failed, code = recorded["error"], recorded["error"]["Error"].get("Code")
        raise self._instance.exceptions.from_code(code)(failed, recorded["operation"])

    def head(self, outcome: Outcome) -> dict[str, Any]:
        """Return the answer that a recorded event stream came in, and the name of its member."""
        assert outcome.response is not None
        found: dict[str, Any] = outcome.response()
        return found


def streams_of(response: Any, kind: str) -> list[str]:
    """Return the members of an answer that are objects of a class or its subclasses, named by its name."""
    if not isinstance(response, dict):
        return []
    return [name for name, member in response.items() if any(cls.__name__ == kind for cls in type(member).__mro__)]


class _Call(AwsCall):
    faulty = BotocoreFaults

    def _invoke(self, attempt: Attempt | None) -> Any:
        try:
            return super()._invoke(attempt)
        except Exception as error:
            failed = self.failure(attempt, error)
            if failed is None:
                raise
            return Failed(error, failed)

    def _received(self, attempt: Attempt, value: Any) -> Any:
        if isinstance(value, Failed):
            attempt.returned({"failed": value.recorded})
            raise value.error
        for name in streams_of(value, "EventStream"):
            value[name] = recorded_sync(attempt, self._source(attempt, value))
            return value
        bodies = {name: value[name].read() for name in streams_of(value, "StreamingBody")}
        attempt.returned({"answer": {**value, **bodies}, "bodies": [*bodies]} if bodies else {"answer": value})
        value.update({name: _body(content) for name, content in bodies.items()})
        return value

    def _played(self, outcome: Outcome) -> Any:
        if outcome.items is not None:
            head = self.head(outcome)
            empty = object.__new__(sys.modules["botocore.eventstream"].EventStream)
            empty._raw_stream = io.BytesIO()
            return {**head["answer"], head["member"]: SyncStreamObject(empty, super()._played(outcome))}
        recorded = super()._played(outcome)
        if "failed" in recorded:
            self.raise_failure(recorded["failed"])
        answer: dict[str, Any] = recorded["answer"]
        return {**answer, **{name: _body(answer[name]) for name in recorded.get("bodies", ())}}


def _body(content: bytes) -> Any:
    return sys.modules["botocore.response"].StreamingBody(io.BytesIO(content), len(content))


PATCHES = (Patch("botocore.client:BaseClient._make_api_call", Options(name="aws"), _Call, described, offered=True),)
