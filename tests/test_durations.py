"""Durations as people write them."""

from datetime import timedelta

import pytest

from memo._durations import duration
from memo.errors import InvalidOption


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("90m", timedelta(minutes=90)),
        ("2w", timedelta(weeks=2)),
        ("5s", timedelta(seconds=5)),
        ("1.5d", timedelta(hours=36)),
        (" 1D 12 h ", timedelta(hours=36)),
        ("0d", timedelta()),
    ],
)
def test_read(text, expected):
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "30", "d", "30x", "-1d", "1d2", "1e3d", "9" * 30 + "w", "30d;"])
def test_refused(text):
    with pytest.raises(InvalidOption, match=r"max_age=.*allowed: a number and a unit, as in 30d"):
        duration(text, "max_age")
