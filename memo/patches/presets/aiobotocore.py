"""aiobotocore: every call of every AWS service, awaited. As the preset `botocore`, whose recordings it shares."""

from __future__ import annotations

import io
import sys
from typing import Any

from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._recordings.outcomes import Outcome
from memo.patches._faulty_aws import AiobotocoreFaults
from memo.patches._patch import Patch
from memo.patches._stream_objects import AsyncStreamObject, recorded
from memo.patches.presets.botocore import AwsCall, Failed, described, streams_of

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "aiobotocore>=2.13"


class _Call(AwsCall):
    faulty = AiobotocoreFaults

    async def _invoke(self, attempt: Attempt | None) -> Any:
        try:
            return await super()._invoke(attempt)
        except Exception as error:
            failed = self.failure(attempt, error)
            if failed is None:
                raise
            return Failed(error, failed)

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        if isinstance(value, Failed):
            await attempt.areturned({"failed": value.recorded})
            raise value.error
        for name in streams_of(value, "EventStream"):
            value[name] = recorded(attempt, self._source(attempt, value))
            return value
        bodies = {name: await value[name].read() for name in streams_of(value, "StreamingBody")}
        await attempt.areturned({"answer": {**value, **bodies}, "bodies": [*bodies]} if bodies else {"answer": value})
        for name, content in bodies.items():
            value[name].close()
            value[name] = _body(content)
        return value

    async def _aplayed(self, outcome: Outcome) -> Any:
        if outcome.items is not None:
            head = self.head(outcome)
            outcome.sync = False  # whichever client recorded it
            empty = object.__new__(sys.modules["aiobotocore.eventstream"].AioEventStream)
            empty._raw_stream = io.BytesIO()
            return {**head["answer"], head["member"]: AsyncStreamObject(empty, await super()._aplayed(outcome))}
        found = await super()._aplayed(outcome)
        if "failed" in found:
            self.raise_failure(found["failed"])
        answer: dict[str, Any] = found["answer"]
        return {**answer, **{name: _body(answer[name]) for name in found.get("bodies", ())}}


class _Raw:
    """The connection of a body that was read: what `AioStreamingBody` reads from."""

    url = ""

    def __init__(self, content: bytes) -> None:
        self.content = self
        self._data = io.BytesIO(content)
        self._size = len(content)

    async def read(self, amount: int = -1) -> bytes:
        return self._data.read(amount)

    def at_eof(self) -> bool:
        return self._data.tell() >= self._size

    def close(self) -> None: ...


def _body(content: bytes) -> Any:
    return sys.modules["aiobotocore.response"].AioStreamingBody(_Raw(content), len(content))


PATCHES = (
    Patch("aiobotocore.client:AioBaseClient._make_api_call", Options(name="aws"), _Call, described, offered=True),
)
