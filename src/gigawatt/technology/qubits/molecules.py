"""Molecules whose integrals are carried: H2, LiH, a chain H4, BeH2, all in STO-3G.

The files ``catalog/data/quantum/*.json`` were made once by PySCF (version in the file) with
``benchmarks/quantum_integrals.py``. Between two carried bond lengths nothing is interpolated: integrals of
two geometries are of two sets of orbitals.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.loader import path
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.pauli import PauliSum, molecular

__all__ = ["MOLECULES", "Molecule", "bond_lengths", "load_molecule"]

MOLECULES = ("h2", "lih", "h4", "beh2")
_ANGSTROM = 1e-10


@dataclass(frozen=True)
class Molecule:
    """One geometry of a molecule with its Hamiltonian on qubits.

    Attributes
    ----------
    name : str
        Of :data:`MOLECULES`.
    bond : float [m]
        Distance of neighbours.
    electrons, orbitals : int
        Of the active space; qubits are twice the orbitals.
    hamiltonian : PauliSum [hartree]
        Jordan–Wigner, spins of an orbital neighbours.
    hartree_fock, active, full : float [hartree]
        Energies by PySCF: mean field, exact in the active space, exact of all electrons and orbitals.
    source : str
        What made the integrals, with its version.
    """

    name: str
    bond: float
    electrons: int
    orbitals: int
    hamiltonian: PauliSum
    hartree_fock: float
    active: float
    full: float
    source: str

    @property
    def qubits(self) -> int:
        """One for each spin orbital."""
        return 2 * self.orbitals

    @property
    def reference(self) -> int:
        """Number of the Hartree–Fock basis state: the lowest spin orbitals full."""
        return (1 << self.electrons) - 1

    def sector(self) -> NDArray[np.int64]:
        """Basis states with as many electrons of either spin as the reference (S_z = 0)."""
        states = np.arange(1 << self.qubits, dtype=np.int64)
        even = sum(1 << (2 * p) for p in range(self.orbitals))
        up = np.bitwise_count(states & even)
        down = np.bitwise_count(states & (even << 1))
        half = self.electrons // 2
        return states[(up == half) & (down == half)]

    def exact(self) -> tuple[float, NDArray[np.float64]]:
        """(lowest energy [hartree], its state (2^n,)) by diagonalising the Hamiltonian in :meth:`sector`."""
        chosen = self.sector()
        values, vectors = np.linalg.eigh(self.hamiltonian.matrix(chosen))
        state = np.zeros(1 << self.qubits)
        state[chosen] = np.real(vectors[:, 0])
        return float(values[0]), state


@lru_cache(maxsize=8)
def _document(name: str) -> dict[str, Any]:
    check_word("molecule", name, MOLECULES, "no such molecule")
    return json.loads(path(f"quantum/{name}.json").read_text(encoding="utf-8"))


def bond_lengths(name: str) -> tuple[float, ...]:
    """Bond lengths [m] of which a molecule's integrals are carried.

    Raises
    ------
    InputError
        No such molecule.
    """
    return tuple(float(f"{float(r):g}e-10") for r in _document(name)["geometries"])


@lru_cache(maxsize=16)
def load_molecule(name: str, bond: float) -> Molecule:
    """A molecule at a carried bond length.

    Parameters
    ----------
    name : str
        Of :data:`MOLECULES`.
    bond : float [m]
        To 1e-14 m one of :func:`bond_lengths`.

    Raises
    ------
    InputError
        No such molecule; a bond length without integrals: the range and the nearest are named.
    """
    document = _document(name)
    found = {float(key) * _ANGSTROM: row for key, row in document["geometries"].items()}
    near = min(found, key=lambda r: abs(r - bond))
    if not abs(near - bond) <= 1e-14:
        raise InputError(
            "no integrals of this bond length",
            key="bond",
            given=f"{bond / _ANGSTROM:g} angstrom",
            allowed=", ".join(document["geometries"]) + " angstrom",
            nearest=f"{near / _ANGSTROM:g} angstrom",
        )
    row = found[near]
    k = int(row["orbitals"])
    one, two = np.zeros((k, k)), np.zeros((k, k, k, k))
    values = iter(row["one"])
    for p in range(k):
        for q in range(p + 1):
            one[p, q] = one[q, p] = next(values)
    values = iter(row["two"])
    for p in range(k):
        for q in range(p + 1):
            for r in range(p + 1):
                for s in range(r + 1):
                    if (p, q) >= (r, s):
                        v = next(values)
                        for a, b in ((p, q), (q, p)):
                            for c, d in ((r, s), (s, r)):
                                two[a, b, c, d] = two[c, d, a, b] = v
    return Molecule(
        name=name,
        bond=near,
        electrons=int(row["electrons"]),
        orbitals=k,
        hamiltonian=molecular(float(row["constant"]), one, two),
        hartree_fock=float(row["hartree_fock"]),
        active=float(row["active"]),
        full=float(row["full"]),
        source=f"{document['made_with']}, {document['basis'].upper()}",
    )
