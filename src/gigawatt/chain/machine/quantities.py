"""The chain, first part: number of accelerators, their power, and the power provided for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gigawatt.catalog import Entity
from gigawatt.chain.registry import running, serving
from gigawatt.core.evidence import Assumption
from gigawatt.facility import LoadShape, Weather, facility_load, with_pue
from gigawatt.machine import Chip, Cluster, Node, build_cluster

__all__ = [
    "Machine",
    "affordable",
    "design_power",
    "fed",
    "flat_year",
    "provided",
    "pue_peak",
    "spare_power_of",
]

#: A count at which no node or domain is cut short, for what one accelerator needs.
_WHOLE_NODES = 2**20


@dataclass(frozen=True)
class Machine:
    """The cluster of one run, with its assumptions."""

    cluster: Cluster
    count: int
    assumptions: tuple[Assumption, ...]


@serving("machine.cap", "")
def machine_cap(machine_power_cap: float | None) -> float | None:
    """Largest power of one accelerator, where it is held to less than its own limit [W].

    As given.
    """
    return machine_power_cap


@running("machine.design_power", "W", rows=("power_limit", "overhead_power", "network_power", "chips"))
def design_power(machine_chip: Chip, machine_options: Mapping[str, Any], machine_cap: float | None) -> float:
    """IT power provided for one accelerator of a full node.

    power limit of the chip, or the cap if that is less + node overhead / chips in a node + network power
    per accelerator
    """
    cluster, _ = build_cluster(chip=machine_chip, count=_WHOLE_NODES, **machine_options)
    node, limit = cluster.node, machine_chip.power_limit
    held = limit if machine_cap is None else min(machine_cap, limit)
    return held + node.overhead_power / node.chips + cluster.network_power


@running(
    "machine.nameplate", "W", rows=("power_limit", "overhead_power", "rated_power", "network_power", "chips")
)
def nameplate(
    machine_chip: Chip, machine_options: Mapping[str, Any], machine_design_power: float, machine_count: int
) -> float:
    """Rated IT power of one accelerator with its share of the nodes that are there, and of the network.

    power provided for it + (rating of the node − power limits of its chips − overhead) / chips in a node,
    where the node has a rating beyond them; where the last node has empty places, all that a node takes
    beside its chips is that of nodes / accelerators
    """
    node = build_cluster(chip=machine_chip, count=_WHOLE_NODES, **machine_options)[0].node
    limits = node.chips * machine_chip.power_limit + node.overhead_power
    beyond = max(0.0, (node.rated_power or limits) - limits)
    empty = node.empty(machine_count) * (node.overhead_power + beyond) / machine_count
    return machine_design_power + beyond / node.chips + empty


def provided(node: Node, each: float, count: int) -> float:
    """IT power provided for ``count`` accelerators [W], of ``each`` [W] in a full node.

    A node is powered whole: the overhead of its empty places is provided too.
    """
    return each * count + node.overhead_power * node.empty(count)


def spare_power_of(cluster: Cluster, spare: int, count: int) -> float:
    """IT power that a campus of ``count`` draws beside the accelerators that train [W].

    That of ``spare`` idle accelerators like those of a cluster, with their share of node and network, and
    the overhead of the places of the last node that no accelerator is counted for.
    """
    node = cluster.node
    each = cluster.chip.idle_power + node.overhead_power / node.chips + cluster.network_power
    return spare * each + node.overhead_power * node.empty(count)


def flat_year(
    weather: Weather, cooling: Entity, redundancy: Entity | None, given_pue: float | None = None
) -> LoadShape:
    """The facility's year under a constant IT load of one watt."""
    flat = np.ones(len(weather.air_temperature()))
    load = facility_load(it_power=flat, weather=weather, cooling=cooling, redundancy=redundancy)
    return with_pue(load, given_pue)


@running("machine.pue_peak", "1")
def pue_peak(
    site_weather: Weather, site_cooling: Entity, site_redundancy: Entity | None, site_pue: float | None
) -> float:
    """PUE in the hottest hour at full load, for sizing.

    Largest hourly PUE of a constant IT load under the site's weather, or the PUE that is given.
    """
    return float(np.max(flat_year(site_weather, site_cooling, site_redundancy, site_pue).pue))


def affordable(power: float, per_unit: float, pue: float, runs: int, node: Node) -> int:
    """Accelerators of ``per_unit`` [W] in a full ``node`` that ``power`` [W] feeds, or 0.

    With all of their nodes, to four binary digits a run.
    """
    affordable = power / (per_unit * pue) / runs
    if affordable < 1:
        return 0
    step = 2 ** max(0, math.floor(math.log2(affordable)) - 3)
    each = int(affordable // step * step)
    while not _feeds(power / pue, node, per_unit, each * runs):
        each -= min(step, each)
    return each * runs


def fed(power: float, per_unit: float, pue: float, node: Node) -> int:
    """Accelerators of ``per_unit`` [W] in a full ``node`` that ``power`` [W] feeds with their nodes; or 0."""
    count = int(power / (per_unit * pue))
    while not _feeds(power / pue, node, per_unit, count):
        count -= 1
    return count


def _feeds(power: float, node: Node, each: float, count: int) -> bool:
    return node.empty(count) == 0.0 or provided(node, each, count) <= power
