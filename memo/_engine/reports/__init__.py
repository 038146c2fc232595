"""What users see about calls: misses with the nearest recording, warnings, failures, and the log of calls."""

__all__: list[str] = []
