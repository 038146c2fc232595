"""Secrets: what can only be a credential, by its name or by its shape, never identifies a call and is never written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any

import orjson

from memo._values.paths import step_text
from memo._values.secrets import SECRET_TYPES

__all__ = ["INNER", "MASK", "is_credential", "looks_secret", "mask", "may_hold_secret", "redact"]

MASK = "<secret>"

_NAMES = frozenset(
    "accesskey accesstoken apikey apikeys apisecret apitoken authheader authorization authtoken awsaccesskeyid "
    "awssecretaccesskey awssessiontoken bearertoken clientsecret cookie cookies credentials domainsecrets "
    "idtoken passphrase passwd password privatekey proxyauthorization refreshtoken secretaccesskey secretkey "
    "sessiontoken setcookie signingsecret webhooksecret xapikey xauthtoken xgoogapikey".split()
)
_ENDINGS = ("apikey", "accesstoken", "authtoken", "clientsecret", "secretkey", "privatekey", "refreshtoken")

_SHAPE = r"""
      \bsk-(?:[A-Za-z0-9]{20,}|(?:proj|ant|or|svcacct|admin|lf)-[A-Za-z0-9_-]{16,})   # OpenAI, Anthropic, OpenRouter
    | \b(?:sk|rk|pk)_live_[A-Za-z0-9]{16,}                                            # Stripe
    | \b[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}=*                                          # RFC 6750
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}                 # JWT, RFC 7519
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b                                                   # AWS
    | \bAIza[0-9A-Za-z_-]{35}                                                         # Google
    | \b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})                   # GitHub
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}                                                # Slack
    | \bhf_[A-Za-z0-9]{30,} | \bgsk_[A-Za-z0-9]{40,} | \btvly-[A-Za-z0-9-]{20,}       # Hugging Face, Groq, Tavily
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)  # PEM
    | (?<=://)[^/\s:@"]*:[^/\s@"]+(?=@)                                               # user:password@ in a URL
    | (?:(?<=[?&-]Signature=)|(?<=[?&]sig=)|(?<=-Security-Token=))[\w%+/=.~-]{16,}     # signed URLs: AWS, Google, Azure
    | (?<=[Kk]ey\ provided:\ )[\w-]*\*{3,}[\w-]* | (?<=api\ key:\ )\*{4,}\w{2,8}\b   # what a 401 echoes of the key
    """


@cache
def _shape() -> re.Pattern[str]:
    """Compiled when there is something that may be a secret: it takes longer than the rest of importing this."""
    return re.compile(_SHAPE, re.VERBOSE | re.DOTALL)


@lru_cache(maxsize=4096)
def is_credential(name: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether a parameter, field or header of that name can only hold a credential. `more` extends the known names."""
    plain = _plain(name)
    return plain in _NAMES or plain.endswith(_ENDINGS) or plain in more


def may_hold_secret(text: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether there may be anything in some JSON that `redact` would mask. Never wrong when it says no.

    One search through all of it, not one through each text in it.
    """
    return _search(more)(text)


_MARKS = (
    r"earer eyJ AKIA ASIA AIza sk- xox tvly- PRIVATE\x20KEY _live_ gh[pousr]_ github_pat_ hf_ gsk_ Signature= sig= "
    r'-Security-Token= ey\x20provided:\x20 api\x20key:\x20 ://[^/\s:@"]*:[^/\s@"]*@'.split()
)
"""One in each alternative of `_SHAPE`: what `looks_secret` looks for, and more exactly what a URL is."""


@cache
def _search(more: frozenset[str]) -> Callable[[str], bool]:
    # pydantic has an engine that searches for all of these at once, at the cost of two or three plain searches.
    # Python's own would take fifty times as long. It is set up at the first recording: that takes a millisecond or two.
    from pydantic_core import SchemaValidator

    known = {*_NAMES, *_ENDINGS}
    names = {name for name in known if not name.endswith((*known - {name},))} | more
    if not all(map(str.isascii, more)):
        names = {""}  # upper and lower case of other letters is not always one letter for one
    # In JSON, what ends a name is a quote.
    ends = ["[-_]*".join([*map(_letter, orjson.dumps(name).decode()[1:-1]), '"']) for name in names]
    types = ["".join(map(_letter, name)) for name in SECRET_TYPES]
    pattern = "|".join([f"(?i:{'|'.join(ends)})", *types, *_MARKS])
    search: Callable[[str], bool] = SchemaValidator({"type": "str", "pattern": pattern}).isinstance_python
    return search


def _letter(letter: str) -> str:
    return f"\\x{{{ord(letter):x}}}"


def plain_names(names: Iterable[str]) -> frozenset[str]:
    """Names as `is_credential` compares them: in lower case, without `-` and `_`."""
    return frozenset(map(_plain, names))


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def looks_secret(text: str) -> bool:
    """Whether a text may hold a value in one of the unmistakable shapes. Fast, and never wrong when it says no."""
    # Plain searches, spelled out: this runs on every call, and one regular expression would cost ten times as much.
    return (
        "earer" in text
        or ("J" in text and "eyJ" in text)  # one letter is found fifty times as fast, and these are rare
        or ("K" in text and "AKIA" in text)
        or "ASIA" in text
        or ("z" in text and "AIza" in text)
        or ("-" in text and ("sk-" in text or "xox" in text or "tvly-" in text or "PRIVATE KEY" in text))
        or (
            "_" in text
            and (
                "_live_" in text
                or "ghp_" in text
                or "gho_" in text
                or "ghu_" in text
                or "ghs_" in text
                or "ghr_" in text
                or "github_pat_" in text
                or "hf_" in text
                or "gsk_" in text
            )
        )
        or ("@" in text and "://" in text)
        or ("=" in text and ("Signature=" in text or "sig=" in text or "-Security-Token=" in text))
        or ("**" in text and ("ey provided: " in text or "api key: " in text))
    )


def mask(text: str) -> str:
    """`text` with what has the shape of a secret replaced."""
    return _shape().sub(MASK, text) if looks_secret(text) else text


def redact(trees: list[Any], more: frozenset[str] = frozenset()) -> list[str]:
    """Mask the secrets in recorded outcomes, in place. Their paths."""
    paths: list[str] = []
    trees[:] = [_redact(each, f"[{i}]", paths, more, named=False) for i, each in enumerate(trees)]
    return paths


def _redact(node: Any, path: str, paths: list[str], more: frozenset[str], *, named: bool, pair: bool = False) -> Any:
    if type(node) is str:
        masked = MASK if named and node else mask(node)
        if masked != node:
            paths.append(path)
        return masked
    if type(node) is list:
        # Header lists and tagged mappings are lists of pairs: [["authorization", "…"], …]
        pairs = all(map(_is_pair, node))
        secret = named or (pair and type(node[0]) is str and is_credential(node[0], more))
        for i, each in enumerate(node):
            inner = named if pair and i == 0 else secret
            node[i] = _redact(each, f"{path}[{i}]", paths, more, named=inner, pair=pairs)
    elif type(node) is dict:
        if node.get("__type__") == "str" and type(node.get("value")) is str:
            # Escaped, since it has lone surrogates: what stands before a secret is no letter of an escape.
            plain = node["value"].encode().decode("unicode_escape")
            node["value"] = _redact(plain, path, paths, more, named=named).encode("unicode_escape").decode()
            return node
        secret = named or node.get("__type__") in SECRET_TYPES
        schema = path.endswith("properties")  # JSON schema: what is named `password` there is described, not given
        for key, each in [*node.items()]:
            shown = mask(key)
            if shown != key:
                paths.append(path + step_text(shown))
                del node[key]
            step = path if key in INNER else path + step_text(shown)
            inner = key not in _NAMING and (secret or (not schema and is_credential(key, more)))
            tagged = pair and node.get("__type__") == "tuple"
            node[shown] = _redact(each, step, paths, more, named=inner, pair=tagged)
    return node


INNER = ("value", "items", "exact", "stream", "text", "base64")
"""What memo writes around a value: no step of a path in it."""
_NAMING = ("__type__", "of", "zone")
"""What may name a type, or a time zone: a secret only by its shape."""


def _is_pair(node: Any) -> bool:
    if type(node) is dict and node.get("__type__") == "tuple":
        node = node.get("value")
    return type(node) is list and len(node) == 2
