"""Codecs of packages that memo does not need. Each module imports its package, and is imported after the program did so.

attrs classes need no codec: they are written as dataclasses are.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module

from memo.codecs.registry import register_later

__all__: list[str] = []

for _package, _module in {
    "numpy": "numpy",
    "pandas": "pandas",
    "polars": "polars",
    "msgspec": "msgspec",
    "PIL": "pillow",
}.items():
    register_later(_package, partial(import_module, f"memo.codecs._packages.{_module}"), optional=True)
