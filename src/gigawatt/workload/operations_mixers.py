"""Operations of what mixes tokens in the place of attention: scans, linear attention, the gated delta rule.

Mamba-2's scan, linear attention and the delta rule run through the sequence in chunks. Within a chunk they
are matrix multiplications, small and many (one a chunk and head), between chunks a state is handed on. Each
row below is one kernel of the published implementations, with what it must read and write; the states of all
chunks go through device memory in four bytes. Backward every product has two gradients, and what was not kept
is computed again.

Tensor parallelism divides heads and groups (a group is repeated where there are more ranks than groups).
Context parallelism exchanges tokens for heads before the scan, so that a rank runs the whole sequence of
its share of the heads: the sums are those of its tokens with all heads, which is what is counted.

References
----------
Gu and Dao 2023, "Mamba"; Qin et al. 2024, "Lightning Attention-2"; Peng et al. 2024, 2025 (RWKV-6, RWKV-7);
Dao and Gu 2024, "Transformers are SSMs", section 6, and the kernels of ``mamba_ssm``; Yang et al. 2024,
"Gated Delta Networks", and the kernels of ``flash-linear-attention``; Waleffe et al. 2024, "An Empirical
Study of Mamba-based Language Models" (tensor parallelism).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gigawatt.workload.mixers import (
    DeltaRule,
    LinearAttention,
    Mixer,
    SelectiveScan,
    ShortConvolution,
    StateSpace,
)
from gigawatt.workload.operation import ONE, Array, Device, Operation, both, memory

__all__ = ["CHUNKED", "SCANS", "mixer_operations"]

CHUNKED = frozenset(
    f"{kind}.{part}"
    for kind, parts in (
        ("linear", ("states", "passing", "scores", "output")),
        ("delta", ("keys", "solve", "mixed", "states", "output")),
    )
    for part in parts
)
"""Names of kernels of linear attention and the delta rule."""
SCANS = frozenset(f"scan.{part}" for part in ("states", "passing", "scores", "output"))
"""Names of kernels of Mamba-2's scan."""

_STATE_BYTES = 4.0  # states, decays and squares of a chunk are kept in fp32
_SHIFTS = 5.0  # RWKV mixes the token before into each of five projections (Peng et al. 2024, section 4.1)


@dataclass(frozen=True, slots=True)
class _Product:
    """One kernel: ``batch`` products m × n × k, bytes read and written; ``again``: run once more backward."""

    name: str
    m: float
    n: float
    k: float
    batch: Array
    read: Array
    written: Array
    again: bool = False


def mixer_operations(m: Mixer, d: Device) -> list[Operation]:
    """Convolution, scan and gated norm of one layer; its projections are weight matrices."""
    inner = m.inner / d.tensor
    found: list[Operation] = []
    if m.convolved:
        found += both("mixer.convolution", d, d.tokens, _channels(m, d), (1.0, 1.0), (2.0, 1.0))
    if isinstance(m, ShortConvolution):  # a gate before the convolution and one behind it
        return found + both("mixer.gate", d, d.tokens, inner, (4.0, 2.0), (6.0, 4.0), 2.0)
    if isinstance(m, SelectiveScan):
        return found + _selective_scan(m, d)
    if isinstance(m, LinearAttention):
        if m.shifts:  # the token before is read again, once for every projection that mixes it in its own way
            found += both("mixer.shift", d, d.tokens, inner, (2.0, 1.0), (2.0, 1.0), _SHIFTS)
        found += both("mixer.gate", d, d.tokens, inner, (2.0, 1.0), (3.0, 2.0)) if m.gate or m.ranks else []
        products = _delta_rule(_as_rule(m), d) if m.delta else _linear(m, d)
    else:
        products = _state_space(m, d) if isinstance(m, StateSpace) else _delta_rule(m, d)
    for product in products:
        found += _kernel(product, d)
    # The norm reads the scan's output and the gate; backward also the gradient, and writes two.
    return found + both("mixer.norm", d, d.tokens, inner, (2.0, 1.0), (3.0, 2.0))


def _selective_scan(m: SelectiveScan, d: Device) -> list[Operation]:
    """One fused kernel: step, x and gate in, output back, states on chip; backward computes them again.

    It multiplies no matrices: what bounds it is what it moves (Gu and Dao 2023, section 3.3.2), its FLOPs are
    said.
    """
    width = m.inner / d.tensor
    element = d.tokens * width * d.activation
    shared = d.tokens * 2.0 * m.state * d.activation
    flops = d.tokens * m.flops / d.tensor
    form = d.wide_format
    forward = memory("scan.selective", "forward", d.tokens, width, 3.0 * element + shared, element, 1.0, form)
    backward = memory(
        "scan.selective",
        "backward",
        d.tokens,
        width,
        4.0 * element + shared,
        3.0 * element + shared,
        1.0,
        form,
    )
    return [replace(forward, flops=flops), replace(backward, flops=2.0 * flops)]


def _as_rule(m: LinearAttention) -> DeltaRule:
    """The delta rule of RWKV-7: a head of keys for every head of values, a decay a channel."""
    return DeltaRule(m.heads, m.heads, m.key_dim, m.value_dim, m.kernel, m.chunk, decay_rank=1)


