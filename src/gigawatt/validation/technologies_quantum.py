"""Quantum computing beside what others published: energies of molecules, resources, break-even.

``fitted`` marks what our number was made from. The layout of 2025 takes its counts from the paper; qubits of
a patch, storage and factories are ours. The estimator's T factory is given to our closed form of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gigawatt.catalog import entity, source
from gigawatt.catalog.loader import Entity
from gigawatt.technology.quantum.loading import break_even_time
from gigawatt.technology.qubits.factoring import gidney_ekera, gidney_layout
from gigawatt.technology.qubits.molecules import load_molecule
from gigawatt.technology.qubits.neighbour import sequential_pauli
from gigawatt.technology.qubits.resources import estimate, load_algorithm
from gigawatt.technology.qubits.vqe import vqe
from gigawatt.validation.check import Check

__all__ = ["PUBLISHED", "beside", "checks", "energies", "estimates", "speed_ups"]

PUBLISHED = "quantum_published"
_HARTREE = 1e-6
_TWO_DIGITS = 0.06
"""Share by which a number may differ that is published with two digits (1.3: 1.25 to 1.35), and a little."""
_RISK = 0.2  # published in whole per cent: 5 % is 4.5 to 5.5
_DAY, _HOUR, _YEAR = 86400.0, 3600.0, 8760.0 * 3600.0


def _check(
    what: str, ours: float, row: Entity, quantity: str, unit: str, tolerance: float, fitted: bool = False
) -> Check:
    number = row.evidence(quantity)
    words = ", ".join(part for part in (source(number.source_id).title, number.locator, number.note) if part)
    return Check("quantum", what, ours, number.value, unit, tolerance, words, fitted)


def _energy(what: str, ours: float, golden: float, tolerance: float, words: str) -> Check:
    """In hartree; ``tolerance`` is absolute there."""
    return Check("quantum", what, ours, golden, "Ha", tolerance / abs(golden), words)


def energies() -> list[Check]:
    """Variational energies beside earlier runs and PySCF, to a millionth of a hartree."""
    found: list[Check] = []
    for name, bond, case, quantity in (
        ("h2", 0.70e-10, "h2-0.70", "energy"),
        ("h2", 0.735e-10, "h2-0.735", "energy"),
        ("lih", 1.6e-10, "lih-1.6", "active"),
    ):
        number = entity(PUBLISHED, case).evidence(quantity)
        ours = vqe(load_molecule(name, bond)).energy
        words = f"{source(number.source_id).title}, {number.locator}".rstrip(", ")
        found.append(_energy(f"VQE (UCCSD) of {case}", ours, number.value, _HARTREE, words))
    lithium = load_molecule("lih", 1.6e-10)
    full = entity(PUBLISHED, "lih-1.6").evidence("full")
    found.append(
        _energy(
            "LiH, all electrons: the file's", lithium.full, full.value, _HARTREE, source(full.source_id).title
        )
    )
    for name, bond in (("h2", 0.70e-10), ("lih", 1.6e-10)):
        molecule = load_molecule(name, bond)
        for ansatz in ("uccsd", "adapt"):
            ours = vqe(molecule, ansatz=ansatz).energy
            found.append(
                _energy(f"{name}: {ansatz} beside exact", ours, molecule.active, 1e-7, molecule.source)
            )
    for name, bond in (("h4", 0.9e-10), ("beh2", 1.3e-10)):
        molecule = load_molecule(name, bond)
        ours = vqe(molecule).energy
        found.append(_energy(f"{name}: uccsd beside exact", ours, molecule.active, 1.6e-3, molecule.source))
    return found


def estimates() -> list[Check]:
    """Physical qubits and time of published fault-tolerant estimates."""
    old, new = entity(PUBLISHED, "rsa-2019"), entity(PUBLISHED, "rsa-2025")
    ours, layout = gidney_ekera(2048), gidney_layout()
    found = [
        _check("RSA-2048 of 2019: physical qubits", ours.qubits, old, "qubits", "1", 0.1),
        _check("RSA-2048 of 2019: days expected", ours.expected_seconds / _DAY, old, "days", "d", 0.1),
        _check("RSA-2048 of 2019: Toffolis", ours.toffolis, old, "toffolis", "1", 0.05),
        _check("RSA-2048 of 2019: million qubit days", ours.volume / _DAY / 1e6, old, "volume", "1", 0.1),
        _check("RSA-2048 of 2019: factories", float(ours.factories), old, "factories", "1", 0.0),
        _check("RSA-2048 of 2025: physical qubits", layout["qubits"], new, "qubits", "1", 0.2),
        _check("RSA-2048 of 2025: qubits a stored qubit", layout["cold_each"], new, "cold_each", "1", 0.2),
        _check("RSA-2048 of 2025: seconds a CCZ state", layout["ccz_seconds"], new, "ccz", "s", 0.1),
        _check("RSA-2048 of 2025: days, factories alone", layout["days"], new, "days", "d", 0.2),
    ]
    for bits in (1024, 2048, 3072, 4096, 8192, 12288, 16384):
        made, row = gidney_ekera(bits), entity(PUBLISHED, "rsa-2019" if bits == 2048 else f"rsa-2019-{bits}")
        what = f"RSA-{bits} of 2019"
        if bits != 2048:
            found.append(_check(f"{what}: physical qubits", made.qubits, row, "qubits", "1", _TWO_DIGITS))
        found += [
            _check(f"{what}: hours of a run", made.seconds / _HOUR, row, "hours", "h", _TWO_DIGITS),
            _check(f"{what}: distance", float(made.distance), row, "distance", "1", 0.0),
            _check(f"{what}: runs that fail", made.failure, row, "risk", "1", _RISK),
        ]
    for what, value, quantity, unit in (
        ("RSA-2048 of 2025: qubits above a million", layout["qubits"], "most_qubits", "1"),
        ("RSA-2048 of 2025: days above a week", layout["days"], "most_days", "d"),
    ):
        words = source(new.evidence(quantity).source_id).title
        found.append(Check("quantum", what, max(0.0, value - new.value(quantity)), 0.0, unit, 0.0, words))
    row, counts = entity(PUBLISHED, "rsa-qdk"), entity("quantum_algorithms", "rsa-2048-qdk")
    neighbour = sequential_pauli(
        load_algorithm("rsa-2048-qdk"),
        measurements=counts.value("measurements"),
        rotations=counts.value("rotations"),
        rotation_depth=counts.value("rotations"),
    )
    found += [
        _check("RSA-2048, qdk: physical qubits", neighbour.qubits, row, "qubits", "1", 1e-6, True),
        _check("RSA-2048, qdk: hours", neighbour.seconds / _HOUR, row, "hours", "h", 1e-6),
    ]
    enzyme = estimate(load_algorithm("p450"))
    row = entity(PUBLISHED, "p450")
    found += [
        _check("P450: physical qubits", enzyme.total, row, "qubits", "1", 1e-9),
        _check("P450: hours", enzyme.seconds / _HOUR, row, "hours", "h", 0.02),
    ]
    cofactor = estimate(load_algorithm("femoco-lee"), budget=0.01)
    row, other = entity(PUBLISHED, "femoco-li"), entity(PUBLISHED, "femoco-qualtran")
    found += [
        _check("FeMoco: physical qubits", cofactor.total, row, "qubits", "1", 0.2),
        Check("quantum", "FeMoco: days above four", max(0.0, cofactor.seconds / _DAY - row.value("days")),
              0.0, "d", 0.0, source(row.evidence("days").source_id).title),
        _check("FeMoco: qubits beside Qualtran", cofactor.total, other, "qubits", "1", 0.1),
        _check("FeMoco: hours beside Qualtran", cofactor.seconds / _HOUR, other, "hours", "h", 0.3),
    ]  # fmt: skip
    return found


def speed_ups() -> list[Check]:
    """Break-even of quadratic and quartic speed-ups."""
    row, floor = entity(PUBLISHED, "break-even-floor"), entity("quantum", "search")
    call = floor.value("floor_toffolis") * floor.value("toffoli_time")
    classical = floor.value("floor_classical")
    calls, _ = break_even_time(call, classical)
    times = [float(break_even_time(call, classical, parallel=s)[1]) for s in (1.0, 1e3, 1e6)]
    annealing = entity(PUBLISHED, "break-even-annealing")
    one = float(break_even_time(0.44, 7e-9)[1])
    quartic = float(break_even_time(0.44, 7e-9, order=4.0, parallel=1e6)[1])
    return [
        _check("quadratic, floor: calls", float(calls), row, "iterations", "1", 0.03),
        _check("quadratic, floor, one core", times[0] / _HOUR, row, "hours", "h", 0.03),
        _check("quadratic, floor, a thousand cores", times[1] / _DAY, row, "days_1000", "d", 0.05),
        _check("quadratic, floor, a million cores", times[2] / _YEAR, row, "years_million", "year", 0.03),
        _check("quadratic, annealing, one core", one / _DAY, annealing, "days", "d", 0.03),
        _check("quartic, annealing, a million cores", quartic / _HOUR, annealing, "quartic_hours", "h", 0.03),
    ]


def beside(answer: Mapping[str, Any]) -> list[Check]:
    """What is published nearest to an answer of the quantum room (its JSON); nothing where there is none.

    Of a molecule's energy the energies, those of the molecule alone where there are any; of resources and of
    chemistry's break-even the estimates of the same computation, all of them where it is none of these; of a
    search its speed-ups.
    """
    kind, asked = answer["kind"], answer["asked"]
    if kind == "vqe":
        return _about(energies(), str(asked["molecule"]))
    if kind == "resources":
        return _about(estimates(), str(asked["algorithm"]))
    if kind == "break-even" and "algorithm" in asked:
        return _about(estimates(), str(asked["algorithm"]))
    if kind == "break-even" and asked["problem"] == "search":
        return speed_ups()
    return []


def _about(found: list[Check], name: str) -> list[Check]:
    """Those that name a computation by the first word of its id (``femoco-lee``: FeMoco), or all."""
    word = name.partition("-")[0].lower()
    near = [check for check in found if re.search(rf"\b{re.escape(word)}\b", check.what.lower())]
    return near or found


def checks() -> list[Check]:
    """Every published number of ``quantum_published`` beside ours, and the golden energies of the files."""
    return [*energies(), *estimates(), *speed_ups()]
