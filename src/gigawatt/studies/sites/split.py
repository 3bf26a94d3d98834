"""One load over several sites: where machines stand, and in which hours they run, in one programme.

The load is asked for at the racks; each site does a part of it with plants of its own, on machines whose
number is free and costs. All sites share one clock, so that the evening of one is the noon of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import entity
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.core.quantities import HOURS_PER_YEAR, compact, show
from gigawatt.facility import Site, load_site
from gigawatt.facility.sites import distance
from gigawatt.performance.sites.wan import delay, load_wan
from gigawatt.power import Link, NetworkPlan, Plant, Problem, plan_network
from gigawatt.power.plants.plant import HOURLY
from gigawatt.studies.pathway.plan import accelerators
from gigawatt.studies.supply.plan import problem_of
from gigawatt.studies.supply.question import SupplyQuestion, read_supply_question

__all__ = ["Part", "Split", "SplitQuestion", "split_load"]

Array = NDArray[np.float64]

_WORK = "work"
"""The place without plants at which the whole load is asked for."""
_TRACE = 1e-6
"""Share of the load that each site draws by itself: a programme of a place has some."""
_FULL = 1e-3
HOUR = 3600.0


@dataclass(frozen=True)
class SplitQuestion:
    """``load`` [W at the racks] of all sites together; ``most`` [W at the racks] by site.

    ``settings`` are fields of the scenario of each site. ``machine_cost`` [$/W/yr] of machines and building,
    by W at the racks that they draw; ``transfer`` [$/J] of moving what a joule at the racks needs; ``users``
    a place from which a request reaches a site and comes back within ``latency`` [s].
    """

    load: float
    sites: tuple[str, ...]
    settings: Mapping[str, object]
    most: Mapping[str, float] = field(default_factory=dict[str, float])
    machine_cost: float | None = None
    transfer: float = 0.0
    users: str | None = None
    latency: float | None = None


@dataclass(frozen=True)
class Part:
    """What a site carries.

    ``machines`` : W at the racks that stand there; ``share`` of all work, ``full`` share of the hours in
    which all of them run; ``pue`` mean; ``energy`` [J/yr] at the meter; ``power_cost``, ``machine_cost``
    [$/yr]; ``capacity`` [W] by plant; ``delay`` [s] to the users and back; ``alone`` : $/yr, machines and
    power, where this site carries everything, ``None`` where it may not.
    """

    site: Site
    pue: float
    machines: float
    share: float
    full: float
    energy: float
    power_cost: float
    machine_cost: float
    capacity: Mapping[str, float]
    delay: float | None
    alone: float | None


@dataclass(frozen=True)
class Split:
    """``cost`` [$/yr] of all; ``carbon`` [kg/yr]; ``flow`` by site (H,) [W at the racks], hours of universal
    time of some days; ``not_served`` share of the work."""

    parts: tuple[Part, ...]
    refused: tuple[tuple[str, str], ...]
    cost: float
    carbon: float
    not_served: float
    flow: Mapping[str, Array] = field(repr=False)
    assumptions: tuple[Assumption, ...]
    binding: tuple[str, ...]


@dataclass(frozen=True)
class _Here:
    """A site in the programme: its question on days of one clock, and the building's mean PUE."""

    site: Site
    problem: Problem
    pue: float


def split_load(question: SplitQuestion) -> Split:
    """The cheapest machines and plants at several sites for one load.

    A linear programme of three days of every 21: plants of each site as of one place, in any sizes, and for
    each site machines [W at the racks], which cost by their size and run in any hour up to it; in every hour
    all sites together do the work that is asked for. A limit of carbon holds for all together.

    Raises
    ------
    InputError
        A limit of a site that is none of them; terms that no split has.
    InfeasibleError
        The sites may not hold so much, or none answers within the latency.
    """
    for name in question.most:
        check_word("most", name, question.sites, "not among the sites")
    delays, refused = _delays(question)
    kept = [name for name in question.sites if name not in dict(refused)]
    if not kept:
        raise InfeasibleError(
            "no site answers in time", key="latency", given=f"{1e3 * (question.latency or 0.0):.0f} ms",
            allowed="; ".join(f"{name}: {why}" for name, why in refused),
        )  # fmt: skip
    most = sum(question.most.get(name, np.inf) for name in kept)
    if most < question.load * (1.0 - 1e-9):
        raise InfeasibleError(
            "the sites may not hold so much", key="most", given=compact(most, "W"),
            allowed=f"{compact(question.load, 'W')} or more in all",
        )  # fmt: skip
    asked = {name: _asked(question, name) for name in kept}
    first = asked[kept[0]]
    price, said = _machine_price(question, first)
    here = {name: _here(question, one) for name, one in asked.items()}
    found = _solved(question, here, price, first.carbon_limit)
    alone = {name: _alone(question, name, here[name], price, first.carbon_limit) for name in kept}
    return _split(question, here, found, price, delays, alone, refused, said)


