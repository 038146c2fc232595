"""How long the outcomes of a function are good: `ttl`, of the function or of the recorder."""

from datetime import timedelta

import pytest
from aged import age

import memo
from memo import Recorder, recordable, recording
from memo.errors import InvalidOption, RecordingExpiredWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


def counting(cache, kind="async", **options):
    """A memoized function that answers how often it was called."""
    calls = []

    if kind == "plain":

        @cache.recordable(name="app.f", **options)
        def plain():
            calls.append(1)
            return len(calls)

        async def ask():
            return plain()

        return ask
    if kind == "async":

        @cache.recordable(name="app.f", **options)
        async def coroutine():
            calls.append(1)
            return len(calls)

        return coroutine

    @cache.recordable(name="app.f", **options)
    async def stream():
        calls.append(1)
        yield len(calls)

    async def last():
        return [item async for item in stream()][-1]

    return last


@pytest.mark.parametrize("kind", ["plain", "async", "stream"])
@pytest.mark.parametrize("memory", [0, 10**6])
async def test_an_outcome_is_made_anew_after_its_ttl(kind, memory):
    store = MemoryStore()
    ask = counting(Recorder(store, mode="record-if-missing", memory=memory), kind, ttl="1h")
    assert [await ask(), await ask()] == [1, 1]
    age(store)
    ask = counting(Recorder(store, mode="record-if-missing", memory=memory), kind, ttl="1d")
    assert await ask() == 1
    ask = counting(Recorder(store, mode="record-if-missing", memory=memory), kind, ttl=timedelta(hours=1))
    assert [await ask(), await ask()] == [1, 1]  # the first of its own
    assert len(list(store.scan())) == 1


@pytest.mark.parametrize(
    ("recorder", "function", "anew"),
    [
        ({"ttl": "1h"}, {}, True),
        ({"ttl": "1d"}, {}, False),
        ({"ttl": "1h"}, {"ttl": "1d"}, False),  # the function's own counts
        ({"ttl": "1d"}, {"ttl": "1h"}, True),
        ({"ttl": {"app.*": "1h", "*": "1d"}}, {}, True),
        ({"ttl": {"other.*": "1h", "*": "1d"}}, {}, False),
        ({"ttl": {"other.*": "1h"}}, {}, False),
        ({"ttl": {"app.*": "1h", "app.f": "1d"}}, {}, False),  # the most specific
        (
            {"max_age": "1h", "on_expiry": "record"},
            {"ttl": "1d"},
            True,
        ),  # no recording older than that, whatever the ttl
        ({"max_age": "1d", "on_expiry": "fail"}, {"ttl": "1h"}, True),
    ],
    ids=str,
)
async def test_which_ttl_counts(recorder, function, anew):
    store = MemoryStore()
    await counting(Recorder(store, mode="record"))()
    age(store)
    cache = Recorder(store, mode="record-if-missing", **recorder)
    ask = counting(cache, **function)
    assert await ask.acache_contains() is not anew
    assert ask.cache_contains() is not anew
    await ask()
    assert cache.stats.live == int(anew)
    assert ask.cache_contains()


async def test_replay_makes_no_call_and_gives_what_is_there():
    store = MemoryStore()
    await counting(Recorder(store, mode="record"))()
    age(store)
    cache = Recorder(store, mode="replay", ttl="1h")
    assert await counting(cache)() == 1  # pytest turns warnings into errors
    assert cache.stats.replayed == 1


async def test_in_a_scope_each_draw_is_made_anew():
    store, answers = MemoryStore(), iter("abcd")

    @recordable(ttl="1h")
    async def sample():
        return next(answers)

    with recording(store, mode="record-if-missing"):
        assert [await sample(), await sample()] == ["a", "b"]
    age(store)
    with recording(store, mode="record-if-missing"):
        assert [await sample(), await sample()] == ["c", "d"]
    with recording(store, mode="replay"):
        assert [await sample(), await sample()] == ["c", "d"]


async def test_an_expired_call_that_fails_leaves_what_is_there():
    store = MemoryStore()
    await counting(Recorder(store, mode="record"))()
    age(store)
    cache = Recorder(store, mode="record-if-missing")

    @cache.recordable(name="app.f", ttl="1h")
    async def failing():
        raise ConnectionError("away")

    with pytest.raises(ConnectionError):
        await failing()
    assert await counting(Recorder(store, mode="replay"))() == 1


async def test_max_age_is_reported_in_addition_to_the_ttl():
    store = MemoryStore()
    await counting(Recorder(store, mode="record"))()
    age(store)
    ask = counting(Recorder(store, mode="record-if-missing", max_age="1h", on_expiry="fail"), ttl="1d")
    with pytest.raises(RecordingExpiredWarning, match="max_age=60 minutes"):
        await ask()


@pytest.mark.parametrize(
    ("ttl", "says"),
    [
        ("1x", r"ttl: invalid duration '1x': use a number and s, m, h, d or w"),
        (60, r"ttl: invalid duration 60: use '30d', or a timedelta"),
        ({"app.*": "soon"}, r"ttl\['app\.\*'\]: invalid duration 'soon'"),
        ({1: "1h"}, r"allowed: \{"),
    ],
    ids=str,
)
def test_a_wrong_ttl_is_named_at_once(ttl, says):
    with pytest.raises(InvalidOption, match=says):
        Recorder(MemoryStore(), ttl=ttl)
    with pytest.raises(InvalidOption, match="ttl"):
        recordable(ttl=ttl)(len)


def test_it_can_be_configured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "memo.toml"
    config.write_text('mode = "record-if-missing"\nttl = "1h"\n[patches]\n"json:dumps" = { ttl = "1d" }\n')
    with memo.install():
        pass
    config.write_text('[ttl]\n"app.*" = "1h"\n')
    with memo.install():
        pass
    for wrong in ("ttl = 1", 'ttl = "1x"', '[ttl]\n"app.*" = 3', '[patches]\n"json:dumps" = { ttl = "soon" }'):
        config.write_text(wrong)
        with pytest.raises(InvalidOption, match=r"memo\.toml.*ttl"):
            memo.install()
