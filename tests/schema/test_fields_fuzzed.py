"""Questions and configurations with values that people mistype: an answer, or one line of error."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz_questions import bad_configurations, bad_questions, configurations
from sampled import sampled

SHIPPED = Path(__file__).parents[2] / "src/gigawatt/catalog/data/models"


@pytest.mark.parametrize("seed", sampled(range(8), 2))
def test_questions_with_odd_values_end_in_an_answer_or_in_one_line(seed: int) -> None:
    assert list(bad_questions(seed, 100)) == []


@pytest.mark.parametrize("seed", range(4))
def test_spoilt_configurations_end_in_an_architecture_or_in_one_line(seed: int, tmp_path: Path) -> None:
    known = [one for one in configurations(SHIPPED) if "model_type" in one]
    assert len(known) > 20
    assert list(bad_configurations(seed, 100, known, tmp_path)) == []
