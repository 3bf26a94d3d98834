"""A memory of the graph gives what the graph gives, computes again what differs, and stays within its bound.

Oracles: the graph itself without a memory, and counts of calls.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.memo import Memo
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.fingerprint import Opaque, fingerprint
from gigawatt.core.graph import Graph, GraphError, Leaf
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import read_scenario

TEXAS = Path(__file__).parents[2] / "examples/llama-3.1-405b-texas.yaml"
CALLS: Counter[str] = Counter()


def graph() -> Graph:
    """a → square → half, b → wide (an array); both → total."""
    made = Graph()
    made.leaf("x.a", "1", "One")
    made.leaf("x.b", "1", "Another")

    @made.quantity("x.square", "1")
    def square(x_a: float) -> float:
        """Square."""
        CALLS["square"] += 1
        return x_a**2

    @made.quantity("x.wide", "1")
    def wide(x_b: float) -> np.ndarray:
        """An array."""
        CALLS["wide"] += 1
        return np.full(2000, x_b)

    @made.quantity("x.total", "1")
    def total(x_square: float, x_wide: np.ndarray) -> float:
        """Sum."""
        CALLS["total"] += 1
        if x_square > 100.0:
            raise InfeasibleError("too much", key="x.a")
        return x_square + float(np.sum(x_wide))

    made.check(["x.total"])
    return made


def leaves(a: float, b: float) -> dict[str, Leaf]:
    return {"x.a": Leaf(a, "scenario"), "x.b": Leaf(b, "default", reason="why")}


@settings(max_examples=30, derandomize=True, deadline=None)
@given(
    points=st.lists(
        st.tuples(st.sampled_from([-3.0, -1.0, 0.0, 1.0, 3.0]), st.floats(-5, 5)), min_size=1, max_size=12
    ),
    limit=st.sampled_from([0, 20_000, 10**7]),
)
def test_a_memory_gives_what_the_graph_gives(points: list[tuple[float, float]], limit: int) -> None:
    made, memo = graph(), Memo(limit=limit)
    for a, b in points:
        plain, found = made.evaluate(leaves(a, b)), memo.evaluate(made, leaves(a, b))
        assert list(plain) == list(found)
        for name, value in plain.items():
            np.testing.assert_array_equal(value.value, found[name].value)
            assert (value.floor, value.evidence, value.leaf) == (
                found[name].floor,
                found[name].evidence,
                found[name].leaf,
            )
        assert memo.size <= limit or len(memo) == 1


def test_an_input_of_equal_content_is_no_reason_to_compute() -> None:
    made, memo = graph(), Memo()
    CALLS.clear()
    memo.evaluate(made, leaves(2.0, 1.0))
    memo.evaluate(made, leaves(-2.0, 1.0))  # another leaf, the same square: the total stays
    assert CALLS == {"square": 2, "wide": 1, "total": 1}
    memo.evaluate(made, leaves(2.0, 7.0))
    assert CALLS == {"square": 2, "wide": 2, "total": 2}
    memo.evaluate(made, leaves(2.0, 1.0), varied={("chips", "any", "price"): 1.0})  # another catalog
    assert CALLS == {"square": 3, "wide": 3, "total": 3}


def test_only_what_targets_come_from_is_computed() -> None:
    made, memo = graph(), Memo()
    for evaluate in (made.evaluate, lambda given, targets: memo.evaluate(made, given, targets=targets)):
        CALLS.clear()
        values = evaluate(leaves(2.0, 1.0), targets=["x.square"])
        assert list(values) == ["x.a", "x.square"]
        assert CALLS == {"square": 1}
    with pytest.raises(GraphError, match=r"no quantity x\.squre"):
        made.order(["x.squre"])


def test_errors_are_kept_and_raised_anew() -> None:
    made, memo = graph(), Memo()
    CALLS.clear()
    for line in (4, 9):
        with pytest.raises(InfeasibleError) as caught:
            memo.evaluate(
                made, leaves(11.0, 1.0), blame=lambda error, name, n=line: error.at(line=n, key=name)
            )
        assert caught.value.line == line  # blamed each time, not once for all
    assert CALLS["total"] == 1
    assert caught.value.key == "x.a"


def test_two_graphs_do_not_answer_for_each_other() -> None:
    one, two, memo = Graph(), Graph(), Memo()
    for made, factor in ((one, 2.0), (two, 5.0)):
        made.leaf("x.a", "1", "One")

        def bare(x_a: float, f: float = factor) -> float:
            return x_a * f

        made.quantity("x.c", "1")(_unary(bare))
    values = [memo.evaluate(made, {"x.a": Leaf(3.0, "scenario")})["x.c"].value for made in (one, two)]
    assert values == [6.0, 15.0]


def _unary(function: Any) -> Any:
    def call(x_a: float) -> float:
        """Of one."""
        return function(x_a)

    return call


@dataclass(frozen=True)
class Held:
    name: str
    values: Any
    hidden: int = field(default=0, compare=False)


def test_keys_tell_apart_what_differs() -> None:
    many = np.arange(3000.0)
    other = many.copy()
    other[1234] = np.nextafter(other[1234], np.inf)
    values = [
        None, True, 1, 1.0, "1", b"1", (1,), [1], {"1": 1}, {1: 1}, {1}, 0.0, -0.0, 2**70, "", (), ((),),
        ("a", "b"), ("ab",), many, other, many.reshape(2, -1), many.astype(np.float32), Held("a", many),
        Held("a", other), Held("b", many), Held("a", many, 1), Path("a"), np.float64(1.0), np.array(1.0),
        np.str_("1"), np.array(["a", 1.0], dtype=object), float,
    ]  # fmt: skip
    keys = [fingerprint(value).key for value in values]
    assert len(set(keys)) == len(keys)
    assert fingerprint(Held("a", many.copy())).key == fingerprint(Held("a", many)).key
    assert fingerprint(many).size >= many.nbytes
    assert fingerprint(float("nan")).key == fingerprint(float("nan")).key
    with pytest.raises(Opaque):
        fingerprint((1, object()))


def test_the_chain_is_the_same_with_a_memory() -> None:
    base, memo = read_scenario(TEXAS), Memo()
    targets = ["training.duration", "ledger.cost_per_mtoken", "ledger.run_carbon", "training.binding"]
    changes: list[dict[str, object]] = [
        {"supply.plants": ["grid", "solar"]},
        {"supply.plants": ["grid", "solar"], "economics.chip_price": "25 k$"},
        {"supply.plants": ["grid", "solar"], "training.tokens": "3T tokens"},
    ]
    for change in changes:
        filled = fill_leaves(scenario_with(base, change))[0]
        found = memo.evaluate(graph_of_branch("training"), filled, targets=targets)
        plain = graph_of_branch("training").evaluate(filled, targets=targets)
        for name in targets:
            assert found[name].value == plain[name].value
            assert found[name].grade == plain[name].grade
            assert found[name].evidence == plain[name].evidence
    assert memo.misses["supply.plan"] == 1  # neither price nor tokens reach it
    key = ("finance", "hyperscaler", "chip_life")
    assert key[2] in catalog.entity("finance", "hyperscaler").numbers
    with catalog.varied({key: 3.0 * 31536000.0}):
        filled = fill_leaves(scenario_with(base, changes[0]))[0]
        varied = memo.evaluate(
            graph_of_branch("training"), filled, targets=targets, varied={key: 3.0 * 31536000.0}
        )
        plain = graph_of_branch("training").evaluate(filled, targets=targets)
        assert varied["ledger.cost_per_mtoken"].value == plain["ledger.cost_per_mtoken"].value
    assert varied["ledger.cost_per_mtoken"].value > found["ledger.cost_per_mtoken"].value * 0.5
    assert memo.misses["ledger.campus"] == 3  # chip, chip of another price, catalog of another life
