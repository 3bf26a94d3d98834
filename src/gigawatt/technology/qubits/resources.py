"""What a fault-tolerant computation takes: distance, magic-state factories, routing, qubits and time.

A patch of distance d fails once in 1/p_L rounds, p_L = 0.1 (p/0.01)^((d+1)/2), and holds 2(d + 1)² physical
qubits. Factories make CCZ states (a Toffoli gate each, or two T gates); the computation waits for them, or
for the reaction of its classical control where one Toffoli depends on the one before. Factories and distance
are chosen for the least qubits × time within an error budget, as in the chemistry estimates of Goings et al.

References
----------
Fowler and Gidney 2018, arXiv:1808.06709 (p_L, T factory); Gidney and Fowler 2019, Quantum 3, 135 (CCZ factory
and its errors); Goings et al. 2022, PNAS 119, e2203533119, section III B (cost model, AutoCCZ dimensions);
Gidney, Shutty and Jones 2024, arXiv:2409.17595 (cultivation, 8T-to-CCZ); Gidney, Newman, Brooks and Jones
2025, Nat. Commun. (yoked surface codes, arXiv:2312.04522).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from gigawatt.catalog.loader import entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InfeasibleError, InputError

__all__ = [
    "THRESHOLD",
    "Algorithm",
    "Estimate",
    "Factory",
    "Physical",
    "algorithms",
    "auto_ccz",
    "cultivation_ccz",
    "estimate",
    "load_algorithm",
    "load_physical",
    "logical_error_rate",
    "patch_qubits",
    "yoked_patch",
]

THRESHOLD = 0.01
"""Physical error at which no distance helps, of the formula above (Fowler and Gidney 2018)."""
_PREFACTOR = 0.1
_T_PER_CCZ = 2.0  # of a catalysed factory (Gidney and Fowler 2019)


@dataclass(frozen=True)
class Physical:
    """``error`` of a physical gate, ``cycle`` [s] of one round of checks, ``reaction`` [s] of classical
    control."""

    error: float
    cycle: float
    reaction: float

    def __post_init__(self) -> None:
        below_threshold(self.error)
        for key in ("cycle", "reaction"):
            if not float(getattr(self, key)) > 0.0:
                raise InputError("not a time", key=key, given=float(getattr(self, key)), allowed="above 0 s")


@dataclass(frozen=True)
class Algorithm:
    """Logical ``qubits`` and gates of a computation; ``depth`` Toffolis one after the other (0: not
    known)."""

    name: str
    qubits: float
    toffolis: float
    t_gates: float = 0.0
    depth: float = 0.0

    def __post_init__(self) -> None:
        for key, least in (("qubits", 1.0), ("toffolis", 0.0), ("t_gates", 0.0), ("depth", 0.0)):
            if not least <= float(getattr(self, key)) < float("inf"):
                raise InputError(
                    "not a count", key=key, given=float(getattr(self, key)), allowed=f"{least:g} or more"
                )
        if self.states <= 0.0:
            raise InputError("no gate needs a magic state", key="toffolis", given=0, allowed="above 0")

    @property
    def states(self) -> float:
        """CCZ states that it consumes."""
        return self.toffolis + self.t_gates / _T_PER_CCZ


@dataclass(frozen=True)
class Factory:
    """``qubits`` physical, ``rounds`` a CCZ state, ``error`` of one state."""

    name: str
    qubits: float
    rounds: float
    error: float


@dataclass(frozen=True)
class Estimate:
    """What a computation takes.

    Attributes
    ----------
    algorithm : Algorithm
    distance, factory, factories
        Of the data, the kind of factory and how many.
    qubits : dict
        Physical, by part: ``data``, ``routing``, ``factories``.
    seconds : float
        Of one run.
    limit : str
        What sets the time: ``factories`` or ``reaction``.
    failure : float
        Probability that a run fails.
    """

    algorithm: Algorithm
    distance: int
    factory: Factory
    factories: int
    qubits: dict[str, float]
    seconds: float
    limit: str
    failure: float

    @property
    def total(self) -> float:
        """Physical qubits."""
        return sum(self.qubits.values())


def below_threshold(error: float) -> float:
    """The error itself where codes help.

    Raises
    ------
    InputError
        0 or less, or at the threshold or above.
    """
    if not 0.0 < error < THRESHOLD:
        raise InputError(
            "no distance suffices at this gate error" if error >= THRESHOLD else "not an error of a gate",
            key="error", given=f"{error:g}", allowed=f"above 0, below the threshold of {THRESHOLD:g}",
        )  # fmt: skip
    return error


def load_physical(name: str = "superconducting") -> Physical:
    """Error, cycle and reaction of a row of ``quantum_machines``."""
    row = entity("quantum_machines", name)
    return Physical(row.value("error"), row.value("cycle"), row.value("reaction"))


def algorithms() -> tuple[str, ...]:
    """Names of the rows of ``quantum_algorithms``."""
    return tuple(table("quantum_algorithms"))


def load_algorithm(name: str) -> Algorithm:
    """Counts of a row of ``quantum_algorithms``.

    Raises
    ------
    InputError
        No such row.
    """
    check_word("algorithm", name, algorithms(), "no such algorithm")
    row = entity("quantum_algorithms", name)
    return Algorithm(
        name, row.value("qubits"), row.get("toffolis", 0.0) or 0.0, row.get("t_gates", 0.0) or 0.0
    )


def logical_error_rate(distance: float, error: float) -> float:
    """Failure of a patch in one round: 0.1 (p/0.01)^((d+1)/2).

    Raises
    ------
    InputError
        An error at the threshold or above, a distance below 1.
    """
    if not distance >= 1:
        raise InputError("not a distance", key="distance", given=distance, allowed="1 or more")
    return _PREFACTOR * (below_threshold(error) / THRESHOLD) ** ((distance + 1) / 2)


def patch_qubits(distance: float) -> float:
    """Physical qubits of a patch with its border: 2(d + 1)²."""
    return 2.0 * (distance + 1.0) ** 2


def _states_error(level_1: int, level_2: int, error: float) -> float:
    """Error of a CCZ state of two levels: 35 e³ of 15-to-1, 28 e² of 8T-to-CCZ, and the cells at risk."""
    zero = error + 100.0 * logical_error_rate(level_1 // 2, error)
    one = 35.0 * zero**3 + 1100.0 * logical_error_rate(level_1, error)
    return 28.0 * one**2 + 1000.0 * logical_error_rate(level_2, error)


def auto_ccz_shape(level_1: float, level_2: float) -> tuple[int, int, float]:
    """(width, height [patches of level 2], depth [d₂ rounds]) of a CCZ factory fed by 15-to-1 factories."""
    ratio = level_1 / level_2
    fed = ceil(8.0 / 5.0 * 5.75 * ratio)
    width = ceil(16.0 * ratio + 3.0 + 2.0 * ratio)
    height = ceil(max(6.0, 4.0 * ratio * ceil(fed / 2.0)))
    return width, height, max(5.0, 5.75 * ratio)


def auto_ccz(level_1: int, level_2: int, error: float) -> Factory:
    """Two levels of distillation at distances ``level_1`` < ``level_2``.

    Raises
    ------
    InputError
        Distances out of order or below 5; an error at the threshold or above.
    """
    if not 4 <= level_1 < level_2:
        raise InputError(
            "not distances of two levels", key="level_1", given=f"{level_1}, {level_2}",
            allowed="4 or more, the second larger",
        )  # fmt: skip
    width, height, depth = auto_ccz_shape(level_1, level_2)
    return Factory(
        f"AutoCCZ {level_1}/{level_2}", width * height * patch_qubits(level_2), depth * level_2,
        _states_error(level_1, level_2, error),
    )  # fmt: skip


def cultivation_ccz(distance: int, error: float, state_error: float = 1e-6) -> Factory:
    """Cultivated T states, then 8T-to-CCZ on 12 patches in 6 steps of d rounds.

    Cultivation's qubit-rounds a T state are simulated points of the table ``quantum_cultivation`` at the
    physical error of the row; the cheapest whose state is good to ``state_error``.

    Parameters
    ----------
    distance : int
        Of the 12 patches.
    error : float
        Of a gate; at most that of a simulated row.
    state_error : float
        Of a T state.

    Raises
    ------
    InfeasibleError
        No simulated point is as good, or for so large an error.
    """
    below_threshold(error)
    rows = [
        row for row in table("quantum_cultivation").values()
        if row.value("gate_error") >= error * (1.0 - 1e-9) and row.value("error") <= state_error
    ]  # fmt: skip
    if not rows:
        raise InfeasibleError(
            "no cultivation was simulated that is as good", key="state_error",
            given=f"{state_error:g} at a gate error of {error:g}",
            allowed="gate errors up to 1e-3, T states no better than 7.9e-10",
        )  # fmt: skip
    chosen = min(rows, key=lambda row: row.value("volume"))
    qubits, t_error = 12.0 * patch_qubits(distance), chosen.value("error")
    rounds = 8.0 * chosen.value("volume") / qubits + 6.0 * distance * (1.0 + 8.0 * t_error)
    made = 28.0 * t_error**2 + 6.0 * 12.0 * distance * logical_error_rate(distance, error)
    return Factory(f"cultivation {distance}", qubits, rounds, made)


def yoked_patch(logical: int, target: float, error: float) -> tuple[float, int]:
    """(physical qubits a logical qubit, distance of a patch) of idle storage in a code of two yokes.

    A block of a × b patches stores (a − 2)(b − 2) logical qubits; each row and column is checked. Its failure
    is (2 s)⁴ n² (1/120) p_L 250^−⌈d/2⌉ a check of 8 d s + 2 d rounds, with n patches and s the longer side
    less 3: the fit of the authors' simulations in the form in which another estimator carries it.

    Parameters
    ----------
    logical : int
        Qubits of one block, ≥ 4.
    target : float
        Failure of a logical qubit in a round.
    error : float
        Of a gate.

    Raises
    ------
    InputError
        Too small a block; a target that is no probability; an error at the threshold or above.
    """
    if logical < 4 or not 0.0 < target < 1.0:
        raise InputError("out of range", key="logical", given=logical, allowed="4 or more; target 0 to 1")
    side = max(a for a in range(1, int(sqrt(logical)) + 1) if logical % a == 0)
    a, b = side + 2, logical // side + 2
    longest = max(a, b)
    for distance in range(3, 99, 2):
        rounds = 8.0 * distance * (longest - 2) + 2.0 * distance
        failure = (2.0 * (longest - 3)) ** 4 * (a * b) ** 2 / 120.0
        failure *= logical_error_rate(distance, error) * 250.0 ** -((distance + 1) // 2)
        if failure / rounds / logical <= target:
            return a * b * patch_qubits(distance) / logical, distance
    raise InputError("no distance suffices", key="target", given=target, allowed="a larger one")


def _known(error: float) -> Iterator[Factory]:
    if error == 1e-3:  # the one error for which this factory is published
        yield Factory("T factory 31", 12.0 * 8.0 * 4.0 * patch_qubits(31), 6.0 * 31.0, 4.0 * 9.0e-17)
    for one in range(5, 25, 2):
        for two in range(one + 2, 41, 2):
            yield auto_ccz(one, two, error)


def estimate(
    algorithm: Algorithm,
    physical: Physical | None = None,
    *,
    budget: float = 0.1,
    factories: int = 4,
    routing: float = 0.5,
) -> Estimate:
    """Distance and factories of least qubits × time within an error budget.

    Parameters
    ----------
    algorithm : Algorithm
        Its counts.
    physical : Physical, optional
        The row ``superconducting`` where left out: 1e-3, 1 µs, 10 µs.
    budget : float
        Chance that a run fails, at most.
    factories : int
        Side by side.
    routing : float
        Patches to route through, as a share of the data.

    Raises
    ------
    InputError
        A budget, number or share out of range; an error at the threshold or above.
    InfeasibleError
        No factory of two levels is good enough.

    References
    ----------
    Goings et al. 2022, section III B: 4,624,440 qubits and 73 h for 1,434 logical qubits and 7.8e9 Toffolis.
    """
    machine = physical or load_physical()
    if not 0.0 < budget < 1.0 or factories < 1 or not 0.0 <= routing <= 100.0:
        key, given = ("budget", budget) if not 0.0 < budget < 1.0 else ("factories", factories)
        raise InputError(
            "out of range",
            key=key,
            given=given,
            allowed="budget 0 to 1, factories 1 or more, routing 0 to 100",
        )
    distances = np.arange(7, 71, 2)
    patches = float(ceil(algorithm.qubits * (1.0 + routing)))
    rates = _PREFACTOR * (machine.error / THRESHOLD) ** ((distances + 1) / 2)
    found: tuple[float, Factory, int, float, float, str] | None = None
    waits = algorithm.depth * machine.reaction / machine.cycle
    for factory in _known(machine.error):
        made = algorithm.states / factories * factory.rounds
        rounds = max(made, waits)
        failures = rates * patches * rounds + factory.error * algorithm.states
        good = np.flatnonzero(failures <= budget)
        if not good.size:
            continue
        d = int(distances[good[0]])
        total = patches * patch_qubits(d) + factories * factory.qubits
        if found is None or total * rounds < found[0]:
            limit = "reaction" if waits > made else "factories"
            found = (total * rounds, factory, d, rounds, float(failures[good[0]]), limit)
    if found is None:
        raise InfeasibleError(
            "no factory of two levels is good enough", key="budget", given=f"{budget:g}",
            allowed="a larger budget, a smaller error of gates, or fewer Toffolis",
        )  # fmt: skip
    _, factory, d, rounds, failure, limit = found
    data = algorithm.qubits * patch_qubits(d)
    return Estimate(
        algorithm=algorithm,
        distance=d,
        factory=factory,
        factories=factories,
        qubits={
            "data": data,
            "routing": patches * patch_qubits(d) - data,
            "factories": factories * factory.qubits,
        },
        seconds=rounds * machine.cycle,
        limit=limit,
        failure=min(1.0, failure),
    )
