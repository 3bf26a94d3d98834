"""The capacity plan of some hours as one sparse linear programme, of pieces of ``formulation``.

Capacities are variables that border the hourly blocks. A store inside a plant is charged from what that plant
makes in the hour, and from nothing else. A store that fades holds less than the rated energy, for which it is
paid and by which its duration counts: what is there in the mean of its life.

Several weather years stand one after the other as blocks that share the capacities; each is cyclic on its own
and may weigh more or less than another. Power is measured in the largest load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.flexible import Flexible, before_in
from gigawatt.power.formulation import (
    CARBON_PER_ENERGY,
    MONEY_PER_ENERGY,
    Cuts,
    Dispatch,
    Model,
    Running,
    Unserved,
)
from gigawatt.power.plants.demand import Demand
from gigawatt.power.plants.plant import Plant

__all__ = ["Programme", "build_programme", "stand_behind", "stores_inside"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Programme:
    """Minimise ``cost·x`` over ``A x + s = b``, ``s = 0`` in the first ``equalities`` rows, else ``s ≥ 0``.

    ``output``, ``charge``, ``level``, ``sold`` give for a plant's index the first of its H hourly columns;
    ``energy`` the column of a store's size; ``capacity[i]`` the column of plant i. ``shed`` is the first
    column of energy not served. The ``*_row`` fields give rows; ``largest_row[i]``, ``least_row[i]`` the
    limits of capacity (the same row where it is fixed). ``own_columns[i]``, the first of them the capacity,
    and ``own_rows[i]``, with ``ramp_rows[i]`` among them, belong to plant i alone; their right sides are 0,
    the limits of capacity are not among them. ``cost`` includes energy not served; ``carbon`` holds
    operational carbon in units of ``CARBON_PER_ENERGY``, unweighted.

    ``blocks`` are the hours of each weather year (or typical week), ``before`` the hour before each hour and
    ``weight`` how much each hour counts, 1 in the mean. ``cuts`` (of each step), ``starts`` (of what begins
    to be cut, by step) and ``queue`` are the first columns, ``shares`` the largest shares of the steps, of a
    load that gives way (:class:`~gigawatt.power.flexible.Flexible`), ``reserve`` those of what grid i pays to
    be able to cut; ``dirty[i]`` marks the hours in which
    plant i counts against hourly matching. ``tie_rows[i]`` are the hours in which what stands inside plant i
    charges from its output alone, ``ratio_row[i]`` the size of store i beside its host. ``sizes`` counts the
    first columns, of capacities, stores and demand, that border all hours. ``hour_columns`` and
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
    cuts: tuple[int, ...] = ()
    starts: dict[int, int] = field(default_factory=lambda: {})
    shares: tuple[float, ...] = ()
    reserve: dict[int, int] = field(default_factory=lambda: {})
    queue: int | None = None
    cut_limit_row: int | None = None
    lost_limit_row: int | None = None
    peak_row: int | None = None
    queue_limit_row: int | None = None
    dirty: dict[int, Array] = field(default_factory=lambda: {})
    tie_rows: dict[int, Ints] = field(default_factory=lambda: {})
    ratio_row: dict[int, int] = field(default_factory=lambda: {})
    sizes: int = 0
    sold: dict[int, int] = field(default_factory=lambda: {})
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


