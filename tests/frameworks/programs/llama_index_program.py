PRESETS, NEEDS = ["openai"], ["llama-index-core", "llama-index-llms-openai"]


async def main(url, question):
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai import OpenAI

    llm = OpenAI(model="gpt-4o", api_base=f"{url}/v1", api_key="k", max_retries=0)
    plain = await llm.achat([ChatMessage(content=question)])
    stream = await llm.astream_chat([ChatMessage(content=question)])
    return [plain.message.content, [chunk.delta async for chunk in stream]]
