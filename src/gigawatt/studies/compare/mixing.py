"""Two scenarios mixed: some groups of keys as the first says, the others as the second says.

Groups are what a person changes as one thing: the chip, the machine's size, the site with its weather and
grid, the plants. A mixture is a scenario of its own: leaves that follow from two keys at once, such as the
grid at a site in a year or the usual software of a chip, are filled for the mixture and not taken from
either side. The year is several things at once and is split by who reads it: the prices of plants, the
grid, the software, the calendar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gigawatt.chain.filler import beside
from gigawatt.chain.leaves import fill_leaves
from gigawatt.core.errors import GigawattError
from gigawatt.core.fingerprint import fingerprint
from gigawatt.core.graph import Graph, Leaf
from gigawatt.schema.scenario import LoadedScenario, Scenario

__all__ = ["Group", "Mixer", "differing", "mixed"]


@dataclass(frozen=True)
class Group:
    """Keys that are set as one: ``name``, in ``words``, the dotted ``keys``, as ``before`` and ``after``."""

    name: str
    words: str
    keys: tuple[str, ...]
    before: str = ""
    after: str = ""


def _group(name: str, words: str, *keys: str) -> Group:
    return Group(name, words, keys or (name,))


_GROUPS = (
    _group("model", "the model"),
    _group("training.tokens", "tokens to train on, or rollouts", "training.tokens", "training.epochs", "rl"),
    _group("training.batch", "batch and sequence", "training.global_batch", "training.sequence"),
    _group(
        "training.precision", "number format and sparsity",
        "training.number_format", "training.precision", "training.sparsity",
    ),
    _group("training.optimizer", "optimizer and adapters", "training.optimizer", "training.adapters"),
    _group("training.goodput", "failures and goodput", "training.failures", "training.recovery",
           "training.goodput", "training.overhead"),
    _group("training.step_time", "the step time that is given"),
    _group("training.deadline", "the deadline"),
    _group(
        "serving.traffic", "lengths and arrivals",
        "serving.trace", "serving.prompt", "serving.output", "serving.arrivals", "serving.variation",
        "serving.sessions", "serving.classes", "serving.images", "serving.audio", "serving.cached_prompt",
    ),
    _group("serving.shape", "hours of the day", "serving.shape", "serving.days"),
    _group("serving.objective", "the latency target"),
    _group(
        "serving.engine", "engine, speculative decoding, routing",
        "serving.engine", "serving.recipe", "serving.guesses", "serving.acceptance", "serving.speculation",
        "serving.routing", "serving.tiers", "serving.adapters",
        "serving.two_batch_overlap",
    ),
    _group(
        "serving.precision", "formats of weights and cache",
        "serving.weights", "serving.cache", "serving.precision", "serving.sparsity",
    ),
    _group(
        "serving.layout", "degrees of a replica", "serving.layout", "serving.prefill",
        "serving.redundant_experts",
    ),
    _group(
        "serving.simulation", "what is simulated",
        "serving.seed", "serving.simulated_requests", "serving.simulated_replicas",
    ),
    _group("machine.chip", "the accelerator"),
    _group(  # runs side by side share a machine; serving has its size as a demand or as a machine
        "machine.size", "how much of it, for how many", "machine.count", "machine.power",
        "machine.deliveries", "training.runs",
        "serving.demand", "serving.replicas", "serving.mode", "serving.autoscaling",
        "serving.failures", "serving.availability",
    ),
    _group(
        "machine.network", "node and links", "machine.node", "machine.scale_up", "machine.scale_out",
        "machine.domain", "machine.oversubscription", "machine.topology",
    ),
    _group("machine.power_cap", "power cap"),
    _group("machine.operand_energy", "joules of operands"),
    _group("machine.die_temperature", "temperature of dies"),
    _group(
        "machine.sites", "data centres apart", "machine.sites", "machine.distance", "machine.wan",
        "machine.exchange",
    ),
    _group("software", "the training software"),
    _group("layout", "the layout that is held"),
    _group(
        "site", "site, weather, its grid", "site.name", "site.weather", "site.weather_years",
        "site.design_hot", "site.design_cold", "site.wind_speed",
    ),
    _group("site.building", "halls, cooling and spares", "site.cooling", "site.redundancy", "site.pue",
           "site.oversubscription", "site.buildings"),
    _group("load", "the load that is given"),
    _group(
        "supply.plants", "plants, their limits and dates", "supply.plants", "supply.limits",
        "supply.allow", "supply.ordered", "supply.ready", "supply.capacity_factors", "supply.fuel_prices",
    ),
    _group(
        "supply.grid", "the grid connection and agreements",
        "supply.grid", "supply.ppa", "supply.ppa_price", "supply.hedge", "supply.congestion_right",
    ),
    _group("supply.price", "the price of electricity that is given"),
    _group(
        "supply.terms", "carbon, reliability, flexibility", "supply.carbon_limit", "supply.carbon_price",
        "supply.not_served_price", "supply.reliability", "supply.units", "supply.fuel_lines",
        "supply.fuel_stock", "supply.credits", "carbon.boundary", "carbon.leak",
        "supply.matching", "supply.flexible", "supply.deferrable",
        "training.outages",
    ),
    _group("economics", "discount rate, price and life of chips"),
    _group("campaign", "the phases beside the final run"),
    _group("boundary", "what energy and carbon count"),
    _group("year", "the year"),
)  # fmt: skip

_YEAR_LEAF, _USUAL = "scenario.year", "year: plants"
#: What the year is, with who reads it: leaves that are filled by it, and quantities that see it.
_YEAR: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("year: plants", "prices and years of plants", (), ("supply.candidates",)),
    ("year: grid", "the grid of that year", ("supply.grid",), ()),
    (
        "year: software",
        "the usual software of that year",
        (
            "software.stack", "training.optimizer", "training.number_format", "serving.engine",
            "serving.weights", "serving.cache", "serving.precision",
        ),
        ("serving.question",),
    ),
    ("year: calendar", "weekdays of that year", (), ("machine.power_hours", "machine.energy")),
)  # fmt: skip
_PATHS = ("model", "machine.chip", "site.weather", "serving.trace")


def _get(scenario: Scenario, key: str) -> Any:
    """The value of a dotted key; ``None`` in a section that is not there."""
    at: Any = scenario
    for part in key.split("."):
        at = None if at is None else getattr(at, part, None)
    return at


def _put(scenario: Scenario, key: str, value: Any) -> Scenario:
    """The scenario with another value of a key of one or two parts."""
    section, _, name = key.partition(".")
    if not name:
        return scenario.model_copy(update={section: value})
    inner = getattr(scenario, section)
    return scenario.model_copy(update={section: inner.model_copy(update={name: value})})


def _in_place(loaded: LoadedScenario) -> Scenario:
    """The scenario with its files by whole paths, so that they are found from anywhere."""
    scenario = loaded.scenario
    for key in _PATHS:
        name = _get(scenario, key)
        found = None if name is None else beside(loaded, name)
        if isinstance(found, Path):
            scenario = _put(scenario, key, str(found.resolve()))
    return scenario


def _shown(loaded: LoadedScenario, keys: Iterable[str]) -> str:
    """What a scenario writes for some keys: values alone, with the key's own name where there are several."""
    told: list[tuple[str, str]] = []
    for key in keys:
        inside = [name for name in loaded.written if name == key or name.startswith(f"{key}.")]
        told += [(name, loaded.written[name]) for name in inside if not name.rsplit(".", 1)[-1].isdigit()]
    if len(told) == 1:
        return told[0][1]
    return ", ".join(f"{name.rsplit('.', 1)[-1]} {value}" for name, value in told) or "not given"


