"""A few quantities of a chain, point after point, without repeated computation.

A point is a scenario with other values for some keys. Only the ancestors of the requested quantities are
evaluated, and a quantity whose inputs are those of an earlier point is remembered
(:class:`~gigawatt.chain.memo.Memo`): a plan of supply is solved once for all points that draw the same
load, or a multiple of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from gigawatt.chain.graph import graph_of
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.memo import Memo
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.graph import Graph, Leaf, Value
from gigawatt.power.plan.kept_optima import KeptOptima, keeping
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.workload.sized import scaled_architecture

__all__ = ["COSTLY", "LAYERS", "Asker", "Point"]

LAYERS = "model.parameters"
"""The unknown outside a scenario's keys: the model with other layers, its width in proportion."""
COSTLY: tuple[frozenset[str], ...] = (
    frozenset(("layouts.search", "serving.plan")),
    frozenset(("supply.plan", "serving.day")),
)
"""Quantities that take long, by stage: tens of milliseconds, about a second."""

Changes = Mapping[str, object]


class Asker:
    """A scenario that is evaluated under changes of its keys.

    Parameters
    ----------
    base : LoadedScenario
        What is changed.
    settings : mapping of str to object
        Keys that are changed at every point.
    """

    def __init__(self, base: LoadedScenario, settings: Changes | None = None) -> None:
        self.base, self.settings = base, dict(settings or {})
        self.memo, self.optima = Memo(), KeptOptima()
        self._ancestors: dict[str, frozenset[str]] = {}
        self._points: dict[str, Point] = {}
        self._leaves: dict[str, tuple[dict[str, Leaf], Graph]] = {}

    @cached_property
    def graph(self) -> Graph:
        """The chain of the scenario with its settings."""
        return graph_of(self.base, self.settings)

    def quantity(self, name: str, key: str) -> str:
        """The unit of a quantity that is a number; ``key`` is what an error names.

        Raises
        ------
        InputError
            No such quantity (with the nearest), or one that is no number.
        """
        if name not in self.graph.nodes:
            near = nearest(name, self.graph.nodes) or _by_last(name, self.graph.nodes)
            raise InputError("no such quantity", key=key, given=name, nearest=near)
        node = self.graph.nodes[name]
        if not node.unit:
            raise InputError(
                "this quantity is not a number",
                key=key,
                given=name,
                allowed="a quantity with a unit: `gigawatt explain RESULT` lists them",
            )
        return node.unit

    def stage(self, name: str) -> int:
        """How costly a quantity is: 0, or the number of the last of :data:`COSTLY` on its path."""
        above = self.ancestors(name)
        return max((i + 1 for i, costly in enumerate(COSTLY) if costly & above), default=0)

    def ancestors(self, name: str) -> frozenset[str]:
        """Everything that a quantity follows from, itself included."""
        if name not in self._ancestors:
            found = {name}
            for needed in self.graph.nodes[name].inputs:
                found |= self.ancestors(needed)
            self._ancestors[name] = frozenset(found)
        return self._ancestors[name]

    def loaded(self, changes: Changes) -> LoadedScenario:
        """The scenario at a point, without a change of the model's size."""
        keys = {key: value for key, value in changes.items() if key != LAYERS}
        return scenario_with(self.base, {**self.settings, **keys})

    def leaves(self, changes: Changes) -> dict[str, Leaf]:
        """Leaves of the chain at a point; raises what the scenario or the catalog refuses.

        A model of another size keeps the tokens per active parameter of the scenario, unless the tokens are
        changed as well.
        """
        found, _ = self._filled(changes)
        leaves, layers = dict(found), changes.get(LAYERS)
        if layers is not None:
            leaf = leaves["model.architecture"]
            model = scaled_architecture(leaf.value, int(layers))  # type: ignore[call-overload]
            leaves["model.architecture"] = replace(leaf, value=model)
            held = "training.tokens" in self.settings or "training.tokens" in changes
            if "training.tokens" in leaves and not held:
                tokens = leaves["training.tokens"]
                ratio = model.active_parameters / leaf.value.active_parameters
                leaves["training.tokens"] = replace(tokens, value=tokens.value * ratio)
        return leaves

    def graph_at(self, changes: Changes) -> Graph:
        """The graph at a point: a field that is given in place of a quantity cuts it."""
        return self._filled(changes)[1]

    def _filled(self, changes: Changes) -> tuple[dict[str, Leaf], Graph]:
        """Leaves and graph of a point, without a change of the model's size."""
        keys = {key: value for key, value in changes.items() if key != LAYERS}
        name = _key(keys)
        if name not in self._leaves:
            loaded = self.loaded(keys)
            self._leaves[name] = fill_leaves(loaded)[0], graph_of(loaded)
        return self._leaves[name]

    def at(self, changes: Changes) -> Point:
        """The point with these changes; the same one whenever it is asked for."""
        key = _key(changes)
        if key not in self._points:
            self._points[key] = Point(self, dict(changes))
        return self._points[key]

    @property
    def computed(self) -> dict[str, int]:
        """How often each costly quantity was computed."""
        costly = frozenset[str]().union(*COSTLY)
        return {name: number for name, number in self.memo.misses.items() if name in costly}


class Point:
    """A scenario with changes, evaluated quantity by quantity."""

    def __init__(self, asker: Asker, changes: dict[str, object]) -> None:
        self.asker, self.changes = asker, changes
        self._known: dict[str, Value | GigawattError] = {}

    def value(self, name: str) -> Value:
        """A quantity with its grade and evidence; raises the ``GigawattError`` that stands in its way."""
        if name not in self._known:
            try:
                self._known[name] = self._ask(name)
            except GigawattError as error:
                self._known[name] = error
        found = self._known[name]
        if isinstance(found, GigawattError):
            raise found
        return found

    def _ask(self, name: str) -> Value:
        asker = self.asker
        with keeping(asker.optima):
            leaves = asker.leaves(self.changes)
            return asker.memo.evaluate(asker.graph_at(self.changes), leaves, targets=(name,))[name]


def _key(changes: Changes) -> str:
    return repr(sorted((name, repr(value)) for name, value in changes.items()))


def _by_last(name: str, known: Iterable[str]) -> str | None:
    """A quantity that is called alike after its dot."""
    last = {one.rpartition(".")[2]: one for one in known}
    near = nearest(name.rpartition(".")[2], last)
    return None if near is None else last[near]
