"""Quantum computers: what they cannot do for a language model, what a run costs, and where it would break
even.

Nothing of a transformer's step maps with gain. A product by weights needs every weight in the circuit:
looking up one of N in superposition takes N − 1 Toffolis, so that reading a model costs O(N) for each token
as it does any machine, at some 10 J and 100 µs a Toffoli instead of 10 pJ and a share of a terabyte a second.
:func:`cost` and :func:`time` give that lower bound, everything else left out in the machine's favour.

:func:`break_even` sets joules and dollars of a quantum run beside those of the best classical way to the same
answer, with bands from the ranges of the rows. Most of those rows are guesses: nobody has built such a
machine.

References
----------
Babbush et al. 2021, PRX Quantum 2, 010103 (break-even of polynomial speed-ups); Babbush et al. 2018, Phys.
Rev. X 8, 041015 (unary iteration); Aaronson 2015, Nature Physics 11, 291 (loading and reading in quantum
learning); Cerezo et al. 2025, Nat. Commun. (arXiv:2312.09121: circuits without barren plateaus are often
simulable); Hoefler, Häner and Troyer 2023, Commun. ACM 66, 82.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity
from gigawatt.errors import InputError, nearest
from gigawatt.hardware.machine import Chip
from gigawatt.hardware.quantum.resources import (
    Estimate,
    cultivation_ccz,
    estimate,
    load_algorithm,
    load_physical,
)
from gigawatt.hardware.technology.substrate import Bound, Statistics, Substrate
from gigawatt.workload.operations import Array, Operation

__all__ = [
    "PROBLEMS",
    "SETTINGS",
    "Band",
    "BreakEven",
    "Side",
    "break_even",
    "break_even_time",
    "cost",
    "lacks",
    "loading",
    "run_cost",
    "time",
]

MACHINES = ("superconducting", "trapped-ion")
PROBLEMS = ("chemistry", "search", "llm")
SETTINGS: Mapping[str, Bound] = {
    "machine": ("", "row of the table quantum_machines", MACHINES),
    "distance": ("", "code distance of factories", 5.0, 99.0),
    "factories": ("", "magic-state factories side by side", 1.0, 1e9),
}
Band = tuple[float, float, float]
"""(value, low, high)."""

_HOUR = 3600.0


@dataclass(frozen=True)
class Side:
    """What one way to the answer takes: ``seconds``, ``joules``, ``dollars``, each a :data:`Band`."""

    what: str
    seconds: Band
    joules: Band
    dollars: Band


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


_REASONS: Mapping[str, str] = {
    "attention": "product of two activations: both would be loaded for every token, and softmax read out",
    "memory": "element by element on classical numbers: nothing to superpose, and reading ends the state",
    "collective": "moves classical numbers between chips",
}


def lacks(operation: Operation, chip: Chip) -> str | None:
    """Why an operation of a transformer does not run on a quantum computer: always a reason.

    ``chip`` is not read: no machine changes it. Linear algebra on n numbers by log₂ n qubits (HHL and its
    kin) starts from a state that holds the numbers; making that state takes as many gates as there are
    numbers, and reading n numbers back takes n readings at least.
    """
    del chip
    if operation.name.startswith("sample"):
        return "draws one token from classical numbers: a classical draw costs nothing"
    return _REASONS.get(
        operation.kind,
        "product by weights: all N weights must be looked up for every token, N − 1 Toffolis each time",
    )


def _row(substrate: Substrate) -> Entity:
    name = substrate.word("machine") or "superconducting"
    if name not in MACHINES:
        raise InputError(
            "no such machine", key="machine", given=name, allowed=MACHINES, nearest=nearest(name, MACHINES)
        )
    return entity("quantum_machines", name)


def _toffoli(substrate: Substrate) -> tuple[float, float]:
    """(joules, seconds) of one Toffoli of one factory that cultivates; nothing but the factory is counted."""
    row = _row(substrate)
    machine = load_physical(row.id)
    made = cultivation_ccz(int(float(substrate.settings.get("distance", 25.0))), machine.error)
    seconds = made.rounds * machine.cycle
    return made.qubits * row.value("power") * seconds, seconds


def _lookups(m: ArrayLike, n: ArrayLike, k: ArrayLike) -> Array:
    sizes = [np.asarray(x, dtype=float) for x in (m, n, k)]
    for key, size in zip("mnk", sizes, strict=True):
        if not bool(np.all(np.isfinite(size) & (size >= 0.0))):
            raise InputError("not a size", key=key, given=str(size), allowed="0 or more, finite")
    return sizes[0] * sizes[1] * sizes[2] * entity("quantum", "loading").value("toffolis_a_weight")


def cost(
    substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics | None = None
) -> dict[str, Array]:
    """Least joules of m tokens through k × n weights: looking up each weight for each token.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``quantum``: ``machine``, ``distance``.
    m, n, k : array [tokens, outputs, inputs]
        Broadcastable, 0 or more.
    statistics : mapping, optional
        Not read.

    Returns
    -------
    dict of array [J]
        ``loading``: of the factories alone. Arithmetic, data, routing and idling are left out.

    Raises
    ------
    InputError
        A size, machine or distance that cannot be.
    """
    del statistics
    return {"loading": _lookups(m, n, k) * _toffoli(substrate)[0]}


def time(
    substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics | None = None
) -> Array:
    """Least seconds of the same, with ``factories`` side by side (1 where the setting is left out)."""
    del statistics
    count = float(substrate.settings.get("factories", 1.0))
    if not count >= 1.0:
        raise InputError("no factory", key="factories", given=count, allowed="1 or more")
    return _lookups(m, n, k) * _toffoli(substrate)[1] / count


def loading(weights: float, machine: str = "superconducting") -> dict[str, float]:
    """What reading a model once takes by table lookup: ``toffolis``, ``joules``, ``seconds`` of one factory.

    Raises
    ------
    InputError
        Fewer than one weight, no such machine.
    """
    if not 1.0 <= weights < float("inf"):
        raise InputError("not a number of weights", key="weights", given=weights, allowed="1 or more")
    made = Substrate("quantum", "quantum", "quantum", {"machine": machine})
    joules, seconds = _toffoli(made)
    toffolis = float(_lookups(1.0, weights, 1.0))
    return {"toffolis": toffolis, "joules": toffolis * joules, "seconds": toffolis * seconds}


def break_even_time(
    quantum: ArrayLike, classical: ArrayLike, *, order: ArrayLike = 2.0, parallel: ArrayLike = 1.0
) -> tuple[Array, Array]:
    """When a speed-up of a polynomial order pays: (calls M*, seconds T*).

    M calls of ``quantum`` seconds each do what M^order calls of ``classical`` seconds do on ``parallel``
    machines: M* = (t_Q S/t_C)^(1/(order − 1)), T* = M* t_Q.

    Parameters
    ----------
    quantum, classical : array [s]
        Above 0.
    order : array
        Above 1; 2 is Grover's.
    parallel : array
        Classical machines, 1 or more. Quantum ones do not add up: √S of them are needed for each factor S.

    Raises
    ------
    InputError
        A time of 0 or less, an order of 1 or less, fewer than one machine.

    References
    ----------
    Babbush et al. 2021, equations 1 to 5.
    """
    tq, tc, d, s = (np.asarray(x, dtype=float) for x in (quantum, classical, order, parallel))
    for key, good, allowed in (
        ("quantum", tq > 0.0, "above 0 s"),
        ("classical", tc > 0.0, "above 0 s"),
        ("order", d > 1.0, "above 1"),
        ("parallel", s >= 1.0, "1 or more"),
    ):
        if not bool(np.all(good)):
            raise InputError("out of range", key=key, given="", allowed=allowed)
    calls = (tq * s / tc) ** (1.0 / (d - 1.0))
    return calls, calls * tq


def _ends(row: Entity, quantity: str) -> Band:
    one = row.evidence(quantity)
    return one.value, one.value if one.low is None else one.low, one.value if one.high is None else one.high


def _band(values: Band, factor: float) -> Band:
    return values[0] * factor, values[1] * factor, values[2] * factor


def _over(a: Band, b: Band) -> Band:
    return a[0] / b[0], a[1] / b[2], a[2] / b[1]


def run_cost(qubits: float, seconds: float, machine: str = "superconducting", what: str = "a run") -> Side:
    """Joules and dollars of a run: power a physical qubit, its price over its life at work, electricity.

    Parameters
    ----------
    qubits : float
        Physical, all of them powered for all of the run.
    seconds : float
        From beginning to end.
    what : str
        In words.
    machine : str
        Row of ``quantum_machines``.

    Raises
    ------
    InputError
        No such machine; a negative count or time.
    """
    row = _row(Substrate("quantum", "quantum", "quantum", {"machine": machine}))
    if not (qubits >= 0.0 and seconds >= 0.0):
        raise InputError("out of range", key="qubits", given=qubits, allowed="0 or more, for 0 s or more")
    money = entity("technologies_money", "default")
    floor = row.value("cryostat")
    power = tuple(max(qubits * w, floor if qubits else 0.0) for w in _ends(row, "power"))
    joules = tuple(w * seconds for w in power)
    price, life = _ends(row, "price"), _ends(row, "life")
    used, paid = _ends(money, "utilisation"), _ends(money, "electricity")
    capital = (
        qubits * price[0] / (life[0] * used[0]) * seconds,
        qubits * price[1] / (life[2] * used[2]) * seconds,
        qubits * price[2] / (life[1] * used[1]) * seconds,
    )
    dollars = tuple(c + j * p for c, j, p in zip(capital, joules, paid, strict=True))
    return Side(what, (seconds, seconds, seconds), joules, dollars)  # type: ignore[arg-type]


def _cores(seconds: Band, what: str) -> Side:
    """Core-seconds as joules and dollars; seconds are of one core."""
    row = entity("quantum", "classical")
    power, price = _ends(row, "core_power"), _ends(row, "core_price")
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
        _ends(entity("quantum", "chemistry"), "core_hours"), "approximate methods, seconds of one core"
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
    power, price = _ends(row, "gpu_power"), _ends(row, "gpu_price")
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


def _llm(machine: str, weights: float) -> BreakEven:
    read = loading(weights, machine)
    physical = load_physical(machine)
    factory = cultivation_ccz(25, physical.error)
    quantum = run_cost(
        factory.qubits, read["seconds"], machine, f"looking up {weights:.3g} weights once, one factory alone"
    )
    row = entity("quantum", "search")
    # two bytes a weight over the memory of one accelerator, at its power
    seconds = 2.0 * weights / entity("chips", "H100-SXM5-80GB").value("memory_bandwidth")
    classical = Side(
        "one token at batch 1 on an H100", (seconds, seconds, seconds),
        _band(_ends(row, "gpu_power"), seconds), _band(_ends(row, "gpu_price"), seconds),
    )  # fmt: skip
    return _made(
        "a token of a language model", quantum, classical,
        (
            "no credible speed-up is known: every weight enters every token",
            "arithmetic, data qubits and reading the result are left out, in the quantum machine's favour",
            "a quantum memory that loads in parallel needs as many switches as weights, each error-corrected",
        ),
    )  # fmt: skip
