"""Identical calls that wait for one another: who leads, who waits for whom, and when waiting would never end."""

__all__: list[str] = []
