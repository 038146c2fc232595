PRESETS, NEEDS = ["litellm"], ["litellm"]
VERIFY = {"OPENAI_API_BASE": "{url}/v1", "ANTHROPIC_API_BASE": "{url}", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
TOOL = {
    "type": "function",
    "function": {"name": "count", "parameters": {"type": "object", "properties": {"planet": {"type": "string"}}}},
}


async def main(url, question):
    import litellm
    from litellm import acompletion

    at = {"model": "openai/m", "api_base": f"{url}/v1", "api_key": "k", "num_retries": 0}
    messages = [{"role": "user", "content": question}]
    plain = await acompletion(messages=messages, **at)
    chunks = [chunk async for chunk in await acompletion(messages=messages, stream=True, **at)]
    asked = (await acompletion(messages=messages, tools=[TOOL], **at)).choices[0].message
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "7"}
    after = await acompletion(messages=[*messages, asked, result], tools=[TOOL], **at)
    vector = await litellm.aembedding(model="openai/m", input=[question], api_base=f"{url}/v1", api_key="k")
    response = await litellm.aresponses(model="openai/m", input=question, api_base=f"{url}/v1", api_key="k")
    again = litellm.completion(messages=messages, **at)
    synced = list(litellm.completion(messages=messages, stream=True, **at))
    other = {**at, "model": "anthropic/m", "api_base": url}
    claude = await acompletion(messages=messages, **other)
    router = litellm.Router(model_list=[{"model_name": "mine", "litellm_params": at}], num_retries=0)
    routed = await router.acompletion(model="mine", messages=messages)
    stream = await router.acompletion(model="mine", messages=messages, stream=True)
    routed_chunks = [chunk async for chunk in stream]
    try:
        await acompletion(messages=[{"role": "user", "content": "refuse"}], **at)
    except litellm.BadRequestError as error:
        failed = [type(error).__name__, error.status_code, error.message]
    return [plain, chunks, asked, after, vector, response, again, synced, claude, routed, routed_chunks, failed]
