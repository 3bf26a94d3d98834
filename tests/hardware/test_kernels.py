"""The cost of an operation: against measured kernels, and what must hold whatever the numbers."""

from __future__ import annotations

import csv
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.machine import Chip, load_chip
from gigawatt.machine.clocks import clock_model
from gigawatt.technology import Cost, Efficiency, technology
from gigawatt.technology.digital import forms, gpu, surfaces
from gigawatt.workload.operations import Operation

SAMPLE = Path(__file__).with_name("kernel_sample.csv")
MEASURED = ("A100-SXM4-80GB", "H100-SXM5-80GB", "H200-SXM-141GB", "B200-SXM-180GB", "GB200", "L40S")
BOUND = {"gemm": 0.10, "attention": 0.25}  # median absolute error allowed on the sample of many frameworks


def operation(
    kind: str, m, n, k, batch=1.0, form: str = "bf16", phase: str = "forward", **given
) -> Operation:
    m, n, k, batch = (np.asarray(x, dtype=float) for x in (m, n, k, batch))
    size = gpu.BITS[form] / 8
    flops = 2 * m * n * k * batch if kind != "memory" else 0 * m
    return Operation(
        name="test", kind=kind, phase=phase, m=m, n=n, k=k, batch=batch,
        flops=np.asarray(given.get("flops", flops), dtype=float),
        bytes_read=np.asarray(given.get("bytes", size * batch * (m * k + k * n)), dtype=float),
        bytes_written=np.asarray(0.0 if "bytes" in given else 2 * batch * m * n, dtype=float),
        launches=np.ones(1), number_format=form,
    )  # fmt: skip


def cost(op: Operation, chip: Chip, efficiency: Efficiency | None = None) -> Cost:
    return technology(chip.technology).cost(op, chip, efficiency or Efficiency(launch=0.0))


