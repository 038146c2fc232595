"""Servers under test: middleware that opens the scope of the test that makes a request."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memo.integrations import asgi, wsgi

__all__ = ["asgi", "wsgi"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        return import_module(f"memo.integrations.{name}")
    raise AttributeError(f"module 'memo.integrations' has no attribute {name!r}")
