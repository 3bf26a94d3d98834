"""Intervals of a service: accelerators, latencies and the share of requests that meets the SLO."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gigawatt
from gigawatt.chain.serving.waits import Waits
from gigawatt.studies.run.grids import cards

SERVICE = {
    "model": "llama-3.1-8b",
    "year": 2026,
    "machine": {"chip": "H100"},
    "site": {"name": "virginia"},
    "serving": {"demand": "200/s", "trace": "sharegpt", "objective": "ttft 150 ms, tpot 25 ms, p90"},
    "supply": {"price": "60 $/MWh"},
}


@pytest.fixture(scope="module")
def answer() -> Any:
    return gigawatt.run(SERVICE, uncertainty=True, draws=200)


def test_a_service_with_less_throughput_takes_more_accelerators(answer: Any) -> None:
    bands, now = answer["uncertainty"], answer["quantities"]
    assert bands["machine.count"]["low"] < now["machine.count"]["value"]
    assert "serving.rate" not in bands  # the demand is given
    assert bands["machine.count"]["groups"] == {"engine throughput": pytest.approx(1.0)}
    for end in ("low", "high"):  # replicas of one accelerator
        assert bands["serving.replicas"][end] == pytest.approx(bands["machine.count"][end])


def test_latencies_and_the_slo_move_together(answer: Any) -> None:
    bands, now = answer["uncertainty"], answer["quantities"]
    for name in ("serving.ttft_p99", "serving.tpot_p50", "serving.e2e_p99", "serving.kept"):
        assert bands[name]["groups"] == {"engine latency": pytest.approx(1.0)}, name
        assert bands[name]["low"] < now[name]["value"] < bands[name]["high"], name
    share = bands["serving.kept"]
    assert share["high"] <= 100.0
    first, per, last = (
        bands[name]["high"] / now[name]["value"]
        for name in ("serving.ttft_p99", "serving.tpot_p99", "serving.e2e_p99")
    )
    assert 1.0 < last < max(first, per)  # errors of TTFT and TPOT are apart: both are seldom at their ends


def test_cards_of_what_no_draw_moves_say_so(answer: Any) -> None:
    by_name = {card.name: card for card in cards(answer.found)}
    assert by_name["supply.electricity_cost"].band == "as in all draws"
    assert not any(card.grade for card in by_name.values())
    assert by_name["ledger.annual_cost"].guesses.endswith("%")


def test_scaled_waits_are_those_of_each_request() -> None:
    first, per, more = np.array([0.1, 0.3, np.nan]), np.array([0.02, np.nan, np.nan]), np.array([10, 0, 0])
    last = first + np.where(more > 0, more * np.nan_to_num(per), 0.0)
    one = Waits(
        {"ttft": first, "tpot": per, "e2e": last}, np.ones(3), np.zeros(3, dtype=np.int64),
        {"ttft": 0.2, "tpot": 0.03}, np.array([False, False, True]),
    )  # fmt: skip
    two = one.scaled(ttft=2.5, tpot=1.2)
    assert two.times["e2e"][:2] == pytest.approx([0.25 + 10 * 0.024, 0.75])
    assert [*one.every] == [True, False, False]
    assert [*two.every] == [False, False, False]
    assert [*two.kept["tpot"]] == [True, True, False]
    assert two.quantile("ttft", 0.5) == pytest.approx(2.5 * one.quantile("ttft", 0.5))
