"""Recorders and scopes, and how a scope reaches threads, tasks and other processes."""

__all__: list[str] = []
