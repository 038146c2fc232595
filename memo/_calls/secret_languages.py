"""Names of credentials in other languages than English: `contraseña`, `mot_de_passe`, `пароль`, `密码`.

In most of them the word comes first (`senha_do_banco`), in names and in sentences. Accents may be missing: `contrasena`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

from memo._calls.secret_expressions import Expression, search_at_once
from memo._calls.secret_forms import ANY, CHOSEN, LOGIN, PASSWORD, TOKEN, Form
from memo._values.scalars import is_text

__all__ = ["in_json", "judge", "may_hold", "plain_names", "spans", "stem"]

_PASSWORDS = """
    passwort kennwort contraseña contrasenya senha mot_de_passe wachtwoord lösenord adgangskode passord salasana
    jelszó lozinka slaptažodis kata_sandi mật_khẩu пароль пароли пароля лозинка κωδικός_πρόσβασης
    סיסמה סיסמא كلمة_المرور كلمة_السر 密码 密碼 口令 パスワード 비밀번호 รหัสผ่าน पासवर्ड
""".split()
"""What holds nothing else."""
_PERHAPS = "parola heslo hasło geslo şifre parool κωδικός 暗証番号 암호 暗号".split()
"""What may be a word, a slogan or a code as well: a credential where it can be a password."""
_KEYS = """
    api_schlüssel clé_api clave_api clave_de_api chave_api chave_de_api ключ_api api_ключ 密钥 密鑰 秘钥 令牌 токен トークン 토큰 api키 apiキー jeton_accès clé_secrète clave_secreta chave_secreta
    секретный_ключ секрет
""".split()
"""Keys and tokens, or data: a credential where it has the form of a token."""
_WORD = Expression(r"[^\W_]+")
_GAP = "[ _-]?"
"""Between the words of a name, as an expression."""


def _folded(name: str) -> str:
    """Return a name without accents."""
    parts = unicodedata.normalize("NFKD", name)
    return unicodedata.normalize("NFC", "".join(part for part in parts if unicodedata.category(part) != "Mn"))


def _joined(name: str) -> str:
    return "".join(_WORD.findall(_folded(name))).lower()


@cache
def _forms() -> dict[Form, tuple[str, ...]]:
    return {form: tuple(map(_joined, words)) for form, words in ((ANY, _PASSWORDS), (LOGIN, _PERHAPS), (TOKEN, _KEYS))}


def judge(name: str) -> Form | None:
    """Return the form that a credential has under a name in another language, None if the name holds none."""
    joined = _joined(name)
    for form, words in _forms().items():
        if joined.endswith(words):
            return form
        if joined.startswith(words):
            return LOGIN if form is ANY else form
    return None


def _written(words: Iterable[str]) -> list[str]:
    """Return expressions of the ways in which a text may write some words: with accents, without, or with accents apart."""
    spelled = {
        unicodedata.normalize(form, part) for word in words for part in (word, _folded(word)) for form in ("NFC", "NFD")
    }
    return sorted((word.replace("_", _GAP) for word in spelled), key=len, reverse=True)


@cache
def _stems() -> list[str]:
    return _written([*_PASSWORDS, *_PERHAPS, *_KEYS])


def _beyond_ascii() -> list[str]:
    return [word for word in _stems() if not word.isascii()]


_STEM = Expression(lambda: "|".join(_stems()), re.IGNORECASE)
_IS = "is|es|est|ist|lautet"
_OF = "for|of|do|da|de|del|des|du|pour|di|temporal|provvisoria"


def plain_names(after: str) -> str:
    """Return an expression of the names in a text that are ASCII; `after` is what follows a name."""
    plain = [word for word in _stems() if word.isascii() and "pass" not in word]  # `pass` is an English stem
    stems = "|".join(dict.fromkeys(case for word in plain for case in _cases(word)))
    return rf"(?:{stems})[0-9A-Za-z_.-]*(?:{after}|\s(?:{_IS}|é|è|{_OF})\s)|(?:asswort|de passe)(?:\s(?:{_IS}|{_OF})\s|,\sc'est\s|[;,|\t\n]|\\+[tn])"


def _cases(word: str) -> tuple[str, ...]:
    first, *others = word.split(_GAP)
    camel = _GAP.join([first, *map(str.capitalize, others)])
    return word, word.capitalize(), camel, word.upper()


def in_json() -> str:
    """Return an expression of the names in JSON that are ASCII."""
    return rf"""(?i-u:{"|".join(word for word in _stems() if word.isascii())})[0-9A-Za-z_ .-]*(?:"|\\+"\s*:)"""


def may_hold(text: str) -> bool:
    """Return whether a text, or JSON that holds one, may have a name that is not ASCII, escaped or not."""
    if not text.isascii() and _foreign()(text):
        return True
    # To look for one character takes a hundredth of the time of two.
    return "\\" in text and "\\u" in text and _escaped()(text)


@cache
def _foreign() -> Callable[[str], bool]:
    return search_at_once([f"(?i:{'|'.join(_beyond_ascii())})"])


@cache
def _escaped() -> Callable[[str], bool]:
    return search_at_once(["|".join(f"(?i-u:{_as_escapes(word)})" for word in _beyond_ascii())])


def _as_escapes(word: str) -> str:
    cases = dict.fromkeys((word, word.capitalize(), word.upper()))
    return "|".join(
        "".join(letter if letter.isascii() else rf"\\+u{ord(letter):04x}" for letter in case) for case in cases
    )


def stem(text: str) -> Expression | None:
    """Return an expression of the stems of names, None if a text has none."""
    if text.isascii() or is_text(text):  # what has lone surrogates is not searched by Rust's engine
        return _STEM if _any_stem()(text) else None
    return _STEM if _STEM.search(text) is not None else None


@cache
def _any_stem() -> Callable[[str], bool]:
    return search_at_once([f"(?i:{'|'.join(_stems())})"])


_PROSE = Expression(
    lambda: rf"""(?:@WORDS@)(?:\s(?:{_OF}|für|от|для|к|temporaire|temporária|неверный)\s?[\w.-]{{0,24}})?
    (?:,?\s{{1,4}}(?:{_IS}|c'est|é|è|это)\s(?::\s)?|(?P<said>\s(?=[^\s]{{0,32}}[0-9!\#$%])[`"']?)|\s{{0,4}}(?:[:\uff1a=\u2014\u2013\u2192]|是|为|為|は|는|은)\s{{0,4}})
    [`"'*\u00ab\u201c\u300c]{{0,3}}(?P<secret>[^\s`"'*<>(){{}}\[\],;\\\u00bb\u201d\u300d\u3002\uff0c\u3001]{{6,256}})""".replace(
        "@WORDS@", "|".join(_written([*_PASSWORDS, *_PERHAPS])).replace(" ", r"\ ")
    ),
    re.VERBOSE | re.IGNORECASE,
)


def spans(text: str) -> list[tuple[int, int]]:
    """Return where passwords are in sentences: `La contraseña es …`, `密码是…`."""
    return [
        found.span("secret")
        for found in _PROSE.finditer(text)
        if (PASSWORD if found["said"] is None else CHOSEN)(found["secret"].rstrip(".!?:"))
    ]
