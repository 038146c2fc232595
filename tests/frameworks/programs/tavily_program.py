PRESETS, NEEDS = ["tavily"], ["tavily-python"]


async def main(url, question):
    from tavily import AsyncTavilyClient, TavilyClient

    found = await AsyncTavilyClient(api_key="tvly-x", api_base_url=url).search(question, max_results=1)
    again = TavilyClient(api_key="tvly-x", api_base_url=url).search(question, max_results=1)
    try:
        await AsyncTavilyClient(api_key="tvly-x", api_base_url=url).search("refuse")
    except Exception as error:
        return [found, again, error]
