"""Quantum computing: what the commands and Python both call."""

from __future__ import annotations

from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.quantum import STUDY

__all__ = ["quantum_break_even", "quantum_optimise", "quantum_resources", "quantum_vqe"]


_ANGSTROM, _MICRO = 1e-10, 1e-6  # metres, of a unit


def _answer(data: dict[str, Any], published: bool) -> Answer:
    """The answer, with what is published beside it."""
    from gigawatt.faces.report.held import FILE, published_text
    from gigawatt.studies.quantum.published import beside

    rows = [check.to_json() for check in beside(data)] if published else []
    return Answer(STUDY, data, more=rows, texts={FILE: lambda: published_text(rows)})


def quantum_vqe(
    molecule: str = "h2",
    *,
    bond: float | None = None,
    ansatz: str = "uccsd",
    optimiser: str = "bfgs",
    layers: int = 2,
    iterations: int = 200,
    shots: int = 0,
    seed: int = 0,
    noise: bool = False,
    published: bool = False,
) -> Answer:
    """Ground-state energy of a molecule beside the exact one, as ``gigawatt quantum vqe`` does.

    Parameters are the command's options; ``bond`` in ångström. ``published``: whether the document puts
    published numbers beside. Raises ``InputError`` for what is not known.
    """
    from gigawatt.studies.quantum.quantum import vqe_answer

    data = vqe_answer(
        molecule.lower(), None if bond is None else bond * _ANGSTROM, ansatz=ansatz, optimiser=optimiser,
        layers=layers, iterations=iterations, shots=shots, seed=seed, noisy=noise,
    )  # fmt: skip
    return _answer(data, published)


def quantum_optimise(
    piece: str = "pipeline",
    *,
    depth: int = 3,
    model: str = "llama-3.1-8b",
    stages: int = 4,
    window: int = 5,
    mean_bits: float = 3.5,
    machine: str = "superconducting",
    published: bool = False,
) -> Answer:
    """A small optimisation on qubits beside the classical solver, as ``gigawatt quantum optimise`` does.

    Parameters are the command's options. ``published``: whether the document puts published numbers beside.
    Raises ``InputError`` for what is not known.
    """
    from gigawatt.studies.quantum.quantum import optimise_answer

    data = optimise_answer(
        piece, depth=depth, model=model, stages=stages, window=window, mean_bits=mean_bits, machine=machine
    )
    return _answer(data, published)


def quantum_resources(
    algorithm: str = "rsa",
    *,
    qubits: float | None = None,
    toffolis: float | None = None,
    bits: int = 2048,
    error: float = 1e-3,
    cycle: float = 1.0,
    reaction: float = 10.0,
    budget: float = 0.1,
    factories: int = 4,
    qdk: bool = False,
    published: bool = False,
) -> Answer:
    """Qubits, time and power of a fault-tolerant computation, as ``gigawatt quantum resources`` does.

    Parameters are the command's options; ``cycle`` and ``reaction`` in microseconds. ``published``: whether
    the document puts published numbers beside. Raises ``InputError`` for what is not known.
    """
    from gigawatt.studies.quantum.quantum import resources_answer

    data = resources_answer(
        algorithm, qubits=qubits, toffolis=toffolis, bits=bits, error=error, cycle=cycle * _MICRO,
        reaction=reaction * _MICRO, budget=budget, factories=factories, qdk=qdk,
    )  # fmt: skip
    return _answer(data, published)


def quantum_break_even(
    problem: str = "chemistry",
    *,
    algorithm: str = "femoco-lee",
    weights: float = 8e9,
    machine: str = "superconducting",
    published: bool = False,
) -> Answer:
    """A quantum run beside the classical way to the same answer, as ``gigawatt quantum break-even`` does.

    Parameters are the command's options. ``published``: whether the document puts published numbers beside.
    Raises ``InputError`` for what is not known.
    """
    from gigawatt.studies.quantum.quantum import break_even_answer

    data = break_even_answer(problem, machine=machine, algorithm=algorithm, weights=weights)
    return _answer(data, published)
