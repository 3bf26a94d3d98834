"""Neuromorphic computing beside what others published: chips, a language model, an edge GPU, break-even.

``fitted`` marks what our number was made from. Runs of language models and of learning synapses are stored
ones; spikes are held bit by bit to those of another simulator where torch is.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Iterator

from gigawatt.catalog import entity
from gigawatt.catalog.loader import Entity
from gigawatt.hardware.technology.neuromorphic_break_even import Silicon, break_even, energies, load_silicon
from gigawatt.hardware.technology.neuromorphic_model import deploy, edge_gpu
from gigawatt.validation.check import Check

__all__ = ["PUBLISHED", "checks", "truenorth_power"]

PUBLISHED = "neuromorphic_published"
_PART = "neuromorphic"
_CHIP = 0.05  # of a chip's measured sweep
_MODEL = 0.25  # of a machine that is published by its totals alone
_RUN = 0.03  # of a ratio of perplexities over other windows
_COUNT = 0.15  # of spikes counted over other windows
_ROWS = {
    "t63": "loihi2-rate-t63",
    "t255": "loihi2-rate-t255",
    "t15_hadamard": "loihi2-rate-t15",
    "t31_hadamard": "loihi2-rate-t31",
}


def truenorth_power(rate: float, synapses: float) -> float:
    """Watts of TrueNorth whose neurons fire ``rate`` times a second into ``synapses`` each."""
    row = entity("neuromorphic", "truenorth")
    events = row.value("cores") * row.value("neurons") * rate * synapses
    return row.value("static") + row.value("synapse") * events


def _check(
    what: str, ours: float, row: Entity, quantity: str, unit: str, scale: float, tolerance: float,
    *, fitted: bool = False,
) -> Check:  # fmt: skip
    told = row.evidence(quantity)
    source = ", ".join(part for part in (told.source_id, told.locator, told.note) if part)
    return Check(_PART, what, ours / scale, told.value / scale, unit, tolerance, source, fitted)


def _chips() -> Iterator[Check]:
    row, chip = entity(PUBLISHED, "truenorth"), entity("neuromorphic", "truenorth")
    rate, synapses = row.value("rate_middle"), row.value("synapses")
    power = truenorth_power(rate, synapses)
    events = chip.value("cores") * chip.value("neurons") * rate * synapses
    yield _check("TrueNorth: power inside its sweep", power, row, "power_middle", "mW", 1e-3, _CHIP)
    yield _check("TrueNorth: whole power an event", power / events, row, "event_energy", "pJ", 1e-12, _CHIP)


def _model() -> Iterator[Check]:
    told, ratio = entity(PUBLISHED, "loihi2-lm"), entity(PUBLISHED, "loihi2-ratio")
    alone = deploy()
    made = deploy(measured_prefill=told.value("prefill_throughput"))
    name = "Loihi 2, 370 M"
    yield _check(f"{name}: chips", made.chips, told, "chips", "1", 1.0, 0.0)
    yield _check(
        f"{name}: reading, by the catalog's synapses alone", alone.prefill, told, "prefill_throughput",
        "tokens/s", 1.0, _MODEL,
    )  # fmt: skip
    yield _check(
        f"{name}: joules of reading", made.prefill_energy, told, "prefill_energy", "mJ/token", 1e-3, _MODEL,
        fitted=True,
    )  # fmt: skip
    yield _check(f"{name}: generating", made.throughput[1], told, "throughput", "tokens/s", 1.0, _MODEL)
    yield _check(f"{name}: joules of generating", made.energy[1], told, "energy", "mJ/token", 1e-3, _MODEL)
    gpu = entity("neuromorphic", "jetson-orin-nano")
    qwen, alireo = edge_gpu(gpu.value("parameters")), edge_gpu(gpu.value("parameters_fitted"))
    for case, found, fitted in (("jetson-alireo", alireo, True), ("jetson-qwen2", qwen, False)):
        row = entity(PUBLISHED, case)
        title = row.text("name")
        yield _check(f"{title}: speed", found[0], row, "throughput", "tokens/s", 1.0, _MODEL, fitted=fitted)
        yield _check(f"{title}: joules", found[1], row, "energy", "mJ/token", 1e-3, _MODEL, fitted=fitted)
    beside = "Loihi 2 beside the edge GPU"
    faster, thriftier = made.throughput[1] / qwen[0], made.energy[1] / qwen[1]
    yield _check(f"{beside}: times as fast", faster, ratio, "throughput", "1", 1.0, _MODEL)
    yield _check(f"{beside}: share of its joules", thriftier, ratio, "energy", "1", 1.0, _MODEL)
    for what, quantity, low, high in (
        ("times as fast", "throughput", made.throughput[0] / qwen[0], made.throughput[2] / qwen[0]),
        ("share of its joules", "energy", made.energy[0] / qwen[1], made.energy[2] / qwen[1]),
    ):
        nearest = min(max(ratio.value(quantity), low), high)
        words = f"{beside}: {what}, published one within ours of {low:.2f} to {high:.2f}"
        yield _check(words, nearest, ratio, quantity, "1", 1.0, 0.0)


def _conversion() -> Iterator[Check]:
    row = entity(PUBLISHED, "conversion")
    for quantity, substrate in _ROWS.items():
        run = entity("technologies_measured", f"smollm2-135m/{substrate}")
        ours = run.value("ratio")
        yield _check(f"SmolLM2 as spikes, {substrate}: perplexity", ours, row, quantity, "1", 1.0, _RUN)
    run = entity("technologies_measured", f"smollm2-135m/{_ROWS['t15_hadamard']}")
    for quantity, what in (("spikes", "spikes_per_activation"), ("zeros", "activation_zeros")):
        yield _check(
            f"SmolLM2 as spikes, {_ROWS['t15_hadamard']}: {what.replace('_', ' ')}", run.value(what), row,
            f"{quantity}_t15_hadamard", "1", 1.0, _COUNT,
        )  # fmt: skip


def _break_even() -> Iterator[Check]:
    """That events lose by re-fetching is a claim of the reference: counted numbers, one silicon."""
    run = entity("technologies_measured", f"smollm2-135m/{_ROWS['t15_hadamard']}")
    silicon = load_silicon(memory="none")
    found = energies(silicon, spikes=run.value("spikes_per_activation"), zeros=run.value("activation_zeros"))
    yield Check(
        _PART,
        "joules of 15-step rate code over the dense product, no memory",
        float(found["events"] / found["dense"]),
        1.0,
        "1",
        0.1,
        "claim of the project's reference: break-even at best before weights are fetched again",
    )
    row = entity(PUBLISHED, "break-even")
    theirs = Silicon(row.value("event"), row.value("dense") - row.value("event"), 0.0)
    ours = float(break_even(theirs))
    yield _check("spikes at break-even, on their energies", ours, row, "spikes", "1", 1.0, 0.01)


def _oracle() -> Iterator[Check]:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        return
    import torch

    from gigawatt.emulation.neurons import THRESHOLD, counts, first_spikes, rate_spikes

    current = torch.arange(-THRESHOLD, THRESHOLD + 1, 7, dtype=torch.float32)
    left = 31 - torch.arange(31, dtype=torch.float32)
    wrong = float((rate_spikes(current, 31).sum(0) != counts(current, 31)).sum())
    wrong += float(((first_spikes(current, 31) * left[:, None]).sum(0) != counts(current, 31)).sum())
    yield Check(
        _PART, "neurons whose closed form is not their simulation", wrong, 0.0, "1", 0.0,
        "both codes step by step, 31 steps; spike trains of snntorch 1.0.0 are held in tests",
    )  # fmt: skip


def checks() -> list[Check]:
    """Every published number of ``neuromorphic_published`` that we can set ours beside."""
    return [*_chips(), *_model(), *_conversion(), *_break_even(), *_oracle()]
