"""together: every call of its clients."""

from memo.patches._sockets import sockets
from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "together>=2.0"
_REALTIME = "together.lib.realtime._connection"
PATCHES = (
    *stainless("together"),
    *sockets(
        "together",
        (
            f"{_REALTIME}:AsyncRealtimeConnectionManager.__aenter__",
            f"{_REALTIME}:RealtimeConnectionManager.__enter__",
        ),
    ),
)
