"""Monte Carlo bands of every number of an answer, and the variance shares of its inputs.

Each uncertain input is set to both ends of its range, all others fixed, and the graph of the scenario is
evaluated. The response surface of a number is the product of these one-input responses, or their sum,
whichever is nearer to joint draws that are evaluated exactly; sampling it is cheap. The supply plan is fixed:
capacities stay, costs follow prices and load, and in another weather and market year its dispatch is solved
again. Layouts, replicas, step time and latencies are fixed too; their
errors are the residuals of measured ones.

With independent draws the shares of the variance are the Shapley effects of the causes (Owen 2014): of a
product of responses, in logarithms, the covariance of each cause with the whole. They sum to one.

References
----------
Owen (2014), Sobol' indices and Shapley value, SIAM/ASA J. Uncertainty Quantification 2(1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.bands import row_ends
from gigawatt.chain.graph import graph_of
from gigawatt.chain.recompute import Recompute
from gigawatt.chain.supply.candidates import plant_id
from gigawatt.chain.uncertainty.cells import Cell, Cells
from gigawatt.chain.uncertainty.draws import Factor, normal_draws
from gigawatt.chain.uncertainty.factors import ENDS, ModelError, RowFactor, row_factors
from gigawatt.chain.uncertainty.held_plan import HeldPlan
from gigawatt.chain.uncertainty.years import DrawnYears, YearFactor, drawn_years
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Evidence, Grade
from gigawatt.core.graph import Node
from gigawatt.power import Plant, SupplyPlan
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["CHECKED", "HELD", "Cause", "CellBand", "NumberBand", "Uncertainty", "uncertainty"]

Array = NDArray[np.float64]
HELD = frozenset((
    "machine.trial", "machine.count", "machine.size", "machine.found", "machine.held", "machine.cap",
    "training.terms", "training.fit", "layouts.search", "training.reliability", "training.run_band",
    "training.relief", "machine.clock", "load.ladder", "training.pause",
    "rl.question", "rl.accelerators", "rl.rollouts", "rl.scored", "rl.forwards",
    "serving.question", "serving.plan", "serving.sized_day", "serving.reserve", "serving.day",
    "serving.configuration", "serving.relief",
    "serving.wall", "serving.waits", "serving.waits_degraded", "supply.adequacy", "supply.arrivals",
    "supply.uncut_plan", "study.notices", "facility.capacity_chain", "supply.gap", "supply.marginal_price",
))  # fmt: skip
"""Fixed quantities: decisions, results of searches, and predictions that have measured residuals."""
_PLAN, _PLANTS = "supply.plan", "supply.candidates"
CHECKED = 12
"""Joint draws that are evaluated exactly, to check the response surface."""
_NOTHING = 1e-3
"""Least factor of which a logarithm is taken: a number may be zero or negative at an end of an input."""
_BELOW = 0.05
"""How far a sum of responses may fall below nothing and count as nothing."""
_LEAST = 1e-6
"""Logarithm of a factor below which nothing has moved."""
_BATCHES, _STUDENT = 10, 1.833
"""Batches of draws whose spread gives the interval of a share, and Student's t at 95 % for them."""
_SMALL = 1e-3
"""Half-width of a band, in logarithms, below which a number is not uncertain."""


@dataclass(frozen=True)
class Cause:
    """An input or a group of inputs: its share of the variance of a number's logarithm; shares sum to one.

    ``low`` and ``high`` are the 90 % interval of the share for this number of draws.
    """

    name: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class NumberBand:
    """Value and 5, 50, 95 % quantiles of a quantity [SI], with variance shares, largest first.

    ``guesses`` is the variance share of rows graded a guess; ``off`` the median relative error of the
    response surface at the exact joint draws, nan where none of them has an answer.
    """

    name: str
    unit: str
    value: float
    low: float
    median: float
    high: float
    groups: tuple[Cause, ...]
    rows: tuple[Cause, ...]
    guesses: float
    off: float


