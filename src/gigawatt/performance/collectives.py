"""Collectives over a fast domain and a scale-out fabric, as arrays over layouts.

Hockney's α–β model: a message of M bytes takes α + M/β, so that half the rate is reached at M = α·β
(the message-size efficiency); a link's ``efficiency`` is the share of the datasheet rate that a large
message reaches. A group of n ranks lies in ``outside`` domains with ``inside`` ranks each; where it
spans both levels the hierarchical algorithm is used: reduce-scatter inside, the operation between
domains on 1/inside of the data, all-gather inside.

References
----------
Thakur, Rabenseifner, Gropp, "Optimization of Collective Communication Operations in MPICH", IJHPCA 19
(2005). Hockney, "The communication challenge for MPP", Parallel Computing 20 (1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.hardware.machine import Cluster, Link

__all__ = [
    "Fabric",
    "Traffic",
    "all_gather",
    "all_reduce",
    "all_to_all",
    "place",
    "point_to_point",
    "reduce_scatter",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fabric:
    """The two levels of interconnect; ``oversubscription`` ≥ 1 divides the rate of the second."""

    scale_up: Link
    scale_out: Link
    oversubscription: float = 1.0

    @classmethod
    def of(cls, cluster: Cluster) -> Fabric:
        """The fabric of a cluster."""
        return cls(cluster.scale_up, cluster.scale_out, cluster.oversubscription)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a communication takes on one device: seconds of bandwidth and of latency, bytes sent by level."""

    bandwidth: Array
    latency: Array
    up_bytes: Array
    out_bytes: Array

    @property
    def time(self) -> Array:
        """Bandwidth and latency seconds together."""
        return self.bandwidth + self.latency

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.bandwidth + other.bandwidth,
            self.latency + other.latency,
            self.up_bytes + other.up_bytes,
            self.out_bytes + other.out_bytes,
        )

    def times(self, count: ArrayLike) -> Traffic:
        """``count`` such communications one after another."""
        n = np.asarray(count, dtype=float)
        return Traffic(self.bandwidth * n, self.latency * n, self.up_bytes * n, self.out_bytes * n)


def place(*, size: ArrayLike, stride: ArrayLike, domain: float) -> tuple[Array, Array]:
    """(ranks inside one fast domain, domains) of a group of ``size`` ranks that lie ``stride`` apart.

    Ranks are numbered tensor first, then context, data and pipeline last, and fill the domains in order.
    """
    n = np.asarray(size, dtype=float)
    inside = np.clip(np.floor(domain / np.asarray(stride, dtype=float)), 1.0, n)
    return inside, n / inside


def _ring(size: ArrayLike, ranks: Array, link: Link, share: float, passes: int) -> tuple[Array, Array, Array]:
    """(seconds of bandwidth, of latency, bytes sent) of ``passes`` rings of reduce-scatter or all-gather."""
    sent = passes * (ranks - 1.0) / ranks * np.asarray(size, dtype=float)
    return sent / (link.bandwidth * link.efficiency * share), passes * (ranks - 1.0) * link.latency, sent


def _level_all_reduce(size: ArrayLike, ranks: Array, link: Link, share: float) -> tuple[Array, Array, Array]:
    """The quickest of ring, tree and in-network reduction on one level."""
    bandwidth, latency, sent = _ring(size, ranks, link, share, 2)
    many = ranks > 1.0
    payload = np.where(many, np.asarray(size, dtype=float), 0.0)
    rate = link.bandwidth * link.efficiency * share
    choices = [(2.0 * payload / rate, 2.0 * np.ceil(np.log2(ranks)) * link.latency, 2.0 * payload)]
    if link.in_network:
        choices.append((payload / rate, np.where(many, 2.0 * link.latency, 0.0), payload))
    for other in choices:
        better = other[0] + other[1] < bandwidth + latency
        bandwidth = np.where(better, other[0], bandwidth)
        latency = np.where(better, other[1], latency)
        sent = np.where(better, other[2], sent)
    return bandwidth, latency, sent


