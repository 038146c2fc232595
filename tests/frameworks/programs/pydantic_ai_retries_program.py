"""`FallbackModel`: another model where one fails, below an agent that tries again."""

PRESETS, NEEDS = ["openai"], ["pydantic-ai-slim[openai]"]


async def main(url, question):
    from pydantic_ai import Agent
    from pydantic_ai.models.fallback import FallbackModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=f"{url}/v1", api_key="none")
    one, two = (OpenAIChatModel(name, provider=provider) for name in ("one", "two"))
    agent = Agent(FallbackModel(one, two, fallback_on=(Exception,)), retries=2)
    answer = await agent.run(question)
    async with agent.run_stream(question) as streamed:
        parts = [part async for part in streamed.stream_text(delta=True)]
    return [answer.output, parts]
