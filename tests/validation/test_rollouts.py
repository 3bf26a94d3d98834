"""Published runs of reinforcement learning beside predictions: the docs' table, whose figures they are."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from gigawatt import catalog
from gigawatt.chain.asking import Asker
from gigawatt.core.quantities import factor
from gigawatt.faces.figures.readable import significant
from gigawatt.schema.changed import scenario_of
from gigawatt.validation.training.rollouts import JudgedRollouts, judged_rollouts, scenario_words

PAGE = Path(__file__).parents[2] / "docs" / "post-training.md"
WHOSE = {
    "deepseek-r1-nature": "Guo et al. 2025, Nature 645, 633: 198 hours of 64 nodes of 8 H800 for R1-Zero",
    "verl-docs": "verl community 2025, docs/perf/dpsk.md and docs/advance/fully_async.md",
    "areal-v0.2": "Ant Research RL Lab 2025, examples/README.md of AReaL v0.2",
    "areal-v0.3": "Ant Research RL Lab 2025, table 2 of the blog on AReaL v0.3",
    "deepscaler": "Luo et al. 2025: 3,800 A100-hours of DeepScaleR-1.5B",
}


@cache
def judged() -> dict[str, JudgedRollouts]:
    return {one.id: one for one in judged_rollouts()}


def test_every_figure_says_whose_it_is() -> None:
    assert {one.source for one in judged().values()} == set(WHOSE)
    for row in catalog.table("rl_published").values():
        scenario_of(scenario_words(row), Path("row"))


@pytest.mark.parametrize("row", catalog.table("rl_published"))
def test_the_page_has_every_row_good_or_bad(row: str) -> None:
    found = judged().get(row)
    if found is None:
        return  # a further stage of the row before it
    line = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {found.name} |"))
    _, _, published, predicted, ratio, whose, _ = (cell.strip() for cell in line.split("|"))
    assert published == f"{significant(found.published)} {found.unit}".strip()
    assert predicted == f"{significant(found.predicted)} {found.unit}".strip()
    assert ratio == f"{found.ratio:.2f}"
    assert whose == f"`{found.source}`"


def test_the_answer_says_how_short_predictions_are() -> None:
    """The row that the answer quotes is that of the table: medians of the sources, of whole steps."""
    by_source: dict[str, list[float]] = {}
    for one in judged().values():
        if one.quantity.startswith("training."):
            by_source.setdefault(one.source.partition("-v0")[0], []).append(1.0 / one.ratio)
    middles = [median(values) for values in by_source.values()]
    ends = [1.0 / one.ratio for one in judged().values() if one.quantity.startswith("training.")]
    row = catalog.entity("uncertainty", "rollouts").evidence("published_over_predicted")
    assert len(by_source) == 4
    assert row.value == pytest.approx(median(middles), abs=0.05)
    assert row.low == pytest.approx(min(ends), abs=0.05)
    assert row.high == pytest.approx(max(ends), abs=0.05)


def stretched(lengths: str, times: float) -> str:
    """A lognormal of as many times the length, at the same maximum."""
    return re.sub(r"(median|p90)=(\d+)", lambda one: f"{one[1]}={int(one[2]) * times:.0f}", lengths)


def test_deepseek_r1_zero_within_its_own_lengths() -> None:
    """198 hours of Guo et al. lie between halves and doubles of the lengths that are guessed for it."""
    rows = {name: row for name, row in catalog.table("rl_published").items() if name.startswith("r1-zero")}
    hours = []
    for times in (0.5, 2.0):
        total = 0.0
        for row in rows.values():
            values = scenario_words(row)
            values["rl.response"] = stretched(str(values["rl.response"]), times)
            point = Asker(scenario_of(values, Path("row"))).at({})
            total += float(point.value("training.duration").value) / factor("h")
        hours.append(total)
    assert hours[0] < hours[1]
    assert hours[0] < 198.0 < hours[1]
