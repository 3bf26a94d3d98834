"""The pathway: beside the static plan, conservation, lives, limits, and what must never get worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.pathway.hours import WEEK, Hours, representative_weeks, whole_year
from gigawatt.power.pathway.pathway import Pathway, plan_pathway
from gigawatt.power.pathway.steps import Step, Vintage
from gigawatt.power.plan.plan import plan
from gigawatt.power.plants.plant import Plant, Storage

YEAR = 8760 * 3600.0
MWH = 3.6e9
KWH = 3.6e6
PER_KW = 1e-3
VOLL = 1000 / MWH
H = 2 * WEEK
HOURS = whole_year(H)


def shapes(hours: int = H) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng, h = np.random.default_rng(3), np.arange(hours)
    sun = (
        np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0, 1)
        * rng.uniform(0.5, 1, hours // 24 + 1).repeat(24)[:hours]
    )
    wind = np.clip(0.4 + 1.2 * np.convolve(rng.normal(size=hours + 47), np.ones(48) / 48, "valid"), 0, 1)
    return 1e9 * (1 + 0.1 * np.sin(h / 24 * 2 * np.pi)), sun, wind


LOAD, SUN, WIND = shapes()


def park(cheaper: float = 1.0, gas_price: float = 40.0) -> list[Plant]:
    """Sun, wind, battery, gas, reactor; sun and wind at ``cheaper`` times their price."""
    store = Storage(0.93, 0.93, energy_capital=20 / KWH, duration_min=3600.0, duration_max=8 * 3600.0)
    return [
        Plant("solar", "profile", availability=SUN, capital=80 * PER_KW * cheaper, fixed=12 * PER_KW),
        Plant("wind", "profile", availability=WIND, capital=110 * PER_KW * cheaper, fixed=25 * PER_KW),
        Plant("battery", "storage", capital=25 * PER_KW, storage=store),
        Plant("gas", "dispatchable", capital=120 * PER_KW, fixed=20 * PER_KW, fuel=gas_price / MWH,
              carbon=0.4 / KWH),
        Plant("reactor", "dispatchable", capital=600 * PER_KW, fixed=120 * PER_KW, fuel=10 / MWH,
              availability=0.9, minimum_load=0.4, ramp=0.3),
    ]  # fmt: skip


def steps_of(years: list[float], end: float, rate: float = 0.0, **more: object) -> list[Step]:
    def worth(n: float) -> float:
        return n if rate == 0 else (1 - (1 + rate) ** -n) / rate

    return [
        Step(a, worth(b - years[0]) - worth(a - years[0]), LOAD, **more)  # type: ignore[arg-type]
        for a, b in zip(years, [*years[1:], end], strict=True)
    ]


def vintages_of(
    steps: list[Step], parks: list[list[Plant]], life: float = 30.0, ready: dict[str, float] | None = None
) -> list[Vintage]:
    """Everything may be built in every step at that step's price, from its year of ``ready`` on."""
    found = []
    for i, step in enumerate(steps):
        for k, plant in enumerate(parks[i]):
            if step.year >= (ready or {}).get(plant.id, 0.0):
                running = tuple(
                    replace(parks[j][k], capital=plant.capital) if parks[j][k].kind != "storage" else plant
                    for j in range(len(steps))
                )
                found.append(Vintage(plant.id, step.year, life * YEAR, running))
    return found


def solved(steps: list[Step], vintages: list[Vintage], **more: object) -> Pathway:
    found = plan_pathway(steps=steps, vintages=vintages, hours=HOURS, not_served_price=VOLL, **more)  # type: ignore[arg-type]
    assert found.gap < 1e-6
    sound(found)
    return found


def sound(found: Pathway) -> None:
    """Balance, signs, capacities, and books that add up to the objective."""
    unit = max(step.load.max() for step in found.steps)
    for s, step in enumerate(found.steps):
        left = found.dispatch[s].sum(1) - found.charge[s].sum(1) + found.not_served[s] - step.load
        assert np.max(np.abs(left)) < 1e-6 * unit
        for i, name in enumerate(found.names):
            plant = next(v.running[s] for v in found.vintages if v.plant == name)
            most = plant.hourly("availability", len(step.load)) * found.capacity[s, i]
            assert np.all(found.dispatch[s, :, i] <= most + 1e-6 * unit)
    for series in (found.dispatch, found.charge, found.not_served, found.capacity, found.retired):
        assert series.min() > -1e-6 * unit
    change = np.diff(found.capacity, axis=0, prepend=0.0)
    standing = np.array(
        [sum(v.capacity or 0.0 for v in found.vintages if v.plant == name) for name in found.names]
    )
    assert np.all(np.abs(change[1:] - (found.added - found.retired)[1:]) < 1e-6 * unit)
    assert np.all(change[0] - found.added[0] <= standing + 1e-6 * unit)
    worth = np.array([step.worth for step in found.steps])
    assert float(worth @ (found.cost + found.not_served_cost)) == pytest.approx(found.objective, rel=1e-5)


