"""Stores that read in event loops, read many at once, let entries end, close what they hold open."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from store_contract import HOSTILE


class TestAsyncReads:
    def test_many_at_once(self, reads):
        for i in range(50):
            reads.put(f"f/{i}", b"%d" % i)

        async def main() -> None:
            names = [f"f/{i % 60}" for i in range(300)]
            read = await asyncio.gather(*[reads.aget(name) for name in names])
            assert read == [b"%d" % (i % 60) if i % 60 < 50 else None for i in range(300)]

        asyncio.run(main())
        asyncio.run(main())
        with ThreadPoolExecutor(3) as pool:
            for each in [pool.submit(asyncio.run, main()) for _ in range(3)]:
                each.result(20)

    def test_one_that_is_cancelled_takes_none_with_it(self, reads):
        reads.put("f/a", b"1")

        async def main() -> None:
            tasks = [asyncio.create_task(reads.aget("f/a")) for _ in range(20)]
            await asyncio.sleep(0)
            for each in tasks[::2]:
                each.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert results[1::2] == [b"1"] * 10

        asyncio.run(main())

    def test_hostile_names(self, reads):
        names = list(dict.fromkeys(f"{each}/k" for each in HOSTILE))
        for name in names:
            reads.put(name, repr(name).encode())

        async def main() -> None:
            assert await asyncio.gather(*map(reads.aget, names)) == [repr(name).encode() for name in names]

        asyncio.run(main())


class TestOtherCapabilities:
    def test_many_are_read_at_once(self, reads_many):
        for i in range(20):
            reads_many.put(f"f/{i}", b"%d" % i)
        names = [f"f/{i}" for i in (3, 99, 0, 3)]
        assert reads_many.get_many(names) == [b"3", None, b"0", b"3"]
        assert reads_many.get_many([]) == []

    def test_it_says_when_entries_end(self, expires):
        assert expires.ttl is None or expires.ttl > 0

    def test_it_says_how_long_anything_takes(self, remote):
        assert 0 < remote.timeout <= 60

    def test_what_was_closed_opens_again(self, closes):
        closes.close()
        closes.put("f/a", b"1")
        with ThreadPoolExecutor(4) as pool:
            for _ in range(20):
                reading = [pool.submit(closes.get, "f/a") for _ in range(8)]
                writing = pool.submit(closes.put, "f/b", b"2")
                closes.close()
                closes.close()
                assert {each.result(20) for each in reading} == {b"1"}
                writing.result(20)
        assert closes.get("f/b") == b"2"
        closes.close()
