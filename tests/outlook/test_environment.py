"""Rebound, cohorts of machines, damages: closed forms, limits, conservation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.outlook.compute import fleet
from gigawatt.outlook.energy import environment
from gigawatt.outlook.energy.environment import cohorts, rebound_share
from gigawatt.outlook.frame import YEARS
from gigawatt.outlook.priors import read_priors

QUICK = settings(max_examples=25, derandomize=True, deadline=None)
YEAR = 8760.0 * 3600.0


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_rebound_has_its_known_limits() -> None:
    g = np.array([1.0, 1.0 + 1e-12, 2.0, 10.0])
    np.testing.assert_allclose(rebound_share(g, np.zeros(4)), 0.0, atol=1e-12)
    np.testing.assert_allclose(rebound_share(g, np.ones(4)), 1.0, rtol=1e-9)
    np.testing.assert_allclose(rebound_share(g[:2], np.full(2, 0.3)), 0.3, rtol=1e-9)


@QUICK
@given(g=st.floats(0.2, 50.0), elasticity=st.floats(0.0, 3.0))
def test_rebound_is_the_saving_that_is_lost(g: float, elasticity: float) -> None:
    """By its definition (Berkhout et al. 2000): one less actual over engineering saving."""
    if abs(np.log(g)) < 1e-3:
        return
    actual, engineering = 1.0 - g ** (elasticity - 1.0), 1.0 - 1.0 / g
    found = float(rebound_share(np.array(g), np.array(elasticity)))
    assert found == pytest.approx(1.0 - actual / engineering, rel=1e-6, abs=1e-9)
    assert (found > 1.0) == (elasticity > 1.0) or abs(elasticity - 1.0) < 1e-9 or g < 1.0


@pytest.mark.parametrize(("g", "e", "key"), [(0.0, 1.0, "efficiency"), (2.0, -0.1, "elasticity")])
def test_rebound_refuses_what_is_impossible(g: float, e: float, key: str) -> None:
    with pytest.raises(InputError) as caught:
        rebound_share(np.array(g), np.array(e))
    assert caught.value.key == key


def test_without_gain_in_efficiency_nothing_is_lost() -> None:
    block = environment.BLOCKS.blocks["rebound"].function
    power = np.full((1, len(YEARS)), 5.0)
    share, without = block(power, np.ones((1, len(YEARS))), column(0.4))
    np.testing.assert_allclose(share, 0.4)
    np.testing.assert_allclose(without, power)
    _, back = block(power, np.full((1, len(YEARS)), 3.0), column(1.0))
    np.testing.assert_allclose(back, power)  # at an elasticity of one, efficiency changes nothing


@QUICK
@given(
    life=st.floats(1.0, 30.0),
    steps=st.lists(st.floats(0.0, 10.0), min_size=6, max_size=12),
)
def test_cohorts_conserve_the_stock(life: float, steps: list[float]) -> None:
    stock = np.cumsum(np.array(steps) + 0.1)[None, :]
    added, out = cohorts(stock, column(life))
    change = np.diff(stock, axis=1, prepend=0.0)
    np.testing.assert_allclose(added - out, change, atol=1e-9)
    assert added.min() >= 0.0
    assert out.min() >= -1e-9


def test_cohorts_find_what_the_fleet_added() -> None:
    """Oracle: machines counted forward, each in place while its age is below its life and a half."""
    rng = np.random.default_rng(3)
    life, years = 5.3, 20
    added = rng.uniform(0.5, 2.0, years)
    alive = np.clip(life + 0.5 - np.arange(years), 0.0, 1.0)
    stock = np.array([sum(added[s] * alive[t - s] for s in range(t + 1)) for t in range(years)])
    found, out = cohorts(stock[None, :], column(life))
    np.testing.assert_allclose(found[0], added, rtol=1e-9)
    assert out[0, :4] == pytest.approx(0.0, abs=1e-12)
    assert out[0, -1] > 0.0
    assert fleet.BLOCKS.blocks["machines"].inputs  # whose rule this is


def test_machines_that_last_for_ever_leave_no_waste() -> None:
    block = environment.BLOCKS.blocks["making"].function
    watts = np.linspace(1e9, 9e9, len(YEARS))[None, :]
    one = np.ones((1, len(YEARS)))
    carbon, waste = block(watts, 1.5 * one, column(99.0 * YEAR), column(2.0), column(0.0), column(0.01))
    np.testing.assert_allclose(waste, 0.0, atol=1e-9)
    np.testing.assert_allclose(carbon[0, 1:].sum() * YEAR, 2.0 * 8e9, rtol=1e-9)


def test_damage_is_that_of_the_agency_in_2025_and_2050() -> None:
    """EPA 2023 at 2 %: 210 and 310 $/t of 2020, in dollars of 2024 by the index of prices."""
    index = catalog.table("price_index")["usd"].numbers["index"]
    by_year = {row.year: row.value for row in index}
    inflation = by_year[2024] / by_year[2020]
    rows = read_priors().rows
    assert rows["damage_2025"].distribution.mid == pytest.approx(210.0 * inflation, rel=1e-3)
    assert rows["damage_2025"].distribution.low == pytest.approx(130.0 * inflation, rel=1e-3)
    assert rows["damage_2025"].distribution.high == pytest.approx(360.0 * inflation, rel=1e-3)
    block = environment.BLOCKS.blocks["damage"].function
    one = np.ones((1, len(YEARS)))
    found = block(one, 0.0 * one, column(210.0), column(rows["damage_growth"].distribution.mid))
    assert found[0, YEARS.index(2050)] == pytest.approx(310.0, rel=1e-3)
    assert found[0, YEARS.index(2030)] == pytest.approx(230.0, rel=0.02)
    assert found[0, YEARS.index(2040)] == pytest.approx(270.0, rel=0.02)
