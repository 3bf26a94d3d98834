"""Circuits that vary a molecule's state: unitary coupled cluster, hardware-efficient layers, pools for ADAPT.

*UCCSD*: a product of exp(θ(τ − τ†)), each exact, over single and double excitations from occupied to empty
spin orbitals that keep S_z; singles after doubles. Its order is part of it (a Trotter product, not the
exponential of a sum). *Hardware-efficient*: layers of R_y on every qubit and controlled Z between neighbours;
it knows nothing of electrons and does not keep their number.

References
----------
Peruzzo et al. 2014, Nat. Commun. 5, 4213; Kandala et al. 2017, Nature 549, 242; Grimsley et al. 2019,
Nat. Commun. 10, 3007 (ADAPT).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np

from gigawatt.core.errors import InputError, nearest
from gigawatt.technology.qubits.molecules import Molecule
from gigawatt.technology.qubits.pauli import PauliSum, jordan_wigner
from gigawatt.technology.qubits.statevector import (
    Circuit,
    ControlledZ,
    Excitation,
    Operation,
    Rotation,
    basis_state,
)

__all__ = ["ANSATZE", "build", "excitation", "hardware_efficient", "pool", "two_qubit_gates", "uccsd"]

ANSATZE = ("uccsd", "hardware-efficient", "adapt")


@lru_cache(maxsize=4096)
def excitation(qubits: int, empty: tuple[int, ...], full: tuple[int, ...]) -> Excitation:
    """exp(θ(τ − τ†)) with τ = a†_empty… a_full…, as planes of basis states.

    Parameters
    ----------
    qubits : int
        Spin orbitals.
    empty, full : tuple of int
        Spin orbitals that τ fills and empties; of equal number, all different.

    Raises
    ------
    InputError
        Orbitals that repeat, differ in number or lie outside.
    """
    if len(empty) != len(full) or len({*empty, *full}) != 2 * len(full) or not full:
        raise InputError(
            "no excitation",
            key="orbitals",
            given=f"{full} to {empty}",
            allowed="as many to as from, all apart",
        )
    tau = jordan_wigner(qubits, *((q, True) for q in empty), *((q, False) for q in reversed(full)))
    states = np.arange(1 << qubits, dtype=np.int64)
    filled, emptied = sum(1 << q for q in empty), sum(1 << q for q in full)
    source = states[((states & emptied) == emptied) & ((states & filled) == 0)]
    image = np.zeros(source.size, dtype=np.complex128)
    for (x, z), value in tau.terms.items():  # every string of τ moves a source to the same target
        signs = 1.0 - 2.0 * (np.bitwise_count(source & z) & 1)
        image += value * 1j ** ((x & z).bit_count() % 4) * signs
    adjoint = PauliSum(qubits, {key: np.conj(value) for key, value in tau.terms.items()})
    return Excitation(
        source=source,
        target=source ^ (filled | emptied),
        sign=np.sign(image.real),
        pauli=(tau + adjoint * -1.0).simplified(),
        name=f"{','.join(map(str, full))}→{','.join(map(str, empty))}",
    )


def pool(molecule: Molecule) -> tuple[Excitation, ...]:
    """Doubles, then singles, from the reference's occupied to its empty spin orbitals that keep S_z."""
    n, occupied = molecule.qubits, range(molecule.electrons)
    empty = range(molecule.electrons, n)
    found: list[Excitation] = []
    for pair in combinations(occupied, 2):
        for to in combinations(empty, 2):
            if sum(q % 2 for q in pair) == sum(q % 2 for q in to):
                found += [excitation(n, to, pair)]
    for one in occupied:
        found += [excitation(n, (to,), (one,)) for to in empty if to % 2 == one % 2]
    return tuple(found)


def from_excitations(molecule: Molecule, chosen: tuple[Excitation, ...]) -> Circuit:
    """The Hartree–Fock state, then these excitations in order, each with an angle."""
    return Circuit(
        qubits=molecule.qubits,
        start=basis_state(molecule.qubits, molecule.reference),
        steps=tuple((one, number) for number, one in enumerate(chosen)),
        names=tuple(one.name for one in chosen),
    )


def uccsd(molecule: Molecule) -> Circuit:
    """Unitary coupled cluster of singles and doubles; at all angles 0 it is Hartree–Fock."""
    return from_excitations(molecule, pool(molecule))


def hardware_efficient(molecule: Molecule, layers: int = 2) -> Circuit:
    """R_y on every qubit, then ``layers`` times controlled Z of neighbours and R_y again, from Hartree–Fock.

    Raises
    ------
    InputError
        Fewer than one layer.
    """
    if layers < 1:
        raise InputError("no layers", key="layers", given=layers, allowed="1 or more")
    n = molecule.qubits
    line = ControlledZ(tuple((q, q + 1) for q in range(n - 1)))
    steps: list[tuple[Operation, int]] = []
    for layer in range(layers + 1):
        if layer:
            steps.append((line, -1))
        steps += [(Rotation(1 << q, 1 << q), layer * n + q) for q in range(n)]
    names = tuple(f"y{q}, layer {layer}" for layer in range(layers + 1) for q in range(n))
    return Circuit(n, basis_state(n, molecule.reference), tuple(steps), names)


def build(molecule: Molecule, ansatz: str, layers: int = 2) -> Circuit:
    """A fixed circuit by name (ADAPT grows its own: :func:`~gigawatt.technology.qubits.vqe.adapt`).

    Raises
    ------
    InputError
        No such ansatz.
    """
    if ansatz == "uccsd":
        return uccsd(molecule)
    if ansatz == "hardware-efficient":
        return hardware_efficient(molecule, layers)
    raise InputError(
        "no such ansatz", key="ansatz", given=ansatz, allowed=ANSATZE, nearest=nearest(ansatz, ANSATZE)
    )


def two_qubit_gates(circuit: Circuit) -> int:
    """Two-qubit gates of a plain compilation: 2(w − 1) for each Pauli string of weight w of an excitation."""
    found = 0
    for operation, _ in circuit.steps:
        if isinstance(operation, Excitation):
            found += sum(2 * ((x | z).bit_count() - 1) for x, z in operation.pauli.terms)
        elif isinstance(operation, Rotation):
            found += 2 * ((operation.x | operation.z).bit_count() - 1)
        elif isinstance(operation, ControlledZ):
            found += len(operation.pairs)
    return found
