"""The program of aiobotocore, below which the net records the requests."""

from aiobotocore_program import NEEDS, main

from memo import scrub

__all__ = ["NEEDS", "OPTIONS", "PRESETS", "main"]
PRESETS = ["http"]
OPTIONS = {"scrub": {"body": scrub.ids()}}  # the net numbers no ids by itself: it knows nothing of what it records
