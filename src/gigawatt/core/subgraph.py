"""A part of the quantity graph as one function: inner loops evaluate the same nodes, without provenance.

Designs, layouts and caps are tried by thousands. What is computed of each is the quantities of the graph
between what is known of it and what is asked; arrays go through every node that is arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gigawatt.core.graph import Graph, GraphError

__all__ = ["Subgraph", "subgraph"]

_NONE: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class Subgraph:
    """Nodes between the ``given`` quantities and the ``targets``, in an order in which they can be evaluated.

    ``steps`` are (name, function, names of its inputs).
    """

    given: tuple[str, ...]
    targets: tuple[str, ...]
    steps: tuple[tuple[str, Callable[..., Any], tuple[str, ...]], ...]

    def __call__(
        self, values: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]] = _NONE
    ) -> dict[str, Any]:
        """Every quantity by name, from the ``values`` of what is given, in SI.

        ``options`` are keywords of some nodes beside their inputs, by name: how far a search goes. Raises
        what the functions raise, and ``GraphError`` where a value is missing.
        """
        known = dict(values)
        missing = [name for name in self.given if name not in known]
        if missing:
            raise GraphError(f"not given: {', '.join(missing)}")
        for name, function, inputs in self.steps:
            known[name] = function(*(known[one] for one in inputs), **options.get(name, {}))
        return known


def subgraph(graph: Graph, given: Iterable[str], targets: Iterable[str]) -> Subgraph:
    """The part of a graph between what is given and the targets.

    Parameters
    ----------
    graph : Graph
        Whose functions are evaluated.
    given : iterable of str
        Quantities and leaves that the caller knows; what they come from is cut. All are read.
    targets : iterable of str
        Quantities that are asked.

    Raises
    ------
    GraphError
        A name that the graph does not have, a leaf on the way that is not given, or one that nothing reads.
    """
    known, wanted = tuple(given), tuple(targets)
    unknown = sorted({*known, *wanted} - set(graph.nodes))
    if unknown:
        raise GraphError(f"the graph has no quantity {', '.join(unknown)}")
    steps: dict[str, tuple[str, Callable[..., Any], tuple[str, ...]]] = {}
    read: set[str] = set()

    def visit(name: str) -> None:
        if name in known:
            read.add(name)
            return
        if name in steps:
            return
        node = graph.nodes[name]
        if node.function is None:
            raise GraphError(f"missing leaf {name}")
        for one in node.inputs:
            visit(one)
        steps[name] = (name, node.function, node.inputs)

    for name in wanted:
        visit(name)
    idle = [name for name in known if name not in read]
    if idle:
        raise GraphError(f"nothing reads {', '.join(idle)}")
    return Subgraph(known, wanted, tuple(steps.values()))
