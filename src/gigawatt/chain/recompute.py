"""Recomputation of a scenario's graph under other values of catalog rows.

Which quantity reads which rows is noted as they are computed; with rows moved only their readers are computed
again, and what follows from those of them that have another value. Some quantities can be held, a search or a
plan that was decided, and some computed in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

from gigawatt.catalog import varied
from gigawatt.catalog.entity import Change, Key, read_again, watched
from gigawatt.catalog.loader import forget
from gigawatt.chain.graph import graph_of
from gigawatt.chain.leaves import fill_leaves
from gigawatt.core.evidence import Evidence
from gigawatt.core.fingerprint import Opaque, fingerprint
from gigawatt.core.once import noting
from gigawatt.power.plan.kept_optima import KeptOptima, keeping
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["Adjust", "Recompute"]

Adjust = Callable[[Any], Any]
"""What becomes of a quantity once it is computed."""
_LEAVES = ""
"""The readers of a row while a scenario's leaves are filled."""
_NONE: Mapping[Any, Any] = {}


class Recompute:
    """Quantities of a scenario under other values of the rows that they were read from.

    Parameters
    ----------
    loaded : LoadedScenario
        The scenario.
    targets : iterable of str
        Quantities that are asked.
    known : mapping of str to object, optional
        Values of quantities that need not be computed, all of ``held`` and ``instead`` among them.
    held : set of str, optional
        Quantities that keep their value whatever they come from, unless they themselves are adjusted.
    instead : mapping of str to callable, optional
        Another function of the same inputs for some quantities, once something has moved.
    throughout : mapping of str to callable, optional
        Another function of the same inputs for some quantities, from the beginning.

    Attributes
    ----------
    rows : dict
        Rows that were read on the way, by key; what only a held quantity reads is not among them.
    readers : dict
        Key of a row → quantities that read it, ``""`` for the leaves.
    values : dict
        Quantity → value [SI].
    """

    def __init__(
        self,
        loaded: LoadedScenario,
        targets: Iterable[str],
        *,
        known: Mapping[str, Any] = _NONE,
        held: Set[str] = frozenset(),
        instead: Mapping[str, Callable[..., Any]] = _NONE,
        throughout: Mapping[str, Callable[..., Any]] = _NONE,
    ) -> None:
        self.loaded, self.held = loaded, held
        self.throughout, self.instead = throughout, {**throughout, **instead}
        self.graph, self.optima, self.targets = graph_of(loaded), KeptOptima(), tuple(targets)
        self.order = self._order()
        self.rows: dict[Key, Evidence] = {}
        self.readers: dict[Key, set[str]] = {}
        self.values: dict[str, Any] = {}
        self._keys: dict[str, bytes] = {}
        forget(tables_too=False)
        with watched() as seen, noting(_noted, read_again):
            self._leaves = self._filled()
        self._note(seen, _LEAVES)
        with keeping(self.optima):
            for name in self.order:
                if name in held or name in instead:
                    self.values[name] = known[name]
                else:
                    forget(tables_too=False)  # so that what is kept from another quantity is read again
                    with watched() as seen:
                        self.values[name] = self._computed(name, self._leaves, self.values, self.throughout)
                    self._note(seen, name)
                self._keys[name] = _key(self.values[name])

    def at(
        self, rows: Mapping[Key, Change] = _NONE, adjusted: Mapping[str, Adjust] = _NONE
    ) -> Mapping[str, Any]:
        """The targets where rows have other values [SI] and quantities are ``adjusted`` once computed."""
        readers: set[str] = set()
        for key in rows:
            readers |= self.readers[key]
        if not rows:
            return self._at(readers, adjusted)
        with varied(rows), keeping(self.optima):
            return self._at(readers, adjusted)

    def _at(self, readers: set[str], adjusted: Mapping[str, Adjust]) -> Mapping[str, Any]:
        leaves = self._filled() if _LEAVES in readers else self._leaves
        moved: dict[str, Any] = {}
        now = dict(self.values)
        for name in self.order:
            node = self.graph.nodes[name]
            again = name in readers or any(one in moved for one in node.inputs)
            again = again or (node.function is None and leaves is not self._leaves)
            again = again and name not in self.held
            if name in adjusted or again:
                value = self._computed(name, leaves, now, self.instead) if again else self.values[name]
                if name in adjusted:
                    value = adjusted[name](value)
                key = _key(value)
                if not key or key != self._keys[name]:
                    moved[name] = now[name] = value
        return {name: now[name] for name in self.targets}

    def _order(self) -> list[str]:
        """What the targets come from, as far as it is not held."""
        wanted: set[str] = set()
        open_ = list(self.targets)
        while open_:
            name = open_.pop()
            if name not in wanted:
                wanted.add(name)
                open_ += () if name in self.held else self.graph.nodes[name].inputs
        return [name for name in self.graph.order(wanted) if name in wanted]

    def _filled(self) -> dict[str, Any]:
        return {name: leaf.value for name, leaf in fill_leaves(self.loaded)[0].items()}

    def _computed(
        self,
        name: str,
        leaves: Mapping[str, Any],
        values: Mapping[str, Any],
        instead: Mapping[str, Callable[..., Any]],
    ) -> Any:
        node = self.graph.nodes[name]
        if node.function is None:
            return leaves[name]
        function = instead.get(name, node.function)
        return function(*(values[one] for one in node.inputs))

    def _note(self, seen: Mapping[Key, Evidence], reader: str) -> None:
        for key, row in seen.items():
            self.readers.setdefault(key, set()).add(reader)
            self.rows[key] = row


def _noted(call: Callable[[], Any]) -> tuple[Any, Mapping[Key, Evidence]]:
    """What a call gives and the rows that it reads, of which nothing is kept from before."""
    forget(tables_too=False)
    with watched() as seen:
        return call(), seen


def _key(value: Any) -> bytes:
    try:
        return fingerprint(value).key
    except Opaque:  # what cannot be compared counts as another
        return b""
