"""A node that is there is powered and bought whole, by its means, its peaks and its rating alike."""

from __future__ import annotations

from typing import Any

import pytest

import gigawatt
from gigawatt.core.result import Result
from gigawatt.machine import build_cluster

SITE: dict[str, Any] = {"year": 2026, "site": {"name": "virginia"}, "supply": {"plants": ["grid"]}}
KINDS: dict[str, dict[str, Any]] = {
    "training": {"tokens": "1B tokens"},
    "serving": {"prompt": 500, "output": 200, "simulated_requests": 1000},
}


def ran(kind: str, chip: str, model: str = "llama-3.1-8b", *, more: Any = None, **machine: Any) -> Result:
    fields = {kind: KINDS[kind] | (more or {})}
    return gigawatt.run(model=model, machine={"chip": chip} | machine, **fields, **SITE).found


def within(found: Result) -> None:
    """Mean ≤ running peak ≤ nameplate, at the racks and at the meter."""
    peak = "machine.step_power" if "machine.step_power" in found.quantities else "machine.power_it_peak"
    rated = found["machine.nameplate"] * found["machine.count"]
    assert found["machine.power_it"] <= found[peak] <= rated
    meter = [found[f"facility.power_{name}"] for name in ("mean", "peak", "nameplate")]
    assert meter == sorted(meter)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 4, 8, 12])
@pytest.mark.parametrize("chip", ["H100", "GB200"])
def test_mean_is_within_the_running_peak_and_that_within_the_nameplate(
    chip: str, count: int, kind: str
) -> None:
    # one H100 has no room to train 8 billion parameters
    found = ran(kind, chip, "llama-3.1-8b" if (chip, count) != ("H100", 1) else "1B", count=count)
    assert found["machine.count"] == count
    within(found)
    cluster, told = build_cluster(chip=chip, count=count)
    node, limit = cluster.node, cluster.chip.power_limit
    nodes = -(-count // node.chips)
    beside = max(node.overhead_power, (node.rated_power or 0.0) - node.chips * limit)
    rated = count * (limit + cluster.network_power) + nodes * beside
    assert found["machine.nameplate"] * count == pytest.approx(rated, rel=1e-12)
    said = [one.value for one in found.assumptions if one.key == "cluster.nodes"]
    assert said == [one.value for one in told if one.key == "cluster.nodes"]
    assert said == ([] if count % node.chips == 0 else [str(nodes)])


def test_a_demand_that_needs_one_accelerator_pays_for_its_node() -> None:
    found = ran("serving", "H100", more={"demand": "0.5 requests/s"})
    assert found["machine.count"] == 1
    within(found)
    assert found["machine.power_it"] > 0.7 * 2800.0  # the base of the node's overhead, whatever its chips do


def test_runs_that_share_a_node_and_spares_beside_a_run_count_it_once() -> None:
    pair = ran("training", "H100", more={"runs": 2}, count=8)
    assert pair["machine.used"] == 8
    whole = ran("training", "H100", count=8)
    node = build_cluster(chip="H100", count=8)[0].node
    assert pair["machine.spare_power"] == whole["machine.spare_power"] == 0.0
    within(pair)
    alone = ran("training", "H100", count=4)
    assert alone["machine.spare_power"] == pytest.approx(node.overhead_power / 2.0)


def test_nodes_are_bought_whole() -> None:
    cost = {count: ran("training", "H100", count=count)["ledger.total_capital"] for count in (8, 12, 16)}
    price = build_cluster(chip="H100", count=8)[0].node.price
    assert price > 0.0
    # 4 more accelerators on the second node cost no more of the node: its price is in the first step alone
    assert cost[12] - cost[8] > cost[16] - cost[12] + 0.9 * price


@pytest.mark.parametrize("kind", KINDS)
def test_a_power_feeds_the_nodes_of_what_it_feeds(kind: str) -> None:
    # 14 kW at the meter: 10 H100 at their share of a node (1.1 kW × PUE), but a ninth takes a second node;
    # those that train are as many as draw it in a step
    found = ran(kind, "H100", power="14 kW")
    assert found["machine.count"] == {"serving": 8, "training": 9}[kind]
    assert found["facility.power_peak"] <= 14e3
