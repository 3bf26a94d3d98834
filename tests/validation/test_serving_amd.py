"""Block-scaled multiplications on AMD's accelerators have the time of their kernels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gigawatt.technology.digital.gpu import BLOCK, kernels
from gigawatt.validation.serving.predict import predict_serving
from gigawatt.validation.serving.rows import case_of

ROW = {
    "line": "2", "source": "a benchmark", "accelerator": "MI300X", "model": "deepseek-ai/DeepSeek-R1",
    "framework": "sglang", "weight_prec": "fp8", "mode": "agg", "regime": "closed-loop fixed concurrency",
    "parallel_detail": "tp8 pp1 dp1 mtp8 ep1", "isl": "1024", "osl": "1024", "TTFT_stat": "median",
    "TTFT_ms": "300", "TPOT_ms": "15",
}  # fmt: skip


@pytest.mark.parametrize(("held", "measured"), [(4, 22.05), (8, 25.56), (16, 30.83), (32, 34.3)])
def test_deepseek_on_mi300x_takes_what_was_measured(held: int, measured: float) -> None:
    """AITER pull request 1930: TPOT [ms] of DeepSeek-R1 FP8 in SGLang on 8 MI300X with tuned kernels."""
    case = case_of(ROW | {"concurrency": str(held)})
    (made,) = predict_serving([case])
    assert made["tpot"] == pytest.approx(measured * 1e-3, rel=0.15)
    (wide,) = predict_serving([replace(case, weights="bf16")])
    assert wide["tpot"] < 2.0 * made["tpot"]


def test_block_scales_alone_take_longer() -> None:
    """AITER pull request 1232, MI350: 43 to 45 µs at a depth of 7168, the deepest of a layer of DeepSeek."""
    for chip in ("MI300X", "MI325X", "MI355X"):
        fit = kernels(chip)
        assert fit.launch["gemm"] < 5e-6 < fit.launch["gemm" + BLOCK] < 45e-6
    assert kernels("H100-SXM5-80GB").launch["gemm" + BLOCK] < 5e-6
