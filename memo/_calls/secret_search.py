"""The quick look for names of credentials: a search for all of them at once, which is never wrong when it says no."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

import orjson

from memo._calls.secret_shapes import search_for
from memo._values.secrets import SECRET_TYPES

__all__ = ["names_in_json", "names_in_text"]

_IN_JSON = (
    r"""(?:[^0-9A-Za-z"\\]|\\.|[0-9]|(?i-u:value|string|text|plain|raw|header|confirm|confirmation|again|base|encoded|"""
    r"""encrypted|pem|env|current|old|new|prod|production|dev|development|test|testing|staging|live|primary|secondary|"""
    r"""default|main|backup|v))*(?:"|\\+"\s*:)"""
)
"""How a name ends in JSON, where a quote follows it."""
_LAST_WORDS = """
    password passwords passwd passphrase pwd pass passe passcode authorization authentication auth credential credentials creds
    cookie cookies token secret secrets key keys accesstokens refreshtokens apitokens bearer jwt otp totp session sid
    sessionid accesskeyid connectionstring pgpassfile seedphrase recoveryphrase mnemonicphrase secretphrase recoverycode
    recoverycodes backupcode backupcodes login pin pat pw psk csrf xsrf samlresponse samlassertion codeverifier oauthverifier
    clientassertion sharedaccesssignature securityanswer secretanswer passwordhash passwdhash pwdhash otpcode mfacode smscode
    verificationcode verifycode authcode authorizationcode authenticationcode logincode devicecode timecode facode keydata passwort kennwort motdepasse contrasena senha wachtwoord
""".split()


@cache
def names_in_json(more: frozenset[str]) -> Callable[[str], bool]:
    """Return a function that says whether some JSON may have a name of a credential; `more` are names of a user."""
    if not all(map(str.isascii, more)):
        return bool  # upper and lower case of other letters is not always one letter for one
    return search_for([_spelled([*_LAST_WORDS, *more]) + _IN_JSON, *map(re.escape, SECRET_TYPES)])


@cache
def names_in_text(more: frozenset[str]) -> Callable[[str], bool]:
    """Return a function that says whether a text may quote a name that a user adds, and a value."""
    if not all(map(str.isascii, more)):
        return bool
    return search_for([_spelled([*more]) + r"""[^0-9A-Za-z]*["']?\s*(?:[=:>]|\s)"""])


def _spelled(names: Iterable[str]) -> str:
    written = dict.fromkeys(orjson.dumps(name).decode()[1:-1] for name in names)
    return f"(?i-u:{'|'.join('[-_]*'.join(map(_letter, name)) for name in written)})"


def _letter(letter: str) -> str:
    # In ASCII: Unicode has more letters that are `k` or `s` in another case, and takes ten times as long to compile.
    return letter if letter.isalnum() else f"\\x{{{ord(letter):x}}}"
