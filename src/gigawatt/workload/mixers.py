"""What mixes tokens in the place of attention or beside it: a state of one size, whatever the context.

Each descriptor says the same of itself: widths (``inner``, ``convolved``), how far tensor parallelism can cut
it (``splits``), what a sequence keeps (``state_elements``), weights that stand in no matrix (``vectors``),
what a token keeps for the backward pass (``kept``), and the FLOPs of its scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["DeltaRule", "LinearAttention", "Mixer", "SelectiveScan", "ShortConvolution", "StateSpace"]


@dataclass(frozen=True, slots=True)
class StateSpace:
    """A Mamba-2 mixer: ``heads`` of ``head_dim`` with a state of ``state`` numbers a channel.

    Inputs and outputs of the state (B, C) are shared within ``groups``; ``kernel`` is the length of the
    causal convolution before it, ``chunk`` that of the blocks in which the scan is computed as matrix
    multiplications. ``norm``: a gated norm with weights behind the scan.

    References
    ----------
    Dao and Gu 2024, "Transformers are SSMs" (state-space duality), sections 6 and 7.
    """

    heads: int
    head_dim: int
    state: int
    groups: int
    kernel: int
    chunk: int
    bias: bool = False
    convolution_bias: bool = True
    norm: bool = True

    @property
    def inner(self) -> int:
        """Width of the mixer's output before its last projection."""
        return self.heads * self.head_dim

    @property
    def splits(self) -> int:
        """Parts into which tensor parallelism can cut it without repeating any."""
        return self.groups

    @property
    def state_elements(self) -> int:
        """Numbers of the state that one sequence keeps, whatever its length."""
        return self.heads * self.head_dim * self.state

    @property
    def vectors(self) -> int:
        """Weights in no matrix: convolution, decay, skip and bias of the step of each head, norm."""
        convolution = self.convolved * (self.kernel + int(self.convolution_bias))
        return convolution + 3 * self.heads + (self.inner if self.norm else 0)

    @property
    def convolved(self) -> int:
        """Channels of the causal convolution: x, B and C."""
        return self.inner + 2 * self.groups * self.state

    @property
    def kept(self) -> int:
        """Elements a token kept for the backward pass beside the mixer's input, all split over tensor ranks.

        Output of the first projection (gate, x, B, C and step of each head: the kernels compute convolution
        and states again) and the scan's output.
        """
        return self.inner + self.convolved + self.heads + self.inner

    @property
    def flops(self) -> float:
        """FLOPs a token of the scan forward, in whole chunks of which the full square is computed."""
        wide = self.heads * self.head_dim * (2 * self.state + self.chunk)
        return 2.0 * (wide + self.groups * self.chunk * self.state)

    def widened(self, ratio: float) -> StateSpace:
        """The mixer with ``ratio`` times the heads, a multiple of its groups."""
        return replace(self, heads=max(round(self.heads * ratio / self.groups), 1) * self.groups)


