PRESETS, NEEDS = ["groq"], ["groq"]


async def main(url, question):
    from groq import AsyncGroq

    async with AsyncGroq(base_url=url, api_key="k", max_retries=0) as client:
        messages = [{"role": "user", "content": question}]
        plain = await client.chat.completions.create(model="m", messages=messages)
        return [
            plain,
            [chunk async for chunk in await client.chat.completions.create(model="m", messages=messages, stream=True)],
        ]
