"""The pathway as one sparse linear programme: what is built when, and what it does in every step.

Columns: the capacity of every vintage (a plant of a year) and of what of it is still on line in later steps;
then, for every step, the hours that stand for its year, of the pieces of :mod:`gigawatt.power.formulation`.
Vintages of a plant that run alike in a step share their hourly columns. The sum of their capacities is a
column too, so that a row of an hour names one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.formulation import HOUR, MONEY_PER_ENERGY, Dispatch, Model
from gigawatt.power.pathway.hours import Hours
from gigawatt.power.pathway.steps import ROUNDING, Step, Vintage, alive
from gigawatt.power.plants.plant import Plant

__all__ = ["Fleet", "PathwayProgramme", "build_pathway_programme"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fleet:
    """Vintages of one plant that run alike in one step: ``plant`` is how, ``members`` which.

    ``capacity`` is the column of what is on line; ``output``, ``charge``, ``level`` the first of the hourly
    columns or ``None``.
    """

    plant: Plant
    members: tuple[int, ...]
    capacity: int
    output: int | None = None
    charge: int | None = None
    level: int | None = None


@dataclass(frozen=True)
class PathwayProgramme:
    """Minimise ``cost·x`` over ``A x + s = b``, ``s = 0`` in the first ``equalities`` rows, else ``s ≥ 0``.

    ``online[v, s]`` is the column of what of vintage v is on line in step s (−1 where it does not stand),
    ``built[v]`` of what was built, ``energy[v]`` of a store's size (−1 for others). ``shed[s]``,
    ``balance_row[s]`` and ``surplus_row[s]`` (where a plant is paid to run) are the first of H. Objective
    times ``money`` is $ at the start of the first year.
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
    surplus_row: tuple[int | None, ...]
    carbon_row: tuple[int | None, ...]
    limit_row: tuple[dict[str, int], ...]
    scale: float


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
    """Assemble the programme of checked steps and vintages (:func:`~.pathway.plan_pathway`)."""
    count = len(hours.index)
    unit = max(float(np.max(step.load)) for step in steps)
    scale = HOURS_PER_YEAR / count * float(np.mean([step.worth for step in steps]))
    model = Model(count, scale)
    stands = np.array([[alive(one, step.year) for step in steps] for one in vintages], dtype=bool)
    stands = stands.reshape(len(vintages), len(steps))
    capacities = _capacities(model, steps, vintages, stands, unit=unit)
    made = [
        _step(
            model, s, step, vintages, stands[:, s], capacities,
            hours=hours, unit=unit, scale=scale, not_served_price=not_served_price, together=together,
        )
        for s, step in enumerate(steps)
    ]  # fmt: skip
    matrix, right = model.matrix()
    first = model.equal.count
    return PathwayProgramme(
        power_unit=unit,
        money=scale * MONEY_PER_ENERGY * unit * HOUR,
        A=matrix,
        b=right,
        equalities=first,
        cost=model.cost,
        built=capacities.built,
        energy=capacities.energy,
        online=capacities.online,
        fleets=tuple(one.fleets for one in made),
        shed=tuple(one.shed for one in made),
        balance_row=tuple(first + one.balance for one in made),
        surplus_row=tuple(None if one.surplus is None else first + one.surplus for one in made),
        carbon_row=tuple(None if one.carbon is None else first + one.carbon for one in made),
        limit_row=tuple({name: first + row for name, row in one.limits.items()} for one in made),
        scale=scale,
    )


@dataclass(frozen=True)
class _Capacities:
    """Columns of the vintages; see :class:`PathwayProgramme`."""

    built: Ints
    energy: Ints
    online: Ints


@dataclass(frozen=True)
class _Dispatched:
    """A step's fleets and its rows, of the inequalities."""

    fleets: tuple[Fleet, ...]
    shed: int
    balance: int
    surplus: int | None
    carbon: int | None
    limits: dict[str, int]


