"""Operands and temperature of a die: what they do to the clock of a training step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.machine import load_chip
from gigawatt.machine.chips import multiplication_energy, sustained_rate
from gigawatt.machine.clocks import clock_model
from gigawatt.machine.conditions import clock_ratio, condition_rows, conditioned
from gigawatt.performance.stacks import step_clock, sustained
from gigawatt.studies.run.door import run

CHIPS = ("A100-SXM4-80GB", "H100-SXM5-80GB", "B200-SXM-180GB", "GB200", "MI300X", "TPU-v5p")


@pytest.mark.parametrize("id", CHIPS)
def test_the_chip_as_it_was_measured_is_the_same(id: str) -> None:
    chip = load_chip(id)
    usual = condition_rows()[2].value
    assert conditioned(chip) is chip
    assert conditioned(chip, operand_energy=1.0, temperature=usual) is chip
    assert clock_ratio(chip, "bf16") == 1.0


@pytest.mark.parametrize("id", CHIPS)
def test_fewer_joules_and_a_cooler_die_never_slow_a_step(id: str) -> None:
    chip = load_chip(id)
    energies = [sustained(conditioned(chip, operand_energy=x), "bf16") for x in (0.5, 0.7, 0.9, 1.0, 1.2)]
    assert energies == sorted(energies, reverse=True)
    heats = [sustained(conditioned(chip, temperature=t), "bf16") for t in (280.0, 310.0, 340.0, 370.0)]
    assert heats == sorted(heats, reverse=True)
    assert energies[0] > energies[-1]


@pytest.mark.parametrize("operand_energy", [0.6, 0.9, 1.1])
@pytest.mark.parametrize("temperature", [290.0, 360.0])
def test_power_stays_within_the_limit_and_the_clock_within_the_boost(
    operand_energy: float, temperature: float
) -> None:
    chip = conditioned(load_chip("H100-SXM5-80GB"), operand_energy=operand_energy, temperature=temperature)
    assert chip.like is not None
    model, own = clock_model(chip), clock_model(chip.like)
    clock = clock_ratio(chip, "bf16") * _highest(chip.like)
    work = model.factor * sustained_rate(chip, "bf16") * multiplication_energy(chip, "bf16")
    voltage = float(model.voltage(clock))
    power = float(model.waiting(clock)) + work * clock * voltage**2
    assert power <= chip.power_limit * (1.0 + 1e-6)
    assert clock <= own.boost * (1.0 + 1e-9)


def _highest(chip) -> float:  # type: ignore[no-untyped-def]
    """The clock at the limit, looked for on a grid: none of the code's bisection."""
    model = clock_model(chip)
    work = model.factor * sustained_rate(chip, "bf16") * multiplication_energy(chip, "bf16")
    clocks = np.linspace(model.least, model.boost, 200_001)
    power = model.waiting(clocks) + work * clocks * model.voltage(clocks) ** 2
    return float(clocks[power <= model.power_limit][-1])


def test_zeros_on_a100_gain_as_much_as_was_measured_at_most() -> None:
    """F0373 (H. He 2024): 8192³ in fp16, 257 TFLOP/s of random numbers, 295 of zeros: 1.148."""
    chip = load_chip("A100-SXM4-80GB")
    gains = [sustained(conditioned(chip, operand_energy=x), "bf16") / sustained(chip, "bf16")
             for x in (0.9, 0.8, 0.7, 0.5, 0.3)]  # fmt: skip
    assert gains[0] > 1.02
    assert gains[-1] == pytest.approx(gains[-2])  # the boost clock, whatever they save
    assert gains[-1] == pytest.approx(1.148, abs=0.05)


@pytest.mark.parametrize("given", ["operand_energy: 0.6", "die_temperature: 20 degC"])
def test_a_service_refuses_what_it_does_not_read(tmp_path: Path, given: str) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text(
        "model: llama-3.1-8b\nserving: {demand: 10 requests/s}\nsite: virginia\nsupply: {price: 60 $/MWh}\n"
        f"machine: {{chip: H100, {given}}}\n"
    )
    with pytest.raises(InputError, match=f"machine.{given.partition(':')[0]}: belongs to training"):
        run(file)


def test_leakage_doubles_as_its_row_says() -> None:
    chip = load_chip("H100-SXM5-80GB")
    share, doubling, usual = (row.value for row in condition_rows())
    hotter = conditioned(chip, temperature=usual + doubling)
    assert hotter.idle_power == pytest.approx(chip.idle_power * (1.0 + share))
    assert hotter.energy_flop == chip.energy_flop
    assert step_clock(hotter, "bf16") == pytest.approx(
        step_clock(chip, "bf16") * clock_ratio(hotter, "bf16")  # type: ignore[operator]
    )
