"""Patches that cannot be made, and SDKs that are called without one."""

from __future__ import annotations

from collections.abc import Iterable

from memo.errors._base import MemoError

__all__ = ["AlreadyPatched", "NotPatched", "TargetNotFound"]


class AlreadyPatched(MemoError, ValueError):
    """A target is recordable already, with options other than those requested."""

    def __init__(self, target: str, options: str, present: str) -> None:
        self.target = target
        self.options = options
        self.present = present
        super().__init__(f"{target} cannot be patched with {options}: {present}")


class NotPatched(MemoError):
    """In replay, an SDK that memo has a preset for was called without its patch. No call was made."""

    def __init__(self, *, sdk: str, method: str, patch: str) -> None:
        self.sdk = sdk
        self.method = method
        self.patch = patch
        super().__init__(
            f"{sdk} was called in replay, but is not patched, so the call would be live: {method}\n"
            f"  to replay it: memo.install({patch!r}) at startup, or memo run --patch {patch} -- python …\n"
            f'  in pytest:    {{"patches": ["{patch}"]}}, returned by a fixture memo_config\n'
            f'  to call it:   allow=("{patch}",) among the options of the recorder, of the mark, of memo_config or of [tool.memo]\n'
            '                or with recording(mode="live"): ... around it'
        )


class TargetNotFound(MemoError, AttributeError):
    """A patch names a target that does not exist, or that is not a function that can be patched."""

    def __init__(self, target: str, reason: str, nearest: Iterable[str] = ()) -> None:
        self.target = target
        self.reason = reason
        self.nearest = tuple(nearest)
        hint = f". Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"{target} cannot be patched: {reason}{hint}")
