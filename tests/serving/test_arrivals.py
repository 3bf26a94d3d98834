"""Processes of arrivals and distributions of lengths: means, variations and shapes that statistics know."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.serving.arrivals import (
    arrival_times,
    constant_arrivals,
    daily_shape,
    diurnal_arrivals,
    gamma_arrivals,
    poisson_arrivals,
)
from gigawatt.serving.lengths import (
    as_lengths,
    lognormal_lengths,
    read_lengths,
    uniform_lengths,
)
from gigawatt.serving.synthetic import SharedPrefixes, synthetic
from gigawatt.serving.traces import read_trace, trace_facts

DAY = 86400.0


def random() -> np.random.Generator:
    return np.random.default_rng(7)


# arrivals


def test_poisson_has_exponential_gaps_and_poisson_counts() -> None:
    times = poisson_arrivals(rate=20.0, count=200_000, seed=1)
    gaps = np.diff(times)
    assert len(times) == 200_000
    assert gaps.mean() == pytest.approx(1 / 20.0, rel=0.01)
    assert gaps.std() / gaps.mean() == pytest.approx(1.0, abs=0.01)
    assert np.quantile(gaps, 0.9) == pytest.approx(math.log(10.0) / 20.0, rel=0.015)
    spread = poisson_arrivals(rate=20.0, span=10_000.0, seed=1)
    counts = np.bincount(spread.astype(int), minlength=10_000)
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.05)
    assert spread[-1] < 10_000.0


@pytest.mark.parametrize("variation", [0.3, 1.0, 2.5])
def test_gamma_has_the_variation_asked_for(variation: float) -> None:
    for asked in ({"count": 300_000}, {"span": 30_000.0}):
        times = gamma_arrivals(rate=10.0, variation=variation, seed=3, **asked)  # type: ignore[arg-type]
        gaps = np.diff(times)
        assert gaps.mean() == pytest.approx(0.1, rel=0.02)
        assert gaps.std() / gaps.mean() == pytest.approx(variation, rel=0.03)
        assert np.all(gaps >= 0.0)


def test_renewal_theory_of_bursts() -> None:
    """Variance over mean of counts in a long window tends to the squared variation of the gaps (Cox 1962)."""
    times = gamma_arrivals(rate=10.0, variation=2.0, span=200_000.0, seed=5)
    counts = np.bincount((times // 100.0).astype(int), minlength=2000)
    assert counts.var() / counts.mean() == pytest.approx(4.0, rel=0.12)


def test_constant_arrivals() -> None:
    assert constant_arrivals(rate=4.0, count=3).tolist() == [0.0, 0.25, 0.5]
    assert constant_arrivals(rate=4.0, span=1.0).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert np.array_equal(
        gamma_arrivals(rate=4.0, variation=0.0, count=5), constant_arrivals(rate=4.0, count=5)
    )


@pytest.mark.parametrize("shape", ["azure-code", "azure-conversation", 0.25])
def test_a_diurnal_process_follows_its_shape(shape: str | float) -> None:
    day = daily_shape(shape)
    times = diurnal_arrivals(rate=5.0, shape=shape, span=10 * DAY, seed=2)
    assert len(times) == pytest.approx(5.0 * 10 * DAY, rel=0.005)
    hours = np.bincount((times % DAY // 3600).astype(int), minlength=24) / (5.0 * 10 * 3600)
    fine = day.at((np.arange(24 * 60) + 0.5) * 60.0).reshape(24, 60).mean(axis=1)
    assert np.abs(hours - fine).max() < 0.03
    gaps_at_noon = np.diff(times[(times % DAY > 43200) & (times % DAY < 43500)])
    assert np.std(gaps_at_noon[gaps_at_noon < 60]) / np.mean(
        gaps_at_noon[gaps_at_noon < 60]
    ) == pytest.approx(1.0, abs=0.05)  # Poisson in the small
    counted = diurnal_arrivals(rate=5.0, shape=shape, count=1000, seed=2)
    assert len(counted) == 1000
    assert np.all(np.diff(counted) >= 0.0)


def test_a_shape_keeps_its_mean_and_turns_smoothly() -> None:
    for name in [*catalog.table("traces_shapes"), 0.1, [*range(1, 25)]]:
        day = daily_shape(name)
        fine = day.at(np.arange(86400.0))
        assert fine.mean() == pytest.approx(1.0, abs=1e-6)
        assert day.hours.mean() == pytest.approx(1.0)
        assert fine.max() <= day.peak + 1e-12
        assert day.at(-1.0) == pytest.approx(day.at(DAY - 1.0))
        assert day.at(12.5 * 3600) == pytest.approx(day.hours[12])
        assert np.abs(np.diff(np.append(fine, fine[0]))).max() < 2e-3
    assert daily_shape(0.25).trough_to_peak == pytest.approx(0.25)
    assert np.argmax(daily_shape(0.25).hours) == 14


def test_the_rows_of_shapes_are_what_they_say() -> None:
    for row in catalog.table("traces_shapes").values():
        day = daily_shape(row.id)
        evidence = row.evidence("trough_to_peak")
        assert day.trough_to_peak == pytest.approx(evidence.value, abs=1e-3)
        assert evidence.low is not None
        assert evidence.high is not None
    code, talk = (daily_shape(f"azure-{kind}") for kind in ("code", "conversation"))
    assert code.clock == talk.clock == "UTC"
    assert code.trough_to_peak < talk.trough_to_peak  # programmers sleep, the world does not


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (
            {"kind": "poison", "rate": 1.0, "count": 1},
            "arrivals: no such process of arrivals; given 'poison';",
        ),
        ({"kind": "poisson", "rate": 0.0, "count": 1}, "rate: not a rate of requests; given 0.0"),
        (
            {"kind": "poisson", "rate": 1.0},
            "count: how many requests is not clear; allowed: one of count and",
        ),
        ({"kind": "poisson", "rate": 1.0, "count": 0}, "count: not a number of requests; given 0"),
        ({"kind": "poisson", "rate": 1.0, "span": -2.0}, "span: not a span of time; given -2.0"),
        ({"kind": "gamma", "rate": 1.0, "count": 1}, "variation: gamma arrivals need variation"),
        (
            {"kind": "poisson", "rate": 1.0, "count": 1, "variation": 2.0},
            "variation: poisson arrivals take no",
        ),
        ({"kind": "diurnal", "rate": 1.0, "count": 1}, "shape: diurnal arrivals need shape"),
        ({"kind": "gamma", "rate": 1.0, "count": 1, "variation": -1.0}, "variation: not a coefficient of"),
    ],
)
def test_arrivals_refuse_in_one_line(asked: dict[str, object], says: str) -> None:
    with pytest.raises(InputError) as raised:
        arrival_times(**asked)  # type: ignore[arg-type]
    assert str(raised.value).startswith(says)


# lengths


def test_the_two_conventions_of_the_range_ratio() -> None:
    """vLLM's: around the length; InferenceX's and older vLLM's: from a share of it up to it."""
    around = uniform_lengths(tokens=1000, ratio=0.2).draw(50_000, random())
    assert (around.min(), around.max()) == (800, 1200)
    assert around.mean() == pytest.approx(1000, rel=0.005)
    below = uniform_lengths(tokens=1000, ratio=0.8, convention="inferencex").draw(50_000, random())
    assert (below.min(), below.max()) == (800, 1000)
    assert below.mean() == pytest.approx(900, rel=0.005)


