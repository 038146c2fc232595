import os

PRESETS, NEEDS = ["huggingface-hub"], ["huggingface-hub", "aiohttp"]
VERIFY = {"SERVER": "{url}", "options": "--client huggingface_hub_program:client"}
TOOL = {
    "type": "function",
    "function": {"name": "count", "parameters": {"type": "object", "properties": {"planet": {"type": "string"}}}},
}


def client():
    from huggingface_hub import InferenceClient

    return InferenceClient(base_url=f"{os.environ['SERVER']}/v1", api_key="k")


async def main(url, question):
    from huggingface_hub import AsyncInferenceClient, InferenceClient

    messages = [{"role": "user", "content": question}]
    async with AsyncInferenceClient(base_url=f"{url}/v1", api_key="k") as client:
        plain = await client.chat_completion(messages, model="m")
        chunks = [chunk async for chunk in await client.chat_completion(messages, model="m", stream=True)]
        asked = await client.chat_completion(messages, model="m", tools=[TOOL])
        try:
            await client.chat_completion([{"role": "user", "content": "refuse"}], model="m")
        except Exception as error:
            failed = [type(error).__name__, error.response.status_code]
    sync = InferenceClient(base_url=f"{url}/v1", api_key="k")
    return [plain, chunks, asked, failed, list(sync.chat_completion(messages, model="m", stream=True))]
