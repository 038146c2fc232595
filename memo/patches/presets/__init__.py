"""One file for each preset: an SDK whose calls are recorded from outside, under the name of the file."""

__all__: list[str] = []