def _delays(question: SplitQuestion) -> tuple[dict[str, float | None], list[tuple[str, str]]]:
    """s to the users and back by site, and the sites that are too far."""
    delays: dict[str, float | None] = dict.fromkeys(question.sites)
    refused: list[tuple[str, str]] = []
    if question.users is None:
        return delays, refused
    there = load_site(question.users)
    for name in question.sites:
        site = load_site(name)
        far = distance(site.latitude, site.longitude, there.latitude, there.longitude)
        wait = delays[name] = 2.0 * float(delay(distance=far, wan=load_wan()))
        if question.latency is not None and wait > question.latency:
            allowed = f"{1e3 * question.latency:.0f} ms allowed"
            refused.append((name, f"a request takes {1e3 * wait:.0f} ms there and back, {allowed}"))
    return delays, refused


def _asked(question: SplitQuestion, name: str) -> SupplyQuestion:
    """The supply of the whole load at one site."""
    return read_supply_question(
        site=name, settings={"load.it_peak": f"{question.load!r} W", **question.settings}
    )


def _machine_price(question: SplitQuestion, first: SupplyQuestion) -> tuple[float, tuple[Assumption, ...]]:
    """$/W/yr of machines by W at the racks: what is given, or of the accelerators that a pathway assumes."""
    if question.machine_cost is not None:
        return question.machine_cost, ()
    chip = entity("defaults", "pathway.chip").text("text")
    one = accelerators(chip=chip, pue=1.0, rate=first.rate, year=first.year)
    price = one.hour * HOURS_PER_YEAR / one.power
    reason = f"{chip} with node, network and building, as a pathway assumes"
    said = Assumption("machines", f"{show(price, '$/kW')} a year", reason, Grade.guess)
    return price, (said, *one.assumptions)


def _here(question: SplitQuestion, one: SupplyQuestion) -> _Here:
    """The site on some days of universal time, with a trace of a load of its own."""
    if one.flexible is not None or one.not_served_limit is not None or one.matching is not None:
        raise InputError(
            "a load that is split has none of these", key="supply",
            given="flexible, deferrable, reliability or matching", allowed="plan-supply at one site",
        )  # fmt: skip
    whole, by = problem_of(one), round(one.site.time_zone)
    plants = tuple(_moved(plant, by) for plant in whole.plants)
    trace = np.full(len(whole.watts), _TRACE * question.load)
    shifted = replace(whole, load=trace, plants=plants, carbon_limit=None)
    return _Here(one.site, shifted.sample() or shifted, float(np.mean(one.load)) / question.load)


def _moved(plant: Plant, by: int) -> Plant:
    """The plant with its hours in universal time: noon at UTC−6 is 18 h."""
    series = {name: getattr(plant, name) for name in HOURLY}
    return replace(plant, **{name: np.roll(one, -by) for name, one in series.items() if np.ndim(one)})


def _solved(
    question: SplitQuestion, here: Mapping[str, _Here], price: float, limit: float | None
) -> NetworkPlan:
    """Sites of which each does work through machines of its own."""
    first = next(iter(here.values())).problem
    work = replace(first, load=np.full(len(first.watts), question.load), plants=())
    links = [
        Link(
            name, name, _WORK, capital=price / one.pue, efficiency=1.0 / one.pue, both_ways=False,
            maximum=question.most.get(name, np.inf) * one.pue, cost=question.transfer / one.pue,
        )
        for name, one in here.items()
    ]  # fmt: skip
    sites = {_WORK: work, **{name: one.problem for name, one in here.items()}}
    return plan_network(sites=sites, links=links, carbon_limit=limit)


def _alone(question: SplitQuestion, name: str, one: _Here, price: float, limit: float | None) -> float | None:
    """$/yr of a site that carries everything."""
    if question.most.get(name, np.inf) < question.load:
        return None
    try:
        found = _solved(question, {name: one}, price, limit)
    except InfeasibleError:
        return None
    return found.objective * HOURS_PER_YEAR / one.problem.hours_of_year


def _split(
    question: SplitQuestion,
    here: Mapping[str, _Here],
    found: NetworkPlan,
    price: float,
    delays: Mapping[str, float | None],
    alone: Mapping[str, float | None],
    refused: Sequence[tuple[str, str]],
    said: tuple[Assumption, ...],
) -> Split:
    of_year = HOURS_PER_YEAR / next(iter(here.values())).problem.hours_of_year
    parts: list[Part] = []
    flow: dict[str, Array] = {}
    for name, one in here.items():
        plan, machines = found.sites[name], found.capacity[name] / one.pue
        work = flow[name] = found.flow[name] / one.pue
        there = machines > _FULL * question.load
        parts.append(
            Part(
                site=one.site,
                pue=one.pue,
                machines=machines,
                share=float(np.mean(work)) / question.load,
                full=float(np.mean(work >= machines * (1.0 - _FULL))) if there else 0.0,
                energy=float(np.sum(found.flow[name])) * HOUR * plan.weight * of_year,
                power_cost=plan.objective * of_year,
                machine_cost=machines * price,
                capacity=dict(plan.capacity),
                delay=delays[name],
                alone=alone[name],
            )
        )
    return Split(
        parts=tuple(parts),
        refused=tuple(refused),
        cost=found.objective * of_year,
        carbon=sum(sum(found.sites[name].carbon.values()) for name in here) * of_year,
        not_served=float(np.mean(found.sites[_WORK].not_served)) / question.load,
        flow=flow,
        assumptions=said,
        binding=tuple(text.replace(" binds", " at the meter binds", 1) for text in found.binding),
    )
