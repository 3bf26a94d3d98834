"""Attention kernels of AMD beside what HipKittens' benchmarks measured on MI355X (arXiv 2511.08083)."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.machine import load_chip
from gigawatt.performance.stacks import attention_share
from gigawatt.technology.digital.gpu import Gpu
from gigawatt.technology.interface import Efficiency
from gigawatt.workload.operations import Operation

BATCH, HEADS, TOKENS, WIDTH = 16, 16, 8192, 128
FLOPS = 4.0 * BATCH * TOKENS**2 * HEADS * WIDTH / 2.0  # causal, forward; backward 2.5 times as many


def seconds(kernel: str, phase: str) -> float:
    times = 1.0 if phase == "forward" else 2.5
    one = np.ones(1)
    operation = Operation(
        name="attention.scores", kind="attention", phase=phase, m=TOKENS * one, n=TOKENS * one, k=WIDTH * one,
        batch=BATCH * HEADS * one, flops=times * FLOPS * one,
        bytes_read=times * 8.0 * BATCH * TOKENS * HEADS * WIDTH * one, bytes_written=0.0 * one, launches=one,
        number_format="bf16", exponentials=BATCH * HEADS * TOKENS**2 / 2.0 * one,
    )  # fmt: skip
    chip = load_chip("MI355X")
    share = attention_share(kernel, chip, WIDTH)
    return float(Gpu().cost(operation, chip, Efficiency(attention=share)).time[0])


@pytest.mark.parametrize(
    ("kernel", "forward", "backward"),
    [("flash-2", 630.4, 224.0), ("cudnn", 1173.2, 1034.1)],
    ids=["PyTorch, AOTriton", "AITER"],
)
def test_a_step_of_attention_takes_what_was_measured(kernel: str, forward: float, backward: float) -> None:
    """TFLOP/s of whole heads at 8,192 tokens, causal: forward and backward together."""
    measured = FLOPS / 1e12 * (1.0 / forward + 2.5 / backward)
    predicted = seconds(kernel, "forward") + seconds(kernel, "backward")
    assert predicted == pytest.approx(measured, rel=0.08)


def test_heads_wider_than_a_kernel_is_written_for_take_another() -> None:
    chip = load_chip("MI355X")
    assert attention_share("cudnn", chip, 192.0) < attention_share("cudnn", chip, 128.0)
    assert attention_share("cudnn", load_chip("H100-SXM5-80GB"), 192.0) == 1.0
