"""The frame's promises: wiring errors, common random numbers, quantile functions, sketches, indices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.outlook.distributions import KINDS, Distribution, student_t_score
from gigawatt.outlook.frame import Frame, FrameError, year_index
from gigawatt.outlook.model import EXTRA, FRAME, REPORTED, TABLES
from gigawatt.outlook.priors import SCENARIOS, correlated, read_priors
from gigawatt.outlook.randomness import uniforms
from gigawatt.outlook.sketch import Sketch
from gigawatt.outlook.sobol import sobol_indices

QUICK = settings(max_examples=30, derandomize=True, deadline=None)


def made() -> Frame:
    frame = Frame()

    @frame.block("twice [W]")
    def double(power):
        """Twice the power."""
        return 2.0 * power

    @frame.block("total [W]", "rest [W]")
    def add(twice, power):
        """The sum, and what is left."""
        return twice + power, twice - power

    return frame


def test_blocks_are_composed_by_name() -> None:
    frame = made()
    frame.check(["power"], ["total", "rest"])
    found = frame.run({"power": np.full((2, 1), 3.0)}, ["total", "rest"])
    assert found["total"].tolist() == [[9.0], [9.0]]
    assert found["rest"].tolist() == [[3.0], [3.0]]


@pytest.mark.parametrize(
    ("leaves", "targets", "words"),
    [
        ([], ["total", "rest"], "missing power, needed by double"),
        (["power", "idle"], ["total", "rest"], "nothing reads idle"),
        (["power"], ["total"], "nothing reads rest"),
    ],
)
def test_wiring_errors(leaves: list[str], targets: list[str], words: str) -> None:
    with pytest.raises(FrameError, match=words):
        made().check(leaves, targets)


def test_two_writers_and_cycles_are_errors() -> None:
    frame = made()
    with pytest.raises(FrameError, match="two writers of twice"):

        @frame.block("twice [W]")
        def again(power):
            """Once more."""
            return power

    loop = Frame()

    @loop.block("a [1]")
    def one(b):
        """Of b."""
        return b

    @loop.block("b [1]")
    def other(a):
        """Of a."""
        return a

    with pytest.raises(FrameError, match="a cycle runs through"):
        loop.order()
    with pytest.raises(FrameError, match="two writers of twice"):
        Frame.joined([made(), made()])


def test_the_outlook_is_wired() -> None:
    """Every quantity of the table is read, every input is there, every output is told or read."""
    FRAME.check([TABLES, *read_priors().rows], [*(row.name for row in REPORTED), *EXTRA])


@pytest.mark.parametrize("year", [2023, 2051])
def test_years_outside_name_the_range(year: int) -> None:
    with pytest.raises(InputError, match="2024 to 2050"):
        year_index(year)


def test_a_draw_has_one_place_whatever_the_chunk() -> None:
    whole = uniforms(7, "x", 0, 1000, 27)
    parts = [uniforms(7, "x", start, min(start + 137, 1000), 27) for start in range(0, 1000, 137)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert whole.min() > 0.0
    assert whole.max() < 1.0


def test_streams_of_quantities_do_not_meet() -> None:
    one, other = uniforms(7, "x", 0, 20_000)[:, 0], uniforms(7, "y", 0, 20_000)[:, 0]
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03
    assert not np.array_equal(one, uniforms(8, "x", 0, 20_000)[:, 0])
    assert abs(one.mean() - 0.5) < 4 * math.sqrt(1 / 12 / 20_000)


def test_a_quantity_more_moves_no_other() -> None:
    priors = read_priors()
    few, all_ = priors.draw(3, 0, 50, ["draw", "grid_growth"]), priors.draw(3, 0, 50)
    for name in few:
        assert np.array_equal(few[name], all_[name])


U = np.array([1e-6, 0.01, 0.05, 0.3, 0.5, 0.7, 0.95, 0.99, 1 - 1e-6])


def test_quantiles_are_those_of_scipy() -> None:
    from scipy import stats

    pert = Distribution("pert", 2.0, 3.0, 7.0)  # beta on 2 to 7, 1 + 4·1/5 and 1 + 4·4/5
    assert pert.quantile(U) == pytest.approx(stats.beta(1.8, 4.2, loc=2, scale=5).ppf(U), rel=2e-5)
    t = Distribution("student_t", -2.0, high=4.0, shape=5.0)
    scale = 3.0 / stats.t(5).ppf(0.95)
    assert t.quantile(U) == pytest.approx(stats.t(5, loc=1.0, scale=scale).ppf(U), rel=2e-5)
    low, high = math.log(2.0), math.log(30.0)
    sigma = (high - low) / 2 / stats.norm.ppf(0.95)
    lognormal = stats.lognorm(sigma, scale=math.exp((low + high) / 2))
    assert Distribution("lognormal", 2.0, high=30.0).quantile(U) == pytest.approx(lognormal.ppf(U), rel=1e-9)
    triangle = stats.triang(0.25, loc=1.0, scale=4.0)
    assert Distribution("triangular", 1.0, 2.0, 5.0).quantile(U) == pytest.approx(triangle.ppf(U), rel=1e-9)
    beta = Distribution("beta", mid=0.3, shape=10.0)
    assert beta.quantile(U) == pytest.approx(stats.beta(3, 7).ppf(U), rel=2e-4)
    z = np.linspace(-6.0, 6.0, 101)
    exact = stats.t(4).ppf(stats.norm.cdf(z[z < 0]))
    assert student_t_score(z, 4.0)[z < 0] == pytest.approx(exact, rel=5e-5)


def test_a_skewed_range_keeps_its_three_quantiles() -> None:
    two = Distribution("lognormal", 2.0, 8.0, 22.0)
    assert two.quantile(np.array([0.05, 0.5, 0.95])) == pytest.approx([2.0, 8.0, 22.0])


@QUICK
@given(
    kind=st.sampled_from([k for k in KINDS if k not in ("fixed", "chance", "bootstrap")]),
    low=st.floats(0.05, 0.4), width=st.floats(0.05, 0.5), part=st.floats(0.1, 0.9),
)  # fmt: skip
def test_quantiles_rise(kind: str, low: float, width: float, part: float) -> None:
    mid = low + part * width
    keep = mid if kind in ("triangular", "pert", "beta") else None
    shape = {"student_t": 4.0, "beta": 8.0}.get(kind)
    values = Distribution(kind, low, keep, low + width, shape).quantile(np.linspace(0.001, 0.999, 200))
    assert np.all(np.diff(values) >= 0.0)
    assert np.all(np.isfinite(values))


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"kind": "normall", "low": 1.0, "high": 2.0}, "did you mean 'normal'"),
        ({"kind": "normal", "low": 3.0, "high": 2.0}, "low is not below high"),
        ({"kind": "lognormal", "low": -1.0, "high": 2.0}, "positive numbers"),
        ({"kind": "lognormal", "low": 1.0, "mid": 5.0, "high": 2.0}, "median is outside"),
        ({"kind": "triangular", "low": 1.0, "mid": 5.0, "high": 2.0}, "mode is outside"),
        ({"kind": "pert", "low": 1.0, "mid": 1.5, "high": 2.0, "shape": -1.0}, "not positive"),
        ({"kind": "student_t", "low": 1.0, "high": 2.0, "shape": 1.5}, "degrees of freedom"),
        ({"kind": "beta", "mid": 0.5, "shape": -2.0}, "concentration"),
        ({"kind": "chance", "mid": 1.5}, "probability"),
        ({"kind": "uniform", "low": 0.5, "high": 1.5, "share": True}, "a share outside 0 to 1"),
        ({"kind": "normal", "low": 0.2, "high": 0.4, "share": True}, "a share outside 0 to 1"),
        ({"kind": "logitnormal", "low": 0.0, "high": 0.4}, "between 0 and 1"),
        ({"kind": "uniform", "low": float("nan"), "high": 1.0}, "not a finite number"),
        ({"kind": "fixed"}, "needs mid"),
        ({"kind": "bootstrap", "mid": 1.5}, "number of rows"),
    ],
)
def test_impossible_distributions_are_errors(given_: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Distribution(**given_)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_prior_draws_finite_numbers_in_its_range(scenario: str) -> None:
    priors = read_priors(scenario)
    for name, values in priors.draw(1, 0, 500).items():
        assert np.all(np.isfinite(values)), name
        if priors.rows[name].unit == "share":
            assert values.min() >= 0.0
            assert values.max() <= 1.0


def test_correlated_quantities_follow_their_matrix() -> None:
    from scipy.stats import norm

    priors = read_priors()
    drawn = priors.draw(5, 0, 20_000, ["grid_growth", "turbine_growth"])
    scores = [norm.ppf((np.argsort(np.argsort(x[:, 0])) + 0.5) / 20_000) for x in drawn.values()]
    assert np.corrcoef(scores)[0, 1] == pytest.approx(0.5, abs=0.02)


def test_correlations_that_contradict_each_other_are_an_error() -> None:
    pairs = {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9}
    with pytest.raises(InputError, match="not positive definite"):
        correlated(pairs, ["a", "b", "c"])


def test_what_a_user_writes_replaces_a_row() -> None:
    days = {"kind": "uniform", "low": "60 days", "high": "90 days"}
    priors = read_priors("base", {"draw": 0.5, "run_time": days})
    assert {row.id for row in priors.overrides()} == {"draw", "run_time"}
    assert priors.draw(1, 0, 9, ["draw"])["draw"].tolist() == [[0.5]] * 9
    drawn = priors.draw(1, 0, 99, ["run_time"])["run_time"] / 86400.0
    assert 60.0 <= drawn.min() <= drawn.max() <= 90.0


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"drow": 0.5}, "did you mean 'draw'"),
        ({"draw": 1.5}, "quantities.draw: a share outside 0 to 1"),
        ({"run_time": 90}, "quantities.run_time: the unit is missing"),
        ({"run_time": "90 GW"}, "wrong kind of unit"),
        ({"draw": {"kind": "pert", "lo": 0.1}}, "did you mean 'low'"),
    ],
)
def test_what_cannot_be_overridden_is_said(written: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_priors("base", written)


def test_a_sketch_is_within_its_bin_and_blind_to_chunks() -> None:
    values = np.exp(np.random.Generator(np.random.PCG64(0)).normal(3.0, 1.5, (30_000, 2)))
    whole, parts = Sketch(1e-3, 1e6, True, 2), Sketch(1e-3, 1e6, True, 2)
    whole.add(values)
    for part in np.array_split(values, 7):
        parts.add(part)
    assert np.array_equal(whole.counts, parts.counts)
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    exact = np.quantile(values, shares, axis=0, method="inverted_cdf").T
    assert np.max(np.abs(whole.quantiles(shares) / exact - 1.0)) <= whole.error * 1.01
    assert whole.share_above(20.0) == pytest.approx((values > 20.0).mean(axis=0), abs=2e-3)


def test_a_sketch_refuses_what_is_no_number() -> None:
    with pytest.raises(InputError, match="not a number"):
        Sketch(1.0, 2.0, False, 1).add(np.array([[np.nan]]))


def ishigami(u: np.ndarray) -> np.ndarray:
    x = np.pi * (2.0 * u - 1.0)
    return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_indices_are_those_of_salib() -> None:
    """SALib 1.5.1, ``analyze.sobol`` without second order, on these 64 points; run outside the package."""
    number = np.arange(64)[:, None]
    a = (number * np.array([0.5545497, 0.308517, 0.7182818]) + 0.5) % 1.0
    b = (number * np.array([0.2360680, 0.4494897, 0.6457513]) + 0.25) % 1.0
    mixed = [ishigami(np.where(np.arange(3) == i, b, a)) for i in range(3)]
    found = sobol_indices(ishigami(a), ishigami(b), np.array(mixed))
    assert found.first == pytest.approx(
        [0.3100966144176113, 0.45851058056112115, 0.07673608590404145], rel=1e-9
    )
    assert found.total == pytest.approx(
        [0.5550203723234616, 0.46264178205300416, 0.3036335793524848], rel=1e-9
    )


def test_indices_converge_to_ishigamis_own() -> None:
    """Exact for a = 7, b = 0.1: S1 .3139, .4424, 0; ST .5576, .4424, .2437 (Saltelli et al. 2008, p. 179)."""
    a, b = uniforms(1, "A", 0, 40_000, 3), uniforms(1, "B", 0, 40_000, 3)
    mixed = [ishigami(np.where(np.arange(3) == i, b, a)) for i in range(3)]
    found = sobol_indices(ishigami(a), ishigami(b), np.array(mixed))
    assert found.first == pytest.approx([0.3139, 0.4424, 0.0], abs=0.02)
    assert found.total == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.02)
    assert np.all(found.first_error < 0.02)
