"""Training across data centres: bandwidths that the papers' simulators ask for, published losses, limits."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fit_low_communication import fit_penalty, published_losses
from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.performance.sites.low_communication import (
    compute_factor,
    loss_penalty,
    low_communication_penalty,
    token_factor,
)
from gigawatt.performance.sites.wan import (
    across_sites,
    delay,
    load_method,
    load_wan,
    usable_bandwidth,
    working_region,
)

GBIT = 1e9 / 8.0
KM = 1e3
#: The papers' simulators know no distance and no losses.
SHORT = replace(load_wan(), efficiency=1.0, equipment=0.0)

UTILISATION = np.array([0.5, 0.8, 0.9, 0.95, 0.99])
# Gbit/s to reach 50, 80, 90, 95, 99 % utilisation, two replicas. The simulators print a point of a grid of
# 19 % steps. (parameters, step time, method, changes of the method, row)
FITTED = (10e9, 0.8, "data-parallel-overlap", {}, [104.8, 184.2, 222.3, 222.3, 390.7])  # 2503.09799, table 6
JUDGES = [
    # arXiv:2503.09799, table 6
    *[
        (10e9, 0.8, "diloco", {"inner_steps": steps}, row)
        for steps, row in (
            (10, [16.0, 49.4, 86.8, 152.6, 222.3]),
            (50, [3.0, 11.0, 23.3, 41.0, 126.5]),
            (100, [1.4, 6.2, 13.3, 23.3, 86.8]),
            (300, [0.5, 2.0, 4.3, 9.1, 41.0]),
        )
    ],
    (405e9, 26.0, "data-parallel-overlap", {}, [126.5, 222.3, 268.3, 323.8, 323.8]),
    *[
        (405e9, 26.0, "diloco", {"inner_steps": steps}, row)
        for steps, row in (
            (10, [19.3, 72.0, 126.5, 184.2, 268.3]),
            (50, [3.6, 13.3, 28.1, 59.6, 184.2]),
            (100, [2.0, 7.5, 16.0, 33.9, 126.5]),
            (300, [0.7, 3.0, 6.2, 13.3, 59.6]),
        )
    ],
    (671e9, 20.0, "data-parallel-overlap", {}, [323.8, 569.0, 686.6, 686.6, 1000.0]),
    *[
        (671e9, 20.0, "diloco", {"inner_steps": steps}, row)
        for steps, row in (
            (10, [49.4, 152.6, 268.3, 390.7, 686.6]),
            (50, [7.5, 33.9, 72.0, 126.5, 390.7]),
            (100, [4.3, 16.0, 41.0, 72.0, 268.3]),
            (300, [1.7, 6.2, 13.3, 28.1, 126.5]),
        )
    ],
    # arXiv:2501.18512, table 4: H = 100, fragments of 3 layers
    *[
        (
            size,
            step,
            method,
            {"fragments": layers / 3} | change if method == "streaming-diloco" else change,
            row,
        )
        for size, step, layers, rows in (
            (
                1e9,
                0.1,
                24,
                (
                    [86.8, 152.6, 184.2, 222.3, 569.0],
                    [1.4, 6.2, 13.3, 23.3, 86.8],
                    [1.4, 5.2, 9.1, 16.0, 28.1],
                    [1.4, 4.3, 6.2, 9.1, 11.0],
                    [0.4, 0.9, 1.7, 2.0, 3.0],
                ),
            ),
            (
                10e9,
                0.8,
                48,
                (
                    [104.8, 222.3, 222.3, 268.3, 471.5],
                    [1.7, 7.5, 16.0, 33.9, 104.8],
                    [1.7, 5.2, 9.1, 13.3, 19.3],
                    [1.7, 3.6, 5.2, 6.2, 7.5],
                    [0.4, 0.9, 1.4, 1.4, 1.7],
                ),
            ),
            (
                100e9,
                4.9,
                108,
                (
                    [184.2, 323.8, 390.7, 390.7, 471.5],
                    [3.0, 11.0, 23.3, 49.4, 184.2],
                    [2.4, 6.2, 9.1, 11.0, 19.3],
                    [1.7, 3.6, 4.3, 5.2, 5.2],
                    [0.5, 0.9, 1.1, 1.1, 1.4],
                ),
            ),
        )
        for (method, change), row in zip(
            (
                ("data-parallel-overlap", {}),
                ("diloco", {}),
                ("streaming-diloco", {"wire": 2.0, "overlap": 0.0}),
                ("streaming-diloco", {"wire": 2.0}),
                ("streaming-diloco", {}),
            ),
            rows,
            strict=True,
        )
    ],
]


def needed(
    parameters: float, step: float, method: str, change: dict[str, float], window: float | None = None
):
    how = replace(load_method(method), **change)
    how = how if window is None else replace(how, window=window)
    found = working_region(
        step_time=step,
        parameters=parameters,
        tokens=1e12,
        sites=2,
        distance=0.0,
        allowed=1.0 / UTILISATION - 1.0,
        methods=[how],
        wan=SHORT,
    )
    return found[how.id] / GBIT


def test_window_is_the_best_of_its_row() -> None:
    """The one fitted number: least squares on the data-parallel row of 10 G parameters, 50 to 95 %."""
    *case, row = FITTED
    tries = np.arange(0.6, 1.0, 0.01)
    errors = [np.sum(np.log(needed(*case, window=w)[:4] / row[:4]) ** 2) for w in tries]
    assert load_method("diloco").window == pytest.approx(tries[np.argmin(errors)], abs=0.011)


def test_bandwidths_of_the_papers() -> None:
    """29 rows that were not fitted (arXiv 2503.09799 table 6, 2501.18512 table 4), 5 utilisations each."""
    errors = np.array([np.log(needed(*case) / row) for *case, row in JUDGES])
    assert errors.shape == (29, 5)
    assert np.median(np.abs(errors)) < 0.12
    assert np.quantile(np.abs(errors), 0.9) < 0.40
    assert abs(np.median(errors)) < 0.10


def test_law_is_what_the_fit_gives() -> None:
    """The catalog's coefficients are those of the fit to the rows of role ``fit``."""
    found, residual = fit_penalty()
    row = entity("diloco_law", "penalty")
    for name, value in found.items():
        assert row.value(name) == pytest.approx(value, rel=2e-3), name
    assert residual == pytest.approx(row.value("residual"), rel=0.02)


