"""Streams that are recorded while they pass to their consumer, and recorded ones that are replayed."""

__all__: list[str] = []
