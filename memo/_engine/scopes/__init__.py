"""Recorders and scopes, and how a scope reaches threads, tasks and other processes."""

from memo._engine.scopes import processes as processes  # which makes every scope one that child processes take along

__all__: list[str] = []
