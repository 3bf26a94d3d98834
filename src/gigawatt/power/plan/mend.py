"""A plan that breaks some ramps, mended around the hours in which it does.

Where a programme was solved without ramps that were guessed slack and a few of them are not, its solution is
nearly feasible. What runs in the hours around the break is set anew by a small programme, all else held. The
dual of the large one is still a bound, so the gap says what the mending costs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gigawatt.power.plan.programme import Programme
from gigawatt.power.solve import interior_point

__all__ = ["mend_ramps"]

Array = npt.NDArray[np.float64]

#: Hours before and after a break that are set anew, and the share of all hours above which nothing is gained.
_AROUND, _MOST = 24, 0.25


def mend_ramps(
    programme: Programme, x: Array, broken: npt.NDArray[np.bool_], *, accepted: float
) -> Array | None:
    """A solution near ``x`` that keeps the ``broken`` ramps.

    Parameters
    ----------
    programme : Programme
        With the ramps.
    x : (N,)
        Keeps every row within ``accepted``, but for ramps.
    broken : (M,)
        Ramp rows to keep.
    accepted : float
        Violation of a row, in units of the largest load, that is left as it is.

    Returns
    -------
    (N,) or None
        ``x`` with other outputs, charges and levels in the hours around; ``None`` where these are too many,
        or where nothing within them helps.

    References
    ----------
    Pochet & Wolsey (2006), Production Planning by Mixed Integer Programming, Springer: relax and fix.
    """
    p = programme
    near = np.zeros(p.hours, dtype=bool)
    for rows in p.ramp_rows.values():
        near |= np.any(broken[rows].reshape(2, p.hours), axis=0)
    after = np.empty_like(p.before)
    after[p.before] = np.arange(p.hours)
    for _ in range(_AROUND):
        near = near | near[p.before] | near[after]
    if np.mean(near) > _MOST:
        return None
    at = np.flatnonzero(near)
    firsts = [first for kind in (p.output, p.charge, p.level) for i, first in kind.items() if x[i] > 0.0]
    firsts += [
        p.shed,
        *p.cuts,
        *p.starts.values(),
        *p.reserve.values(),
        *p.sold.values(),
        *([] if p.queue is None else [p.queue]),
    ]
    free = np.sort(np.concatenate([first + at for first in firsts]))
    columns = p.A[:, free]
    rows = np.unique(columns.indices)
    inside = columns[rows]
    excess: Array = (p.A @ x - p.b)[rows]
    mine: Array = inside @ x[free]
    within = (excess > 0.0) & (excess <= accepted)
    left: Array = np.where(within, mine, mine - excess)  # the right sides that the held columns leave
    found = interior_point(A=inside, b=left, cost=p.cost[free], equalities=int(np.sum(rows < p.equalities)))
    if found is None:
        return None
    mended = x.copy()
    mended[free] = found.x
    return mended
