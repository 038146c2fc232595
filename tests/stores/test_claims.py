"""Stores that can claim, and those that wake whoever waits for a claim."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from store_contract import HOSTILE

from memo.stores import (
    Claims,
    HeldClaim,
)


def ended(claims: Claims, name: str, token: str) -> bytes | HeldClaim | None:
    """What a claim gives when that of another has ended, which it must soon."""
    end = time.monotonic() + claims.lease + 5
    while isinstance(claimed := claims.claim(name, token), HeldClaim) and time.monotonic() < end:
        time.sleep(min(claimed.seconds, 0.05))
    return claimed


class TestClaims:
    def test_one_holds_it(self, claims):
        assert claims.claim("f/a", "one") is None
        held = claims.claim("f/a", "two")
        assert isinstance(held, HeldClaim)
        assert held.holder == "one"
        assert 0 < held.seconds <= claims.lease
        assert claims.claim("f/a", "one") is None
        assert claims.claim("f/b", "two") is None
        assert claims.get("f/a") is None
        assert list(claims.scan()) == []

    def test_what_is_recorded_is_not_claimed(self, claims):
        claims.put("f/a", b"1")
        assert claims.claim("f/a", "one") == b"1"
        claims.delete("f/a")
        assert claims.claim("f/a", "two") is None

    def test_to_finish_is_to_create_and_to_release(self, claims):
        claims.claim("f/a", "one")
        assert claims.finish("f/a", "one", b"1") is None
        assert claims.claim("f/a", "two") == claims.get("f/a") == b"1"
        claims.delete("f/a")
        assert claims.claim("f/a", "two") is None

    def test_who_finishes_late_gets_the_first(self, claims):
        claims.claim("f/a", "one")
        claims.put("f/a", b"1")
        assert claims.finish("f/a", "one", b"2") == b"1"
        assert claims.finish("f/a", "one", b"3") == b"1"
        assert claims.finish("f/b", "never claimed", b"4") is None
        assert claims.get("f/b") == b"4"

    def test_who_is_late_leaves_the_claim_of_another(self, claims):
        claims.claim("f/a", "one")
        assert (
            claims.finish("f/a", "two", b"2") is None
        )  # its own had ended, and another's is in the middle of the call
        claims.delete("f/a")
        held = claims.claim("f/a", "two")
        assert isinstance(held, HeldClaim)
        assert held.holder == "one"

    def test_to_release_is_to_hand_over(self, claims):
        claims.claim("f/a", "one")
        claims.release("f/a", "two")
        assert isinstance(claims.claim("f/a", "two"), HeldClaim)
        claims.release("f/a", "one")
        assert claims.claim("f/a", "two") is None
        claims.release("f/a", "one")
        assert isinstance(claims.claim("f/a", "three"), HeldClaim)
        claims.release("f/none", "one")

    def test_a_claim_ends_by_itself(self, claims):
        claims.claim("f/a", "one")
        assert ended(claims, "f/a", "two") is None
        assert claims.renew("f/a", "one") is False
        assert isinstance(claims.claim("f/a", "one"), HeldClaim)

    def test_a_claim_lasts_while_it_is_renewed(self, claims):
        claims.claim("f/a", "one")
        end = time.monotonic() + 2.2 * claims.lease
        while time.monotonic() < end:
            assert claims.renew("f/a", "one") is True
            assert isinstance(claims.claim("f/a", "two"), HeldClaim)
            time.sleep(claims.lease / 10)
        assert claims.renew("f/a", "two") is False
        claims.release("f/a", "one")
        assert claims.renew("f/a", "one") is False
        assert claims.renew("f/b", "one") is False

    def test_hostile_names_keep_apart(self, claims):
        claims.lease = 60.0  # none ends before the last is asked for
        names = list(dict.fromkeys(f"{each}/k" for each in HOSTILE))
        assert [claims.claim(name, name.encode(errors="replace").hex()) for name in names] == [None] * len(names)
        assert all(isinstance(claims.claim(name, "other"), HeldClaim) for name in names)

    def test_of_many_threads_one_holds_it(self, claims):
        together = threading.Barrier(8)

        def race(thread: int) -> list[str]:
            got = []
            for i in range(10):
                together.wait(10)
                held = claims.claim(f"f/{i}", f"thread {thread}")
                got.append(held.holder if isinstance(held, HeldClaim) else f"thread {thread}")
            return got

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(race, range(8)))
        assert all(result == results[0] for result in results)


class TestWakes:
    @pytest.mark.parametrize("end", ["finish", "release"])
    def test_who_waits_is_woken(self, wakes, end):
        wakes.claim("f/a", "one")
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(wakes.wait, "f/a", "one", 30) for _ in range(2)]
            time.sleep(0.1)
            assert not any(each.done() for each in waiting)
            start = time.monotonic()
            wakes.finish("f/a", "one", b"1") if end == "finish" else wakes.release("f/a", "one")
            for each in waiting:
                each.result(5)
        assert time.monotonic() - start < 5

    def test_what_happened_before_is_not_missed(self, wakes):
        wakes.claim("f/a", "one")
        wakes.release("f/a", "one")
        wakes.wait("f/a", "one", 30)
        wakes.claim("f/a", "two")
        wakes.wait("f/a", "one", 30)
        wakes.finish("f/a", "two", b"1")
        wakes.wait("f/a", "two", 30)

    def test_a_wait_ends(self, wakes):
        wakes.claim("f/a", "one")
        wakes.wait("f/a", "one", 0.1)

    def test_tasks_are_woken_and_can_be_cancelled(self, wakes):
        async def main() -> None:
            wakes.claim("f/a", "one")
            with anyio.move_on_after(0.1) as scope:
                await wakes.await_("f/a", "one", 30)
            assert scope.cancelled_caught
            with anyio.fail_after(5):
                await wakes.await_("f/a", "one", 0.05)
                async with anyio.create_task_group() as tasks:
                    for _ in range(20):
                        tasks.start_soon(wakes.await_, "f/a", "one", 30)
                    await anyio.sleep(0.1)
                    await anyio.to_thread.run_sync(wakes.finish, "f/a", "one", b"1")
                await wakes.await_("f/a", "one", 30)

        asyncio.run(main())
