"""A missed call: how long it takes to say which recording is nearest, among many of the same function."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks._harness import Row, spread
from memo import RecordingNotFound, recordable, recording
from memo._calls.call import Call
from memo._recordings.document import Document, render, timestamp

NAME = "benchmarks.asked"


@recordable(name=NAME)
def asked(messages: list[dict[str, str]], model: str) -> str:
    return ""


def messages(number: int, word: str = "wheather") -> list[dict[str, str]]:
    text = f"What is the {word} in town number {number} of {number * 7919 % 104729}, and will it stay like that?"
    return [{"role": "system", "content": "You are a helpful assistant. Be brief."}, {"role": "user", "content": text}]


def rows(*, quick: bool) -> Iterator[Row]:
    for many in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        with TemporaryDirectory() as directory:
            folder = Path(directory, NAME)
            folder.mkdir()
            for number in range(many):
                call = Call.of(NAME, {"messages": messages(number), "model": "m"})
                document = {
                    "memo": 1,
                    "function": NAME,
                    "key": call.key,
                    "arguments": orjson.loads(call.arguments),
                    "recorded_at": timestamp(),
                    "outcomes": [{"value": "rain", "seconds": 0.5}],
                }
                (folder / f"{call.key[:32]}.json").write_bytes(render(Document.from_tree(document)))
            missed(directory, 0)
            found = [missed(directory, number) for number in range(5 if quick else 15)]
        seconds = [each for each, _ in found]
        compared = max(error.looked_at for _, error in found)
        yield Row(
            f"a miss among {many:,}",
            min(seconds),
            0.0,
            0.1,
            spread(seconds),
            added=True,
            note=f"{compared:,} of them compared",
        )


def missed(directory: str, number: int) -> tuple[float, RecordingNotFound]:
    with recording(directory):
        start = time.perf_counter()
        try:
            asked(messages(number, "weather"), "m")
        except RecordingNotFound as error:
            return time.perf_counter() - start, error
    raise AssertionError("it was found")
