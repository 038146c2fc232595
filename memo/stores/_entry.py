r"""An entry of a shared store: a line that says how to read the bytes, and the bytes.

    memo/1 plain 512\n…            512 bytes as they are
    memo/1 zlib 40960\n…           40,960 bytes, compressed (RFC 1950)

Files in a directory are recordings and nothing else: entries are for stores that nobody reads by eye.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from memo.errors import NewerFormat, RecordingDamaged

__all__ = ["pack", "unpack"]

_VERSION = 1
_START = b"memo/"
_PLAIN = b"memo/1 plain "
_COMPRESSED = b"memo/1 zlib "
_LONGEST_LINE = 64
_LEAST = 2048
"""Bytes. Compressing less is not worth the time."""
_LEVEL = 3
_LARGEST = 1 << 30
"""Bytes. Entries that claim more are not read: a few kilobytes can claim to be a terabyte."""


def pack(data: bytes, *, least: int = _LEAST) -> bytes:
    """Return the entry of some bytes, compressed if there are at least so many and compressing makes them fewer."""
    if len(data) > _LARGEST:
        raise ValueError(f"an entry of {len(data):,} bytes is larger than {_LARGEST:,}")
    if len(data) >= least:
        compressed = zlib.compress(data, _LEVEL)
        if len(compressed) < len(data):
            return b"%s%d\n%s" % (_COMPRESSED, len(data), compressed)
    return b"%s%d\n%s" % (_PLAIN, len(data), data)


def unpack(entry: bytes, location: str | Callable[[], str]) -> bytes:
    """Return the bytes of an entry.

    Raises `RecordingDamaged` for an entry that is not whole, `NewerFormat` for an entry of a newer memo. `location`, which
    only errors need, may be a function that returns it.
    """
    start = entry.find(b"\n", 0, _LONGEST_LINE) + 1
    if entry[:start] == b"%s%d\n" % (_PLAIN, len(entry) - start):  # most are small, and whole
        return entry[start:]
    try:
        return _unpacked(entry)
    except _Damaged as error:
        place = location if isinstance(location, str) else location()
        version = _version(entry[:_LONGEST_LINE])
        if version > _VERSION:
            raise NewerFormat(place, version, _VERSION) from None
        raise RecordingDamaged(place, str(error)) from None


def _unpacked(entry: bytes) -> bytes:
    end = entry.find(b"\n", 0, _LONGEST_LINE)
    if end < 0:
        raise _Damaged("is not a memo entry" if entry else "is empty")
    if entry.startswith(_PLAIN):
        size = _size(entry[len(_PLAIN) : end])
        data = entry[end + 1 :]
    elif entry.startswith(_COMPRESSED):
        size = _size(entry[len(_COMPRESSED) : end])
        data = _decompressed(memoryview(entry)[end + 1 :], size)
    else:
        raise _Damaged(_unknown(entry[:end]))
    if len(data) != size:
        raise _Damaged(f"is not whole: {len(data):,} bytes of {size:,}")
    return data


class _Damaged(Exception):
    """An entry is damaged: the reason."""


def _size(text: bytes) -> int:
    if not text.isdigit() or int(text) > _LARGEST:
        raise _Damaged(f"has the invalid size {text!r}")
    return int(text)


def _decompressed(data: memoryview, size: int) -> bytes:
    reader = zlib.decompressobj()
    try:
        # One byte more than claimed is enough to see that there is more, however much there is.
        result = reader.decompress(data, size + 1)
    except zlib.error as error:
        raise _Damaged(f"cannot be decompressed ({error})") from None
    if not reader.eof or reader.unused_data:
        raise _Damaged("is not whole: its compressed bytes end too early, or too late")
    return result


def _version(line: bytes) -> int:
    """Return the version of an entry by its first line, 0 if the line has none."""
    version = line.removeprefix(_START).partition(b" ")[0]
    return int(version) if line.startswith(_START) and version.isdigit() else 0


def _unknown(line: bytes) -> str:
    if _version(line) != _VERSION:
        return "is not a memo entry"
    codec = line.split(b" ", 2)[1:2]
    return (
        f"is compressed as {codec[0].decode(errors='replace')!r}, which memo does not know" if codec else "is cut short"
    )
