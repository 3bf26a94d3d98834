"""Memory of one device, by part, on the worst pipeline stage.

What is held through the step (weights, gradients, optimizer), what waits for the backward pass (activations
of the microbatches in flight), and what is alive for a moment: gradients of the layer being differentiated,
weight gradients before they are added up, gathered layers, logits. The allocator loses a share of what
comes and goes; context and communication libraries take memory that it never sees.

References
----------
Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models",
arXiv:2205.05198, sections 4 and 5. Rajbhandari et al. 2020, "ZeRO", arXiv:1910.02054. Ren et al. 2021,
"ZeRO-Offload", arXiv:2101.06840.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.performance.activations import ELEMENT, activation_bytes, score_bytes
from gigawatt.performance.degrees import unlike
from gigawatt.performance.layouts import SCHEDULES, Layouts, TrainingRun
from gigawatt.performance.schedules.pipeline import Cuts, in_flight
from gigawatt.performance.stacks import NARROW, Optimizer, Stack
from gigawatt.workload.architecture import Architecture, Block

__all__ = [
    "ALLOCATED",
    "ELEMENT",
    "MEMORY_PARTS",
    "RESERVED",
    "Shards",
    "StageMemory",
    "activation_bytes",
    "score_bytes",
    "shards",
    "stage_parameters",
]

Array = NDArray[np.float64]

ALLOCATED = ("weights", "gradients", "optimizer", "activations", "logits", "buffers")
"""Parts that a framework reports as the most bytes allocated."""
RESERVED = (*ALLOCATED, "fragmentation")
"""Parts that it reports as reserved."""
MEMORY_PARTS = (*RESERVED, "reserve")
"""All that the device has in use (``nvidia-smi``): ``reserve`` is outside the framework's allocator."""


@dataclass(frozen=True, slots=True)
class Shards:
    """Over how many ranks states are spread, shape ``(L,)``.

    ``dense`` ranks hold the same dense weights (data · context), ``routed`` the same experts;
    ``expert_split`` divides the experts of a layer (expert · expert-tensor). ZeRO spreads states over
    ``dense_states`` and ``routed_states`` of them: fewer where sharding is hybrid.
    """

    dense: Array
    routed: Array
    expert_split: Array
    expert_stride: Array
    dense_states: Array
    routed_states: Array


def shards(layouts: Layouts) -> Shards:
    """The data-parallel groups of dense and of expert weights; see the conventions of ``layouts``."""
    tensor, expert = layouts.tensor.astype(float), layouts.expert.astype(float)
    dense = layouts.data.astype(float) * layouts.context.astype(float)
    expert_tensor = np.where(dense % expert == 0.0, tensor, 1.0)
    split = expert * expert_tensor
    routed = np.maximum(dense * tensor / split, 1.0)
    if not layouts.shard.any():
        return Shards(dense, routed, split, split, dense, routed)
    part = np.where(layouts.shard > 0, layouts.shard.astype(float), dense)
    group = np.minimum(part, dense)
    return Shards(dense, routed, split, split, group, np.maximum(routed * group / dense, 1.0))


def stage_parameters(
    architecture: Architecture, cut: Cuts, layouts: Layouts, shard: Shards
) -> tuple[Array, Array]:
    """(dense, expert) parameters on one device of every unlike stage, shape ``(L, C)`` each.

    Down-projections of latent attention, norms and routers are whole on every tensor rank; where there are
    fewer key-value heads than tensor ranks, each is on several.
    """
    whole = architecture.parameters
    blocks = architecture.blocks
    every = np.array([_whole(b) for b in blocks])
    split = np.array([_split(b) for b in blocks])
    routed = np.array([float(b.parameters.experts) for b in blocks])
    head = float(whole.head) if not architecture.tied_embeddings else float(whole.embedding)
    alone = cut.embedding * cut.head if architecture.tied_embeddings else 0.0
    ends = cut.embedding * float(whole.embedding) + cut.head * head - alone * head
    last_norm = whole.norms - sum(b.count * b.parameters.norms for b in blocks if b.role == "layer")
    first, inverse = unlike((cut.index, layouts.tensor))
    row, tensor = cut.index[first], layouts.tensor[first].astype(float)[:, None]
    dense = (cut.layers @ split + ends)[row] / tensor
    dense = dense + (cut.layers @ every + cut.head * float(last_norm))[row]
    dense = dense + _repeated(architecture, cut.layers[row], tensor)
    experts = cut.layers @ routed
    if not experts.any():
        return dense.take(inverse, axis=0), np.zeros((len(layouts), 1))
    return dense.take(inverse, axis=0), experts.take(cut.index, axis=0) / shard.expert_split[:, None]


def _whole(block: Block) -> float:
    """Parameters of a layer that every tensor rank holds."""
    p = block.parameters
    return float(p.router + p.norms + p.replicated)


