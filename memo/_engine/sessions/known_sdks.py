"""The SDKs that have a preset, and the methods that each preset patches: known without importing the presets."""

from __future__ import annotations

__all__ = ["OPENAI_SOCKETS", "TARGETS"]

_TAVILY = ("crawl", "extract", "map", "search")
_STAINLESS = ("AsyncAPIClient.request", "SyncAPIClient.request")
_ENTERED = (("Async", "__aenter__"), ("Async", "enter"), ("", "__enter__"), ("", "enter"))

OPENAI_SOCKETS = {
    "beta.realtime.realtime": "Realtime",
    "beta.responses.responses": "Responses",
    "live.forks": "Forks",
    "live.live": "Live",
    "live.sideband": "Sideband",
    "realtime.realtime": "Realtime",
    "realtime.translations.translations": "Translations",
    "responses.responses": "Responses",
}
"""The modules below `openai.resources` that open connections over WebSockets, and what their classes are called after."""

TARGETS = {
    "anthropic._base_client": ("anthropic", _STAINLESS),
    "cerebras.cloud.sdk._base_client": ("cerebras", _STAINLESS),
    "claude_agent_sdk.client": (
        "claude-agent-sdk",
        tuple(f"ClaudeSDKClient.{method}" for method in ("connect", "query", "receive_messages")),
    ),
    "claude_agent_sdk.query": ("claude-agent-sdk", ("query",)),
    "cohere.core.http_client": (
        "cohere",
        tuple(f"{client}.{method}" for client in ("AsyncHttpClient", "HttpClient") for method in ("request", "stream")),
    ),
    "google.genai._api_client": (
        "google-genai",
        tuple(
            f"BaseApiClient.{method}"
            for method in (
                "async_download_file",
                "async_request",
                "async_request_streamed",
                "async_upload_file",
                "download_file",
                "request",
                "request_streamed",
                "upload_file",
            )
        ),
    ),
    "google.genai._gaos._hooks.google_genai_auth": ("google-genai", ("GoogleGenAISecurityProvider.__call__",)),
    "google.genai._gaos.basesdk": ("google-genai", ("AsyncBaseSDK.do_request_async", "BaseSDK.do_request")),
    "google.genai.live": ("google-genai", ("AsyncLive.connect",)),
    "google.genai.live_music": ("google-genai", ("AsyncLiveMusic.connect",)),
    "groq._base_client": ("groq", _STAINLESS),
    "huggingface_hub.inference._client": ("huggingface-hub", ("InferenceClient._inner_post",)),
    "huggingface_hub.inference._generated._async_client": ("huggingface-hub", ("AsyncInferenceClient._inner_post",)),
    "litellm.main": (
        "litellm",
        tuple(f"{a}{name}" for name in ("completion", "embedding", "text_completion") for a in ("a", "")),
    ),
    "litellm.responses.main": ("litellm", ("aresponses", "responses")),
    "llama_stack_client._base_client": ("llama-stack-client", _STAINLESS),
    "mcp.client.session": ("mcp", ("ClientSession.send_discover", "ClientSession.send_request")),
    "mcp.client.sse": ("mcp", ("sse_client",)),
    "mcp.client.stdio": ("mcp", ("stdio_client",)),
    "mcp.client.streamable_http": ("mcp", ("streamable_http_client", "streamablehttp_client")),
    "mcp.client.websocket": ("mcp", ("websocket_client",)),
    "mistralai.basesdk": ("mistralai", ("BaseSDK.do_request", "BaseSDK.do_request_async")),
    "mistralai.client.basesdk": ("mistralai", ("BaseSDK.do_request", "BaseSDK.do_request_async")),
    "ogx_client._base_client": ("ogx-client", _STAINLESS),
    "ollama._client": (
        "ollama",
        tuple(f"{client}.{method}" for client in ("AsyncClient", "Client") for method in ("_request", "_request_raw")),
    ),
    "openai._base_client": ("openai", _STAINLESS),
    **{
        f"openai.resources.{module}": (
            "openai",
            tuple(f"{kind}{name}ConnectionManager.{method}" for kind, method in _ENTERED),
        )
        for module, name in OPENAI_SOCKETS.items()
    },
    "tavily.async_tavily": ("tavily", tuple(f"AsyncTavilyClient._{name}" for name in _TAVILY)),
    "tavily.tavily": ("tavily", tuple(f"TavilyClient._{name}" for name in _TAVILY)),
    "together._base_client": ("together", _STAINLESS),
    "together.lib.realtime._connection": (
        "together",
        ("AsyncRealtimeConnectionManager.__aenter__", "RealtimeConnectionManager.__enter__"),
    ),
}
"""By the module that defines the methods: the name of the preset, and the methods that it patches."""
