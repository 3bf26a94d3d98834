"""Power of serving: sums, limits, defaults of chips nobody measured, caps, nodes, energies of operations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import sources, table
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.machine import build_cluster, load_chip
from gigawatt.performance.serving.power import (
    Regulator,
    cut_energy,
    largest_step,
    least_serving_cap,
    load_node_power,
    load_serving_power,
    metered,
    serving_energy,
    serving_power,
    wall_power,
)
from gigawatt.technology import technology
from gigawatt.technology.interface import Efficiency
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares, token_operations

H100, B200 = "H100-SXM5-80GB", "B200-SXM-180GB"


def power_of(chip: str):
    return load_serving_power(load_chip(chip))


def node_of(chip: str):
    cluster, _ = build_cluster(chip=chip, count=8)
    return cluster.node, load_node_power(cluster.node, cluster.chip)


def test_by_hand() -> None:
    """8 of 10 ms busy, 20 GB, 1 TFLOP: idle + active · 0.8 + J/B · 2 TB/s + J/FLOP · 100 TFLOP/s."""
    p = power_of(H100)
    drawn = serving_power(power=p, time=0.01, busy=0.008, flops={"bf16": 1e12}, bytes_moved=2e10)
    assert float(drawn.power) == pytest.approx(149 + 0.8 * 268 + 30e-12 * 2e12 + 0.48e-12 * 1e14)
    assert float(drawn.energy) == pytest.approx(float(drawn.power) * 0.01)


@given(
    busy=st.floats(0.0, 2.0),
    moved=st.floats(0.0, 1e13),
    count=st.floats(0.0, 1e15),
    chip=st.sampled_from([H100, B200, "A100-SXM4-80GB", "MI300X"]),
)
@settings(max_examples=60, deadline=None)
def test_between_idle_and_the_limit_and_never_less_for_more_work(
    busy: float, moved: float, count: float, chip: str
) -> None:
    p = power_of(chip)

    def watts(b: float, m: float, f: float) -> float:
        return float(serving_power(power=p, time=1.0, busy=b, flops={"bf16": f}, bytes_moved=m).power)

    here = watts(busy, moved, count)
    assert p.idle <= here <= p.limit < load_chip(chip).power_limit
    assert watts(busy + 0.1, moved, count) >= here
    assert watts(busy, moved * 1.1, count) >= here
    assert watts(busy, moved, count * 1.1) >= here
    assert watts(0.0, 0.0, 0.0) == p.idle


def test_components_add_up_and_scale() -> None:
    p = power_of(B200)
    work = {"busy": 0.5, "flops": {"bf16": 2e14, "fp8": 1e14}, "bytes_moved": 1e12, "links": 3.0}
    one = serving_energy(power=p, **work)  # type: ignore[arg-type]
    two = serving_energy(power=p, busy=1.0, flops={"bf16": 4e14, "fp8": 2e14}, bytes_moved=2e12, links=6.0)
    for name in ("active", "arithmetic", "dram", "links"):
        assert float(two[name]) == pytest.approx(2.0 * float(one[name]))
    drawn = serving_power(power=p, time=1.0, **work)  # type: ignore[arg-type]
    assert float(drawn.energy) == pytest.approx(p.idle + sum(float(v) for v in one.values()))


def test_arrays_broadcast() -> None:
    busy = np.linspace(0.0, 1.0, 5)[:, None]
    moved = np.array([0.0, 1e12, 2e12])
    drawn = serving_power(power=power_of(H100), time=1.0, busy=busy, flops={}, bytes_moved=moved)
    assert drawn.power.shape == (5, 3)
    assert np.all(np.diff(drawn.power, axis=0) > 0.0)
    assert np.all(np.diff(drawn.power, axis=1) > 0.0)


def test_bad_input_is_named() -> None:
    p = power_of(H100)
    with pytest.raises(InputError, match=r"does not multiply in this number format.*fp8"):
        serving_energy(power=p, busy=0.0, flops={"fp9": 1.0}, bytes_moved=0.0)
    with pytest.raises(InputError, match="an iteration takes time"):
        serving_power(power=p, time=0.0, busy=0.0, flops={}, bytes_moved=0.0)
    with pytest.raises(InputError, match="kernels run for some time or none"):
        serving_power(power=p, time=1.0, busy=-1.0, flops={}, bytes_moved=0.0)


@pytest.mark.parametrize("chip", ["MI300X", "GB200", "TPU-v6e", "L40S", "Trainium2"])
def test_a_chip_nobody_measured_takes_shares_and_says_so(chip: str) -> None:
    p, c = power_of(chip), load_chip(chip)
    row = table("serving_power")["default"]
    assert p.active == pytest.approx(row.value("active_share") * c.power_limit)
    assert p.byte == pytest.approx(row.value("byte_share") * c.energy_byte["dram"])
    assert [a.key.split(".")[-1] for a in p.assumptions] == ["flop", "active", "byte"]
    assert set(p.flop) == set(c.energy_flop)
    # at full memory rate, all kernels busy, it draws more than idle and not more than its limit
    full = serving_power(power=p, time=1.0, busy=1.0, flops={}, bytes_moved=c.memory_bandwidth)
    assert p.idle < float(full.power) <= c.power_limit


def test_measured_chips_have_rows_and_their_siblings_share_them() -> None:
    for chip in (H100, B200, "A100-SXM4-40GB", "A100-SXM4-80GB", "H200-SXM-141GB"):
        assert not power_of(chip).assumptions, chip
    ultra = power_of("B300-SXM-270GB")  # its kernels are those of B200, its limit is not
    assert ultra.byte == power_of(B200).byte
    assert ultra.flop["bf16"] == power_of(B200).flop["bf16"]
    assert [a.key.split(".")[-1] for a in ultra.assumptions] == ["active"]


def test_rows_lie_in_their_ranges_and_have_sources() -> None:
    for entry in table("serving_power").values():
        for row in entry.rows():
            assert row.source_id in sources()
            if row.low is not None and row.high is not None:
                assert row.low <= row.value <= row.high, row.name


def test_energies_of_operations_are_those_of_this_module() -> None:
    """The technology's energies on the metered chip are J/B and J/FLOP of serving, nothing else."""
    chip, p = load_chip(H100), power_of(H100)
    model = read_architecture("llama-3.1-8b")
    shares = Shares.of(tensor=np.array([1.0]))
    operations = token_operations(model, model.blocks[0], tokens=np.array([64.0]), shares=shares)
    found, moved, count = 0.0, 0.0, 0.0
    for op in operations:
        cost = technology(chip.technology).cost(op, metered(chip), Efficiency())
        found += float(np.sum(sum(cost.energy.values()) * op.launches))
        moved += float(np.sum((op.bytes_read + op.bytes_written) * op.launches))
        count += float(np.sum(op.flops * op.launches)) if op.kind != "memory" else 0.0
    own = serving_energy(power=p, busy=0.0, flops={"bf16": count}, bytes_moved=moved)
    assert found == pytest.approx(sum(float(v) for v in own.values()), rel=1e-9)
    assert metered(chip).idle_power == chip.idle_power
    assert metered(chip).power_limit == chip.power_limit


