"""Cost of runs, who can pay, who owns, what hosts and households see: oracles, brute force, refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.outlook.frame import YEARS
from gigawatt.outlook.paths import ANCHOR
from gigawatt.outlook.priors import read_priors
from gigawatt.outlook.series import quarters
from gigawatt.outlook.society import society
from gigawatt.outlook.society.concentration import concentration
from gigawatt.outlook.society.ownership import (
    country_table,
    drawn_ahead,
    gini,
    owner_futures,
    pull_posterior,
    share_paths,
    unnamed_paths,
    year_apart,
    yearly_shares,
)
from gigawatt.outlook.society.society import able, curse_effect, price_rise

QUICK = settings(max_examples=25, derandomize=True, deadline=None)
YEAR = 8760.0 * 3600.0
AT = YEARS.index(ANCHOR)


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@QUICK
@given(
    amount=st.lists(st.integers(0, 20), min_size=2, max_size=5),
    people=st.lists(st.integers(1, 6), min_size=5, max_size=5),
)
def test_gini_is_half_the_mean_difference(amount: list[int], people: list[int]) -> None:
    """Brute force over persons: mean absolute difference over twice the mean."""
    if not sum(amount):
        return
    count = people[: len(amount)]
    each = [a / p for a, p in zip(amount, count, strict=True) for _ in range(p)]
    pairs = np.mean([abs(x - y) for x, y in itertools.product(each, each)])
    assert gini(amount, count) == pytest.approx(pairs / (2.0 * np.mean(each)), abs=1e-12)


@pytest.mark.parametrize(
    ("amount", "people", "message"),
    [([1.0], [1.0, 2.0], "amount a group"), ([-1.0, 2.0], [1.0, 1.0], "not amounts"),
     ([0.0, 0.0], [1.0, 1.0], "not amounts"), ([1.0, 1.0], [0.0, 1.0], "not people")],
)  # fmt: skip
def test_gini_refuses(amount: list[float], people: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        gini(amount, people)


def test_pull_is_found_in_a_made_world_and_least_squares_is_its_middle() -> None:
    """Oracle of the middle: numpy's least squares; of the width: a known pull inside nine times in ten."""
    inside = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        logs = [random.normal(0.0, 1.0, 6)]
        for _ in range(8):
            logs.append(0.8 * logs[-1] + 0.2 * logs[-1].mean() + random.normal(0.0, 0.2, 6))
        kappa, sigma = pull_posterior(np.exp(np.array(logs)), draws=2000, rng=rng(seed))
        low, high = np.quantile(kappa, [0.05, 0.95])
        inside += low <= 0.2 <= high
        assert sigma.min() > 0.0
    assert 32 <= inside <= 40
    logs = np.log(np.array(yearly_shares()[1]))
    gap = (logs[:-1] - logs[:-1].mean(axis=1, keepdims=True)).ravel()
    change = np.diff(logs, axis=0)
    change = (change - change.mean(axis=1, keepdims=True)).ravel()
    slope = np.linalg.lstsq(gap[:, None], change, rcond=None)[0][0]
    kappa, _ = pull_posterior(np.exp(logs), draws=40_000, rng=rng())
    assert np.median(kappa) == pytest.approx(-slope, abs=0.003)


def test_share_paths_keep_their_sum_and_know_their_limits() -> None:
    start = np.array([0.4, 0.2, 0.1])
    named = np.linspace(0.7, 0.9, 5)[None, :].repeat(50, axis=0)
    drift = share_paths(start, np.full(50, 0.1), np.full(50, 0.3), named, rng())
    np.testing.assert_allclose(drift.sum(axis=2), named, rtol=1e-12)
    still = share_paths(start, np.zeros(1), np.zeros(1), np.full((1, 5), 0.7), rng())
    np.testing.assert_allclose(still[0], np.broadcast_to(start, (5, 3)), rtol=1e-12)  # Gibrat without shocks
    alike = share_paths(start, np.ones(1), np.zeros(1), np.full((1, 1), 0.9), rng())
    np.testing.assert_allclose(alike, 0.3, rtol=1e-12)  # a full pull makes all alike


def test_the_unnamed_part_stays_between_its_bounds_and_settles() -> None:
    still = unnamed_paths(np.full(4, 0.3), fade=np.full(3, 5.0), years=6, rng=rng())
    np.testing.assert_allclose(still, 0.3, rtol=1e-12)
    found = unnamed_paths(
        np.array([0.46, 0.40, 0.34, 0.24, 0.20]), fade=np.full(2000, 5.0), years=30, rng=rng()
    )
    assert found.min() > 0.0
    assert found.max() < 1.0
    middle = np.median(found, axis=0)
    assert np.all(np.diff(middle[:5]) < 0.0)
    assert abs(middle[-1] - middle[-5]) < 0.005
    with pytest.raises(InputError, match="not parts"):
        unnamed_paths(np.array([0.5, 1.0, 0.2]), fade=np.ones(1), years=1, rng=rng())


