"""The scorecard of energy, environment and society: what is known to miss, and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gigawatt import catalog
from gigawatt.validation import validate
from gigawatt.validation.outlook.society import run_cost
from gigawatt.validation.published import parts_of

#: Known to miss, with the reason in docs/outlook-society.md. What begins to pass shall be taken off.
MISSES = {
    "N1 cost of gopher",
    "N1 growth of the cost of the largest run 2024 to 2027",
    "H1 share of the five largest",
    "N2 water of AI 2025",
    "N3 AI servers taken out 2030",
    "M2 exponent of revenue over users",
}


@pytest.mark.apart
def test_all_but_the_named_pass() -> None:
    assert "society" in parts_of("outlook")
    card = validate("outlook", parts=("society",))
    missed = {one.what.split(",")[0].split(":")[0] for one in card.checks if not one.ok}
    assert missed == MISSES
    assert len(card.checks) > 25
    for one in card.checks:
        assert math.isfinite(one.ours)
        assert one.source
        assert one.part == "society"


def test_cost_of_a_run_scales_with_its_work() -> None:
    """Twice the FLOP, twice the cost: the machine is the same."""
    row = catalog.entity("outlook_cost_runs", "gpt-4")
    (flop,) = row.numbers["flop"]
    twice = {**row.numbers, "flop": [replace(flop, value=2.0 * flop.value)]}
    assert run_cost(replace(row, numbers=twice)) == pytest.approx(2.0 * run_cost(row), rel=1e-9)
