"""Blocks of the outlook alone: the scaling law's optimum, vintages, the CMOS ceiling, limits, relief."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from gigawatt.outlook.compute import demand, fleet, limits
from gigawatt.outlook.compute.fleet import H100_FLOPS
from gigawatt.outlook.energy import electricity
from gigawatt.outlook.frame import YEARS
from gigawatt.outlook.paths import ANCHOR, fading, walk
from gigawatt.outlook.tables import Tables, Utilisation
from gigawatt.power.dates.lead import lead_time_draw

YEAR = 8760.0 * 3600.0
AT = YEARS.index(ANCHOR)
QUICK = settings(max_examples=20, derandomize=True, deadline=None)


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def linear(share: float = 0.4) -> Utilisation:
    """A machine that does ``share`` of its raw FLOPs up to a wall of 1e30."""
    sizes = np.arange(23.0, 35.01, 0.25)
    done = np.minimum(sizes + np.log10(share), 30.0)
    shape = (1, 1, 1)
    return Utilisation(
        np.array([2024.0]),
        np.array([0.25]),
        np.array([1e7]),
        sizes,
        np.broadcast_to(done, (*shape, len(sizes))),
        np.full(shape, 31.0),
        np.array([share]),
    )


def tables(use: Utilisation | None = None) -> Tables:
    flat = np.zeros((3, len(YEARS)))
    flat[1, AT + 1 :], flat[2, AT + 1 :] = 1.0, np.arange(1, len(YEARS) - AT)
    return Tables(
        utilisation=use or linear(),
        overhead=np.ones(len(YEARS)),
        pue_mean=np.array([1.2]),
        pue_peak=np.array([1.3]),
        lead_times={},
        campus=np.full(len(YEARS), 1e9),
        site_lead_times=np.array([YEAR]),
        scaling=np.array([[1.8172, 482.01, 2085.43, 0.3478, 0.3658]]),
        joules_token=np.array([2.0]),
        growth={"training_compute": flat, "chip_flops_per_watt_16bit": flat},
        past_growth=np.log(10.0),
        value_exponent=np.array([1.0]),
    )


LAW = tuple(column(x) for x in (1.8172, 482.01, 2085.43, 0.3478, 0.3658))


@pytest.mark.parametrize("flops", [1e22, 1e25, 1e29])
def test_optimal_tokens_minimise_the_law(flops: float) -> None:
    """Golden: the minimum of L(C/(6 D), D) found by scipy, with the fit of Besiroglu et al. 2024."""
    e, a, b, alpha, beta = (float(x[0, 0]) for x in LAW)

    def loss(log_tokens: float) -> float:
        tokens = np.exp(log_tokens)
        return e + a * (flops / (6.0 * tokens)) ** -alpha + b * tokens**-beta

    best = minimize_scalar(
        loss, bounds=(np.log(1e6), np.log(1e18)), method="bounded", options={"xatol": 1e-10}
    )
    assert demand.optimal_tokens(column(flops), LAW)[0, 0] == pytest.approx(np.exp(best.x), rel=1e-4)


def test_the_run_that_reads_all_data_is_the_law_turned_round() -> None:
    stock = np.full((1, len(YEARS)), 1e15)
    run = limits.by_data(stock, column(4.0), column(2.0), *LAW[1:])
    assert 2.0 * demand.optimal_tokens(run, LAW) == pytest.approx(4.0 * stock)


def test_text_is_used_up_where_the_lines_cross() -> None:
    wanted = 1e13 * 2.0 ** np.arange(len(YEARS))[None, :]
    year = demand.exhausted(wanted, np.full((1, len(YEARS)), 1e13 * 2.0**3.5))
    assert year[0, 0] == pytest.approx(YEARS[0] + 3.5)
    assert demand.exhausted(wanted, np.full((1, len(YEARS)), 1e40))[0, 0] == YEARS[-1] + 1


def test_a_walk_without_shocks_is_its_drift() -> None:
    path = walk(np.log(column(2.0)), 0.3, 0.0)
    assert path[0, AT] == 0.0
    assert np.exp(path[0, AT + 3]) == pytest.approx(8.0)


def test_shocks_come_again_by_their_memory() -> None:
    shocks = np.zeros((1, len(YEARS)))
    shocks[0, AT + 1] = 1.0
    path = walk(column(0.0), 0.2, shocks, 0.5)
    assert path[0, AT + 1 : AT + 4] == pytest.approx([0.2, 0.3, 0.3])


def test_fading_growth_ends_where_it_is_told() -> None:
    rates = np.exp(fading(column(2.0), column(1.1), 2028.0, 2040.0))[0]
    assert rates[YEARS.index(2028)] == pytest.approx(2.0)
    assert rates[YEARS.index(2040)] == rates[-1] == pytest.approx(1.1)


def test_lead_times_keep_their_range() -> None:
    z = 1.6448536269514722
    found = lead_time_draw(column(-z, 0.0, z), 5.0, 2.0, 8.0)
    assert found[:, 0] == pytest.approx([2.0, 5.0, 8.0])


@QUICK
@given(growth=st.floats(1.0, 3.0), ceiling=st.floats(1e14, 1e17))
def test_efficiency_never_passes_the_ceiling(growth: float, ceiling: float) -> None:
    watts, path = fleet.chips(
        tables(), column(536.0), column(779.0), column(2.0), column(growth), column(ceiling)
    )
    fp4_per_joule = 4.0 * H100_FLOPS / watts
    assert fp4_per_joule[0, AT + 1 :].max() <= ceiling * (1.0 + 1e-12)
    assert np.all(np.diff(path[0, AT + 1 :]) >= 0.0)
    assert watts[0, AT] == 536.0


def fleet_case(ceiling: float = 1e15, money: float = 1e15, made: float = 1e6) -> tuple[np.ndarray, ...]:
    """A fleet of 10 and 20 machines of 100 W that lives for five years."""
    ones = np.ones((1, len(YEARS)))
    return fleet.machines(
        column(10.0),
        column(20.0),
        column(1000.0),
        column(2000.0),
        column(5.0 * YEAR),
        100.0 * ones,
        made / YEAR * ones,
        money / YEAR * ones,
        column(1000.0) * ones,
        ceiling * ones,
        ones,
        column(1.0),
    )


def test_machines_are_added_and_taken_out_at_their_life() -> None:
    everything, chips, _, watts, limit = fleet_case(made=10.0)
    assert everything[0, :8] == pytest.approx(
        [10, 20, 30, 40, 50, 55, 55, 55]
    )  # half a year of a sixth vintage
    assert np.array_equal(everything, chips)
    assert watts == pytest.approx(100.0 * everything)
    assert set(limit[0, AT + 1 :]) == {0.0}


def test_the_fleet_stays_below_its_power_and_money() -> None:
    everything, _, paid, watts, limit = fleet_case(ceiling=3000.0, money=20_000.0)
    assert watts.max() <= 3000.0 + 1e-9
    assert np.all(everything <= paid + 1e-9)
    assert limit[0, AT + 1] == 2.0
    _, _, _, _, held = fleet_case(money=5000.0)
    assert held[0, AT + 1] == 1.0


def run_case(power: float, chips: float, capital: float, data: float, use: Utilisation | None = None) -> dict:
    ones = np.ones((1, len(YEARS)))
    block = limits.BLOCKS.blocks["least"]
    values = {
        "tables": tables(use),
        "raw_power": power * ones,
        "raw_chips": chips * ones,
        "raw_capital": capital * ones,
        "limit_data": data * ones,
        "desired_run": 1e40 * ones,
        "batch_exponent": column(0.25),
        "run_time": column(1e7),
        "run_watts": ones,
        "run_rate": column(1e20),
        "reference_run": column(2e29),
        "network_gain": column(1.0),
    }
    return {name: float(np.asarray(value)[0, -1]) for name, value in block(values).items()}


@pytest.mark.parametrize("which", ["power", "chips", "capital", "data"])
def test_the_least_limit_binds_and_relief_is_the_run_without_it(which: str) -> None:
    sizes = dict.fromkeys(("power", "chips", "capital"), 1e28)
    sizes[which] = 1e27
    data = 1e26 if which == "data" else 1e35
    found = run_case(sizes["power"], sizes["chips"], sizes["capital"], data)
    least = 1e26 if which == "data" else 0.4e27
    assert found["feasible"] == pytest.approx(least, rel=1e-6)
    assert limits.LIMITS[int(found["binding"])] == which
    gain = 0.4e28 / 1e26 if which == "data" else 10.0
    assert found[f"relief_{which}"] == pytest.approx(gain, rel=1e-6)
    others = [name for name in limits.LIMITS if name != which]
    assert [found[f"relief_{name}"] for name in others] == pytest.approx([1.0] * 4, abs=1e-6)


def test_beyond_the_wall_the_interconnect_binds() -> None:
    found = run_case(1e32, 1e32, 1e32, 1e35)
    assert found["feasible"] == pytest.approx(1e30, rel=1e-6)
    assert limits.LIMITS[int(found["binding"])] == "interconnect"
    assert found["relief_interconnect"] == pytest.approx(40.0, rel=1e-6)
    assert found["feasible_flat"] == pytest.approx(1e31, rel=1e-6)  # up to the latency wall


def test_small_machines_are_in_proportion() -> None:
    use = linear()
    table, _ = use.by_year(np.asarray(YEARS, dtype=float))
    raw = np.full((1, len(YEARS)), 1e20)
    done = use.done(table, raw, column(0.25), np.full((1, len(YEARS)), 1e7))
    assert done == pytest.approx(0.4e20 * np.ones_like(raw))


def test_a_campus_does_not_shrink_and_stays_below_what_a_place_is_given() -> None:
    low, high = (
        limits.run_power(
            tables(),
            column(0.0),
            column(growth),
            column(5e9),
            column(1.0),
            np.ones((1, len(YEARS))),
            column(0.7),
            column(0.2),
            column(0.4),
            column(0.0),
        )[0]
        for growth in (0.8, 2.0)
    )
    assert low[0].min() >= 1e9 * (1.0 - 1e-12)
    assert np.all(np.diff(high[0]) >= -1e-3)
    assert high[0, -1] == pytest.approx(5e9, rel=1e-3)


def test_electricity_of_all_is_of_ai_and_of_the_rest() -> None:
    ai = np.linspace(1e9, 5e10, len(YEARS))[None, :]
    rest = electricity.other(ai, column(4.7e10), column(1.05), column(1.0))
    assert (ai + rest)[0, 0] == pytest.approx(4.7e10)
    assert rest[0, 1] / rest[0, 0] == pytest.approx(1.05)
    assert np.array_equal(electricity.world(ai, rest), ai + rest)


def test_energy_of_ai_is_watts_times_hosts_draw_and_pue() -> None:
    ones = np.ones((1, len(YEARS)))
    mean, peak = electricity.ai(
        100.0 * ones, column(100.0), 1.5 * ones, column(1.2), column(1.3), column(0.5), column(0.0)
    )
    assert mean == pytest.approx(100.0 * 1.5 * 0.5 * 1.2 * ones)
    assert peak == pytest.approx(100.0 * 1.5 * 1.3 * ones)
