"""Which input moved what: the difference of two scenarios, split among the groups of keys that differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.graph import graph_of
from gigawatt.chain.memo import Memo
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.graph import Graph
from gigawatt.core.quantities import factor
from gigawatt.schema.fields import LOAD, SERVING, TRAINING
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.compare.mixing import Group, Mixer
from gigawatt.studies.compare.shapley import MOST_EXACT, ORDERS, Shares, shapley

__all__ = ["Attribution", "Split", "attribute", "no_mixture"]

Array = NDArray[np.float64]
Progress = Callable[[str, float], None]

#: Quantities that are split unless others are asked for, by branch.
_SPLIT = {
    TRAINING: (
        "training.duration", "facility.power_mean", "supply.electricity_cost", "ledger.run_cost",
        "ledger.carbon_operational_per_mtoken",
    ),
    SERVING: (
        "machine.count", "serving.ttft_p99", "facility.power_mean", "supply.electricity_cost",
        "ledger.annual_cost", "economics.cost_million_output",
    ),
    LOAD: (
        "facility.power_mean", "supply.electricity_cost", "ledger.annual_cost", "ledger.cost_per_energy",
        "ledger.annual_carbon",
    ),
}  # fmt: skip
_ONE = {TRAINING: "a training run", SERVING: "a service", LOAD: "a load"}

_LEAST = 1e-9
"""Share of a value below which a part of its difference is rounding."""
_MOST_BYTES = 400 * 2**20
"""Of values of quantities that are kept: a day of simulated requests has some 100 MB."""
_FAR = 10.0
"""A mixture so many times either scenario is told: what it moves says more of it than of them."""


@dataclass(frozen=True)
class Split:
    """One quantity: its value of either scenario and what each group adds, in ``unit``.

    ``parts`` are in the order of the groups and sum to ``after - before``; ``errors`` are standard errors
    where orders were sampled. ``low`` and ``high`` are the ends of what any mixture gave.
    """

    quantity: str
    unit: str
    summary: str
    before: float
    after: float
    parts: tuple[float, ...]
    errors: tuple[float, ...] | None
    low: float
    high: float

    @property
    def strays(self) -> bool:
        """Whether mixtures lie so far outside of both scenarios that parts tell of those extremes."""
        most = max(abs(self.before), abs(self.after))
        return max(abs(self.low), abs(self.high)) > _FAR * most > 0.0

    def moved(self, part: float) -> bool:
        """Whether a part is more than the last digits of the values that it is a difference of."""
        return abs(part) > _LEAST * max(abs(self.before), abs(self.after))


@dataclass(frozen=True)
class Attribution:
    """The split of every chosen quantity, and how it was come by.

    ``method`` says it in words; ``impossible`` are mixtures without an answer, each with the reason;
    ``left_out`` are quantities that are no number in one of the two. ``mixtures`` were evaluated, for
    which the slowest quantity was computed ``slowest`` (name, times).
    """

    groups: tuple[Group, ...]
    splits: tuple[Split, ...]
    method: str
    impossible: tuple[tuple[tuple[str, ...], str], ...]
    left_out: tuple[str, ...]
    mixtures: int
    slowest: tuple[str, int]
    seed: int | None


def attribute(
    first: LoadedScenario,
    second: LoadedScenario,
    *,
    outputs: Sequence[str] | None = None,
    orders: int = ORDERS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Attribution:
    """Split the differences of two scenarios among the inputs that differ.

    Every subset of up to :data:`~gigawatt.studies.compare.shapley.MOST_EXACT` groups is evaluated through the
    quantity graph, each quantity once for each set of inputs that it sees; beyond, ``orders`` sampled
    orders in which the groups are changed one after the other.

    Parameters
    ----------
    first, second : LoadedScenario
        Both train or both serve.
    outputs : sequence of str, optional
        Dotted names of quantities that are numbers; what is usual for the chain where left out.
    orders : int
        Sampled orders where there are more groups than can be looked at whole; 4 or more.
    seed : int
        Of the sampled orders.
    progress : callable, optional
        Called with (what is being done, share done).

    Returns
    -------
    Attribution
        Without a group where nothing differs. A mixture that has no answer (a plan that cannot meet a
        limit, a chip that the node does not take) is listed; shares are then means over the orders that
        do not pass it.

    Raises
    ------
    InputError
        One trains and one serves; an output that the chain does not know, or that is no number.
    InfeasibleError
        One of the two scenarios itself has no answer.

    References
    ----------
    See :func:`gigawatt.studies.compare.shapley.shapley`.
    """
    graph = graph_of(first)
    if graph is not graph_of(second):
        raise InputError(
            no_mixture(first.branch, second.branch),
            given=f"{first.file}, {second.file}",
            allowed="two scenarios that train, two that serve, or two loads, and give the same fields",
        )
    asked = _asked(graph, outputs, first.branch)
    mixer = Mixer(first, second, graph)
    names = tuple(group.name for group in mixer.groups)
    most = 2 ** len(names) if len(names) <= MOST_EXACT else (orders + orders % 2) * len(names)
    mixtures = _Mixtures(mixer, asked, names, most, progress)
    if outputs is not None and len(mixtures.numbers) < len(asked):
        wrong = next(name for name in asked if name not in mixtures.numbers)
        raise InputError("this quantity is no number", given=wrong, allowed="one with a value and a unit")
    shares = shapley(names, mixtures.row, orders=orders, seed=seed)
    counts = mixtures.memo.misses
    slowest = max(
        (name for name in ("supply.plan", "serving.plan", "layouts.search") if name in counts),
        key=lambda name: counts[name],
        default="",
    )
    return Attribution(
        mixer.groups,
        _splits(graph, mixtures.numbers, shares),
        _method(shares, seed),
        tuple(
            (tuple(n for n in names if n in chosen), mixtures.reasons[chosen]) for chosen in shares.impossible
        ),
        tuple(name for name in asked if name not in mixtures.numbers),
        mixtures.done,
        (slowest, counts.get(slowest, 0)),
        None if shares.errors is None else seed,
    )


class _Mixtures:
    """Quantities of mixtures of two scenarios; ``numbers`` are those that are numbers at both ends.

    ``reasons`` says of a mixture without an answer why; ``done`` counts those that were computed.
    """

    def __init__(
        self, mixer: Mixer, asked: Sequence[str], names: Sequence[str], most: int, progress: Progress | None
    ) -> None:
        self.mixer, self.asked, self.most, self.progress = mixer, asked, most, progress
        self.memo = Memo(limit=_MOST_BYTES)
        self.reasons: dict[frozenset[str], str] = {}
        self.done = 0
        nothing, everything = frozenset[str](), frozenset(names)
        self.ends = {nothing: self._values(nothing)}
        if everything:
            self.ends[everything] = self._values(everything)
        self.numbers = tuple(
            name for name in asked if all(_is_number(end[name]) for end in self.ends.values())
        )

    def _values(self, chosen: frozenset[str]) -> dict[str, Any]:
        if self.progress is not None:
            words = f"Mixture {self.done + 1} of at most {self.most}"
            self.progress(words, min(1.0, self.done / self.most))
        self.done += 1
        found = self.memo.evaluate(self.mixer.graph, self.mixer.leaves(chosen), targets=self.asked)
        return {name: found[name].value for name in self.asked}

    def row(self, chosen: frozenset[str]) -> Array | None:
        """Values (K,) of ``numbers`` where the groups ``chosen`` are the second scenario's."""
        found = self.ends.get(chosen)
        if found is None:
            try:
                found = self._values(chosen)
            except GigawattError as error:
                self.reasons[chosen] = reason(error)
                return None
        row = np.array([float(found[name]) if _is_number(found[name]) else np.nan for name in self.numbers])
        if not np.all(np.isfinite(row)):
            self.reasons[chosen] = "a quantity that is asked for is no number"
            return None
        return row


