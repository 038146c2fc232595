"""Rules by the name of a function: the modes, which mode a pattern of names gives, and options for some names only."""

__all__: list[str] = []
