"""What a service gives up: slower by its power cap within the promised time of a token, then requests.

A cap slows what multiplies, so that more requests are held at once and each token comes later. While it comes
within what is promised the cap loses nothing; beyond that a replica takes fewer requests. Requests that are
shed are not served later. What each hour of the day gives follows from its own requests: a share of the load
is given up in all of them, by the cap that this takes in each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.machine.quantities import Machine
from gigawatt.chain.registry import serving
from gigawatt.chain.serving.choice import Configuration
from gigawatt.chain.serving.day import Profile, Week
from gigawatt.chain.serving.plan import ServingPlan
from gigawatt.chain.serving.power import POWER
from gigawatt.chain.serving.replica import replica
from gigawatt.chain.serving.service import SPEED
from gigawatt.chain.supply.flexibility import SHEDDING, Ladder, Point, cost_of_stopping, ladder_of
from gigawatt.chain.supply.terms import COMPUTED
from gigawatt.core.quantities import compact
from gigawatt.machine.clocks import clock_model, least_cap
from gigawatt.money import SECONDS_PER_YEAR
from gigawatt.performance.serving.curve import BatchCurve, batch_curve
from gigawatt.performance.serving.power import load_node_power, load_serving_power
from gigawatt.power import Flexible
from gigawatt.serving.objectives import Objective

__all__ = ["Hours", "Slowed", "points_of", "slowed"]

Array = NDArray[np.float64]

_CAPS, _SIZES = 33, 48
"""Power caps and batches of a replica between which power, rate and time are interpolated."""
_ABOVE = 1.001
"""How far above the least cap a chip still works."""


@dataclass(frozen=True)
class Hours:
    """Hours of the days (H,): ``weight`` of each in the year, ``rate`` [1/s] of requests of a replica that is
    on, ``power`` [W] of the IT, and what of it ``follows`` [W] from requests."""

    weight: Array
    rate: Array
    power: Array
    follows: Array

    @property
    def top(self) -> int:
        """The hour in which a replica has most to do."""
        return int(np.argmax(self.rate))

    @property
    def whole(self) -> float:
        """Largest share of the load that every hour can give up: without requests."""
        return float(np.min(self.follows / self.power))


@dataclass(frozen=True)
class Slowed:
    """``caps`` (C,) [W], the highest first; of each in every hour (C, H) the share of its power that is
    ``given`` up, of its requests that are ``lost``, and the mean ``token_time`` [s] of the others."""

    caps: Array
    given: Array
    lost: Array
    token_time: Array


def slowed(
    hours: Hours, curve: BatchCurve, *, idle: float, limit: float, room: float, output: float
) -> Slowed:
    """What every hour gives up under each cap of a replica's curve.

    Parameters
    ----------
    hours, curve
        The service, and one of its replicas.
    idle : float [W]
        Of the replica's accelerators without work.
    limit : float [s]
        Longest mean time of a token; the time without a cap, where that is longer.
    room : float [1/s]
        Requests of a replica without a cap within the SLO; in proportion to its speed with one.
    output : float
        Tokens of a request.
    """
    none = np.zeros((len(curve.caps), 1))
    rates = np.hstack([none, curve.tokens / output])
    works = np.hstack([none, np.maximum(curve.accelerators - idle, 0.0)])
    times = np.hstack([curve.token_time[:, :1], curve.token_time])
    own = np.interp(hours.rate, rates[0], times[0])
    free = np.interp(hours.rate, rates[0], works[0])
    allowed = np.maximum(limit, own)
    speed = rates[:, -1] / rates[0, -1]
    given, lost, waits = list[Array](), list[Array](), list[Array]()
    for rate, work, time, quick in zip(rates, works, times, speed.tolist(), strict=True):
        within = np.where(allowed < time[0], 0.0, np.interp(allowed, time, rate))
        most = np.minimum(within, np.maximum(room, hours.rate) * quick)
        served = np.minimum(hours.rate, most)
        drawn = np.interp(served, rate, work) / free
        given.append(hours.follows * np.maximum(1.0 - drawn, 0.0) / hours.power)
        lost.append(1.0 - served / hours.rate)
        waits.append(np.interp(served, rate, time))
    return Slowed(
        caps=curve.caps,
        given=np.maximum.accumulate(np.array(given), axis=0),
        lost=np.maximum.accumulate(np.array(lost), axis=0),
        token_time=np.array(waits),
    )


def points_of(hours: Hours, found: Slowed | None) -> list[Point]:
    """What the service gives up: by caps that lose nothing, each cap of its highest hour, without requests.

    A share of power costs in every hour the requests that the cap loses with which that hour gives so much;
    between the lowest cap and no requests replicas that are shed stand beside those that serve.
    """
    requests, top = hours.weight * hours.rate, hours.top
    marks: list[tuple[float, str]] = []
    if found is not None:
        free = float(np.min(np.max(np.where(found.lost <= 0.0, found.given, 0.0), axis=0)))
        given = found.given[:, top]
        fits = (given > free) & (given < hours.whole)
        marks = [(free, "caps within the promised time")] if 0.0 < free < hours.whole else []
        names = [f"cap of {compact(cap, 'W', 3)}" for cap in found.caps[fits].tolist()]
        marks += zip(given[fits].tolist(), names, strict=True)
    marks.append((hours.whole, "requests shed"))
    return [
        Point(share, float(requests @ _lost(hours, found, share) / requests.sum()), name, wait)
        for (share, name), wait in zip(marks, _waits(found, top, [one for one, _ in marks]), strict=True)
    ]


def _waits(found: Slowed | None, top: int, shares: list[float]) -> list[float]:
    """Time of a token [s] in the hour ``top`` where it gives up these shares; 0 without a curve."""
    if found is None:
        return [0.0] * len(shares)
    return np.interp(shares, found.given[:, top], found.token_time[:, top]).tolist()


def _lost(hours: Hours, found: Slowed | None, share: float) -> Array:
    """Share of the requests of each hour (H,) that it loses where it gives up this share of its power."""
    whole = hours.follows / hours.power
    if found is None:
        return share / whole
    return np.array([
        np.interp(share, [*found.given[:, h], whole[h]], [*found.lost[:, h], 1.0]) for h in range(len(whole))
    ])  # fmt: skip


@serving("serving.hours", "", given=SHEDDING, rows=POWER)
def hours(
    serving_configuration: Configuration,
    serving_rate: float,
    serving_week: Week,
    machine_power_day: Profile,
    machine_machine: Machine,
    scenario_year: int,
) -> Hours:
    """Requests and power of the hours of each kind of day.

    Requests of an hour / replicas that are on; accelerators at work and what nodes draw with them follow from
    requests, what is idle, base of the nodes and network do not.
    """
    cluster, parts = machine_machine.cluster, machine_power_day.parts
    on = parts["idle"] / (serving_configuration.chips * cluster.chip.idle_power)
    replicas = np.maximum(on * serving_configuration.pools[-1].replicas, 1e-9)
    days = np.bincount(serving_week.of_year(scenario_year), minlength=len(serving_week.kinds))
    share = load_node_power(cluster.node, cluster.chip).share
    return Hours(
        weight=np.repeat(days, serving_week.levels.shape[1]).astype(float),
        rate=(serving_rate * serving_week.levels / replicas).ravel(),
        power=machine_power_day.mean.ravel(),
        follows=((1.0 + share) * parts["at work"]).ravel(),
    )


@serving(
    "serving.slowed",
    "",
    given=SHEDDING,
    rows=POWER,
    method=f"""The replica in closed form under {_CAPS} power caps from its limit to the least that the chip
    keeps and {_SIZES} batches; linear between them. None of disaggregated pools and with draft tokens.""",
)
def slowed_hours(
    serving_plan: ServingPlan,
    serving_configuration: Configuration,
    serving_objective: Objective,
    serving_capacity: float,
    serving_hours: Hours,
) -> Slowed | None:
    """Power given up, requests lost and time of a token in every hour under power caps of the accelerators.

    Mean time of a token at most that at which the time at the percentile, in proportion, is the promised one.
    """
    question, pool = serving_plan.question, serving_configuration.pools[-1]
    if len(serving_configuration.pools) > 1 or question.guesses:
        return None
    chip, points = serving_plan.cluster.chip, pool.points
    least = min(_ABOVE * least_cap(clock_model(chip)), chip.power_limit)
    caps = np.linspace(least, chip.power_limit, _CAPS)[:-1]
    groups = float(points.degrees.data[0])
    places = min(
        float(np.max(points.most)),
        question.settings(groups, float(points.degrees.tensor[0])).max_sequences * groups,
    )
    sizes = np.geomspace(1.0, max(places, 2.0), _SIZES)
    curve = batch_curve(
        replica(question, serving_plan.cluster, points.degrees), prompt=question.traffic.mean_prompt,
        output=question.traffic.mean_output, batch=sizes, caps=caps,
    )  # fmt: skip
    slow = float(points.slow_tpot[0])
    late = min(serving_objective.tpot / slow, serving_objective.e2e / float(points.slow_e2e[0]))
    return slowed(
        serving_hours,
        curve,
        idle=curve.chips * load_serving_power(chip).idle,
        limit=late * float(points.tpot[0]),
        room=serving_capacity / serving_configuration.replicas,
        output=question.traffic.mean_output,
    )


@serving("facility.power_paused", "MW", given=SHEDDING, rows=POWER)
def power_shed(serving_hours: Hours, machine_power_it: float, facility_power_mean: float) -> float:
    """Mean facility power without requests.

    IT power of idle accelerators, base of the nodes and network × mean facility power / mean IT power
    """
    rest = np.average(serving_hours.power - serving_hours.follows, weights=serving_hours.weight)
    return float(rest) * facility_power_mean / machine_power_it


@serving("load.pause_cost", "$/MWh", given=SHEDDING)
def shedding_cost(
    load_hour_cost: float,
    supply_later_price: float,
    facility_power_mean: float,
    facility_power_paused: float,
) -> float | None:
    """Cost of the energy that a service does not draw without requests: at least what its tokens cost.

    (cost of an hour + price of energy × mean power) / (mean power − power without requests); nothing, where
    it draws no less.
    """
    return cost_of_stopping(
        hour=load_hour_cost, price=supply_later_price, mean=facility_power_mean, stopped=facility_power_paused
    )


@serving("load.ladder", "", given=SHEDDING, rows=POWER)
def ladder(
    serving_hours: Hours,
    serving_slowed: Slowed | None,
    load_hour_cost: float,
    supply_later_price: float,
    facility_power_mean: float,
) -> Ladder:
    """What the service gives up, in steps of rising cost: time of a token, then requests.

    Of each cap power given up and requests lost, mean of the year; from one to the next (cost of an hour +
    price of energy × mean power) × requests lost / power given up. Steps are those of the lower convex hull,
    five at most and the one that loses nothing. No hour gives up more than the one that draws least for its
    requests.
    """
    worth = load_hour_cost + supply_later_price * facility_power_mean
    return ladder_of(points_of(serving_hours, serving_slowed), worth=worth, power=facility_power_mean)


@serving("supply.flexible", "", given=SHEDDING)
def flexible(load_ladder: Ladder, scenario_flexible: str | None) -> Flexible:
    """What the plan may cut.

    steps of the service (load.ladder); outages count the price of energy not served
    """
    assert scenario_flexible == COMPUTED
    return Flexible(steps=load_ladder.steps)


@serving("serving.shed_tokens", "tokens", given=SHEDDING, rows=SPEED)
def shed_tokens(
    serving_rate: float, serving_rejected: float, serving_output_tokens: float, supply_time_lost: float
) -> float:
    """Output tokens that are not written in a year, because the plan cuts.

    requests a second × (1 − rejected share) × output tokens of a request × share cut × seconds of a year
    """
    written = serving_rate * (1.0 - serving_rejected) * serving_output_tokens
    return written * supply_time_lost * SECONDS_PER_YEAR


@serving("serving.throughput", "tokens/s", given=SHEDDING, rows=SPEED)
def throughput_beside_cuts(
    serving_rate: float, serving_rejected: float, supply_time_lost: float, serving_output_tokens: float
) -> float:
    """Output tokens a second of the campus, mean of the year.

    requests a second × (1 − rejected share) × (1 − share cut) × output tokens of a request
    """
    return serving_rate * (1.0 - serving_rejected) * (1.0 - supply_time_lost) * serving_output_tokens


@serving("serving.throughput_prompt", "tokens/s", given=SHEDDING, rows=SPEED)
def throughput_prompt_beside_cuts(
    serving_rate: float, serving_rejected: float, supply_time_lost: float, serving_prompt_tokens: float
) -> float:
    """Prompt tokens a second of the campus, mean of the year.

    requests a second × (1 − rejected share) × (1 − share cut) × prompt tokens of a request
    """
    return serving_rate * (1.0 - serving_rejected) * (1.0 - supply_time_lost) * serving_prompt_tokens


@serving("serving.energy_token", "J/token", given=SHEDDING, rows=POWER)
def energy_token_beside_cuts(
    machine_power_it: float, facility_energy: float, facility_power_mean: float, serving_throughput: float
) -> float:
    """IT energy per output token, its share of prefill included.

    IT power × energy of the facility / its energy without cuts / output tokens a second
    """
    return machine_power_it * facility_energy / (facility_power_mean * SECONDS_PER_YEAR) / serving_throughput
