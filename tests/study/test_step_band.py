"""The band of a step: factors of measured runs, and never below the step at the peak of the chip."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.core.result import Result
from gigawatt.studies.run.door import run
from gigawatt.studies.run.far_off import card_bands, step_band
from gigawatt.studies.run.words import sentences


def result(tmp_path: Path, model: str, chip: str, count: int) -> Result:
    file = tmp_path / "run.yaml"
    file.write_text(
        f"year: 2026\nmodel: {model}\ntraining: {{tokens: 1T tokens}}\n"
        f"machine: {{chip: {chip}, count: {count}}}\nsite: texas\nsupply: {{price: 60 $/MWh}}\n"
    )
    return run(file).found


def test_experts_on_a_chip_without_such_runs_end_at_the_peak(tmp_path: Path) -> None:
    """Mixtral 8x7B on H20 in 16 bit: the band alone would let it run at 1.2 times the peak."""
    found = result(tmp_path, "mixtral-8x7b", "H20", 64)
    band = step_band(found)
    assert band is not None
    assert band.outside
    assert band.at_peak
    assert band.factors[0] == pytest.approx(found["training.mfu"])
    assert band.step[0] == pytest.approx(found["training.mfu"] * found["training.step_time"])
    assert card_bands(found)["training.mfu"].endswith("to 100 %")
    assert "(all of the peak FLOP/s)" in " ".join(sentences(found))


def test_a_run_like_measured_ones_has_their_band(tmp_path: Path) -> None:
    found = result(tmp_path, "llama-3.1-8b", "H100", 64)
    band = step_band(found)
    assert band is not None
    assert not band.at_peak
    assert band.factors == (band.band.low, band.band.high)
    assert "peak FLOP/s)" not in " ".join(sentences(found))
