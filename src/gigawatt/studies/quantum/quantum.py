"""Answers of the quantum room, each with what was asked and the rows of the catalog that it read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gigawatt.chain.rows_read import reading
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.technology.quantum.break_even import break_even
from gigawatt.technology.quantum.loading import run_cost
from gigawatt.technology.qubits import chemistry, factoring, molecules, neighbour, noise, resources
from gigawatt.technology.qubits.ansatz import two_qubit_gates
from gigawatt.technology.qubits.beside import run_piece
from gigawatt.technology.qubits.vqe import Variational, shots_needed, vqe

__all__ = ["break_even_answer", "optimise_answer", "resources_answer", "vqe_answer"]

_ANGSTROM = 1e-10
_USUAL = {"h2": 0.735e-10, "lih": 1.6e-10, "h4": 0.9e-10, "beh2": 1.3e-10}
"""Bond lengths [m] near those of least energy, where none is given."""
_ERRORS = tuple(10.0**power for power in (-5.0, -4.5, -4.0, -3.5, -3.0, -2.5, -2.0))
"""Errors of a two-qubit gate at which an energy under noise is computed."""

Answer = dict[str, Any]


def _with_rows(asked: Answer, compute: Callable[[], Answer], more: tuple[Assumption, ...] = ()) -> Answer:
    """An answer with ``asked``, and with ``assumptions`` and ``rows`` of what was read for it."""
    answer, read = reading(compute)
    rows = read.to_json()
    assumptions = [*(one.to_json() for one in more), *rows["assumptions"]]
    return {**answer, "asked": asked, "assumptions": assumptions, "rows": rows["rows"]}


def vqe_answer(
    name: str,
    bond: float | None,
    *,
    ansatz: str,
    optimiser: str,
    layers: int,
    iterations: int,
    shots: int,
    seed: int,
    noisy: bool,
) -> Answer:
    """Ground-state energy of a molecule beside the exact one.

    Parameters
    ----------
    name : str
        ``h2``, ``lih``, ``h4`` or ``beh2``.
    bond : float or None
        Distance of neighbours [m]; ``None`` is near that of least energy.
    ansatz, optimiser, layers, iterations, shots, seed
        As of :func:`~gigawatt.technology.qubits.vqe.vqe`.
    noisy : bool
        With the error of the energy over that of a gate.

    Returns
    -------
    dict
        ``kind`` vqe; energies in hartree, ``bond`` in m.

    Raises
    ------
    InputError
        No such molecule or bond length, ansatz or optimiser; too many qubits for noise.
    """
    lengths = molecules.bond_lengths(name)
    length = _USUAL.get(name, lengths[0]) if bond is None else bond
    assumed = [
        Assumption(
            "integrals", molecules.load_molecule(name, length).source,
            "a small basis: energies are exact within it, and far from experiment", Grade.modelled,
            "quantum-earlier-run",
        )
    ]  # fmt: skip
    if bond is None:
        assumed.append(
            Assumption(
                "bond", f"{length / _ANGSTROM:g} Å", "near that of least energy; no bond length was given",
                Grade.modelled, "quantum-earlier-run",
            )
        )  # fmt: skip

    def compute() -> Answer:
        molecule = molecules.load_molecule(name, length)
        minimum = vqe(
            molecule, ansatz=ansatz, optimiser=optimiser, layers=layers, iterations=iterations, shots=shots,
            seed=seed,
        )  # fmt: skip
        return _energy(molecule, minimum, noisy) | {
            "molecule": name,
            "ansatz": ansatz,
            "optimiser": optimiser,
        }

    asked = {
        "molecule": name, "ansatz": ansatz, "optimiser": optimiser, "layers": layers,
        "iterations at most": iterations, "shots of an energy": shots, "seed": seed,
    }  # fmt: skip
    if ansatz != "hardware-efficient":
        del asked["layers"]
    return _with_rows(asked, compute, tuple(assumed))


def _energy(molecule: molecules.Molecule, minimum: Variational, noisy: bool) -> Answer:
    """What a minimisation reached beside the exact energies [hartree], the shots to read it, its noise."""
    read = shots_needed(minimum.circuit.run(minimum.angles), molecule.hamiltonian)
    return {
        "kind": "vqe",
        "name": f"{molecule.name} at {molecule.bond / _ANGSTROM:g} angstrom",
        "bond": molecule.bond,
        "energy": minimum.energy,
        "exact": molecule.active,
        "full": molecule.full,
        "hartree_fock": molecule.hartree_fock,
        "error": minimum.energy - molecule.active,
        "qubits": molecule.qubits,
        "parameters": minimum.circuit.parameters,
        "two_qubit_gates": two_qubit_gates(minimum.circuit),
        "evaluations": minimum.evaluations,
        "history": list(minimum.history),
        "shots": {"groups": read.groups, "shots": read.shots, "error": read.error},
        "noise": _noise(molecule, minimum) if noisy else [],
        "source": molecule.source,
    }


def _noise(molecule: molecules.Molecule, minimum: Variational) -> list[dict[str, float]]:
    """Errors of the energy [hartree], as read and extrapolated, at each of :data:`_ERRORS`."""
    compact = len(minimum.circuit.steps) == 1
    curve = noise.noise_curve(molecule, minimum.circuit, list(minimum.angles), list(_ERRORS), compact=compact)
    return [
        {"gate_error": float(gate), "raw": float(raw), "mitigated": float(mitigated)}
        for gate, raw, mitigated in zip(curve.errors, curve.raw, curve.mitigated, strict=True)
    ]


def optimise_answer(
    piece: str,
    *,
    depth: int,
    model: str,
    stages: int,
    window: int,
    mean_bits: float,
    machine: str,
) -> Answer:
    """A piece of model development on qubits beside exact classical solvers (``kind`` optimise).

    Raises
    ------
    InputError
        As of :func:`~gigawatt.technology.qubits.beside.run_piece`.
    """
    settings: Answer = (
        {"model": model, "stages": stages, "window": window}
        if piece == "pipeline"
        else {"mean_bits": mean_bits}
    )
    asked = {"piece": piece, "layers of QAOA at most": depth, "machine": machine}
    asked |= {key.replace("_", " "): value for key, value in settings.items()}
    return _with_rows(
        asked,
        lambda: {
            "kind": "optimise",
            **run_piece(piece, depth=depth, machine=machine, **settings).to_json(),
        },
    )


def resources_answer(
    name: str,
    *,
    qubits: float | None,
    toffolis: float | None,
    bits: int,
    error: float,
    cycle: float,
    reaction: float,
    budget: float,
    factories: int,
    qdk: bool,
) -> Answer:
    """Physical qubits, time, joules and dollars of a fault-tolerant computation (``kind`` resources).

    Parameters
    ----------
    name : str
        ``rsa``, a row of ``quantum_algorithms``, a molecule, or ``custom``.
    qubits, toffolis : float
        Logical qubits and gates of custom.
    bits : int
        Of rsa.
    error, cycle, reaction : float
        Of a physical gate; of a round of checks and of classical control [s].
    budget : float
        Chance that a run fails, at most; not of rsa.
    factories : int
        Of magic states, side by side; not of rsa.
    qdk : bool
        Ask the other estimator too.

    Raises
    ------
    InputError
        No such algorithm, a number out of range.
    """
    name = name.lower()
    first, _, size = name.partition("-")
    if first == "rsa" and size.isdigit():  # rsa-4096
        name, bits = first, int(size)
    asked: Answer = {
        "algorithm": name, "error of a gate": error, "µs of a round of checks": cycle * 1e6,
        "µs of classical control": reaction * 1e6,
    }  # fmt: skip
    if name == "rsa":
        asked |= {"bits": bits}
    else:
        asked |= {"chance that a run fails, at most": budget, "factories": factories}

    def compute() -> Answer:
        machine = resources.Physical(error, cycle, reaction)
        if name == "rsa":
            counts, needs = _rsa(bits, machine)
        else:
            counts = _counts(name, qubits, toffolis)
            needs = _needs(counts, machine, budget, factories)
        if qdk:
            needs["qdk"] = [
                {"qubits": one.qubits, "seconds": one.seconds}
                for one in neighbour.qdk_estimate(counts, error=error, budget=budget)
            ]
        run = run_cost(needs["physical_qubits"], needs["seconds"])
        return needs | {"run": {"joules": list(run.joules), "dollars": list(run.dollars)}}

    return _with_rows(asked, compute)


def _needs(counts: resources.Algorithm, machine: resources.Physical, budget: float, factories: int) -> Answer:
    """Physical qubits by part and seconds of an algorithm."""
    estimate = resources.estimate(counts, machine, budget=budget, factories=factories)
    return {
        "kind": "resources", "ladder": [], "qdk": [],
        "name": counts.name, "physical_qubits": estimate.total, "parts": estimate.qubits,
        "seconds": estimate.seconds, "distance": estimate.distance, "factories": estimate.factories,
        "factory": estimate.factory.name, "failure": estimate.failure, "toffolis": counts.states,
        "limit": estimate.limit,
    }  # fmt: skip


def _rsa(bits: int, machine: resources.Physical) -> tuple[resources.Algorithm, Answer]:
    """(counts, needs) of factoring; with the steps to 2025 where they were published."""
    estimate = factoring.gidney_ekera(bits, machine)
    published = bits == 2048 and machine.error == 1e-3
    ladder = factoring.ladder(machine) if published else ()
    needs: Answer = {
        "kind": "resources",
        "ladder": [{"change": one.change, "qubits": one.qubits, "days": one.days} for one in ladder],
        "qdk": [],
        "name": f"RSA of {bits} bits, Gidney and Ekerå 2019",
        "physical_qubits": estimate.qubits, "seconds": estimate.expected_seconds,
        "distance": estimate.distance, "factories": estimate.factories, "failure": estimate.failure,
        "toffolis": estimate.toffolis,
    }  # fmt: skip
    return resources.Algorithm("rsa", 3.0 * bits, estimate.toffolis), needs


def _counts(name: str, qubits: float | None, toffolis: float | None) -> resources.Algorithm:
    if name == "custom":
        for key, value in (("qubits", qubits), ("toffolis", toffolis)):
            if value is None:
                raise InputError("custom needs it", key=key, allowed="a number")
        return resources.Algorithm("custom", float(qubits or 0.0), float(toffolis or 0.0))
    if name not in molecules.MOLECULES:
        return resources.load_algorithm(name)
    h = molecules.load_molecule(name, _USUAL[name]).hamiltonian
    return chemistry.phase_estimation(name, terms=len(h.terms), one_norm=h.one_norm, qubits=h.qubits)


def break_even_answer(
    problem: str,
    *,
    algorithm: str,
    weights: float,
    machine: str,
) -> Answer:
    """Joules and dollars of a quantum run beside the classical way, with bands (``kind`` break-even).

    Raises
    ------
    InputError
        As of :func:`~gigawatt.technology.quantum.break_even.break_even`.
    """
    asked: Answer = {"problem": problem, "machine": machine}
    asked |= {"chemistry": {"algorithm": algorithm}, "llm": {"weights": weights}}.get(problem, {})

    def compute() -> Answer:
        found = break_even(problem, machine=machine, algorithm=algorithm, weights=weights)
        return {"kind": "break-even", **found.to_json()}

    return _with_rows(asked, compute)
