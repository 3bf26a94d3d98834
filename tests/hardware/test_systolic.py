"""Systolic arrays: published multiplications, laws of padding and tiles, what a row of a chip must say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.catalog import table
from gigawatt.core.errors import MissingDataError
from gigawatt.machine import load_chip
from gigawatt.machine.chips import chip_of
from gigawatt.machine.machine import Chip
from gigawatt.performance.stacks import sustained
from gigawatt.technology.digital.formats import _product
from gigawatt.technology.digital.gpu import Gpu, best_shape
from gigawatt.technology.digital.systolic import (
    array_kernels,
    attention_seconds,
    product_seconds,
    tiled_bytes,
    unhidden_bytes,
)
from gigawatt.technology.interface import Efficiency
from gigawatt.workload.operation import Operation

ON_ARRAYS = tuple(id for id, row in table("chips").items() if "array_edge" in row.numbers)
EDGE, CLOCK, RATE = 128.0, 1.5e9, 2e14


def core_of(chip: Chip) -> Chip:
    """One of the two cores of a chip."""
    assert chip.arrays is not None
    arrays = replace(chip.arrays, memory=chip.arrays.memory / 2.0, vector=chip.arrays.vector / 2.0)
    peak = {form: rate / 2.0 for form, rate in chip.peak.items()}
    return replace(chip, peak=peak, memory_bandwidth=chip.memory_bandwidth / 2.0, arrays=arrays)


def reached(chip: Chip, edge: float, form: str = "bf16") -> float:
    """TFLOP/s of the product of two square matrices."""
    operation = replace(_product(edge, edge, edge)[0], number_format=form)
    return 2e-12 * edge**3 / float(np.max(Gpu().cost(operation, chip, Efficiency()).time))


@pytest.mark.parametrize(
    ("chip", "edge", "form", "measured"),
    [
        ("TPU-v7/core", 1024, "bf16", 350),
        ("TPU-v7/core", 2048, "bf16", 679),
        ("TPU-v7/core", 4096, "bf16", 893),
        ("TPU-v7/core", 16384, "bf16", 950),
        ("TPU-v7/core", 32768, "bf16", 956),
        ("TPU-v6e", 8192, "bf16", 827),
        ("Gaudi2", 8192, "bf16", 429),
        ("Gaudi3", 8192, "bf16", 1243),
        ("Gaudi3", 8192, "fp8", 1290),
    ],
)
def test_published_multiplications_are_met(chip: str, edge: float, form: str, measured: float) -> None:
    """Vendors' and Bekman's figures in TFLOP/s (training-features, section 3); the two smallest to 5 %."""
    name, _, core = chip.partition("/")
    machine = core_of(load_chip(name)) if core else load_chip(name)
    assert reached(machine, edge, form) == pytest.approx(measured, rel=0.05)


@pytest.mark.parametrize(("chip", "measured"), [("MI300X", 668), ("MI325X", 785), ("MI355X", 1565)])
def test_a_measured_rate_anchors_a_borrowed_surface(chip: str, measured: float) -> None:
    """Large multiplications on AMD's chips reach what was measured there, in the middle of their shapes."""
    machine = load_chip(chip)
    rates = [reached(machine, edge) for edge in (4096.0, 8192.0, 16384.0)]
    assert float(np.median(rates)) == pytest.approx(measured, rel=0.06)
    narrow = [reached(machine, edge, "fp8") / reached(machine, edge) for edge in (4096.0, 8192.0, 16384.0)]
    assert all(1.3 < one < 2.5 for one in narrow)
    assert best_shape("H100-SXM5-80GB", "bf16", 132.0) == 1.0


def test_products_are_padded_to_the_array() -> None:
    def seconds(m: float, n: float, k: float) -> float:
        made = product_seconds(m=m, n=n, k=k, batch=1.0, edge=EDGE, clock=CLOCK, rate=RATE)
        return float(made) - 2.0 * EDGE / CLOCK

    whole = seconds(4096.0, 4096.0, 4096.0)
    assert whole == pytest.approx(2.0 * 4096.0**3 / RATE)
    assert seconds(4096.0, 4096.0, 4096.0 + 1.0) == pytest.approx(whole * (4096.0 + EDGE) / 4096.0)
    assert seconds(4096.0, 64.0, 4096.0) == pytest.approx(seconds(4096.0, 128.0, 4096.0))
    assert seconds(1.0, 4096.0, 4096.0) == pytest.approx(seconds(128.0, 4096.0, 4096.0))
    assert seconds(130.0, 4096.0, 4096.0) == pytest.approx(whole * 130.0 / 4096.0)
    assert seconds(300.0, 500.0, 700.0) == pytest.approx(seconds(500.0, 300.0, 700.0))


def test_no_product_is_quicker_than_the_peak() -> None:
    rng = np.random.default_rng(0)
    m, n, k = (rng.integers(1, 20000, 500).astype(float) for _ in range(3))
    made = product_seconds(m=m, n=n, k=k, batch=1.0, edge=EDGE, clock=CLOCK, rate=RATE)
    assert np.all(made >= 2.0 * m * n * k / RATE)


