"""What the devices of a training step send one another, and the host, outside the layers.

Between pipeline stages, among the ranks that hold the same weights, and to the host's memory where states
or activations are kept there. Everything is by unlike stage, shape ``(L, C)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import table
from gigawatt.machine.machine import Chip, Cluster
from gigawatt.performance.collectives import Fabric, all_reduce, group, point_to_point, reduce_scatter
from gigawatt.performance.layouts import Layouts, TrainingRun
from gigawatt.performance.memory import ELEMENT, Shards
from gigawatt.performance.schedules.pipeline import Cuts
from gigawatt.performance.stacks import Optimizer, Stack

__all__ = ["Exchange", "Exchanges", "HostLink", "host_link"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Seconds of ``bandwidth`` and ``latency``; bytes sent on the fast level ``up`` and beyond it ``out``."""

    bandwidth: Array
    latency: Array
    up: Array
    out: Array

    def __add__(self, other: Exchange) -> Exchange:
        return Exchange(
            self.bandwidth + other.bandwidth,
            self.latency + other.latency,
            self.up + other.up,
            self.out + other.out,
        )

    def where(self, keep: NDArray[np.bool_], other: Exchange) -> Exchange:
        """This one where ``keep``, else ``other``."""
        return Exchange(
            np.where(keep, self.bandwidth, other.bandwidth),
            np.where(keep, self.latency, other.latency),
            np.where(keep, self.up, other.up),
            np.where(keep, self.out, other.out),
        )


@dataclass(frozen=True, slots=True)
class HostLink:
    """The way to the host's memory of one accelerator: ``bandwidth`` one way, ``memory_bandwidth`` [B/s]."""

    bandwidth: float
    memory_bandwidth: float


def host_link(chip: Chip) -> HostLink:
    """Of the catalog's ``host_links`` the row whose ``prefix`` is the longest that begins the chip's id."""
    rows = [row for row in table("host_links").values() if chip.id.startswith(row.text("prefix"))]
    row = max(rows, key=lambda one: len(one.text("prefix")))
    return HostLink(row.value("bandwidth"), row.value("memory_bandwidth"))


