"""The capacity plan of some hours as one sparse linear programme, of pieces of ``formulation``.

Capacities are variables that border the hourly blocks. A store inside a plant is charged from what that plant
makes in the hour, and from nothing else. A store that fades holds less than the rated energy, for which it is
paid and by which its duration counts: what is there in the mean of its life.

Several weather years stand one after the other as blocks that share the capacities; each is cyclic on its own
and may weigh more or less than another. Power is measured in the largest load.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.flexible import Flexible, before_in
from gigawatt.power.formulation import (
    CARBON_PER_ENERGY,
    MONEY_PER_ENERGY,
    Dispatch,
    Model,
    Running,
)
from gigawatt.power.plants.plant import Plant

__all__ = ["Programme", "build_programme", "stores_inside"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Programme:
    """Minimise ``cost·x`` over ``A x + s = b``, ``s = 0`` in the first ``equalities`` rows, else ``s ≥ 0``.

    ``output``, ``charge``, ``level`` give for a plant's index the first of its H hourly columns; ``energy``
    the column of a store's size; ``capacity[i]`` the column of plant i. ``shed`` is the first column of
    energy not served. The ``*_row`` fields give rows; ``largest_row[i]``, ``least_row[i]`` the limits of
    capacity (the same row where it is fixed). ``own_columns[i]``, the first of them the capacity, and
    ``own_rows[i]``, with ``ramp_rows[i]`` among them, belong to plant i alone; their right sides are 0, the
    limits of capacity are not among them. ``cost`` includes energy not served; ``carbon`` holds
    operational carbon in units of ``CARBON_PER_ENERGY``, unweighted.

    ``blocks`` are the hours of each weather year (or typical week), ``before`` the hour before each hour and
    ``weight`` how much each hour counts, 1 in the mean. ``cut`` and ``queue`` are the first columns of a load
    that gives way (:class:`~gigawatt.power.flexible.Flexible`); ``dirty[i]`` marks the hours in which plant
    i counts against hourly matching. ``tie_rows[i]`` are the hours in which what stands inside plant i
    charges from its output alone, ``ratio_row[i]`` the size of store i beside its host. ``hour_columns`` and
    ``hour_rows`` are the first of all columns and rows that come once for each hour, in the order of hours.
    """

    plants: tuple[Plant, ...]
    load: Array
    power_unit: float
    A: Any
    b: Array
    equalities: int
    cost: Array
    carbon: Array
    capacity: Ints
    energy: dict[int, int]
    output: dict[int, int]
    charge: dict[int, int]
    level: dict[int, int]
    shed: int
    balance_row: int
    surplus_row: int | None
    carbon_row: int | None
    largest_row: dict[int, int]
    least_row: dict[int, int]
    own_columns: tuple[Ints, ...]
    own_rows: tuple[Ints, ...]
    ramp_rows: dict[int, Ints]
    blocks: tuple[int, ...]
    before: Ints
    weight: Array
    matching_row: int | None = None
    cut: int | None = None
    queue: int | None = None
    cut_limit_row: int | None = None
    peak_row: int | None = None
    queue_limit_row: int | None = None
    dirty: dict[int, Array] = field(default_factory=lambda: {})
    tie_rows: dict[int, Ints] = field(default_factory=lambda: {})
    ratio_row: dict[int, int] = field(default_factory=lambda: {})
    hour_columns: tuple[int, ...] = ()
    hour_rows: tuple[int, ...] = ()

    @property
    def inside(self) -> dict[int, tuple[int, ...]]:
        """Stores by the plant that alone charges them."""
        return stores_inside(self.plants)

    @property
    def hours(self) -> int:
        """Hours of the programme."""
        return len(self.load)


def stores_inside(plants: Sequence[Plant]) -> dict[int, tuple[int, ...]]:
    """Indices of the stores that stand inside a plant, by the index of that plant.

    Raises
    ------
    InputError
        A store without its plant, or inside another store.
    """
    place = {plant.id: i for i, plant in enumerate(plants)}
    found: dict[int, tuple[int, ...]] = {}
    for k, plant in enumerate(plants):
        if not plant.host:
            continue
        host = place.get(plant.host)
        if host is None:
            raise InputError(
                "a store that stands inside a plant has no plant to charge it",
                key=plant.id,
                given=", ".join(place),
                allowed=f"{plant.host} among the plants, or no {plant.id}",
                nearest=nearest(plant.host, place),
            )
        if plants[host].storage is not None:
            raise InputError(
                "a store cannot stand inside a store",
                key=f"{plant.id}.host",
                given=plant.host,
                allowed="a plant that makes power",
            )
        found[host] = (*found.get(host, ()), k)
    return found


def build_programme(
    *,
    load: Array,
    plants: Sequence[Plant],
    not_served_price: float,
    carbon_limit: float | None = None,
    carbon_price: float = 0.0,
    not_served_share: float | None = None,
    blocks: Sequence[int] | None = None,
    weights: Array | None = None,
    power_unit: float | None = None,
    flexible: Flexible | None = None,
    matching: float | None = None,
    clean_carbon: float = 0.0,
) -> Programme:
    """Assemble the programme.

    Parameters
    ----------
    load : (H,)
        W, not negative, somewhere positive.
    plants
        Checked rows with unique ids.
    not_served_price : float
        $/J, positive.
    carbon_limit : float, optional
        Largest mean operational carbon of the energy served, kg/J.
    carbon_price : float
        $/kg.
    not_served_share : float, optional
        Largest share of the load's energy that may stay unserved; 0 takes the slack away.
    blocks : sequence of int, optional
        Hours of each block, each cyclic on its own; they sum to H.
    weights : (blocks,), optional
        How much each block counts, 1 in the mean over the hours.
    power_unit : float, optional
        W that power is measured in (default: the largest load).
    flexible : Flexible, optional
        What of the load may be cut or wait.
    matching : float, optional
        Share of every hour's load that emitting plants may not supply.
    clean_carbon : float
        kg/J up to which a plant counts as clean in an hour.

    Returns
    -------
    Programme
        Its capital charges are those of H hours: H/8,760 of a year.
    """
    hours, n = len(load), len(plants)
    unit = float(np.max(load)) if power_unit is None else power_unit
    h = np.arange(hours)
    blocks = (hours,) if blocks is None else tuple(int(n) for n in blocks)
    w = np.ones(hours) if weights is None else np.repeat(weights, blocks)
    model = Model(hours)
    at = Dispatch(
        model,
        need=load / unit,
        before=before_in(blocks),
        pay=w / MONEY_PER_ENERGY,
        weight=w,
        carbon_price=carbon_price,
        ramps=hours > 1,
    )
    capacity = model.variables(n) + np.arange(n)
    energy = {i: model.variables(1) for i, plant in enumerate(plants) if plant.storage is not None}
    own = [_build(at, plant, i, energy.get(i), unit) for i, plant in enumerate(plants)]
    tied, ratio = _inside(at, plants, own)
    shed = at.leave_unserved(not_served_price, most=not_served_share).first
    cut = queue = None
    if flexible is not None and flexible.cuts:
        cut = at.cut(flexible)
    if flexible is not None and flexible.waits:
        peak = max(flexible.peak or 0.0, float(np.max(load))) / unit
        queue = at.defer(flexible, blocks=blocks, peak=peak)
    balance, surplus = at.balance()
    carbon_row = None if carbon_limit is None else at.limit_carbon(carbon_limit)
    matching_row, dirty = None, dict[int, Array]()
    if matching is not None:
        shares = {i: plants[i].dirty(hours, clean_carbon) for i in range(n) if own[i].run.output is not None}
        dirty = {i: share for i, share in shares.items() if np.any(share)}
        matching_row = at.match(matching, [(own[i].run, share) for i, share in dirty.items()])

    matrix, right = model.matrix()
    first = model.equal.count
    carbon = np.zeros(model.columns)
    for start, kilograms in at.emitted.items():
        carbon[start + h] = kilograms / CARBON_PER_ENERGY
    output, charge, level = (
        {i: start for i, one in enumerate(own) if (start := getattr(one.run, name)) is not None}
        for name in ("output", "charge", "level")
    )
    hourly = [*output.values(), *charge.values(), *level.values(), shed]
    hourly += [one.first for one in (cut, queue) if one is not None]

    def row(number: int | None) -> int | None:
        return None if number is None else first + number

    return Programme(
        plants=tuple(plants),
        load=load,
        power_unit=unit,
        A=matrix,
        b=right,
        equalities=first,
        cost=model.cost,
        carbon=carbon,
        capacity=capacity,
        energy=energy,
        output=output,
        charge=charge,
        level=level,
        shed=shed,
        balance_row=first + balance,
        surplus_row=row(surplus),
        carbon_row=row(carbon_row),
        largest_row={
            i: one.largest + (0 if one.fixed else first)
            for i, one in enumerate(own)
            if one.largest is not None
        },
        least_row={i: one.least + (0 if one.fixed else first) for i, one in enumerate(own)},
        own_columns=tuple(
            np.concatenate(
                [
                    np.array([i] + ([energy[i]] if i in energy else [])),
                    *(first_of[i] + h for first_of in (output, charge, level) if i in first_of),
                ]
            )
            for i in range(n)
        ),
        own_rows=tuple(np.concatenate([one.equal_rows, first + one.less_rows]) for one in own),
        ramp_rows={
            i: first + one.run.ramp_rows for i, one in enumerate(own) if one.run.ramp_rows is not None
        },
        blocks=blocks,
        before=at.before,
        weight=w,
        matching_row=row(matching_row),
        cut=None if cut is None else cut.first,
        queue=None if queue is None else queue.first,
        cut_limit_row=None if cut is None else row(cut.limit_row),
        peak_row=None if queue is None else row(queue.peak_row),
        queue_limit_row=None if queue is None else row(queue.limit_row),
        dirty=dirty,
        tie_rows={i: first + number + h for i, number in tied.items()},
        ratio_row={k: first + number for k, number in ratio.items()},
        hour_columns=tuple(hourly),
        hour_rows=(*model.equal.hourly, *(first + number for number in model.less.hourly)),
    )


@dataclass(frozen=True)
class _Own:
    """A plant's rows: of its least and largest size (equalities where ``fixed``), and those of it alone."""

    run: Running
    least: int
    largest: int | None
    fixed: bool
    equal_rows: Ints
    less_rows: Ints


