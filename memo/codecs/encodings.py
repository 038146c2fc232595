"""Content encodings: bodies are recorded as they read, and replayed as their headers say that they are sent.

A replayed gzip body is one that is not compressed: as quick to write as to copy, and every reader of gzip reads it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["Decoder", "Encoder", "can_encode", "decoder"]

_GZIP = 16 + zlib.MAX_WBITS


Decoder = Callable[[bytes], bytes]
"""Decodes a body piece by piece. Raises whatever its codec raises for what is not in the encoding."""


def decoder(encoding: str) -> Decoder | None:
    """Return what decodes bodies with this `content-encoding`. None for an encoding that cannot be decoded here."""
    decoders: list[Decoder] = []
    for name in reversed(_names(encoding)):
        make = _DECODERS.get(name)
        made = make() if make is not None else None
        if made is None:
            return None
        decoders.append(made)

    def decode(data: bytes) -> bytes:
        for decode_one in decoders:
            data = decode_one(data)
        return data

    return decode


class Encoder:
    """Writes a body with a `content-encoding` piece by piece."""

    def __init__(self, encoding: str) -> None:
        self._stages = [_ENCODERS[name]() for name in _names(encoding)]

    def piece(self, data: bytes) -> bytes:
        """Return what a piece becomes: all that is needed to read it."""
        for write, flush, _ in self._stages:
            data = write(data) + flush()
        return data

    def end(self) -> bytes:
        """Return the end of the body."""
        data = b""
        for write, _, finish in self._stages:
            data = (write(data) if data else b"") + finish()
        return data


def can_encode(encoding: str) -> bool:
    """Return whether bodies can be written in this encoding here."""
    names = _names(encoding)
    return _ENCODERS.keys() >= set(names) and ("br" not in names or _brotli() is not None)


def _names(encoding: str) -> list[str]:
    names = [name.strip().lower() for name in encoding.split(",")]
    return [name for name in names if name not in ("", "identity")]


def _gunzip() -> Decoder:
    return zlib.decompressobj(_GZIP).decompress


def _inflate() -> Decoder:
    """Decode zlib's format, which `deflate` means, or the bare one that some servers send."""
    chosen: list[Decoder] = []

    def decode(data: bytes) -> bytes:
        if not data:
            return b""
        if not chosen:
            bare = data[0] & 0x0F != 8  # zlib's format names its method first
            chosen.append(zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS).decompress)
        return chosen[0](data)

    return decode


def _brotli() -> Any:
    return _optional("brotli") or _optional("brotlicffi")


def _unbrotli() -> Decoder | None:
    module = _brotli()
    if module is None:
        return None
    found: Decoder = module.Decompressor().process
    return found


def _unzstd() -> Decoder | None:
    module = _zstd()
    if module is None:
        return None
    made = module.ZstdDecompressor()
    found: Decoder = (made.decompressobj() if hasattr(made, "decompressobj") else made).decompress
    return found


def _zstd() -> Any:
    return _optional("compression.zstd") or _optional("backports.zstd") or _optional("zstandard")


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


_Stage = tuple[Callable[[bytes], bytes], Callable[[], bytes], Callable[[], bytes]]
"""Writes bytes, gives what is needed to read them, and ends."""


def _stored(wbits: int) -> Callable[[], _Stage]:
    def begin() -> _Stage:
        made = zlib.compressobj(0, zlib.DEFLATED, wbits)
        return made.compress, lambda: made.flush(zlib.Z_SYNC_FLUSH), made.flush

    return begin


def _write_brotli() -> _Stage:
    made = _brotli().Compressor(quality=0)
    return made.process, made.flush, made.finish


_DECODERS: dict[str, Callable[[], Decoder | None]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
_ENCODERS: dict[str, Callable[[], _Stage]] = {
    "gzip": _stored(_GZIP),
    "x-gzip": _stored(_GZIP),
    "deflate": _stored(zlib.MAX_WBITS),
    "br": _write_brotli,
}
