"""What a row measured, as seconds a step: times and token rates first, TFLOP/s only where nothing else is.

FLOP conventions differ between sources. Where a row gives only TFLOP/s or a utilisation, the counted
work is: matrix multiplications (head included, embedding gather not) three passes, and attention
over the full square, which is what Megatron-LM, MaxText and PaLM count; ``hardware`` kinds add
a fourth pass of the layers (not of the head) where recomputation is full.
"""

from __future__ import annotations

from gigawatt.validation.files import Refusal
from gigawatt.validation.rows import Row
from gigawatt.workload import model_flops_per_token
from gigawatt.workload.architecture import Architecture

__all__ = ["counted_flops_per_token", "measured_step_time"]

_TERA, _PERCENT = 1e12, 1e-2


def counted_flops_per_token(
    architecture: Architecture, *, sequence: float, recomputed: bool = False
) -> float:
    """FLOPs of a trained token as reports count them.

    Parameters
    ----------
    architecture : Architecture
        The model.
    sequence : float
        Tokens of a sequence.
    recomputed : bool
        Whether the layers' forward pass, done again, is counted (hardware FLOPs).

    Returns
    -------
    float
        FLOP per token, a multiply and an add counted as two, attention over the full square.

    References
    ----------
    Narayanan et al. 2021, arXiv:2104.04473, equation 3; Chowdhery et al. 2022, arXiv:2204.02311, appendix B.
    """
    once = model_flops_per_token(architecture, sequence)
    head = 6.0 * architecture.hidden * architecture.vocabulary
    return once + (once - head) / 3.0 if recomputed else once


def measured_step_time(row: Row, architecture: Architecture, *, count: float, peak: float | None) -> float:
    """Seconds that one optimizer step took.

    Parameters
    ----------
    row : Row
        What was measured.
    architecture : Architecture
        The model, for rows that give only FLOP/s.
    count : float
        Accelerators of the run.
    peak : float, optional
        FLOP/s of one accelerator in the row's number format, for rows that give only a utilisation.

    Raises
    ------
    Refusal
        The row measures nothing that a step time follows from.
    """
    seconds = row.number("step_time_s")
    if seconds is not None:
        return seconds
    sequence, batch = row.number("seq_len"), row.number("global_batch")
    if sequence is None or batch is None:
        raise Refusal("no sequence length or global batch", row.id)
    tokens = sequence * batch
    rate = row.number("tokens_per_s_per_gpu")
    rate = rate * count if rate is not None else row.number("tokens_per_s")
    if rate is not None:
        return tokens / rate
    tera = row.number("tflops_per_gpu")
    flops = None if tera is None else tera * _TERA
    hardware = row.text("tflops_kind").startswith("hardware")
    if flops is None and peak is not None:
        share = row.number("MFU") or row.number("HFU")
        hardware = row.number("MFU") is None
        flops = None if share is None else share * _PERCENT * peak
    if flops is None:
        raise Refusal("nothing measured that a step time follows from", row.id)
    again = hardware and row.text("recompute").startswith("full")
    work = counted_flops_per_token(architecture, sequence=sequence, recomputed=again)
    return tokens * work / (count * flops)
