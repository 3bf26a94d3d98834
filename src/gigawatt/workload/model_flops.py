"""What the model itself needs: pairs that attention looks at, FLOPs a token (the numerator of MFU)."""

from __future__ import annotations

from gigawatt.workload.architecture import Architecture, Attention
from gigawatt.workload.matrices import matrices

__all__ = ["model_flops_per_token", "visible_pairs"]


def visible_pairs(attention: Attention, sequence: float, *, causal: bool = True) -> float:
    """(query, key) pairs of one sequence and head that attention must look at.

    Causal: s (s + 1) / 2; with a window w < s: w (w + 1) / 2 + (s − w) w; in chunks of c: the causal
    triangle of every chunk. Not causal: s × min(s, window or chunk), the full square where there is neither.

    Parameters
    ----------
    attention : Attention
        Its window and chunk.
    sequence : float
        Tokens of one sequence, > 0.
    causal : bool
        Whether a query sees only what is not behind it.
    """
    s = float(sequence)
    reach = min(s, float(attention.window or s), float(attention.chunk or s))
    if not causal:
        return s * reach
    if attention.chunk is not None and attention.chunk < s:
        whole, rest = divmod(s, attention.chunk)
        return whole * attention.chunk * (attention.chunk + 1) / 2 + rest * (rest + 1) / 2
    return reach * (reach + 1) / 2 + (s - reach) * reach


def model_flops_per_token(
    architecture: Architecture, sequence: float, *, causal: bool = False, prediction: bool = True
) -> float:
    """FLOPs a token that the model itself needs, forward and backward: the numerator of MFU.

    6 per weight of the matrix multiplications that a token passes (the experts it visits, router and
    head included, embedding gather excluded) + 3 × (forward FLOPs of attention), nothing for what is
    computed again. Attention is counted in full by default (PaLM's convention: 12 × heads × head width ×
    sequence a layer; a window or chunk limits it), or causal, which is about half.

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
    depth = architecture.prediction_depth if prediction else 0
    total = 6.0 * architecture.vocabulary * architecture.hidden * (1 + depth)
    for block in architecture.blocks:
        if block.role == "prediction" and not prediction:
            continue
        e, a = block.experts, block.attention
        share = e.per_token / e.count if e is not None else 1.0
        weights = sum(
            matrix.weights * (share if matrix.groups > 1 else 1.0)
            for matrix in matrices(architecture.hidden, block)
        )
        keys = visible_pairs(a, sequence, causal=causal) / sequence
        total += block.count * (6.0 * weights + 6.0 * a.heads * (a.head_dim + a.value_dim) * keys)
    return total
