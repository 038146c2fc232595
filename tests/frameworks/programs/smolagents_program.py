PRESETS, NEEDS = ["openai"], ["smolagents[openai]"]


async def main(url, question):
    from smolagents import CodeAgent, OpenAIServerModel

    model = OpenAIServerModel("m", api_base=f"{url}/v1", api_key="k")
    return [CodeAgent(tools=[], model=model, verbosity_level=0).run(question)]
