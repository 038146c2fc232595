"""A program that kills itself: instead of the next `os.replace` or `os.unlink` once `left` of these calls are made."""

KILLED_AFTER = """
import os, signal

def counted(function):
    def call(*args, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **options)
    return call

os.replace, os.unlink = counted(os.replace), counted(os.unlink)
"""