def _linear(m: LinearAttention, d: Device) -> list[_Product]:
    """Chunk states, hand-over, scores within a chunk, output: as the state-space scan with a group a head."""
    heads = m.heads / d.tensor
    chunks = d.tokens / m.chunk
    c, dk, dv = float(m.chunk), float(m.key_dim), float(m.value_dim)
    key = d.tokens * heads * dk * d.activation
    value = d.tokens * heads * dv * d.activation
    states = chunks * heads * dk * dv * _STATE_BYTES
    square = chunks * heads * c * c * _STATE_BYTES
    batch = chunks * heads
    return [
        _Product("linear.states", dk, dv, c, batch, key + value, states, again=True),
        _Product("linear.passing", dk, dv, 0.0, batch, states, states, again=True),
        _Product("linear.scores", c, c, dk, batch, 2.0 * key, square, again=True),
        _Product("linear.output", c, dv, dk + c, batch, key + value + states + square, value),
    ]


def _channels(m: Mixer, d: Device) -> Array:
    if isinstance(m, SelectiveScan | LinearAttention | ShortConvolution):
        return np.asarray(m.convolved / d.tensor)
    if isinstance(m, StateSpace):
        shared = 2.0 * m.state * np.maximum(m.groups / d.tensor, 1.0)
    else:
        shared = 2.0 * m.key_dim * np.maximum(m.key_heads / d.tensor, 1.0)
    return np.asarray(m.inner / d.tensor + shared)


def _kernel(p: _Product, d: Device) -> list[Operation]:
    if not p.k:  # no multiplication: a pass over the states
        rows, form = p.batch, d.wide_format
        once = memory(p.name, "forward", rows, p.m * p.n, p.read, p.written, 1.0, form)
        moved = p.read + p.written
        again = memory(p.name, "backward", rows, p.m * p.n, moved, p.read, 2.0 if p.again else 1.0, form)
        return [once, again]
    m, n, k = np.asarray(p.m), np.asarray(p.n), np.asarray(p.k)
    flops = 2.0 * p.batch * p.m * p.n * p.k
    form = d.wide_format

    def row(name: str, phase: str, read: Array, written: Array, launches: float) -> Operation:
        count = ONE * launches
        return Operation(
            name,
            "gemm",
            "forward" if phase == "forward" else "backward",
            m,
            n,
            k,
            p.batch,
            flops,
            read,
            written,
            count,
            form,
        )

    # Of two gradients each reads the output's gradient and one operand, and writes the other's.
    found = [
        row(p.name, "forward", p.read, p.written, 1.0),
        row(f"{p.name}.gradient", "backward", p.read / 2.0 + p.written, p.read / 2.0, 2.0),
    ]
    if p.again:
        found.append(row(f"{p.name}.again", "backward", p.read, p.written, 1.0))
    return found


def _state_space(m: StateSpace, d: Device) -> list[_Product]:
    """Chunk states, hand-over, scores within a chunk, output (from states and from the chunk itself)."""
    heads, groups = m.heads / d.tensor, np.maximum(m.groups / d.tensor, 1.0)
    chunks = d.tokens / m.chunk
    q, p, n = float(m.chunk), float(m.head_dim), float(m.state)
    x = d.tokens * heads * p * d.activation
    shared = d.tokens * groups * n * d.activation
    steps = d.tokens * heads * 2.0 * _STATE_BYTES  # step and decay
    states = chunks * heads * p * n * _STATE_BYTES
    square = chunks * groups * q * q * _STATE_BYTES
    by_head, by_group = chunks * heads, chunks * groups
    return [
        _Product("scan.states", p, n, q, by_head, x + shared + steps, states, again=True),
        _Product("scan.passing", p, n, 0.0, by_head, states, states, again=True),
        _Product("scan.scores", q, q, n, by_group, 2.0 * shared, square, again=True),
        _Product("scan.output", q, p, n + q, by_head, x + shared + steps + states + square, x),
    ]


def _delta_rule(m: DeltaRule, d: Device) -> list[_Product]:
    """Products of keys, triangular solution, its effect on keys and values, states, output."""
    heads, groups = m.value_heads / d.tensor, np.maximum(m.key_heads / d.tensor, 1.0)
    chunks = d.tokens / m.chunk
    c, dk, dv = float(m.chunk), float(m.key_dim), float(m.value_dim)
    key = d.tokens * groups * dk * d.activation
    value = d.tokens * heads * dv * d.activation
    mixed = d.tokens * heads * dk * d.activation  # keys of every value head
    decay = d.tokens * heads * (dk if m.decay_rank else 1.0) * _STATE_BYTES
    square = chunks * heads * c * c * d.activation
    states = chunks * heads * dk * dv * d.activation
    batch = chunks * heads
    # Two products of the same shape of output share a kernel: widths or depths add up.
    return [
        _Product("delta.keys", c, c, dk, batch, key + decay, 2.0 * square),
        _Product("delta.solve", c, c, 0.0, batch, 2.0 * square, square),
        _Product("delta.mixed", c, dk + dv, c, batch, square + key + value, mixed + value, again=True),
        _Product("delta.states", c, dv, 2.0 * dk, batch, 2.0 * mixed + value, states + value, again=True),
        _Product(
            "delta.output",
            c,
            dv,
            dk + c * dk / dv + c,
            batch,
            2.0 * key + value + states + decay,
            value,
        ),
    ]
