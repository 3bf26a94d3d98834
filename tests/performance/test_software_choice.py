"""The software of a run that names none: the likeliest, of a mixture of experts the quickest of the usual."""

from __future__ import annotations

import pytest

from gigawatt import plan_training
from gigawatt.core.errors import InputError
from gigawatt.machine import build_cluster, load_chip
from gigawatt.performance import Software, TrainingRun, load_software, search, usual_software
from gigawatt.performance.software_choice import SCALES
from gigawatt.workload import read_architecture

_ASKED = [
    ("mixtral-8x7b", "A100-SXM4-80GB", 2024, "bf16"),
    ("deepseek-v3", "H100-SXM5-80GB", 2025, "bf16"),
    ("qwen3-235b-a22b", "H100-SXM5-80GB", 2025, "bf16"),
    ("qwen3-235b-a22b", "GB200", 2026, "fp8"),
    ("deepseek-v2-lite", "MI355X", 2025, "fp8"),
]


def _chosen(model: str, chip: str, year: int, number_format: str, **more: object) -> Software:
    architecture = read_architecture(model)
    given = {"year": year, "number_format": number_format} | more
    return usual_software(architecture, load_chip(chip), **given)  # type: ignore[arg-type]


def _step_time(one: Software, model: str, chip: str, number_format: str, count: int) -> float:
    stack = one.stack()
    run = TrainingRun(
        architecture=read_architecture(model), tokens=4096.0 * count, sequence=4096, global_batch=count,
        number_format=number_format, optimizer=stack.optimizer,
    )  # fmt: skip
    return float(search(run, build_cluster(chip=chip, count=count)[0], stack).best.step_time[0])


@pytest.mark.parametrize(("model", "chip", "year", "number_format"), _ASKED)
def test_no_usual_framework_is_quicker(model: str, chip: str, year: int, number_format: str) -> None:
    chosen = _chosen(model, chip, year, number_format)
    usual = load_software(chip=load_chip(chip), year=year, model=model, number_format=number_format)
    assert {one.framework for one, _ in chosen.others} | {chosen.framework} == (
        {one.framework for one, _ in usual.others} | {usual.framework}
    )
    assert sum(share for _, share in chosen.others) < 1.0
    count = SCALES[0]
    own = _step_time(chosen, model, chip, number_format, count)
    for other, _ in chosen.others:
        assert own <= _step_time(other, model, chip, number_format, count), other.label


def test_naming_another_usual_framework_is_not_quicker_on_the_machine_that_is_compared() -> None:
    """As of every pin: what is found without it is never beaten with it."""
    asked = {"model": "deepseek-v3", "chip": "H100", "count": SCALES[0], "year": 2025, "tokens": "1T",
             "batch": SCALES[0], "sequence": 4096}  # fmt: skip
    free = plan_training(**asked)
    software = free["software"]
    for framework in ("megatron-core", "megatron-bridge", "torchtitan"):
        pinned = plan_training(**asked, framework=framework)
        assert free["step_time_s"] <= pinned["step_time_s"] * (1 + 1e-9), (software, framework)


def test_few_accelerators_have_the_software_of_many() -> None:
    asked = {"model": "mixtral-8x7b", "chip": "A100", "year": 2024, "tokens": "1T"}
    words = {plan_training(**asked, count=count)["software"] for count in (16, 64, 4096)}
    assert len(words) == 1


def test_what_is_dense_or_cannot_be_compared_has_the_likeliest() -> None:
    for model, chip, year in (
        ("llama-3.1-70b", "A100-SXM4-80GB", 2023),
        ("llama-3.1-8b", "TPU-v5p", 2024),
        ("deepseek-v3", "TPU-v5p", 2024),  # of which one framework is known
        ("deepseek-v3", "V100-SXM2-32GB", 2020),  # which has no bf16
    ):
        likeliest = load_software(chip=load_chip(chip), year=year, model=model, number_format="bf16")
        assert _chosen(model, chip, year, "bf16") == likeliest


def test_what_is_stated_narrows_what_is_compared() -> None:
    held = _chosen("mixtral-8x7b", "A100-SXM4-80GB", 2023, "bf16", layout={"zero": 3})
    assert {held.framework} | {one.framework for one, _ in held.others} == {"fsdp", "deepspeed"}
    flagged = _chosen("mixtral-8x7b", "H100-SXM5-80GB", 2024, "bf16", flags={"attention": "flash-3"})
    assert flagged.settings["attention"] == "flash-3"
    with pytest.raises(InputError, match="a version of which framework"):
        _chosen("mixtral-8x7b", "A100-SXM4-80GB", 2023, "bf16", version="0.12")
