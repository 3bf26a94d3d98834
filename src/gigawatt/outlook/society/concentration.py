"""Who owns AI compute: Herfindahl-Hirschman index and shares of the largest, by quarter, with ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Z95
from gigawatt.outlook.series import owners

__all__ = ["Concentration", "concentration"]

Array = NDArray[np.float64]

OTHER = "Other"
CHINA = "China"
_SCALE = 1e4  # of the index: shares in percent, squared


@dataclass(frozen=True)
class Concentration:
    """Concentration at the end of ``quarter``.

    ``hhi_low``: owners without a name taken as countless small ones; ``hhi_high``: as one owner, China as
    another. ``largest``: summed shares of the 1, 3 and 5 largest named owners; ``largest_low`` and
    ``largest_high``, and ``hhi_low_5`` and ``hhi_low_95``: 5 and 95 % over the owners' own ranges.
    ``total`` in H100 equivalents.
    """

    quarter: str
    total: float
    hhi_low: float
    hhi_high: float
    hhi_low_5: float
    hhi_low_95: float
    largest: Mapping[int, float]
    largest_low: Mapping[int, float]
    largest_high: Mapping[int, float]


def concentration(quarter: str, *, draws: int = 4000, seed: int = 0) -> Concentration:
    """Concentration of ownership with its range.

    Parameters
    ----------
    quarter : str
        One of :func:`~gigawatt.outlook.series.quarters`.
    draws, seed : int
        Owners' totals are drawn log-normally with their published 5 and 95 %, independently.

    Raises
    ------
    InputError
        No such quarter, or fewer than one draw.
    """
    if draws < 1:
        raise InputError("nothing to draw", key="draws", given=draws, allowed="1 or more")
    rows = owners(quarter)
    names = sorted({owner for _, owner in rows})
    middle = _by_owner(rows, names, np.array([row[0] for row in rows.values()]))
    rng = np.random.Generator(np.random.Philox(seed))
    width = np.array([np.log(row[2] / row[1]) if row[1] > 0.0 else 0.0 for row in rows.values()])
    centre = np.array([row[0] for row in rows.values()])
    normal = rng.standard_normal((draws, len(rows)))
    drawn = _by_owner(rows, names, centre * np.exp(normal * width / (2.0 * Z95)))
    hhi_low, hhi_high, top = _measures(middle[None, :], names)
    low_draws, _, top_draws = _measures(drawn, names)
    five, ninety_five = np.quantile(low_draws, [0.05, 0.95])
    return Concentration(
        quarter=quarter,
        total=float(middle.sum()),
        hhi_low=float(hhi_low[0]),
        hhi_high=float(hhi_high[0]),
        hhi_low_5=float(five),
        hhi_low_95=float(ninety_five),
        largest={k: float(v[0]) for k, v in top.items()},
        largest_low={k: float(np.quantile(v, 0.05)) for k, v in top_draws.items()},
        largest_high={k: float(np.quantile(v, 0.95)) for k, v in top_draws.items()},
    )


def _by_owner(
    rows: Mapping[tuple[str, str], tuple[float, float, float]], names: list[str], values: Array
) -> Array:
    """Sum (…, rows) over makers to (…, owners)."""
    index = np.array([names.index(owner) for _, owner in rows])
    summed = np.zeros((*values.shape[:-1], len(names)))
    for column, owner in enumerate(index):
        summed[..., owner] += values[..., column]
    return summed


def _measures(values: Array, names: list[str]) -> tuple[Array, Array, dict[int, Array]]:
    share = values / values.sum(axis=-1, keepdims=True)
    named = np.array([name not in (OTHER, CHINA) for name in names])
    ordered = -np.sort(-share[:, named], axis=-1)
    low = _SCALE * (ordered**2).sum(axis=-1)
    high = _SCALE * (share**2).sum(axis=-1)
    return low, high, {k: ordered[:, :k].sum(axis=-1) for k in (1, 3, 5)}
