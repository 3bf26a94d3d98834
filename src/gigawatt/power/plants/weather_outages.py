"""How often units fail in cold and in heat: the shape of measured outage rates over temperature.

References
----------
Murphy, Sowell, Apt (2019), A time-dependent model of generator failures and recoveries captures correlated
events and quantifies temperature dependence, Applied Energy 253: PJM, 1995 to 2018.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import table

__all__ = ["outage_curve", "outages_in"]

Array = npt.NDArray[np.float64]
_CURVES, _PLANTS = "outages_temperature", "outages_weather"


@cache
def outage_curve(curve: str) -> tuple[Array, Array]:
    """(temperatures [K], forced outage rates) of a curve of ``outages_temperature``, cold to warm."""
    rows = [row for row in table(_CURVES).values() if row.text("curve") == curve]
    points = sorted((row.value("temperature"), row.value("forced_outage_rate")) for row in rows)
    return np.array([t for t, _ in points]), np.array([rate for _, rate in points])


def outages_in(plant: str, temperature: npt.ArrayLike) -> float | Array:
    """Forced outage rate of a plant in each hour over the mean that its row stands for; 1 without a curve.

    Parameters
    ----------
    plant : str
        Id in ``plants``.
    temperature : (H,)
        Of the air, K; beyond the ends of the curve its end holds.
    """
    row = table(_PLANTS).get(plant)
    if row is None:
        return 1.0
    return np.interp(np.asarray(temperature, dtype=float), *outage_curve(row.text("curve"))) / row.value(
        "mean"
    )
