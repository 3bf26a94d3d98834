"""Goodput: the share of time that makes progress under failures, checkpoints and stragglers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["checkpoint_interval", "goodput"]

Array = NDArray[np.float64]


def checkpoint_interval(*, checkpoint_time: ArrayLike, mean_time_between_failures: ArrayLike) -> Array:
    """The interval between checkpoints that loses least time [s].

    Daly's higher-order estimate √(2δM)·(1 + ⅓√(δ/2M) + δ/(9·2M)) − δ for δ < 2M, else M.

    Parameters
    ----------
    checkpoint_time : array [s]
        δ ≥ 0: time that training stands still for one checkpoint.
    mean_time_between_failures : array [s]
        M > 0, of the whole machine.

    References
    ----------
    Young 1974, CACM 17, 530. Daly 2006, Future Generation Computer Systems 22, 303, equation 37.
    """
    delta = np.asarray(checkpoint_time, dtype=float)
    mean = np.asarray(mean_time_between_failures, dtype=float)
    x = delta / (2.0 * mean)
    best = np.sqrt(2.0 * delta * mean) * (1.0 + np.sqrt(x) / 3.0 + x / 9.0) - delta
    return np.where(x < 1.0, best, mean)


def goodput(
    *,
    count: ArrayLike,
    failure_rate: ArrayLike,
    checkpoint_time: ArrayLike,
    restart_time: ArrayLike,
    straggler: ArrayLike = 0.0,
    interval: ArrayLike | None = None,
) -> tuple[Array, Mapping[str, Array]]:
    """Share of wall-clock time that is kept as training progress.

    Failures come independently at ``count · failure_rate``; the work since the last checkpoint and the
    restart are lost. Expected time for one interval τ of work with a checkpoint δ, failures of mean
    distance M, restart R: M·exp(R/M)·(exp((τ + δ)/M) − 1).

    Parameters
    ----------
    count : array
        Accelerators, > 0.
    failure_rate : array [1/s per accelerator]
        Interruptions, ≥ 0.
    checkpoint_time, restart_time : array [s]
        δ and R, ≥ 0.
    straggler : array, in [0, 1)
        Share of time lost waiting for the slowest.
    interval : array [s], optional
        τ; Daly's optimum if left out.

    Returns
    -------
    share : array
        In (0, 1].
    breakdown : mapping
        ``progress, checkpoint, rework, restart, straggler``: shares of wall-clock time that sum to 1, and
        ``interval`` [s], ``failures_per_day``.

    References
    ----------
    Daly 2006, equation 20. Llama Team 2024, arXiv:2407.21783, section 3.3.4 (what breaks, how often).
    """
    rate = np.asarray(count, dtype=float) * np.asarray(failure_rate, dtype=float)
    rate = np.where(rate > np.finfo(float).eps ** 2, rate, 0.0)  # rarer than that is never
    mean = 1.0 / np.where(rate > 0.0, rate, 1.0)
    delta, restart = np.asarray(checkpoint_time, dtype=float), np.asarray(restart_time, dtype=float)
    slow = np.asarray(straggler, dtype=float)
    if interval is None:
        best = checkpoint_interval(checkpoint_time=delta, mean_time_between_failures=mean)
        tau = np.where(rate > 0.0, np.maximum(best, np.sqrt(np.finfo(float).eps)), np.inf)
    else:
        tau = np.asarray(interval, dtype=float)
    never = ~np.isfinite(tau)
    work = np.where(never, 1.0, tau)
    paid = np.where(never, 0.0, delta)
    failures = np.where(rate > 0.0, np.expm1(np.minimum((work + paid) * rate, 500.0)), 0.0)
    wall = np.where(rate > 0.0, mean * np.exp(np.minimum(restart * rate, 200.0)) * failures, work + paid)
    lost = np.maximum(wall - work - paid, 0.0)
    down = np.minimum(failures * restart, lost)
    run = 1.0 - slow
    shares = {
        "progress": run * work / wall,
        "checkpoint": paid / wall,
        "rework": (lost - down) / wall,
        "restart": down / wall,
        "straggler": slow * work / wall,
    }
    seconds_per_day = 86400.0
    return shares["progress"], shares | {"interval": tau, "failures_per_day": rate * seconds_per_day}