class CellBand(NamedTuple):
    """Value and 5, 50, 95 % quantiles of a cell of a table, in the table's unit."""

    value: float
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Year:
    """A weather and market year: its numbers [SI] by quantity where they are other than the answer's, all
    else as it stands; energy not served in it under the held plan [J], and that energy at its price [$],
    which no number contains."""

    year: int
    numbers: Mapping[str, float]
    not_served: float
    shortage: float


@dataclass(frozen=True)
class Uncertainty:
    """Bands of the numbers of an answer by name, and their draws [SI], (draws,)."""

    bands: Mapping[str, NumberBand]
    draws: Mapping[str, Array]
    normals: Mapping[str, Array]
    """Cause → its standard normal draws, (draws,)."""
    rows: Mapping[str, Evidence]
    """Cause → its row, of those that are rows."""
    factors: int
    unranged: tuple[str, ...]
    """Rows graded a guess that have no range, and so are not sampled."""
    refused: tuple[str, ...]
    """Inputs at one end of whose range there is no answer; that end is taken to change nothing."""
    checked: int
    """Exact joint draws that have an answer."""
    cells: Mapping[Cell, CellBand]
    """Bands of cells of the result's tables."""
    inputs: tuple[Factor, ...]
    """The uncertain inputs."""
    responses: Mapping[str, tuple[Array, Array]]
    """Quantity → its values [SI] with each input at its low and at its high end, (factors,) each. The year
    has no ends."""
    years: tuple[Year, ...]
    """Weather and market years that are drawn, each as likely."""
    of_one_year: tuple[str, ...]
    """What is of one year only, and why, in sentences."""


