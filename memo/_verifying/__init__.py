"""Recorded calls made again, and what has changed since they were recorded."""

__all__: list[str] = []
