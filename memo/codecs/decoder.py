"""What the readers of forms need of whoever decodes the whole: `memo.codecs.values.Values`, which is made of these readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from memo.codecs.types import Types
from memo.errors import MemoError

__all__ = ["CutShort", "Decode", "Decoder"]

Decode = Callable[[Any], Any]
"""Returns a fresh value of a form, or of JSON."""

CutShort = Callable[[int], MemoError]
"""Makes the error for a stream that is read on after the items that were recorded, given their number."""


class Decoder(Protocol):
    """Decodes values with the types that one function's recordings may name. `Values` documents each member."""

    types: Types
    streams: Sequence[Any] | None
    cut_short: CutShort | None

    def decode(self, tree: Any) -> Any:
        """Return a fresh value."""
        ...

    def reader(self, tree: Any, *, once: bytes | None = None) -> Callable[[], Any]:
        """Return a function that gives a fresh value at each call."""
        ...

    def model(self, name: str) -> Any:
        """Return the model class of that name, None if it is the name of anything else."""
        ...

    def plain_reader(self, cls: Any, name: str, *, fields_set_mode: str | None) -> Callable[[bytes], Any]:
        """Return a function that builds models from the JSON of their plain form."""
        ...

    def shared(self, node: dict[str, Any], decode: Decode) -> Any:
        """Return the object that a `shared` form stands for."""
        ...

    def sharing(self, tree: Any) -> Decoder:
        """Return the decoder of a tree that holds objects in several places."""
        ...