def test_one_step_is_the_static_plan() -> None:
    steps = steps_of([2025], 2026)
    found = solved(steps, vintages_of(steps, [park()]))
    static = plan(load=LOAD, plants=park(), not_served_price=VOLL)
    assert found.objective == pytest.approx(static.objective * 8760 / H, rel=1e-6)
    assert found.capacity[0].sum() == pytest.approx(sum(static.capacity.values()), rel=1e-3)


def test_without_lead_times_and_with_lives_of_a_step_every_step_is_its_static_plan() -> None:
    steps = steps_of([2025, 2030, 2035], 2040)
    parks = [park(), park(0.7, 50.0), park(0.5, 60.0)]
    found = solved(steps, vintages_of(steps, parks, life=5.0))
    for s, plants in enumerate(parks):
        static = plan(load=LOAD, plants=plants, not_served_price=VOLL)
        yearly = found.cost[s] + found.not_served_cost[s]
        assert yearly == pytest.approx(static.objective * 8760 / H, rel=1e-5)


def test_equal_steps_with_no_discount_repeat_the_static_plan() -> None:
    steps = steps_of([2025, 2030, 2035], 2040)
    found = solved(steps, vintages_of(steps, [park()] * 3))
    static = plan(load=LOAD, plants=park(), not_served_price=VOLL)
    assert found.objective == pytest.approx(15 * static.objective * 8760 / H, rel=1e-6)
    assert np.ptp(found.capacity, axis=0).max() < 1e-3 * LOAD.max()


def test_highs_agrees() -> None:
    steps = steps_of([2025, 2030], 2035, 0.07, carbon_price=0.05)
    vintages = vintages_of(steps, [park(), park(0.7)], ready={"reactor": 2030})
    ours, theirs = solved(steps, vintages), solved(steps, vintages, solver="highs")
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)


def test_nothing_gives_power_before_its_lead_time() -> None:
    steps = steps_of([2025, 2027, 2030, 2035], 2040)
    ready = {"gas": 2027, "solar": 2030, "wind": 2030, "battery": 2027, "reactor": 2035}
    found = solved(steps, vintages_of(steps, [park()] * 4, ready=ready))
    for i, name in enumerate(found.names):
        assert np.all(found.capacity[found.years < ready[name], i] == 0.0)
    assert found.energy_not_served[0] == pytest.approx(found.demand[0])
    assert np.isnan(found.cost_per_energy[0])
    assert found.energy_not_served[1] < 0.01 * found.demand[1]


def test_a_bridge_is_built_and_left() -> None:
    """Gas now, the reactor when it comes: by hand, gas runs in every hour before and in none after."""
    flat = np.full(H, 1e9)
    gas = Plant("gas", "dispatchable", capital=50 * PER_KW, fixed=20 * PER_KW, fuel=80 / MWH)
    reactor = Plant("reactor", "dispatchable", capital=300 * PER_KW, fixed=100 * PER_KW, fuel=5 / MWH)
    steps = [replace(step, load=flat) for step in steps_of([2025, 2035], 2045)]
    found = solved(steps, [Vintage("gas", 2025, 30 * YEAR, (gas,) * 2),
                           Vintage("reactor", 2035, 30 * YEAR, (reactor,) * 2)])  # fmt: skip
    assert found.capacity == pytest.approx(np.array([[1e9, 0.0], [0.0, 1e9]]), abs=1e3)
    assert found.retired[1, 0] == pytest.approx(1e9, rel=1e-6)
    yearly = 1e6 * np.array([70 + 80 * 8.76, 50 + 400 + 5 * 8.76])  # gas's annuity is paid on, its upkeep not
    assert found.cost == pytest.approx(yearly, rel=1e-5)


def test_a_life_ends() -> None:
    steps = steps_of([2025, 2030, 2035], 2040)
    vintages = [one for one in vintages_of(steps, [park()] * 3, life=10.0) if one.year == 2025]
    found = solved(steps, vintages)
    assert np.all(found.capacity[2] == 0.0)
    assert found.energy_not_served[2] == pytest.approx(found.demand[2])
    assert found.retired[2] == pytest.approx(found.capacity[1])


