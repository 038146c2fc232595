import os

PRESETS, NEEDS = ["tavily"], ["tavily-python"]
VERIFY = {"SERVER": "{url}", "options": "--client tavily_program:client"}


def client():
    from tavily import TavilyClient

    return TavilyClient(api_key="tvly-x", api_base_url=os.environ["SERVER"])


async def main(url, question):
    from tavily import AsyncTavilyClient, TavilyClient

    found = await AsyncTavilyClient(api_key="tvly-x", api_base_url=url).search(question, max_results=1)
    again = TavilyClient(api_key="tvly-x", api_base_url=url).search(question, max_results=1)
    try:
        await AsyncTavilyClient(api_key="tvly-x", api_base_url=url).search("refuse")
    except Exception as error:
        return [found, again, error]
