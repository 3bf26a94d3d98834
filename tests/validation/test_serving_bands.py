"""Bands of serving: what share of new sources they hold, and where an answer says them."""

from __future__ import annotations

import pytest

from gigawatt.studies.serving.door import plan_serving
from gigawatt.validation.serving.bands import (
    METRICS,
    coverage_left_out,
    regime_of,
    serving_band,
    serving_bands,
)


@pytest.mark.parametrize("by", ["sources", "series"])
def test_nine_rows_of_ten_of_what_a_band_had_not_seen_lie_inside(by: str) -> None:
    assert 0.87 <= coverage_left_out(by=by) <= 0.93


def test_watts_of_two_sources_lie_inside_too() -> None:
    assert coverage_left_out(metric="watts", by="sources") >= 0.87
    assert coverage_left_out(metric="watts", by="series") >= 0.9


def test_regimes_are_by_the_year_of_the_engine_and_recent_ones_are_closer() -> None:
    assert regime_of("vllm-2025") != regime_of("vllm-2023") == regime_of("trtllm-2024")
    recent, older = serving_bands("vllm-2025"), serving_bands("vllm-2023")
    assert set(recent) == set(METRICS)
    assert recent["tpot"].high / recent["tpot"].low < older["tpot"].high / older["tpot"].low


def test_a_judged_source_is_not_in_its_band() -> None:
    whole = serving_band(metric="tpot", regime=regime_of("vllm-2025"))
    without = serving_band(metric="tpot", regime=regime_of("vllm-2025"), without="aiconfigurator-core")
    assert (whole.low, whole.high) != (without.low, without.high)


def test_an_answer_has_the_band_of_each_metric() -> None:
    answer = plan_serving(model="llama-3.1-8b", chip="H100", prompt="512", output="128", finalists=0)
    bands = answer.data["bands"]
    factors = serving_bands(answer.data["engine"])
    for metric in ("ttft", "tpot", "throughput"):
        one = bands[metric]
        assert one["low"] == pytest.approx(factors[metric].low * one["value"])
        assert one["high"] == pytest.approx(factors[metric].high * one["value"])
    assert bands["watts"]["high"] <= 0.7 * answer.data["chips"] + 1e-9  # kW, the limit of the accelerators
    assert bands["coverage_of_left_out_sources"] == coverage_left_out()
