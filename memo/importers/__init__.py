"""Import the recordings of other tools."""

__all__: list[str] = []
