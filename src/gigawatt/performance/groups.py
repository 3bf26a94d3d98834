"""Where a communicator lies: its ranks over domains and topology, and what of each level's rate is left.

Ranks are numbered tensor first, then context, data and pipeline last, and fill the machine in order, so that
a group of ``size`` ranks ``stride`` apart spans size · stride accelerators.

*Trees and dragonflies.* Beyond a tier of T accelerators the uplinks carry T / over cards' worth. A ring
leaves a tier once for every ring in it, so that with d of the group's domains in the tier it is slowed by
over / d, where that is above 1; an all-to-all sends (n − m)/n of its bytes through them, m its ranks in the
tier. A dragonfly's links between two groups are few, so traffic to the group beside is sent over a random
third one (Valiant), which takes two global links.

*Torus.* A group covers e_i ranks along side i, ``apart`` steps from one another. Its rings run along all
sides that it covers at once (Jouppi et al. 2023; Chan et al. 2007), each with the two links of that side,
half where the side is not closed, shared by the rings that interleave. An all-to-all is bound by the
bisection of the longest side: a quarter of the side's ranks' bytes through each link if it closes, half if
not.

References
----------
Kim et al., ISCA 2008 (dragonfly, Valiant routing). Jouppi et al., ISCA 2023 (TPU v4). Chan, Heimlich,
Purkayastha, van de Geijn, "Collective communication", CCPE 19 (2007).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.machine.machine import Cluster, Link
from gigawatt.machine.topology import Topology

__all__ = ["Fabric", "Group", "group", "lying", "place"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fabric:
    """The two levels of interconnect and their topologies.

    ``oversubscription`` ≥ 1 is that above the leaves of ``outer``; without leaves it divides every byte
    between domains. ``domain`` is the accelerators in one.
    """

    scale_up: Link
    scale_out: Link
    oversubscription: float = 1.0
    domain: float = 1.0
    inner: Topology | None = None
    outer: Topology | None = None

    @classmethod
    def of(cls, cluster: Cluster) -> Fabric:
        """The fabric of a cluster."""
        outer, over = cluster.topology, cluster.oversubscription
        if outer is not None and outer.tiers:
            outer, over = outer.oversubscribed(over), 1.0
        return cls(cluster.scale_up, cluster.scale_out, over, cluster.scale_up_size, cluster.inner, outer)

    @property
    def reduces_inside(self) -> bool:
        """Whether the switches of a domain reduce."""
        return self.scale_up.in_network and (self.inner is None or self.inner.kind == "single_switch")

    @property
    def reduces_between(self) -> bool:
        """Whether the switches between domains reduce."""
        return self.scale_out.in_network and (self.outer is None or self.outer.in_network)


@dataclass(frozen=True, slots=True)
class Group:
    """A communicator on a fabric, arrays over layouts.

    Parameters
    ----------
    inside, outside : array
        Ranks in one domain, and domains, both ≥ 1.
    up_rate, out_rate : array, in (0, 1]
        Share of a link's rate that a ring gets on each level.
    up_steps, out_steps : array
        Steps of one pass of a ring on each level.
    out_wait, tree_wait : array [s]
        Switches passed in one pass of a ring, and of a tree, beyond those of the link's own step.
    up_exchange, out_exchange : array
        Seconds of the full rate that each byte held takes in an all-to-all, on each level.
    """

    inside: Array
    outside: Array
    up_rate: Array
    up_steps: Array
    up_exchange: Array
    out_rate: Array
    out_steps: Array
    out_wait: Array
    tree_wait: Array
    out_exchange: Array

    def column(self) -> Group:
        """The same with a last axis of one, to meet arrays over (layouts, stages)."""
        return Group(*(np.asarray(getattr(self, f.name))[..., None] for f in fields(self)))


def place(*, size: ArrayLike, stride: ArrayLike, domain: float) -> tuple[Array, Array]:
    """(ranks inside one fast domain, domains) of a group of ``size`` ranks that lie ``stride`` apart."""
    n = np.asarray(size, dtype=float)
    inside = np.clip(np.floor(domain / np.asarray(stride, dtype=float)), 1.0, n)
    return inside, n / inside


def group(*, size: ArrayLike, stride: ArrayLike, fabric: Fabric) -> Group:
    """How ``size`` ranks that lie ``stride`` apart are placed on ``fabric``.

    Parameters
    ----------
    size, stride : array, ≥ 1
        Ranks, and accelerators from one to the next.
    fabric : Fabric
        Links, domain and topologies.
    """
    inside, outside = place(size=size, stride=stride, domain=fabric.domain)
    return lying(inside=inside, outside=outside, stride=stride, fabric=fabric)


def lying(*, inside: ArrayLike, outside: ArrayLike, fabric: Fabric, stride: ArrayLike = 1.0) -> Group:
    """The group of ``inside`` ranks in each of ``outside`` domains; see :func:`group`."""
    n, o = np.asarray(inside, dtype=float), np.asarray(outside, dtype=float)
    apart = np.asarray(stride, dtype=float)
    one = np.ones(())
    inner, outer = fabric.inner, fabric.outer
    up_rate, up_steps, up_exchange = one, n - 1.0, (n - 1.0) / n
    if inner is not None and inner.kind == "torus":
        up_rate, up_steps, up_exchange = _torus(n, np.minimum(apart, fabric.domain), inner)
    else:
        up_steps = up_steps * o
        if inner is not None and inner.kind == "mesh" and fabric.domain > 1.0:
            links = np.maximum(n - 1.0, 1.0) / (fabric.domain - 1.0)
            up_rate, up_exchange = links, up_exchange / links
    out_wait = tree_wait = np.zeros(())
    if outer is not None and outer.kind == "torus":
        out_rate, out_steps, out_exchange = _torus(o, np.maximum(apart / fabric.domain, 1.0), outer)
    else:
        out_rate, out_steps, out_exchange = one, o - 1.0, (o - 1.0) / o
        if outer is not None and outer.tiers:
            out_rate, out_wait, tree_wait, crossing = _tiers(n, o, apart, outer)
            out_exchange = np.maximum(out_exchange, crossing)
    out_rate = out_rate / fabric.oversubscription
    return Group(
        inside=n,
        outside=o,
        up_rate=np.asarray(up_rate),
        up_steps=up_steps,
        up_exchange=up_exchange,
        out_rate=np.asarray(out_rate),
        out_steps=out_steps,
        out_wait=out_wait,
        tree_wait=tree_wait,
        out_exchange=out_exchange * fabric.oversubscription,
    )


def _tiers(inside: Array, outside: Array, stride: Array, topology: Topology) -> tuple[Array, ...]:
    """(a ring's share of the rate, waits of a ring and of a tree, all-to-all seconds a byte) beyond tiers."""
    slow = np.ones(())
    out_wait = tree_wait = crossing = np.zeros(())
    ranks = inside * outside
    span = ranks * stride
    for tier in topology.tiers:
        if not np.any(span > tier.size):
            continue
        near = np.clip(tier.size / stride, inside, ranks)
        units = ranks / near
        if tier.neighbours > 1.0:
            beyond = (span > tier.size) & (outside > 1.0)
            slow = np.maximum(slow, np.where(beyond, tier.neighbours * inside / near, 1.0))
        if tier.uniform > 1.0:
            crossing = np.maximum(crossing, (1.0 - near / ranks) * tier.uniform)
        if topology.hop > 0.0:
            each = tier.hops * topology.hop
            out_wait, tree_wait = out_wait + each * (units - 1.0), tree_wait + each * np.log2(units)
    return 1.0 / slow, out_wait, tree_wait, crossing


def _torus(size: Array, stride: Array, topology: Topology) -> tuple[Array, Array, Array]:
    """(share of the rate, steps of a ring, all-to-all seconds a byte at full rate) of ranks on a torus."""
    sides = len(topology.shape)
    rate: Array | float = 0.0
    steps: Array | float = 0.0
    exchange: Array | float = 0.0
    below = 1.0
    for side in topology.shape:
        above = below * side
        covered = np.clip(np.minimum(size * stride, above) / np.maximum(stride, below), 1.0, side)
        apart = np.clip(stride / below, 1.0, side)
        closes = (covered * apart >= side) & (side % topology.wrap == 0)
        many = covered > 1.0
        rate = rate + np.where(many, np.where(closes, 1.0, 0.5) / (sides * apart), 0.0)
        steps = steps + np.where(closes, covered / 2.0, covered - 1.0) * apart * many
        cut = np.where(closes, 0.25, 0.5) * covered * apart * sides
        exchange = np.maximum(exchange, np.where(many, cut, 0.0))
        below = above
    return np.where(np.asarray(rate) > 0.0, rate, 1.0), np.asarray(steps), np.asarray(exchange)
