"""Collectives over a fast domain and a fabric between domains, as arrays over layouts.

A link's :class:`~gigawatt.machine.machine.Curve` gives time from bytes and steps: Hockney's α–β model, with
what the protocol for large messages costs beyond that for small ones, so that the rate grows with the message
over several decades. A group of n ranks lies in ``outside`` domains with ``inside`` ranks each.

*Ring*: (n − 1)/n of the data and n − 1 steps a pass. One that spans domains leaves each once for every
channel, and channels leave through different cards: each card carries 1/inside of the ring's bytes between
domains while the rest passes the fast links at the same time, so that the slower level counts (NCCL). On a
torus, whose domain is a pod, the levels work one after another: reduce-scatter inside, the operation between
pods on 1/inside of the data, all-gather inside.

*Tree*: a chain inside the domain and a tree between domains, twice the data and 2 log₂ steps. *In the
network*: where the switches of a level reduce, the data goes up once and comes down once.

References
----------
Thakur, Rabenseifner, Gropp, "Optimization of Collective Communication Operations in MPICH", IJHPCA 19
(2005). Hockney, "The communication challenge for MPP", Parallel Computing 20 (1994). Hu et al., "Demystifying
NCCL", arXiv 2507.04786; its model of time: NCCL's ``src/graph/tuning.cc``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.machine.machine import Curve
from gigawatt.performance.groups import Fabric, Group, group, lying, place

__all__ = [
    "Fabric",
    "Group",
    "Traffic",
    "all_gather",
    "all_reduce",
    "all_to_all",
    "group",
    "place",
    "point_to_point",
    "reduce_scatter",
]

Array = NDArray[np.float64]


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


def _placed(
    inside: ArrayLike | None, outside: ArrayLike | None, fabric: Fabric, given: Group | None
) -> Group:
    if given is not None:
        return given
    return lying(
        inside=1.0 if inside is None else inside, outside=1.0 if outside is None else outside, fabric=fabric
    )


def _bulk(curve: Curve, sent: Array) -> Array | float:
    """Seconds that the protocol for large messages adds, where ``sent`` bytes leave a rank."""
    if curve.bulk <= 0.0:
        return 0.0
    return (
        curve.bulk * sent / (sent + curve.half) if curve.half > 0.0 else np.where(sent > 0.0, curve.bulk, 0.0)
    )


def _fixed(up: Curve, out: Curve, far: NDArray[np.bool_], sent_up: Array, sent_out: Array) -> Array:
    """Seconds paid once a call: of the level between domains where the group spans it."""
    near = (up.base + _bulk(up, sent_up)) * (sent_up > 0.0)
    return np.where(far, out.base + _bulk(out, sent_out), near)


def _rates(where: Group, fabric: Fabric) -> tuple[Array, Array]:
    """B/s that a large message of a ring reaches inside a domain and between domains."""
    up, out = fabric.scale_up, fabric.scale_out
    return up.bandwidth * up.efficiency * where.up_rate, out.bandwidth * out.efficiency * where.out_rate


def _in_turn(fabric: Fabric) -> bool:
    """Whether the two levels work one after another."""
    return fabric.inner is not None and fabric.inner.kind == "torus"


def _together(up: Array, out: Array, fabric: Fabric) -> Array:
    return up + out if _in_turn(fabric) else np.maximum(up, out)


def _sent(data: Array, where: Group, fabric: Fabric) -> tuple[Array, Array]:
    """Bytes that a rank sends inside its domain and out of it, in one pass of a ring over ``data`` bytes."""
    n, o = where.inside, where.outside
    if _in_turn(fabric):
        return data * (n - 1.0) / n, data * (o - 1.0) / (o * n)
    ranks = n * o
    whole = data * (ranks - 1.0) / ranks
    out = np.where(o > 1.0, whole / n, 0.0)
    return whole - out, out


def _ring(data: Array, where: Group, fabric: Fabric, passes: float) -> Traffic:
    """``passes`` rings of reduce-scatter or all-gather."""
    up_rate, out_rate = _rates(where, fabric)
    up, out = _sent(data * passes, where, fabric)
    steps = where.up_steps * fabric.scale_up.latency + where.out_steps * fabric.scale_out.latency
    fixed = _fixed(fabric.scale_up.ring, fabric.scale_out.ring, where.outside > 1.0, up, out)
    latency = passes * (steps + where.out_wait) + fixed
    return Traffic(_together(up / up_rate, out / out_rate, fabric), latency, up, out)


def _better(first: Traffic, second: Traffic) -> Traffic:
    """The quicker of two ways, element by element."""
    take = second.bandwidth + second.latency < first.bandwidth + first.latency
    return Traffic(
        np.where(take, second.bandwidth, first.bandwidth),
        np.where(take, second.latency, first.latency),
        np.where(take, second.up_bytes, first.up_bytes),
        np.where(take, second.out_bytes, first.out_bytes),
    )


def reduce_scatter(
    *,
    size: ArrayLike,
    fabric: Fabric,
    inside: ArrayLike | None = None,
    outside: ArrayLike | None = None,
    group: Group | None = None,
) -> Traffic:
    """Ring reduce-scatter (an all-gather takes the same).

    Parameters
    ----------
    size : array [B]
        The whole buffer: what one rank holds before a reduce-scatter, or after an all-gather.
    fabric : Fabric
        The two levels.
    inside, outside : array
        Ranks in one fast domain, and domains, both ≥ 1, beside each other: see :func:`place`.
    group : Group
        Instead of these: a placed group, which knows its stride and topology.

    Returns
    -------
    Traffic
        (n − 1)/n · size sent, of which 1/inside between domains where the group spans several.
    """
    return _ring(np.asarray(size, dtype=float), _placed(inside, outside, fabric, group), fabric, 1.0)


def all_gather(
    *,
    size: ArrayLike,
    fabric: Fabric,
    inside: ArrayLike | None = None,
    outside: ArrayLike | None = None,
    group: Group | None = None,
) -> Traffic:
    """Ring all-gather; keywords and result as :func:`reduce_scatter`."""
    return reduce_scatter(size=size, inside=inside, outside=outside, fabric=fabric, group=group)


def all_reduce(
    *,
    size: ArrayLike,
    fabric: Fabric,
    inside: ArrayLike | None = None,
    outside: ArrayLike | None = None,
    group: Group | None = None,
) -> Traffic:
    """All-reduce of ``size`` bytes by the quickest of ring, tree and reduction in the network.

    Parameters as in :func:`reduce_scatter`. Latency grows with n − 1 for the ring, with log₂ of the domains
    for the tree, and not with ranks where switches reduce.
    """
    data, where = np.asarray(size, dtype=float), _placed(inside, outside, fabric, group)
    n, o = where.inside, where.outside
    found = _ring(data, where, fabric, 2.0)
    several = bool(np.any(o > 1.0))
    up, out = fabric.scale_up, fabric.scale_out
    if fabric.reduces_inside and not bool(np.all(n <= 1.0)):
        rate = up.bandwidth * (up.in_network_efficiency or up.efficiency)
        alone = (n > 1.0) & (o <= 1.0)
        fixed = up.base + up.bulk + 2.0 * up.latency
        spent = np.where(alone, data / rate, np.inf)
        found = _better(found, Traffic(spent, np.asarray(fixed), data, np.zeros(())))
    if several:
        far = o > 1.0
        up_rate, out_rate = _rates(where, fabric)
        near_bytes = 2.0 * data * (n - 1.0) / n
        chain = 2.0 * (n - 1.0) * up.latency
        near_time = near_bytes / up_rate
        climb = 2.0 * (np.ceil(np.log2(o)) * out.latency + where.tree_wait)
        ways = [(2.0, out_rate, climb + _bulk(out.ring, 2.0 * data / n))]
        if fabric.reduces_between:
            share = (out.in_network_efficiency or out.efficiency) / out.efficiency
            ways.append((1.0, out_rate * share, 2.0 * (out.latency + where.tree_wait) + out.bulk))
        for copies, rate, waits in ways:
            sent = np.where(far, copies * data / n, 0.0)
            spent = np.where(far, _together(near_time, sent / rate, fabric), np.inf)
            found = _better(found, Traffic(spent, chain + waits + out.base, near_bytes, sent))
    return found


def all_to_all(
    *,
    size: ArrayLike,
    fabric: Fabric,
    inside: ArrayLike | None = None,
    outside: ArrayLike | None = None,
    group: Group | None = None,
    copies: ArrayLike = 1.0,
    inner: ArrayLike = 1.0,
) -> Traffic:
    """All-to-all of ``size`` bytes held by each of ``inside · outside`` ranks.

    Of the data, (n−1)/n leaves the rank and (outside−1)/outside leaves the domain; both levels work at
    the same time, so the slower counts. On a torus, beyond an oversubscribed tier and between the groups of
    a dragonfly the bisection binds. Latency is that of pairwise exchange by domain.

    Parameters
    ----------
    size, inside, outside, fabric, group
        As in :func:`reduce_scatter`, the bytes being those of one rank.
    copies : array, in (0, 1]
        Share of the bytes for other domains that must really cross the fabric (a token that goes to
        several experts of one domain crosses once and is copied there).
    inner : array, > 0
        Rate inside a domain beside that of the library's all-to-all (kernels of a dispatcher of its own).
    """
    where = _placed(inside, outside, fabric, group)
    n, o = where.inside, where.outside
    held = np.asarray(size, dtype=float)
    crossing = held * np.asarray(copies, dtype=float)
    up_bytes, out_bytes = held * (n - 1.0) / n, crossing * (o - 1.0) / o
    up, out = fabric.scale_up.pairs, fabric.scale_out.pairs
    near = np.asarray(inner, dtype=float) * fabric.scale_up.bandwidth * up.efficiency
    up_time = held * where.up_exchange / near
    out_time = crossing * where.out_exchange / (fabric.scale_out.bandwidth * out.efficiency)
    steps = (n - 1.0) * up.step + (o - 1.0) * out.step + where.tree_wait
    latency = steps + _fixed(up, out, o > 1.0, up_bytes, out_bytes)
    return Traffic(np.maximum(up_time, out_time), latency, up_bytes, out_bytes)


def point_to_point(
    *,
    size: ArrayLike,
    within: ArrayLike,
    fabric: Fabric,
    distance: ArrayLike = 1.0,
) -> Traffic:
    """One message of ``size`` bytes, everybody sending to the rank ``distance`` accelerators on.

    Parameters
    ----------
    size : array [B]
        The message.
    within : array of 0 or 1
        Inside the fast domain, or across it.
    fabric : Fabric
        The two levels. On a torus one link carries the message, on a mesh one of ``domain`` − 1.
    distance : array
        Accelerators from sender to receiver, ≥ 1: what fraction of the messages leaves a tier.
    """
    sent, apart = np.asarray(size, dtype=float), np.asarray(distance, dtype=float)
    near = np.asarray(within, dtype=bool)
    up_hops, up_links = _path(fabric, apart, inner=True)
    out_hops, out_links = _path(fabric, np.maximum(apart / fabric.domain, 1.0), inner=False)
    slow, wait = np.asarray(fabric.oversubscription), np.zeros(())
    for tier in fabric.outer.tiers if fabric.outer is not None else ():
        share = np.minimum(apart / tier.size, 1.0)
        slow = np.maximum(slow, tier.neighbours * share)
        wait = wait + tier.hops * (fabric.outer.hop if fabric.outer is not None else 0.0) * share
    up_rate = fabric.scale_up.bandwidth * fabric.scale_up.efficiency / up_links
    out_rate = fabric.scale_out.bandwidth * fabric.scale_out.efficiency / (out_links * slow)
    near_bytes, far_bytes = np.where(near, sent, 0.0), np.where(near, 0.0, sent)
    hops = np.where(near, up_hops * fabric.scale_up.latency, out_hops * fabric.scale_out.latency + wait)
    fixed = _fixed(fabric.scale_up.ring, fabric.scale_out.ring, ~near, near_bytes, far_bytes)
    return Traffic(np.where(near, sent / up_rate, sent / out_rate), hops + fixed, near_bytes, far_bytes)


def _path(fabric: Fabric, distance: Array, *, inner: bool) -> tuple[Array, Array]:
    """(hops, links' worth of the rate that one message does not have) of one level."""
    wired = fabric.inner if inner else fabric.outer
    one = np.ones(())
    if wired is None or wired.kind not in ("torus", "mesh"):
        return one, one
    if wired.kind == "mesh":
        return one, np.full((), max(fabric.domain - 1.0, 1.0))
    hops: Array | float = 0.0
    below = 1.0
    for side in wired.shape:
        along = np.floor(distance / below) % side
        hops = hops + (np.minimum(along, side - along) if side % wired.wrap == 0 else along)
        below *= side
    least = np.maximum(np.asarray(hops, dtype=float), 1.0)
    return least, 2.0 * len(wired.shape) * least