def _split(block: Block) -> float:
    """Dense parameters of a layer that tensor parallelism divides."""
    p = block.parameters
    return float(p.attention - p.replicated + p.feed_forward)


def _repeated(architecture: Architecture, layers: Array, tensor: Array) -> Array:
    """Parameters of key-value heads beyond an even share, where there are more tensor ranks than heads."""
    found: Array = np.zeros((1, 1))
    for kind, block in enumerate(architecture.blocks):
        a = block.attention
        if not a.latent:
            beyond = np.maximum(1.0 - a.key_value_heads / tensor, 0.0)
            each = architecture.hidden * float(a.head_dim + a.value_dim) * beyond
            found = found + layers[:, :, kind] * each
    return found


class StageMemory:
    """Bytes of every unlike stage of every layout, ``(L, C)``.

    Parameters
    ----------
    run, layouts, stack, optimizer
        What is trained and how.
    cut, shard
        Unlike stages and sharing groups of the layouts.
    parameters : pair of array (L, C)
        Dense and expert parameters by stage: :func:`stage_parameters`.
    activations, working : array (K, L) [B]
        Kept by one layer of each kind for one microbatch, and needed beside it while one layer is
        recomputed.
    waiting : array (L, C), optional
        Microbatches in flight, in units of a whole stage's layers; those of (interleaved) 1F1B where left
        out.
    """

    def __init__(
        self,
        *,
        run: TrainingRun,
        layouts: Layouts,
        stack: Stack,
        optimizer: Optimizer,
        cut: Cuts,
        shard: Shards,
        parameters: tuple[Array, Array],
        activations: Array,
        working: Array,
        waiting: Array | None = None,
    ) -> None:
        self.run, self.layouts, self.stack, self.optimizer = run, layouts, stack, optimizer
        self.cut, self.shard, self.activations, self.working = cut, shard, activations, working
        self.dense, self.routed = parameters
        self.experts = bool(self.routed.any())
        self.zero = layouts.zero
        self.tensor = layouts.tensor.astype(float)
        self.pipeline = layouts.pipeline.astype(float)
        self.layers = cut.layers.take(cut.index, axis=0)
        self.offloads = bool(layouts.offload.any())
        if waiting is None:
            waiting = in_flight(
                stage=cut.first[cut.index],
                pipeline=self.pipeline[:, None],
                interleave=layouts.interleave.astype(float)[:, None],
                microbatches=layouts.microbatches[:, None],
            )
        self.waiting = waiting
        tokens = layouts.microbatch.astype(float) * run.sequence / layouts.context
        self.stream = (
            tokens
            * run.architecture.hidden
            * run.architecture.streams
            / np.where(layouts.sequence_parallel > 0, self.tensor, 1.0)
        )
        self.tokens = tokens

    def device(self) -> dict[str, Array]:
        """Bytes on one device of the stage that needs most, by part (:data:`MEMORY_PARTS`), each ``(L,)``."""
        by_stage = self.parts()
        rows, worst = np.arange(len(self.layouts)), np.argmax(_sum(by_stage), axis=1)
        return {name: by_stage[name][rows, worst] for name in MEMORY_PARTS}

    def total(self) -> Array:
        """Bytes on one device of the stage that needs most, all parts together, ``(L,)``."""
        return np.asarray(_sum(self.parts()).max(axis=1))

    def host(self) -> Array:
        """Bytes that one device keeps in its host's memory, on the stage that sends most there, ``(L,)``.

        Optimizer states where ``offload`` is 1 or 2, activations where it is 2.
        """
        offload = self.layouts.offload[:, None]
        states = np.where(offload >= 1, self.spread(self.optimizer.state, 1), 0.0)
        return np.asarray((states + np.where(offload >= 2, self.kept(), 0.0)).max(axis=1))

    def spread(self, per_parameter: float, from_stage: int) -> Array:
        """Bytes of a state that ZeRO spreads from a stage on."""
        spread = self.zero >= from_stage
        dense = np.where(spread, per_parameter / self.shard.dense_states, per_parameter)
        routed = np.where(spread, per_parameter / self.shard.routed_states, per_parameter)
        if not self.experts:
            return self.dense * dense[:, None]
        return self.dense * dense[:, None] + self.routed * routed[:, None]

    def kept(self) -> Array:
        """Activations of all microbatches in flight."""
        kept = np.einsum("lck,kl->lc", self.layers, self.activations)
        if self.stack.dropout > 0.0:
            kept += self.cut.embedding[self.cut.index] * (self.stack.dropout * self.stream)[:, None]
        return kept * self.waiting

    def _layer(self) -> tuple[Array, Array, Array]:
        """Dense, expert and single-expert parameters of the largest layer on one device, ``(L,)``."""
        dense: Array = np.zeros(len(self.tensor))
        routed, single = dense, dense
        for block in self.run.architecture.blocks:
            dense = np.maximum(dense, _split(block) / self.tensor + _whole(block))
            if block.experts is not None:
                one = block.parameters.experts / self.shard.expert_split
                routed = np.maximum(routed, one)
                each = self.layouts.expert / block.experts.count
                single = np.maximum(single, one * each)
        return dense, routed, single

    def parts(self) -> dict[str, Array]:
        """Every part of :data:`MEMORY_PARTS`.

        The peak is while a layer is differentiated, or while the loss is (on a stage with the head), or in
        the update.
        """
        stack, optimizer = self.stack, self.optimizer
        both_ways = self.layouts.schedule == SCHEDULES.index("dualpipe")
        weights = self.spread(optimizer.weight, 3) * np.where(both_ways, 2.0, 1.0)[:, None]
        if self.run.number_format in NARROW and stack.narrow_weights > 0.0:
            weights = weights + stack.narrow_weights * (self.dense + self.routed)
        gradients, states, kept = (
            self.spread(optimizer.gradient, 2),
            self.spread(optimizer.state, 1),
            self.kept(),
        )
        dense, routed, single = self._layer()
        if self.offloads:
            states, kept = self._offloaded(states, kept, dense + routed)

        alive = self.working + stack.gradient_share * (self.activations + self.working)
        layer = np.max(alive, axis=0) + self._whole_inputs()
        logits, head = self._head()
        beside = at_head = stack.weight_gradient * optimizer.changed * (dense + single)
        head_beside = stack.weight_gradient * optimizer.changed * head
        whole = self.zero == 3
        if whole.any():
            unit = dense + routed
            passing = (stack.gathered_layers + 1.0) * ELEMENT + optimizer.gradient
            beside = np.where(whole, passing * unit, beside)
            at_head = np.where(whole, (stack.gathered_layers - 1.0) * ELEMENT * unit, at_head)
            head_beside = np.where(whole, ELEMENT * head, head_beside)
        bucket = np.where(self.shard.dense > 1.0, stack.bucket, 0.0)
        beside, at_head = beside + bucket, at_head + head_beside + bucket
        at_loss = (self.cut.head[self.cut.index] > 0.0) & ((logits + at_head) > (layer + beside))[:, None]
        moment = np.where(at_loss, 0.0, layer[:, None])
        logits = np.where(at_loss, logits[:, None], 0.0)
        buffers = np.where(at_loss, at_head[:, None], beside[:, None])
        if optimizer.update > 0.0:
            update = self.spread(optimizer.update, 1)
            buffers = buffers + np.maximum(update - (kept + moment + logits + buffers), 0.0)
        kept = kept + moment
        allocated = weights + gradients + states + kept + logits + buffers
        return {
            "weights": weights,
            "gradients": gradients,
            "optimizer": states,
            "activations": kept,
            "logits": logits,
            "buffers": buffers,
            "fragmentation": stack.fragmentation * allocated,
            "reserve": np.full_like(kept, stack.reserve),
        }

    def _whole_inputs(self) -> Array:
        """One gathered input and its gradient, where sequence parallelism keeps only parts of them."""
        shared = (self.layouts.sequence_parallel > 0) * (1.0 - 1.0 / self.tensor)
        width = self.run.architecture.hidden * self.run.architecture.streams
        return 2.0 * ELEMENT * self.tokens * width * shared

    def _head(self) -> tuple[Array, Array]:
        """Bytes of the logits with what is kept of them, parameters of the head on one device, ``(L,)``."""
        model, stack = self.run.architecture, self.stack
        each = np.where(self.tensor > 1.0, stack.logit_bytes_split, stack.logit_bytes)
        logits = self.tokens * each * model.vocabulary / self.tensor
        logits = logits + 2.0 * ELEMENT * self.stream + self._whole_inputs()
        return logits, float(model.parameters.head or model.parameters.embedding) / self.tensor

    def _offloaded(self, states: Array, kept: Array, unit: Array) -> tuple[Array, Array]:
        """What stays on the device: one layer's states, activations of one layer on their way."""
        offload = self.layouts.offload[:, None]
        spread = np.where(self.zero >= 1, self.shard.dense_states, 1.0)
        one = np.minimum(states, (self.optimizer.state * unit / spread)[:, None])
        states = np.where(offload >= 1, one, states)
        passing = np.minimum(kept, 2.0 * np.max(self.activations, axis=0)[:, None])
        return states, np.where(offload >= 2, passing, kept)


def _sum(by_stage: dict[str, Array]) -> Array:
    total = by_stage["weights"] + by_stage["gradients"]
    for name in MEMORY_PARTS[2:]:
        total += by_stage[name]
    return total
