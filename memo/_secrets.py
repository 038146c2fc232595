"""Secrets: what can only be a credential, by its name or by its shape, never identifies a call and is never written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

__all__ = ["MASK", "SECRET_CODECS", "is_credential", "looks_secret", "mask", "redact"]

MASK = "<secret>"
SECRET_CODECS = frozenset({"pydantic.types:SecretStr", "pydantic.types:SecretBytes"})

_NAMES = frozenset(
    "accesskey accesstoken apikey apikeys apisecret apitoken authheader authorization authtoken awsaccesskeyid "
    "awssecretaccesskey awssessiontoken bearertoken clientsecret cookie cookies credentials domainsecrets "
    "idtoken passphrase passwd password privatekey proxyauthorization refreshtoken secretaccesskey secretkey "
    "sessiontoken setcookie signingsecret webhooksecret xapikey xauthtoken xgoogapikey".split()
)
_ENDINGS = ("apikey", "accesstoken", "authtoken", "clientsecret", "secretkey", "privatekey", "refreshtoken")

_SHAPE = re.compile(
    r"""
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
    | (?<=://)[^/\s:@"]+:[^/\s@"]+(?=@)                                               # user:password@ in a URL
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=4096)
def is_credential(name: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether a parameter, field or header of that name can only hold a credential. `more` extends the known names."""
    plain = _plain(name)
    return plain in _NAMES or plain.endswith(_ENDINGS) or plain in more


def plain_names(names: Iterable[str]) -> frozenset[str]:
    """Names as `is_credential` compares them: in lower case, without `-` and `_`."""
    return frozenset(map(_plain, names))


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def looks_secret(data: bytes) -> bool:
    """Whether JSON may hold a value in one of the unmistakable shapes. Fast, and never wrong when it says no."""
    # Plain searches, spelled out: this runs on every call, and one regular expression would cost ten times as much.
    return (
        b"sk-" in data
        or b"earer" in data
        or b"eyJ" in data
        or b"_live_" in data
        or b"AKIA" in data
        or b"ASIA" in data
        or b"AIza" in data
        or b"ghp_" in data
        or b"gho_" in data
        or b"ghu_" in data
        or b"ghs_" in data
        or b"ghr_" in data
        or b"github_pat_" in data
        or b"xox" in data
        or b"hf_" in data
        or b"gsk_" in data
        or b"tvly-" in data
        or b"PRIVATE KEY" in data
        or (b"://" in data and b"@" in data)
    )


def mask(text: str) -> str:
    """`text` with what has the shape of a secret replaced."""
    return _SHAPE.sub(MASK, text)


def redact(tree: Any, more: frozenset[str] = frozenset()) -> list[str]:
    """Mask the secrets in a recorded outcome, in place. Their paths."""
    paths: list[str] = []
    _redact(tree, "", paths, more, named=False)
    return paths


def _redact(node: Any, path: str, paths: list[str], more: frozenset[str], *, named: bool) -> Any:
    if type(node) is str:
        masked = MASK if named and node else mask(node)
        if masked != node:
            paths.append(path)
        return masked
    if type(node) is list:
        # Pairs of a header list or of a tagged mapping: [["authorization", "…"], …]
        if len(node) == 2 and type(node[0]) is str and is_credential(node[0], more) and type(node[1]) is str:
            named = True
            node[1] = _redact(node[1], f"{path}[1]", paths, more, named=True)
            return node
        node[:] = [_redact(each, f"{path}[{i}]", paths, more, named=named) for i, each in enumerate(node)]
    elif type(node) is dict:
        secret = named or node.get("__type__") in SECRET_CODECS
        for key, each in node.items():
            if key in ("__type__", "of", "zone"):
                continue
            step = path if key in ("value", "items", "exact", "stream", "text", "base64") else f"{path}.{key}".lstrip(".")
            node[key] = _redact(each, step, paths, more, named=secret or is_credential(key, more))
    return node
