"""The seconds beside published numbers: a measured node, textbook frequencies, flicker, ramps, anecdotes.

The published numbers are rows of ``dynamics_published``. Flicker and textbook rows are recalled and say so.
What a row was made from is ``fitted``: the ripple and the rest of a chip from the trace of the H100s, the
node's overhead from that of the B200s (its fall with the chips from an H200 node), the ramps of plants.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from gigawatt.catalog import entity
from gigawatt.chain.training.plan import plan_training
from gigawatt.chain.training.question import read_question
from gigawatt.core.errors import InfeasibleError
from gigawatt.machine import build_cluster
from gigawatt.performance.serving.power import load_node_power
from gigawatt.power.seconds import (
    Limits,
    Machine,
    Segment,
    Store,
    TrainingLoad,
    averaged,
    flicker_severity,
    frequency,
    largest_fall,
    least_store,
    load_event,
    load_protection,
    load_store,
    measure,
    ride,
    settled,
    store_prices,
    sum_nodes,
    training_power,
)
from gigawatt.studies.seconds.question import training_load

__all__ = [
    "battery_price",
    "campus_swing",
    "flicker",
    "kundur_rise",
    "kundur_settled",
    "left_the_grid",
    "node_swing",
    "peak_cut",
]

_STEP = 0.01
_SECONDS = 60.0
_TRACE, _REST, _PAUSE = 700.0, 10.0, 10.0
"""s: length of the published traces, at rest before and after, of one checkpoint."""


@lru_cache(maxsize=8)
def _load(chip: str, count: int, model: str, settings: tuple[tuple[str, str], ...] = ()) -> TrainingLoad:
    plan = plan_training(read_question(model=model, chip=chip, settings=dict(settings)), count, top=1)
    return training_load(plan.search.best, plan.cluster)


_RUNS = {
    "node-h100x8": ("nvidia-h100-sxm", "llama-3.1-8b", ()),
    "node-b200x8": (
        "nvidia-b200-sxm",
        "llama-2-70b",
        (
            ("training.precision", "fp8"),
            ("training.sequence", "8192 tokens"),
            ("training.global_batch", "8 sequences"),
        ),
    ),
}
"""Node of ``dynamics_published`` → its chip, and the model and settings of what it trained. The trace of the
H100s does not name its model; the B200s' is Llama 2 70B in 8 bits, whose LoRA full training stands in for."""


@lru_cache(maxsize=4)
def node_swing(node: str) -> dict[str, float]:
    """``peak``, ``low``, ``drop``, ``drop_tenth`` [W] of eight accelerators as the node's meter shows them.

    The run starts from rest, waits after each step for what the trace's checkpoints take, and ends at rest;
    the meter's window is that of the row ``meter``. The H100s are metered alone, without their node.
    """
    row = entity("dynamics_published", node)
    chip, model, settings = _RUNS[node]
    load = _load(chip, 8, model, settings)
    parts = read_question(model=model, chip=chip, settings=dict(settings))
    wall = load_node_power(build_cluster(chip=parts.chip.id, count=8)[0].node, parts.chip)
    network = build_cluster(chip=parts.chip.id, count=8)[0].network_power

    def metered(watts: float) -> float:
        """W of the eight of a load's W at the wall with its network."""
        at_wall = 8.0 * (watts - network)
        return (at_wall - wall.base) / (1.0 + wall.share) if row.get("alone") else at_wall

    own = replace(
        load,
        segments=tuple(replace(one, power=metered(one.power)) for one in load.segments),
        idle=metered(load.idle),
        highest=metered(load.highest),
        checkpoint=Segment("checkpoint", metered(load.segments[2].power), _PAUSE),
        checkpoint_steps=1,
    )
    series = training_power(own, step=_STEP, duration=_TRACE, start=_REST, stop=_TRACE - _REST)
    window = row.value("meter")
    shown = averaged(series, step=_STEP, window=window)
    return {
        "peak": float(shown.max()),
        "low": float(shown.min()),
        "drop": largest_fall(shown, step=_STEP, apart=row.value("apart")),
        "drop_tenth": largest_fall(shown, step=_STEP, apart=0.1),
    }


