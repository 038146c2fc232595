"""The version of a function by its source: an edit is a new version; a comment, a docstring or another layout is none."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
import types
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from memo.errors import NoSourceVersion

__all__ = ["source_version"]

_NO_PART_OF_THE_CODE = frozenset(("ctx", "kind", "type_comment", "type_ignores"))
"""Fields of nodes that say nothing, or what another field says already."""


def source_version(function: Any, name: str) -> str:
    """Return the version of a function's code, the same in every process and on every version of Python.

    The code is that of the function itself, with its defaults, its annotations and the decorators below the recordable one;
    what it calls is not in it. Raises `NoSourceVersion` where the source is not everything that the function is made of: for
    a lambda, a closure, a builtin, and code without a file.
    """
    core = _core(function)
    if not isinstance(core, types.FunctionType):
        raise NoSourceVersion(name, f"a {type(core).__qualname__} has no source in Python")
    if core.__name__ == "<lambda>":
        raise NoSourceVersion(name, "a lambda has no source of its own")
    free = [variable for variable in core.__code__.co_freevars if variable != "__class__"]
    if free:
        raise NoSourceVersion(name, f"it is a closure, whose source does not say what {', '.join(free)} is")
    return f"source:{sha256(repr(_form(_definition(core, name))).encode()).hexdigest()[:16]}"


def _core(function: Any) -> Any:
    """Return the function that was written, below the wrappers of other decorators."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, staticmethod | classmethod | types.MethodType):
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif not inspect.isroutine(function) and not isinstance(function, type):
            function = type(function).__call__
        else:
            return function


def _definition(function: types.FunctionType, name: str) -> ast.AST:
    try:
        source = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError) as error:
        raise NoSourceVersion(name, f"its source cannot be read: {error}") from None
    found = tree.body[0] if tree.body else None
    if not isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) or found.name != function.__name__:
        raise NoSourceVersion(name, "its file has been changed since it was loaded")
    names = [_last_name(decorator) for decorator in found.decorator_list]
    if "recordable" in names:
        del found.decorator_list[: names.index("recordable") + 1]  # its options are no part of the code
    return found


def _last_name(decorator: ast.expr) -> str:
    if isinstance(decorator, ast.Call):
        return _last_name(decorator.func)
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")


def _form(node: Any) -> Any:
    """Return the code of a node as plain data. (`ast.dump` differs between versions of Python.)"""
    if isinstance(node, ast.AST):
        return (type(node).__name__, *((field, _form(part)) for field, part in _parts(node)))
    return [_form(item) for item in node] if isinstance(node, list) else (type(node).__name__, repr(node))


def _parts(node: ast.AST) -> Iterator[tuple[str, Any]]:
    for field, part in ast.iter_fields(node):
        if field == "body" and _has_docstring(node):
            part = part[1:]  # noqa: PLW2901
        if isinstance(node, ast.JoinedStr):
            part = [value for value in part if not _is_empty(value)]  # Python 3.12.1 adds some  # noqa: PLW2901
        if field not in _NO_PART_OF_THE_CODE and part is not None and part != []:
            yield field, part


def _is_empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value == ""


def _has_docstring(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    first = node.body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
