PRESETS = ["openai", "anthropic"]
NEEDS = ["langchain", "langgraph", "langchain-openai", "langchain-anthropic"]


async def main(url, question):
    from langchain.agents import create_agent
    from langchain_anthropic import ChatAnthropic
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def count(planet: str) -> int:
        """Count the moons of a planet."""
        return 7

    said = []
    models = [
        ChatOpenAI(model="m", base_url=f"{url}/v1", api_key="k", max_retries=0),
        ChatAnthropic(model="m", base_url=url, api_key="k", max_retries=0),
    ]
    for model in models:
        said.append((await model.ainvoke(question)).content)
        said.append([chunk.text async for chunk in model.astream(question)])
        agent = create_agent(model, [count])
        answer = await agent.ainvoke({"messages": [{"role": "user", "content": question}]})
        said.append([[type(message).__name__, message.content] for message in answer["messages"]])
    return said
