PRESETS, NEEDS = ["ollama"], ["ollama"]
VERIFY = {"OLLAMA_HOST": "{url}"}


async def main(url, question):
    from ollama import AsyncClient

    client, messages = AsyncClient(url), [{"role": "user", "content": question}]
    plain = await client.chat(model="m", messages=messages)
    return [plain, [chunk async for chunk in await client.chat(model="m", messages=messages, stream=True)]]
