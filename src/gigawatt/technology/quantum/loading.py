"""Quantum computers: what they cannot do for a language model, what a run costs, and where it would break
even.

Nothing of a transformer's step maps with gain. A product by weights needs every weight in the circuit.
Looking N of them up in superposition takes as few as 2√(N b) Toffolis, but half of all N b bits must be set
each time, by an operation on a patch of some thousand physical qubits, and a memory that does it at once
needs as many switches: the volume grows with N for each token, as it does on any machine, at a joule a weight
and more instead of some hundred picojoules. :func:`cost` and :func:`time` count that alone, everything else
left out in the machine's favour.

What a run costs beside the classical way is in :mod:`~gigawatt.technology.quantum.break_even`.

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

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.resources import cultivation_ccz, load_physical, patch_qubits
from gigawatt.technology.substrate import Bound, Statistics, Substrate
from gigawatt.workload.operations import Array

__all__ = [
    "SETTINGS",
    "Band",
    "Side",
    "break_even_time",
    "cost",
    "ends",
    "loading",
    "run_cost",
    "time",
]

MACHINES = ("superconducting", "trapped-ion")
SETTINGS: Mapping[str, Bound] = {
    "machine": ("", "row of the table quantum_machines", MACHINES),
    "distance": ("", "code distance of factories", 5.0, 99.0),
    "factories": ("", "magic-state factories side by side", 1.0, 1e9),
    "bits": ("", "of a weight as it is looked up", 1.0, 32.0),
}
Band = tuple[float, float, float]
"""(value, low, high)."""


@dataclass(frozen=True)
class Side:
    """What one way to the answer takes: ``seconds``, ``joules``, ``dollars``, each a :data:`Band`."""

    what: str
    seconds: Band
    joules: Band
    dollars: Band


def _row(substrate: Substrate) -> Entity:
    name = substrate.word("machine") or "superconducting"
    check_word("machine", name, MACHINES, "no such machine")
    return entity("quantum_machines", name)


def _toffoli(substrate: Substrate) -> tuple[float, float]:
    """(joules, seconds) of one Toffoli of one factory that cultivates; nothing but the factory is counted."""
    row = _row(substrate)
    machine = load_physical(row.id)
    made = cultivation_ccz(int(float(substrate.settings.get("distance", 25.0))), machine.error)
    seconds = made.rounds * machine.cycle
    return made.qubits * row.value("power") * seconds, seconds


def _joules_of_a_round(substrate: Substrate) -> tuple[float, float]:
    """(joules, seconds) of one patch for d rounds, the time of one operation on it."""
    row = _row(substrate)
    distance = float(substrate.settings.get("distance", 25.0))
    seconds = distance * load_physical(row.id).cycle
    return patch_qubits(distance) * row.value("power") * seconds, seconds


@dataclass(frozen=True)
class _Lookup:
    toffolis: Array
    joules: Array
    seconds: Array
    qubits: Array


def _lookup(substrate: Substrate, weights: Array) -> _Lookup:
    """One look-up of a table of ``weights`` words in superposition, by select and swap.

    With k words at a time it takes N/k + b k Toffolis and b k qubits; k = √(N/b) has the fewest Toffolis.
    Setting half of all N b bits takes an operation on a patch each, whatever k is: that volume grows with N.
    """
    bits = float(substrate.settings.get("bits", 16.0))
    factories = float(substrate.settings.get("factories", 1.0))
    if not (bits >= 1.0 and factories >= 1.0):
        raise InputError("out of range", key="bits", given=bits, allowed="1 or more; factories 1 or more")
    copies = np.maximum(1.0, np.sqrt(weights / bits))
    toffolis = weights / copies + bits * copies
    each, pace = _toffoli(substrate)
    patch, step = _joules_of_a_round(substrate)
    distance = float(substrate.settings.get("distance", 25.0))
    return _Lookup(
        toffolis,
        0.5 * weights * bits * patch + toffolis * each,
        toffolis * max(step, pace / factories),
        bits * copies * patch_qubits(distance),
    )


def _sizes(m: ArrayLike, n: ArrayLike, k: ArrayLike) -> tuple[Array, Array]:
    """(tokens, weights) of a product."""
    tokens, outputs, inputs = (
        check_range(key, size, 0.0, open_low=True, message="not a size")
        for key, size in (("m", m), ("n", n), ("k", k))
    )
    return tokens, outputs * inputs


def cost(
    substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics | None = None
) -> dict[str, Array]:
    """Joules of bringing k × n weights into a circuit once for each of m tokens, by the least known circuit.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``quantum``: ``machine``, ``distance``, ``bits``.
    m, n, k : array [tokens, outputs, inputs]
        Broadcastable, above 0.
    statistics : mapping, optional
        Not read.

    Returns
    -------
    dict of array [J]
        ``loading``. Arithmetic, data, routing, idling and reading out are left out, in the machine's favour.

    Raises
    ------
    InputError
        A size, machine, distance or width that cannot be.

    References
    ----------
    Low, Kliuchnikov and Schaeffer 2024, Quantum 8, 1375 (select and swap); Babbush et al. 2018.
    """
    del statistics
    tokens, weights = _sizes(m, n, k)
    return {"loading": tokens * _lookup(substrate, weights).joules}


def time(
    substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics | None = None
) -> Array:
    """Seconds of the same, tokens one after the other, with ``factories`` side by side (1 where left out)."""
    del statistics
    tokens, weights = _sizes(m, n, k)
    return tokens * _lookup(substrate, weights).seconds


def loading(
    weights: float, machine: str = "superconducting", *, bits: float = 16.0, factories: float = 10.0
) -> dict[str, float]:
    """What bringing a whole model into a circuit once takes.

    Parameters
    ----------
    weights : float
        1 or more.
    machine : str
        Row of ``quantum_machines``.
    bits, factories : float
        Of a weight; magic-state factories side by side.

    Returns
    -------
    dict
        ``toffolis``, ``joules``, ``seconds``, ``qubits`` (physical, of the words alone).

    Raises
    ------
    InputError
        Fewer than one weight, no such machine.
    """
    if not 1.0 <= weights < float("inf"):
        raise InputError("not a number of weights", key="weights", given=weights, allowed="1 or more")
    settings: dict[str, float | str] = {"machine": machine, "bits": bits, "factories": factories}
    found = _lookup(Substrate("quantum", "quantum", "quantum", settings), np.asarray(weights))
    return {
        "toffolis": float(found.toffolis), "joules": float(found.joules), "seconds": float(found.seconds),
        "qubits": float(found.qubits),
    }  # fmt: skip


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


def ends(row: Entity, quantity: str) -> Band:
    """A number of a row with its range, where it has one."""
    one = row.evidence(quantity)
    return one.value, one.value if one.low is None else one.low, one.value if one.high is None else one.high


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
    power = tuple(max(qubits * w, floor if qubits else 0.0) for w in ends(row, "power"))
    joules = tuple(w * seconds for w in power)
    price, life = ends(row, "price"), ends(row, "life")
    used, paid = ends(money, "utilisation"), ends(money, "electricity")
    capital = (
        qubits * price[0] / (life[0] * used[0]) * seconds,
        qubits * price[1] / (life[2] * used[2]) * seconds,
        qubits * price[2] / (life[1] * used[1]) * seconds,
    )
    dollars = tuple(c + j * p for c, j, p in zip(capital, joules, paid, strict=True))
    return Side(what, (seconds, seconds, seconds), joules, dollars)  # type: ignore[arg-type]
