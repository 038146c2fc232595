"""What a call is: its key, its canonical arguments, its signature, paths into it, and the secrets in it."""

__all__: list[str] = []