def test_a_lognormal_goes_through_what_it_was_given() -> None:
    drawn = lognormal_lengths(median=500, p90=2000).draw(400_000, random())
    assert np.median(drawn) == pytest.approx(500, rel=0.01)
    assert np.quantile(drawn, 0.9) == pytest.approx(2000, rel=0.015)
    drawn = lognormal_lengths(median=500, mean=800).draw(400_000, random())
    assert np.median(drawn) == pytest.approx(500, rel=0.01)
    assert drawn.mean() == pytest.approx(800, rel=0.01)
    cut = lognormal_lengths(median=500, p90=2000, maximum=1500).draw(10_000, random())
    assert cut.max() == 1500
    assert cut.min() >= 1
    assert np.all(lognormal_lengths(median=500, mean=500).draw(10, random()) == 500)


def test_lengths_as_text() -> None:
    assert read_lengths("1024").draw(2, random()).tolist() == [1024, 1024]
    assert read_lengths("8,192 tokens").low == 8192
    assert read_lengths("uniform(1024, 0.8, convention=inferencex)") == uniform_lengths(
        tokens=1024, ratio=0.8, convention="inferencex"
    )
    written, made = (
        read_lengths("lognormal(median=500, p90=2000, maximum=9e3)"),
        lognormal_lengths(median=500, p90=2000, maximum=9000),
    )
    assert (written.median, written.sigma, written.maximum) == (made.median, made.sigma, made.maximum)
    assert as_lengths("lognormal(500, mean=900)", maximum=800).maximum == 800
    assert as_lengths(read_lengths("uniform(10, 0.5, maximum=9)"), maximum=12).maximum == 9


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("long", "not a distribution of lengths; given 'long'"),
        ("logarithmic(5)", "no such distribution of lengths; given 'logarithmic(5)'"),
        ("uniform(5)", "uniform needs ratio; given 'uniform(5)'"),
        ("uniform(5, 2)", "ratio: not a share; given 2.0; allowed: 0 to 1"),
        ("uniform(5, 0.5, convention=vlm)", "convention: no such convention of the ratio; given 'vlm'"),
        ("lognormal(median=5, p99=8)", "p99: not an argument of lognormal; given"),
        ("lognormal(median=5)", "p90: a lognormal needs a second number; allowed: one of p90 and mean"),
        (
            "lognormal(median=5, p90=3)",
            "p90: a lognormal's spread cannot be negative; given 3.0; allowed: at le",
        ),
        ("lognormal(median=few, p90=3)", "median: not a number; given"),
        ("constant(0)", "tokens: not a number of tokens; given '0.0'; allowed: a whole number from 1"),
    ],
)
def test_lengths_refuse_in_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as raised:
        read_lengths(text)
    assert str(raised.value).startswith(says)


