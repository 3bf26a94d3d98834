"""From the solver's vector to hours: outputs inside their limits and an energy balance that closes.

An interior point leaves values a billionth outside their bounds and, in hours of no price, charges and
discharges a store at once to burn what is left over. Both are mended here without touching the stores'
energy; what is mended is of the size of the solver's tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.power.formulation import HOUR, MONEY_PER_ENERGY, discharge_of
from gigawatt.power.plan.programme import Programme

__all__ = ["Hours", "recover"]

Array = npt.NDArray[np.float64]

#: Energy not served below this share of the largest load is the solver's dust.
DUST = 1e-7
#: A capacity is raised by at most this share of the largest load to make what the solver's tolerance lacks.
_LIFT = 1e-6


@dataclass(frozen=True)
class Hours:
    """What every plant does in every hour, in W (J for ``level``); columns are plants.

    ``output`` is what a plant makes or discharges, ``curtailed`` what it makes, or could have made from
    sun and wind, and does not deliver; ``delivered = output − curtailed`` for what must run, and for
    weather-driven plants ``output`` is delivered already. ``cut`` (H,) is load cut (W), ``steps`` (H, steps)
    by step, ``reserve`` (H, plants) load that is paid for as it could be cut, ``queue`` what waits at the end
    of the hour (J), ``sold`` (H, plants) what a grid takes.
    """

    capacity: Array
    energy: Array
    output: Array
    delivered: Array
    curtailed: Array
    charge: Array
    level: Array
    not_served: Array
    price: Array
    cut: Array
    steps: Array
    reserve: Array
    queue: Array
    sold: Array


def recover(programme: Programme, x: Array, z: Array, *, drawn: Array | None = None) -> Hours:
    """Read a solution of ``programme``.

    Parameters
    ----------
    programme : Programme
        What was solved.
    x, z : (N,), (M,)
        Primal and dual vectors as :func:`gigawatt.power.solve.solve` gives them.
    drawn : (H,), optional
        W that lines take away from the site (brought in: negative), on top of the load.

    Returns
    -------
    Hours
        In SI units; ``delivered.sum(1) − charge.sum(1) + not_served == load − cut + made up − put off``,
        with ``drawn`` on the right too, to rounding.
    """
    p, u = programme, programme.power_unit
    sold = np.zeros((p.hours, len(p.plants)))
    for i, first in p.sold.items():
        sold[:, i] = np.maximum(x[first : first + p.hours], 0.0)
    taken = sold.sum(1) * u + (0.0 if drawn is None else drawn)
    steps, queue, need = _load_served(p, x, taken if p.sold or drawn is not None else None)
    price = _balance_price(p, z)
    hours = _Repair(p, _sizes(p, x))
    hours.run(x, price)
    not_served = np.clip(x[p.shed : p.shed + p.hours], 0.0, p.load / u)
    not_served[not_served < DUST] = 0.0
    hours.residual = hours.output.sum(1) - hours.charge.sum(1) + not_served - need
    hours.make_what_lacks()
    hours.raise_sizes()
    not_served = hours.leave_unserved(not_served)
    hours.make_less()
    delivered = hours.curtail()
    return Hours(
        capacity=hours.capacity * u,
        energy=hours.energy * u * HOUR,
        output=hours.output * u,
        delivered=delivered * u,
        curtailed=np.maximum(hours.curtailed, 0.0) * u,
        charge=hours.charge * u,
        level=hours.level * u * HOUR,
        not_served=np.maximum(not_served, 0.0) * u,
        price=price * MONEY_PER_ENERGY,
        cut=steps.sum(1) * u,
        steps=steps * u,
        reserve=_reserve(p, x, delivered) * u,
        queue=queue * u * HOUR,
        sold=sold * u,
    )


def _load_served(p: Programme, x: Array, drawn: Array | None) -> tuple[Array, Array, Array]:
    """(load cut (H, steps), work that waits, what plants have to supply, (H,)), in power units."""
    load = p.load / p.power_unit
    steps, queue = np.zeros((p.hours, len(p.cuts))), np.zeros(p.hours)
    for k, (first, share) in enumerate(zip(p.cuts, p.shares, strict=True)):
        steps[:, k] = np.clip(x[first : first + p.hours], 0.0, share * load)
    steps[steps < DUST] = 0.0
    if p.queue is not None:
        queue = np.maximum(x[p.queue : p.queue + p.hours], 0.0)
    need = load - steps.sum(1) + queue[p.before] - queue
    return steps, queue, need if drawn is None else need + drawn / p.power_unit


def _reserve(p: Programme, x: Array, delivered: Array) -> Array:
    """(H, plants) load that is paid for because it could be cut, no more than the grid feeds."""
    reserve = np.zeros((p.hours, len(p.plants)))
    for i, first in p.reserve.items():
        reserve[:, i] = np.clip(x[first : first + p.hours], 0.0, delivered[:, i])
    return reserve


def _balance_price(p: Programme, z: Array) -> Array:
    """(H,) shadow price of the balance of energy, in money units."""
    price = z[p.balance_row : p.balance_row + p.hours].copy()
    if p.surplus_row is not None:
        price -= z[p.surplus_row : p.surplus_row + p.hours]
    return price / p.weight


def _sizes(p: Programme, x: Array) -> Array:
    """(plants,) capacity inside its bounds, stores no larger than their hosts allow."""
    capacity = np.array(
        [np.clip(x[i], q.minimum / p.power_unit, q.maximum / p.power_unit) for i, q in enumerate(p.plants)]
    )
    capacity = np.where(capacity < DUST, 0.0, capacity)
    for i, q in enumerate(p.plants):
        capacity[i] = max(capacity[i], q.minimum / p.power_unit)
    for i, stores in p.inside.items():  # what the solver's tolerance makes too large for its host
        for k in stores:
            fits = p.plants[k].host_ratio * capacity[i] if capacity[i] > 0.0 else 0.0
            capacity[k] = max(min(capacity[k], fits), p.plants[k].minimum / p.power_unit)
    return capacity


class _Repair:
    """Hours in power units, mended step by step until ``residual`` (supply less need, (H,)) is zero.

    ``least`` and ``most`` bound the output of each plant, ``held`` is what stores inside it charge; columns
    are plants.
    """

    def __init__(self, p: Programme, capacity: Array) -> None:
        shape = (p.hours, len(p.plants))
        self.p, self.capacity, self.energy = p, capacity, np.zeros(len(p.plants))
        self.output, self.curtailed = np.zeros(shape), np.zeros(shape)
        self.charge, self.level = np.zeros(shape), np.zeros(shape)
        self.least, self.most, self.held = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.residual = np.zeros(p.hours)
        mean = {i: float(np.mean(p.cost[first : first + p.hours])) for i, first in p.output.items()}
        self.cheapest = sorted(p.output, key=mean.__getitem__)

    def run(self, x: Array, price: Array) -> None:
        """What the solution has each plant do, inside its limits."""
        p = self.p
        for i, q in enumerate(p.plants):
            self.most[:, i] = q.hourly("availability", p.hours) * self.capacity[i]
            if i in p.output:
                self.least[:, i] = q.minimum_load * self.most[:, i]
                made = x[p.output[i] : p.output[i] + p.hours]
                self.output[:, i] = np.clip(made, self.least[:, i], self.most[:, i])
            elif q.storage is not None:
                c, e, d = _store(p, i, x, price)
                least_store = q.storage.duration_min / HOUR * self.capacity[i]
                fullest = float(np.max(e)) / q.storage.mean_energy
                self.energy[i] = max(float(x[p.energy[i]]), fullest, least_store)
                self.charge[:, i], self.level[:, i], self.output[:, i] = c, e, d
            else:
                self.output[:, i] = self.most[:, i]
        for i, stores in p.inside.items():  # what charges inside it a plant must make
            self.held[:, i] = np.minimum(self.charge[:, list(stores)].sum(1), self.most[:, i])
            self.least[:, i] = np.maximum(self.least[:, i], self.held[:, i])
            self.output[:, i] = np.maximum(self.output[:, i], self.held[:, i])

    def _add(self, i: int, more: Array) -> None:
        self.output[:, i] += more
        self.residual += more

    def make_what_lacks(self) -> None:
        """What lacks is made by what is cheapest and has room."""
        for i in self.cheapest:
            self._add(i, np.minimum(np.maximum(-self.residual, 0.0), self.most[:, i] - self.output[:, i]))

    def raise_sizes(self) -> None:
        """What still lacks is a billionth of a built capacity, which is raised by as much."""
        for i in [i for i in self.cheapest if self.capacity[i] > 0.0]:
            plant = self.p.plants[i]
            lacks = np.where(self.residual > -_LIFT, np.maximum(-self.residual, 0.0), 0.0)
            share = plant.hourly("availability", self.p.hours)
            room = plant.maximum / self.p.power_unit - self.capacity[i]
            if room <= 0.0 or not np.any(lacks):
                continue
            wanted = np.where(share > 0.0, lacks / np.maximum(share, DUST), 0.0)
            self.capacity[i] += min(float(np.max(wanted)), _LIFT, room)
            self.most[:, i] = share * self.capacity[i]
            self.least[:, i] = np.maximum(plant.minimum_load * self.most[:, i], self.held[:, i])
            forced = np.maximum(self.least[:, i] - self.output[:, i], 0.0)
            self._add(i, forced)
            lacks = np.maximum(lacks - forced, 0.0)
            self._add(i, np.minimum(lacks, self.most[:, i] - self.output[:, i]))

    def leave_unserved(self, not_served: Array) -> Array:
        """(H,) energy not served: what lacks to the end, and no more than that."""
        more = np.maximum(-self.residual, 0.0)
        not_served += more
        self.residual += more
        back = np.minimum(self.residual, not_served)
        self.residual -= back
        return not_served - back

    def make_less(self) -> None:
        """What is too much is not made, where that saves money, or is dust, and ramps allow."""
        p = self.p
        for i in reversed(self.cheapest):
            if p.plants[i].ramp is None:
                saves = (p.cost[p.output[i] : p.output[i] + p.hours] > 0.0) | (self.residual < 2.0 * DUST)
                room = self.output[:, i] - self.least[:, i]
                self._add(i, -np.where(saves, np.minimum(self.residual, room), 0.0))

    def curtail(self) -> Array:
        """(H, plants) delivered: sun and wind give back first, then must-run output and a store's dust."""
        p = self.p
        delivered = self.output.copy()
        free = [i for i, q in enumerate(p.plants) if i not in p.output and q.storage is None]
        possible = (self.output[:, free] - self.held[:, free]).sum(1)
        share_back = np.divide(
            np.minimum(self.residual, possible), possible, out=np.zeros(p.hours), where=possible > 0.0
        )
        for i in free:
            self.curtailed[:, i] = share_back * (self.output[:, i] - self.held[:, i])
            delivered[:, i] = self.output[:, i] = self.output[:, i] - self.curtailed[:, i]
        self.residual = np.maximum(self.residual - possible, 0.0)
        for i in [*reversed(self.cheapest), *p.energy]:
            spilt = np.minimum(self.residual, delivered[:, i] - self.held[:, i])
            self.curtailed[:, i] += spilt
            delivered[:, i] -= spilt
            self.residual -= spilt
        for i, q in enumerate(p.plants):
            if q.kind == "profile" and i in p.output:
                self.curtailed[:, i] = self.most[:, i] - delivered[:, i]
        return delivered


def _store(p: Programme, i: int, x: Array, price: Array) -> tuple[Array, Array, Array]:
    """Charge, level and discharge of one store, without burning energy in hours of no price."""
    store = p.plants[i].storage
    assert store is not None
    into, out = store.charge_efficiency, store.discharge_efficiency
    c = np.maximum(x[p.charge[i] : p.charge[i] + p.hours], 0.0)
    e = np.maximum(x[p.level[i] : p.level[i] + p.hours], 0.0)
    d = discharge_of(store, charge=c, level=e, before=p.before)
    c += np.maximum(-d, 0.0) / (out * into)
    d = np.maximum(d, 0.0)
    both = np.where(price >= 0.0, np.minimum(c, d / (into * out)), 0.0)
    return c - both, e, d - both * into * out
