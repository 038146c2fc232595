"""The two tools."""

import pytest
from tools import convert, weather

pytestmark = pytest.mark.anyio


async def test_the_weather() -> None:
    assert (await weather("Paris", trace_id="1"))["celsius"] == 21.5


async def test_an_amount_is_converted() -> None:
    assert await convert(10, "EUR") == 9.2
