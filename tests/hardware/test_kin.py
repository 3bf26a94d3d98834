"""Chips without measured kernels: exponentials of attention, and the clock that their own limit allows.

Oracles: closed forms; NVIDIA's "Making Softmax More Efficient with NVIDIA Blackwell Ultra" (2026: about 35 %
more throughput of FP8 attention, forward, on GB300 beside GB200); pairs of chips at one printed layout in
NVIDIA's Megatron-Bridge performance summaries. Nothing was fitted to a row of GB300 or B300.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.chain.training.plan import plan_training
from gigawatt.chain.training.question import read_question
from gigawatt.machine import load_chip
from gigawatt.machine.clocks import clock_beside, clock_model
from gigawatt.performance.stacks import sustained
from gigawatt.technology.digital.gpu import Gpu, with_own_exponentials
from gigawatt.technology.interface import Efficiency
from gigawatt.workload import read_architecture
from gigawatt.workload.operation import Operation
from gigawatt.workload.operations import block_operations

WHOLE = Efficiency(arithmetic=1.0, memory=1.0, launch=0.0, attention=1.0)


def attention(model: str, *, phase: str, form: str, sequence: float = 8192.0) -> Operation:
    architecture, one = read_architecture(model), np.ones(1)
    operations = block_operations(
        architecture, architecture.blocks[-1], microbatch=2.0 * one, sequence=sequence, tensor=one,
        context=one, expert=one, sequence_parallel=0.0 * one, number_format="bf16",
    )  # fmt: skip
    found = next(op for op in operations if op.kind == "attention" and op.phase == phase)
    return replace(found, number_format=form)


def seconds(chip: str, operation: Operation) -> float:
    return float(Gpu().cost(operation, load_chip(chip), WHOLE).arithmetic[0])


def test_one_exponential_for_each_pair_that_is_scored() -> None:
    model, sequence = read_architecture("llama-3.1-8b"), 8192.0
    forward = attention("llama-3.1-8b", phase="forward", form="bf16", sequence=sequence)
    pairs = 2.0 * model.blocks[0].attention.heads * sequence * (sequence + 1.0) / 2.0
    assert float(np.asarray(forward.exponentials).item()) == pytest.approx(pairs, rel=1e-3)
    assert float(forward.flops.item()) == pytest.approx(4.0 * 128.0 * pairs, rel=1e-3)


def test_a_chip_with_kernels_of_its_own_keeps_them() -> None:
    core, chip = attention("llama-3.1-8b", phase="forward", form="bf16"), load_chip("GB200")
    time = np.array([1e-3])
    assert with_own_exponentials(time, core, chip) is time
    alike = replace(load_chip("GB300"), exponentials=chip.exponentials)
    assert with_own_exponentials(time, core, alike) == pytest.approx(time, rel=1e-12)


def test_quicker_exponentials_take_their_share_alone() -> None:
    core, chip = attention("llama-3.1-8b", phase="forward", form="bf16"), load_chip("GB300")
    pairs, time = float(np.asarray(core.exponentials).item()), np.array([5e-2])
    measured = pairs / 5e12
    expected = time - measured + pairs / 10.7e12
    assert with_own_exponentials(time, core, chip) == pytest.approx(expected, rel=1e-9)
    free = replace(chip, exponentials=1e30)
    assert with_own_exponentials(time, core, free) == pytest.approx(time - measured, rel=1e-9)
    short = np.array([measured / 2.0])
    assert 0.0 < float(with_own_exponentials(short, core, free)[0]) < float(short[0])


def test_forward_attention_of_gb300_as_nvidia_says() -> None:
    core = attention("deepseek-v3", phase="forward", form="fp8")
    assert seconds("GB200", core) / seconds("GB300", core) == pytest.approx(1.35, abs=0.05)


def test_backward_attention_gains_less() -> None:
    forward, backward = (attention("llama-3.1-70b", phase=p, form="bf16") for p in ("forward", "backward"))
    gains = [seconds("B200", one) / seconds("B300", one) for one in (forward, backward)]
    assert gains[0] > gains[1] > 1.0


def test_the_clock_of_the_same_chip_is_the_same() -> None:
    chip = load_chip("GB200")
    for kept in (0.5, 0.71, 0.9, 1.0):
        assert clock_beside(chip=chip, kin=chip, number_format="bf16", kept=kept) == pytest.approx(kept)


def test_below_the_knee_the_clock_follows_the_watts() -> None:
    kin = load_chip("GB200")
    chip = replace(kin, power_limit=kin.idle_power + 1.1 * (kin.power_limit - kin.idle_power))
    found = clock_beside(chip=chip, kin=kin, number_format="bf16", kept=0.6)
    assert clock_model(kin).knee > 0.66
    assert found == pytest.approx(0.66, rel=1e-6)


def test_a_higher_limit_never_slows() -> None:
    kin = load_chip("H100")
    clocks = [
        clock_beside(chip=replace(kin, power_limit=watts), kin=kin, number_format="fp8")
        for watts in np.linspace(250.0, 1500.0, 26)
    ]
    assert np.all(np.diff(clocks) >= 0.0)
    assert clocks[-1] == pytest.approx(clock_model(kin).boost)


def test_what_is_fitted_stays_and_what_is_not_has_its_own_watts() -> None:
    fitted = sustained(load_chip("GB200"), "bf16")
    assert fitted < sustained(load_chip("GB300"), "bf16") <= 1.0
    assert sustained(load_chip("H800"), "bf16") == sustained(load_chip("H100"), "bf16")
    assert sustained(load_chip("H100-PCIe-80GB"), "bf16") < sustained(load_chip("H100"), "bf16")
    assert (
        sustained(load_chip("H20-96GB"), "bf16") == 1.0
    )  # a seventh of the FLOP/s at four sevenths of the watts


Pair = tuple[str, int, int, int, str, dict[str, str | int], tuple[str, str], tuple[float, float]]
#: Model, accelerators, sequences, tokens of one, format, pins, chips, lowest and highest measured ratio.
PAIRS: list[Pair] = [
    ("llama-3.1-70b", 64, 256, 8192, "fp8", {"tensor": 1, "pipeline": 1, "microbatch": 2, "context": 1},
     ("GB200", "GB300"), (1.048, 1.266)),
    ("gpt-oss-120b", 64, 1280, 4096, "bf16", {"tensor": 1, "pipeline": 1, "microbatch": 4, "expert": 64},
     ("GB200", "GB300"), (1.154, 1.230)),
    ("deepseek-v3", 256, 4096, 4096, "fp8", {"tensor": 1, "pipeline": 16, "microbatch": 1, "expert": 8},
     ("B200", "B300"), (1.109, 1.112)),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=[f"{pair[0]}-{pair[6][1]}" for pair in PAIRS])
def test_pairs_of_chips_at_one_layout(pair: Pair) -> None:
    model, count, batch, sequence, form, pins, chips, (low, high) = pair

    def step(chip: str) -> float:
        question = read_question(
            model=model, chip=chip, tokens="1T tokens", sequence=str(sequence), batch=f"{batch} sequences",
            number_format=form, year=2026, pins=pins,
        )  # fmt: skip
        return float(plan_training(question, count, top=1).search.best.step_time[0])

    ratio = step(chips[0]) / step(chips[1])
    assert ratio == pytest.approx((low * high) ** 0.5, rel=0.06)
    assert ratio <= high
