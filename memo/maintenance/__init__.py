"""Maintain the recordings of a store: functions over a `Store`, for the command line and for programs.

Each task is a module, imported where it is used: `memo.maintenance.verify` and its like. All of them hold one recording in
memory at a time, however large the store, and return typed results.
"""

__all__: list[str] = []
