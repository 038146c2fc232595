"""Results that hold streams: `{"stream": …}`, a tuple with a generator in it, a context manager that gives a stream.

The caller gets the result as it is, with what passes each stream on in the place of the stream. It is recorded when all of
its streams have ended: one that is never read, or that its consumer leaves, is closed then, at the latest by the end of the
scope.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import orjson

from memo._engine.live.attempt import Attempt
from memo._engine.streaming.consumers import Consumer
from memo._recordings.outcome_forms import StreamWriter, value_outcome
from memo._values.kinds import is_named_tuple, own_attributes
from memo._values.paths import Step, path_text, steps_of
from memo.codecs.streams import nodes
from memo.errors import UnrecordableValue

__all__ = ["Found", "HeldStreams", "Part", "Steps", "at", "attributes_of", "filled", "find", "is_there", "placed"]

Steps = tuple[Step, ...]
Found = list[tuple[Steps, Any]]
"""Live streams, each with the steps that lead to it."""

_ABSENT: Any = object()
_DECLARE = "to record it as it is read, declare where it is: streams=({path!r},)"
_PLACE = 'to record it as it is read, return it in a dict, {"stream": …}, and declare where it is: streams=("stream",)'


class HeldStreams:
    """The streams of one result, and the outcome that they are part of."""

    def __init__(self, attempt: Attempt, outcome: dict[str, Any]) -> None:
        self.attempt = attempt
        self._outcome = outcome
        self._parts: list[Part] = []
        self._is_complete = False
        self._lock = threading.RLock()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The streams so far: a context manager may give more."""
        return tuple(self._parts)

    def add(self, part: Part) -> Part:
        """Take one more stream, whose form is to be filled."""
        self._parts.append(part)
        return part

    @property
    def description(self) -> str:
        count = sum(part.count for part in self._parts)
        return f"{self.attempt.function} after {count} {'item' if count == 1 else 'items'}"

    def checkpoint(self) -> None:
        """Store what passed, for good: what is read later is not recorded."""
        self.finish("closed")

    def abandon(self, loss: str | None = None) -> None:
        self.attempt.abandon(loss)

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        """Store the outcome, with each stream that has not ended as its consumer left it."""
        for part in self._parts:
            part.close(end)
        self.store()

    def is_over(self) -> bool:
        """Return whether all streams have ended: then the outcome is complete. True once."""
        with self._lock:
            if self._is_complete or not all(part.is_over for part in self._parts):
                return False
            self._is_complete = True
            self._complete()
            return True

    def store(self) -> None:
        """Store the outcome, if it is complete."""
        if self.is_over():
            self.attempt.returned(None)

    async def astore(self) -> None:
        """Async twin of `store`."""
        if self.is_over():
            await self.attempt.areturned(None)

    def _complete(self) -> None:
        for part in self._parts:
            if part.failure is not None:
                self.attempt.refuse(part.failure)
                return
        masked = [path for part in self._parts for path in part.masked]
        places = {id(part.form): path_text(part.steps) for part in self._parts}
        holds = []
        for node, _ in nodes(self._outcome["value"]):
            node.pop("managers", None)
            place = node.pop("place", "")
            holds.append(places.get(id(node), place))
        outcome = {
            "value": self._outcome["value"],
            "holds": holds,
            **{name: value for name, value in self._outcome.items() if name not in ("value", "seconds")},
        }
        if masked:
            outcome["redacted"] = [*outcome.get("redacted", []), *masked]
        self.attempt.keep(self.attempt.timed(outcome))


class Part:
    """The sink of one of the streams."""

    def __init__(self, held: HeldStreams, form: dict[str, Any], steps: Steps) -> None:
        self.held = held
        self.form = form
        """What is recorded of the stream."""
        self.steps = steps
        self.is_over = False
        self.is_read = False
        self.failure: UnrecordableValue | None = None
        self.masked: list[str] = []
        self.on_end: Callable[[], object] | None = None
        """Called when the stream has ended, before its form is stored."""
        self._writer = StreamWriter(*held.attempt.encoding)

    @property
    def count(self) -> int:
        return self._writer.count

    def begin(self, consumer: Consumer | None = None) -> None:
        self.is_read = True
        self.held.attempt.begin(consumer, self.held)

    def producing(self) -> Attempt:
        return self.held.attempt.producing()

    def add(self, item: Any) -> None:
        self._writer.add(item)

    def answered(self) -> None: ...

    def compare(self, recorded: Any, item: Any) -> None: ...

    def abandon(self, loss: str | None = None) -> None:
        self.held.abandon(loss)

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        if self.close(end, error, returned):
            self.held.store()

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        if self.close(end, error):
            await self.held.astore()

    def close(self, end: str, error: BaseException | None = None, returned: Any = None) -> bool:
        """Fill the form of the stream. Return False if it was filled before, or if its error is not recorded."""
        if self.is_over:
            return False
        if error is not None and not self.held.attempt.is_recordable(error):
            self.abandon()
            return False
        self.is_over = True
        recorded = self.held.attempt.recorded_parts.get((path_text(self.steps), self.form["__type__"]))
        if recorded is not None and not self.is_read:
            self.form.clear()
            self.form.update(orjson.loads(orjson.dumps(recorded)))
            return True
        if self.on_end is not None:
            self.on_end()
        try:
            self.fill(end, error, returned)
        except Exception as failure:  # noqa: BLE001 - the stream goes on, whatever happens here
            self.failure = _inside(self.steps, failure)
        return True

    def fill(self, end: str, error: BaseException | None, returned: Any) -> None:
        """Fill the form of the stream."""
        outcome = self._writer.outcome(end, error, returned=returned)
        # Plain JSON: the form is searched and compared as a part of the value.
        self.form.update(orjson.loads(orjson.dumps(outcome["stream"])))
        self.masked += [path_text(self.steps) + path for path in outcome.get("redacted", ())]


