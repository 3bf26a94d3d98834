"""What the work of a campus can give up, in steps, and what a plan makes of it.

A campus that draws less does less. What a training does not do it does later, on accelerators, building and
energy that cost as much then; what a service does not write is never written, and is worth at least what it
costs. So a joule given up costs what the work lost with it is worth,

    (cost of a second of the campus + price of energy · its mean power) · share of work lost / power given up

and what a plan saves by it is the price of the hour, once: that is of the energy not drawn, the price of
energy above of the work. Steps are those of the lower convex hull of (power given up, work lost): of caps by
the clock curve of the accelerators, and of a pause or of requests that are shed.

References
----------
Daly (2006), Future Generation Computer Systems 22(3): work lost since the last checkpoint. Norris et al.
(2025), Rethinking Load Growth, Duke University: what a load that curtails is worth to a grid (recalled; no
number is taken from it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain import methods
from gigawatt.chain.money import Campus
from gigawatt.chain.registry import CHAIN, serving, training
from gigawatt.chain.supply.quantities import HOUR, cut, planned, supply_plan
from gigawatt.chain.supply.terms import COMPUTED
from gigawatt.core.quantities import HOURS_PER_YEAR, compact
from gigawatt.facility import LoadShape, Weather
from gigawatt.money import SECONDS_PER_YEAR, assets_yearly
from gigawatt.power import CutStep, Flexible, Plant, SupplyPlan
from gigawatt.power.adequacy import outage_bill
from gigawatt.power.plan.words import money
from gigawatt.schema.fields import SERVING, TRAINING

__all__ = [
    "PAUSING",
    "SHEDDING",
    "Ladder",
    "Point",
    "cost_of_stopping",
    "ladder_of",
    "lost_in",
    "rows_of",
    "words_of_flexibility",
    "words_of_shedding",
]

PAUSING = ("supply.flexible=computed", "training.outages=pause")
"""What has to be written for a plan to reckon with what a training itself gives."""
SHEDDING = ("supply.flexible=computed",)
"""The same of a service."""
_FAR, _NOTICED = 0.5, 1e-3
"""Below this part of the price of energy not served a pause is worth a word; below this share of the load a
cut is the solver's dust."""
_MWH = 3.6e9
Array = NDArray[np.float64]
_STEPS = 4
"""Steps of a ladder at most, the last besides."""


class Point(NamedTuple):
    """``share`` of the mean power given up, ``lost`` share of the work, what is done, and of a service the
    ``token_time`` [s] with it."""

    share: float
    lost: float
    name: str
    token_time: float = 0.0


@dataclass(frozen=True)
class Ladder:
    """``steps`` of rising cost, ``kept`` : share of the work that is still done at the end of each, and of a
    service ``token_time`` [s] there."""

    steps: tuple[CutStep, ...]
    kept: tuple[float, ...]
    token_time: tuple[float, ...] = ()


def ladder_of(points: Sequence[Point], *, worth: float, power: float) -> Ladder:
    """The steps of a load that can be at these points.

    Parameters
    ----------
    points : sequence of Point
        In any order, without the one at which nothing is given up. Those that a mix of others beats are left
        out.
    worth : float
        $/s of all the work.
    power : float
        Mean power, W.

    Returns
    -------
    Ladder
        Steps of rising cost; ``worth · lost / (share · power)`` [$/J] from one point to the next.
    """
    hull = [Point(0.0, 0.0, "")]
    for point in sorted(points):
        if point.share <= hull[-1].share + 1e-9:
            continue
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-1], point):
            hull.pop()
        hull.append(point)
    kept = [hull[0], *_spread(hull[1:])]
    steps = tuple(
        CutStep(
            share=after.share - before.share,
            cost=worth * max(_slope(before, after), 0.0) / power,
            slows=min(max(after.lost - before.lost, 0.0), 1.0),
            name=after.name,
        )
        for before, after in pairwise(kept)
    )
    times = tuple(point.token_time for point in kept[1:])
    return Ladder(steps, tuple(1.0 - point.lost for point in kept[1:]), times if any(times) else ())


