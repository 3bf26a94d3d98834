"""Adoption alone: curves, logit, learning, gates, caps, a moving incumbent, generations; rows and sources."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.chain.machine.technologies import read_model, read_substrate
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.money.annuity import capital_recovery_factor
from gigawatt.outlook.adoption import shares as adoption
from gigawatt.outlook.adoption.curves import capped, gompertz, logistic, logit_shares, ready_year
from gigawatt.outlook.adoption.expectations import came_true, expectations
from gigawatt.outlook.adoption.learning_costs import exponent, log_cost, log_shock
from gigawatt.outlook.adoption.technologies import (
    FAMILIES,
    QUANTITIES,
    drawn_name,
    drawn_names,
    list_technologies,
    read_technology,
)
from gigawatt.outlook.forecasts.curves_hindcast import (
    adoption_curves,
    curves_hindcast,
    fitted_rates,
    straightened,
)
from gigawatt.outlook.frame import YEARS, year_index
from gigawatt.outlook.paths import ANCHOR
from gigawatt.outlook.priors import read_priors
from gigawatt.power.plants.hubs import price_row
from gigawatt.technology.rollup import token_cost

YEAR, MWH, GW = factor("yr"), factor("$/MWh"), factor("GW")
AT = YEARS.index(ANCHOR)
QUICK = settings(max_examples=25, derandomize=True, deadline=None)
SHARE = st.floats(0.001, 0.5)


def levelised(
    plant: str, year: int, *, capacity_factor: float | None = None, case: str = "value", rate: float = 0.07
) -> float:
    """Levelised cost of electricity of a plant of the catalog [$/J], without its grid connection."""
    cases = ("value", "low", "high")
    row, at = catalog.entity("plants", plant), cases.index(case)
    triple = row.at("capital_cost", year)
    capital, moved = triple[at], triple[at] / triple[0]
    second = factor("yr")
    paid = capital * float(capital_recovery_factor(rate=rate, life=row.at("life", year)[0])) / second
    if "fixed_cost" in row.numbers:
        paid += row.at("fixed_cost", year)[0] * moved
    if "fixed_share" in row.numbers:
        paid += row.at("fixed_share", year)[0] * capital
    fuel = row.at("fuel_cost", year)[0] if "fuel_cost" in row.numbers else 0.0
    if not fuel and row.text("fuel"):
        bought = price_row(row.text("fuel"))
        price = bought.at("price", year)[at] + bought.value("delivery")
        fuel = price * row.at("heat_rate", year)[0]
    variable = row.at("variable_cost", year)[0] if "variable_cost" in row.numbers else 0.0
    used = capacity_factor if capacity_factor is not None else row.at("availability", year)[0]
    return paid / used + fuel + variable


def test_the_logistic_is_that_of_the_equation_df_dt() -> None:
    """Oracle: Euler steps of df/dt = r f (1 − f) with a step of a thousandth of a year."""
    value, rate = 0.02, 0.4
    for _ in range(10_000):
        value += rate * value * (1.0 - value) * 1e-3
    assert logistic(10.0, 0.02, 0.4) == pytest.approx(value, rel=2e-3)


def test_gompertz_is_that_of_the_equation_df_dt() -> None:
    """Oracle: Euler steps of df/dt = −r f ln f."""
    value, rate = 0.02, 0.4
    for _ in range(10_000):
        value -= rate * value * np.log(value) * 1e-3
    assert gompertz(10.0, 0.02, 0.4) == pytest.approx(value, rel=2e-3)


@QUICK
@given(seed=SHARE, speed=st.floats(0.0, 2.0), since=st.floats(0.0, 60.0))
def test_curves_begin_at_their_seed_and_rise_to_one(seed: float, speed: float, since: float) -> None:
    for curve in (logistic, gompertz):
        assert curve(-0.1, seed, speed) == 0.0
        assert curve(0.0, seed, speed) == pytest.approx(seed)
        later = float(curve(since, seed, speed))
        assert seed * (1 - 1e-12) <= later <= 1.0
        assert curve(np.array(-np.inf), seed, speed) == 0.0


@pytest.mark.parametrize("curve", ["logistic", "gompertz"])
def test_straightened_curves_are_lines(curve: str) -> None:
    years = np.arange(12.0)
    share = 0.7 * {"logistic": logistic, "gompertz": gompertz}[curve](years, 0.05, 0.3)
    assert np.diff(straightened(curve, share, np.array(0.7))) == pytest.approx(np.full(11, 0.3))


def test_a_seed_or_time_or_rate_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="not a seed"):
        logistic(1.0, 1.0, 0.2)
    with pytest.raises(InputError, match="ready before it began"):
        ready_year(0.0, -1.0, 2026.0)
    with pytest.raises(InputError, match="not a learning rate"):
        exponent(1.0)
    with pytest.raises(InputError, match="no such curve"):
        straightened("line", np.array([0.1]), np.array(1.0))


def test_failing_is_for_ever() -> None:
    assert ready_year(np.array([0.0, 1.0]), 4.0, 2026.0).tolist() == [2030.0, np.inf]


@QUICK
@given(ratios=st.lists(st.floats(0.2, 5.0), min_size=1, max_size=4), choice=st.floats(0.0, 8.0))
def test_logit_shares_are_those_of_a_choice_among_all(ratios: list[float], choice: float) -> None:
    """Oracle: a softmax over ln costs, the incumbent among them."""
    cost = np.array([1.0, *ratios])
    pull = np.exp(-choice * np.log(cost))
    wanted = pull / pull.sum()
    ones = np.ones((len(ratios), 1))
    found = logit_shares(ones, np.log(cost[1:])[:, None], np.array([choice]), ones)
    assert found[:, 0] == pytest.approx(wanted[1:])
    assert found.sum() < 1.0


def test_makers_cap_what_is_wanted() -> None:
    wanted, first, ramp = np.array([9.0]), np.array([1.0]), np.array([2.0])
    sold, path = np.zeros(1), []
    for _ in range(5):
        sold = capped(wanted, sold, first, ramp)
        path.append(float(sold[0]))
    assert path == [1.0, 2.0, 4.0, 8.0, 9.0]


def test_wright_s_exponent_is_the_field_s() -> None:
    """Golden: Wright's 80 % curve of 1936 has 0.322; the cost database's fit of solar 21.1 % and 0.3421."""
    assert exponent(0.2) == pytest.approx(0.322, abs=5e-4)
    assert exponent(0.2111) == pytest.approx(0.3421, abs=2e-4)
    assert exponent(-1.0) == -1.0


@QUICK
@given(rate=st.floats(-0.5, 0.5), doublings=st.integers(0, 8))
def test_cost_falls_by_the_rate_with_each_doubling(rate: float, doublings: int) -> None:
    found = np.exp(log_cost(np.log(np.array(7.0)), exponent(rate), np.array(2.0**doublings), np.array(1.0)))
    assert found == pytest.approx(7.0 * (1.0 - rate) ** doublings)


def test_shocks_have_the_variance_of_a_random_walk() -> None:
    rng = np.random.Generator(np.random.Philox(key=1))
    own, walk = rng.standard_normal(40_000), np.cumsum(rng.standard_normal((9, 40_000)), axis=0)[-1]
    found = log_shock(own=own, common=walk, volatility=np.array(0.1), years=9.0)
    assert np.var(found) == pytest.approx(0.01 * 9.0, rel=0.03)


def drawn(family: str, names: tuple[str, ...], draws: int = 1, **changed: float) -> dict[str, np.ndarray]:
    """Medians of a family's rows, some changed, for technologies by name."""
    priors = read_priors()
    found: dict[str, np.ndarray] = {}
    for quantity in QUANTITIES[family]:
        rows = [priors.rows[drawn_name(read_technology(name), quantity)] for name in names]
        values = [float(row.si.quantile(np.array(0.5))) for row in rows]
        if quantity in changed:
            values = [changed[quantity]] * len(names)
        found[quantity] = np.repeat(np.array(values)[:, None], draws, axis=1)
    return found


