"""Oil on the site while the gas line is out: closed forms, simulation, what it costs."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.power import Plant, SupplyPlan, build_plant, plan
from gigawatt.power.adequacy import adequacy_of
from gigawatt.power.adequacy.common import CommonMode, with_modes
from gigawatt.power.adequacy.indices import convolve
from gigawatt.power.adequacy.rows import rates_of
from gigawatt.power.adequacy.simulate import simulate, simulated_year
from gigawatt.power.adequacy.units import Units
from gigawatt.power.plants.fuel_stock import with_stock

HOURS, DAY = 8760, 86400.0
SAID = Assumption("x", "x", "x", Grade.guess, "x")
NEED = np.full(HOURS, 7.0)
WEIGHT = np.ones(HOURS)


def bought(name: str, **more: object) -> Plant:
    return build_plant(name, year=2030, capital_recovery=lambda life: 0.1, **more)  # type: ignore[arg-type]


def planned(*plants: Plant, load: float = 200e6) -> SupplyPlan:
    return plan(load=np.full(HOURS, load), plants=plants, not_served_price=1e-2)


def modes(
    *takes: dict[int, int], forced: float = 0.02, repair: float = 24.0, count: int = 1
) -> list[CommonMode]:
    return [CommonMode(Units(f"line {i}", count, 1.0, forced, repair), one, False, SAID)
            for i, one in enumerate(takes)]  # fmt: skip


def by_convolution(units: list[Units], common: list[CommonMode]):
    def without(gone: frozenset[int]):
        left = [replace(one, count=0) if i in gone else one for i, one in enumerate(units)]
        return convolve(left, NEED, share=np.ones((HOURS, len(units))), weight=WEIGHT, each=True)

    return with_modes(common, NEED, WEIGHT, without)


def by_simulation(units: list[Units], common: list[CommonMode], error: float = 0.01):
    return simulate(units, NEED, modes=[(one.units, one.takes) for one in common], error=error)


UNITS = [Units("turbine", 3, 4.0, 0.05, 20.0), Units("cell", 2, 2.0, 0.03, 30.0)]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "takes", [({0: 0, 1: 0},), ({0: 36, 1: 0},), ({0: 12, 1: 48},), ({0: 30}, {0: 60, 1: 0})]
)
def test_closed_forms_lie_in_the_interval_of_simulation(
    takes: tuple[dict[int, int], ...], count: int
) -> None:
    common = modes(*takes, forced=0.02 if count == 1 else 0.1, count=count)
    exact, found = by_convolution(UNITS, common), by_simulation(UNITS, common)
    assert exact.events is not None
    for figure, value in (("hours", exact.hours), ("energy", exact.energy), ("events", exact.events)):
        off = 3.5 * found.error(figure)
        if figure == "events" and count == 2:
            off += 0.03 * value  # frequencies take the hours in which both lines change to be none
        assert abs(found.mean(figure) - value) < off, (figure, found.mean(figure), value, off)


def test_one_unit_on_a_line_is_short_beyond_its_stock() -> None:
    unit = [Units("turbine", 1, 10.0, 0.0, 20.0)]
    for stock in (0, 10, 72):
        found = by_convolution(unit, modes({0: stock}))
        lasts = (1.0 - 1.0 / 24.0) ** stock
        assert found.hours == pytest.approx(HOURS * 0.02 * lasts)
        assert found.events == pytest.approx(HOURS * 0.98 * (0.02 / 0.98 / 24.0) * lasts, rel=1e-9)
        assert found.modes_out[0][0] == pytest.approx(lasts)
    long = modes({0: 72 * 50}, repair=24.0 * 50)[0]
    assert long.lasts(72 * 50) == pytest.approx(math.exp(-3.0), rel=2e-3)


def test_without_a_stock_nothing_changes() -> None:
    """The formula before stocks: every set of modes that is out, weighed by its probability."""
    line = modes({0: 0})[0]
    found = by_convolution(UNITS, [line])
    with_all, rest = by_convolution(UNITS, []), by_convolution([replace(UNITS[0], count=0), UNITS[1]], [])
    exact = (1.0 - line.share) * with_all.hours + line.share * rest.hours
    assert found.hours == pytest.approx(exact, rel=1e-13)
    plain, none = (by_simulation(UNITS, modes(one), error=1.0) for one in ({0: 0}, {0: 0, 1: HOURS}))
    assert np.array_equal(plain.by_year, none.by_year)  # a stock for a year is no mode at all


def test_a_larger_stock_loses_no_more() -> None:
    lost = [by_convolution(UNITS, modes({0: hours, 1: 0})).energy for hours in (0, 1, 12, 72, 500)]
    assert all(after < before for before, after in pairwise(lost))
    years = [by_simulation(UNITS, modes({0: hours, 1: 0}), error=1.0) for hours in (0, 24, 72)]
    for less, more in pairwise(years):  # year by year: the same outages
        assert np.all(more.by_year[:, 2] <= less.by_year[:, 2])


def test_the_stock_is_full_again_after_each_outage() -> None:
    """Hour by hour: short from the hour after the stock is used up until the line is back."""
    unit, stock = [Units("turbine", 1, 10.0, 0.0, 20.0)], 30
    asked = {"year": 3, "modes": [(modes({0: stock}, forced=0.2, repair=40.0)[0].units, {0: stock})]}
    _, held = simulated_year(unit, NEED, **asked)
    _, bare = simulated_year(unit, NEED, **{**asked, "modes": [(asked["modes"][0][0], {0: 0})]})
    gone = 0
    for h in range(HOURS):
        gone = gone + 1 if bare[h, -1] > 0.0 else 0
        assert (held[h, -1] > 0.0) == (gone > stock)
    assert bare[:, -1].any()
    assert held[:, -1].any()


def test_a_plan_with_oil_is_out_only_beyond_it() -> None:
    line, repair = rates_of("natural-gas")[:2]
    yard = rates_of("switchyard")[0]
    turbine, cell = bought("gas-turbine"), bought("gas-fuel-cell")
    assert (turbine.second_fuel, cell.second_fuel) == ("diesel", "")
    held = with_stock(turbine, 3 * DAY, year=2030, rate=0.07, capital_recovery=lambda life: 0.1)
    assert with_stock(cell, 3 * DAY, year=2030, rate=0.07, capital_recovery=lambda life: 0.1) is cell
    made = planned(replace(turbine, minimum=400e6, maximum=400e6))
    bare = adequacy_of(made)
    stocked = adequacy_of(replace(made, plants=(replace(made.plants[0], stock=held.stock),)))
    lost = bare.indices.hours - stocked.indices.hours
    alone = replace(bare.system, modes=()).indices().hours
    assert lost == pytest.approx(
        (1.0 - yard) * line * (1.0 - (1.0 - 1.0 / repair) ** 72) * (HOURS - alone), rel=1e-6
    )
    said = next(one for one in stocked.assumptions if one.key == "supply.adequacy.natural-gas")
    assert said.value.endswith("meanwhile gas turbine goes on from stock for 72 h")


def test_what_a_stock_costs() -> None:
    row, turbine = catalog.entity("supply_plan", "fuel-stock"), bought("gas-turbine")
    heat = catalog.entity("plants", "gas-turbine").at("heat_rate", 2030)[0]
    held = with_stock(
        turbine, 2 * DAY, year=2030, rate=0.05, capital_recovery=lambda life: 0.1, fuel_price=15e-9
    )
    built = row.value("burner_cost") + 2 * DAY * heat * row.value("tank_cost")
    oil = 2 * DAY * heat * 15e-9
    assert held.capital - turbine.capital == pytest.approx(0.1 * built + 0.05 * oil)
    assert held.investment - turbine.investment == pytest.approx(built + oil)
    assert held.assumptions[-1].key == "supply.fuel_stock.gas-turbine"
    assert with_stock(turbine, 0.0, year=2030, rate=0.05, capital_recovery=lambda life: 0.1) is turbine


def test_what_burns_oil_from_stock_has_a_heat_rate_and_burns_gas() -> None:
    marked = {name for name, row in catalog.table("plants").items() if row.text("second_fuel")}
    assert marked == {"gas-combined-cycle", "gas-turbine", "gas-turbine-rented", "gas-engine"}
    for name in marked:
        row = catalog.entity("plants", name)
        assert row.text("fuel") == "natural-gas"
        assert "heat_rate" in row.numbers
        assert row.text("second_fuel") in catalog.table("fuels")