def differing(first: LoadedScenario, second: LoadedScenario) -> tuple[Group, ...]:
    """The groups in which two scenarios differ; both train or both serve."""
    one, two = _in_place(first), _in_place(second)
    return tuple(
        replace(group, before=_shown(first, group.keys), after=_shown(second, group.keys))
        for group in _GROUPS
        if any(_get(one, key) != _get(two, key) for key in group.keys)
    )


def mixed(first: LoadedScenario, second: LoadedScenario, groups: Iterable[Group]) -> LoadedScenario:
    """The first scenario with the keys of ``groups`` as the second has them.

    Lines and texts are left out: an error of a mixture is nobody's line.
    """
    scenario, other = _in_place(first), _in_place(second)
    for group in groups:
        for key in group.keys:
            section = key.partition(".")[0]
            if getattr(other, section, None) is not None or section == key:
                scenario = _put(scenario, key, _get(other, key))
    return LoadedScenario(scenario, first.file, {}, {}, "")


class Mixer:
    """Fills the leaves of every mixture of two scenarios that do the same with a model.

    Attributes
    ----------
    groups : tuple of Group
        The players: those of :func:`differing`, the year split into what reads it.
    graph : Graph
        That of the scenarios; where the year differs each of its readers has a leaf of its own for it.
    """

    def __init__(self, first: LoadedScenario, second: LoadedScenario, graph: Graph) -> None:
        self._first, self._second = first, second
        self._filled: dict[tuple[frozenset[str], int], Mapping[str, Leaf]] = {}
        found = differing(first, second)
        self._whole = {group.name: group for group in found if group.name != "year"}
        year = next((group for group in found if group.name == "year"), None)
        self.graph, self._readers = graph, dict[str, tuple[str, ...]]()
        if year is None:
            self._parts: dict[str, Group] = {}
        else:
            self._readers = {
                name: tuple(one for one in readers if _YEAR_LEAF in _inputs(graph, one))
                for name, _, _, readers in _YEAR
            }
            self._parts = self._years(year, graph)
            self.graph = _by_reader(graph, (one for readers in self._readers.values() for one in readers))
        self.groups = (*self._whole.values(), *self._parts.values())

    def _years(self, year: Group, graph: Graph) -> dict[str, Group]:
        """The parts of the year that something in this graph reads, and that either year changes."""
        return {
            name: replace(year, name=name, words=words)
            for name, words, leaves, _ in _YEAR
            if self._readers[name] or self._changes([leaf for leaf in leaves if leaf in graph.nodes])
        }

    def _changes(self, leaves: list[str]) -> bool:
        """Whether the year changes one of these leaves for either scenario, or with the other's chip."""
        years = (self._first.scenario.year, self._second.scenario.year)
        chips = frozenset({"machine.chip"} & set(self._whole))
        for chosen in {frozenset(), frozenset(self._whole), chips} if leaves else ():
            try:
                one, two = (self._fill(chosen, year) for year in years)
            except GigawattError:
                return True
            for name in leaves:
                if (name in one) != (name in two):
                    return True
                if name in one and fingerprint(one[name].value) != fingerprint(two[name].value):
                    return True
        return False

    def _fill(self, chosen: frozenset[str], year: int) -> Mapping[str, Leaf]:
        if (chosen, year) not in self._filled:
            loaded = mixed(self._first, self._second, [self._whole[name] for name in sorted(chosen)])
            loaded = replace(loaded, scenario=loaded.scenario.model_copy(update={"year": year}))
            self._filled = {key: kept for key, kept in self._filled.items() if key[0] == chosen}
            self._filled[chosen, year], _ = fill_leaves(loaded)
        return self._filled[chosen, year]

    def leaves(self, chosen: frozenset[str]) -> dict[str, Leaf]:
        """Leaves of :attr:`graph` where the groups in ``chosen`` are as in the second scenario.

        Raises
        ------
        gigawatt.core.errors.GigawattError
            The mixture is no scenario: a node that does not take the chip, a name of another year.
        """
        whole = chosen & frozenset(self._whole)
        years = (self._first.scenario.year, self._second.scenario.year)
        if not self._parts:
            return dict(self._fill(whole, years[0]))
        parts = {name: years[name in chosen] for name in self._parts}
        usual = parts.get(_USUAL, years[0])
        leaves = dict(self._fill(whole, usual))
        for name, _, filled, _ in _YEAR:
            year = parts.get(name, usual)
            other = self._fill(whole, year)
            leaves |= {leaf: other[leaf] for leaf in filled if leaf in other}
            leaves |= {f"{_YEAR_LEAF}@{reader}": other[_YEAR_LEAF] for reader in self._readers[name]}
        return leaves


def _inputs(graph: Graph, name: str) -> tuple[str, ...]:
    return graph.nodes[name].inputs if name in graph.nodes else ()


def _by_reader(graph: Graph, readers: Iterable[str]) -> Graph:
    """The graph with a leaf of its own for the year that each of these quantities reads."""
    nodes = dict(graph.nodes)
    for name in readers:
        own = f"{_YEAR_LEAF}@{name}"
        nodes[own] = replace(nodes[_YEAR_LEAF], name=own)
        inputs = tuple(own if one == _YEAR_LEAF else one for one in nodes[name].inputs)
        nodes[name] = replace(nodes[name], inputs=inputs)
    return Graph(nodes)
