"""Importers: the recordings of other tools, as recordings of memo's."""

__all__: list[str] = []
