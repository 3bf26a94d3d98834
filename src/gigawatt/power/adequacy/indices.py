"""Adequacy by convolution: LOLH, LOLE, EUE, frequency and duration of load against units, hour by hour.

Exact where hours do not depend on one another but by the units that are out: without stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError
from gigawatt.power.adequacy.outage_table import OutageTable, outage_table
from gigawatt.power.adequacy.units import Units

__all__ = ["Indices", "convolve"]

Array = npt.NDArray[np.float64]
_DAY = 24
_STATES = 600
"""Tables that the hours of a system may ask for; above, shares and risks of the hours are rounded further."""
_WIDE = 2**62
"""Numbers that states may have before they are counted through."""
_OUT = 0.95
"""Highest forced outage rate of an hour."""
_ROUNDED = ((1e-12, 0.05), (0.01, 0.1), (0.01, 0.25), (0.02, 0.25), (0.05, 0.5), (0.1, 1.0), (0.5, 1.0))
"""Steps of shares, and of risks."""


@dataclass(frozen=True)
class Indices:
    """What a system lacks over the hours that it was asked for.

    ``hours`` : LOLH. ``days`` : LOLE, of the worst hour of each day; ``None`` where no whole days.
    ``energy`` : EUE, power × h. ``events`` : times that load begins to be lost; ``None`` where units have no
    repair time. ``lolp``, ``lacking`` : (H,) probability of a loss and expected power that lacks.
    ``while_out`` : by kind of unit, share of the hours with a loss while one of those in service is out, and
    power × h that the outages of all of them add; ``modes_out`` the same of common modes.
    """

    hours: float
    days: float | None
    energy: float
    events: float | None
    lolp: Array = field(repr=False)
    lacking: Array = field(repr=False)
    while_out: tuple[tuple[float, float], ...] = ()
    modes_out: tuple[tuple[float, float], ...] = ()

    @property
    def event_hours(self) -> float | None:
        """Mean hours of an event."""
        return self.hours / self.events if self.events else None


def convolve(
    units: Sequence[Units],
    need: npt.ArrayLike,
    *,
    share: npt.ArrayLike | None = None,
    out: npt.ArrayLike | None = None,
    risk: npt.ArrayLike | None = None,
    weight: npt.ArrayLike = 1.0,
    each: bool = False,
) -> Indices:
    """Indices of a load in the order of its hours.

    Parameters
    ----------
    units : sequence of Units
        Kinds of units.
    need : (H,)
        Power that the units must give.
    share : (H, kinds), optional
        Share of its size that a unit in order can give (weather), [0, 1].
    out : (H, kinds), optional
        Units in planned maintenance.
    risk : (H, kinds), optional
        Share of units out over that of the kind (weather), 0 or more.
    weight : float or (H,)
        How much each hour counts, alike within a day.
    each : bool
        Also frequency, and what each kind's outages do (a further table by kind).
    """
    load = np.asarray(need, dtype=float)
    if load.ndim != 1 or not np.all(np.isfinite(load)):
        raise InputError(
            "not a series of hours", key="load", given=f"{load.shape}", allowed="one power an hour"
        )
    scale = _common(share)
    if scale is not None:  # as if the load moved: exact, and fewer states
        load, share = load / scale, None
    key, states = _states(units, len(load), share, out, risk)
    lolp, lacking = np.zeros(len(load)), np.zeros(len(load))
    counts = np.broadcast_to(np.asarray(weight, dtype=float), load.shape)
    rate = np.zeros(len(load))
    worth, before = np.zeros((3, len(units))), np.maximum(load, np.roll(load, 1))
    ordered = np.split(np.argsort(key, kind="stable"), np.cumsum(np.bincount(key))[:-1])
    for hours, parts in zip(ordered, states, strict=True):
        table = outage_table(parts)
        lolp[hours], lacking[hours] = table.losses(load[hours])
        for i, one in enumerate(parts) if each else ():
            if one.count == 0:
                continue
            less = _without_one(parts, i)
            gone = less.short(load[hours])
            already = less.short(before[hours] - one.size)  # short in the hour before, with the unit there
            rate[hours] += one.count * (1.0 - one.forced) * one.failure_rate * np.maximum(gone - already, 0.0)
            added = less.lacking(load[hours]) - less.lacking(load[hours] - one.size)
            here = counts[hours]
            power = here if scale is None else here * scale[hours]
            worth[:, i] += gone @ here, here.sum(), one.count * one.forced * (added @ power)
    if scale is not None:
        lacking = lacking * scale
    whole = len(load) % _DAY == 0
    known = each and not np.any(np.isnan(rate))
    rate += np.maximum(lolp - np.roll(lolp, 1), 0.0)
    return Indices(
        hours=float(lolp @ counts),
        days=float(lolp.reshape(-1, _DAY).max(1) @ counts[::_DAY]) if whole else None,
        energy=float(lacking @ counts),
        events=float(rate @ counts) if known else None,
        lolp=lolp,
        lacking=lacking,
        while_out=tuple((gone / max(there, 1e-300), energy) for gone, there, energy in worth.T.tolist())
        if each
        else (),
    )


def _common(share: npt.ArrayLike | None) -> Array | None:
    """(H,) the share that all kinds have in each hour; ``None`` where they differ, or all is there."""
    if share is None:
        return None
    table = np.asarray(share, dtype=float)
    if table.ndim != 2 or table.shape[1] == 0 or np.all(table == 1.0) or np.any(table[:, 0] <= 0.0):
        return None
    return table[:, 0] if np.all(table == table[:, :1]) else None


def _without_one(parts: Sequence[Units], i: int) -> OutageTable:
    return outage_table([replace(one, count=one.count - (i == k)) for k, one in enumerate(parts)])


def _states(
    units: Sequence[Units],
    hours: int,
    share: npt.ArrayLike | None,
    out: npt.ArrayLike | None,
    risk: npt.ArrayLike | None,
) -> tuple[npt.NDArray[np.int64], list[list[Units]]]:
    """(number of each hour's state, units of each state): those in order, as large and as often out as the
    weather lets."""
    kinds = len(units)
    shares = np.ones((hours, kinds)) if share is None else np.asarray(share, dtype=float)
    away = np.zeros((hours, kinds), dtype=np.int64) if out is None else np.asarray(out, dtype=np.int64)
    risks = np.ones((hours, kinds)) if risk is None else np.asarray(risk, dtype=float)
    if not shares.shape == away.shape == risks.shape == (hours, kinds):
        given = f"{shares.shape}, {away.shape}, {risks.shape}"
        raise InputError("other hours or kinds than the load's", given=given, allowed=f"({hours}, {kinds})")
    none = np.array([one.count == 0 for one in units], dtype=bool)
    if np.any(none):  # their weather makes no states
        shares, away, risks = (
            np.where(none, value, values) for value, values in ((1.0, shares), (0, away), (1.0, risks))
        )
    first, key = np.zeros(1, dtype=np.int64), np.zeros(hours, dtype=np.int64)
    widths, often = shares, risks
    for fine, step in _ROUNDED:
        coarse, seldom = np.round(shares / fine).astype(np.int64), np.round(risks / step).astype(np.int64)
        widths, often = coarse * fine, seldom * step
        first, key = _numbered(np.concatenate([coarse, away, seldom], axis=1))
        if len(first) <= _STATES:
            break
    known: dict[tuple[int, int, float, float], Units] = {}

    def there(h: int, i: int) -> Units:
        """The units of a kind in an hour; hours of many states have the same."""
        wide, seldom, one = float(widths[h, i]), float(often[h, i]), units[i]
        count = max(one.count - int(away[h, i]), 0) if wide > 0.0 else 0
        if (i, count, wide, seldom) not in known:
            forced = min(one.forced * seldom, _OUT)
            known[i, count, wide, seldom] = replace(
                one, count=count, size=one.size * (wide or 1.0), forced=forced
            )
        return known[i, count, wide, seldom]

    return key, [[there(h, i) for i in range(kinds)] for h in first.tolist()]


def _numbered(columns: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(first row of each distinct row of (H, columns), number of each row's), in the order of the columns."""
    least = columns.min(0)
    spans = columns.max(0) - least + 1
    key, most = np.zeros(len(columns), dtype=np.int64), 1
    for i in np.flatnonzero(spans > 1).tolist():
        span, here = int(spans[i]), columns[:, i] - least[i]
        if span > len(columns):  # shares are kept to the last digit: their ranks are fewer
            here = np.unique(here, return_inverse=True)[1]
            span = int(here.max()) + 1
        if most * span > _WIDE:
            key = np.unique(key, return_inverse=True)[1]
            most = int(key.max()) + 1
        key, most = key * span + here, most * span
    _, first, key = np.unique(key, return_index=True, return_inverse=True)
    return first, key
