"""Two pieces of model development that fit on a simulator, as tables of costs and for classical solvers.

*Pipeline*: where to cut a model's layers into stages. Costs are FLOPs of a training step as the workload room
counts them; layers differ from the head. Each cut has a few candidate places around an even split. An Ising
machine can hold Σ (load − mean)², quadratic in its bits; the longest stage, which is what time depends on, it
cannot.

*Bits*: how many bits (2 to 5) each of eight parts of a model gets within a budget. Two qubits a part hold
four widths, any cost of one part is quadratic in them, the size is linear, and a penalty on (size − budget)²
holds the limit. Rises of the loss are measured on SmolLM2-135M (table ``quantum_sensitivities``); that they
add up is the usual assumption and is measured beside.

References
----------
Lucas 2014, Front. Phys. 2, 5 (Ising forms); Narayanan et al. 2019, SOSP (stages by dynamic programming).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import table
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.pauli import MOST_QUBITS
from gigawatt.technology.qubits.qaoa import Choice
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.operations import Operation, block_operations, head_operations

__all__ = [
    "Classical",
    "best_bits",
    "best_pipeline",
    "bit_choice",
    "layer_costs",
    "pipeline_choice",
    "pipeline_program",
    "sensitivities",
]

Array = NDArray[np.float64]
_WIDTHS = (2, 3, 4, 5)


@dataclass(frozen=True)
class Classical:
    """What a classical solver answered: ``value``, the ``answer``, processor ``seconds``, the ``method``."""

    value: float
    answer: tuple[int, ...]
    seconds: float
    method: str


def layer_costs(architecture: Architecture, sequence: float = 4096.0) -> Array:
    """FLOPs a token of a training step of each layer in turn, and of the head last (layers + 1,).

    Layers of several kinds follow in the order of the configuration's kinds. Modules that predict further
    tokens are left out.

    Raises
    ------
    InputError
        A sequence of less than one token.
    """
    if not sequence >= 1.0:
        raise InputError("no sequence", key="sequence", given=sequence, allowed="1 token or more")
    shares: dict[str, Any] = {
        "microbatch": 1.0,
        "tensor": 1.0,
        "context": 1.0,
        "expert": 1.0,
        "sequence_parallel": 0.0,
    }

    def flops(operations: tuple[Operation, ...]) -> float:
        return sum(float(o.flops) * float(o.launches) for o in operations) / sequence

    found: list[float] = []
    for block in architecture.blocks:
        if block.role == "layer":
            made = block_operations(architecture, block, sequence=sequence, number_format="bf16", **shares)
            found += [flops(made)] * block.count
    head = head_operations(architecture, sequence=sequence, number_format="bf16", **shares)
    return np.array([*found, flops(head)])


def _checked(costs: ArrayLike, stages: int) -> Array:
    c = np.asarray(costs, dtype=float)
    if c.ndim != 1 or not bool(np.all(np.isfinite(c) & (c > 0.0))):
        raise InputError("not costs of layers", key="costs", given=str(c.shape), allowed="(layers,), above 0")
    check_range("stages", stages, 2, c.size, message="not a number of stages")
    return c


def best_pipeline(costs: ArrayLike, stages: int) -> Classical:
    """The cuts of least longest stage, by dynamic programming: exact, O(stages · layers²).

    Parameters
    ----------
    costs : array (layers,)
        Above 0.
    stages : int
        2 to the number of layers.

    Returns
    -------
    Classical
        ``value``: longest stage over an even share (1 is even); ``answer``: layers before each cut.
    """
    c = _checked(costs, stages)
    started = process_time()
    total = np.concatenate(([0.0], np.cumsum(c)))
    size = total.size
    longest = np.full(size, np.inf)
    longest[0] = 0.0
    before = np.zeros((stages, size), dtype=np.int64)
    for stage in range(stages):
        last = total[None, :] - total[:, None]  # (from, to)
        last[np.tril_indices(size)] = np.inf
        reach = np.maximum(longest[:, None], last)
        before[stage] = np.argmin(reach, axis=0)
        longest = reach[before[stage], np.arange(size)]
    cuts: list[int] = []
    place = size - 1
    for stage in range(stages - 1, 0, -1):
        place = int(before[stage, place])
        cuts.append(place)
    even = float(total[-1]) / stages
    return Classical(
        float(longest[-1]) / even, tuple(reversed(cuts)), process_time() - started, "dynamic programming"
    )


def pipeline_program(costs: ArrayLike, stages: int) -> Classical:
    """The same as a mixed-integer program by HiGHS: a place for each cut, the longest stage least."""
    solver: Any = import_module("scipy.optimize")

    c = _checked(costs, stages)
    total = np.cumsum(c)
    places, cuts = c.size - 1, stages - 1
    started = process_time()
    count = cuts * places + 1
    rows: list[Array] = []
    low: list[float] = []
    high: list[float] = []
    for cut in range(cuts):
        row = np.zeros(count)
        row[cut * places : (cut + 1) * places] = 1.0
        rows.append(row)
        low.append(1.0)
        high.append(1.0)
    even = float(total[-1]) / stages
    for stage in range(stages):
        row = np.zeros(count)
        if stage < cuts:
            row[stage * places : (stage + 1) * places] = total[:-1] / even
        if stage > 0:
            row[(stage - 1) * places : stage * places] = -total[:-1] / even
        fixed = 0.0 if stage < cuts else stages
        rows.append(row.copy())  # a stage is not shorter than nothing
        low.append(1e-9 - fixed)
        high.append(np.inf)
        row[-1] = -1.0
        rows.append(row)
        low.append(-np.inf)
        high.append(-fixed)
    aim = np.zeros(count)
    aim[-1] = 1.0
    whole = np.ones(count)
    whole[-1] = 0.0
    done = solver.milp(aim, constraints=solver.LinearConstraint(np.array(rows), low, high), integrality=whole)
    if not done.success:
        raise InputError("no cuts were found", key="stages", given=stages, allowed="fewer stages")
    x: Array = np.asarray(done.x, dtype=float)
    where = np.round(x[:-1]).reshape(cuts, places).argmax(axis=1) + 1
    return Classical(float(done.fun), tuple(int(place) for place in where), process_time() - started, "HiGHS")


def pipeline_choice(costs: ArrayLike, stages: int, window: int) -> Choice:
    """The cuts as a choice for QAOA: ``window`` places for each, nearest to an even split; one-hot.

    ``value``: longest stage over an even share. ``cost``: Σ (load/even − 1)², which an Ising machine holds.

    Raises
    ------
    InputError
        More qubits than the simulator holds; a window of less than 2 places or beyond the layers.
    """
    c = _checked(costs, stages)
    cuts = stages - 1
    check_range("window", window, 2, c.size - 1, "places", message="not a window")
    if cuts * window > MOST_QUBITS:
        raise InputError(
            "more qubits than the simulator holds", key="window", given=f"{cuts} cuts of {window} places",
            allowed=f"{MOST_QUBITS} qubits",
        )  # fmt: skip
    total = np.cumsum(c)
    even = float(total[-1]) / stages
    places = [
        np.sort(np.argsort(np.abs(total[:-1] - (cut + 1) * even), kind="stable")[:window]) + 1
        for cut in range(cuts)
    ]
    grids = np.meshgrid(*places, indexing="ij")
    ends = [np.zeros_like(grids[0]), *grids, np.full_like(grids[0], c.size)]
    sums = np.concatenate(([0.0], total))
    loads = np.stack([sums[b] - sums[a] for a, b in pairwise(ends)]) / even
    allowed = np.all(np.stack([b > a for a, b in pairwise(ends)]), axis=0)

    def describe(index: tuple[int, ...]) -> str:
        return "cuts after layers " + ", ".join(str(int(places[i][v])) for i, v in enumerate(index))

    return Choice(
        name=f"{c.size - 1} layers and a head in {stages} stages",
        cost=((loads - 1.0) ** 2).sum(axis=0),
        allowed=allowed,
        value=loads.max(axis=0),
        encoding="one-hot",
        unit="longest stage over an even share",
        describe=describe,
    )


@lru_cache(maxsize=1)
def sensitivities() -> tuple[tuple[str, ...], Array, Array]:
    """(parts, weights of each (k,), rise of the loss with 2, 3, 4, 5 bits (k, 4) [nats a token]),
    measured."""
    rows = table("quantum_sensitivities")
    parts = tuple(dict.fromkeys(row.text("part") for row in rows.values()))
    weights = np.array([rows[f"{part}/2"].value("weights") for part in parts])
    rises = np.array([[rows[f"{part}/{bits}"].value("rise") for bits in _WIDTHS] for part in parts])
    return parts, weights, rises


def _units(weights: Array) -> tuple[NDArray[np.int64], float]:
    unit = float(np.gcd.reduce(weights.astype(np.int64)))
    return np.round(weights / unit).astype(np.int64), unit


def _budget(mean_bits: float, units: NDArray[np.int64]) -> int:
    check_range("bits", mean_bits, _WIDTHS[0], _WIDTHS[-1], "bits a weight", message="not a mean width")
    return int(np.floor((mean_bits - _WIDTHS[0]) * float(units.sum()) + 1e-9))


def bit_choice(mean_bits: float = 3.5, penalty: float | None = None) -> Choice:
    """Widths of eight parts of SmolLM2-135M within a mean width, as a choice for QAOA: 16 qubits.

    ``value``: sum of the measured rises; allowed: within the budget. ``cost``: the same and penalty · ((size
    − budget)/weights of the smallest part)²; the machine holds only equality with the budget.

    Parameters
    ----------
    mean_bits : float
        2 to 5.
    penalty : float, optional [nats a token]
        Left out: twice the steepest rise for a unit of size, at which no step over the budget pays.

    Raises
    ------
    InputError
        A width out of range; a penalty of 0 or less.
    """
    parts, weights, rises = sensitivities()
    units, _ = _units(weights)
    budget = _budget(mean_bits, units)
    steep = float(np.max(np.abs(np.diff(rises, axis=1)) / units[:, None]))
    factor = 2.0 * steep if penalty is None else penalty
    if not factor > 0.0:
        raise InputError("not a penalty", key="penalty", given=factor, allowed="above 0")
    shape = (4,) * len(parts)
    rise, size = np.zeros(shape), np.zeros(shape)
    for i in range(len(parts)):
        line = [1] * len(parts)
        line[i] = 4
        rise = rise + rises[i].reshape(line)
        size = size + (units[i] * np.arange(4)).reshape(line)
    cost = rise + factor * (size - budget) ** 2
    bits = (2,) * (2 * len(parts))

    def describe(index: tuple[int, ...]) -> str:
        widths = [2 + 2 * index[2 * i] + index[2 * i + 1] for i in range(len(parts))]
        return ", ".join(f"{part} {width}" for part, width in zip(parts, widths, strict=True))

    return Choice(
        name=f"bits of {len(parts)} parts, {mean_bits:g} on average",
        cost=cost.reshape(bits),
        allowed=(size <= budget).reshape(bits),
        value=rise.reshape(bits),
        encoding="bits",
        unit="nats a token above fp32",
        describe=describe,
    )


def best_bits(mean_bits: float = 3.5) -> Classical:
    """Widths of least summed rise within the budget, as a mixed-integer program by HiGHS: exact.

    ``answer``: bits of each part.
    """
    solver: Any = import_module("scipy.optimize")

    _, weights, rises = sensitivities()
    units, _ = _units(weights)
    budget = _budget(mean_bits, units)
    started = process_time()
    k = rises.shape[0]
    one = np.kron(np.eye(k), np.ones(4))
    size = np.kron(units, np.arange(4.0))
    done = solver.milp(
        rises.reshape(-1),
        constraints=[
            solver.LinearConstraint(one, 1.0, 1.0),
            solver.LinearConstraint(size[None, :], 0.0, float(budget)),
        ],
        integrality=np.ones(4 * k),
    )
    x: Array = np.asarray(done.x, dtype=float)
    chosen = np.round(x).reshape(k, 4).argmax(axis=1) + _WIDTHS[0]
    return Classical(float(done.fun), tuple(int(b) for b in chosen), process_time() - started, "HiGHS")
