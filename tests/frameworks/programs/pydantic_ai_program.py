PRESETS = ["openai", "anthropic", "google-genai"]
NEEDS = ["pydantic-ai-slim[openai,anthropic,google]"]


async def main(url, question):
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.google import GoogleProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    models = [
        OpenAIChatModel("m", provider=OpenAIProvider(base_url=f"{url}/v1", api_key="k")),
        AnthropicModel("m", provider=AnthropicProvider(base_url=url, api_key="k")),
        GoogleModel("m", provider=GoogleProvider(base_url=url, api_key="k")),
    ]
    said = []
    for model in models:
        agent = Agent(model)

        @agent.tool_plain
        def count(planet: str) -> int:
            """Count the moons of a planet."""
            return 7

        said.append((await agent.run(question)).output)
        async with Agent(model).run_stream(question) as stream:
            said.append([word async for word in stream.stream_text(delta=True)])
    return said
