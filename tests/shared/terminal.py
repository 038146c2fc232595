"""A process on its own terminal: what it shows there."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

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


def keys_pressed(
    main: Callable[[], int], keys: Sequence[bytes], *, prompt: str, columns: int = 80, lines: int = 24
) -> tuple[str, int]:
    """Run a function in a fork that has its own terminal: what it shows, and the exit code.

    Each time it shows the prompt, the next of the keys is pressed; at the prompt after the last one, the terminal goes away.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, which the child does without
        process, ours = pty.fork()
    if process == 0:
        _child(main)
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    shown, pressed = b"", 0
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:
            break
        shown += data
        if not data or (shown.count(prompt.encode()) > pressed and pressed == len(keys)):
            break
        if shown.count(prompt.encode()) > pressed:
            os.write(ours, keys[pressed])
            pressed += 1
    os.close(ours)
    _, status = os.waitpid(process, 0)
    return shown.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(status)


def _child(main: Callable[[], int]) -> NoReturn:
    code = 99
    try:
        for name in _UNSET:
            os.environ.pop(name, None)
        os.environ["TERM"] = "xterm-256color"
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what follows the end of input is what is tested
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(file, "r" if file == 0 else "w") for file in range(3))
        code = main()
        sys.stdout.flush()
    finally:
        os._exit(code)
