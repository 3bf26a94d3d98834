"""Two solvers behind one call: Clarabel (interior point, the default) and HiGHS (the cross-check)."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_word
from gigawatt.core.errors import GigawattError

__all__ = [
    "SOLVERS",
    "ContradictionError",
    "Solution",
    "certify",
    "fall_back",
    "interior_point",
    "quiet",
    "solve",
]

Array = npt.NDArray[np.float64]

SOLVERS = ("clarabel", "highs")

#: Largest relative gap, and largest violation of a row in units of the largest load, that is accepted.
ACCEPTED_GAP = 1e-6
#: Static regularisation of Clarabel without refinement (its own: 1e-8).
_REGULARISED = 1e-10
#: The box in which the dual bound is certified, in sizes of the solution.
_BOX = 2.0


class ContradictionError(GigawattError):
    """The interior point found rows that contradict each other; which, and whether, is still to be shown."""


@dataclass(frozen=True)
class Solution:
    """``x`` and the duals ``z`` (not negative in the inequality rows; the objective falls by ``z`` for
    each unit that ``b`` grows), in the programme's own units.

    ``gap`` is |primal − dual| / |primal|; ``infeasibility`` the largest violation of a row. ``bound`` is what
    no feasible x undercuts whose numbers are at most twice, and two units, larger than these: the dual
    objective less what the residuals of the dual rows could be worth there.
    """

    x: Array
    z: Array
    objective: float
    gap: float
    infeasibility: float
    solver: str
    seconds: float
    iterations: int
    notices: tuple[str, ...] = ()
    bound: float = -np.inf


def solve(*, A: Any, b: Array, cost: Array, equalities: int, solver: str = "clarabel") -> Solution:
    """Minimise ``cost·x`` over ``A x + s = b`` with ``s = 0`` in the first rows and ``s ≥ 0`` in the others.

    Parameters
    ----------
    A : (M, N) scipy csc_matrix
        Rows of equalities first.
    b : (M,)
        Right side.
    cost : (N,)
        Objective.
    equalities : int
        How many rows are equalities.
    solver : str
        ``clarabel``, which falls back on ``highs`` (and says so) where it does not converge, or ``highs``.

    Raises
    ------
    InputError
        Unknown solver.
    GigawattError
        Neither solver finds an optimum.
    """
    check_word(None, solver, SOLVERS, "unknown solver")
    if solver == "clarabel":
        found = interior_point(A=A, b=b, cost=cost, equalities=equalities)
        if found is not None:
            return found
        return fall_back(A=A, b=b, cost=cost, equalities=equalities)
    return _certain(_highs(A, b, cost, equalities))


def fall_back(*, A: Any, b: Array, cost: Array, equalities: int) -> Solution:
    """:func:`solve` with HiGHS, saying that Clarabel did not converge."""
    note = "clarabel did not converge on this plan; it was solved with HiGHS instead"
    return replace(_certain(_highs(A, b, cost, equalities)), notices=(note,))


def _certain(found: Solution | None) -> Solution:
    if found is None:
        raise GigawattError(
            "the supply programme has no finite optimum",
            allowed="limits and costs of ordinary size; check for a plant of negative cost and no limit",
        )
    return found


def interior_point(*, A: Any, b: Array, cost: Array, equalities: int, tell: bool = False) -> Solution | None:
    """:func:`solve` with Clarabel alone; ``None`` where it finds no optimum of the accepted gap.

    Raises
    ------
    ContradictionError
        It found the rows to contradict each other, and was asked to ``tell``.
    """
    try:
        for refine in (False, True):  # without iterative refinement it takes a third less time
            found = _clarabel(A, b, cost, equalities, refine)
            if found is not None:
                return found
    except ContradictionError:
        if tell:
            raise
    return None


def certify(
    *,
    A: Any,
    b: Array,
    cost: Array,
    equalities: int,
    x: Array,
    z: Array,
    solver: str,
    start: float,
    turns: int,
) -> Solution:
    """A :class:`Solution` with its gap and its infeasibility measured on these rows."""
    slack = b - A @ x
    broken = np.concatenate([np.abs(slack[:equalities]), -slack[equalities:]])
    worst = float(np.max(broken, initial=0.0))
    objective, dual = float(np.sum(cost * x)), -float(np.sum(b * z))
    gap = abs(objective - dual) / max(abs(objective), abs(dual), 1.0)
    sure = z.copy()
    sure[equalities:] = np.maximum(sure[equalities:], 0.0)
    residual = cost + A.T @ sure
    by_row = A.tocsr()
    single = np.flatnonzero((np.diff(by_row.indptr) == 1) & (b == 0.0) & (np.arange(len(b)) >= equalities))
    at = by_row.indptr[single]
    signed = by_row.indices[at[by_row.data[at] < 0.0]]  # x ≥ 0: a positive residual costs nothing
    residual[signed] = np.minimum(residual[signed], 0.0)
    bound = -float(np.sum(b * sure)) - float(np.sum(np.abs(residual) * _BOX * (np.abs(x) + 1.0)))
    spent = time.perf_counter() - start
    return Solution(x, z, objective, gap, worst, solver, spent, turns, bound=bound)


def _clarabel(A: Any, b: Array, cost: Array, equalities: int, refine: bool) -> Solution | None:
    from scipy.sparse import csc_matrix  # pyright: ignore[reportMissingTypeStubs]

    clarabel: Any = import_module("clarabel")

    start = time.perf_counter()
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.iterative_refinement_enable = refine
    if not refine:  # the usual one takes digits that refinement would have to give back
        settings.static_regularization_constant = _REGULARISED
    cones = [clarabel.NonnegativeConeT(len(b) - equalities)]
    if equalities:
        cones.insert(0, clarabel.ZeroConeT(equalities))
    nothing = csc_matrix((len(cost), len(cost)))
    answer: Any = clarabel.DefaultSolver(nothing, cost, A, b, cones, settings).solve()
    if str(answer.status) == "PrimalInfeasible":
        raise ContradictionError("the limits of the supply programme contradict each other")
    if str(answer.status) not in ("Solved", "AlmostSolved"):
        return None
    x, z = np.asarray(answer.x), np.asarray(answer.z)
    given: dict[str, Any] = {"A": A, "b": b, "cost": cost, "equalities": equalities}
    found = certify(**given, x=x, z=z, solver="clarabel", start=start, turns=int(answer.iterations))
    precise = bool(np.all(np.isfinite(x))) and found.gap < ACCEPTED_GAP and found.infeasibility < ACCEPTED_GAP
    return found if precise else None


@contextmanager
def quiet() -> Generator[None]:
    """Send what compiled code prints to nowhere: HiGHS greets on standard output, where JSON may go."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        with suppress(OSError, AttributeError, TypeError):  # empty the C library's own buffer too
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _highs(A: Any, b: Array, cost: Array, equalities: int) -> Solution | None:
    highspy: Any = import_module("highspy")

    start = time.perf_counter()
    rows, columns = A.shape
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, rows
    model.col_cost_ = cost
    model.col_lower_ = np.full(columns, -highspy.kHighsInf)
    model.col_upper_ = np.full(columns, highspy.kHighsInf)
    lower = np.full(rows, -highspy.kHighsInf)
    lower[:equalities] = b[:equalities]
    model.row_lower_, model.row_upper_ = lower, b
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = A.indptr
    model.a_matrix_.index_ = A.indices
    model.a_matrix_.value_ = A.data
    with quiet():
        highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("primal_feasibility_tolerance", 1e-9)
    highs.setOptionValue("dual_feasibility_tolerance", 1e-9)
    if columns > 20_000:
        highs.setOptionValue("solver", "ipm")
    highs.passModel(model)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    answer, info = highs.getSolution(), highs.getInfo()
    turns = int(info.simplex_iteration_count + info.ipm_iteration_count)
    x, z = np.array(answer.col_value), -np.array(answer.row_dual)
    given: dict[str, Any] = {"A": A, "b": b, "cost": cost, "equalities": equalities}
    return certify(**given, x=x, z=z, solver="highs", start=start, turns=turns)
