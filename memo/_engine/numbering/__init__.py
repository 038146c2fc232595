"""Identical calls of one scope, numbered: the k-th call has the k-th outcome, in one process or in several."""

__all__: list[str] = []
