"""Chemistry on a fault-tolerant machine, by phase estimation, and the size of the exact classical problem."""

from __future__ import annotations

from math import ceil, comb, log2, pi, sqrt

from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.resources import Algorithm

__all__ = ["determinants", "phase_estimation"]


def phase_estimation(
    name: str, *, terms: int, one_norm: float, qubits: int, error: float = 1.6e-3
) -> Algorithm:
    """Qubitised phase estimation of a Hamiltonian that is a plain sum of Pauli strings.

    Steps: ⌈πλ/2ε⌉. A step selects (terms − 1 Toffolis of unary iteration) and prepares with its inverse (2
    (terms + bits) at alias sampling), and reflects. Nothing is factorised: an upper figure for small
    molecules.

    Parameters
    ----------
    name : str
        Of the algorithm that is given back.
    terms, qubits : int
        Strings and qubits of the Hamiltonian.
    one_norm, error : float [hartree]
        λ, and the standard error of the energy.

    Raises
    ------
    InputError
        Counts below 1, an error that is not above 0.

    References
    ----------
    Babbush et al. 2018, Phys. Rev. X 8, 041015 (steps, unary iteration, alias sampling).
    """
    if terms < 2 or qubits < 1 or not (one_norm > 0.0 and error > 0.0):
        raise InputError("out of range", key="terms", given=terms, allowed="2 or more; λ and error above 0")
    steps = ceil(pi * one_norm / (2.0 * error))
    index = ceil(log2(terms))
    bits = ceil(log2(2.0 * sqrt(2.0) * one_norm / error)) + 2
    per_step = (terms - 1) + 2.0 * (terms + bits + index) + 2.0 * index + ceil(log2(steps))
    register = qubits + 2 * index + 2 * bits + ceil(log2(steps + 1)) + terms.bit_length()
    return Algorithm(name, float(register), float(steps) * per_step)


def determinants(orbitals: int, up: int, down: int) -> float:
    """Determinants of an exact classical solution: C(k, n↑) C(k, n↓).

    Raises
    ------
    InputError
        More electrons than orbitals.
    """
    if not (0 <= up <= orbitals and 0 <= down <= orbitals):
        raise InputError(
            "electrons do not fit", key="up", given=f"{up}, {down}", allowed=f"0 to {orbitals} each"
        )
    return float(comb(orbitals, up)) * float(comb(orbitals, down))
