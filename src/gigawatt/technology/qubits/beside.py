"""A small optimisation on a quantum machine beside the classical solver: shots, seconds, joules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_word
from gigawatt.technology.qubits.pieces import (
    Classical,
    best_bits,
    best_pipeline,
    bit_choice,
    layer_costs,
    pipeline_choice,
    pipeline_program,
)
from gigawatt.technology.qubits.qaoa import Choice, Qaoa, qaoa, shots_to_see
from gigawatt.workload import read_architecture

__all__ = ["PIECES", "Beside", "beside", "bits", "pipeline", "run_piece"]

PIECES = ("pipeline", "bits")


@dataclass(frozen=True)
class Beside:
    """A choice, what QAOA does with it, and what classical solvers do.

    Attributes
    ----------
    choice : Choice
    depths : tuple of Qaoa
    classical : tuple of Classical
    quantum : tuple of dict
        For each depth: ``shots`` to see the optimum with 99 % (no noise), ``shots_noisy`` at the machine's
        gate error, ``seconds`` and ``joules`` of both the noisy shots and those that finding the angles
        takes.
    brute : int
        Combinations that looking at all would take.
    """

    choice: Choice
    depths: tuple[Qaoa, ...]
    classical: tuple[Classical, ...]
    quantum: tuple[Mapping[str, float], ...]
    brute: int

    def to_json(self) -> dict[str, Any]:
        """Stable keys; plain numbers, ``None`` where it would take for ever."""
        core = entity("quantum", "classical").value("core_power")

        def plain(x: float) -> float | None:
            return float(x) if x < float("inf") else None

        return {
            "choice": self.choice.name,
            "qubits": self.choice.qubits,
            "unit": self.choice.unit,
            "combinations": self.brute,
            "best": self.choice.best_value,
            "best_of_machine": float(self.choice.value[self.choice.chosen]),
            "answer_of_machine": self.choice.describe(self.choice.chosen),
            "classical": [
                {
                    "method": one.method, "value": one.value, "answer": list(one.answer),
                    "seconds": one.seconds, "joules": one.seconds * core,
                }
                for one in self.classical
            ],
            "quantum": [
                {
                    "depth": one.depth, "ratio": one.ratio, "ratio_of_an_even_draw": one.even_ratio,
                    "allowed": one.allowed, "optimum": one.optimum, "even": one.even,
                    "evaluations": one.evaluations, "gates": one.gates,
                    **{k: plain(v) for k, v in more.items()},
                }
                for one, more in zip(self.depths, self.quantum, strict=True)
            ],
        }  # fmt: skip


def beside(
    choice: Choice, classical: tuple[Classical, ...], depth: int = 3, machine: str = "superconducting"
) -> Beside:
    """Run QAOA to a depth and price its shots on a machine of today.

    A shot takes its two-qubit gates one after the other (half as many qubits could act at once, at most) and
    a readout. Noise is the crudest there is: a shot without an error is as simulated, one with an error is an
    even draw.

    Raises
    ------
    InputError
        As of :func:`~gigawatt.technology.qubits.qaoa.qaoa`; no such machine.
    """
    row = entity("quantum_machines", machine)
    asked = entity("quantum", "qaoa").value("shots")
    found = qaoa(choice, depth)
    states = 2.0**choice.qubits
    priced: list[dict[str, float]] = []
    for one in found:
        clean = (1.0 - row.value("error")) ** one.gates
        noisy = clean * one.optimum + (1.0 - clean) * float(choice.optimal.sum()) / states
        layers = one.gates / max(1.0, choice.qubits / 2.0)
        shot = layers * row.value("two_qubit_time") + row.value("shot_overhead")
        evaluations = sum(other.evaluations for other in found[: one.depth])
        shots, ideal = float(shots_to_see(noisy)), float(shots_to_see(one.optimum))
        seconds = (shots + evaluations * asked) * shot
        priced.append(
            {
                "shots": ideal,
                "shots_noisy": shots,
                "shots_of_angles": evaluations * asked,
                "seconds": seconds,
                "joules": seconds * row.value("cryostat"),
            }
        )
    return Beside(choice, found, classical, tuple(priced), prod(choice.cost.shape))


def pipeline(
    model: str = "llama-3.1-8b", *, stages: int = 4, window: int = 5, sequence: float = 4096.0
) -> tuple[Choice, tuple[Classical, ...]]:
    """The layers of a model in stages: the choice, and dynamic programming and HiGHS over all cuts."""
    costs = layer_costs(read_architecture(model), sequence)
    return pipeline_choice(costs, stages, window), (
        best_pipeline(costs, stages),
        pipeline_program(costs, stages),
    )


def bits(mean_bits: float = 3.5, penalty: float | None = None) -> tuple[Choice, tuple[Classical, ...]]:
    """Widths of the parts of SmolLM2-135M: the choice, and HiGHS."""
    return bit_choice(mean_bits, penalty), (best_bits(mean_bits),)


def run_piece(piece: str, *, depth: int = 3, machine: str = "superconducting", **settings: Any) -> Beside:
    """``pipeline`` or ``bits`` by name, with their keywords.

    Raises
    ------
    InputError
        No such piece.
    """
    check_word("piece", piece, PIECES, "no such piece")
    choice, classical = pipeline(**settings) if piece == "pipeline" else bits(**settings)
    return beside(choice, classical, depth, machine)
