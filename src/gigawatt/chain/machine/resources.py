"""Resources of a machine, and the machine with more of one: relief of the chain and of plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from gigawatt.machine import Cluster
from gigawatt.machine.machine import Link
from gigawatt.performance import Stack

__all__ = ["LESS", "RESOURCES", "resources"]

_Change = Callable[[Cluster, Stack, float], tuple[Cluster, Stack]]


def _faster(link: Link, factor: float) -> Link:
    return replace(link, bandwidth=link.bandwidth * factor)


def _nearer(link: Link, factor: float) -> Link:
    return replace(link, latency=link.latency / factor)


def _peak(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    """More arithmetic for the same watts, without which a chip at its power limit would gain nothing."""
    chip, special, arrays = cluster.chip, cluster.chip.exponentials, cluster.chip.arrays
    quicker = replace(
        chip,
        peak={name: rate * factor for name, rate in chip.peak.items()},
        energy_flop={name: joules / factor for name, joules in chip.energy_flop.items()},
        exponentials=None if special is None else special * factor,
        arrays=None if arrays is None else arrays.quicker(factor),
    )
    return replace(cluster, chip=quicker), stack


def _memory_bandwidth(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    rate = cluster.chip.memory_bandwidth * factor
    return replace(cluster, chip=replace(cluster.chip, memory_bandwidth=rate)), stack


def _memory_bytes(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    size = cluster.chip.memory_bytes * factor
    return replace(cluster, chip=replace(cluster.chip, memory_bytes=size)), stack


def _scale_up(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    return replace(cluster, scale_up=_faster(cluster.scale_up, factor)), stack


def _scale_out(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    return replace(cluster, scale_out=_faster(cluster.scale_out, factor)), stack


def _domain(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    size = min(round(cluster.scale_up_size * factor), cluster.count)
    return replace(cluster, scale_up_size=size), stack


def _latency(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    up, out = _nearer(cluster.scale_up, factor), _nearer(cluster.scale_out, factor)
    return replace(cluster, scale_up=up, scale_out=out), stack


def _launch(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    return cluster, replace(stack, launch=stack.launch / factor, host=stack.host / factor)


def _same(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    return cluster, stack


RESOURCES: Mapping[str, tuple[str, _Change]] = {
    "arithmetic": ("peak FLOP/s of all formats", _peak),
    "memory_bandwidth": ("memory bandwidth", _memory_bandwidth),
    "memory_capacity": ("memory capacity", _memory_bytes),
    "scale_up_bandwidth": ("link bandwidth inside the domain", _scale_up),
    "scale_out_bandwidth": ("link bandwidth between domains", _scale_out),
    "scale_up_domain": ("accelerators in a domain", _domain),
    "latency": ("latency of the links", _latency),
    "launch": ("launch overhead of the software", _launch),
    "mtbf": ("mean time between failures", _same),
    "power_cap": ("power cap of an accelerator", _same),
}
"""Resource → its name in words, and how a cluster and a software stack with ``factor`` times it look."""
LESS = ("latency", "launch")
"""Resources of which less is better: they are divided by the factor."""


def resources(cap: float | None) -> Mapping[str, tuple[str, _Change]]:
    """The resources that can relieve a run: without a power ``cap`` [W] there is none to raise."""
    return {name: one for name, one in RESOURCES.items() if cap is not None or name != "power_cap"}