def reason(error: GigawattError) -> str:
    """An error without its place: a mixture stands in no file."""
    bare = type(error)(error.message, given=error.given, allowed=error.allowed, nearest=error.nearest)
    return str(bare)


def no_mixture(first: str, second: str) -> str:
    """Why scenarios of two branches have none, or two of one branch with other graphs."""
    if first == second:
        return "what one gives and the other computes has no mixture"
    return f"{_ONE[first]} and {_ONE[second]} have no mixture"


def _asked(graph: Graph, outputs: Sequence[str] | None, branch: str) -> tuple[str, ...]:
    if outputs is None:
        return tuple(name for name in _SPLIT[branch] if name in graph.nodes)
    for name in outputs:
        if name not in graph.nodes or graph.nodes[name].function is None:
            known = [one for one, node in graph.nodes.items() if node.function is not None]
            raise InputError(
                "no such computed quantity", key="--of", given=name, allowed="a name of `gigawatt explain`",
                nearest=nearest(name, known),
            )  # fmt: skip
    return tuple(dict.fromkeys(outputs))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | str) or value is None:
        return False
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _splits(graph: Graph, numbers: Sequence[str], shares: Shares) -> tuple[Split, ...]:
    if shares.parts is None:
        return ()
    found: list[Split] = []
    for at, name in enumerate(numbers):
        node = graph.nodes[name]
        scale = factor(node.unit)
        errors = None if shares.errors is None else tuple(float(e[at]) / scale for e in shares.errors)
        parts = tuple(float(part[at]) / scale for part in shares.parts)
        before, after = float(shares.start[at]) / scale, float(shares.end[at]) / scale
        ends = float(shares.low[at]) / scale, float(shares.high[at]) / scale
        found.append(Split(name, node.unit, node.summary, before, after, parts, errors, *ends))
    return tuple(found)


def _method(shares: Shares, seed: int) -> str:
    count = len(shares.players)
    if count == 0:
        return "nothing differs"
    if shares.parts is None:
        return "no order of changes from the first to the second has an answer all the way: nothing is split"
    if shares.errors is None:
        told = f"Shapley values over all {2**count} mixtures of {count} group{'s' * (count > 1)}"
    else:
        told = f"Shapley values from {shares.tried} sampled orders of {count} groups, seed {seed}"
    if shares.orders < shares.tried:
        told += f", over the {shares.orders} of {shares.tried} orders that pass no mixture without an answer"
    return told
