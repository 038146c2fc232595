"""The store as a session uses it: capabilities, claims, expiry, memory of what was read, writing, and the spool."""

__all__: list[str] = []
