import json

PRESETS, NEEDS = ["aiobotocore"], ["aiobotocore"]
VERIFY = {"AWS_ENDPOINT_URL": "{url}"}


async def main(url, question):
    from aiobotocore.session import get_session

    async with get_session().create_client("bedrock-runtime", endpoint_url=url, region_name="eu-west-1") as client:
        messages = [{"role": "user", "content": [{"text": question}]}]
        plain = await client.converse(modelId="m", messages=messages)
        events = [event async for event in (await client.converse_stream(modelId="m", messages=messages))["stream"]]
        body = json.dumps({"prompt": question})
        invoked = await client.invoke_model(modelId="m", body=body)
        async with invoked["body"] as stream:
            text = await stream.read()
        answer = await client.invoke_model_with_response_stream(modelId="m", body=body)
        chunks = [part["chunk"]["bytes"] async for part in answer["body"]]
        try:
            await client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "refuse"}]}])
        except client.exceptions.ValidationException as error:
            return [plain, events, text, chunks, error, error.response["Error"]]
