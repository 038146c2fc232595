"""`max_cost`: a run that pays ends where its calls have cost that much."""

from typing import Any

import pytest

from memo import recordable, recording
from memo.errors import CostLimitReached, InvalidOption
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio
PRICES = {"small": (1.0, 2.0)}


@recordable(name="app.ask")
async def ask(model: str, question: str) -> dict[str, Any]:
    return {"text": "Saturn", "usage": {"input_tokens": 100_000, "output_tokens": 200_000}}


@recordable(name="app.stream")
async def stream(model: str) -> Any:
    for tokens in (50_000, 100_000):
        yield {"usage": {"prompt_tokens": 400_000, "completion_tokens": tokens}}


@pytest.mark.parametrize("prices", [PRICES, lambda model, sent, received: (sent + 2 * received) / 1_000_000])
async def test_calls_end_where_they_cost_too_much(prices: Any):
    store = MemoryStore()
    with recording(store, mode="record-if-missing", max_cost=1.0, prices=prices) as recorder:
        await ask("small", "one")
        await ask("small", "two")
        with pytest.raises(CostLimitReached, match="so far cost 1, and the recorder allows 1") as caught:
            await ask("small", "three")
    assert caught.value.spent == pytest.approx(1.0)
    assert recorder.stats.live == 2
    with recording(store, mode="record-if-missing", max_cost=0.4, prices=prices) as recorder:
        for question in ("one", "two", "three"):  # replays cost nothing
            await ask("small", question)
    assert (recorder.stats.live, recorder.stats.replayed) == (1, 2)


async def test_the_chunks_of_a_stream_report_the_tokens_so_far():
    with recording(MemoryStore(), mode="record", max_cost=5, prices=PRICES) as recorder:
        assert len([item async for item in stream("small")]) == 2
    assert recorder.spending.spent == pytest.approx(0.6)


async def test_a_model_without_a_price_is_refused_before_it_is_called():
    with recording(MemoryStore(), mode="record", max_cost=1, prices=PRICES) as recorder:
        with pytest.raises(InvalidOption, match="did you mean 'small'"):
            await ask("smal", "one")
    assert recorder.stats.live == 0


@pytest.mark.parametrize(
    "options",
    [
        {"max_cost": 1},
        {"max_cost": 0, "prices": PRICES},
        {"max_cost": 1, "prices": {"small": 3}},
        {"max_cost": 1, "prices": PRICES, "mode": "live"},
    ],
)
async def test_what_cannot_be_counted_is_refused(options: Any):
    with pytest.raises(InvalidOption), recording(MemoryStore(), **options):
        pass
