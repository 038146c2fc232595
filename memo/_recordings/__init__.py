"""What is stored: the document of a recording, its outcomes, their differences and their ages."""

__all__: list[str] = []
