"""Forms of credentials: whether a text under a name that may be data looks like one, by length, alphabet and entropy."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

__all__ = ["ANY", "PASSWORD", "RANDOM", "TOKEN", "Form"]

Form = Callable[[str], bool]
"""Return whether a text can be a credential."""

_LONGEST = 8192
_SCHEME = re.compile(r"(?:Basic|Bearer|Token|ApiKey) {1,4}(?=\S)", re.IGNORECASE)
"""What is before the credential in the value of a header."""
_ALPHABET = re.compile(r"[\w.~+/=:@!$%^&*#?|-]+", re.ASCII)
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[A-Za-z]")
_PARTS = re.compile(r"[\W_]+", re.ASCII)
_ORDINARY_PART = re.compile(
    r"[A-Z]?[a-z]*\d{0,3}|[A-Z]+|\d+(?:[a-z]|px|em|ms|st|nd|rd|th|[TZ])?|v\d+|\d+[bkmBKM]", re.ASCII
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEXADECIMAL = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_LOCATION = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?/|\.{1,2}/|[\w.+-]+@[\w-]+\.\w", re.IGNORECASE)
_CODE = re.compile(r"(?:self|os|config|settings|env|process|this)\.|[A-Za-z_][\w.]*[(\[{]")
_PLACEHOLDER = re.compile(
    r"<.*>|\$?\{.*\}|%\(?\w+\)?s?%?|[*.x•_-]+|\[.*\]|(?:your|my|the|some|example|dummy|fake|test|insert|enter|change)[-_ ].*"
    r"|(?:string|null|none|true|false|undefined|secret|password|redacted|masked|hidden|changeme|required|optional|token)",
    re.IGNORECASE | re.DOTALL,
)
_LEAST_ENTROPY = 3.0
"""Bits a character: English words have about 2.5 in 16 characters, random hexadecimal digits 3.3."""


def ANY(text: str) -> bool:  # noqa: N802 - a form is a constant
    """Return whether there is a text at all."""
    return bool(text)


def PASSWORD(text: str) -> bool:  # noqa: N802
    """Return whether a text can be a password that somebody has chosen: one word, not of letters alone."""
    text = _without_scheme(text)
    return (
        6 <= len(text) <= _LONGEST
        and not any(map(str.isspace, text))
        and (_DIGIT.search(text) is not None or any(letter in "!#$%^&*?" for letter in text))
        and _LETTER.search(text) is not None
        and _LOCATION.match(text) is None
        and _CODE.match(text) is None
        and not _is_placeholder(text)
    )


def TOKEN(text: str) -> bool:  # noqa: N802
    """Return whether a text can be a token that a machine has made: long, of letters and digits, no words."""
    text = _without_scheme(text)
    return (
        16 <= len(text) <= _LONGEST
        and _ALPHABET.fullmatch(text) is not None
        and _DIGIT.search(text) is not None
        and _LETTER.search(text) is not None
        and _LOCATION.match(text) is None
        and not _is_placeholder(text)
        and (_UUID.fullmatch(text) is not None or not all(map(_ORDINARY_PART.fullmatch, _PARTS.split(text))))
        and _entropy(text) >= _LEAST_ENTROPY
    )


def RANDOM(text: str) -> bool:  # noqa: N802
    """Return whether a text can only be a token: as `TOKEN`, but no UUID, no hexadecimal digest and no path either."""
    return (
        len(text) >= 20
        and TOKEN(text)
        and "." not in text
        and ":" not in text
        and text.count("/") <= 2
        and not text.islower()
        and not text.isupper()
        and _UUID.fullmatch(text) is None
        and _HEXADECIMAL.fullmatch(text) is None
    )


def _without_scheme(text: str) -> str:
    scheme = _SCHEME.match(text)
    return text if scheme is None else text[scheme.end() :]


def _is_placeholder(text: str) -> bool:
    """Return whether a text stands where a credential goes, and is none: `<secret>`, `${TOKEN}`, `your-api-key`."""
    return _PLACEHOLDER.fullmatch(text) is not None


def _entropy(text: str) -> float:
    """Return the Shannon entropy of a text, in bits a character."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())
