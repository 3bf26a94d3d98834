"""A molecule's energy on noisy qubits: depolarising gates, readout errors, and extrapolation to no noise.

Excitations are compiled to what a machine runs: Hadamards, √X, controlled NOTs, Z rotations. After a gate on
one or two qubits, with its probability, one of the 3 or 15 Paulis that are not the identity strikes, each as
likely as the others. Up to :data:`MOST_DENSITY` qubits the density matrix is exact; beyond that trajectories
are drawn. A readout flips each bit with the same probability, so that a string of weight w shrinks by (1 −
2ε)^w.

Zero-noise extrapolation replaces each controlled NOT by 3, 5 … of them, and a polynomial through the energies
is read at no noise. It removes the first powers of the error and multiplies the shots.

References
----------
Temme, Bravyi and Gambetta 2017, Phys. Rev. Lett. 119, 180509; O'Malley et al. 2016, Phys. Rev. X 6, 031007
(one string for H2); Nielsen and Chuang 2010, section 8.3.4 (depolarising).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.molecules import Molecule
from gigawatt.technology.qubits.pauli import PauliSum
from gigawatt.technology.qubits.statevector import Circuit, ControlledZ, Excitation, Rotation, State

__all__ = ["MOST_DENSITY", "Gate", "NoiseCurve", "Noisy", "compile_circuit", "extrapolate", "noise_curve",
           "noisy_energy", "trajectories"]  # fmt: skip

MOST_DENSITY = 6
"""Qubits of a density matrix here: 4^6 numbers."""

_H = np.array([[1.0, 1.0], [1.0, -1.0]], dtype=np.complex128) / np.sqrt(2.0)
_SX = np.array([[1.0, -1j], [-1j, 1.0]], dtype=np.complex128) / np.sqrt(2.0)
_PAULIS = (
    np.eye(2, dtype=np.complex128),
    np.array([[0, 1], [1, 0]], dtype=np.complex128),
    np.array([[0, -1j], [1j, 0]], dtype=np.complex128),
    np.array([[1, 0], [0, -1]], dtype=np.complex128),
)


@dataclass(frozen=True)
class Gate:
    """``h``, ``sx``, ``sxdg`` or ``rz`` (angle) on a qubit, ``cx`` on (control, target)."""

    name: str
    qubits: tuple[int, ...]
    angle: float = 0.0

    def matrix(self) -> NDArray[np.complex128]:
        """Of a gate on one qubit, (2, 2)."""
        if self.name == "rz":
            return np.diag(np.exp([-0.5j * self.angle, 0.5j * self.angle]))
        return {"h": _H, "sx": _SX, "sxdg": _SX.conj().T}[self.name]


@dataclass(frozen=True)
class Noisy:
    """Error of a gate on two qubits and on one, and of a readout bit; probabilities."""

    two: float
    one: float
    readout: float

    def __post_init__(self) -> None:
        for key, most in (("two", 15.0 / 16.0), ("one", 0.75), ("readout", 0.5)):
            value = float(getattr(self, key))
            check_range(key, value, 0.0, most, message="not a probability of an error")

    @classmethod
    def of(cls, two: float) -> Noisy:
        """Errors of one qubit and of readout in the ratios to ``two`` of the catalog's row ``noise``."""
        row = entity("quantum", "noise")
        return cls(two, two * row.value("one_over_two"), two * row.value("readout_over_two"))


def _string_gates(x: int, z: int, angle: float) -> list[Gate]:
    """exp(−i·angle·P/2): turn to Z, a ladder of controlled NOTs, R_z, and back."""
    qubits = [q for q in range((x | z).bit_length()) if (x | z) >> q & 1]
    turn: list[Gate] = []
    back: list[Gate] = []
    for q in qubits:
        if x >> q & 1:
            to, fro = ("sx", "sxdg") if z >> q & 1 else ("h", "h")  # √X turns Y to Z
            turn.append(Gate(to, (q,)))
            back.append(Gate(fro, (q,)))
    ladder = [Gate("cx", pair) for pair in pairwise(qubits)]
    return [*turn, *ladder, Gate("rz", (qubits[-1],), angle), *reversed(ladder), *back]


