"""What software does to a step: the physical parameters that its flags set, and recipes of optimizers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from gigawatt.catalog import entity, table
from gigawatt.core.errors import MissingDataError
from gigawatt.core.evidence import Grade
from gigawatt.machine.chips import multiplication_energy
from gigawatt.machine.clocks import clock_model, sustained_share
from gigawatt.machine.conditions import clock_ratio
from gigawatt.machine.machine import Chip
from gigawatt.technology.digital.gpu import fitted_as, kernels, multiplied_as
from gigawatt.technology.digital.surfaces import surface_row
from gigawatt.technology.digital.systolic import ARRAYS
from gigawatt.technology.interface import Efficiency

__all__ = [
    "NARROW",
    "RECOMPUTE",
    "Optimizer",
    "Stack",
    "attention_share",
    "load_optimizer",
    "named_for",
    "sustained",
]


_HALF = ("bf16", "fp16")


@dataclass(frozen=True)
class Stack:
    """What a machine's datasheet cannot say: the parameters that flags set (:mod:`.software`).

    Attributes
    ----------
    arithmetic, memory : float
        Multipliers on the technology's achievable rates; ``launch`` [s] the exposed time of one kernel.
    traffic : float
        Bytes that element-wise operations really move over the least (conversions, separate passes).
    permute, permutes : float
        Bytes that a kernel that sorts tokens by expert really moves over the least, beside ``traffic``; how
        often the dispatcher sorts them, in passes of a sort and its way back (0: inside the exchange).
    router_kernels : float
        Small kernels of the router of one layer, forward and backward together.
    kernels : float
        Kernels of one operation as we count them, which the host issues in ``host`` seconds.
    grouped, grouped_gradient : float
        Rate of grouped multiplications of experts, and of their weight gradients, beside the library's on the
        matrix of one expert.
    grouped_kernels : float
        Kernels that are issued for each expert of a device and each of its multiplications (0: one for all).
    expert_passes : float
        1 where the activation of experts and the conversion of its result pass through memory, 0 where the
        multiplications before them do both on their way.
    clamped : float
        Bytes of the biases and the clamped activation of experts over the least of an activation, beside
        ``traffic`` (most software has no fused kernel of it).
    chunked : float
        Share of the memory's rate that kernels of linear attention and the delta rule reach.
    scanned : float
        The same of those of Mamba-2's scan.
    cast, cast_kernels : float
        The same of conversions to formats of 8 bits and fewer (scales found in a pass of their own);
        ``cast_kernels`` that one of them takes.
    narrow_attention : float
        1 where runs in 8 bit and less compute attention in 8 bit too, 0 where in 16.
    attention_kernel : str
        Which kernels compute attention: a ``kernel`` of the catalog's ``attention_kernels``; ``attention``
        multiplies its share.
    host : float [s]
        Of the host's processor to issue one operation as we count them (a framework issues several kernels
        for one). It runs ahead of the device, so a phase of a layer takes the longer of the two.
    host_times : float
        Times as long as that, and as waits for the host, of the runtime of the accelerator.
    overlap_tensor, overlap_context, overlap_expert, overlap_pipeline, overlap_data : float in [0, 1]
        Share of the compute time that runs beside it that a communication can hide behind.
    hidden_expert : float in [0, 1]
        Most of an exchange with experts that any computation hides (what the first and the last part of a
        batch have to wait for stays).
    overlap_optimizer : float in [0, 1]
        The same of the last microbatch's backward pass for the update of states: layers whose gradients are
        whole are updated while earlier ones are still differentiated.
    balanced : float
        1 where pipeline stages are cut so that the slowest is as quick as it can be, 0 where they hold equal
        numbers of layers.
    bucket, bucket_per_rank : float [B]
        Least size of one communication bucket, and how much larger it is for every data-parallel rank.
    step_overhead : float [s]
        Per step, outside any kernel: data loader, gradient norm, logging.
    score_passes : float
        Times that the attention scores go through device memory in the forward pass (0: fused attention).
    unaligned : float
        Times that attention takes longer where a head's width is no multiple of 16 bytes, so that unfused
        kernels leave the tensor units (1: kernels that pad).
    unaligned_product : float
        Times that a matrix multiplication takes longer where a width is no multiple of 128 bytes, as tensor
        units since Ampere want it (NVIDIA's matrix multiplication guide).
    dropout : float
        1 where dropout masks are kept, else 0.
    gated_copies : float
        Widths that a gated feed-forward keeps: 3 (gate, up, product) or 2 (the product is computed again).
    kept_bytes, kept_narrow, gate_bytes : float [B]
        Per element of the inputs of matrix multiplications kept for the backward pass, the same where the
        multiplications are of 8 bits or fewer, and per element of gate and up.
    routed_copies : float
        Copies of every token sent to an expert that are kept (dispatched, sorted, expert outputs).
    selective_products : float
        What selective recomputation keeps: 0 all but the attention core; 1 the outputs of attention and of
        every second matrix multiplication.
    recompute_last : float
        1 where a layer that is computed again is so to its end, 0 where that ends with what its backward
        pass reads, short of the last multiplication.
    context_copies : float
        Copies of attention's output that context parallelism keeps beside the next multiplication's input.
    gradient_share : float
        Gradients alive while one layer is differentiated, as a share of its activations.
    weight_gradient : float [B]
        Per parameter of one layer, or of the head, of weight gradients on their way into the sum (or of the
        placeholders that a fused sum leaves in their stead).
    sum_bytes : float [B]
        Per parameter and microbatch, of a kernel that adds weight gradients to the sum (0: the
        multiplications that make them do).
    gathered_layers : float
        Layers whose weights ZeRO 3 has whole at once: the one at hand and those fetched ahead.
    narrow_weights : float [B]
        Per parameter, of copies of the weights in the narrow format.
    logit_bytes, logit_bytes_split : float [B]
        Per logit on the last stage: logits, their copies in the loss and their gradient; the same where
        tensor parallelism splits the vocabulary.
    fragmentation : float
        Reserved by the allocator beyond what is allocated, as a share of it.
    reserve : float [B]
        Outside the allocator: context, kernels, communication libraries.
    dispatch_bytes : float [B]
        Per element in the dispatch to experts (combining is in 16 bit).
    dispatcher : str
        How tokens reach experts: a ``dispatcher`` of the catalog's ``expert_exchanges``.
    deduplicates : float
        1 where a token that goes to several experts of one fast domain crosses the fabric once, else 0.
    routing_wait : float [s]
        By which a layer with experts waits for the host in each phase, beside its kernels: the number of
        tokens of every expert is read back before the kernels that depend on it are issued.
    wait_share : float
        What of that is left where a graph is replayed around it, in place of single operations.
    contention : float
        Share of a hidden communication's time by which the computation beside it is slowed (processors
        and memory that the communication takes).
    ring_attention : float
        1 where context parallelism passes keys and values round a ring beside the attention of the part
        at hand (only the attention core hides it), 0 where they are gathered before.
    expert_skew : float
        Lasting excess of the busiest expert rank over the mean, beyond chance.
    schedule : str
        Of the pipeline, one of ``layouts.SCHEDULES``; layouts that cannot run so run as 1F1B.
    optimizer : str
        Default row of the catalog's ``optimizers``.
    offers : ((column, values), ...)
        Columns of a layout of which the framework has only these values.
    widens : names
        Rare columns of a layout that the framework uses by itself: ``shard`` where states are shared out
        inside a fast domain and copied between domains.
    software : Software, optional
        What it was made of (:mod:`gigawatt.performance.software`).
    """

    id: str
    framework: str
    year: int
    arithmetic: float
    memory: float
    traffic: float
    permute: float
    permutes: float
    router_kernels: float
    kernels: float
    grouped: float
    grouped_gradient: float
    grouped_kernels: float
    expert_passes: float
    clamped: float
    chunked: float
    scanned: float
    cast: float
    cast_kernels: float
    narrow_attention: float
    launch: float
    host: float
    overlap_tensor: float
    overlap_context: float
    overlap_expert: float
    hidden_expert: float
    overlap_pipeline: float
    overlap_data: float
    overlap_optimizer: float
    balanced: float
    bucket: float
    bucket_per_rank: float
    step_overhead: float
    score_passes: float
    unaligned: float
    unaligned_product: float
    dropout: float
    gated_copies: float
    kept_bytes: float
    kept_narrow: float
    gate_bytes: float
    routed_copies: float
    selective_products: float
    recompute_last: float
    context_copies: float
    gradient_share: float
    weight_gradient: float
    sum_bytes: float
    gathered_layers: float
    narrow_weights: float
    logit_bytes: float
    logit_bytes_split: float
    fragmentation: float
    reserve: float
    dispatch_bytes: float
    deduplicates: float
    routing_wait: float
    wait_share: float
    host_times: float
    contention: float
    ring_attention: float
    expert_skew: float
    attention_kernel: str
    dispatcher: str
    schedule: str
    optimizer: str
    offers: tuple[tuple[str, tuple[int, ...]], ...] = ()
    widens: tuple[str, ...] = ()
    attention: float = 1.0
    software: Any = field(default=None, compare=False, repr=False)

    def efficiency(self, chip: Chip, number_format: str, head: float = 128.0) -> Efficiency:
        """What the technology needs to know of the stack, at the rate that the chip sustains in a step.

        ``head``: width of the queries' heads, for the attention kernel.
        """
        kept = sustained(chip, number_format)
        # exponentials between the multiplications draw less power: halfway, in logarithms, to the whole rate
        share = attention_share(self.attention_kernel, chip, head)
        clock = step_clock(chip, number_format)
        return Efficiency(
            arithmetic=self.arithmetic * kept,
            memory=self.memory,
            launch=self.launch,
            attention=self.attention * self.arithmetic * math.sqrt(kept) * share,
            voltage=1.0 if clock is None else float(clock_model(chip).voltage(clock)),
        )


def attention_share(kernel: str, chip: Chip, head: float = 128.0) -> float:
    """Rate of an attention kernel beside the best benchmarked on the chip, for heads ``head`` elements wide.

    Of the catalog's ``attention_kernels`` of that name, the row whose ``prefix`` is the longest that begins
    the chip's id, among those whose ``widest`` heads are as wide.
    """
    named = [row for row in table("attention_kernels").values() if row.text("kernel") == kernel]
    fitting = [
        (len(row.text("prefix")), -widest, row.value("share"))
        for row in named
        if chip.id.startswith(row.text("prefix")) and head <= (widest := row.get("widest") or math.inf)
    ]
    if not fitting:
        raise MissingDataError("no such attention kernel in the catalog", given=kernel)
    return max(fitting)[2]


def sustained(chip: Chip, number_format: str) -> float:
    """Share of the rate of a benchmarked kernel that the chip keeps up for a whole step.

    A row of the catalog's ``sustained`` (``share`` for formats of 16 bits and more, ``share_narrow`` for
    narrower ones) where it was measured or fitted; the :func:`step_clock` of a chip whose kernels were
    measured; of all others the guessed row, ``arrays`` where they multiply on systolic arrays, ``default``.
    Times :func:`~gigawatt.machine.conditions.clock_ratio` of one that is not as it was measured.
    """
    if chip.like is not None:
        kept, form = sustained(chip.like, number_format), multiplied_as(number_format)
        return kept * clock_ratio(chip, form, kept)
    rows, quantity = table("sustained"), _share_of(number_format)
    own = _fitted_share(chip.id, quantity)
    if own is not None:
        return own
    clock = step_clock(chip, number_format)
    if clock is not None:
        return clock
    guessed = rows[chip.id].get(quantity) if chip.id in rows else None
    like = "default" if chip.arrays is None else ARRAYS
    return rows[like].value(quantity) if guessed is None else guessed


def step_clock(chip: Chip, number_format: str) -> float | None:
    """Clock in a step over that of a benchmarked kernel; ``None`` of a chip without measured kernels.

    In 16 bit the measured one (``step_clock`` of ``clocks``) of silicon whose clock was read in a training
    step. Else the power limit holds a step's multiplications, whose FLOP take the joules of a large
    multiplication on the chip's silicon times the ``training_factor`` of ``clocks``, at the rate of the
    measured kernels (:func:`~gigawatt.machine.clocks.sustained_share`).
    """
    form = multiplied_as(number_format)
    if chip.like is not None:
        clock = step_clock(chip.like, number_format)
        return None if clock is None else clock * clock_ratio(chip, form, clock)
    measured = surface_row(chip.kernels, "gemm", "bf16")
    if measured is None or measured.text("chip") != chip.kernels or form not in chip.energy_flop:
        return None
    model = clock_model(chip)
    if model.step is not None and number_format in _HALF:
        return model.step
    share = kernels(chip.kernels).share["gemm", fitted_as(number_format)]
    kept = sustained_share(
        chip_power=model,
        rate=share * chip.peak[form],
        energy_flop=model.factor * multiplication_energy(chip, form),
        clock=1.0,
    )
    return float(kept)


def _share_of(number_format: str) -> str:
    return "share_narrow" if number_format in NARROW else "share"


def _fitted_share(id: str, quantity: str) -> float | None:
    """The share that was fitted for a chip; ``None`` where its row is a guess or missing."""
    row = table("sustained").get(id)
    if row is None or quantity not in row.numbers or row.evidence(quantity).grade is Grade.guess:
        return None
    return row.value(quantity)


@dataclass(frozen=True)
class Optimizer:
    """Bytes per parameter of a recipe: ``weight``, ``gradient``, ``state`` held, ``wire`` sent.

    ``update`` is alive in the optimizer's step only, when activations are gone (copies of the gradients).
    ``changed`` is the share of the weights that a step changes. ``all_reduced``: gradients of ZeRO 1 are
    summed on every rank, though each rank has a share of the state alone.
    """

    id: str
    name: str
    weight: float
    gradient: float
    state: float
    update: float
    wire: float
    all_reduced: bool = False
    changed: float = 1.0

    @property
    def scatter_wire(self) -> float:
        """Bytes sent for a gradient that is reduce-scattered, from ZeRO 2 on: those of a weight where the
        ``wire`` of sums is that of ZeRO 0 and 1 alone."""
        return min(self.wire, self.weight) if self.all_reduced else self.wire

    def of_share(self, share: float) -> Optimizer:
        """The recipe where a ``share`` of the parameters is trained beside all others, which are frozen."""
        return replace(
            self, weight=self.weight * (1.0 + share), gradient=self.gradient * share,
            state=self.state * share, update=self.update * share, wire=self.wire * share, changed=share,
        )  # fmt: skip


NARROW = ("fp8", "int8", "fp4")
"""Number formats of a byte or less."""
RECOMPUTE = ("none", "selective", "full", "feed-forward")
"""Activation recomputation, by its index in a layout."""


def load_optimizer(id: str) -> Optimizer:
    """The optimizer recipe ``id`` of the catalog."""
    row = entity("optimizers", id)
    return Optimizer(
        row.id,
        row.text("name"),
        row.value("weight"),
        row.value("gradient"),
        row.value("state"),
        row.value("update"),
        row.value("wire"),
        row.text("gradients") == "all-reduced",
    )


def named_for(chip: Chip, year: int, *, source: str, column: str) -> str:
    """What the table ``source`` of software by chip and year names in ``column``.

    Of the rows whose ``prefix`` begins the chip's id, those with the longest prefix; of these the latest
    not after ``year``, or the earliest.

    Raises
    ------
    MissingDataError
        No row is for this chip.
    """
    rows = [row for row in table(source).values() if chip.id.startswith(row.text("prefix"))]
    if not rows:
        raise MissingDataError(f"no default {column} for this chip", given=chip.id)
    longest = max(len(row.text("prefix")) for row in rows)
    series = sorted(
        (int(row.text("year")), row.text(column)) for row in rows if len(row.text("prefix")) == longest
    )
    earlier = [name for since, name in series if since <= year]
    return earlier[-1] if earlier else series[0][1]