def work(p, scale: float = 1.0) -> dict[str, float]:
    """50 ms of an iteration that draws somewhat less than the limit of H100: 1 TB/s, 30 ms of multiplying."""
    core = p.flop["bf16"] * scale * 0.03 * 4e14
    joules = core + p.active * 0.05 + p.byte * 0.05 * 1e12
    return {"time": 0.05, "arithmetic": 0.03, "core": core, "energy": joules}


def test_a_cap_slows_multiplications_and_saves_energy() -> None:
    chip, p = load_chip(H100), power_of(H100)
    free = serving_power(power=p, time=0.05, busy=0.05, flops={"bf16": 0.03 * 4e14}, bytes_moved=0.05 * 1e12)
    at_limit = Regulator.of(chip, chip.power_limit).settle(**work(p))
    assert float(at_limit.step_time) == pytest.approx(0.05)
    assert float(at_limit.power) == pytest.approx(float(free.power), rel=1e-9)
    caps = np.array([700.0, 550.0, 500.0, 450.0, 400.0])
    held = Regulator.of(chip, caps).settle(**work(p))
    assert np.all(np.diff(held.step_time) >= 0.0)
    assert np.all(np.diff(held.power) <= 0.0)
    assert np.all(np.diff(held.energy) <= 1e-9)
    assert np.all(held.power <= p.sustained * caps + 1e-9)
    assert held.clock[-1] < held.clock[0] == 1.0
    # what memory binds keeps its time: only multiplications stretch
    assert np.allclose(held.step_time, 0.05 - 0.03 + 0.03 / held.clock, rtol=1e-6)


def test_a_cap_below_waiting_is_refused_and_the_least_is_kept() -> None:
    chip, p = load_chip(H100), power_of(H100)
    with pytest.raises(InfeasibleError, match="or more"):
        Regulator.of(chip, 60.0).settle(**work(p))
    least = 1.001 * least_serving_cap(chip)
    held = Regulator.of(chip, least).settle(**work(p))
    assert held.duty < 1.0  # pauses, as the least clock does not do
    assert float(held.power) == pytest.approx(p.sustained * least, rel=1e-6)
    with pytest.raises(InfeasibleError):
        Regulator.of(chip, 0.999 * least_serving_cap(chip)).settle(**work(p))


def test_cut_energy_keeps_the_mean_within_the_limit() -> None:
    p = power_of(B200)
    joules = cut_energy(power=p, chips=8.0, time=np.array([1.0, 1.0]), energy=np.array([100.0, 1e5]))
    assert joules[0] == 100.0
    assert joules[1] + 8.0 * p.idle == pytest.approx(8.0 * p.limit)


@pytest.mark.parametrize("chip", [H100, "H200-SXM-141GB", B200, "MI300X", "TPU-v6e"])
def test_a_node_draws_its_catalog_overhead_at_full_load_and_less_when_idle(chip: str) -> None:
    row, node = node_of(chip)
    limit = load_chip(chip).power_limit
    full = float(wall_power(node=node, chip_power=limit))
    assert full - row.chips * limit == pytest.approx(row.overhead_power)
    idle = float(wall_power(node=node))
    assert row.chips * node.parked < idle < 0.5 * full
    # between the two it is a straight line
    half = float(wall_power(node=node, chip_power=(limit + node.parked) / 2.0))
    assert half == pytest.approx((full + idle) / 2.0)


def test_the_largest_step_is_the_difference_of_two_states() -> None:
    _, node = node_of(B200)
    p = power_of(B200)
    step = float(largest_step(node=node, high=p.limit))
    assert step == pytest.approx(
        float(wall_power(node=node, chip_power=p.limit)) - float(wall_power(node=node))
    )
    assert float(largest_step(node=node, high=p.idle, low=p.limit)) == pytest.approx(
        float(largest_step(node=node, high=p.limit, low=p.idle))
    )
    assert float(largest_step(node=node, high=p.limit, low=p.limit)) == 0.0
