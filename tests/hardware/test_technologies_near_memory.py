"""NorthPole: cards, stages and joules, held to what IBM published; the wide range of its constant power."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gigawatt import catalog
from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.technology.near_memory.cards import (
    area,
    constant_power,
    cost,
    multiply_add,
    pipeline,
    time,
)
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.workload import read_architecture

NORTHPOLE = Substrate(
    "northpole",
    "NorthPole",
    "near_memory",
    {"machine": "northpole", "weights": "int4", "activations": "int8", "cache": "int8"},
)
THREE = read_architecture(catalog.path("technologies/northpole-3b.json"))
EIGHT = read_architecture(catalog.path("technologies/granite-3.3-8b.json"))


def test_a_token_of_the_3b_model_takes_what_was_published() -> None:
    # Appuswamy et al., HPEC 2024: 28,356 tokens/s at 672 W of 16 cards.
    made = token_cost(NORTHPOLE, THREE, batch=28.0, context=1024.0)
    assert made.joules("chip") == pytest.approx(672.0 / 28356.0, rel=0.15)
    assert made.chips == 16.0
    assert made.joules("system") > made.joules("chip")


def test_cards_and_latency_of_a_rack() -> None:
    # DeBole et al. 2025, arXiv:2511.15950: three instances of the 8B model in 288 cards, 2.8 ms a token.
    laid = pipeline(NORTHPOLE, EIGHT, batch=28.0, context=2048.0)
    assert 288 // laid.cards == 3
    assert laid.latency == pytest.approx(2.8e-3, rel=0.15)
    assert laid.rate == pytest.approx(28.0 / laid.latency, rel=1e-12)  # fewer sequences than stages


def test_a_full_pipeline_gives_a_token_every_stage() -> None:
    laid = pipeline(NORTHPOLE, THREE, batch=28.0)
    assert laid.rate == pytest.approx(1.0 / laid.stage, rel=1e-12)
    few = pipeline(NORTHPOLE, THREE, batch=4.0)
    assert few.rate == pytest.approx(4.0 / (few.stages * few.stage), rel=1e-12)
    assert few.latency < laid.latency


def test_the_constant_power_is_known_only_within_bounds() -> None:
    row = entity("near_memory", "northpole")
    power = row.value("reference_rate") / row.value("reference_efficiency")
    least, middle, most = (constant_power(NORTHPOLE, traffic=share) for share in (1.0, None, 0.0))
    assert 0.0 < least < middle < most < power
    taken = row.value("reference_rate") * row.value("reference_macs") * (
        row.value("multiply") + row.value("add")
    )  # fmt: skip
    assert most + taken == pytest.approx(power, rel=1e-12)
    assert most - least == pytest.approx(row.value("bandwidth") * row.value("memory_byte"), rel=1e-9)


def test_parts_of_a_token_add_up() -> None:
    made = token_cost(NORTHPOLE, THREE, batch=28.0, context=1024.0)
    laid = pipeline(NORTHPOLE, THREE, batch=28.0, context=1024.0)
    assert sum(made.energy.values()) == pytest.approx(made.joules("system"), rel=1e-12)
    assert made.energy["idle"] == pytest.approx(16 * constant_power(NORTHPOLE) / laid.rate, rel=1e-12)
    assert sum(made.time.values()) == pytest.approx(1.0 / laid.rate, rel=1e-12)


def test_products_and_reads_of_one_matrix() -> None:
    row = entity("near_memory", "northpole")
    made = cost(NORTHPOLE, m=3.0, n=100.0, k=200.0, statistics={})
    assert float(made["arithmetic"]) == pytest.approx(6e4 * multiply_add(NORTHPOLE), rel=1e-12)
    assert float(made["sram"]) == pytest.approx(6e4 * 0.5 * row.value("memory_byte"), rel=1e-12)
    more = cost(NORTHPOLE, m=3.0, n=100.0, k=200.0, statistics={"weight_bits": 8.0})
    assert float(more["sram"]) == pytest.approx(2.0 * float(made["sram"]), rel=1e-12)
    eight = replace(NORTHPOLE, settings={**NORTHPOLE.settings, "weights": "int8"})
    assert multiply_add(eight) == pytest.approx(row.value("multiply") + row.value("add"), rel=1e-12)
    assert float(time(eight, m=1.0, n=64.0, k=64.0, statistics={})) > float(
        time(NORTHPOLE, m=1.0, n=64.0, k=64.0, statistics={})
    )
    assert area(NORTHPOLE) == pytest.approx(8e-4)


def test_bad_input_is_told() -> None:
    with pytest.raises(InputError) as batch:
        pipeline(NORTHPOLE, THREE, batch=0.0)
    assert batch.value.key == "batch"
    with pytest.raises(InputError) as experts:
        pipeline(NORTHPOLE, read_architecture("mixtral-8x7b"))
    assert experts.value.key == "model"
    with pytest.raises(InputError) as form:
        pipeline(replace(NORTHPOLE, settings={"weights": "bf16"}), THREE)
    assert form.value.key == "weights"
    with pytest.raises(InputError) as share:
        constant_power(NORTHPOLE, traffic=1.5)
    assert share.value.key == "traffic"
    with pytest.raises(InputError):
        pipeline(NORTHPOLE, THREE, batch=1e6, context=1e5)
