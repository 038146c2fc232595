PRESETS, NEEDS = ["openai"], ["openai-agents"]


async def main(url, question):
    from agents import (
        Agent,
        OpenAIChatCompletionsModel,
        OpenAIResponsesModel,
        Runner,
        function_tool,
        set_tracing_disabled,
    )
    from openai import AsyncOpenAI

    set_tracing_disabled(True)

    @function_tool
    def count(planet: str) -> int:
        """Count the moons of a planet."""
        return 7

    said = []
    async with AsyncOpenAI(base_url=f"{url}/v1", max_retries=0) as client:
        for kind in (OpenAIChatCompletionsModel, OpenAIResponsesModel):
            agent = Agent(name="a", model=kind("m", client), tools=[count])
            said.append((await Runner.run(agent, question)).final_output)
            streamed = Runner.run_streamed(agent, question)
            said.append([event.type async for event in streamed.stream_events()])
            said.append(streamed.final_output)
    return said
