"""The SDKs built by Stainless (openai, anthropic, groq, …): one seam for all of their calls, recorded and replayed there."""

__all__: list[str] = []
