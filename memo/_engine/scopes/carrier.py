"""A scope as it travels to another process: one text, signed with the secret of the run."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import timedelta
from typing import Any

import orjson

from memo._engine.sessions.scope_names import SECRET
from memo.errors import ScopeNotPortable, ScopeRefused
from memo.scrub import floats, paths, timestamps, uuids
from memo.stores import DirectoryStore, JsonLinesStore, Store, StoreLike, as_store

__all__ = ["Carrier", "portable_options", "portable_store", "run_secret"]

_VERSION = 1
_LONGEST = 16 * 1024
_SIGNATURE = 43
"""Characters of a signature: 32 bytes in base64."""
_FIX = "to be served in a scope: start this process from the run, or give both the same MEMO_SCOPE_SECRET"


@dataclass(frozen=True, slots=True)
class Carrier:
    """What a process needs to serve calls in a scope of another process."""

    store: str
    mode: str
    test: str | None
    run: str
    scope: str
    """Names the recorder: a test that is run again has another one."""
    journal: str
    """The file of the scope's journal."""
    process: str
    """A token of the process that opened the scope."""
    options: dict[str, Any] = field(default_factory=dict)
    modes: str = ""
    """The modes of single functions that the environment names."""
    missing: list[str] = field(default_factory=list)
    """Options that have no form in JSON: the other process has to bring its own."""
    version: int = _VERSION

    def signed(self, secret: str) -> str:
        """Return the scope as a text that a header and a variable can hold."""
        payload = urlsafe_b64encode(orjson.dumps(asdict(self))).rstrip(b"=")
        return f"{payload.decode()}.{_signature(payload, secret)}"

    @classmethod
    def verified(cls, value: str, secret: str | None) -> Carrier:
        """Return the scope that a text carries. Raises `ScopeRefused` if the run with that secret did not sign the text."""
        if not secret:
            raise ScopeRefused("this process has no MEMO_SCOPE_SECRET to check it with", _FIX)
        if len(value) > _LONGEST:
            raise ScopeRefused(f"it has {len(value):,} characters, and at most {_LONGEST:,} are read", _FIX)
        payload, dot, signature = value.partition(".")
        if not dot or len(signature) != _SIGNATURE:
            raise ScopeRefused(
                "it is not whole: a scope ends with its signature", "to carry a scope: memo_recorder.headers"
            )
        if not hmac.compare_digest(signature.encode(), _signature(payload.encode(), secret).encode()):
            raise ScopeRefused("its signature does not fit: another run signed it, or it was changed on its way", _FIX)
        try:
            tree = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            version = tree["version"]
            if version == _VERSION:
                return cls(**{item.name: tree[item.name] for item in fields(cls)})
        except (ValueError, KeyError, TypeError) as error:
            raise ScopeRefused(f"it cannot be read ({type(error).__name__})", _FIX) from None
        raise ScopeRefused(
            f"it has version {version!r}, and this memo reads {_VERSION}", "pip install -U memo-recorder"
        )

    def resolved(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of the scope, those that this process brings itself included.

        Raises `ScopeRefused` if an option is missing.
        """
        missing = [name for name in self.missing if name not in own]
        if missing:
            raise ScopeRefused(
                f"its {', '.join(missing)} cannot travel, and this process brings none of its own",
                f"to bring it: Middleware(app, {', '.join(f'{name}=...' for name in missing)})",
            )
        try:
            options = {name: _read(name, value) for name, value in self.options.items()}
        except (KeyError, TypeError, ValueError) as error:
            raise ScopeRefused(f"its options cannot be read ({error})", "pip install -U memo-recorder") from None
        return {**options, **own}


def _signature(payload: bytes, secret: str) -> str:
    digest = hmac.new(secret.encode(), payload, hashlib.sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def run_secret() -> str:
    """Return the secret of this process's run; make it if there is none, so that processes started from here have it."""
    return os.environ.get(SECRET) or os.environ.setdefault(SECRET, secrets.token_hex(32))


# What a scope is made of, as JSON


def portable_store(store: Store, named: object) -> str:
    """Return the name under which another process finds a store. Raises `ScopeNotPortable`."""
    if isinstance(store, DirectoryStore | JsonLinesStore):
        return store.location()
    if not isinstance(named, str) or named.startswith("memory://"):
        reason = (
            "is in the memory of this process" if isinstance(named, str) else f"is an object ({type(store).__name__})"
        )
        raise ScopeNotPortable("its store", reason, 'to share one: a directory, or a URL such as "redis://..."')
    scheme, _, rest = named.partition("://")
    if "@" in rest.partition("/")[0] and not named.startswith("sqlite"):
        raise ScopeNotPortable(
            f"its store {scheme}://…", "has a user or a password in its URL", "to share it: a URL without them"
        )
    path = rest.removeprefix("/") if scheme == "sqlite" else ""
    return f"sqlite:///{os.path.abspath(path)}" if path[:1] not in ("", "/", "~") else named  # noqa: PTH100


def portable_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the options that have a form in JSON, in that form, and the names of those that have none."""
    found: dict[str, Any] = {}
    missing: list[str] = []
    for name, value in options.items():
        if name in _OWN:
            continue
        written = _WRITERS.get(name, _plain)(value)
        if written is _NONE:
            missing.append(name)
        else:
            found[name] = written
    return found, missing


_OWN = ("test", "isolated")
"""Options that are the process's own."""
_NONE: Any = object()


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, set | frozenset | tuple):
        value = list(value)
    try:
        orjson.dumps(value)
    except TypeError:
        return _NONE
    return value


_NAMED: dict[str, Callable[[Any], Any]] = {"uuids": uuids, "timestamps": timestamps, "paths": paths}
_FLOATS = re.compile(r"floats\((\d{1,3})\)")


def _scrubbers(rules: Mapping[str, Any] | None) -> Any:
    written = {path: [_word(scrubber) for scrubber in _several(found)] for path, found in (rules or {}).items()}
    return _NONE if any(None in words for words in written.values()) else written


def _several(found: Any) -> Iterable[Any]:
    return (found,) if callable(found) else tuple(found)


def _word(scrubber: Any) -> str | None:
    name = getattr(scrubber, "__qualname__", "") if getattr(scrubber, "__module__", "") == "memo.scrub" else ""
    return name if name in _NAMED or _FLOATS.fullmatch(name) else None


def _stores(fallback: StoreLike | Iterable[StoreLike]) -> list[str]:
    several = [fallback] if isinstance(fallback, str | os.PathLike | Store) else fallback
    return [portable_store(as_store(store), store) for store in several]


_WRITERS: dict[str, Callable[[Any], Any]] = {"fallback": _stores, "scrub": _scrubbers}


def _read(name: str, value: Any) -> Any:
    if name == "scrub":
        return {path: tuple(map(_scrubber, words)) for path, words in value.items()}
    if isinstance(value, dict) and value.keys() == {"seconds"}:
        return timedelta(seconds=value["seconds"])
    return value


def _scrubber(word: str) -> Callable[[Any], Any]:
    rounding = _FLOATS.fullmatch(word)
    return floats(int(rounding[1])) if rounding else _NAMED[word]
