"""The scorecard of number formats and sparsity: what is in it, what passes, what is known to miss."""

from __future__ import annotations

import math

import pytest

from gigawatt.catalog import table
from gigawatt.validation.published import checks_of
from gigawatt.validation.technologies.formats import MEASURED

CARD = checks_of("technologies", "formats")


def test_every_published_row_that_was_measured_is_there() -> None:
    measured = {
        row.text("substrate") for row in table(MEASURED).values() if row.text("model") == "smollm2-135m"
    }
    shown = {check.what.split(":")[0] for check in CARD if "unrounded" in check.what}
    assert shown == measured & set(table("formats_published"))
    assert len(shown) >= 15
    assert all(math.isfinite(check.ours) for check in CARD)


def test_the_same_rounding_by_torchao_gives_the_same_perplexity() -> None:
    found = [check for check in CARD if "torchao" in check.what]
    assert len(found) >= 3
    assert sum(check.ok for check in found) >= len(found) - 1
    assert all(abs(check.error) <= 0.01 for check in found)


def test_nvfp4_is_better_than_mxfp4() -> None:
    found = [check for check in CARD if "nvfp4 better than" in check.what]
    assert len(found) == 6  # weights, inputs, both; on both models
    assert all(check.ok for check in found)


def test_what_misses_is_known() -> None:
    """Named, so that a new miss is seen, and one that is mended too."""
    assert {check.what for check in CARD if not check.ok} == {
        "2of4-wanda: perplexity over that of the unrounded model",
        "w-int3-g32: perplexity over that of the unrounded model",
        # of thousands on either side, where windows decide
        "a-int4: perplexity over that of the unrounded model",
        "magnitude-50: perplexity over that of the unrounded model",
        "2of4-magnitude: perplexity over that of the unrounded model",
        "teal-40: perplexity over that of the unrounded model",
        "smollm2-135m: w-int4-gptq better than w-int4-g128 (1: it is)",
        "small: int8-smooth better than int8 (1: it is)",  # both within noise of fp32
        "a-nvfp4: perplexity of smollm2-135m, torchao's rounding",  # its least block scale is 2^-6
    }


@pytest.mark.parametrize("row", table(MEASURED).values(), ids=lambda row: row.id)
def test_measured_rows_are_whole(row) -> None:
    assert row.text("substrate") in table("substrates")
    assert row.value("low") <= row.value("base") * row.value("ratio") <= row.value("high")
    assert row.value("perplexity") == pytest.approx(row.value("base") * row.value("ratio"), rel=1e-4)
    assert row.value("windows") >= 12
    assert row.text("date")
