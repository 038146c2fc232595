PRESETS, NEEDS = ["openai"], ["haystack-ai"]


async def main(url, question):
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret

    generator = OpenAIChatGenerator(model="m", api_base_url=f"{url}/v1", api_key=Secret.from_token("k"), max_retries=0)
    found = generator.run([ChatMessage.from_user(question)])
    again = await generator.run_async([ChatMessage.from_user(question)])
    return [found["replies"][0].text, again["replies"][0].text]
