"""A router that tries twice more, and then another model."""

PRESETS, NEEDS = ["litellm"], ["litellm"]


async def main(url, question):
    import litellm

    at = {"model": "openai/m", "api_base": f"{url}/v1", "api_key": "k"}
    models = [{"model_name": name, "litellm_params": {**at, "model": f"openai/{name}"}} for name in ("one", "two")]
    router = litellm.Router(model_list=models, num_retries=2, retry_after=0, fallbacks=[{"one": ["two"]}])
    messages = [{"role": "user", "content": question}]
    whole = await router.acompletion(model="one", messages=messages)
    stream = await router.acompletion(model="one", messages=messages, stream=True)
    return [
        whole.choices[0].message.content,
        [chunk.choices[0].delta.content async for chunk in stream if chunk.choices],
    ]
