"""What Python values are: kinds of class, and the text and JSON forms of scalars. Imports nothing of memo."""

__all__: list[str] = []
