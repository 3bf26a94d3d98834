"""Formulas of quantities, read from the source of their functions so that they say what is computed.

A function whose body is a single ``return`` of arithmetic over its parameters has a formula: the same
arithmetic with names of quantities for parameters, ``training.duration * machine.count / training.runs``.
Its *terms* are the parts that are not arithmetic: a quantity, an exact constant of the module, an attribute
or item of a composite quantity (``serving.week.peak``), a sum, mean or extreme of one. With the values of its
terms put in, a formula is plain arithmetic. Families of quantities are made from a formula in place of a
function (:func:`function_of`).
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["Formula", "code_of", "formula_of", "function_of", "put_in"]

Function = Callable[..., Any]

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_SCALAR = frozenset(("min", "max", "abs", "int", "round"))
"""Functions of plain numbers that a formula may call; ``float`` changes nothing and is left out."""
_REDUCTIONS = frozenset(("sum", "mean", "max", "min", "average", "len"))
"""Functions that make one number of an array: with what they are called on, one term."""
_BUILT = "__returned__"


@dataclass(frozen=True)
class Formula:
    """``text``, and for each term in it a function from the values of the inputs, in order, to its value."""

    text: str
    terms: Mapping[str, Callable[[Sequence[Any]], Any]]

    def numbers(self, values: Sequence[Any]) -> dict[str, float]:
        """Values of the terms that are numbers."""
        found: dict[str, float] = {}
        for text, read in self.terms.items():
            value = read(values)
            value = value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else value
            if isinstance(value, int | float):
                found[text] = value
        return found


def code_of(function: Function | None) -> str:
    """File and line of a function, ``gigawatt/chain/training/quantities.py:107``; empty where it has none."""
    function = None if function is None else inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if function is None or code is None:
        return ""
    return f"{function.__module__.replace('.', '/')}.py:{code.co_firstlineno}"


@lru_cache(maxsize=1024)
def formula_of(function: Function) -> Formula | None:
    """The formula of a function; ``None`` where its body is more than arithmetic or has no source."""
    body = _returned(function)
    if body is None:
        return None
    reader = _Reader(function)
    try:
        tree = reader.arithmetic(body)
    except _NoArithmeticError:
        return None
    return Formula(ast.unparse(tree), reader.terms)


def function_of(formula: str, doc: str, constants: Mapping[str, float] | None = None) -> Function:
    """A function that computes a formula, with the quantities in it as its parameters.

    Parameters
    ----------
    formula : str
        ``ledger.ledger.cost / ledger.ledger.tokens``: the first two words of a dotted name are a quantity,
        further ones attributes of it.
    doc : str
        Its docstring.
    constants : mapping of str to float, optional
        Exact numbers by the names that the formula has for them.
    """
    tree = _Parameters()
    body = tree.visit(ast.parse(formula, mode="eval").body)
    source = f"def quantity({', '.join(tree.names)}):\n    return {ast.unparse(body)}"
    caller = sys._getframe(1)
    while caller.f_back is not None and caller.f_back.f_code.co_filename == caller.f_code.co_filename:
        caller = caller.f_back  # to the statement of the module that declares the quantity
    names: dict[str, Any] = {**(constants or {}), "__name__": caller.f_globals["__name__"]}
    exec(compile(source, caller.f_code.co_filename, "exec"), names)
    made = names["quantity"]
    made.__code__ = made.__code__.replace(co_firstlineno=caller.f_lineno)
    made.__doc__ = doc
    made.__annotations__["return"] = "float"
    setattr(made, _BUILT, ast.unparse(body))
    return made


def put_in(text: str, shown: Mapping[str, str]) -> str:
    """A formula with something else, such as numbers, in the place of its terms."""

    class Place(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if isinstance(node, ast.expr):
                written = shown.get(ast.unparse(node))
                if written is not None:
                    return ast.Name(id=written)
            return self.generic_visit(node)

    return ast.unparse(Place().visit(ast.parse(text, mode="eval")))


class _NoArithmeticError(Exception):
    """Part of a body is neither arithmetic nor a term."""


class _Parameters(ast.NodeTransformer):
    """Replaces ``room.quantity`` by the parameter ``room_quantity``; ``names`` are these in order."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name):
            name = f"{node.value.id}_{node.attr}"
            self.names[name] = None
            return ast.Name(id=name, ctx=ast.Load())
        self.generic_visit(node)
        return node