def stand_behind(plants: Sequence[Plant]) -> dict[int, tuple[int, ...]]:
    """Indices of what comes through the connection of a grid, by the index of the grid.

    Raises
    ------
    InputError
        The grid is not among the plants.
    """
    place = {plant.id: i for i, plant in enumerate(plants) if plant.kind == "grid"}
    found: dict[int, tuple[int, ...]] = {}
    for k, plant in enumerate(plants):
        if not plant.through:
            continue
        if plant.through not in place:
            raise InputError(
                "no connection through which it could come",
                key=plant.id,
                given=", ".join(place) or None,
                allowed=f"{plant.through} among the plants",
            )
        i = place[plant.through]
        found[i] = (*found.get(i, ()), k)
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
    meters = {i: _Meter.of(model, plant.demand) for i, plant in enumerate(plants) if plant.demand}
    sizes = model.columns
    own = [_build(at, plant, i, energy.get(i), unit) for i, plant in enumerate(plants)]
    behind = stand_behind(plants)
    for i, others in behind.items():
        at.pass_through(own[i].run, [own[k].run for k in others], i)
    for i, meter in meters.items():
        meter.read(at, [own[k].run for k in (i, *behind.get(i, ()))], i, unit)
    sold = {i: at.sell(one, i, one.sale_limit / unit) for i, one in enumerate(plants) if one.sale_limit > 0.0}
    tied, ratio = _inside(at, plants, own)
    shed = at.leave_unserved(not_served_price, most=not_served_share).first
    runs = [one.run for one in own]
    cut, queue, reserve = _give_way(at, flexible, runs, blocks, float(np.max(load)), unit)
    balance, surplus = at.balance()
    carbon_row = None if carbon_limit is None else at.limit_carbon(carbon_limit)
    matching_row, dirty = None, dict[int, Array]()
    if matching is not None:
        matching_row, dirty = _match(at, plants, runs, matching, clean_carbon)

    matrix, right = model.matrix()
    first = model.equal.count
    carbon = np.zeros(model.columns)
    for start, kilograms in at.emitted.items():
        carbon[start + h] = kilograms / CARBON_PER_ENERGY
    output, charge, level = (
        {i: start for i, one in enumerate(own) if (start := getattr(one.run, name)) is not None}
        for name in ("output", "charge", "level")
    )
    hourly = [*output.values(), *charge.values(), *level.values(), *sold.values(), shed, *cut.firsts]
    hourly += [*cut.starts.values(), *reserve.values(), *([] if queue is None else [queue.first])]

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
        sold=sold,
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
        own_columns=tuple(_columns_of(i, energy, (output, charge, level), h) for i in range(n)),
        own_rows=tuple(np.concatenate([one.equal_rows, first + one.less_rows]) for one in own),
        ramp_rows={
            i: first + one.run.ramp_rows for i, one in enumerate(own) if one.run.ramp_rows is not None
        },
        blocks=blocks,
        before=at.before,
        weight=w,
        matching_row=row(matching_row),
        cuts=cut.firsts,
        starts=cut.starts,
        reserve=reserve,
        shares=tuple(step.share for step in flexible.ladder) if flexible and cut.firsts else (),
        queue=None if queue is None else queue.first,
        cut_limit_row=row(cut.limit_row),
        lost_limit_row=row(cut.lost_row),
        peak_row=None if queue is None else row(queue.peak_row),
        queue_limit_row=None if queue is None else row(queue.limit_row),
        dirty=dirty,
        tie_rows={i: first + number + h for i, number in tied.items()},
        ratio_row={k: first + number for k, number in ratio.items()},
        sizes=sizes,
        hour_columns=tuple(hourly),
        hour_rows=(*model.equal.hourly, *(first + number for number in model.less.hourly)),
    )


def _give_way(
    at: Dispatch,
    flexible: Flexible | None,
    runs: Sequence[Running],
    blocks: tuple[int, ...],
    largest: float,
    unit: float,
) -> tuple[Cuts, Unserved | None, dict[int, int]]:
    """What of the load may be cut, what may wait, and what being able to cut earns at each grid."""
    cut, queue, reserve = Cuts((), {}), None, dict[int, int]()
    if flexible is not None and flexible.cuts:
        cut = at.cut(flexible)
        reserve = at.offer(cut, flexible.share, runs)
    if flexible is not None and flexible.waits:
        queue = at.defer(flexible, blocks=blocks, peak=max(flexible.peak or 0.0, largest) / unit)
    return cut, queue, reserve


def _match(
    at: Dispatch, plants: Sequence[Plant], runs: Sequence[Running], matching: float, clean_carbon: float
) -> tuple[int, dict[int, Array]]:
    """(row of hourly matching, hours in which each plant counts against it)."""
    hours = at.hours
    shares = {
        i: plant.dirty(hours, clean_carbon) for i, plant in enumerate(plants) if runs[i].output is not None
    }
    dirty = {i: share for i, share in shares.items() if np.any(share)}
    return at.match(matching, [(runs[i], share) for i, share in dirty.items()]), dirty


