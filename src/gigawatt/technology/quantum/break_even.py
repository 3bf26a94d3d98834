"""A quantum run beside the classical way to the same answer: joules and dollars, with bands.

Bands come from the ranges of the rows, most of which are guesses: nobody has built such a machine. The low
end of a ratio is the quantum machine at its best beside the classical one at its worst.

References
----------
Babbush et al. 2021, PRX Quantum 2, 010103; Hoefler, Häner and Troyer 2023, Commun. ACM 66, 82; Elfving et al.
2020, arXiv:2009.12472 (where exact classical chemistry ends).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError, nearest
from gigawatt.technology.quantum.loading import Band, Side, break_even_time, ends, loading, run_cost
from gigawatt.technology.qubits.beside import run_piece
from gigawatt.technology.qubits.resources import (
    Estimate,
    cultivation_ccz,
    estimate,
    load_algorithm,
    load_physical,
)

__all__ = ["PROBLEMS", "BreakEven", "break_even"]

PROBLEMS = ("chemistry", "search", "pipeline", "llm")
_HOUR = 3600.0


@dataclass(frozen=True)
class BreakEven:
    """A quantum run beside the classical way.

    Attributes
    ----------
    problem : str
    quantum, classical : Side
    joules, dollars : Band
        Quantum over classical; above 1 the quantum machine takes more. The low end is the machine's best
        case.
    verdict : str
        In a sentence.
    notes : tuple of str
        What was left out, and what would have to change.
    """

    problem: str
    quantum: Side
    classical: Side
    joules: Band
    dollars: Band
    verdict: str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Stable keys; plain numbers."""

        def side(one: Side) -> dict[str, Any]:
            return {
                "what": one.what, "seconds": list(one.seconds), "joules": list(one.joules),
                "dollars": list(one.dollars),
            }  # fmt: skip

        return {
            "problem": self.problem,
            "quantum": side(self.quantum),
            "classical": side(self.classical),
            "joules": list(self.joules),
            "dollars": list(self.dollars),
            "verdict": self.verdict,
            "notes": list(self.notes),
        }


def _band(values: Band, factor: float) -> Band:
    return values[0] * factor, values[1] * factor, values[2] * factor


def _over(a: Band, b: Band) -> Band:
    return a[0] / b[0], a[1] / b[2], a[2] / b[1]


def _cores(seconds: Band, what: str) -> Side:
    """Core-seconds as joules and dollars; seconds are of one core."""
    row = entity("quantum", "classical")
    power, price = ends(row, "core_power"), ends(row, "core_price")
    joules: Band = tuple(t * w for t, w in zip(seconds, power, strict=True))  # type: ignore[assignment]
    dollars: Band = tuple(t * p for t, p in zip(seconds, price, strict=True))  # type: ignore[assignment]
    return Side(what, seconds, joules, dollars)


def _verdict(joules: Band) -> str:
    if joules[1] > 1.0:
        return "no break-even: the quantum machine takes more even at its best"
    if joules[2] < 1.0:
        return "the quantum machine takes less even at its worst"
    return "undecided: the ranges of the rows leave both answers open"


def break_even(
    problem: str,
    *,
    machine: str = "superconducting",
    algorithm: str = "femoco-lee",
    weights: float = 8e9,
    found: Estimate | None = None,
) -> BreakEven:
    """Joules and dollars of a quantum run beside the classical way to the same answer, with bands.

    Parameters
    ----------
    problem : str
        ``chemistry``: an energy by phase estimation beside core-hours of approximate classical methods.
        ``search``: Grover's search over settings of hyperparameters beside trying them all on accelerators.
        ``pipeline``: cutting a model into stages by QAOA beside a classical solver.
        ``llm``: reading ``weights`` once for a token beside one read of an accelerator's memory.
    machine : str
        Row of ``quantum_machines``.
    algorithm : str
        Of ``chemistry``: row of ``quantum_algorithms``.
    weights : float
        Of ``llm``.
    found : Estimate, optional
        Of ``chemistry``: another estimate than ours of ``algorithm``.

    Raises
    ------
    InputError
        No such problem, machine or algorithm; fewer than one weight.
    """
    if problem == "chemistry":
        return _chemistry(machine, algorithm, found)
    if problem == "search":
        return _search(machine)
    if problem == "pipeline":
        return _pipeline(machine)
    if problem == "llm":
        return _llm(machine, weights)
    raise InputError(
        "no such problem", key="problem", given=problem, allowed=PROBLEMS, nearest=nearest(problem, PROBLEMS)
    )


