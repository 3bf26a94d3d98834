"""The 2030s and the 2040s: which expectations come true in how many draws, and what would have to be true.

For each technology the draws in which it is big at the end of a decade are set against those in which it is
not: medians of every quantity that it is drawn by, and of what moves against it. The *lift* of a quantity is
the chance that a draw in which the technology is big has the higher value of the two (one half: no matter).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.outlook.adoption.expectations import DECADES, came_true, expectations
from gigawatt.outlook.adoption.outputs import SHARES
from gigawatt.outlook.adoption.technologies import COMMON, Technology, drawn_names, read_technology
from gigawatt.outlook.frame import year_index
from gigawatt.outlook.priors import SHARE, Priors

__all__ = ["KEPT", "Decades", "lift"]

Array = NDArray[np.float64]

KEPT = 10_000
"""Draws (the first ones) that are kept for what would have to be true."""
_FEWEST = 30
_TOP = 5
_MOVING: Mapping[str, tuple[str, str]] = {
    "chip_watts_digital": ("watts of a new digital chip per H100 equivalent in that year", "W"),
    "power_queue": ("power that queues let AI campuses of the world have", "GW"),
}
"""Outputs that move against or with technologies, beside what each is drawn by."""


def lift(big: Array, other: Array) -> float:
    """Chance that a value of ``big`` is above one of ``other``, ties counted half.

    Parameters
    ----------
    big, other : array (n,), (m,)
        Not empty.

    Raises
    ------
    InputError
        One of them is empty.

    References
    ----------
    Mann and Whitney 1947, Annals of Mathematical Statistics 18, 50–60: U / (n m).
    """
    if not len(big) or not len(other):
        raise InputError("nothing to compare", given=f"{len(big)} and {len(other)}", allowed="1 or more")
    ordered, big = np.sort(other), np.sort(big)
    below, upto = np.searchsorted(ordered, big, "left"), np.searchsorted(ordered, big, "right")
    return float(np.mean(0.5 * (below + upto)) / len(other))


@dataclass
class Decades:
    """Counts over all draws and columns of the first :data:`KEPT`, filled chunk by chunk."""

    draws: int = 0
    true: dict[str, int] = field(default_factory=dict[str, int])
    columns: dict[tuple[str, str], list[Array]] = field(default_factory=dict[tuple[str, str], list[Array]])

    def add(self, start: int, found: Mapping[str, Array]) -> None:
        """Count draws from ``start`` on; ``found``: outputs (draws, years) in SI."""
        count = 0
        for one in expectations():
            holds = came_true(one, found)
            count = len(holds)
            self.true[one.id] = self.true.get(one.id, 0) + int(np.count_nonzero(holds))
        self.draws += count
        room = max(min(count, KEPT - start), 0)
        for decade, year in DECADES.items():
            at = year_index(year)
            for name in (*SHARES, *_MOVING):
                if room and name in found:
                    values = found[name]
                    column = values[:room, min(at, values.shape[1] - 1)].copy()
                    self.columns.setdefault((decade, name), []).append(column)

    def result(self, priors: Priors, seed: int) -> dict[str, Any]:
        """The decades as they are told: plain numbers and texts.

        Returns
        -------
        dict
            Decade → ``expectations`` (words, definition, share of draws with its standard error) and
            ``technologies`` (share of draws in which each is big, and what those have that others have not).
        """
        kept = min(self.draws, KEPT)
        whole = {key: np.concatenate(parts) for key, parts in self.columns.items()}
        told = [read_technology(id) for id in SHARES.values()]
        needed = {name for one in told for name in self._inputs(one)}
        drawn = priors.draw(seed, 0, kept, needed)
        found: dict[str, Any] = {}
        for decade, year in DECADES.items():
            lines: list[dict[str, Any]] = []
            for one in expectations():
                if one.decade == decade:
                    share = self.true[one.id] / self.draws
                    error = float(np.sqrt(share * (1.0 - share) / self.draws))
                    lines.append({
                        "id": one.id, "words": one.words, "definition": one.definition, "share": share,
                        "error": error, "speaks": one.speaks, "note": one.note,
                    })  # fmt: skip
            found[decade] = {
                "year": year,
                "draws": self.draws,
                "compared": kept,
                "expectations": lines,
                "technologies": [self._wanted(one, decade, whole, drawn, priors) for one in told],
            }
        return found

    @staticmethod
    def _inputs(one: Technology) -> tuple[str, ...]:
        return (*drawn_names(one), *COMMON.get(one.family, ()))

    def _wanted(
        self,
        one: Technology,
        decade: str,
        whole: Mapping[tuple[str, str], Array],
        drawn: Mapping[str, Array],
        priors: Priors,
    ) -> dict[str, Any]:
        shares = whole[decade, f"{one.key}_share"]
        big = shares >= one.big
        low, middle, high = (float(x) for x in np.quantile(shares, (0.05, 0.5, 0.95)))
        told: dict[str, Any] = {
            "id": one.id, "name": one.name, "market": one.market, "big_from": one.big,
            "big": float(np.mean(big)), "median": middle, "low": low, "high": high, "wanted": [],
        }  # fmt: skip
        if min(np.count_nonzero(big), np.count_nonzero(~big)) < _FEWEST:
            return told
        rows: list[dict[str, Any]] = []
        for name in dict.fromkeys(self._inputs(one)):
            row = priors.rows[name]
            if row.distribution.kind != "fixed" and not row.yearly:
                scale = 1.0 if row.unit in (SHARE, "1") else factor(row.unit)
                unit = "" if row.unit == SHARE else row.unit
                rows.append(_compared(name, row.summary, unit, drawn[name][:, 0] / scale, big))
        for name, (words, unit) in _MOVING.items():
            rows.append(_compared(name, words, unit, whole[decade, name] / factor(unit), big))
        rows.sort(key=lambda row: -abs(row["lift"] - 0.5))
        told["wanted"] = rows[:_TOP]
        return told


def _compared(name: str, words: str, unit: str, values: Array, big: NDArray[np.bool_]) -> dict[str, Any]:
    chance = set(np.unique(values[:1000])) <= {0.0, 1.0}
    middle = np.mean if chance else np.median
    return {
        "quantity": name, "words": words, "unit": "" if unit == "1" else unit, "mean": bool(chance),
        "big": float(middle(values[big])), "other": float(middle(values[~big])),
        "lift": lift(values[big], values[~big]),
    }  # fmt: skip
