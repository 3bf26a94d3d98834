"""What binds in a plan, in sentences; numbers come from the duals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gigawatt.core.quantities import HOURS_PER_YEAR, compact
from gigawatt.power.formulation import CARBON_PER_ENERGY, HOUR, MONEY_PER_ENERGY
from gigawatt.power.plan.programme import Programme
from gigawatt.power.plan.recover import Hours

__all__ = ["binding", "carbon_shadow_price", "grams", "money"]

Array = npt.NDArray[np.float64]

#: A limit is reached within this share of itself, and worth a sentence above this share of the bill.
_REACHED = 1e-5
_POINT = 0.01


def money(value: float) -> str:
    """``1.234e8`` → ``$123.4 million``."""
    for scale, word in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if abs(value) >= scale:
            return f"${value / scale:,.4g}{word}"
    return f"${value:,.4g}"


def grams(intensity: float) -> str:
    """kg/J as ``g/kWh``."""
    return f"{intensity * HOUR * 1e6:.4g} g/kWh"


def carbon_shadow_price(programme: Programme, z: Array) -> float:
    """$/kg of the carbon limit; 0 without one."""
    if programme.carbon_row is None:
        return 0.0
    return float(z[programme.carbon_row]) * MONEY_PER_ENERGY / CARBON_PER_ENERGY


def binding(
    *,
    programme: Programme,
    hours: Hours,
    z: Array,
    bill: float,
    carbon_limit: float | None,
    duty: float = 1.0,
) -> tuple[str, ...]:
    """Limits that bind, dearest first, each with what one more unit would save in a year.

    ``bill`` is the cost of the programme's hours, $; it decides what is too small to mention. ``duty`` is the
    share of the year in which the load is drawn.
    """
    year = HOURS_PER_YEAR * duty / programme.hours
    enough = _REACHED * abs(bill) * year
    per_watt = MONEY_PER_ENERGY * HOUR * year
    found: list[tuple[float, str]] = []

    def mention(saved: float, text: str) -> None:
        if saved > enough:
            found.append((saved, text))

    for i, plant in enumerate(programme.plants):
        if i in programme.largest_row:
            worth = float(z[programme.largest_row[i]]) * per_watt
            full = hours.capacity[i] >= plant.maximum * (1.0 - _REACHED)
            if full and worth * max(plant.maximum, programme.power_unit) > enough:
                noun = "size" if plant.minimum == plant.maximum else "limit"
                head = f"the {compact(plant.maximum, 'W')} {noun} of {plant.name} binds"
                found.append(
                    (
                        worth * plant.maximum,
                        f"{head}{_often(programme, hours, i)}: a further MW would save "
                        f"{money(worth * 1e6)} per year",
                    )
                )
        if i in programme.ratio_row:
            worth = float(z[programme.ratio_row[i]]) * per_watt
            mention(
                worth * hours.capacity[i],
                f"{plant.name} is as large as {plant.host} takes: a further MW would save "
                f"{money(worth * 1e6)} per year",
            )
        if plant.minimum > 0.0:
            dual = float(z[programme.least_row[i]])
            worth = (max(-dual, 0.0) if plant.minimum == plant.maximum else dual) * per_watt
            mention(
                worth * plant.minimum,
                f"{plant.name} has {compact(plant.minimum, 'W')} because its minimum binds: "
                f"one MW less would save {money(worth * 1e6)} per year",
            )
    if carbon_limit is not None:
        shadow = carbon_shadow_price(programme, z)
        served = float(programme.weight @ (programme.load - hours.not_served - hours.cut)) * HOUR * year
        gram = 1.0 / (HOUR * 1e6)
        mention(
            shadow * served * max(carbon_limit, gram),
            f"the carbon limit of {grams(carbon_limit)} binds at ${shadow * 1e3:,.4g} per tonne: "
            f"one g/kWh more would save {money(shadow * served * gram)} per year",
        )
    for saved, text in _of_load(programme, z, year):
        mention(saved, text)
    return tuple(text for _, text in sorted(found, key=lambda pair: -pair[0]))


def _of_load(p: Programme, z: Array, year: float) -> Iterator[tuple[float, str]]:
    """Hourly matching and the limits of a load that gives way: ($ saved in a year, sentence)."""
    to_money = MONEY_PER_ENERGY * HOUR * p.power_unit * year
    need = p.load / p.power_unit

    def worth(first: int | None, per_point: Array) -> tuple[float, int]:
        if first is None:
            return 0.0, 0
        duals = np.maximum(z[first : first + p.hours], 0.0)
        value = float(duals @ per_point) * to_money
        return value, int(np.sum(duals * np.maximum(per_point, _REACHED) > _REACHED * np.max(duals)))

    saved, count = worth(p.matching_row, need * _POINT)
    yield (
        saved,
        f"the hourly matching binds in {count:,} of {p.hours:,} h: one percentage point less would "
        f"save {money(saved)} per year",
    )
    if p.cut_limit_row is not None:
        saved = float(z[p.cut_limit_row]) * float(p.weight @ need) * _POINT * to_money
        yield (
            saved,
            f"the limit on load cut binds: one percentage point of the energy more would save "
            f"{money(saved)} per year",
        )
    if p.lost_limit_row is not None:
        saved = float(z[p.lost_limit_row]) * float(np.sum(p.weight)) * _POINT * to_money
        yield (
            saved,
            f"the time that cuts may lose binds: one percentage point more would save {money(saved)} "
            "per year",
        )
    ones = np.ones(p.hours)
    saved, count = worth(p.peak_row, ones)
    yield (
        saved,
        f"the largest power of the load keeps deferred load from being made up in {count:,} of "
        f"{p.hours:,} h: a further MW would save {money(saved / p.power_unit * 1e6)} per year",
    )
    saved, count = worth(p.queue_limit_row, ones)
    yield (
        saved,
        f"the window of the deferrable load binds in {count:,} of {p.hours:,} h: a further "
        f"MWh of it would save {money(saved / p.power_unit * 1e6)} per year",
    )


def _often(programme: Programme, hours: Hours, i: int) -> str:
    if i not in programme.output:
        return ""
    most = programme.plants[i].hourly("availability", programme.hours) * hours.capacity[i]
    count = int(np.sum((hours.output[:, i] >= most * (1.0 - _REACHED)) & (most > 0.0)))
    return f" in {count:,} of {programme.hours:,} h"
