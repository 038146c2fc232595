"""Agents of openai-agents below a loop that tries again, and then another agent."""

PRESETS, NEEDS = ["openai"], ["openai-agents", "tenacity"]


async def main(url, question):
    import openai
    import tenacity
    from agents import Agent, OpenAIChatCompletionsModel, Runner

    client = openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=2)
    one, two = (
        Agent(name=name, model=OpenAIChatCompletionsModel(model=name, openai_client=client)) for name in ("one", "two")
    )

    @tenacity.retry(stop=tenacity.stop_after_attempt(3))
    async def ask(agent):
        return (await Runner.run(agent, question)).final_output

    try:
        return await ask(one)
    except Exception:
        return await ask(two)
