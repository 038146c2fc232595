"""Looking after the recordings of a store: functions over a `Store` that the command line, or a program, can call.

One module for each task, imported where it is used: `memo.maintenance.verify` and its like. All of them go through a
store one recording at a time, so that memory does not grow with it, and report what they find as typed results.
"""

__all__: list[str] = []
