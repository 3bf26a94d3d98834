"""Why layouts and replicas were left out, beside an evaluation of all layouts in full by the test itself."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import gigawatt
from gigawatt.chain.serving.replica_reasons import replica_reasons, replica_verdict
from gigawatt.chain.training.layout_reasons import INDIVISIBLE, LayoutQuestion, LayoutReasons, row_words
from gigawatt.chain.training.layout_space import scenario_layout_space
from gigawatt.core.errors import InputError
from gigawatt.performance import StepTable, evaluate
from gigawatt.schema.changed import scenario_of as of_values
from gigawatt.schema.scenario import read_scenario
from gigawatt.schema.stored import stored_scenario as scenario_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "gpt3-175b-a100.yaml"


@cache
def question() -> LayoutQuestion:
    return LayoutQuestion.of(read_scenario(EXAMPLE))


@cache
def reasons() -> LayoutReasons:
    return question().reasons()


@cache
def everything() -> StepTable:
    """Every layout of the scenario, all in full."""
    asked = question()
    return evaluate(asked.run, asked.layouts(asked.fixed), asked.cluster, asked.stack)


def test_what_is_left_out_adds_up() -> None:
    found, table, asked = reasons(), everything(), question()
    assert found.search.looked_at == len(table)
    assert found.search.fit == int(table.fits.sum())
    assert sum(found.too_large.values()) == len(table) - int(table.fits.sum())
    names = list(table.memory)
    parts = np.stack([np.broadcast_to(table.memory[name], len(table)) for name in names])
    largest = np.argmax(parts, axis=0)[~table.fits]
    assert found.too_large == {name: n for i, name in enumerate(names) if (n := int(np.sum(largest == i)))}
    lacking = float(table.memory_total[~table.fits].min()) - asked.cluster.chip.memory_bytes
    assert found.lacking == pytest.approx(lacking, rel=1e-9)
    assert set(found.indivisible) <= set(INDIVISIBLE)
    assert found.indivisible["interleave"] > 0


def test_where_nothing_offered_fits_what_was_looked_at_is_counted() -> None:
    """530 billion parameters at 8,192 tokens on A100-40GB in 2022: the stack's layouts are all too large."""
    values = {
        "year": 2022, "model": "gpt-530b", "training.tokens": "5T tokens", "training.sequence": "8192 tokens",
        "training.global_batch": "7680 sequences", "machine.chip": "A100-SXM4-40GB", "machine.count": 8192,
        "site.name": "virginia", "supply.price": "60 $/MWh",
    }  # fmt: skip
    loaded = of_values(values, Path("question"))
    found, space = LayoutQuestion.of(loaded).reasons(), scenario_layout_space(loaded, most=200)
    assert found.search.beyond
    assert found.search.looked_at == found.search.fit + sum(found.too_large.values())
    assert np.count_nonzero(space.frame["fits"]) > 1


def test_a_layout_that_the_software_lacks_says_so() -> None:
    verdict = question().verdict({"sequence_parallel": 1, "tensor": 8})
    assert verdict.outside == "megatron-core 2021 offers sequence parallel no only"


def test_the_enumeration_counts_what_it_drops() -> None:
    """Of one accelerator's degrees counted by hand: 1,024 accelerators, tensor 8, 96 layers, batch 1,536."""
    refused: dict[str, int] = {}
    question().layouts(question().fixed, refused)
    stages = [p for p in range(1, 97) if 128 % p == 0]
    assert refused["interleave"] == sum(
        1
        for p in stages
        for v in range(1, 97)
        if p * v > 98 or (v > 1 and (p == 1 or not {96 % (p * v), 97 % (p * v), 98 % (p * v)} & {0}))
    )


def test_the_best_lose_to_the_first_where_they_say() -> None:
    found = reasons()
    best = found.search.best
    for row, loss in enumerate(found.losses, 1):
        assert best.step_time[row] == pytest.approx(best.step_time[0] * (1.0 + loss.share), rel=1e-12)
        more = {name: float(part[row] - part[0]) for name, part in best.parts.items()}
        assert more[loss.part] == max(more.values()) == loss.seconds
        assert sum(more.values()) == pytest.approx(best.step_time[row] - best.step_time[0], abs=1e-9)


