"""Shapley values: games whose values are known, the axioms, and what happens where a set has no value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.chain.memo import Memo
from gigawatt.core.graph import Graph, Leaf
from gigawatt.studies.compare.shapley import shapley

Value = Callable[[frozenset[str]], float | None]


def parts(names: str, value: Value, **options: int) -> dict[str, float]:
    found = shapley(list(names), lambda s: None if (v := value(s)) is None else np.array([v]), **options)
    assert found.parts is not None
    return dict(zip(found.players, found.parts[:, 0].tolist(), strict=True))


def by_orders(names: str, value: Value) -> dict[str, float] | None:
    """The definition: the mean over every order that passes no set without a value."""
    total, used = dict.fromkeys(names, 0.0), 0
    for order in permutations(names):
        values = [value(frozenset(order[:size])) for size in range(len(order) + 1)]
        if None in values:
            continue
        used += 1
        for place, name in enumerate(order):
            total[name] += values[place + 1] - values[place]  # type: ignore[operator]
    return {name: whole / used for name, whole in total.items()} if used else None


def test_the_glove_game() -> None:
    """Two left gloves and a right one, a pair is worth 1: 1/6, 1/6, 2/3 (Shapley's own kind of market)."""
    worth = parts("lmr", lambda s: 1.0 if "r" in s and s & {"l", "m"} else 0.0)
    assert worth == pytest.approx({"l": 1 / 6, "m": 1 / 6, "r": 2 / 3}, abs=1e-15)


def test_the_airport_game() -> None:
    """Costs of a runway as long as the largest aircraft needs: each piece is shared by who needs it
    (Littlechild and Owen, 1973)."""
    length = {"a": 1.0, "b": 3.0, "c": 7.0, "d": 7.0}
    worth = parts("abcd", lambda s: max((length[name] for name in s), default=0.0))
    expected = {"a": 1 / 4, "b": 1 / 4 + 2 / 3, "c": 1 / 4 + 2 / 3 + 4 / 2, "d": 1 / 4 + 2 / 3 + 4 / 2}
    assert worth == pytest.approx(expected, abs=1e-14)


def test_a_sum_gives_each_its_own() -> None:
    own = {"a": 1.5, "b": -4.0, "c": 1e-6, "d": 0.0}
    worth = parts("abcd", lambda s: 10.0 + sum(own[name] for name in s))
    assert worth == pytest.approx(own, abs=1e-14)


def test_a_product_of_two_is_the_symmetric_split() -> None:
    """price × quantity: each gets its change at the mean of the other (Bennet's indicator, 1920)."""
    (p0, p1), (q0, q1) = (2.0, 5.0), (10.0, 4.0)
    worth = parts("pq", lambda s: (p1 if "p" in s else p0) * (q1 if "q" in s else q0))
    assert worth["p"] == pytest.approx((p1 - p0) * (q0 + q1) / 2, abs=1e-13)
    assert worth["q"] == pytest.approx((q1 - q0) * (p0 + p1) / 2, abs=1e-13)


def game(seed: int, names: str, *, lost: float = 0.0) -> Mapping[frozenset[str], float | None]:
    generator = np.random.default_rng(seed)
    found: dict[frozenset[str], float | None] = {}
    for mask in range(2 ** len(names)):
        chosen = frozenset(name for i, name in enumerate(names) if mask >> i & 1)
        gone = 0 < len(chosen) < len(names) and generator.random() < lost
        found[chosen] = None if gone else float(generator.normal() * 1e3)
    return found


@settings(max_examples=25, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 6), lost=st.sampled_from([0.0, 0.15, 0.5]))
def test_any_game_is_the_mean_over_its_orders(seed: int, count: int, lost: float) -> None:
    names = "abcdef"[:count]
    values = game(seed, names, lost=lost)
    found = shapley(list(names), lambda s: None if (v := values[s]) is None else np.array([v, -2 * v]))
    expected = by_orders(names, values.__getitem__)
    if expected is None:
        assert found.parts is None
        assert found.orders == 0
        return
    assert found.parts is not None
    assert found.parts[:, 0].tolist() == pytest.approx([expected[name] for name in names], abs=1e-9)
    assert found.parts[:, 1] == pytest.approx(-2 * found.parts[:, 0], abs=1e-9)
    difference = found.end - found.start
    assert found.parts.sum(axis=0) == pytest.approx(difference, rel=1e-9, abs=1e-9)  # efficiency
    assert set(found.impossible) == {chosen for chosen, value in values.items() if value is None}


