"""The warning for calls that differ only in a credential, which is not part of the key: they share one answer."""

from __future__ import annotations

from warnings import warn

from memo._calls.call import Call
from memo._engine.reports.frames import user_stacklevel
from memo.errors import CredentialIgnoredWarning

__all__ = ["IgnoredCredentials"]


class IgnoredCredentials:
    """Remembers, for one session, the credentials of each key, as digests that are good in this process only."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}
        self._warned: set[str] = set()

    def check(self, call: Call) -> None:
        """Warn, once a function, of a call that differs from an earlier one in nothing but a credential."""
        credentials = call.credentials
        if credentials is None or self._digests.setdefault(call.key, credentials.digest) == credentials.digest:
            return
        if call.function not in self._warned:
            self._warned.add(call.function)
            warn(CredentialIgnoredWarning(call.function, credentials.paths), stacklevel=user_stacklevel())
