"""Extreme weeks of a year of supply (hottest, highest price, least wind), and duration curves.

Everything here reads the table ``hourly`` of a result (docs/result.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WEEK", "days_of", "hottest_and_coldest_week", "sorted_hours", "weeks"]

Array = NDArray[np.float64]

WEEK = 168
"""Hours of seven days."""
_JULY, _JANUARY = 4632, 312
"""First hours of weeks about the middle of both months, for tables without a temperature."""
_PAIRS = (
    ("temperature", "hottest", "coldest"),
    ("wind", "windiest", "stillest"),
    ("solar", "sunniest", "darkest"),
    ("price", "dearest", "cheapest"),
)
_DUST = 1e-3
"""Power below this share of the load is solver tolerance."""
_STORED, _TAKEN = " stored", " charge"
_SHARES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
"""Shares of the year at which duration curves are listed."""


def _columns(frame: pd.DataFrame, stem: str) -> list[str]:
    """Columns of a quantity, or of what every plant of a kind gives: ``wind`` and ``wind-offshore``."""
    found: list[str] = []
    for name in map(str, frame.columns):
        bare = name.split(" [")[0]
        if (bare == stem or bare.startswith(f"{stem}-")) and not bare.endswith((_STORED, _TAKEN)):
            found.append(name)
    return found


def _ends(values: Array) -> tuple[int, int]:
    """First hours of the seven days with the highest and the lowest mean; weeks start at midnight."""
    starts = np.arange(0, max(1, len(values) - WEEK + 1), 24)
    means = [float(values[start : start + WEEK].mean()) for start in starts]
    return int(starts[int(np.argmax(means))]), int(starts[int(np.argmin(means))])


def weeks(hourly: pd.DataFrame) -> dict[str, int]:
    """First hours of the weeks that stand out, by what they are called.

    The hottest and the coldest are always there (without a temperature: the weeks about mid-July and
    mid-January), the others where the table has what they are about: wind or solar power that is built, a
    price that moves. Curtailed power is not in the power of plants.
    """
    found: dict[str, int] = {}
    last = max(0, len(hourly) - WEEK)
    for stem, most, least in _PAIRS:
        names = _columns(hourly, stem)
        if names:
            values = hourly[names].sum(axis=1).to_numpy(dtype=float)
            if stem == "temperature" or (float(np.ptp(values)) > 0.0 and _counts(hourly, stem, values)):
                found[most], found[least] = _ends(values)
        elif stem == "temperature":
            found[most], found[least] = min(_JULY, last), min(_JANUARY, last)
    return found


def _counts(hourly: pd.DataFrame, stem: str, values: Array) -> bool:
    """Whether power exceeds the solver tolerance of a plant that is not built."""
    load = _columns(hourly, "load")
    if stem == "price" or not load:
        return True
    return float(values.max()) > _DUST * float(hourly[load[0]].to_numpy(dtype=float).max())


def hottest_and_coldest_week(hourly: pd.DataFrame) -> tuple[int, int]:
    """First hours of the hottest and the coldest seven days, on either hemisphere; weeks start at midnight.

    Without a temperature: the weeks about mid-July and mid-January.
    """
    found = weeks(hourly)
    return found["hottest"], found["coldest"]


def days_of(hourly: pd.DataFrame, start: int) -> pd.DataFrame:
    """Means of the seven days from the hour ``start`` on, one row a day, with the columns of the table."""
    import pandas as pd

    week = hourly.iloc[start : start + WEEK]
    first = np.datetime64("2001-01-01") + start // 24
    days = pd.Index([_day(first + i) for i in range(len(week) // 24)], name="day")
    means = week.iloc[: 24 * len(days)].to_numpy(dtype=float).reshape(len(days), 24, -1).mean(axis=1)
    return pd.DataFrame(means, index=days, columns=list(week.columns))


def _day(date: Any) -> str:
    """``3 Jul``: a year of weather is a year of no particular number."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    _, month, day = str(date).split("-")
    return f"{int(day)} {months[int(month) - 1]}"


def sorted_hours(hourly: pd.DataFrame) -> pd.DataFrame:
    """Every column from its highest hour to its lowest, each by itself, at a few shares of the year.

    Returns
    -------
    DataFrame
        Indexed by ``share``, in words, with the columns of the table: what is reached or exceeded in that
        share of the hours.
    """
    import pandas as pd

    levels = np.quantile(hourly.to_numpy(dtype=float), 1.0 - np.array(_SHARES), axis=0)
    words = ["highest hour", *(f"{100 * share:g} % of the year" for share in _SHARES[1:-1]), "lowest hour"]
    return pd.DataFrame(levels, index=pd.Index(words, name="share"), columns=list(hourly.columns))