def test_losses_that_judge() -> None:
    """4 and 10 G parameters, overtraining and whole-step overlap: not fitted."""
    rows = published_losses("judge")
    errors = (
        loss_penalty(**{name: rows[name] for name in ("parameters", "replicas", "inner_steps")})
        - rows["log_loss"]
    )
    assert len(errors) == 13
    assert np.median(np.abs(errors)) < 0.002
    assert np.max(np.abs(errors)) <= entity("diloco_law", "penalty").evidence("residual").high
    extrapolated = (rows["inner_steps"] == 30) & (rows["parameters"] >= 4e9)  # table 5 of the scaling laws
    assert np.max(np.abs(errors[extrapolated])) < 0.002


def test_penalty_by_size_and_replicas() -> None:
    """Finding 1 of arXiv 2503.09799: it falls with the model's size and grows with the replicas."""
    size, many = np.array([35e6, 350e6, 3.5e9])[:, None], np.array([2.0, 4.0, 8.0])
    rho = loss_penalty(parameters=size, replicas=many, inner_steps=30)
    assert np.all(np.diff(rho, axis=0) < 0.0)
    assert np.all(np.diff(rho, axis=1) > 0.0)
    assert loss_penalty(parameters=1e9, replicas=1, inner_steps=300) < 0.0  # one replica gains