@pytest.mark.parametrize("id", MEASURED)
@pytest.mark.parametrize("kind", ["gemm", "attention"])
def test_measured_kernels(id: str, kind: str) -> None:
    lines = [line for line in SAMPLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [r for r in csv.DictReader(lines) if r["chip"] == id and r["kind"] == kind]
    columns = {
        c: np.array([float(r[c]) for r in rows])
        for c in ("m", "n", "k", "batch", "flops", "bytes", "time_us")
    }
    measured = columns.pop("time_us") * 1e-6
    error = cost(operation(kind, **columns), load_chip(id)).time / measured - 1
    assert len(rows) >= 15
    assert np.median(np.abs(error)) < BOUND[kind]


def test_large_multiplication_is_near_the_public_record() -> None:
    """Bekman, Machine Learning Engineering: best sustained BF16 rate 271.2 (A100), 794.5 TFLOP/s (H100)."""
    for id, record in (("A100-SXM4-80GB", 271.2e12), ("H100-SXM5-80GB", 794.5e12)):
        op = operation("gemm", 8192, 8192, 8192)
        assert float(op.flops / cost(op, load_chip(id)).time) == pytest.approx(record, rel=0.10)


def test_attention_is_near_flash_attention_3() -> None:
    """Shah et al. 2024, figure 5 (H100, width 128, 16k, not causal): forward 648, backward 561 TFLOP/s."""
    chip = load_chip("H100")
    for phase, record in (("forward", 648e12), ("backward", 561e12)):
        op = operation(
            "attention", 16384, 16384, 128, 16, phase=phase, flops=4 * 16 * 16384.0**2 * 128, bytes=1e9
        )
        assert float(op.flops / cost(op, chip).time) == pytest.approx(record, rel=0.15)


def test_wave_quantisation() -> None:
    common = {
        "n": 128, "k": 4096, "batch": 1, "units": 100, "rate": 1e15, "depth_offset": 0, "tile_offset": 0,
        "tiles": ((128.0, 128.0),),
    }  # fmt: skip
    m = np.array([128.0, 12800, 12801])
    one, still, two = forms.gemm_time(m=m, wave_share=1.0, **common)
    assert one == still
    assert two == 2 * one
    assert still == pytest.approx(2 * 12800 * 128 * 4096 / 1e15)
    one, still, more = forms.gemm_time(m=m, wave_share=0.0, **common)
    assert still == pytest.approx(100 * one)
    assert more == pytest.approx(101 * one)


def test_attention_fills_tiles_and_waves() -> None:
    common = {"flops": 1e12, "units": 100, "rate": 1e14, "tile": 128.0, "wave_share": 1.0}
    whole = forms.attention_time(m=12800, batch=1, groups=1, **common)
    assert whole == pytest.approx(1e12 / 1e14)
    assert forms.attention_time(m=12801, batch=1, groups=1, **common) == pytest.approx(2 * whole, rel=1e-3)
    packed = forms.attention_time(m=16, batch=800, groups=100, **common)
    assert packed == pytest.approx(whole)
    assert forms.attention_time(m=16, batch=800, groups=800, **common) == pytest.approx(8 * packed)


def test_times_that_overlap_imperfectly() -> None:
    times = np.array([0.0, 1.0, 2.0])
    assert forms.overlap_loss(arithmetic=times, memory=1.0 + 0 * times, power=1.0) == pytest.approx(
        [1, 2, 1.5]
    )
    assert forms.overlap_loss(arithmetic=times, memory=1.0 + 0 * times, power=400.0) == pytest.approx(
        1, abs=2e-3
    )


def test_a_surface_is_read_as_it_was_written() -> None:
    rng = np.random.default_rng(0)
    axes = {"m": (1, 16, 4096), "n": (32.0, 65536), "k": (64,)}
    values = rng.normal(size=(3, 2, 1)).round(2)
    made = surfaces.read_surface(surfaces.write_axes(axes), surfaces.write_values(values))
    assert made.names == ("m", "n", "k")
    assert np.log(made.at(*np.meshgrid(*axes.values(), indexing="ij"))) == pytest.approx(values)


@given(
    sizes=st.lists(st.tuples(st.floats(0.5, 1e6), st.floats(0.5, 1e6)), min_size=1, max_size=9),
    seed=st.integers(0, 99),
)
def test_a_surface_lies_between_its_knots_and_ends_at_its_edges(sizes, seed) -> None:
    values = np.random.default_rng(seed).normal(size=(4, 3))
    made = surfaces.Surface(("m", "n"), (np.array([1.0, 8, 64, 4096]), np.array([2.0, 32, 1024])), values)
    m, n = np.array(sizes).T
    found = np.log(made.at(m, n))
    assert (found >= values.min() - 1e-12).all()
    assert (found <= values.max() + 1e-12).all()
    inside = np.log(made.at(np.clip(m, 1, 4096), np.clip(n, 2, 1024)))
    assert found == pytest.approx(inside)
    index, weight = made.corners((m, n))
    assert sum(weight) == pytest.approx(1)
    assert all((i >= 0).all() and (i < values.size).all() for i in index)


@pytest.mark.parametrize("id", MEASURED)
def test_every_measured_chip_has_its_surfaces(id: str) -> None:
    chip = load_chip(id)
    for of in forms.AXES:
        for form in ("bf16", "fp8", "fp4"):
            if form in chip.peak and not (form == "fp4" and of in ("attention", "decode")):
                row = surfaces.surface_row(chip.kernels, of, form)
                assert row is not None
                assert row.text("chip") == id
                assert surfaces.read_surface(row.text("axes"), row.text("values")).names == forms.AXES[of]


def test_a_chip_that_nobody_measured_has_the_middle_of_those_measured() -> None:
    for of, form in (("gemm", "bf16"), ("gemm", "fp8"), ("attention", "bf16")):
        own = [surfaces.surface(id, of, form) for id in MEASURED if form in load_chip(id).peak]
        middle = surfaces.surface(load_chip("MI300X").kernels, of, form)
        assert middle is not None
        values = np.median([s.values for s in own if s is not None], axis=0)
        assert middle.values == pytest.approx(values, abs=0.0101)  # both are written in hundredths


def test_training_shapes_are_plausible() -> None:
    """Multiplications of training reach 0.45 to 0.90 of the peak in BF16."""
    for id in ("A100", "H100", "H200", "B200", "GB200"):
        chip = load_chip(id)
        m, n, k = np.meshgrid([4096, 16384, 65536], [1024, 8192, 28672], [2048, 8192, 65536], indexing="ij")
        op = operation("gemm", m.ravel(), n.ravel(), k.ravel())
        share = op.flops / cost(op, chip).time / chip.peak["bf16"]
        assert (share < 0.90).all()
        assert (share > 0.45).all()


@pytest.mark.parametrize("id", ["A100", "H100", "B200", "MI300X"])
def test_twice_the_work_takes_longer(id: str) -> None:
    """Along every side of training shapes; between doublings kernels may quicken, as measured ones do."""
    chip, x = load_chip(id), np.geomspace(1024, 131072, 8)
    for side in range(3):
        for a in (1024.0, 4096.0, 16384.0):
            for b in (512.0, 8192.0, 65536.0):
                others = [np.full_like(x, a), np.full_like(x, b)]
                others.insert(side, x)
                assert (np.diff(cost(operation("gemm", *others), chip).time) > 0).all()


def test_decode_streams_its_cache() -> None:
    """One query token over many keys: bound by bytes, whatever the FLOPs."""
    chip = load_chip("H100")
    n, batch = 32768.0, 64 * 32.0
    moved = 2 * 2 * 64 * 8 * 128 * n
    op = operation("attention", 1.0, n, 128.0, batch, flops=4 * 128 * n * batch, bytes=moved)
    time = float(cost(op, chip).time)
    assert forms.family("attention", op.m, op.n) == "decode"
    assert moved / chip.memory_bandwidth < time < 1.6 * moved / chip.memory_bandwidth


SIZE = st.integers(1, 20000)
FORMS = st.sampled_from(["bf16", "fp8", "fp4", "fp16"])
KINDS = st.sampled_from(["gemm", "grouped_gemm", "attention", "memory"])


@given(
    m=SIZE,
    n=SIZE,
    k=st.integers(1, 20000),
    batch=st.integers(1, 64),
    form=FORMS,
    kind=KINDS,
    gain=st.floats(1, 4),
)
def test_limits_and_monotonicity(m, n, k, batch, form, kind, gain) -> None:
    chip = load_chip("B200")
    op = operation(kind, m, n, k, batch, form)
    base = cost(op, chip)
    moved = op.bytes_read + op.bytes_written
    assert base.time >= op.flops / chip.peak[form] * (1 - 1e-12)
    held = 0.0 if kind == "memory" else chip.sram_bytes
    assert base.time >= (moved - held) / chip.memory_bandwidth * (1 - 1e-12)
    assert base.time == np.maximum(base.arithmetic, base.memory) + base.launch
    assert set(base.energy) == {"arithmetic", "dram", "sram"}
    for value in (base.time, *base.energy.values()):
        assert np.isfinite(value)
        assert value >= 0
    quicker = replace(chip, memory_bandwidth=chip.memory_bandwidth * gain)
    stronger = replace(chip, peak={f: p * gain for f, p in chip.peak.items()})
    tuned = cost(op, chip, Efficiency(arithmetic=gain, memory=gain, launch=0.0))
    assert all(other.time <= base.time for other in (cost(op, quicker), cost(op, stronger), tuned))
    slower = cost(op, chip, Efficiency(arithmetic=1 / gain, memory=1 / gain, launch=0.0))
    assert slower.time >= base.time


@given(gain=st.floats(1, 3), m=SIZE)
def test_more_memory_work_is_never_quicker(gain, m) -> None:
    chip = load_chip("MI300X")
    more, less = (cost(operation("memory", 1, 1, 1, bytes=1e3 * x), chip).time for x in (m * gain, m))
    assert more >= less


def test_scalars_and_broadcasting() -> None:
    chip = load_chip("H100")
    m = np.array([512.0, 1024, 4096])
    together = cost(operation("gemm", m, np.array([4096.0]), np.array([8192.0])), chip)
    assert together.time.shape == (3,)
    for i, each in enumerate(m):
        assert cost(operation("gemm", each, 4096, 8192), chip).time == together.time[i]
    alone = cost(operation("gemm", np.array([512.0]), np.array([4096.0]), np.array([8192.0])), chip)
    assert alone.time.shape == (1,)


def test_stack_launch_counts_where_it_is_longer() -> None:
    chip, op = load_chip("H100"), operation("memory", 1, 1, 1, bytes=1.0)
    assert cost(op, chip, Efficiency(launch=2e-5)).launch == 2e-5
    assert cost(op, chip, Efficiency(launch=0.0)).launch == gpu.kernels(chip.kernels).launch["memory"]


def test_training_mix_draws_a_plausible_power() -> None:
    """Newkirk et al. 2025: transformers on 8 H100 at 76 % of 10.2 kW; Latif et al. 2025: 8.48 kW at most."""
    chip, node = load_chip("H100"), entity("nodes", "dgx-h100")
    rate, traffic = 0.45 * chip.peak["bf16"], 1.2e12
    moving = rate * chip.energy_flop["bf16"] + traffic * chip.energy_byte["dram"]
    moving += rate * gpu.kernels(chip.kernels).on_chip_traffic * chip.energy_byte["sram"]
    busy = chip.idle_power + moving * clock_model(chip).factor
    assert 550 < busy < 700
    assert 8 * busy + node.value("overhead_power") == pytest.approx(0.76 * 10200, rel=0.08)


def test_power_limit_is_reached_by_a_sustained_multiplication() -> None:
    for id in ("H100", "A100", "B200", "MI300X", "TPU v5p"):
        chip = load_chip(id)
        fit = entity("kernels", chip.kernels or "default")
        share = fit.get("gemm_sustained_share") or entity("kernels", "default").value("gemm_sustained_share")
        op = operation("gemm", 8192, 8192, 8192)
        joules = sum(float(e) for e in cost(op, chip).energy.values())
        seconds = float(op.flops) / (share * chip.peak["bf16"])
        assert chip.idle_power + joules / seconds == pytest.approx(chip.power_limit, rel=0.01)


def test_missing_format_is_named() -> None:
    op = operation("gemm", 128, 128, 128, form="fp8")
    assert "has no fp8 rate" in (technology("gpu").lacks(op, load_chip("A100")) or "")
    assert technology("gpu").lacks(op, load_chip("H100")) is None
    with pytest.raises(InputError, match=r"A100-SXM4-80GB has no fp8 rate.*allowed: fp32, tf32, bf16"):
        cost(op, load_chip("A100"))


@pytest.mark.parametrize(
    ("id", "kind", "would_do"),
    [
        ("HERMES", "analog", "compare --substrate pcm,"),
        ("IBM-35M-PCM", "analog", "compare --substrate pcm,"),
        ("Lightmatter-2025", "photonic", "compare --substrate photonic-mzi,"),
        ("Loihi-2", "neuromorphic", "compare --substrate loihi2-rate-t63,"),
    ],
)
def test_a_chip_that_only_multiplies_is_refused_with_what_would_do(id: str, kind: str, would_do: str) -> None:
    assert entity("chips", id).text("technology") == kind
    with pytest.raises(MissingDataError) as refused:
        load_chip(id)
    line = str(refused.value)
    assert f"a chip of technology {kind} needs a digital host, and the catalog has none for it" in line
    assert would_do in line
    assert "hybrids.csv" in line
    assert "\n" not in line


def test_a_technology_without_registration_is_refused() -> None:
    with pytest.raises(MissingDataError, match=r"no cost model.*allowed: .*digital"):
        technology("levitation")


def test_area_and_money_are_those_of_the_row() -> None:
    chip, tech = load_chip("H100"), technology("gpu")
    assert tech.area(chip) == pytest.approx(814e-6)
    assert tech.money(chip) == chip.price > 0


def test_speed() -> None:
    """At most 0.3 µs a layout and operation (generous bound: the machine is shared)."""
    rng, chip = np.random.default_rng(0), load_chip("H100")
    op = operation("gemm", rng.integers(128, 8192, 20000), np.array([4096.0]), rng.integers(128, 8192, 20000))
    best = min(_timed(op, chip) for _ in range(7))
    assert best / 20000 < 1e-6


def _timed(op: Operation, chip: Chip) -> float:
    start = time.perf_counter()
    cost(op, chip)
    return time.perf_counter() - start
