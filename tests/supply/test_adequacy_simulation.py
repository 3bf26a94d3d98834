"""Adequacy by simulation: published systems, convolution, what stores can at most do, plans with stores."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.power import Plant, build_plant, plan
from gigawatt.power.adequacy import Units, adequacy_of, convolve
from gigawatt.power.adequacy.maintenance import place_maintenance, units_out
from gigawatt.power.adequacy.simulate import FIGURES, Simulation, Store, simulate, simulated_year
from gigawatt.power.adequacy.simulated import simulated
from gigawatt.validation.adequacy.systems import load_shape, units_of

LOAD = load_shape() * 2850.0
ENGINES = Units("engine", 12, 10.0, 0.05, repair=40.0, planned=0.04)


def near(found: Simulation, figure: str, value: float, errors: float = 3.3) -> bool:
    return abs(found.mean(figure) - value) < errors * found.error(figure) + 1e-12


@pytest.fixture(scope="module")
def rts() -> Simulation:
    return simulate(units_of("RTS-79"), LOAD)


def test_rts_79_is_met_within_its_error(rts: Simulation) -> None:
    """LOLH 9.394175 h and EUE 1,176.3 MWh (Allan, Billinton & Abdel-Gawad 1986)."""
    assert rts.error("hours") <= 0.025 * rts.mean("hours")
    assert near(rts, "hours", 9.394175)
    assert near(rts, "energy", 1176.2985)
    low, high = rts.interval("hours")
    assert low < rts.mean("hours") < high
    assert rts.most("largest") <= 3405.0


def test_pras_unit_and_store() -> None:
    """PRASCore.jl TestData, system 2: LOLE 0.2 h, EUE 1.5542 MWh; state of each hour by itself."""
    unit, store = (Units(name, 1, 10.0, 0.1, 1.0 / 0.9) for name in ("unit", "store"))
    found = simulate([unit], [8.0, 9.0], stores=[Store(store, 10.0)], error=1e-9, years=60_000)
    assert near(found, "hours", 0.2)
    assert near(found, "energy", 1.5542)


def test_maintenance_and_weather_as_by_convolution() -> None:
    hours = np.arange(8760)
    need = 80.0 + 15.0 * np.cos(2 * np.pi * hours / 8760)
    share = np.where(np.cos(2 * np.pi * hours / 24) > 0.5, 0.9, 1.0)[:, None]
    first = place_maintenance([ENGINES], need.reshape(365, 24).max(1))
    out = np.repeat(units_out([ENGINES], first, 365), 24, axis=0)
    exact = convolve([ENGINES], need, share=share, out=out, each=True)
    found = simulate([ENGINES], need, share=share, first=first, error=0.01)
    assert near(found, "hours", exact.hours)
    assert near(found, "energy", exact.energy)
    assert exact.events is not None
    assert found.mean("events") == pytest.approx(exact.events, rel=0.25)


def test_weather_years_are_each_simulated_as_often() -> None:
    need = np.concatenate([np.full(8760, 95.0), np.full(8760, 105.0)])
    both = convolve([ENGINES], need)
    found = simulate([ENGINES], need, weather_years=2, year_weights=[0.5, 1.5], error=0.01)
    exact = 0.25 * both.lolp[:8760].sum() + 0.75 * both.lolp[8760:].sum()
    assert near(found, "hours", exact)


def test_the_same_seed_gives_the_same_years_and_more_units_never_more_losses() -> None:
    need = np.full(8760, 100.0)
    one, two = (simulate([ENGINES], need, error=1e-9, years=100) for _ in range(2))
    np.testing.assert_array_equal(one.by_year, two.by_year)
    other = simulate([ENGINES], need, error=1e-9, years=100, seed=2)
    assert not np.array_equal(one.by_year, other.by_year)
    more = simulate([ENGINES, Units("more", 1, 5.0, 0.1, 20.0)], need, error=1e-9, years=100)
    hours = FIGURES.index("hours")
    assert np.all(more.by_year[:, hours] <= one.by_year[:, hours])  # common random numbers: year by year


def test_a_store_saves_no_more_than_it_holds_and_always_something() -> None:
    need = np.full(8760, 100.0)
    store = Store(Units("store", 1, 20.0, 0.0, 1.0), 40.0, 0.9, 0.95, start=40.0)
    found = simulate([ENGINES], need, stores=[store], error=1e-9, years=300)
    year = dict(zip(FIGURES, found.by_year.T, strict=True))
    assert np.all(year["energy"] <= year["energy_alone"])
    assert np.all(year["hours"] <= year["hours_alone"])
    assert year["energy"].sum() < year["energy_alone"].sum()
    endless = Store(Units("store", 1, 1e3, 0.0, 1.0), 1e9, start=1e9)
    assert simulate([ENGINES], need, stores=[endless], error=1e-9, years=50).mean("energy") == 0.0
    empty = Store(Units("store", 1, 20.0, 0.0, 1.0), 40.0)
    short = simulate([Units("x", 1, 10.0, 0.0, 1.0)], need, stores=[empty], error=1e-9, years=5)
    assert short.mean("energy") == pytest.approx(90.0 * 8760)  # nothing to charge it with


def test_what_lacks_is_one_line() -> None:
    with pytest.raises(InputError, match=r"x\.repair_time"):
        simulate([Units("x", 1, 10.0, 0.1)], np.ones(24))
    with pytest.raises(InputError, match="no whole weather years"):
        simulate([ENGINES], np.ones(25), weather_years=2)
    with pytest.raises(InputError, match=r"x\.charging"):
        Store(Units("x", 1, 10.0, 0.1, 1.0), 5.0, charging=1.2)
    with pytest.raises(InputError, match=r"x\.start"):
        Store(Units("x", 1, 10.0, 0.1, 1.0), 5.0, start=6.0)


def test_a_plan_with_a_battery_answers_an_outage_with_it() -> None:
    hours = np.arange(8760)
    load = 100e6 + 20e6 * np.cos(2 * np.pi * (hours - 18) / 24)  # the evening's peak is the battery's

    def fixed(name: str, watts: float) -> Plant:
        return build_plant(name, year=2035, capital_recovery=lambda life: 0.1, limit=watts, minimum=watts)

    made = plan(load=load, plants=(fixed("battery", 20e6), fixed("gas-engine", 112e6)), not_served_price=1e-2)
    assert made.dispatch[:, 0].max() > 0.0
    as_planned = adequacy_of(made)
    found = simulated(made, as_planned)
    assert as_planned.stores
    assert found.simulation is not None
    assert 0.0 < found.indices.energy < 0.8 * found.simulation.mean("energy_alone")
    assert found.indices.energy == pytest.approx(as_planned.indices.energy, rel=0.3)
    assert any(one.key == "supply.adequacy.battery" for one in found.assumptions)


def test_not_compiled_the_same_years_are_simulated() -> None:
    code = (
        "import numpy as np; from gigawatt.power.adequacy import Units;"
        "from gigawatt.power.adequacy.simulate import simulate;"
        "found = simulate([Units('engine', 12, 10.0, 0.05, repair=40.0)], np.full(24 * 60, 100.0), years=20);"
        "print(found.by_year.sum(0).tolist())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True,
            env=os.environ | {"NUMBA_DISABLE_JIT": off},
        ).stdout
        for off in ("0", "1")
    ]  # fmt: skip
    assert said[0] == said[1]


def test_hours_that_are_passed_over_while_units_are_out_lose_nothing() -> None:
    """Some of sixty units are always out: a year hour by hour, nothing passed over, has the same figures."""
    hours = np.arange(8760)
    need = 1000.0 - 200.0 * np.clip(np.sin(2.0 * np.pi * hours / 24.0), 0.0, None)
    units = [Units("engine", 60, 18.0, 0.05, 60.0), Units("connection", 1, 40.0, 0.01, 20.0)]
    stores = [Store(Units("battery", 10, 10.0, 0.02, 30.0), 400.0, 0.95, 0.95, 400.0, 1e-4)]
    hazard = np.where(hours[:, None] % 700 < 20, 6.0, 0.8) * np.ones((1, 2))
    found = simulate(units, need, stores=stores, hazard=hazard, years=250, error=0.0).by_year
    worst = np.argsort(found[:, FIGURES.index("energy")])[-3:]
    assert found[worst, FIGURES.index("energy")].min() > 0.0
    for year in worst.tolist():
        _, traced = simulated_year(units, need, year=year, stores=stores, hazard=hazard)
        lacking = traced[:, -1]
        assert found[year, FIGURES.index("energy")] == pytest.approx(lacking.sum(), rel=1e-12)
        assert found[year, FIGURES.index("hours")] == np.count_nonzero(lacking > 1e-6)
        gap = need - traced[:, :2].sum(axis=1)
        assert found[year, FIGURES.index("hours_alone")] == np.count_nonzero(gap > 1e-6)
        assert found[year, FIGURES.index("energy_alone")] == pytest.approx(gap[gap > 1e-6].sum(), rel=1e-12)