# together


def test_pairs_of_a_trace_stay_pairs() -> None:
    trace = read_trace("azure-code-2023")
    made = synthetic(rate=10.0, count=20_000, lengths_of=trace, seed=1)
    pairs = set(zip(trace.prompt.tolist(), trace.output.tolist(), strict=True))
    assert set(zip(made.prompt.tolist(), made.output.tolist(), strict=True)) <= pairs
    assert made.prompt.mean() == pytest.approx(trace.prompt.mean(), rel=0.03)


def test_streams_are_apart_and_seeds_hold() -> None:
    asked = {"rate": 10.0, "count": 500, "prompt": "uniform(100, 0.5)", "output": "lognormal(50, p90=90)"}
    one, again = (synthetic(**asked, seed=4) for _ in range(2))  # type: ignore[arg-type]
    bursty = synthetic(**asked, arrivals="gamma", variation=3.0, seed=4)  # type: ignore[arg-type]
    other = synthetic(**asked, seed=5)  # type: ignore[arg-type]
    assert np.array_equal(one.arrival, again.arrival)
    assert np.array_equal(one.prompt, bursty.prompt)
    assert np.array_equal(one.output, bursty.output)
    assert not np.array_equal(one.arrival, bursty.arrival)
    assert not np.array_equal(one.prompt, other.prompt)


def test_shared_beginnings() -> None:
    """By hand: a beginning of 130 tokens fills two blocks of 64; what follows is each prompt's own."""
    made = synthetic(
        rate=1.0,
        count=4,
        prompt=100,
        output=5,
        prefixes=SharedPrefixes(groups=1, tokens=130, block_tokens=64),
    )
    assert made.prompt.tolist() == [230] * 4
    assert made.blocks is not None
    offsets, ids = made.blocks
    assert offsets.tolist() == [0, 4, 8, 12, 16]
    assert ids.reshape(4, 4)[:, :2].tolist() == [[0, 1]] * 4
    own = ids.reshape(4, 4)[:, 2:].ravel()
    assert len(set(own.tolist())) == 8
    assert own.min() >= 2
    assert trace_facts(made).shared == pytest.approx(6 / 16)


def test_groups_are_as_unequal_as_asked() -> None:
    prefixes = SharedPrefixes(groups=4, tokens="uniform(640, 0.5)", block_tokens=64, skew=1.0, share=0.5)
    made = synthetic(
        rate=1.0, count=40_000, prompt=10, output=5, prefixes=prefixes, maximum_prompt=700, seed=2
    )
    assert made.blocks is not None
    offsets, ids = made.blocks
    assert made.prompt.max() <= 700
    assert np.array_equal(np.diff(offsets), -(-made.prompt // 64))
    starts, counts = np.unique(ids[offsets[:-1]], return_counts=True)
    shared = np.sort(counts[counts > 1])[::-1]
    assert len(starts) > 15_000
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    assert shared.tolist() == pytest.approx([20_000 / harmonic / k for k in (1, 2, 3, 4)], rel=0.05)


def test_priorities_have_their_shares() -> None:
    made = synthetic(rate=1.0, count=30_000, prompt=1, output=1, priorities=[1, 0, 3], seed=3)
    assert made.priority is not None
    assert np.bincount(made.priority) / 30_000 == pytest.approx([0.25, 0.0, 0.75], abs=0.01)


def test_a_million_in_a_second() -> None:
    asked = {"prompt": "lognormal(800, p90=3000, maximum=32768)", "output": "lognormal(150, mean=220)"}
    for kind in ({}, {"arrivals": "gamma", "variation": 3.0}, {"arrivals": "diurnal", "shape": "azure-code"}):
        best = math.inf
        for _ in range(2):
            start = time.process_time()
            made = synthetic(rate=100.0, count=1_000_000, **asked, **kind)  # type: ignore[arg-type]
            best = min(best, time.process_time() - start)
        assert len(made) == 1_000_000
        assert best < 1.0, kind


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"prompt": 5}, "output: how long is not said; allowed: tokens, a distribution, or lengths_of"),
        ({"prompt": 0, "output": 5}, "tokens: not a number of tokens; given '0'"),
        (
            {"prompt": 5, "output": 5, "priorities": [0.0]},
            "priorities: not shares of priorities; given '[0.0]'",
        ),
    ],
)
def test_synthetic_refuses_in_one_line(asked: dict[str, object], says: str) -> None:
    with pytest.raises(InputError) as raised:
        synthetic(rate=1.0, count=3, **asked)  # type: ignore[arg-type]
    assert str(raised.value).startswith(says)
    with pytest.raises(InputError, match="lengths stand twice"):
        synthetic(
            rate=1.0, count=3, prompt=3, output=3, lengths_of=synthetic(rate=1.0, count=3, prompt=3, output=3)
        )
    with pytest.raises(InputError, match=r"^prefixes\.groups: not a whole number"):
        SharedPrefixes(groups=0, tokens=5, block_tokens=16)
