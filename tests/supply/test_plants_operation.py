"""Operating limits of plants: part load, warm air, starts, stores inside plants, life by cycles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.money import capital_recovery_factor
from gigawatt.power import Plant, Storage, build_plant, list_plants
from gigawatt.power.plants import cycle_life
from gigawatt.power.plants.thermal import Derating, PartLoad

KWH, MWH = 3.6e6, 3.6e9
HOUR, YEAR = 3600.0, 8760 * 3600.0
ISO = 288.15


def recovery(life: float) -> float:
    return float(capital_recovery_factor(rate=0.07, life=life))


def built(name: str, year: float = 2030, **other: object) -> Plant:
    needs: dict = {}
    if name in ("solar", "wind", "hydro", "space-solar"):
        needs["profile"] = np.full(24, 0.3)
    if name in ("grid", "power-leased"):
        needs.update(price=60 / MWH, carbon=0.35 / KWH)
    return build_plant(name, year=year, capital_recovery=recovery, **(needs | other))


def test_line_of_heat_goes_through_both_points() -> None:
    line = PartLoad(load=0.4, heat_rate=1.35)
    assert line.relative(1.0) == pytest.approx(1.0)
    assert line.relative(0.4) == pytest.approx(1.35)
    assert line.heat(0.4) / 0.4 == pytest.approx(line.relative(0.4))
    assert line.no_load + line.marginal == pytest.approx(1.0)


def test_heat_of_two_half_loaded_units_is_that_of_their_line() -> None:
    line = PartLoad(load=0.5, heat_rate=1.1)
    together = line.heat(0.5, running=1.0)
    assert together == pytest.approx(2 * line.heat(0.25, running=0.5))
    assert line.heat(0.5, running=0.5) == pytest.approx(0.5)  # one of two, at full load
    assert line.heat(0.5, running=0.5) < together


def test_no_penalty_at_part_load_is_proportional() -> None:
    line = PartLoad(load=0.5, heat_rate=1.0)
    x = np.linspace(0.1, 1.0, 10)
    np.testing.assert_allclose(line.heat(x), x)
    np.testing.assert_allclose(line.relative(x), 1.0)


# RTS-GMLC, CT of 55 MW: 13,125, 11,050, 10,188, 9,710 Btu/kWh at 40, 60, 80, 100 %
def test_two_points_hold_the_curve_of_a_turbine_within_two_percent() -> None:
    line = built("gas-turbine").part_load
    assert line is not None
    measured = np.array([13125, 11050, 10188, 9710]) / 9710
    np.testing.assert_allclose(line.relative([0.4, 0.6, 0.8, 1.0]), measured, rtol=0.02)


def test_warm_air_takes_capacity_and_efficiency() -> None:
    air = Derating(reference=ISO, capacity_slope=0.009, heat_slope=0.003, cold_gain=0.05)
    np.testing.assert_allclose(
        air.capacity([ISO - 20, ISO - 5, ISO, ISO + 10, ISO + 20]), [1.05, 1.045, 1, 0.91, 0.82]
    )
    np.testing.assert_allclose(air.heat_rate([ISO - 20, ISO, ISO + 10]), [1, 1, 1.03])


def test_turbine_in_the_weather() -> None:
    warm = np.array([263.15, ISO, ISO + 20.0])
    plant, plain = built("gas-turbine", temperature=warm), built("gas-turbine")
    share = np.asarray(plant.availability) / float(np.mean(plain.availability))
    np.testing.assert_allclose(share, [1.0, 1.0, 1.0 - 20 * 0.009])
    rise = np.asarray(plant.fuel) / float(np.mean(plain.fuel))
    np.testing.assert_allclose(rise, [1.0, 1.0, 1.0 + 20 * 0.0029])
    np.testing.assert_allclose(np.asarray(plant.carbon) / float(np.mean(plain.carbon)), rise)


def test_weather_leaves_plants_without_derating_alone() -> None:
    hot = np.full(24, 318.15)
    for name in ("solar", "wind", "battery-4h", "hydro"):
        np.testing.assert_allclose(built(name, temperature=hot).availability, built(name).availability)


def test_start_is_wear_and_fuel() -> None:
    cheap, dear = (built("gas-combined-cycle", fuel_price=price / 1.05505585262e9) for price in (2.0, 6.0))
    # RTS-GMLC, warm start: 4,536 MMBtu of 355 MW; Lew et al. 2013: 81 $/MW of 2011
    assert (dear.start_cost - cheap.start_cost) * 1e6 == pytest.approx(4.0 * 4536.1 / 355, rel=1e-3)
    assert (cheap.start_cost * 1e6 - 2.0 * 12.78) == pytest.approx(81 * 313.689 / 224.939, rel=1e-3)
    burnt = cheap.start_carbon * 1e6  # kg/MW
    assert 12.78 * 53.06 < burnt < 12.78 * 80


def test_limits_of_rts_units() -> None:
    plant = built("gas-combined-cycle")
    assert plant.minimum_up == 8 * HOUR
    assert plant.minimum_down == 4.5 * HOUR
    assert plant.minimum_running == pytest.approx(170 / 355, rel=1e-3)
    assert plant.minimum_load == 0.0  # the linear plan does not keep it running


@pytest.mark.parametrize("name", list_plants())
def test_limits_are_in_order(name: str) -> None:
    plant = built(name)
    assert plant.minimum_load <= plant.minimum_running <= 1.0
    assert 0.0 <= plant.queue_time <= plant.lead_time
    assert plant.life > YEAR
    fuelled = plant.kind == "dispatchable" and np.mean(plant.fuel) > 0
    assert (plant.part_load is not None) == fuelled
    if fuelled:
        assert plant.part_load is not None
        assert plant.part_load.load >= 0.4
        assert plant.start_cost > 0.0 or name.endswith(("-rented", "-leased"))  # in the rent
        assert plant.derating is not None


@pytest.mark.parametrize("name", list_plants())
def test_costs_have_a_range_by_year(name: str) -> None:
    for year in (2025, 2030, 2035, 2040, 2050):
        low, mid, high = (built(name, year, case=case) for case in ("low", "value", "high"))
        costs = [
            plant.investment + (plant.storage.energy_investment * 4 * HOUR if plant.storage else 0.0)
            for plant in (low, mid, high)
        ]
        assert costs == sorted(costs)
    assert costs[0] < costs[2] or name.startswith("fission-small") or name.endswith(("-rented", "-leased"))


def test_lead_time_given_shorter_than_the_queue() -> None:
    assert built("grid", overrides={"lead_time": 6.3e7}).queue_time == pytest.approx(6.3e7)


def test_sodium_reactor_and_its_salt_give_500_for_five_and_a_half_hours() -> None:
    # TerraPower: 345 MWe, 500 MWe for more than five and a half hours
    reactor, salt = built("fission-sodium"), built("fission-sodium-salt")
    assert salt.storage is not None
    assert salt.host == reactor.id
    assert 345 * (1 + salt.host_ratio) == pytest.approx(500, rel=1e-3)
    assert salt.storage.duration_min == salt.storage.duration_max == 5.5 * HOUR
    store = 155e6 * (salt.investment + salt.storage.energy_investment * 5.5 * HOUR)
    low = entity("plants", "fission-sodium").at("capital_cost", 2030)[1]
    asked = 4.0e9  # of the first unit, and now more
    assert 345e6 * low + store < asked < 345e6 * reactor.investment + store < 1.5 * asked


def test_batteries_of_fixed_duration() -> None:
    for hours in (2, 4, 8):
        store = built(f"battery-{hours}h").storage
        assert store is not None
        assert store.duration_min == store.duration_max == hours * HOUR
        assert store.charge_efficiency * store.discharge_efficiency == pytest.approx(0.85, rel=1e-3)
        assert store.energy_investment == built("battery").storage.energy_investment  # type: ignore[union-attr]


def test_order_of_round_trips() -> None:
    trips = {}
    for name in ("battery-4h", "pumped-hydro", "iron-air", "hydrogen-storage"):
        store = built(name).storage
        assert store is not None
        trips[name] = store.charge_efficiency * store.discharge_efficiency
    assert list(trips) == sorted(trips, key=lambda name: -trips[name])
    assert trips["hydrogen-storage"] == pytest.approx(0.6217 * 0.5)  # Danish catalogue, 2030
    assert trips["iron-air"] == pytest.approx(0.71 * 0.60)  # Form Energy, 2030


def test_life_ends_by_the_calendar_or_by_cycles() -> None:
    assert cycle_life(life=15 * YEAR, cycles=5475, cycles_per_year=365) == pytest.approx(15 * YEAR)
    assert cycle_life(life=15 * YEAR, cycles=5475, cycles_per_year=730) == pytest.approx(7.5 * YEAR)
    assert cycle_life(life=15 * YEAR, cycles=5475, cycles_per_year=0) == 15 * YEAR
    assert cycle_life(life=15 * YEAR, cycles=math.inf, cycles_per_year=1e6) == 15 * YEAR
    slow, fast = built("battery-2h"), built("battery-2h", cycles_per_year=730)
    assert fast.life == pytest.approx(slow.life / 2)
    assert fast.capital / slow.capital == pytest.approx(recovery(7.5 * YEAR) / recovery(15 * YEAR))
    assert fast.storage
    assert slow.storage
    assert fast.storage.construction_carbon == pytest.approx(2 * slow.storage.construction_carbon)


def test_wear_pays_the_store_once_over_its_cycles() -> None:
    store = built("battery-4h").storage
    assert store is not None
    assert store.wear * store.cycles == pytest.approx(store.energy_investment)
    assert Storage(0.9, 0.9, 1.0, fade=0.2).mean_energy == pytest.approx(0.9)


def test_what_is_displaced_emits_more_than_gas() -> None:
    grams = {name: float(np.mean(built(name).carbon)) * KWH * 1e3 for name in
             ("gas-combined-cycle", "gas-fuel-cell", "coal", "coal-existing", "diesel")}  # fmt: skip
    assert 403 < grams["gas-fuel-cell"] < 513
    assert grams["gas-combined-cycle"] < grams["coal"] < grams["coal-existing"]
    assert 751 < grams["coal"] < 1095  # UNECE 2022, hard coal
    assert 700 < grams["diesel"] < 1000


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: PartLoad(load=1.0, heat_rate=1.0), "part_load: not a part load; given '1'"),
        (lambda: PartLoad(load=0.5, heat_rate=0.9), "part_load_heat_rate: no plant has such a heat rate"),
        (lambda: PartLoad(load=0.5, heat_rate=2.1), "part_load_heat_rate: no plant has such a heat rate"),
        (lambda: PartLoad(load=0.5, heat_rate=1.1).relative(0.0), "output: a heat rate needs an output"),
        (lambda: Derating(reference=ISO, capacity_slope=-0.1), "derating.capacity_slope: not a"),
        (lambda: built("gas-turbine", temperature=[25.0]), "temperature: not a temperature of air; given"),
        (lambda: built("gas-turbine", temperature=[math.nan]), "temperature: not a temperature of air"),
        (lambda: built("battery-2h", cycles_per_year=-1.0), "cycles_per_year: not a sensible value"),
        (lambda: Plant("x", "grid", host="y"), "x.host: only a store stands inside a plant; given 'y'"),
        (lambda: Plant("x", "grid", life=0.0), "x.life: a plant lives; given '0 s'"),
        (lambda: Plant("x", "grid", queue_time=2.0, lead_time=1.0), "x.queue_time: not a sensible value"),
        (lambda: Plant("x", "grid", start_cost=-1.0), "x.start_cost: not a sensible value; given '-1'"),
        (
            lambda: Plant("x", "storage", storage=Storage(1.0, 1.0, 0.0, cycles=0.0)),
            "x.storage.cycles: not a sensible value",
        ),
        (
            lambda: Plant("x", "storage", storage=Storage(1.0, 1.0, 0.0, fade=1.0)),
            "x.storage.fade: not a sensible value",
        ),
    ],
)  # fmt: skip
def test_refusals(make: object, text: str) -> None:
    with pytest.raises(InputError) as error:
        make()  # type: ignore[operator]
    assert str(error.value).startswith(text), str(error.value)
