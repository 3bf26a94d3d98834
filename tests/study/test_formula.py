"""Formulas read from functions, evaluated by the test itself and compared with the values of two runs."""

from __future__ import annotations

import ast
import inspect
import math
import operator
from collections.abc import Callable

import pytest

from gigawatt.chain.asking import COSTLY
from gigawatt.chain.graph import graph_of, graph_of_branch
from gigawatt.core.explain import terms_of, with_numbers
from gigawatt.core.formula import code_of, formula_of, function_of, put_in
from gigawatt.core.graph import Graph, Leaf, Node
from gigawatt.core.result import Quantity, Result
from gigawatt.schema.scenario import read_scenario
from ran import FOLDER, evaluated, ran

TRAINING, SERVING = graph_of_branch("training"), graph_of_branch("serving")
SRC = FOLDER.parent / "src"
EXAMPLES = ("gpt3-175b-a100", "serve-llama-70b-virginia")
ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}  # fmt: skip
CALLS: dict[str, Callable[..., float]] = {"min": min, "max": max, "int": int}
MODULE = 12.5
"""A constant that a function below reads."""


def worth(text: str, terms: dict[str, float]) -> float:
    """The value of an expression: a term where its text is one, else arithmetic."""

    def value(node: ast.expr) -> float:
        written = ast.unparse(node)
        if written in terms:
            return terms[written]
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.BinOp(left=left, op=op, right=right):
                return ARITHMETIC[type(op)](value(left), value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.Call(func=ast.Name(id=name), args=args):
                return CALLS[name](*(value(one) for one in args))
            case _:
                raise AssertionError(f"{written} of {text} is no term and no arithmetic")

    return value(ast.parse(text, mode="eval").body)


def scalars(answer: Result) -> list[Quantity]:
    return [q for q in answer.quantities.values() if q.expression and isinstance(q.value, int | float)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_expression_gives_the_value_of_its_quantity(name: str) -> None:
    answer = ran(name)
    found = scalars(answer)
    assert len(found) >= 38
    for quantity in found:
        terms = terms_of(answer, quantity)
        assert terms, quantity.name
        assert worth(quantity.expression, terms) == pytest.approx(quantity.value, rel=1e-12, abs=1e-300), (
            quantity
        )


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_term_read_from_the_inputs_gives_the_value(name: str) -> None:
    """Single terms too, whose number a result takes from the quantity itself."""
    _, values = evaluated(name)
    graph, checked = graph_of(read_scenario(FOLDER / f"{name}.yaml")), 0
    assert set(graph.nodes) == set(values)
    for node in graph.nodes.values():
        formula, value = node.expression, values[node.name]
        if formula is None or not isinstance(value, int | float):
            continue
        terms = formula.numbers([values[one] for one in node.inputs])
        assert worth(formula.text, terms) == pytest.approx(value, rel=1e-12, abs=1e-300), node.name
        checked += 1
    assert checked >= 38


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_expression_reads_its_inputs_and_nothing_else(name: str) -> None:
    answer = ran(name)
    for quantity in scalars(answer):
        terms = terms_of(answer, quantity)
        roots = {".".join(term.replace("(", ".").split(".")[:2]) for term in terms}
        read = [one for one in quantity.inputs if any(one in term for term in terms)]
        assert read == list(quantity.inputs), (quantity.name, roots)


def test_what_is_arithmetic_has_an_expression() -> None:
    answer = ran(EXAMPLES[0])
    assert answer.quantity("training.accelerator_hours").expression == (
        "training.duration * machine.count / training.runs"
    )
    assert answer.quantity("machine.power_it").expression == (
        "training.goodput * machine.step_power + (1 - training.goodput) * machine.standing_power"
    )
    assert answer.quantity("ledger.cost_per_mtoken").expression == "ledger.ledger.cost / ledger.ledger.tokens"
    with_figures = with_numbers(
        answer, answer.quantity("training.accelerator_hours"), lambda q: f"{q.shown:.6g}"
    )
    hours = answer.quantity("training.duration").shown
    assert with_figures == f"{hours:.6g} * 1024 / 1"


def test_what_is_arithmetic_of_a_service_has_an_expression() -> None:
    assert ran(EXAMPLES[1]).quantity("economics.cost_million_output").expression == (
        "ledger.ledger.cost * (1 - serving.prompt_share) / (serving.throughput * SECONDS_PER_YEAR)"
    )


@pytest.mark.parametrize("graph", [TRAINING, SERVING], ids=["training", "serving"])
def test_every_computed_node_says_how_and_where(graph: Graph) -> None:
    for node in graph.nodes.values():
        if node.function is None:
            assert node.code == ""
            continue
        file, _, line = node.code.rpartition(":")
        text = (SRC / file).read_text(encoding="utf-8").splitlines()
        here = "".join(text[int(line) - 1 : int(line) + 3])
        assert (
            "@" in here or "_figure(" in here or "def " in here or "serving(" in here or "_register(" in here
        ), node.code
        assert node.expression is not None or node.method or node.formula, node.name


def test_what_takes_long_says_what_is_searched_by_what_and_where_it_stops() -> None:
    for graph in (TRAINING, SERVING):
        for name in frozenset[str]().union(*COSTLY) & set(graph.nodes):
            method = graph.nodes[name].method
            assert len(method) > 200, name
    search = TRAINING.nodes["layouts.search"].method
    for word in ("Objective", "Constraints", "Stops", "tolerance"):
        assert word in search
    from gigawatt.power.solve import ACCEPTED_GAP

    supply = SERVING.nodes["supply.plan"].method
    assert f"{ACCEPTED_GAP:g}" in supply
    for word in ("Variables", "Objective", "Constraints", "Solver"):
        assert word in supply


def test_a_line_is_that_of_the_declaration() -> None:
    node = TRAINING.nodes["training.accelerator_hours"]
    assert node.function is not None
    _, line = inspect.getsourcelines(node.function)
    assert node.code == f"gigawatt/chain/training/quantities.py:{line}"
    file, _, number = TRAINING.nodes["ledger.run_cost"].code.rpartition(":")
    assert "ledger.run_cost" in (SRC / file).read_text(encoding="utf-8").splitlines()[int(number) - 1]
    assert code_of(None) == ""


def area(room_width: float, room_length: float) -> float:
    """Area."""
    return float(room_width * room_length) + MODULE / 2.0


def searched(room_width: float) -> float:
    """More than arithmetic."""
    found = room_width
    return found


def called(room_width: float) -> float:
    """A function that is no reduction."""
    return math.gamma(room_width)


def chosen(room_width: float) -> float:
    """A choice."""
    return room_width if room_width > 1 else 0.0


def test_a_formula_is_the_arithmetic_of_the_source() -> None:
    formula = formula_of(area)
    assert formula is not None
    assert formula.text == "room.width * room.length + MODULE / 2"
    assert formula.numbers([3.0, 2.0]) == {"room.width": 3.0, "room.length": 2.0, "MODULE": 12.5}
    for other in (searched, called, chosen, math.sqrt, lambda room_width: room_width):
        assert formula_of(other) is None if other is not math.sqrt else True


def test_a_function_is_made_of_a_formula() -> None:
    made = function_of("box.box.area * box.height / TWO", "Half a box.", {"TWO": 2.0})
    graph = Graph()
    graph.leaf("box.box", "", "A box")
    graph.leaf("box.height", "m", "Its height")
    graph.quantity("box.half", "m^3")(made)
    half: Node = graph.nodes["box.half"]
    assert half.inputs == ("box.box", "box.height")
    assert half.summary == "Half a box."
    assert half.code.startswith(f"{__name__.replace('.', '/')}.py:")
    assert half.expression is not None
    assert half.expression.text == "box.box.area * box.height / TWO"

    class Box:
        area = 3.0

    value = graph.evaluate({"box.box": Leaf(Box(), "scenario"), "box.height": Leaf(4.0, "scenario")})[
        "box.half"
    ]
    assert value.value == 6.0


def test_terms_are_replaced_whole() -> None:
    text = "supply.plan.cost / supply.plan.cost_yearly - sum(supply.plan.cost)"
    shown = {"supply.plan.cost": "a", "supply.plan.cost_yearly": "b", "sum(supply.plan.cost)": "c"}
    assert put_in(text, shown) == "a / b - c"
