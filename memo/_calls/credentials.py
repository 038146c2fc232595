"""Credentials in the key of a call: left out, or replaced by a digest that cannot be made without the salt of the store.

What counts as a credential is decided in `memo._calls.secrets`.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from memo._calls.secret_forms import ANY, Form, has_aws_id, is_aws_secret, is_hidden
from memo._calls.secret_names import judge_below, judge_group
from memo._calls.secret_pairs import private_fields
from memo._calls.secrets import MASK, NO_RULES, SecretRules, mask, masked_form
from memo._values.paths import Step, path_text
from memo._values.scalars import text_form, text_of
from memo.errors import UnkeyableArgument

__all__ = ["KEYED", "LEFT_OUT", "PROCESS_SALT", "Credential", "CredentialFilter", "Found", "has_credential"]

KEYED = "secret"
"""The type, in a recording, of a credential that is a digest."""
LEFT_OUT: Any = object()
"""Marks, in a canonical tree, what is not part of the call."""
PROCESS_SALT = os.urandom(32)
"""For digests that are compared in this process and written nowhere."""


class Credential:
    """A mark, in a canonical tree, of a credential with its name, until a filter removes it."""

    __slots__ = ("name", "shown", "value")

    def __init__(self, value: Any, shown: Any = LEFT_OUT, name: str | None = None) -> None:
        self.value = value
        self.shown = shown
        """What a call without digests has in its place."""
        self.name = name
        """The name of a header, which is no key in its list."""


class Found(NamedTuple):
    """A credential that a call has: where in the arguments it is, and its digest."""

    steps: tuple[Step, ...]
    digest: str


def has_credential(tree: Any) -> bool:
    """Return whether a tree has a mark of a credential."""
    if type(tree) is dict or type(tree) is list:
        return any(map(has_credential, tree.values() if type(tree) is dict else tree))
    return isinstance(tree, Credential)


class CredentialFilter:
    """Takes the credentials out of the canonical tree of one call, and remembers them in `found`.

    They are left out, or masked; with `keeps_digests` there is a digest by `salt` in their place. `form` gives the canonical tree
    of a value.
    """

    def __init__(
        self,
        function: str,
        form: Callable[[Any], Any],
        rules: SecretRules = NO_RULES,
        *,
        salt: bytes = PROCESS_SALT,
        keeps_digests: bool = False,
    ) -> None:
        self.found: list[Found] = []
        self._function = function
        self._form = form
        self._rules = rules
        self._salt = salt
        self._keeps_digests = keeps_digests

    def by_name(self, tree: Any, steps: tuple[Step, ...] = ()) -> Any:
        """Return a tree without marks of credentials. Raises `UnkeyableArgument` for one that has a digest to have, and no form."""
        if isinstance(tree, Credential):
            return self._credential(tree, steps)
        if type(tree) is list:
            members = (self.by_name(member, (*steps, index)) for index, member in enumerate(tree))
            return [member for member in members if member is not LEFT_OUT]
        if type(tree) is dict:
            fields = {name: self.by_name(member, (*steps, name)) for name, member in tree.items()}
            return {name: member for name, member in fields.items() if member is not LEFT_OUT}
        return tree

    def by_shape(self, tree: Any, steps: tuple[Step, ...] = (), group: Form | None = None) -> Any:
        """Return a tree in which what has the shape of a credential is masked.

        `group` is the form of a credential under a plural that leads to the tree: `secrets`, `tokens`.
        """
        if type(tree) is str:
            if self._rules.allows(steps):
                return tree
            return self._replacing(steps)(tree) if is_hidden(group, tree) else self._masked(tree, steps)
        if type(tree) is list:
            beside_id, after = has_aws_id(tree), self._rules.after_options(tree)
            return [
                self._member(
                    member, (*steps, index), group, beside_id=beside_id, hides=is_hidden(after.get(index), member)
                )
                for index, member in enumerate(tree)
            ]
        if type(tree) is dict:
            if tree.get("__type__") == "bytes" and type(tree.get("base64")) is str:
                return tree if self._rules.allows(steps) else masked_form(tree, self._rules, self._replacing(steps))
            if tree.get("__type__") == "str":  # it is escaped, since it has lone surrogates
                return {**tree, "value": text_form(self.by_shape(text_of(tree["value"]), steps))}
            beside_id = has_aws_id(tree.values())
            beside = self._rules.beside(tree) if "__type__" not in tree else None
            private = private_fields(tree)
            return {
                self._masked(name, steps): self._member(
                    self._private(member, (*steps, name)) if name in private and type(member) is dict else member,
                    (*steps, name),
                    judge_group(name, member, group, self._rules.names, self._rules.allowed),
                    beside_id=beside_id,
                    hides=type(member) is str
                    and (name in private or (beside is not None and name == beside.field and beside.form(member))),
                )
                for name, member in tree.items()
            }
        return tree

    def _private(self, tree: dict[str, Any], steps: tuple[Step, ...]) -> dict[str, Any]:
        """Return a mapping of credentials by their names without them: that of a `Secret` of Kubernetes."""
        forms = {name: judge_below(name, ANY, self._rules.names, self._rules.allowed) for name in tree}
        return {
            name: self._member(member, (*steps, name), beside_id=False, hides=is_hidden(forms[name], member))
            for name, member in tree.items()
        }

    def _member(
        self, tree: Any, steps: tuple[Step, ...], group: Form | None = None, *, beside_id: bool, hides: bool = False
    ) -> Any:
        """Return what `by_shape` does of a member; `beside_id`: an id of an access key of AWS is a member, too.

        `hides` says that another member makes it a credential.
        """
        if (hides or (beside_id and is_aws_secret(tree))) and not self._rules.allows(steps):
            return self._replacing(steps)(tree)
        return self.by_shape(tree, steps, group)

    def _credential(self, credential: Credential, steps: tuple[Step, ...]) -> Any:
        steps = steps if credential.name is None else (*steps[:-1], credential.name)
        if self._rules.allows(steps):
            return self.by_name(self._form(credential.value), steps)
        digest = self._digest(credential.value, steps)
        self.found.append(Found(steps, digest))
        return {"__type__": KEYED, "digest": digest} if self._keeps_digests else credential.shown

    def _masked(self, text: str, steps: tuple[Step, ...]) -> str:
        return mask(text, self._rules, self._replacing(steps))

    def _replacing(self, steps: tuple[Step, ...]) -> Callable[[str], str]:
        """Return what replaces a credential at a place, and remembers it."""

        def replace(secret: str) -> str:
            digest = self._keyed(secret.encode("utf-8", "surrogatepass"))
            self.found.append(Found(steps, digest))
            return f"<secret:{digest}>" if self._keeps_digests else MASK

        return replace

    def _digest(self, value: Any, steps: tuple[Step, ...]) -> str:
        """Return the digest of a credential; that of its type if it has no canonical form and need not have one."""
        if type(value) is str:
            return self._keyed(value.encode("utf-8", "surrogatepass"))
        inner = CredentialFilter(self._function, self._form, salt=self._salt, keeps_digests=True)
        kind = type(value)
        try:
            data = orjson.dumps(inner.by_name(self._form(value)), option=orjson.OPT_SORT_KEYS)
        except TypeError:  # orjson's errors, and `UnkeyableArgument`
            if self._keeps_digests:
                reason = f"is a {kind.__module__}.{kind.__qualname__}, which has no canonical form"
                raise UnkeyableArgument(self._function, path_text(steps), reason) from None
            data = kind.__qualname__.encode()
        return self._keyed(b"\0" + data)  # 1 is not "1"

    def _keyed(self, secret: bytes) -> str:
        """Return a keyed digest: without the salt, a guess cannot be checked."""
        return hmac.digest(self._salt, secret, "sha256").hex()[:32]
