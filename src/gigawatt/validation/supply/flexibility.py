"""A service in closed loop with a feeder beside what OpenG2G publishes of it.

The site, its pools, its controllers and the feeder are those of OpenG2G's example of 13 nodes (rows
``openg2g-*`` of ``dynamics_published``). The curves of power, latency and throughput against the batch
are not its measured ones but those of our serving model; so is the room for requests, which ends the two
Qwen models at smaller batches. What is compared are the trade-offs that its documentation states.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gigawatt.catalog import entity
from gigawatt.machine import build_cluster
from gigawatt.performance.serving.curve import BatchCurve, batch_curve
from gigawatt.performance.serving.engines import default_engine, load_engine
from gigawatt.performance.serving.inference import Replica, multiply_format
from gigawatt.power.loop import (
    Course,
    FeedbackBatch,
    GridCurve,
    ServingPool,
    TrainingPool,
    VoltageRule,
    feeder_grid,
    load_feeder,
    run_loop,
)
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares

__all__ = ["peak_power", "site", "tokens_over", "violation_over"]

_SIZES = (8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
_MODELS = ("llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b", "qwen3-30b-a3b", "qwen3-235b-a22b")
_CHIP, _STEP, _SECONDS, _YEAR = "nvidia-h100-sxm", 0.1, 3600.0, 2025
_TAPS = tuple((f"ieee-13-reg{i}", 1.0 + 0.00625 * steps) for i, steps in ((1, 14), (2, 6), (3, 15)))
"""Of its systems.py: steps of 14, 6 and 15."""
_MOST = 5e6
"""W; what the site draws at most, with some more."""
_LOW, _HIGH = 0.95, 1.05
_TRAINING = (1000.0, 2000.0)
_FALLING = (2500.0, 3000.0)


@lru_cache(maxsize=16)
def _curve(model: str, sizes: tuple[float, ...]) -> BatchCurve:
    row = entity("dynamics_published", f"openg2g-{model}")
    prompt = entity("dynamics_published", "openg2g-site").value("prompt")
    cluster, _ = build_cluster(chip=_CHIP, count=8)
    tensor = row.value("tensor")
    weights = "fp8" if model == "llama-3.1-405b" else "bf16"
    shares = Shares.of(
        tensor=tensor, data=1.0, expert=1.0, weights=weights, multiply=multiply_format(weights, cluster.chip)
    )
    engine = load_engine(default_engine(cluster.chip, _YEAR))
    replica = Replica(read_architecture(model), cluster, engine, shares, np.asarray(1.0))
    return batch_curve(replica, prompt=prompt, output=row.value("output"), batch=np.array(sizes))


@lru_cache(maxsize=1)
def _pools() -> tuple[ServingPool, ...]:
    found: list[ServingPool] = []
    batch = entity("dynamics_published", "openg2g-site").value("batch")
    for model in _MODELS:
        row, curve = entity("dynamics_published", f"openg2g-{model}"), _curve(model, _SIZES)
        replicas = row.value("replicas")
        found.append(
            ServingPool(
                model,
                replicas,
                curve.batch,
                curve.caps,
                curve.accelerators,
                curve.tokens,
                curve.token_time,
                row.value("output"),
                min(batch, float(curve.batch[-1])),
                objective=row.value("deadline"),
                evicts=True,
                changes=((_FALLING[0], replicas), (_FALLING[1], 0.5 * replicas), (_SECONDS, 0.5 * replicas)),
            )
        )
    return tuple(found)


@lru_cache(maxsize=1)
def _training() -> TrainingPool:
    """The training run: plateaus with noise, scaled to a peak, between two times."""
    row = entity("dynamics_published", "openg2g-site")
    high, low, noise = (row.value(f"trace_{name}") for name in ("high", "low", "noise"))
    rng = np.random.default_rng(2)
    count = round((_TRAINING[1] - _TRAINING[0]) / _STEP)
    level, place, up = np.empty(count), 0, True
    while place < count:
        length = rng.uniform(35.0, 40.0) if up else rng.uniform(10.0, 15.0)
        end = min(count, place + round(length / _STEP))
        level[place:end] = high if up else low
        place, up = end, not up
    watts = np.convolve(level + rng.normal(0.0, noise, count), np.full(3, 1.0 / 3.0), mode="same")
    rise = round(18.0 / _STEP)
    watts[:rise] = np.minimum(watts[:rise], np.linspace(50.0, high, rise))
    series = np.zeros(round(_SECONDS / _STEP))
    start = round(_TRAINING[0] / _STEP)
    series[start : start + count] = (
        np.maximum(watts, 0.0) / watts.max() * row.value("training_peak") * row.value("training_accelerators")
    )
    one = np.ones(1)
    return TrainingPool("training", series, 0.0, np.array([700.0]), one, one, 1.0)


@lru_cache(maxsize=1)
def _grid() -> GridCurve:
    factor = entity("dynamics_published", "openg2g-site").value("power_factor")
    feeder = load_feeder("openg2g-13", _TAPS)
    return feeder_grid(feeder, "671", most=_MOST, power_factor=factor, without=feeder.regulated)


@dataclass(frozen=True)
class _Found:
    """s with a voltage beyond its limits, share of samples slower than promised, tokens."""

    violation: float
    misses: float
    tokens: float


@lru_cache(maxsize=16)
def site(control: str, training: bool = True, voltage_step: float = 1.0) -> _Found:
    """The hour with ``control``: ``none``, ``rule`` or ``feedback``."""
    made = {
        "none": None,
        "rule": VoltageRule(_SIZES),
        "feedback": FeedbackBatch(_SIZES, voltage_step=voltage_step),
    }[control]
    course: Course = run_loop(
        step=_STEP, duration=_SECONDS, grid=_grid(), serving=_pools(),
        training=[_training()] if training else [],
        beside=entity("dynamics_published", "openg2g-site").value("base"), voltage_control=made,
    )  # fmt: skip
    beyond = (course.lowest < _LOW) | (course.highest > _HIGH)
    late = np.array([pool.objective for pool in _pools()])
    return _Found(
        violation=float(beyond.sum()) * _STEP,
        misses=float((course.token_time > late).mean()),
        tokens=float(course.written.sum()),
    )


def tokens_over(control: str, other: str, *, training: bool) -> float:
    """Tokens written with one control over those with another."""
    return site(control, training).tokens / site(other, training).tokens


def violation_over(step: float, other: float) -> float:
    """Time with a bad voltage at one dual step of the feedback over that at another."""
    return site("feedback", True, step).violation / site("feedback", True, other).violation


def peak_power(model: str) -> float:
    """W of all accelerators of a model at its largest batch, with the published number of replicas."""
    row = entity("dynamics_published", f"openg2g-peak-{model}")
    curve = _curve(model, (row.value("batch") / 2.0, row.value("batch")))
    return row.value("replicas") * float(curve.accelerators[0, -1])
