"""The quantum approximate optimisation algorithm on a table of costs, by exact simulation.

A choice is a value for each of several variables. Two encodings: ``bits`` (all basis states, mixed by Σ X,
limits by penalties) and ``one-hot`` (a qubit for each value of a variable; the XY mixer keeps one of them
set, and the simulation runs in that subspace alone). Angles are minimised with exact gradients, each depth
from the one before (interpolated); a machine would pay for that in shots.

References
----------
Farhi, Goldstone and Gutmann 2014, arXiv:1411.4028; Hadfield et al. 2019, Algorithms 12, 34 (XY mixer); Zhou
et al. 2020, Phys. Rev. X 10, 021067 (interpolation).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.pauli import MOST_QUBITS
from gigawatt.technology.qubits.statevector import Circuit, Mixer, Operation, Phase, State

__all__ = ["Choice", "Hop", "Qaoa", "qaoa", "quadratic_terms", "shots_to_see"]

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """A small optimisation as a table: what each combination costs an Ising machine.

    Attributes
    ----------
    name : str
    cost : array (levels of variable 1, …)
        What the quantum machine minimises, a quadratic function of its bits; with penalties where it has any.
        Of binary variables (2, …, 2).
    allowed : array of bool, same shape
        Which combinations are answers at all.
    value : array, same shape
        What is really wanted, least best; of combinations that are not allowed it is not read.
    encoding : str
        ``bits`` or ``one-hot``.
    unit : str
        Of ``value``.
    describe : callable
        A combination (indices) in words.
    """

    name: str
    cost: Table
    allowed: NDArray[np.bool_]
    value: Table
    encoding: str
    unit: str
    describe: Callable[[tuple[int, ...]], str] = field(repr=False)

    def __post_init__(self) -> None:
        if self.encoding == "bits" and set(self.cost.shape) != {2}:
            raise InputError("not bits", key="encoding", given=str(self.cost.shape), allowed="2 values each")
        if self.qubits > MOST_QUBITS:
            raise InputError(
                "more qubits than the simulator holds", key="qubits", given=self.qubits,
                allowed=f"{MOST_QUBITS} or fewer",
            )  # fmt: skip
        if not bool(self.allowed.any()):
            raise InputError("nothing is allowed", key="choice", given=self.name, allowed="a looser limit")

    @property
    def qubits(self) -> int:
        """A bit each, or one for each value of each variable."""
        return self.cost.ndim if self.encoding == "bits" else sum(self.cost.shape)

    @property
    def best_value(self) -> float:
        """Least ``value`` that is allowed: by looking at all."""
        return float(self.value[self.allowed].min())

    @property
    def optimal(self) -> NDArray[np.bool_]:
        """Combinations that reach it, to nine digits."""
        slack = 1e-9 * max(1.0, abs(self.best_value))
        return self.allowed & (self.value <= self.best_value + slack)

    @property
    def chosen(self) -> tuple[int, ...]:
        """The combination of least ``cost``: the best that the quantum machine can answer."""
        return tuple(int(i) for i in np.unravel_index(int(np.argmin(self.cost)), self.cost.shape))


@dataclass(frozen=True)
class Hop:
    """exp(−iθ A) along every axis of a table of amplitudes, A linking a value to its neighbours on a ring."""

    shape: tuple[int, ...]
    frequencies: int = 0

    def _ring(self, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        links = np.zeros((size, size))
        for i in range(size):
            links[i, (i + 1) % size] = links[(i + 1) % size, i] = 1.0
        np.fill_diagonal(links, 0.0)
        values, vectors = np.linalg.eigh(links)
        return values, vectors

    def apply(self, state: State, angle: float) -> State:
        """The gate at this angle on ψ; ``state`` is not changed."""
        out = state.reshape(self.shape)
        for axis, size in enumerate(self.shape):
            values, vectors = self._ring(size)
            turn = (vectors * np.exp(-1j * angle * values)) @ vectors.T
            out = np.moveaxis(np.tensordot(turn, out, (1, axis)), 0, axis)
        return out.reshape(-1)

    def generate(self, state: State) -> State:
        """A ψ of the gate exp(θA)."""
        cube, out = state.reshape(self.shape), np.zeros(self.shape, dtype=np.complex128)
        for axis, size in enumerate(self.shape):
            values, vectors = self._ring(size)
            links = (vectors * values) @ vectors.T
            out += np.moveaxis(np.tensordot(links, cube, (1, axis)), 0, axis)
        return -1j * out.reshape(-1)


@dataclass(frozen=True)
class Qaoa:
    """What a depth reached.

    Attributes
    ----------
    depth : int
        Layers p.
    expectation : float
        Mean cost.
    ratio : float
        (worst − mean)/(worst − best) of the cost: 1 is always the best. Penalties stretch it towards 1.
    even_ratio : float
        The same of a uniform draw, which is what the ratio must be read against.
    allowed, optimum : float
        Probability of a shot that is allowed, and of one that is optimal in ``value``.
    even : float
        Probability of the optimum in a uniform draw over the encoding's states.
    angles : array (2p,)
        γ then β.
    evaluations : int
        Of the minimisation at this depth.
    gates : float
        Two-qubit gates of a shot: two controlled NOTs for each quadratic term and each XY link, each layer.
    """

    depth: int
    expectation: float
    ratio: float
    even_ratio: float
    allowed: float
    optimum: float
    even: float
    angles: NDArray[np.float64]
    evaluations: int
    gates: float


def shots_to_see(probability: ArrayLike, confidence: float = 0.99) -> NDArray[np.float64]:
    """Shots until an outcome of that probability was seen once with that confidence; infinite at 0.

    Raises
    ------
    InputError
        Not probabilities.
    """
    p = np.asarray(probability, dtype=float)
    if not (bool(np.all((p >= 0.0) & (p <= 1.0))) and 0.0 < confidence < 1.0):
        raise InputError("not a probability", key="probability", given=str(p), allowed="0 to 1")
    with np.errstate(divide="ignore"):
        return np.where(
            p >= 1.0, 1.0, np.maximum(1.0, np.log(1.0 - confidence) / np.log1p(-np.minimum(p, 1 - 1e-16)))
        )


def quadratic_terms(choice: Choice, tolerance: float = 1e-9) -> int:
    """Pairs of qubits that the cost couples (counted from its Walsh coefficients, or all pairs of values)."""
    if choice.encoding == "one-hot":
        sizes = choice.cost.shape
        return sum(a * b for i, a in enumerate(sizes) for b in sizes[i + 1 :])
    flat, n = choice.cost.reshape(-1).copy(), choice.cost.ndim
    for bit in range(n):  # fast Walsh–Hadamard transform
        pairs = flat.reshape(-1, 2, 1 << bit)
        flat = np.stack((pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]), 1).reshape(-1)
    weight = np.bitwise_count(np.arange(flat.size))
    large = np.abs(flat) > tolerance * max(1e-300, float(np.abs(flat).max()))
    if bool((large & (weight > 2)).any()):
        raise InputError(
            "the cost is not quadratic", key="choice", given=choice.name, allowed="terms of two bits at most"
        )
    return int((large & (weight == 2)).sum())


def _circuit(choice: Choice, depth: int, scaled: Table) -> Circuit:
    shape = choice.cost.shape
    mixer: Operation = Mixer(len(shape)) if choice.encoding == "bits" else Hop(shape)
    start = np.full(scaled.size, 1.0 / np.sqrt(scaled.size), dtype=np.complex128)
    steps: list[tuple[Operation, int]] = []
    for layer in range(depth):
        steps += [(Phase(scaled), layer), (mixer, depth + layer)]
    return Circuit(choice.qubits, start, tuple(steps))


def _longer(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles of one layer more, interpolated (Zhou et al., eq. B1)."""
    p = angles.size // 2

    def stretch(x: NDArray[np.float64]) -> NDArray[np.float64]:
        padded = np.concatenate(([0.0], x, [0.0]))
        i = np.arange(1, p + 2)
        return (i - 1) / p * padded[i - 1] + (p - i + 1) / p * padded[i]

    return np.concatenate((stretch(angles[:p]), stretch(angles[p:])))


