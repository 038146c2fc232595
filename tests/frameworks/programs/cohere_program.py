PRESETS, NEEDS = ["cohere"], ["cohere"]
VERIFY = {"CO_API_URL": "{url}"}
TOOL = {
    "type": "function",
    "function": {"name": "count", "parameters": {"type": "object", "properties": {"planet": {"type": "string"}}}},
}


async def main(url, question):
    import cohere

    client = cohere.AsyncClientV2(api_key="k", base_url=url)
    messages = [{"role": "user", "content": question}]
    plain = await client.chat(model="m", messages=messages)
    events = [event async for event in client.chat_stream(model="m", messages=messages)]
    async with client.with_raw_response.chat_stream(model="m", messages=messages) as response:
        raw = [event async for event in response.data]
    asked = (await client.chat(model="m", messages=messages, tools=[TOOL])).message
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "7"}
    after = await client.chat(model="m", messages=[*messages, asked, result], tools=[TOOL])
    sync = cohere.ClientV2(api_key="k", base_url=url)
    again = [sync.chat(model="m", messages=messages), list(sync.chat_stream(model="m", messages=messages))]
    try:
        await client.chat(model="m", messages=[{"role": "user", "content": "refuse"}])
    except cohere.BadRequestError as error:
        return [plain, events, raw, asked, after, again, type(error).__name__, error.status_code]
