import json

PRESETS, NEEDS = ["botocore"], ["boto3"]
VERIFY = {"AWS_ENDPOINT_URL": "{url}"}
TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": "count",
                "inputSchema": {"json": {"type": "object", "properties": {"planet": {"type": "string"}}}},
            }
        }
    ]
}


async def main(url, question):
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client("bedrock-runtime", endpoint_url=url, region_name="eu-west-1")
    messages = [{"role": "user", "content": [{"text": question}]}]
    plain = client.converse(modelId="m", messages=messages)
    events = list(client.converse_stream(modelId="m", messages=messages)["stream"])
    asked = client.converse(modelId="m", messages=messages, toolConfig=TOOLS)
    turn = asked["output"]["message"]
    result = {"toolResult": {"toolUseId": turn["content"][0]["toolUse"]["toolUseId"], "content": [{"json": {"n": 7}}]}}
    turns = [*messages, turn, {"role": "user", "content": [result]}]
    after = client.converse(modelId="m", messages=turns, toolConfig=TOOLS)
    body = json.dumps({"prompt": question})
    invoked = client.invoke_model(modelId="m", body=body)
    text = invoked["body"].read()
    chunks = [
        part["chunk"]["bytes"] for part in client.invoke_model_with_response_stream(modelId="m", body=body)["body"]
    ]
    try:
        client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "refuse"}]}])
    except client.exceptions.ValidationException as error:
        assert isinstance(error, ClientError)
        return [plain, events, asked, after, text, chunks, error, error.response["Error"]]
