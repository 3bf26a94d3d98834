"""How well the new row predicts shapes it did not fit, and how the machine compares with the catalog's.

Predictions go through the chip's technology, as those of every scenario do: what is judged is the row
in use and not the formula of the fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gigawatt.calibration.measure import DTYPES, Measured
from gigawatt.calibration.plan import ATTENTION
from gigawatt.core.errors import GigawattError
from gigawatt.machine.machine import Chip
from gigawatt.technology import technology
from gigawatt.technology.interface import Efficiency
from gigawatt.workload.operations import FORMAT_BYTES, Array, Operation, Phase

__all__ = ["Score", "compare", "judge", "operation", "predicted_times", "row_values"]

_OPERATIONS = ("gemm", *ATTENTION)
_ROW_KINDS = {"gemm": "gemm", ATTENTION[0]: "attention", ATTENTION[1]: "attention backward"}


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of predicted times, (predicted - measured) / measured, over ``shapes`` shapes.

    ``judged`` tells shapes kept from the fit from those it saw.
    """

    kind: str
    number_format: str
    shapes: int
    median: float
    p90: float
    bias: float
    judged: bool


def row_values(rows: Sequence[Mapping[str, object]], name: str) -> Array:
    """A column of measured rows as numbers."""
    return np.asarray([float(str(row[name])) for row in rows])


def operation(rows: Sequence[Mapping[str, object]], number_format: str) -> Operation:
    """Measured rows of one kind as one operation: sizes, FLOPs and least bytes as arrays over the rows."""
    name, one = str(rows[0]["op_name"]), np.ones(len(rows))
    width = FORMAT_BYTES[number_format]
    wide = max(width, FORMAT_BYTES["bf16"])
    if name == "gemm":
        m, n, k = (row_values(rows, size) for size in "mnk")
        read, written = width * (m * k + k * n), wide * m * n
        return Operation(
            name, "gemm", "forward", m, n, k, one, 2.0 * m * n * k, read, written, one, number_format
        )
    batch, tokens, heads, shared, d = (
        row_values(rows, column)
        for column in ("batch_size", "isl_tokens", "num_heads", "num_key_value_heads", "head_dim")
    )
    backward = name == ATTENTION[1]
    phase: Phase = "backward" if backward else "forward"
    pairs = batch * heads * tokens * (tokens + 1.0) / 2.0
    q, kv = wide * batch * tokens * heads * d, wide * batch * tokens * shared * 2.0 * d
    read, written = (2.0 * q + kv + q, q + kv) if backward else (q + kv, q)
    flops = pairs * d * (10.0 if backward else 4.0)  # five multiplications backward, two forward
    return Operation(
        name, "attention", phase, tokens, tokens, d, batch * heads, flops, read, written, one, number_format
    )


def predicted_times(chip: Chip, rows: Sequence[Mapping[str, object]], number_format: str) -> Array:
    """Times [s] that the chip's technology predicts for measured rows of one kind."""
    cost = technology(chip.technology).cost(operation(rows, number_format), chip, Efficiency())
    return np.broadcast_to(cost.time, (len(rows),))


def judge(chip: Chip, measured: Measured) -> list[Score]:
    """Scores by operation and number format, of shapes that were fitted and of those kept apart."""
    found: list[Score] = []
    for name in _OPERATIONS:
        for form in DTYPES:
            if form not in chip.peak:
                continue
            for judged in (True, False):
                rows = [r for r in measured.of(name, number_format=form) if bool(r["judges"]) == judged]
                if not rows:
                    continue
                errors = predicted_times(chip, rows, form) / (row_values(rows, "latency_ms") * 1e-3) - 1.0
                size = np.abs(errors)
                found.append(
                    Score(
                        _ROW_KINDS[name], form, len(rows), float(np.median(size)),
                        float(np.quantile(size, 0.9)), float(np.mean(errors)), judged,
                    )
                )  # fmt: skip
    return found


def compare(chip: Chip, measured: Measured) -> dict[str, float]:
    """Median of measured time over the time predicted for ``chip``, by operation and number format.

    Above 1: this machine is slower than the catalog says such a chip is.
    """
    found: dict[str, float] = {}
    for name in _OPERATIONS:
        for form in DTYPES:
            rows = measured.of(name, number_format=form)
            if rows and form in chip.peak:
                try:
                    times = predicted_times(chip, rows, form)
                except GigawattError:
                    continue
                found[f"{_ROW_KINDS[name]} {form}"] = float(
                    np.median(row_values(rows, "latency_ms") * 1e-3 / times)
                )
    return found
