"""Graphs evaluated for many mixtures: right, each quantity once, and no memory filled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gigawatt.errors import InfeasibleError
from gigawatt.study.graph import Graph, Leaf
from gigawatt.study.mixtures import Mixtures, token
from gigawatt.study.shapley import shapley


def toy() -> Graph:
    """cost = price × power × hours + capital; power follows from the chip alone."""
    graph = Graph()
    for name in ("chip.watts", "chip.price", "site.price", "run.hours", "run.limit"):
        graph.leaf(name, "1", name)

    @graph.quantity("run.power", "W")
    def power(chip_watts: float) -> float:
        """Power."""
        return 2.0 * chip_watts

    @graph.quantity("supply.plan", "")
    def plan(run_power: float, site_price: float, run_limit: float) -> dict[str, Any]:
        """A large thing that is slow to make."""
        if run_power > run_limit:
            raise InfeasibleError("above the limit", given=run_power)
        return {"price": site_price * run_power, "hours": np.full(200_000, run_power)}

    @graph.quantity("run.cost", "$")
    def cost(supply_plan: dict[str, Any], run_hours: float, chip_price: float) -> float:
        """Cost."""
        return supply_plan["price"] * run_hours + chip_price

    @graph.quantity("run.unused", "1")
    def unused(run_hours: float) -> float:
        """What nobody asks for."""
        raise AssertionError("evaluated although nobody asked")

    graph.check(targets=["run.cost", "run.unused"])
    return graph


A = {"chip.watts": 500.0, "chip.price": 10.0, "site.price": 2.0, "run.hours": 3.0, "run.limit": 1e9}


def test_it_is_what_the_graph_gives() -> None:
    graph = toy()
    mixtures = Mixtures(graph, ["run.cost", "run.power"])
    del graph.nodes["run.unused"]
    for changes in ({}, {"chip.watts": 700.0}, {"site.price": 1.0, "run.hours": 4.0}, {}):
        leaves = {**A, **changes}
        whole = graph.evaluate({name: Leaf(value, "scenario") for name, value in leaves.items()})
        assert mixtures.values(leaves) == {name: whole[name].value for name in ("run.cost", "run.power")}


def test_what_sees_the_same_is_not_computed_again() -> None:
    mixtures = Mixtures(toy(), ["run.cost"])
    for price in (10.0, 20.0, 30.0):
        mixtures.values({**A, "chip.price": price})
    assert mixtures.evaluated == {"run.power": 1, "supply.plan": 1, "run.cost": 3}
    mixtures.values({**A, "chip.watts": 700.0})
    assert mixtures.evaluated["supply.plan"] == 2
    mixtures.values(A)
    assert mixtures.evaluated == {"run.power": 2, "supply.plan": 2, "run.cost": 4}


def test_a_single_quantity_may_see_another_leaf() -> None:
    mixtures = Mixtures(toy(), ["run.cost"])
    seen = mixtures.values(A, {("run.cost", "run.hours"): 5.0})["run.cost"]
    assert seen == mixtures.values({**A, "run.hours": 5.0})["run.cost"] != mixtures.values(A)["run.cost"]


def test_an_error_is_met_once_and_raised_each_time() -> None:
    mixtures = Mixtures(toy(), ["run.cost"])
    for price in (10.0, 20.0):
        with pytest.raises(InfeasibleError, match="above the limit"):
            mixtures.values({**A, "run.limit": 1.0, "chip.price": price})
    assert mixtures.evaluated["supply.plan"] == 1


def test_large_values_do_not_fill_the_memory_and_come_back() -> None:
    small = Mixtures(toy(), ["run.cost"], most_bytes=4_000_000)  # two plans of 1.6 MB
    large = Mixtures(toy(), ["run.cost"])
    for watts in (100.0, 200.0, 300.0, 400.0, 100.0):
        for price in (1.0, 2.0):
            leaves = {**A, "chip.watts": watts, "chip.price": price + (watts == 400.0)}
            assert small.values(leaves) == large.values(leaves)
    leaves = {**A, "chip.watts": 200.0, "chip.price": 99.0}  # its plan was dropped, its cost is new
    assert small.values(leaves) == large.values(leaves)
    assert small.evaluated["supply.plan"] == 5
    assert large.evaluated["supply.plan"] == 4


def test_a_token_tells_contents_apart() -> None:
    assert token(np.arange(5.0)) == token(np.arange(5.0))
    assert token(np.arange(5.0))[0] != token(np.arange(6.0))[0]
    nameless = lambda: 1  # noqa: E731
    assert token(nameless) == token(nameless) != token(lambda: 1)


def test_known_shares_of_a_graph() -> None:
    """cost = watts·2·price·hours + capital: three factors and a term, split as the formula says."""
    b = {"chip.watts": 800.0, "chip.price": 25.0, "site.price": 3.0, "run.hours": 1.0}
    mixtures = Mixtures(toy(), ["run.cost"])

    def game(chosen: frozenset[str]) -> np.ndarray:
        leaves = {**A, **{name: b[name] for name in chosen}}
        return np.array([mixtures.values(leaves)["run.cost"]])

    found = shapley(list(b), game)
    assert found.parts is not None
    worth = dict(zip(found.players, found.parts[:, 0], strict=True))
    assert worth["chip.price"] == pytest.approx(15.0, abs=1e-9)
    x, y, z = ((A[n], b[n]) for n in ("chip.watts", "site.price", "run.hours"))

    def share(own: tuple[float, float], one: tuple[float, float], two: tuple[float, float]) -> float:
        mean = (one[0] * two[0] + one[1] * two[1]) / 3 + (one[0] * two[1] + one[1] * two[0]) / 6
        return 2.0 * (own[1] - own[0]) * mean

    assert worth["chip.watts"] == pytest.approx(share(x, y, z), abs=1e-9)
    assert worth["site.price"] == pytest.approx(share(y, x, z), abs=1e-9)
    assert worth["run.hours"] == pytest.approx(share(z, x, y), abs=1e-9)
    assert sum(worth.values()) == pytest.approx(float((found.end - found.start)[0]), rel=1e-9)
