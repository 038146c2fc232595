"""A call from await to outcome.

| folder | holds, each folder importing only those before it |
|---|---|
| `rules` | the modes' names, patterns of function names, options for some names only |
| `waiting` | identical calls that wait for one another; waits that would never end |
| `numbering` | draws: the k-th identical call has the k-th outcome, in one process or in several |
| `storing` | the store as a session uses it: claims, expiry, memory, writing, the spool |
| `reports` | what users see: misses, warnings, failures, the log of calls |
| `streaming` | streams while they are recorded, and replayed ones |
| `sessions` | a store, a mode and options at work; which session serves a call; the guards |
| `live` | a live call and the recording of its outcome |
| `calls` | the decorator, the decision by mode, the two drivers |
| `scopes` | recorders, and how a scope reaches threads, tasks and processes |

`ENGINE_FLOORS` in tests/test_package.py holds their order. The engine may be imported by the rooms that follow it in the table of
docs/CONTRIBUTING.md (`maintenance`, `patches`, …) and by no other: `ROOMS` lists them.
"""

__all__: list[str] = []
