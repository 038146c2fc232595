"""Where live calls end: at a number of them, or at what they cost by the tokens that their answers report and the user's prices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson

from memo._calls.call import Call
from memo._recordings.tokens import usage_of
from memo.errors import CostLimitReached, InvalidOption, TooManyLiveCalls

__all__ = ["LiveLimit", "Prices", "Spending"]

Prices = Mapping[str, tuple[float, float]] | Callable[[str, int, int], float]
"""What a million tokens cost by model, in and out; or a function of the model and its tokens in and out that returns a cost."""
_FORMS = ("{'gpt-4o': (2.5, 10.0)}: what a million tokens cost, in and out", "a function of model, tokens in and out")


class LiveLimit:
    """How many calls may go to the real function. Safe for threads."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._lock = threading.Lock()

    def take(self, function: str) -> None:
        """Count a call that is about to be made. Raises `TooManyLiveCalls` once there were as many as may be made."""
        with self._lock:
            if self._left <= 0:
                raise TooManyLiveCalls(function, self._limit)
            self._left -= 1


class Spending:
    """The cost of the live calls of a recorder. Safe for threads."""

    def __init__(self, limit: float, prices: Prices) -> None:
        self.limit = limit
        self.spent = 0.0
        self._prices = prices
        self._lock = threading.Lock()

    @classmethod
    def of(cls, limit: float | None, prices: Any) -> Spending | None:
        """Return what `max_cost` and `prices` ask for, None for no limit. Raises `InvalidOption`."""
        if limit is None:
            return None
        if callable(prices) or (isinstance(prices, Mapping) and prices and all(map(_is_price, prices.values()))):
            return cls(limit, cast(Prices, prices))
        raise InvalidOption("prices", prices, _FORMS)

    def check(self, function: str, call: Call) -> None:
        """Raise `CostLimitReached` if the limit is reached, `InvalidOption` for a model without a price: before it is called."""
        model = _model(call)
        if model is not None and isinstance(self._prices, Mapping) and model not in self._prices:
            raise InvalidOption("prices: model", model, [*self._prices])
        if self.spent >= self.limit:
            raise CostLimitReached(function, self.limit, self.spent)

    def add(self, call: Call, outcome: dict[str, Any], counted: float) -> float:
        """Count what a call cost, of which `counted` is counted already; return its cost."""
        model = _model(call)
        if model is None:
            return counted
        tokens = usage_of(orjson.loads(orjson.dumps(outcome)))
        if isinstance(self._prices, Mapping):
            cost = sum(count * price for count, price in zip(tokens, self._prices[model], strict=True)) / 1_000_000
        else:
            cost = float(self._prices(model, *tokens))
        with self._lock:
            self.spent += cost - counted
        return cost


def _is_price(price: object) -> bool:
    return (
        isinstance(price, tuple | list)
        and len(price) == 2
        and all(isinstance(part, int | float) and not isinstance(part, bool) and part >= 0 for part in price)
    )


def _model(call: Call) -> str | None:
    """Return the model that a call names; None for a call without one, which costs nothing."""
    arguments = orjson.loads(call.arguments)
    body = arguments.get("body")
    model = body.get("model") if isinstance(body, dict) else arguments.get("model")
    return model if isinstance(model, str) else None
