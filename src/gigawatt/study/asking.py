"""Asking a chain for a few of its quantities, point after point, without computing anything twice.

A point is a scenario with other values for some keys. Only the ancestors of what is asked are evaluated, and a
quantity whose inputs are those of an earlier point is remembered: a plan of supply is solved once for all
points that draw the same load.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from gigawatt.errors import GigawattError, InputError, nearest
from gigawatt.study.chain import CHAIN_TRAINING
from gigawatt.study.changed import scenario_with
from gigawatt.study.graph import Graph, Leaf, Value
from gigawatt.study.inverse import scaled_architecture
from gigawatt.study.leaves import fill_leaves
from gigawatt.study.scenario import LoadedScenario

__all__ = ["COSTLY", "LAYERS", "Asker", "Point"]

LAYERS = "model.parameters"
"""The unknown that is no key of a scenario: the model at another number of layers, its width in proportion."""
COSTLY: tuple[frozenset[str], ...] = (
    frozenset(("layouts.search", "serving.plan")),
    frozenset(("supply.plan", "serving.day")),
)
"""Quantities that take long, by stage: tens of milliseconds, about a second."""

Changes = Mapping[str, object]


class Asker:
    """One scenario, ready to be asked under changes of its keys.

    Parameters
    ----------
    base : LoadedScenario
        What is changed.
    settings : mapping of str to object
        Keys that are changed at every point.
    """

    def __init__(self, base: LoadedScenario, settings: Changes | None = None) -> None:
        self.base, self.settings = base, dict(settings or {})
        self.graph = _graph(base)
        self.computed: dict[str, int] = {}
        self._memo: dict[tuple[str, tuple[int, ...]], tuple[int, Any]] = {}
        self._held: dict[int, tuple[Any, int]] = {}
        self._tokens: dict[object, int] = {}
        self._ancestors: dict[str, frozenset[str]] = {}
        self._points: dict[str, Point] = {}
        self._leaves: dict[str, dict[str, Leaf]] = {}

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
        """How costly a quantity is to ask for: 0, or the number of the last of :data:`COSTLY` on its path."""
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
        kept = {key: value for key, value in changes.items() if key != LAYERS}
        return scenario_with(self.base, {**self.settings, **kept})

    def leaves(self, changes: Changes) -> dict[str, Leaf]:
        """Leaves of the chain at a point; raises what the scenario or the catalog refuses.

        A model of another size keeps the tokens per active parameter of the scenario, unless the tokens are
        changed as well.
        """
        kept = {key: value for key, value in changes.items() if key != LAYERS}
        name = _key(kept)
        if name not in self._leaves:
            self._leaves[name], _ = fill_leaves(self.loaded(kept))
        leaves, layers = dict(self._leaves[name]), changes.get(LAYERS)
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

    def at(self, changes: Changes) -> Point:
        """The point with these changes; the same one whenever it is asked for."""
        key = _key(changes)
        if key not in self._points:
            self._points[key] = Point(self, dict(changes))
        return self._points[key]

    def values(self, changes: Changes, names: Iterable[str]) -> dict[str, Value]:
        """Quantities at a point with their grade and evidence, computed by the graph itself."""
        wanted = list(names)
        kept = frozenset[str]().union(*(self.ancestors(name) for name in wanted))
        part = Graph({name: node for name, node in self.graph.nodes.items() if name in kept})
        leaves = {name: leaf for name, leaf in self.leaves(changes).items() if name in kept}
        found = part.evaluate(leaves)
        return {name: found[name] for name in wanted}

    def token(self, value: Any) -> int:
        """A number that equal values share."""
        held = self._held.get(id(value))
        if held is not None and held[0] is value:
            return held[1]
        if value is None or isinstance(value, bool | int | float | str):
            key: object = (type(value).__name__, value)
        else:
            try:
                key = hashlib.sha1(pickle.dumps(value, protocol=5), usedforsecurity=False).digest()
            except Exception:  # what cannot be pickled is equal to itself alone
                key = ("object", id(value))
            self._held[id(value)] = (value, 0)
        number = self._tokens.setdefault(key, len(self._tokens))
        if id(value) in self._held:
            self._held[id(value)] = (value, number)
        return number

    def compute(self, name: str, inputs: list[tuple[int, Any]]) -> tuple[int, Any]:
        """(token, value) of a quantity of inputs with their tokens; remembered, errors too."""
        key = (name, tuple(token for token, _ in inputs))
        if key not in self._memo:
            function = self.graph.nodes[name].function
            assert function is not None
            self.computed[name] = self.computed.get(name, 0) + 1
            try:
                value: Any = function(*(value for _, value in inputs))
            except GigawattError as error:
                self._memo[key] = (-1, error)
            else:
                small = value is None or isinstance(value, bool | int | float | str)
                token = self.token(value) if small else self._tokens.setdefault(key, len(self._tokens))
                self._memo[key] = (token, value)
        token, value = self._memo[key]
        if isinstance(value, GigawattError):
            raise value
        return token, value


class Point:
    """A scenario with changes, asked for one quantity after another."""

    def __init__(self, asker: Asker, changes: dict[str, object]) -> None:
        self.asker, self.changes = asker, changes
        self._known: dict[str, tuple[int, Any]] = {}
        self._leaves: Mapping[str, Leaf] | GigawattError | None = None

    def value(self, name: str) -> Any:
        """The SI value of a quantity; raises the ``GigawattError`` that stands in its way."""
        if self._leaves is None:
            try:
                self._leaves = self.asker.leaves(self.changes)
            except GigawattError as error:
                self._leaves = error
        if isinstance(self._leaves, GigawattError):
            raise self._leaves
        return self._ask(name, self._leaves)[1]

    def _ask(self, name: str, leaves: Mapping[str, Leaf]) -> tuple[int, Any]:
        if name not in self._known:
            node = self.asker.graph.nodes[name]
            if node.function is None:
                leaf = leaves[name].value
                self._known[name] = self.asker.token(leaf), leaf
            else:
                inputs = [self._ask(needed, leaves) for needed in node.inputs]
                self._known[name] = self.asker.compute(name, inputs)
        return self._known[name]


def _key(changes: Changes) -> str:
    return repr(sorted((name, repr(value)) for name, value in changes.items()))


def _graph(base: LoadedScenario) -> Graph:
    if not base.serves:
        return CHAIN_TRAINING
    from gigawatt.study.chain_serving_graph import CHAIN_SERVING

    return CHAIN_SERVING


def _by_last(name: str, known: Iterable[str]) -> str | None:
    """A quantity that is called alike after its dot."""
    last = {one.rpartition(".")[2]: one for one in known}
    near = nearest(name.rpartition(".")[2], last)
    return None if near is None else last[near]


Progress = Callable[[str, float], None]
