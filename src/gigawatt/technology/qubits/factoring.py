"""Factoring RSA integers, twice: Gidney and Ekerå 2019 as a closed model, and what changed until 2025.

*2019.* The exponentiation is a sequence of lookup additions: 2 n_e n / (c_exp c_mul) of them, each an
addition over pieces of c_sep bits with c_pad of padding, limited by reaction, after a lookup of 2^(c_exp +
c_mul) entries at half a distance of rounds each. The board holds three rows a register, routing, and the
factories that feed one Toffoli a reaction time to each piece. All window lengths, distances and paddings are
tried.

*2025.* The layout is published by area (cold storage, hot storage, compute); each area is computed here with
our own patches and the three changes are put one after the other on the machine of 2019.

References
----------
Gidney and Ekerå 2021, Quantum 5, 433 (arXiv:1905.09749), sections 2 and 3; Gidney 2025, arXiv:2505.15917;
Gidney and Fowler 2019, arXiv:1905.08916 (AutoCCZ).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil, log2, sqrt

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.technology.qubits.resources import (
    Physical,
    auto_ccz,
    auto_ccz_shape,
    cultivation_ccz,
    load_physical,
    logical_error_rate,
    patch_qubits,
    yoked_patch,
)

__all__ = ["Factored", "Rung", "gidney_ekera", "gidney_layout", "ladder"]


@dataclass(frozen=True)
class Factored:
    """One run of the algorithm of 2019, and what is expected until it succeeds.

    Attributes
    ----------
    bits : int
    logical : int
        Patches of the board.
    toffolis, qubits, seconds, failure : float
        Of a run.
    distance, level_1 : int
        Of data and second level, of the first level of factories.
    windows, runway, padding : int
        c_exp and c_mul (equal or not), c_sep, c_pad.
    factories : int
    """

    bits: int
    logical: int
    toffolis: float
    qubits: float
    seconds: float
    failure: float
    distance: int
    level_1: int
    windows: tuple[int, int]
    runway: int
    padding: int
    factories: int

    @property
    def expected_seconds(self) -> float:
        """Runs are repeated until one succeeds."""
        return self.seconds / (1.0 - self.failure)

    @property
    def volume(self) -> float:
        """Physical qubits × expected seconds."""
        return self.qubits * self.expected_seconds


def _attempt(
    n: int,
    exponent: int,
    machine: Physical,
    one: int,
    two: int,
    windows: tuple[int, int],
    runway: int,
    offset: int,
) -> Factored | None:
    padding = ceil(log2(n * n * exponent)) + offset
    pieces = ceil(n / runway)
    piece = runway + padding
    loops = ceil(exponent * 2 * (n + padding + 2) / (windows[0] * windows[1]))
    deviation = 4.0 * sqrt(loops * pieces / 2.0**padding)
    adder, lookup = 2 * piece - 1, 2 ** sum(windows) - 1
    unlookup = 2.0 * sqrt(lookup)
    width, height, depth = auto_ccz_shape(one, two)
    pairs = ceil(depth * machine.cycle * two / machine.reaction / 2.0)
    across = (width + 1) * pairs + 1
    down = 2 * height + 2 * 3 + 3 + 6 + 3 * ceil(piece / (across - 2))
    logical = across * down * pieces
    distilling = height * width * pairs * 2 * pieces
    toffolis = (adder * pieces + lookup + unlookup) * loops
    rounds = (lookup + unlookup) * two / 2.0
    seconds = (adder * machine.reaction + rounds * machine.cycle) * loops
    topological = (logical - distilling) * seconds / machine.cycle * logical_error_rate(two, machine.error)
    distillation = toffolis * auto_ccz(one, two, machine.error).error
    kept = 1.0 - 0.01  # of the classical post-processing
    for chance in (topological, distillation, deviation):
        kept *= 1.0 - min(1.0, chance)
    if 1.0 - kept >= 0.8:
        return None
    return Factored(
        n, logical, toffolis, logical * patch_qubits(two), seconds, 1.0 - kept, two, one, windows, runway,
        padding, 2 * pairs * pieces,
    )  # fmt: skip


def gidney_ekera(bits: int = 2048, physical: Physical | None = None) -> Factored:
    """The machine of 2019 for RSA integers of ``bits`` bits, its parameters tried over their grid.

    Parameters
    ----------
    bits : int
        256 to 16,384, a multiple of 128. (Beyond, the paper takes another factory, which is not modelled.)
    physical : Physical, optional
        1e-3, 1 µs and 10 µs where left out.

    Returns
    -------
    Factored
        Least qubits^1.2 × expected time, the preference of the paper.

    Raises
    ------
    InputError
        A size out of range; an error at the threshold or above.
    InfeasibleError
        No parameters keep a run's failure below 80 %.
    """
    if not 256 <= bits <= 16384 or bits % 128:
        raise InputError(
            "not a size of this model", key="bits", given=bits, allowed="256 to 16384, a multiple of 128"
        )
    machine = physical or load_physical()
    half = ceil(bits / 2) - 1
    exponent = half + 2 * (half - 20)
    runways = [r for r in (128, 256, 512, 768, 1024, 1536, 2048) if bits % r == 0]
    windows = [(e, m) for e in (4, 5, 6) for m in (4, 5, 6) if m <= e]
    best: tuple[float, Factored] | None = None
    # the first level at half to two thirds of the second: beyond, it costs space and does not help
    levels = [(one, two) for two in range(13, 45, 2) for one in range(9, 25, 2) if 0.45 <= one / two <= 0.8]
    for (one, two), window, runway, offset in product(levels, windows, runways, range(2, 10)):
        made = _attempt(bits, exponent, machine, one, two, window, runway, offset)
        if made is not None:
            rank = (made.qubits / 1e6) ** 1.2 * made.expected_seconds
            if best is None or rank < best[0]:
                best = (rank, made)
    if best is None:
        raise InfeasibleError(
            "no parameters keep a run's failure below 80 %", key="bits", given=bits,
            allowed="a smaller number or a smaller error of gates",
        )  # fmt: skip
    return best[1]


def gidney_layout(physical: Physical | None = None) -> dict[str, float]:
    """The layout of 2025 for 2,048 bits with our patches and factories: qubits by area, and days.

    Counts of logical qubits, Toffolis and shots are the paper's (rows ``gidney-2025`` of
    ``quantum_algorithms``); qubits a patch, storage and the pace of factories are ours.

    Returns
    -------
    dict
        ``cold_each``, ``cold_distance``, ``cold``, ``hot``, ``compute``, ``qubits``; ``ccz_seconds`` of all
        factories; ``days``: all Toffolis at that pace, a lower bound, since lookups, additions and storage
        wait.
    """
    machine, row = physical or load_physical(), entity("quantum_algorithms", "rsa-2048-gidney-2025")
    distance = int(row.value("distance"))
    seconds = row.value("shot") / machine.cycle
    cold = row.value("cold")
    # storage may spend a hundredth of a shot's failures
    each, yoked = yoked_patch(int(cold), 0.01 / (seconds * cold), machine.error)
    factory = cultivation_ccz(distance, machine.error)
    pace = factory.rounds * machine.cycle / row.value("factories")
    parts = {
        "cold": cold * each,
        "hot": row.value("hot") * patch_qubits(distance),
        "compute": row.value("compute") * patch_qubits(distance),
    }
    return {
        "cold_each": each,
        "cold_distance": float(yoked),
        **parts,
        "qubits": sum(parts.values()),
        "ccz_seconds": pace,
        "days": row.value("toffolis") * pace / 86400.0,
    }


@dataclass(frozen=True)
class Rung:
    """One change on the way from 2019 to 2025: physical ``qubits`` and ``days`` after it."""

    change: str
    qubits: float
    days: float


def ladder(physical: Physical | None = None) -> tuple[Rung, ...]:
    """From the machine of 2019 to that of 2025, one change after the other.

    Returns
    -------
    tuple of Rung
        The machine of 2019; fewer logical qubits by approximate residue arithmetic (with its Toffolis, at the
        pace of the factories left, six); cultivation in place of distillation; yoked storage for idle qubits.
    """
    machine, row = physical or load_physical(), entity("quantum_algorithms", "rsa-2048-gidney-2025")
    old, layout = gidney_ekera(2048, machine), gidney_layout(machine)
    count, toffolis, distance = row.value("factories"), row.value("toffolis"), int(row.value("distance"))
    distilled = auto_ccz(old.level_1, old.distance, machine.error)
    workspace = row.value("compute") - 12.0 * count
    stored = row.value("cold") + row.value("hot")
    hot = (stored + workspace) * patch_qubits(distance)
    pace = distilled.rounds * machine.cycle / count
    grown = cultivation_ccz(distance, machine.error)
    return (
        Rung("Gidney and Ekerå 2019", old.qubits, old.expected_seconds / 86400.0),
        Rung(
            "approximate residue arithmetic, six distilling factories",
            hot + count * distilled.qubits,
            toffolis * pace / 86400.0,
        ),
        Rung("magic state cultivation", hot + count * grown.qubits, layout["days"]),
        Rung("yoked surface codes for idle qubits", layout["qubits"], layout["days"]),
    )
