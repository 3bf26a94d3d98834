"""Coverage, PIT and CRPS of the drawn model errors: against known distributions, and as shipped."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gigawatt.chain.uncertainty.factors import ModelError
from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.scores import crps_student_t
from gigawatt.validation.tables import validate
from gigawatt.validation.uncertainty import DECILES, Residual, calibration_of, residuals

LOW, HIGH = 0.8, 1.6


def drawn(count: int, low: float = LOW, high: float = HIGH) -> list[Residual]:
    """Residuals that are draws of the distribution itself."""
    error = ModelError("", "", low, high, {})
    normals = np.random.default_rng(3).standard_normal(count)
    return [Residual("k", f"maker {i % 40}", math.log(error.at(z)), low, high) for i, z in enumerate(normals)]


def test_draws_of_the_distribution_are_calibrated() -> None:
    found = calibration_of(drawn(8000))
    assert found.coverage == pytest.approx(0.9, abs=0.01)
    assert (found.below, found.above) == (pytest.approx(0.05, abs=0.01), pytest.approx(0.05, abs=0.01))
    assert found.pit == pytest.approx([0.1] * DECILES, abs=0.015)
    assert sum(found.pit) == pytest.approx(1.0)
    assert found.p_value > 0.5
    assert found.makers == 40


@pytest.mark.parametrize(("value", "sigma"), [(0.0, 0.3), (0.4, 0.3), (-0.1, 0.05)])
def test_crps_is_that_of_a_normal(value: float, sigma: float) -> None:
    """Oracle: the closed form of Student's t with very many degrees of freedom."""
    end = math.exp(1.6448536 * sigma)
    found = calibration_of([Residual("k", "one", value, 1.0 / end, end)])
    assert found.crps == pytest.approx(float(crps_student_t(value, 0.0, sigma, 1e6)), rel=0.02)
    assert found.crps_point == abs(value)


def test_bands_that_are_wrong_are_seen() -> None:
    """Too narrow: a histogram with high ends; too wide: a hump; off centre: one end."""
    right = drawn(4000)
    narrow = calibration_of([Residual("k", r.maker, 2.0 * r.value, r.low, r.high) for r in right])
    wide = calibration_of([Residual("k", r.maker, 0.4 * r.value, r.low, r.high) for r in right])
    off = calibration_of([Residual("k", r.maker, r.value + 0.3, r.low, r.high) for r in right])
    assert narrow.coverage < 0.7
    assert narrow.pit[0] > 0.15 < narrow.pit[-1]
    assert narrow.p_value < 0.01
    assert wide.coverage > 0.99
    assert wide.pit[4] > 0.2 < wide.pit[5]
    assert off.pit[-1] > 0.2
    assert off.above > 0.15 > off.below


def test_a_maker_of_many_rows_does_not_speak_for_all() -> None:
    few = [Residual("k", f"maker {i}", 0.0, LOW, HIGH) for i in range(9)]
    many = [Residual("k", "large", 1.0, LOW, HIGH)] * 1000
    assert calibration_of(few + many, most=1).coverage == pytest.approx(0.9)
    assert calibration_of(few + many, most=91).coverage == pytest.approx(0.09)


SHARP = 0.82
"""CRPS of a band over that of the point forecast alone at most."""
BLUNT = {
    "time to first token": "Llama 8B on TensorRT-LLM 1.0 waits twice as long as predicted: its server's own "
    "process, which streams the tokens, and one place fewer than requests",
    "throughput of a service": "of two sources one alone makes the band where the other is judged, wide as "
    "what may differ between sources, of which a third would say more",
}


@pytest.mark.apart
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.xfail(strict=True, reason=why)) for n, why in BLUNT.items()]
)
def test_a_band_says_more_than_its_point(name: str) -> None:
    (group,) = (one for one in validate("uncertainty").groups if one.group == name)
    assert group.more["crps"] < SHARP * group.more["crps_point"]


@pytest.mark.apart
def test_the_shipped_bands_hold_nine_in_ten() -> None:
    card = validate("uncertainty")
    assert card.rows == card.predicted == len(list(residuals()))
    assert 0.87 <= (card.overall.coverage90 or 0.0) <= 0.93
    by_kind = {group.group: group for group in card.groups}
    assert len(by_kind) == 8
    for group in card.groups:
        assert group.more["p_value"] > 0.05, group.group
        assert group.more["crps"] > 0.0, group.group
        assert group.group in BLUNT or group.more["crps"] < SHARP * group.more["crps_point"], group.group
        inside = 1.0 - group.more["below5"] - group.more["above95"]
        assert inside == pytest.approx(group.summary.coverage90)
    for row in card.more["pit"]:
        assert sum(value for key, value in row.items() if key != "kind") == pytest.approx(1.0)


def test_rows_of_ones_own_are_refused() -> None:
    with pytest.raises(InputError, match=r"takes no rows.*residuals of the other scorecards"):
        validate("uncertainty", rows="mine.csv")
    with pytest.raises(InputError, match="nothing to calibrate with"):
        calibration_of([])