class Exchanges:
    """The exchanges of some layouts; ``parameters`` (dense, routed) on one device by stage, ``(L, C)``."""

    def __init__(
        self,
        *,
        run: TrainingRun,
        layouts: Layouts,
        cluster: Cluster,
        stack: Stack,
        optimizer: Optimizer,
        cut: Cuts,
        shard: Shards,
        parameters: tuple[Array, Array],
    ) -> None:
        self.run, self.layouts, self.cluster, self.stack = run, layouts, cluster, stack
        self.optimizer, self.cut, self.shard, self.parameters = optimizer, cut, shard, parameters
        self.fabric = Fabric.of(cluster)
        self.pipeline = layouts.pipeline.astype(float)
        part = layouts.shard.astype(float)
        tensor = layouts.tensor.astype(float)
        whole = part <= 0.0
        ranks = layouts.data.astype(float) * layouts.context.astype(float)
        self._spread = (
            np.where(whole, ranks, part),
            np.where(whole, shard.routed, np.clip(part * tensor / shard.expert_split, 1.0, shard.routed)),
        )
        self._copies = (ranks / self._spread[0], shard.routed / self._spread[1])
        self._strides = (tensor, shard.expert_stride)

    def _ring(self, passes: Array, calls: Array) -> Exchange:
        """Ring passes among the ranks that share states: ``passes`` (L,) in bytes per parameter.

        Bytes are those of gradients reduce-scattered and of weights gathered, in ``calls`` (L, C) messages
        one after another; latency is that of all.
        """
        each = np.maximum(calls, 1.0)
        found: Exchange | None = None
        for held, ranks, stride in zip(self.parameters, self._spread, self._strides, strict=True):
            if found is not None and not held.any():
                continue
            where = group(size=ranks, stride=stride, fabric=self.fabric)
            size = held * passes[:, None] / each
            one = reduce_scatter(size=size, group=where.column(), fabric=self.fabric).times(each)
            latency = np.where(held * calls > 0.0, one.latency, 0.0)
            this = Exchange(one.bandwidth, latency, one.up_bytes, one.out_bytes)
            found = this if found is None else found + this
        assert found is not None
        return found

    def _all_reduce(self, buckets: Array, *, copies: bool) -> Exchange:
        """All gradients among all ranks, or (``copies``) each rank's share among the copies of its group."""
        found: Exchange | None = None
        for held, spread, count, stride in zip(
            self.parameters, self._spread, self._copies, self._strides, strict=True
        ):
            if found is not None and not held.any():
                continue
            ranks, apart, size = (
                (count, stride * spread, held / spread[:, None]) if copies else (spread * count, stride, held)
            )
            where = group(size=ranks, stride=apart, fabric=self.fabric)
            one = all_reduce(
                size=size * self.optimizer.wire / buckets,
                group=where.column(),
                fabric=self.fabric,
            ).times(buckets)
            latency = np.where(held > 0.0, one.latency, 0.0)
            this = Exchange(one.bandwidth, latency, one.up_bytes, one.out_bytes)
            found = this if found is None else found + this
        assert found is not None
        return found

    def between_stages(self) -> Exchange:
        """One microbatch: every run of layers sends one activation forward and one gradient back."""
        tokens = self.layouts.microbatch.astype(float) * self.run.sequence / self.layouts.context
        width = self.run.architecture.hidden * self.run.architecture.streams
        hop = point_to_point(
            size=tokens * width * ELEMENT / self.layouts.tensor,
            within=self.layouts.count <= self.cluster.scale_up_size,
            distance=self.layouts.count / self.pipeline,
            fabric=self.fabric,
        ).times(np.where(self.pipeline > 1.0, 2.0 * self.layouts.interleave, 0.0))
        every = np.ones((1, self.cut.number.shape[1]))
        beat, wait, up, out = (
            column[:, None] * every for column in (hop.bandwidth, hop.latency, hop.up_bytes, hop.out_bytes)
        )
        return Exchange(beat, wait, up, out)

    def every_microbatch(self) -> Exchange:
        """ZeRO 2 and 3: gradients reduce-scattered; ZeRO 3: weights gathered forward and backward."""
        zero = self.layouts.zero
        shared, gathered = np.where(zero >= 2, 1.0, 0.0), np.where(zero == 3, 2.0, 0.0)
        calls = self.cut.layers[self.cut.index].sum(axis=2) * (shared + gathered)[:, None]
        return self._ring(shared * self.optimizer.scatter_wire + gathered * ELEMENT, calls)

    def once_a_step(self) -> Exchange:
        """Gradients below ZeRO 2, gathering of updated weights shared out below ZeRO 3, copies of groups."""
        zero, stack = self.layouts.zero, self.stack
        shared, gathered = np.where(zero == 1, 1.0, 0.0), np.where((zero == 1) | (zero == 2), 1.0, 0.0)
        buckets = np.ones_like(self.parameters[0])
        if stack.bucket > 0.0:
            bucket = np.maximum(stack.bucket, stack.bucket_per_rank * self._spread[0])[:, None]
            buckets = np.maximum(np.ceil(self.parameters[0] * self.optimizer.wire / bucket), 1.0)
        calls = buckets * (shared + gathered)[:, None]
        changed = gathered * ELEMENT * self.optimizer.changed
        reduced = self.optimizer.wire * (2.0 if self.optimizer.all_reduced else 1.0)
        found = self._ring(shared * reduced + changed, calls)
        if np.any(zero == 0):
            found = self._all_reduce(buckets, copies=False).where((zero == 0)[:, None], found)
        grouped = (zero > 0) & (self._copies[0] > 1.0)
        if np.any(grouped):
            found = (found + self._all_reduce(buckets, copies=True)).where(grouped[:, None], found)
        return found

    def owned(self) -> tuple[Array, Array]:
        """(dense, routed) parameters whose optimizer state one device holds, ``(L, C)``."""
        spread = (self.layouts.zero >= 1)[:, None]
        dense, routed = self.parameters
        return (
            dense / np.where(spread, self._spread[0][:, None], 1.0),
            routed / np.where(spread, self._spread[1][:, None], 1.0),
        )

    def sum_bytes(self) -> Array:
        """Bytes that add the weight gradients of one microbatch to the sum, in a kernel apart, ``(L, C)``.

        0 where multiplications add to the sum themselves, where a step is one microbatch, and from ZeRO 2 on,
        where a rank sums its own share alone.
        """
        dense, routed = self.parameters
        whole = (self.layouts.microbatches > 1.0) & (self.layouts.zero < 2) & (self.run.adapters == 0)
        return np.where(whole[:, None], self.stack.sum_bytes * (dense + routed), 0.0)

    def sum_time(self) -> Array:
        """Seconds of device memory of :meth:`sum_bytes`, ``(L, C)``."""
        return self.sum_bytes() / (self.cluster.chip.memory_bandwidth * min(self.stack.memory, 1.0))

    def optimizer_bytes(self) -> Array:
        """Bytes of the optimizer step to and from the memory that holds its state, ``(L, C)``."""
        changed = self.optimizer.weight * self.optimizer.changed
        each = self.optimizer.gradient + 2.0 * self.optimizer.state + changed
        dense, routed = self.owned()
        return each * (dense + routed)

    def optimizer_time(self) -> tuple[Array, Array]:
        """(seconds of device memory, seconds of the host beyond them) of the optimizer, ``(L, C)``.

        Kept by the host, its state is updated at the rate of the host's memory while gradients come and
        weights go back over the host's link: the slower of the two counts.
        """
        bytes_moved = self.optimizer_bytes()
        here = bytes_moved / (self.cluster.chip.memory_bandwidth * min(self.stack.memory, 1.0))
        away = (self.layouts.offload >= 1)[:, None]
        if not np.any(away):
            return here, np.zeros_like(here)
        host, (dense, routed) = host_link(self.cluster.chip), self.owned()
        wire = (dense + routed) * max(self.optimizer.wire, self.optimizer.weight * self.optimizer.changed)
        there = np.maximum(bytes_moved / host.memory_bandwidth, wire / host.bandwidth)
        return np.where(away, 0.0, here), np.where(away, there, 0.0)

    def offloaded(self, kept: Array) -> Array:
        """Seconds that the activations of one microbatch take to the host and back, ``(L, C)``.

        ``kept`` [B] are those of one microbatch on one device.
        """
        away = (self.layouts.offload >= 2)[:, None]
        if not np.any(away):
            return np.zeros_like(kept)
        return np.where(away, 2.0 * kept / host_link(self.cluster.chip).bandwidth, 0.0)