def _slope(before: Point, after: Point) -> float:
    return (after.lost - before.lost) / (after.share - before.share)


def _spread(points: Sequence[Point]) -> list[Point]:
    """The last point, the one that loses nothing, and at most ``_STEPS`` others at about equal distances."""
    if len(points) <= _STEPS + 1:
        return list(points)
    shares = np.array([point.share for point in points[:-1]])
    wanted = shares[-1] * np.arange(1, _STEPS + 1) / _STEPS
    chosen = sorted({int(np.abs(shares - one).argmin()) for one in wanted})
    free = [points[0]] if points[0].lost == 0.0 and 0 not in chosen else []
    return [*free, *(points[i] for i in chosen), points[-1]]


@serving("load.hour_cost", "$/h", given=SHEDDING)
@training("load.hour_cost", "$/h")
def hour_cost(ledger_campus: Campus, economics_discount_rate: float) -> float:
    """All-in cost of an hour of the campus without its electricity: accelerators, network, building, staff.

    (annuities + operation of a year) / hours of a year
    """
    return assets_yearly(tuple(ledger_campus.assets.values()), economics_discount_rate) / SECONDS_PER_YEAR


def cost_of_stopping(*, hour: float, price: float, mean: float, stopped: float) -> float | None:
    """$/J not drawn by a campus that costs ``hour`` [$/s] and draws ``mean`` [W], ``stopped`` [W] idle.

    (hour + price · mean) / (mean − stopped); ``None`` where it draws no less without work.
    """
    return None if mean <= stopped else (hour + price * mean) / (mean - stopped)


@serving("load.cap_cost", "$/MWh", given=SHEDDING)
@training("load.cap_cost", "$/MWh")
def cap_cost(load_ladder: Ladder) -> float | None:
    """Cost of the energy given up first: by the cap that loses least speed for it.

    Cost of the first step.
    """
    return load_ladder.steps[0].cost if load_ladder.steps else None


@serving("load.last_cost", "$/MWh", given=SHEDDING)
@training("load.last_cost", "$/MWh")
def last_cost(load_ladder: Ladder) -> float | None:
    """Cost of the energy given up last: from the lowest cap to a pause, without what a pause costs once.

    Cost of the last step.
    """
    return load_ladder.steps[-1].cost if load_ladder.steps else None


@serving("load.flexible_share", "percent", given=SHEDDING)
@training("load.flexible_share", "percent")
def flexible_share(load_ladder: Ladder) -> float:
    """Share of the load that the runs can give up.

    Sum over the steps; what stands goes on drawing the rest.
    """
    return sum(step.share for step in load_ladder.steps)


CHAIN.leaf("supply.flexible_given", "", "Curtailable and deferrable load, as given", (TRAINING,),
           fields=("supply.flexible", "supply.deferrable"), given=PAUSING)  # fmt: skip
CHAIN.leaf("supply.flexible_given", "", "Curtailable and deferrable load, as given", (SERVING,),
           fields=("supply.flexible", "supply.deferrable"), given=SHEDDING)  # fmt: skip
CHAIN.leaf("scenario.flexible", "", "Curtailable load, as written", (TRAINING,),
           fields=("supply.flexible",), given=PAUSING)  # fmt: skip
CHAIN.leaf("scenario.flexible", "", "Curtailable load, as written", (SERVING,),
           fields=("supply.flexible",), given=SHEDDING)  # fmt: skip
# the same plan: a service that buys all its electricity at a price has none that may cut
serving("supply.plan", "", given=SHEDDING, method=methods.SUPPLY)(supply_plan)


