"""One call of a recordable function: the decorator, the decision by mode, and the two drivers."""

__all__: list[str] = []
