"""The capacity plan as one sparse linear programme, written compactly.

Per hour only the output of what can be dispatched, the charge and the state of charge of each store, and
the energy not served are variables. The output of sun and wind is capacity times profile, so it stands in
the balance itself and what is curtailed is the slack of that row; the discharge of a store follows from
its states of charge. Capacities are variables that border the hourly blocks. A store inside a plant is
charged from what that plant makes in the hour, and from nothing else. A store that fades holds less than the
rated energy, for which it is paid and by which its duration counts: what is there in the mean of its life.

Several weather years stand one after the other as blocks that share the capacities; each is cyclic on its own
and may weigh more or less than another.

Power is measured in the largest load, energy in that load for an hour, money in :data:`MONEY_PER_ENERGY`
times that energy, so that the numbers in the matrix do not depend on the size of the site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.flexible import Flexible, before_in, queue_limit
from gigawatt.power.plant import Plant

__all__ = ["CARBON_PER_ENERGY", "HOUR", "MONEY_PER_ENERGY", "Programme", "build_programme", "stores_inside"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOUR = 3600.0
#: Scales of the matrix (they do not change the answer): 10 $/MWh in $/J, and 100 g/kWh in kg/J.
MONEY_PER_ENERGY = 10.0 / 3.6e9
CARBON_PER_ENERGY = 0.1 / 3.6e6


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


class _Rows:
    """Triplets of a growing block of rows ``A x ≤ b``; ``hourly`` are the first of each run of ``hours``."""

    def __init__(self, hours: int) -> None:
        self.hours = hours
        self.hourly: list[int] = []
        self.rows: list[Ints] = []
        self.columns: list[Ints] = []
        self.values: list[Array] = []
        self.right: list[Array] = []
        self.count = 0

    def add(self, count: int, right: float | Array, *terms: tuple[Any, Any]) -> int:
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

    def add_sum(self, right: float, columns: Ints, values: Array) -> int:
        """Append one row over many columns."""
        self.rows.append(np.full(len(columns), self.count))
        self.columns.append(columns)
        self.values.append(values)
        self.right.append(np.array([right]))
        self.count += 1
        return self.count - 1


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
    from scipy.sparse import csc_matrix  # pyright: ignore[reportMissingTypeStubs]

    hours, n = len(load), len(plants)
    unit = float(np.max(load)) if power_unit is None else power_unit
    need = load / unit
    h = np.arange(hours)
    blocks = (hours,) if blocks is None else tuple(int(n) for n in blocks)
    before = before_in(blocks)
    w = np.ones(hours) if weights is None else np.repeat(weights, blocks)
    of_year = hours / HOURS_PER_YEAR

    capacity = np.arange(n)
    columns = n
    energy: dict[int, int] = {}
    output: dict[int, int] = {}
    charge: dict[int, int] = {}
    level: dict[int, int] = {}
    for i, plant in enumerate(plants):
        if plant.storage is not None:
            energy[i], columns = columns, columns + 1
    for i, plant in enumerate(plants):
        if plant.storage is not None:
            charge[i], level[i], columns = columns, columns + hours, columns + 2 * hours
        elif not plant.follows_weather_freely:
            output[i], columns = columns, columns + hours
    shed, columns = columns, columns + hours
    cut = queue = None
    if flexible is not None and flexible.cuts:
        cut, columns = columns, columns + hours
    if flexible is not None and flexible.waits:
        queue, columns = columns, columns + hours

    cost, carbon = np.zeros(columns), np.zeros(columns)
    equal, less = _Rows(hours), _Rows(hours)
    largest: dict[int, int] = {}
    least: dict[int, int] = {}
    fixed: set[int] = set()
    net: list[tuple[Any, Any]] = []  # what each column adds to the supply of an hour
    must_run: list[tuple[Any, Any]] = []
    any_negative = False
    own_equal: list[Ints] = []
    own_less: list[Ints] = []
    ramps: dict[int, Ints] = {}

    for i, plant in enumerate(plants):
        cost[i] = (plant.capital + plant.fixed) * of_year / (HOUR * MONEY_PER_ENERGY)
        if plant.minimum == plant.maximum:
            largest[i] = least[i] = equal.add(1, plant.maximum / unit, (i, 1.0))
            fixed.add(i)
        else:
            least[i] = less.add(1, -plant.minimum / unit, (i, -1.0))
            if np.isfinite(plant.maximum):
                largest[i] = less.add(1, plant.maximum / unit, (i, 1.0))
        limits = equal.count, less.count
        share = plant.hourly("availability", hours)
        price = plant.hourly("variable", hours) + plant.hourly("fuel", hours)
        price = (price + carbon_price * plant.hourly("carbon", hours)) / MONEY_PER_ENERGY
        if i in output:
            p = output[i] + h
            cost[p] = price * w
            carbon[p] = plant.hourly("carbon", hours) / CARBON_PER_ENERGY
            any_negative |= bool(np.any(price < 0))
            less.add(hours, 0.0, (p, 1.0), (i, -share))
            less.add(hours, 0.0, (p, -1.0), (i, plant.minimum_load * share))
            net.append((p, 1.0))
            must_run.append((i, plant.minimum_load * share))
            if plant.ramp is not None and plant.ramp < 1.0 and hours > 1:
                room = plant.ramp + np.abs(share - share[before])
                up = less.add(hours, 0.0, (p, 1.0), (p[before], -1.0), (i, -room))
                less.add(hours, 0.0, (p, -1.0), (p[before], 1.0), (i, -room))
                ramps[i] = np.arange(up, less.count)
        elif plant.storage is not None:
            store = plant.storage
            e, c, size = level[i] + h, charge[i] + h, energy[i]
            keep, into, out = 1.0 - store.self_discharge, store.charge_efficiency, store.discharge_efficiency
            cost[size] = (store.energy_capital + store.energy_fixed) * of_year / MONEY_PER_ENERGY
            discharge = ((e[before], out * keep), (c, out * into), (e, -out))
            for place, weight in discharge:
                np.add.at(cost, place, price * weight * w)
            less.add(hours, 0.0, *((place, -weight) for place, weight in discharge))
            less.add(hours, 0.0, *discharge, (i, -share))
            less.add(hours, 0.0, (c, -1.0))
            less.add(hours, 0.0, (c, 1.0), (i, -share))
            less.add(hours, 0.0, (e, -1.0))
            less.add(hours, 0.0, (e, 1.0), (size, -store.mean_energy))
            longest = store.duration_max / HOUR
            if store.duration_min == store.duration_max:
                equal.add(1, 0.0, (size, 1.0), (i, -longest))
            else:
                less.add(1, 0.0, (size, -1.0), (i, store.duration_min / HOUR))
                if np.isfinite(longest):
                    less.add(1, 0.0, (size, 1.0), (i, -longest))
            net.extend((*discharge, (c, -1.0)))
        else:
            net.append((i, share))
        own_equal.append(np.arange(limits[0], equal.count))
        own_less.append(np.arange(limits[1], less.count))

    tied: dict[int, int] = {}
    ratio: dict[int, int] = {}
    for i, stores in stores_inside(plants).items():
        made = (output[i] + h, -1.0) if i in output else (i, -plants[i].hourly("availability", hours))
        tied[i] = less.add(hours, 0.0, *((charge[k] + h, 1.0) for k in stores), made)
        for k in stores:
            if np.isfinite(plants[k].host_ratio):
                ratio[k] = less.add(1, 0.0, (k, 1.0), (i, -plants[k].host_ratio))

    s = shed + h
    cost[s] = not_served_price / MONEY_PER_ENERGY * w
    if not_served_share is not None and not_served_share <= 0.0:
        equal.add(hours, 0.0, (s, 1.0))
    else:
        less.add(hours, 0.0, (s, -1.0))
        if not_served_share is not None:
            less.add_sum(not_served_share * float(np.sum(w * need)), s, w)
    net.append((s, 1.0))
    of_load: list[tuple[Any, Any]] = [(s, 1.0)]  # what each column takes off the load of an hour
    cut_limit = peak = queue_top = None
    if cut is not None and flexible is not None:
        u = cut + h
        cost[u] = flexible.cut_cost / MONEY_PER_ENERGY * w
        less.add(hours, 0.0, (u, -1.0))
        less.add(hours, flexible.cut_share * need, (u, 1.0))
        if flexible.cut_limit is not None:
            cut_limit = less.add_sum(flexible.cut_limit * float(np.sum(w * need)), u, w)
        of_load.append((u, 1.0))
    if queue is not None and flexible is not None:
        q, may = queue + h, flexible.defer_share * need
        cost[q] = flexible.wait_cost / MONEY_PER_ENERGY * w
        less.add(hours, 0.0, (q, -1.0))
        top = queue_limit(arriving=may, window=flexible.window, blocks=blocks)
        queue_top = less.add(hours, top, (q, 1.0))
        less.add(hours, may, (q, 1.0), (q[before], -1.0))  # what leaves the queue is not negative
        most = max(flexible.peak or 0.0, float(np.max(load))) / unit
        peak = less.add(hours, most - need, (q[before], 1.0), (q, -1.0))
        of_load.extend(((q, 1.0), (q[before], -1.0)))
    net.extend(of_load[1:])
    balance = less.add(hours, -need, *((place, -np.asarray(weight)) for place, weight in net))
    surplus = None
    if any_negative:  # a paid-for joule may not be thrown away: only sun, wind and must-run output may
        weather = [i for i in range(n) if i not in output and i not in energy]
        kept = [(place, w) for place, w in net if not (np.ndim(place) == 0 and place in weather)]
        surplus = less.add(hours, need, *kept, *((i, -w) for i, w in must_run))
    carbon_row = None
    if carbon_limit is not None:
        limit = carbon_limit / CARBON_PER_ENERGY
        grams = carbon.copy()
        for first in output.values():
            grams[first + h] *= w
        grams[s] = limit * w
        if cut is not None:
            grams[cut + h] = limit * w
        used = np.flatnonzero(grams)
        carbon_row = less.add_sum(limit * float(np.sum(w * need)), used, grams[used])
    matching_row, dirty = None, {}
    if matching is not None:
        rest = 1.0 - matching
        shares = {i: plants[i].dirty(hours, clean_carbon) for i in output}
        dirty = {i: share for i, share in shares.items() if np.any(share)}
        of_dirty = [(output[i] + h, marked) for i, marked in dirty.items()]
        matching_row = less.add(
            hours, rest * need, *of_dirty, *((place, rest * float(sign)) for place, sign in of_load)
        )

    first = equal.count
    rows = np.concatenate([*equal.rows, *(r + first for r in less.rows)])
    where = np.concatenate([*equal.columns, *less.columns])
    values = np.concatenate([*equal.values, *less.values])
    matrix = csc_matrix((values, (rows, where)), shape=(first + less.count, columns))
    matrix.eliminate_zeros()
    return Programme(
        plants=tuple(plants),
        load=load,
        power_unit=unit,
        A=matrix,
        b=np.concatenate([*equal.right, *less.right]),
        equalities=first,
        cost=cost,
        carbon=carbon,
        capacity=capacity,
        energy=energy,
        output=output,
        charge=charge,
        level=level,
        shed=shed,
        balance_row=first + balance,
        surplus_row=None if surplus is None else first + surplus,
        carbon_row=None if carbon_row is None else first + carbon_row,
        largest_row={i: row if i in fixed else first + row for i, row in largest.items()},
        least_row={i: row if i in fixed else first + row for i, row in least.items()},
        own_columns=tuple(
            np.concatenate(
                [
                    np.array([i] + ([energy[i]] if i in energy else [])),
                    *(first_of[i] + h for first_of in (output, charge, level) if i in first_of),
                ]
            )
            for i in range(n)
        ),
        own_rows=tuple(np.concatenate([a, first + b]) for a, b in zip(own_equal, own_less, strict=True)),
        ramp_rows={i: first + rows_of for i, rows_of in ramps.items()},
        blocks=blocks,
        before=before,
        weight=w,
        matching_row=None if matching_row is None else first + matching_row,
        cut=cut,
        queue=queue,
        cut_limit_row=None if cut_limit is None else first + cut_limit,
        peak_row=None if peak is None else first + peak,
        queue_limit_row=None if queue_top is None else first + queue_top,
        dirty=dirty,
        tie_rows={i: first + row + h for i, row in tied.items()},
        ratio_row={k: first + row for k, row in ratio.items()},
        hour_columns=tuple(
            start
            for start in (*output.values(), *charge.values(), *level.values(), shed, cut, queue)
            if start is not None
        ),
        hour_rows=(*equal.hourly, *(first + row for row in less.hourly)),
    )
