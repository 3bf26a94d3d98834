"""``precision`` and ``sparsity`` in scenarios and plans: formats, savings, measured quality beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.machine import precision as room
from gigawatt.chain.machine.precision import TRAINED, published, served, training_format
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.training.question import read_question
from gigawatt.core.errors import InputError
from gigawatt.machine.load import load_chip
from gigawatt.performance.serving.inference import multiply_format
from gigawatt.technology.measured import Measured
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import SPARSE, WEIGHT_BYTES

MODEL = read_architecture("llama-3.1-8b")
H100, B200, A100 = load_chip("H100"), load_chip("B200"), load_chip("A100")
NOTHING: tuple[str | None, str | None] = (None, None)


def test_a_precision_is_two_stored_formats() -> None:
    assumed = AssumptionList()
    assert served(assumed, "nvfp4", None, NOTHING, B200, MODEL) == ("fp4", "fp8")
    assert served(assumed, "fp4", None, NOTHING, B200, MODEL) == ("fp4", "fp8")  # its alias
    assert served(assumed, "int4", None, NOTHING, H100, MODEL) == ("int4", "bf16")
    assert served(assumed, "fp8", None, ("bf16", "bf16"), H100, MODEL) == (
        "bf16",
        "bf16",
    )  # named ones go first
    assert served(assumed, None, None, NOTHING, H100, MODEL) == NOTHING
    assert served(assumed, None, "none", ("fp8", None), H100, MODEL) == ("fp8", None)


def test_nobody_is_told_of_what_nobody_asked() -> None:
    assumed = AssumptionList()
    served(assumed, None, None, ("fp8", None), H100, MODEL)
    assert assumed.notices == []


def test_a_pattern_stores_half_and_a_mask() -> None:
    assumed = AssumptionList()
    weights, cache = served(assumed, None, "2:4", NOTHING, H100, MODEL)
    assert (weights, cache) == ("bf16_2of4", None)
    assert WEIGHT_BYTES[str(weights)] == 16 / 2 / 8 + 1 / 8
    assert multiply_format(str(weights), H100) == "bf16"
    assert multiply_format(f"fp8{SPARSE}", A100) == "bf16"
    text = " ".join(assumed.notices)
    assert "instead of" in text
    assert "dense rate" in text
    other = AssumptionList()
    served(other, None, "2:4", NOTHING, load_chip("TPU-v5e"), MODEL)
    assert "no units for 2:4" in " ".join(other.notices)


def test_a_cache_that_the_chip_cannot_attend_to_stays_wide() -> None:
    assumed = AssumptionList()
    assert served(assumed, "fp8", None, NOTHING, A100, MODEL) == ("fp8", "bf16")
    assert "stays in bf16" in assumed.notices[0]


@pytest.mark.parametrize(
    ("chip", "precision", "sparsity", "run"),
    [
        (B200, "nvfp4", None, "nvfp4"),
        (H100, "nvfp4", None, "w-nvfp4"),  # multiplied in 16 bits there: the inputs are not rounded
        (H100, "fp8", None, "fp8"),
        (A100, "fp8", None, "w-fp8"),
        (H100, "int4", None, "w-int4-g128"),
        (H100, None, "2:4", "2of4-wanda"),
        (H100, "fp8", "2:4", "2of4-wanda-fp8"),
    ],
)
def test_quality_is_that_of_the_mode_that_is_priced(
    monkeypatch: pytest.MonkeyPatch, chip, precision: str | None, sparsity: str | None, run: str
) -> None:
    def stored(substrate: str) -> Measured | None:
        found = Measured("smollm2-135m", 25.0, 20.0, 1.25, 1.2, 1.3, "measured", {})
        return found if substrate == run else None

    monkeypatch.setattr(room, "measured", stored)
    assumed = AssumptionList()
    served(assumed, precision, sparsity, NOTHING, chip, MODEL)
    (quality,) = [one for one in assumed.notices if "perplexity" in one]
    assert "1.250" in quality
    assert run in quality
    assert "135 million" in quality
    assert "not carried over" in quality


def test_what_nobody_ran_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "measured", lambda substrate: None)
    assumed = AssumptionList()
    served(assumed, "nvfp4", "2:4", NOTHING, B200, MODEL)
    assert any("no stored run" in one for one in assumed.notices)


def test_a_question_takes_both() -> None:
    question = read_serving_question(
        model="llama-3.1-8b",
        chip="H100",
        prompt="512",
        output="64",
        rate="5/s",
        precision="fp8",
        sparsity="2:4",
    )
    assert (question.weights, question.cache) == ("fp8_2of4", "fp8")
    assert any("take" in one for one in question.notices)


def test_training_takes_a_precision_and_no_pattern() -> None:
    question = read_question(model="llama-3.1-8b", chip="H100", precision="fp8")
    assert question.number_format == "fp8"
    assert TRAINED in question.notices
    assert training_format(None, None, "bf16") == "bf16"
    assert training_format("fp8", "none", "fp8") == "fp8"


@pytest.mark.parametrize(
    ("precision", "sparsity", "given", "key"),
    [("fp9", None, None, "precision"), ("int4", None, None, "precision"), ("fp8", None, "bf16", "precision"),
     (None, "2:4", None, "sparsity")],
)  # fmt: skip
def test_what_nobody_trains_in_is_refused(
    precision: str | None, sparsity: str | None, given: str | None, key: str
) -> None:
    with pytest.raises(InputError) as assumed:
        training_format(precision, sparsity, given)
    assert assumed.value.key == key
    assert assumed.value.allowed


@pytest.mark.parametrize(
    ("precision", "sparsity", "stored", "key"),
    [("nvfp", None, NOTHING, "precision"), (None, "4:8", NOTHING, "sparsity"),
     (None, "teal", NOTHING, "sparsity"),
     (None, "2:4", ("fp8_block", None), "sparsity")],
)  # fmt: skip
def test_what_cannot_be_served_is_refused(
    precision: str | None, sparsity: str | None, stored: tuple[str | None, str | None], key: str
) -> None:
    with pytest.raises(InputError) as assumed:
        served(AssumptionList(), precision, sparsity, stored, H100, MODEL)
    assert assumed.value.key == key


def test_a_checkpoint_says_its_formats_where_nobody_else_does() -> None:
    gpt = read_architecture("gpt-oss-120b")
    assumed = AssumptionList()
    assert published(assumed, NOTHING, None, H100, gpt) == ("bf16 experts=mxfp4", None)
    assert [one.key for one in assumed.assumptions] == ["serving.weights"]
    assert multiply_format("bf16 experts=fp8", H100) == "bf16 experts=fp8"
    for given, precision in ((("fp8", None), None), (NOTHING, "fp8")):
        quiet = AssumptionList()
        assert published(quiet, given, precision, H100, gpt) == given
        assert not quiet.assumptions


def test_a_checkpoint_that_is_not_known_is_refused_until_the_weights_are_given(tmp_path: Path) -> None:
    llama = json.loads(catalog.path("models/llama-3.1-8b.json").read_text())
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**llama, "quantization_config": {"quant_method": "spqr"}}))
    with pytest.raises(InputError, match=r"quant_method.*serving\.weights"):
        published(AssumptionList(), NOTHING, None, H100, read_architecture(path))
    assert published(AssumptionList(), ("fp8", None), None, H100, read_architecture(path))[0] == "fp8"


def test_a_chip_without_the_rate_keeps_the_cache_wide_and_says_so(tmp_path: Path) -> None:
    llama = json.loads(catalog.path("models/llama-3.1-8b.json").read_text())
    path = tmp_path / "config.json"
    said = {"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}
    path.write_text(json.dumps({**llama, "quantization_config": said}))
    assumed = AssumptionList()
    assert published(assumed, NOTHING, None, A100, read_architecture(path)) == ("fp8", None)
    assert any("cache stays in bf16" in one for one in assumed.notices)
    assert published(AssumptionList(), NOTHING, None, H100, read_architecture(path)) == ("fp8", "fp8")
