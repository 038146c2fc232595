PRESETS, NEEDS = ["openai"], ["openai"]
VERIFY = {"OPENAI_BASE_URL": "{url}/v1"}
TOOL = {
    "type": "function",
    "function": {"name": "count", "parameters": {"type": "object", "properties": {"planet": {"type": "string"}}}},
}


async def main(url, question):
    from openai import AsyncOpenAI, BadRequestError

    async with AsyncOpenAI(base_url=f"{url}/v1", max_retries=0) as client:
        messages = [{"role": "user", "content": question}]
        plain = await client.chat.completions.create(model="m", messages=messages)
        chunks = [
            chunk async for chunk in await client.chat.completions.create(model="m", messages=messages, stream=True)
        ]
        asked = (await client.chat.completions.create(model="m", messages=messages, tools=[TOOL])).choices[0].message
        result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "7"}
        after = await client.chat.completions.create(model="m", messages=[*messages, asked, result], tools=[TOOL])
        response = await client.responses.create(
            model="m", input=question, tools=[{**TOOL["function"], "type": "function"}]
        )
        call = response.output[0]
        output = {"type": "function_call_output", "call_id": call.call_id, "output": "7"}
        events = [event async for event in await client.responses.create(model="m", input=[call, output], stream=True)]
        vector = await client.embeddings.create(model="m", input=question)
        try:
            await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "refuse"}])
        except BadRequestError as error:
            return [plain, chunks, asked, after, response, events, vector, error]