@given(size=st.floats(1e8, 1e12), ratio=st.floats(10.0, 300.0), rho=st.floats(0.0, 0.004))
def test_token_factor_solves_its_equation(size: float, ratio: float, rho: float) -> None:
    """e^ρ · L(N, f·D) = L(N, D)."""
    row = entity("diloco_law", "chinchilla")

    def loss(tokens: float) -> float:
        return (
            row.value("irreducible")
            + row.value("size_scale") * size ** -row.value("size_exponent")
            + row.value("token_scale") * tokens ** -row.value("token_exponent")
        )

    tokens = ratio * size
    factor = float(token_factor(log_loss=rho, parameters=size, tokens=tokens))
    if np.isfinite(factor):
        assert np.exp(rho) * loss(factor * tokens) == pytest.approx(loss(tokens), rel=1e-9)
        assert factor >= 1.0
    else:
        assert np.exp(-rho) * loss(tokens) <= loss(1e40)


def test_factors_without_penalty() -> None:
    assert token_factor(log_loss=0.0, parameters=1e10, tokens=1e12) == 1.0
    assert compute_factor(log_loss=0.0, parameters=1e10, tokens=1e12) == 1.0


def test_outside_the_domain_is_marked_and_wider() -> None:
    found = low_communication_penalty(
        parameters=[1e9, 405e9], tokens=[20e9, 15e12], replicas=2, inner_steps=100
    )
    assert found.outside.tolist() == [False, True]
    width = found.loss_high - np.maximum(found.log_loss, 0.0)
    assert width[1] > 2.0 * width[0] > 0.0
    assert np.all(found.tokens_low <= found.tokens)
    assert np.all(found.tokens <= found.tokens_high)


def test_intellect_1() -> None:
    """83 to 96 % utilisation from one country to three continents (arXiv 2412.01152, abstract).

    10 G parameters, 100 inner steps of 38 min together, 8-bit ring over 14 nodes, nothing overlapped. The
    lines are those that its median synchronisations of 103, 382 and 469 s ask for (all recalled, as is the
    86 % over the Atlantic): what is checked is the account of an exchange, not the Internet's bandwidth.
    """
    seconds, sites, parameters = np.array([103.0, 382.0, 469.0]), 14, 10e9
    wan = replace(load_wan(), efficiency=1.0)
    distance = np.array([1500.0, 5000.0, 8000.0]) * KM
    latency = 2 * (sites - 1) * delay(distance=distance, wan=wan)
    found = across_sites(
        step_time=38 * 60 / 100,
        parameters=parameters,
        tokens=1e12,
        sites=sites,
        distance=distance,
        bandwidth=2 * (sites - 1) / sites * parameters / (seconds - latency),
        method=replace(load_method("diloco"), wire=1.0, window=0.0),
        topology="ring",
        wan=wan,
    )
    assert found.utilisation == pytest.approx([0.957, 0.856, 0.830], abs=0.002)
    assert np.all(found.outside)  # 14 replicas: more than was published with losses


def test_transatlantic_delay() -> None:
    """New York to London, 5,570 km: about 70 ms there and back over the best cables."""
    straight = delay(distance=5570 * KM, wan=replace(load_wan(), route_factor=1.2))
    assert 2.0 * straight == pytest.approx(0.066, abs=0.006)
    assert delay(distance=5570 * KM, wan=load_wan()) > straight


def test_lost_segments_throttle_with_distance() -> None:
    """Mathis: twice the round trip halves the rate of a stream; without loss distance does not count."""
    lossy = replace(load_wan(), loss=1e-4, equipment=0.0)
    rate = usable_bandwidth(bandwidth=1e15, distance=np.array([1000.0, 2000.0]) * KM, wan=lossy)
    assert rate[0] == pytest.approx(2.0 * rate[1])
    clean = usable_bandwidth(bandwidth=1e10, distance=np.array([0.0, 1e7]), wan=load_wan())
    assert clean[0] == clean[1]


RUN = {"step_time": 5.0, "parameters": 405e9, "tokens": 15e12, "sites": 2}


