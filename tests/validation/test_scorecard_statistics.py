"""Statistics of the scorecard: errors, groups, baseline and band on numbers worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from gigawatt.validation.card import errors_of
from gigawatt.validation.training.band import conformal_band
from gigawatt.validation.training.baseline import constant_utilisation
from gigawatt.validation.training.scorecard import Judged, Refused, Scorecard


def judged(
    source: str, measured: float, predicted: float, kind: str = "dense", spread: float = 1.1
) -> Judged:
    return Judged("T", 2, source, "H100", kind, "dense, A100/H100", "bf16", "m", measured, predicted,
                  predicted / spread, predicted * spread, 1e15, ())  # fmt: skip


def card(rows: list[Judged], refused: list[Refused] | None = None) -> Scorecard:
    baseline = constant_utilisation(
        measured=np.array([row.measured for row in rows]),
        work=np.array([row.work for row in rows]),
        groups=[row.kind for row in rows],
        sources=[row.source for row in rows],
    )
    return Scorecard("training", tuple(rows), tuple(refused or ()), baseline, 3)


def test_errors_by_hand() -> None:
    errors = errors_of(np.array([1.1, 0.8, 1.0, 2.0]), np.ones(4))
    assert errors.mape == pytest.approx((0.1 + 0.2 + 0.0 + 1.0) / 4)
    assert errors.median_ape == pytest.approx(0.15)
    assert errors.p90_ape == pytest.approx(0.2 + 0.7 * 0.8)
    assert errors.bias == pytest.approx((1.1 * 0.8 * 2.0) ** 0.25 - 1.0)


def test_bias_is_symmetric_in_too_slow_and_too_fast() -> None:
    assert errors_of(np.array([2.0, 0.5]), np.ones(2)).bias == pytest.approx(0.0)


def test_every_row_is_predicted_or_refused_and_json_has_the_agreed_keys() -> None:
    lost = [
        Refused("T9", 9, "c", "H100", "MoE", "no shape", "x"),
        Refused("T8", 8, "a", "H100", "dense", "no batch", ""),
    ]
    made = card([judged("a", 1.0, 1.05), judged("a", 1.0, 2.0), judged("b", 2.0, 2.0)], lost)
    plain = json.loads(json.dumps(made.card().to_json(), allow_nan=False))
    assert set(plain) >= {"table", "rows", "predicted", "refused", "overall", "groups", "parameters_fitted"}
    assert plain["rows"] == plain["predicted"] + plain["refused"] == 5
    assert sum(group["n"] for group in plain["groups"]) == plain["predicted"]
    assert sum(group["refused"] for group in plain["groups"]) == sum(plain["refused_reasons"].values()) == 2
    assert set(plain["overall"]) == {"n", "mape", "median_ape", "p90_ape", "bias", "coverage90"}
    for group in plain["groups"]:
        assert set(group) >= {"group", "n", "mape", "median_ape", "p90_ape", "bias", "coverage90"}
    by_name = {group["group"]: group for group in plain["groups"]}
    assert by_name["a | H100 | dense"]["coverage90"] == pytest.approx(0.5)
    assert by_name["a | H100 | dense"]["mape"] == pytest.approx((0.05 + 1.0) / 2)
    assert by_name["c | H100 | MoE"]["mape"] is None
    assert plain["parameters_fitted"] == 3


def test_frame_and_table_hold_all_rows() -> None:
    made = card(
        [judged("a", 1.0, 1.1), judged("b", 2.0, 2.0)], [Refused("T9", 9, "c", "H100", "MoE", "no", "x")]
    )
    frame = made.to_frame()
    assert len(frame) == 3
    assert frame["error"].iloc[0] == pytest.approx(0.1)
    assert frame["reason"].iloc[2] == "no"
    groups = made.card().groups
    assert [(group.group, group.summary.n, group.more["refused"]) for group in groups] == [
        ("a | H100 | dense", 1, 0),
        ("b | H100 | dense", 1, 0),
        ("c | H100 | MoE", 0, 1),
    ]


def test_nothing_predicted_is_no_error() -> None:
    made = card([], [Refused("T9", 9, "c", "H100", "MoE", "no", "x")])
    plain = json.loads(json.dumps(made.card().to_json(), allow_nan=False))
    assert (plain["predicted"], plain["refused"], plain["overall"]["mape"]) == (0, 1, None)


def test_baseline_is_the_median_utilisation_and_leaves_sources_out() -> None:
    made = constant_utilisation(
        measured=np.array([1.0, 2.0, 4.0, 5.0]),
        work=np.array([1.0, 1.0, 1.0, 1.0]),
        groups=["g", "g", "g", "alone"],
        sources=["a", "a", "b", "c"],
    )
    assert made.inside == pytest.approx([2.0, 2.0, 2.0, 5.0])
    assert made.outside[:3] == pytest.approx([4.0, 4.0, 1 / 0.75])
    assert math.isnan(made.outside[3])


def test_a_band_covers_new_groups_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    covered = []
    for _ in range(300):
        centres = random.normal(0.0, 0.2, size=31)
        errors = [random.normal(centre, 0.05, size=random.integers(1, 60)) for centre in centres]
        known = np.concatenate(errors[:-1])
        band = conformal_band(values=known, groups=[str(i) for i, e in enumerate(errors[:-1]) for _ in e])
        covered.append(np.mean((np.exp(errors[-1]) >= band.low) & (np.exp(errors[-1]) <= band.high)))
    assert 0.87 <= np.mean(covered) <= 0.96


def test_band_weighs_groups_alike_and_is_open_without_any() -> None:
    many = np.concatenate([np.zeros(10_000), np.full(1, 0.5)])
    band = conformal_band(values=many, groups=["big"] * 10_000 + ["small"])
    assert (band.low, band.high) == pytest.approx((1.0, math.exp(0.5)))
    nothing = conformal_band(values=np.array([]), groups=[])
    assert (nothing.low, nothing.high, nothing.groups) == (0.0, math.inf, 0)