def test_what_stands_is_free_and_may_be_left() -> None:
    steps = steps_of([2025, 2030], 2035)
    new = vintages_of(steps, [park()] * 2)
    old = Vintage("gas", 2015, 14 * YEAR, (park()[3],) * 2, capacity=5e8)
    found = solved(steps, [*new, old])
    v = len(new)
    assert found.built[v] == pytest.approx(5e8)
    assert found.online[v, 0] <= 5e8 * (1 + 1e-6)
    assert found.online[v, 1] == 0.0
    assert found.objective < solved(steps, new).objective


def test_limits_only_make_it_dearer() -> None:
    steps = steps_of([2025, 2030], 2035, 0.05)
    vintages = vintages_of(steps, [park(), park(0.8)])
    free = solved(steps, vintages)
    i = free.names.index("wind")
    before = free.objective
    for share in (0.8, 0.4, 0.0):
        limits = {"wind": share * float(free.capacity[:, i].max())}
        now = solved([replace(step, limits=limits) for step in steps], vintages)
        assert np.all(now.capacity[:, i] <= limits["wind"] * (1 + 1e-6) + 1.0)
        assert now.objective >= before * (1 - 1e-7)
        before = now.objective
    later = solved(steps, [one for one in vintages if one.plant != "wind" or one.year > 2025])
    assert later.objective >= free.objective * (1 - 1e-7)
    slow = solved([replace(step, build_limits={"wind": 1e8}) for step in steps], vintages)
    assert np.all(slow.added[:, i] <= 1e8 * (1 + 1e-6))
    assert slow.objective >= free.objective * (1 - 1e-7)


def test_carbon_is_kept_and_has_a_price() -> None:
    steps = steps_of([2025, 2030], 2035)
    vintages = vintages_of(steps, [park(), park(0.8)])
    free = solved(steps, vintages)
    limit = 0.3 * free.carbon_intensity.min()
    held = solved([steps[0], replace(steps[1], carbon_limit=limit)], vintages)
    assert held.carbon_intensity[1] == pytest.approx(limit, rel=1e-4)
    assert held.carbon_shadow_price[1] > 0.0
    assert held.carbon_shadow_price[0] == 0.0
    # the shadow price as a carbon price is as good as the limit: the dual of the limit
    price = float(held.carbon_shadow_price[1])
    priced = solved([steps[0], replace(steps[1], carbon_price=price)], vintages)
    paid = price * float(held.carbon[1].sum()) * steps[1].worth
    assert priced.objective == pytest.approx(held.objective + paid, rel=1e-4)
    dearer = solved([replace(step, carbon_price=0.2) for step in steps], vintages)
    assert np.all(dearer.carbon.sum(1) <= free.carbon.sum(1) * (1 + 1e-6))


def test_money_later_is_worth_less() -> None:
    vintages = vintages_of(steps_of([2025, 2030], 2035), [park()] * 2)
    totals = [solved(steps_of([2025, 2030], 2035, rate), vintages).objective for rate in (0.0, 0.03, 0.1)]
    assert totals[0] > totals[1] > totals[2]


def test_vintages_that_run_alike_run_as_one() -> None:
    steps = steps_of([2025, 2030], 2035)
    vintages = vintages_of(steps, [park(), park(1.0, 40.5)])
    apart, one = solved(steps, vintages), solved(steps, vintages, together=0.05)
    assert one.objective == pytest.approx(apart.objective, rel=0.02)


def test_must_run_output_that_nobody_takes_is_not_counted() -> None:
    plant = Plant("reactor", "dispatchable", capital=PER_KW, fuel=1 / MWH, minimum_load=0.9)
    steps = [replace(step, load=np.where(np.arange(H) % 2, 1e9, 1e8)) for step in steps_of([2025], 2026)]
    found = solved(steps, [Vintage("reactor", 2025, 30 * YEAR, (plant,))])
    assert found.dispatch[0].sum(1) == pytest.approx(steps[0].load - found.not_served[0], abs=1e3)


# --- weeks


def test_all_weeks_are_the_year() -> None:
    assert np.array_equal(
        representative_weeks(series=[], load=np.ones(8760), weeks=52).index, np.arange(8760)
    )


