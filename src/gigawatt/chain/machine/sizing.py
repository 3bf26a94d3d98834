"""The size of a machine that follows from what it leads to: the most accelerators that a budget buys.

The graph has no cycle: what a size leads to is asked of the graph in which the size is given
(:class:`~gigawatt.core.branching.Inside`), at round numbers: whole nodes with at most four significant binary
digits, which parallel degrees can divide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from gigawatt.catalog import Entity
from gigawatt.chain.machine.quantities import Machine
from gigawatt.chain.memo import Memo, memo_in_use
from gigawatt.chain.money import campus
from gigawatt.chain.registry import CHAIN, SERVING, TRAINING, running
from gigawatt.core.branching import Inside
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Evidence
from gigawatt.core.graph import Value
from gigawatt.core.quantities import several, show
from gigawatt.machine import Chip, build_cluster
from gigawatt.power.plan.kept_optima import KeptOptima, keeping, kept_optima

__all__ = ["BITS", "Asked", "Sizing", "money", "of_size", "round_counts"]

BITS = 4
"""Significant binary digits of a number of accelerators, as where a power limit gives it."""
_BY_SIZE = frozenset(("training.fit", "layouts.search", "serving.plan", "serving.day"))
"""Quantities that one number of accelerators can have no answer for, and another can."""
_TRIED = 24
"""Sizes that are looked at for a budget, at most; one to three as a rule."""
_PLANTS = 0.05
"""Capital of plants and connection over that of the machine and its building, from which a search starts."""
_WHOLE_NODES = 2**20
"""A count at which no node is cut short."""


@dataclass(frozen=True)
class Sizing:
    """``count`` accelerators that were found, a sentence about them, and the rows that they follow from."""

    count: int
    name: str
    evidence: tuple[Evidence, ...]


class Asked:
    """The target of a search, in SI, on any number of accelerators, each number asked once.

    What is computed for a number is left to the evaluation that asks, which takes the one that is found.
    """

    def __init__(self, inside: Inside) -> None:
        self.inside, self.memo = inside, memo_in_use() or Memo()
        self.optima = kept_optima() or KeptOptima()
        self.values: dict[int, Value | GigawattError] = {}

    def value(self, count: int) -> Value | GigawattError:
        """The target, or why this number has no answer; raises an error that no other number mends."""
        if count not in self.values:
            leaves, target = self.inside.at({"count": count, "power": None}), self.inside.target
            of = list[str]()
            try:
                with keeping(self.optima):
                    found = self.memo.evaluate(
                        self.inside.graph, leaves, targets=(target,), blame=lambda _, name: of.append(name)
                    )
                self.values[count] = found[target]
            except GigawattError as error:
                if not _BY_SIZE.intersection(of):
                    raise
                self.values[count] = error
        return self.values[count]

    def knows(self, count: int) -> bool:
        """Whether a number has been asked."""
        return count in self.values

    def __call__(self, count: int) -> float | None:
        """The target; ``None`` where this number of accelerators has no answer."""
        found = self.value(count)
        return float(found.value) if isinstance(found, Value) else None

    def sizing(self, count: int, notice: str) -> Sizing:
        """What was found, with what stands behind it."""
        found = self.value(count)
        return Sizing(count, notice, found.evidence if isinstance(found, Value) else ())


def round_counts(least: float, node: int) -> Iterator[int]:
    """Whole nodes of accelerators with at most four significant binary digits, from ``least`` on."""
    count = node
    while True:
        if count >= least:
            yield count
        step = node
        while step * 2**BITS <= count + node:
            step *= 2
        count = (count // step + 1) * step


def _below(most: float, node: int) -> int:
    """The largest of :func:`round_counts` up to ``most``; 0 where a node is more."""
    nodes = int(most / node)
    step = 1 << max(0, nodes.bit_length() - BITS)
    return nodes // step * step * node


def money(dollars: float) -> str:
    """An amount as a person writes it: 9.87 M$."""
    unit = next((unit for unit, size in (("G$", 1e9), ("M$", 1e6)) if abs(dollars) >= size), "k$")
    return show(dollars, unit)


def _most_within(
    budget: float, capital: Callable[[int], float | None], node: int, least: float
) -> tuple[int, int]:
    """(most accelerators of which the capital is within the budget, the next round number), by secants.

    The capital is nearly in proportion to the number, and what it is without plants, ``least`` [$] of an
    accelerator, is near to it: the first or the second number asked is mostly the one. What plants cost at a
    number within the budget is the least that they cost at a larger one, which rules most of them out.
    Numbers with no answer, such as those that a layout that is held does not divide, are passed over.
    """
    low, high, count = 0, 0, max(node, _below(budget / (1.0 + _PLANTS) / least, node))
    plants = 0.0  # capital beside the machine and its building, which does not fall as they grow
    for _ in range(_TRIED):
        if not count or (high and count >= high):
            break
        floor = count * least + plants
        spent = capital(count) if floor <= budget else floor
        if spent is None:
            count = next(round_counts(count + 1, node)) if low else _below(count - 1, node)
            continue
        low, high = (count, high) if spent <= budget else (low, count)
        plants = max(plants, spent - count * least) if spent <= budget else plants
        count = _below(count * budget / spent, node)
        if low:
            count = max(count, next(round_counts(low + 1, node)))
        if high:
            count = min(count, _below(high - 1, node))
        if count <= low:
            break
    return low, high


def _too_small(budget: float, capital: Asked, node: int) -> GigawattError:
    """What the least machine costs that has an answer: a node, or what holds the model."""
    counts = takewhile(lambda one: one <= _WHOLE_NODES, round_counts(node, node))
    count, least = next(((one, found) for one in counts if (found := capital(one)) is not None), (0, None))
    if least is None:
        wrong = capital.value(node)
        assert isinstance(wrong, GigawattError)
        return wrong
    buys = "a node" if count == node else "the least that holds the model"
    return InputError(
        "the budget is too small",
        key="economics.budget",
        given=money(budget),
        allowed=f"at least {money(least)}, which buys {buys}: {several(count, 'accelerator')}",
    )


@running("machine.found", "")
def found_as_given(machine_size: Mapping[str, Any]) -> Sizing | None:
    """What was found where the size is sought.

    Nothing: it is given.
    """
    assert machine_size is not None
    return None


@CHAIN.inverse(
    "machine.found", (TRAINING, SERVING), unknown="machine.size", target="ledger.total_capital",
    given=("economics.budget",),
    method="""Secants over round numbers of accelerators (whole nodes, at most four significant binary
    digits), each with its whole campus and plan of supply, until one is within the budget and the next
    is not.""",
)  # fmt: skip
def found_by_budget(
    inside: Inside,
    economics_budget: float,
    economics_chip_life: float | None,
    machine_chip: Chip,
    machine_options: Mapping[str, Any],
    machine_design_power: float,
    site_redundancy: Entity | None,
) -> Sizing:
    """The most accelerators that the budget buys, in round numbers, with node, network, building and plants.

    Largest round number of which the capital up front is within the budget.
    """
    cluster, _ = build_cluster(chip=machine_chip, count=_WHOLE_NODES, **machine_options)
    node, capital, whole = max(1, cluster.node.chips), Asked(inside), Machine(cluster, _WHOLE_NODES, ())
    bought = campus(
        whole, _WHOLE_NODES, 0.0, machine_design_power, economics_chip_life, site_redundancy, {}
    ).assets.values()
    least = sum(one.price for one in bought) / _WHOLE_NODES
    count, after = _most_within(economics_budget, capital, node, least)
    if not count:
        raise _too_small(economics_budget, capital, node)
    spent, above = capital(count), capital(after) if capital.knows(after) else None
    floor = (spent or 0.0) + (after - count) * least
    more = f"at least {money(floor)}" if above is None else money(above)
    told = f"{money(economics_budget)} buys {count:,} {machine_chip.name} for {money(spent or 0.0)}"
    told += f"; {after:,} would take {more}" if after else ""
    return capital.sizing(count, told)


@running("machine.size", "", given=("economics.budget", "training.deadline"))
def size_found(machine_found: Sizing) -> Mapping[str, Any]:
    """Number of accelerators, as it was found.

    accelerators that the budget or the deadline was searched for (machine.found); no power limits them
    """
    return {"count": machine_found.count, "power": None}


@running("ledger.budget_left", "M$")
def budget_left(economics_budget: float | None, ledger_total_capital: float) -> float | None:
    """What is left of the budget to build with, where one is given; below zero: by how much it is passed.

    budget − upfront investment
    """
    return None if economics_budget is None else economics_budget - ledger_total_capital


def of_size(found: Sizing | None, left: float | None) -> list[str]:
    """Notices of a size that was found, and of what is left of a budget."""
    told = [] if found is None else [found.name]
    if left is not None:
        told.append(
            f"the budget: {money(left)} left" if left >= 0.0 else f"the budget: passed by {money(-left)}"
        )
    return told
