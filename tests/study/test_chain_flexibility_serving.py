"""What slowing and shedding costs a service, and what a plan makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.serving.flexibility import Hours, Slowed, points_of, slowed
from gigawatt.chain.study import Study
from gigawatt.chain.supply.flexibility import ladder_of
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.money import SECONDS_PER_YEAR
from gigawatt.performance.serving.curve import BatchCurve

HOUR = 3600.0
SCENARIO = """\
name: a service that gives way
year: 2026
model: llama-3.1-8b
serving:
  demand: {demand}
  trace: azure-conversation-2023
  shape: azure-conversation-2024-weekday
  objective: ttft=1s,tpot=50ms,p99
  simulated_requests: 8000
  {serving}
machine:
  chip: H100
site:
  name: abilene-texas
supply:
  plants: [grid]
  units: any
  {supply}
"""
PEAKS = "flexible: computed\n  grid: {peak_charge: 80 $/kW}"


def study(tmp_path: Path, *, serving: str = "", supply: str = PEAKS, demand: str = "100 requests/s") -> Study:
    file = tmp_path / "one.yaml"
    file.write_text(SCENARIO.format(serving=serving, supply=supply, demand=demand))
    return Study.read(file)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, dict[str, Any]]:
    found: dict[str, Any] = {}

    def kept(result: Result, _: object, values: Any) -> Result:
        found.update(values)
        return result

    # sequences limit a replica of this engine (256), so that caps have time to spare below the promised one
    asked = study(tmp_path_factory.mktemp("served"), serving="engine: generic-2025")
    return asked.run(finish=kept), found


# --- one hour under a cap

CURVE = BatchCurve(
    caps=np.array([700.0, 400.0]),
    batch=np.array([1.0, 2.0]),
    power=np.zeros((2, 2)),
    accelerators=np.array([[200.0, 300.0], [160.0, 220.0]]),
    tokens=np.array([[10.0, 20.0], [8.0, 16.0]]),
    token_time=np.array([[0.1, 0.1], [0.125, 0.125]]),
    chips=1,
)


def hours(*rate: float, follows: float = 200.0) -> Hours:
    many = np.ones(len(rate))
    return Hours(weight=many, rate=np.array(rate), power=400.0 * many, follows=follows * many)


def test_a_cap_that_is_quick_enough_loses_no_request() -> None:
    found = slowed(hours(12.0, 20.0), CURVE, idle=100.0, limit=0.2, room=20.0, output=1.0)
    assert found.given[0] == pytest.approx([0.0, 0.0])
    assert found.lost[1] == pytest.approx([0.0, 0.2])  # the capped replica takes 16 of 20
    assert found.given[1] == pytest.approx([0.5 * (1.0 - 90.0 / 120.0), 0.5 * (1.0 - 120.0 / 200.0)])
    assert found.token_time[1] == pytest.approx([0.125, 0.125])


def test_a_token_comes_in_the_promised_time_or_its_request_is_shed() -> None:
    late = slowed(hours(12.0), CURVE, idle=100.0, limit=0.11, room=20.0, output=1.0)
    assert late.lost[1] == pytest.approx([1.0])
    assert late.given[1] == pytest.approx([0.5])
    missed = slowed(hours(12.0), CURVE, idle=100.0, limit=0.05, room=20.0, output=1.0)
    assert missed.lost[0] == pytest.approx([0.0])  # what is late without a cap is no loss of one


def test_no_more_of_a_capped_replica_is_used_than_of_a_free_one() -> None:
    found = slowed(hours(10.0), CURVE, idle=100.0, limit=1.0, room=10.0, output=1.0)
    assert found.lost[1] == pytest.approx([0.2])  # 0.8 of its speed, 0.8 of 10 requests


def test_all_that_a_service_gives_costs_what_it_is_worth() -> None:
    one = hours(20.0)
    found = slowed(one, CURVE, idle=100.0, limit=0.2, room=20.0, output=1.0)
    ladder = ladder_of(points_of(one, found), worth=10.0, power=400.0)
    assert [step.name for step in ladder.steps] == ["cap of 400 W", "requests shed"]
    assert sum(step.share for step in ladder.steps) == pytest.approx(0.5)
    assert sum(step.share * 400.0 * step.cost for step in ladder.steps) == pytest.approx(10.0)
    assert ladder.kept == pytest.approx((0.8, 0.0))
    assert ladder.token_time == pytest.approx((0.125, 0.125))


def test_without_a_curve_requests_are_shed_in_proportion() -> None:
    (point,) = points_of(hours(20.0), None)
    assert (point.share, point.lost, point.name) == (0.5, 1.0, "requests shed")


def test_every_hour_gives_the_share_by_a_cap_of_its_own() -> None:
    """The quiet hour gives less under the same cap, and so takes a lower one that costs it requests."""
    two = Hours(np.array([1.0, 3.0]), np.array([2.0, 1.0]), np.array([4.0, 4.0]), np.array([3.0, 2.0]))
    made = Slowed(
        caps=np.array([700.0, 400.0]),
        given=np.array([[0.0, 0.0], [0.3, 0.2]]),
        lost=np.array([[0.0, 0.0], [0.0, 0.0]]),
        token_time=np.array([[1.0, 1.0], [2.0, 2.0]]),
    )
    free, cap, shed = points_of(two, made)
    assert (free.share, free.lost, free.token_time) == (0.2, 0.0, pytest.approx(1.0 + 0.2 / 0.3))
    assert cap.share == 0.3
    assert cap.lost == pytest.approx(3.0 / 5.0 * (0.3 - 0.2) / (0.5 - 0.2))
    assert shed.share == 0.5  # the least that every hour gives
    assert shed.lost == pytest.approx(2.0 / 5.0 * (0.5 - 0.3) / (0.75 - 0.3) + 3.0 / 5.0)


# --- a service


def test_a_pause_costs_the_hour_of_the_campus_and_its_energy(ran: tuple[Result, dict[str, Any]]) -> None:
    o = ran[1]
    mean, paused = o["facility.power_mean"], o["facility.power_paused"]
    hour = (o["load.hour_cost"] + o["supply.later_price"] * mean) * HOUR
    assert o["load.pause_cost"] * (mean - paused) * HOUR == pytest.approx(hour, rel=1e-12)
    books = o["ledger.ledger"]
    without = books.cost_yearly - books.electricity_yearly
    assert o["load.hour_cost"] == pytest.approx(without / SECONDS_PER_YEAR, rel=1e-9)
    parts = o["machine.energy"]
    rest = paused / o["facility.pue"]
    assert parts["idle"] + parts["network"] < rest < o["machine.power_it"] - parts["at work"]
    assert o["load.flexible_share"] <= 1.0 - paused / mean


def test_steps_rise_in_cost_and_the_first_loses_nothing(ran: tuple[Result, dict[str, Any]]) -> None:
    ladder, limit = ran[1]["load.ladder"], ran[1]["serving.objective"].tpot
    costs = [step.cost for step in ladder.steps]
    assert costs == sorted(costs)
    assert costs[0] == 0.0
    assert ladder.steps[0].name == "caps within the promised time"
    assert ladder.kept[0] == 1.0
    assert all(before > after for before, after in zip(ladder.kept, ladder.kept[1:], strict=False))
    assert ladder.steps[-1].name == "requests shed"
    free = ran[1]["serving.slowed"].token_time[0].max()
    assert free < ladder.token_time[0] <= max(ladder.token_time) < limit
    assert ran[1]["load.pause_cost"] < costs[-1] * 4.0


def test_a_dear_hour_is_cut_and_its_tokens_are_not_written(ran: tuple[Result, dict[str, Any]]) -> None:
    o = ran[1]
    plan, gives = o["supply.plan"], o["load.flexible_share"]
    assert o["supply.flexible"].outage_price is None
    assert np.count_nonzero(plan.cut > (gives - 1e-6) * plan.load) == 4  # 20,000 $/MWh in each
    assert np.all(plan.cut <= gives * plan.load * (1.0 + 1e-9))
    slows = np.array([step.slows / step.share for step in o["supply.flexible"].ladder])
    lost = float(np.mean(plan.cut_steps / plan.load[:, None] @ slows))
    assert 0.0 < o["supply.time_lost"] == pytest.approx(lost, rel=1e-9)
    written = o["serving.rate"] * (1.0 - o["serving.rejected"]) * o["serving.output_tokens"]
    assert o["serving.throughput"] == pytest.approx(written * (1.0 - lost), rel=1e-12)
    both = o["serving.throughput"] * SECONDS_PER_YEAR + o["serving.shed_tokens"]
    assert both == pytest.approx(written * SECONDS_PER_YEAR, rel=1e-12)
    energy = float(plan.load.sum() - plan.cut.sum()) * HOUR
    assert o["facility.energy"] == pytest.approx(energy, rel=1e-9)
    assert o["serving.energy_token"] * o["serving.throughput"] == pytest.approx(
        energy / SECONDS_PER_YEAR / o["facility.pue"], rel=1e-9
    )
    assert o["supply.flexibility_saves"] * SECONDS_PER_YEAR == pytest.approx(
        o["supply.uncut_plan"].objective - plan.objective, rel=1e-4
    )
    assert o["supply.flexibility_saves"] > 0.0


def test_costs_are_shared_by_the_requests_that_are_served(ran: tuple[Result, dict[str, Any]]) -> None:
    o = ran[1]
    cost = o["ledger.ledger"].cost_yearly
    served = o["serving.rate"] * (1.0 - o["serving.rejected"]) * (1.0 - o["supply.time_lost"])
    assert o["economics.cost_request"] * served * SECONDS_PER_YEAR == pytest.approx(cost, rel=1e-9)
    each = (
        o["economics.cost_million_prompt"] * o["serving.throughput_prompt"]
        + o["economics.cost_million_output"] * o["serving.throughput"]
    )
    assert each * SECONDS_PER_YEAR == pytest.approx(cost, rel=1e-9)
    energy = ran[0].tables["energy"]["energy [kWh/Mtoken]"].sum() * 3.6e6 / 1e6
    assert energy * o["serving.throughput"] * SECONDS_PER_YEAR == pytest.approx(
        o["facility.energy"], rel=1e-9
    )


def test_the_answer_says_what_is_cut_and_what_is_not_written(ran: tuple[Result, dict[str, Any]]) -> None:
    result = ran[0]
    told = [text for text in result.notices if text.startswith("the service is cut in ")]
    assert len(told) == 1
    assert "are not written" in told[0]
    assert "outages the price of energy not served" in told[0]
    rows = result.tables["flexibility"]
    assert rows["token_time [ms]"].tolist() == pytest.approx(
        [1e3 * one for one in ran[1]["load.ladder"].token_time]
    )
    assert rows["cut [MWh/yr]"].sum() * 3.6e9 == pytest.approx(
        float(ran[1]["supply.plan"].cut.sum()) * HOUR, rel=1e-9
    )


def test_a_service_that_is_not_asked_has_no_ladder() -> None:
    plain, asked = (graph_of_branch("serving", given).nodes for given in ((), ("supply.flexible=computed",)))
    assert not [name for name in plain if name.startswith("load.")]
    assert {"load.ladder", "load.pause_cost", "load.cap_cost", "load.last_cost"} <= set(asked)


@pytest.mark.parametrize(
    ("supply", "said"),
    [
        ("flexible: computed\n  deferrable: 10%:6h", "nothing waits beside what is computed"),
        ("flexible: computed\n  price: 60 $/MWh", "is given as well"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, supply: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        study(tmp_path, supply=supply).run()


def test_disaggregated_pools_are_shed_alone(tmp_path: Path) -> None:
    found = study(tmp_path, serving="mode: disaggregated", demand="50 requests/s").run()
    assert found.tables["flexibility"].index.tolist() == ["requests shed"]
    assert "token_time [ms]" not in found.tables["flexibility"]
