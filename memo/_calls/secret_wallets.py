"""Keys of wallets, which no name and no prefix tells: what has a checksum is proved by it, so that nothing else is masked.

The private key of an address in the import format (WIF), and mnemonics of 12 to 24 words (BIP-39): that are a line, a field or the end
of a sentence, or anywhere in a text that speaks of a wallet: twelve short words in a row would let the quick look pass too much. The words are those of
the BIP's English list (`bip39_english.txt`, MIT licence, 13 KB), read when a text has a row of as many words for the first time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

from memo._calls.secret_expressions import Expression

__all__ = ["MARKS", "spans"]

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_WIF = Expression(rf"(?<![0-9A-Za-z])[5KLc9][{_BASE58}]{{50,51}}(?![0-9A-Za-z])")
_WORD_ROW = Expression(r"(?<![0-9A-Za-z])[a-z]{3,8}(?![A-Za-z])(?:[ ,]{1,2}[a-z]{3,8}(?![A-Za-z])){11,}")
_NUMBERED = Expression(r"(?<!\d)1[.):]\s?[a-z]{3,8}(?:\s{1,4}\d{1,2}[.):]\s?[a-z]{3,8}){11,23}")
_ONE_WORD = Expression(r"[a-z]{3,8}")
MARKS = [
    rf"(?:^|[^0-9A-Za-z]|\\[nrt])[5KLc9][{_BASE58}]{{50}}",
    r"(?:^|[\"':\n] ?|\\n)[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23}\.?(?:[\"'\r\n\\]|$)",
    r"1[.):]\s?[a-z]{3,8}(?:\s|\\n)+2[.):]\s?[a-z]{3,8}(?:\s|\\n)+3[.):]\s?[a-z]{3,8}",
    r"(?:[wW]allet|WALLET|[wW]ords(?: are)?:|BIP-?39|[lL]edger|[mM]eta[mM]ask)(?s:.)*[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){3}",
]
"""Expressions, one of which matches in every text, and in all JSON that holds one, which may hold a key."""
_SIZES = (12, 15, 18, 21, 24)
"""How many words a mnemonic has."""


def spans(text: str) -> list[tuple[int, int]]:
    """Return where keys of wallets are in a text."""
    return [
        *(key.span() for key in _WIF.finditer(text) if _is_checked(key.group())),
        *(span for rows in (_WORD_ROW, _NUMBERED) for row in rows.finditer(text) for span in _mnemonics(row)),
    ]


def _mnemonics(row: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Return where mnemonics are in a row of short words."""
    words = list(_ONE_WORD.finditer(row.group()))
    numbers = [_indexes().get(word.group(), -1) for word in words]
    at = 0
    while at + _SIZES[0] <= len(words):
        size = next((size for size in reversed(_SIZES) if _is_mnemonic(numbers[at : at + size], size)), 0)
        if size:
            yield row.start() + words[at].start(), row.start() + words[at + size - 1].end()
        at += size or 1


def _is_checked(key: str) -> bool:
    """Return whether a text is base58 whose last four bytes are the checksum of the others."""
    number = 0
    for letter in key:
        number = number * 58 + _BASE58.index(letter)
    data = number.to_bytes(40, "big").lstrip(b"\0")
    return data[-4:] == sha256(sha256(data[:-4]).digest()).digest()[:4]


@cache
def _indexes() -> dict[str, int]:
    words = Path(__file__).with_name("bip39_english.txt").read_text(encoding="ascii").split()
    return {word: index for index, word in enumerate(words)}


def _is_mnemonic(indexes: list[int], size: int) -> bool:
    """Return whether words are all of the list, and end in the checksum of the entropy that they stand for."""
    if len(indexes) != size or -1 in indexes:
        return False
    number = 0
    for index in indexes:
        number = number << 11 | index
    bits = size // 3  # of the checksum
    entropy = (number >> bits).to_bytes(4 * bits, "big")
    return number & ((1 << bits) - 1) == sha256(entropy).digest()[0] >> (8 - bits)
