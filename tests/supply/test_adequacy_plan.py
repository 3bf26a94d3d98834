"""Adequacy of supply plans: closed forms of one unit, an independent sampler, properties, bad rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.catalog.loader import use_user_catalog
from gigawatt.core.errors import InputError
from gigawatt.facility import load_site, load_weather
from gigawatt.power import Flexible, Plant, SupplyPlan, build_plant, plan
from gigawatt.power.adequacy import Adequacy, adequacy_of, nines_of
from gigawatt.power.adequacy.rows import mean_availability, plant_units, rates_of
from gigawatt.power.adequacy.simulated import simulated
from gigawatt.power.plants import list_plants
from gigawatt.power.plants.weather_outages import outage_curve, outages_in

HOURS = 8760
SWITCHYARD = rates_of("switchyard")[:2]
"""Share of the time out, time to repair [h]."""
LOST = 1e-2  # $/J


def bought(name: str, **more: object) -> Plant:
    needs: dict[str, object] = {"price": 1e-8, "carbon": 0.0} if name in ("grid", "power-leased") else {}
    return build_plant(name, year=2030, capital_recovery=lambda life: 0.1, **needs, **more)  # type: ignore[arg-type]


def planned(*plants: Plant, load: object = 1e9, **more: object) -> SupplyPlan:
    hours = np.broadcast_to(np.asarray(load, dtype=float), (HOURS,))
    return plan(load=hours, plants=plants, not_served_price=LOST, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def engines() -> Adequacy:
    return adequacy_of(replace(planned(bought("gas-engine"), load=200e6), fuel_lines=2))


def test_a_connection_is_one_unit() -> None:
    found = adequacy_of(planned(bought("grid")))
    row = catalog.table("outages")["grid"]
    often, repair = row.value("failure_rate") * 3600.0, row.value("repair_time") / 3600.0
    share = often * repair / (1.0 + often * repair)
    yard, mended = SWITCHYARD
    short = 1.0 - (1.0 - share) * (1.0 - yard)
    assert found.indices.hours == pytest.approx(HOURS * short)
    assert found.indices.energy == pytest.approx(HOURS * short * 1e9, rel=1e-5)
    assert found.indices.events == pytest.approx(HOURS * (share / repair + yard / mended), rel=1e-3)
    assert found.worst.words == "one grid connection of 1 GW"
    assert found.notice is None


def test_one_reactor_of_300_mw_does_not_serve_20_mw_at_all_times() -> None:
    found = adequacy_of(planned(bought("fission-small"), load=20e6))
    (kind,) = found.system.kinds
    assert (kind.units.count, kind.units.size) == (1, 300e6)
    assert kind.spare == pytest.approx(300e6 - kind.capacity)
    days = np.ceil(365 * kind.units.planned)
    short = 1.0 - (1.0 - kind.units.forced) * (1.0 - days / 365) * (1.0 - SWITCHYARD[0])
    assert found.indices.hours == pytest.approx(HOURS * short)
    assert 1.0 - found.served == pytest.approx(short, rel=1e-4)
    assert found.notice is not None
    assert f"short {HOURS * short:.3g} h a year" in found.notice


def test_an_independent_sampler_agrees(engines: Adequacy) -> None:
    """Hours drawn at random, each unit up or down by itself: within three standard errors."""
    rng = np.random.default_rng(3)
    system, draws = engines.system, 400_000
    hours = rng.integers(0, HOURS, draws)
    there = np.zeros(draws)
    for i, kind in enumerate(system.kinds):
        count = kind.units.count - system.out[hours, i]
        there += rng.binomial(count, 1.0 - kind.units.forced) * kind.units.size * system.share[hours, i]
    short = there < system.need[hours]
    lolh, error = HOURS * short.mean(), HOURS * short.std() / np.sqrt(draws)
    assert abs(lolh - engines.indices.hours) < 3.0 * error + 0.02 * lolh  # shares are rounded to a hundredth
    lost = np.maximum(system.need[hours] - there, 0.0)
    error = HOURS * lost.std() / np.sqrt(draws)
    assert abs(HOURS * lost.mean() - engines.indices.energy) < 3.0 * error + 0.03 * engines.indices.energy


def test_units_are_rounded_up_and_small_ones_are_taken_where_one_would_do(engines: Adequacy) -> None:
    (kind,) = engines.system.kinds
    assert kind.units.count == np.ceil(kind.capacity / 20e6)
    assert 0.0 <= kind.spare < 20e6
    one = plant_units(bought("gas-engine"), 0.2e6, HOURS)
    assert (one.units.count, one.units.size) == (1, 3e6)  # the smallest of the row's range
    assert plant_units(bought("fission-small"), 20e6, HOURS).units.size == 300e6  # it has none


def test_further_nines_take_further_units_and_hold(engines: Adequacy) -> None:
    nines = nines_of(engines)
    assert [one.share for one in nines] == sorted(one.share for one in nines)
    counts = [one.count for one in nines]
    assert None not in counts
    assert counts == sorted(counts)  # type: ignore[type-var]
    for one in nines:
        assert one.count is not None
        hours = [engines.system.with_more(0, n).indices().hours for n in (one.count, one.count - 1)]
        assert hours[0] <= (1.0 - one.share) * HOURS < hours[1]


def test_a_load_that_may_be_cut_is_short_less() -> None:
    plants = (bought("gas-engine"),)
    rigid = adequacy_of(planned(*plants, load=100e6))
    cut = planned(*plants, load=100e6, flexible=Flexible(cut_share=0.2, cut_cost=LOST / 2))
    found = adequacy_of(cut)
    assert found.indices.energy < 0.5 * rigid.indices.energy


def test_what_was_asked_for_decides_where_it_was_asked() -> None:
    made = adequacy_of(planned(bought("gas-engine"), load=200e6, not_served_limit=0.05))
    assert made.asked
    assert made.notice is None
    assert made.served > 0.95
    strict = adequacy_of(planned(bought("gas-engine"), load=200e6, not_served_limit=1e-6))
    assert strict.notice is not None


def test_every_plant_has_figures() -> None:
    for name in list_plants():
        row = catalog.table("plants")[name]
        profile = {"profile": np.full(HOURS, 0.5)} if row.text("kind") == "profile" else {}
        plant = bought(name, **profile)
        if plant.storage is not None:
            there, said = mean_availability(plant)
            assert 0.8 < there < 1.0
            assert said.source
        elif plant.kind != "profile" or plant.unit_size > 0.0:
            found = plant_units(plant, 1e9, HOURS)
            assert 0.0 < found.units.forced < 0.5
            assert found.units.repair > 0.0
            assert found.share.max() <= 1.0


HEAD = "id,quantity,value,low,high,unit,year,currency_year,grade,source_id,locator,note\n"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gas-engine,forced_outage_rate,100,,,%", "gas-engine.forced_outage_rate"),
        ("gas-engine,repair_time,-4,,,h", "gas-engine.repair_time"),
        ("gas-engine,planned_outage,120,,,%", "gas-engine.planned_outage"),
        ("gas-engine,start_failure,-1,,,%", "gas-engine.start_failure"),
    ],
)  # fmt: skip
def test_a_row_that_is_none_is_one_line(row: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "outages.csv").write_text(f"{HEAD}{row},,,guess,gigawatt-guess,,\n")
    use_user_catalog(tmp_path)
    try:
        with pytest.raises(InputError) as caught:
            plant_units(bought("gas-engine"), 1e8, HOURS)
    finally:
        use_user_catalog(None)
    assert said in str(caught.value)
    assert "outages.csv:2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weather_years_are_one_after_the_other(engines: Adequacy) -> None:
    twice = planned(bought("gas-engine"), load=200e6)
    again = replace(
        twice,
        **{
            name: np.tile(getattr(twice, name), 2)
            for name in ("load", "not_served", "cut", "waiting", "hour_weight")
        },
        **{name: np.tile(getattr(twice, name), (2, 1)) for name in ("dispatch", "charge", "curtailed")},
        years=2,
        fuel_lines=2,
    )  # fmt: skip
    assert adequacy_of(again).indices.hours == pytest.approx(engines.indices.hours)


def test_cold_and_heat_move_how_often_units_fail() -> None:
    """Points of the published curve; a unit that failed in the cold is still out in the warm hour."""
    zero = 273.15
    mean = catalog.table("outages_weather")["gas-combined-cycle"].value("mean")
    cold, mild, hot = (
        float(np.asarray(outages_in("gas-combined-cycle", [zero + t])).item()) * mean
        for t in (-15.0, 10.0, 35.0)
    )
    assert (cold, mild, hot) == pytest.approx((0.149, 0.025, 0.072))
    assert outages_in("gas-combined-cycle", [zero - 40.0]) == pytest.approx(cold / mean)  # its end holds
    assert outages_in("solar", [zero]) == 1.0
    air = np.where(np.arange(HOURS) % 500 < 48, zero - 15.0, zero + 10.0)
    plant = bought("gas-combined-cycle", temperature=air)
    kind = plant_units(plant, 1e9, HOURS)
    wave, mended = kind.risk[500:1000], 1.0 / kind.units.repair
    last = int(np.argmax(wave))
    assert last == 48  # the first mild hour: those that failed in the cold are not repaired yet
    rate = (
        0.149 / 0.025 * np.min(plant.outages) * kind.units.forced,
        np.min(plant.outages) * kind.units.forced,
    )
    fails = [mended * q / (1.0 - q) for q in rate]
    share = kind.units.forced * kind.risk[499]
    for h in range(500):
        assert share == pytest.approx(kind.units.forced * wave[h], rel=1e-9)
        share += (1.0 - share) * fails[h >= 48] - share * mended


def test_the_mean_of_each_curve_is_that_of_the_texan_year() -> None:
    weather = load_weather(load_site("abilene-texas"))
    assert weather.temperature is not None
    for row in catalog.table("outages_weather").values():
        points = outage_curve(row.text("curve"))
        assert row.value("mean") == pytest.approx(np.interp(weather.temperature, *points).mean(), rel=1e-3)


@pytest.mark.parametrize("lines", [1, 2])
def test_a_fuel_line_takes_all_that_burns_its_fuel(lines: int) -> None:
    """Enumeration of both modes by hand: the line, or the switchyard, or neither."""
    plants = (bought("gas-engine"), bought("fission-small"))
    made = planned(*(replace(one, minimum=600e6, maximum=600e6) for one in plants), load=800e6)
    found = adequacy_of(replace(made, fuel_lines=lines))
    system = found.system
    line, yard = (rates_of(row)[0] for row in ("natural-gas", "switchyard"))
    line **= lines
    bare = replace(system, modes=())
    reactors = replace(
        system.with_kinds([one for one in system.kinds if one.plant.id == "fission-small"]),
        modes=(), out=system.out[:, 1:], risk=system.risk[:, 1:], share=system.share[:, 1:],
    )  # fmt: skip
    hours = (1.0 - yard) * (
        (1.0 - line) * bare.indices().hours + line * reactors.indices().hours
    ) + yard * HOURS
    assert found.indices.hours == pytest.approx(hours, rel=1e-9)
    assert system.modes[0].share == pytest.approx(line)
    simulation = simulated(replace(made, fuel_lines=lines), found).simulation
    assert simulation is not None
    low, high = simulation.interval("hours")
    assert low - (high - low) / 4 < found.indices.hours < high + (high - low) / 4  # three standard errors
