"""The naive baseline to beat: a constant utilisation per accelerator, number format and dense/MoE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Baseline", "constant_utilisation"]


@dataclass(frozen=True)
class Baseline:
    """Step times of the naive baseline.

    ``inside`` uses every row (in sample); ``outside`` only rows of other sources (``nan`` where no other
    source has the same accelerator, format and kind of model).
    """

    inside: NDArray[np.float64]
    outside: NDArray[np.float64]


def constant_utilisation(
    *,
    measured: NDArray[np.float64],
    work: NDArray[np.float64],
    groups: Sequence[str],
    sources: Sequence[str],
) -> Baseline:
    """Step times if every run of a group reached the group's median utilisation.

    Parameters
    ----------
    measured : array (N,)
        Measured step times [s].
    work : array (N,)
        Model FLOPs of a step per accelerator.
    groups : sequence of str (N,)
        Accelerator, number format, dense or MoE: one constant each.
    sources : sequence of str (N,)
        Who measured.

    Returns
    -------
    Baseline
        Step times [s], shape (N,); finite where the group has rows to learn from.
    """
    rate = work / measured
    names, whose = np.asarray(groups, dtype=object), np.asarray(sources, dtype=object)
    inside, outside = np.full(len(measured), np.nan), np.full(len(measured), np.nan)
    for name in dict.fromkeys(groups):
        mine = names == name
        inside[mine] = work[mine] / np.median(rate[mine])
        for source in dict.fromkeys(whose[mine]):
            others = mine & (whose != source)
            if others.any():
                here = mine & (whose == source)
                outside[here] = work[here] / np.median(rate[others])
    return Baseline(inside, outside)
