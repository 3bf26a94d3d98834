"""The quantity graph: composition by name, what it refuses, what it remembers."""

import pytest

from gigawatt.core.branching import BranchingGraph, Inside
from gigawatt.core.evidence import Evidence, Grade
from gigawatt.core.graph import Graph, GraphError, Leaf


def row(quantity: str, grade: Grade) -> Evidence:
    return Evidence("x", quantity, 2.0, None, None, "W", "2", None, None, grade, "s", "", "", "t.csv:2")


def small_graph() -> Graph:
    graph = Graph()
    graph.leaf("chip.entity", "", "A chip")
    graph.leaf("run.count", "1", "How many")

    @graph.quantity("power.total", "W", rows=("power*",))
    def power_total(chip_entity: list[Evidence], run_count: int) -> float:
        """Power of all.

        P = n p.
        """
        return chip_entity[0].value * run_count

    @graph.quantity("power.double", "W")
    def power_double(power_total: float) -> float:
        """Twice the power."""
        return 2 * power_total

    return graph


def test_composes_by_parameter_name_and_keeps_the_worst_grade_of_the_rows_it_reads():
    graph = small_graph()
    graph.check()
    chip = [row("power", Grade.vendor), row("price", Grade.guess)]
    values = graph.evaluate({"chip.entity": Leaf(chip, "catalog"), "run.count": Leaf(3, "scenario")})
    assert values["power.double"].value == 12.0
    assert values["power.double"].grade is Grade.vendor, "the price's grade must not spoil the power"
    assert [r.quantity for r in values["power.double"].evidence] == ["power"]
    assert values["power.total"].node.formula == "P = n p."


def test_a_default_lowers_the_grade():
    values = small_graph().evaluate(
        {
            "chip.entity": Leaf([row("power", Grade.vendor)], "catalog"),
            "run.count": Leaf(3, "default", reason="why", grade=Grade.guess),
        }
    )
    assert values["power.double"].grade is Grade.guess


def test_refuses_two_writers_cycles_missing_inputs_and_unused_leaves():
    graph = small_graph()
    with pytest.raises(GraphError, match=r"two writers of power\.total"):
        graph.leaf("power.total", "W", "again")
    graph.leaf("lonely.leaf", "", "nobody reads it")
    with pytest.raises(GraphError, match=r"nothing reads lonely\.leaf"):
        graph.check()

    cyclic = Graph()

    @cyclic.quantity("a.x", "1")
    def a_x(b_x: float) -> float:
        """One."""
        return b_x

    @cyclic.quantity("b.x", "1")
    def b_x(a_x: float) -> float:
        """Other."""
        return a_x

    with pytest.raises(GraphError, match="cycle"):
        cyclic.check()

    missing = Graph()

    @missing.quantity("a.x", "1")
    def a_y(c_z: float) -> float:
        """One."""
        return c_z

    with pytest.raises(GraphError, match=r"missing c\.z, needed by a\.x"):
        missing.check()
    with pytest.raises(GraphError, match="missing leaf"):
        small_graph().evaluate({"run.count": Leaf(1, "scenario")})


def test_a_quantity_needs_a_docstring():
    with pytest.raises(GraphError, match="no docstring"):
        Graph().quantity("a.b", "1")(lambda: 1)


def test_a_leaf_is_searched_for_by_what_follows_from_it() -> None:
    """Where the wanted area is given, the side follows from it; else it is a leaf. No cycle either way."""
    graph = BranchingGraph(("squares",))
    for leaf, fields in (("a.side", ("side",)), ("a.area_wanted", ("area",)), ("a.unit", ())):
        graph.leaf(leaf, "", "A number", fields=fields)

    @graph.quantity("a.area", "")
    def area(a_side: float, a_unit: float) -> float:
        """The area of a square."""
        return a_unit * a_side**2

    @graph.inverse("a.found", (), unknown="a.side", target="a.area", given=("area",))
    def found(inside: Inside, a_area_wanted: float) -> float:
        """The largest whole side of which the area is within what is wanted."""
        area_of = lambda side: inside.graph.evaluate(inside.at(side))[inside.target].value  # noqa: E731
        return max(side for side in range(100) if area_of(side) <= a_area_wanted)

    @graph.quantity("a.side", "", given=("area",))
    def side(a_found: float) -> float:
        """The side that was found."""
        return a_found

    leaves = {"a.side": Leaf(3.0, "scenario"), "a.unit": Leaf(2.0, "scenario")}
    assert graph.graph("squares").evaluate(leaves)["a.area"].value == 18.0
    sought = graph.graph("squares", ("area",))
    guessed = Leaf(2.0, "scenario", grade=Grade.guess)
    values = sought.evaluate({"a.unit": guessed, "a.area_wanted": Leaf(60.0, "scenario")})
    assert (values["a.side"].value, values["a.area"].value) == (5, 50.0)
    assert values["a.area"].grade is Grade.guess
    assert sought.nodes["a.found"].inputs == ("a.area_wanted", "a.unit")
    assert sought.nodes["a.found"].code.partition(":")[0].endswith("test_graph.py")