def _capacities(
    model: Model,
    steps: Sequence[Step],
    vintages: Sequence[Vintage],
    stands: npt.NDArray[np.bool_],
    *,
    unit: float,
) -> _Capacities:
    """What is built, what of it is on line in each later step, and what both cost.

    The annuity is paid in every year of the life, upkeep only while a vintage is on line; a store stays for
    its life. What stands already is paid for.
    """
    n = len(vintages)
    worth: Array = np.array([step.worth for step in steps], dtype=float)
    built, energy = model.variables(n) + np.arange(n), np.full(n, -1)
    online = np.full((n, len(steps)), -1)
    for v, vintage in enumerate(vintages):
        where = np.flatnonzero(stands[v])
        new = vintage.capacity is None
        if vintage.capacity is not None:
            model.limit_size(v, least=vintage.capacity / unit, most=vintage.capacity / unit)
        else:
            model.limit_size(v, least=0.0, most=np.inf)
        if not len(where):
            if new:
                model.equal.add(1, 0.0, (v, 1.0))
            continue
        plant = vintage.running[int(where[0])]
        years = float(np.sum(worth[where]))
        if plant.storage is not None:
            e = int(model.variables(1))
            energy[v], online[v, where] = e, v
            model.pay_investment(plant, years if new else 0.0, power=v, energy=e)
            model.pay_upkeep(plant, years, power=v, energy=e)
            model.limit_duration(plant.storage, power=v, energy=e)
            continue
        model.pay_investment(plant, years if new else 0.0, power=v)
        first, previous = new, v
        for s in (int(one) for one in where):
            if first:
                online[v, s], first = v, False
            else:
                column = model.variables(1)
                model.less.add(1, 0.0, (column, 1.0), (previous, -1.0))
                model.less.add(1, 0.0, (column, -1.0))
                online[v, s] = previous = column
            model.pay_upkeep(plant, steps[s].worth, power=int(online[v, s]))
    return _Capacities(built, energy, online)


def _fleets(
    s: int, step: Step, vintages: Sequence[Vintage], stands: npt.NDArray[np.bool_], together: float
) -> dict[str, list[list[int]]]:
    """Vintages that stand in a step, by plant, in groups that run alike."""
    grouped: dict[str, list[list[int]]] = {}
    for v, vintage in enumerate(vintages):
        groups = grouped.setdefault(vintage.plant, [])
        if not stands[v]:
            continue
        fits = [g for g in groups if _same(vintages[g[0]].running[s], vintage.running[s], together)]
        if fits:
            fits[0].append(v)
        else:
            groups.append([v])
    return grouped


def _sum(model: Model, columns: Sequence[int]) -> int:
    """The column of the sum of columns, of a single one itself."""
    if len(columns) == 1:
        return int(columns[0])
    total = model.variables(1)
    model.equal.add(1, 0.0, (total, 1.0), *((column, -1.0) for column in columns))
    return total


def _step(
    model: Model,
    s: int,
    step: Step,
    vintages: Sequence[Vintage],
    stands: npt.NDArray[np.bool_],
    capacities: _Capacities,
    *,
    hours: Hours,
    unit: float,
    scale: float,
    not_served_price: float,
    together: float,
) -> _Dispatched:
    """Limits of a step's capacities, and what its fleets do in the hours that stand for its year."""
    online, energy = capacities.online[:, s], capacities.energy
    at = Dispatch(
        model,
        need=step.load / unit,
        before=hours.before,
        pay=hours.weight * step.worth / scale / MONEY_PER_ENERGY,
        weight=hours.weight,
        all_hours=HOURS_PER_YEAR,
        carbon_price=step.carbon_price,
        ramps=hours.period > 1,
    )
    limits: dict[str, int] = {}
    fleets: list[Fleet] = []
    for name, groups in _fleets(s, step, vintages, stands, together).items():
        mine = sorted(v for group in groups for v in group)
        if mine and np.isfinite(step.limits.get(name, np.inf)):
            limits[name] = model.less.add(1, step.limits[name] / unit, *((online[v], 1.0) for v in mine))
        new = [
            v for v in mine if vintages[v].capacity is None and abs(vintages[v].year - step.year) < ROUNDING
        ]
        if name in step.build_limits and new:
            model.less.add(1, step.build_limits[name] / unit, *((v, 1.0) for v in new))
        for group in groups:
            plant = vintages[group[0]].running[s]
            size = _sum(model, [online[v] for v in group])
            store = None if plant.storage is None else _sum(model, [energy[v] for v in group])
            run = at.run(plant, size=size, energy=store)
            fleets.append(Fleet(plant, tuple(group), size, run.output, run.charge, run.level))
    shed = at.leave_unserved(not_served_price).first
    balance, surplus = at.balance()
    carbon = None if step.carbon_limit is None else at.limit_carbon(step.carbon_limit)
    return _Dispatched(tuple(fleets), shed, balance, surplus, carbon, limits)
