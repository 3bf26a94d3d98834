"""Nonlinear optics, optical logic and optical links: what rows of published targets ask of them.

Published response times went into the thresholds' energies as the time for which light is needed. Energies of
a link's parts are recalled values of the trade with ranges; the published ports were known when they were
written down.
"""

from __future__ import annotations

import numpy as np

from gigawatt.catalog import table, tables
from gigawatt.technology.optical.activations import load_activation
from gigawatt.technology.optical.electro_optic import electro_optic_field
from gigawatt.technology.optical.gates import load_gate, verdict
from gigawatt.technology.optical.link import link_budget
from gigawatt.technology.optical.logic import ripple_adder

__all__ = [
    "carry_quality", "criteria_failed", "engine_energy", "gain_of", "link_budget", "load_activation",
    "measured", "neuron",
]  # fmt: skip


def neuron(field: float, phase_gain: float) -> float:
    """Output of the electro-optic neuron at a field, a gain of the phase in half turns."""
    z = electro_optic_field(field, tap=0.1, phase_gain=np.pi * phase_gain, phase_bias=np.pi)
    return float(np.abs(z) ** 2)


def engine_energy(link: str) -> float:
    """Energy of a link's engine: driver, receiver and control."""
    parts = link_budget(link).energy
    return sum(parts[name] for name in ("driver", "receiver", "control"))


def criteria_failed(gate: str) -> int:
    """How many of Miller's criteria of 2010 a gate fails."""
    return len(verdict(load_gate(gate)).fails)


def carry_quality(gate: str) -> float:
    """Quality of the carry out of four bits of a ripple adder."""
    return float(ripple_adder(load_gate(gate), words=4000).quality[-1])


def measured() -> dict[str, dict[str, float]]:
    """What ``benchmarks/optical_activations.py`` measured, by activation; empty where it did not."""
    if "optical_activations_measured" not in tables():
        return {}
    return {
        id: {key: row.value(key) for key in row.numbers}
        for id, row in table("optical_activations_measured").items()
    }


def gain_of(activation: str) -> float:
    """Share of ReLU's gain over no activation, at most 1."""
    runs = measured()
    linear, relu = runs["linear"]["loss"], runs["relu"]["loss"]
    return min((linear - runs[activation]["loss"]) / (linear - relu), 1.0)
