"""Recorded calls of SDKs made again: a module for each kind of SDK. The remaker, beside this folder, chooses among them."""

__all__: list[str] = []