def uncertainty(
    loaded: LoadedScenario,
    objects: Mapping[str, Any],
    errors: Sequence[ModelError] = (),
    *,
    draws: int = 2000,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Uncertainty:
    """Bands of every number of an answer that an uncertain input changes.

    Parameters
    ----------
    loaded : LoadedScenario
        The scenario.
    objects : mapping of str to object
        Every quantity of its answer [SI].
    errors : sequence of ModelError
        Residuals of measured steps, requests and watts.
    draws, seed : int
        How many draws, and of which seed; the same row has the same draws in every scenario.
    progress : callable, optional
        Called with words and the share done.
    """
    model = _Model(loaded, objects, errors)
    factors = _acting(model, errors)
    names, found, refused = _responses(model, factors, progress)
    shared = catalog.entity("uncertainty", "rows").value("shared_source")
    z = normal_draws(factors, draws=draws, seed=seed, shared=shared)
    checked = np.unique(np.linspace(0, draws - 1, CHECKED + 2).astype(int)[1:-1])
    exact = [model.numbers(_at(model, factors, _answered(z[k], refused)) or {}) for k in checked]
    bands: dict[str, NumberBand] = {}
    cells: dict[Cell, CellBand] = {}
    numbers: dict[str, Array] = {}
    ends: dict[str, tuple[Array, Array]] = {}
    reach = np.empty_like(z)
    for k, one in enumerate(factors):
        reach[:, k] = one.reach(z[:, k])
    year = model.drawn.factor
    years = {} if year is None else {(k := factors.index(year)): year.which(z[:, k])}
    far = np.array([len(one.tried) > len(ENDS) and one is not year for one in factors], bool)
    for at, name in enumerate(names):
        picked = _picked(found[:, at], z, years)
        halves = np.where(far, _picked(found[2:, at], z, {}), picked / 2.0) if far.any() else picked / 2.0
        moved, added = _moved(picked, halves, reach)
        truth = np.array([one.get(name, math.nan) for one in exact]) / model.middle[name]
        total = 1.0 + added.sum(1)
        total = np.where(total > -_BELOW, np.maximum(total, _NOTHING), total)
        drawn, off = _nearer(np.exp(moved.sum(1)), total, checked, truth)
        whole = np.log(drawn)
        lows, median, highs = np.quantile(drawn, (0.05, 0.5, 0.95))
        if max(highs - 1.0, 1.0 - lows) < _SMALL:
            continue
        value = model.middle[name]
        if isinstance(name, Cell):
            cells[name] = CellBand(*(value * float(one) for one in (1.0, lows, median, highs)))
            continue
        shares, batched = _shares(moved, whole), _batched(moved, whole)
        numbers[name] = value * drawn
        ends[name] = (value * np.exp(found[0, at]), value * np.exp(found[1, at]))
        bands[name] = NumberBand(
            name=name,
            unit=model.graph.nodes[name].unit,
            value=value,
            low=value * float(lows),
            median=value * float(median),
            high=value * float(highs),
            groups=_summed([one.group for one in factors], shares, batched),
            rows=_summed([one.name for one in factors], shares, batched),
            guesses=max(0.0, float(shares[[one.guessed for one in factors]].sum())),
            off=off,
        )
    guessed = (key for key, row in model.rows.items() if row.grade is Grade.guess and row_ends(row) is None)
    normals = {one.name: z[:, k] for k, one in enumerate(factors)}
    if year is not None:  # the calendar year itself: it is one of a few
        normals[year.name] = np.array(year.years, dtype=float)[years[factors.index(year)]]
    rows = {one.name: one.row for one in factors if isinstance(one, RowFactor)}
    unranged = tuple(sorted(map(".".join, guessed)))
    answered = sum(1 for one in exact if one)
    told = () if year is None else _told_years(model, year, factors, names, found)
    return Uncertainty(
        bands, numbers, normals, rows, len(factors), unranged, _names(factors, refused), answered, cells,
        tuple(factors), ends, told, model.drawn.told,
    )  # fmt: skip


class _Model(Recompute):
    """The scenario's graph with its plan, layouts and replicas held."""

    def __init__(
        self, loaded: LoadedScenario, objects: Mapping[str, Any], errors: Sequence[ModelError]
    ) -> None:
        graph = graph_of(loaded)
        plan = objects.get(_PLAN)
        self.held_plan: HeldPlan | None = None
        self.drawn: DrawnYears = drawn_years(loaded, objects)
        instead: dict[str, Callable[..., Any]] = {}
        throughout: dict[str, Callable[..., Any]] = {}
        if isinstance(plan, SupplyPlan):
            instead[_PLAN] = self.held_plan = HeldPlan(plan, graph.nodes[_PLAN].inputs)
            if _PLANTS in graph.nodes:
                throughout[_PLANTS] = _bought_plants(plan, graph.nodes[_PLANTS])
        held = HELD & graph.nodes.keys()
        acted = {name for one in errors for name in one.acts}
        reached = [
            name
            for name, node in graph.nodes.items()
            if node.unit and (name in acted or name not in held)
            if _number(objects.get(name)) > 0.0
        ]
        read = Cells(loaded.branch, objects).inputs & graph.nodes.keys()
        super().__init__(
            loaded, dict.fromkeys([*reached, *read]), known=objects, held=held, instead=instead,
            throughout=throughout,
        )  # fmt: skip
        self._reached, self._cells = reached, Cells(loaded.branch, {**objects, **self.values})
        self.middle = {name: value for name, value in self.numbers(self.values).items() if value > 0.0}

    def numbers(self, values: Mapping[str, Any]) -> dict[str | Cell, float]:
        """The numbers among quantities, none below nothing, and positive cells of tables made of them."""
        if not values:
            return {}
        found = {name: _number(values.get(name)) for name in self._reached}
        there = {name: max(value, 0.0) for name, value in found.items() if math.isfinite(value)}
        return there | self._cells.of(values)

    def under(self, factors: Sequence[Factor], z: Array) -> Mapping[str, Any]:
        """Quantities where every factor is at its ``z``; at 0 it is as it stands."""
        rows = {
            one.key: partial(one.at, float(at))
            for one, at in zip(factors, z, strict=True)
            if at != 0.0 and isinstance(one, RowFactor)
        }
        adjusted: dict[str, Any] = {}
        year: int | None = None
        for one, at in zip(factors, z, strict=True):
            if at != 0.0 and isinstance(one, YearFactor):
                year = int(one.which(np.array(at)))
            if at != 0.0 and not isinstance(one, RowFactor):
                for name, act in one.adjusted(float(at)).items():
                    adjusted[name] = _after(adjusted.get(name), act)
        if self.held_plan is not None:
            self.held_plan.turn(year, alone=np.count_nonzero(z) == 1)
        return self.at(rows, adjusted)


def _after(first: Any, then: Any) -> Any:
    return then if first is None else lambda value: then(first(value))


def _bought_plants(plan: SupplyPlan, node: Node) -> Callable[..., tuple[Plant, ...]]:
    """The candidates of which the plan bought anything: what the others cost changes nothing that is held."""
    bought = {name for name, size in plan.capacity.items() if size > 0.0}
    function = node.function
    assert function is not None

    def plants(*values: Any) -> tuple[Plant, ...]:
        known = dict(zip(node.inputs, values, strict=True))
        named = {name: plant_id("supply.plants", name) for name in known["supply.plants"]}
        limits = {plant_id("supply.limits", name): limit for name, limit in known["supply.limits"].items()}
        known["supply.plants"] = tuple(name for name, id in named.items() if id in bought)
        known["supply.limits"] = {name: limit for name, limit in limits.items() if name in bought}
        try:
            return function(*known.values())
        except InputError:  # terms of a plant that is not bought, such as a stock of its fuel
            return function(*values)

    return plants


def _acting(model: _Model, errors: Sequence[ModelError]) -> list[Factor]:
    """Errors that act on something that is there, the year, then rows that do not stand for years."""
    there = [one for one in errors if any(name in model.values for name in one.acts)]
    rows = [one for one in row_factors(model.rows, model.readers) if one.key not in model.drawn.left_out]
    return [*there, *([] if model.drawn.factor is None else [model.drawn.factor]), *rows]


def _responses(
    model: _Model, factors: Sequence[Factor], progress: Callable[[str, float], None] | None
) -> tuple[list[str | Cell], Array, list[tuple[int, int]]]:
    """Names of numbers, log factors (places at which a factor is tried, numbers, factors), and the (factor,
    place) without an answer.
    """
    names = list(model.middle)
    middle = np.array([model.middle[name] for name in names])
    found = np.zeros((max((len(one.tried) for one in factors), default=2), len(names), len(factors)))
    refused: list[tuple[int, int]] = []
    absences = [(name, 0.0 if isinstance(name, Cell) else math.nan) for name in names]
    for k, one in enumerate(factors):
        if progress is not None:
            progress(one.name, k / len(factors))
        for place, z in enumerate(one.tried):
            at = np.zeros(len(factors))
            at[k] = z
            values = _at(model, factors, at)
            if values is None:
                refused.append((k, place))
                continue
            numbers = model.numbers(values)
            ratio = np.array([numbers.get(name, absent) for name, absent in absences]) / middle
            logs = np.log(np.maximum(ratio, _NOTHING))
            found[place, :, k] = np.where(np.isfinite(logs) & (np.abs(logs) > _LEAST), logs, 0.0)
    for k, place in refused:
        if not isinstance(factors[k], YearFactor):
            found[place % len(ENDS) :: len(ENDS), :, k] = 0.0
    return names, found, refused


def _answered(z: Array, refused: Sequence[tuple[int, int]]) -> Array:
    """A draw with every input at its value that is on a side without an answer: there it changes nothing."""
    made = z.copy()
    for k, place in refused:
        if (z[k] > 0.0) == bool(place % len(ENDS)):
            made[k] = 0.0
    return made


def _names(factors: Sequence[Factor], refused: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Inputs at one end of which there is no answer; of the year which one."""
    named = (
        f"{one.name} {one.years[place]}" if isinstance(one := factors[k], YearFactor) else one.name
        for k, place in refused
    )
    return tuple(dict.fromkeys(named))


def _picked(found: Array, z: Array, years: Mapping[int, Any]) -> Array:
    """(draws, factors) of ``found`` (places, factors): the end on the side of ``z``, the year drawn."""
    made = np.where(z > 0.0, found[1], found[0])
    for k, which in years.items():
        made[:, k] = found[which, k]
    return made


def _moved(ends: Array, halves: Array, reach: Array) -> tuple[Array, Array]:
    """(draws, factors) logarithms and parts between the number and its ``ends``, straight from it to
    ``halves`` at half the reach and on to the ends; where an end is nothing the number falls in a straight
    line and not below it.
    """
    nothing, left = ends <= math.log(_NOTHING), np.maximum(1.0 - reach, 0.0)
    first, then = 2.0 * np.minimum(reach, 0.5), 2.0 * np.maximum(reach - 0.5, 0.0)
    logs = halves * first + (ends - halves) * then
    to_half, to_end = np.expm1(halves), np.expm1(ends)
    parts = np.where(2.0 * halves == ends, to_end * reach, to_half * first + (to_end - to_half) * then)
    logs = np.where(nothing, np.log(np.maximum(left, _NOTHING)), logs)
    return logs, np.maximum(np.where(nothing, left - 1.0, parts), -1.0)


def _told_years(
    model: _Model, years: YearFactor, factors: Sequence[Factor], names: Sequence[str | Cell], found: Array
) -> tuple[Year, ...]:
    """What is other than in the answer in each year alone."""
    logs = found[:, :, list(factors).index(years)]
    held = model.held_plan
    return tuple(
        Year(
            year,
            {
                name: model.middle[name] * math.exp(by)
                for name, by in zip(names, logs[i], strict=True)
                if by and not isinstance(name, Cell)
            },
            *((0.0, 0.0) if held is None else held.not_served(i)),
        )
        for i, year in enumerate(years.years)
    )


def _at(model: _Model, factors: Sequence[Factor], z: Array) -> Mapping[str, Any] | None:
    """Quantities at ``z``; ``None`` where a function refuses the values or a formula leaves its domain."""
    try:
        return model.under(factors, z)
    except (GigawattError, ArithmeticError, ValueError):
        return None


def _number(value: Any) -> float:
    """A finite number as it is, anything else as nan."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if math.isfinite(value) else math.nan


def _nearer(product: Array, total: Array, checked: Any, truth: Array) -> tuple[Array, float]:
    """The response that is nearer to exact joint draws, with its median distance from them."""

    def distance(drawn: Array) -> float:
        apart = np.abs(drawn[checked] / np.where(truth > 0.0, truth, math.nan) - 1.0)
        return float(np.median(apart[np.isfinite(apart)])) if np.any(np.isfinite(apart)) else math.nan

    if np.min(total) <= 0.0 or not distance(total) < distance(product):
        return product, distance(product)
    return total, distance(total)


def _shares(moved: Array, whole: Array) -> Array:
    """(factors,) covariance of each response with the whole, over the sum of these."""
    apart = (moved - moved.mean(0)).T @ (whole - whole.mean()) / len(whole)
    total = float(apart.sum())
    return apart / total if total > 0.0 else np.zeros(len(apart))


def _batched(moved: Array, whole: Array) -> Array:
    """(batches, factors) shares of each of some batches of the draws."""
    batches = [np.arange(start, len(whole), _BATCHES) for start in range(_BATCHES)]
    return np.stack([_shares(moved[rows], whole[rows]) for rows in batches])


def _summed(names: Sequence[str], shares: Array, batched: Array) -> tuple[Cause, ...]:
    """Shares by name, largest first, with intervals from the spread of their batches."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    found: list[Cause] = []
    for name, at in places.items():
        share = float(shares[at].sum())
        off = _STUDENT * float(batched[:, at].sum(1).std(ddof=1)) / math.sqrt(len(batched))
        if share:
            found.append(Cause(name, share, share - off, share + off))
    return tuple(sorted(found, key=lambda one: -one.share))
