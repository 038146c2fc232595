"""A call from await to outcome: modes, drivers, attempts, streams, flights, claims, sessions and scopes.

| question | module |
|---|---|
| what each mode does with a call | `decision` (`modes` has only the names) |
| the options of a recorder, of a function | `options`, `recordable` |
| how one call goes on, and how its live outcome is recorded | `driver`, `attempt` |
| a stream that is recorded while it passes | `streams` |
| identical calls that wait for one another: in a process, in a fleet | `flights`, `claims` |
| which recorder serves a call | `active` |
| why a call has no recording | `miss` |

The engine may be imported by the rooms that follow it in the table of docs/CONTRIBUTING.md (`maintenance`, `patches`, …)
and by no other: `ROOMS` in tests/test_package.py lists them.
"""

__all__: list[str] = []
