"""Another estimator's answers: its layout as a closed form, and the program itself where it is installed.

*Closed form.* Sequential Pauli-based computation: every Toffoli takes three logical cycles, every T state and
measurement one; Q qubits lie in a block of 2Q + ⌈√(8Q)⌉ + 1 patches of 2d² physical qubits, p_L = 0.03
(p/0.01)^((d+1)/2); a third of the error budget each for logical errors, T states and rotations. T factories
are copies of one that is given.

*The program.* ``qdk`` (MIT), an optional extra (``pip install 'gigawatt[quantum]'``), runs offline in
milliseconds.

References
----------
Beverland et al. 2022, "Assessing requirements to scale to practical quantum advantage", arXiv:2211.07629,
section III and appendices C and E.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil, log, sqrt
from typing import Any

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.technology.qubits.resources import THRESHOLD, Algorithm, below_threshold

__all__ = ["Neighbour", "qdk_estimate", "sequential_pauli"]

_PREFACTOR = 0.03
_GATE, _MEASUREMENT = 50e-9, 100e-9  # s, of the estimator's fastest gate-based qubit


@dataclass(frozen=True)
class Neighbour:
    """Physical ``qubits``, ``seconds``, ``distance`` (0: not said) and ``factories`` (0: not said)."""

    qubits: float
    seconds: float
    distance: int
    factories: int


def sequential_pauli(
    algorithm: Algorithm,
    *,
    measurements: float = 0.0,
    rotations: float = 0.0,
    rotation_depth: float = 0.0,
    error: float = 1e-3,
    budget: float = 1.0 / 3.0,
) -> Neighbour:
    """The closed form above, with gates of 50 ns and measurements of 100 ns.

    Parameters
    ----------
    algorithm : Algorithm
        Its counts.
    measurements, rotations, rotation_depth : float
        Counts; a rotation takes ⌈0.53 log₂(3 rotations/budget) + 5.3⌉ T states.
    error, budget : float
        Of a gate; of a run.

    Raises
    ------
    InputError
        An error at the threshold or above, a budget that is no probability.

    Notes
    -----
    The T factory is the row ``t-factory-qdk`` of ``quantum_factories``: what the program chose at 1e-3.
    """
    if not 0.0 < budget < 1.0:
        raise InputError("not a probability", key="budget", given=budget, allowed="between 0 and 1")
    below_threshold(error)
    each = ceil(0.53 * log(3.0 * rotations / budget, 2.0) + 5.3) if rotations else 0
    cycles = 3.0 * algorithm.toffolis + algorithm.t_gates + measurements + rotations + each * rotation_depth
    states = 4.0 * algorithm.toffolis + algorithm.t_gates + each * rotations
    q = algorithm.qubits
    patches = 2.0 * q + ceil(sqrt(8.0 * q)) + 1.0
    target = budget / 3.0 / (patches * cycles)
    half = log(target / _PREFACTOR) / log(error / THRESHOLD)
    distance = max(3, 2 * ceil(half - 1e-12) - 1)
    seconds = cycles * distance * (4.0 * _GATE + 2.0 * _MEASUREMENT)
    factory = entity("quantum_factories", "t-factory-qdk")
    copies = ceil(states * factory.value("time") / seconds)
    total = patches * 2.0 * distance**2 + copies * factory.value("qubits")
    return Neighbour(total, seconds, distance, copies)


def _qdk() -> None:
    if find_spec("qdk") is None:
        raise MissingDataError(
            "the estimator is not installed", key="qdk", allowed="pip install 'gigawatt[quantum]'"
        )
    os.environ.setdefault("QDK_PYTHON_TELEMETRY", "none")
    os.environ.setdefault("QSHARP_PYTHON_TELEMETRY", "none")


def qdk_estimate(
    algorithm: Algorithm, *, measurements: float = 0.0, error: float = 1e-3, budget: float = 1.0 / 3.0
) -> tuple[Neighbour, ...]:
    """The estimator's best compromises of qubits and time, fewest qubits first.

    Surface code, T states of Litinski's factories, gates of 50 ns and measurements of 100 ns.

    Parameters
    ----------
    algorithm : Algorithm
        Its counts.
    measurements : float
        Count.
    error, budget : float
        Of a gate; of a run.

    Raises
    ------
    MissingDataError
        ``qdk`` is not installed.
    InputError
        An error at the threshold or above, a budget that is no probability.
    """
    if not 0.0 < budget < 1.0:
        raise InputError("not a probability", key="budget", given=budget, allowed="between 0 and 1")
    below_threshold(error)
    _qdk()
    from importlib import import_module

    qre: Any = import_module("qdk.qre")
    models: Any = import_module("qdk.qre.models")
    counted: Any = import_module("qdk.estimator").LogicalCounts
    application: Any = import_module("qdk.qre.application").QSharpApplication
    counts = {
        "numQubits": ceil(algorithm.qubits),
        "cczCount": ceil(algorithm.toffolis),
        "tCount": ceil(algorithm.t_gates),
        "measurementCount": ceil(measurements),
    }
    machine = models.GateBased(error_rate=error, gate_time=50, measurement_time=100)
    code: Any = models.SurfaceCode.q(distance=list(range(3, 52, 2)))
    made = qre.estimate(
        application(counted(counts)),
        machine,
        code * models.Litinski19Factory.q(),
        qre.PSSPC.q() * qre.LatticeSurgery.q(),
        max_error=budget,
    )
    found = [Neighbour(float(row.qubits), float(row.runtime) * 1e-9, 0, 0) for row in made]
    return tuple(sorted(found, key=lambda one: one.qubits))
