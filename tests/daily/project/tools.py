"""What the assistant may use."""

from assistant import client

from memo import recordable


@recordable(ignore="trace_id")
async def weather(city: str, trace_id: str = "") -> dict[str, float]:
    async with client() as http:
        found: dict[str, float] = (await http.get("/weather", params={"city": city, "trace_id": trace_id})).json()
    return found


@recordable
async def convert(amount: float, currency: str) -> float:
    async with client() as http:
        return float((await http.get("/convert", params={"amount": amount, "currency": currency})).json())