def _returned(function: Function) -> ast.expr | None:
    """The expression that a function consisting of one ``return`` returns; ``None`` for any other."""
    built = getattr(function, _BUILT, None)
    if built is not None:
        return ast.parse(built, mode="eval").body
    code = function.__code__
    if (
        code.co_nlocals > code.co_argcount + code.co_kwonlyargcount
    ):  # more than one statement, or a comprehension
        return None
    lines = linecache.getlines(code.co_filename, function.__globals__)[code.co_firstlineno - 1 :]
    last = max((end for _, end, _, _ in code.co_positions() if end is not None), default=0)
    length = last - code.co_firstlineno + 1
    tree = next(filter(None, (_parsed(lines[:count]) for count in (length, length + 1, length + 2))), None)
    if tree is None:
        return None
    made = tree.body[0]
    if not isinstance(made, ast.FunctionDef):
        return None
    body = made.body[1:] if ast.get_docstring(made) is not None else made.body
    only = body[0] if len(body) == 1 else None
    return only.value if isinstance(only, ast.Return) else None


def _parsed(lines: list[str]) -> ast.Module | None:
    """The syntax tree of some lines; ``None`` where they are not whole statements."""
    try:
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except SyntaxError:
        return None
    return tree if tree.body else None


class _Reader:
    """Turns the body of one function into the tree of its formula; ``terms`` are functions by their text."""

    def __init__(self, function: Function) -> None:
        self.parameters = list(inspect.signature(function).parameters)
        self.globals: dict[str, Any] = getattr(function, "__globals__", {})
        names = function.__code__.co_freevars
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        self.closed = dict(zip(names, cells, strict=True))
        self.terms: dict[str, Callable[[Sequence[Any]], Any]] = {}

    def arithmetic(self, node: ast.expr) -> ast.expr:
        """The same arithmetic over terms; raises where it is none."""
        match node:
            case ast.Constant(value=bool()):
                raise _NoArithmeticError
            case ast.Constant(value=int() | float() as value):
                return ast.Constant(value=int(value) if float(value).is_integer() else value)
            case ast.Call(func=ast.Name(id="float"), args=[only], keywords=[]):
                return self.arithmetic(only)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _SCALAR and (
                len(args) > 1 or name not in _REDUCTIONS
            ):
                return ast.Call(ast.Name(name), [self.arithmetic(one) for one in args], [])
            case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
                return ast.BinOp(self.arithmetic(left), op, self.arithmetic(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return ast.UnaryOp(ast.USub(), self.arithmetic(operand))
            case _:
                shown = self.term(node)
                code = compile(ast.Expression(ast.fix_missing_locations(node)), "<term>", "eval")
                names = {**self.globals, **self.closed}
                self.terms[ast.unparse(shown)] = lambda values: eval(
                    code, names, dict(zip(self.parameters, values, strict=True))
                )
                return shown

    def term(self, node: ast.expr) -> ast.expr:
        """How a term is written; raises where it is none."""
        match node:
            case ast.Name(id=name) if name in self.parameters:
                room, _, quantity = name.partition("_")
                return ast.Attribute(ast.Name(room), quantity) if quantity else ast.Name(room)
            case ast.Name(id=name) if isinstance(self.globals.get(name), int | float):
                return ast.Name(name.lstrip("_"))
            case ast.Attribute(value=value, attr=attr):
                return ast.Attribute(self.term(value), attr)
            case ast.Subscript(value=value, slice=ast.Constant() as index):
                return ast.Subscript(self.term(value), index)
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return ast.BinOp(self.term(left), ast.MatMult(), self.term(right))
            case ast.Call(func=function, args=args, keywords=keywords):
                return self._call(function, args, keywords)
            case _:
                raise _NoArithmeticError

    def _call(self, function: ast.expr, args: list[ast.expr], keywords: list[ast.keyword]) -> ast.expr:
        """A reduction of a term, or a method of a term with constants."""
        match function:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np"), attr=name) if (
                name in _REDUCTIONS and len(args) == 1
            ):
                return ast.Call(ast.Name(name), [self.term(args[0])], self._keywords(keywords))
            case ast.Attribute(value=value, attr="values") if not args:
                return self.term(value)
            case ast.Attribute(value=value, attr=name) if name in _REDUCTIONS and not args:
                return ast.Call(ast.Name(name), [self.term(value)], self._keywords(keywords))
            case ast.Attribute() if not keywords:
                return ast.Call(self.term(function), [self._constant(one) for one in args], [])
            case _:
                raise _NoArithmeticError

    def _keywords(self, keywords: list[ast.keyword]) -> list[ast.keyword]:
        return [
            one if isinstance(one.value, ast.Constant) else ast.keyword(one.arg, self.term(one.value))
            for one in keywords
        ]

    def _constant(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Constant):
            return node
        if isinstance(node, ast.Name) and isinstance(self.closed.get(node.id), str | int | float):
            return ast.Constant(self.closed[node.id])
        raise _NoArithmeticError