@pytest.mark.parametrize(
    ("shares", "draws", "message"),
    [(np.ones((1, 3)), 10, "too few"), (np.array([[1.0, 1.0, 0.0]] * 2), 10, "not shares"),
     (np.ones((3, 3)) / 3.0, 0, "nothing to draw")],
)  # fmt: skip
def test_pull_refuses(shares: np.ndarray, draws: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pull_posterior(shares, draws=draws, rng=rng())


def test_futures_begin_as_measured_and_agree_with_each_other() -> None:
    found = owner_futures()
    newest = quarters()[-1]
    now = YEARS.index(int(newest[:4]))
    measured = concentration(newest, draws=1)
    np.testing.assert_allclose(found.hhi[:, now], measured.hhi_low)
    np.testing.assert_allclose(found.five[:, now], measured.largest[5])
    assert np.all(found.one <= found.five + 1e-12)
    assert np.all(found.five <= 1.0 + 1e-12)
    assert np.all(found.hhi <= 1e4 * found.one * 1.0 + 1e-6)  # Σ s² ≤ s₁ Σ s
    assert np.all(found.hhi >= 1e4 * found.one**2 - 1e-6)
    assert np.quantile(found.hhi[:, -1], 0.95) > np.quantile(found.hhi[:, now + 1], 0.95)


def test_futures_of_few_quarters_know_nothing_later() -> None:
    """From 2024 on: two years later the measured index lies inside nine futures in ten."""
    told = year_apart()[:-2]
    ahead, pull = drawn_ahead(told, rows=4000, years=2, rng=rng())
    measured = concentration(year_apart()[-1], draws=1)
    for name, came in (("hhi", measured.hhi_low), ("five", measured.largest[5])):
        low, high = np.quantile(ahead[name][:, -1], [0.05, 0.95])
        assert low < came < high, name
    assert len(pull) == 4000
    with pytest.raises(InputError, match="no such quarter"):
        drawn_ahead(["2022-03-31", "2023-03-31", "1999-03-31"], rows=10, years=1, rng=rng())


def test_compute_is_more_even_where_the_gap_closes() -> None:
    table = country_table()
    closed = np.linspace(-0.4, 1.0, 15)[None, :]
    path = table.at(column(0.7), closed)[0]
    assert np.all(np.diff(path) < 0.0)
    world = catalog.table("outlook_society")["population_2025"].value("mid")
    people = sum(row.value("population") for row in catalog.table("outlook_countries").values())
    assert path[-1] == pytest.approx(1.0 - people / world, abs=1e-6)  # alike in all countries that have any
    node = table.values[3, 5]
    assert table.at(column(table.share[3]), column(table.closed[5]))[0, 0] == pytest.approx(node, rel=1e-9)


def test_able_counts_actors_and_halves_at_their_money() -> None:
    money = [1.0, 10.0, 100.0]
    np.testing.assert_array_equal(able([0.5, 10.0, 11.0, 1e3], money, spread=0.0), [3.0, 2.0, 1.0, 0.0])
    assert float(able([10.0], [10.0], spread=0.3)[0]) == pytest.approx(0.5)
    wide = able(np.geomspace(0.1, 1e4, 50), money, spread=0.5)
    assert np.all(np.diff(wide) < 0.0)
    assert wide[0] == pytest.approx(3.0, abs=1e-4)
    for bad in ({"cost": [0.0], "money": money}, {"cost": [1.0], "money": [-1.0]}):
        with pytest.raises(InputError, match="not money"):
            able(**bad, spread=0.1)
    with pytest.raises(InputError, match="not a spread"):
        able([1.0], money, spread=-1.0)


def test_who_can_pay_by_draw_is_the_count_of_the_rows() -> None:
    """Brute force: the sum over actors, firms' money grown as spending, states' as product; never below
    one."""
    block = society.BLOCKS.blocks["payers"].function
    capital = np.full((1, len(YEARS)), 1e4)
    capital[:, AT + 5 :] = 3e4
    output = np.full((1, len(YEARS)), 1e6)
    cost = np.full((1, len(YEARS)), 3e9)
    cost[:, -1] = 1e18
    found = block(cost, column(0.2), capital, output)
    spread = catalog.entity("outlook_society_settings", "actors").value("spread")
    rows = catalog.table("outlook_actors").values()
    for year, grown in ((AT, 1.0), (AT + 5, 3.0)):
        money = np.array([
            row.value("money") * (grown if row.text("kind") == "firm" else 1.0) for row in rows
        ])  # fmt: skip
        assert found[0, year] == pytest.approx(float(able(3e9 / 0.2 / YEAR, money, spread=spread)), abs=0.05)
    assert found[0, -1] == 1.0


def test_curse_has_the_weights_and_the_threshold_of_its_sources() -> None:
    """Havranek et al. 2016: 40 % down, 40 % none, 20 % up; Mehlum et al. 2006: no curse from 0.93 on."""
    u = (np.arange(10_000) + 0.5) / 10_000
    effect = curse_effect(u, np.full(10_000, 0.05), np.full(10_000, 0.5))
    assert np.mean(effect < 0.0) == pytest.approx(0.4)
    assert np.mean(effect > 0.0) == pytest.approx(0.2)
    assert np.mean(effect == 0.0) == pytest.approx(0.4)
    assert np.all(np.abs(effect) <= 0.05)
    assert curse_effect(0.1, 0.05, 0.93) == pytest.approx(0.0, abs=1e-12)
    assert curse_effect(0.1, 0.05, 0.0) == pytest.approx(-0.05)
    assert curse_effect(0.1, 0.05, 0.3) < curse_effect(0.1, 0.05, 0.6) < 0.0
    for key, bad in (
        ("sign", (1.1, 0.1, 0.5)),
        ("size", (0.5, -0.1, 0.5)),
        ("institutions", (0.5, 0.1, 1.5)),
    ):
        with pytest.raises(InputError) as caught:
            curse_effect(*bad)
        assert caught.value.key == key


@QUICK
@given(added=st.floats(0.01, 500.0), elasticity=st.floats(0.2, 5.0), part=st.floats(0.1, 1.0))
def test_bills_rise_to_where_supply_meets_demand(added: float, elasticity: float, part: float) -> None:
    """Oracle: the root of supply(p) = 1000 p^ε less demand."""
    price = brentq(lambda p: 1000.0 * p**elasticity - 1000.0 - added, 1.0, 1e3)
    assert float(price_rise(added, 1000.0, elasticity, part)) == pytest.approx(part * (price - 1.0), rel=1e-6)


@pytest.mark.parametrize(
    ("bad", "key"), [((1.0, 0.0, 1.0, 0.5), "other"), ((1.0, 5.0, 0.0, 0.5), "elasticity")]
)
def test_price_rise_refuses(bad: tuple[float, ...], key: str) -> None:
    with pytest.raises(InputError) as caught:
        price_rise(*bad)
    assert caught.value.key == key


def test_households_see_no_rise_where_data_centres_do_not_grow() -> None:
    block = society.BLOCKS.blocks["households"].function
    flat = np.full((1, len(YEARS)), 2e10)
    args = (column(4.7e11), column(1.01), column(1.0), column(8.0 * YEAR), column(0.5))
    np.testing.assert_allclose(block(flat, *args), 0.0, atol=1e-12)
    jump = flat.copy()
    jump[:, 3:] = 3e10
    rise = block(jump, *args)[0]
    assert rise[2] == 0.0
    assert rise[3] > 0.0
    assert np.all(np.diff(rise[3:]) < 0.0)


def test_a_run_costs_its_machines_and_its_power() -> None:
    """By hand: 1,000 machines of 30,000 $ at no interest over five years, busy half the time, for a tenth of
    a year, and 1 MW at 50 $/MWh."""
    block = society.BLOCKS.blocks["frontier"].function
    energy, run, model, rate = block(
        column(1e6), column(1e3), column(0.1 * YEAR), column(1.0), column(30_000.0), column(1.0),
        column(5.0 * YEAR), column(20.0 * YEAR), column(0.0), column(0.5), column(50.0 / 3.6e9), column(2.0),
        column(0.4),
    )  # fmt: skip
    assert energy[0, 0] == pytest.approx(1e6 * 0.1 * YEAR)
    assert run[0, 0] == pytest.approx(1000 * 30_000 / 5 / 0.5 * 0.1 + 876.0 * 50.0)
    assert model[0, 0] == pytest.approx(run[0, 0] * 2.0 / 0.6)
    assert rate[0, 0] == pytest.approx(0.2 / YEAR)


def test_a_host_without_power_has_no_rents_and_an_unsure_sign() -> None:
    block = society.BLOCKS.blocks["hosts"].function
    one = np.ones((1, len(YEARS)))
    args = (column(0.7), column(0.5), column(0.0), column(1.0), column(0.3 / YEAR), 1e5 * one)
    rents, growth = block(0.0 * one, *args, column(0.1), column(0.05), column(0.5))
    assert np.all(rents == 0.0)
    assert np.all(growth == 0.0)
    rents, down = block(1e11 * one, *args, column(0.1), column(0.05), column(0.5))
    _, up = block(1e11 * one, *args, column(0.9), column(0.05), column(0.5))
    assert rents[0, 0] == 0.0
    assert np.all(rents[0, 1:] > 0.0)
    assert np.all(down[0, 1:] < 0.0)
    assert np.all(up[0, 1:] > 0.0)


@pytest.mark.parametrize(
    ("quantity", "written"),
    [("own_share", 1.4), ("institutions", -0.2),
     ("rebound_elasticity", {"kind": "lognormal", "low": -1, "high": 2}),
     ("damage_2025", 190), ("staff_part", {"kind": "pert", "low": 0.5, "mid": 0.2, "high": 0.9})],
)  # fmt: skip
def test_impossible_priors_are_refused_with_their_name(quantity: str, written: object) -> None:
    with pytest.raises(InputError) as caught:
        read_priors("base", {quantity: written})
    assert quantity in str(caught.value)


def test_every_prior_has_a_source_and_judgement_says_so() -> None:
    for row in catalog.table("outlook_society").values():
        proof = row.rows()[0]
        assert proof.source_id in catalog.sources()
        if proof.source_id == "outlook-society-judgement":
            assert proof.grade.name == "guess", row.id
