"""A graph evaluated for many mixtures of leaves, each quantity once for each set of inputs it sees.

What a quantity gave is kept under the *contents* of its inputs, not under what was changed: where a change
upstream leaves a quantity's inputs as they were, such as a dearer chip the load of the building, nothing
behind it is computed again. Large values are dropped when they would fill the memory, and made anew where
they are needed after all.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gigawatt.errors import GigawattError
from gigawatt.study.graph import Graph

__all__ = ["Mixtures", "token"]

_MOST_BYTES = 400_000_000
"""Bytes of kept values, as they are when written out."""
_LARGE = 1_000_000
"""A value of fewer bytes is kept for good."""
_GONE = object()


@dataclass
class _Kept:
    """A quantity's value (or the error that it met) for one set of inputs."""

    name: str
    inputs: tuple[_Kept, ...]
    token: bytes
    value: Any = field(repr=False)
    size: int = 0
    error: GigawattError | None = None


class Mixtures:
    """Quantities of a graph, evaluated again and again with other leaves.

    Parameters
    ----------
    graph : Graph
        Its functions have to be pure: the same inputs, the same value.
    outputs : iterable of str
        Names of the quantities that are asked for; what none of them needs is not evaluated.
    most_bytes : int
        Of large values that are kept.
    """

    def __init__(self, graph: Graph, outputs: Iterable[str], *, most_bytes: int = _MOST_BYTES) -> None:
        self.graph, self.outputs = graph, tuple(outputs)
        self.evaluated: dict[str, int] = {}
        self._order = _upstream(graph, self.outputs)
        self._known: dict[tuple[bytes, ...], _Kept] = {}
        self._large: OrderedDict[int, _Kept] = OrderedDict()
        self._most, self._held = most_bytes, 0

    def values(
        self, leaves: Mapping[str, Any], seen_by: Mapping[tuple[str, str], Any] | None = None
    ) -> dict[str, Any]:
        """The outputs for these leaves, by name.

        Parameters
        ----------
        leaves : mapping of str to value
            Values of the leaves, SI.
        seen_by : mapping of (quantity, leaf) to value, optional
            What single quantities see in the place of a leaf's value.

        Raises
        ------
        gigawatt.errors.GigawattError
            These leaves have no answer; the same one is raised when they are asked for again.
        """
        special = seen_by or {}
        found: dict[str, _Kept] = {}
        for name in self._order:
            node = self.graph.nodes[name]
            if node.function is None:
                found[name] = self._leaf(name, leaves[name])
                continue
            inputs = tuple(
                self._leaf(needed, special[name, needed]) if (name, needed) in special else found[needed]
                for needed in node.inputs
            )
            kept = self._quantity(name, inputs)
            if kept.error is not None:
                raise kept.error
            found[name] = kept
        return {name: self._value(found[name]) for name in self.outputs}

    def _leaf(self, name: str, value: Any) -> _Kept:
        stamp, _ = token(value)
        key = (name.encode(), stamp)
        if key not in self._known:
            self._known[key] = _Kept(name, (), stamp, value)
        return self._known[key]

    def _quantity(self, name: str, inputs: tuple[_Kept, ...]) -> _Kept:
        key = (name.encode(), *(one.token for one in inputs))
        if key not in self._known:
            try:
                value = self._compute(name, inputs)
            except GigawattError as error:
                self._known[key] = _Kept(name, inputs, b"", None, error=error)
            else:
                stamp, size = token(value)
                self._known[key] = kept = _Kept(name, inputs, stamp, value, size)
                self._keep(kept)
        return self._known[key]

    def _compute(self, name: str, inputs: tuple[_Kept, ...]) -> Any:
        function = self.graph.nodes[name].function
        assert function is not None
        self.evaluated[name] = self.evaluated.get(name, 0) + 1
        return function(*(self._value(one) for one in inputs))

    def _value(self, kept: _Kept) -> Any:
        if kept.value is _GONE:
            kept.value = self._compute(kept.name, kept.inputs)
            self._keep(kept)
        elif id(kept) in self._large:
            self._large.move_to_end(id(kept))
        return kept.value

    def _keep(self, kept: _Kept) -> None:
        """Count a large value, and drop those not looked at for longest where all are too large."""
        if kept.size < _LARGE:
            return
        self._large[id(kept)] = kept
        self._held += kept.size
        while self._held > self._most and len(self._large) > 1:
            _, oldest = self._large.popitem(last=False)
            oldest.value = _GONE
            self._held -= oldest.size


def _upstream(graph: Graph, outputs: Iterable[str]) -> list[str]:
    """The names that the outputs need, inputs first; raises ``KeyError`` for an unknown one."""
    needed: set[str] = set()
    ask = list(outputs)
    while ask:
        name = ask.pop()
        if name not in needed:
            needed.add(name)
            ask.extend(graph.nodes[name].inputs)
    return [name for name in graph.order() if name in needed]


def token(value: Any) -> tuple[bytes, int]:
    """What tells a value from others, and the bytes that it has when it is written out.

    Equal tokens mean equal contents; a value that cannot be written out is itself only.
    """
    try:
        written = pickle.dumps(value, protocol=5)
    except Exception:  # whatever a type says when it cannot be written out
        return f"{type(value).__qualname__} at {id(value)}".encode(), 0
    return hashlib.blake2b(written, digest_size=16).digest(), len(written)
