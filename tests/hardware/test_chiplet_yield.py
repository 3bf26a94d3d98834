"""Yield, money, packages and links of dies. Oracles: three published cost models (their outputs as rows),
sums over all outcomes, draws, and the least of a function found by trying; the rest are laws and limits."""

from __future__ import annotations

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import table
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.technology.chiplets.die_cost import Harvest, design_cost, die_cost, wafer_price
from gigawatt.technology.chiplets.die_links import (
    best_cut,
    crossing,
    cut,
    die_links,
    load_die_link,
    need,
)
from gigawatt.technology.chiplets.package import assemble, load_package, packages
from gigawatt.technology.chiplets.yields import (
    MODELS,
    die_yield,
    dies_on_wafer,
    gross_dies,
    harvested_yield,
    known_good,
    reticle_fields,
    reticle_utilisation,
)
from gigawatt.validation.technologies.chiplets import actuary_die, actuary_package, catch_die, google_die

few = settings(deadline=None, max_examples=25, derandomize=True)
MM2 = 1e-6
ROWS = table("chiplets_published")


def named(start: str) -> list[str]:
    return [name for name in ROWS if name.startswith(start) and not name.endswith("-wafer")]


@pytest.mark.parametrize("name", named("actuary-die"))
def test_dies_of_chiplet_actuary(name: str) -> None:
    """Feng and Ma, DAC 2022, their code of 2024-12-07 run with its own parameters."""
    row = ROWS[name]
    for quantity, ours in actuary_die(row).items():
        assert ours == pytest.approx(row.value(quantity), rel=1e-8), quantity


@pytest.mark.parametrize("name", named("actuary-package"))
def test_packages_of_chiplet_actuary(name: str) -> None:
    row, ours = ROWS[name], actuary_package(ROWS[name])
    assert ours.dies == pytest.approx(row.value("raw_chips") + row.value("defect_chips"), rel=1e-8)
    assert ours.carrier + ours.substrate == pytest.approx(row.value("raw_package"), rel=1e-8)
    assert ours.defects == pytest.approx(row.value("defect_package"), rel=1e-8)
    assert ours.wasted == pytest.approx(row.value("wasted_chips"), rel=1e-8)
    assert ours.total == pytest.approx(row.value("total"), rel=1e-8)


@pytest.mark.parametrize("name", named("catch"))
def test_layers_of_ucla(name: str) -> None:
    """Graening, Pal, Gupta, DAC 2023, commit 0218db1; its count of dies on a wafer is taken over."""
    row, ours = ROWS[name], catch_die(ROWS[name])
    for quantity in ("good_share", "utilisation", "raw", "good"):
        assert ours[quantity] == pytest.approx(row.value(quantity), rel=1e-6), quantity


def test_ucla_counts_half_the_dies() -> None:
    """Its rows are filled with half chords: 34 dies of 800 mm² are 27,200 of a wafer's 70,000 mm²."""
    ours, row = catch_die(ROWS["catch-5nm-800"]), ROWS["catch-5nm-800"]
    assert ours["gross"] == pytest.approx(2 * row.value("gross"), rel=0.1)


@pytest.mark.parametrize("name", named("google"))
def test_dies_of_google(name: str) -> None:
    """google/chiplets-cost-model, commit 2cbd30c; gross dies rounded there."""
    row, ours = ROWS[name], google_die(ROWS[name])
    assert ours["gross"] == pytest.approx(row.value("gross"), rel=0.05)
    assert ours["bose"] == pytest.approx(row.value("bose"), rel=1e-9)
    assert ours["murphy"] == pytest.approx(row.value("murphy"), rel=1e-9)
    if "price" in ours:
        assert ours["price"] == pytest.approx(row.value("price"), rel=0.05)


def test_the_die_of_814() -> None:
    assert die_yield(814 * MM2, 1e3, model="poisson") == pytest.approx(0.4431, abs=5e-5)
    assert die_yield(814 * MM2, 1e3, clustering=3.0) == pytest.approx(0.4867, abs=5e-5)


@few
@given(area=st.floats(1, 900), density=st.floats(1, 5e3))
def test_models_of_yield_keep_their_order(area: float, density: float) -> None:
    """More clustering, more yield at the same mean; Poisson and Seeds are limits of the negative binomial."""
    x = {model: float(die_yield(area * MM2, density, model=model)) for model in MODELS}
    assert x["poisson"] <= x["murphy"] <= x["seeds"]
    assert x["poisson"] <= x["negative-binomial"] <= x["seeds"]
    assert float(die_yield(area * MM2, density, clustering=1.0)) == pytest.approx(x["seeds"], rel=1e-12)
    assert float(die_yield(area * MM2, density, clustering=1e7)) == pytest.approx(x["poisson"], rel=1e-4)
    assert float(die_yield(area * MM2, density, clustering=math.inf)) == x["poisson"]
    assert float(die_yield(1.1 * area * MM2, density)) < x["negative-binomial"]


