"""Weather years, hourly matching, a load that gives way, whole units, linked sites: by hand and by HiGHS."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.flexible import Flexible, before_in, queue_limit
from gigawatt.power.plan.network import Link, plan_network
from gigawatt.power.plan.plan import SupplyPlan, plan
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.reduce import Guess, solve_reduced
from gigawatt.power.plan.units import plan_units
from gigawatt.power.plants.plant import Plant, Storage
from gigawatt.power.solve import solve

MWH, KWH, PER_KW = 3.6e9, 3.6e6, 1e-3
VOLL = 10_000 / MWH
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def gas(**other: object) -> Plant:
    data: dict = {"capital": 180 * PER_KW, "fuel": 33 / MWH, "carbon": 0.4 / KWH}
    return Plant("gas", "dispatchable", **(data | other))


def clean(**other: object) -> Plant:
    return Plant("clean", "dispatchable", **({"capital": 800 * PER_KW} | other))


def solar(hours: int, capital: float = 60.0) -> Plant:
    h = np.arange(hours)
    cloud = np.random.default_rng(1).uniform(0.3, 1.0, hours // 24 + 1).repeat(24)[:hours]
    sun = np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0, 1) * cloud
    return Plant("solar", "profile", availability=sun, capital=capital * PER_KW)


def battery() -> Plant:
    store = Storage(0.92, 0.92, 25 / KWH, duration_min=3600.0, duration_max=12 * 3600.0)
    return Plant("battery", "storage", capital=30 * PER_KW, storage=store)


def load(hours: int) -> np.ndarray:
    return 1e9 * (1 + 0.2 * np.sin(np.arange(hours) / 24 * 2 * np.pi))


def balanced(found: SupplyPlan) -> None:
    left = found.dispatch.sum(1) - found.charge.sum(1) + found.not_served
    assert np.max(np.abs(left - found.drawn)) < 1e-6 * found.load.max()
    assert found.gap < 1e-6
    assert found.bound <= found.objective * (1 + 1e-9)
    assert found.bound >= found.objective * (1 - 1e-5)


# --- weather years


def test_the_same_year_twice_is_that_year() -> None:
    one = plan(load=load(240), plants=[gas(), solar(240), battery()], not_served_price=VOLL)
    twin = replace(solar(240), availability=np.tile(solar(240).hourly("availability", 240), 2))
    two = plan(load=np.tile(load(240), 2), plants=[gas(), twin, battery()], not_served_price=VOLL, years=2)
    balanced(two)
    assert two.objective == pytest.approx(one.objective, rel=1e-6)
    assert two.hours == 240
    assert two.capacity == pytest.approx(one.capacity, rel=1e-3, abs=1e4)
    assert two.cost_per_energy == pytest.approx(one.cost_per_energy, rel=1e-6)


@pytest.mark.parametrize("weights", [(1, 1), (1, 4), (3, 1)])
def test_years_weigh_what_they_weigh(weights: tuple[float, float]) -> None:
    dear = np.repeat([20.0, 60.0], 48) / MWH
    market = Plant("grid", "grid", fuel=dear, carbon=np.repeat([0.1, 0.5], 48) / KWH)
    found = plan(load=np.full(96, 1e8), plants=[market], not_served_price=VOLL, years=2, year_weights=weights)
    share = weights[1] / sum(weights)
    assert found.objective == pytest.approx(100 * 48 * (20 + 40 * share), rel=1e-6)
    assert found.carbon_intensity * KWH == pytest.approx(0.1 + 0.4 * share, rel=1e-6)
    assert found.price * MWH == pytest.approx(np.repeat([20.0, 60.0], 48), rel=1e-4)


def test_no_year_lends_to_another() -> None:
    sun = np.repeat([1.0, 0.0], 24)
    field = Plant("solar", "profile", availability=sun, capital=10 * PER_KW)
    store = replace(battery(), storage=replace(battery().storage, duration_max=1e9))
    kw: dict = {"load": np.full(48, 1e8), "plants": [field, store], "not_served_price": 1e5 * VOLL}
    assert plan(**kw).not_served.max() == 0.0
    assert plan(**kw, years=2).not_served[24:] == pytest.approx(1e8)


def test_three_years_equal_highs() -> None:
    kw: dict = {
        "load": load(504),
        "plants": [gas(), solar(504), battery(), clean(ramp=0.02)],
        "not_served_price": VOLL,
        "carbon_limit": 0.05 / KWH,
        "years": 3,
        "year_weights": (1, 2, 3),
    }
    ours, theirs = plan(**kw), plan(**kw, solver="highs")
    balanced(ours)
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
    assert ours.carbon_intensity <= 0.05 / KWH * (1 + 1e-6)


def test_hours_before_stay_in_their_year() -> None:
    assert before_in((3, 2)).tolist() == [2, 0, 1, 4, 3]


# --- ramps taken back where they are broken


def test_ramps_guessed_slack_are_taken_back_where_they_are_not() -> None:
    hours = 480
    plants = [gas(ramp=0.04), solar(hours, 20.0), clean(ramp=0.01, capital=0.3)]
    asked = Problem(load(hours), plants, VOLL)
    p = asked.programme()
    whole = solve(A=p.A, b=p.b, cost=p.cost, equalities=p.equalities, solver="highs")
    part = solve_reduced(p, Guess(slack_ramps=frozenset(p.ramp_rows)))
    assert part.objective == pytest.approx(whole.objective, rel=1e-6)
    assert part.infeasibility < 1e-6


# --- hourly matching


def test_matching_by_hand() -> None:
    found = plan(
        load=np.full(48, 1e8), plants=[gas(), clean()], not_served_price=VOLL, matching=0.75, hours=8760
    )
    assert found.energy()["clean"] / found.energy_served == pytest.approx(0.75, rel=1e-6)
    # a point of the load from clean plants costs 1 MW of it instead of gas: (800 - 180) $/kW·yr less 33 $/MWh
    saved = (620 * 1e3 - 33 * 8760) * 1.0
    (text,) = found.binding
    assert text.startswith("the hourly matching binds in 48 of 48 h: one percentage point less would save $")
    assert float(text.split("$")[1].split()[0]) * 1e3 == pytest.approx(saved, rel=1e-3)


def test_matching_holds_in_every_hour_and_costs_more_the_more_is_asked() -> None:
    plants = [gas(), solar(336), battery(), clean()]
    bills = []
    for share in (0.0, 0.5, 0.9, 1.0):
        found = plan(load=load(336), plants=plants, not_served_price=VOLL, matching=share)
        balanced(found)
        assert np.all(found.dispatch[:, 0] <= (1 - share) * found.load + 1e-6 * 1e9)
        bills.append(found.objective)
    assert all(b >= a * (1 - 1e-7) for a, b in itertools.pairwise(bills))


def test_matching_counts_the_clean_share_of_a_mix() -> None:
    """Half of it is clean: at 75 % matching it may carry half of the load, of which half is dirty."""
    dear = clean(capital=2000 * PER_KW)
    asked = {"load": np.full(48, 1e8), "not_served_price": VOLL, "matching": 0.75, "hours": 8760}
    mixed = plan(plants=[replace(gas(), clean=np.full(48, 0.5)), dear], **asked)
    assert mixed.dispatch[:, 0] == pytest.approx(5e7, rel=1e-6)
    strict = plan(plants=[gas(), dear], **asked)
    assert strict.dispatch[:, 0] == pytest.approx(2.5e7, rel=1e-6)
    assert mixed.objective < strict.objective
    with pytest.raises(InputError, match=r"gas\.clean: not a sensible value"):
        replace(gas(), clean=1.5)


def test_matching_that_cannot_be_is_named() -> None:
    must = gas(minimum=5e7, maximum=5e7, minimum_load=0.6)
    with pytest.raises(InfeasibleError, match="hourly matching of 90 % cannot be met"):
        plan(load=np.full(48, 1e8), plants=[must, clean()], not_served_price=VOLL, matching=0.9)
    with pytest.raises(InfeasibleError, match=r"under the hourly matching: at least 4\.8 GWh in 48 h"):
        plan(load=np.full(48, 1e8), plants=[gas()], not_served_price=VOLL, matching=0.5, not_served_limit=0.0)


def test_carbon_that_must_be_emitted_is_named_with_its_amount() -> None:
    must = gas(minimum=5e7, maximum=5e7, minimum_load=0.6)
    with pytest.raises(InfeasibleError) as error:
        plan(load=np.full(48, 1e8), plants=[must, clean()], not_served_price=VOLL, carbon_limit=0.05 / KWH)
    assert "carbon_limit: the carbon limit cannot be kept with what must be built and run" in str(error.value)
    assert "at least 70 g/kWh too much" in str(error.value)  # 30 of 100 MW at 400 g/kWh


# --- a load that gives way


def test_cutting_is_done_where_it_is_cheaper_than_a_peaker() -> None:
    peak = np.full(8760, 1e8)
    peak[100:110] = 1.2e8
    gives = Flexible(cut_share=0.5, cut_cost=200 / MWH)
    found = plan(load=peak, plants=[gas()], not_served_price=VOLL, flexible=gives)
    balanced(found)
    assert found.cut[100:110] == pytest.approx(2e7, rel=1e-5)  # 2,000 $/MWh saved by 10 h cut is 180 $/kW
    assert found.cost["load cut"]["not_served"] == pytest.approx(200 * 200, rel=1e-5)
    assert found.not_served.max() == 0.0
    few = plan(load=peak, plants=[gas()], not_served_price=VOLL, flexible=replace(gives, cut_limit=1e-4))
    assert few.cut.sum() / peak.sum() == pytest.approx(1e-4, rel=1e-5)
    assert any(text.startswith("the limit on load cut binds") for text in few.binding)


def test_work_waits_for_the_cheap_hours_but_no_longer_than_its_window() -> None:
    price = np.tile([90.0] * 6 + [10.0] * 6, 10) / MWH
    market = Plant("grid", "grid", fuel=price)
    gives = Flexible(defer_share=0.5, defer_window=2 * 3600.0, peak=1e9)
    found = plan(load=np.full(120, 1e8), plants=[market], not_served_price=VOLL, flexible=gives)
    balanced(found)
    # half the load of the last two dear hours of each six is drawn in the first cheap one: 100 MWh of 600
    assert found.objective == pytest.approx(10 * (500 * 90 + 700 * 10), rel=1e-5)
    assert found.drawn.sum() == pytest.approx(found.load.sum(), rel=1e-9)
    assert found.waiting.max() <= 100 * MWH * (1 + 1e-6)
    assert any(text.startswith("the window of the deferrable load binds") for text in found.binding)
    tight = plan(
        load=np.full(120, 1e8), plants=[market], not_served_price=VOLL, flexible=replace(gives, peak=None)
    )
    assert tight.objective == pytest.approx(10 * 600 * 100, rel=1e-6)  # nothing runs faster than it does


def test_queue_limit_is_what_came_in_the_window() -> None:
    assert queue_limit(arriving=[1, 2, 3, 4, 5, 6], window=2, blocks=(4, 2)).tolist() == [5, 3, 5, 7, 11, 11]


def test_a_load_that_gives_way_is_never_dearer_and_equals_highs() -> None:
    kw: dict = {
        "load": load(336),
        "plants": [gas(), solar(336), battery()],
        "not_served_price": VOLL,
        "carbon_limit": 0.2 / KWH,
    }
    stiff = plan(**kw)
    for gives in (Flexible(0.2, 100 / MWH, 0.02), Flexible(0.1, 100 / MWH, None, 0.3, 12 * 3600.0)):
        ours, theirs = plan(**kw, flexible=gives), plan(**kw, flexible=gives, solver="highs")
        balanced(ours)
        assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
        assert ours.objective < stiff.objective


# --- whole units


def test_units_by_hand() -> None:
    # 100 MW by day, 30 MW by night; 60 MW units that run at half load at least and rest for six hours
    shape = np.tile(np.repeat([3e7, 1e8], 12), 3)
    unit = gas(unit_size=6e7, minimum_load=0.5, start_cost=1e-4, minimum_down=6 * 3600.0)
    found = plan_units(problem=Problem(shape, [unit], VOLL), weeks=None)
    assert found.built == {"gas": 2}
    assert found.running["gas"].tolist() == np.tile(np.repeat([1.0, 2.0], 12), 3).tolist()
    assert found.started["gas"].sum() == 3
    assert found.start_cost["gas"] == pytest.approx(3 * 6e7 * 1e-4)
    fuel = 33 * (30 + 100) * 12 * 3
    assert found.objective == pytest.approx(180 * 120e3 * 72 / 8760 + fuel + 3 * 6e3, rel=1e-6)
    assert found.bound <= found.objective * (1 + 1e-9)


def test_dear_starts_keep_a_unit_running() -> None:
    shape = np.tile(np.repeat([3e7, 1e8], 12), 7)
    unit = gas(unit_size=6e7, minimum_load=0.25, start_cost=10.0)
    found = plan_units(problem=Problem(shape, [unit], VOLL), weeks=None)
    assert found.started["gas"].sum() == 0
    short = gas(unit_size=6e7, minimum_load=0.25, start_cost=0.0, minimum_up=24 * 3600.0)
    slow = plan_units(problem=Problem(shape, [short], VOLL), weeks=None)
    begun = sum(np.roll(slow.started["gas"], k) for k in range(24))
    assert np.all(begun <= slow.running["gas"])


def test_whole_units_cost_no_less_than_any_size_and_weeks_stand_for_the_year() -> None:
    hours = 8760
    plants = [gas(unit_size=2e8, minimum_load=0.4, start_cost=0.02, ramp=0.5), solar(hours), battery()]
    found = plan_units(problem=Problem(load(hours), plants, VOLL), weeks=2, time_limit=3)
    assert found.objective >= found.bound * (1 - 1e-9)
    assert found.plan.capacity["gas"] == pytest.approx(found.built["gas"] * 2e8)
    assert found.plan.hours == hours
    assert len(found.weeks) == 2
    assert "2 representative weeks" in found.notices[-1]
    made = found.plan.dispatch[:, 0] + found.plan.curtailed[:, 0]
    on = found.running["gas"] * 2e8
    assert np.all(made <= on + 1e3)
    assert np.all(made >= 0.4 * on - 1e3)
    lacks = found.plan.dispatch.sum(1) - found.plan.charge.sum(1) + found.plan.not_served - found.plan.load
    assert np.max(np.abs(lacks)) < 1e3


# --- linked sites


def test_a_closed_line_leaves_two_plans_and_an_open_one_saves() -> None:
    a = Problem(load(168), [gas(), solar(168), battery()], VOLL)
    b = Problem(load(168) * 0.5, [clean(), gas(capital=0.3)], VOLL)
    apart = sum(plan(load=s.load, plants=s.plants, not_served_price=VOLL).objective for s in (a, b))
    shut = plan_network(sites={"a": a, "b": b}, links=[Link("line", "a", "b", maximum=0.0)])
    assert shut.objective == pytest.approx(apart, rel=1e-6)
    line = Link("line", "a", "b", capital=20 * PER_KW, maximum=1e8, efficiency=0.97)
    ours = plan_network(sites={"a": a, "b": b}, links=[line])
    theirs = plan_network(sites={"a": a, "b": b}, links=[line], solver="highs")
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
    assert ours.objective < apart
    for name, sign in (("a", 1.0), ("b", -1.0)):
        site = ours.sites[name]
        there, back = ours.flow["line"], ours.back["line"]
        sent = there - 0.97 * back if sign > 0 else back - 0.97 * there
        left = site.dispatch.sum(1) - site.charge.sum(1) + site.not_served - site.drawn - sent
        assert np.max(np.abs(left)) < 1e-6 * 1.2e9


def test_a_line_by_hand_and_its_worth() -> None:
    cheap = Problem(np.full(48, 1e7), [gas(fuel=10 / MWH, capital=0.0)], VOLL, hours=8760)
    dear = Problem(np.full(48, 1e8), [gas(fuel=50 / MWH, capital=0.0)], VOLL, hours=8760)
    line = Link("line", "cheap", "dear", maximum=4e7, efficiency=0.9, both_ways=False)
    found = plan_network(sites={"cheap": cheap, "dear": dear}, links=[line])
    assert found.flow["line"] == pytest.approx(4e7, rel=1e-5)
    assert found.objective == pytest.approx(8760 * (50 * 10 + 64 * 50), rel=1e-5)
    worth = (0.9 * 50 - 10) * 8760  # $ a year of one MW
    (text,) = found.binding
    assert text.startswith("the 40 MW limit of line binds in 48 of 48 h: a further MW would save $")
    assert float(text.split("$")[1].split()[0]) * 1e3 == pytest.approx(worth, rel=1e-3)


def test_work_moves_to_where_power_is_cheap_up_to_its_share() -> None:
    cheap = Problem(np.full(48, 1e8), [gas(fuel=10 / MWH, capital=0.0)], VOLL)
    dear = Problem(np.full(48, 1e8), [gas(fuel=50 / MWH, capital=0.0)], VOLL)
    work = Link("work", "cheap", "dear", cost=5 / MWH, load_share=0.3)
    found = plan_network(sites={"cheap": cheap, "dear": dear}, links=[work])
    assert found.flow["work"] == pytest.approx(3e7, rel=1e-5)
    assert found.objective == pytest.approx(48 * (130 * 10 + 70 * 50 + 30 * 5), rel=1e-5)


def test_one_carbon_limit_over_all_sites() -> None:
    a = Problem(np.full(48, 1e8), [gas()], VOLL)
    b = Problem(np.full(48, 1e8), [clean(), gas()], VOLL)
    found = plan_network(sites={"a": a, "b": b}, links=[], carbon_limit=0.3 / KWH)
    assert found.sites["b"].energy()["clean"] / found.sites["b"].energy_served == pytest.approx(0.5, rel=1e-4)
    assert found.carbon_shadow_price * 1e3 == pytest.approx(((800 - 180) / 8.76 - 33) / 0.4, rel=1e-3)
    assert found.binding[0].startswith("the carbon limit of 300 g/kWh binds at $94")


# --- refusals


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Flexible(cut_share=1.5), "flexible.cut_share: not a sensible value; given '1.5'"),
        (lambda: Flexible(cut_share=0.7, defer_share=0.7), "flexible.defer_share: not a sensible value"),
        (
            lambda: Problem(np.ones(7), [gas()], VOLL, years=2),
            "years: the load is not a whole number of years",
        ),
        (
            lambda: Problem(np.ones(8), [gas()], VOLL, years=2, year_weights=(1, -1)),
            "year_weights: the weights of the years are not weights; given '1, -1'",
        ),
        (lambda: Problem(np.ones(8), [gas()], VOLL, matching=2.0), "matching: not a sensible value"),
        (
            lambda: plan_network(
                sites={"a": Problem(np.ones(8), [gas()], VOLL)}, links=[Link("l", "a", "b")]
            ),
            "links.l: a link ends nowhere; given 'b'",
        ),
        (lambda: Link("l", "a", "b", efficiency=0.0), "l.efficiency: not a sensible value"),
        (
            lambda: plan_units(problem=Problem(np.ones(8), [gas()], VOLL, years=2)),
            "years: unit sizes are planned on one weather year",
        ),
        (lambda: plan_units(problem=Problem(np.ones(8), [gas()], VOLL)), "not the hours of a year"),
    ],
)
def test_bad_input_is_one_line(make: object, text: str) -> None:
    with pytest.raises(InputError) as error:
        make()  # type: ignore[operator]
    assert str(error.value).startswith(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seed", range(20))
def test_random_cases_are_solved_or_refused_with_their_cause(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("supply_cases", None)
    from supply_cases import run  # pyright: ignore[reportMissingImports]

    outcome, _, gap, apart, words = run(seed, 168)
    assert outcome in ("solved", "refused"), words
    assert gap <= 1e-6
    if outcome == "solved":
        assert apart <= 1e-6
