PRESETS, NEEDS = ["openai"], ["instructor"]


async def main(url, question):
    import instructor
    from openai import AsyncOpenAI
    from pydantic import BaseModel

    class Planet(BaseModel):
        planet: str

    async with AsyncOpenAI(base_url=f"{url}/v1", max_retries=0) as inner:
        client = instructor.from_openai(inner)
        messages = [{"role": "user", "content": question}]
        return [
            await client.chat.completions.create(model="m", response_model=Planet, messages=messages, max_retries=0)
        ]
