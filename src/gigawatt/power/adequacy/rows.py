"""From a plant of a plan to its units: figures of the catalog's ``outages``, by plant or by its kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import table
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.core.evidence import Assumption, Evidence, worst
from gigawatt.core.quantities import compact
from gigawatt.power.adequacy.units import Units
from gigawatt.power.plants.plant import Plant

__all__ = ["PlantUnits", "mean_availability", "plant_units", "rates_of", "unit_size_row"]

Array = npt.NDArray[np.float64]
_HOUR = 3600.0
_TABLE = "outages"
_OUT = 0.95
"""Highest forced outage rate of an hour."""
_WHOLE = 1e-6
"""A part of a unit below this share of it is the solver's."""


@dataclass(frozen=True)
class PlantUnits:
    """``units`` of a plant that was planned with ``capacity`` [W]; ``share`` (H,) of its size that a unit in
    order can give in each hour, ``hazard`` (H,) failures of the hour over their mean,
    ``risk`` (H,) share of units out, those not yet repaired among them, over ``units.forced``."""

    plant: Plant
    capacity: float
    units: Units
    share: Array
    risk: Array
    hazard: Array
    assumption: Assumption

    @property
    def spare(self) -> float:
        """W by which whole units exceed the plan."""
        return self.units.total - self.capacity


def _row(plant: Plant, quantity: str) -> Evidence:
    """The row of the plant, or of its kind.

    Raises
    ------
    MissingDataError
        Neither has one.
    """
    for name in (plant.id, plant.kind):
        if name in table(_TABLE) and quantity in table(_TABLE)[name].numbers:
            return table(_TABLE)[name].evidence(quantity)
    raise MissingDataError(f"catalog table {_TABLE!r} has no {quantity!r} of {plant.id!r}",
                           allowed=f"a row of {plant.id} or {plant.kind} in {_TABLE}.csv")  # fmt: skip


def _evidence(plant: Plant, quantity: str) -> Evidence | None:
    """The row of the plant itself that the plan has read."""
    return next((one for one in plant.evidence if one.quantity == quantity), None)


def unit_size_row(plant: Plant) -> Evidence:
    """The row of the plant's unit size; where it has none, that of its kind.

    Raises
    ------
    MissingDataError
        Neither has one.
    """
    return _evidence(plant, "unit_size") or _row(plant, "unit_size")


def _has(plant: Plant, quantity: str) -> bool:
    return any(quantity in table(_TABLE)[n].numbers for n in (plant.id, plant.kind) if n in table(_TABLE))


def _checked(row: Evidence, fits: bool, allowed: str) -> float:
    if not fits or not math.isfinite(row.value):
        raise InputError("not a sensible value", file=row.where, key=f"{row.entity}.{row.quantity}",
                         given=row.shown, allowed=allowed)  # fmt: skip
    return row.value


def _share(row: Evidence) -> float:
    return _checked(row, 0.0 <= row.value < 1.0, "0 %, below 100 %")


def plant_units(plant: Plant, capacity: float, hours: int, capacity_factor: float = 1.0) -> PlantUnits:
    """The whole units of a plant of a plan, rounded up, and the share of their size in each hour.

    Where less than a usual unit is planned, one unit as small as the row's range has.

    Parameters
    ----------
    plant : Plant
        What was planned.
    capacity : float
        W that the plan has.
    hours : int
        Hours of the plan.
    capacity_factor : float
        Mean output over capacity: units that stand still have to start when others fail.

    Raises
    ------
    InputError
        An outage rate of 100 % or more, a repair time of 0 or less; names file and line.
    """
    rows = [_row(plant, "repair_time"), _row(plant, "planned_outage")]
    repair = _checked(rows[0], rows[0].value > 0.0, "above 0 h") / _HOUR
    planned = _share(rows[1])
    if _has(plant, "failure_rate"):
        rows.append(_row(plant, "failure_rate"))
        often = _checked(rows[-1], rows[-1].value >= 0.0, "0 or more a year") * _HOUR
        forced = often * repair / (1.0 + often * repair)
    else:
        rows.append(_row(plant, "forced_outage_rate"))
        forced = _share(rows[-1])
    if _has(plant, "start_failure"):
        rows.append(_row(plant, "start_failure"))
        forced = 1.0 - (1.0 - forced) * (1.0 - _share(rows[-1]) * (1.0 - min(capacity_factor, 1.0)))
    size = capacity if plant.kind == "grid" else plant.unit_size
    if size <= 0.0:
        rows.append(_row(plant, "unit_size"))
        size = _checked(rows[-1], rows[-1].value > 0.0, "above 0 MW")
    elif capacity < size and (smallest := _evidence(plant, "unit_size")) is not None:
        size = max(capacity, size if smallest.low is None else min(smallest.low, size))
    units = Units(
        name=plant.name,
        count=max(1, math.ceil(capacity / size - _WHOLE)),
        size=size,
        forced=forced,
        repair=repair,
        planned=planned,
    )
    there, row = plant.hourly("availability", hours), _evidence(plant, "availability")
    rated = float(there.max()) if row is None else row.value
    share = np.minimum(there / rated, 1.0) if rated > 0.0 else np.zeros(hours)
    risk, hazard = _of_weather(units, plant.hourly("outages", hours))
    return PlantUnits(plant, capacity, units, share, risk, hazard, _assumed(plant, units, rows))


