"""Faults that are injected into the calls of a session: which are due, and what a function does with one."""

from __future__ import annotations

import copy
import inspect
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Generator, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, NoReturn

import anyio

from memo._engine.rules.patterns import covers, is_known, misspelled_family, nearest, uncovered
from memo._engine.streaming.held_back import hold_back, is_held_back
from memo._engine.streaming.held_inside import holds_streams, is_manager, managed, replaced
from memo.errors import InvalidOption, UnknownFunction, UnknownFunctionWarning
from memo.fault import Fault, parse
from memo.stores import Store

__all__ = ["MALFORMED", "Answer", "Faults", "FaultyCall", "injecting", "raised_for"]

MALFORMED = b'{"id": "cut o'
"""The answer of `fault.malformed`: JSON that ends in its middle."""

injecting: ContextVar[bool] = ContextVar("memo_injecting", default=False)
"""True while an SDK is handed the answer of a fault: what is called inside is no call of the user's."""


class Faults:
    """The faults of one session, and how often each was injected. Safe for threads."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = list(faults)
        self._attempts = [0] * len(self._faults)
        self._injected = [0] * len(self._faults)
        self._lock = threading.Lock()
        self._reported: set[int] = set()

    @classmethod
    def of(cls, faults: object) -> Faults | None:
        """Return the faults of an option, each a `Fault` or its text; None without any. Raises `InvalidOption`."""
        if not faults:
            return None
        given = [faults] if isinstance(faults, str | Fault) else faults
        if not isinstance(given, Iterable):
            raise InvalidOption("faults", faults, ["a list of faults: [memo.fault.status(503, call=2)]"])
        found: list[Fault] = []
        for each in given:
            if not isinstance(each, str | Fault):
                raise InvalidOption("faults", each, ["memo.fault.status(503, call=2)", "'status(503, call=2)'"])
            found += parse(each) if isinstance(each, str) else [each]
        for fault in found:
            if meant := misspelled_family(fault.function):
                raise InvalidOption(f"fault.{fault.text.partition('(')[0]}: function", fault.function, [meant])
        return cls(found)

    def covers(self, function: str) -> bool:
        """Return whether there is a fault for a function."""
        return any(covers(fault.function, function) for fault in self._faults)

    def take(self, function: str, kinds: Container[str] | None = None) -> Fault | None:
        """Count an attempt at a call; return the fault that it has, the first of those that are due, of these kinds if they are given."""
        with self._lock:
            due: Fault | None = None
            for index, fault in enumerate(self._faults):
                if covers(fault.function, function) and (kinds is None or fault.kind in kinds):
                    self._attempts[index] += 1
                    if due is None and fault.is_due(self._attempts[index]):
                        due = fault
                        self._injected[index] += 1
            return due

    @property
    def injected(self) -> dict[str, int]:
        """How often each fault was injected, by its text."""
        with self._lock:
            counts: dict[str, int] = {}
            for fault, count in zip(self._faults, self._injected, strict=True):
                counts[fault.text] = counts.get(fault.text, 0) + count
            return counts

    def check(self, store: Store) -> None:
        """Raise `UnknownFunction` for a fault whose pattern covers no known function."""
        found = uncovered((fault.function for fault in self._faults), store)
        for fault in self._faults:
            if fault.function in found:
                raise UnknownFunction(f"fault.{fault}", fault.function, found[fault.function])

    def unknown(self) -> list[UnknownFunctionWarning]:
        """Return what to warn of: faults for functions that were not called, and are not known by now. Once."""
        found: list[UnknownFunctionWarning] = []
        for index, fault in enumerate(self._faults):
            if not self._attempts[index] and index not in self._reported and not is_known(fault.function):
                self._reported.add(index)
                found.append(UnknownFunctionWarning(f"fault.{fault}", fault.function, nearest(fault.function)))
        return found


class Answer(NamedTuple):
    """What an SDK returned for a fault."""

    value: Any


@dataclass
class FaultyCall:
    """A call for which there may be faults: of a function of the user's. Presets have their own.

    A fault is taken when the call is made: of a generator, when its first item is asked for.
    """

    faults: Faults
    name: str
    proceed: Callable[[], Any]
    """Makes the call, as the session does: replays, or records."""
    wrapped: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    drains: bool
    """True if the rest of a stream that is cut has to pass all the same, since it is being recorded."""

    @classmethod
    def applies(cls, name: str) -> bool:
        """Return whether a call of that name that is made here is one of the user's."""
        return not injecting.get()

    def run(self, kind: str) -> Any:
        """Return what a function of that kind returns."""
        match kind:
            case "coroutine":
                return self.coroutine()
            case "async generator":
                return self.async_generator()
            case "generator":
                return self.generator()
            case _:
                return self.sync()

    # What a preset has otherwise

    def attempt(self) -> Fault | Answer | None:
        """Return the change that is due, or what the SDK makes of a fault; None for neither. Raises what a fault raises."""
        fault = self.faults.take(self.name)
        if fault is None or fault.kind in ("slow", "cut"):
            return fault
        raise raised_for(fault, self.name)

    async def aattempt(self) -> Fault | Answer | None:
        """Async twin of `attempt`."""
        return self.attempt()

    def broken(self, fault: Fault) -> BaseException:
        """Return what is raised where a stream is cut."""
        return raised_for(fault, self.name)

    async def abroken(self, fault: Fault) -> BaseException:
        """Async twin of `broken`."""
        return self.broken(fault)

    def is_stream(self, value: Any) -> bool:
        """Return whether a result is a stream, whose items can be held back, or holds or gives one."""
        return is_held_back(type(value)) or is_manager(type(value)) or holds_streams(value)

    def counts(self, item: Any) -> bool:
        """Return whether an item of a stream counts as one for a fault."""
        return True

    def changed(self, value: Any, fault: Fault) -> Any:
        """Return a stream as it is with a fault. Raises where a result that is no stream is cut."""
        if inspect.isasyncgen(value):
            return self.apassed(value, fault)
        if inspect.isgenerator(value):
            return self.passed(value, fault)
        if is_held_back(type(value)):
            return hold_back(value, partial(self.passed, fault=fault), partial(self.apassed, fault=fault))
        if is_manager(type(value)):
            return managed(value, partial(self._given, fault=fault), partial(self._agiven, fault=fault))
        whole = replaced(value, partial(self.changed, fault=fault))
        if whole is not value:
            return whole
        if fault.kind == "cut":
            raise raised_for(fault, self.name)
        return value

    def _given(self, value: Any, fault: Fault) -> Any:
        """Return what a context manager gives as it is with a fault."""
        if not self.is_stream(value):
            time.sleep(fault.first)
        return self.changed(value, fault)

    async def _agiven(self, value: Any, fault: Fault) -> Any:
        if not self.is_stream(value):
            await anyio.sleep(fault.first)
        return self.changed(value, fault)

    # The kinds of function

    def sync(self) -> Any:
        """Make the call of a plain function."""
        fault = self.attempt()
        if isinstance(fault, Answer):
            return fault.value
        value = self.proceed()
        if fault is None:
            return value
        if inspect.isawaitable(value):
            return self._awaited(value, fault)
        return self._given(value, fault)

    async def coroutine(self) -> Any:
        """Make the call of a coroutine function."""
        fault = await self.aattempt()
        if isinstance(fault, Answer):
            return fault.value
        if fault is None:
            return await self.proceed()
        return await self._awaited(self.proceed(), fault)

    async def _awaited(self, value: Awaitable[Any], fault: Fault) -> Any:
        return await self._agiven(await value, fault)

    def generator(self) -> Generator[Any, Any, Any]:
        """Make the call of a generator function."""
        fault = self.attempt()
        if isinstance(fault, Answer):
            return (yield from fault.value)
        return (yield from (self.proceed() if fault is None else self.passed(self.proceed(), fault)))

    async def async_generator(self) -> AsyncGenerator[Any, Any]:
        """Make the call of an async generator function."""
        fault = await self.aattempt()
        if isinstance(fault, Answer):
            items = fault.value
        else:
            items = self.proceed() if fault is None else self.apassed(self.proceed(), fault)
        try:
            async for item in items:
                yield item
        finally:
            await items.aclose()

    # Streams

    def passed(self, items: Any, fault: Fault) -> Generator[Any, Any, Any]:
        """Yield the items of a stream, cut off or slowed down."""
        time.sleep(fault.first)
        count = 0
        try:
            for item in items:
                if fault.kind == "cut" and count == fault.after:
                    break
                counted = self.counts(item)
                if count and counted:
                    time.sleep(fault.per_item)
                yield item
                count += counted
            else:
                if fault.kind != "cut" or count < fault.after:
                    return
            if self.drains:
                for _ in items:
                    pass
        finally:
            _close(items)
        raise self.broken(fault)

    async def apassed(self, items: Any, fault: Fault) -> AsyncGenerator[Any, Any]:
        """Async twin of `passed`."""
        await anyio.sleep(fault.first)
        count = 0
        try:
            async for item in items:
                if fault.kind == "cut" and count == fault.after:
                    break
                counted = self.counts(item)
                if count and counted:
                    await anyio.sleep(fault.per_item)
                yield item
                count += counted
            else:
                if fault.kind != "cut" or count < fault.after:
                    return
            if self.drains:
                async for _ in items:
                    pass
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()
        raise await self.abroken(fault)


def _close(items: Any) -> None:
    close = getattr(items, "close", None)
    if close is not None:
        close()


def raised_for(fault: Fault, function: str) -> BaseException:
    """Return the exception of a fault for a function that is no SDK's. Raises `InvalidOption` where none was given."""
    if isinstance(fault.error, BaseException):
        return copy.copy(fault.error)
    if fault.error is not None:
        return fault.error()
    default = _DEFAULTS.get(fault.kind)
    if default is None:
        _refuse(fault, function)
    return default(f"{function}: fault.{fault}")


def _refuse(fault: Fault, function: str) -> NoReturn:
    name, _, options = fault.text.removesuffix(")").partition("(")
    allowed = [f"an exception that the function raises: fault.{name}({options}{', ' if options else ''}error=…)"]
    raise InvalidOption(f"fault.{name} for {function}: error", None, allowed)


_DEFAULTS: dict[str, type[Exception]] = {"timeout": TimeoutError, "connection": ConnectionError, "cut": ConnectionError}
