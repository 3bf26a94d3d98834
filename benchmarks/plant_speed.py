"""Speed of the new sources and of the seconds between, over what was asked of them.

    python benchmarks/plant_speed.py

Below 1 is quicker than asked. CPU-seconds of one run each after one to warm up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from gigawatt.power.plants import fusion
from gigawatt.power.plants.fusion.lawson import popcon
from gigawatt.power.plants.molten_salt.follow import follow, ramp_limit
from gigawatt.power.plants.molten_salt.system import system
from gigawatt.power.seconds import (
    Machine,
    Store,
    TrainingLoad,
    frequency,
    measure,
    pass_stores,
    sum_nodes,
    training_power,
)
from gigawatt.power.seconds.load import Segment

DAY, POINTS, MINUTE = 5.0, 1.0, 2.0
"""CPU-seconds asked: a day of load following, a map of 200 × 200 points, a minute of campus at 10 ms."""


def spent(work: Callable[[], object]) -> float:
    """CPU-seconds of ``work``, once warm."""
    work()
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print each beside what was asked."""
    plant = system("imsr")
    ramp = ramp_limit(plant, rate=plant.row.value("temperature_rate"))
    hours = np.linspace(0.0, 86400.0, 289)
    load = 195e6 * (0.65 - 0.3 * np.cos(2.0 * np.pi * hours / 86400.0))
    pilot = fusion.sheet()
    assert pilot.plasma is not None

    def followed() -> None:
        follow(plant, time=hours, load=load, ramp=ramp)

    def minute() -> None:
        step = 0.01
        made = TrainingLoad((Segment("compute", 6.0, 900.0), Segment("exchange", 1.0, 300.0)), idle=200.0)
        each = training_power(made, step=step, duration=60.0)
        campus = sum_nodes(each, step=step, nodes=16384, spread=0.02, correlation=1.0)
        behind = pass_stores(campus, step=step, stores=(Store(time_constant=0.2), Store(time_constant=5.0)))
        measure(behind[-1].power, step=step)
        turbine = Machine("turbine", 40e6, 5.0, 0.04, 0.5, 0.5, ramp=0.1)
        frequency(behind[-1].power, step=step, machines=(turbine, turbine))

    for words, asked, work in (
        (
            "a day of load following, molten salt",
            DAY,
            lambda: follow(plant, time=hours, load=load, ramp=ramp),
        ),
        ("operating contours, 200 × 200", POINTS, lambda: popcon(pilot.plasma, density=(1e19, 3e20))),
        ("a minute of campus at 10 ms", MINUTE, minute),
    ):
        took = spent(work)
        print(f"{words:42s} {took:7.3f} CPU-s, {took / asked:6.3f} of the {asked:g} s asked")


if __name__ == "__main__":
    main()
