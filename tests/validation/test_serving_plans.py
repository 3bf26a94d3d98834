"""Plans beside deployments that others published; ``published_plans.csv`` names whose, and differences."""

from __future__ import annotations

from functools import cache

import pytest

from gigawatt.validation.serving.plans import PublishedPlan, Recommended, published_plans, recommended

ROWS = published_plans()


@cache
def planned(row: PublishedPlan) -> Recommended:
    return recommended(row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.model}-{row.chip}")
def test_a_plan_is_a_published_layout_or_its_difference_is_explained(row: PublishedPlan) -> None:
    made = planned(row)
    assert (made.layout in row.layouts) == (row.difference == "")
    assert made.held >= 1.0
    assert made.tpot <= 0.05


def test_most_plans_are_published_layouts() -> None:
    """Of vLLM's recipes, SGLang's documentation, NVIDIA Dynamo's recipes, Moonshot AI and InferenceX."""
    assert len(ROWS) == 25
    assert sum(not row.difference for row in ROWS) >= 15
    assert all(row.url.startswith("https://") and row.publisher for row in ROWS if row.layouts)


def test_no_published_layout_serves_more_than_the_plan() -> None:
    """The plan is the cheapest of the search; a published layout of it costs as much or more."""
    for row in ROWS:
        made = planned(row)
        if made.published_rate is not None and made.layout not in row.layouts:
            assert made.published_rate <= made.rate * 1.02, row


def test_what_experts_know_of_sizes_holds() -> None:
    """DeepSeek-V3 needs 16 H100 or 8 H200 (SGLang's table), Kimi-K2 at least 16 (Moonshot); gpt-oss-120b fits
    one B200 (vLLM's recipe)."""
    by = {(row.model, row.chip): planned(row) for row in ROWS}
    assert by["deepseek-v3", "H100"].chips == 16
    assert by["deepseek-v3", "H200"].chips == 8
    assert by["kimi-k2", "H100"].chips >= 16
    for chip in ("B200", "GB200", "MI355X"):
        assert by["gpt-oss-120b", chip].layout == "TP1"
