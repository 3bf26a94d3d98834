"""The statevector simulator: gates with a parameter as operations on arrays, and exact gradients.

A state of n qubits is an array (2^n,) of amplitudes; qubit j is bit j of the index. A :class:`Circuit` is a
list of operations, each with the number of the parameter that turns it. The gradient goes backwards through
the circuit with two states (adjoint differentiation): one sweep, whatever the number of parameters.

References
----------
Jones and Gacon 2020, arXiv:2009.02823 (adjoint gradients); Wierichs et al. 2022, Quantum 6, 677 (shift
rules).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.pauli import MOST_QUBITS, PauliSum, check_qubits, parity

__all__ = [
    "MOST_QUBITS",
    "Circuit",
    "ControlledZ",
    "Excitation",
    "Mixer",
    "Operation",
    "Phase",
    "Rotation",
    "State",
    "basis_state",
    "sample",
]

State = NDArray[Any]
"""Amplitudes (2^n,), real or complex."""


class Operation(Protocol):
    """exp(θ A) with an anti-Hermitian A, or a gate without a parameter.

    ``frequencies``: highest R of the Fourier series of an energy in θ (1, …, R); 0 where no shift rule is
    kept.
    """

    @property
    def frequencies(self) -> int:
        """Highest frequency of an energy in the angle; 0: no shift rule."""
        ...

    def apply(self, state: State, angle: float) -> State:
        """exp(angle·A) ψ; must not change ``state``."""
        ...

    def generate(self, state: State) -> State:
        """A ψ."""
        ...


@dataclass(frozen=True)
class Excitation:
    """exp(θ (τ − τ†)) of a product τ of ladder operators: planes of two basis states, each turned by θ.

    ``source`` (m,) are the basis states that τ does not send to zero, ``target`` (m,) where it sends them,
    ``sign`` (m,) ±1. Conserves what τ conserves, exactly. ``pauli`` is τ − τ†; ``name`` for people.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    sign: NDArray[np.float64]
    pauli: PauliSum
    name: str = ""
    frequencies: int = 2

    def apply(self, state: State, angle: float) -> State:
        """The gate at this angle on ψ; ``state`` is not changed."""
        c, s = np.cos(angle), np.sin(angle)
        out = state.copy()
        a, b = state[self.source], state[self.target]
        out[self.source] = c * a - s * self.sign * b
        out[self.target] = c * b + s * self.sign * a
        return out

    def generate(self, state: State) -> State:
        """A ψ of the gate exp(θA)."""
        out = np.zeros_like(state)
        out[self.source] = -self.sign * state[self.target]
        out[self.target] = self.sign * state[self.source]
        return out


@dataclass(frozen=True)
class Rotation:
    """exp(−iθP/2) of a Pauli string P by its masks."""

    x: int
    z: int
    frequencies: int = 1

    def _string(self, state: State) -> State:
        states = np.arange(state.size, dtype=np.int64)
        moved = states ^ self.x
        factor = 1j ** ((self.x & self.z).bit_count() % 4) * (1.0 - 2.0 * parity(moved & self.z))
        return factor * state[moved]

    def apply(self, state: State, angle: float) -> State:
        """The gate at this angle on ψ; ``state`` is not changed."""
        turned = np.cos(angle / 2) * state - 1j * np.sin(angle / 2) * self._string(state)
        real = (self.x & self.z).bit_count() % 2 == 1 and not np.iscomplexobj(state)
        return turned.real if real else turned

    def generate(self, state: State) -> State:
        """A ψ of the gate exp(θA)."""
        made = -0.5j * self._string(state)
        real = (self.x & self.z).bit_count() % 2 == 1 and not np.iscomplexobj(state)
        return made.real if real else made


@dataclass(frozen=True)
class ControlledZ:
    """Controlled Z on each of these pairs of qubits; its angle is not read."""

    pairs: tuple[tuple[int, int], ...]
    frequencies: int = 0

    def apply(self, state: State, angle: float) -> State:
        """The gate at this angle on ψ; ``state`` is not changed."""
        states = np.arange(state.size, dtype=np.int64)
        count = np.zeros(state.size, dtype=np.int64)
        for a, b in self.pairs:
            count += (states >> a) & (states >> b) & 1
        return state * (1.0 - 2.0 * (count & 1))

    def generate(self, state: State) -> State:
        """A ψ of the gate exp(θA)."""
        return np.zeros_like(state)


@dataclass(frozen=True)
class Phase:
    """exp(−iθC) of a cost that each basis state has: ``cost`` (2^n,)."""

    cost: NDArray[np.float64]
    frequencies: int = 0

    def apply(self, state: State, angle: float) -> State:
        """The gate at this angle on ψ; ``state`` is not changed."""
        return state * np.exp(-1j * angle * self.cost)

    def generate(self, state: State) -> State:
        """A ψ of the gate exp(θA)."""
        return -1j * self.cost * state


