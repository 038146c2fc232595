import os

PRESETS, NEEDS = ["mistralai"], ["mistralai"]
VERIFY = {"SERVER": "{url}", "options": "--client mistralai_program:client"}
TOOL = {
    "type": "function",
    "function": {"name": "count", "parameters": {"type": "object", "properties": {"planet": {"type": "string"}}}},
}


def client():
    from mistralai.client import Mistral

    return Mistral(api_key="k", server_url=os.environ["SERVER"])


async def main(url, question):
    from mistralai.client import Mistral

    async with Mistral(api_key="k", server_url=url) as client:
        messages = [{"role": "user", "content": question}]
        plain = await client.chat.complete_async(model="m", messages=messages)
        chunks = [event async for event in await client.chat.stream_async(model="m", messages=messages)]
        asked = (await client.chat.complete_async(model="m", messages=messages, tools=[TOOL])).choices[0].message
        result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "7"}
        after = await client.chat.complete_async(model="m", messages=[*messages, asked, result], tools=[TOOL])
        vector = await client.embeddings.create_async(model="m", inputs=[question])
        again = client.chat.complete(model="m", messages=messages)
        with client.chat.stream(model="m", messages=messages) as stream:
            events = list(stream)
        try:
            await client.chat.complete_async(model="m", messages=[{"role": "user", "content": "refuse"}])
        except Exception as error:
            return [plain, chunks, asked, after, vector, again, events, error]
