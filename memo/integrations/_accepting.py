"""What a server does with a carried scope: open it, or refuse it in the log and go on without it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from memo._engine.scopes.carried import CarriedRecorder, opened
from memo._engine.sessions.active import Outside
from memo._engine.sessions.options import checked
from memo.errors import MemoError, ScopeRefused

__all__ = ["Acceptor"]

log = logging.getLogger("memo")


class Acceptor:
    """Opens the scopes that requests carry, with the options that the server brings itself."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        checked(options)
        self._options = dict(options)

    def accepted(self, values: Sequence[str]) -> CarriedRecorder | Outside:
        """Return the recorder of the scope that a request carries; `Outside` for a request without one, or with one that is refused."""
        if not values:
            return Outside()
        try:
            if len(values) > 1:
                raise ScopeRefused("the request carries several", "to carry one: a single header memo-scope")
            return opened(values[0], self._options)
        except (MemoError, OSError) as error:
            log.error("%s\n  the request is served without a scope", error)  # noqa: TRY400 - the message says it all
            return Outside()
