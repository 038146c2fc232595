"""Instructor's own retries, by tenacity."""

PRESETS, NEEDS = ["openai"], ["instructor", "tenacity"]


async def main(url, question):
    import instructor
    import openai
    import tenacity
    from pydantic import BaseModel

    class Moons(BaseModel):
        planet: str

    client = instructor.from_openai(openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=2))
    retries = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3))
    messages = [{"role": "user", "content": question}]
    return await client.chat.completions.create(model="m", messages=messages, response_model=Moons, max_retries=retries)
