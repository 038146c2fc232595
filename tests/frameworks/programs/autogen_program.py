PRESETS, NEEDS = ["openai"], ["autogen-agentchat", "autogen-ext[openai]"]


async def main(url, question):
    from autogen_agentchat.agents import AssistantAgent
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    info = {
        "vision": False,
        "function_calling": True,
        "json_output": False,
        "family": "unknown",
        "structured_output": False,
    }
    client = OpenAIChatCompletionClient(model="m", base_url=f"{url}/v1", api_key="k", model_info=info, max_retries=0)
    agent = AssistantAgent("a", client)
    result = await agent.run(task=question)
    return [message.content for message in result.messages]
