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
from gigawatt.power.programme import Programme

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
    weather-driven plants ``output`` is delivered already. ``cut`` is load cut (W), ``queue`` what waits at
    the end of the hour (J).
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
    queue: Array


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
    p = programme
    hours, n = p.hours, len(p.plants)
    asked = p.load / p.power_unit
    cut, queue = np.zeros(hours), np.zeros(hours)
    if p.cut is not None:
        cut = np.clip(x[p.cut : p.cut + hours], 0.0, asked)
        cut[cut < DUST] = 0.0
    if p.queue is not None:
        queue = np.maximum(x[p.queue : p.queue + hours], 0.0)
    need = asked - cut + queue[p.before] - queue
    if drawn is not None:
        need = need + drawn / p.power_unit
    capacity = np.array(
        [np.clip(x[i], q.minimum / p.power_unit, q.maximum / p.power_unit) for i, q in enumerate(p.plants)]
    )
    capacity = np.where(capacity < DUST, 0.0, capacity)
    for i, q in enumerate(p.plants):
        capacity[i] = max(capacity[i], q.minimum / p.power_unit)
    for i, stores in p.inside.items():
        for k in stores:  # what the solver's tolerance makes too large for its host
            fits = p.plants[k].host_ratio * capacity[i] if capacity[i] > 0.0 else 0.0
            capacity[k] = max(min(capacity[k], fits), p.plants[k].minimum / p.power_unit)
    energy = np.zeros(n)
    output, curtailed = np.zeros((hours, n)), np.zeros((hours, n))
    charge, level = np.zeros((hours, n)), np.zeros((hours, n))
    least, most, held = np.zeros((hours, n)), np.zeros((hours, n)), np.zeros((hours, n))
    price = z[p.balance_row : p.balance_row + hours].copy()
    if p.surplus_row is not None:
        price -= z[p.surplus_row : p.surplus_row + hours]
    price /= p.weight
    for i, q in enumerate(p.plants):
        share = q.hourly("availability", hours)
        most[:, i] = share * capacity[i]
        if i in p.output:
            least[:, i] = q.minimum_load * most[:, i]
            output[:, i] = np.clip(x[p.output[i] : p.output[i] + hours], least[:, i], most[:, i])
        elif q.storage is not None:
            c, e, d = _store(p, i, x, price)
            least_store = q.storage.duration_min / HOUR * capacity[i]
            energy[i] = max(float(x[p.energy[i]]), float(np.max(e)) / q.storage.mean_energy, least_store)
            charge[:, i], level[:, i], output[:, i] = c, e, d
        else:
            output[:, i] = most[:, i]
    for i, stores in p.inside.items():  # what charges inside it a plant must make
        held[:, i] = np.minimum(charge[:, list(stores)].sum(1), most[:, i])
        least[:, i] = np.maximum(least[:, i], held[:, i])
        output[:, i] = np.maximum(output[:, i], held[:, i])
    not_served = np.clip(x[p.shed : p.shed + hours], 0.0, asked)
    not_served[not_served < DUST] = 0.0

    residual = output.sum(1) - charge.sum(1) + not_served - need
    order = sorted(p.output, key=lambda i: float(np.mean(p.cost[p.output[i] : p.output[i] + hours])))
    for i in order:  # what lacks is made by what is cheapest and has room
        more = np.minimum(np.maximum(-residual, 0.0), most[:, i] - output[:, i])
        output[:, i] += more
        residual += more
    for i in [i for i in order if capacity[i] > 0.0]:  # what still lacks is a billionth of a built capacity
        lacks = np.where(residual > -_LIFT, np.maximum(-residual, 0.0), 0.0)
        share = p.plants[i].hourly("availability", hours)
        room = p.plants[i].maximum / p.power_unit - capacity[i]
        if room > 0.0 and np.any(lacks):
            wanted = np.where(share > 0.0, lacks / np.maximum(share, DUST), 0.0)
            lift = min(float(np.max(wanted)), _LIFT, room)
            capacity[i] += lift
            most[:, i] = share * capacity[i]
            least[:, i] = np.maximum(p.plants[i].minimum_load * most[:, i], held[:, i])
            forced = np.maximum(least[:, i] - output[:, i], 0.0)
            output[:, i] += forced
            residual += forced
            lacks = np.maximum(lacks - forced, 0.0)
            more = np.minimum(lacks, most[:, i] - output[:, i])
            output[:, i] += more
            residual += more
    more = np.maximum(-residual, 0.0)
    not_served += more
    residual += more
    back = np.minimum(residual, not_served)
    not_served -= back
    residual -= back
    for i in reversed(order):  # what is too much is not made, where that saves money and ramps allow
        if p.plants[i].ramp is None:
            saves = p.cost[p.output[i] : p.output[i] + hours] > 0.0
            less = np.where(saves, np.minimum(residual, output[:, i] - least[:, i]), 0.0)
            output[:, i] -= less
            residual -= less
    delivered = output.copy()
    free = [i for i in range(n) if i not in p.output and p.plants[i].storage is None]
    possible = (output[:, free] - held[:, free]).sum(1)
    share_back = np.divide(
        np.minimum(residual, possible), possible, out=np.zeros(hours), where=possible > 0.0
    )
    for i in free:
        curtailed[:, i] = share_back * (output[:, i] - held[:, i])
        delivered[:, i] = output[:, i] = output[:, i] - curtailed[:, i]
    residual = np.maximum(residual - possible, 0.0)
    for i in [*reversed(order), *p.energy]:  # must-run output, and a store's dust
        spilt = np.minimum(residual, delivered[:, i] - held[:, i])
        curtailed[:, i] += spilt
        delivered[:, i] -= spilt
        residual -= spilt
    for i, q in enumerate(p.plants):
        if q.kind == "profile" and i in p.output:
            curtailed[:, i] = most[:, i] - delivered[:, i]
    u = p.power_unit
    return Hours(
        capacity=capacity * u,
        energy=energy * u * HOUR,
        output=output * u,
        delivered=delivered * u,
        curtailed=np.maximum(curtailed, 0.0) * u,
        charge=charge * u,
        level=level * u * HOUR,
        not_served=np.maximum(not_served, 0.0) * u,
        price=price * MONEY_PER_ENERGY,
        cut=cut * u,
        queue=queue * u * HOUR,
    )


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