def compile_circuit(circuit: Circuit, angles: Sequence[float], *, compact: bool = False) -> tuple[Gate, ...]:
    """Gates on one and two qubits of a circuit of excitations, rotations and controlled Z.

    Parameters
    ----------
    circuit : Circuit
        Of these operations.
    angles : array (p,)
        Its parameters.
    compact : bool
        Of a circuit of one excitation from a basis state: one of its strings, turned further, makes the same
        state.

    Raises
    ------
    InputError
        Another kind of operation; ``compact`` of more than one excitation.
    """
    if compact and len(circuit.steps) != 1:
        raise InputError(
            "only one excitation is compact", key="compact", given=len(circuit.steps), allowed="one"
        )
    found: list[Gate] = []
    for operation, number in circuit.steps:
        angle = float(angles[number]) if number >= 0 else 0.0
        if isinstance(operation, ControlledZ):
            for control, target in operation.pairs:
                found += [Gate("h", (target,)), Gate("cx", (control, target)), Gate("h", (target,))]
        elif isinstance(operation, Rotation):
            found += _string_gates(operation.x, operation.z, angle)
        elif isinstance(operation, Excitation):
            terms = sorted(operation.pauli.terms.items())
            share = float(len(terms)) if compact else 1.0
            for (x, z), value in terms[:1] if compact else terms:
                found += _string_gates(x, z, -2.0 * angle * float(np.imag(value)) * share)
        else:
            raise InputError(
                "not compiled to gates", key="circuit", given=type(operation).__name__,
                allowed="excitations, rotations, controlled Z",
            )  # fmt: skip
    return tuple(found)


def _one(cube: State, matrix: NDArray[np.complex128], axis: int) -> State:
    return np.moveaxis(np.tensordot(matrix, cube, (1, axis)), 0, axis)


def _cx(cube: State, control: int, target: int) -> State:
    out = cube.copy()
    index: list[slice | int] = [slice(None)] * cube.ndim
    index[control] = 1
    inner = target - (target > control)
    out[tuple(index)] = np.flip(cube[tuple(index)], inner)
    return out


def _depolarise(rho: State, axes: tuple[int, ...], n: int, error: float) -> State:
    """(1 − e) ρ + e Tr(ρ) ⊗ 1/d over the qubits struck, with e so that each other Pauli has an equal
    share."""
    mixed = rho
    for axis in axes:
        inner = np.trace(mixed, axis1=axis, axis2=axis + n)
        halves = np.zeros_like(mixed)
        for bit in (0, 1):
            index: list[slice | int] = [slice(None)] * (2 * n)
            index[axis], index[axis + n] = bit, bit
            halves[tuple(index)] = 0.5 * inner
        mixed = halves
    size = 4.0 ** len(axes)
    share = error * size / (size - 1.0)
    return (1.0 - share) * rho + share * mixed


def noisy_energy(
    circuit: Circuit,
    angles: Sequence[float],
    operator: PauliSum,
    noise: Noisy,
    *,
    fold: int = 1,
    compact: bool = False,
) -> float:
    """⟨H⟩ of the density matrix, with readout errors.

    Parameters
    ----------
    circuit, angles, operator
        At most :data:`MOST_DENSITY` qubits.
    noise : Noisy
        Errors of gates and of the readout.
    fold : int
        Odd: each controlled NOT is made so many times.
    compact : bool
        As of :func:`compile_circuit`.

    Raises
    ------
    InputError
        Too many qubits, an even fold.
    """
    n = circuit.qubits
    if n > MOST_DENSITY:
        raise InputError(
            "too many qubits for a density matrix", key="qubits", given=n,
            allowed=f"{MOST_DENSITY} or fewer; trajectories beyond",
        )  # fmt: skip
    if fold < 1 or fold % 2 == 0:
        raise InputError("not a fold", key="fold", given=fold, allowed="1, 3, 5 …")
    start = circuit.start.astype(np.complex128)
    rho = np.outer(start, start.conj()).reshape((2,) * (2 * n))
    for gate in compile_circuit(circuit, angles, compact=compact):
        axes = tuple(n - 1 - q for q in gate.qubits)
        if gate.name == "cx":
            for _ in range(fold):
                rho = _cx(_cx(rho, axes[0], axes[1]), axes[0] + n, axes[1] + n)
                rho = _depolarise(rho, axes, n, noise.two)
        else:
            matrix = gate.matrix()
            rho = _one(_one(rho, matrix, axes[0]), matrix.conj(), axes[0] + n)
            if gate.name != "rz":  # a change of frame, free and exact
                rho = _depolarise(rho, axes, n, noise.one)
    return _read(rho.reshape(1 << n, 1 << n), operator, noise.readout)


def _read(rho: State, operator: PauliSum, readout: float) -> float:
    states = np.arange(1 << operator.qubits, dtype=np.int64)
    total = 0.0
    for (x, z), value in operator.terms.items():
        single = PauliSum(operator.qubits, {(x, z): 1.0})
        ((mask, numbers),) = single.diagonals
        # Tr(P ρ) = Σ_b numbers(b) ρ[b, b ⊕ x] with P|b⟩ = numbers(b)|b ⊕ x⟩
        mean = float(np.real(np.sum(numbers * rho[states, states ^ mask])))
        total += float(np.real(value)) * mean * (1.0 - 2.0 * readout) ** (x | z).bit_count()
    return total


