"""RTS-79 by convolution and by simulation, beside assetra where it is installed (with it come 420 MB).

    python benchmarks/adequacy_speed.py --years 1000

assetra draws the state of every unit anew in every hour: no repairs, no lengths of events, less scatter.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from gigawatt.power.adequacy import convolve
from gigawatt.power.adequacy.simulate import simulate
from gigawatt.validation.adequacy.systems import load_shape, units_of

PEAK = 2850.0


def timed(work: Callable[[], tuple[float, float]]) -> tuple[float, float, float]:
    """(LOLH, EUE, CPU seconds)."""
    start = time.process_time()
    hours, energy = work()
    return hours, energy, time.process_time() - start


def ours(years: int) -> tuple[float, float]:
    found = simulate(units_of("RTS-79"), load_shape() * PEAK, years=years, error=0.0)
    return found.mean("hours"), found.mean("energy")


def exact() -> tuple[float, float]:
    found = convolve(units_of("RTS-79"), load_shape() * PEAK)
    return found.hours, found.energy


def assetra(years: int) -> tuple[float, float]:
    """The same system in assetra: state sampling."""
    xarray: Any = import_module("xarray")
    units: Any = import_module("assetra.units")
    system: Any = import_module("assetra.system")
    simulation: Any = import_module("assetra.simulation")
    metrics: Any = import_module("assetra.metrics")
    load = load_shape() * PEAK
    at = [datetime(2021, 1, 1) + timedelta(hours=h) for h in range(len(load))]

    def hourly(value: Any) -> Any:
        values = np.broadcast_to(value, len(load)).astype(float)
        return xarray.DataArray(values, coords={"time": at}, dims=["time"])

    built = system.EnergySystemBuilder()
    built.add_unit(units.DemandUnit(id=0, hourly_demand=hourly(load)))
    number = 0
    for one in units_of("RTS-79"):
        for _ in range(one.count):
            number += 1
            built.add_unit(
                units.StochasticUnit(id=number, nameplate_capacity=one.size, hourly_capacity=hourly(one.size),
                                     hourly_forced_outage_rate=hourly(one.forced))
            )  # fmt: skip
    run = simulation.ProbabilisticSimulation(at[0], at[-1], years)
    run.assign_energy_system(built.build())
    run.run()
    return float(metrics.LossOfLoadHours(run).evaluate()), float(
        metrics.ExpectedUnservedEnergy(run).evaluate()
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--years", type=int, default=1000)
    years: int = parser.parse_args().years
    simulate(units_of("RTS-79"), load_shape() * PEAK, years=2)  # compiled
    rows: dict[str, Callable[[], tuple[float, float]]] = {
        "convolution": exact,
        f"simulation, {years:,} years": lambda: ours(years),
    }
    if find_spec("assetra") is not None:
        rows[f"assetra, {years:,} years"] = lambda: assetra(years)
    print("RTS-79, published LOLH 9.394175 h, EUE 1,176 MWh a year")
    for name, work in rows.items():
        hours, energy, spent = timed(work)
        print(f"{name:28} LOLH {hours:7.4f} h  EUE {energy:7.1f} MWh  {spent:7.3f} CPU-s")


if __name__ == "__main__":
    main()
