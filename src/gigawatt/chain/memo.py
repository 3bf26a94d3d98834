"""A cache of the quantity graph: a quantity is computed once for the same inputs.

Leaves have content keys (:mod:`gigawatt.core.fingerprint`). The key of a quantity's inputs is made of its
name and of the content keys of what goes in, values and evidence; under it stands the value, with a content
key of its own. So a quantity is computed again only where something that it reads is really different:
another price of a chip changes the chip, but not the load that it draws, and the supply of that load is kept.
What a function reads from the catalog beside its inputs is in the key as a whole: the version of the catalog,
and what is varied in it. Graphs of one :class:`~gigawatt.core.branching.BranchingGraph` share their nodes,
and so what is known of them: a search for a size leaves what it finds to the graph that asked for it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

from gigawatt import catalog
from gigawatt.core.errors import GigawattError
from gigawatt.core.fingerprint import BYTES, Opaque, fingerprint
from gigawatt.core.graph import Graph, GraphError, Leaf, Node, Value
from gigawatt.power.plan.kept_optima import KeptOptima

__all__ = ["DEFAULT_BYTES", "Memo", "Remembered", "leaf_key", "memo_in_use"]

DEFAULT_BYTES = 192 * 2**20
"""Largest size of a cache, about [B]."""
_ENTRY = 512
"""Overhead of an entry, roughly [B]."""
_CHANGES = Mapping[tuple[str, str, str], float]


_evaluating: ContextVar[Memo | None] = ContextVar("evaluating", default=None)


@dataclass(frozen=True)
class _Key:
    """Content keys of a value: ``bare``, and with what stands behind it."""

    bare: bytes
    full: bytes


@dataclass(frozen=True)
class _Kept:
    """A value with its content keys, or the error that came instead; ``inputs`` is their bare key."""

    value: Value | None
    key: _Key
    size: int
    inputs: bytes
    error: GigawattError | None = None


@dataclass
class Memo:
    """Values of a graph's quantities by the content of their inputs, the least recently used dropped first.

    Attributes
    ----------
    limit : int
        Bytes of values that are kept, about.
    hits, misses : Counter
        How often a quantity was found, and how often computed, by name.

    Examples
    --------
    >>> from gigawatt.core.graph import Graph, Leaf
    >>> graph = Graph()
    >>> graph.leaf("a.b", "1", "A number")
    >>> @graph.quantity("a.c", "1")
    ... def square(a_b: float) -> float:
    ...     '''Its square.'''
    ...     return a_b**2
    >>> memo = Memo()
    >>> [memo.evaluate(graph, {"a.b": Leaf(x, "scenario")})["a.c"].value for x in (3.0, 3.0)]
    [9.0, 9.0]
    >>> memo.hits["a.c"], memo.misses["a.c"]
    (1, 1)
    """

    limit: int = DEFAULT_BYTES
    hits: Counter[str] = field(default_factory=Counter[str])
    misses: Counter[str] = field(default_factory=Counter[str])
    _kept: OrderedDict[bytes, _Kept] = field(default_factory=OrderedDict[bytes, _Kept], repr=False)
    _size: int = 0
    _bare: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes], repr=False)
    _nodes: dict[int, Node] = field(default_factory=dict[int, Node], repr=False)
    _orders: dict[tuple[int, frozenset[str] | None], tuple[Graph, list[str]]] = field(
        default_factory=dict[tuple[int, frozenset[str] | None], tuple[Graph, list[str]]], repr=False
    )

    @property
    def size(self) -> int:
        """Size of the cached values, about [B]."""
        return self._size

    def __len__(self) -> int:
        """Number of cached values."""
        return len(self._kept)

    def clear(self) -> None:
        """Forget all values; the counts stay."""
        self._kept.clear()
        self._bare.clear()
        self._size = 0

    def evaluate(
        self,
        graph: Graph,
        leaves: Mapping[str, Leaf],
        progress: Callable[[str, float], None] | None = None,
        blame: Callable[[GigawattError, str], object] | None = None,
        targets: Iterable[str] | None = None,
        varied: _CHANGES | None = None,
    ) -> dict[str, Value]:
        """:meth:`gigawatt.core.graph.Graph.evaluate`, with what is known already taken from here.

        Parameters
        ----------
        graph : Graph
            Of pure functions.
        leaves, progress, blame, targets
            As there.
        varied : mapping of (table, id, quantity) to float, optional
            What the caller has varied in the catalog (:func:`gigawatt.catalog.varied`) while this runs.

        Returns
        -------
        dict of str to Value
            Equal to what the graph itself gives. An error of a function is kept and raised again.
        """
        graph.check_leaves(leaves)
        order = self._order(graph, None if targets is None else frozenset(targets))
        state = _state(varied)
        values: dict[str, Value] = {}
        keys: dict[str, _Key] = {}
        outer = _evaluating.set(self)
        try:
            self._fill(graph, leaves, order, state, values, keys, progress, blame)
        finally:
            _evaluating.reset(outer)
        return values

    def _fill(
        self,
        graph: Graph,
        leaves: Mapping[str, Leaf],
        order: Sequence[str],
        state: bytes,
        values: dict[str, Value],
        keys: dict[str, _Key],
        progress: Callable[[str, float], None] | None,
        blame: Callable[[GigawattError, str], object] | None,
    ) -> None:
        for number, name in enumerate(order):
            node = graph.nodes[name]
            if node.function is None:
                values[name] = graph.enter(node, leaves)
                keys[name] = _leaf_keys(values[name])
                continue
            self._nodes[id(node)] = node  # held, so that its id stays its own
            inputs = _inputs_key(node, keys, state)
            entry = self._find(inputs)
            if entry is None:
                self.misses[name] += 1
                if progress is not None:
                    progress(node.summary, number / len(order))
                entry = self._compute(graph, node, [values[needed] for needed in node.inputs], inputs)
            else:
                self.hits[name] += 1
            if entry.error is not None:
                error = _again(entry.error)
                if blame is not None:
                    blame(error, name)
                raise error
            assert entry.value is not None
            values[name], keys[name] = entry.value, entry.key

    def _order(self, graph: Graph, targets: frozenset[str] | None) -> list[str]:
        found = self._orders.get((id(graph), targets))
        if found is None or found[0] is not graph:
            found = self._orders[id(graph), targets] = (graph, graph.order(targets))
        return found[1]

    def _find(self, key: _Key) -> _Kept | None:
        found = self._kept.get(key.full)
        if found is not None:
            self._kept.move_to_end(key.full)
        return found

    def _compute(self, graph: Graph, node: Node, inputs: Sequence[Value], key: _Key) -> _Kept:
        same = self._kept.get(self._bare.get(key.bare, b""))
        if same is not None and same.value is not None:  # known, with other rows behind its inputs
            value = graph.behind(node, inputs, same.value.value)
            entry = _Kept(value, _Key(same.key.bare, _behind(same.key.bare, value)), _ENTRY, key.bare)
        else:
            entry = self._computed(graph, node, inputs, key)
        self._kept[key.full], self._bare[key.bare] = entry, key.full
        self._size += entry.size
        while self._size > self.limit and len(self._kept) > 1:
            full, dropped = self._kept.popitem(last=False)
            self._size -= dropped.size
            if self._bare.get(dropped.inputs) == full:
                del self._bare[dropped.inputs]
        return entry

    @staticmethod
    def _computed(graph: Graph, node: Node, inputs: Sequence[Value], key: _Key) -> _Kept:
        try:
            value = graph.compute(node, inputs)
        except GigawattError as error:
            return _Kept(None, key, _ENTRY, key.bare, _again(error))
        try:
            content = fingerprint(value.value)
        except Opaque:  # then it is what it was made of
            return _Kept(value, key, _ENTRY, key.bare)
        return _Kept(value, _Key(content.key, _behind(content.key, value)), content.size + _ENTRY, key.bare)


@dataclass
class Remembered:
    """The caches of a process: quantities, and optima of the supply."""

    memo: Memo = field(default_factory=Memo)
    optima: KeptOptima = field(default_factory=KeptOptima)


def _again(error: GigawattError) -> GigawattError:
    """A copy of the error, to be blamed on another line."""
    copy = type(error)(error.message)
    copy.__dict__.update(error.__dict__)
    return copy


def _state(varied: _CHANGES | None) -> bytes:
    """A key of what functions may read from the catalog."""
    return fingerprint((catalog.version(), sorted((varied or {}).items()))).key


def memo_in_use() -> Memo | None:
    """The cache whose evaluation asks, or ``None``: where a quantity itself evaluates a graph."""
    return _evaluating.get()


def leaf_key(value: Value) -> bytes:
    """The content key of a leaf with what stands behind it.

    Raises
    ------
    GraphError
        It holds something whose content cannot be read.
    """
    return _leaf_keys(value).full


def _leaf_keys(value: Value) -> _Key:
    try:
        bare = fingerprint(value.value).key
        return _Key(bare, _behind(bare, value))
    except Opaque as error:
        raise GraphError(f"the leaf {value.node.name} holds a {error}, which has no content key") from None


def _behind(bare: bytes, value: Value) -> bytes:
    return fingerprint((bare, value.floor, value.evidence)).key


def _inputs_key(node: Node, keys: Mapping[str, _Key], state: bytes) -> _Key:
    sha = hashlib.blake2b(state, digest_size=BYTES)
    sha.update(f"{node.name} {id(node)}\0".encode())
    bare = sha.copy()
    for name in node.inputs:
        sha.update(keys[name].full)
        bare.update(keys[name].bare)
    return _Key(bare.digest(), sha.digest())
