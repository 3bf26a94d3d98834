"""Who owns AI compute: Herfindahl-Hirschman index and shares of the largest, by quarter, with ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError, nearest
from gigawatt.outlook.series import read_rows

__all__ = ["Concentration", "concentration", "owners", "quarters", "stock_by_year"]

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


@lru_cache(maxsize=1)
def _rows() -> Mapping[str, Mapping[tuple[str, str], tuple[float, float, float]]]:
    found: dict[str, dict[tuple[str, str], tuple[float, float, float]]] = {}
    for row in read_rows("owners"):
        median = float(row["median"])
        low, high = (float(row[key]) if row[key] else median for key in ("low", "high"))
        found.setdefault(row["quarter"], {})[row["maker"], row["owner"]] = (median, low, high)
    return found


def quarters() -> tuple[str, ...]:
    """Ends of quarters with rows, as ``2026-03-31``."""
    return tuple(sorted(_rows()))


@lru_cache(maxsize=64)
def owners(quarter: str) -> Mapping[tuple[str, str], tuple[float, float, float]]:
    """(maker, owner) → median, 5 and 95 % of cumulative H100 equivalents at the end of ``quarter``.

    Where a maker's owner has no row in a quarter, the latest row before it stands (deliveries only add up).

    Raises
    ------
    InputError
        No such quarter.
    """
    if quarter not in _rows():
        raise InputError(
            "no such quarter", key="quarter", given=quarter, allowed=f"{quarters()[0]} to {quarters()[-1]}",
            nearest=nearest(quarter, quarters()),
        )  # fmt: skip
    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    for one in quarters():
        if one <= quarter:
            found.update(_rows()[one])
    return found


def concentration(quarter: str, *, draws: int = 4000, seed: int = 0) -> Concentration:
    """Concentration of ownership with its range.

    Parameters
    ----------
    quarter : str
        One of :func:`quarters`.
    draws, seed : int
        Owners' totals are drawn log-normally with their published 5 and 95 %, independently.

    Returns
    -------
    Concentration

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
    drawn = _by_owner(rows, names, centre * np.exp(normal * width / (2.0 * _Z95)))
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


_Z95 = 1.6448536269514722  # standard normal quantile 0.95


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


def stock_by_year(first: int, last: int) -> tuple[Array, Array]:
    """Tracked stock [H100 equivalents] at the ends of the years ``first`` to ``last``: (years, totals)."""
    years = np.arange(first, last + 1)
    totals = [sum(row[0] for row in owners(f"{year}-12-31").values()) for year in years]
    return years.astype(float), np.array(totals)
