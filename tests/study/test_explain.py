"""From any number to its rows and lines: the walk of ``explain`` on a real answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gigawatt import catalog
from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.registry import CHAIN
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Evidence, Grade, worst
from gigawatt.core.explain import Step, explain, weakest
from gigawatt.core.graph import GraphError
from gigawatt.core.result import Result
from gigawatt.schema.fields import LOAD, SERVING, TRAINING
from ran import ran

EXAMPLE = Path(__file__).parents[2] / "examples" / "gpt3-175b-a100.yaml"
DATA = Path(catalog.__file__).parent / "data"
SOURCE = Path(catalog.__file__).parents[2]


def result() -> Result:
    return ran(EXAMPLE.stem)


def walk(name: str, depth: int = 99) -> list[Step]:
    return list(explain(result(), name, depth))


def names_its_row(row: Evidence) -> bool:
    """Whether ``where`` is a line of the catalog that holds the entity, or a rule that fills gaps of any."""
    name, _, number = row.where.rpartition(":")
    file = next(DATA.rglob(Path(name).name))
    text = file.read_text(encoding="utf-8").splitlines()[int(number) - 1]
    return row.entity in text or (file.stem.endswith("_defaults") and bool(text.strip()))


def test_a_cost_reaches_rows_and_scenario_lines() -> None:
    steps = walk("ledger.cost_per_mtoken")
    names = {step.quantity.name for step in steps}
    assert {"ledger.ledger", "supply.plan", "training.step_time", "machine.chip", "site.weather"} <= names
    files = {row.where.rpartition(":")[0].rsplit("/", 1)[-1] for step in steps for row in step.rows}
    assert {"chips.csv", "plants.csv", "finance.csv", "building.csv"} <= {
        file.replace(".details", "") for file in files
    }
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    given = [step.quantity for step in steps if step.quantity.origin == "scenario" and step.quantity.where]
    assert len(given) >= 8
    for quantity in given:
        file, _, line = quantity.where.rpartition(":")
        assert Path(file).name == EXAMPLE.name
        key = quantity.name.split(".")[-1]
        text = lines[int(line) - 1]
        assert ":" in text, quantity
        if key in {"tokens", "sequence", "global_batch", "number_format", "chip", "software"}:
            assert text.strip().startswith(f"{key}:"), quantity
            assert quantity.written in text


def test_every_row_stands_where_it_says() -> None:
    rows = {
        (row.where, row.quantity): row for step in walk("ledger.cost_per_mtoken") for row in step.rows
    }.values()
    assert len(rows) > 50
    assert [row.name for row in rows if not names_its_row(row)] == []
    sources = catalog.sources()
    assert [row.name for row in rows if row.source_id not in sources] == []


def test_every_quantity_can_be_explained() -> None:
    for name, quantity in result().quantities.items():
        steps = walk(name)
        assert steps[0].quantity is quantity
        assert steps[0].depth == 0
        assert quantity.summary
        assert quantity.origin in {"scenario", "catalog", "default", "computed"}
        if quantity.origin == "computed":
            assert quantity.inputs, name
        if quantity.origin == "default":
            assert quantity.reason, name
        for step in steps:
            assert set(step.quantity.inputs) <= set(result().quantities)


def test_a_grade_is_the_worst_on_the_path() -> None:
    for name, quantity in result().quantities.items():
        assert quantity.grade >= worst(row.grade for row in quantity.evidence), name
        for row in weakest(result(), name):
            assert row in quantity.evidence
            assert all(other.grade <= row.grade for other in quantity.evidence)
    cost = result().quantity("ledger.cost_per_mtoken")
    assert cost.grade >= result().quantity("training.step_time").grade
    assert cost.grade > Grade.measured


def test_the_rows_of_a_quantity_enter_somewhere_below_it() -> None:
    for name in ("training.step_time", "facility.pue", "ledger.campus"):
        reached = {(row.where, row.quantity) for step in walk(name) for row in step.rows}
        own = {(row.where, row.quantity) for row in result().quantity(name).evidence}
        assert own <= reached, name


def test_a_step_time_does_not_rest_on_a_price() -> None:
    rows = {row.quantity for row in result().quantity("training.step_time").evidence}
    assert "price" not in rows
    assert any(row.startswith("peak_") for row in rows)


@pytest.mark.parametrize("name", ["gpt3-175b-a100", "serve-llama-70b-virginia"])
def test_every_path_ends_in_rows_a_line_or_a_listed_default(name: str) -> None:
    answer = ran(name)
    listed = {one.key for one in answer.assumptions}
    leaves = [q for q in answer.quantities.values() if not q.inputs]
    assert len(leaves) > 30
    for leaf in leaves:
        assert leaf.origin != "computed", leaf.name
        row = any(item.where and item.source_id for item in leaf.evidence)
        line = bool(re.search(r"\.yaml:\d+$", leaf.where))
        default = leaf.origin == "default" and leaf.name in listed
        assert row or line or default or leaf.reason.startswith("not given"), leaf.name
        if leaf.reason == "not given":
            assert leaf.value in (None, "") or "None" in str(leaf.value), leaf.name


def test_a_quantity_opens_once_and_depth_ends_the_walk() -> None:
    steps = walk("ledger.cost_per_mtoken")
    opened = [step.quantity.name for step in steps if not step.repeated]
    assert len(opened) == len(set(opened))
    assert any(step.repeated for step in steps)
    for depth in (0, 1, 2):
        assert max(step.depth for step in walk("ledger.cost_per_mtoken", depth)) == depth
    assert len(walk("ledger.cost_per_mtoken", 0)) == 1


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("trainig.step_time", "training.step_time"),
        ("ledger.cost_per_token", "ledger.cost_per_mtoken"),
        ("MACHINE.COUNT", "machine.count"),
    ],
)
def test_an_unknown_quantity_gives_the_nearest(name: str, near: str) -> None:
    with pytest.raises(InputError, match=f"no such quantity; given '{name}'; did you mean '{near}'"):
        walk(name)


def test_nothing_near() -> None:
    with pytest.raises(InputError) as caught:
        walk("zzz")
    assert str(caught.value) == "no such quantity; given 'zzz'"


def test_every_quantity_has_code_and_says_how_it_is_computed() -> None:
    """All writers of all branches: file and line, and arithmetic, words of a formula, or a method."""
    for branch in (TRAINING, SERVING):
        graph_of_branch(branch)
    with pytest.raises(GraphError):
        graph_of_branch(LOAD)  # a load alone is not given, but its quantities are registered
    computed = [one.node for one in CHAIN.writers if one.node.function is not None]
    assert len(computed) > 250
    for node in computed:
        file, _, line = node.code.rpartition(":")
        assert (SOURCE / file).is_file(), node.name
        assert int(line) > 0, node.name
        assert node.expression is not None or node.formula.strip() or node.method, node.name
