"""What the model itself needs: pairs that attention looks at, FLOPs a token (the numerator of MFU)."""

from __future__ import annotations

from gigawatt.workload.architecture import Architecture, Attention, Block
from gigawatt.workload.matrices import matrices

__all__ = ["indexer_pairs", "model_flops_per_token", "visible_pairs"]


def _pooled_pairs(sequence: float, pool: int, most: float, causal: bool) -> float:
    """Pairs of a query with whole pools of ``pool`` tokens that lie behind it, ``most`` of them at most.

    The j-th pool is seen by the s − j × pool + 1 queries that do not come before its last token.
    """
    pools = min(sequence // pool, most)
    if not causal:
        return sequence * pools
    return pools * (sequence + 1) - pool * pools * (pools + 1) / 2


def visible_pairs(attention: Attention, sequence: float, *, causal: bool = True) -> float:
    """(query, key) pairs of one sequence and head that attention must look at.

    Causal: s (s + 1) / 2; with a window w < s: w (w + 1) / 2 + (s − w) w, and so too where an indexer
    selects w keys; in chunks of c: the causal triangle of every chunk; compressed keys come in addition,
    those whose pool is complete, of which an indexer selects some. Not causal: s × min(s, window, chunk or
    selected), the full square where there is none.

    Parameters
    ----------
    attention : Attention
        Its window, chunk, compression and indexer.
    sequence : float
        Tokens of one sequence, > 0.
    causal : bool
        Whether a query sees only what is not behind it.
    """
    s = float(sequence)
    selected = float(attention.indexer.keys) if attention.indexer is not None else s
    more = 0.0
    if attention.compression:
        more = _pooled_pairs(s, attention.compression, min(selected, s), causal)
        selected = s
    reach = min(s, float(attention.window or s), float(attention.chunk or s), selected)
    if not causal:
        return s * reach + more
    if attention.chunk is not None and attention.chunk < s:
        whole, rest = divmod(s, attention.chunk)
        return whole * attention.chunk * (attention.chunk + 1) / 2 + rest * (rest + 1) / 2 + more
    return reach * (reach + 1) / 2 + (s - reach) * reach + more


def indexer_pairs(attention: Attention, sequence: float, *, causal: bool = True) -> tuple[float, float]:
    """(query, key) pairs of one sequence and indexer head: (all that are scored, those that are selected).

    Both zero where no indexer runs. Scored are all keys behind a query, tokens or compressed ones.
    """
    i = attention.indexer
    if i is None or not i.runs:
        return 0.0, 0.0
    pool, s = attention.compression or 1, float(sequence)
    return _pooled_pairs(s, pool, s, causal), _pooled_pairs(s, pool, float(i.keys), causal)


def _attention_flops(a: Attention, sequence: float, causal: bool) -> float:
    """FLOPs a token forward and backward of attention's core and its indexer, nothing computed again."""
    keys = visible_pairs(a, sequence, causal=causal) / sequence
    total = 6.0 * a.heads * (a.head_dim + a.value_dim) * keys
    if a.indexer is not None:
        scored, selected = indexer_pairs(a, sequence, causal=causal)
        total += a.indexer.heads * a.indexer.head_dim * (2.0 * scored + 4.0 * selected) / sequence
    return total


def _weights(hidden: int, block: Block) -> float:
    """Weights that a token passes, those without a gradient to their input counted by two thirds."""
    e = block.experts
    share = e.per_token / e.count if e is not None else 1.0
    return sum(
        matrix.weights * (share if matrix.groups > 1 else 1.0) * (2.0 / 3.0 if matrix.detached else 1.0)
        for matrix in matrices(hidden, block)
    )


def model_flops_per_token(
    architecture: Architecture, sequence: float, *, causal: bool = False, prediction: bool = True
) -> float:
    """FLOPs a token that the model itself needs, forward and backward: the numerator of MFU.

    6 per weight of the matrix multiplications that a token passes (the experts it visits, router and
    head included, embedding gather excluded) + 3 × (forward FLOPs of attention and of the scans of other
    mixers), nothing for what is computed again. Attention is counted in full by default (PaLM's
    convention: 12 × heads × head width × sequence a layer; a window, chunk or selection limits it), or
    causal, which is about half. An indexer scores all keys and learns from those it selects.

    Parameters
    ----------
    architecture : Architecture
        The model.
    sequence : float
        Tokens of a sequence.
    causal : bool
        Count only the keys that a query sees.
    prediction : bool
        Include multi-token-prediction modules with their runs of the head.

    References
    ----------
    Chowdhery et al. 2022 (PaLM), appendix B; Kaplan et al. 2020, table 1.
    """
    runs = architecture.prediction_runs if prediction else 0
    total = 6.0 * architecture.vocabulary * architecture.hidden * (1 + runs)
    if architecture.streams > 1:
        total += 6.0 * architecture.streams**2 * architecture.hidden * (1 + runs)
    for block in architecture.blocks:
        if block.role == "prediction" and not prediction:
            continue
        core = _attention_flops(block.attention, sequence, causal)
        if block.mixer is not None:
            core += 3.0 * block.mixer.flops
        total += block.count * block.repeats * (6.0 * _weights(architecture.hidden, block) + core)
    return total
