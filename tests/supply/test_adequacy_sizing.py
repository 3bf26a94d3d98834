"""Plans in whole units: what was asked is met by an independent simulator, one unit less does not meet it."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gigawatt.core.errors import InfeasibleError
from gigawatt.power import Plant, Problem, SupplyPlan, build_plant, solve_problem
from gigawatt.power.adequacy import Adequacy, adequacy_judged, adequacy_of, plan_whole_units, sizing
from gigawatt.power.adequacy.further_units import (
    OutageTerms,
    candidates_of,
    fewest,
    is_grid,
    with_further_units,
)
from gigawatt.power.adequacy.judged import losses_of
from gigawatt.power.adequacy.simulate import FIGURES, Store, simulate, simulated_year
from gigawatt.power.adequacy.simulated import bad_week, stores_of
from gigawatt.power.adequacy.system import by_convolution, system_of, yearly_cost
from gigawatt.power.adequacy.units import Units
from gigawatt.power.plan.programme import Programme
from gigawatt.power.solve import Solution

HOURS, HOUR = 8760, 3600.0
LOST = 1e-5  # $/J, 36,000 $/MWh
SUN = np.clip(np.sin((np.arange(HOURS) % 24 - 6) / 12 * np.pi), 0.0, None)


def bought(name: str, **more: object) -> Plant:
    needs: dict[str, object] = {"price": 1.5e-8, "carbon": 0.0} if name == "grid" else {}
    return build_plant(name, year=2030, capital_recovery=lambda life: 0.1, **needs, **more)  # type: ignore[arg-type]


def asked(*plants: Plant, load: float = 1e9, reliability: float | None = None, **more: object) -> Problem:
    return Problem(
        load=np.full(HOURS, load),
        plants=plants,
        not_served_price=LOST,
        not_served_limit=None if reliability is None else 1.0 - reliability,
        fuel_lines=2,
        **more,  # type: ignore[arg-type]
    )


def engines_of(plan: SupplyPlan) -> tuple[Adequacy, int]:
    found = adequacy_of(plan)
    return found, next(i for i, one in enumerate(found.system.kinds) if one.plant.id == "gas-engine")


def served_by_sampling(plan: SupplyPlan, draws: int = 300_000) -> tuple[float, float]:
    """Share of the energy that units drawn at random serve, and its standard error; no stores."""
    rng, system = np.random.default_rng(11), adequacy_of(plan).system
    hours = rng.integers(0, HOURS, draws)
    there = np.zeros(draws)
    for i, kind in enumerate(system.kinds):
        count = kind.units.count - system.out[hours, i]
        risk = 1.0 - kind.units.forced * system.risk[hours, i]
        there += rng.binomial(count, risk) * kind.units.size * system.share[hours, i]
    for mode in system.modes:
        assert mode.all or mode.share < 1e-6
        there[rng.random(draws) < mode.share] = 0.0
    lost = np.maximum(system.need[hours] - there, 0.0) / plan.load.mean()
    return 1.0 - float(lost.mean()), float(lost.std() / np.sqrt(draws))


def served_by_years(plan: SupplyPlan, years: int = 120) -> tuple[float, float]:
    """The same hour by hour with stores, written anew: all years at once."""
    rng, system = np.random.default_rng(5), adequacy_of(plan).system
    (yard,) = [mode.units for mode in system.modes if mode.all]
    broken = rng.random(years) < yard.forced
    up = [rng.binomial(kind.units.count, 1.0 - kind.units.forced, years) for kind in system.kinds]
    (store,) = [one for one, _ in stores_of(plan)]
    level, lost = np.full(years, store.start), np.zeros(years)
    need = system.need + system.discharge
    for h in range(HOURS):
        there = np.zeros(years)
        for i, kind in enumerate(system.kinds):
            one = kind.units
            failed = rng.binomial(up[i], one.forced / (1.0 - one.forced) / one.repair)
            mended = rng.binomial(one.count - up[i], 1.0 / one.repair)
            up[i] = up[i] - failed + mended
            there += np.maximum(up[i] - system.out[h, i], 0) * one.size * system.share[h, i]
        there[broken] = 0.0
        broken = np.where(
            broken, rng.random(years) > 1.0 / yard.repair, rng.random(years) < yard.failure_rate
        )
        gap = need[h] - there
        given = np.minimum(np.minimum(np.maximum(gap, 0.0), store.units.size), level * store.discharging)
        given[broken] = 0.0
        taken = np.minimum(np.minimum(np.maximum(-gap, 0.0), store.units.size),
                           (store.energy - level) / store.charging)  # fmt: skip
        level = level - given / store.discharging + taken * store.charging
        lost += np.maximum(gap - given, 0.0)
    share = lost / plan.load.sum()
    return 1.0 - float(share.mean()), float(share.std() / np.sqrt(years))


@pytest.mark.parametrize("reliability", [0.9999, 0.99999])
def test_a_reliability_is_met_and_not_with_one_unit_less(reliability: float) -> None:
    problem = asked(bought("gas-engine"), reliability=reliability)
    found = plan_whole_units(problem)
    adequacy, kind = engines_of(found)
    served, error = served_by_sampling(found)
    assert served + 3.0 * error >= reliability
    assert adequacy.served >= reliability
    less = adequacy.system.with_more(kind, -1)
    assert 1.0 - losses_of(found)(less).energy / adequacy.energy < reliability
    assert found.capacity["gas-engine"] == pytest.approx(20e6 * adequacy.system.kinds[kind].units.count)


def test_without_a_reliability_the_last_unit_pays_and_a_further_one_would_not() -> None:
    found = plan_whole_units(asked(bought("gas-engine")))
    adequacy, kind = engines_of(found)
    lost = losses_of(found)
    energy = [lost(adequacy.system.with_more(kind, n)).energy * HOUR for n in (-1, 0, 1)]
    cost = 20e6 * yearly_cost(adequacy.system.kinds[kind])
    assert (energy[0] - energy[1]) * LOST >= cost > (energy[1] - energy[2]) * LOST


def test_a_dearer_lost_hour_and_a_higher_reliability_take_more_units() -> None:
    engine = bought("gas-engine")
    sizes = [
        plan_whole_units(replace(asked(engine), not_served_price=price)).capacity["gas-engine"]
        for price in (LOST / 30, LOST, LOST * 30)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    bills = [plan_whole_units(asked(engine, reliability=r)).objective for r in (0.999, 0.9999, 0.99999)]
    assert bills == sorted(bills)
    assert bills[0] < bills[-1]


def test_the_books_are_those_of_the_programme_with_these_sizes() -> None:
    problem = asked(bought("gas-engine"), bought("solar", profile=SUN), reliability=0.9999)
    found = plan_whole_units(problem)
    fixed = tuple(
        replace(plant, minimum=found.capacity[plant.id], maximum=found.capacity[plant.id])
        for plant in problem.plants
    )
    assert found.objective == pytest.approx(solve_problem(replace(problem, plants=fixed)).objective, rel=1e-5)
    assert found.by_mean is not None
    assert found.by_mean["gas-engine"] < found.capacity["gas-engine"]
    np.testing.assert_allclose(
        found.dispatch.sum(1) - found.charge.sum(1) + found.not_served, found.load, rtol=1e-6
    )


def test_a_small_load_has_small_units_and_no_reactor_of_300_mw() -> None:
    found = plan_whole_units(asked(bought("fission-small"), bought("gas-engine"), load=20e6))
    assert found.capacity["fission-small"] == 0.0
    adequacy, kind = engines_of(found)
    assert adequacy.system.kinds[kind].units.size == 5e6
    assert adequacy.served > 0.9999


@pytest.mark.parametrize("load", [0.2e6, 0.6e6, 2e6, 7e6, 30e6])
def test_more_kinds_of_plant_to_choose_from_cost_no_more(load: float) -> None:
    """However large their units: a connection is not passed over for an engine far larger than the load."""

    def bill(*names: str) -> float:
        problem = asked(*(bought(name) for name in names), load=load)
        plan = plan_whole_units(problem)
        return plan.objective + sizing._outages(OutageTerms(problem), plan)

    least = min(bill("grid"), bill("gas-engine"), bill("grid", "gas-engine"))
    every = bill("grid", "gas-engine", "gas-turbine", "gas-combined-cycle", "fission-small")
    assert every <= least * 1.01


def test_reactors_are_backed_by_what_is_cheapest_and_firm() -> None:
    plants = (bought("fission-small"), bought("gas-engine"))
    found = plan_whole_units(asked(*plants, carbon_limit=50e-3 / 3.6e6))
    first = solve_problem(asked(*plants, carbon_limit=50e-3 / 3.6e6))
    assert found.capacity["fission-small"] == 1200e6
    assert found.capacity["gas-engine"] > first.capacity["gas-engine"] + 100e6
    assert adequacy_of(first).served < 0.995 < 0.9998 < adequacy_of(found).served


def test_a_connection_is_reserve_where_that_is_cheapest() -> None:
    """One engine of 3 MW beside a connection that hardly ever carries it, as an engineer would do."""
    engine, grid = bought("gas-engine"), replace(bought("grid"), fuel=1e-7)
    found = plan_whole_units(asked(engine, grid, load=2.4e6))
    assert found.by_mean is not None
    assert found.by_mean["grid"] < 0.5e6 < 2e6 < found.capacity["grid"]
    assert found.capacity["gas-engine"] == 3e6
    alone = plan_whole_units(asked(engine, load=2.4e6))
    assert found.objective < alone.objective
    served, error = served_by_sampling(found)
    assert served + 3.0 * error > 0.9998


def test_stores_answer_outages_where_they_are_built() -> None:
    battery = bought("battery")
    problem = asked(bought("gas-engine"), bought("solar", profile=SUN), battery, load=200e6,
                    reliability=0.9999, carbon_limit=0.15 / 3.6e6)  # fmt: skip
    found = plan_whole_units(problem)
    assert found.storage_energy["battery"] > 0.0
    served, error = served_by_years(found)
    assert served + 3.0 * error >= 0.9999
    judged = adequacy_judged(found)
    assert judged.served >= 0.9999
    assert judged.notice is None


def test_limits_hold_and_what_no_number_reaches_is_refused() -> None:
    few = replace(bought("gas-engine"), maximum=1105e6)
    found = plan_whole_units(asked(few))
    assert found.capacity["gas-engine"] <= 1105e6 * (1.0 + 1e-9)
    with pytest.raises(InfeasibleError, match=r"99\.\d+ % is reached.*given '99\.99999 %") as error:
        plan_whole_units(asked(few, reliability=0.9999999))
    assert "higher limit" in str(error.value)
    with pytest.raises(InfeasibleError, match="none of these plants may have further units"):
        plan_whole_units(asked(bought("grid"), reliability=0.999999))


def test_a_plan_without_units_is_the_plan() -> None:
    problem = asked(bought("grid"), bought("solar", profile=SUN), load=100e6)
    assert plan_whole_units(problem).by_mean is None
    assert plan_whole_units(problem).objective == pytest.approx(solve_problem(problem).objective)


def test_the_fewest_that_are_enough() -> None:
    for needed in range(1, 40):
        assert fewest(lambda n, k=needed: n >= k, 40) == needed
    assert fewest(lambda n: False, 40) is None


@pytest.mark.parametrize("reliability", [None, 0.9999])
def test_further_units_are_those_of_every_count_looked_at(reliability: float | None) -> None:
    """The search leaves out counts that cost more than the best; here each of each plant is counted."""
    problem = asked(*map(bought, ("gas-engine", "gas-turbine")), load=3e8, reliability=reliability)
    system, question = system_of(solve_problem(problem)), OutageTerms(problem)
    found = with_further_units(question, system, by_convolution, candidates_of(problem, system))
    bills = list[float]()
    for one in candidates_of(problem, system):
        assert not is_grid(one)
        known = [kind.plant.id for kind in system.kinds]
        there = system if one.plant.id in known else system.with_kind(one)
        kind = [kind.plant.id for kind in there.kinds].index(one.plant.id)
        for count in range(24):
            loss = by_convolution(there.with_more(kind, count) if count else system)
            if reliability is None:
                bills.append(count * one.units.size * yearly_cost(one) + question.worth(loss))
            elif question.serves(loss, system):
                bills.append(count * one.units.size * yearly_cost(one))
    spent = sum(one.units.total * yearly_cost(one) for one in found.kinds)
    spent -= sum(one.units.total * yearly_cost(one) for one in system.kinds)
    if reliability is None:
        spent += question.worth(by_convolution(found))
    assert spent == pytest.approx(min(bills), rel=1e-9)


def test_the_bad_week_is_of_a_simulated_year_and_adds_up() -> None:
    problem = asked(bought("gas-engine"), bought("solar", profile=SUN), bought("battery"), load=200e6,
                    reliability=0.999, carbon_limit=0.15 / 3.6e6)  # fmt: skip
    found = plan_whole_units(problem)
    adequacy = adequacy_judged(found)
    week = bad_week(found, adequacy)
    assert adequacy.simulation is not None
    lost = np.sort(adequacy.simulation.by_year[:, FIGURES.index("energy")])
    assert week.lacking.sum() <= lost[int(0.95 * (len(lost) - 1))] * (1.0 + 1e-9)
    assert len(week.load) == 168
    there = week.other + sum(week.there.values()) + sum(week.stores.values()) + week.lacking
    assert np.all(there >= week.load * (1.0 - 2e-6))
    short = week.lacking > 1.0
    np.testing.assert_allclose(there[short], week.load[short], rtol=3e-6)
    units = adequacy.system.kinds[0].units
    assert np.all(week.there["gas-engine"] <= units.total)
    counts = week.there["gas-engine"] / units.size / adequacy.system.share[week.first : week.first + 168, 0]
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)  # whole units


def test_a_simulated_year_is_the_same_alone() -> None:
    units, need = [Units("unit", 5, 10.0, 0.1, 40.0, 0.05)], np.full(HOURS, 38.0)
    store = Store(Units("store", 1, 5.0, 0.0, 1.0), 20.0, 0.9, 0.9)
    made = simulate(units, need, stores=[store], years=300, error=0.0)
    for year in (0, 7, 260):
        _, hours = simulated_year(units, need, stores=[store], year=year)
        assert hours[:, -1].sum() == pytest.approx(made.by_year[year, FIGURES.index("energy")])
        assert hours[:, :-1].sum(1) + hours[:, -1] == pytest.approx(
            np.maximum(need, hours[:, :-1].sum(1) + hours[:, -1]), rel=1e-12
        )


@pytest.mark.parametrize(
    ("plants", "load"), [(("fission-small", "gas-combined-cycle"), 1e9), (("gas-turbine",), 1.2e8)]
)
def test_plans_on_the_way_may_be_rough_and_the_one_that_is_taken_is_not(
    plants: tuple[str, ...], load: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = asked(*(bought(name) for name in plants), load=load)
    known = plan_whole_units(problem)
    real, rough_ones = sizing.solve_problem, list[SupplyPlan]()

    def flagged(one: Problem, *, rough: bool = False, **more: Any) -> SupplyPlan:
        found = real(one, **more)
        if rough:
            rough_ones.append(found)
            return replace(found, bound=-np.inf)
        return found

    monkeypatch.setattr(sizing, "solve_problem", flagged)
    found = plan_whole_units(problem)
    assert rough_ones
    assert np.isfinite(found.bound)
    assert found.capacity == pytest.approx(known.capacity)
    assert found.objective == pytest.approx(known.objective)


def test_no_programme_is_solved_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ways to count units that end in the same sizes have one programme."""
    programme = importlib.import_module("gigawatt.power.plan.plan")
    real, met = programme.solve_reduced, list[bytes]()

    def counted(one: Programme, *args: Any, **more: Any) -> Solution:
        met.append(one.A.data.tobytes() + one.b.tobytes() + one.cost.tobytes())
        return real(one, *args, **more)

    monkeypatch.setattr(programme, "solve_reduced", counted)
    plants = (bought("fission-small"), bought("gas-combined-cycle"))
    plan_whole_units(asked(*plants, load=5e8, carbon_limit=100e-3 / 3.6e6))
    assert 1 < len(met) == len(set(met))
