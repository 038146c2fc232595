"""Random programs over the world of `law`: lists of steps, each a kind and what it takes."""

from hypothesis import strategies as st

__all__ = ["programs", "racing", "values"]

questions = st.sampled_from(["a", "b", "no"])
_races = st.tuples(
    st.just("race"),
    st.permutations([("a", 7), ("b", 14), ("no", 21), ("c", 28)]).flatmap(
        lambda runners: st.integers(2, 4).map(lambda count: runners[:count])
    ),
    st.sampled_from(["append", "asks between", "first", "two each"]),
)
"""Calls whose lengths differ enough for the order of their ends to be the same in each run."""
_leaves = st.one_of(
    st.tuples(st.just("ask"), questions),
    st.tuples(st.just("think"), questions),
    st.tuples(st.just("look"), questions),
    st.tuples(st.just("poll"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("tell"), questions, st.integers(0, 4), st.sampled_from(["all", "anext", "break", "close", "raise", "return"])),
    st.tuples(st.just("count"), questions, st.integers(0, 4), st.sampled_from(["break", "zip"])),
    st.tuples(st.just("identical"), questions, st.integers(2, 4)),
    st.tuples(st.just("thread"), st.sampled_from(["a", "b"]), st.sampled_from(["to_thread", "pool", "own", "loop"])),
    st.tuples(st.sampled_from(["half", "patched", "zip"]), st.sampled_from(["a", "b"])),
    st.tuples(st.just("memoized"), st.sampled_from(["a", "b"]), st.integers(1, 3)),
    st.integers(0, 4).flatmap(  # rarely, since memo warns of them, and such a program proves no more
        lambda number: st.tuples(
            st.sampled_from(["agent", "cancelled", "retry", "timeout"] if number == 0 else ["ask"]), questions
        )
    ),
)  # fmt: skip
# Branches have no scopes of their own: which recorders are open when a thread without a scope calls would be a matter of luck.
_together = st.tuples(st.just("together"), st.lists(st.lists(_leaves, max_size=3), min_size=1, max_size=3))
_inner = st.tuples(
    st.just("inner scope"), st.integers(0, 10**6), st.lists(st.one_of(_leaves, _leaves, _together), max_size=3)
)
programs = st.lists(st.one_of(_leaves, _leaves, _leaves, _together, _inner), min_size=1, max_size=6)
racing = st.lists(
    st.one_of(
        _races,
        _leaves,
        st.tuples(
            st.just("together"), st.lists(st.lists(st.one_of(_races, _leaves), max_size=3), min_size=1, max_size=3)
        ),
        _inner,
    ),
    min_size=1,
    max_size=6,
)
"""Programs that see in which order calls end: for stores that write at once, since they count rounds of the event loop."""
_values = st.one_of(
    st.tuples(st.sampled_from(["ask", "look", "think"]), questions),
    st.tuples(st.sampled_from(["patched", "poll"]), st.sampled_from(["a", "b"])),
    st.tuples(st.just("identical"), questions, st.integers(2, 4)),
    st.tuples(st.just("thread"), st.sampled_from(["a", "b"]), st.sampled_from(["to_thread", "pool", "own", "loop"])),
    st.tuples(st.just("memoized"), st.sampled_from(["a", "b"]), st.integers(1, 3)),
)
values = st.lists(
    st.one_of(
        _values,
        _values,
        st.tuples(st.just("together"), st.lists(st.lists(_values, max_size=3), min_size=1, max_size=3)),
        st.tuples(st.just("inner scope"), st.integers(0, 10**6), st.lists(_values, max_size=3)),
    ),
    min_size=1,
    max_size=6,
)
"""Programs without streams."""
