"""The ledger adds up: components to totals, runs to the year; and it says what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import to_si
from gigawatt.money import COLUMNS, SECONDS_PER_YEAR, Asset, Ledger, PlantCost, ledger

YEAR = SECONDS_PER_YEAR
money = st.floats(0, 1e11)
ASSETS = {
    "chips": Asset(price=4e8, life=5 * YEAR, operating=4e6, embodied=5e6),
    "building": Asset(price=3e8, life=20 * YEAR, operating=7e6, embodied=2.5e7),
}
SUPPLY = {
    "grid": PlantCost(operating=1e6, energy=5e6),
    "solar": PlantCost(capital=4e6, operating=5e5, upfront=5e7, embodied=1e6),
}


def book(**changes: Any) -> Ledger:
    given: dict[str, Any] = {
        "assets": ASSETS,
        "supply": SUPPLY,
        "discount_rate": 0.07,
        "energy": to_si(200.0, "GWh"),
        "duration": to_si(54.0, "d"),
        "tokens": 15.6e12,
        "chip_count": 16384.0,
        "carbon": 3e7,
        "water_site": 2e5,
        "water_supply": 1e5,
        "other": {"water": 1e5},
    }
    return ledger(**(given | changes))


asset = st.builds(Asset, price=money, life=st.floats(0.1 * YEAR, 60 * YEAR), operating=money, embodied=money)
plant = st.builds(
    PlantCost, capital=money, operating=money, energy=st.floats(-1e9, 1e11), upfront=money, embodied=money
)


@settings(max_examples=60)
@given(
    assets=st.dictionaries(st.sampled_from(["chips", "nodes", "network", "building"]), asset, min_size=1),
    supply=st.dictionaries(st.sampled_from(["grid", "solar", "wind", "battery"]), plant),
    other=st.dictionaries(st.sampled_from(["staff", "water"]), money),
    rate=st.floats(0, 0.3),
    share=st.floats(0.01, 1),
    busy=st.floats(0.01, 1),
    duration=st.floats(3600, 3 * YEAR),
)
def test_components_and_columns_sum_to_the_totals(
    assets: dict[str, Asset],
    supply: dict[str, PlantCost],
    other: dict[str, float],
    rate: float,
    share: float,
    busy: float,
    duration: float,
) -> None:
    made = book(
        assets=assets,
        supply=supply,
        other=other,
        discount_rate=rate,
        campus_share=share,
        utilisation=busy,
        duration=duration,
    )
    # A sum of terms of both signs is exact to rounding of its largest term.
    scale = 1e-12 * float(np.abs(made.run).sum()) + 1e-300
    assert math.isclose(math.fsum(made.by_component.values()), made.cost, rel_tol=0, abs_tol=scale)
    assert math.isclose(math.fsum(made.run.sum(axis=0)), made.cost, rel_tol=0, abs_tol=scale)
    assert math.isclose(made.cost_yearly * made.run_years, made.cost, rel_tol=0, abs_tol=scale)
    assert made.capital_upfront == pytest.approx(
        sum(a.price for a in assets.values()) + sum(p.upfront for p in supply.values()), rel=1e-12
    )
    assert np.isfinite(made.yearly).all()
    rest = [i for i, name in enumerate(made.components) if name not in supply]
    assert made.electricity_yearly + float(made.yearly[rest].sum()) == pytest.approx(
        made.cost_yearly, abs=1e-12 * float(np.abs(made.yearly).sum()) + 1e-300
    )


@given(parts=st.lists(st.floats(0.01, 1), min_size=1, max_size=6), busy=st.floats(0.05, 1))
def test_runs_that_fill_the_busy_hours_carry_exactly_the_year(parts: list[float], busy: float) -> None:
    total = sum(parts)
    runs = [book(utilisation=busy, duration=part / total * busy * YEAR) for part in parts]
    whole = runs[0]
    assert sum(run.cost for run in runs) == pytest.approx(whole.cost_yearly, rel=1e-9)
    assert sum(run.energy for run in runs) == pytest.approx(whole.energy_yearly, rel=1e-9)
    assert sum(run.carbon_operational for run in runs) == pytest.approx(whole.carbon_yearly, rel=1e-9)
    assert sum(run.water for run in runs) == pytest.approx(3e5, rel=1e-9)


def test_half_the_campus_for_the_same_time_costs_half() -> None:
    assert book(campus_share=0.5).cost == pytest.approx(book().cost / 2, rel=1e-12)
    assert book(campus_share=0.5).cost_per_chip_second == pytest.approx(
        book().cost_per_chip_second, rel=1e-12
    )


def test_by_hand() -> None:
    # One asset of 1,000 $ that lasts ten years at no interest: 100 $/yr; a grid of 50 $/yr for 1 MWh;
    # a run of a tenth of a year on everything, at full use, with 10 chips and 2 million tokens.
    made = ledger(
        assets={"chips": Asset(price=1000.0, life=10 * YEAR, embodied=500.0)},
        supply={"grid": PlantCost(energy=50.0)},
        discount_rate=0.0,
        energy=to_si(1.0, "MWh"),
        duration=0.1 * YEAR,
        tokens=2e6,
        chip_count=10.0,
        carbon=400.0,
        water_site=1.0,
        water_supply=3.0,
    )
    assert made.cost == pytest.approx(15.0)
    assert made.by_component == pytest.approx({"chips": 10.0, "grid": 5.0})
    assert made.run.sum(axis=0) == pytest.approx([10.0, 0.0, 5.0])  # capital, operating, energy
    assert made.shares == pytest.approx({"chips": 2 / 3, "grid": 1 / 3})
    assert made.figures() == pytest.approx(
        {
            "$": 15.0,
            "$/yr": 150.0,
            "$ upfront": 1000.0,
            "$/MWh": 50.0,
            "$/chip-hour": 15.0 / (10 * 876),
            "MWh": 0.1,
            "tCO2e operational": 0.04,
            "tCO2e embodied": 0.005,
            "m³ on site": 0.1,
            "m³ at the plants": 0.3,
            "$/Mtoken": 7.5,
            "kWh/Mtoken": 50.0,
            "gCO2e/Mtoken operational": 20_000.0,
            "gCO2e/Mtoken embodied": 2_500.0,
            "gCO2e/Mtoken": 22_500.0,
            "L/Mtoken on site": 50.0,
            "L/Mtoken at the plants": 150.0,
            "L/Mtoken": 200.0,
        }
    )


def test_frames_say_the_same_and_end_with_the_total() -> None:
    made = book()
    frame = made.to_frame()
    assert list(frame.columns) == [*COLUMNS, "total", "share", "upfront", "embodied"]
    assert list(frame.index) == [*made.components, "total"]
    assert frame.loc["total", "total"] == pytest.approx(made.cost, rel=1e-12)
    assert frame.loc["total", "share"] == pytest.approx(1.0)
    assert frame.loc["total", "embodied"] == pytest.approx(made.carbon_embodied, rel=1e-12)
    year = made.to_frame("year")
    assert year.loc["total", "total"] == pytest.approx(made.cost_yearly, rel=1e-12)
    with pytest.raises(InputError, match="no such period"):
        made.to_frame("month")


def test_is_frozen() -> None:
    with pytest.raises(ValueError, match="read-only"):
        book().yearly[0, 0] = 1.0
    with pytest.raises(AttributeError):
        book().tokens = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokens": 0.0}, "tokens: out of range; given 0.0; allowed: a finite number, more than 0"),
        ({"duration": -1.0}, "duration: out of range; given -1.0"),
        ({"energy": 0.0}, "energy: out of range"),
        ({"chip_count": 0.0}, "chip_count: out of range"),
        ({"campus_share": 1.2}, "campus_share: out of range; given 1.2; .* at most 1"),
        ({"utilisation": 0.0}, "utilisation: out of range"),
        ({"carbon": float("nan")}, "carbon: out of range"),
        ({"water_site": -1.0}, "water_site: out of range"),
        ({"discount_rate": -2.0}, "the discount rate is out of range"),
        ({"assets": {"chips": Asset(price=-1.0, life=YEAR)}}, r"chips\.price: out of range"),
        ({"assets": {"chips": Asset(price=1.0, life=0.0)}}, r"chips\.life: out of range"),
        ({"supply": {"grid": PlantCost(energy=float("inf"))}}, r"grid\.energy: not a finite number"),
        ({"supply": {"chips": PlantCost()}}, "chips: this component stands twice"),
        ({"other": {"staff": -5.0}}, "staff: out of range"),
    ],
)
def test_refuses_in_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        book(**changes)
    assert "\n" not in str(caught.value)