ENERGY = ("solar", "wind", "fission_large", "fission_small", "fusion")
GRID = {
    "incumbent_cost": np.array([70.0 * MWH]),
    "incumbent_growth": np.array([1.0]),
    "energy_choice": np.array([4.0]),
    "energy_volatility": np.array([0.0]),
    "firm_worth": np.array([1.0]),
    "energy_shocks": np.zeros((1, len(YEARS))),
}


def energy(
    names: tuple[str, ...] = ENERGY, shift: float = 0.0, **changed: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    group = tuple(read_technology(name) for name in names)
    store = {name: rows[0] for name, rows in drawn("storage", ("storage",)).items()}
    power = np.linspace(20.0, 800.0, len(YEARS))[None, :] * GW
    return adoption.energy_shares(
        group, drawn("energy", names, **changed), store, np.full((len(names), 1), shift), GRID, power
    )


def test_shares_of_power_add_up_to_less_than_all_and_today_s_are_today_s() -> None:
    shares, prices, stored = energy()
    assert np.all(shares >= 0.0)
    assert np.all(shares.sum(axis=1) < 1.0)
    start = drawn("energy", ENERGY)["start"]
    assert shares[AT] == pytest.approx(start)
    assert prices[AT] == pytest.approx(drawn("energy", ENERGY)["cost"])
    assert np.all(stored == 0.0)


def test_what_fails_is_never_taken_up_and_what_is_not_ready_not_yet() -> None:
    shares, _, _ = energy(("fusion",), fails=1.0)
    assert np.all(shares == 0.0)
    shares, _, _ = energy(("fusion",), fails=0.0, time=10.0 * YEAR, cost=20.0 * MWH)
    assert np.all(shares[: year_index(2036)] == 0.0)
    assert np.all(shares[year_index(2036) :] > 0.0)


def test_a_kind_of_power_at_the_incumbent_s_cost_gets_its_logit_share() -> None:
    """Known limit: no learning, no cap, ready at once, all of the market reached: m / (1 + m)."""
    most = 0.4
    shares, _, _ = energy(
        ("fusion",), fails=0.0, time=0.0, cost=70.0 * MWH, learning=0.0, first=1e6 * GW / YEAR, most=most,
        seed=0.999, speed=50.0 / YEAR,
    )  # fmt: skip
    power = np.linspace(20.0, 800.0, len(YEARS))
    new = np.diff(power)[AT:].cumsum() / power[AT + 1 :]
    assert shares[AT + 1 :, 0, 0] == pytest.approx(most / (1.0 + most) * new, rel=2e-3)


def test_cheaper_kinds_get_more_and_dear_ones_stay_niches() -> None:
    easy = {"fails": 0.0, "time": 0.0, "first": 1e6 * GW / YEAR, "seed": 0.9, "learning": 0.0}
    found = [float(energy(("fusion",), **easy, cost=cost * MWH)[0][-1, 0, 0]) for cost in (40.0, 70.0, 300.0)]
    assert found[0] > found[1] > 50.0 * found[2] > 0.0


def test_negative_learning_makes_it_dearer() -> None:
    easy = {
        "fails": 0.0,
        "time": 0.0,
        "first": 5.0 * GW / YEAR,
        "seed": 0.5,
        "cost": 80.0 * MWH,
        "world": 0.0,
    }
    up, down = (energy(("fission_small",), **easy, learning=rate)[1][-1, 0, 0] for rate in (-0.1, 0.1))
    assert up > 80.0 * MWH > down


def test_storage_counts_in_what_solar_costs() -> None:
    plain, loaded = energy(("solar",)), energy(("solar",), shift=0.5)
    assert loaded[1] == pytest.approx(plain[1], rel=0.3)
    assert loaded[2][-1] == pytest.approx(0.5 * loaded[0][-1, 0])


COMPUTE = ("photonic", "analog", "neuromorphic")
SHARED = {
    "compute_choice": np.array([5.0]),
    "compute_energy": np.array([0.3]),
    "compute_follows": np.array([0.5]),
    "compute_volatility": np.array([0.0]),
}


def compute(
    growth: float, names: tuple[str, ...] = COMPUTE, **changed: float
) -> tuple[np.ndarray, np.ndarray]:
    path = growth ** np.maximum(np.arange(len(YEARS)) - AT, 0)[None, :]
    group = tuple(read_technology(name) for name in names)
    market = np.ones((1, len(YEARS)))
    return adoption.compute_shares(group, drawn("compute", names, **changed), SHARED, path, market)


def test_the_incumbent_moves() -> None:
    """The same machines get less the quicker digital chips become; Amdahl bounds what they save."""
    ready = {"fails": 0.0, "time": 2.0 * YEAR, "cost": 1.0}
    slow, quick = compute(1.0, **ready), compute(1.4, **ready)
    assert np.all(slow[0][-1] > 10.0 * quick[0][-1])
    assert np.all(slow[0].sum(axis=1) < 1.0)
    mapped = drawn("compute", COMPUTE)["mapped"]
    endless = compute(1.0, **ready, efficiency=1e9, most=1e9)[1]
    assert endless[-1] == pytest.approx(1.0 - mapped, rel=1e-6)


def test_a_substrate_like_digital_costs_what_digital_costs() -> None:
    shares, joules = compute(
        1.0, ("analog",), fails=0.0, time=0.0, efficiency=1.0, progress=1.0, most=1e12, cost=1.0,
        learning=0.0, first=10.0, ceiling=0.5, seed=0.999, speed=50.0 / YEAR,
    )  # fmt: skip
    assert joules[-1, 0, 0] == pytest.approx(1.0)
    assert shares[-1, 0, 0] == pytest.approx(0.5 / 1.5, rel=1e-2)


def test_packages_without_a_change_of_cost_follow_their_curve() -> None:
    group = (read_technology("chiplets"),)
    q = drawn("package", ("chiplets",), learning=0.0, most=0.9, start=0.3, speed=0.5 / YEAR, ramp=10.0)
    found = adoption.package_shares(group, q, np.array([6.0]), np.ones((1, len(YEARS))))[:, 0, 0]
    years = np.arange(len(YEARS)) - AT
    assert found[AT + 1 :] == pytest.approx(0.9 * logistic(years[AT + 1 :], 0.3 / 0.9, 0.5))


def test_generations_take_over_one_from_the_other() -> None:
    """Brute force: the newest that a machine can get, generations drawn by themselves."""
    names = ("hbm4", "hbm5", "hbm6")
    q = drawn("generation", names, fails=0.0)
    group = tuple(read_technology(name) for name in names)
    found = adoption.generation_shares(group, q)
    assert np.all(found.sum(axis=1) <= 1.0)
    t = year_index(2031)
    reach = [
        float(logistic(YEARS[t] - 2026.0 - q["time"][i, 0] / YEAR, q["seed"][i, 0], q["speed"][i, 0] * YEAR))
        for i in range(3)
    ]
    wanted = [0.0, 0.0, 0.0]
    for has in itertools.product((0, 1), repeat=3):
        chance = float(np.prod([r if h else 1.0 - r for r, h in zip(reach, has, strict=True)]))
        if any(has):
            wanted[max(i for i in range(3) if has[i])] += chance
    assert found[t, :, 0] == pytest.approx(wanted)


def test_every_technology_has_all_its_rows() -> None:
    rows = read_priors().rows
    assert len(list_technologies()) >= 20
    for one in list_technologies():
        assert len(drawn_names(one)) == len(QUANTITIES[one.family])
        assert set(drawn_names(one)) <= set(rows)
        if one.family in ("energy", "package") and one.mature:
            assert rows[drawn_name(one, "start")].distribution.quantile(np.array(0.5)) > 0.0
    assert {one.family for one in list_technologies()} == set(FAMILIES)


def test_errors_name_what_is_there() -> None:
    with pytest.raises(InputError, match="fusion"):
        read_technology("fusionn")
    with pytest.raises(InputError, match="no such family"):
        list_technologies("enrgy")
    with pytest.raises(InputError, match="no distribution"):
        drawn_name(replace(read_technology("fusion"), id="cold-fusion", family="quantum"), "cost")


@pytest.mark.parametrize(
    ("name", "plant", "year", "used"),
    [
        ("solar", "solar", 2025, (0.25, 0.3, 0.2)),
        ("wind", "wind", 2025, (0.37, 0.45, 0.3)),
        ("fission_large", "fission-large", 2030, None),
        ("fission_small", "fission-small", 2030, None),
        ("fission_advanced", "fission-sodium", 2030, None),
        ("fission_salt", "fission-molten-salt", 2035, None),
        ("fusion", "fusion", 2035, None),
        ("space_solar", "space-solar", 2030, None),
        ("incumbent", "gas-combined-cycle", 2025, None),
    ],
)
def test_costs_are_those_of_the_catalog_s_plants(
    name: str, plant: str, year: int, used: tuple[float, float, float] | None
) -> None:
    """Middles are levelised costs of plants, ends those of their range where the row says so."""
    prior = read_priors().rows[f"{name}_cost"]
    found = [
        levelised(plant, year, capacity_factor=used[i] if used else None, case=case) / MWH
        for i, case in enumerate(("value", "low", "high"))
    ]
    row = prior.distribution
    assert row.mid == pytest.approx(found[0], rel=0.02)
    if "by its range" in prior.locator:
        assert (row.low, row.high) == pytest.approx(tuple(found[1:]), rel=0.02)
    else:
        assert row.low is not None
        assert row.high is not None
        assert row.low <= found[1] * 1.02
        assert row.high >= found[2] * 0.98


def published(id: str) -> float:
    return catalog.entity("technologies_published", id).value("value")


def test_substrates_start_from_published_systems() -> None:
    """Rows hold to technologies_published, over new digital chips of 2025: 989.4 TFLOP/s for 535.8 W."""
    digital = 989.4e12 / float(read_priors().rows["chip_watts_2025"].si.quantile(np.array(0.5)))
    rows = read_priors().rows
    photonic, analog = (rows[f"{name}_efficiency"].distribution for name in ("photonic", "analog"))
    assert photonic.mid == pytest.approx(published("lightmatter") / digital, rel=0.02)
    assert photonic.high == pytest.approx(published("pace") / (2.0 * digital), rel=0.02)
    assert analog.low == pytest.approx(published("hermes-precise") / (2.0 * digital), rel=0.02)
    saves = rows["optical_links_saves"].distribution
    assert saves.mid == pytest.approx(
        1.0 - published("nvidia-cpo-power-per-port") / published("pluggable-optics-nvidia-power-per-port"),
        abs=0.01,
    )
    for name in ("hbm4", "generation"):
        row = catalog.entity("memories", "HBM4" if name == "hbm4" else "HBM3e")
        assert rows[f"{name}_bandwidth"].si.mid == pytest.approx(row.value("bandwidth"), rel=1e-3)


def test_what_can_be_mapped_is_what_technologies_compare_says() -> None:
    """Amdahl: shares of a token's energy at batch 1 and 256 are the ends of the rows."""
    found = [
        token_cost(
            read_substrate("pcm"), read_model("llama-3.1-8b"), {}, batch=batch, chip="nvidia-h100-sxm"
        ).mapped_energy
        for batch in (1.0, 256.0)
    ]
    for name in ("photonic", "analog"):
        row = read_priors().rows[f"{name}_mapped"].distribution
        assert (row.high, row.mid) == pytest.approx(found, abs=0.01)


def test_expectations_are_counted_by_their_definition() -> None:
    one = next(row for row in expectations() if row.id == "hybrid")
    names = ("optical_links_share", "neuromorphic_share")
    rng = np.random.Generator(np.random.Philox(key=3))
    found = {name: rng.uniform(0.0, 0.5, (200, len(YEARS))) for name in names}
    at = year_index(2039)
    wanted = [
        found[names[0]][i, at] >= 0.25 and found[names[1]][i, at] >= 0.05 for i in range(200)
    ]  # fmt: skip
    assert came_true(one, found).tolist() == wanted
    assert 0 < sum(wanted) < 200
    with pytest.raises(InputError, match="no such output"):
        came_true(one, {names[0]: found[names[0]]})
    assert {row.decade for row in expectations()} == {"2030s", "2040s"}
    for row in expectations():
        assert (row.speaks == "proxy") == ("proxy" in row.note)


def test_curves_on_history_know_nothing_after_their_origin() -> None:
    """Fifteen series or more; at its origin each is below the take-off; intervals are in order."""
    done = curves_hindcast("logistic")
    series = adoption_curves()
    assert len(np.unique(done.series)) >= 15
    assert {"Solar power", "Wind power", "Refrigerator"} <= set(done.names)
    assert np.all((done.low <= done.middle) & (done.middle <= done.high))
    assert np.all((done.low >= 0.0) & (done.high <= 1.0))
    for index, origin in zip(done.series, done.origin, strict=True):
        one = series[index]
        assert one.share[np.searchsorted(one.years, origin)] <= 0.15
    assert 0.8 < done.coverage() <= 1.0
    assert done.width((1, 5)) < done.width((11, 20))
    with pytest.raises(InputError, match="no forecast"):
        done.coverage((50, 60))


def test_rates_of_a_made_series_are_found() -> None:
    rates, noise = fitted_rates("logistic")
    names = [one.name for one in adoption_curves()]
    assert rates[names.index("Radial tires")] > rates[names.index("Stove")] > 0.0
    assert np.all(noise >= 0.0)
    middle = read_priors().rows["energy_speed"].distribution
    assert middle.mid == pytest.approx(float(np.median(rates)), abs=0.01)
    assert (middle.low, middle.high) == pytest.approx(tuple(np.quantile(rates, (0.05, 0.95))), abs=0.01)
