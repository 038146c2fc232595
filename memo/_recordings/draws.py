"""Draws: the k-th of the identical calls of a scope gets the k-th outcome of the recording.

The outcomes of a recording are its draws in order. Two optional numbers on an outcome say more:

    calls    on the last outcome: how many calls it stands for. Without it, for any number.
    draw     where draws before it are missing: the number of the draw, from 0. Without it, the number after the one before.

A draw is missing where its call was not recorded (cancelled, or its process was killed): recording again fills it in. A
replay does not know of missing draws: it takes the outcomes that there are, in order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from memo._recordings.outcomes import fingerprint

__all__ = ["Draws", "first_draw", "joined", "with_draw"]


class Draws:
    """Which draws a recording has."""

    __slots__ = ("_starts", "end")

    def __init__(self, outcomes: Sequence[dict[str, Any]]) -> None:
        self._starts: Sequence[int] = range(len(outcomes))
        for outcome in outcomes:
            if "draw" in outcome:
                self._starts = _starts(outcomes)
                break
        calls = outcomes[-1].get("calls")
        self.end: int | None = self._starts[-1] + max(_number(calls, 1), 1) if calls is not None else None
        """The number of the draw that follows the last one; None where the last outcome stands for any number of calls."""

    def index(self, draw: int) -> int | None:
        """Return the index of the outcome of that draw, None if the draw is missing."""
        if self.end is not None and draw >= self.end:
            return None
        last = len(self._starts) - 1
        if draw >= self._starts[last]:
            return last
        index = bisect_right(self._starts, draw) - 1
        return index if index >= 0 and self._starts[index] == draw else None

    def replayed(self, number: int) -> tuple[int, bool]:
        """Return the index of the outcome that replay number `number` gets, and whether the recording is used up by then.

        A recording that does not say for how many calls its last outcome stands is used up after one.
        """
        last = len(self._starts) - 1
        calls = self.end - self._starts[last] if self.end is not None else 1
        return min(number, last), number >= last + calls


def _starts(outcomes: Sequence[dict[str, Any]]) -> list[int]:
    starts: list[int] = []
    for outcome in outcomes:
        following = starts[-1] + 1 if starts else 0
        starts.append(max(_number(outcome.get("draw"), following), following))
    return starts


def _number(value: object, otherwise: int) -> int:
    return value if type(value) is int else otherwise


def first_draw(draw: int, outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a draw as the only one of a recording."""
    return {**outcome, "draw": draw, "calls": 1} if draw else {**outcome, "calls": 1}


def with_draw(outcomes: Sequence[dict[str, Any]], draw: int, outcome: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outcomes with one more draw, or with another outcome of a draw that there is.

    Equal outcomes at the end become one, with the number of calls that it stands for.
    """
    if outcomes and "calls" in outcomes[-1] and draw == Draws(outcomes).end:
        return _with_next(outcomes, outcome)
    draws = _spread(outcomes)
    if draws is None:  # the last outcome stands for any number of calls, and goes on doing so
        index = Draws(outcomes).index(draw)
        changed = list(outcomes)
        changed[len(changed) - 1 if index is None else index] = outcome
        return changed
    draws[draw] = _bare(outcome)
    return _written(draws)


def _with_next(outcomes: Sequence[dict[str, Any]], outcome: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outcomes with the draw that follows them: as `with_draw`, in steps that do not grow with the number of calls."""
    *before, last = outcomes
    calls = max(_number(last["calls"], 1), 1)
    if _are_one(last, outcome):
        return [*before, {**last, "calls": calls + 1}]
    single = {name: part for name, part in last.items() if name != "calls"}
    return [*before, single, *[_bare(last)] * (calls - 1), {**_bare(outcome), "calls": 1}]


def joined(outcomes: Sequence[dict[str, Any]], more: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return the draws of two recordings of one call together, None where they differ in a draw, or do not count their calls."""
    draws, others = _spread(outcomes), _spread(more)
    if draws is None or others is None:
        return None
    for number, outcome in others.items():
        if number in draws and fingerprint(draws[number]) != fingerprint(outcome):
            return None
    return _written({**others, **draws})


def _spread(outcomes: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]] | None:
    """Return the outcomes by the numbers of their draws; None if the last one stands for any number of them."""
    if not outcomes:
        return {}
    calls = outcomes[-1].get("calls")
    if calls is None:
        return None
    draws: dict[int, dict[str, Any]] = {}
    following = 0
    for outcome in outcomes:
        following = max(_number(outcome.get("draw"), following), following)
        draws[following] = _bare(outcome)
        following += 1
    last = draws[following - 1]
    draws.update((number, last) for number in range(following, following - 1 + max(_number(calls, 1), 1)))
    return draws


def _bare(outcome: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in outcome.items() if name not in ("calls", "draw")}


def _written(draws: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    numbers = sorted(draws)
    calls = 1
    while calls < len(numbers) and _follows(draws, numbers[-calls - 1], numbers[-calls]):
        calls += 1
    written: list[dict[str, Any]] = []
    following = 0
    for number in numbers[: len(numbers) - calls + 1]:
        missing = {"draw": number} if number != following else {}
        written.append({**draws[number], **missing})
        following = number + 1
    written[-1]["calls"] = calls
    return written


def _follows(draws: dict[int, dict[str, Any]], first: int, second: int) -> bool:
    """Return whether two draws are neighbours with equal outcomes."""
    one, other = draws[first], draws[second]
    return second == first + 1 and (one is other or _are_one(one, other))


def _are_one(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether one outcome may stand for two draws: each that ended after another call has its own."""
    return "after" not in one and "after" not in other and fingerprint(one) == fingerprint(other)
