"""A call that may be made live: with its function and arguments, and the attempt that a live call is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from memo._calls.call import Call
from memo._engine.calls.context import Function, FunctionContext
from memo._engine.calls.decision import CallLive, Request
from memo._engine.live.attempt import Attempt
from memo._engine.live.changes import ArgumentWatch, may_change
from memo._engine.live.given import given_in, may_share
from memo._engine.rules.modes import Mode
from memo._engine.sessions.active import active
from memo._engine.sessions.session import Session
from memo._engine.waiting.nesting import parent_in
from memo.errors import MemoError

__all__ = ["LiveRequest"]


class LiveRequest(Request):
    """A call, with all that is needed to make it."""

    __slots__ = ("_args", "_counter", "_instance", "_kwargs", "_wrapped")

    _watches_arguments = True
    """Whether it is reported that a call changes its arguments. (SDKs change nothing but the place in a file they read.)"""

    def __init__(
        self,
        counter: Function,
        setting: FunctionContext,
        session: Session,
        mode: Mode,
        call: Call,
        wrapped: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        instance: Any = None,
    ) -> None:
        # Not by `super().__init__`, which takes a twentieth of a replay.
        self.session = session
        self.mode = mode
        self.call = call
        self.setting = setting
        self.number = None
        self._counter = counter
        self._wrapped = wrapped
        self._args = args
        self._kwargs = kwargs
        self._instance = instance

    def reach_object(self) -> None:
        """Let the outcome name the classes in the object whose method is called."""
        values = self.setting.values
        owned = self._counter.owned(values.types, self._instance, self._args)
        self.setting = replace(self.setting, values=values.reaching((), () if owned is None else owned()))

    def _invoke(self, attempt: Attempt | None) -> Any:
        """Call the real function with the real arguments."""
        return self._wrapped(*self._args, **self._kwargs)

    def _attempt(self, live: CallLive) -> Attempt | None:
        """Return the attempt that a live call is, None where it is not recorded. Raises `TooManyLiveCalls`, `CostLimitReached`."""
        session, listed = self.session, None
        if session.live_limit is not None or session.spending is not None:
            self._allow(live)
        if session.calls_made is not None:
            listed = session.calls_made.live(self.call.function or self._counter.name, self.call)
        self._counter.misses += 1
        draw = live.draw
        if draw is None:
            self.session.count_live()
            return None
        parent = parent_in(self.session, is_foreign=active.get() is None)
        if parent is not None:
            draw = draw._replace(parent=parent)
        if self._counter.has_tags:
            draw = draw._replace(tags=self._tags(live))
        values = self.setting.values
        owned = self._counter.owned(values.types, self._instance, self._args)
        return Attempt(
            self.session,
            self.call,
            values if owned is None else values.of_object(owned),
            flight=live.flight,
            draw=draw,
            errors="all" if draw.is_compared else self.setting.errors,
            secrets=self.setting.secrets,
            watch=ArgumentWatch(self.call, self._args, self._kwargs, self._rebuilt) if self._may_change() else None,
            given=self._given if self._watches_arguments else None,
            listed=listed,
            is_ordered=self.setting.is_ordered,
        )

    def _allow(self, live: CallLive) -> None:
        """Let those who wait for the call go on where it may not be made."""
        try:
            self.session.allow_live(self.call.function or self._counter.name, self.call)
        except MemoError:
            if live.flight is not None:
                live.flight.finish()
            if live.draw is not None:
                self.session.give_back(self.call, live.draw.number)
            raise

    def _tags(self, live: CallLive) -> tuple[str, ...]:
        try:
            return self._counter.tags(self.session, self._instance, self._args, self._kwargs)
        except BaseException:  # the call is not made
            if live.flight is not None:
                live.flight.finish()
            self.give_back()
            raise

    def _may_change(self) -> bool:
        """Return whether there are arguments that the call could change."""
        args, kwargs = self._args, self._kwargs
        return self._watches_arguments and may_change((*args, *kwargs.values()) if kwargs else args)

    def _given(self, value: Any, watch: ArgumentWatch | None) -> dict[str, str]:
        """Return which of the caller's own objects a result is, or holds."""
        if value is self._instance:
            return given_in(value, {}, value)
        if watch is None:
            return {}
        given = (*self._args, *self._kwargs.values())
        if not may_share(value, given, are_plain=watch.are_plain):
            return {}
        return given_in(value, self._arguments(), None)

    def _arguments(self) -> Mapping[str, Any]:
        """Return the arguments by name."""
        return self._counter.arguments(self.session, self._instance, self._args, self._kwargs)

    def _rebuilt(self) -> Call:
        """Make the call from its arguments again, as they are now."""
        return self._counter.call(self.session, self._instance, self._args, self._kwargs, self.setting)
