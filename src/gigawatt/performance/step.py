"""The training step: time by what binds, memory and energy of every layout at once.

One step is ``m`` microbatches on the slowest pipeline stage, the filling and draining of the pipeline,
what of the gradient exchange no computation hides, the optimizer, and the stack's fixed overhead. A
communication is exposed by ``max(0, T − ρ·window)``, ρ of the stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.machine.machine import Cluster
from gigawatt.performance.collectives import Traffic
from gigawatt.performance.costs import ENERGY_FROM, LayerCosts, hide, layer_costs
from gigawatt.performance.degrees import unlike
from gigawatt.performance.exchanges import Exchange, Exchanges
from gigawatt.performance.known_costs import KnownCosts
from gigawatt.performance.layouts import SCHEDULES, Layouts, TrainingRun
from gigawatt.performance.memory import Shards, StageMemory, shards, stage_parameters
from gigawatt.performance.schedules.closed import closed_makespan
from gigawatt.performance.schedules.pipeline import Cuts, StageTimes, cuts, in_flight
from gigawatt.performance.stacks import Optimizer, Stack, load_optimizer
from gigawatt.workload.adapters import adapted_flops_per_token, adapter_parameters
from gigawatt.workload.operations import model_flops_per_token

if TYPE_CHECKING:
    import pandas  # pyright: ignore[reportMissingTypeStubs]

__all__ = [
    "BUSY",
    "PARTS",
    "Prepared",
    "StepTable",
    "Stepwise",
    "evaluate",
    "evaluate_prepared",
    "pass_shares",
    "prepare",
]

Array = NDArray[np.float64]

BUSY = 5
"""Rows of the cost tables that keep a device busy: arithmetic, memory, launch, bandwidth, latency."""
_BOTH_WAYS = SCHEDULES.index("dualpipe")

PARTS = (
    "arithmetic",
    "memory_bandwidth",
    "interconnect_bandwidth",
    "interconnect_latency",
    "pipeline_bubble",
    "launch",
)


@dataclass(frozen=True)
class StepTable:
    """One training step of every layout, columns ``(L,)``.

    ``parts`` [s] sum to ``step_time`` [s]; ``memory`` [B] of the worst device by part, together
    ``memory_total``; ``energy`` [J] of the whole cluster for one step by component (empty where it was
    not asked for); ``mfu`` against the datasheet peak; ``tokens_per_second`` of the cluster; ``fits``.
    """

    layouts: Layouts
    step_time: Array
    parts: Mapping[str, Array]
    memory: Mapping[str, Array]
    memory_total: Array
    energy: Mapping[str, Array]
    mfu: Array
    tokens_per_second: Array
    fits: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.step_time)

    def take(self, index: NDArray[np.intp] | slice) -> StepTable:
        """The rows at ``index``."""
        return StepTable(
            self.layouts.take(index),
            self.step_time[index],
            {k: v[index] for k, v in self.parts.items()},
            {k: v[index] for k, v in self.memory.items()},
            self.memory_total[index],
            {k: v[index] for k, v in self.energy.items()},
            self.mfu[index],
            self.tokens_per_second[index],
            self.fits[index],
        )

    def to_frame(self) -> pandas.DataFrame:
        """A pandas frame: layout, ``step_time``, ``mfu``, ``parts.…``, ``memory.…``, ``energy.…``."""
        frame = self.layouts.to_frame()
        for name in ("step_time", "mfu", "tokens_per_second", "memory_total", "fits"):
            frame[name] = getattr(self, name)
        for name, columns in (("parts", self.parts), ("memory", self.memory), ("energy", self.energy)):
            for key, column in columns.items():
                frame[f"{name}.{key}"] = column
        return frame


@dataclass(frozen=True)
class Prepared:
    """What all chunks of one question share."""

    run: TrainingRun
    cluster: Cluster
    stack: Stack
    optimizer: Optimizer
    costs: LayerCosts
    cut: Cuts
    total: Array
    peak: float
    flops_per_token: float
    times: StageTimes | None


def prepare(
    run: TrainingRun,
    layouts: Layouts,
    cluster: Cluster,
    stack: Stack,
    *,
    part: bool = False,
    known: KnownCosts | None = None,
) -> Prepared:
    """Costs of every unlike layer shape and stage among ``layouts``, of all accelerators or of a ``part``.

    Costs of layers that are ``known`` are not computed again.

    Raises
    ------
    InputError
        The chip has no rate for the run's number format; a layout does not use the cluster's accelerators.
    """
    wrong = np.flatnonzero((layouts.count > cluster.count) | (layouts.count != cluster.count) & (not part))
    if len(wrong):
        raise InputError(
            "tensor · context · data · pipeline is not the accelerators of the cluster",
            given=int(layouts.count[wrong[0]]),
            allowed=str(cluster.count),
        )
    peak = cluster.chip.peak
    check_word(
        "number_format", run.number_format, peak, f"{cluster.chip.id} does not multiply in this number format"
    )
    costs = layer_costs(run, layouts, cluster, stack, known)
    times = _weighed(run) if stack.balanced > 0.0 else None
    counts = np.array([float(block.count) for block in run.architecture.blocks] + [1.0, 1.0])
    return Prepared(
        run=run,
        cluster=cluster,
        stack=stack,
        optimizer=_optimizer(run, stack),
        costs=costs,
        cut=cuts(
            run.architecture,
            layouts.pipeline,
            layouts.interleave,
            bidirectional=layouts.schedule == _BOTH_WAYS,
            times=times,
        ),
        total=np.einsum("k,kru->ru", counts, costs.kinds),
        peak=peak[run.number_format],
        flops_per_token=adapted_flops_per_token(run.architecture, run.sequence, run.adapters),
        times=times,
    )


def _optimizer(run: TrainingRun, stack: Stack) -> Optimizer:
    """Bytes of the optimizer per parameter of the model; of adapters alone, per parameter that is frozen."""
    whole = load_optimizer(run.optimizer or stack.optimizer)
    if not run.adapters:
        return whole
    share = adapter_parameters(run.architecture, run.adapters) / run.architecture.parameters.total
    return whole.of_share(share)


def _weighed(run: TrainingRun) -> StageTimes:
    """What a balanced cut weighs: FLOPs a token of each kind of layer and of the head."""
    model = run.architecture
    head = model_flops_per_token(replace(model, blocks=()), run.sequence)
    kinds = [
        model_flops_per_token(replace(model, blocks=(replace(block, count=1),)), run.sequence) - head
        for block in model.blocks
    ]
    return StageTimes(np.array(kinds), 0.0, head)


def evaluate(run: TrainingRun, layouts: Layouts, cluster: Cluster, stack: Stack) -> StepTable:
    """Time, memory and energy of one step for every layout.

    Parameters
    ----------
    run, cluster, stack
        What is trained, on what, with what software.
    layouts : Layouts
        Each must divide (:func:`~gigawatt.performance.layouts.enumerate_layouts`) and use the cluster's
        ``count`` accelerators. A layout that does not fit in memory is evaluated all the same.
    """
    return evaluate_prepared(prepare(run, layouts, cluster, stack), layouts, slice(None))


def evaluate_prepared(
    prepared: Prepared, layouts: Layouts, rows: slice | NDArray[np.intp], *, energy: bool = True
) -> StepTable:
    """:func:`evaluate` for some ``rows`` of the layouts that were prepared."""
    p = Stepwise(prepared, layouts, rows)
    parts = p.parts()
    step_time = np.zeros(len(p.layouts))
    for part in parts.values():
        step_time = step_time + part
    memory = p.memory()
    total = np.zeros(len(p.layouts))
    for part in memory.values():
        total = total + part
    run, cluster = prepared.run, prepared.cluster
    flops = prepared.flops_per_token * run.tokens_per_step
    return StepTable(
        layouts=p.layouts,
        step_time=step_time,
        parts=parts,
        memory=memory,
        memory_total=total,
        energy=p.energy(step_time) if energy else {},
        mfu=flops / (step_time * p.layouts.count * prepared.peak),
        tokens_per_second=run.tokens_per_step / step_time,
        fits=total <= cluster.chip.memory_bytes,
    )


def pass_shares(recompute: NDArray[np.int32], *, frozen: bool = False) -> tuple[Array, Array, Array]:
    """Shares of a microbatch's work in forward, input and weight gradient.

    Three multiplications each; full recomputation (or of all but projections) repeats the forward one
    ahead of the input gradient. ``frozen`` weights have no gradient.
    """
    again, weights = np.where(recompute >= 2, 1.0, 0.0), 0.0 if frozen else 1.0
    whole = 2.0 + weights + again
    return 1.0 / whole, (1.0 + again) / whole, weights / whole


class Stepwise:
    """Some rows of the layouts, with what parts, memory and energy all need. ``L`` rows, ``C`` stages."""

    def __init__(self, prepared: Prepared, layouts: Layouts, rows: slice | NDArray[np.intp]) -> None:
        self.prepared, self.run, self.stack = prepared, prepared.run, prepared.stack
        self.cluster, self.optimizer = prepared.cluster, prepared.optimizer
        self.layouts = layouts.take(rows)
        cut = prepared.cut
        self.cut = Cuts(cut.index[rows], cut.layers, cut.first, cut.number, cut.embedding, cut.head)
        self.column = prepared.costs.index[rows]
        self.shard: Shards = shards(self.layouts)
        self.parameters = stage_parameters(self.run.architecture, self.cut, self.layouts, self.shard)
        self.microbatches = self.layouts.microbatches
        self.pipeline = self.layouts.pipeline.astype(float)
        self.interleave = self.layouts.interleave.astype(float)
        self.up_bytes, self.out_bytes = np.zeros(len(self.layouts)), np.zeros(len(self.layouts))

    @cached_property
    def sums(self) -> Array:
        """Cost rows of one microbatch over all layers, embedding and head, ``(R, L)``."""
        return self.prepared.total[:, self.column]

    @cached_property
    def exchanges(self) -> Exchanges:
        """What devices send one another outside the layers."""
        return Exchanges(
            run=self.run,
            layouts=self.layouts,
            cluster=self.cluster,
            stack=self.stack,
            optimizer=self.optimizer,
            cut=self.cut,
            shard=self.shard,
            parameters=self.parameters,
        )

    @cached_property
    def _number(self) -> Array:
        return self.cut.number.take(self.cut.index, axis=0)

    def _by_stage(self, rows: slice) -> Array:
        """Sum of some cost rows over the layers, embedding and head of each unlike stage, ``(L, C)``."""
        each = self.prepared.costs.kinds[:, rows].sum(axis=1)[:, self.column]
        kinds = len(self.run.architecture.blocks)
        found = np.einsum("lck,kl->lc", self.cut.layers[self.cut.index], each[:kinds])
        found += self.cut.embedding[self.cut.index] * each[kinds][:, None]
        return found + self.cut.head[self.cut.index] * each[kinds + 1][:, None]

    def _mean(self, by_stage: Array) -> Array:
        """Mean over all stages of a quantity ``(L, C)`` known for unlike ones."""
        return np.einsum("lc,lc->l", by_stage, self._number) / self.pipeline

    def parts(self) -> dict[str, Array]:
        """Seconds of one step by what binds; see the module.

        The step ends when the last stage has worked through its microbatches and exchanged what nothing
        hides. Parts other than the bubble are those of the mean stage; what the slowest does beyond it,
        and filling and draining, is the bubble.
        """
        m, rows = self.microbatches, np.arange(len(self.layouts))
        busy, window = self._by_stage(slice(0, BUSY)), self._by_stage(slice(BUSY, BUSY + 1))
        summed = self.exchanges.sum_time()
        busy = busy + summed
        bandwidth, latency = self.sums[3].copy(), self.sums[4].copy()
        self.up_bytes, self.out_bytes = np.zeros(len(m)), np.zeros(len(m))
        for exchange, share in (
            (self.exchanges.between_stages(), self.stack.overlap_pipeline),
            (self.exchanges.every_microbatch(), self.stack.overlap_data),
        ):
            shown, window = self._expose(exchange, window, share, m)
            busy = busy + shown[0] + shown[1]
            bandwidth = bandwidth + self.pipeline * self._mean(shown[0])
            latency = latency + self.pipeline * self._mean(shown[1])
        host = np.zeros_like(busy)
        if np.any(self.layouts.offload >= 2):
            host = self.exchanges.offloaded(self._kept())
            host = np.maximum(host - self.stack.overlap_data * window, 0.0)
            busy = busy + host
        slowest, mean = busy.max(axis=1), self._mean(busy)
        forward, inputs, weights = pass_shares(self.layouts.recompute, frozen=self.run.adapters > 0)
        makespan = closed_makespan(
            kind=self.layouts.schedule,
            pipeline=self.pipeline,
            interleave=self.interleave,
            microbatches=m,
            forward=forward * mean,
            input_gradient=inputs * mean,
            weight_gradient=weights * mean,
            slowest=slowest,
        )

        once = self.exchanges.once_a_step()
        (beat, wait), left = self._expose(once, window, self.stack.overlap_data, np.ones(len(m)))
        end = m[:, None] * busy + beat + wait
        last = np.argmax(end, axis=1)
        beat, wait = beat[rows, last], wait[rows, last]
        beyond = (end[rows, last] - m * slowest) / np.where(beat + wait > 0.0, beat + wait, 1.0)

        each = m / self.pipeline
        here, away = self.exchanges.optimizer_time()
        update = here + away
        if self.stack.overlap_optimizer > 0.0:
            update = np.maximum(update - self.stack.overlap_optimizer * left, 0.0)
        return {
            "arithmetic": each * self.sums[0],
            "memory_bandwidth": each * self.sums[1] + update.max(axis=1) + m * self._mean(host + summed),
            "interconnect_bandwidth": each * bandwidth + beyond * beat,
            "interconnect_latency": each * latency + beyond * wait,
            "pipeline_bubble": np.maximum(makespan - m * mean, 0.0),
            "launch": each * self.sums[2] + self.stack.step_overhead,
        }

    def _kept(self) -> Array:
        """Bytes of activations of one microbatch on each unlike stage, ``(L, C)``."""
        kept = self.prepared.costs.activations[:, self.column]
        return np.einsum("lck,kl->lc", self.cut.layers[self.cut.index], kept)

    def _expose(
        self, exchange: Exchange, window: Array, share: float, times: Array
    ) -> tuple[tuple[Array, Array], Array]:
        """((exposed bandwidth, latency), window left) ``(L, C)``; bytes are counted ``times`` a step."""
        self.up_bytes = self.up_bytes + times * self._mean(exchange.up)
        self.out_bytes = self.out_bytes + times * self._mean(exchange.out)
        traffic = Traffic(exchange.bandwidth, exchange.latency, exchange.up, exchange.out)
        beat, wait, left = hide(traffic, window, share, self.stack.contention)
        return (beat, wait), left

    @property
    def held(self) -> StageMemory:
        """Memory of every unlike stage."""
        return StageMemory(
            run=self.run,
            layouts=self.layouts,
            stack=self.stack,
            optimizer=self.optimizer,
            cut=self.cut,
            shard=self.shard,
            parameters=self.parameters,
            activations=self.prepared.costs.activations[:, self.column],
            working=self.prepared.costs.working[:, self.column],
            waiting=self._waiting(),
        )

    def _waiting(self) -> Array:
        """Microbatches in flight on every unlike stage, ``(L, C)``; many layouts share a pipeline."""
        mine, rounds = self.layouts, self.microbatches
        first, inverse = unlike((mine.schedule, self.cut.index, rounds.astype(np.int64)))
        found = in_flight(
            stage=self.cut.first[self.cut.index[first]],
            pipeline=self.pipeline[first, None],
            interleave=self.interleave[first, None],
            microbatches=rounds[first, None],
            kind=mine.schedule[first, None],
        )
        return found.take(inverse, axis=0)

    def memory(self) -> dict[str, Array]:
        """Bytes of the worst device by part."""
        return self.held.device()

    def energy(self, step_time: Array) -> dict[str, Array]:
        """Joules of the accelerators of a layout for one step by component; call after :meth:`parts`."""
        cluster, count = self.cluster, self.layouts.count.astype(float)
        ranks, done = count / self.pipeline, self.layouts.mean_microbatches
        found = {"idle": cluster.chip.idle_power * count * step_time}
        for i, name in enumerate(self.prepared.costs.energies):
            found[name] = ranks * done * self.sums[ENERGY_FROM + i]
        summed = self.microbatches * self._mean(self.exchanges.sum_bytes())
        moved = (self._mean(self.exchanges.optimizer_bytes()) + summed) * count
        dram = cluster.chip.energy_byte["dram"] * moved
        found["dram"] = found.get("dram", 0.0) + dram
        layers_up = ranks * done * self.sums[6]
        layers_out = ranks * done * self.sums[7]
        found["scale_up"] = (layers_up + count * self.up_bytes) * cluster.scale_up.energy_byte
        found["scale_out"] = (layers_out + count * self.out_bytes) * cluster.scale_out.energy_byte
        nodes = count / cluster.node.chips
        found["node"] = cluster.node.overhead_power * nodes * step_time
        found["network"] = cluster.network_power * count * step_time
        return found
