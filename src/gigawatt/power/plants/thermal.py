"""What a plant with fuel does away from its rating: part load, warm air, starts, ramps.

A plant's fuel is a straight line over its output (Willans): heat(x) = a + (1 - a) x, as shares of the heat
and of the output at full load. Two points of the heat rate give the line, and with it what a running unit
burns at no output, which is what a programme with commitment needs. Warm, thin air takes capacity and
efficiency from turbines, engines and cooling towers, both linearly.

References
----------
Wood, Wollenberg, Sheblé: Power Generation, Operation, and Control, 3rd ed., 2014, section 2 (input-output).
Brooks, GE Power Systems GER-3567H: GE Gas Turbine Performance Characteristics, 2000 (ambient temperature).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = ["Derating", "PartLoad"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PartLoad:
    """Heat rate at two loads: 1 at full load, ``heat_rate`` times that at ``load`` (share of the capacity).

    Raises ``InputError`` where the second point is no part load, or would make a unit burn less than
    nothing at no output or more than its full heat.
    """

    load: float
    heat_rate: float

    def __post_init__(self) -> None:
        if not 0.0 < self.load < 1.0:
            raise InputError("not a part load", key="part_load", given=f"{self.load:g}",
                             allowed="between 0 and 1, neither")  # fmt: skip
        check_range(
            "part_load_heat_rate",
            self.heat_rate,
            1.0,
            1.0 / self.load,
            message="no plant has such a heat rate at part load",
        )

    @property
    def no_load(self) -> float:
        """Heat that a running unit burns at no output, as a share of its heat at full load, [0, 1]."""
        return (self.heat_rate - 1.0) * self.load / (1.0 - self.load)

    @property
    def marginal(self) -> float:
        """Heat for one more joule, as a share of the heat rate at full load: 1 - ``no_load``."""
        return 1.0 - self.no_load

    def heat(self, output: npt.ArrayLike, running: npt.ArrayLike = 1.0) -> Array:
        """Heat as a share of full load's, of ``output`` and the ``running`` share of the capacity.

        ``output`` and ``running`` : (...,), shares of the capacity, 0 <= output <= running <= 1.
        """
        return self.no_load * np.asarray(running, dtype=float) + self.marginal * np.asarray(
            output, dtype=float
        )

    def relative(self, output: npt.ArrayLike) -> Array:
        """Heat rate over that at full load, of ``output`` (share of the running capacity, (0, 1])."""
        x = np.asarray(output, dtype=float)
        if np.any(~((x > 0.0) & (x <= 1.0))):
            raise InputError("a heat rate needs an output", key="output", allowed="above 0, at most 1")
        return self.marginal + self.no_load / x


@dataclass(frozen=True)
class Derating:
    """Capacity and heat rate over the temperature of the air.

    ``reference`` : K; at and below it the plant gives its rating (ISO conditions: 288.15 K).
    ``capacity_slope`` : share of the rating lost per K above it.
    ``heat_slope`` : share by which the heat rate rises per K above it.
    ``cold_gain`` : share of the rating that cold air may add, 0 where the generator or the connection is
    the limit.
    """

    reference: float
    capacity_slope: float
    heat_slope: float = 0.0
    cold_gain: float = 0.0

    def __post_init__(self) -> None:
        for name in ("reference", "capacity_slope", "heat_slope", "cold_gain"):
            value = getattr(self, name)
            check_range(f"derating.{name}", value, 0.0, message="not a sensible value")

    def capacity(self, temperature: npt.ArrayLike) -> Array:
        """Share of the rating that can run, (...,) as ``temperature`` [K]; 0 to 1 + ``cold_gain``."""
        above = _kelvin(temperature) - self.reference
        return np.clip(1.0 - self.capacity_slope * above, 0.0, 1.0 + self.cold_gain)

    def heat_rate(self, temperature: npt.ArrayLike) -> Array:
        """Heat rate over that of the rating, (...,) as ``temperature`` [K]; 1 at and below the reference."""
        return 1.0 + self.heat_slope * np.maximum(_kelvin(temperature) - self.reference, 0.0)


def _kelvin(temperature: npt.ArrayLike) -> Array:
    values = np.asarray(temperature, dtype=float)
    coldest, hottest = _EARTH
    fits = (values >= coldest) & (values <= hottest)
    if not np.all(fits):
        bad = values[~fits].ravel()[0]
        raise InputError(
            "not a temperature of air",
            key="temperature",
            given=f"{bad:g} K",
            allowed=f"{coldest:g} to {hottest:g} K, in kelvin, without gaps",
        )
    return values


#: K; no station has measured air outside (Vostok 183.9 K, Death Valley 329.9 K: WMO archive of extremes).
_EARTH = (180.0, 335.0)
