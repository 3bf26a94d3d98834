"""The load of a campus by the hundredth of a second: from segments of a step, or from a measured trace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = ["Segment", "TrainingLoad", "resample", "series", "sum_nodes", "training_power"]

Array = npt.NDArray[np.float64]

_MOST = 20_000_000
"""Most samples of one series: two and a half days at 10 ms."""
_RIPPLE = 1.0
"""s over which the power of work is a mean that ripples from one to the next."""
_HIGHEST = 1.0 - 1e-9


@dataclass(frozen=True)
class Segment:
    """A time of one power: ``power`` [W] of one node for ``duration`` [s], both 0 or more."""

    name: str
    power: float
    duration: float

    def __post_init__(self) -> None:
        for key, value in (("power", self.power), ("duration", self.duration)):
            check_range(f"{self.name}.{key}", value, 0.0, message="not a sensible value")


@dataclass(frozen=True)
class TrainingLoad:
    """What a node draws in synchronous training.

    Attributes
    ----------
    segments : tuple of Segment
        One step in its order: compute, exposed communication, bubble.
    idle : float
        W of a node that waits: before the start, after the stop, after a failure.
    jitter : float
        Standard deviation of a segment's length over its length, drawn anew every step; common to all nodes,
        since they wait for each other. [0, 1).
    checkpoint : Segment or None
        After every ``checkpoint_steps`` steps.
    checkpoint_steps : int
        0: none.
    ripple : float
        Standard deviation of the mean power of a second over that of the segment, in those segments that
        draw the most: kernels differ. Of N nodes that ripple for themselves it is 1/√N of a node's.
    highest : float
        W that no mean of a second passes: the limit that a chip keeps.
    """

    segments: tuple[Segment, ...]
    idle: float
    jitter: float = 0.0
    checkpoint: Segment | None = None
    checkpoint_steps: int = 0
    ripple: float = 0.0
    highest: float = math.inf

    def __post_init__(self) -> None:
        if not self.segments or not sum(one.duration for one in self.segments) > 0.0:
            raise InputError("a step needs a duration", key="segments", allowed="segments longer than 0 s")
        if not 0.0 <= self.jitter < 1.0:
            raise InputError("not a share", key="jitter", given=f"{self.jitter:g}", allowed="0 to below 1")
        check_range("idle", self.idle, 0.0, unit="W", message="not a power")
        if not 0.0 <= self.ripple < 1.0:
            raise InputError("not a share", key="ripple", given=f"{self.ripple:g}", allowed="0 to below 1")

    @property
    def step_time(self) -> float:
        """s of one step, without checkpoints and jitter."""
        return sum(one.duration for one in self.segments)


def training_power(
    load: TrainingLoad,
    *,
    step: float,
    duration: float,
    start: float = 0.0,
    stop: float = math.inf,
    failures: Sequence[tuple[float, float]] = (),
    seed: int = 0,
) -> Array:
    """Power of one node by the time step: its mean over the step, so that no energy is lost in sampling.

    Parameters
    ----------
    load : TrainingLoad
        Segments of a step, with what is between steps.
    step, duration : float
        s; a series of ``round(duration / step)`` values.
    start, stop : float
        s at which the run starts and stops; idle outside.
    failures : sequence of (at, length)
        s; idle for ``length``, and the run goes on with a new step.
    seed : int
        Of the jitter.

    Returns
    -------
    (T,) array
        W.

    Raises
    ------
    InputError
        No positive step, more than twenty million samples, a stop before the start.

    References
    ----------
    Choukse et al., arXiv 2508.14318, 2025 (work and exchange of synchronous steps).
    """
    count = _count(step, duration)
    if not start <= stop:
        raise InputError("the stop is before the start", key="stop", given=f"{stop:g} s")
    ends: list[float] = [start]
    powers: list[float] = [load.idle]
    rng = np.random.default_rng(seed)
    breaks = [*sorted((at, length) for at, length in failures), (math.inf, 0.0)]
    now = start
    for at, length in breaks:
        until = min(at, stop, duration)
        if until > now:
            times, watts = _steps(load, until - now, rng)
            ends.extend((now + times).tolist())
            powers.extend(watts.tolist())
            now = until
        if now >= min(stop, duration):
            break
        now = min(at + length, duration)
        ends.append(now)
        powers.append(load.idle)
    ends.append(max(duration, ends[-1]))
    powers.append(load.idle)
    edges = np.concatenate([[0.0], np.asarray(ends)])
    watts = np.asarray(powers)
    times = np.arange(count + 1) * step

    def means(values: Array) -> Array:
        sums = np.concatenate([[0.0], np.cumsum(np.diff(edges) * values)])
        return np.diff(np.interp(times, edges, sums)) / step

    power = means(watts)
    if load.ripple > 0.0:
        most = max(one.power for one in load.segments)
        busy = means(np.where(watts >= most * _HIGHEST, most, 0.0))
        drawn = np.random.default_rng((seed, 1)).standard_normal(math.ceil(duration / _RIPPLE) + 1)
        ripple = np.minimum(load.ripple * drawn, max(load.highest / most - 1.0, 0.0) if most else 0.0)
        power = power + busy * np.maximum(ripple, -1.0)[(times[:-1] / _RIPPLE + 1e-9).astype(np.intp)]
    return power


def _steps(load: TrainingLoad, length: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """(end of each segment [s], its power) for ``length`` s of training, cut at the end."""
    every = load.checkpoint_steps if load.checkpoint is not None else 0
    one = np.array([segment.duration for segment in load.segments])
    watts = np.array([segment.power for segment in load.segments])
    steps = math.ceil(length / load.step_time) + 2
    if load.jitter > 0.0:
        steps = math.ceil(steps * (1.0 + load.jitter)) + 10
    drawn = 1.0 + load.jitter * rng.standard_normal((steps, len(one)))
    lengths = one * np.clip(drawn, 0.05, None)
    powers = np.broadcast_to(watts, lengths.shape)
    if every > 0 and load.checkpoint is not None:
        extra = np.zeros((steps, 1))
        extra[every - 1 :: every] = load.checkpoint.duration
        lengths = np.hstack([lengths, extra])
        powers = np.hstack([powers, np.full((steps, 1), load.checkpoint.power)])
    ends = np.cumsum(lengths.ravel())
    return np.minimum(ends, length), powers.ravel()


def sum_nodes(
    power: npt.ArrayLike,
    *,
    step: float,
    nodes: float,
    spread: float = 0.0,
    correlation: float = 1.0,
    seed: int = 0,
) -> Array:
    """The load of many nodes that do the same, not quite at the same time.

    Parameters
    ----------
    power : (T,)
        W of one node.
    step : float
        s.
    nodes : float
        How many, 1 or more.
    spread : float
        Standard deviation of when a node reaches a point of the step [s]: the sum is the node's power
        convolved with a Gaussian, which is its expectation (what is left of single nodes falls with
        1/√nodes).
    correlation : float
        Of the swings of two nodes about their mean, [0, 1]: 1 one job over the campus, 0 jobs that know
        nothing of each other. variance = swing² · (nodes² · correlation + nodes · (1 − correlation)).
    seed : int
        Of the part that is not in common: the node's own spectrum with random phases.

    Returns
    -------
    (T,) array
        W.

    Raises
    ------
    InputError
        A number out of its range.

    References
    ----------
    Theiler et al., Physica D 58, 1992 (surrogate series with the spectrum kept).
    """
    one = series(power, "power")
    check_range("nodes", nodes, 1.0, message="not a count")
    check_range("correlation", correlation, 0.0, 1.0, message="not a correlation")
    if not (spread >= 0.0 and step > 0.0):
        raise InputError("not a time", key="spread", given=f"{spread:g} s", allowed="0 s or more")
    if spread > 0.0:
        ndimage: Any = import_module("scipy.ndimage")
        one = np.asarray(ndimage.gaussian_filter1d(one, spread / step, mode="nearest"), dtype=float)
    mean = float(one.mean())
    common = one - mean
    total = nodes * mean + nodes * math.sqrt(correlation) * common
    if correlation < 1.0:
        parts = np.fft.rfft(common)
        phases = np.exp(2j * np.pi * np.random.default_rng(seed).random(len(parts)))
        phases[0] = 1.0
        if len(one) % 2 == 0:  # the highest frequency of an even series is real
            phases[-1] = 1.0
        total = total + math.sqrt(nodes * (1.0 - correlation)) * np.fft.irfft(parts * phases, len(one))
    return total


def resample(time: npt.ArrayLike, power: npt.ArrayLike, *, step: float) -> Array:
    """A measured trace at an even step, its energy kept.

    Parameters
    ----------
    time, power : (N,)
        s, growing; W, linear between the points.
    step : float
        s.

    Returns
    -------
    (T,) array
        Mean power of each step that lies wholly inside the trace.

    Raises
    ------
    InputError
        Times that do not grow, powers that are no numbers, a trace shorter than a step.
    """
    t, p = np.asarray(time, dtype=float), series(power, "power")
    if t.shape != p.shape or len(t) < 2 or not np.all(np.diff(t) > 0.0) or not np.all(np.isfinite(t)):
        raise InputError(
            "the times of a trace must grow", key="time", given=f"{len(t)} times, {len(p)} powers"
        )
    count = _count(step, math.floor((t[-1] - t[0]) / step + 1e-9) * step if step > 0.0 else 0.0)
    edges = t[0] + np.arange(count + 1) * step
    whole: Array = np.asarray(np.interp(edges, t, np.arange(len(t))), dtype=float)
    place = np.clip(np.floor(whole), 0.0, len(t) - 2.0).astype(np.intp)
    gap = edges - t[place]
    slope = np.diff(p) / np.diff(t)
    sums = np.concatenate([[0.0], np.cumsum(np.diff(t) * (p[1:] + p[:-1]) / 2.0)])
    return np.diff(sums[place] + gap * (p[place] + slope[place] * gap / 2.0)) / step


def series(values: npt.ArrayLike, key: str) -> Array:
    """``values`` as (T,) floats; what is no series of two finite numbers or more is an ``InputError``."""
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or len(found) < 2 or not np.all(np.isfinite(found)):
        raise InputError(
            "not a series of powers", key=key, given=f"shape {found.shape}", allowed="two numbers or more"
        )
    return found


def _count(step: float, duration: float) -> int:
    check_range("step", step, 0.0, unit="s", open_low=True, message="not a time step")
    count = round(duration / step) if math.isfinite(duration) else _MOST + 1
    if not 2 <= count <= _MOST:
        raise InputError(
            "not a duration of this time step",
            key="duration",
            given=f"{duration:g} s",
            allowed=f"{2 * step:g} to {_MOST * step:g} s",
        )
    return count
