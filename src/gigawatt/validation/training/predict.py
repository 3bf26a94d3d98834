"""Predicted step times of many cases at once: rows that share a run, a cluster and a stack are one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.performance.layouts import COLUMNS, Layouts, TrainingRun, scheduled
from gigawatt.performance.search import search
from gigawatt.performance.stacks import Stack
from gigawatt.performance.step import evaluate_prepared, prepare
from gigawatt.validation.files import Refusal
from gigawatt.validation.training.cases import Case

__all__ = ["Prediction", "predict"]

MEMORY_SLACK = 1.25
"""A layout that was run may exceed the memory by our count by this factor: our count is that rough."""
FAR = 2.5
"""Times the memory above which a layout cannot have been run, however rough our count and whatever part of
its activations a recipe keeps in the memory of the host."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Step time [s] of the chosen layout, whether it fits in memory, and its bytes per device."""

    step_time: float
    fits: bool
    memory: float
    layouts: int


def predict(
    cases: Sequence[Case],
    *,
    numbers: Mapping[tuple[str, str], float] | None = None,
    progress: Progress | None = None,
) -> list[Prediction | Refusal]:
    """The prediction of every case, in order; a case that the performance room refuses is a :class:`Refusal`.

    Parameters
    ----------
    cases : sequence of Case
        What is to be predicted.
    numbers : mapping of (row of ``software_values``, quantity) to float, optional
        In place of the catalog's, in SI (for fitting).
    progress : callable, optional
        Called with (done, all) after every batch.
    """
    groups: dict[object, list[int]] = {}
    for index, case in enumerate(cases):
        groups.setdefault(_key(case), []).append(index)
    found: list[Prediction | Refusal] = [Refusal("not predicted")] * len(cases)
    done = 0
    for members in groups.values():
        first = cases[members[0]]
        stack = first.software.stack(numbers=numbers)
        for index, outcome in zip(members, _batch([cases[i] for i in members], stack), strict=True):
            found[index] = outcome
        done += len(members)
        if progress is not None:
            progress(done, len(cases))
    return found


def _key(case: Case) -> object:
    cluster = case.cluster
    run = (case.architecture, case.sequence, case.batch, case.number_format, case.software)
    network = (cluster.scale_up_size, cluster.scale_out.id, cluster.scale_out.bandwidth)
    machine = (cluster.chip.id, cluster.count, network)
    return ("data" in case.options, run, machine)


def _batch(cases: Sequence[Case], stack: Stack) -> list[Prediction | Refusal]:
    """Outcomes of cases that share run, cluster and stack."""
    case = cases[0]
    run = case.training_run(stack.optimizer)
    try:
        if "data" not in case.options:
            return [_searched(run, one, stack) for one in cases]
        parts = [_candidates(one) for one in cases]
        whole = scheduled(_join(parts, case.batch), stack.schedule)
        prepared = prepare(run, whole, case.cluster, stack)
        table = evaluate_prepared(prepared, whole, slice(None), energy=False)
    except InfeasibleError as error:
        return [Refusal("no layout fits in memory by our count", str(error)) for _ in cases]
    except (GigawattError, ArithmeticError, MemoryError) as error:
        if len(cases) > 1:
            return [outcome for one in cases for outcome in _batch([one], stack)]
        return [Refusal("the performance model refuses", str(error))]
    ends = np.cumsum([len(part) for part in parts])[:-1]
    columns = (table.step_time, table.memory_total, whole.recompute)
    parted = zip(*(np.split(column, ends) for column in columns), strict=True)
    room = case.cluster.chip.memory_bytes
    return [_choose(times, held, more, room) for times, held, more in parted]


def _searched(run: TrainingRun, case: Case, stack: Stack) -> Prediction:
    """The fastest of all layouts, where the row does not say how it was spread."""
    fixed = {name: values[0] for name, values in case.options.items() if len(values) == 1}
    if "tensor" not in fixed:
        fixed.pop("sequence_parallel", None)
    widen = tuple(name for name in stack.widens if name == "shard")
    found = search(run, case.cluster, stack, fixed, top=1, widen=widen)
    best = found.best
    return Prediction(float(best.step_time[0]), True, float(best.memory_total[0]), found.looked_at)


def _choose(
    step: NDArray[np.float64], memory: NDArray[np.float64], recompute: NDArray[np.int32], room: float
) -> Prediction | Refusal:
    """The fastest that fits, our count of bytes being rough; where none does, the smallest: it was run.

    With the least recomputation that is offered, since reports say where they use more, unless that needs
    memory far above what there is and more would fit.
    """
    fits = memory <= MEMORY_SLACK * room
    least = recompute == recompute.min()
    if memory[least].min() <= FAR * room or not fits.any():
        step, memory, fits = step[least], memory[least], fits[least]
    best = int(np.argmin(np.where(fits, step, np.inf))) if fits.any() else int(np.argmin(memory))
    if not np.isfinite(step[best]):
        return Refusal("the performance model gives no finite time")
    return Prediction(float(step[best]), bool(memory[best] <= room), float(memory[best]), len(step))


def _candidates(case: Case) -> Layouts:
    """Every combination of a case's options that divides."""
    options = case.options
    grid = np.array(list(product(*options.values())), dtype=np.int32)
    columns = {name: grid[:, i] for i, name in enumerate(options)}
    each = case.batch // columns["data"]
    keep = each % columns["microbatch"] == 0
    rounds = each // columns["microbatch"]
    whole_rounds = keep & ((columns["interleave"] == 1) | (rounds % columns["pipeline"] == 0))
    if whole_rounds.any():
        keep = whole_rounds
    return Layouts.of(global_batch=case.batch, **{name: column[keep] for name, column in columns.items()})


def _join(parts: Sequence[Layouts], batch: int) -> Layouts:
    return Layouts(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS), global_batch=batch
    )
