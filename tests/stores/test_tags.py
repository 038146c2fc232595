"""Recordings are invalidated together, by their tags, in every kind of store."""

import subprocess
import sys

import pytest
from recording_schema import invalid

from memo import Recorder, recordable, recording
from memo.errors import InvalidOption
from memo.stores import MemoryStore, as_store

pytestmark = pytest.mark.anyio


def offers(cache):
    calls = []

    @cache.recordable(name="app.offer", tags=lambda arguments: ["prices", f"user:{arguments['user']}"])
    async def offer(user, item="tea"):
        calls.append(user)
        return len(calls)

    @cache.recordable(name="app.rate", tags="prices")
    def rate(currency):
        calls.append(currency)
        return len(calls)

    return offer, rate, calls


async def test_what_has_a_tag_is_deleted_and_nothing_else(store):
    cache = Recorder(store, mode="record-if-missing")
    offer, rate, calls = offers(cache)
    untagged = cache.recordable(name="app.other")(lambda x: calls.append(x))
    (
        await offer("ann"),
        await offer("ann", "coal"),
        await offer("bob"),
        await offer('ü"\n'),
        rate("EUR"),
        untagged("prices"),
    )
    assert await cache.ainvalidate(tag="user:ann") == 2
    assert cache.invalidate(tag="user:ann") == await offer.ainvalidate(tag="user") == 0
    assert [await offer("ann"), await offer("bob"), rate("EUR")] == [7, 3, 5]
    assert await offer.ainvalidate(tag='user:ü"\n') == 1
    assert await offer.ainvalidate(tag="prices") == 2  # of this function
    assert rate.cache_contains("EUR")
    assert rate.invalidate(tag="prices") == 1
    assert await cache.ainvalidate(tag="prices") == 0
    assert untagged.cache_contains("prices")
    assert [await offer("bob"), rate("EUR")] == [8, 9]


def test_what_another_process_recorded(shared):
    program = (
        "import sys, memo\n"
        "cache = memo.Recorder(sys.argv[1], mode='record-if-missing')\n"
        "f = cache.recordable(name='app.f', tags=lambda arguments: [f\"n:{arguments['n']}\"])(lambda n: n)\n"
        "print([f(n) for n in range(3)], cache.stats.live)\n"
    )
    run = [sys.executable, "-c", program, shared]
    assert subprocess.run(run, capture_output=True, text=True, timeout=300, check=True).stdout == "[0, 1, 2] 3\n"
    assert Recorder(shared).invalidate(tag="n:1") == 1
    assert subprocess.run(run, capture_output=True, text=True, timeout=300, check=True).stdout == "[0, 1, 2] 1\n"


async def test_a_new_outcome_has_the_tags_of_its_call():
    store = MemoryStore()
    cache = Recorder(store, mode="record-if-missing")

    def tagged(tag):
        return cache.recordable(name="app.f", tags=tag)(lambda: 1)

    tagged("old")()
    tagged("new").refresh()
    assert cache.invalidate(tag="old") == 0
    assert cache.invalidate(tag="new") == 1


async def test_tags_are_kept_with_the_draws_of_a_scope(tmp_path):
    answers = iter("ab")

    @recordable(name="app.f", tags=["t"])
    async def sample():
        return next(answers)

    with recording(tmp_path, mode="record-if-missing") as recorder:
        assert [await sample(), await sample()] == ["a", "b"]
        assert sample.invalidate(tag="other") == 0
    assert not invalid(tmp_path)
    assert sample.invalidate(tag="t") == await sample.ainvalidate(tag="t") == 0  # outside any recorder
    assert recorder.invalidate(tag="t") == 1


async def test_a_function_that_gives_no_tags_is_found_out_before_the_call():
    cache = Recorder("memory://", mode="record-if-missing")
    calls = []

    @cache.recordable(tags=lambda arguments: arguments["tags"])
    async def ask(tags):
        calls.append(tags)
        return len(calls)

    for wrong in (None, 3, [1], [""]):
        with pytest.raises((InvalidOption, TypeError)):
            await ask(wrong)
    with pytest.raises(InvalidOption, match="hold no credential") as refused:
        await ask(["sk-proj-4f3KkqLm8Xw2Rz7Tb1Nc5Vd9"])
    assert "4f3Kkq" not in str(refused.value)
    assert calls == []
    assert [await ask(["a"]), await ask(["a"])] == [1, 1]  # nothing waits for the calls that failed


@pytest.mark.parametrize("wrong", [3, [1], "", [None], ["sk-proj-4f3KkqLm8Xw2Rz7Tb1Nc5Vd9"]], ids=str)
def test_wrong_tags_are_refused_where_they_are_written(wrong):
    with pytest.raises(InvalidOption, match="tags"):
        recordable(tags=wrong)(lambda: 1)


async def test_methods():
    cache = Recorder("memory://", mode="record-if-missing")

    class Shop:
        @cache.recordable(tags=lambda arguments: [arguments["item"]], name="shop.price")
        def price(self, item):
            return 1

        @classmethod
        @cache.recordable(tags=lambda arguments: [arguments["item"]], name="shop.of")
        def of(cls, item):
            return 2

    Shop().price("tea"), Shop().price(item="coal"), Shop.of("tea"), Shop.price(Shop(), "milk")
    assert Shop().price.invalidate(tag="milk") == 1
    assert Shop.of.invalidate(tag="coal") == 0
    assert cache.invalidate(tag="tea") == 2


def test_what_is_damaged_is_left(tmp_path):
    cache = Recorder(tmp_path, mode="record-if-missing")
    _, rate, _ = offers(cache)
    rate("EUR"), rate("USD")
    damaged, _ = sorted(tmp_path.rglob("*.json"))
    damaged.write_bytes(damaged.read_bytes()[:-30])
    other = tmp_path / "app.rate" / ("0" * 32 + ".json")
    other.write_text('{"tags": ["prices"], "function": "app.rate"}\n')
    assert as_store(tmp_path)
    assert cache.invalidate(tag="prices") == 1
    assert sorted(tmp_path.rglob("*.json")) == sorted([damaged, other])
