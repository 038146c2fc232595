PRESETS, NEEDS = ["anthropic"], ["anthropic"]
VERIFY = {"ANTHROPIC_BASE_URL": "{url}"}
TOOL = {"name": "count", "input_schema": {"type": "object", "properties": {"planet": {"type": "string"}}}}


async def main(url, question):
    from anthropic import AsyncAnthropic, BadRequestError

    async with AsyncAnthropic(base_url=url, max_retries=0) as client:
        messages = [{"role": "user", "content": question}]
        plain = await client.messages.create(model="m", max_tokens=9, messages=messages)
        async with client.messages.stream(model="m", max_tokens=9, messages=messages) as stream:
            words = [word async for word in stream.text_stream]
        asked = await client.messages.create(model="m", max_tokens=9, messages=messages, tools=[TOOL])
        result = {"type": "tool_result", "tool_use_id": asked.content[0].id, "content": "7"}
        turns = [*messages, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
        after = await client.messages.create(model="m", max_tokens=9, messages=turns, tools=[TOOL])
        try:
            await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "refuse"}])
        except BadRequestError as error:
            return [plain, words, asked, after, error]
