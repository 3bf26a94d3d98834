"""Variables, balances, limits and costs of a supply of power, each written once.

The plan of one year (:mod:`gigawatt.power.plan.programme`) and the pathway over years
(:mod:`gigawatt.power.pathway.programme`) are linear programmes of the same pieces. Which capacities there
are and what they cost in which years is theirs; what plants, stores and the load do in hours that are
dispatched together is here:

- :class:`Model` holds columns, costs and rows: minimise ``cost·x`` over ``A x + s = b``, ``s = 0`` in the
  equalities, else ``s ≥ 0``.
- :meth:`Model.limit_size`, :meth:`Model.limit_duration`, :meth:`Model.pay_investment`,
  :meth:`Model.pay_upkeep` are about a capacity.
- :class:`Dispatch` is about hours: :meth:`~Dispatch.run` a plant or store, :meth:`~Dispatch.tie` a store to
  its host, :meth:`~Dispatch.leave_unserved`, :meth:`~Dispatch.cut`, :meth:`~Dispatch.defer` load,
  :meth:`~Dispatch.balance`, :meth:`~Dispatch.limit_carbon`, :meth:`~Dispatch.match`.

The output of sun and wind is capacity times profile, so it stands in the balance itself and what is curtailed
is the slack of that row; the discharge of a store follows from its states of charge. Power is measured in a
unit of the caller's, energy in that unit for an hour, money in :data:`MONEY_PER_ENERGY` times that energy, so
that the numbers in the matrix do not depend on the size of the site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.power.flexible import Flexible, queue_limit
from gigawatt.power.plants.demand import Demand
from gigawatt.power.plants.plant import Plant, Storage

__all__ = [
    "CARBON_PER_ENERGY",
    "HOUR",
    "MONEY_PER_ENERGY",
    "Cuts",
    "Dispatch",
    "Model",
    "Rows",
    "Running",
    "Unserved",
    "discharge_of",
]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Term = tuple[Any, Any]
"""(columns, weights), each a number or an array of one an hour."""

HOUR = 3600.0
#: Scales of the matrix (they do not change the answer): 10 $/MWh in $/J, and 100 g/kWh in kg/J.
MONEY_PER_ENERGY = 10.0 / 3.6e9
CARBON_PER_ENERGY = 0.1 / 3.6e6
#: Shares of the largest load that may be thrown away though paid for: where that would earn, and where not.
_THROWN, _ANY = 1e-7, 1.0


class Rows:
    """Triplets of a growing block of rows ``A x ≤ b``; ``hourly`` are the first of each run of ``hours``."""

    def __init__(self, hours: int) -> None:
        self.hours = hours
        self.hourly: list[int] = []
        self.rows: list[Ints] = []
        self.columns: list[Ints] = []
        self.values: list[Array] = []
        self.right: list[Array] = []
        self.count = 0

    def add(self, count: int, right: float | Array, *terms: Term) -> int:
        """Append ``count`` rows; a term is (columns, values), each a number or an array of ``count``."""
        rows = np.arange(self.count, self.count + count)
        for columns, values in terms:
            self.rows.append(rows)
            self.columns.append(np.broadcast_to(columns, (count,)))
            self.values.append(np.broadcast_to(np.asarray(values, dtype=float), (count,)))
        self.right.append(np.broadcast_to(np.asarray(right, dtype=float), (count,)))
        if count == self.hours:
            self.hourly.append(self.count)
        self.count += count
        return self.count - count

    def add_sum(self, right: float, *terms: tuple[Ints, Array]) -> int:
        """Append one row over many columns."""
        for columns, values in terms:
            self.rows.append(np.full(len(columns), self.count))
            self.columns.append(columns)
            self.values.append(values)
        self.right.append(np.array([right]))
        self.count += 1
        return self.count - 1


class Model:
    """A linear programme that is being written, over hours in runs of ``hours``.

    ``scale`` : years' worth of money that is 1 beside the money of an hour.
    """

    def __init__(self, hours: int, scale: float = 1.0) -> None:
        self.columns = 0
        self._per_power = 1.0 / (HOUR * MONEY_PER_ENERGY * scale)  # of a $ per W and year
        self.equal, self.less = Rows(hours), Rows(hours)
        self._costs: list[Term] = []

    def variables(self, count: int) -> int:
        """The first of ``count`` new columns."""
        self.columns += count
        return self.columns - count

    def pay(self, columns: Any, values: Any) -> None:
        """Add to the cost of columns."""
        self._costs.append((columns, values))

    def limit_size(self, column: int, *, least: float, most: float) -> tuple[int, int | None]:
        """(row of the least, of the largest size); where they are equal, one row of the equalities."""
        if least == most:
            row = self.equal.add(1, most, (column, 1.0))
            return row, row
        low = self.less.add(1, -least, (column, -1.0))
        return low, self.less.add(1, most, (column, 1.0)) if np.isfinite(most) else None

    def limit_duration(self, store: Storage, *, power: int, energy: int) -> None:
        """What a store holds, in hours of its power."""
        shortest, longest = store.duration_min / HOUR, store.duration_max / HOUR
        if shortest == longest:
            self.equal.add(1, 0.0, (energy, 1.0), (power, -longest))
            return
        self.less.add(1, 0.0, (energy, -1.0), (power, shortest))
        if np.isfinite(longest):
            self.less.add(1, 0.0, (energy, 1.0), (power, -longest))

    def pay_investment(self, plant: Plant, years: float, *, power: int, energy: int | None = None) -> None:
        """The annuity of what is built, in years of full worth."""
        paid = years * self._per_power
        self.pay(power, plant.capital * paid)
        if energy is not None and plant.storage is not None:
            self.pay(energy, plant.storage.energy_capital * paid * HOUR)

    def pay_demand(self, demand: Demand, first: int, years: float, weights: Array) -> None:
        """Billing demand of each period from column ``first`` on; ``weights`` (P,) 1 in the mean."""
        paid = demand.price * weights * (years / demand.years) * self._per_power
        self.pay(first + np.arange(demand.periods), paid)

    def pay_upkeep(self, plant: Plant, years: float, *, power: int, energy: int | None = None) -> None:
        """Fixed operation of what is on line, in years of full worth."""
        self.pay(power, plant.fixed * years * self._per_power)
        if energy is not None and plant.storage is not None:
            self.pay(energy, plant.storage.energy_fixed * years * self._per_power * HOUR)

    @property
    def cost(self) -> Array:
        """(columns,) of the objective."""
        cost = np.zeros(self.columns)
        for columns, values in self._costs:
            np.add.at(cost, columns, values)
        return cost

    def matrix(self) -> tuple[Any, Array]:
        """(A, b): the equalities, then the inequalities."""
        from scipy.sparse import csc_matrix  # pyright: ignore[reportMissingTypeStubs]

        equal, less = self.equal, self.less
        rows = np.concatenate([*equal.rows, *(r + equal.count for r in less.rows)])
        columns = np.concatenate([*equal.columns, *less.columns])
        values = np.concatenate([*equal.values, *less.values])
        matrix = csc_matrix((values, (rows, columns)), shape=(equal.count + less.count, self.columns))
        matrix.eliminate_zeros()
        return matrix, np.concatenate([*equal.right, *less.right])


@dataclass(frozen=True)
class Running:
    """A plant in hours that are dispatched together.

    ``output``, ``charge``, ``level`` : first hourly column, or ``None``; ``made`` : terms of what it makes
    (not of a store); ``ramp_rows`` : inequalities of its ramp.
    """

    plant: Plant
    output: int | None = None
    charge: int | None = None
    level: int | None = None
    made: tuple[Term, ...] = ()
    ramp_rows: Ints | None = None


@dataclass(frozen=True)
class Unserved:
    """Load that is not served or waits: first hourly column, rows of its limits."""

    first: int
    limit_row: int | None = None
    peak_row: int | None = None


@dataclass(frozen=True)
class Cuts:
    """Load that is cut: ``firsts`` hourly columns of each step, ``starts`` those of what begins to be cut,
    by step; rows of the limits of energy and of work lost."""

    firsts: tuple[int, ...]
    starts: dict[int, int]
    limit_row: int | None = None
    lost_row: int | None = None


@dataclass
class Dispatch:
    """Hours that are dispatched together, at one place.

    ``need`` (H,) : load in the unit of power. ``before`` (H,) : index of the hour before each, cyclic.
    ``pay`` (H,) : what a $/J of an hour's energy is in the objective. ``weight`` (H,) : how much an hour
    counts in limits over all of them, of ``all_hours``. ``carbon_price`` : $/kg. ``ramps`` : whether hours
    follow one another.
    """

    model: Model
    need: Array
    before: Ints
    pay: Array
    weight: Array
    all_hours: float = 1.0
    carbon_price: float = 0.0
    ramps: bool = True
    emitted: dict[int, Array] = field(default_factory=lambda: {})
    """First hourly column of what is dispatched → its carbon by hour, kg/J."""
    _net: list[Term] = field(default_factory=lambda: [])  # what each column adds to the supply of an hour
    _firm: list[Term] = field(default_factory=lambda: [])  # of that, what may not be thrown away
    _of_load: list[Term] = field(default_factory=lambda: [])  # what each column takes off the load of an hour
    _not_carried: list[Ints] = field(default_factory=lambda: [])  # columns of load that needs no supply

    def __post_init__(self) -> None:
        self.hours = len(self.need)
        self._paid_to_run = np.zeros(self.hours, dtype=bool)  # hours in which some plant is paid to run
        self._h = np.arange(self.hours)

    def run(self, plant: Plant, *, size: int, energy: int | None = None) -> Running:
        """What a plant does; ``size`` is the column of its capacity, ``energy`` of its store."""
        share = plant.hourly("availability", self.hours)
        price = plant.hourly("variable", self.hours) + plant.hourly("fuel", self.hours)
        price = (price + self.carbon_price * plant.levied_carbon(self.hours)) * self.pay
        if plant.storage is not None:
            assert energy is not None
            return self._store(plant, plant.storage, size, energy, share, price)
        if plant.follows_weather_freely:
            self._net.append((size, share))
            return Running(plant, made=((size, share),))
        return self._dispatch(plant, size, share, price)

    def _dispatch(self, plant: Plant, size: int, share: Array, price: Array) -> Running:
        model, hours = self.model, self.hours
        output = model.variables(hours)
        p = output + self._h
        model.pay(p, price)
        self.emitted[output] = plant.hourly("carbon", hours)
        self._paid_to_run |= price < 0.0
        floor = plant.minimum_load * share
        model.less.add(hours, 0.0, (p, 1.0), (size, -share))
        model.less.add(hours, 0.0, (p, -1.0), (size, floor))
        self._net.append((p, 1.0))
        self._firm.append((p, 1.0))
        self._firm.append((size, -floor))  # must-run output may be thrown away
        ramp_rows = None
        if plant.ramp is not None and plant.ramp < 1.0 and self.ramps:
            room = plant.ramp + np.abs(share - share[self.before])
            first = model.less.count
            for now, then in ((p, p[self.before]), (p[self.before], p)):
                model.less.add(hours, 0.0, (now, 1.0), (then, -1.0), (size, -room))
            ramp_rows = np.arange(first, model.less.count)
        return Running(plant, output=output, made=((p, 1.0),), ramp_rows=ramp_rows)

    def _store(
        self,
        plant: Plant,
        store: Storage,
        size: int,
        energy: int,
        share: Array,
        price: Array,
    ) -> Running:
        model, hours = self.model, self.hours
        charge, level = model.variables(hours), model.variables(hours)
        c, e = charge + self._h, level + self._h
        keep, into, out = 1.0 - store.self_discharge, store.charge_efficiency, store.discharge_efficiency
        discharge: tuple[Term, ...] = ((e[self.before], out * keep), (c, out * into), (e, -out))
        for columns, weight in discharge:
            model.pay(columns, price * weight)
        model.less.add(hours, 0.0, *((columns, -weight) for columns, weight in discharge))
        model.less.add(hours, 0.0, *discharge, (size, -share))
        model.less.add(hours, 0.0, (c, -1.0))
        model.less.add(hours, 0.0, (c, 1.0), (size, -share))
        model.less.add(hours, 0.0, (e, -1.0))
        model.less.add(hours, 0.0, (e, 1.0), (energy, -store.mean_energy))
        self._net.extend((*discharge, (c, -1.0)))
        self._firm.extend((*discharge, (c, -1.0)))
        return Running(plant, charge=charge, level=level)

    def tie(self, host: Running, stores: Sequence[Running]) -> int:
        """The first row by which stores inside a plant charge from nothing but what it makes in the hour."""
        charged = [(store.charge + self._h, 1.0) for store in stores if store.charge is not None]
        made = [(columns, -np.asarray(weight)) for columns, weight in host.made]
        return self.model.less.add(self.hours, 0.0, *charged, *made)

    def leave_unserved(self, price: float, *, most: float | None = None) -> Unserved:
        """Energy not served at ``price`` [$/J], at most a share ``most`` of the load's energy."""
        model, first = self.model, self.model.variables(self.hours)
        s = first + self._h
        model.pay(s, price * self.pay)
        limit = None
        if most is not None and most <= 0.0:
            model.equal.add(self.hours, 0.0, (s, 1.0))
        else:
            model.less.add(self.hours, 0.0, (s, -1.0))
            if most is not None:
                limit = model.less.add_sum(most * self._energy, (s, self.weight))
        self._take((s, 1.0))
        self._not_carried.append(s)
        return Unserved(first, limit_row=limit)

    def cut(self, gives: Flexible) -> Cuts:
        """Load that may be cut in steps, each at its price, in an hour and over all hours.

        A step of which an event costs or loses work has a second column in each hour: what begins to be cut.
        """
        model, firsts, starts = self.model, list[int](), dict[int, int]()
        for k, step in enumerate(gives.ladder):
            first = model.variables(self.hours)
            u = first + self._h
            firsts.append(first)
            model.pay(u, step.cost * self.pay)
            model.less.add(self.hours, 0.0, (u, -1.0))
            model.less.add(self.hours, step.share * self.need, (u, 1.0))
            if step.event > 0.0 or step.stops > 0.0:
                starts[k] = model.variables(self.hours)
                v = starts[k] + self._h
                model.pay(v, step.event / HOUR * self.pay)
                model.less.add(self.hours, 0.0, (v, -1.0))
                model.less.add(self.hours, 0.0, (u, 1.0), (u[self.before], -1.0), (v, -1.0))
            self._take((u, 1.0))
            self._not_carried.append(u)
        limit = lost = None
        if gives.cut_limit is not None:
            terms = [(first + self._h, self.weight) for first in firsts]
            limit = model.less.add_sum(gives.cut_limit * self._energy, *terms)
        if gives.lost_limit is not None:
            per_need = np.divide(1.0, self.need, out=np.zeros(self.hours), where=self.need > 0.0)
            terms = [
                (first + self._h, step.slows / step.share * self.weight * per_need)
                for first, step in zip(firsts, gives.ladder, strict=True)
            ]
            terms += [
                (first + self._h, step.stops / HOUR / step.share * self.weight * per_need)
                for k, first in starts.items()
                if (step := gives.ladder[k]).stops > 0.0
            ]
            lost = model.less.add_sum(gives.lost_limit * float(np.sum(self.weight)), *terms)
        return Cuts(tuple(firsts), starts, limit, lost)

    def offer(self, cuts: Cuts, share: float, grids: Sequence[Running]) -> dict[int, int]:
        """First hourly column of the load that each of ``grids`` pays to be able to cut, by its number.

        What is offered is drawn from that grid, and with what is cut no more than the ``share`` of the load
        that may be.
        """
        model, first = self.model, dict[int, int]()
        for k, one in enumerate(grids):
            if one.output is None or one.plant.reserve_price <= 0.0:
                continue
            first[k] = model.variables(self.hours)
            r = first[k] + self._h
            model.pay(r, -one.plant.reserve_price * self.pay)
            model.less.add(self.hours, 0.0, (r, -1.0))
            model.less.add(self.hours, 0.0, (r, 1.0), (one.output + self._h, -1.0))
        if first:
            taken = [(start + self._h, 1.0) for start in (*first.values(), *cuts.firsts)]
            model.less.add(self.hours, share * self.need, *taken)
        return first

    def defer(self, gives: Flexible, *, blocks: tuple[int, ...], peak: float) -> Unserved:
        """Load that may wait in a queue; what is served in an hour stays below ``peak``."""
        model, first = self.model, self.model.variables(self.hours)
        q, may = first + self._h, gives.defer_share * self.need
        model.pay(q, gives.wait_cost * self.pay)
        model.less.add(self.hours, 0.0, (q, -1.0))
        longest = queue_limit(arriving=may, window=gives.window, blocks=blocks)
        limit = model.less.add(self.hours, longest, (q, 1.0))
        model.less.add(self.hours, may, (q, 1.0), (q[self.before], -1.0))  # what leaves is not negative
        highest = model.less.add(self.hours, peak - self.need, (q[self.before], 1.0), (q, -1.0))
        self._take((q, 1.0), (q[self.before], -1.0))
        return Unserved(first, limit_row=limit, peak_row=highest)

    def sell(self, plant: Plant, size: int, most: float) -> int:
        """First hourly column of what is sold to a grid, no more than ``most`` and its connection take."""
        model, first = self.model, self.model.variables(self.hours)
        e, share = first + self._h, plant.hourly("availability", self.hours)
        model.pay(e, -plant.hourly("sale", self.hours) * self.pay)
        model.less.add(self.hours, 0.0, (e, -1.0))
        model.less.add(self.hours, 0.0, (e, 1.0), (size, -share))
        if np.isfinite(most):
            model.less.add(self.hours, most, (e, 1.0))
        self._net.append((e, -1.0))
        self._firm.append((e, -1.0))
        return first

    def pass_through(self, grid: Running, others: Sequence[Running], size: int) -> None:
        """What others give comes through the connection of a grid, beside what that gives."""
        share = grid.plant.hourly("availability", self.hours)
        given = [(one.output + self._h, 1.0) for one in (grid, *others) if one.output is not None]
        self.model.less.add(self.hours, 0.0, *given, (size, -share))

    def measure(self, demand: Demand, first: int, meter: Sequence[Running]) -> None:
        """Demand of each period, columns from ``first`` on, is at least what passes the meter in its hours,
        or their mean.

        An hour that counts in no period has a row that always holds, so that rows stay one an hour.
        """
        self.model.less.add(demand.periods, 0.0, (first + np.arange(demand.periods), -1.0))
        counts = demand.period >= 0
        if demand.mean:
            for k in range(demand.periods):
                at = np.flatnonzero(demand.period == k)
                share = np.full(len(at), 1.0 / max(len(at), 1))
                passed = [(one.output + at, share) for one in meter if one.output is not None]
                self.model.less.add_sum(0.0, *passed, (np.array([first + k]), np.array([-1.0])))
            return
        drawn = [(one.output + self._h, counts * 1.0) for one in meter if one.output is not None]
        peak = first + np.maximum(demand.period, 0)
        self.model.less.add(self.hours, np.where(counts, 0.0, 1.0), *drawn, (peak, -1.0 * counts))

    def bill(self, demand: Demand, first: int, peaks: int, ratchet: int, size: int, unit: float) -> None:
        """Billing demand from column ``first`` on: not below measured ``peaks``, ratchet and minimum take.

        ``ratchet`` : first column of the year's highest, one a year; ``size`` : column of the connection.
        """
        less, each = self.model.less, np.arange(demand.periods)
        if peaks != first:
            less.add(demand.periods, 0.0, (peaks + each, 1.0), (first + each, -1.0))
        if demand.ratchet > 0.0:
            year = ratchet + each // (demand.periods // demand.years)
            inside = each if demand.ratchet_in is None else each[demand.ratchet_in]
            less.add(len(inside), 0.0, (peaks + inside, 1.0), (year[inside], -1.0))
            less.add(demand.periods, 0.0, (year, demand.ratchet), (first + each, -1.0))
        if demand.minimum > 0.0 and demand.contract is None:
            less.add(demand.periods, 0.0, (size, demand.minimum), (first + each, -1.0))
        elif demand.minimum > 0.0:
            assert demand.contract is not None
            less.add(demand.periods, -demand.minimum * demand.contract / unit, (first + each, -1.0))

    def balance(self) -> tuple[int, int | None]:
        """(first row of the balance, of the balance that holds what is paid to run, where something is).

        Supply is at least the load. In hours in which a plant is paid to run no joule that is paid for may be
        thrown away, but a ten-millionth of the load: only sun, wind and must-run output may. In the others it
        would cost money.
        """
        supply = ((columns, -np.asarray(weight)) for columns, weight in self._net)
        met = self.model.less.add(self.hours, -self.need, *supply)
        if not np.any(self._paid_to_run):
            return met, None
        more = np.where(self._paid_to_run, _THROWN, _ANY) * float(np.max(self.need))
        return met, self.model.less.add(self.hours, self.need + more, *self._firm)

    def limit_carbon(self, most: float) -> int:
        """The row by which the mean operational carbon of the energy served is at most ``most`` [kg/J]."""
        limit = most / CARBON_PER_ENERGY
        made = [
            (first + self._h, carbon * self.weight / CARBON_PER_ENERGY / self.all_hours)
            for first, carbon in self.emitted.items()
        ]
        spared = [(columns, limit * self.weight / self.all_hours) for columns in self._not_carried]
        return self.model.less.add_sum(limit * self._energy / self.all_hours, *made, *spared)

    def match(self, share: float, dirty: Sequence[tuple[Running, Array]]) -> int:
        """The first row by which a ``share`` of every hour's load is not of ``dirty`` plants; each with the
        share (H,) of its output that counts."""
        rest = 1.0 - share
        made = [(one.output + self._h, marked) for one, marked in dirty if one.output is not None]
        load = [(columns, rest * float(sign)) for columns, sign in self._of_load]
        return self.model.less.add(self.hours, rest * self.need, *made, *load)

    @property
    def _energy(self) -> float:
        """The load's energy, as hours count in limits."""
        return float(np.sum(self.weight * self.need))

    def _take(self, *terms: Term) -> None:
        self._of_load.extend(terms)
        self._net.extend(terms)
        self._firm.extend(terms)


def discharge_of(store: Storage, *, charge: Array, level: Array, before: Ints) -> Array:
    """(H,) what a store gives, from what it takes and holds; negative where it was charged with less."""
    keep, into, out = 1.0 - store.self_discharge, store.charge_efficiency, store.discharge_efficiency
    return out * (keep * level[before] + into * charge - level)