@settings(max_examples=15, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_equals_get_equal_and_the_idle_nothing(seed: int) -> None:
    """Symmetry and the null player: a and b are told apart by nothing, z changes nothing."""
    base = game(seed, "uvw")

    def value(chosen: frozenset[str]) -> float:
        heads = ("u" if "a" in chosen else "") + (
            "" if "b" not in chosen else "u" if "a" not in chosen else "v"
        )
        found = base[frozenset(heads) | (chosen & {"w"})]
        assert found is not None
        return found

    worth = parts("abwz", value)
    assert worth["a"] == pytest.approx(worth["b"], abs=1e-9)
    assert worth["z"] == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=10, derandomize=True, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_sampled_parts_sum_to_the_difference_too(seed: int) -> None:
    names = "abcdefgh"
    values = game(seed, names)
    found = shapley(list(names), lambda s: np.array([values[s]]), orders=6, seed=seed)
    assert found.parts is not None
    assert found.errors is not None
    assert found.orders == found.tried == 6
    assert found.parts.sum() == pytest.approx(float((found.end - found.start)[0]), rel=1e-9, abs=1e-8)


def test_what_two_share_is_sampled_without_error() -> None:
    """A game of single and pairwise terms: an order and its reverse give each pair's half exactly."""
    generator = np.random.default_rng(3)
    names = "abcdefgh"
    one = dict(zip(names, generator.normal(size=8), strict=True))
    two = {(x, y): generator.normal() for x in names for y in names if x < y}

    def value(chosen: frozenset[str]) -> float:
        pairs = sum(w for (x, y), w in two.items() if x in chosen and y in chosen)
        return sum(one[name] for name in chosen) + pairs

    expected = {n: one[n] + sum(w / 2 for pair, w in two.items() if n in pair) for n in names}
    assert parts(names, value, orders=4) == pytest.approx(expected, abs=1e-12)


def test_the_error_is_as_large_as_what_orders_differ_by() -> None:
    """Over many seeds the sampled part misses the exact one by its stated standard error."""
    names = "abcdefg"
    values = game(5, names)
    exact = parts(names, values.__getitem__, most_exact=7)
    misses: list[float] = []
    for seed in range(60):
        found = shapley(list(names), lambda s: np.array([values[s]]), orders=20, seed=seed)
        assert found.parts is not None
        assert found.errors is not None
        wanted = np.array([exact[name] for name in names])
        misses.extend(((found.parts[:, 0] - wanted) / found.errors[:, 0]).tolist())
    assert 0.8 < math.sqrt(np.mean(np.square(misses))) < 1.6  # Student's t with 9 degrees: 1.13
    assert abs(np.mean(misses)) < 0.15


def test_sampled_orders_leave_out_what_has_no_value() -> None:
    own = dict(zip("abcdefgh", range(1, 9), strict=True))

    def value(chosen: frozenset[str]) -> float | None:
        return None if "a" in chosen and "b" not in chosen else float(sum(own[name] for name in chosen))

    found = shapley(list(own), lambda s: None if (v := value(s)) is None else np.array([v]), orders=12)
    assert found.parts is not None
    assert found.tried == 12
    assert 0 < found.orders < 12
    assert found.parts[:, 0].tolist() == pytest.approx([float(v) for v in own.values()])
    assert all("a" in chosen and "b" not in chosen for chosen in found.impossible)


def test_the_ends_of_all_that_was_met() -> None:
    """Two players who each do harm that the other undoes: the mixtures lie far outside of both ends."""
    found = shapley(["a", "b"], lambda s: np.array([1e6 if len(s) == 1 else float(len(s))]))
    assert (found.low[0], found.high[0]) == (0.0, 1e6)
    assert found.parts is not None
    assert found.parts[:, 0].tolist() == [1.0, 1.0]


def test_each_set_is_asked_for_once() -> None:
    seen: list[frozenset[str]] = []

    def value(chosen: frozenset[str]) -> np.ndarray:
        seen.append(chosen)
        return np.array([float(len(chosen))])

    shapley(list("abcd"), value)
    assert len(seen) == len(set(seen)) == 16


def test_what_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match="twice"):
        shapley(["a", "a"], lambda s: np.zeros(1))
    with pytest.raises(ValueError, match="two pairs"):
        shapley(["a"], lambda s: np.zeros(1), orders=1)
    with pytest.raises(ValueError, match="need a value"):
        shapley(["a"], lambda s: None if s else np.zeros(1))


def test_known_shares_of_a_graph() -> None:
    """cost = 2·watts·price·hours + capital: three factors and a term, split as the formula says; what
    sees the same is computed once.
    """
    graph = Graph()
    for name in ("chip.watts", "chip.price", "site.price", "run.hours"):
        graph.leaf(name, "1", name)

    @graph.quantity("run.power", "W")
    def power(chip_watts: float) -> float:
        """Power."""
        return 2.0 * chip_watts

    @graph.quantity("supply.plan", "")
    def plan(run_power: float, site_price: float) -> float:
        """Dear to make."""
        return site_price * run_power

    @graph.quantity("run.cost", "$")
    def cost(supply_plan: float, run_hours: float, chip_price: float) -> float:
        """Cost."""
        return supply_plan * run_hours + chip_price

    a = {"chip.watts": 500.0, "chip.price": 10.0, "site.price": 2.0, "run.hours": 3.0}
    b = {"chip.watts": 800.0, "chip.price": 25.0, "site.price": 3.0, "run.hours": 1.0}
    memo = Memo()

    def value(chosen: frozenset[str]) -> np.ndarray:
        leaves = {name: Leaf((b if name in chosen else a)[name], "scenario") for name in a}
        return np.array([memo.evaluate(graph, leaves, targets=["run.cost"])["run.cost"].value])

    found = shapley(list(a), value)
    assert found.parts is not None
    worth = dict(zip(found.players, found.parts[:, 0], strict=True))
    assert worth["chip.price"] == pytest.approx(15.0, abs=1e-9)
    x, y, z = ((a[n], b[n]) for n in ("chip.watts", "site.price", "run.hours"))

    def share(own: tuple[float, float], one: tuple[float, float], two: tuple[float, float]) -> float:
        mean = (one[0] * two[0] + one[1] * two[1]) / 3 + (one[0] * two[1] + one[1] * two[0]) / 6
        return 2.0 * (own[1] - own[0]) * mean

    assert worth["chip.watts"] == pytest.approx(share(x, y, z), abs=1e-9)
    assert worth["site.price"] == pytest.approx(share(y, x, z), abs=1e-9)
    assert worth["run.hours"] == pytest.approx(share(z, x, y), abs=1e-9)
    assert sum(worth.values()) == pytest.approx(float((found.end - found.start)[0]), rel=1e-9)
    assert memo.misses == {"run.power": 2, "supply.plan": 4, "run.cost": 16}