def _made(problem: str, quantum: Side, classical: Side, notes: tuple[str, ...]) -> BreakEven:
    joules, dollars = _over(quantum.joules, classical.joules), _over(quantum.dollars, classical.dollars)
    return BreakEven(problem, quantum, classical, joules, dollars, _verdict(joules), notes)


def _chemistry(machine: str, algorithm: str, found: Estimate | None) -> BreakEven:
    made = found or estimate(load_algorithm(algorithm), load_physical(machine))
    quantum = run_cost(made.total, made.seconds, machine, f"{algorithm}, {made.total:,.0f} physical qubits")
    classical = _cores(
        ends(entity("quantum", "chemistry"), "core_hours"), "approximate methods, seconds of one core"
    )
    return _made(
        f"chemistry: {algorithm}", quantum, classical,
        (
            "one energy at one geometry; a study needs tens to thousands of them",
            "preparing a state that overlaps with the ground state is not counted",
            "the classical answer is approximate; whether it is the same answer cannot be checked",
        ),
    )  # fmt: skip


def _search(machine: str) -> BreakEven:
    row = entity("quantum", "search")
    physical = load_physical(machine)
    flops, each, rate = row.value("training_flops"), row.value("toffolis_a_flop"), row.value("gpu_flops")
    settings = row.value("settings")
    pace = cultivation_ccz(25, physical.error)
    calls = np.pi / 4.0 * np.sqrt(settings)
    seconds = float(calls) * flops * each * pace.rounds * physical.cycle
    quantum = run_cost(
        pace.qubits, seconds, machine, f"Grover over {settings:,.0f} settings, one factory alone"
    )
    spent = settings * flops / rate
    power, price = ends(row, "gpu_power"), ends(row, "gpu_price")
    classical = Side(
        f"all {settings:,.0f} settings on an accelerator", (spent, spent, spent),
        _band(power, spent), _band(price, spent),
    )  # fmt: skip
    floor, star = break_even_time(
        row.value("floor_toffolis") * row.value("toffoli_time"), row.value("floor_classical")
    )
    t_q = flops * each * pace.rounds * physical.cycle
    ours = break_even_time(t_q, flops / rate)[1]
    return _made(
        "search over hyperparameters", quantum, classical,
        (
            f"the floor of Babbush et al. (an oracle of 100 Toffolis): {float(floor):.2g} calls, "
            f"{float(star) / _HOUR:.1f} h against one core, a thousand times that against a thousand",
            f"with a training run of {flops:.0e} FLOP as the oracle time breaks even after "
            f"{float(ours) / (8760.0 * _HOUR):.1e} years",
            "a search that learns from earlier runs beats trying all; Grover's must treat them as a list",
        ),
    )  # fmt: skip


def _pipeline(machine: str) -> BreakEven:
    found = run_piece("pipeline", depth=3, machine=machine)
    last, program = found.quantum[-1], found.classical[-1]
    quantum = run_cost(
        found.choice.qubits, last["seconds"], machine, "QAOA of three layers, its angles and shots"
    )
    core = entity("quantum", "classical")
    spent = (program.seconds, program.seconds, program.seconds)
    classical = _cores(spent, f"{program.method}, measured here")
    dynamic = found.classical[0].seconds * core.value("core_power")
    return _made(
        found.choice.name, quantum, classical,
        (
            f"dynamic programming takes {dynamic * 1e3:.2g} mJ and is exact",
            "a thousand layers in 64 stages take it a third of a second; one-hot they are 63,000 qubits",
            "angles found on a simulator could be kept; then only the shots are left",
        ),
    )  # fmt: skip


def _llm(machine: str, weights: float) -> BreakEven:
    read = loading(weights, machine)
    quantum = run_cost(
        read["qubits"], read["seconds"], machine, f"looking {weights:.3g} weights up once, ten factories"
    )
    row = entity("quantum", "search")
    # two bytes a weight over the memory of one accelerator, at its power
    seconds = 2.0 * weights / entity("chips", "H100-SXM5-80GB").value("memory_bandwidth")
    classical = Side(
        "one token at batch 1 on an H100", (seconds, seconds, seconds),
        _band(ends(row, "gpu_power"), seconds), _band(ends(row, "gpu_price"), seconds),
    )  # fmt: skip
    return _made(
        "a token of a language model", quantum, classical,
        (
            "no credible speed-up is known: every weight enters every token",
            f"{read['toffolis']:.2g} Toffolis with {read['qubits']:.2g} physical qubits that hold words; "
            f"setting bits takes {read['joules']:.2g} J however few words are held",
            "arithmetic, data qubits and reading the result are left out, in the quantum machine's favour",
            "a quantum memory that loads in parallel needs as many switches as weights, each error-corrected",
        ),
    )  # fmt: skip
