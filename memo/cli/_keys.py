"""Single key presses from a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

__all__ = ["is_interactive", "key_presses"]

_QUIT = "q"
_ESCAPE_SECONDS = 0.02
"""How long the rest of an arrow key's sequence may take."""


def is_interactive() -> bool:
    """Return whether keys can be read and screens be shown."""
    return sys.stdin.isatty() and sys.stdout.isatty()


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def key_presses() -> Generator[Callable[[], str]]:
        """Yield what returns the next key that is pressed. Ctrl-C raises `KeyboardInterrupt`."""

        def key() -> str:
            pressed = msvcrt.getwch()
            if pressed == "\x03":
                raise KeyboardInterrupt
            if pressed in "\x00\xe0":  # an arrow or a function key: its second half
                msvcrt.getwch()
                return ""
            return pressed

        yield key

else:
    import select
    import termios
    import tty

    @contextmanager
    def key_presses() -> Generator[Callable[[], str]]:
        """Yield what returns the next key that is pressed: an empty text for one that sends several bytes, `q` at the end of input.

        Keys are not shown while the context lasts; its end restores the terminal, whatever ends it. Ctrl-C raises
        `KeyboardInterrupt`.
        """
        file = sys.stdin.fileno()
        before = termios.tcgetattr(file)

        def key() -> str:
            try:
                pressed = os.read(file, 1)
            except OSError:  # the terminal is gone
                return _QUIT
            if pressed == b"\x1b" or pressed >= b"\x80":
                while select.select([file], [], [], _ESCAPE_SECONDS)[0] and os.read(file, 1):
                    pass
                return ""
            return pressed.decode(errors="replace") if pressed else _QUIT

        try:
            tty.setcbreak(file, termios.TCSADRAIN)
            yield key
        finally:
            termios.tcsetattr(file, termios.TCSADRAIN, before)
