"""Costs of layers, once for every unlike shape: what many layouts share is computed once.

A layer's operations depend only on (tensor, context, expert, microbatch, sequence parallel); whether
they are repeated on (recompute). Each layout is an index into the table of these.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.machine.machine import Cluster
from gigawatt.performance import collectives
from gigawatt.performance.activations import last_products
from gigawatt.performance.chunked import chunked, is_chunked
from gigawatt.performance.collectives import Fabric, Traffic, group
from gigawatt.performance.degrees import unlike
from gigawatt.performance.experts import (
    device_kernels,
    dispatch_and_combine,
    expert_imbalance,
    grouped_cost,
    issued,
    memory_passes,
)
from gigawatt.performance.known_costs import KnownCosts
from gigawatt.performance.layouts import RECOMPUTE, Layouts, TrainingRun
from gigawatt.performance.memory import ELEMENT, activation_bytes, score_bytes
from gigawatt.performance.stacks import NARROW, Stack
from gigawatt.technology import Cost, Efficiency, technology
from gigawatt.workload.adapters import adapted
from gigawatt.workload.architecture import Block
from gigawatt.workload.operation import FORMAT_BYTES, Portion
from gigawatt.workload.operations import Operation, block_operations, embedding_operations, head_operations

__all__ = ["ENERGY_FROM", "SUMS", "LayerCosts", "hide", "layer_costs"]

Array = NDArray[np.float64]

ALIGNMENT, BEST_ALIGNMENT = 16.0, 128.0
"""Bytes to which tensor units want the rows of a matrix aligned, and those with which they are quickest since
Ampere (NVIDIA's matrix multiplication guide)."""
SUMS = ("arithmetic", "memory", "launch", "bandwidth", "latency", "slack", "up_bytes", "out_bytes")
"""Rows of every cost table: exposed seconds, hidden-free compute time left, bytes sent; energies follow."""
ENERGY_FROM = len(SUMS)

_COLUMNS = ("tensor", "context", "expert", "microbatch", "sequence_parallel", "expert_stride")
_NOWHERE = np.zeros((), dtype=bool)
_SCORES = "attention.unfused"
_SELECTIVE = (_SCORES, "attention.query_up", "attention.key_value_up")
"""Operations beside the attention core that selective recomputation repeats."""


@dataclass(frozen=True)
class LayerCosts:
    """Costs of one microbatch by layer kind, for every unlike shape of a layer.

    ``kinds (K + 2, R, U·4)``: R rows of :data:`SUMS` then one an energy component; the last two kinds
    are embedding and head. ``activations`` and ``working`` are ``(K, U·4)``. ``index (L,)`` leads from
    a layout to its column.
    """

    index: NDArray[np.intp]
    kinds: Array
    activations: Array
    working: Array
    energies: tuple[str, ...]

    def beside(self, other: LayerCosts) -> LayerCosts:
        """The costs of these shapes, then of the others, of the same question."""
        return self._each(lambda name, mine: np.concatenate([mine, other._by_shape(name)], axis=-1))

    def some(self, columns: NDArray[np.intp]) -> LayerCosts:
        """The costs of these of the shapes, in this order."""
        return self._each(lambda name, mine: mine[..., columns])

    def _by_shape(self, name: str) -> Array:
        whole: Array = getattr(self, name)
        return whole.reshape(*whole.shape[:-1], len(RECOMPUTE), -1)

    def _each(self, of: Callable[[str, Array], Array]) -> LayerCosts:
        tables = {name: of(name, self._by_shape(name)) for name in ("kinds", "activations", "working")}
        return replace(self, **{name: one.reshape(*one.shape[:-2], -1) for name, one in tables.items()})


@dataclass
class _Sum:
    """Running sums of one phase: time by what binds, launch time, operations issued, energies."""

    arithmetic: Array
    memory: Array
    launch: Array
    issued: Array
    energy: dict[str, Array]

    def times(self, factor: float) -> _Sum:
        energy = {k: v * factor for k, v in self.energy.items()}
        return _Sum(
            self.arithmetic * factor,
            self.memory * factor,
            self.launch * factor,
            self.issued * factor,
            energy,
        )

    def plus(self, other: _Sum) -> _Sum:
        none = np.zeros(())
        names = self.energy | other.energy
        energy = {k: self.energy.get(k, none) + other.energy.get(k, none) for k in names}
        return _Sum(
            self.arithmetic + other.arithmetic,
            self.memory + other.memory,
            self.launch + other.launch,
            self.issued + other.issued,
            energy,
        )


def hide(
    traffic: Traffic, window: Array, share: float, contention: float, limit: Array | float = np.inf
) -> tuple[Array, Array, Array]:
    """(exposed bandwidth seconds, exposed latency seconds, window left) of a communication.

    ``share`` of the window can hide it, at most ``limit`` seconds; what is used is gone for the next one,
    so that no second of compute hides two communications. Of what is hidden, the share ``contention`` is
    lost all the same, because the computation beside it is slowed.
    """
    total = traffic.time
    hidden = np.minimum(np.minimum(total, share * window), limit)
    scale = (total - (1.0 - contention) * hidden) / np.where(total > 0.0, total, 1.0)
    return traffic.bandwidth * scale, traffic.latency * scale, window - hidden


class _Shapes:
    """The unlike shapes and what every layer kind needs of them."""

    def __init__(self, run: TrainingRun, layouts: Layouts, cluster: Cluster, stack: Stack) -> None:
        columns = _COLUMNS[:5]
        folded = (layouts.data * layouts.context) % layouts.expert != 0
        first, self.inverse = unlike([*(getattr(layouts, name) for name in columns), folded])
        self.tensor, self.context, self.expert, self.microbatch, self.sequence_parallel = (
            getattr(layouts, name)[first].astype(float) for name in columns
        )
        self.run, self.cluster, self.stack = run, cluster, stack
        self.size, self.recompute = len(first), layouts.recompute
        self.expert_stride = np.where(folded[first], 1.0, self.tensor)
        self.technology = technology(cluster.chip.technology, training=True)
        self._efficiency: dict[tuple[str, float], Efficiency] = {}
        self._once: dict[int, tuple[Operation, Array, Array, Cost]] = {}
        self.narrow_attention = stack.narrow_attention > 0.0 and run.number_format in NARROW
        self.fabric = Fabric.of(cluster)

    @property
    def tokens(self) -> Array:
        """Tokens of a microbatch on one accelerator."""
        return self.microbatch * self.run.sequence / self.context

    @property
    def columns(self) -> Array:
        """What tells one shape from another, ``(U, 6)``."""
        return np.stack([getattr(self, name) for name in _COLUMNS], axis=1)

    def some(self, rows: list[int]) -> _Shapes:
        """These of the shapes alone; their ``index`` is without meaning."""
        part = copy(self)
        part.size, part._once = len(rows), {}
        for name in _COLUMNS:
            setattr(part, name, getattr(self, name)[rows])
        return part

    @property
    def index(self) -> NDArray[np.intp]:
        """From layouts to columns of :class:`LayerCosts`."""
        return self.recompute.astype(np.intp) * self.size + self.inverse

    def none(self) -> Traffic:
        zero = np.zeros(self.size)
        return Traffic(zero, zero, zero, zero)

    def sum(self, operations: list[Operation], imbalance: Array | float = 1.0) -> _Sum:
        """Costs of all launches, the busiest expert rank counted for grouped multiplications."""
        zero = np.zeros(self.size)
        total = _Sum(zero, zero, zero, zero, {})
        for op in operations:
            if id(op) not in self._once:  # sums of parts of a layer share their operations
                self._once[id(op)] = op, *self._launch(op)
            _, arithmetic, memory, cost = self._once[id(op)]
            if op.kind == "grouped_gemm":
                arithmetic = arithmetic * imbalance
            binds = arithmetic >= memory
            total = total.plus(
                _Sum(
                    np.where(binds, arithmetic, 0.0) * op.launches,
                    np.where(binds, 0.0, memory) * op.launches,
                    cost.launch * op.launches * device_kernels(op, self.stack),
                    zero + op.launches * issued(op, self.stack),
                    {name: joules * op.launches for name, joules in cost.energy.items()},
                )
            )
        return total

    def _launch(self, op: Operation) -> tuple[Array, Array, Cost]:
        """(arithmetic [s], memory [s], cost) of one launch, with what its alignment and software add."""
        cost = self.cost(op)
        arithmetic, memory = cost.arithmetic, cost.memory * self._traffic(op)
        if op.kind == "attention":
            off = op.k * ELEMENT % ALIGNMENT > 0.0
            arithmetic = arithmetic * np.where(off, self.stack.unaligned, 1.0)
        elif op.kind == "gemm" and not op.name.startswith("head"):
            width = FORMAT_BYTES[op.number_format]
            off = sum((size * width % BEST_ALIGNMENT > 0.0 for size in (op.m, op.n, op.k)), _NOWHERE)
            arithmetic = arithmetic * np.where(off, self.stack.unaligned_product, 1.0)
        return arithmetic, memory, cost

    def cost(self, operation: Operation) -> Cost:
        """Cost of one launch."""
        if operation.kind == "attention" and self.narrow_attention:
            operation = replace(operation, number_format="fp8")
        chip = self.cluster.chip
        of = operation.number_format, float(operation.k) if operation.kind == "attention" else 0.0
        if of not in self._efficiency:
            self._efficiency[of] = self.stack.efficiency(chip, *of)
        efficiency = self._efficiency[of]
        if operation.kind == "grouped_gemm":
            return grouped_cost(self.technology, operation, chip, efficiency, self.stack)
        cost = self.technology.cost(operation, chip, efficiency)
        return chunked(cost, operation, chip, self.stack) if is_chunked(operation) else cost

    def _traffic(self, operation: Operation) -> float:
        """Bytes that an operation really moves over the least."""
        if operation.kind != "memory" or operation.name == _SCORES:  # whose passes are counted
            return 1.0
        return memory_passes(operation, self.stack, narrow=self.run.number_format in NARROW)

    def tensor_traffic(self, count: float) -> Traffic:
        """``count`` all-reduces of the activations over the tensor ranks (or both halves of one)."""
        where = group(size=self.tensor, stride=1.0, fabric=self.fabric)
        message = self.tokens * self.run.architecture.hidden * ELEMENT
        whole = collectives.all_reduce(size=message, group=where, fabric=self.fabric)
        half = collectives.reduce_scatter(size=message, group=where, fabric=self.fabric).times(2.0)
        split = self.sequence_parallel > 0.0
        return Traffic(
            np.where(split, half.bandwidth, whole.bandwidth),
            np.where(split, half.latency, whole.latency),
            np.where(split, half.up_bytes, whole.up_bytes),
            np.where(split, half.out_bytes, whole.out_bytes),
        ).times(count)

    def context_traffic(self, block: Block) -> Traffic:
        """Keys and values of the whole sequence gathered over the context ranks (ring or all-gather)."""
        a = block.attention
        if not a.heads:
            return self.none()
        where = group(size=self.context, stride=self.tensor, fabric=self.fabric)
        heads = np.maximum(a.key_value_heads / self.tensor, 1.0)
        widths = a.head_dim if a.shared else a.head_dim + a.value_dim
        message = self.microbatch * self.run.sequence * heads * widths * ELEMENT
        return collectives.all_gather(size=message, group=where, fabric=self.fabric)

    def expert_traffic(self, block: Block) -> Traffic:
        """Dispatch to the experts and combination of their outputs over the expert ranks."""
        if block.experts is None:
            return self.none()
        where = group(size=self.expert, stride=self.expert_stride, fabric=self.fabric)
        tokens = self.tokens / np.where(self.sequence_parallel > 0.0, self.tensor, 1.0)
        elements = tokens * block.experts.per_token * block.experts.inputs(self.run.architecture.hidden)
        return dispatch_and_combine(
            experts=block.experts,
            elements=elements,
            where=where,
            fabric=self.fabric,
            stack=self.stack,
            chip=self.cluster.chip,
        )

    def scores(self, block: Block, phase: str) -> list[Operation]:
        """Passes of unfused attention scores through device memory."""
        if self.stack.score_passes <= 0.0:
            return []
        one = score_bytes(
            block=block,
            microbatch=self.microbatch,
            sequence=self.run.sequence,
            tensor=self.tensor,
            context=self.context,
            dropout=0.0,
        )
        passes = self.stack.score_passes * (2.0 if phase == "backward" else 1.0)
        zero, each = np.zeros(self.size), one * passes / 2.0
        return [
            Operation(
                name=_SCORES,
                kind="memory",
                phase="backward" if phase == "backward" else "forward",
                m=zero,
                n=zero,
                k=zero,
                batch=zero,
                flops=zero,
                bytes_read=each,
                bytes_written=each,
                launches=np.ones(self.size),
                number_format=self.run.number_format,
            )
        ]

    def keywords(self) -> Portion:
        """What the workload asks of a layout."""
        return {
            "microbatch": self.microbatch,
            "sequence": float(self.run.sequence),
            "tensor": self.tensor,
            "context": self.context,
            "expert": self.expert,
            "sequence_parallel": self.sequence_parallel,
            "number_format": self.run.number_format,
        }


_Moved = list[tuple[Traffic, float, Array | float]]
"""Communications of a phase in the order of hiding: traffic, share that hides it, most seconds that do."""


def _rows(
    compute: list[_Sum], traffic: list[_Moved], energies: tuple[str, ...], stack: Stack, waits: float = 0.0
) -> Array:
    """One table ``(R, U)`` from phases, each with its communications in the order of hiding.

    A phase in which the host issues operations more slowly than the device does them (``stack.host``
    seconds each) takes the host's time: what that is beyond the device's is launch time, behind which later
    communications hide as behind computation. ``waits`` [s] a phase are spent on top of either.
    """
    size = len(compute[0].arithmetic)
    rows = np.zeros((ENERGY_FROM + len(energies), size))
    for phase, moved in zip(compute, traffic, strict=True):
        rows[0] += phase.arithmetic
        rows[1] += phase.memory
        window, shown = phase.arithmetic + phase.memory, np.zeros(size)
        for one, share, limit in moved:
            bandwidth, latency, window = hide(one, window, share, stack.contention, limit)
            rows[3] += bandwidth
            rows[4] += latency
            rows[6] += one.up_bytes
            rows[7] += one.out_bytes
            shown = shown + bandwidth + latency
        device = phase.arithmetic + phase.memory + phase.launch + shown
        late = np.maximum(stack.host * stack.host_times * phase.issued - device, 0.0) + waits
        rows[2] += phase.launch + late
        rows[5] += window + late
        for i, name in enumerate(energies):
            rows[ENERGY_FROM + i] += phase.energy.get(name, 0.0)
    return rows


def _layer(shapes: _Shapes, block: Block) -> tuple[list[_Sum], list[_Moved], tuple[_Sum, _Sum, _Sum]]:
    """(compute by phase, communication by phase, what is done again) of one layer.

    Done again by selective recomputation (the attention core; of stacks that keep every second product, the
    others and what is element-wise), by that of everything, and by that of all but attention's projections.
    """
    run, stack = shapes.run, shapes.stack
    operations = block_operations(run.architecture, block, **shapes.keywords())
    if run.adapters:
        operations = adapted(operations, run.adapters)
    forward = [op for op in operations if op.phase == "forward"] + shapes.scores(block, "forward")
    backward = [op for op in operations if op.phase == "backward"] + shapes.scores(block, "backward")
    core = shapes.sum([op for op in forward if op.kind == "attention" or op.name in _SELECTIVE])
    if stack.selective_products > 0.0:
        products = [op for op in forward if op.kind in ("gemm", "grouped_gemm")]
        half = shapes.sum(products).times(1.0 / 2.0)
        core = half.plus(shapes.sum([op for op in forward if op.kind == "memory"]))
    projections = [op for op in forward if op.kind == "gemm" and op.name.startswith(("attention", "mixer."))]
    imbalance: Array | float = 1.0
    if block.experts is not None:
        imbalance = expert_imbalance(
            tokens=shapes.tokens,
            per_token=block.experts.per_token,
            expert=shapes.expert,
            skew=stack.expert_skew,
        )
    gather = shapes.context_traffic(block)
    tensor = shapes.tensor_traffic(1.0 if block.parallel else 2.0)
    expert = shapes.expert_traffic(block)

    def moved(rings: float, phase: list[Operation]) -> _Moved:
        beside: Array | float = np.inf
        if stack.ring_attention > 0.0:
            attention = shapes.sum([op for op in phase if op.kind == "attention"])
            beside = attention.arithmetic + attention.memory
        return [
            (gather.times(rings), stack.overlap_context, beside),
            (tensor, stack.overlap_tensor, np.inf),
            (expert, stack.overlap_expert, stack.hidden_expert * expert.time),
        ]

    compute = [shapes.sum(forward, imbalance), shapes.sum(backward, imbalance)]
    unused = [op for op in forward if op.name in last_products(block)]
    whole = compute[0].plus(shapes.sum(unused).times(stack.recompute_last - 1.0))
    but_projections = whole.plus(shapes.sum([op for op in projections if op not in unused]).times(-1.0))
    return compute, [moved(1.0, forward), moved(2.0, backward)], (core, whole, but_projections)


def layer_costs(
    run: TrainingRun, layouts: Layouts, cluster: Cluster, stack: Stack, known: KnownCosts | None = None
) -> LayerCosts:
    """Costs of every block kind, the embedding and the head, for every unlike shape among ``layouts``.

    Those that are ``known`` are not computed again.
    """
    shapes = _Shapes(run, layouts, cluster, stack)
    if known is None:
        return _costs_of(shapes)
    parts = (run.architecture, cluster.chip, shapes.fabric, replace(stack, offers=()))
    costs = known.of(
        parts,
        (run.sequence, run.number_format, run.adapters),
        shapes.columns,
        lambda rows: _costs_of(shapes.some(rows)),
    )
    return replace(costs, index=shapes.index)


def _costs_of(shapes: _Shapes) -> LayerCosts:
    run, stack, model = shapes.run, shapes.stack, shapes.run.architecture
    layers = [_layer(shapes, block) for block in model.blocks]
    ends: list[tuple[list[_Sum], list[_Moved]]] = []
    keywords = shapes.keywords()
    for operations in (embedding_operations(model, **keywords), head_operations(model, **keywords)):
        if run.adapters:
            operations = adapted(operations, run.adapters, beside=False)
        compute = [
            shapes.sum([op for op in operations if op.phase == phase]) for phase in ("forward", "backward")
        ]
        moved: _Moved = [(shapes.tensor_traffic(1.0), stack.overlap_tensor, np.inf)]
        ends.append((compute, [[], moved] if ends else [moved, []]))
    energies = tuple(sorted({name for compute, _, _ in layers for phase in compute for name in phase.energy}))
    tables: list[list[Array]] = []
    for block, (compute, traffic, (core, all_of_it, but_projections)) in zip(
        model.blocks, layers, strict=True
    ):
        waits = stack.routing_wait * stack.wait_share * stack.host_times if block.experts is not None else 0.0
        forward, backward = compute
        passes = (1.0, 1.0, 3.0 / 2.0, 3.0 / 2.0)  # a forward pass done again waits once more in two phases
        again = [backward, backward.plus(core), backward.plus(all_of_it), backward.plus(but_projections)]
        whole = [*traffic[1], *traffic[0]]
        repeated = [traffic[1], traffic[1], whole, whole]
        tables.append(
            [
                _rows(
                    [forward, again[r]],
                    [traffic[0], repeated[r]],
                    energies,
                    stack,
                    waits * passes[r],
                )
                * block.repeats
                for r in range(len(RECOMPUTE))
            ]
        )
    for compute, traffic in ends:
        tables.append([_rows(compute, traffic, energies, stack)] * len(RECOMPUTE))
    everything = [
        [block.repeats * _activations(run, stack, shapes, block, r) for r in range(len(RECOMPUTE))]
        for block in model.blocks
    ]
    return LayerCosts(
        index=shapes.index,
        kinds=np.stack([np.concatenate(by_recompute, axis=1) for by_recompute in tables]),
        activations=np.stack([np.concatenate(rows) for rows in everything]),
        working=np.stack(
            [np.concatenate([rows[0] - rows[r] for r in range(len(RECOMPUTE))]) for rows in everything]
        ),
        energies=energies,
    )


def _activations(run: TrainingRun, stack: Stack, shapes: _Shapes, block: Block, recompute: int) -> Array:
    """Bytes that a layer keeps of one microbatch, for every shape."""
    return activation_bytes(
        block=block,
        hidden=run.architecture.hidden,
        microbatch=shapes.microbatch,
        sequence=run.sequence,
        tensor=shapes.tensor,
        context=shapes.context,
        sequence_parallel=shapes.sequence_parallel,
        recompute=recompute,
        dropout=stack.dropout,
        fused=stack.score_passes <= 0.0,
        gated_copies=stack.gated_copies,
        kept_bytes=stack.kept_narrow if run.number_format in NARROW else stack.kept_bytes,
        routed_copies=stack.routed_copies,
        gate_bytes=stack.gate_bytes,
        selective_products=stack.selective_products,
        context_copies=stack.context_copies,
    )