def _build(at: Dispatch, plant: Plant, power: int, energy: int | None, unit: float) -> _Own:
    """A plant that may be built: its size, what it costs in these hours, and what it does in them."""
    model = at.model
    years = at.hours / HOURS_PER_YEAR
    model.pay_investment(plant, years, power=power, energy=energy)
    model.pay_upkeep(plant, years, power=power, energy=energy)
    least, largest = model.limit_size(power, least=plant.minimum / unit, most=plant.maximum / unit)
    limits = model.equal.count, model.less.count
    run = at.run(plant, sizes=(power,), energies=() if energy is None else (energy,))
    if energy is not None and plant.storage is not None:
        model.limit_duration(plant.storage, power=power, energy=energy)
    return _Own(
        run,
        least,
        largest,
        plant.minimum == plant.maximum,
        np.arange(limits[0], model.equal.count),
        np.arange(limits[1], model.less.count),
    )


def _inside(
    at: Dispatch, plants: Sequence[Plant], own: Sequence[_Own]
) -> tuple[dict[int, int], dict[int, int]]:
    """(first row that ties what stands inside a plant to it, row of a store's size beside its host)."""
    tied: dict[int, int] = {}
    ratio: dict[int, int] = {}
    for i, stores in stores_inside(plants).items():
        tied[i] = at.tie(own[i].run, [own[k].run for k in stores])
        for k in stores:
            if np.isfinite(plants[k].host_ratio):
                ratio[k] = at.model.less.add(1, 0.0, (k, 1.0), (i, -plants[k].host_ratio))
    return tied, ratio
