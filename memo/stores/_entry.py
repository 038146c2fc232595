r"""An entry of a shared store: a line that says how the bytes after it are to be read, and the bytes.

    memo/1 plain 512\n…            512 bytes as they are
    memo/1 zlib 40960\n…           40,960 bytes, compressed (RFC 1950)

Files in a directory are recordings and nothing else: this is for stores that nobody reads by eye.
"""

from __future__ import annotations

import zlib

from memo.errors import NewerFormat, RecordingDamaged

__all__ = ["pack", "unpack"]

_VERSION = 1
_START = b"memo/"
_PLAIN = b"memo/1 plain "
_COMPRESSED = b"memo/1 zlib "
_LONGEST_LINE = 64
_SMALL = 2048
"""What is smaller is not worth the time."""
_LEVEL = 3
_LARGEST = 1 << 30
"""What claims to be larger is not read: a few kilobytes can say that they are a terabyte."""


def pack(data: bytes) -> bytes:
    """The entry of some bytes: compressed where they are many and that makes them fewer."""
    if len(data) > _LARGEST:
        raise ValueError(f"an entry of {len(data):,} bytes is larger than {_LARGEST:,}")
    if len(data) >= _SMALL:
        compressed = zlib.compress(data, _LEVEL)
        if len(compressed) < len(data):
            return b"%s%d\n%s" % (_COMPRESSED, len(data), compressed)
    return b"%s%d\n%s" % (_PLAIN, len(data), data)


def unpack(entry: bytes, location: str) -> bytes:
    """The bytes of an entry. Raises `RecordingDamaged` for one that is not whole, `NewerFormat` for one of a newer memo."""
    end = entry.find(b"\n", 0, _LONGEST_LINE)
    if end < 0:
        raise RecordingDamaged(location, "is no entry of memo's" if entry else "is empty")
    start = end + 1
    if entry.startswith(_PLAIN):
        size = _size(entry[len(_PLAIN) : end], location)
        data = entry[start:]
    elif entry.startswith(_COMPRESSED):
        size = _size(entry[len(_COMPRESSED) : end], location)
        data = _decompressed(memoryview(entry)[start:], size, location)
    else:
        raise _unknown(entry[:end], location)
    if len(data) != size:
        raise RecordingDamaged(location, f"is not whole: {len(data):,} bytes of {size:,}")
    return data


def _size(text: bytes, location: str) -> int:
    if not text.isdigit() or int(text) > _LARGEST:
        raise RecordingDamaged(location, f"says that its size is {text!r}")
    return int(text)


def _decompressed(data: memoryview, size: int, location: str) -> bytes:
    reader = zlib.decompressobj()
    try:
        # One byte more than it should be: enough to see that it is too long, however long it is.
        result = reader.decompress(data, size + 1)
    except zlib.error as error:
        raise RecordingDamaged(location, f"can not be decompressed ({error})") from None
    if not reader.eof or reader.unused_data:
        raise RecordingDamaged(location, "is not whole: its compressed bytes end too early, or too late")
    return result


def _unknown(line: bytes, location: str) -> RecordingDamaged | NewerFormat:
    version, _, rest = line.removeprefix(_START).partition(b" ")
    if line.startswith(_START) and version.isdigit():
        if int(version) > _VERSION:
            return NewerFormat(location, int(version), _VERSION)
        codec = rest.partition(b" ")[0].decode(errors="replace")
        return RecordingDamaged(location, f"is compressed as {codec!r}, which memo does not know")
    return RecordingDamaged(location, "is no entry of memo's")
