"""openai 1.x to 3.x: every call of `OpenAI`, `AsyncOpenAI`, their Azure twins and the module-level client."""

from memo._engine.sessions.known_sdks import OPENAI_SOCKETS
from memo.patches._sockets import sockets
from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "openai>=1.0"
PATCHES = (
    *stainless("openai"),
    *sockets(
        "openai",
        (
            f"openai.resources.{module}:{kind}{name}ConnectionManager.{method}"
            for module, name in OPENAI_SOCKETS.items()
            for kind, entered in (("Async", "__aenter__"), ("", "__enter__"))
            for method in (entered, "enter")
        ),
    ),
)
