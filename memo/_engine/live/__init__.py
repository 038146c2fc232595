"""A live call: the attempt that records its outcome, and results that hold streams."""

__all__: list[str] = []
