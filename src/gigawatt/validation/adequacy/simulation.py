"""Simulated indices of published test systems; the tolerance is three standard errors."""

from __future__ import annotations

from functools import lru_cache

from gigawatt.power.adequacy import Units
from gigawatt.power.adequacy.simulate import Simulation, Store, simulate
from gigawatt.validation.adequacy.systems import load_shape, units_of
from gigawatt.validation.check import Told

__all__ = ["simulated_rts", "simulated_store"]

_PEAK, _ERRORS = 2850.0, 3.0
_FORCED, _REPAIR = 0.1, 1.0 / 0.9
"""Of PRASCore.jl: failures 0.1 and repairs 0.9 an hour."""


@lru_cache(maxsize=1)
def _rts() -> Simulation:
    return simulate(units_of("RTS-79"), load_shape() * _PEAK)


@lru_cache(maxsize=1)
def _store() -> Simulation:
    unit, store = (Units(name, 1, 10.0, _FORCED, _REPAIR) for name in ("unit", "store"))
    return simulate([unit], [8.0, 9.0], stores=[Store(store, 10.0)], error=0.01)


def _told(found: Simulation, figure: str) -> Told:
    mean, error = found.mean(figure), found.error(figure)
    note = f"{found.years:,} simulated years, standard error {100 * error / mean:.2g} %"
    return Told(mean, note=note, tolerance=_ERRORS * error / mean)


def simulated_rts(figure: str) -> Told:
    """A figure of a simulated year of IEEE RTS-79."""
    return _told(_rts(), figure)


def simulated_store(figure: str) -> Told:
    """A figure of the two hours of PRAS with a unit and a store, both of which fail."""
    return _told(_store(), figure)