def _struck(cube: State, axes: tuple[int, ...], number: int) -> State:
    """The Pauli of that number, one digit of base 4 a qubit, on these axes."""
    for axis in axes:
        cube = _one(cube, _PAULIS[number % 4], axis)
        number //= 4
    return cube


def _drawn(circuit: Circuit, gates: Sequence[Gate], noise: Noisy, rng: np.random.Generator) -> State:
    """The state of one run with its errors drawn, (2^n,)."""
    n = circuit.qubits
    cube: State = np.asarray(circuit.start, dtype=np.complex128).reshape((2,) * n)
    for gate in gates:
        axes = tuple(n - 1 - q for q in gate.qubits)
        cube = _cx(cube, *axes) if gate.name == "cx" else _one(cube, gate.matrix(), axes[0])
        chance = noise.two if gate.name == "cx" else 0.0 if gate.name == "rz" else noise.one
        if chance and rng.random() < chance:
            cube = _struck(cube, axes, int(rng.integers(1, 1 << 2 * len(axes))))
    return np.reshape(cube, 1 << n)


def trajectories(
    circuit: Circuit,
    angles: Sequence[float],
    operator: PauliSum,
    noise: Noisy,
    *,
    count: int = 200,
    seed: int = 0,
    compact: bool = False,
) -> tuple[float, float]:
    """(mean, standard error) of ⟨H⟩ over drawn runs with gate errors; readout errors in the mean of each
    string.

    Raises
    ------
    InputError
        Fewer than two runs.
    """
    if count < 2:
        raise InputError("too few runs", key="count", given=count, allowed="2 or more")
    rng = np.random.default_rng(seed)
    gates = compile_circuit(circuit, angles, compact=compact)
    shrunk = PauliSum(
        operator.qubits,
        {k: v * (1.0 - 2.0 * noise.readout) ** (k[0] | k[1]).bit_count() for k, v in operator.terms.items()},
    )
    found = np.zeros(count)
    for run in range(count):
        found[run] = shrunk.expectation(_drawn(circuit, gates, noise, rng))
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(count))


def extrapolate(folds: Sequence[int], energies: Sequence[float]) -> float:
    """The polynomial through (fold, energy) at fold 0 (Richardson).

    Raises
    ------
    InputError
        Fewer than two folds, or two alike.
    """
    x, y = np.asarray(folds, dtype=float), np.asarray(energies, dtype=float)
    if x.size < 2 or x.shape != y.shape or np.unique(x).size < x.size:
        raise InputError(
            "not folds to extrapolate from", key="folds", given=str(folds), allowed="two or more, apart"
        )
    weights = [np.prod([x[j] / (x[j] - x[i]) for j in range(x.size) if j != i]) for i in range(x.size)]
    return float(np.dot(weights, y))


@dataclass(frozen=True)
class NoiseCurve:
    """Energy over the error of a gate, all arrays (e,).

    ``errors`` [probability of a two-qubit gate], ``raw`` and ``mitigated`` [hartree above the exact energy],
    ``gates`` two-qubit gates of the circuit, ``amplification`` of the standard error by the extrapolation.
    """

    errors: NDArray[np.float64]
    raw: NDArray[np.float64]
    mitigated: NDArray[np.float64]
    gates: int
    amplification: float


def noise_curve(
    molecule: Molecule,
    circuit: Circuit,
    angles: Sequence[float],
    errors: Sequence[float],
    *,
    folds: Sequence[int] = (1, 3, 5),
    readout: bool = True,
    compact: bool = False,
) -> NoiseCurve:
    """Error of a molecule's energy over the error of a two-qubit gate, as read and extrapolated.

    Angles stay those of no noise. Readout errors do not grow with the fold, so extrapolation leaves them.

    Raises
    ------
    InputError
        As of :func:`noisy_energy` and :func:`extrapolate`.
    """
    gates = sum(gate.name == "cx" for gate in compile_circuit(circuit, angles, compact=compact))
    raw: list[float] = []
    mended: list[float] = []
    for error in errors:
        noise = Noisy.of(float(error))
        noise = noise if readout else Noisy(noise.two, noise.one, 0.0)
        values = [
            noisy_energy(circuit, angles, molecule.hamiltonian, noise, fold=fold, compact=compact)
            for fold in folds
        ]
        raw.append(values[0] - molecule.active)
        mended.append(extrapolate(folds, values) - molecule.active)
    unit = np.eye(len(folds))
    amplification = float(np.sqrt(sum(extrapolate(folds, row.tolist()) ** 2 for row in unit)))
    return NoiseCurve(np.asarray(errors, dtype=float), np.array(raw), np.array(mended), gates, amplification)
