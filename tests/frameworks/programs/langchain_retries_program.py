"""`with_retry` and `with_fallbacks`: a chain that tries again, and then another model."""

PRESETS, NEEDS = ["openai"], ["langchain", "langchain-openai"]


async def main(url, question):
    from langchain_openai import ChatOpenAI

    one, two = (
        ChatOpenAI(model=name, base_url=f"{url}/v1", api_key="k", max_retries=0, use_responses_api=False)
        for name in ("one", "two")
    )
    chain = one.with_retry(stop_after_attempt=3, wait_exponential_jitter=False).with_fallbacks([two])
    whole = await chain.ainvoke(question)
    chunks = [chunk.content async for chunk in one.with_fallbacks([two]).astream(question)]
    batch = await chain.abatch([question, question])
    return [whole.content, chunks, [answer.content for answer in batch], chain.invoke(question).content]
