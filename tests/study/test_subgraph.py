"""A part of the graph as one function: the same nodes, arrays through them, nothing missing or idle."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import numpy as np
import pytest

import gigawatt.studies.codesign as codesign
import gigawatt.studies.training as studies_training
from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.machine import accelerator_price
from gigawatt.chain.serving import replica
from gigawatt.chain.training import caps, inverse, lasting, pareto, plan, relief, sites, size, sizes
from gigawatt.core.graph import Graph, GraphError, Leaf
from gigawatt.core.subgraph import subgraph
from gigawatt.schema.fields import TRAINING

COMPILED = (
    plan.planned_by(False),
    plan.planned_by(True),
    plan.counted_by(),
    plan.taken_by(),
    lasting.lasts_by(),
    accelerator_price.provided_by(),
    accelerator_price.owned_by(),
)


def made() -> Graph:
    graph = Graph()
    for name in ("a.one", "a.two", "a.three"):
        graph.leaf(name, "1", "A leaf.")

    @graph.quantity("b.sum", "1")
    def both(a_one: float, a_two: float) -> float:
        """Sum."""
        return a_one + a_two

    @graph.quantity("b.product", "1")
    def product(b_sum: float, a_three: float, *, times: float = 1.0) -> float:
        """Product."""
        return b_sum * a_three * times

    return graph


def test_arrays_go_through_and_agree_with_the_graph() -> None:
    graph, one = made(), np.array([1.0, 2.0, 5.0])
    found = subgraph(graph, ("a.one", "a.two", "a.three"), ("b.product",))(
        {"a.one": one, "a.two": 3.0, "a.three": 2.0}
    )
    for i, value in enumerate(one):
        leaves = {"a.one": value, "a.two": 3.0, "a.three": 2.0}
        whole = graph.evaluate({name: Leaf(number, "scenario") for name, number in leaves.items()})
        assert found["b.product"][i] == whole["b.product"].value
        assert found["b.sum"][i] == whole["b.sum"].value


def test_what_is_given_cuts_and_options_are_keywords() -> None:
    cut = subgraph(made(), ("b.sum", "a.three"), ("b.product",))
    assert [name for name, _, _ in cut.steps] == ["b.product"]
    assert cut({"b.sum": 4.0, "a.three": 2.0})["b.product"] == 8.0
    assert cut({"b.sum": 4.0, "a.three": 2.0}, {"b.product": {"times": 3.0}})["b.product"] == 24.0
    assert made().nodes["b.product"].inputs == ("b.sum", "a.three")


@pytest.mark.parametrize(
    ("given", "targets", "words"),
    [
        (("a.one", "a.two"), ("b.product",), r"missing leaf a\.three"),
        (("b.sum", "a.three", "a.one"), ("b.product",), r"nothing reads a\.one"),
        (("b.som", "a.three"), ("b.product",), r"no quantity b\.som"),
    ],
)
def test_what_does_not_fit_is_said(given: tuple[str, ...], targets: tuple[str, ...], words: str) -> None:
    with pytest.raises(GraphError, match=words):
        subgraph(made(), given, targets)


def test_a_value_that_is_not_given_is_named() -> None:
    with pytest.raises(GraphError, match=r"not given: a\.three"):
        subgraph(made(), ("b.sum", "a.three"), ("b.product",))({"b.sum": 4.0})


def test_inner_loops_evaluate_the_nodes_of_the_graph() -> None:
    """Every step is a node of the graph of ``gigawatt run``, by identity."""
    graphs = [graph_of_branch(TRAINING, by) for by in ((), ("training.goodput",), ("machine.power",))]
    for part in COMPILED:
        for name, function, inputs in part.steps:
            nodes = [graph.nodes[name] for graph in graphs]
            assert any(node.function is function and node.inputs == inputs for node in nodes), name
    taken = {name for part in COMPILED for name, _, _ in part.steps}
    assert {"training.fit", "layouts.search", "training.reliability", "machine.power_it", "energy.facility",
            "training.duration", "machine.count", "machine.design_power", "ledger.campus",
            "ledger.chip_hour_owned", "ledger.run_owned", "ledger.run_electricity"} <= taken  # fmt: skip


def _inside(package: ModuleType) -> list[ModuleType]:
    names = [one.name for one in pkgutil.iter_modules(package.__path__)]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def test_no_quantity_is_composed_by_hand() -> None:
    """Neither plans, sizes, prices nor codesign import a function that writes a quantity of the graph."""
    graph = graph_of_branch(TRAINING)
    power = graph_of_branch(TRAINING, ("machine.power",))
    writers = {id(node.function) for one in (graph, power) for node in one.nodes.values() if node.function}
    inner = (plan, caps, inverse, pareto, relief, sites, size, sizes, accelerator_price, replica)
    for module in (*inner, *_inside(studies_training), *_inside(codesign)):
        for name, value in vars(module).items():
            held = vars(value).values() if isinstance(value, ModuleType) else (value,)
            assert not writers & {id(one) for one in held}, f"{module.__name__} imports {name}"
