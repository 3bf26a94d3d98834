"""Why a number is what it is, on the page: the walk, its links, and the list of every number."""

from __future__ import annotations

import re

import pytest
from page_seen import Seen, seen

from gigawatt.core.errors import InputError
from gigawatt.core.explain import explain, weakest
from gigawatt.faces.figures.readable import shown
from gigawatt.faces.web.answers import Question, result_of, show
from gigawatt.faces.web.form.state import State

STATE = State("deepseek-v3-h800", (("supply.plants", "grid"),))


def silent(words: str, share: float) -> None:
    """Says nothing."""


def html(item: str = "", view: str = "explain", **settings: str) -> str:
    return show(Question(view, STATE, tuple(sorted(settings.items())), item), silent).html


@pytest.fixture(scope="module")
def listed() -> Seen:
    return seen(html())


def test_the_walk_shows_every_step_with_value_grade_and_formula() -> None:
    result, page = result_of(STATE, silent), html("training.duration")
    seen(page)
    quantity = result.quantity("training.duration")
    assert shown(quantity) in page
    assert " ".join(quantity.formula.split()) in " ".join(page.split()).replace("&#39;", "'")
    for step in explain(result, "training.duration", 3):
        assert f"<code>{step.quantity.name}</code>" in page
    weak = weakest(result, "training.duration")
    assert f"weakest {len(weak)} rows" in page


def test_rows_lead_to_the_catalog_and_to_their_source() -> None:
    page = Seen(html("training.step_time"))
    rows = [href for href, _ in page.links if href.startswith("/catalog/")]
    assert rows
    assert all(f"?{STATE.query()}" in href for href in rows)
    item = re.sub(r"\?.*", "", rows[0].removeprefix("/catalog/"))
    assert show(Question("catalog", STATE, (), item), silent).html


def test_every_quantity_has_a_walk() -> None:
    for name in result_of(STATE, silent).quantities:
        seen(html(name))


def test_the_list_has_every_quantity_with_its_value(listed: Seen) -> None:
    result = result_of(STATE, silent)
    rows = {row[0]: row for table in listed.tables for row in table.rows}
    assert set(rows) == set(result.quantities)
    row = rows["training.mfu"]
    quantity = result.quantity("training.mfu")
    assert row[1:4] == [shown(quantity, 4), quantity.grade.label, quantity.summary]
    assert dict(listed.links)[f"/explain/training.mfu?{STATE.query()}"] == "training.mfu"


def test_the_list_is_searched() -> None:
    found = Seen(html(find="COST mtoken"))
    names = [row[0] for table in found.tables for row in table.rows]
    assert names == ["ledger.cost_per_mtoken"]
    assert seen(html(find="no such thing")).tables == []


def test_an_unknown_quantity_names_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        html("training.durations")
    assert caught.value.nearest == "training.duration"


def test_figures_of_the_chain_lead_to_where_they_come_from() -> None:
    page = Seen(html(view="chain"))
    result, links = result_of(STATE, silent), dict(page.links)
    for name in ("ledger.run_cost", "ledger.total_capital", "ledger.cost_per_mtoken", "training.goodput"):
        assert name in result.quantities
        assert f"/explain/{name}?{STATE.query()}" in links
    cost = result.quantity("ledger.cost_per_mtoken")
    assert links[f"/explain/ledger.cost_per_mtoken?{STATE.query()}"].startswith(shown(cost).split("/")[0])
