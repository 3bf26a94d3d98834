"""Quantum computing beside what others published: energies of molecules, resources, break-even.

``fitted`` marks what our number was made from. The layout of 2025 takes its counts from the paper; qubits of
a patch, storage and factories are ours. The estimator's T factory is given to our closed form of it. Numbers
published with two digits (1.3: 1.25 to 1.35) may differ by 6 %, risks in whole per cent by a fifth.
"""

from __future__ import annotations

from gigawatt.catalog import entity
from gigawatt.technology.quantum.loading import break_even_time
from gigawatt.technology.qubits.factoring import gidney_ekera, gidney_layout
from gigawatt.technology.qubits.molecules import load_molecule
from gigawatt.technology.qubits.neighbour import Neighbour, sequential_pauli
from gigawatt.technology.qubits.resources import estimate, load_algorithm
from gigawatt.technology.qubits.vqe import vqe

__all__ = [
    "at_the_floor",
    "break_even_time",
    "energy",
    "estimate",
    "estimator_of_2025",
    "gidney_ekera",
    "gidney_layout",
    "key_bits",
    "load_algorithm",
    "load_molecule",
]


def energy(name: str, bond: float, ansatz: str = "uccsd") -> float:
    """Variational energy [Ha] of a molecule at a bond length [m]."""
    return vqe(load_molecule(name, bond), ansatz=ansatz).energy


def key_bits(row: str) -> int:
    """Bits of the RSA key of a row of the paper of 2019, such as ``rsa-2019-1024``; its own is of 2,048."""
    return int(row.removeprefix("rsa-2019").lstrip("-") or 2048)


def estimator_of_2025() -> Neighbour:
    """Our closed form of the development kit's estimator, on its counts of RSA-2048."""
    counts = entity("quantum_algorithms", "rsa-2048-qdk")
    return sequential_pauli(
        load_algorithm("rsa-2048-qdk"),
        measurements=counts.value("measurements"),
        rotations=counts.value("rotations"),
        rotation_depth=counts.value("rotations"),
    )


def at_the_floor(parallel: float) -> tuple[float, float]:
    """Calls and seconds at which a quadratic speed-up breaks even with ``parallel`` classical cores."""
    floor = entity("quantum", "search")
    call = floor.value("floor_toffolis") * floor.value("toffoli_time")
    calls, seconds = break_even_time(call, floor.value("floor_classical"), parallel=parallel)
    return float(calls), float(seconds)
