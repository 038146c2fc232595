"""What is said of sizes and times, and what must not reach a terminal."""

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memo.cli._text import age, ago, count, printable, size


@given(st.text())
def test_nothing_that_controls_a_terminal_is_left(text):
    shown = printable(text)
    assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") and each not in "\n\t"]
    shown.encode()
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("naïve 日本 🪐 👩\u200d🚀 a\u00a0b\n\tx", "naïve 日本 🪐 👩\u200d🚀 a\u00a0b\n\tx"),
        ("\x1b[31m\r\x07\x7f", r"\x1b[31m\r\x07\x7f"),
        ("\x9b0m \u202ex \u2066y \ufeffz", r"\x9b0m \u202ex \u2066y \ufeffz"),
        ("\u2028", r"\u2028"),
        ("\udcff", r"\udcff"),
    ],
)
def test_printable(text, expected):
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345, "12 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
        (4 * 10**15, "4,000,000 GB"),
    ],
)
def test_size(number, expected):
    assert size(number) == expected


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (timedelta(seconds=30), "0m"),
        (timedelta(minutes=119), "119m"),
        (timedelta(hours=2), "2h"),
        (timedelta(days=1), "1d"),
        (timedelta(days=729), "729d"),
        (timedelta(days=730), "2y"),
        (-timedelta(days=1), "0m"),
    ],
)
def test_age(passed, expected):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert age(now - passed, now) == expected


def test_age_that_is_not_known():
    assert age(None) == "?"


def test_count():
    assert [count(1, "entry", "entries"), count(1200, "entry", "entries"), count(0, "file")] == [
        "1 entry",
        "1,200 entries",
        "0 files",
    ]


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (0, "just now"),
        (59, "just now"),
        (61, "1m ago"),
        (-60, "just now"),
        (90_000, "1d ago"),
        (None, "at an unknown time"),
    ],
)
def test_how_long_ago(passed, said):
    assert ago(None if passed is None else datetime.now(UTC) - timedelta(seconds=passed)) == said