def _columns_of(i: int, energy: Mapping[int, int], hourly: Sequence[Mapping[int, int]], h: Ints) -> Ints:
    """Columns that belong to plant ``i`` alone: capacity, size of its store, then those of each hour."""
    sizes = np.array([i] + ([energy[i]] if i in energy else []))
    return np.concatenate([sizes, *(first[i] + h for first in hourly if i in first)])


@dataclass(frozen=True)
class _Own:
    """A plant's rows: of its least and largest size (equalities where ``fixed``), and those of it alone."""

    run: Running
    least: int
    largest: int | None
    fixed: bool
    equal_rows: Ints
    less_rows: Ints


@dataclass(frozen=True)
class _Meter:
    """Columns of a connection's charges on demand: (charge, its first column, that of the demand measured,
    that of the highest of a year), and first columns of what is measured."""

    charges: tuple[tuple[Demand, int, int, int], ...]
    measured: tuple[tuple[Demand, int], ...]

    @classmethod
    def of(cls, model: Model, demands: Sequence[Demand]) -> _Meter:
        """New columns. Charges on the same demand share what is measured; billed alike, they share all."""
        charges: list[tuple[Demand, int, int, int]] = []
        measured: list[tuple[Demand, int]] = []
        for group in _alike(demands, Demand.same_peaks):
            merged = [_summed(terms) for terms in _alike(group, Demand.same_terms)]
            merged.sort(key=lambda one: (one.ratchet, one.minimum))
            plain = merged[0]
            peaks = model.variables(plain.periods)
            measured.append((plain, peaks))
            own_peaks = len(merged) == 1 or (plain.ratchet == 0.0 and plain.minimum == 0.0)
            for k, one in enumerate(merged):
                first = peaks if k == 0 and own_peaks else model.variables(one.periods)
                highest = model.variables(one.years) if one.ratchet > 0.0 else 0
                charges.append((one, first, peaks, highest))
        return cls(tuple(charges), tuple(measured))

    def read(self, at: Dispatch, meter: Sequence[Running], size: int, unit: float) -> None:
        """Rows and costs: what passes ``meter`` and the connection of column ``size`` are charged."""
        years = at.hours / HOURS_PER_YEAR
        for demand, first in self.measured:
            at.measure(demand, first, meter)
        for demand, first, peaks, highest in self.charges:
            at.model.pay_demand(demand, first, years, _weights(demand, at.weight))
            at.bill(demand, first, peaks, highest, size, unit)


def _alike(demands: Sequence[Demand], same: Callable[[Demand, Demand], bool]) -> list[list[Demand]]:
    found: list[list[Demand]] = []
    for one in demands:
        home = next((group for group in found if same(group[0], one)), None)
        if home is None:
            found.append([one])
        else:
            home.append(one)
    return found


def _summed(demands: Sequence[Demand]) -> Demand:
    return replace(demands[0], price=np.sum([one.price for one in demands], axis=0))


def _weights(demand: Demand, weight: Array) -> Array:
    """(P,) weight of the hours of each period, 1 in the mean of the years."""
    counts = demand.period >= 0
    at = demand.period[counts]
    hours = np.bincount(at, minlength=demand.periods)
    total = np.bincount(at, weights=weight[counts], minlength=demand.periods)
    return np.divide(total, hours, out=np.ones(demand.periods), where=hours > 0)


def _build(at: Dispatch, plant: Plant, power: int, energy: int | None, unit: float) -> _Own:
    """A plant that may be built: its size, what it costs in these hours, and what it does in them."""
    model = at.model
    years = at.hours / HOURS_PER_YEAR
    model.pay_investment(plant, years, power=power, energy=energy)
    model.pay_upkeep(plant, years, power=power, energy=energy)
    least, largest = model.limit_size(power, least=plant.minimum / unit, most=plant.maximum / unit)
    limits = model.equal.count, model.less.count
    run = at.run(plant, size=power, energy=energy)
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
