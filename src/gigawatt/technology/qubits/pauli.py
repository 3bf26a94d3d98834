"""Sums of Pauli strings, and the Jordan–Wigner image of a molecule's Hamiltonian.

A string on n qubits is a pair of bit masks (x, z): the operator P = i^|x∧z| X^x Z^z, so that Y is x = z = 1.
Qubit j is bit j of a basis state's number. On a basis state P|b⟩ = i^|x∧z| (−1)^|z∧b| |b ⊕ x⟩. All strings
with the same x act together: one diagonal of numbers and one permutation, which is what makes a Hamiltonian
of hundreds of strings quick.

References
----------
Jordan and Wigner 1928, Z. Phys. 47, 631; Verteletskyi, Yen and Izmaylov 2020, J. Chem. Phys. 152, 124114
(measuring commuting groups).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError

__all__ = ["MOST_QUBITS", "Ladder", "PauliSum", "groups", "jordan_wigner", "molecular", "parity"]

MOST_QUBITS = 16
"""Of the statevector simulator: 2^16 amplitudes, one MiB."""

Masks = tuple[int, int]
Complex = NDArray[np.complex128]
Whole = NDArray[np.int64]


def parity(bits: ArrayLike) -> Whole:
    """Parity of the ones of whole numbers ≥ 0, 0 or 1, elementwise."""
    return (np.bitwise_count(np.asarray(bits, dtype=np.int64)) & 1).astype(np.int64)


def check_qubits(qubits: int) -> int:
    """The number itself where the simulator holds it.

    Raises
    ------
    InputError
        Fewer than one, or more than :data:`MOST_QUBITS`.
    """
    if not 1 <= qubits <= MOST_QUBITS:
        raise InputError(
            "not a number of qubits of the simulator",
            key="qubits",
            given=qubits,
            allowed=f"1 to {MOST_QUBITS}: amplitudes double with each",
        )
    return qubits


@dataclass(frozen=True)
class PauliSum:
    """Σ c P: strings by masks (x, z) with complex coefficients, on ``qubits`` qubits.

    Raises
    ------
    InputError
        More qubits than the simulator holds, a mask beyond the qubits.
    """

    qubits: int
    terms: Mapping[Masks, complex] = field(default_factory=dict[Masks, complex])

    def __post_init__(self) -> None:
        check_qubits(self.qubits)
        most = 1 << self.qubits
        for x, z in self.terms:
            if not (0 <= x < most and 0 <= z < most):
                raise InputError(
                    "a string beyond the qubits", key="terms", given=f"({x}, {z})", allowed=f"below {most}"
                )

    def __add__(self, other: PauliSum) -> PauliSum:
        found = dict(self.terms)
        for key, value in other.terms.items():
            found[key] = found.get(key, 0.0) + value
        return PauliSum(max(self.qubits, other.qubits), found)

    def __mul__(self, factor: complex) -> PauliSum:
        return PauliSum(self.qubits, {key: value * factor for key, value in self.terms.items()})

    def __matmul__(self, other: PauliSum) -> PauliSum:
        found: dict[Masks, complex] = {}
        for (x1, z1), a in self.terms.items():
            for (x2, z2), b in other.terms.items():
                x, z = x1 ^ x2, z1 ^ z2
                # i^|x1z1| X^x1 Z^z1 · i^|x2z2| X^x2 Z^z2, and Z^z1 X^x2 = (−1)^|z1∧x2| X^x2 Z^z1
                power = (x1 & z1).bit_count() + (x2 & z2).bit_count() - (x & z).bit_count()
                phase = 1j ** (power % 4) * (-1.0) ** ((z1 & x2).bit_count() & 1)
                found[x, z] = found.get((x, z), 0.0) + a * b * phase
        return PauliSum(max(self.qubits, other.qubits), found)

    def simplified(self, below: float = 1e-12) -> PauliSum:
        """Without strings whose coefficient is at most ``below`` in magnitude."""
        return PauliSum(self.qubits, {k: v for k, v in self.terms.items() if abs(v) > below})

    @property
    def one_norm(self) -> float:
        """Σ|c| of all strings but the identity: the λ of phase estimation."""
        return float(sum(abs(v) for k, v in self.terms.items() if k != (0, 0)))

    @property
    def constant(self) -> float:
        """Coefficient of the identity."""
        return float(np.real(self.terms.get((0, 0), 0.0)))

    @cached_property
    def diagonals(self) -> tuple[tuple[int, NDArray[np.float64] | Complex], ...]:
        """(x, numbers (2^n,)): H ψ = Σ_x (numbers · ψ) moved by x; real where all of them are."""
        size = 1 << self.qubits
        states = np.arange(size, dtype=np.int64)
        found: dict[int, Complex] = {}
        for (x, z), value in self.terms.items():
            signs = 1.0 - 2.0 * parity(states & z)
            row = found.setdefault(x, np.zeros(size, dtype=np.complex128))
            row += value * 1j ** ((x & z).bit_count() % 4) * signs
        real = all(float(np.abs(row.imag).max()) < 1e-14 for row in found.values())
        return tuple((x, row.real.copy() if real else row) for x, row in found.items())

    def apply(self, state: NDArray[Any]) -> NDArray[Any]:
        """H ψ of a state (2^n,); real stays real where H has real elements."""
        states = np.arange(state.size, dtype=np.int64)
        found = sum(((numbers * state)[states ^ x] for x, numbers in self.diagonals), np.zeros_like(state))
        return np.asarray(found)

    def expectation(self, state: NDArray[Any]) -> float:
        """⟨ψ|H|ψ⟩ of a normalised state (2^n,) and a Hermitian sum."""
        return float(np.real(np.vdot(state, self.apply(state))))

    def matrix(self, states: ArrayLike | None = None) -> NDArray[Any]:
        """Dense matrix over the basis states given, all where left out; they must be closed under H."""
        chosen = np.arange(1 << self.qubits) if states is None else np.asarray(states, dtype=np.int64)
        place = np.full(1 << self.qubits, -1, dtype=np.int64)
        place[chosen] = np.arange(chosen.size)
        kind = np.result_type(*(numbers.dtype for _, numbers in self.diagonals), np.float64)
        found: NDArray[Any] = np.zeros((chosen.size, chosen.size), dtype=kind)
        for x, numbers in self.diagonals:
            to = place[chosen ^ x]
            inside = to >= 0
            found[to[inside], np.arange(chosen.size)[inside]] += numbers[chosen[inside]]
        return found


@dataclass(frozen=True)
class Ladder:
    """Jordan–Wigner image of one ladder operator: of spin orbital ``orbital`` among ``qubits``."""

    qubits: int
    orbital: int
    creates: bool

    def pauli(self) -> PauliSum:
        """a = ½ (X + iY) Z…Z on the orbitals before; a† = ½ (X − iY) Z…Z."""
        bit, before = 1 << self.orbital, (1 << self.orbital) - 1
        sign = -1j if self.creates else 1j
        return PauliSum(self.qubits, {(bit, before): 0.5, (bit, before | bit): 0.5 * sign})


def jordan_wigner(qubits: int, *factors: tuple[int, bool]) -> PauliSum:
    """Image of a product of ladder operators: (spin orbital, creates) from left to right.

    Raises
    ------
    InputError
        An orbital outside the qubits.
    """
    found = PauliSum(qubits, {(0, 0): 1.0})
    for orbital, creates in factors:
        if not 0 <= orbital < qubits:
            raise InputError(
                "no such spin orbital", key="orbital", given=orbital, allowed=f"0 to {qubits - 1}"
            )
        found = found @ Ladder(qubits, orbital, creates).pauli()
    return found


def molecular(constant: float, one: ArrayLike, two: ArrayLike) -> PauliSum:
    """Jordan–Wigner image of a molecule's Hamiltonian; spins of an orbital are neighbours (2p, 2p + 1).

    H = constant + Σ h_pq a†_pσ a_qσ + ½ Σ (pq|rs) a†_pσ a†_rτ a_sτ a_qσ.

    Parameters
    ----------
    constant : float [hartree]
        Nuclei and frozen electrons.
    one : array (k, k) [hartree]
        Of spatial orbitals, symmetric.
    two : array (k, k, k, k) [hartree]
        Chemists' order (pq|rs).

    Raises
    ------
    InputError
        Shapes that do not fit; more than :data:`MOST_QUBITS` spin orbitals.
    """
    h, g = np.asarray(one, dtype=float), np.asarray(two, dtype=float)
    k = h.shape[0]
    if h.shape != (k, k) or g.shape != (k, k, k, k):
        raise InputError(
            "integrals do not fit", key="two", given=f"{h.shape}, {g.shape}", allowed="(k, k), (k, k, k, k)"
        )
    n = check_qubits(2 * k)
    total: dict[Masks, complex] = {(0, 0): constant}
    up = [Ladder(n, j, True).pauli() for j in range(n)]
    down = [Ladder(n, j, False).pauli() for j in range(n)]
    # a†_p a_q once for every pair of spin orbitals; the two-electron part is a product of two such pairs
    pair = {(i, j): up[i] @ down[j] for i in range(n) for j in range(n) if (i - j) % 2 == 0}

    def add(part: PauliSum, factor: float) -> None:
        for key, value in part.terms.items():
            total[key] = total.get(key, 0.0) + factor * value

    # a†_pσ a†_rτ a_sτ a_qσ = (a†_pσ a_qσ)(a†_rτ a_sτ) − δ_qr δ_στ a†_pσ a_sτ
    single = h - 0.5 * np.einsum("pqqs->ps", g)
    for p in range(k):
        for q in range(k):
            for spin in (0, 1):
                if abs(single[p, q]) > 1e-12:
                    add(pair[2 * p + spin, 2 * q + spin], float(single[p, q]))
    for p, q in np.ndindex(k, k):
        left = pair[2 * p, 2 * q] + pair[2 * p + 1, 2 * q + 1]
        right = PauliSum(n)
        for r, s in np.ndindex(k, k):
            if abs(g[p, q, r, s]) > 1e-12:
                right = right + (pair[2 * r, 2 * s] + pair[2 * r + 1, 2 * s + 1]) * float(g[p, q, r, s])
        add(left @ right, 0.5)
    made = PauliSum(n, total).simplified()
    return PauliSum(n, {key: complex(np.real(value)) for key, value in made.terms.items()})


def groups(operator: PauliSum) -> tuple[tuple[Masks, ...], ...]:
    """Strings that can be read from the same shots: each qubit measured in one basis (greedy, largest first).

    The identity, which needs no shot, is in none.
    """
    order = sorted(
        (key for key in operator.terms if key != (0, 0)), key=lambda k: (-abs(operator.terms[k]), k)
    )
    made: list[tuple[list[Masks], int, int, int]] = []  # strings, support, x and z of the common basis
    for x, z in order:
        support = x | z
        for place, (members, have, bx, bz) in enumerate(made):
            both = support & have
            if (x ^ bx) & both == 0 and (z ^ bz) & both == 0:
                members.append((x, z))
                made[place] = (members, have | support, bx | x, bz | z)
                break
        else:
            made.append(([(x, z)], support, x, z))
    return tuple(tuple(members) for members, *_ in made)
