"""Effective load-carrying capability (ELCC): the perfect power that a little more of a plant is worth.

Of the plan's own system: what a further megawatt of a plant takes off the energy not served (EUE), as the
perfect megawatts that take off as much. Marginal, so it falls with the plant's own amount.

References
----------
Garver, Effective load carrying capability of generating units, IEEE Trans. PAS-85(8), 1966.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gigawatt.power.adequacy.common import common_modes, with_modes
from gigawatt.power.adequacy.indices import Indices
from gigawatt.power.adequacy.maintenance import place_maintenance
from gigawatt.power.adequacy.rows import PlantUnits
from gigawatt.power.adequacy.system import System, is_built
from gigawatt.power.plan.result import SupplyPlan

__all__ = ["Credit", "credits_of"]

Array = npt.NDArray[np.float64]
_LITTLE = 0.01
"""What is added, as a share of the highest load."""
_LEAST = 1e-9
"""Share of the energy below which nothing is lost."""
_DAY, _YEARS = 24, 500


@dataclass(frozen=True)
class Credit:
    """``share`` of a further megawatt of ``plant`` (id) that is as good as perfect; ``capacity`` [W] of it
    that the plan has."""

    plant: str
    capacity: float
    share: float


def credits_of(plan: SupplyPlan, system: System) -> tuple[Credit, ...]:
    """Marginal ELCC of each plant of a plan in its own system.

    By convolution; where the plan has stores by 500 simulated years with the same
    outages. Empty where nothing is lost, since every megawatt is worth nothing then.

    Parameters
    ----------
    plan : SupplyPlan
        The plan.
    system : System
        Its whole units.
    """
    little = _LITTLE * float(plan.load.max())
    stores = [i for i, one in enumerate(plan.plants) if one.storage is not None and is_built(plan, one.id)]
    if stores:
        return _credits(plan, little, *_by_simulation(plan, system, stores, little))
    return _credits(plan, little, *_by_convolution(plan, system, little))


def _credits(
    plan: SupplyPlan, little: float, base: float, firm: float, added: Sequence[tuple[str, float]]
) -> tuple[Credit, ...]:
    """By the logarithm of EUE, which is nearly linear in a little power."""
    energy = float(plan.load.mean()) * len(plan.load)
    if base <= _LEAST * energy or firm >= base:
        return ()
    whole = math.log(base / firm) if firm > 0.0 else math.inf
    found: list[Credit] = []
    for name, left in added:
        share = (base - left) / (base - firm)
        if left > 0.0 and whole < math.inf:
            share = math.log(base / left) / whole
        found.append(Credit(name, plan.capacity[name], max(share, 0.0)))
    return tuple(found)


def _profiles(plan: SupplyPlan) -> list[tuple[str, Array]]:
    """Plants without units of their own: their availability in each hour."""
    return [
        (one.id, np.asarray(one.hourly("availability", len(plan.load))))
        for one in plan.plants
        if one.storage is None and one.kind == "profile" and one.unit_size == 0.0 and is_built(plan, one.id)
    ]


def _small(
    system: System, kind: int, little: float, lacking: Array
) -> tuple[PlantUnits, npt.NDArray[np.int64]]:
    """(a further little unit of a kind, first day of its maintenance, where least lacks)."""
    one = system.kinds[kind]
    small = replace(one, capacity=little, units=replace(one.units, count=1, size=little))
    days = len(lacking) // system.years // _DAY
    level = (
        lacking.reshape(system.years, -1)[:, : days * _DAY].reshape(system.years, days, _DAY).sum(2).max(0)
    )
    return small, place_maintenance([replace(small.units, size=1e-12)], level)[0]


def _away(system: System, small: PlantUnits, first: npt.NDArray[np.int64]) -> Array:
    """(H,) 1 in the hours in which it is in maintenance."""
    hours = len(system.need) // system.years
    away = np.zeros(hours)
    long = math.ceil(small.units.planned * (hours // _DAY) - 1e-9)
    if long and first[0] >= 0:
        away[first[0] * _DAY : (first[0] + long) * _DAY] = 1.0
    return np.tile(away, system.years)


def _by_convolution(
    plan: SupplyPlan, system: System, little: float
) -> tuple[float, float, list[tuple[str, float]]]:
    """EUE [W·h] as it is, with a little perfect power, and with a little more of each plant.

    A little unit is there or not, apart from all others but its common modes: the energy that lacks is the
    mean of what lacks with it and without it, so that no table has to hold it.
    """
    known: dict[tuple[frozenset[int], bytes], Array] = {}

    def lacking(gone: frozenset[int], less: Array | float) -> Array:
        shift = np.broadcast_to(np.asarray(less, dtype=float), system.need.shape)
        key = (gone, b"" if not np.any(shift) else shift.tobytes())
        if key not in known:
            known[key] = system.convolved(gone, need=system.need - shift).lacking
        return known[key]

    def energy(need: Array, of: Callable[[frozenset[int]], Array]) -> float:
        def without(gone: frozenset[int]) -> Indices:
            here = of(gone)
            return Indices(0.0, None, float(here @ system.weight), None, np.zeros(len(here)), here)

        return with_modes(system.modes, need, system.weight, without).energy

    whole = lacking(frozenset(), 0.0)
    found: list[tuple[str, float]] = []
    for i, one in enumerate(system.kinds):
        if one.plant.kind == "grid":
            mine = frozenset({i})
            full = (one.units.total + little) * one.share
            there = (1.0 - np.minimum(one.units.forced * one.risk, 1.0)) * (system.out[:, i] == 0)

            def larger(gone: frozenset[int], full: Array = full, there: Array = there,
                       mine: frozenset[int] = mine) -> Array:  # fmt: skip
                out = lacking(gone | mine, 0.0)
                return out if mine <= gone else there * lacking(gone | mine, full) + (1.0 - there) * out

            found.append((one.plant.id, energy(system.need, larger)))
            continue
        small, first = _small(system, i, little, whole)
        there = (1.0 - np.minimum(one.units.forced * one.risk, 1.0)) * (1.0 - _away(system, small, first))

        def more(gone: frozenset[int], i: int = i, one: PlantUnits = one, there: Array = there) -> Array:
            base = lacking(gone, 0.0)
            return base if i in gone else there * lacking(gone, little * one.share) + (1.0 - there) * base

        found.append((one.plant.id, energy(system.need, more)))
    for name, there in _profiles(plan):
        found.append((name, energy(system.need, lambda gone, there=there: lacking(gone, little * there))))
    base = energy(system.need, lambda gone: lacking(gone, 0.0))
    firm = energy(system.need - little, lambda gone: lacking(gone, little))
    return base, firm, found


def _with_small(system: System, kind: int, little: float, lacking: Array) -> System:
    """With a further little unit of a kind; the others' maintenance stays. A connection grows."""
    one = system.kinds[kind]
    if one.plant.kind == "grid":
        kinds = list(system.kinds)
        kinds[kind] = replace(one, units=replace(one.units, size=one.units.size + little))
        return replace(system, kinds=tuple(kinds))
    small, first = _small(system, kind, little, lacking)
    kinds = (*system.kinds, small)
    away = _away(system, small, first).astype(np.int64)
    grown = {name: np.column_stack([getattr(system, name), getattr(one, name)])
             for name in ("share", "risk", "hazard")}  # fmt: skip
    return replace(
        system, kinds=kinds, **grown, out=np.column_stack([system.out, away]), first=(*system.first, first),
        modes=common_modes(kinds, system.fuel_lines),
    )  # fmt: skip


