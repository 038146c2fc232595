"""What to make recordable from outside: a target, named by a string, and how its calls are recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from memo._calls.key_builder import Describe
from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options

__all__ = ["Passes", "Patch", "Prepare"]

Prepare = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""Takes the object whose method is called and the arguments, and returns the arguments to call the method with: a pair of a
tuple and a dict, or, for a coroutine function, an awaitable of that."""

Passes = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], bool]
"""Takes the recorder, the object whose method is called and the arguments, and returns whether the call is none to record."""


@dataclass(frozen=True)
class Patch:
    """A function to make recordable from outside, and how its calls are recorded.

    `target`, `options`, `describe` and `streams` are public. `run`, `prepare`, `passes`, `offered`, `versioned` and
    `by_name` are for memo's own presets, and may change in any release.
    """

    target: str
    options: Options = field(default_factory=Options, hash=False)
    run: type[CallDriver] = CallDriver
    """Drives the calls: a class of the preset where results need more than their codec."""
    describe: Describe | None = None
    """Names a call and its identifying arguments, where these are not those of the signature."""
    prepare: Prepare | None = None
    """Turns the arguments of a call into what is sent, before the call is named and made: files and one-shot iterators
    are read here, once."""
    streams: tuple[str, ...] = ()
    """Where a result holds what is read once and does not look like it: `("stream",)` for `{"stream": EventStream}`."""
    passes: Passes | None = None
    """Tells the calls that go straight to the function, unrecorded: those that are a part of a call that is recorded."""
    offered: bool = False
    """True for a preset's patch: a missing target is no error."""
    versioned: bool = False
    """True for a target that only some versions of the SDK have: that it is missing is not mentioned."""
    by_name: bool = False
    """True for a function that is imported by its name: modules that have done so already get the wrapper, too."""
