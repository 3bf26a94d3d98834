"""The capacity plan: cases solved by hand, HiGHS on the same programme, and properties."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.plan.plan import SupplyPlan, plan
from gigawatt.power.plan.programme import build_programme
from gigawatt.power.plan.reduce import Guess, solve_reduced
from gigawatt.power.plants.plant import Plant, Storage
from gigawatt.power.solve import solve

MWH = 3.6e9
KWH = 3.6e6
PER_KW = 1e-3
VOLL = 10_000 / MWH
ERA5 = Path(__file__).resolve().parents[2].parent / "shared/data/weather/era5_cf_multiyear_1e4.parquet"


def gas(**other: object) -> Plant:
    data: dict = {
        "capital": 150 * PER_KW,
        "fixed": 30 * PER_KW,
        "variable": 3 / MWH,
        "fuel": 30 / MWH,
        "carbon": 0.4 / KWH,
    }
    return Plant("gas", "dispatchable", **(data | other))


def reactor(**other: object) -> Plant:
    data: dict = {
        "capital": 700 * PER_KW,
        "fixed": 130 * PER_KW,
        "variable": 3 / MWH,
        "fuel": 11 / MWH,
        "availability": 0.93,
    }
    return Plant("reactor", "dispatchable", **(data | {"minimum_load": 0.5, "ramp": 0.25} | other))


def battery(**other: object) -> Plant:
    store: dict = {
        "charge_efficiency": 0.92,
        "discharge_efficiency": 0.92,
        "energy_capital": 25 / KWH,
        "duration_min": 3600.0,
        "duration_max": 12 * 3600.0,
        "self_discharge": 1e-4,
    }
    return Plant("battery", "storage", capital=30 * PER_KW, storage=Storage(**(store | other)))


def weather(hours: int) -> tuple[np.ndarray, np.ndarray]:
    """A deterministic sun and wind."""
    rng, h = np.random.default_rng(7), np.arange(8760)
    clear = rng.uniform(0.4, 1.0, 365).repeat(24)
    sun = np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0, 1) * clear
    wind = np.clip(0.35 + 1.5 * np.convolve(rng.normal(size=8760 + 47), np.ones(48) / 48, "valid"), 0, 1)
    return sun[:hours], wind[:hours]


def park(hours: int, **grid: object) -> list[Plant]:
    """Grid, sun, wind, battery, gas, reactor."""
    sun, wind = weather(hours)
    h = np.arange(hours)
    data: dict = {
        "capital": 20 * PER_KW,
        "fuel": (60 + 18 * np.sin(h / 24 * 2 * np.pi)) / MWH,
        "carbon": (0.35 + 0.07 * np.cos(h / 24 * 2 * np.pi)) / KWH,
        "maximum": 3e8,
    }
    return [
        Plant("grid", "grid", **(data | grid)),
        Plant("solar", "profile", availability=sun, capital=90 * PER_KW, fixed=15 * PER_KW),
        Plant("wind", "profile", availability=wind, capital=110 * PER_KW, fixed=30 * PER_KW),
        battery(),
        gas(),
        reactor(),
    ]


def load(hours: int) -> np.ndarray:
    return 1e9 * (1 + 0.05 * np.sin(np.arange(hours) / 24 * 2 * np.pi))


def sound(found: SupplyPlan) -> None:
    """What holds in every plan: balance, signs, bounds, storage, ramps, books."""
    unit = found.load.max()
    balance = found.dispatch.sum(1) - found.charge.sum(1) + found.not_served - found.load
    assert np.max(np.abs(balance)) < 1e-6 * unit
    for series in (found.dispatch, found.charge, found.state_of_charge, found.curtailed, found.not_served):
        assert series.min() > -1e-9 * unit
    assert np.all(found.not_served <= found.load)
    assert np.isfinite(found.price).all()
    hours = len(found.load)
    for i, plant in enumerate(found.plants):
        size = found.capacity[plant.id]
        assert plant.minimum - 1e-9 <= size <= plant.maximum + 1e-9
        made = found.dispatch[:, i] + (found.curtailed[:, i] if plant.kind != "storage" else 0.0)
        most = plant.hourly("availability", hours) * size
        assert np.all(made <= most + 1e-6 * unit)
        if plant.kind in ("dispatchable", "grid"):
            assert np.all(made >= plant.minimum_load * most - 1e-6 * unit)
        if plant.ramp is not None:
            steps = np.abs(made - np.roll(made, 1))
            assert np.all(steps <= plant.ramp * size + 1e-6 * unit)
        if plant.storage is not None:
            store, level = plant.storage, found.state_of_charge[:, i]
            assert np.all(level <= found.storage_energy[plant.id] + 1e-6 * unit * 3600)
            assert np.all(found.charge[:, i] <= size + 1e-6 * unit)
            kept = (1 - store.self_discharge) * np.roll(
                level, 1
            ) + store.charge_efficiency * 3600 * found.charge[:, i]
            kept -= 3600 * (found.dispatch[:, i] + found.curtailed[:, i]) / store.discharge_efficiency
            assert np.max(np.abs(kept - level)) < 1e-6 * unit * 3600  # cyclic, hour by hour
            both = np.minimum(found.charge[:, i], found.dispatch[:, i])
            assert np.max(both[found.price >= 0.0], initial=0.0) < 1e-5 * unit
            told = any("charges and discharges at once" in notice for notice in found.notices)
            assert told == bool(np.any(both > 1e-4 * unit))
    assert found.objective == pytest.approx(sum(v for parts in found.cost.values() for v in parts.values()))
    assert found.gap < 1e-6
    assert found.infeasibility < 1e-6


# --- by hand


def test_one_gas_plant_on_a_flat_load_costs_what_it_costs() -> None:
    found = plan(load=np.full(8760, 1e8), plants=[gas()], not_served_price=VOLL)
    # 100 MW: 180 $/kW and year, 33 $/MWh
    assert found.objective == pytest.approx(1e5 * 180 + 100 * 8760 * 33, rel=1e-7)
    assert found.capacity["gas"] == pytest.approx(1e8, rel=1e-6)
    assert found.cost["gas"]["capital"] == pytest.approx(1e5 * 150, rel=1e-6)
    assert found.cost["gas"]["fuel"] == pytest.approx(100 * 8760 * 30, rel=1e-6)
    assert sum(found.carbon.values()) == pytest.approx(100 * 8760 * 400, rel=1e-6)
    assert found.carbon_intensity == pytest.approx(0.4 / KWH, rel=1e-6)
    assert found.cost_per_energy * MWH == pytest.approx(33 + 180 * 1000 / 8760, rel=1e-6)
    assert found.binding == ()
    assert found.notices == ()


def test_unavailable_capacity_is_bought_on_top() -> None:
    found = plan(load=np.full(48, 9e7), plants=[gas(availability=0.9)], not_served_price=VOLL)
    assert found.capacity["gas"] == pytest.approx(1e8, rel=1e-6)


def test_carbon_price_is_a_cost_of_its_own() -> None:
    free = plan(load=np.full(24, 1e8), plants=[gas()], not_served_price=VOLL)
    taxed = plan(load=np.full(24, 1e8), plants=[gas()], not_served_price=VOLL, carbon_price=0.1)
    assert taxed.cost["gas"]["carbon_price"] == pytest.approx(0.1 * 400 * 100 * 24, rel=1e-6)
    assert taxed.objective - free.objective == pytest.approx(taxed.cost["gas"]["carbon_price"], rel=1e-5)


def test_cheap_sun_saves_fuel_only_while_it_shines() -> None:
    sun = np.tile(np.repeat([0.0, 1.0], 12), 10)
    solar = Plant("solar", "profile", availability=sun, capital=20 * PER_KW)
    found = plan(load=np.full(240, 1e8), plants=[gas(), solar], not_served_price=VOLL)
    # sun at 20 $/kW·yr over 4,380 h is 4.57 $/MWh against 33 $/MWh of fuel; gas must still carry the night
    assert found.capacity["solar"] == pytest.approx(1e8, rel=1e-5)
    assert found.capacity["gas"] == pytest.approx(1e8, rel=1e-5)
    assert found.energy()["solar"] == pytest.approx(1e8 * 3600 * 120, rel=1e-5)
    assert found.objective == pytest.approx(1e5 * (180 + 20) * 240 / 8760 + 100 * 120 * 33, rel=1e-6)


def test_battery_shifts_sun_into_the_night() -> None:
    sun = np.tile(np.repeat([0.0, 1.0], 12), 4)
    solar = Plant("solar", "profile", availability=sun, capital=20 * PER_KW)
    store = battery(
        charge_efficiency=0.9, discharge_efficiency=0.8, self_discharge=0.0, duration_max=math.inf
    )
    found = plan(load=np.full(96, 1e8), plants=[solar, store], not_served_price=VOLL, not_served_limit=0.0)
    sound(found)
    # 12 h of 100 MW at night: 1,200 MWh out, /0.8 in the store, /0.9 charged in 12 h on top of the load
    assert found.storage_energy["battery"] == pytest.approx(1.5e3 * MWH, rel=1e-4)
    assert found.capacity["solar"] == pytest.approx(1e8 * (1 + 1 / 0.72), rel=1e-4)
    assert found.capacity["battery"] == pytest.approx(1e8 / 0.72, rel=1e-4)


def test_carbon_limit_takes_the_clean_plant_in_the_right_share() -> None:
    clean = Plant("clean", "dispatchable", capital=800 * PER_KW)
    limit = 0.1 / KWH
    found = plan(load=np.full(100, 1e8), plants=[gas(), clean], not_served_price=VOLL, carbon_limit=limit)
    assert found.energy()["clean"] / found.energy_served == pytest.approx(0.75, rel=1e-5)
    assert found.carbon_intensity == pytest.approx(limit, rel=1e-5)
    # a MWh moved from gas to clean costs (800 - 180) $/kW·yr / 8.76 - 33 $ and saves 0.4 t
    per_tonne = ((800 - 180) / 8.76 - 33) / 0.4
    assert found.carbon_shadow_price * 1e3 == pytest.approx(per_tonne, rel=1e-4)
    assert found.binding[0].startswith(f"the carbon limit of 100 g/kWh binds at ${per_tonne:.4g} per tonne")


def test_hours_stand_for_a_year() -> None:
    short = plan(load=load(168), plants=park(168), not_served_price=VOLL)
    year = plan(load=load(168), plants=park(168), not_served_price=VOLL, hours=8760)
    assert year.objective == pytest.approx(short.objective * 8760 / 168, rel=1e-6)
    assert year.cost_per_energy == pytest.approx(short.cost_per_energy, rel=1e-6)
    assert year.weight == pytest.approx(8760 / 168)


# --- HiGHS and duality


@pytest.mark.parametrize("limit", [None, 0.1, 0.02])
def test_month_equals_highs(limit: float | None) -> None:
    hours = 720
    programme = build_programme(
        load=load(hours),
        plants=park(hours),
        not_served_price=VOLL,
        carbon_limit=None if limit is None else limit / KWH,
    )
    given = {"A": programme.A, "b": programme.b, "cost": programme.cost, "equalities": programme.equalities}
    ours, theirs = solve(**given), solve(**given, solver="highs")
    assert (ours.solver, theirs.solver) == ("clarabel", "highs")
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
    whole = plan(
        load=load(hours),
        plants=park(hours),
        not_served_price=VOLL,
        carbon_limit=None if limit is None else limit / KWH,
    )
    sound(whole)
    money = whole.objective / (10 / MWH * 3600 * programme.power_unit)
    assert money == pytest.approx(theirs.objective, rel=1e-6)
    crossed = plan(
        load=load(hours),
        plants=park(hours),
        not_served_price=VOLL,
        carbon_limit=None if limit is None else limit / KWH,
        solver="highs",
    )
    sound(crossed)
    assert crossed.objective == pytest.approx(whole.objective, rel=1e-6)


@pytest.mark.parametrize("limit", [None, 0.1, 0.02])
@pytest.mark.parametrize("left_out", [(), (3,), (1, 2, 5), (0, 1, 2, 3, 4, 5)])
def test_reduced_month_is_the_whole_month_whatever_was_guessed(
    left_out: tuple[int, ...], limit: float | None
) -> None:
    p = build_programme(
        load=load(480),
        plants=park(480, maximum=math.inf),
        not_served_price=VOLL,
        carbon_limit=None if limit is None else limit / KWH,
    )
    given = {"A": p.A, "b": p.b, "cost": p.cost, "equalities": p.equalities}
    theirs = solve(**given, solver="highs")
    ours = solve_reduced(p, Guess(frozenset(left_out), frozenset(p.ramp_rows)))
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
    assert ours.gap < 1e-6
    assert ours.infeasibility < 1e-6
    # a certificate of its own: the dual, with the parts of the plants left out, is feasible
    assert ours.z[p.equalities :].min() > -1e-6
    assert np.max(np.abs(p.cost + p.A.T @ ours.z)) < 1e-6 * np.max(np.abs(p.cost))
    for i in range(len(p.plants)):
        if theirs.x[i] < 1e-9:
            assert not np.any(ours.x[p.own_columns[i]])


def test_the_sample_of_a_long_series_only_saves_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from gigawatt.power.plan import reduce as room

    kw: dict = {"load": load(720), "plants": park(720), "not_served_price": VOLL, "carbon_limit": 0.05 / KWH}
    whole = plan(**kw)
    monkeypatch.setattr(room, "_LONG", 0)
    parts = plan(**kw)
    sound(parts)
    assert parts.objective == pytest.approx(whole.objective, rel=1e-7)
    assert parts.capacity == pytest.approx(whole.capacity, rel=1e-3, abs=1e3)


def test_no_dust() -> None:
    for limit in (None, 0.1, 0.02):
        found = plan(
            load=load(720),
            plants=park(720),
            not_served_price=VOLL,
            carbon_limit=None if limit is None else limit / KWH,
        )
        for i, name in enumerate(found.names):
            assert found.capacity[name] == 0.0 or found.capacity[name] > 1e-6 * found.load.max()
            if found.capacity[name] == 0.0:
                assert not found.dispatch[:, i].any()
                assert found.storage_energy.get(name, 0.0) == 0.0
        assert found.not_served.min() >= 0.0
        assert found.curtailed.min() >= 0.0


def test_prices_pay_for_everything_where_nothing_is_limited() -> None:
    # constant returns: every plant earns its cost, so the load pays the whole bill (strong duality)
    hours = 480
    found = plan(load=load(hours), plants=park(hours, maximum=math.inf), not_served_price=VOLL)
    assert float(found.price @ found.load) * 3600 == pytest.approx(found.objective, rel=1e-5)


def test_negative_prices_are_not_burnt_without_end() -> None:
    price = np.tile([-20.0, 80.0], 24) / MWH
    grid = Plant("grid", "grid", fuel=price, maximum=5e8)
    found = plan(load=np.full(48, 1e8), plants=[grid, gas()], not_served_price=VOLL)
    sound(found)
    assert found.dispatch[0::2, 0] == pytest.approx(1e8, rel=1e-6)
    assert found.curtailed.sum() == pytest.approx(0.0, abs=1e3)


# --- properties


def test_tighter_carbon_limit_is_never_cheaper() -> None:
    bills = [
        plan(load=load(336), plants=park(336), not_served_price=VOLL, carbon_limit=g / 1e3 / KWH).objective
        for g in (400, 200, 100, 50, 20, 5)
    ]
    assert all(b >= a * (1 - 1e-7) for a, b in itertools.pairwise(bills))
    assert bills[-1] > bills[0] * 1.05


def test_more_connection_is_never_dearer_and_the_shadow_price_says_by_how_much() -> None:
    kw: dict = {"load": load(336), "not_served_price": VOLL, "carbon_limit": 0.1 / KWH}
    found = {m: plan(plants=park(336, maximum=m * 1e6), **kw) for m in (0, 100, 300, 310, 500)}
    bills = [f.objective for f in found.values()]
    assert all(b <= a * (1 + 1e-7) for a, b in itertools.pairwise(bills))
    (text,) = [t for t in found[300].binding if "grid" in t]
    assert text.startswith("the 300 MW limit of grid binds in ")
    said = float(text.split("save $")[1].split()[0]) * 1e3
    saved = (found[300].objective - found[310].objective) / 10 * 8760 / 336
    assert said * 0.8 < saved <= said * 1.01


def test_minimum_load_and_ramp_hold_where_they_bite() -> None:
    h = np.arange(240)
    shape = 1e9 * (0.6 + 0.4 * (h % 24 >= 12))
    plants = [gas(), reactor(minimum=9e8, maximum=9e8, minimum_load=0.8, ramp=0.05)]
    found = plan(load=shape, plants=plants, not_served_price=VOLL)
    sound(found)
    made = found.dispatch[:, 1] + found.curtailed[:, 1]
    assert made.min() >= 0.8 * 0.93 * 9e8 * (1 - 1e-6)
    assert found.curtailed[:, 1].max() > 1e7  # it must run above the night's load, and spills


def test_fixed_capacity_is_kept_and_its_worth_said() -> None:
    found = plan(load=np.full(48, 1e8), plants=[gas(minimum=4e7, maximum=4e7)], not_served_price=VOLL)
    assert found.capacity["gas"] == pytest.approx(4e7)
    assert any(text.startswith("the 40 MW size of gas binds in 48 of 48 h") for text in found.binding)
    assert found.not_served == pytest.approx(6e7)


def test_profile_with_a_cost_of_its_own_is_dispatched() -> None:
    sun = np.tile([0.0, 1.0], 12)
    lease = Plant("lease", "profile", availability=sun, variable=5 / MWH, minimum=2e8, maximum=2e8)
    found = plan(load=np.full(24, 1e8), plants=[gas(), lease], not_served_price=VOLL)
    sound(found)
    assert found.dispatch[1::2, 1] == pytest.approx(1e8, rel=1e-5)
    assert found.curtailed[1::2, 1] == pytest.approx(1e8, rel=1e-5)
    assert found.cost["lease"]["variable"] == pytest.approx(5 * 100 * 12, rel=1e-5)


def test_part_of_a_reactor_is_told() -> None:
    part = Plant("fission", "dispatchable", capital=300 * PER_KW, unit_size=3e8)
    found = plan(load=np.full(24, 1e8), plants=[part], not_served_price=VOLL)
    told = "fission: 100 MW is less than one unit of 300 MW; unit sizes are not modelled"
    assert found.notices == (told,)


def test_dear_hours_under_a_carbon_limit_are_no_fault_of_the_limit() -> None:
    peak = np.full(8760 // 4, 1e8)
    peak[7] = 2e8
    clean = Plant("clean", "dispatchable", capital=300 * PER_KW)
    kw: dict = {"plants": [gas(), clean], "not_served_price": VOLL, "carbon_limit": 0.1 / KWH}
    found = plan(load=peak, hours=8760, **kw)
    assert found.notices[0].endswith("or capacity is at its limit")


def test_size_of_the_site_does_not_matter() -> None:
    small = plan(load=load(168) * 1e-4, plants=park(168, maximum=3e4), not_served_price=VOLL)
    large = plan(load=load(168) * 1e2, plants=park(168, maximum=3e10), not_served_price=VOLL)
    assert large.objective == pytest.approx(small.objective * 1e6, rel=1e-6)


def test_frame_has_the_hours() -> None:
    table = plan(load=load(48), plants=park(48), not_served_price=VOLL).to_frame()
    assert len(table) == 48
    assert {"load", "price", "gas dispatch", "battery charge", "battery state_of_charge"} <= set(
        table.columns
    )


@pytest.mark.skipif(not ERA5.exists(), reason="the ERA5 years lie beside the repository, not in it")
def test_real_weather_of_a_quarter() -> None:
    import duckdb

    query = f"select cf_solar, cf_wind from '{ERA5}' where site = ? and year = ? order by hour limit 2190"
    sun, wind = (
        np.array(c) / 1e4 for c in zip(*duckdb.execute(query, ["texas", 2015]).fetchall(), strict=True)
    )
    plants = park(2190)
    plants[1] = Plant("solar", "profile", availability=sun, capital=90 * PER_KW, fixed=15 * PER_KW)
    plants[2] = Plant("wind", "profile", availability=wind, capital=110 * PER_KW, fixed=30 * PER_KW)
    found = plan(load=load(2190), plants=plants, not_served_price=VOLL, carbon_limit=0.05 / KWH)
    sound(found)
    assert found.carbon_intensity <= 0.05 / KWH * (1 + 1e-6)


# --- refusals


def test_carbon_limit_out_of_reach_is_named_with_its_distance() -> None:
    clean = Plant("clean", "dispatchable", capital=100 * PER_KW, maximum=2.5e7)
    with pytest.raises(InfeasibleError) as error:
        plan(load=np.full(48, 1e8), plants=[gas(), clean], not_served_price=VOLL, carbon_limit=0.1 / KWH)
    assert str(error.value) == (
        "carbon_limit: the carbon limit of 100 g/kWh cannot be met with these plants: the least they reach "
        "is 300 g/kWh, 200 g/kWh too much; allowed: raise the limit, or the limits of the clean plants, "
        "or add one"
    )


def test_shortage_is_a_notice_with_a_price() -> None:
    found = plan(load=np.full(48, 1e8), plants=[gas(maximum=9e7)], not_served_price=VOLL)
    sound(found)
    assert found.not_served == pytest.approx(1e7, rel=1e-5)
    assert found.notices == (
        "480 MWh (10 % of the energy) are not served in 48 h, at most 10 MW: at $10,000/MWh this is "
        "cheaper than more capacity, or capacity is at its limit",
    )
    assert found.cost["energy not served"]["not_served"] == pytest.approx(480 * 10_000, rel=1e-5)
    assert found.price == pytest.approx(VOLL, rel=1e-5)


def test_shortage_is_an_error_where_a_full_supply_is_asked() -> None:
    with pytest.raises(InfeasibleError) as error:
        plan(load=np.full(48, 1e8), plants=[gas(maximum=9e7)], not_served_price=VOLL, not_served_limit=0.0)
    assert str(error.value) == (
        "not_served_limit: the plants cannot carry the load: at least 480 MWh in 48 h are lacking, up to "
        "10 MW; that is 10 % of the energy; given '0'; allowed: raise the limits of capacity, or allow "
        "more energy not served"
    )


def test_full_supply_is_bought_where_it_is_asked() -> None:
    peak = np.full(8760, 1e8)
    peak[100] = 2e8  # one hour: 180 $/kW·yr for it, against 10 $/kWh of lost load
    cheap = plan(load=peak, plants=[gas()], not_served_price=VOLL)
    assert cheap.not_served[100] == pytest.approx(1e8, rel=1e-5)
    full = plan(load=peak, plants=[gas()], not_served_price=VOLL, not_served_limit=0.0)
    assert full.not_served.max() == 0.0  # not even dust
    assert full.capacity["gas"] == pytest.approx(2e8, rel=1e-6)
    some = plan(load=peak, plants=[gas()], not_served_price=VOLL, not_served_limit=5e-5)
    assert some.not_served.sum() / peak.sum() == pytest.approx(5e-5, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"load": np.zeros(3)}, "load: the load is not a series of watts"),
        ({"load": -np.ones(3)}, "load: the load is not a series of watts"),
        ({"load": np.full(3, np.nan)}, "load: the load is not a series of watts"),
        ({"plants": [gas(), gas()]}, "plants: two plants have the same id; given 'gas'"),
        (
            {"not_served_price": 0.0},
            "not_served_price: not a sensible value; given '0'; allowed: $/J, above 0",
        ),
        ({"carbon_limit": -1.0}, "carbon_limit: not a sensible value; given '-1'"),
        (
            {"solver": "clarabell"},
            "unknown solver; given 'clarabell'; allowed: hours, clarabel, highs; did you mean 'clarabel'",
        ),
        (
            {"plants": [gas(availability=np.ones(4))]},
            "gas.availability: the series does not have the length",
        ),
    ],
)
def test_bad_input_is_one_line(change: dict, text: str) -> None:
    given: dict = {"load": np.ones(3), "plants": [gas()], "not_served_price": VOLL}
    with pytest.raises(InputError) as error:
        plan(**(given | change))
    assert str(error.value).startswith(text)
    assert "\n" not in str(error.value)


def test_highs_prints_nothing() -> None:
    code = (
        "import numpy as np; from gigawatt.power import Plant, plan; "
        "plan(load=np.ones(3), plants=[Plant('gas', 'dispatchable', fuel=1e-8)], not_served_price=1e-6, "
        "solver='highs')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_highs_steps_in_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from gigawatt.power import solve as room

    monkeypatch.setattr(room, "_clarabel", lambda *_: None)
    found = plan(load=np.ones(3), plants=[gas()], not_served_price=VOLL)
    assert found.solver == "highs"
    assert found.notices == ("clarabel did not converge on this plan; it was solved with HiGHS instead",)


@pytest.mark.parametrize("seed", range(12))
def test_random_parks_are_sound_and_equal_in_both_solvers(seed: int) -> None:
    rng, hours = np.random.default_rng(seed), 60
    plants = [
        Plant(
            "grid", "grid", fuel=rng.normal(40, 40, hours) / MWH, carbon=0.4 / KWH, maximum=rng.uniform(0, 1)
        ),
        Plant("sun", "profile", availability=rng.uniform(0, 1, hours), capital=rng.uniform(0, 200) * PER_KW),
        battery(self_discharge=rng.uniform(0, 0.05), duration_min=3600.0 * rng.integers(0, 3)),
        gas(ramp=rng.uniform(0.1, 1.5), minimum_load=rng.uniform(0, 0.5), maximum=rng.uniform(0.2, 1.2)),
        reactor(ramp=rng.uniform(0.01, 0.3), minimum=0.1, maximum=rng.choice([0.1, 0.5])),
    ]
    kw: dict = {"load": rng.uniform(0.5, 1.0, hours), "plants": plants, "not_served_price": VOLL}
    kw["carbon_price"] = rng.choice([0.0, 0.1])
    ours, theirs = plan(**kw), plan(**kw, solver="highs")
    sound(ours)
    sound(theirs)
    assert ours.solver == "clarabel"
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)


def test_capacity_follows_the_load_and_energy_the_time_it_is_drawn() -> None:
    """Drawn for 80 % of the time: the plan of the same load whose running costs are 80 % of the full ones."""
    load = 1e8 * (1.0 + 0.3 * np.sin(np.arange(240) / 24 * 2 * np.pi))
    sun = Plant("solar", "profile", capital=60 * PER_KW,
                availability=np.clip(np.sin((np.arange(240) % 24 - 6) / 12 * np.pi), 0, 1))  # fmt: skip
    limits = {"not_served_price": VOLL, "carbon_price": 0.1, "hours": 8760.0}
    drawn = plan(load=load, plants=[gas(), sun, battery()], duty=0.8, **limits)
    cheap = gas(variable=0.8 * 3 / MWH, fuel=0.8 * 30 / MWH, carbon=0.8 * 0.4 / KWH)
    same = plan(load=load, plants=[cheap, sun, battery()], **limits)
    assert drawn.objective == pytest.approx(same.objective, rel=1e-6)
    assert drawn.bound == pytest.approx(drawn.objective, rel=1e-5)
    assert drawn.capacity == pytest.approx(same.capacity, rel=1e-3)
    assert sum(drawn.carbon.values()) == pytest.approx(sum(same.carbon.values()), rel=1e-3)
    assert drawn.energy_served == pytest.approx(0.8 * load.mean() * 8760 * 3600)
    alone = plan(load=load, plants=[gas(availability=0.9)], duty=0.8, **limits)
    assert alone.capacity["gas"] == pytest.approx(load.max() / 0.9, rel=1e-5)
    size, energy = alone.capacity["gas"], 0.8 * load.mean() * 8760 * 3600
    whole = size * 180 * PER_KW + energy * (33 / MWH + 0.1 * 0.4 / KWH)
    assert alone.objective == pytest.approx(whole, rel=1e-6)
    # of the price of every hour, weighted by what is drawn: what a plan without rents earns is what it costs
    assert np.average(alone.price, weights=load) * energy == pytest.approx(whole, rel=1e-3)
    with pytest.raises(InputError, match="duty"):
        plan(load=load, plants=[gas()], duty=0.0, not_served_price=VOLL)
