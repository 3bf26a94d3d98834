"""The quantity graph: named pure functions, composed by the names of their parameters.

A quantity has a dotted name ``room.quantity``. A function's parameter ``training_step_time`` is the
quantity ``training.step_time``: the first underscore stands for the dot; parameters that can only be given by
keyword are options that no quantity writes. Leaves are declared; each gets a :class:`Leaf` with its origin
when the graph is evaluated. The same graph is what ``explain`` walks, what caching keys on and what inner
loops evaluate in parts (:mod:`gigawatt.core.subgraph`).
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import lru_cache
from typing import Any, cast

from gigawatt.core.errors import GigawattError
from gigawatt.core.evidence import Assumption, Evidence, Grade, worst
from gigawatt.core.formula import Formula, code_of, formula_of

__all__ = ["Graph", "GraphError", "Leaf", "Node", "Value", "evidence_of", "node_of"]


class GraphError(Exception):
    """The graph itself is wrong: two writers of a name, a cycle, an input nobody makes, an unused leaf."""


@dataclass(frozen=True)
class Leaf:
    """A value that enters the graph from outside.

    ``origin`` is ``scenario`` (somebody wrote it, ``where`` is file:line), ``catalog`` (rows in
    ``evidence``) or ``default`` (``reason`` says why).
    """

    value: Any
    origin: str
    where: str = ""
    reason: str = ""
    written: str = ""
    evidence: tuple[Evidence, ...] = ()
    grade: Grade | None = None


@dataclass(frozen=True)
class Node:
    """One quantity: how it is called, in what unit, from what, by which function.

    ``formula`` is the rest of the function's docstring; ``method`` says of a search or a programme what is
    searched, under what, by what, and where it stops; ``fields`` are those of a question that a leaf is read
    from.
    """

    name: str
    unit: str
    inputs: tuple[str, ...]
    function: Callable[..., Any] | None
    summary: str
    formula: str
    rows: tuple[str, ...] = ("*",)
    method: str = ""
    fields: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """File and line of the function, ``gigawatt/chain/training/quantities.py:107``; empty for a leaf."""
        return code_of(self.function)

    @property
    def expression(self) -> Formula | None:
        """Its arithmetic over the names of its inputs; ``None`` where it is more than that."""
        return None if self.function is None else formula_of(self.function)


def node_of(
    name: str, unit: str, function: Callable[..., Any], *, rows: Iterable[str] = ("*",), method: str = ""
) -> Node:
    """The quantity ``name`` that a function writes; raises ``GraphError`` where it has no docstring."""
    parameters = inspect.signature(function).parameters.values()
    inputs = tuple(p.name.replace("_", ".", 1) for p in parameters if p.kind is not p.KEYWORD_ONLY)
    summary, _, formula = (inspect.getdoc(function) or "").partition("\n\n")
    if not summary:
        raise GraphError(f"{name} has no docstring")
    words = " ".join(summary.split())
    return Node(name, unit, inputs, function, words, formula, tuple(rows), " ".join(method.split()))


@dataclass(frozen=True)
class Value:
    """An evaluated quantity with what stands behind it.

    ``evidence`` are the catalog rows on its path that its functions read, ``floor`` is the worst grade
    of everything on the path that has no row (defaults, formulas given by hand).
    """

    node: Node
    value: Any
    evidence: tuple[Evidence, ...] = ()
    floor: Grade = Grade.measured
    leaf: Leaf | None = None

    @property
    def grade(self) -> Grade:
        """The worst grade on the path."""
        return worst([self.floor, *(row.grade for row in self.evidence)])


def evidence_of(value: Any, depth: int = 4) -> tuple[Evidence, ...]:
    """Every evidence row held by a value: an ``Evidence``, anything with ``evidence`` or ``rows()``, or
    dataclasses, mappings and sequences of such.
    """
    found: dict[tuple[str, str], Evidence] = {}
    for row in _walk(value, depth):
        found.setdefault((row.where, row.quantity), row)
    return tuple(found.values())


def _walk(value: Any, depth: int) -> Iterator[Evidence]:
    if isinstance(value, Evidence):
        yield value
    elif depth == 0 or value is None or isinstance(value, str | int | float | bool):
        return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _walk(item, depth - 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _walk(item, depth - 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type | Assumption):
        rows = getattr(value, "rows", None)
        if callable(rows):
            yield from cast("tuple[Evidence, ...]", rows())
        for item in dataclasses.fields(value):
            yield from _walk(getattr(value, item.name), depth - 1)


@dataclass
class Graph:
    """Leaves and nodes by name; built once at import, checked, then evaluated many times."""

    nodes: dict[str, Node] = field(default_factory=dict)

    def leaf(self, name: str, unit: str, summary: str) -> None:
        """Declare a value that comes from outside."""
        self._add(Node(name, unit, (), None, summary, ""))

    def quantity(
        self, name: str, unit: str, *, rows: Iterable[str] = ("*",), method: str = ""
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a pure function as the quantity ``name``.

        Parameters
        ----------
        name, unit : str
            Dotted name; unit in which it is shown (values are SI).
        rows : iterable of str
            Glob patterns of the evidence quantities it reads from its composite inputs, so that a grade
            is not spoiled by a row that is not used (a chip's price in a step time).
        method : str
            Of a search or a programme: what is searched, its objective and constraints, where it stops.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self._add(node_of(name, unit, function, rows=rows, method=method))
            return function

        return register

    def leaves(self) -> list[str]:
        """Names of what comes from outside."""
        return [node.name for node in self.nodes.values() if node.function is None]

    def _add(self, node: Node) -> None:
        if node.name in self.nodes:
            raise GraphError(f"two writers of {node.name}")
        self.nodes[node.name] = node

    def check(self, targets: Iterable[str] = ()) -> None:
        """Raise ``GraphError`` on a missing input, a cycle, or a leaf that nothing reads."""
        read = set(targets)
        for node in self.nodes.values():
            for name in node.inputs:
                if name not in self.nodes:
                    raise GraphError(f"missing {name}, needed by {node.name}")
                read.add(name)
        unused = [
            node.name for node in self.nodes.values() if node.function is None and node.name not in read
        ]
        if unused:
            raise GraphError(f"nothing reads {', '.join(unused)}")
        self.order()

    def order(self, targets: Iterable[str] | None = None) -> list[str]:
        """Names so that every input comes before its reader, in order of declaration where free.

        With ``targets`` only these and what they come from.

        Raises
        ------
        GraphError
            A cycle, or a target that nobody makes.
        """
        done: dict[str, None] = {}
        open_: set[str] = set()

        def visit(name: str) -> None:
            if name in done:
                return
            if name in open_:
                raise GraphError(f"a cycle runs through {name}")
            open_.add(name)
            for needed in self.nodes[name].inputs:
                visit(needed)
            open_.discard(name)
            done[name] = None

        if targets is None:
            wanted: Iterable[str] = self.nodes
        else:
            chosen = set(targets)
            unknown = sorted(chosen - set(self.nodes))
            if unknown:
                raise GraphError(f"the graph has no quantity {', '.join(unknown)}")
            wanted = [name for name in self.nodes if name in chosen]
        for name in wanted:
            visit(name)
        return list(done)

    def evaluate(
        self,
        leaves: Mapping[str, Leaf],
        progress: Callable[[str, float], None] | None = None,
        blame: Callable[[GigawattError, str], object] | None = None,
        targets: Iterable[str] | None = None,
    ) -> dict[str, Value]:
        """Evaluate every quantity, or ``targets`` and what they come from; values by name, in order.

        ``blame`` is called with an error of a function and the name of its quantity before it goes on up.

        Raises
        ------
        GraphError
            A leaf was not given, or one was given that the graph does not know.
        """
        self.check_leaves(leaves)
        values: dict[str, Value] = {}
        order = self.order(targets)
        for number, name in enumerate(order):
            node = self.nodes[name]
            if node.function is None:
                values[name] = self.enter(node, leaves)
                continue
            if progress is not None:
                progress(node.summary, number / len(order))
            try:
                values[name] = self.compute(node, [values[needed] for needed in node.inputs])
            except GigawattError as error:
                if blame is not None:
                    blame(error, name)
                raise
        return values

    def check_leaves(self, leaves: Mapping[str, Leaf]) -> None:
        """Raise ``GraphError`` where a leaf is given that the graph does not know."""
        unknown = set(leaves) - set(self.nodes)
        if unknown:
            raise GraphError(f"the graph has no leaf {', '.join(sorted(unknown))}")

    @staticmethod
    def enter(node: Node, leaves: Mapping[str, Leaf]) -> Value:
        """The value of a leaf; raises ``GraphError`` where it was not given."""
        if node.name not in leaves:
            raise GraphError(f"missing leaf {node.name}")
        leaf = leaves[node.name]
        rows = leaf.evidence or evidence_of(leaf.value)
        floor = Grade.measured if leaf.grade is None else leaf.grade
        return Value(node, leaf.value, rows, floor, leaf)

    @staticmethod
    def compute(node: Node, inputs: Sequence[Value]) -> Value:
        """The value of a quantity from those of its inputs, in their order, with what stands behind it."""
        assert node.function is not None
        return Graph.behind(node, inputs, node.function(*(value.value for value in inputs)))

    @staticmethod
    def behind(node: Node, inputs: Sequence[Value], result: Any) -> Value:
        """The ``result`` of a quantity's function, with the rows and grades behind it and its inputs."""
        held = () if isinstance(result, int | float | str) else evidence_of(result)
        rows = _matching(node.rows, [*(row for value in inputs for row in value.evidence), *held])
        return Value(node, result, rows, worst(value.floor for value in inputs))


@lru_cache(maxsize=16384)
def _matches(patterns: tuple[str, ...], quantity: str) -> bool:
    return any(fnmatch(quantity, pattern) for pattern in patterns)


def _matching(patterns: tuple[str, ...], rows: Iterable[Evidence]) -> tuple[Evidence, ...]:
    kept: dict[tuple[str, str], Evidence] = {}
    for row in rows:
        if _matches(patterns, row.quantity):
            kept.setdefault((row.where, row.quantity), row)
    return tuple(kept.values())
