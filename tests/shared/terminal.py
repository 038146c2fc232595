"""A process on a terminal of its own: what it shows there."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

_UNSET = ("NO_COLOR", "COLUMNS", "LINES", "TERM")


def on_terminal(
    command: Sequence[str], *, columns: int = 80, cwd: Path | None = None, environ: Mapping[str, str] = {}
) -> tuple[str, int]:
    """Run a command on a terminal of that width: what it shows, and its exit code."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
    environment = {**inherited, "TERM": "xterm-256color", **environ}
    with subprocess.Popen(command, stdout=its, stderr=its, cwd=cwd, env=environment) as process:
        os.close(its)
        shown = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not data:
                break
            shown += data
        os.close(ours)
    return shown.decode().replace("\r\n", "\n"), process.returncode
