"""http: every request of httpx and httpx2, below whatever makes it.

A call that a preset or a decorator records is recorded there, and its requests are a part of it.
"""

from memo.patches._http import httpx

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "httpx>=0.27, httpx2>=2.0"
PATCHES = (*httpx.patches("httpx"), *httpx.patches("httpx2"))
