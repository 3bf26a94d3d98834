"""Limits of engines by accelerator, and published recipes by model, accelerator and concurrency."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from gigawatt.catalog import table
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.core.errors import InputError
from gigawatt.machine import load_chip
from gigawatt.performance.serving.engines import load_engine
from gigawatt.performance.serving.recipes import Recipe, engine_on, recipe_for
from gigawatt.workload import list_models


@pytest.mark.parametrize(
    ("engine", "chip", "budget", "sequences"),
    [
        ("vllm-2025", "H100-SXM5-80GB", 8192, 1024), ("vllm-2025", "A100-SXM4-80GB", 2048, 256),
        ("vllm-2025", "L40S", 2048, 256), ("sglang-2025", "L40S", 4096, 2048),
        ("sglang-2025", "B200-SXM-180GB", 16384, 2048), ("trtllm-2025", "H200-SXM-141GB", 8192, 2048),
    ],
)  # fmt: skip
def test_limits_are_those_of_the_accelerator(engine: str, chip: str, budget: int, sequences: int) -> None:
    found = engine_on(load_engine(engine), load_chip(chip))
    assert (found.token_budget, found.max_sequences) == (budget, sequences)


def test_an_engine_without_limits_keeps_its_own() -> None:
    engine = load_engine("llama-cpp-2024")
    assert engine_on(engine, load_chip("H100")) == engine


def asked(held: float, **more: Any) -> Recipe:
    words = {
        "model": "deepseek-v3", "chip": load_chip("B200"), "weights": "fp8_block", "groups": 1.0,
        "prompt": 1024.0, "output": 1024.0, "tensor": 8.0,
    }  # fmt: skip
    return recipe_for(load_engine("sglang-2025"), held=held, **(words | more))


def test_a_recipe_is_chosen_by_model_chip_format_groups_and_concurrency() -> None:
    assert [asked(held).read_interval for held in (4, 15, 16, 512)] == [10, 10, 30, 30]
    assert asked(64, groups=8.0).read_interval == 1
    assert asked(64, chip=load_chip("H200")).read_interval == 1
    assert asked(64, weights="fp4").token_budget == 16384
    assert asked(64, model="llama-3.1-8b").id == ""


def test_whole_prompts_have_room_beside_those_that_decode() -> None:
    found = recipe_for(
        load_engine("trtllm-2025"), model="llama-3.1-405b", chip=load_chip("B200"), weights="fp8", groups=1.0,
        held=128.0, prompt=8192.0, output=1024.0, tensor=8.0,
    )  # fmt: skip
    assert 8192 + 128 <= found.token_budget < 8192 + 128 + 192


def test_rows_name_what_there_is() -> None:
    for row in table("engines_recipes").values():
        assert row.text("model") in ("", *list_models())
        assert load_engine(row.text("engine"))
        assert row.text("groups") in ("one", "several", "any")
    for engine in {row.text("engine") for row in table("engines_limits").values()}:
        small = replace(load_chip("L4"), memory_bytes=1e9)
        budgets = [
            engine_on(load_engine(engine), replace(small, memory_bytes=size * 1e9)).token_budget
            for size in (8, 24, 48, 80, 141, 192, 288)
        ]
        assert all(a <= b for a, b in pairwise(budgets))


def question(**words: Any) -> ServingQuestion:
    return read_serving_question(
        model="deepseek-v3", chip="B200", engine="sglang-2025", prompt="1024", output="1024", **words
    )


def test_prompts_gather_where_the_published_script_says() -> None:
    """InferenceX, 70b_fp8_b200_trt_slurm.sh: batch_wait for 1k/1k on fewer than eight accelerators."""

    def of(**more: Any) -> tuple[int, float]:
        words = {
            "model": "llama-3.1-70b", "chip": load_chip("B200"), "weights": "fp8", "groups": 1.0,
            "held": 16.0, "prompt": 1024.0, "output": 1024.0, "tensor": 4.0,
        }  # fmt: skip
        found = recipe_for(load_engine("trtllm-2025"), **(words | more))
        return found.read_interval, found.batch_wait

    assert of() == (20, 0.9)
    assert of(tensor=8.0) == of(output=8192.0) == of(prompt=8192.0) == (1, 0.0)


def test_a_scenario_is_set_as_its_recipe_says() -> None:
    """Defaults of the engine on the accelerator, published flags by concurrency, or those of a named row."""
    usual, published = question(), question(recipe="published")
    assert (usual.settings(1.0).token_budget, usual.settings(1.0).read_interval) == (16384, 1)
    said = published.settings_of([1.0, 1.0, 8.0], [8.0, 8.0, 1.0], [4.0, 64.0, 64.0])
    budget, sequences, interval, balance = said
    assert budget.tolist() == [32768, 32768, 32768]
    assert interval.tolist() == [10, 30, 1]
    assert not balance.any()
    assert sequences.tolist() == [2048] * 3
    named = question(recipe="sglang-deepseek-h200")
    assert (named.settings(1.0).max_sequences, named.settings(1.0).read_interval) == (512, 1)
    assert (usual.cache, published.cache, named.cache) == ("bf16", "fp8", "bf16")


def test_what_is_given_goes_before_the_recipe_and_what_is_not_is_listed() -> None:
    asked_ = question(recipe="published", token_budget=4096)
    assert asked_.settings(1.0).token_budget == 4096
    listed = {one.key: one for one in question().assumptions}
    assert listed["serving.recipe"].value == "engine"
    assert listed["serving.token_budget"].value == "16384"
    assert "sglang-2025-160" in listed["serving.token_budget"].reason
    assert "serving.token_budget" not in {one.key for one in asked_.assumptions}


def test_a_recipe_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        question(recipe="sglang-deepsek-h200")
    assert caught.value.nearest == "sglang-deepseek-h200"
    with pytest.raises(InputError, match="a recipe of vllm-2025"):
        question(recipe="vllm-gpt-oss")
