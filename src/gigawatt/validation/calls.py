"""Calls as tables write them, such as ``stack_of('hbm4', height=16).power / 2``: names, calls and arithmetic.

Nothing else can be written: no comprehension, no assignment, no attribute with an underscore before it. The
same call with the same arguments is made once.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from gigawatt.core.errors import InputError, nearest

__all__ = ["Calls"]

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow, ast.USub: operator.neg, ast.Not: operator.not_,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.In: lambda a, b: a in b,
    ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_BRACES = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise InputError("not a call or a number", given=text) from error


class Calls:
    """What ``names`` mean, and the calls made already."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names
        self._made: dict[Any, Any] = {}

    def value(self, text: str, scope: Mapping[str, Any]) -> Any:
        """The value of a call; ``scope`` are names beside those of the part.

        Raises
        ------
        InputError
            A name that is not known, or something that cannot be written.
        """
        return self._of(_parsed(text), scope)

    def words(self, text: str, scope: Mapping[str, Any]) -> str:
        """A text with its ``{call}`` and ``{call:format}`` filled in."""

        def filled(found: re.Match[str]) -> str:
            return format(self.value(found[1], scope), found[2] or "")

        return _BRACES.sub(filled, text)

    def _of(self, node: ast.expr, scope: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                if name in scope:
                    return scope[name]
                if name not in self._names:
                    known = (*self._names, *scope)
                    raise InputError("no such name", given=name, allowed=known, nearest=nearest(name, known))
                return self._names[name]
            case ast.Attribute(value=of, attr=name) if not name.startswith("_"):
                return getattr(self._of(of, scope), name)
            case ast.Subscript(value=of, slice=key):
                return self._of(of, scope)[self._of(key, scope)]
            case ast.BinOp(left=left, op=op, right=right):
                return _OPERATORS[type(op)](self._of(left, scope), self._of(right, scope))
            case ast.UnaryOp(op=op, operand=operand):
                return _OPERATORS[type(op)](self._of(operand, scope))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _OPERATORS[type(op)](self._of(left, scope), self._of(right, scope))
            case ast.BoolOp(op=op, values=values):
                made: Any = None
                for one in values:
                    made = self._of(one, scope)
                    if bool(made) is isinstance(op, ast.Or):
                        break
                return made
            case ast.Tuple(elts=parts):
                return tuple(self._of(part, scope) for part in parts)
            case ast.Call(func=function, args=args, keywords=keywords):
                return self._call(
                    self._of(function, scope),
                    tuple(self._of(one, scope) for one in args),
                    {str(one.arg): self._of(one.value, scope) for one in keywords},
                )
            case _:
                raise InputError("names, calls and arithmetic alone can be written", given=ast.unparse(node))

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        key = (function, args, tuple(sorted(named.items())))
        try:
            if key not in self._made:
                self._made[key] = function(*args, **named)
        except TypeError as error:
            if "unhashable" not in str(error):
                raise
            return function(*args, **named)
        return self._made[key]
