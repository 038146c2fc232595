"""What a user says of secrets, and what counts as one by its name under these rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from memo._calls import secret_pairs
from memo._calls.key_rules import as_names
from memo._calls.secret_forms import ANY, LOGIN, PASSWORD, Form, is_login
from memo._calls.secret_names import judge, plain_names
from memo._values.paths import Step, steps_of
from memo.errors import InvalidOption

__all__ = ["MASK", "NO_RULES", "SecretRules", "header_text", "is_header", "is_login_form", "pair_of"]

MASK = "<secret>"


class SecretRules(NamedTuple):
    """What a user says of secrets: more names of credentials, and what is none. As `secrets=` and `allow_secrets=`."""

    names: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    """Names, in the form of `plain_names`."""
    allowed_paths: tuple[tuple[Step, ...], ...] = ()

    @classmethod
    def of(cls, secrets: str | Iterable[str] = (), allow_secrets: str | Iterable[str] = ()) -> SecretRules:
        """Return the rules that a user writes. Raise `InvalidOption` for an `allow_secrets=` that is neither name nor path."""
        if not (secrets or allow_secrets):
            return NO_RULES
        allowed: list[str] = []
        paths: list[tuple[Step, ...]] = []
        for path in as_names(allow_secrets):
            steps = steps_of(path)
            if not steps:
                raise InvalidOption("allow_secrets", path, ["name", "name.key", "[0].key", "name[*].key"])
            if len(steps) == 1 and isinstance(steps[0], str):
                allowed.append(steps[0])
            else:
                paths.append(steps)
        return cls(plain_names(as_names(secrets)), plain_names(allowed), tuple(paths))

    def __or__(self, other: SecretRules) -> SecretRules:
        if not other:
            return self
        return SecretRules(
            self.names | other.names, self.allowed | other.allowed, (*self.allowed_paths, *other.allowed_paths)
        )

    def __bool__(self) -> bool:
        return any(self)

    def judge(self, name: str) -> Form | None:
        """Return the form that a credential has under a name, None if the name holds none."""
        return judge(name, self.names, self.allowed)

    def beside(self, node: dict[str, Any]) -> secret_pairs.Beside | None:
        """Return which field of a mapping holds a credential whose name is in another field."""
        return secret_pairs.beside(node, self.names, self.allowed)

    def after_options(self, node: list[Any]) -> dict[int, Form]:
        """Return the forms of the credentials in a command's arguments that have their name before them, by their index."""
        return secret_pairs.after_options(node, self.names, self.allowed)

    def allows(self, steps: tuple[Step, ...]) -> bool:
        """Return whether the user says that what is at a path is no secret."""
        return any(
            len(path) <= len(steps) and all(one is None or one == step for one, step in zip(path, steps, strict=False))
            for path in self.allowed_paths
        )


NO_RULES = SecretRules()


def is_header(name: Any, value: Any, rules: SecretRules = NO_RULES, *, named: bool) -> bool:
    """Return whether a pair is a header, cookie or variable that holds a credential.

    `named` says that the pairs are under a name like `headers`. Elsewhere a pair is a header only if the value has the form
    of a credential: `["authorization", "required"]` is a rule of a form. Both may be bytes, as servers and HTTP clients have
    them, or what memo writes for bytes.
    """
    name, value = header_text(name), header_text(value)
    form = rules.judge(name) if isinstance(name, str) else None
    if form is None:
        return False
    if type(value) is not str:
        return (named and form is ANY) or (form is LOGIN and (is_login(value) or is_login_form(pair_of(value))))
    return form(value) if named else (PASSWORD if form is ANY else form)(value)


def header_text(part: Any) -> Any:
    """Return the text of a part of a header that is bytes; anything else as it is."""
    if type(part) is bytes:
        return part.decode("latin-1")
    if type(part) is dict and part.get("__type__") == "bytes":
        return part.get("text", part)
    return part


def is_login_form(value: Any) -> bool:
    """Return whether what memo writes for a tuple is a user and a password."""
    return type(value) is list and is_login(tuple(value))


def pair_of(node: Any) -> list[Any] | None:
    """Return the two members of a list, or of what memo writes for a tuple; None if it has more or fewer."""
    if type(node) is dict and node.get("__type__") == "tuple":
        node = node.get("value")
    return node if type(node) is list and len(node) == 2 else None
