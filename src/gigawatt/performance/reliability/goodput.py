"""Goodput: the share of time that makes progress under failures, checkpoints, stragglers, maintenance and
evaluation. Closed form.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["checkpoint_interval", "goodput", "goodput_covered"]

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
    lag: ArrayLike = 0.0,
    planned_rate: ArrayLike = 0.0,
    planned_time: ArrayLike | None = None,
    evaluation: ArrayLike = 0.0,
) -> tuple[Array, Mapping[str, Array]]:
    """Share of wall-clock time that is kept as training progress.

    Failures come independently at ``count · failure_rate``; the work since the last checkpoint and the
    restart are lost. Expected time for one interval τ of work with a checkpoint δ, failures of mean
    distance M, restart R: (M + R)·(exp((τ + δ)/M) − 1). What fails during a restart is mended within it:
    Daly's M·exp(R/M) in place of M + R starts the restart over, and leaves 36 % where 44 % are published (98
    thousand H100). Planned interruptions come after a checkpoint and cost their time alone.

    Parameters
    ----------
    count : array
        Accelerators, > 0.
    failure_rate : array [1/s per accelerator]
        Interruptions, ≥ 0.
    checkpoint_time, restart_time : array [s]
        δ and R, ≥ 0: what training stands still for.
    straggler : array, in [0, 1)
        Share of time lost waiting for the slowest.
    interval : array [s], optional
        τ; Daly's optimum if left out.
    lag : array [s]
        Time after a checkpoint until it is safe (asynchronous writing): the work done meanwhile is lost too,
        so a failure costs R + lag.
    planned_rate : array [1/s]
        Planned interruptions of the whole machine, per second of running.
    planned_time : array [s], optional
        What each costs; δ + R if left out.
    evaluation : array, in [0, 1)
        Share of time that training stands still for evaluation.

    Returns
    -------
    share : array
        In (0, 1].
    breakdown : mapping
        ``progress, checkpoint, rework, restart, planned, evaluation, straggler``: shares of wall-clock time
        that sum to 1, and ``interval`` [s], ``failures_per_day``.

    References
    ----------
    Daly 2006, equation 20 without failures of the restart. Llama Team 2024, arXiv:2407.21783, section 3.3.4.
    """
    rate = np.asarray(count, dtype=float) * np.asarray(failure_rate, dtype=float)
    rate = np.where(rate > np.finfo(float).eps ** 2, rate, 0.0)  # rarer than that is never
    mean = 1.0 / np.where(rate > 0.0, rate, 1.0)
    delta, restart = np.asarray(checkpoint_time, dtype=float), np.asarray(restart_time, dtype=float)
    slow, late = np.asarray(straggler, dtype=float), np.asarray(lag, dtype=float)
    if interval is None:
        best = checkpoint_interval(checkpoint_time=delta, mean_time_between_failures=mean)
        least = np.maximum(
            late, np.sqrt(np.finfo(float).eps)
        )  # one checkpoint is safe before the next starts
        tau = np.where(rate > 0.0, np.maximum(best, least), np.inf)
    else:
        tau = np.asarray(interval, dtype=float)
    never = ~np.isfinite(tau)
    work = np.where(never, 1.0, tau)
    paid = np.where(never, 0.0, delta)
    failures = np.where(rate > 0.0, np.expm1(np.minimum((work + paid) * rate, 500.0)), 0.0)
    wall = np.where(rate > 0.0, (mean + restart + late) * failures, work + paid)
    lost = np.maximum(wall - work - paid, 0.0)
    down = np.minimum(failures * restart, lost)
    each = delta + restart if planned_time is None else np.asarray(planned_time, dtype=float)
    planned = np.asarray(planned_rate, dtype=float) * each  # per second of running
    pauses = np.asarray(evaluation, dtype=float)
    kept = (1.0 - pauses) / (1.0 + planned)
    run = 1.0 - slow
    shares = {
        "progress": kept * run * work / wall,
        "checkpoint": kept * paid / wall,
        "rework": kept * (lost - down) / wall,
        "restart": kept * down / wall,
        "straggler": kept * slow * work / wall,
        "planned": (1.0 - pauses) * planned / (1.0 + planned) + 0.0 * wall,
        "evaluation": pauses + 0.0 * (wall + planned),
    }
    seconds_per_day = 86400.0
    return shares["progress"], shares | {"interval": tau, "failures_per_day": rate * seconds_per_day}


def goodput_covered(
    *,
    count: ArrayLike,
    failure_rate: ArrayLike,
    checkpoint_time: ArrayLike,
    restart_time: ArrayLike,
    coverage: ArrayLike,
    pause: ArrayLike,
    copies: ArrayLike = 0.0,
    group: ArrayLike = 0.0,
    group_restart_time: ArrayLike = 0.0,
    idle: ArrayLike = 0.0,
    straggler: ArrayLike = 0.0,
    interval: ArrayLike | None = None,
    lag: ArrayLike = 0.0,
    planned_rate: ArrayLike = 0.0,
    planned_time: ArrayLike | None = None,
    evaluation: ArrayLike = 0.0,
) -> tuple[Array, Mapping[str, Array]]:
    """Goodput where a share of the failures costs a pause, and the others restart the run from storage.

    The failures that are not covered, λ (1 - c), cost what :func:`goodput` says. While the run stands for
    none of them, covered failures cost ``pause`` each, P: time grows by N λ c P · (share not restarting), as
    failures while all stand still are mended in the same pause. With elastic data parallelism a group of G
    accelerators is away for T after each covered failure: kept is 1/(1 + G λ c T).

    Parameters
    ----------
    count, failure_rate, checkpoint_time, restart_time, straggler, interval, lag
        As in :func:`goodput`, of the whole run.
    coverage : array in [0, 1]
        c: share of failures that cost no more than the pause.
    pause : array [s]
        P: from a covered failure to the next step of all, work that is done again included.
    copies : array in [0, 1)
        Share of time that copies of the state in memory take.
    group, group_restart_time : array
        G, at most ``count``, and T [s]; 0 where nobody goes on without the failed.
    idle : array in [0, 1)
        Share of the machine that waits for nodes, for want of spares
        (:func:`~gigawatt.performance.reliability.failures.shrink_loss`).
    planned_rate, planned_time, evaluation
        As in :func:`goodput`.

    Returns
    -------
    share, breakdown
        As :func:`goodput`: pauses, missing groups and nodes stand in ``restart``, copies in ``checkpoint``.

    References
    ----------
    Wang et al. 2023, SOSP (copies in memory); Wan et al. 2025, arXiv:2509.16293 (warm spares); Meta 2026,
    arXiv:2602.00277 (groups that leave: 80 % effective in place of 44 % at 98 thousand H100).
    """
    rate, kept = np.asarray(failure_rate, dtype=float), np.asarray(coverage, dtype=float)
    machine, pauses = np.asarray(count, dtype=float), np.asarray(evaluation, dtype=float)
    _, parts = goodput(
        count=machine,
        failure_rate=rate * (1.0 - kept),
        checkpoint_time=checkpoint_time,
        restart_time=restart_time,
        straggler=straggler,
        interval=interval,
        lag=lag,
        planned_rate=planned_rate,
        planned_time=planned_time,
    )
    stall = (
        machine * rate * kept * np.asarray(pause, dtype=float)
    )  # per second that nothing else stands still
    stall = stall * (1.0 - parts["restart"] - parts["planned"])
    away = np.minimum(group, machine) * rate * kept * np.asarray(group_restart_time, dtype=float)
    present = (1.0 - np.asarray(idle, dtype=float)) / (1.0 + away)
    running = (1.0 - pauses) / (1.0 + stall)
    copied = np.asarray(copies, dtype=float)
    run = parts["progress"] + parts["straggler"]
    shares = {
        "progress": running * parts["progress"] * present * (1.0 - copied),
        "straggler": running * parts["straggler"] * present * (1.0 - copied),
        "checkpoint": running * (parts["checkpoint"] + run * present * copied),
        "rework": running * parts["rework"],
        "restart": running * (parts["restart"] + stall + run * (1.0 - present)),
        "planned": running * parts["planned"],
        "evaluation": pauses + 0.0 * running,
    }
    daily = machine * rate * 86400.0
    return shares["progress"], shares | {"interval": parts["interval"], "failures_per_day": daily}
