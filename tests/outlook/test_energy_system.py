"""Power by source, its price and carbon: the supply room's response table, grids that move, conservation."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.outlook.energy import sources as energy
from gigawatt.outlook.energy.response import KEPT, OWN_REGIONS, own_response, site_water
from gigawatt.outlook.energy.sources import GRID_SOURCES, REGIONS, SOURCES, moved, moved_mean
from gigawatt.outlook.frame import YEARS
from gigawatt.outlook.priors import read_priors
from gigawatt.outlook.series import read_rows
from gigawatt.studies.outlook.limits import outlook_tables
from gigawatt.studies.outlook.outlook import evaluate
from outlook_energy import cells, question, respond

QUICK = settings(max_examples=25, derandomize=True, deadline=None)
SUM = ("coal", "gas", "fission", "hydro", "wind", "solar", "fusion", "space")
DRAWS = 400


def draws(targets: list[str], quantities: dict | None = None) -> dict[str, np.ndarray]:
    return evaluate(read_priors("base", quantities or {}), outlook_tables(), 7, 0, DRAWS, targets)


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_sources_sum_to_the_electricity_of_every_draw_and_year() -> None:
    found = draws([*(f"power_{name}" for name in SUM), "electricity", "power_stored"])
    whole = sum(found[f"power_{name}"] for name in SUM)
    np.testing.assert_allclose(whole, found["electricity"], rtol=3e-4)  # shares of the table have four digits
    assert set(SUM) == set(SOURCES)
    assert all(found[f"power_{name}"].min() >= 0.0 for name in SUM)
    assert np.all(found["power_stored"] <= whole)


def test_without_own_supply_and_with_grids_that_stay_carbon_is_that_of_the_rows() -> None:
    fixed = {"own_share": 0.0, "grid_decline": 1.0, "country_share": 1.0, "other_us": 1.0, "other_china": 0.0,
             "other_europe": 0.0, "other_asia": 0.0, "contract_ai": 0.0, "contract_other": 0.0,
             "contract_2050": 0.0, "residual_mix": 1.0, "carbon_pass": 0.0,
             "grid_price_growth": 1.0}  # fmt: skip
    found = draws(
        ["carbon_all", "carbon_market", "electricity", "price_ai", "price_all", "power_solar"], fixed
    )
    row = catalog.entity("outlook_grid", "us")
    np.testing.assert_allclose(found["carbon_all"], found["electricity"] * row.value("carbon"), rtol=1e-9)
    np.testing.assert_allclose(found["carbon_market"], found["carbon_all"], rtol=1e-9)
    np.testing.assert_allclose(found["price_ai"], row.value("price"), rtol=1e-9)
    np.testing.assert_allclose(found["price_all"], row.value("price"), rtol=1e-9)
    np.testing.assert_allclose(found["power_solar"], found["electricity"] * row.value("solar"), rtol=1e-9)


def test_contracts_free_the_grid_of_carbon_but_not_own_supply() -> None:
    whole = {"contract_ai": 1.0, "contract_other": 1.0, "contract_2050": 1.0}
    grid = draws(["carbon_market", "carbon_all"], {**whole, "own_share": 0.0})
    np.testing.assert_allclose(grid["carbon_market"], 0.0, atol=1e-6)
    own = draws(["carbon_market", "carbon_all"], {**whole, "own_share": 1.0})
    assert np.all(own["carbon_market"] <= own["carbon_all"])
    assert np.median(own["carbon_market"][:, -1]) > 0.0


def test_dearer_carbon_means_less_gas_and_less_carbon_in_own_supply() -> None:
    targets = ["own"]
    free, dear = (
        draws(targets, {"carbon_price": price, "build_freedom": 1.0})["own"] for price in ("0 $/t", "300 $/t")
    )
    place = list(KEPT).index
    assert np.all(dear[place("carbon"), :, -1] < free[place("carbon"), :, -1])
    assert np.all(dear[place("gas"), :, -1] < free[place("gas"), :, -1])
    assert np.median(dear[place("cost"), :, -1]) > np.median(free[place("cost"), :, -1])


def test_grid_mix_moves_as_told() -> None:
    base = np.array([0.3, 0.4, 0.2, 0.05, 0.03, 0.02])[:, None, None] * np.ones((1, 2))
    half = np.full((1, 2), 0.5)
    new = np.array([[0.0, 0.0, 0.0, 0.0, 0.5, 0.5]])
    found = moved(base, half, half**2, new)
    np.testing.assert_allclose(found.sum(axis=0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found[:, 0, 0], [0.075, 0.2, 0.2, 0.05, 0.03 + 0.2125, 0.02 + 0.2125])


@QUICK
@given(
    share=st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6),
    left=st.floats(0.0, 1.0),
    power=st.floats(1.0, 3.0),
)
def test_what_grids_lose_others_gain(share: list[float], left: float, power: float) -> None:
    base = np.array(share)[:, None, None] / sum(share)
    new = np.array([[0.0, 0.0, 0.1, 0.2, 0.3, 0.4]])
    found = moved(base, np.full((1, 1), left), np.full((1, 1), left**power), new)[:, 0, 0]
    assert found.sum() == pytest.approx(1.0, rel=1e-12)
    assert found[0] == pytest.approx(base[0, 0, 0] * left**power)
    of = np.array([900.0, 400.0, 5.0, 25.0, 12.0, 37.0])
    mean = moved_mean(
        base[:, 0].T @ of[:, None],
        base[0],
        base[1],
        np.full((1, 1), left),
        np.full((1, 1), left**power),
        new,
        of,
    )
    assert mean[0, 0] == pytest.approx(found @ of, rel=1e-9)  # the short way is the long way
    assert np.all(found[2:] >= base[2:, 0, 0] - 1e-15)


def test_shares_of_regions_sum_to_one_even_if_drawn_above() -> None:
    block = energy.BLOCKS.blocks["regional_shares"].function
    ai, other = block(*(column(x) for x in (0.7, 0.6, 0.5, 0.4, 0.5, 0.4, 0.3, 0.2)))
    assert ai.shape == (1, len(REGIONS))
    assert ai.sum() == pytest.approx(1.0)
    assert ai[0, -1] == 0.0
    assert other.sum() == pytest.approx(1.0)
    assert other[0, 0] == pytest.approx(0.5 / 1.4)


def test_response_is_the_table_at_its_nodes_and_multilinear_between() -> None:
    """Oracle: scipy's interpolator on regular grids."""
    table = own_response()
    axes = (table.carbon, np.log(table.gas), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    rng = np.random.default_rng(1)
    ask = np.stack([rng.uniform(axis[0], axis[-1], 6) for axis in axes], axis=1)
    ask[0] = [axis[0] for axis in axes]
    for r in range(len(OWN_REGIONS)):
        weights = np.zeros((6, len(OWN_REGIONS)))
        weights[:, r] = 1.0
        found = table.at(weights, ask[:, :1], np.exp(ask[:, 1:2]), ask[:, 2:3], ask[:, 3:4])
        oracle = RegularGridInterpolator(axes, table.values[r])(ask)
        at = list(table.steps).index
        np.testing.assert_allclose(
            found[:, :, YEARS.index(2035)].T, oracle[:, at(2035)], rtol=1e-9, atol=1e-18
        )
        between = 0.5 * (oracle[:, at(2040)] + oracle[:, at(2050)])
        np.testing.assert_allclose(found[:, :, YEARS.index(2045)].T, between, rtol=1e-9, atol=1e-18)


def test_the_price_of_carbon_runs_as_the_pathways_had_it() -> None:
    paid = draws(["carbon_paid"], {"carbon_price": "100 $/t"})["carbon_paid"][0] * 1e3
    question_path = dict(question(replace(cells()[0], carbon=0.1)).loaded.scenario.supply.carbon_price)
    assert paid[YEARS.index(2026)] == pytest.approx(1e3 * question_path[2026.0])
    assert paid[YEARS.index(2050)] == pytest.approx(1e3 * question_path[2050.0])
    assert paid[YEARS.index(2025)] == 0.0
    assert paid[YEARS.index(2038)] == pytest.approx(62.5)


def test_outside_its_axes_the_table_stays_at_its_end() -> None:
    table, one = own_response(), np.array([[1.0, 0.0, 0.0]])
    half = column(0.5)
    far = table.at(one, column(10.0), column(1e-6), half, half)
    end = table.at(one, column(table.carbon[-1]), column(table.gas[-1]), half, half)
    np.testing.assert_array_equal(far, end)


def test_the_stored_table_is_what_the_supply_room_says_today() -> None:
    """The cheapest way to see that a row of a plant changed and the table was not made again."""
    asked = cells()
    stored = read_rows("energy_response")
    cell = asked[len(asked) // 2]
    mine = [
        row for row in stored
        if (row["site"], row["build"], row["case"]) == (cell.site, cell.build, cell.case)
        and float(row["gas_MMBtu"]) == pytest.approx(cell.gas * factor("MMBtu"), rel=1e-3)
        and float(row["carbon_t"]) == pytest.approx(cell.carbon * 1e3, rel=1e-3, abs=1e-9)
    ]  # fmt: skip
    again = respond(cell)
    assert [row["year"] for row in again] == [row["year"] for row in mine]
    assert mine
    for new, old in zip(again, mine, strict=True):
        for name, value in old.items():
            if name not in ("site", "build", "case"):
                assert float(new[name]) == pytest.approx(float(value), rel=1e-2, abs=5e-3), name


def test_every_cell_is_in_the_table_and_shares_sum_to_one() -> None:
    rows = read_rows("energy_response")
    keys = {(row["site"], row["gas_MMBtu"], row["carbon_t"], row["build"], row["case"]) for row in rows}
    assert len(keys) == len(cells())
    plants = [name for one, names in KEPT.items() if one not in ("stored", "cost", "carbon", "built", "water")
              for name in names]  # fmt: skip
    for row in rows:
        assert sum(float(row[name]) for name in plants) == pytest.approx(1.0, abs=1e-3)


def test_a_table_with_a_hole_is_refused(tmp_path, monkeypatch) -> None:
    table = own_response()
    with pytest.raises(InputError, match="holes"):
        replace(table, values=np.where(table.values > 1e30, 0.0, np.nan))
    rows = [row for row in read_rows("energy_response") if row["site"] != "virginia" or row["year"] != "2050"]
    (tmp_path / "outlook").mkdir()
    with (tmp_path / "outlook" / "energy_response.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setattr("gigawatt.outlook.energy.response.read_rows", lambda name: rows)
    with pytest.raises(InputError, match="a node is missing") as caught:
        own_response.__wrapped__()
    assert "virginia" in str(caught.value)


def test_rows_of_grids_are_mixes_and_their_life_cycle_carbon_is_near_the_measured() -> None:
    """Oracle: the carbon of the same source's own life-cycle factors, within a third."""
    factors = np.array([catalog.entity("outlook_sources", name).value("carbon") for name in GRID_SOURCES])
    for name in REGIONS:
        row = catalog.entity("outlook_grid", name)
        mix = np.array([row.value(source) for source in GRID_SOURCES])
        assert mix.sum() == pytest.approx(1.0, abs=1e-3)
        assert mix @ factors == pytest.approx(row.value("carbon"), rel=1.0 / 3.0)


def test_water_of_towers_is_that_of_the_published_range() -> None:
    """Evaporative plants: 1 to 2.5 L/kWh in the literature (Green Grid; US mean 1.8)."""
    assert np.all((site_water() > 0.8 * factor("L/kWh")) & (site_water() < 2.5 * factor("L/kWh")))
