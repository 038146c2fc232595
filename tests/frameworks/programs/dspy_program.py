PRESETS, NEEDS = ["http"], ["dspy"]


async def main(url, question):
    import dspy

    lm = dspy.LM("openai/m", api_base=f"{url}/v1", api_key="k", cache=False, num_retries=0)
    with dspy.context(lm=lm):
        predict = dspy.Predict("question -> answer")
        return [predict(question=question).answer, (await predict.acall(question=question)).answer]
