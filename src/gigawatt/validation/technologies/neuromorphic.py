"""Neuromorphic computing beside what others published: chips, a language model, an edge GPU, break-even.

``fitted`` marks what our number was made from. Runs of language models and of learning synapses are stored
ones; spikes are held bit by bit to those of another simulator where torch is.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from functools import lru_cache

from gigawatt.catalog import entity
from gigawatt.technology.neuromorphic.break_even import Silicon, break_even, energies, load_silicon
from gigawatt.technology.neuromorphic.deployment import Deployment, deploy, edge_gpu
from gigawatt.validation.check import Told

__all__ = [
    "beside_the_edge",
    "deploy",
    "edge",
    "events_over_dense",
    "loihi",
    "run",
    "spikes_at_break_even",
    "truenorth_events",
    "truenorth_power",
    "unlike_their_simulation",
]

_PUBLISHED = "neuromorphic_published"


def truenorth_power(rate: float, synapses: float) -> float:
    """Watts of TrueNorth whose neurons fire ``rate`` times a second into ``synapses`` each."""
    row = entity("neuromorphic", "truenorth")
    events = row.value("cores") * row.value("neurons") * rate * synapses
    return row.value("static") + row.value("synapse") * events


def truenorth_events() -> float:
    """Synaptic events a second of TrueNorth in the middle of its sweep."""
    row, chip = entity(_PUBLISHED, "truenorth"), entity("neuromorphic", "truenorth")
    return chip.value("cores") * chip.value("neurons") * row.value("rate_middle") * row.value("synapses")


def edge(quantity: str) -> tuple[float, float]:
    """(tokens/s, J/token) of the edge GPU with a model of so many ``parameters`` or ``parameters_fitted``."""
    return edge_gpu(entity("neuromorphic", "jetson-orin-nano").value(quantity))


@lru_cache(maxsize=1)
def loihi() -> Deployment:
    """The language model on Loihi 2, its reading as fast as it was measured."""
    return deploy(measured_prefill=entity(_PUBLISHED, "loihi2-lm").value("prefill_throughput"))


def beside_the_edge(quantity: str) -> Told:
    """The published ratio of Loihi 2 to the edge GPU where it lies within ours, else the nearest of ours."""
    made, gpu = loihi(), edge("parameters")
    mine = (made.throughput, gpu[0]) if quantity == "throughput" else (made.energy, gpu[1])
    low, high = mine[0][0] / mine[1], mine[0][2] / mine[1]
    published = entity(_PUBLISHED, "loihi2-ratio").value(quantity)
    return Told(min(max(published, low), high), f", published one within ours of {low:.2f} to {high:.2f}")


def run(substrate: str, quantity: str = "ratio") -> float:
    """What was measured of SmolLM2 on a substrate."""
    return entity("technologies_measured", f"smollm2-135m/{substrate}").value(quantity)


def events_over_dense(substrate: str) -> float:
    """Joules of spikes over those of the dense product on one silicon without a memory."""
    found = energies(
        load_silicon(memory="none"),
        spikes=run(substrate, "spikes_per_activation"),
        zeros=run(substrate, "activation_zeros"),
    )
    return float(found["events"] / found["dense"])


def spikes_at_break_even() -> float:
    """Spikes at which events are as costly as the dense product, on the published energies."""
    row = entity(_PUBLISHED, "break-even")
    theirs = Silicon(row.value("event"), row.value("dense") - row.value("event"), 0.0)
    return float(break_even(theirs))


def unlike_their_simulation() -> float:
    """Neurons whose closed form is not their simulation, of both codes step by step. Needs torch."""
    import torch

    from gigawatt.emulation.neurons import THRESHOLD, counts, first_spikes, rate_spikes

    current = torch.arange(-THRESHOLD, THRESHOLD + 1, 7, dtype=torch.float32)
    left = 31 - torch.arange(31, dtype=torch.float32)
    wrong = float((rate_spikes(current, 31).sum(0) != counts(current, 31)).sum())
    return wrong + float(((first_spikes(current, 31) * left[:, None]).sum(0) != counts(current, 31)).sum())
