"""The JSON inside typed JSON."""

import orjson
import pytest

import memo
from memo._recordings.plain import plain, unpacked


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, "a", None), [1, "a", None]),
        ({1: {2, 3}}, {"1": [2, 3]}),
        ({"__type__": 1}, {"__type__": 1}),
        (b"abc", "abc"),
        (b"\xff", "/w=="),
        (float("nan"), "nan"),
        (ValueError("x", 2), {"args": ["x", 2]}),
    ],
)
def test_plain(value, expected):
    assert plain(unpacked(orjson.loads(memo.dumps(value)))) == expected
