"""Rows over a prefill and a decode pool run as the published deployment for their load."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from gigawatt.performance.serving.engines import load_engine
from gigawatt.studies.serving.door import plan_serving
from gigawatt.studies.serving.simulate_door import simulate_serving
from gigawatt.validation.files import Refusal
from gigawatt.validation.serving.card import validate_serving
from gigawatt.validation.serving.closed_loop import WAVES
from gigawatt.validation.serving.pools import pools_as_run
from gigawatt.validation.serving.predict import predict_serving
from gigawatt.validation.serving.rows import ServingCase, case_of

ROW = {
    "line": "2", "source": "a benchmark", "accelerator": "B200", "model": "deepseek-ai/DeepSeek-R1",
    "framework": "trtllm", "weight_prec": "fp8", "mode": "disagg", "regime": "closed-loop fixed concurrency",
    "isl": "1024", "osl": "1024", "concurrency": "32", "TTFT_ms": "300", "TPOT_ms": "15",
}  # fmt: skip
RANKS = "prefill: tp8 pp1 dp1 mtp1 ep8 workersNone bsNone; decode: tp8 pp1 dp1 mtp1 ep8 workersNone bsNone"
WORKERS = "prefill: tp1 pp1 dp8 mtp1 ep8 workers1 bs1; decode: tp8 pp1 dp1 mtp8 ep1 workers3 bs11"


def as_run(detail: str, **more: str) -> ServingCase:
    return case_of(ROW | {"parallel_detail": detail} | more)


def test_a_row_of_ranks_alone_runs_as_published() -> None:
    """InferenceX, dsr1-fp8-b200-dynamo-trt, 1k/1k, concurrency 32: prefill DP8 EP8, three decode TP8."""
    ranks, counted = as_run(RANKS), as_run(WORKERS, n_accel="32")
    pools, guesses = pools_as_run(ranks, load_engine(ranks.engine))
    assert counted.pools is not None
    assert (pools.prefill, pools.decode, guesses) == (counted.pools.prefill, counted.pools.decode, 0.0)
    assert predict_serving([ranks]) == predict_serving([counted])


def test_drafts_of_a_deployment_quicken_its_tokens() -> None:
    """The same configuration drafts three tokens at concurrency 8, on eight decode workers."""
    few = as_run(RANKS, concurrency="8")
    pools, guesses = pools_as_run(few, load_engine(few.engine))
    assert (pools.decode.copies, guesses) == (8.0, 3.0)
    label = WORKERS.replace("workers3 bs11", "workers8 bs1")
    (drafted,), (plain,) = (predict_serving([one]) for one in (few, as_run(label, concurrency="8")))
    assert 0.3 < drafted["tpot"] / plain["tpot"] < 0.7


@pytest.mark.parametrize("concurrency", [8, 512])
def test_a_user_is_given_the_pools_that_rows_are_judged_with(concurrency: int) -> None:
    """``simulate-serving --prefill published`` and the scorecard: same pools, drafts and settings."""
    (judged,) = predict_serving([as_run(RANKS, concurrency=str(concurrency))])
    lengths = "uniform(1024, 0.8, convention=inferencex)"
    answer = simulate_serving(
        model="deepseek-v3", chip="B200", engine="trtllm-2025", recipe="published", prompt=lengths,
        output=lengths, concurrency=concurrency, requests=WAVES * concurrency, prefix_caching=False,
        prefill="published", whole=True,
    ).data  # fmt: skip
    assert answer["tpot_s"]["mean"] == pytest.approx(judged["tpot"], rel=0.01)
    (deployment,) = (one for one in answer["assumptions"] if one["key"] == "serving.prefill")
    assert deployment["source"] == "inferencex-scripts"


def test_a_plan_of_two_pools_names_what_is_published() -> None:
    words: dict[str, Any] = {
        "model": "deepseek-v3", "chip": "GB200", "engine": "trtllm-2025", "weights": "fp4", "prompt": "8192",
        "output": "1024", "chips": 48, "finalists": 0,
    }  # fmt: skip
    (said,) = (one for one in plan_serving(**words, mode="disaggregated").data["notices"] if "publish" in one)
    assert "trtllm-deepseek-gb200-fp4-8k1k" in said
    assert not any("publish" in one for one in plan_serving(**words).data["notices"])


def test_what_is_not_published_is_balanced_where_heads_divide() -> None:
    other = as_run(RANKS, model="Qwen/Qwen3-235B-A22B")
    pools, guesses = pools_as_run(other, load_engine(other.engine))
    assert (pools.decode.tensor, guesses) == (8.0, 0.0)
    odd = as_run(RANKS.replace("tp8", "tp12").replace("ep8", "ep1"), model="Qwen/Qwen3-235B-A22B")
    with pytest.raises(Refusal, match="heads of"):
        predict_serving([odd])


def test_ranks_that_do_not_hold_the_model_say_nothing() -> None:
    """InferenceX's first GB200 configurations write tp 1 and set the ranks in scripts: DEP4, two DEP4."""
    one = RANKS.replace("tp8", "tp1").replace("ep8", "ep1")
    case = as_run(one, accelerator="GB200", framework="sglang", weight_prec="fp4", concurrency="64")
    pools, _ = pools_as_run(case, load_engine(case.engine))
    assert min(pools.prefill.chips, pools.decode.chips) >= 4.0


def test_a_row_that_is_refused_late_is_counted_by_its_reason(tmp_path: Path) -> None:
    """Heads must divide where no deployment is published, which is known when a row is predicted."""
    odd = RANKS.replace("tp8", "tp12").replace("ep8", "ep1")
    rows = [ROW | {"parallel_detail": label, "model": "Qwen/Qwen3-235B-A22B"} for label in (RANKS, odd)]
    file = tmp_path / "rows.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [name for name in ROW if name != "line"] + ["parallel_detail"])
        writer.writeheader()
        writer.writerows({name: row[name] for name in writer.fieldnames} for row in rows)
    card = validate_serving(file)
    assert card.predicted == 1
    assert card.refused["degrees that do not divide"] == 1