def test_a_slower_layout_says_in_which_part() -> None:
    table, best = everything(), reasons().search.best
    verdict = question().verdict({"pipeline": 16})
    assert verdict.outcome == "slower"
    assert verdict.step is not None
    assert verdict.loss is not None
    mine = table.fits & (table.layouts.pipeline == 16)
    assert verdict.fit == int(mine.sum())
    assert float(verdict.step.step_time[0]) == pytest.approx(float(table.step_time[mine].min()), rel=1e-9)
    assert verdict.loss.share == pytest.approx(table.step_time[mine].min() / best.step_time[0] - 1.0)
    assert "slower by" in verdict.sentence
    assert verdict.loss.part.replace("_", " ") in verdict.sentence


def test_a_layout_that_does_not_fit_says_what_it_lacks() -> None:
    table = everything()
    verdict = question().verdict({"pipeline": 1, "zero": 0})
    mine = (table.layouts.pipeline == 1) & (table.layouts.zero == 0)
    assert not table.fits[mine].any()
    lacking = float(table.memory_total[mine].min()) - question().cluster.chip.memory_bytes
    assert verdict.outcome == "does not fit"
    assert verdict.lacking == pytest.approx(lacking, rel=1e-9)
    data = verdict.to_json()
    assert sum(data["memory"].values()) == pytest.approx(data["capacity"] + data["lacking_bytes"])
    assert f"lacks {lacking / 1e9:.4g} GB" in verdict.sentence


def test_what_does_not_divide_says_which_number() -> None:
    verdict = question().verdict({"pipeline": 3})
    assert (verdict.outcome, verdict.step) == ("does not divide", None)
    assert "3 does not divide the accelerators (1024)" in verdict.sentence
    assert question().verdict({"pipeline": 128}).outcome == "does not divide"


def test_the_best_is_the_best_and_what_is_outside_says_so() -> None:
    best = reasons().search.best.layouts
    columns = {name: int(getattr(best, name)[0]) for name in ("pipeline", "interleave", "data", "zero")}
    verdict = question().verdict(columns)
    assert (verdict.outcome, verdict.outside) == ("best", "")
    wide = question().verdict({"tensor": 16})
    assert wide.outside == "the search covers tensor 8 only"
    assert wide.outcome in ("slower", "quicker", "does not fit")
    words = row_words({"tensor": 8, "pipeline": 1, "recompute": 2, "sequence_parallel": 1})
    assert words == "tensor 8, recompute full, sequence parallel yes"


def test_bad_columns_are_refused() -> None:
    for columns in ({"tensr": 8}, {"zero": 7}, {"tensor": 0}):
        with pytest.raises(InputError):
            question().verdict(columns)


def test_a_result_holds_its_scenario() -> None:
    result = gigawatt.load(EXAMPLE).run()
    loaded = scenario_of(result)
    assert loaded.scenario == read_scenario(EXAMPLE).scenario
    found = LayoutQuestion.of(loaded).reasons()
    assert float(found.search.best.step_time[0]) == result["training.step_time"]


def test_a_replica_is_refused_or_costs_more_for_a_reason() -> None:
    loaded = read_scenario(EXAMPLE.with_name("serve-llama-70b-virginia.yaml"))
    found = replica_reasons(loaded).to_json()
    costs = [one["cost"] for one in found["best"] if one["tried"] == "closed form"]
    assert costs == sorted(costs)
    assert found["fit"] <= found["looked_at"]
    slow = replica_verdict(loaded, {"tensor": 1, "pipeline": 1})
    assert slow.outcome == "refused"
    assert re.search(r"ttft \d+ ms.*times what is allowed", slow.sentence)
    assert replica_verdict(loaded, {"tensor": 3}).outcome == "does not divide"
    with pytest.raises(InputError, match="no such degree"):
        replica_verdict(loaded, {"tensr": 3})
    eight = replica_verdict(loaded, {"tensor": 8}).to_json()
    assert eight["outcome"] == "costlier"
    assert eight["configuration"]["cost"] == pytest.approx(eight["best"]["cost"] * (1.0 + eight["costlier"]))
    assert eight["best"]["cost"] == pytest.approx(found["best"][0]["cost"], rel=1e-12)
