"""The serving chain's last part: notices in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from gigawatt.catalog import Entity
from gigawatt.chain.machine.sizing import Sizing, of_size
from gigawatt.chain.registry import serving
from gigawatt.chain.serving.choice import Configuration
from gigawatt.chain.serving.day import Day, Scaling
from gigawatt.chain.serving.plan import ServingPlan
from gigawatt.chain.serving.traffic import Traffic
from gigawatt.chain.supply.arrivals import Arrivals
from gigawatt.chain.supply.flexibility import SHEDDING, words_of_shedding
from gigawatt.chain.training.notices import beside_budget, of_building, of_caps, of_supply, unsold
from gigawatt.core.quantities import several, show
from gigawatt.facility import LoadShape
from gigawatt.machine import Chip
from gigawatt.power import SupplyPlan
from gigawatt.power.adequacy import Adequacy
from gigawatt.serving.objectives import Objective

__all__: list[str] = []

_HOUR = 3600.0


@serving("study.notices", "")
def serving_notices(
    supply_plan: SupplyPlan,
    supply_adequacy: Adequacy,
    supply_arrivals: Arrivals,
    scenario_year: int,
    machine_chip: Chip,
    facility_power_peak: float,
    machine_size: Mapping[str, float | None],
    machine_found: Sizing | None,
    machine_count: int,
    serving_precision: tuple[str, ...],
    serving_plan: ServingPlan,
    serving_configuration: Configuration,
    serving_traffic: Traffic,
    serving_objective: Objective,
    serving_autoscaling: Scaling | None,
    serving_day: Day,
    serving_simulated: int,
    serving_kept: float,
    serving_kept_worst: float,
    serving_rejected: float,
    ledger_budget_left: float | None,
    facility_load: LoadShape,
    site_redundancy: Entity | None,
    serving_cuts_told: tuple[str, ...],
) -> tuple[str, ...]:
    """The notices of a service.

    Savings and losses of precision and sparsity, size of the simulation, missed SLOs, requests left out,
    spare accelerators, bindings and notices of the supply plan.
    """
    notices = unsold(machine_chip, scenario_year)
    worst = serving_kept_worst if serving_day.judged(serving_objective) else 1.0
    notices.extend(_of_promise(serving_objective, serving_kept, worst, serving_day))
    notices.extend(_of_simulation(serving_day, serving_simulated, serving_configuration))
    if serving_autoscaling is not None and serving_day.run.setup.autoscaling is None:
        notices.append("replicas do not turn off: the simulated slice is a single replica")
    if serving_traffic.long:
        are = "is" if serving_traffic.long == 1 else "are"
        notices.append(
            f"{several(serving_traffic.long, 'request')} of {serving_traffic.name} {are} longer than the "
            "model's context and left out"
        )
    if serving_rejected > 0.0:
        notices.append(
            f"{100 * serving_rejected:.2g} % of the requests are longer than context or cache and rejected"
        )
    given = machine_size.get("count")
    if given is not None and machine_count < given:
        are = "is" if given - machine_count == 1 else "are"
        notices.append(
            f"{given - machine_count:,.0f} of {several(given, 'accelerator')} {are} spare: too few for "
            "another replica"
        )
    notices.extend(of_size(machine_found, ledger_budget_left))
    notices.extend(beside_budget(machine_size.get("power"), facility_power_peak, "replicas draw"))
    notices.extend(serving_precision)
    notices.extend(serving_plan.notices)
    notices.extend(of_caps(facility_load, "the wait of the requests of those hours is not simulated"))
    notices.extend(of_building(facility_load, site_redundancy))
    notices.extend(serving_cuts_told)
    notices.extend(of_supply(supply_plan, supply_adequacy, scenario_year, supply_arrivals))
    return tuple(notices)


@serving("serving.cuts_told", "")
def nothing_cut(supply_plan: SupplyPlan) -> tuple[str, ...]:
    """What a plan makes of what the service gives, in a sentence.

    Empty without ``computed``.
    """
    assert supply_plan is not None
    return ()


@serving("serving.cuts_told", "", given=SHEDDING)
def cuts_told(
    supply_plan: SupplyPlan,
    load_pause_cost: float | None,
    serving_shed_tokens: float,
    supply_flexibility_saves: float,
) -> tuple[str, ...]:
    """What a plan makes of what the service gives, in a sentence.

    Hours and energy that are cut, tokens that are not written, what that saves.
    """
    return tuple(
        words_of_shedding(
            supply_plan, stop_cost=load_pause_cost, tokens=serving_shed_tokens, saves=supply_flexibility_saves
        )
    )


def _of_promise(objective: Objective, share: float, worst: float, day: Day) -> list[str]:
    """Notices of a missed SLO, and of replicas that turn on."""
    asked, found = objective.percentile or 1.0, list[str]()
    scales = day.run.setup.autoscaling is not None
    if share < asked:
        mend = "" if scales else ": more replicas would meet it"
        found.append(f"{objective} is met by only {100 * share:.3g} % of the requests{mend}")
    elif worst < asked:
        found.append(
            f"in the worst hour {100 * worst:.3g} % of the requests meet {objective}; over the days "
            f"{100 * share:.4g} %"
        )
    if scales and day.speed > 1.0:
        found.append(
            "a replica that turns on takes all new requests until it has as many as the others; the day "
            f"is simulated at {day.speed:.3g} times its speed, which multiplies the share of requests "
            "that wait for this"
        )
    return found


def _of_simulation(day: Day, requests: int, configuration: Configuration) -> list[str]:
    """The notice of the slice's size and the speed of its day."""
    if day.share >= 1.0 and day.speed <= 1.0:
        return []
    slice_ = " and ".join(
        f"{n} of {several(pool.replicas, 'replica' if pool.role == 'replica' else f'{pool.role} replica')}"
        for n, pool in zip(day.numbers, configuration.pools, strict=True)
    )
    kinds = " and ".join(f"a {kind}" for kind in day.week.kinds)
    hour = show(_HOUR / day.speed, "s", 3)
    return [f"simulated: {several(requests, 'request')} of {kinds} on {slice_}, an hour in {hour}"]