def test_gross_dies_beside_a_count() -> None:
    """The formula is a little low: 1 % for 20 mm², 11 % for 800 mm², of which the best grid has 69."""
    for area, off in ((20, 0.01), (50, 0.02), (100, 0.02), (200, 0.05), (400, 0.09), (800, 0.12)):
        formula, count = float(gross_dies(area * MM2)), dies_on_wafer(area * MM2)
        assert count * (1 - off) <= formula <= count, area
    assert dies_on_wafer(0.0707 * 0.4) == 1
    squares = gross_dies(np.array([100, 200, 400]) * MM2)
    assert np.all(np.diff(squares) < 0)


def by_outcomes(units: int, needed: int, unit: float, shared: float, density: float, alpha: float) -> float:
    """Sum over all sets of good units, inclusion and exclusion on the gamma's moments: E[e^-aX]."""

    def nothing(area: float) -> float:
        return (1.0 + area * density / alpha) ** -alpha

    total = 0.0
    for good in product((0, 1), repeat=units):
        k = sum(good)
        if k >= needed:
            total += sum(
                (-1) ** j * math.comb(units - k, j) * nothing(shared + (k + j) * unit)
                for j in range(units - k + 1)
            )
    return total


@pytest.mark.parametrize(("units", "needed"), [(1, 0), (4, 3), (6, 4), (8, 8)])
@pytest.mark.parametrize("alpha", [1.0, 3.0, 7.5])
def test_harvesting_beside_all_outcomes(units: int, needed: int, alpha: float) -> None:
    unit, shared, density = 60 * MM2, 90 * MM2, 1500.0
    ours = harvested_yield(
        unit_area=unit,
        units=units,
        needed=needed,
        shared_area=shared,
        defect_density=density,
        clustering=alpha,
    )
    assert ours == pytest.approx(by_outcomes(units, needed, unit, shared, density, alpha), rel=1e-9)


def test_harvesting_beside_draws() -> None:
    rng = np.random.default_rng(7)
    n, alpha, density, unit, shared = 200_000, 2.0, 1200.0, 5 * MM2, 94 * MM2
    local = rng.gamma(alpha, density / alpha, n)
    bad = rng.binomial(144, -np.expm1(-local * unit))
    drawn = np.mean((bad <= 12) & (rng.random(n) < np.exp(-local * shared)))
    ours = harvested_yield(
        unit_area=unit, units=144, needed=132, shared_area=shared, defect_density=density, clustering=alpha
    )
    assert ours == pytest.approx(float(drawn), abs=4e-3)


@few
@given(needed=st.integers(1, 20), density=st.floats(10, 4e3))
def test_harvesting_never_harms(needed: int, density: float) -> None:
    options = {"unit_area": 20 * MM2, "units": 20, "shared_area": 100 * MM2, "defect_density": density}
    less, more = (harvested_yield(needed=k, **options) for k in (needed - 1, needed))
    whole = float(die_yield(500 * MM2, density))
    assert whole * (1 - 1e-9) <= more <= less * (1 + 1e-12) <= 1.0 + 1e-9


@few
@given(good=st.floats(0.01, 1), coverage=st.floats(0, 1))
def test_what_a_test_lets_through(good: float, coverage: float) -> None:
    passed, quality = known_good(good, coverage)
    assert passed * quality == pytest.approx(good, rel=1e-12)
    assert good <= passed <= 1.0
    assert known_good(good, 1.0)[1] == 1.0


def test_fields_and_seams() -> None:
    assert reticle_fields(858 * MM2)[:2] == (1, 0)
    assert reticle_fields(859 * MM2)[:2] == (2, 1)
    assert reticle_fields(4 * 858 * MM2, stitch_yield=0.9) == (4, 4, pytest.approx(0.9**4))
    assert reticle_fields(9 * 858 * MM2)[1] == 12
    assert reticle_utilisation(429 * MM2) == pytest.approx(1.0)


