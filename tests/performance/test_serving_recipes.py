"""Limits of engines by accelerator, and published recipes by model, accelerator and concurrency."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from gigawatt.catalog import table
from gigawatt.machine import load_chip
from gigawatt.performance.serving.engines import load_engine
from gigawatt.performance.serving.recipes import engine_on, recipe_for
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


def asked(held: float, **more: object):
    question = {
        "model": "deepseek-v3", "chip": load_chip("B200"), "weights": "fp8_block", "groups": 1.0,
        "prompt": 1024.0,
    }  # fmt: skip
    return recipe_for(load_engine("sglang-2025"), held=held, **(question | more))  # type: ignore[arg-type]


def test_a_recipe_is_chosen_by_model_chip_format_groups_and_concurrency() -> None:
    assert [asked(held).read_interval for held in (4, 15, 16, 512)] == [10, 10, 30, 30]
    assert asked(64, groups=8.0).read_interval == 1
    assert asked(64, chip=load_chip("H200")).read_interval == 1
    assert asked(64, weights="fp4").token_budget == 16384
    assert asked(64, model="llama-3.1-8b").id == ""


def test_whole_prompts_have_room_beside_those_that_decode() -> None:
    found = recipe_for(
        load_engine("trtllm-2025"), model="llama-3.1-70b", chip=load_chip("B200"), weights="fp8", groups=1.0,
        held=128.0, prompt=8192.0,
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
