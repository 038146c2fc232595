"""Binding: what was found out once is what Python finds out at each call.

Python itself is asked, by calling: `inspect.Signature.bind` is wrong of `def f(a=0, /, **kwargs)` before 3.12.
"""

import functools
import inspect
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memo._calls.signature import DoesNotFit, Signature

KINDS = inspect.Parameter


@st.composite
def functions(draw: st.DrawFn, first: str = "") -> Any:
    """A function with any parameters; it returns its arguments by name."""
    names = iter("abcdefgh")
    only, both, keyword = (draw(st.integers(0, 2)) for _ in range(3))
    defaults = draw(st.integers(0, only + both))
    positional = [f"{next(names)}{f'={i}' if i >= only + both - defaults else ''}" for i in range(only + both)]
    parts = [first] if first else []
    parts += positional[:only] + (["/"] if only else []) + positional[only:]
    rest = draw(st.booleans())
    if rest or keyword:
        parts.append("*args" if rest else "*")
    parts += [f"{next(names)}{draw(st.sampled_from(['', '=9']))}" for _ in range(keyword)]
    if draw(st.booleans()):
        parts.append("**kwargs")
    if only == 0 and first and parts[:1] == [first] and draw(st.booleans()):
        parts = ["*args", *[part for part in parts[1:] if "=" not in part and part.startswith("**")]]
    space: dict[str, Any] = {}
    exec(f"def f({', '.join(parts)}): return locals()", space)
    return space["f"]


values = st.integers(10, 19)
calls = st.tuples(
    st.lists(values, max_size=6).map(tuple),
    st.dictionaries(st.sampled_from([*"abcdefgh", "args", "kwargs", "zz"]), values, max_size=4),
)


def agrees(signature: Signature, function: Any, args: Any, kwargs: Any) -> None:
    try:
        expected = function(*args, **kwargs)
    except TypeError:
        with pytest.raises(DoesNotFit):
            signature.bind(args, kwargs)
    else:
        if expected.pop("self", None) is None and hasattr(function, "__self__"):
            expected["args"] = expected["args"][1:]  # def method(*args)
        assert signature.bind(args, kwargs) == expected


@settings(max_examples=500)
@given(functions(), calls)
def test_binds_as_python_does(function, call):
    agrees(Signature(function), function, *call)


@settings(max_examples=300)
@given(functions(), st.data())
def test_binds_a_call_that_fits(function, data):
    parameters = inspect.signature(function).parameters.values()
    args, kwargs = [], {}
    for each in parameters:
        if each.kind is KINDS.POSITIONAL_ONLY:
            args.append(data.draw(values))
        elif each.kind in (KINDS.POSITIONAL_OR_KEYWORD, KINDS.KEYWORD_ONLY) and (
            each.default is KINDS.empty or data.draw(st.booleans())
        ):
            kwargs[each.name] = data.draw(values)
    assert function(*args, **kwargs) == Signature(function).bind(tuple(args), kwargs)


@settings(max_examples=300)
@given(functions(first="self"), calls)
def test_binds_a_method_without_self(function, call):
    agrees(Signature(function, skip=1), function.__get__(object()), *call)


@settings(max_examples=300)
@given(functions(), calls, calls)
def test_binds_what_a_partial_has_fixed(function, fixed, call):
    made = functools.partial(functools.partial(function, *fixed[0]), **fixed[1])
    agrees(Signature(made), made, *call)


def test_each_call_gets_its_own_arguments():
    signature = Signature(lambda a=1, **more: None)
    first = signature.bind((), {"x": 1})
    first["a"] = first["more"]["x"] = 2
    assert signature.bind((), {}) == {"a": 1, "more": {}}


def test_the_error_is_the_one_that_python_gives():
    with pytest.raises(DoesNotFit, match="missing a required argument: 'a'"):
        Signature(lambda a: None).bind((), {})
    with pytest.raises(TypeError, match="multiple values for argument 'a'"):
        Signature(lambda a: None).bind((1,), {"a": 1})
