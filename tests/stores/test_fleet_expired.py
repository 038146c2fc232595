"""Several processes, one store: what has expired is made again once in the whole fleet, before its replay or behind it."""

import pytest
from aged import age
from fleets import Fleet

from memo import Recorder
from memo.stores import as_store


@pytest.fixture
def workers(fleet, tmp_path) -> Fleet:
    workers = Fleet(fleet, tmp_path)
    store = as_store(fleet)

    @Recorder(store, mode="record-if-missing").recordable(name="app.ask")
    def old(n: int) -> str:
        workers.log.write_text(f"{n}\n")
        return "old"

    old(1)
    age(store)
    return workers


BEFORE = """
cache = Recorder(sys.argv[1], mode="record-if-missing", ttl="1h")
memoized = cache.recordable(name="app.ask")(ask.__wrapped__)
print(asyncio.run(memoized(1)))
"""

BEHIND = """
cache = Recorder(sys.argv[1], mode="record-if-missing", ttl="1h", on_expiry="refresh")
memoized = cache.recordable(name="app.ask")(ask.__wrapped__)

async def main():
    async with asyncio.timeout(30):
        while (answer := await memoized(1)) == "old":
            await asyncio.sleep(0.01)
    print(answer)

asyncio.run(main())
"""

BEHIND_PLAIN = """
cache = Recorder(sys.argv[1], mode="record-if-missing", ttl="1h", on_expiry="refresh")
memoized = cache.recordable(name="app.ask")(lambda n: ask_sync.__wrapped__(n))

end = time.monotonic() + 30
while (answer := memoized(1)) == "old" and time.monotonic() < end:
    time.sleep(0.01)
print(answer)
"""


@pytest.mark.parametrize("program", [BEFORE, BEHIND, BEHIND_PLAIN], ids=["before", "behind", "behind, plain"])
def test_one_call_of_the_fleet_makes_it_anew(workers, program):
    printed = workers.run(program, 3)
    assert len(set(printed)) == 1
    assert workers.calls() == [1, 1]  # the one that has expired, and one more


def test_whoever_is_killed_while_making_it_anew_is_followed(workers):
    slow = """
async def slow(n):
    note(n)
    await asyncio.sleep(60)
""" + BEHIND.replace("ask.__wrapped__", "slow")
    process = workers.start(slow)
    workers.until_calls(2)
    process.kill()
    process.communicate()
    workers.run(BEHIND, 2)
    assert workers.calls() == [1, 1, 1]
