"""DSPy's retries, and a module that tries another model."""

PRESETS, NEEDS = ["http"], ["dspy"]


async def main(url, question):
    import dspy

    answers = []
    for name in ("openai/one", "openai/two"):
        model = dspy.LM(name, api_base=f"{url}/v1", api_key="k", cache=False, num_retries=2)
        with dspy.context(lm=model):
            try:
                answers.append((await dspy.Predict("question -> answer").acall(question=question)).answer)
                break
            except Exception as error:
                last = error
    if not answers:
        raise last
    return answers
