"""The variational eigensolver: optimisers, ADAPT, and what reading an energy from shots takes.

Energies are of the exact state unless shots are asked for. ``bfgs`` takes adjoint gradients, ``shift`` the
same with gradients of the parameter-shift rule, ``cobyla`` and ``nelder-mead`` take none, ``spsa`` two
energies a step whatever the parameters, ``rotosolve`` minimises along one parameter at a time in closed form.

References
----------
Peruzzo et al. 2014, Nat. Commun. 5, 4213; Spall 1992, IEEE TAC 37, 332 (SPSA); Ostaszewski, Grant and
Benedetti 2021, Quantum 5, 391 (rotosolve); Grimsley et al. 2019, Nat. Commun. 10, 3007 (ADAPT); Wecker,
Hastings and Troyer 2015, Phys. Rev. A 92, 042303 (shots).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.ansatz import build, from_excitations, pool
from gigawatt.technology.qubits.molecules import Molecule
from gigawatt.technology.qubits.pauli import PauliSum, groups, parity
from gigawatt.technology.qubits.statevector import Circuit, Excitation, State, sample

__all__ = [
    "CHEMICAL_ACCURACY",
    "OPTIMISERS",
    "Shots",
    "Variational",
    "adapt",
    "minimise",
    "sampled_energy",
    "shots_needed",
    "vqe",
]

CHEMICAL_ACCURACY = 1.6e-3
"""1 kcal/mol in hartree."""
OPTIMISERS = ("bfgs", "shift", "cobyla", "nelder-mead", "spsa", "rotosolve")

Angles = NDArray[np.float64]


@dataclass(frozen=True)
class Variational:
    """What a minimisation found.

    Attributes
    ----------
    energy : float [hartree]
        Of the exact state at the angles found.
    angles : array (p,)
    circuit : Circuit
    evaluations : int
        Energies asked for; a gradient by shifts counts 2R a parameter, an adjoint gradient as one.
    history : tuple of float [hartree]
        Energy after each iteration.
    """

    energy: float
    angles: Angles
    circuit: Circuit
    evaluations: int
    history: tuple[float, ...]


@dataclass(frozen=True)
class Shots:
    """What reading ⟨H⟩ takes.

    Attributes
    ----------
    groups : int
        Settings in which qubits are read.
    deviations : tuple of float [hartree]
        Standard deviation of one shot in each.
    shots : float
        In all, divided best (in proportion to the deviations), for the standard error asked for.
    error : float [hartree]
        That standard error.
    """

    groups: int
    deviations: tuple[float, ...]
    shots: float
    error: float


def minimise(
    circuit: Circuit,
    operator: PauliSum,
    *,
    optimiser: str = "bfgs",
    start: Angles | None = None,
    iterations: int = 200,
    shots: int = 0,
    seed: int = 0,
) -> Variational:
    """The angles of least ⟨H⟩ that an optimiser finds.

    Parameters
    ----------
    circuit : Circuit
        Whose angles are varied.
    operator : PauliSum
        Whose mean is minimised.
    optimiser : str
        Of :data:`OPTIMISERS`.
    start : array (p,), optional
        Angles to begin with; 0 where left out.
    iterations : int
        At most.
    shots : int
        Of each energy that ``spsa``, ``cobyla`` and ``nelder-mead`` see; 0: exact.
    seed : int
        Of shots and of the directions of ``spsa``.

    Raises
    ------
    InputError
        No such optimiser; shots for one that needs exact gradients; no iteration.
    """
    check_word("optimiser", optimiser, OPTIMISERS, "no such optimiser")
    if iterations < 1 or shots < 0:
        raise InputError(
            "out of range", key="iterations", given=iterations, allowed="1 or more; shots 0 or more"
        )
    if shots and optimiser in ("bfgs", "shift", "rotosolve"):
        raise InputError(
            "this optimiser takes exact energies",
            key="shots",
            given=shots,
            allowed="spsa, cobyla, nelder-mead",
        )
    rng = np.random.default_rng(seed)
    first = np.zeros(circuit.parameters) if start is None else np.asarray(start, dtype=float)
    counted, history = [0], [circuit.energy(first, operator)]
    parts = groups(operator) if shots else ()

    def energy(angles: Angles) -> float:
        counted[0] += 1
        state = circuit.run(angles)
        return sampled_energy(state, operator, shots, rng, parts) if shots else operator.expectation(state)

    found: Angles
    if optimiser == "spsa":
        found = _spsa(energy, first, iterations, rng, lambda x: history.append(circuit.energy(x, operator)))
    elif optimiser == "rotosolve":
        found = _rotosolve(circuit, energy, first, iterations, history)
    else:
        found = _scipy(circuit, operator, optimiser, energy, first, iterations, counted, history)
    return Variational(circuit.energy(found, operator), found, circuit, counted[0], tuple(history))


def _scipy(
    circuit: Circuit,
    operator: PauliSum,
    optimiser: str,
    energy: Callable[[Angles], float],
    first: Angles,
    iterations: int,
    counted: list[int],
    history: list[float],
) -> Angles:
    minimize: Any = import_module("scipy.optimize").minimize

    last = [history[0]]

    def both(angles: Angles) -> tuple[float, Angles]:
        if optimiser == "bfgs":
            counted[0] += 1
            value, slopes = circuit.gradient(angles, operator.apply)
        else:
            value, slopes = energy(angles), circuit.shift_gradient(angles, operator)
            counted[0] += sum(2 * one.frequencies for one, number in circuit.steps if number >= 0)
        last[0] = value
        return value, slopes

    def note(_: object) -> None:
        history.append(last[0])

    if optimiser in ("bfgs", "shift"):
        done = minimize(
            both, first, jac=True, method="BFGS", callback=note, options={"maxiter": iterations, "gtol": 1e-7}
        )
        return np.asarray(done.x, dtype=float)

    def seen(angles: Angles) -> float:
        last[0] = energy(angles)
        history.append(last[0])
        return last[0]

    if optimiser == "cobyla":
        options: dict[str, float] = {"maxiter": iterations * (first.size + 1), "rhobeg": 0.2, "tol": 1e-8}
        done = minimize(seen, first, method="COBYLA", options=options)
    else:
        options = {"maxiter": iterations * (first.size + 1), "xatol": 1e-6, "fatol": 1e-9}
        done = minimize(seen, first, method="Nelder-Mead", options=options)
    return np.asarray(done.x, dtype=float)


def _spsa(
    energy: Callable[[Angles], float],
    first: Angles,
    iterations: int,
    rng: np.random.Generator,
    note: Callable[[Angles], None],
) -> Angles:
    """Spall's gains: a/(k + 1 + A)^0.602, c/(k + 1)^0.101; a from the first slopes, so that a step is 0.1."""
    angles, c, stable = first.copy(), 0.1, 0.1 * iterations
    signs = rng.choice((-1.0, 1.0), size=(5, angles.size))
    slope = float(np.mean([abs(energy(angles + c * d) - energy(angles - c * d)) / (2 * c) for d in signs]))
    gain = 0.1 * (1.0 + stable) ** 0.602 / max(slope, 1e-6)
    tail = np.zeros_like(angles)
    for k in range(iterations):
        d, ck = rng.choice((-1.0, 1.0), size=angles.size), c / (k + 1) ** 0.101
        slope = (energy(angles + ck * d) - energy(angles - ck * d)) / (2 * ck)
        angles = angles - gain / (k + 1 + stable) ** 0.602 * slope * d
        if k >= iterations * 4 // 5:
            tail += angles / (iterations - iterations * 4 // 5)
        note(angles)
    return tail


def _rotosolve(
    circuit: Circuit,
    energy: Callable[[Angles], float],
    first: Angles,
    iterations: int,
    history: list[float],
) -> Angles:
    """Along one angle an energy is a trigonometric polynomial: fit it, go to its least value."""
    angles = first.copy()
    grid = np.linspace(-np.pi, np.pi, 721)
    for _ in range(iterations):
        before = history[-1]
        for operation, number in circuit.steps:
            if number < 0:
                continue
            if operation.frequencies == 0:
                raise InputError(
                    "rotosolve needs rotations or excitations", key="optimiser",
                    given=type(operation).__name__, allowed="another optimiser",
                )  # fmt: skip
            order = operation.frequencies
            points = 2.0 * np.pi * np.arange(2 * order + 1) / (2 * order + 1)
            values: list[float] = []
            for point in points:
                moved = angles.copy()
                moved[number] += point
                values.append(energy(moved))
            c = np.fft.rfft(values) / len(values)

            def along(x: Angles, c: NDArray[np.complex128] = c, order: int = order) -> Angles:
                waves = np.exp(1j * np.outer(x, np.arange(1, order + 1)))
                return np.real(c[0]) + 2.0 * np.real(waves @ c[1:])

            best = float(grid[int(np.argmin(along(grid)))])
            fine = best + (grid[1] - grid[0]) * np.linspace(-1.0, 1.0, 401)
            angles[number] += float(fine[int(np.argmin(along(fine)))])
        history.append(energy(angles))
        if before - history[-1] < 1e-10:
            break
    return angles


def adapt(
    molecule: Molecule, *, most: int = 40, tolerance: float = 1e-4, iterations: int = 200
) -> tuple[Variational, tuple[float, ...]]:
    """A circuit grown by the excitation of steepest slope, all angles minimised after each.

    Parameters
    ----------
    molecule : Molecule
        Its pool is offered.
    most : int
        Excitations at most.
    tolerance : float [hartree]
        Ends where the norm of the pool's slopes is below it.
    iterations : int
        Of each minimisation.

    Returns
    -------
    (Variational, tuple of float)
        The last minimisation, and the energy with 0, 1, 2 … excitations [hartree].
    """
    offered, h = pool(molecule), molecule.hamiltonian
    circuit = from_excitations(molecule, ())
    found = Variational(h.expectation(circuit.start), np.zeros(0), circuit, 0, ())
    energies, asked = [found.energy], 0
    taken: tuple[Excitation, ...] = ()
    for _ in range(most):
        state = circuit.run(found.angles)
        bra = h.apply(state)
        slopes = np.array([2.0 * float(np.real(np.vdot(bra, one.generate(state)))) for one in offered])
        asked += 1
        if float(np.linalg.norm(slopes)) < tolerance:
            break
        chosen = (*taken, offered[int(np.argmax(np.abs(slopes)))])
        circuit, taken = from_excitations(molecule, chosen), chosen
        found = minimise(circuit, h, start=np.append(found.angles, 0.0), iterations=iterations)
        asked += found.evaluations
        energies.append(found.energy)
    return Variational(found.energy, found.angles, circuit, asked, tuple(energies)), tuple(energies)


def vqe(
    molecule: Molecule,
    *,
    ansatz: str = "uccsd",
    optimiser: str = "bfgs",
    layers: int = 2,
    iterations: int = 200,
    shots: int = 0,
    seed: int = 0,
) -> Variational:
    """The variational energy of a molecule; keywords as of :func:`minimise` and ``build``.

    A hardware-efficient circuit starts from small drawn angles (seed), since its slopes vanish at 0.

    Raises
    ------
    InputError
        No such ansatz or optimiser; ``adapt`` with another optimiser than ``bfgs``.
    """
    if ansatz == "adapt":
        if optimiser != "bfgs" or shots:
            raise InputError(
                "ADAPT minimises exactly", key="optimiser", given=optimiser, allowed="bfgs, no shots"
            )
        return adapt(molecule, iterations=iterations)[0]
    circuit = build(molecule, ansatz, layers)
    start = None
    if ansatz == "hardware-efficient":
        start = np.random.default_rng(seed).normal(0.0, 0.1, circuit.parameters)
    return minimise(
        circuit, molecule.hamiltonian, optimiser=optimiser, start=start, iterations=iterations, shots=shots,
        seed=seed,
    )  # fmt: skip


Part = tuple[tuple[int, int], ...]


def _turned(state: State, part: Part) -> State:
    """The state with every qubit of the group turned so that reading 0 or 1 reads its basis."""
    x = z = 0
    for a, b in part:
        x, z = x | a, z | b
    n = int(np.log2(state.size))
    out = state.astype(np.complex128).reshape((2,) * n)
    for qubit in range(n):
        axis = n - 1 - qubit
        if not x >> qubit & 1:
            continue
        y = bool(z >> qubit & 1)
        a, b = np.take(out, 0, axis), np.take(out, 1, axis)
        b = -1j * b if y else b  # S† before H reads Y
        out = np.stack(((a + b) / np.sqrt(2.0), (a - b) / np.sqrt(2.0)), axis)
    return out.reshape(-1)


def _values(operator: PauliSum, part: Part, size: int) -> NDArray[np.float64]:
    """What a shot that read each basis state adds to the energy, (2^n,)."""
    states = np.arange(size, dtype=np.int64)
    found = np.zeros(size)
    for x, z in part:
        found += float(np.real(operator.terms[x, z])) * (1.0 - 2.0 * parity(states & (x | z)))
    return found


def shots_needed(
    state: State, operator: PauliSum, error: float = CHEMICAL_ACCURACY, parts: tuple[Part, ...] | None = None
) -> Shots:
    """Shots for a standard error of ⟨H⟩, with groups of strings that share a reading.

    N = (Σ σ_g)²/ε², shots in proportion to σ_g. Strings that each have shots of their own: give ``parts``
    with one string a group.

    Raises
    ------
    InputError
        An error of 0 or less.
    """
    if not error > 0.0:
        raise InputError("not an error", key="error", given=error, allowed="above 0 hartree")
    chosen = groups(operator) if parts is None else parts
    found: list[float] = []
    for part in chosen:
        chances = np.abs(_turned(state, part)) ** 2
        values = _values(operator, part, state.size)
        mean = float(chances @ values)
        found.append(float(np.sqrt(max(0.0, float(chances @ (values - mean) ** 2)))))
    return Shots(len(chosen), tuple(found), (sum(found) / error) ** 2, error)


def sampled_energy(
    state: State,
    operator: PauliSum,
    shots: int,
    rng: np.random.Generator,
    parts: tuple[Part, ...] | None = None,
    weights: Sequence[float] | None = None,
) -> float:
    """⟨H⟩ as so many shots read it, divided over the groups in proportion to ``weights``.

    Without weights in proportion to the sum of a group's coefficients, which is known before any shot; with
    the deviations of :func:`shots_needed` the division is best. Each group gets a shot at least.

    Raises
    ------
    InputError
        Fewer shots than groups.
    """
    chosen = groups(operator) if parts is None else parts
    if shots < len(chosen):
        raise InputError(
            "fewer shots than settings to read", key="shots", given=shots, allowed=f"{len(chosen)} or more"
        )
    sizes = np.array([sum(abs(operator.terms[key]) for key in part) for part in chosen])
    if weights is not None:
        sizes = np.asarray(weights, dtype=float)
    each = 1 + np.floor((shots - len(chosen)) * sizes / sizes.sum()).astype(int)
    total = operator.constant
    for part, count in zip(chosen, each, strict=True):
        read = sample(_turned(state, part), int(count), rng)
        total += float(read @ _values(operator, part, state.size)) / int(count)
    return total
