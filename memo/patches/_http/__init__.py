"""HTTP requests of any client, recorded below whatever calls them: the net under the presets of SDKs.

A recorded exchange does not say which client made it: what httpx recorded is replayed by aiohttp.
"""

__all__: list[str] = []
