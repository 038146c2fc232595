"""`pending=True`: what differs in ids and times alone is not put aside, unless it is asked for."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from memo import recordable, recording
from memo.maintenance.pending import all_pending
from memo.stores import as_store


def answer(text="Saturn", **more):
    now = time.time()
    return {
        "id": f"chatcmpl-{uuid4().hex[:24]}",
        "request_id": str(uuid4()),
        "created": int(now),
        "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "total_duration": uuid4().int % 10**9,
        "text": text,
        **more,
    }


async def record(store, make, **options):
    """Record a call twice, the second time with these options; return the recorder's numbers and what is pending."""

    @recordable(name="app.ask")
    async def ask():
        return made.pop(0)

    made = [make(0), make(1)]
    with recording(store, mode="record"):
        await ask()
    with recording(store, mode="record", **options) as recorder:
        await ask()
    return recorder.stats, list(all_pending(as_store(store)))


@pytest.mark.anyio
@pytest.mark.parametrize("place", ["directory", "sqlite"])
async def test_ids_and_times_alone_are_not_put_aside(place, tmp_path):
    store = str(tmp_path / "s") if place == "directory" else f"sqlite:///{tmp_path}/s.db"
    stats, pending = await record(store, lambda _: answer(), pending=True)
    assert (stats.recorded, stats.volatile, pending) == (1, 1, [])
    stats, pending = await record(store, lambda _: answer(), pending="all")
    assert (stats.volatile, len(pending)) == (0, 1)
    stats, pending = await record(store, lambda _: answer(), pending=True)  # takes back what is pending
    assert (stats.volatile, pending) == (1, [])


CHANGES = {
    "a text": lambda number: answer(text=f"Saturn {number}"),
    "a new field": lambda number: answer(**({"more": 1} if number else {})),
    "a model": lambda number: answer(model_id=f"model-{number}"),
    "a fine-tuned model": lambda number: answer(model_id=f"ft-abcd123{number}"),
    "the version of a model": lambda number: answer(model_id=f"claude-{number}-5-sonnet"),
    "a number": lambda number: answer(count=number),
    "a date that is not now": lambda number: answer(starts_at=f"2020-01-0{number + 1}T10:00:00Z"),
    "a time that is not now": lambda number: answer(epoch=1_500_000_000 + number),
    "an id of the user's": lambda number: answer(user_id=f"user-{number}"),
    "a type": lambda number: answer(flag=None if number else True),
}


@pytest.mark.anyio
@pytest.mark.parametrize("change", CHANGES)
async def test_everything_else_is(change, tmp_path):
    stats, pending = await record(tmp_path, CHANGES[change], pending=True)
    assert (stats.volatile, len(pending)) == (0, 1)


@pytest.mark.anyio
async def test_draws_are_looked_at_together(tmp_path):
    texts = iter(["a", "b", "a", "b", "a", "c"])

    @recordable(name="app.poll")
    async def poll():
        return answer(next(texts))

    for waiting, options in ((0, {}), (0, {"pending": True}), (1, {"pending": True})):
        with recording(tmp_path, mode="record", **options):
            await poll()
            await poll()
        assert len(list(all_pending(as_store(tmp_path)))) == waiting


@pytest.mark.anyio
async def test_the_chunks_of_a_stream_are_cut_anywhere(tmp_path):
    cuts = iter([("Sat", "urn"), ("S", "aturn"), ("Sat", "an")])

    @recordable(name="app.stream")
    async def stream():
        one = f"chatcmpl-{uuid4().hex}"
        for text in next(cuts):
            yield {"id": one, "created": int(time.time()), "delta": text}

    waiting = []
    for options in ({}, {"pending": True}, {"pending": True}):
        with recording(tmp_path, mode="record", **options):
            assert [item async for item in stream()]
        waiting.append(len(list(all_pending(as_store(tmp_path)))))
    assert waiting == [0, 0, 1]
