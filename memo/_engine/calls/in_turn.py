"""Replayed calls that take their turns: among concurrent ones, each ends after the one that ended before it when it was recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from memo._engine.calls.decision import Request
from memo._engine.rules import modes
from memo._engine.waiting.nesting import making
from memo._engine.waiting.order import Place, Turn, form, settle, settle_in_thread, wait, wait_in_thread
from memo._engine.waiting.threads import in_event_loop
from memo._recordings.outcomes import Outcome
from memo.errors import StoreError

__all__ = ["in_turn", "in_turn_in_thread", "later"]

T = TypeVar("T")


async def in_turn(request: Request, outcome: Outcome, play: Callable[[], Awaitable[T]]) -> T:
    """Return what `play` gives of an outcome once the calls that go before have ended, and the program has reacted to that."""
    turn = _turn(request, outcome)
    return await (play() if turn is None else _played(request, turn, play))


def later(request: Request, outcome: Outcome, play: Callable[[], Awaitable[T]]) -> Awaitable[T]:
    """Return what is awaited of a plain function, whose turn begins now, and ends where that is awaited."""
    turn = _turn(request, outcome)
    return play() if turn is None else _played(request, turn, play)


async def _played(request: Request, turn: Turn, play: Callable[[], Awaitable[T]]) -> T:
    session = request.session
    with _taken(request, turn):
        if _has_to_wait(request, turn):
            assert turn.after is not None
            if not await _acomes(request, turn.after):
                turn.is_kept = False
            elif not await wait(session.order, turn, session.has_begun):
                _give_up(request, turn)
        if turn.after is not None and turn.is_kept:
            await settle(turn)
        return await play()


def in_turn_in_thread(request: Request, outcome: Outcome, play: Callable[[], T]) -> T:
    """Sync twin of `in_turn`. It blocks its thread, but no event loop: there, the call ends at once."""
    turn = _turn(request, outcome)
    if turn is None:
        return play()
    session = request.session
    with _taken(request, turn):
        if turn.after is not None and not in_event_loop():
            if not _has_to_wait(request, turn) and not session.order.is_lost:
                settle_in_thread(turn)  # another thread may have begun the call, and not have read its recording yet
            if _has_to_wait(request, turn):
                if not _comes(request, turn.after):
                    turn.is_kept = False
                elif not wait_in_thread(session.order, turn, session.has_begun):
                    _give_up(request, turn)
                else:
                    settle_in_thread(turn)
        return play()


def _turn(request: Request, outcome: Outcome) -> Turn | None:
    """Return the turn of a call, None where it takes part in no order: it is a stream, or is made inside another call."""
    order, number = request.session.order, request.number
    if order.is_off or number is None or not request.setting.is_ordered:
        return None
    if outcome.items is not None or making.get() is not None:
        return None
    place, after = Place.of(request.call, number), outcome.after
    turn = Turn(
        place,
        None if after is None else Place(after.call, after.draw),
        outcome.seconds,
        is_elsewhere=after is not None and after.is_in_thread,
    )
    order.enter(turn)
    return turn


@contextmanager
def _taken(request: Request, turn: Turn) -> Generator[None]:
    """Enclose a turn. What is cancelled has not ended: the next identical call takes its place."""
    order = request.session.order
    try:
        yield
    except BaseException as error:
        order.leave(turn)
        if isinstance(error, Exception):
            _end(request, turn)
        else:
            request.give_back()
        raise
    order.leave(turn)
    _end(request, turn)


def _end(request: Request, turn: Turn) -> None:
    session, (_, draw) = request.session, turn.place
    last = session.order.end(request.call, draw)
    if not turn.is_kept and request.mode is modes.RECORD_IF_MISSING:
        session.order_changes.note(request.call, draw, form(last) if last[2] > turn.begun else None)


def _has_to_wait(request: Request, turn: Turn) -> bool:
    """Return whether the call that goes before has not ended. One that is made live may take as long as it likes."""
    session, after = request.session, turn.after
    if after is None:
        return False
    if session.order.is_lost:
        turn.is_kept = False
        return False
    if request.mode is modes.RECORD_IF_MISSING and session.flights.is_on_its_way(f"{after.call.key}~{after.draw}"):
        turn.is_kept = False
        return False
    return session.order.is_to_come(after, session.has_begun)


def _comes(request: Request, after: Place) -> bool:
    """Return whether the call that goes before has begun, or may be replayed yet."""
    try:
        return request.session.has_begun(after.call, after.draw) or request.session.recordings.has(after.call)
    except StoreError:  # reported where the call itself is made
        return True


async def _acomes(request: Request, after: Place) -> bool:
    """Async twin of `_comes`."""
    try:
        return request.session.has_begun(after.call, after.draw) or await request.session.recordings.ahas(after.call)
    except StoreError:
        return True


def _give_up(request: Request, turn: Turn) -> None:
    turn.is_kept = False
    request.session.order.lose()
    if request.mode is not modes.RECORD_IF_MISSING:  # where the order is written anew
        request.session.order.note_vain(turn)
