"""`memo run` puts this folder on PYTHONPATH: Python imports it at its start, here and in every child process.

It installs what is configured, and then gives way to the `sitecustomize` that it hides, if there is one.
"""

import importlib
import sys
from pathlib import Path

sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

try:
    from memo.patches import install

    install()
except Exception as error:
    # An error here would be printed and passed over, and the program would make every call live.
    raise SystemExit(f"memo run: {error}") from error

del sys.modules["sitecustomize"]
try:
    importlib.import_module("sitecustomize")
except ModuleNotFoundError as error:
    if error.name != "sitecustomize":
        raise