@pytest.mark.parametrize("weeks", [1, 4, 9])
def test_weeks_weigh_a_year_and_keep_its_means(weeks: int) -> None:
    load, sun, wind = shapes(8760)
    hours = representative_weeks(series=[sun, wind], load=load, weeks=weeks)
    assert hours.weight.sum() == pytest.approx(8760)
    assert len(hours.index) == weeks * WEEK
    for series in (sun, wind):
        assert hours.mean(hours.read(series, most=1.0)) == pytest.approx(series.mean(), rel=1e-6)
        assert hours.read(series, most=1.0).max() <= 1.0


def test_weeks_of_several_years_weigh_one_and_keep_the_means_of_all() -> None:
    load, sun, wind = (np.tile(series, 3) for series in shapes(8760))
    wind[8760 : 2 * 8760] *= 0.5  # a still year
    hours = representative_weeks(series=[sun, wind], load=load, weeks=9)
    assert hours.weight.sum() == pytest.approx(8760)
    assert hours.mean(hours.read(wind, most=1.0)) == pytest.approx(wind.mean(), rel=1e-6)
    assert np.all(hours.index.reshape(9, WEEK)[:, 0] % 8760 <= 51 * WEEK)  # none goes over into the next year
    assert len({index // 8760 for index in hours.index.tolist()}) > 1
    assert hours.read(load[:8760]) == pytest.approx(load[:8760][hours.index % 8760], rel=0.2)


def test_years_that_are_alike_give_the_weeks_of_one() -> None:
    load, sun, wind = shapes(8760)
    one = representative_weeks(series=[sun, wind], load=load, weeks=7, hardest=0)
    same = [np.tile(series, 2) for series in (load, sun, wind)]
    two = representative_weeks(series=same[1:], load=same[0], weeks=7, hardest=0)
    assert sorted(set((two.index % 8760).tolist())) == sorted(set(one.index.tolist()))
    assert two.weight.sum() == pytest.approx(one.weight.sum())


def test_the_hardest_week_is_among_them() -> None:
    load, sun, wind = shapes(8760)
    wind[30 * WEEK : 31 * WEEK] = sun[30 * WEEK : 31 * WEEK] = 0.0
    hours = representative_weeks(series=[sun, wind], load=load, weeks=5)
    assert 30 * WEEK in hours.index


@pytest.mark.parametrize("weeks", [0, 53])
def test_a_year_has_52_weeks(weeks: int) -> None:
    with pytest.raises(InputError, match="1 to 52"):
        representative_weeks(series=[], load=np.ones(8760), weeks=weeks)


# --- bad input


def bad(**change: object) -> str:
    steps = steps_of([2025, 2030], 2035)
    given: dict = {"steps": steps, "vintages": vintages_of(steps, [park()] * 2), "hours": HOURS,
                   "not_served_price": VOLL}  # fmt: skip
    with pytest.raises(InputError) as caught:
        plan_pathway(**(given | change))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bad_input_is_one_line() -> None:
    steps = steps_of([2025, 2030], 2035)
    assert "not in order" in bad(steps=steps[::-1])
    assert "not in order" in bad(steps=[])
    assert "not_served_price" in bad(not_served_price=0.0)
    assert "2030.load" in bad(steps=[steps[0], replace(steps[1], load=LOAD[:-1])])
    assert "2025.load" in bad(steps=[replace(steps[0], load=np.where(LOAD > 0, np.nan, 0)), steps[1]])
    assert "no load" in bad(steps=[replace(step, load=0 * LOAD) for step in steps])
    assert "2025.carbon_limit" in bad(steps=[replace(steps[0], carbon_limit=-1.0), steps[1]])
    assert "2025.wind" in bad(steps=[replace(steps[0], limits={"wind": -1.0}), steps[1]])
    assert "built in no step" in bad(vintages=[Vintage("gas", 2026, YEAR, (park()[3],) * 2)])
    assert "runs in every step" in bad(vintages=[Vintage("gas", 2025, YEAR, (park()[3],))])
    assert "gas" in bad(vintages=[Vintage("gas", 2025, 0.0, (park()[3],) * 2)])
    with pytest.raises(InputError, match="weights"):
        Hours(np.arange(H), np.ones(H), H)


def test_a_store_that_stands_above_its_limit_is_refused() -> None:
    steps = [replace(step, limits={"battery": 1e6}) for step in steps_of([2025], 2030)]
    with pytest.raises(InfeasibleError, match="battery"):
        plan_pathway(steps=steps, vintages=[Vintage("battery", 2020, 30 * YEAR, (park()[2],), capacity=1e8)],
                     hours=HOURS, not_served_price=VOLL)  # fmt: skip
