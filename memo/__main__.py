"""`python -m memo`, and the `memo` command."""

import sys

from memo.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
