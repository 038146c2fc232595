"""A call from await to outcome: modes, drivers, attempts, streams, flights, claims, sessions and scopes."""

__all__: list[str] = []
