"""What a training run gives up: slower by its power cap, or paused, and what outages cost it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gigawatt import catalog
from gigawatt.chain.machine.quantities import Machine
from gigawatt.chain.registry import training
from gigawatt.chain.supply.flexibility import PAUSING, Ladder, Point, cost_of_stopping, ladder_of, lost_in
from gigawatt.chain.supply.terms import COMPUTED
from gigawatt.chain.training.held_back import caps_of
from gigawatt.chain.training.quantities import POWER, RATES, duration
from gigawatt.chain.training.reliability import Goodput, cluster_of, goodput_of
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import compact
from gigawatt.performance import Search, Stack, TrainingRun
from gigawatt.performance.reliability.failures import recovery_time
from gigawatt.performance.reliability.runs import reliability_of
from gigawatt.power import Flexible, SupplyPlan

__all__ = ["Pause"]

_WHOLE = "restart"
"""The row of ``recovery`` of a whole run that starts again from storage."""


@dataclass(frozen=True)
class Pause:
    """s of work that an event loses: ``told`` before (a checkpoint, then a restart) or not (an ``outage``:
    half the way to the last checkpoint, the time to notice, and a restart)."""

    told: float
    outage: float
    evidence: tuple[Evidence, ...]


@training("training.pause", "")
def pause(
    training_reliability: Goodput, machine_machine: Machine, training_runs: int, machine_count: int
) -> Pause:
    """Work that a pause of a run loses, however short it is, with notice and without.

    With notice a checkpoint + a restart of all accelerators of a run; without it half the interval of
    checkpoints (failures come at any time of it: Daly 2006) + detection + restart. Where goodput is given,
    the interval is that of the chip's usual failures.
    """
    found, count = training_reliability, machine_count / training_runs
    if not found.cluster:
        found = goodput_of(cluster_of(machine_machine.cluster.chip.id), count)
    checkpoint = reliability_of(found.cluster, accelerators=count).checkpoint_time.value
    row = catalog.entity("recovery", _WHOLE)
    restart = row.value("base") + row.value("each") * count
    since = min(found.interval, SECONDS_OF_A_DAY) / 2.0
    return Pause(
        told=checkpoint + restart,
        outage=since + recovery_time(accelerators=count, method=_WHOLE).value,
        evidence=(*row.rows(), *found.evidence),
    )


SECONDS_OF_A_DAY = 86400.0
"""Longest interval of checkpoints that is counted: where failures are too rare for any to pay."""


@dataclass(frozen=True)
class Rest:
    """IT ``power`` [W] of a campus of which all runs are paused, with its rows."""

    power: float
    evidence: tuple[Evidence, ...]


@training("machine.rest", "", rows=(*POWER, "rest_share"))
def rest(
    machine_energy: Mapping[str, float],
    training_step_time: float,
    training_runs: int,
    machine_spare_power: float,
) -> Rest:
    """IT power of the campus while its runs are paused.

    Idle power of the chips at the clocks at which they rest, the nodes and the network.
    """
    share = catalog.entity("dynamics_load", "training").evidence("rest_share")
    drawn = share.value * machine_energy["idle"] + machine_energy["node"] + machine_energy["network"]
    return Rest(drawn / training_step_time * training_runs + machine_spare_power, (share,))


@training("facility.power_paused", "MW")
def power_paused(machine_rest: Rest, facility_pue: float) -> float:
    """Mean facility power while all runs are paused.

    IT power of accelerators that rest × PUE of the year
    """
    return machine_rest.power * facility_pue


@training("load.pause_cost", "$/MWh")
def pause_cost(
    load_hour_cost: float,
    supply_later_price: float,
    facility_power_mean: float,
    facility_power_paused: float,
) -> float | None:
    """Cost of the energy that paused runs do not draw: idle accelerators, and the work done later.

    (cost of an hour + price of energy × mean power) / (mean power − power while paused); nothing, where a run
    draws no more than while it is paused. A pause pays where electricity costs more than that.
    """
    return cost_of_stopping(
        hour=load_hour_cost, price=supply_later_price, mean=facility_power_mean, stopped=facility_power_paused
    )


@training("load.pause_time", "min")
def pause_time(training_pause: Pause) -> float:
    """Work that a pause with notice loses, however short it is.

    checkpoint + restart
    """
    return training_pause.told


@training("load.pause_event_cost", "$")
def pause_event_cost(
    training_pause: Pause, load_hour_cost: float, supply_later_price: float, facility_power_standing: float
) -> float:
    """Cost of a pause of all runs with notice, however short it is.

    (checkpoint + restart) × (cost of an hour + price of energy × standing power)
    """
    return training_pause.told * (load_hour_cost + supply_later_price * facility_power_standing)


@training("load.outage_event_cost", "$")
def outage_event_cost(
    training_pause: Pause, load_hour_cost: float, supply_later_price: float, facility_power_standing: float
) -> float:
    """Cost of an outage that stops all runs without notice, however short it is.

    (half the interval of checkpoints + detection + restart) × (cost of an hour + price × standing power)
    """
    return training_pause.outage * (load_hour_cost + supply_later_price * facility_power_standing)


@training("load.ladder", "", rows=POWER)
def ladder(
    training_run: TrainingRun,
    machine_machine: Machine,
    software_stack: Stack,
    layouts_search: Search,
    machine_cap: float | None,
    machine_count: int,
    training_runs: int,
    training_goodput: float,
    machine_step_power: float,
    machine_standing_power: float,
    machine_power_it: float,
    machine_rest: Rest,
    load_hour_cost: float,
    supply_later_price: float,
    facility_power_mean: float,
    load_pause_event_cost: float,
    training_pause: Pause,
) -> Ladder:
    """What the runs give up, in steps of rising cost: slower by a cap of their accelerators, then paused.

    Of each cap of the clock curve power given up and speed lost, and of the pause all speed and all but the
    power of what rests; from one to the next (cost of an hour + price of energy × mean power) × speed lost /
    power given up. Steps are those of the lower convex hull, five at most.
    """
    count = machine_count // training_runs
    caps = caps_of(training_run, layouts_search, machine_machine, software_stack, machine_cap, count)
    paused = 1.0 - machine_rest.power / machine_power_it
    stepping = training_goodput * machine_step_power * caps.power / caps.power[-1]
    share = 1.0 - (stepping + (1.0 - training_goodput) * machine_standing_power) / machine_power_it
    points = [
        Point(given, 1.0 - kept, f"cap of {compact(cap, 'W', 3)}")
        for cap, given, kept in zip(caps.caps.tolist(), share.tolist(), caps.speed.tolist(), strict=True)
        if given < paused
    ]
    if paused > 0.0:
        points.append(Point(paused, 1.0, "runs paused"))
    worth = load_hour_cost + supply_later_price * facility_power_mean
    found = ladder_of(points, worth=worth, power=facility_power_mean)
    if paused <= 0.0:
        return found
    last = found.steps[-1]
    event = load_pause_event_cost / (last.share * facility_power_mean)
    return replace(found, steps=(*found.steps[:-1], replace(last, event=event, stops=training_pause.told)))


@training("training.uncut_duration", "days", given=PAUSING, rows=RATES)
def uncut_duration(
    training_tokens_trained: float, training_tokens_per_second: float, training_overhead: float
) -> float:
    """Time on the clock from first to last token where nothing is cut.

    tokens / tokens per second × (1 + overhead of a whole run)
    """
    return duration(training_tokens_trained, training_tokens_per_second, training_overhead, 1.0)


@training("supply.flexible", "", given=PAUSING)
def flexible(
    load_ladder: Ladder,
    load_pause_cost: float | None,
    load_outage_event_cost: float,
    supply_flexible_given: Flexible | None,
    training_outages: str | None,
    training_deadline: float | None,
    training_uncut_duration: float,
    supply_not_served_price: float,
    scenario_flexible: str | None,
) -> Flexible:
    """What the plan may cut: the steps of the runs, until a deadline has no more time; what outages cost.

    Work lost at most: 1 − duration without cuts / deadline. An outage costs what a pause costs, by its energy
    and by the event; one that fails the runs the price of energy not served.
    """
    gives = supply_flexible_given or Flexible()
    if scenario_flexible == COMPUTED:
        late = None
        if training_deadline is not None:
            late = max(0.0, 1.0 - training_uncut_duration / training_deadline)
        gives = Flexible(steps=load_ladder.steps, lost_limit=late)
    if training_outages == FAIL or load_pause_cost is None:
        return replace(gives, outage_price=supply_not_served_price)
    return replace(gives, outage_price=load_pause_cost, outage_event=load_outage_event_cost)


FAIL = "fail"
"""Value of ``training.outages`` for outages at the price of energy not served."""


@training("supply.outage_price", "$/MWh")
def price_of_energy_not_served(supply_not_served_price: float) -> float | None:
    """Price at which energy counts that outages leave unserved, in the number of units.

    Price of energy not served.
    """
    return supply_not_served_price


@training("supply.outage_price", "$/MWh", given=("supply.price",))
def nothing_fails(supply_price: float) -> float | None:
    """Price at which energy counts that outages leave unserved, in the number of units.

    None: all electricity is bought at a price, and no unit of it fails.
    """
    assert supply_price is not None


@training("supply.outage_price", "$/MWh", given=PAUSING)
def outage_price(supply_flexible: Flexible) -> float:
    """Price at which energy counts that outages leave unserved, in the number of units.

    Cost of a pause, or the price of energy not served where an outage fails the runs.
    """
    own = supply_flexible.outage_price
    assert own is not None
    return own


@training("training.kept_speed", "percent", given=PAUSING)
def speed_beside_cuts(supply_plan: SupplyPlan) -> float:
    """Speed of a run over that of one that is never cut, mean of the hours.

    1 − share of a year's work that is cut
    """
    return 1.0 - lost_in(supply_plan)


@training("energy.it", "MWh", given=PAUSING)
def it_beside_cuts(
    machine_power_it: float,
    training_duration: float,
    training_runs: int,
    facility_energy: float,
    facility_power_mean: float,
) -> float:
    """Energy of one run with hosts and network, without power chain and cooling, and without what is cut.

    IT power × duration / runs × energy of the facility / its energy without cuts
    """
    drawn = facility_energy / (facility_power_mean * SECONDS_OF_A_DAY * 365.0)
    return machine_power_it * training_duration / training_runs * drawn
