"""A session: a store, a mode and options; which session serves a call; and the guards while one replays."""

__all__: list[str] = []
