"""The pathway as one sparse linear programme: what is built when, and what it does in every step.

Columns: the capacity of every vintage (a plant of a year) and of what of it is still on line in later steps;
then, for every step, the hours that stand for its year, as in :mod:`gigawatt.power.programme`. Vintages of a
plant that run alike in a step share their hourly columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.pathway_hours import Hours
from gigawatt.power.plant import Plant
from gigawatt.power.programme import CARBON_PER_ENERGY, HOUR, MONEY_PER_ENERGY

if TYPE_CHECKING:
    from gigawatt.power.pathway import Step, Vintage

__all__ = ["Fleet", "PathwayProgramme", "alive", "build_pathway_programme"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SECONDS_PER_YEAR = HOURS_PER_YEAR * HOUR
#: Years by which a life may end within a step and still be counted as ending at its start.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Fleet:
    """Vintages of one plant that run alike in one step: ``plant`` is how, ``members`` which.

    ``capacity`` and ``energy`` are the columns that sum to what is on line; ``output``, ``charge``, ``level``
    the first of the hourly columns or ``None``.
    """

    plant: Plant
    members: tuple[int, ...]
    capacity: tuple[int, ...]
    energy: tuple[int, ...] = ()
    output: int | None = None
    charge: int | None = None
    level: int | None = None


@dataclass(frozen=True)
class PathwayProgramme:
    """Minimise ``cost·x`` over ``A x + s = b``, ``s = 0`` in the first ``equalities`` rows, else ``s ≥ 0``.

    ``online[v, s]`` is the column of what of vintage v is on line in step s (−1 where it does not stand),
    ``built[v]`` of what was built, ``energy[v]`` of a store's size (−1 for others). ``shed[s]`` and
    ``balance_row[s]`` are the first of H. Objective times ``money`` is $ at the start of the first year.
    """

    power_unit: float
    money: float
    A: Any
    b: Array
    equalities: int
    cost: Array
    built: Ints
    energy: Ints
    online: Ints
    fleets: tuple[tuple[Fleet, ...], ...]
    shed: tuple[int, ...]
    balance_row: tuple[int, ...]
    carbon_row: tuple[int | None, ...]
    limit_row: tuple[dict[str, int], ...]
    scale: float


@dataclass
class _Rows:
    """Rows of ``A x {=, ≤} b``, gathered as triplets."""

    count: int = 0
    rows: list[Ints] = field(default_factory=lambda: [])
    columns: list[Ints] = field(default_factory=lambda: [])
    values: list[Array] = field(default_factory=lambda: [])
    right: list[Array] = field(default_factory=lambda: [])

    def add(self, count: int, right: Any, *terms: tuple[Any, Any]) -> int:
        """``count`` rows; each term is (columns, values), broadcast to them. Gives the first row."""
        rows = self.count + np.arange(count)
        for columns, values in terms:
            self.rows.append(rows)
            self.columns.append(np.broadcast_to(np.asarray(columns, dtype=np.int64), (count,)))
            self.values.append(np.broadcast_to(np.asarray(values, dtype=float), (count,)))
        self.right.append(np.broadcast_to(np.asarray(right, dtype=float), (count,)))
        self.count += count
        return self.count - count

    def add_sum(self, right: float, columns: Sequence[Ints], values: Sequence[Array]) -> int:
        """One row over many columns."""
        self.columns.extend(columns)
        self.values.extend(values)
        self.rows.extend(np.full(len(one), self.count) for one in columns)
        self.right.append(np.array([right]))
        self.count += 1
        return self.count - 1


def alive(vintage: Vintage, year: float) -> bool:
    """Whether a vintage stands in the step that begins in ``year``: built, and its life not over."""
    return (
        vintage.year <= year + _ROUNDING
        and year < vintage.year + vintage.life / _SECONDS_PER_YEAR - _ROUNDING
    )


def _same(one: Plant, other: Plant, together: float) -> bool:
    """Whether two plants run alike: as near as ``together`` in cost and carbon, the same in all else."""
    for name in ("fuel", "variable", "carbon"):
        a, b = np.asarray(getattr(one, name), dtype=float), np.asarray(getattr(other, name), dtype=float)
        if a.shape != b.shape or np.any(np.abs(a - b) > together * np.abs(a)):
            return False
    if not np.array_equal(np.asarray(one.availability), np.asarray(other.availability)):
        return False
    if (one.minimum_load, one.ramp, one.follows_weather_freely) != (
        other.minimum_load,
        other.ramp,
        other.follows_weather_freely,
    ):
        return False
    if one.storage is None or other.storage is None:
        return one.storage is other.storage
    return all(
        getattr(one.storage, name) == getattr(other.storage, name)
        for name in ("charge_efficiency", "discharge_efficiency", "self_discharge", "fade")
    )


def build_pathway_programme(
    *,
    steps: Sequence[Step],
    vintages: Sequence[Vintage],
    hours: Hours,
    not_served_price: float,
    together: float,
) -> PathwayProgramme:
    """Assemble the programme of checked steps and vintages (:func:`gigawatt.power.pathway.plan_pathway`)."""
    from scipy.sparse import csc_matrix  # pyright: ignore[reportMissingTypeStubs]

    count, n_steps, n = len(hours.index), len(steps), len(vintages)
    unit = max(float(np.max(step.load)) for step in steps)
    h = np.arange(count)
    before = (h // hours.period) * hours.period + (h % hours.period - 1) % hours.period
    scale = HOURS_PER_YEAR / count * float(np.mean([step.worth for step in steps]))
    per_power = 1.0 / (HOUR * MONEY_PER_ENERGY * scale)

    stands = np.array([[alive(one, step.year) for step in steps] for one in vintages], dtype=bool)
    stands = stands.reshape(n, n_steps)
    worth: Array = np.array([step.worth for step in steps], dtype=float)
    built, energy = np.arange(n), np.full(n, -1)
    columns = n
    online = np.full((n, n_steps), -1)
    equal, less = _Rows(), _Rows()
    costs: list[tuple[Any, Any]] = []
    for v, vintage in enumerate(vintages):
        where = np.flatnonzero(stands[v])
        if vintage.capacity is not None:
            equal.add(1, vintage.capacity / unit, (v, 1.0))
        else:
            less.add(1, 0.0, (v, -1.0))
        if not len(where):
            if vintage.capacity is None:
                equal.add(1, 0.0, (v, 1.0))
            continue
        plant = vintage.running[int(where[0])]
        paid = float(np.sum(worth[where])) * per_power if vintage.capacity is None else 0.0
        costs.append((v, plant.capital * paid))
        if plant.storage is not None:  # a store stays for its life
            energy[v], columns = columns, columns + 1
            online[v, where] = v
            store, e = plant.storage, int(energy[v])
            costs.append((v, plant.fixed * float(np.sum(worth[where])) * per_power))
            upkeep = store.energy_fixed * float(np.sum(worth[where])) * per_power * HOUR
            costs.append((e, store.energy_capital * paid * HOUR + upkeep))
            longest, shortest = store.duration_max / HOUR, store.duration_min / HOUR
            if longest == shortest:
                equal.add(1, 0.0, (e, 1.0), (v, -longest))
            else:
                less.add(1, 0.0, (e, -1.0), (v, shortest))
                if np.isfinite(longest):
                    less.add(1, 0.0, (e, 1.0), (v, -longest))
            continue
        first = vintage.capacity is None
        previous = v
        for s in (int(one) for one in where):
            if first:
                online[v, s], first = v, False
            else:
                column, columns = columns, columns + 1
                less.add(1, 0.0, (column, 1.0), (previous, -1.0))
                less.add(1, 0.0, (column, -1.0))
                online[v, s] = previous = column
            costs.append((int(online[v, s]), plant.fixed * steps[s].worth * per_power))

    names = tuple(dict.fromkeys(one.plant for one in vintages))
    fleets: list[tuple[Fleet, ...]] = []
    shed: list[int] = []
    balance: list[int] = []
    carbon_row: list[int | None] = []
    limit_row: list[dict[str, int]] = []
    for s, step in enumerate(steps):
        need = step.load / unit
        pay = hours.weight * step.worth / scale / MONEY_PER_ENERGY
        rows_of: dict[str, int] = {}
        net: list[tuple[Any, Any]] = []
        kept: list[tuple[Any, Any]] = []  # what may not be thrown away
        emitted: list[tuple[Ints, Array]] = []
        negative = False
        here: list[Fleet] = []
        for name in names:
            mine = [v for v in range(n) if vintages[v].plant == name and stands[v, s]]
            if name in step.limits and mine and np.isfinite(step.limits[name]):
                rows_of[name] = less.add(1, step.limits[name] / unit, *((online[v, s], 1.0) for v in mine))
            new = [
                v
                for v in mine
                if vintages[v].capacity is None and abs(vintages[v].year - step.year) < _ROUNDING
            ]
            if name in step.build_limits and new:
                less.add(1, step.build_limits[name] / unit, *((v, 1.0) for v in new))
            groups: list[list[int]] = []
            for v in mine:
                plant = vintages[v].running[s]
                fit = [g for g in groups if _same(vintages[g[0]].running[s], plant, together)]
                (fit[0] if fit else groups.append([]) or groups[-1]).append(v)
            for group in groups:
                plant = vintages[group[0]].running[s]
                sizes = tuple(int(online[v, s]) for v in group)
                share = plant.hourly("availability", count)
                price = plant.hourly("variable", count) + plant.hourly("fuel", count)
                price = (price + step.carbon_price * plant.hourly("carbon", count)) * pay
                if plant.storage is not None:
                    charge, level, columns = columns, columns + count, columns + 2 * count
                    stores = tuple(int(energy[v]) for v in group)
                    c, e = charge + h, level + h
                    store = plant.storage
                    keep, into = 1.0 - store.self_discharge, store.charge_efficiency
                    out = store.discharge_efficiency
                    discharge = ((e[before], out * keep), (c, out * into), (e, -out))
                    costs.extend((place, price * weight) for place, weight in discharge)
                    less.add(count, 0.0, *((place, -weight) for place, weight in discharge))
                    less.add(count, 0.0, *discharge, *((size, -share) for size in sizes))
                    less.add(count, 0.0, (c, -1.0))
                    less.add(count, 0.0, (c, 1.0), *((size, -share) for size in sizes))
                    less.add(count, 0.0, (e, -1.0))
                    less.add(count, 0.0, (e, 1.0), *((size, -store.mean_energy) for size in stores))
                    net.extend((*discharge, (c, -1.0)))
                    kept.extend((*discharge, (c, -1.0)))
                    here.append(Fleet(plant, tuple(group), sizes, stores, charge=charge, level=level))
                elif plant.follows_weather_freely:
                    net.extend((size, share) for size in sizes)
                    here.append(Fleet(plant, tuple(group), sizes))
                else:
                    output, columns = columns, columns + count
                    p = output + h
                    costs.append((p, price))
                    negative |= bool(np.any(price < 0.0))
                    emitted.append((p, plant.hourly("carbon", count) * hours.weight / CARBON_PER_ENERGY))
                    less.add(count, 0.0, (p, 1.0), *((size, -share) for size in sizes))
                    less.add(count, 0.0, (p, -1.0), *((size, plant.minimum_load * share) for size in sizes))
                    net.append((p, 1.0))
                    kept.append((p, 1.0))
                    kept.extend((size, -plant.minimum_load * share) for size in sizes)
                    if plant.ramp is not None and plant.ramp < 1.0 and hours.period > 1:
                        room = plant.ramp + np.abs(share - share[before])
                        for a, b in ((p, p[before]), (p[before], p)):
                            less.add(count, 0.0, (a, 1.0), (b, -1.0), *((size, -room) for size in sizes))
                    here.append(Fleet(plant, tuple(group), sizes, output=output))
        lacking, columns = columns, columns + count
        lack = lacking + h
        costs.append((lack, not_served_price * pay))
        less.add(count, 0.0, (lack, -1.0))
        balance.append(less.add(count, -need, *((place, -np.asarray(w)) for place, w in net), (lack, -1.0)))
        if negative:
            less.add(count, need, *kept, (lack, 1.0))
        row = None
        if step.carbon_limit is not None:
            limit = step.carbon_limit / CARBON_PER_ENERGY
            values = [weights / HOURS_PER_YEAR for _, weights in emitted]
            row = less.add_sum(
                limit * float(np.sum(need * hours.weight)) / HOURS_PER_YEAR,
                [*(place for place, _ in emitted), lack],
                [*values, limit * hours.weight / HOURS_PER_YEAR],
            )
        fleets.append(tuple(here))
        shed.append(lacking)
        carbon_row.append(row)
        limit_row.append(rows_of)

    cost = np.zeros(columns)
    for place, values in costs:
        np.add.at(cost, place, values)
    first = equal.count
    rows = np.concatenate([*equal.rows, *(r + first for r in less.rows)])
    matrix = csc_matrix(
        (
            np.concatenate([*equal.values, *less.values]),
            (rows, np.concatenate([*equal.columns, *less.columns])),
        ),
        shape=(first + less.count, columns),
    )
    matrix.eliminate_zeros()
    return PathwayProgramme(
        power_unit=unit,
        money=scale * MONEY_PER_ENERGY * unit * HOUR,
        A=matrix,
        b=np.concatenate([*equal.right, *less.right]),
        equalities=first,
        cost=cost,
        built=built,
        energy=energy,
        online=online,
        fleets=tuple(fleets),
        shed=tuple(shed),
        balance_row=tuple(first + one for one in balance),
        carbon_row=tuple(None if one is None else first + one for one in carbon_row),
        limit_row=tuple({name: first + one for name, one in rows_of.items()} for rows_of in limit_row),
        scale=scale,
    )