@serving("supply.uncut_plan", "", given=SHEDDING, method=methods.SUPPLY)
@training("supply.uncut_plan", "", given=PAUSING, method=methods.SUPPLY)
def uncut_plan(
    facility_load: LoadShape,
    supply_candidates: tuple[Plant, ...],
    supply_carbon_limit: float | None,
    supply_carbon_price: float,
    supply_not_served_price: float,
    supply_not_served_limit: float | None,
    supply_units: str,
    supply_fuel_lines: int,
    supply_matching: float | None,
    supply_flexible_given: Flexible | None,
    site_weather_years: tuple[Weather, ...],
) -> SupplyPlan:
    """The plan of a load that gives up nothing of its work, at the price of energy not served.

    As ``supply.plan``.
    """
    plants = tuple(replace(plant, reserve_price=0.0) for plant in supply_candidates)
    return planned(
        facility_load, plants, supply_carbon_limit, supply_carbon_price, supply_not_served_price,
        supply_not_served_limit, supply_units, supply_fuel_lines, supply_matching, supply_flexible_given,
        site_weather_years,
    )  # fmt: skip


@training("supply.later_price", "$/MWh")
def price_of_the_plan(supply_plan: SupplyPlan) -> float:
    """Price of the energy with which work that is lost is done later.

    Levelised cost of the electricity served.
    """
    return supply_plan.cost_per_energy


@serving("supply.later_price", "$/MWh", given=SHEDDING)
@training("supply.later_price", "$/MWh", given=PAUSING)
def price_of_the_uncut_plan(supply_uncut_plan: SupplyPlan) -> float:
    """Price of the energy with which work that is lost is done later, or would have been done.

    Levelised cost of the electricity served of the plan that cuts nothing.
    """
    return supply_uncut_plan.cost_per_energy


@serving("facility.energy", "GWh", given=SHEDDING)
@training("facility.energy", "GWh", given=PAUSING)
def energy_without_cuts(facility_load: LoadShape, supply_plan: SupplyPlan) -> float:
    """Electricity of the facility in a year, without what is cut.

    Sum over the hours − cut
    """
    return float(np.sum(facility_load.facility)) * HOUR - cut(supply_plan)


@serving("supply.time_lost", "percent", given=SHEDDING)
@training("supply.time_lost", "percent", given=PAUSING)
def time_lost(supply_plan: SupplyPlan) -> float:
    """Share of a year's work that is cut.

    Mean over the hours of power cut / power × work lost with it, and checkpoints and restarts of pauses.
    """
    return lost_in(supply_plan)


def lost_in(plan: SupplyPlan) -> float:
    """Share of a year's work that a plan cuts."""
    if plan.flexible is None:
        return 0.0
    hours = len(plan.load) // plan.years
    first = np.arange(len(plan.load)) // hours * hours
    before = first + (np.arange(len(plan.load)) - first - 1) % hours
    return plan.flexible.lost(plan.cut_steps, plan.load, before, plan.hour_weight)


@training("supply.flexibility_saves", "M$/yr")
def nothing_saved(supply_plan: SupplyPlan) -> float | None:
    """What the plan costs less a year than the one that cuts nothing.

    Not asked, without ``computed``.
    """
    assert supply_plan is not None


@serving("supply.flexibility_saves", "M$/yr", given=SHEDDING)
@training("supply.flexibility_saves", "M$/yr", given=PAUSING)
def flexibility_saves(supply_plan: SupplyPlan, supply_uncut_plan: SupplyPlan) -> float:
    """What the plan costs less a year than the one that cuts nothing, time lost and outages counted.

    Cost of plants, energy not served, cuts and outages, these at the cost of a pause, of both.
    """
    gives = supply_plan.flexible
    uncut = supply_uncut_plan if gives is None else replace(supply_uncut_plan, flexible=_outages_of(gives))
    bills = [plan.objective + outage_bill(plan) for plan in (uncut, supply_plan)]
    return (bills[0] - bills[1]) / SECONDS_PER_YEAR


def _outages_of(gives: Flexible) -> Flexible:
    return Flexible(outage_price=gives.outage_price, outage_event=gives.outage_event)


