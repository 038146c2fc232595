"""The quick look: whether a text may hold a credential at all, in a few passes of Rust's engine.

What it passes is searched by `secret_text`. It is never wrong when it says no: its expressions are marks, one of which is in all that
the others find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import orjson

from memo._calls import (
    secret_encoded,
    secret_languages,
    secret_pairs,
    secret_shapes,
    secret_tables,
    secret_wallets,
    secret_yaml,
)
from memo._calls.secret_expressions import Expression, search_at_once
from memo._values.scalars import is_text
from memo._values.secrets import SECRET_TYPES

__all__ = ["STEMS", "in_json", "in_text"]

STEMS = "pass Pass PASS pwd Pwd PWD hrase HRASE ecret ECRET oken OKEN key Key KEY redential REDENTIAL uthorization UTHORIZATION ookie OOKIE _PAT _AUTH _auth _PSK _psk _PW _pw _PIN _OTP _otp _JWT _jwt _CREDS _creds -Auth _TOK _tok _SALT"
"""In each name that holds a credential where a text quotes it: `auth` and `session` come before a colon in prose, too."""
_QUOTED_STEMS = """
    uth UTH uthentication UTHENTICATION ogin OGIN otp OTP Otp pin PIN Pin ession ESSION sid SID Sid jwt JWT Jwt pat PAT Pat psk PSK Psk pw PW eed EED nemonic NEMONIC ords ORDS
    ode ODE odes ODES reds REDS srf SRF earer EARER esponse ESPONSE ssertion SSERTION erifier ERIFIER ignature IGNATURE
    nswer NSWER tring TRING
