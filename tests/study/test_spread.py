"""Each row of a spread equals a fresh evaluation of the whole branch with that row moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.catalog import varied
from gigawatt.chain.asking import Asker
from gigawatt.chain.graph import graph_of
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.spread import Spread, spread
from gigawatt.core.errors import InputError
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.scenario import LoadedScenario

COST = "ledger.cost_per_mtoken"
pytestmark = pytest.mark.apart


@pytest.fixture(scope="module")
def loaded() -> LoadedScenario:
    values = {
        "model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": "H100", "machine.count": 64,
        "site.name": "virginia", "supply.price": "60 $/MWh", "layout.tensor": 1,
    }  # fmt: skip
    return scenario_of(values, Path("question"))


@pytest.fixture(scope="module")
def found(loaded: LoadedScenario) -> Spread:
    return spread(loaded, COST)


def test_every_row_moves_the_quantity_as_a_new_evaluation_does(loaded: LoadedScenario, found: Spread) -> None:
    graph = graph_of(loaded)
    whole = graph.evaluate(fill_leaves(loaded)[0], targets=(COST,))[COST].value
    assert found.value == pytest.approx(whole, rel=1e-12)
    assert len(found.rows) > 10
    for row in [*found.rows[:4], *found.rows[-2:]]:
        table, rest = row.name.split(".", 1)
        one, quantity = rest.rsplit(".", 1)
        ends = []
        for end in ("low", "high"):
            moved = float(getattr(evidence_of(table, one, quantity), end))
            with varied({(table, one, quantity): moved}):
                leaves, _ = fill_leaves(loaded)
                ends.append(graph.evaluate(leaves, targets=(COST,))[COST].value)
        assert (row.low, row.high) == pytest.approx((min(*ends, whole), max(*ends, whole)), rel=1e-9)


def evidence_of(table: str, one: str, quantity: str):
    from gigawatt.catalog import entity

    return entity(table, one).evidence(quantity)


def test_shares_sum_to_one_and_the_band_holds_every_row(found: Spread) -> None:
    assert sum(row.share for row in found.rows) == pytest.approx(1.0)
    assert [row.share for row in found.rows] == sorted((row.share for row in found.rows), reverse=True)
    assert found.low <= min(row.low for row in found.rows)
    assert found.high >= max(row.high for row in found.rows)


def test_a_quantity_that_is_no_positive_number_has_no_band(loaded: LoadedScenario) -> None:
    with pytest.raises(InputError, match="not a number"):
        spread(loaded, "layouts.search")
    assert Asker(loaded).quantity(COST, "quantity") == "$/Mtoken"