def _by_simulation(
    plan: SupplyPlan, system: System, stores: Sequence[int], little: float
) -> tuple[float, float, list[tuple[str, float]]]:
    """The same of simulated years, in which stores answer outages; the same outages each time."""
    from gigawatt.power.adequacy.simulated import simulation_of, stores_of

    made = [store for store, _ in stores_of(plan)]

    def energy(of: System, having: Sequence[object] = made) -> float:
        later = len(of.kinds) - len(system.kinds)
        found = simulation_of(of, having, years=_YEARS, error=0.0, later=later)  # type: ignore[arg-type]
        return found.mean("energy")

    def less(power: Array | float) -> System:
        return replace(system, need=system.need - power)

    lacking = system.convolved(frozenset()).lacking
    found = [
        (one.plant.id, energy(_with_small(system, i, little, lacking)))
        for i, one in enumerate(system.kinds)
    ]  # fmt: skip
    found += [(name, energy(less(little * there))) for name, there in _profiles(plan)]
    for k, i in enumerate(stores):
        one, grown = made[k], 1.0 + little / plan.capacity[plan.plants[i].id]
        bigger = replace(
            one, units=replace(one.units, size=one.units.size * grown), energy=one.energy * grown,
            start=one.start * grown,
        )  # fmt: skip
        found.append((plan.plants[i].id, energy(system, [*made[:k], bigger, *made[k + 1 :]])))
    return energy(system), energy(less(little)), found