def find(
    attempt: Attempt, value: Any, declared: Iterable[Steps], is_stream: Callable[..., bool]
) -> tuple[dict[str, Any] | None, Found]:
    """Return the outcome that a value is, and the streams that it holds.

    A value is encoded first; what has no form is looked at then: `is_stream` says of an object whether it is a stream, given
    whether it is `declared`, and the `whole` value. None, reported, if the value cannot be recorded.
    """
    found: Found = []
    for wanted in declared:
        found += [
            (steps, stream)
            for steps, stream in _places(value, wanted)
            if is_stream(stream, declared=True, whole=not steps)
        ]
    while True:
        outcome = attempt.encoded(value, [stream for _, stream in found])
        if not isinstance(outcome, UnrecordableValue):
            return outcome, found
        steps = steps_of(outcome.path.removeprefix("."))
        stream = at(value, steps) if steps is not None else _ABSENT
        if (
            stream is _ABSENT
            or not is_stream(stream, declared=False, whole=not steps)
            or any(stream is other for _, other in found)
        ):
            attempt.refuse(_with_fix(outcome, stream))
            return None, []
        found.append((steps or (), stream))


def _with_fix(error: UnrecordableValue, stream: Any) -> UnrecordableValue:
    if isinstance(stream, io.IOBase) or hasattr(type(stream), "__len__"):
        return error  # a file can do more than be read, and what has a length is no stream
    if "not a type" in error.reason and any(hasattr(type(stream), name) for name in ("__iter__", "__aiter__", "read")):
        path = error.path.removeprefix(".")
        error.fix = _DECLARE.format(path=path) if path else _PLACE
    return error


def _inside(steps: Steps, error: Exception) -> UnrecordableValue:
    if isinstance(error, UnrecordableValue):
        error.path = path_text(steps) + error.path
        return error
    return UnrecordableValue(path_text(steps), f"could not be recorded ({type(error).__name__}: {error})")


def attributes_of(attempt: Attempt, value: Any) -> dict[str, Any]:
    """Return the typed JSON of those attributes of an object that are data, without secrets."""
    values, secrets = attempt.encoding
    found: dict[str, Any] = {}
    for name, attribute in list(own_attributes(value).items()):
        with suppress(Exception):  # what is no data is left out
            found[name] = value_outcome(attribute, values, secrets)["value"]
    return found


def filled(tree: Any, forms: list[dict[str, Any]]) -> Any:
    """Return the tree of a value with these forms, which are filled later, in the places of its streams."""
    if type(tree) is dict:
        if tree.get("__type__") == "stream" and "at" in tree:
            return forms[tree["at"]]
        return {name: filled(part, forms) for name, part in tree.items()}
    return [filled(part, forms) for part in tree] if type(tree) is list else tree


# Places


def _places(value: Any, steps: Steps, before: Steps = ()) -> Iterable[tuple[Steps, Any]]:
    """Yield the places that a declared path leads to, `[*]` to many, each with what is there."""
    if not steps:
        yield before, value
    elif steps[0] is None:
        for index, item in enumerate(value) if isinstance(value, list | tuple) else ():
            yield from _places(item, steps[1:], (*before, index))
    else:
        inner = _child(value, steps[0])
        if inner is not _ABSENT:
            yield from _places(inner, steps[1:], (*before, steps[0]))


def is_there(found: Any) -> bool:
    """Return whether `at` found something."""
    return found is not _ABSENT


def at(value: Any, steps: Steps) -> Any:
    """Return what is in a place inside a value; a mark of its own where nothing is."""
    for step in steps:
        value = _child(value, step)
    return value


def _child(value: Any, step: Step) -> Any:
    try:
        if is_named_tuple(type(value)) and type(step) is str:
            return value[value._fields.index(step)]
        if isinstance(value, dict | list | tuple):
            return value[step]  # type: ignore[index]
        return own_attributes(value).get(step, _ABSENT) if type(step) is str else _ABSENT
    except (KeyError, IndexError, TypeError, ValueError):
        return _ABSENT


def placed(value: Any, steps: Steps, new: Any) -> Any:
    """Put something in a place inside a value. Return the value, or one in its place where it cannot be changed.

    Raises `TypeError` where what holds the place cannot be changed.
    """
    if not steps:
        return new
    step, *rest = steps
    if isinstance(value, tuple):
        items: list[Any] = list(value)
        index: Any = value._fields.index(step) if is_named_tuple(type(value)) and type(step) is str else step  # type: ignore[attr-defined]
        items[index] = placed(items[index], tuple(rest), new)
        return tuple.__new__(type(value), items)
    inner = placed(_child(value, step), tuple(rest), new)
    if isinstance(value, dict | list):
        value[step] = inner  # type: ignore[index]
    elif step in getattr(value, "__dict__", ()):
        value.__dict__[step] = inner
    else:
        object.__setattr__(value, str(step), inner)
    return value
