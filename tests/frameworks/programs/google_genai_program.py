PRESETS, NEEDS = ["google-genai"], ["google-genai"]
VERIFY = {"GOOGLE_GEMINI_BASE_URL": "{url}"}


def count(planet: str) -> int:
    """Count the moons of a planet."""
    return 7


async def main(url, question):
    from google import genai
    from google.genai.errors import ClientError

    client = genai.Client(api_key="k", http_options={"base_url": url})
    plain = await client.aio.models.generate_content(model="m", contents=question)
    chunks = [chunk async for chunk in await client.aio.models.generate_content_stream(model="m", contents=question)]
    tools = await client.aio.models.generate_content(model="m", contents=question, config={"tools": [count]})
    try:
        await client.aio.models.generate_content(model="m", contents="refuse")
    except ClientError as error:
        return [plain.text, [chunk.text for chunk in chunks], tools.text, error]
