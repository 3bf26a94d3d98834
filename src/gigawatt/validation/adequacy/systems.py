"""Indices of published test systems, by the convolution that judges a supply plan.

Units are rows of ``adequacy_units.csv``, the load model of the IEEE Reliability Test System those of
``adequacy_load.csv``: 52 weeks from a winter Monday on, without maintenance.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gigawatt.power.adequacy import Indices, Units, convolve
from gigawatt.validation.files import table

__all__ = ["energy", "eue", "lole", "lolh", "pras_eue", "pras_lole"]

Array = npt.NDArray[np.float64]
_STEPS = ((-3, 0.006), (-2, 0.061), (-1, 0.242), (0, 0.382), (1, 0.242), (2, 0.061), (3, 0.006))
"""A normal load forecast in seven steps: standard deviations, probability."""
_PRAS = {
    "A": ((3, 10.0, (1.0,) * 4),),
    "B": ((1, 15.0, (2 / 3,) * 3 + (1.0,) * 3), (1, 25.0, (0.8,) * 3 + (1.0,) * 3)),
}  # fmt: skip
"""Units of the single-node systems of PRASCore.jl: count, MW, share of it by the hour."""
_PRAS_NEED = {"A": (20.0, 22.0, 20.0, 16.0), "B": (21.0, 21.0, 21.0, 22.0, 24.0, 26.0)}
"""Their load less what is variable, MW."""
_PRAS_FORCED = 0.1


@lru_cache(maxsize=8)
def units_of(system: str, copies: int = 1) -> tuple[Units, ...]:
    """The units of ``copies`` of a system."""
    return tuple(
        Units(
            name=f"{row['size_MW']} MW",
            count=copies * int(row["count"]),
            size=float(row["size_MW"]),
            forced=float(row["forced"]),
            repair=float(row["repair_h"]),
            derated=((float(row["derated"]), float(row["derated_probability"])),) if row["derated"] else (),
        )
        for row in table("adequacy_units.csv")
        if row["system"] == system
    )


@lru_cache(maxsize=1)
def load_shape() -> Array:
    """(8736,) load of each hour as a share of the peak."""
    levels: dict[tuple[str, str, str], list[float]] = {}
    for row in table("adequacy_load.csv"):
        levels.setdefault((row["level"], row["season"], row["day"]), []).append(float(row["percent"]) / 100.0)
    weeks, days = levels["week", "", ""], levels["day", "", ""]

    def season(week: int) -> str:
        return "winter" if week <= 8 or week >= 44 else "summer" if 18 <= week <= 30 else "spring"

    return np.array(
        [
            of_week * of_day * of_hour
            for week, of_week in enumerate(weeks, start=1)
            for day, of_day in enumerate(days)
            for of_hour in levels["hour", season(week), "weekend" if day >= 5 else "weekday"]
        ]
    )


@lru_cache(maxsize=32)
def _indices(system: str, peak: float, copies: int) -> Indices:
    return convolve(units_of(system, copies), load_shape() * peak)


def _mean(figure: str, system: str, peak: float, copies: int, uncertainty: float) -> float:
    steps = _STEPS if uncertainty else ((0, 1.0),)
    return sum(
        share * float(getattr(_indices(system, peak * (1.0 + at * uncertainty), copies), figure))
        for at, share in steps
    )


def lole(system: str, peak: float, copies: int = 1, uncertainty: float = 0.0) -> float:
    """Days a year in which the daily peak is not served."""
    return _mean("days", system, peak, copies, uncertainty)


def lolh(system: str, peak: float, copies: int = 1, uncertainty: float = 0.0) -> float:
    """Hours a year with a loss of load."""
    return _mean("hours", system, peak, copies, uncertainty)


def eue(system: str, peak: float, copies: int = 1, uncertainty: float = 0.0) -> float:
    """Expected unserved energy, MWh a year."""
    return _mean("energy", system, peak, copies, uncertainty)


def energy(peak: float) -> float:
    """Energy of the load, GWh a year."""
    return float(load_shape().sum()) * peak / 1e3


@lru_cache(maxsize=4)
def _pras(name: str) -> Indices:
    units = [Units(f"{size:g} MW", count, size, _PRAS_FORCED) for count, size, _ in _PRAS[name]]
    return convolve(units, _PRAS_NEED[name], share=np.array([share for _, _, share in _PRAS[name]]).T)


def pras_lole(name: str) -> float:
    """Hours with a loss in a single-node system of PRASCore.jl."""
    return _pras(name).hours


def pras_eue(name: str) -> float:
    """Its unserved energy, MWh."""
    return _pras(name).energy