def hours_of(plan: SupplyPlan, cut: Array) -> float:
    """h a year in which ``cut`` (H,) [W] is more than a thousandth of the highest load."""
    share = float(plan.hour_weight @ (cut > _NOTICED * plan.load.max())) / len(plan.load)
    return share * HOURS_PER_YEAR


def rows_of(ladder: Ladder, plan: SupplyPlan) -> list[dict[str, object]]:
    """Rows of the table ``flexibility``: each step, what it costs and keeps, and how much of it is used."""
    rows: list[dict[str, object]] = []
    used = plan.flexible is not None and plan.flexible.steps == ladder.steps
    for k, (step, kept) in enumerate(zip(ladder.steps, ladder.kept, strict=True)):
        cut = plan.cut_steps[:, k] if used and plan.cut_steps.shape[1] else np.zeros(len(plan.load))
        rows.append(
            {
                "what": step.name,
                "share [percent]": 100.0 * step.share,
                "cost [$/MWh]": step.cost * _MWH,
                "event [$/MW]": step.event * 1e6,
                "speed_kept [percent]": 100.0 * kept,
                "cut [MWh/yr]": float(plan.hour_weight @ cut) * HOUR * plan.weight / _MWH,
                "hours [h/yr]": hours_of(plan, cut),
                **({"token_time [ms]": 1e3 * ladder.token_time[k]} if ladder.token_time else {}),
            }
        )
    return rows


def words_of_flexibility(
    plan: SupplyPlan,
    *,
    pause_cost: float | None,
    event: float,
    outage_price: float | None,
    saves: float | None,
) -> list[str]:
    """What a pause costs beside the price that outages count by, or what the plan makes of the runs."""
    if pause_cost is None:
        return []
    pause = f"a pause of the runs costs {_price(pause_cost)}"
    if saves is None:
        if outage_price is None or pause_cost > _FAR * outage_price:
            return []
        return [
            f"{pause} and {money(event)} an event; energy that outages leave unserved counts "
            f"{_price(outage_price)}: with supply.flexible: {COMPUTED} the plan uses what runs give"
        ]
    takes = f"it takes {100.0 * lost_in(plan):.3g} % of the time"
    told = f"{_saved(saves)} than with a load that gives nothing; {pause}, which is the price of outages"
    if not np.any(plan.cut > _NOTICED * plan.load.max()):
        return [f"the runs are never cut by plan: {told}"]
    return [f"the runs are cut {_what_is_cut(plan, 'their')}; {takes}: {told}"]


def words_of_shedding(plan: SupplyPlan, *, stop_cost: float | None, tokens: float, saves: float) -> list[str]:
    """What the plan makes of a service: ``stop_cost`` [$/J] of shedding all, ``tokens`` not written."""
    if stop_cost is None:
        return []
    told = (
        f"{_saved(saves)} than with a service that gives nothing; shedding all requests costs "
        f"{_price(stop_cost)}, outages the price of energy not served"
    )
    if not np.any(plan.cut > _NOTICED * plan.load.max()):
        return [f"the service is never cut by plan: {told}"]
    lost = f"{compact(tokens, 'tokens', 3)} a year, {100.0 * lost_in(plan):.3g} %, are not written"
    return [f"the service is cut {_what_is_cut(plan, 'its')}; {lost}: {told}"]


def _price(joule: float) -> str:
    return f"${joule * _MWH:,.0f}/MWh"


def _saved(saves: float) -> str:
    return f"{money(abs(saves) * SECONDS_PER_YEAR)} a year {'less' if saves >= 0.0 else 'more'}"


def _what_is_cut(plan: SupplyPlan, whose: str) -> str:
    """In how many hours a plan cuts, how much, and how dear they are."""
    energy = 100.0 * cut(plan) / (float(plan.hour_weight @ plan.load) * HOUR * plan.weight)
    dear = float(np.average(plan.price, weights=plan.hour_weight * plan.cut))
    return (
        f"in {hours_of(plan, plan.cut):,.0f} h a year, by {energy:.3g} % of {whose} energy, "
        f"at a marginal price of {_price(dear)} in the mean"
    )
