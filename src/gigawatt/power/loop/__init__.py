"""A load in closed loop with the grid: what batch, cap, pause and store give within seconds, at what cost.

    pools (curves of a serving or training model) → load → store → grid → meters → controllers → pools

One way through it::

    service = ServingPool("chat", 512, batch, caps, power, tokens, token_time, output=350, most=256)
    grid = thevenin_grid(most=20e6, short_circuit=100e6, x_over_r=5.0)
    course = run_loop(step=1.0, duration=3600.0, grid=grid, serving=[service], target=wanted,
                      power_controls=[CapControl(), BatchControl()])
    feeder_grid(load_feeder("ieee-13"), "671", most=4e6)   # all nodes of a feeder instead of two buses
"""

from __future__ import annotations

from gigawatt.power.loop.controls import (
    BatchControl,
    CapControl,
    FeedbackBatch,
    Knobs,
    PauseControl,
    Seen,
    StoreControl,
    VoltageRule,
)
from gigawatt.power.loop.feeder import Branch, Feeder, Load, Voltages, solve
from gigawatt.power.loop.feeder_rows import feeder_bus, list_feeders, load_feeder
from gigawatt.power.loop.grid import GridCurve, feeder_grid, reactive, thevenin_grid
from gigawatt.power.loop.pools import ServingPool, ServingState, TrainingPool, TrainingState
from gigawatt.power.loop.simulate import Course, run_loop

__all__ = [
    "BatchControl",
    "Branch",
    "CapControl",
    "Course",
    "FeedbackBatch",
    "Feeder",
    "GridCurve",
    "Knobs",
    "Load",
    "PauseControl",
    "Seen",
    "ServingPool",
    "ServingState",
    "StoreControl",
    "TrainingPool",
    "TrainingState",
    "VoltageRule",
    "Voltages",
    "feeder_bus",
    "feeder_grid",
    "list_feeders",
    "load_feeder",
    "reactive",
    "run_loop",
    "solve",
    "thevenin_grid",
]