def test_tiles_read_operands_again_the_more_the_smaller_the_memory() -> None:
    sizes = {"m": 16384.0, "n": 16384.0, "k": 8192.0, "batch": 1.0, "width": 2.0}
    small, large = (float(tiled_bytes(**sizes, memory=memory)) for memory in (2.0**24, 2.0**26))
    assert small == pytest.approx(2.0 * large)
    few = tiled_bytes(m=8.0, n=64.0, k=128.0, batch=1.0, width=2.0, memory=2.0**26)
    assert float(few) == pytest.approx(2.0 * 128.0 * (8.0 + 64.0))
    assert float(unhidden_bytes(100.0, 2.0**26)) == 100.0
    assert float(unhidden_bytes(1e12, 2.0**26)) == 2.0**24


def test_attention_is_bound_by_scores_or_by_a_padded_head() -> None:
    """A head half as wide as the array takes as long as one that fills it; twice the scores' work shows."""
    chip = load_chip("TPU-v6e")
    arrays, fit = chip.arrays, array_kernels(chip.kernels)
    assert arrays is not None
    m, batch = 8192.0, 64.0
    pairs = m * (m + 1.0) / 2.0 * batch
    sizes = {"pairs": pairs, "m": m, "n": m, "batch": batch, "rate": 9e14}

    def seconds(width: float, scores: float = fit.score_operations) -> float:
        own = replace(fit, score_operations=scores)
        flops = 4.0 * width * pairs
        return float(attention_seconds(flops=flops, k=width, arrays=arrays, fit=own, **sizes))

    assert seconds(128.0) == pytest.approx(seconds(256.0))
    assert seconds(512.0) > 1.1 * seconds(256.0)
    assert seconds(128.0, 2.0 * fit.score_operations) > 1.3 * seconds(128.0)
    assert seconds(128.0) >= 4.0 * 128.0 * pairs / 9e14


@pytest.mark.parametrize("id", ["TPU-v5e", "TPU-v7", "Gaudi2"])
def test_decoding_whose_scores_nobody_counts_takes_its_bytes(id: str) -> None:
    """One query of 512 heads over 1,024 keys each: bound by reading keys and values, not by padded scores."""
    one, chip = np.ones(1), load_chip(id)
    rows, keys, width = 512.0 * one, 1024.0 * one, 128.0 * one
    core = Operation(
        "attention.decode", "attention", "forward", one, keys, width, rows, 4.0 * width * keys * rows,
        4.0 * width * keys * rows / 4.0, 0.0 * one, one, "bf16",
    )  # fmt: skip
    cost = Gpu().cost(core, chip, Efficiency(arithmetic=1.0, memory=1.0, launch=0.0, attention=1.0))
    counted = Gpu().cost(
        replace(core, exponentials=rows * keys), chip,
        Efficiency(arithmetic=1.0, memory=1.0, launch=0.0, attention=1.0),
    )  # fmt: skip
    assert cost.time[0] == pytest.approx(counted.time[0], rel=1e-12)
    assert cost.arithmetic[0] < 3.0 * cost.memory[0]


@pytest.mark.parametrize("id", ON_ARRAYS)
def test_every_chip_on_arrays_is_whole(id: str) -> None:
    """Their clock and edge give the peak for a whole number of arrays, and element-wise work takes time."""
    chip = load_chip(id)
    assert chip.arrays is not None
    count = chip.peak["bf16"] / (2.0 * chip.arrays.edge**2 * chip.arrays.clock)
    assert count == pytest.approx(round(count), rel=0.05)
    zero, one = np.zeros(1), np.ones(1)
    norm = Operation(
        "norm", "memory", "forward", one, one, zero, one, zero, 1e9 * one, 1e9 * one, one, "bf16"
    )
    cost = Gpu().cost(norm, chip, Efficiency())
    assert float(cost.memory[0]) > 2e9 / chip.memory_bandwidth
    assert float(cost.arithmetic[0]) == pytest.approx(2.0 * 1e9 / chip.arrays.vector)
    assert 0.5 < sustained(chip, "bf16") <= 1.0


def test_arrays_without_a_vector_unit_are_refused() -> None:
    row = table("chips")["TPU-v5e"]
    numbers = {name: found for name, found in row.numbers.items() if name != "vector_rate"}
    with pytest.raises(MissingDataError, match="vector_rate"):
        chip_of(replace(row, numbers=numbers))


def test_designs_have_the_arrays_of_their_kin() -> None:
    made, kin = load_chip("TPU-v5p-parts"), load_chip("TPU-v5p")
    assert made.arrays is not None
    assert kin.arrays is not None
    assert made.arrays.edge == kin.arrays.edge
    assert made.arrays.vector / kin.arrays.vector == pytest.approx(made.peak["bf16"] / kin.peak["bf16"])
    assert load_chip("H100-parts").arrays is None
