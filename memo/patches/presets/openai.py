"""openai 1.x to 3.x: every call of `OpenAI`, `AsyncOpenAI`, their Azure twins and the module-level client."""

from memo.patches._sockets import sockets
from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "openai>=1.0"
_SOCKETS = {
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
PATCHES = (
    *stainless("openai"),
    *sockets(
        "openai",
        (
            f"openai.resources.{module}:{kind}{name}ConnectionManager.{method}"
            for module, name in _SOCKETS.items()
            for kind, entered in (("Async", "__aenter__"), ("", "__enter__"))
            for method in (entered, "enter")
        ),
    ),
)