def test_money_of_a_die_adds_up() -> None:
    whole = die_cost("n4", 814 * MM2, year=2023)
    harvest = die_cost("n4", 814 * MM2, year=2023, harvest=Harvest(144, 132, 5 * MM2))
    assert whole.price == pytest.approx(whole.raw + whole.lost + whole.test)
    assert harvest.perfect == whole.perfect == whole.sold < harvest.sold
    assert harvest.low <= harvest.price <= harvest.high < whole.price
    assert whole.passed * whole.quality == pytest.approx(whole.sold)
    low, value, high = (wafer_price("n4", 2023)[i] for i in (1, 0, 2))
    assert low <= value <= high
    assert design_cost("n4", 300 * MM2) > design_cost("n4", 300 * MM2, reused=0.5) > 0
    assert die_cost("n4", 300 * MM2, year=2023, volume=1e6).design == pytest.approx(
        design_cost("n4", 300 * MM2) / 1e6
    )


@pytest.mark.parametrize("name", packages())
def test_a_package_costs_the_sum_of_its_parts(name: str) -> None:
    kind = load_package(name, year=2026)
    made = assemble(kind, dies={"a": (2.0, 400 * MM2, 100.0), "m": (4.0, 110 * MM2, 200.0)})
    assert made.total == pytest.approx(sum(made.parts().values()))
    assert made.dies >= 2 * 100 + 4 * 200
    assert 0.0 < made.joining_yield <= 1.0
    worse = assemble(kind, dies={"a": (2.0, 400 * MM2, 100.0), "m": (8.0, 110 * MM2, 200.0)})
    assert worse.joining_yield <= made.joining_yield


def test_good_dies_lost_pay_for_themselves() -> None:
    """A package yield of y costs the dies 1/y of themselves."""
    kind = load_package("organic")
    made = assemble(kind, dies={"a": (4.0, 100 * MM2, 50.0)})
    assert made.dies + made.wasted == pytest.approx(made.dies / made.joining_yield)


def test_links_scale_as_they_must() -> None:
    for name in die_links():
        usual = load_die_link(name)
        assert usual.energy > 0
        assert usual.areal > 0
        assert need(usual, 2e12).power == pytest.approx(2 * need(usual, 1e12).power)
    fast, slow = load_die_link("ucie-advanced"), load_die_link("ucie-advanced", rate=1e9)
    assert fast.edge == pytest.approx(4 * slow.edge)
    fine, coarse = load_die_link("ucie-3d", pitch=2e-6), load_die_link("ucie-3d", pitch=4e-6)
    assert fine.areal == pytest.approx(4 * coarse.areal)
    assert fine.energy < coarse.energy
    assert crossing(1e12, 1) == 0.0
    assert crossing(1e12, 4) == pytest.approx(0.75e12)


def test_the_best_cut_is_the_cheapest_of_all() -> None:
    options = {
        "year": 2023,
        "link": load_die_link("ucie-advanced"),
        "package": load_package("cowos-s"),
        "traffic": 4e12,
    }
    best, every = best_cut("n5", 800 * MM2, most=12, **options)
    assert [one.dies for one in every] == list(range(1, 13))
    assert best.price == min(cut("n5", 800 * MM2, n, **options).price for n in range(1, 13))
    assert every[0].link_power == 0.0
    assert every[0].die_area == pytest.approx(800 * MM2)
    assert all(a.good < b.good for a, b in pairwise(every))
    dear, _ = best_cut("n5", 800 * MM2, most=12, watt_price=100.0, **options)
    assert dear.dies <= best.dies
    big, _ = best_cut("n5", 1600 * MM2, most=12, **options)
    assert big.dies >= 2


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: gross_dies(-1.0), "area"),
        (lambda: die_yield(1e-4, np.nan), "defect_density"),
        (lambda: die_yield(1e-4, 1e3, model="poison"), "model"),
        (lambda: die_yield(1e-4, 1e3, clustering=0.0), "clustering"),
        (
            lambda: harvested_yield(unit_area=1e-6, units=4, needed=5, shared_area=0.0, defect_density=1e3),
            "needed",
        ),
        (lambda: die_cost("n7", 900 * MM2, year=2023), "area"),
        (lambda: die_cost("n99", 100 * MM2, year=2023), "node"),
        (lambda: load_package("cowos"), "package"),
        (lambda: load_die_link("ucie-advancd"), "die_to_die"),
        (lambda: load_die_link("ucie-advanced", rate=1e12), "ucie-advanced.rate"),
        (lambda: assemble(load_package("organic"), dies={}), "dies"),
    ],
)
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


def test_a_carrier_above_its_limit_says_by_how_much() -> None:
    with pytest.raises(InfeasibleError, match="% less area"):
        assemble(load_package("cowos-s"), dies={"a": (4.0, 800 * MM2, 1.0)})
