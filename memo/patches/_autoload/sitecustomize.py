# ruff: noqa: INP001 - a folder for PYTHONPATH, no package
"""`memo run` puts this folder on PYTHONPATH: Python imports it at its start, here and in every child process.

It installs what is configured, and then gives way to the `sitecustomize` that it hides, if there is one.
"""

import importlib
import os
import sys

_folder = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 - every program pays for what is imported here
sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != _folder]

try:
    try:
        from memo.patches import install_for_run
    except ModuleNotFoundError as error:
        # A child process run by another Python, which memo is not installed for, is not memo's to stop.
        sys.stderr.write(f"memo run: nothing is recorded in {sys.executable}: {error}\n")
    else:
        install_for_run()
except Exception as error:  # noqa: BLE001 - it would be printed and passed over, and the program would make every call live
    sys.stderr.write(f"memo run: {error}\n")
    sys.stderr.flush()
    os._exit(2)  # SystemExit would be a "fatal Python error" here

_self = sys.modules.pop("sitecustomize")
try:
    importlib.import_module("sitecustomize")
except ModuleNotFoundError as error:
    if error.name != "sitecustomize":
        raise
finally:
    sys.modules.setdefault("sitecustomize", _self)  # the import of this one ends with a look for it