def test_region_and_evaluation_agree() -> None:
    """At the bandwidth that the region names, the slowdown is the one that was allowed; grids broadcast."""
    far = np.array([50.0, 500.0, 2000.0, 8000.0]) * KM
    methods = ("data-parallel", "data-parallel-overlap", "diloco", "streaming-diloco", "eager-diloco")
    allowed = 0.05
    region = working_region(**RUN, distance=far, allowed=allowed, methods=methods)
    for name, bandwidth in region.items():
        can = np.isfinite(bandwidth)
        assert can.any(), name
        found = across_sites(**RUN, distance=far[can], bandwidth=bandwidth[can], method=name)
        assert found.slowdown == pytest.approx(1.0 + allowed, rel=1e-9), name
    ordered = [region[name] for name in methods]
    for worse, better in itertools.pairwise(ordered):
        assert np.all(better <= worse)
    grid = across_sites(**RUN, distance=far[:, None], bandwidth=np.geomspace(1e9, 1e12, 7), method="diloco")
    assert grid.time.shape == (4, 7)
    assert np.all(np.diff(grid.time, axis=1) <= 0.0)
    assert np.all(np.diff(grid.time, axis=0) >= 0.0)


def test_distance_alone_can_forbid() -> None:
    """Steps of 0.1 s leave 5 ms: 8,000 km are too far for every-step exchange at any bandwidth."""
    region = working_region(
        **(RUN | {"step_time": 0.1}),
        distance=8000 * KM,
        allowed=0.05,
        methods=("data-parallel-overlap", "diloco"),
    )
    assert np.isinf(region["data-parallel-overlap"])
    assert np.isfinite(region["diloco"])


def test_tokens_can_eat_the_slack() -> None:
    """A small model over 8 sites loses more than 5 % in tokens: no bandwidth mends that."""
    run = {"step_time": 1.0, "parameters": 200e6, "tokens": 4e9, "sites": 8, "distance": 100 * KM}
    kept = working_region(**run, allowed=0.05, methods=("diloco",))
    paid = working_region(**run, allowed=0.05, methods=("diloco",), count_tokens=True)
    assert np.isfinite(kept["diloco"])
    assert np.isinf(paid["diloco"])


def test_one_site_pays_nothing() -> None:
    found = across_sites(**(RUN | {"sites": 1}), distance=1e6, bandwidth=1e9, method="streaming-diloco")
    assert found.slowdown == 1.0
    assert found.time == 1.0
    assert found.traffic == 0.0


@given(
    bandwidth=st.floats(1e6, 1e13),
    far=st.floats(0.0, 2e7),
    sites=st.integers(1, 16),
    name=st.sampled_from(
        ["data-parallel", "data-parallel-overlap", "diloco", "streaming-diloco", "eager-diloco"]
    ),
)
def test_no_line_carries_more_than_it_can(bandwidth: float, far: float, sites: int, name: str) -> None:
    found = across_sites(
        step_time=3.0,
        parameters=7e10,
        tokens=2e12,
        sites=sites,
        distance=far,
        bandwidth=bandwidth,
        method=name,
    )
    assert found.traffic <= bandwidth * (1.0 + 1e-9)
    assert found.slowdown >= 1.0
    assert found.utilisation * found.slowdown == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bandwidth": 0.0}, "bandwidth: out of range; given 0.0; allowed: above 0"),
        ({"distance": -1.0}, "distance: out of range; given -1.0; allowed: at least 0"),
        ({"method": "dilocco"}, "did you mean 'diloco'?"),
        ({"method": "data-parallel", "inner_steps": 5.0}, "this method exchanges every step"),
        ({"topology": "star"}, "topology: no such topology; given 'star'; allowed: mesh, ring"),
    ],
)
def test_bad_input(change: dict[str, object], words: str) -> None:
    run = RUN | {"distance": 1e5, "bandwidth": 1e10, "method": "diloco"} | change
    with pytest.raises(InputError) as told:
        across_sites(**run)
    assert words in str(told.value)
