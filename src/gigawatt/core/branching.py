"""One graph with branches: quantities that some questions have, and functions that given fields choose.

A quantity may have several writers. A writer belongs to branches (to train a model, to serve one, a load of
its own); one that names fields of the question writes the quantity where one of them is given, in place of
the usual one, and so cuts all that only the usual one reads. What is left for a branch and given fields is an
ordinary :class:`~gigawatt.core.graph.Graph`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps

from gigawatt.core.errors import InputError
from gigawatt.core.graph import Graph, GraphError, Leaf, Node, node_of

__all__ = ["BranchingGraph", "Inside", "Writer"]


@dataclass(frozen=True)
class Writer:
    """A quantity in some branches; ``given`` are the fields of which one has to be given (``key``), or to
    have a value (``key=value``), empty: none.

    ``inverse`` are (unknown leaf, target) of a function that searches for the leaf by what the target is.
    """

    node: Node
    branches: frozenset[str]
    given: tuple[str, ...] = ()
    inverse: tuple[str, str] | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inside:
    """What a search for a leaf asks: the graph in which that leaf is given, and all other leaves."""

    graph: Graph
    unknown: str
    target: str
    known: Mapping[str, Leaf]

    def at(self, value: object) -> dict[str, Leaf]:
        """The leaves where the unknown one has a value."""
        return {**self.known, self.unknown: Leaf(value, "computed")}


@dataclass
class BranchingGraph:
    """Writers of every quantity in the order of declaration, and the graphs that were made of them."""

    branches: tuple[str, ...]
    writers: list[Writer] = field(default_factory=list)
    _graphs: dict[tuple[str, frozenset[str]], Graph] = field(default_factory=dict, repr=False)

    def leaf(
        self,
        name: str,
        unit: str,
        summary: str,
        branches: Iterable[str] = (),
        *,
        fields: Iterable[str] = (),
        given: Iterable[str] = (),
    ) -> None:
        """Declare a value from outside; ``fields`` are those of a question that it is read from."""
        self._add(Node(name, unit, (), None, summary, "", fields=tuple(fields)), branches, given)

    def quantity(
        self,
        name: str,
        unit: str,
        branches: Iterable[str] = (),
        *,
        given: Iterable[str] = (),
        rows: Iterable[str] = ("*",),
        method: str = "",
    ) -> Callable[[Callable[..., object]], Callable[..., object]]:
        """Register a pure function as a quantity of ``branches`` (all, if left out).

        ``given``: where one of these fields is given, this function writes it and no other. The rest as
        :meth:`gigawatt.core.graph.Graph.quantity` has it.
        """

        def register(function: Callable[..., object]) -> Callable[..., object]:
            self._add(node_of(name, unit, function, rows=rows, method=method), branches, given)
            return function

        return register

    def inverse(
        self,
        name: str,
        branches: Iterable[str],
        *,
        unknown: str,
        target: str,
        given: Iterable[str],
        without: Iterable[str] = (),
        rows: Iterable[str] = ("*",),
        method: str = "",
    ) -> Callable[[Callable[..., object]], Callable[..., object]]:
        """Register a search for what the leaf ``unknown`` has to be, given what ``target`` follows to.

        The search asks as if the fields ``without`` were not given.

        The function's first parameter is an :class:`Inside`, the others are quantities as ever; what follows
        from it may write ``unknown``. The graph stays without a cycle: the search reads the leaves from which
        the target follows where ``unknown`` is given.
        """

        def register(function: Callable[..., object]) -> Callable[..., object]:
            node = node_of(name, "", function, rows=rows, method=method)
            node = replace(node, inputs=node.inputs[1:])
            self._add(node, branches, given, (unknown, target), without)
            return function

        return register

    def gather(self, name: str, unit: str, prefix: str, summary: str, branches: Iterable[str] = ()) -> None:
        """Register the mapping of all quantities that begin with ``prefix``, by their last part.

        Called once all of them are registered.
        """
        inputs = tuple(one.node.name for one in self.writers if one.node.name.startswith(prefix))

        def gathered(*values: object) -> dict[str, object]:
            return {one.removeprefix(prefix): value for one, value in zip(inputs, values, strict=True)}

        node = Node(name, unit, inputs, gathered, summary, "", method=f"all quantities {prefix}*")
        self._add(node, branches, ())

    def _add(
        self,
        node: Node,
        branches: Iterable[str],
        given: Iterable[str],
        inverse: tuple[str, str] | None = None,
        without: Iterable[str] = (),
    ) -> None:
        writer = Writer(node, frozenset(branches or self.branches), tuple(given), inverse, tuple(without))
        unknown = writer.branches - set(self.branches)
        if unknown:
            raise GraphError(f"{node.name}: no branch {', '.join(sorted(unknown))}")
        for other in self.writers:
            both = other.branches & writer.branches
            if (
                other.node.name == node.name
                and both
                and (not (other.given or writer.given) or set(other.given) & set(writer.given))
            ):
                raise GraphError(f"two writers of {node.name}")
        self.writers.append(writer)
        self._graphs.clear()

    @property
    def seams(self) -> dict[str, tuple[str, ...]]:
        """Fields that can be given in place of what is computed, with the quantities that they then write."""
        found: dict[str, tuple[str, ...]] = {}
        for writer in self.writers:
            for name in writer.given:
                found[name] = (*found.get(name, ()), writer.node.name)
        return found

    def graph(self, branch: str, given: Iterable[str] = ()) -> Graph:
        """The graph of a branch where these fields are given; leaves that nothing reads are left out of it.

        Raises
        ------
        GraphError
            A missing input, or a cycle.
        InputError
            Two fields that each write the same quantity.
        """
        seams = self.seams
        key = branch, frozenset(given) & frozenset(seams)
        if key not in self._graphs:
            self._graphs[key] = self._resolved(branch, key[1])
        return self._graphs[key]

    def registered(self, branch: str) -> Graph:
        """What is registered of a branch until now, where no field chooses a writer: not checked.

        For modules that compute a part of the graph (:mod:`gigawatt.core.subgraph`) and import what registers
        that part and no more. Searches for a leaf are left out; an input without a writer is a leaf.
        """
        usual = self._chosen(branch, frozenset()).values()
        nodes = {one.node.name: one.node for one in usual if one.inverse is None}
        open_ = {name: Node(name, "", (), None, "", "") for node in nodes.values() for name in node.inputs}
        return Graph(open_ | nodes)

    def _resolved(self, branch: str, given: frozenset[str]) -> Graph:
        chosen = self._chosen(branch, given)
        nodes = sorted((self._node(writer, branch, given) for writer in chosen.values()), key=_place)
        graph = Graph({node.name: node for node in nodes})
        of_branch = [writer.node for writer in self.writers if branch in writer.branches]
        answers = set(graph.nodes) - {one for node in of_branch for one in node.inputs}
        while cut := self._unread(graph) - answers:  # what only a cut quantity read
            for name in cut:
                del graph.nodes[name]
        graph.check()
        return graph

    def _chosen(self, branch: str, given: frozenset[str]) -> dict[str, Writer]:
        """The writer of every quantity of a branch where these fields are given."""
        chosen: dict[str, Writer] = {}
        for writer in self.writers:
            name = writer.node.name
            if branch not in writer.branches or (writer.given and not given & set(writer.given)):
                continue
            other = chosen.get(name)
            if other is not None and other.given and writer.given:
                first, second = (sorted(given & set(one.given))[0] for one in (other, writer))
                raise InputError(f"{first} is given as well", key=second, allowed=f"one of them: {name}")
            if other is None or writer.given:
                chosen[name] = writer
        return chosen

    def _node(self, writer: Writer, branch: str, given: frozenset[str]) -> Node:
        """The node of a writer; that of a search reads what its target follows from as well."""
        node = writer.node
        if writer.inverse is None:
            return node
        function, (unknown, target) = node.function, writer.inverse
        assert function is not None
        graph, own = self.graph(branch, given - {*writer.given, *writer.without}), node.inputs
        leaves = [one for one in graph.order((target,)) if graph.nodes[one].function is None]
        inputs = tuple(one for one in dict.fromkeys((*own, *leaves)) if one != unknown)

        @wraps(function)
        def searched(*values: object) -> object:
            read = dict(zip(inputs, values, strict=True))
            known = {one: Leaf(read[one], "computed") for one in leaves if one != unknown}
            return function(Inside(graph, unknown, target, known), *(read[one] for one in own))

        return replace(node, inputs=inputs, function=searched)

    @staticmethod
    def _unread(graph: Graph) -> set[str]:
        return set(graph.nodes) - {one for node in graph.nodes.values() for one in node.inputs}

    def unread(self, branch: str) -> list[str]:
        """Leaves of a branch that no quantity reads, whatever is given."""
        of_branch = [one.node for one in self.writers if branch in one.branches]
        read = {name for node in of_branch for name in node.inputs}
        return [node.name for node in of_branch if node.function is None and node.name not in read]

    def missing(self, branch: str) -> list[str]:
        """Inputs that no quantity and no leaf of a branch makes, in order."""
        of_branch = [one.node for one in self.writers if branch in one.branches]
        known = {node.name for node in of_branch}
        return list(dict.fromkeys(name for node in of_branch for name in node.inputs if name not in known))


def _place(node: Node) -> tuple[bool, str, int]:
    """Leaves as declared, then functions by file and line: whatever was imported first."""
    file, _, line = node.code.rpartition(":")
    return (node.function is not None, file, int(line or 0))


def fields_of(graph: Graph, targets: Iterable[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Fields of a question that quantities follow from, each with the leaves that read it."""
    found: dict[str, tuple[str, ...]] = {}
    for name in graph.order(targets):
        for key in graph.nodes[name].fields:
            found[key] = (*found.get(key, ()), name)
    return found


def cut_by(
    graph: BranchingGraph, branch: str, given: Mapping[str, object] | Iterable[str], key: str
) -> str | None:
    """The given field without which ``key`` would have been read, or ``None``."""
    seams = graph.seams
    fields = frozenset(given) & frozenset(seams)
    for one in sorted(fields):
        others = [other for other in seams if set(seams[other]) & set(seams[one]) and other != one]
        for instead in (frozenset[str](), *(frozenset((other,)) for other in others)):
            try:
                if key in fields_of(graph.graph(branch, fields - {one} | instead)):
                    return one
            except GraphError:  # without it nothing writes the quantity
                continue
    return None
