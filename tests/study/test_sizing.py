"""A budget first, a deadline first: the size found against the chain at sizes that are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.chain.asking import Asker
from gigawatt.chain.machine.sizing import round_counts
from gigawatt.chain.study import Study
from gigawatt.chain.training.inverse import smallest_cluster
from gigawatt.chain.training.question import read_question
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.schema.changed import scenario_of
from sampled import sampled

BASE: dict[str, object] = {
    "model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": "H100", "site": "virginia",
    "supply.plants": ["grid"],
}  # fmt: skip
SERVED: dict[str, object] = {
    "model": "llama-3.1-8b", "machine.chip": "H100", "site": "virginia", "supply.plants": ["grid"],
    "serving.simulated_requests": 4000,
}  # fmt: skip


def asker(base: dict[str, object] = BASE, /, **more: object) -> Asker:
    return Asker(scenario_of(base | {key.replace("__", "."): one for key, one in more.items()}, Path("x")))


def after(count: int) -> int:
    """The next round number of whole nodes of eight."""
    return next(round_counts(count + 1, 8))


@pytest.mark.parametrize(
    ("budget", "more"),
    sampled(
        [
            (345e3, {}),  # a node, with little to spare
            (11.03e6, {}),  # between what 256 take without and with the grid's connection
            (2e9, {}),
            (50e6, {"supply__plants": ["grid", "solar", "battery"], "supply__carbon_limit": "100 g/kWh"}),
            (40e6, {"site__redundancy": "2n", "economics__chip_price": "20 k$", "training__runs": 2}),
            (30e6, {"training__step_time": "2 s"}),
            (30e6, {"supply__price": "60 $/MWh", "supply__plants": None}),
            (20e6, {"layout__tensor": 8, "layout__pipeline": 2}),
        ],
        4,
    ),
)
def test_a_budget_buys_the_most_that_stays_within_it(budget: float, more: dict[str, object]) -> None:
    """Against the chain where the same number is given, and where the next round one is."""
    found = asker(**more, economics__budget=f"{budget} $").at({})
    count = found.value("machine.count").value
    given = asker(**more, machine__count=8)
    capital = [
        given.at({"machine.count": one}).value("ledger.total_capital").value for one in (count, after(count))
    ]
    assert capital[0] == pytest.approx(found.value("ledger.total_capital").value, rel=1e-9)
    assert capital[0] <= budget < capital[1]
    assert found.value("ledger.budget_left").value == pytest.approx(budget - capital[0])


def test_a_larger_budget_never_buys_fewer() -> None:
    asked, counts = asker(economics__budget="1 M$"), list[int]()
    for budget in ("1 M$", "1.1 M$", "3 M$", "7.5 M$", "7.6 M$", "80 M$", "0.9 G$", "20 G$"):
        counts.append(asked.at({"economics.budget": budget}).value("machine.count").value)
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] / 1000


def test_a_budget_beside_a_size_is_a_limit() -> None:
    asked = asker(machine__count=64)
    capital = asked.at({}).value("ledger.total_capital").value
    assert asked.at({}).value("ledger.budget_left").value is None
    for budget, word in ((10e6, "left"), (1e6, "passed by")):
        point = asked.at({"economics.budget": f"{budget} $"})
        assert point.value("machine.count").value == 64
        assert point.value("ledger.budget_left").value == pytest.approx(budget - capital)
        assert sum("the budget: " in one and word in one for one in point.value("study.notices").value) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"economics__budget": "100 k$"}, r"economics\.budget: the budget is too small; given '100 k\$'; "
         r"allowed: at least 341\.\d k\$, which buys a node: 8 accelerators"),
        ({"economics__budget": "1 M$", "model": "llama-3.1-405b"}, "holds the model: 104 accelerators"),
        ({"economics__budget": "1 M$", "economics__chip_rent": "2 $/h"}, r"economics\.chip_rent as well"),
        ({"training__deadline": "9 days", "training__step_time": "2 s"}, "the time of a step is given"),
        ({}, r"training\.deadline: 30 days.*economics\.budget: 50 M\$"),
    ],
)  # fmt: skip
def test_what_sizes_nothing_is_refused(more: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Study(scenario_of(BASE | {key.replace("__", "."): one for key, one in more.items()}, Path("x"))).run()
    assert "\n" not in str(caught.value)


def test_the_least_that_holds_a_model_is_the_least() -> None:
    """405B: 104 accelerators as the refusal says, and no round number below."""
    given = asker(model="llama-3.1-405b", machine__count=8)
    assert given.at({"machine.count": 104}).value("training.duration").value > 0.0
    with pytest.raises(GigawattError, match="fit"):
        given.at({"machine.count": 96}).value("training.duration")


@pytest.mark.parametrize("more", [{}, {"machine__node": "dgx-h100", "training__recovery": "restart"}])
def test_a_deadline_takes_the_fewest_and_what_a_plan_takes(more: dict[str, object]) -> None:
    """The same as plan-training --deadline; the round number below is too slow."""
    found = asker(**more, training__deadline="30 days").at({})
    count = found.value("machine.count").value
    words = {key.replace("__", "."): one for key, one in more.items()}
    question = read_question(model="llama-3.1-8b", chip="H100", tokens="1T", settings=words)
    plan = smallest_cluster(question, 30 * 86400.0)
    assert count == plan.plan.count
    assert found.value("training.duration").value == pytest.approx(plan.plan.days * 86400.0, rel=1e-9)
    below = max(one.count for one in plan.attempts[:-1])
    assert asker(**more, machine__count=below).at({}).value("training.duration").value > 30 * 86400.0
    assert found.value("training.spare").value >= 0.0


def test_a_deadline_beside_a_size_or_a_budget() -> None:
    """A count keeps its number; a deadline sizes before a budget, which is then a limit."""
    assert asker(machine__count=64, training__deadline="3 days").at({}).value("machine.count").value == 64
    both = asker(training__deadline="30 days", economics__budget="1 M$").at({})
    count = both.value("machine.count").value
    assert count == asker(training__deadline="30 days").at({}).value("machine.count").value
    assert both.value("ledger.budget_left").value < 0.0
    runs = asker(training__deadline="30 days", training__runs=3).at({})
    assert runs.value("machine.count").value == 3 * count
    with pytest.raises(InfeasibleError, match="the shortest"):
        asker(training__deadline="0.1 days", training__global_batch="16 sequences").at({}).value(
            "machine.count"
        )


def test_a_service_is_as_large_as_a_budget_buys() -> None:
    found = asker(SERVED, economics__budget="3 M$", serving__mode="aggregated").at({})
    count = found.value("machine.count").value
    next_one = asker(SERVED, machine__count=after(count), serving__mode="aggregated").at({})
    assert found.value("ledger.total_capital").value <= 3e6 < next_one.value("ledger.total_capital").value
    with pytest.raises(InputError, match="which buys a node"):
        asker(SERVED, economics__budget="10 k$", serving__mode="aggregated").at({}).value("machine.count")
