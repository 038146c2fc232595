"""Forms of credentials: whether a text under a name that may be data looks like one, by length, alphabet and entropy."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from memo._calls.secret_expressions import Expression

__all__ = [
    "ANY",
    "CHOSEN",
    "CODE",
    "LOGIN",
    "PASSWORD",
    "PHRASE",
    "RANDOM",
    "SCHEMES",
    "TOKEN",
    "Form",
    "has_aws_id",
    "is_aws_secret",
    "is_code",
    "is_credential",
    "is_given",
    "is_hidden",
    "is_login",
    "stronger",
]

Form = Callable[[str], bool]
"""Return whether a text can be a credential."""

_LONGEST = 8192
_OF_FETCH = ("include", "same-origin", "omit")
"""What a browser is told of credentials."""
SCHEMES = (
    "Basic|Bearer|Token|Api-?Key|Key|Bot|DPoP|GNAP|Hawk|MAC|Negotiate|NTLM|OAuth|PrivateToken|SCRAM-SHA-256|Digest|SSWS|Splunk"
    "|GenieKey|Klaviyo-API-Key|Zoho-oauthtoken|GoogleLogin|DeepL-Auth-Key|ShippoToken|Snowflake|FlyV1|JWT|Session"
)
"""What is before the credential in an `Authorization` header: IANA's registry of schemes, and those of well-known services."""
_SCHEME = Expression(rf"(?:{SCHEMES}) {{1,4}}(?=\S)", re.IGNORECASE)
_ALPHABET = Expression(r"[\w.~+/=:@!$%^&*#?|-]+", re.ASCII)
_DIGIT, _LETTER = Expression(r"[0-9]"), Expression(r"[A-Za-z]")
_PARTS = Expression(r"[\W_]+", re.ASCII)
_ORDINARY_PART = Expression(
    r"[A-Z]?[a-z]*\d{0,3}|[A-Z]+|\d+(?:[a-z]|px|em|ms|st|nd|rd|th|[TZ])?|v\d+|\d+[bkmBKM]", re.ASCII
)
_WORDS_PART = Expression(r"(?:[A-Z]?[a-z]{2,}){1,6}\d{0,4}|\d{1,4}[a-z]{2,}", re.ASCII)
_UUID = Expression(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEXADECIMAL = Expression(r"[0-9a-f]+|[0-9A-F]+")
_LOCATION = Expression(r"(?:[a-z][a-z0-9+.-]*:)?/|\.{1,2}/|[\w.+-]+@[\w-]+\.\w", re.IGNORECASE)
_CODE = Expression(r"(?:self|os|config|settings|env|process|this)\.|[A-Za-z_][\w.]*[(\[{]")
_PLACEHOLDER = Expression(
    r"<.*>|\$?\{.*\}|(?-i:\$[A-Z_][A-Z0-9_]*)|%\(?\w+\)?s?%?|![A-Za-z]{1,16}|(?-i:[A-Z][A-Z0-9_]{0,64}_(?:KEY|TOKEN|SECRET|PASS(?:WORD|WD)?|PWD|AUTH)\d?)|[*.x•_-]+|\[.*\]|(?:your|my|the|some|example|dummy|fake|test|insert|enter|change)[-_ ].*"
    r"|(?:string|null|none|true|false|undefined|secret|pass|passwd|password|redacted|masked|hidden|changeme|required|optional|token|{of_fetch})".replace(
        "{of_fetch}", "|".join(_OF_FETCH)
    ),
    re.IGNORECASE | re.DOTALL,
)
_METHOD_PART = Expression(
    r"[A-Za-z]*|\d+(?:st|nd|rd|th)?|(?:v|x|o?auth|saml|openid|sigv|aws|sha|md|hmac|[hrep]s|ed|rsa|http|https|tls|ssl|utf|base|ipv|key|type"
    r"|level|step|phase|mode|user|test|version)\d{1,4}",
    re.IGNORECASE,
)
"""A part of the name of a method, model or version: `oauth2`, `AWS4-HMAC-SHA256`."""
_DATE = Expression(r"\d{4}-\d\d-\d\d")
_TIME = Expression(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
"""When something was made, or ends: no password, though it is grouped with credentials."""
_DIGITS = Expression(r"\d{4,8}|\d{3}[ -]\d{3}", re.ASCII)
_AWS_ID = Expression(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_AWS_SECRET = Expression(r"[A-Za-z0-9/+]{40}")
_PHRASE = Expression(r"[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23}", re.ASCII)
_LOWER, _UPPER = Expression(r"[a-z]"), Expression(r"[A-Z]")
_LEAST_ENTROPY_OF_40 = 4.0
"""Of 40 random letters of base64: 4.2 to 5.2 bits a character."""
_LEAST_ENTROPY = 3.0
"""Bits a character: English words have about 2.5 in 16 characters, random hexadecimal digits 3.3."""


def ANY(text: str) -> bool:  # noqa: N802 - a form is a constant
    """Return whether there is a text at all, but no option of `fetch` under `credentials`."""
    return bool(text) and text not in _OF_FETCH


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
        and _TIME.fullmatch(text) is None
        and not _is_placeholder(text)
    )


def CHOSEN(text: str) -> bool:  # noqa: N802
    """Return whether a text can be a password that is no word with a number, where words are as likely: `hunter2` is none here."""
    return (
        len(text) >= 8 and PASSWORD(text) and not all(map(_is_word, _PARTS.split(text))) and _DATE.match(text) is None
    )


def LOGIN(text: str) -> bool:  # noqa: N802
    """Return whether a text can be a password or token, where the name of a method may be as well: `oauth2`, `hmac-sha256`."""
    return (
        (PASSWORD(text) or TOKEN(text))
        and not all(map(_METHOD_PART.fullmatch, _PARTS.split(text)))
        and _DATE.match(text) is None
    )


def CODE(text: str) -> bool:  # noqa: N802
    """Return whether a text can be a code that is asked for once, or a PIN: four to eight digits, or what `LOGIN` accepts."""
    return _DIGITS.fullmatch(text) is not None or LOGIN(text)


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


def PHRASE(text: str) -> bool:  # noqa: N802
    """Return whether a text can be a mnemonic: twelve to twenty-four words, as the lists of BIP-39 have them."""
    return _PHRASE.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Return whether a text begins with what code calls, indexes or takes from an object, and is no value itself."""
    return _CODE.match(text) is not None


def is_given(text: str) -> bool:
    """Return whether a text in the place of a password is one, and not what stands for one."""
    return len(text) >= 4 and not _is_placeholder(text)


def _is_word(part: str) -> bool:
    """Return whether a part of a text is a word, or words in one, with a number, or the name of a method."""
    return (
        _ORDINARY_PART.fullmatch(part) is not None
        or _WORDS_PART.fullmatch(part) is not None
        or (not part.isalpha() and _METHOD_PART.fullmatch(part) is not None)
    )


def has_aws_id(values: Iterable[Any]) -> bool:
    """Return whether an id of an access key of AWS is among some values: its secret may be, too, under any name."""
    return any(type(value) is str and _AWS_ID.search(value) is not None for value in values)


def is_aws_secret(text: Any) -> bool:
    """Return whether a text can be the secret that belongs to an access key of AWS; alone, it may be any digest."""
    return (
        type(text) is str
        and _AWS_SECRET.fullmatch(text) is not None
        and all(kind.search(text) is not None for kind in (_DIGIT, _LOWER, _UPPER))
        and _entropy(text) >= _LEAST_ENTROPY_OF_40
    )


def is_credential(form: Form, value: Any) -> bool:
    """Return whether a value under a name is a credential; `form` is what the name says."""
    if form is ANY:
        return type(value) is not str or value not in _OF_FETCH
    if type(value) is str:
        return form(value)
    return is_login(value) if form is LOGIN else form is CODE and type(value) is int and CODE(str(value))


def is_hidden(form: Form | None, value: Any) -> bool:
    """Return whether a value is a text with a form, where there is one."""
    return form is not None and type(value) is str and form(value)


def is_login(value: Any) -> bool:
    """Return whether a value is a user and a password, as HTTP clients take them: a tuple of two texts, or a list in JSON."""
    if not isinstance(value, (list, tuple)) or len(value) != 2 or not all(isinstance(part, str) for part in value):
        return False
    return (is_given if isinstance(value, tuple) else PASSWORD)(value[1])


def stronger(own: Form, outer: Form) -> Form:
    """Return the form of a credential under a name that may hold data, below one that holds credentials."""
    return next(form for form in _BY_STRENGTH if form in (own, outer))


def _without_scheme(text: str) -> str:
    scheme = _SCHEME.match(text)
    return text if scheme is None else text[scheme.end() :]


def _is_placeholder(text: str) -> bool:
    """Return whether a text is where a credential goes, and is none: `<secret>`, `${TOKEN}`, `your-api-key`."""
    return _PLACEHOLDER.fullmatch(text) is not None


def _entropy(text: str) -> float:
    """Return the Shannon entropy of a text, in bits a character."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())


_BY_STRENGTH = (ANY, PASSWORD, CODE, LOGIN, TOKEN, RANDOM, PHRASE)
