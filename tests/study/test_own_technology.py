"""Which substrate a scenario computes on: its format, its precision, its machine."""

from __future__ import annotations

import pytest

from gigawatt.chain.machine.precision import TRAINED, run_of
from gigawatt.chain.machine.technologies import compare
from gigawatt.faces.web.starts import start_of
from gigawatt.machine import load_chip
from gigawatt.schema.changed import scenario_with
from gigawatt.studies.technologies.own import own_technology
from gigawatt.technology.digital import formats as digital


def of(start: str, **changes: str | None):
    loaded = start_of(start).loaded
    return own_technology(scenario_with(loaded, {k.replace("__", "."): v for k, v in changes.items()}))


@pytest.mark.parametrize(
    ("weights", "chip", "run"),
    [
        ("bf16", "H100", "bf16"),
        ("fp8", "H100", "fp8"),
        ("fp8", "A100-SXM4-80GB", "w-fp8"),  # no FP8 rate: widened before they are multiplied
        ("fp4", "H100", "w-nvfp4"),
        ("fp4", "B200", "nvfp4"),
        ("int4", "B200", "w-int4-g128"),
        ("int8", "H100", ""),
    ],
)
def test_a_stored_format_on_a_chip_has_the_run_that_multiplies_so(weights: str, chip: str, run: str) -> None:
    assert run_of(weights, load_chip(chip)) == run


def test_training_takes_the_format_of_its_multiplications() -> None:
    own = of("gpt3-175b-a100")
    assert (own.substrate, own.format, own.notes) == ("fp16", "fp16", (TRAINED,))
    assert of("llama-3.1-405b-texas", training__number_format="fp8").substrate == "fp8"
    assert of("llama-3.1-405b-texas", training__number_format="fp32").substrate == ""


def test_a_cache_in_another_format_is_said() -> None:
    own = of("serve-llama-70b-virginia", serving__weights="fp8", serving__cache="bf16")
    assert own.substrate == "fp8"
    assert own.notes == ("fp8 keeps keys and values in fp8, the scenario in bf16",)
    assert of("serve-llama-70b-virginia", serving__weights="fp8", serving__cache="fp8").notes == ()


def test_a_machine_of_several_substrates_is_one_itself() -> None:
    own = of("serve-llama-70b-mixed-2035")
    assert (own.substrate, own.chip) == ("mixed-2035", digital.CHIP)


def test_a_chip_that_no_token_is_priced_on_gives_way_to_the_usual_one() -> None:
    own = of(
        "llama-3.1-405b-texas", machine__chip="TPU-8t", training__number_format=None, software__framework=None
    )
    assert own.chip == digital.CHIP
    assert own.notes[0].startswith("TPU-8t has no bf16 rate")


@pytest.mark.parametrize("chip", ["TPU-8t", "Groq-LPU-v1", "Apple-M4-Max"])
def test_a_chip_without_such_a_rate_refuses_in_a_line(chip: str) -> None:
    found = compare(model="llama-3.1-8b", chip=chip)
    assert dict(found.refused)["bf16"].partition("\n")[2] == ""
    assert f"{chip} has no bf16 rate" in dict(found.refused)["bf16"]
