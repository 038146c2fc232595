"""Names of credentials as expressions, of which the quick look searches all at once."""

from __future__ import annotations

import re
from collections.abc import Iterable

import orjson

from memo._calls import secret_languages
from memo._values.secrets import SECRET_TYPES

__all__ = ["are_found", "names_in_json", "names_in_text"]

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
    verificationcode verifycode authcode authorizationcode authenticationcode logincode devicecode timecode facode keydata
    mnemonic seed seedwords words
""".split()


def names_in_json(more: frozenset[str]) -> list[str]:
    """Return expressions, one of which matches in all JSON with a name of a credential; `more` are names of a user."""
    return [_spelled([*_LAST_WORDS, *more]) + _IN_JSON, secret_languages.in_json(), *map(re.escape, SECRET_TYPES)]


def names_in_text(more: frozenset[str]) -> list[str]:
    """Return expressions, one of which matches in every text that quotes a name that a user adds, and a value."""
    return [_spelled([*more]) + r"""[^0-9A-Za-z]*["']?\s*(?:[=:>]|\s)"""] if more else []


def are_found(names: frozenset[str]) -> bool:
    """Return whether names can be searched: upper and lower case of letters that are not ASCII is not always one for one."""
    return all(map(str.isascii, names))


def _spelled(names: Iterable[str]) -> str:
    written = dict.fromkeys(orjson.dumps(name).decode()[1:-1] for name in names)
    return f"(?i-u:{'|'.join('[-_]*'.join(map(_letter, name)) for name in written)})"


def _letter(letter: str) -> str:
    # In ASCII: Unicode has more letters that are `k` or `s` in another case, and takes ten times as long to compile.
    return letter if letter.isalnum() else f"\\x{{{ord(letter):x}}}"
