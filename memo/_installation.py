"""Whether the package `memo` is this one.

Another distribution (memo, memo-lang) installs `memo/__init__.py`, too. With both, the files of one are mixed with those of the
other: whatever was installed last is what `import memo` gives, and removing either breaks what is left.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["mixture"]


def mixture() -> str:
    """Return what is wrong with the installation, and the command that fixes it; "" if nothing is."""
    if "recordable" in getattr(sys.modules["memo"], "__all__", ()):
        return ""
    from importlib.metadata import packages_distributions

    others = sorted(set(packages_distributions().get("memo", [])) - {"memo-recorder"})
    named = " and ".join(others) or "another package"
    return (
        f"the package memo in {Path(__file__).parent} is a mixture: memo-recorder and {named} install the same files\n"
        f"  to fix: python -m pip uninstall -y memo-recorder {' '.join(others) or 'memo'} && python -m pip install memo-recorder"
    )