@dataclass(frozen=True, slots=True)
class DeltaRule:
    """A linear-attention mixer with the gated delta rule (Gated DeltaNet, Kimi Delta Attention).

    ``key_heads`` of ``key_dim`` serve ``value_heads`` of ``value_dim``. ``decay_rank`` and ``gate_rank``
    are the ranks of the projections to a decay a channel and to the output gate (0: one decay a head; a
    gate of full rank). ``kernel`` and ``chunk`` as of :class:`StateSpace`.

    References
    ----------
    Yang et al. 2024, "Gated Delta Networks"; Yang et al. 2024, "Parallelizing Linear Transformers with
    the Delta Rule over Sequence Length"; Kimi Team 2025, "Kimi Linear".
    """

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int
    chunk: int
    decay_rank: int = 0
    gate_rank: int = 0

    @property
    def inner(self) -> int:
        """Width of the mixer's output before its last projection."""
        return self.value_heads * self.value_dim

    @property
    def splits(self) -> int:
        """Parts into which tensor parallelism can cut it without repeating any."""
        return self.key_heads

    @property
    def state_elements(self) -> int:
        """Numbers of the state that one sequence keeps, whatever its length."""
        return self.value_heads * self.key_dim * self.value_dim

    @property
    def vectors(self) -> int:
        """Weights in no matrix: convolution, decay and bias of each head, norm."""
        decay = self.value_heads * (self.key_dim if self.decay_rank else 1) + self.value_heads
        return self.convolved * self.kernel + decay + self.value_dim

    @property
    def convolved(self) -> int:
        """Channels of the causal convolution: queries, keys and values."""
        return 2 * self.key_heads * self.key_dim + self.inner

    @property
    def kept(self) -> int:
        """Elements a token kept for the backward pass beside the mixer's input, all split over tensor ranks.

        Inputs and outputs of the convolution, gate, decay and the rule's output; the kernels compute the
        states again.
        """
        decay = self.value_heads * (self.key_dim if self.decay_rank else 1)
        return 2 * self.convolved + self.inner + decay + self.value_heads + self.inner

    @property
    def flops(self) -> float:
        """FLOPs a token of the rule forward, in whole chunks of which the full square is computed."""
        square = self.chunk * (3 * self.key_dim + 2 * self.value_dim)
        return 2.0 * self.value_heads * (square + 3 * self.key_dim * self.value_dim)

    def widened(self, ratio: float) -> DeltaRule:
        """The mixer with ``ratio`` times the heads, values and keys in their proportion."""
        keys = max(round(self.key_heads * ratio), 1)
        return replace(self, key_heads=keys, value_heads=self.value_heads // self.key_heads * keys)


@dataclass(frozen=True, slots=True)
class SelectiveScan:
    """A Mamba-1 mixer: every one of ``inner`` channels has a state of ``state`` numbers of its own.

    The step of a channel comes through a projection of ``rank``; B and C are shared by all channels.
    ``norms``: step, B and C pass norms with weights (Jamba).

    References
    ----------
    Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", section 3 and
    appendix D.
    """

    inner: int
    state: int
    rank: int
    kernel: int
    bias: bool = False
    convolution_bias: bool = True
    norms: bool = False

    @property
    def convolved(self) -> int:
        """Channels of the causal convolution."""
        return self.inner

    @property
    def splits(self) -> int:
        """Parts into which tensor parallelism can cut it without repeating any."""
        return self.inner

    @property
    def state_elements(self) -> int:
        """Numbers of the state that one sequence keeps, whatever its length."""
        return self.inner * self.state

    @property
    def vectors(self) -> int:
        """Weights in no matrix: convolution, decay and skip of each channel, norms."""
        norms = self.rank + 2 * self.state if self.norms else 0
        return self.inner * (self.kernel + int(self.convolution_bias) + self.state + 1) + norms

    @property
    def kept(self) -> int:
        """Elements a token kept for the backward pass: convolution's input and output, gate, step, output."""
        return 5 * self.inner

    @property
    def flops(self) -> float:
        """FLOPs a token of the scan forward, seven a number of the state.

        step × decay and its exponential, step·x × B, decay × state, their sum, × C and the sum over the
        state.
        """
        return 7.0 * self.inner * self.state

    def widened(self, ratio: float) -> SelectiveScan:
        """The mixer with ``ratio`` times the channels and the rank of their step."""
        return replace(self, inner=max(round(self.inner * ratio), 1), rank=max(round(self.rank * ratio), 1))


@dataclass(frozen=True, slots=True)
class LinearAttention:
    """Linear attention with a decay: ``heads`` with a state of ``key_dim`` × ``value_dim`` each.

    ``decay`` is that of lightning attention (one constant a head, no weights), or of RWKV. ``gate``: an
    output gate of full rank from the layer's input. ``ranks`` are low-rank projections beside, of ``rank`` to
    ``width`` each (decay, mixing of a token with the one before, in-context rate, gate of RWKV). ``delta``:
    the state forgets by the delta rule (RWKV-7). ``small`` weights stand in no matrix. ``chunk`` as of
    :class:`StateSpace`; ``shifts``: a token is mixed with the one before, which a sequence keeps (RWKV: once
    before mixing, once before feeding forward).

    References
    ----------
    Qin et al. 2024, "Lightning Attention-2"; MiniMax 2025, "MiniMax-01", section 2.2; Peng et al. 2024,
    "Eagle and Finch"; Peng et al. 2025, "RWKV-7 Goose".
    """

    heads: int
    key_dim: int
    value_dim: int
    chunk: int
    gate: bool = True
    ranks: tuple[tuple[int, int], ...] = ()
    delta: bool = False
    small: int = 0
    shifts: int = 0
    kernel: int = 1

    @property
    def inner(self) -> int:
        """Width of the mixer's output before its last projection."""
        return self.heads * self.value_dim

    @property
    def convolved(self) -> int:
        """Channels of a short convolution: queries, keys and values pass none."""
        return 0

    @property
    def splits(self) -> int:
        """Parts into which tensor parallelism can cut it without repeating any."""
        return self.heads

    @property
    def state_elements(self) -> int:
        """Numbers of the state that one sequence keeps, whatever its length."""
        return self.heads * self.key_dim * self.value_dim + self.shifts

    @property
    def vectors(self) -> int:
        """Weights in no matrix."""
        return self.small

    @property
    def kept(self) -> int:
        """Elements a token kept for the backward pass: queries, keys, values, decay or gate, the output."""
        return self.heads * (3 * self.key_dim + 2 * self.value_dim) + (self.inner if self.gate else 0)

    @property
    def flops(self) -> float:
        """FLOPs a token forward, in whole chunks of which the full square is computed.

        Scores and values within the chunk, the state's update and its reading; with the delta rule those of
        :class:`DeltaRule`.
        """
        if self.delta:
            square = self.chunk * (3 * self.key_dim + 2 * self.value_dim)
            return 2.0 * self.heads * (square + 3 * self.key_dim * self.value_dim)
        within = self.chunk * (self.key_dim + self.value_dim)
        return 2.0 * self.heads * (within + 2 * self.key_dim * self.value_dim)

    def widened(self, ratio: float) -> LinearAttention:
        """The mixer with ``ratio`` times the heads; low ranks stay, what they lead to grows with it."""
        heads = max(round(self.heads * ratio), 1)
        grown = heads / self.heads
        ranks = tuple((rank, round(width * grown)) for rank, width in self.ranks)
        return replace(
            self, heads=heads, ranks=ranks, small=round(self.small * grown), shifts=round(self.shifts * grown)
        )


@dataclass(frozen=True, slots=True)
class ShortConvolution:
    """A gated causal convolution of a few tokens: nothing else is kept of a sequence (LFM2).

    The input's projection gives two gates and what is convolved, each of width ``inner``; ``bias`` is of both
    projections and of the convolution.

    References
    ----------
    Liquid AI 2025, "LFM2 Technical Report", arXiv:2511.23404; transformers' ``modeling_lfm2``.
    """

    inner: int
    kernel: int
    bias: bool = False

    @property
    def convolved(self) -> int:
        """Channels of the causal convolution."""
        return self.inner

    @property
    def splits(self) -> int:
        """Parts into which tensor parallelism can cut it without repeating any."""
        return self.inner

    @property
    def state_elements(self) -> int:
        """Numbers of the state that one sequence keeps beside the window of the convolution: none."""
        return 0

    @property
    def vectors(self) -> int:
        """Weights in no matrix: the convolution."""
        return self.inner * (self.kernel + int(self.bias))

    @property
    def kept(self) -> int:
        """Elements a token kept for the backward pass: both gates, input and output of the convolution."""
        return 4 * self.inner

    @property
    def flops(self) -> float:
        """FLOPs of a scan: there is none."""
        return 0.0

    def widened(self, ratio: float) -> ShortConvolution:
        """The mixer with ``ratio`` times the channels."""
        return replace(self, inner=max(round(self.inner * ratio), 1))


Mixer = StateSpace | DeltaRule | SelectiveScan | LinearAttention | ShortConvolution
"""What mixes tokens in the place of attention, or beside it."""