def qaoa(choice: Choice, depth: int = 3, *, iterations: int = 60) -> tuple[Qaoa, ...]:
    """Every depth from 1 to ``depth``.

    Parameters
    ----------
    choice : Choice
        At most :data:`~gigawatt.technology.qubits.pauli.MOST_QUBITS` qubits.
    depth : int
        1 to 20.
    iterations : int
        Of each minimisation of angles.

    Raises
    ------
    InputError
        A depth outside its range; a cost that is not quadratic.
    """
    minimize: Any = import_module("scipy.optimize").minimize

    check_range("depth", depth, 1, 20, "layers", message="out of range")
    flat = choice.cost.reshape(-1)
    spread = float(flat.std())
    if spread == 0.0:
        raise InputError("all combinations cost the same", key="choice", given=choice.name, allowed="others")
    scaled = (flat - flat.mean()) / spread
    links = quadratic_terms(choice)
    mixing = 0 if choice.encoding == "bits" else sum(size if size > 2 else 1 for size in choice.cost.shape)

    def at(circuit: Circuit, angles: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        return circuit.gradient(angles, lambda psi: scaled * psi)

    found: list[Qaoa] = []
    angles = np.zeros(0)
    best, worst = float(flat.min()), float(flat.max())
    for layers in range(1, depth + 1):
        circuit = _circuit(choice, layers, scaled)
        asked = 0
        if layers == 1:
            tried = [
                (float(np.abs(psi) ** 2 @ scaled), float(g), float(b))
                for g in np.linspace(0.1, 1.5, 8)
                for b in np.linspace(-1.4, 1.4, 9)
                for psi in (circuit.run([g, b]),)
            ]
            asked += len(tried)
            _, g, b = min(tried)
            start = np.array([g, b])
        else:
            start = _longer(angles)
        done: Any = minimize(
            partial(at, circuit), start, jac=True, method="BFGS",
            options={"maxiter": iterations, "gtol": 1e-5},
        )  # fmt: skip
        angles = np.asarray(done.x, dtype=float)
        chances = np.abs(circuit.run(angles)) ** 2
        mean = float(chances @ flat)
        found.append(
            Qaoa(
                depth=layers,
                expectation=mean,
                ratio=(worst - mean) / (worst - best),
                even_ratio=(worst - float(flat.mean())) / (worst - best),
                allowed=float(chances[choice.allowed.reshape(-1)].sum()),
                optimum=float(chances[choice.optimal.reshape(-1)].sum()),
                even=float(choice.optimal.sum()) / flat.size,
                angles=angles,
                evaluations=asked + int(done.nfev),
                gates=2.0 * layers * (links + mixing),
            )
        )
    return tuple(found)