def peak_cut() -> float:
    """The best cut of a peak that 65 J for each accelerator give, over full swings of 0.5 to 20 Hz."""
    load = _load("nvidia-gb200", 72, "llama-3.1-8b")
    high, low = load.segments[0].power, load.segments[2].power
    basis = load_store("rack-capacitor", accelerators=1.0)
    best = 0.0
    for hertz in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0):
        half = max(1, round(0.5 / hertz / 0.0025))
        wave = np.tile(np.repeat([high, low], half), 8)
        best = max(best, _cut(wave, basis))
    return best


def _cut(wave: np.ndarray, basis: Store) -> float:
    """Largest share of the peak that the store takes, by bisection over the range that it can keep."""
    prices = store_prices("rack-capacitor", electricity=0.0, capital_recovery=lambda life: 0.2)
    swing, narrow, wide = float(np.ptp(wave)), 0.0, 1.0
    peak = float(wave.max())
    cut = 0.0
    for _ in range(8):
        middle = (narrow + wide) / 2.0
        try:
            found = least_store(
                wave, step=0.0025, limits=Limits(dynamic_range=middle * swing), prices=prices, store=basis
            )
        except InfeasibleError:
            narrow = middle
        else:
            wide = middle
            cut = 1.0 - float(found.drawn.max()) / peak
    return cut


def campus_swing(count: int) -> float:
    """Swing of a campus of H100 in the training of Llama 3.1 405B, W."""
    load = _load("nvidia-h100-sxm", 16_384, "llama-3.1-405b")
    one = training_power(load, step=_STEP, duration=_SECONDS, start=5.0)
    return measure(sum_nodes(one, step=_STEP, nodes=count), step=_STEP).dynamic_range


def battery_price(power: float) -> float:
    """Price of batteries of two hours in 2025, $."""
    battery = entity("plants", "battery-2h")
    ours = power * battery.at("capital_cost", 2025)[0]
    return ours + power * battery.value("duration_min") * battery.at("energy_capital_cost", 2025)[0]


def left_the_grid(event: str, protection: str, load: float) -> float:
    """W of ``load`` [W] with one protection that an event takes off the grid until it is reset by hand."""
    seen = ride(load_event(event), load=load_protection(protection))
    return load * seen.lost if seen.outcome == "leaves" else 0.0


@lru_cache(maxsize=1)
def _ungoverned() -> np.ndarray:
    units = tuple(Machine(f"unit {i}", 500e6, 5.0) for i in range(4))
    load = np.full(40_000, 1000e6)
    load[0] = 1020e6
    return frequency(load, step=_STEP, machines=units, damping=1.5 * 1000.0 / 1020.0).deviation


def kundur_rise() -> tuple[float, float]:
    """(rise of the frequency [Hz], its time constant [s]) of example 11.1, without governors."""
    deviation = _ungoverned()
    last = float(deviation[-1])
    return last, float(np.searchsorted(deviation, last * (1.0 - math.exp(-1.0)))) * _STEP


def kundur_settled(*, governed: bool) -> float:
    """Rise of the frequency in example 11.2, Hz."""
    machines = (Machine("open", 1500e6, 5.0),)
    if governed:
        machines = (Machine("governed", 400e6, 5.0, 0.05), Machine("open", 1100e6, 5.0))
    return settled(-60e6, machines=machines, load=1200e6, damping=1.5)


def flicker(depth: float, changes: float, lamp: str) -> float:
    """Pst of so many rectangular changes of the voltage a minute, ten minutes long."""
    step = 0.005
    t = np.arange(round(600.0 / step)) * step
    wave = np.where(np.floor(t * changes / 60.0 + 1e-9) % 2 < 1, 1.0, -1.0)
    return flicker_severity(1.0 + depth / 2.0 * wave, step=step, lamp=lamp)