""".split()
"""In the other names, which count where a text quotes JSON or code, in three spellings."""
_ENCODED_AFTER = r"""%(?:2[27]|3[aAdDeE])|&(?:quot|apos|gt|#3[49]|#62|#x(?:2[27]|3[eE]));|(?:\x1b|\\+u001[bB])\["""
_AFTER = rf"""[\])]?\s*(?:[?|]*=|:|<-|->\s|(?:\|\||\?\?|or\s)\s*\\*["']|\.(?:unwrap_or|orElse|getOrElse|withDefault)\(|\{{\s*get;|[aA]s\s[sS]tring\s?=|\x{{ff1a}}|\x{{2192}})|[({{]\s*[bBrRuUfFN@]*\\*["'][^\s"'\\]{{6}}|\s[\x{{2013}}\x{{2014}}-]\s[^\s]{{8}}|>|[*_]+\s*(?:=|:|\x{{ff1a}})|{_ENCODED_AFTER}|(?:\s|\\[nrt]){{1,2}}(?:\\*["'][^\s"'\\]{{6}}|[^\s"'&;,<>(){{}}\[\]\\]{{16}})|(?:[ \t]{{3}}[ \t]*|\\+t)[^\s"'&;,<>(){{}}\[\]\\]{{8}}"""
_ASSIGNS_IN_TEXT = rf"""(?:\\*["'])?{_AFTER}"""
_ASSIGNS_IN_JSON = rf"""(?:\\+["']|')?{_AFTER}"""
_IN_TEXT = rf"[0-9A-Za-z_.-]*(?:{_ASSIGNS_IN_TEXT})"
_IN_JSON = rf"[0-9A-Za-z_.-]*(?:{_ASSIGNS_IN_JSON})"
_ANY_STEM = rf"(?:{'|'.join([*STEMS.split(), *_QUOTED_STEMS])})[0-9A-Za-z_.:-]*"
_NAMED = [
    r"""_(?:PASS(?:WORD|WD|PHRASE)?|PWD|KEY|TOKEN|SECRET)\s[^\s"'&;,<>(){}\[\]\\]{8}""",
    rf"""(?:[nN]ame|[kK]ey|header|field|variable)\\*["']\s*:\s*\\*["'][^"'\\]*{_ANY_STEM}\\*["']""",
    rf"""["'](?:label|path|element|selector|target|type)\\*["']\s*:\s*\\*["'][^"'\\]*(?:{STEMS.replace(" ", "|")})[0-9A-Za-z_]*\]?(?:\s(?:[fF]ield|[iI]nput|(?:[tT]ext)?[bB]ox))?\\*["']""",
    rf"""\(\s*[bBrRuUfF]*\\*["'][0-9A-Za-z_.-]*{_ANY_STEM}\\*["']\s*,""",
    rf"""(?:name|key|type)\s?=\s?\\*["'][0-9A-Za-z_.:-]*{_ANY_STEM}\\*["']""",
    rf"""(?:name|key):\s+\\*["']?[0-9A-Za-z_.-]*{_ANY_STEM}""",
    rf"""["'](?:[0-9A-Za-z_-]*){_ANY_STEM}\\*["']\s*\{{""",
    r"""<key>""",
    rf"""{_ANY_STEM}:?</(?:name|td|th|dt|label)>""",
    r"""kind\\*["']?\s*:\s*\\*["']?Secret""",
    r"""kty\\*["']\s*:""",
]
"""Names that are the value of another field: see `secret_pairs`."""
_PAIR_MARK = r"""(?:[aA](?:uth|UTH)\\*["']?\s*[=:]\s*|(?:Basic|Digest)Auth)[(\[]"""
_NEXT_COLUMN = r"""\\*["']?\s?(?:[,;|\t\n\r]|\\+[tnr])"""
_LEAST = 8
"""The characters of the shortest name with a credential: `pwd=a1b2`."""
_ANYTHING = "(?s:.)*"
_IN_CLASSES = Expression(r"\\.|\[[^\]]*\]")
"""In an expression, what `*` and `+` repeat nothing in."""
_NAME_ENDS = (
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


def in_text(more: frozenset[str] = frozenset()) -> Callable[[str], bool]:
    """Return what says whether a text may hold a credential; `more` are names that a user adds."""
    found = _search(_IN_TEXT, r"""\\*["']""", _ASSIGNS_IN_TEXT, _names_in_text(more)) if _are_found(more) else bool

    def search(text: str) -> bool:
        return (
            found(text)
            or not (text.isascii() or is_text(text))  # what has lone surrogates is not searched by Rust's engine
            or secret_languages.may_hold(text)
        )

    return search


def in_json(more: frozenset[str] | None = None) -> Callable[[str], bool]:
    """Return what says whether a text in some JSON may hold a credential.

    With `more`, the names that a user adds, also whether a name in the JSON may be that of a credential.
    """
    names = [] if more is None else _names_in_json(more)
    found = (
        _search(_IN_JSON, r"""(?:\\+["']|')""", _ASSIGNS_IN_JSON, names) if _are_found(more or frozenset()) else bool
    )

    def search(text: str) -> bool:
        return found(text) or secret_languages.may_hold(text)

    return search


def _search(in_name: str, quote: str, assigned: str, names: list[str]) -> Callable[[str], bool]:
    """Return what says whether anything matches; `quote` is one that a text, or a text in JSON, quotes.

    Rust's engine remembers which expressions have begun at a place. Where there are many combinations of these, it forgets them all the
    time, and takes a thousand times as long: these groups are those that stay apart on texts of all kinds.
    """
    stems = STEMS.replace(" ", "|")
    shapes = [*secret_shapes.marks(), secret_encoded.IN_JSON]
    anywhere = [shape for shape in shapes if _ANYTHING in shape]
    ended = [shape for shape in shapes if _has_end(shape)]
    begun = [shape for shape in shapes if shape not in anywhere and not _has_end(shape)]
    option = rf"--[0-9A-Za-z_-]*(?:{stems})[0-9A-Za-z_-]*(?:\s|\\*[\"'],)"
    quoted = rf"(?:{'|'.join(_QUOTED_STEMS)})[0-9A-Za-z_.-]*{quote}\s*(?::|=>)"
    groups = [
        # In two halves: all of them at once overflow the cache of the engine on source code, which takes half as long again.
        ended[::2],
        ended[1::2],
        anywhere,
        begun,
        [
            *_NAMED,
            f"(?:{stems}){in_name}",
            option,
            _PAIR_MARK,
            secret_pairs.COOKIE_MARK,
            secret_pairs.GROUP_MARK,
            secret_yaml.SECTION_MARK,
        ],
        [quoted, secret_languages.plain_names(rf"{assigned}|{_NEXT_COLUMN}"), *names],
        ["<<<", *secret_tables.MARKS, *secret_wallets.MARKS, secret_encoded.BEGINNING],
    ]
    searches: list[Callable[[str], bool]] = []

    def search(text: str) -> bool:
        if len(text) < _LEAST:
            return False
        if not searches:
            searches.extend(map(search_at_once, groups))
        for one in searches:  # noqa: SIM110 - a generator takes longer
            if one(text):
                return True
        return False

    return search


def _has_end(expression: str) -> bool:
    """Return whether an expression matches no text of any length: it repeats nothing without an end."""
    plain = _IN_CLASSES.sub("", expression)
    return "*" not in plain and "+" not in plain


def _names_in_json(more: frozenset[str]) -> list[str]:
    """Return expressions, one of which matches in all JSON with a name of a credential; `more` are names of a user."""
    return [_spelled([*_LAST_WORDS, *more]) + _NAME_ENDS, secret_languages.in_json(), *map(re.escape, SECRET_TYPES)]


def _names_in_text(more: frozenset[str]) -> list[str]:
    """Return expressions, one of which matches in every text that quotes a name that a user adds, and a value."""
    return [_spelled([*more]) + r"""[^0-9A-Za-z]*["']?\s*(?:[=:>]|\s)"""] if more else []


def _are_found(names: frozenset[str]) -> bool:
    """Return whether names can be searched: upper and lower case of letters that are not ASCII is not always one for one."""
    return all(map(str.isascii, names))


def _spelled(names: Iterable[str]) -> str:
    written = dict.fromkeys(orjson.dumps(name).decode()[1:-1] for name in names)
    return f"(?i-u:{'|'.join('[-_]*'.join(map(_letter, name)) for name in written)})"


def _letter(letter: str) -> str:
    # In ASCII: Unicode has more letters that are `k` or `s` in another case, and takes ten times as long to compile.
    return letter if letter.isalnum() else f"\\x{{{ord(letter):x}}}"
