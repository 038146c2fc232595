"""What is decided once for sync and async callers: a generator of the steps that have to be waited for."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, TypeVar

__all__ = ["Step", "run_steps", "run_steps_async"]

T = TypeVar("T")


class Step(Protocol):
    """What a decision has to wait for. What it returns or raises goes back into the generator."""

    def run(self) -> object:
        """Take the step."""
        ...

    async def arun(self) -> object:
        """Async twin of `run`."""
        ...


def run_steps(steps: Generator[Step, object, T]) -> T:
    """Return what the generator returns, having taken its steps. Blocks as long as they do."""
    try:
        step = next(steps)
        while True:
            try:
                answer = step.run()
            except BaseException as error:  # noqa: BLE001 - raised again by the steps
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result


async def run_steps_async(steps: Generator[Step, object, T]) -> T:
    """Async twin of `run_steps`: nothing blocks the event loop."""
    try:
        step = next(steps)
        while True:
            try:
                answer = await step.arun()
            except BaseException as error:  # noqa: BLE001 - raised again by the steps
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