@dataclass(frozen=True)
class Mixer:
    """exp(−iθ Σ X_j) on all qubits."""

    qubits: int
    frequencies: int = 0

    def apply(self, state: State, angle: float) -> State:
        """The gate at this angle on ψ; ``state`` is not changed."""
        c, s = np.cos(angle), -1j * np.sin(angle)
        out = state.astype(np.complex128).reshape((2,) * self.qubits)
        for axis in range(self.qubits):
            out = c * out + s * np.flip(out, axis)
        return out.reshape(-1)

    def generate(self, state: State) -> State:
        """A ψ of the gate exp(θA)."""
        cube = state.reshape((2,) * self.qubits)
        total = np.zeros_like(cube)
        for axis in range(self.qubits):
            total = total + np.flip(cube, axis)
        return -1j * total.reshape(-1)


@dataclass(frozen=True)
class Circuit:
    """Operations in order from a state: ``steps`` (operation, number of its parameter).

    Attributes
    ----------
    qubits : int
    start : array (2^n,)
        Normalised.
    steps : tuple of (Operation, int)
        A negative number: the operation has no parameter.
    names : tuple of str
        Of the parameters.
    """

    qubits: int
    start: State
    steps: tuple[tuple[Operation, int], ...]
    names: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """How many angles it takes."""
        return 1 + max((number for _, number in self.steps), default=-1)

    def _angles(self, angles: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        given = np.asarray(angles, dtype=float)
        if given.shape != (self.parameters,) or not bool(np.all(np.isfinite(given))):
            raise InputError(
                "angles do not fit the circuit",
                key="angles",
                given=f"{given.shape}",
                allowed=f"{self.parameters} finite numbers",
            )
        return given

    def run(self, angles: Sequence[float] | NDArray[np.float64]) -> State:
        """The state at the end (2^n,).

        Raises
        ------
        InputError
            Angles of another number, or not finite.
        """
        given, state = self._angles(angles), self.start
        for operation, number in self.steps:
            state = operation.apply(state, float(given[number]) if number >= 0 else 0.0)
        return state

    def energy(self, angles: Sequence[float] | NDArray[np.float64], operator: PauliSum) -> float:
        """⟨H⟩ of the state at the end."""
        return operator.expectation(self.run(angles))

    def gradient(
        self,
        angles: Sequence[float] | NDArray[np.float64],
        apply: Callable[[State], State],
    ) -> tuple[float, NDArray[np.float64]]:
        """(⟨H⟩, its derivatives (p,)) by one sweep backwards; ``apply`` is ψ ↦ Hψ."""
        given, state = self._angles(angles), self.run(angles)
        bra = apply(state)
        value = float(np.real(np.vdot(state, bra)))
        slopes = np.zeros(given.size)
        for operation, number in reversed(self.steps):
            angle = float(given[number]) if number >= 0 else 0.0
            if number >= 0:
                slopes[number] += 2.0 * float(np.real(np.vdot(bra, operation.generate(state))))
            state, bra = operation.apply(state, -angle), operation.apply(bra, -angle)
        return value, slopes

    def shift_gradient(
        self, angles: Sequence[float] | NDArray[np.float64], operator: PauliSum
    ) -> NDArray[np.float64]:
        """Derivatives (p,) by the parameter-shift rule, as hardware takes them: 2R energies a parameter.

        Raises
        ------
        InputError
            An operation without a shift rule, or a parameter of more than one operation.
        """
        given = self._angles(angles)
        found = np.zeros(given.size)
        counts = np.bincount([n for _, n in self.steps if n >= 0], minlength=given.size)
        for operation, number in self.steps:
            if number < 0:
                continue
            if operation.frequencies == 0 or counts[number] != 1:
                raise InputError(
                    "no shift rule", key="circuit", given=type(operation).__name__,
                    allowed="rotations and excitations, each with a parameter of its own",
                )  # fmt: skip
            terms = 2 * operation.frequencies
            for step in range(1, terms + 1):
                shift = (2 * step - 1) * np.pi / terms
                moved = given.copy()
                moved[number] += shift
                weight = (-1.0) ** (step - 1) / (2.0 * terms * np.sin(shift / 2.0) ** 2)
                found[number] += weight * self.energy(moved, operator)
        return found


def basis_state(qubits: int, number: int) -> NDArray[np.float64]:
    """The basis state of that number (2^n,), real.

    Raises
    ------
    InputError
        More qubits than the simulator holds; a number beyond them.
    """
    size = 1 << check_qubits(qubits)
    if not 0 <= number < size:
        raise InputError("no such basis state", key="number", given=number, allowed=f"0 to {size - 1}")
    state = np.zeros(size)
    state[number] = 1.0
    return state


def sample(state: State, shots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each basis state was read in so many shots, (2^n,).

    Raises
    ------
    InputError
        No shot.
    """
    if shots < 1:
        raise InputError("no shots", key="shots", given=shots, allowed="1 or more")
    chances = np.abs(state) ** 2
    return rng.multinomial(shots, chances / chances.sum()).astype(np.int64)