def _of_weather(units: Units, often: Array) -> tuple[Array, Array]:
    """(risk, hazard) of :class:`PlantUnits` from the forced outage rate of each hour's weather over its mean.

    A unit that fails in a cold hour is out until it is repaired: share out ``p`` of hour ``h + 1`` =
    ``p (1 - m) + (1 - p) l``, with failures ``l`` and repairs ``m`` an hour; the hours repeat.
    """
    if not np.any(often != 1.0) or units.forced == 0.0:
        return np.ones(len(often)), np.ones(len(often))
    mended = min(1.0 / units.repair, 1.0)
    rate = np.minimum(units.forced * often, _OUT)
    fail = np.minimum(mended * rate / (1.0 - rate), 1.0)
    kept, out, share = (1.0 - mended - fail).tolist(), np.empty(len(often)), units.forced
    for _ in range(2):  # the first round forgets how it began
        for h, (stays, new) in enumerate(zip(kept, fail.tolist(), strict=True)):
            out[h] = share
            share = share * stays + new
    return out / units.forced, fail / (mended * units.forced / (1.0 - units.forced))


def rates_of(row: str) -> tuple[float, float, list[Evidence]]:
    """(share of the time out, time to repair [h], rows) of a row of ``outages`` with a failure rate.

    Raises
    ------
    InputError
        A rate below 0, a repair time of 0 or less; names file and line.
    """
    one = table(_TABLE)[row]
    rows = [one.evidence("failure_rate"), one.evidence("repair_time")]
    often = _checked(rows[0], rows[0].value >= 0.0, "0 or more a year") * _HOUR
    repair = _checked(rows[1], rows[1].value > 0.0, "above 0 h") / _HOUR
    return often * repair / (1.0 + often * repair), repair, rows


def mean_availability(plant: Plant) -> tuple[float, Assumption]:
    """Share of many small units that are there in the mean, maintenance counted."""
    rows = [_row(plant, "forced_outage_rate"), _row(plant, "planned_outage")]
    there = (1.0 - _share(rows[0])) * (1.0 - _share(rows[1]))
    return there, Assumption(
        key=f"supply.adequacy.{plant.id}",
        value=f"{100 * there:.4g} % of it there at all times",
        reason="many small units: their mean is always out",
        grade=worst(row.grade for row in rows),
        source=", ".join(dict.fromkeys(row.source_id for row in rows)),
    )


def _assumed(plant: Plant, units: Units, rows: list[Evidence]) -> Assumption:
    size = "one connection" if plant.kind == "grid" else f"units of {compact(units.size, 'W')}"
    return Assumption(
        key=f"supply.adequacy.{plant.id}",
        value=f"{size}, forced out {100 * units.forced:.3g} % of the time, {units.repair:.3g} h to repair, "
        f"{100 * units.planned:.3g} % of the year in maintenance",
        reason=f"outages are none of the scenario's; rows of {_TABLE}.csv",
        grade=worst(row.grade for row in rows),
        source=", ".join(dict.fromkeys(row.source_id for row in rows)),
    )
