"""http: every request of httpx, httpx2, aiohttp, urllib3 (requests, botocore) and DSPy's own transport, below whatever makes it.

A call that a preset or a decorator records is recorded there, and its requests are a part of it.
"""

from memo.patches._http import aiohttp, httpx, lm15, urllib3

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "aiohttp>=3.10, httpx>=0.27, httpx2>=2.0, urllib3>=2.2"
PATCHES = (*httpx.patches("httpx"), *httpx.patches("httpx2"), *aiohttp.PATCHES, *urllib3.PATCHES, *lm15.PATCHES)