def reduce_scatter(
    *,
    size: ArrayLike,
    inside: ArrayLike,
    outside: ArrayLike,
    fabric: Fabric,
) -> Traffic:
    """Hierarchical ring reduce-scatter (an all-gather takes the same).

    Parameters
    ----------
    size : array [B]
        The whole buffer: what one rank holds before a reduce-scatter, or after an all-gather.
    inside, outside : array
        Ranks in one fast domain, and domains, both ≥ 1: see :func:`place`.
    fabric : Fabric
        The two levels.

    Returns
    -------
    Traffic
        (inside − 1)/inside · size on the first level, then (outside − 1)/outside · size/inside on the second.
    """
    n, o = np.asarray(inside, dtype=float), np.asarray(outside, dtype=float)
    up = _ring(size, n, fabric.scale_up, 1.0, 1)
    out = _ring(np.asarray(size, dtype=float) / n, o, fabric.scale_out, 1.0 / fabric.oversubscription, 1)
    return Traffic(up[0] + out[0], up[1] + out[1], up[2], out[2])


def all_gather(
    *,
    size: ArrayLike,
    inside: ArrayLike,
    outside: ArrayLike,
    fabric: Fabric,
) -> Traffic:
    """Hierarchical ring all-gather; keywords and result as :func:`reduce_scatter`."""
    return reduce_scatter(size=size, inside=inside, outside=outside, fabric=fabric)


def all_reduce(
    *,
    size: ArrayLike,
    inside: ArrayLike,
    outside: ArrayLike,
    fabric: Fabric,
) -> Traffic:
    """All-reduce of ``size`` bytes: reduce-scatter inside, all-reduce between domains, all-gather inside.

    Within one level the quickest of ring (2(n−1)/n of the data, 2(n−1) α), tree (2 log₂ n α, twice the
    data) and, where the level's switches reduce, in-network (the data once, 2 α). Parameters as in
    :func:`reduce_scatter`.
    """
    n, o = np.asarray(inside, dtype=float), np.asarray(outside, dtype=float)
    flat = _level_all_reduce(size, n, fabric.scale_up, 1.0)
    up = _ring(size, n, fabric.scale_up, 1.0, 2)
    out = _level_all_reduce(
        np.asarray(size, dtype=float) / n, o, fabric.scale_out, 1.0 / fabric.oversubscription
    )
    one = o <= 1.0
    return Traffic(
        np.where(one, flat[0], up[0] + out[0]),
        np.where(one, flat[1], up[1] + out[1]),
        np.where(one, flat[2], up[2]),
        np.where(one, 0.0, out[2]),
    )


def all_to_all(
    *,
    size: ArrayLike,
    inside: ArrayLike,
    outside: ArrayLike,
    fabric: Fabric,
    copies: ArrayLike = 1.0,
) -> Traffic:
    """All-to-all of ``size`` bytes held by each of ``inside · outside`` ranks.

    Of the data, (n−1)/n leaves the rank and (outside−1)/outside leaves the domain; both levels work at
    the same time, so the slower counts. Latency is that of pairwise exchange by domain.

    Parameters
    ----------
    size, inside, outside, fabric
        As in :func:`reduce_scatter`, the bytes being those of one rank.
    copies : array, in (0, 1]
        Share of the bytes for other domains that must really cross the fabric (a token that goes to
        several experts of one domain crosses once and is copied there).
    """
    n, o = np.asarray(inside, dtype=float), np.asarray(outside, dtype=float)
    held = np.asarray(size, dtype=float)
    out_bytes = held * (o - 1.0) / o * np.asarray(copies, dtype=float)
    up_bytes = held * (n - 1.0) / n
    up = up_bytes / (fabric.scale_up.bandwidth * fabric.scale_up.efficiency)
    out = out_bytes * fabric.oversubscription / (fabric.scale_out.bandwidth * fabric.scale_out.efficiency)
    latency = (n - 1.0) * fabric.scale_up.latency + (o - 1.0) * fabric.scale_out.latency
    return Traffic(np.maximum(up, out), latency, up_bytes, out_bytes)


def point_to_point(
    *,
    size: ArrayLike,
    within: ArrayLike,
    fabric: Fabric,
) -> Traffic:
    """One message of ``size`` bytes to a neighbour, ``within`` (0 or 1) the fast domain or across it."""
    sent = np.asarray(size, dtype=float)
    near = np.asarray(within, dtype=bool)
    up_rate = fabric.scale_up.bandwidth * fabric.scale_up.efficiency
    out_rate = fabric.scale_out.bandwidth * fabric.scale_out.efficiency / fabric.oversubscription
    return Traffic(
        np.where(near, sent / up_rate, sent / out_rate),
        np.where(near, fabric.scale_up.latency, fabric.scale_out.latency),
        np.where(near, sent, 0.0),
        np.where(near, 0.0, sent),
    )
