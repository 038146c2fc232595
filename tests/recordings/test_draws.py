"""The draws of a recording: which of its outcomes the k-th identical call gets, and how one more is added."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memo._recordings.draws import Draws, joined, with_draw


def value(answer):
    return {"value": answer, "seconds": 0.1}


def of(*answers):
    return [value(answer) for answer in answers]


def added(draws, outcomes=()):
    outcomes = list(outcomes)
    for draw, answer in draws:
        outcomes = with_draw(outcomes, draw, value(answer))
    return outcomes


def answers(outcomes, count):
    found = [Draws(outcomes).index(draw) for draw in range(count)]
    return [None if index is None else outcomes[index]["value"] for index in found]


def test_an_outcome_without_a_number_of_calls_is_for_any_number():
    assert answers(of(1), 4) == [1, 1, 1, 1]
    assert answers(of(1, 2), 4) == [1, 2, 2, 2]


def test_equal_outcomes_at_the_end_are_one_with_the_number_of_calls():
    outcomes = added([(0, "A"), (1, "A"), (2, "A")])
    assert outcomes == [{"value": "A", "seconds": 0.1, "calls": 3}]
    assert answers(outcomes, 5) == ["A", "A", "A", None, None]
    assert with_draw(outcomes, 3, value("B")) == [*of("A", "A", "A"), {**value("B"), "calls": 1}]


def test_equal_outcomes_before_others_are_written_each():
    assert [outcome["value"] for outcome in added(enumerate("AABA"))] == list("AABA")


def test_a_missing_draw_is_filled_in():
    outcomes = added([(0, "A"), (3, "D")])
    assert outcomes == [value("A"), {**value("D"), "draw": 3, "calls": 1}]
    assert answers(outcomes, 5) == ["A", None, None, "D", None]
    full = added([(2, "C"), (1, "B")], outcomes)
    assert full == [*of("A", "B", "C"), {**value("D"), "calls": 1}]


def test_another_outcome_of_a_draw():
    outcomes = added([(0, "A"), (1, "A"), (2, "A"), (1, "B")])
    assert answers(outcomes, 4) == ["A", "B", "A", None]
    assert with_draw(of("A", "B"), 0, value("C")) == of("C", "B")
    assert with_draw(of("A", "B"), 7, value("C")) == of("A", "C")  # which stands for any number


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("said", ["ABCD", "AABB", "AAAA", "ABBB"])
def test_the_order_of_writing_does_not_matter(order, said):
    assert added((draw, said[draw]) for draw in order) == added(enumerate(said))


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("AB"))))
def test_each_draw_is_what_was_written_last(written):
    expected = dict(written)
    outcomes = added(written)
    if outcomes:
        assert answers(outcomes, 14) == [expected.get(draw) for draw in range(14)]
        replays = [Draws(outcomes).replayed(number) for number in range(len(expected) + 1)]
        assert [outcomes[index]["value"] for index, _ in replays[:-1]] == [expected[draw] for draw in sorted(expected)]
        assert [used_up for _, used_up in replays] == [False] * len(expected) + [True]


@pytest.mark.parametrize(
    "wrong", [{"calls": "x"}, {"calls": 0}, {"calls": -3}, {"draw": "x"}, {"draw": -1}, {"draw": None}]
)
def test_numbers_that_are_none(wrong):
    assert answers([{**value("A"), **wrong}], 1) == ["A"]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ([(0, "A")], [(0, "A"), (1, "B")], "AB"),
        ([(0, "A"), (1, "A")], [(0, "A")], "AA"),
        ([(0, "A"), (2, "C")], [(1, "B")], "ABC"),
        ([(0, "A")], [(0, "B")], None),
        ([(0, "A"), (1, "A")], [(1, "B")], None),
    ],
)
def test_two_recordings_of_one_call(one, other, both):
    for first, second in ((one, other), (other, one)):
        outcomes = joined(added(first), added(second))
        assert (outcomes and answers(outcomes, len(both))) == (both and [*both])
    assert joined(of("A"), added(one)) is None, "which does not count its calls"
