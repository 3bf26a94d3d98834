"""What moved the answers of a sweep: the part of a quantity's variance that each varied key explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gigawatt.studies.sweep.show import Overview
from gigawatt.studies.sweep.store import SweepStore, quoted

__all__ = ["Effect", "Extreme", "effects", "extremes"]

LEVELS = 12
"""Up to so many values of a key, each is a level; more are put into :data:`GROUPS` groups alike in number."""
GROUPS = 8


@dataclass(frozen=True)
class Effect:
    """What a varied key does to a quantity.

    ``share``: the variance of the means of its levels over that of all scenarios, 0 to 1 (the correlation
    ratio η², which in a full grid is the first-order Sobol index). ``levels``: (first value, last value, mean
    of the quantity, scenarios), in the order of the values, as shown.
    """

    axis: str
    quantity: str
    share: float
    levels: tuple[tuple[Any, Any, float, int], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "levels": [list(level) for level in self.levels]}


@dataclass(frozen=True)
class Extreme:
    """The scenarios of the least and the most of a quantity: their value, and their keys, as shown."""

    quantity: str
    least: float
    most: float
    at_least: dict[str, Any]
    at_most: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))


def _columns(about: Overview) -> tuple[list[str], list[str]]:
    """(keys that differ, quantities that are numbers and differ)."""
    axes = [one.name for one in about.columns if one.axis and one.low != one.high]
    read = [
        one.name
        for one in about.columns
        if not one.axis and isinstance(one.low, float) and one.low != one.high
    ]
    return axes, read


def effects(store: SweepStore, about: Overview) -> tuple[Effect, ...]:
    """Every varied key over every quantity read, of the scenarios with an answer, in order.

    Keys that move together share what they explain: of a sweep whose keys are zipped, each has all of it.
    """
    axes, read = _columns(about)
    found: list[Effect] = []
    with store.connect() as connection:
        for name in read:
            for axis in axes:
                rows = connection.execute(_LEVELS.format(x=quoted(axis), y=quoted(name))).fetchall()
                share = _share(rows)
                if share is not None:
                    levels = tuple((low, high, float(mean), int(n)) for low, high, mean, n, _ in rows)
                    found.append(Effect(axis, name, share, levels))
    return tuple(found)


_LEVELS = f"""
    WITH known AS (
        SELECT {{x}} AS x, {{y}} AS y FROM sweep
        WHERE error IS NULL AND {{x}} IS NOT NULL AND {{y}} IS NOT NULL AND isfinite({{y}}::DOUBLE)
    ), ranked AS (
        SELECT x, y, dense_rank() OVER (ORDER BY x) AS place, count(DISTINCT x) OVER () AS many FROM known
    ), levelled AS (
        SELECT x, y, CASE WHEN many <= {LEVELS} THEN place
                          ELSE 1 + ((place - 1) * {GROUPS}) // many END AS level
        FROM ranked
    )
    SELECT min(x), max(x), avg(y), count(*), sum(y * y) FROM levelled GROUP BY level ORDER BY level
"""


def _share(rows: Sequence[tuple[Any, Any, float, int, float]]) -> float | None:
    """Variance between levels over variance of all; ``None`` where there is none."""
    count = sum(n for *_, n, _ in rows)
    if count < 2 or len(rows) < 2:
        return None
    mean = sum(m * n for _, _, m, n, _ in rows) / count
    between = sum(n * (m - mean) ** 2 for _, _, m, n, _ in rows)
    whole = sum(square for *_, square in rows) - count * mean**2
    if whole <= 1e-12 * count * mean**2:
        return None
    return min(1.0, max(0.0, between / whole))


def extremes(store: SweepStore, about: Overview) -> tuple[Extreme, ...]:
    """Of every quantity read, the scenarios with the least and with the most of it."""
    axes, read = _columns(about)
    found: list[Extreme] = []
    with store.connect() as connection:
        chosen = ", ".join(quoted(name) for name in axes)
        for name in read:
            ends: list[tuple[Any, ...]] = []
            for way in ("ASC", "DESC"):
                row = connection.execute(
                    f"SELECT {quoted(name)}{', ' if chosen else ''}{chosen} FROM sweep "
                    f"WHERE error IS NULL AND {quoted(name)} IS NOT NULL ORDER BY "
                    f"{quoted(name)} {way}, key LIMIT 1"
                ).fetchone()
                if row is not None:
                    ends.append(row)
            if len(ends) == 2:
                least, most = ends
                found.append(
                    Extreme(name, float(least[0]), float(most[0]), dict(zip(axes, least[1:], strict=True)),
                            dict(zip(axes, most[1:], strict=True)))
                )  # fmt: skip
    return tuple(found)
