"""Ride-through: what a load's protection does while the voltage dips, and what a grid code asks of it.

An event is the voltage over time, each value held until the next. A load behind an uninterruptible supply
leaves the grid for its battery when the voltage has been outside its window for the time of detection, and
comes back when it has been inside for a wait, with a walk-in. A supply that counts dips stays on its battery
once their number within a window is reached, until it is reset by hand. A load on supplies of the nodes alone
stops where the event passes the curve that these bear.

A curve is a set of bands: how long the voltage (or the frequency) may lie between two values. An event is
within a curve where no stay below the upper end of a band (above the lower end, for overvoltage) is longer
than its duration, and the load has to ride it through.

References
----------
NERC, Incident review: considering simultaneous voltage-sensitive load reductions, 2025. ERCOT, NOGRR 282.
ITI (CBEMA) curve, 2000.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError

__all__ = [
    "Band",
    "Case",
    "Code",
    "Event",
    "Mend",
    "Protection",
    "Ridden",
    "corners",
    "exceeded",
    "judge",
    "mend",
    "ride",
]

Array = npt.NDArray[np.float64]

_EXACT = 1e-9
_BEFORE = 1.0
"""s of rated voltage before a dip of a curve."""
_DIP = 60.0
"""s: a longer stay outside the steady range is no dip that a store bridges."""


@dataclass(frozen=True)
class Band:
    """``duration`` [s] (``inf``: for good) between ``least`` and ``most``, shares of rated voltage or Hz."""

    least: float
    most: float
    duration: float


@dataclass(frozen=True)
class Code:
    """What a grid code asks of a load.

    Attributes
    ----------
    id, name, status : str
    voltage, frequency : tuple of Band
        To be borne; empty where it asks nothing.
    recovery_level : float
        Share of the load that has to be back on the grid within ``recovery_time`` [s] (``inf``: no time is
        given) after the voltage is back at ``recovery_voltage``.
    recovery_voltage, recovery_time : float
    rocof : float
        Hz/s to be borne; 0: not asked.
    counting : bool
        Whether protection may count dips.
    nominal : float
        Hz.
    least_load : float
        W from which on it applies.
    """

    id: str
    name: str
    status: str
    voltage: tuple[Band, ...]
    frequency: tuple[Band, ...]
    recovery_level: float = 0.9
    recovery_voltage: float = 0.9
    recovery_time: float = math.inf
    rocof: float = 0.0
    counting: bool = True
    nominal: float = 60.0
    least_load: float = 0.0


@dataclass(frozen=True)
class Protection:
    """How a load leaves the grid and comes back.

    Attributes
    ----------
    id : str
    transfer_low, transfer_high : float
        Shares of the rated voltage outside of which it takes its battery; 0 and ``inf``: never.
    detection : float
        s outside before it does.
    wait, walk_in : float
        s inside before it starts to come back, and from nothing to the whole load.
    count, window : float
        Dips within ``window`` [s] after which it stays away until it is reset; ``inf``: it does not count.
    least_wait, least_walk_in : float
        s that its settings allow.
    tolerance : tuple of Band
        Voltages that a load without a battery bears; empty: it has one.
    frequency_low, frequency_high : float
        Shares of the rated frequency outside of which it leaves.
    rocof : float
        Hz/s that it bears.
    by_hand : float
        s until it is reset by hand, or until nodes that stopped have started.
    """

    id: str
    transfer_low: float = 0.0
    transfer_high: float = math.inf
    detection: float = 0.0
    wait: float = 0.0
    walk_in: float = 0.0
    count: float = math.inf
    window: float = 60.0
    least_wait: float = 0.0
    least_walk_in: float = 0.0
    tolerance: tuple[Band, ...] = ()
    frequency_low: float = 0.0
    frequency_high: float = math.inf
    rocof: float = math.inf
    by_hand: float = 3600.0


@dataclass(frozen=True)
class Event:
    """``voltage`` (K,), shares of the rated one, each held from its ``time`` (K,) [s] to the next."""

    id: str
    time: Array
    voltage: Array

    def __post_init__(self) -> None:
        t, v = self.time, self.voltage
        if t.shape != v.shape or t.ndim != 1 or len(t) < 2 or not np.all(np.diff(t) > 0.0):
            raise InputError("the times of an event must grow", key=self.id, given=f"{len(t)} times")
        if not (np.all(np.isfinite(t)) and np.all(np.isfinite(v)) and np.all(v >= 0.0)):
            raise InputError("not a voltage", key=self.id, allowed="shares of the rated voltage, 0 or more")

    def stays(self, below: float, above: float) -> list[tuple[float, float]]:
        """(start, end) [s] of each time that the voltage is below the one or above the other value; a last
        one that does not end has ``inf``."""
        out = (self.voltage < below - _EXACT) | (self.voltage > above + _EXACT)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], out, [False]]).astype(int)))
        ends = np.concatenate([self.time, [math.inf]])
        return [(float(ends[i]), float(ends[j])) for i, j in edges.reshape(-1, 2)]


@dataclass(frozen=True)
class Ridden:
    """How a load went through an event.

    Attributes
    ----------
    time, share : (N,) arrays
        s and share of the load on the grid, linear between the points.
    transfers : tuple of float
        s at which it left the grid, or would have again while it was away.
    left : float
        s at which it left until it is reset by hand; ``inf``: it did not.
    back : float
        s from the last return of the voltage to the recovery of the load; 0 where it never left.
    """

    time: Array
    share: Array
    transfers: tuple[float, ...]
    left: float
    back: float

    @property
    def lost(self) -> float:
        """Largest share of the load that was off the grid."""
        return 1.0 - float(self.share.min())

    @property
    def outcome(self) -> str:
        """``stays``, ``returns`` by itself or ``leaves`` until it is reset."""
        return "leaves" if math.isfinite(self.left) else "returns" if self.lost > 0.0 else "stays"


def ride(event: Event, *, load: Protection, level: float = 0.9, voltage: float = 0.9) -> Ridden:
    """What of a load is on the grid through an event.

    Parameters
    ----------
    event : Event
        Voltage over time.
    load : Protection
        What it does.
    level, voltage : float
        Share of the load that counts as recovered, and share of the rated voltage from which on the time to
        it runs.
    """
    dips = event.stays(voltage, math.inf)
    returned = dips[-1][1] if dips else float(event.time[0])
    if load.tolerance:
        left = exceeded(event, load.tolerance)
        transfers = (left,) if math.isfinite(left) else ()
        points = [(float(event.time[0]), 1.0)]
        if transfers:
            points += [(left, 1.0), (left, 0.0)]
        back = max(left - returned, 0.0) + load.by_hand if transfers else 0.0
    else:
        points, transfers, left, start = _transfers(event, load)
        back = 0.0
        if math.isfinite(left):
            back = load.by_hand
        elif transfers:
            back = max(start + level * load.walk_in - returned, 0.0)
    end = max(float(event.time[-1]), points[-1][0])
    if not math.isfinite(left) and transfers and math.isfinite(back):
        end = max(end, returned + back)
    points.append((end, points[-1][1]))
    time, share = (np.array(one) for one in zip(*points, strict=True))
    return Ridden(time, share, transfers, left, back)


def _transfers(
    event: Event, load: Protection
) -> tuple[list[tuple[float, float]], tuple[float, ...], float, float]:
    """(points of the share, times of transfers, when it left for good, when its last walk-in starts)."""
    points = [(float(event.time[0]), 1.0)]
    transfers: list[float] = []
    left, start = math.inf, -math.inf  # start: of a walk-in that runs or is done; inf: away
    for began, ended in event.stays(load.transfer_low, load.transfer_high):
        at = began + load.detection
        if not ended > at + _EXACT:
            continue
        transfers.append(at)
        if math.isinf(left):
            share = _walked(at, start, load.walk_in)
            if share > 0.0 and start > -math.inf:
                points += _rising(start, min(at, start + load.walk_in), load.walk_in)
            if share > 0.0:
                points += [(at, share), (at, 0.0)]
            recent = [one for one in transfers if one > at - load.window]
            if len(recent) >= load.count:
                left, start = at, math.inf
                continue
            start = ended + load.wait
    if math.isfinite(start) and math.isinf(left):
        points += _rising(start, start + load.walk_in, load.walk_in)
    return points, tuple(transfers), left, start


def _walked(at: float, start: float, walk_in: float) -> float:
    """Share on the grid at a time, of a walk-in from ``start``."""
    if at <= start:
        return 0.0
    return 1.0 if walk_in == 0.0 else min((at - start) / walk_in, 1.0)


def _rising(start: float, end: float, walk_in: float) -> list[tuple[float, float]]:
    return [(start, 0.0), (end, 1.0 if walk_in == 0.0 else min((end - start) / walk_in, 1.0))]


def exceeded(event: Event, bands: Iterable[Band]) -> float:
    """When an event passes a curve [s], so that what follows the curve may stop; ``inf``: never."""
    curve = list(bands)
    if not curve:
        return math.inf
    first = math.inf
    low = [band for band in curve if band.most <= 1.0]
    high = [band for band in curve if band.least >= 1.0]
    bottom, top = min(band.least for band in curve), max(band.most for band in curve)
    tried = [(band.most, math.inf, band.duration) for band in low]
    tried += [(-math.inf, band.least, band.duration) for band in high]
    tried += [(bottom, math.inf, 0.0)] if bottom <= 1.0 else []
    tried += [(-math.inf, top, 0.0)] if top >= 1.0 else []
    for below, above, duration in tried:
        for began, ended in event.stays(below, above):
            if ended - began > duration + _EXACT:
                first = min(first, began + duration)
    return first


def corners(code: Code) -> tuple[tuple[Band, Event], ...]:
    """The hardest events of a code's curve: for each band of some seconds its far end for all of them."""
    found: list[tuple[Band, Event]] = []
    for band in code.voltage:
        if math.isfinite(band.duration):
            worst = band.least if band.most <= 1.0 else band.most
            times = np.array([0.0, _BEFORE, _BEFORE + band.duration])
            event = Event(f"{worst:g} for {band.duration:g} s", times, np.array([1.0, worst, 1.0]))
            found.append((band, event))
    return tuple(found)


@dataclass(frozen=True)
class Case:
    """One demand of a code, and what the load does.

    ``quantity`` (``voltage``, ``frequency``, ``rocof``, ``counting``), ``value`` (share, Hz, Hz/s) for
    ``duration`` [s]; ``outcome`` as of :class:`Ridden`; ``lost`` share of the load; ``back`` [s] against the
    ``allowed`` ones; ``broken``: why, in words, empty where it is met.
    """

    quantity: str
    value: float
    duration: float
    outcome: str
    lost: float
    back: float
    allowed: float
    broken: str


def judge(code: Code, load: Protection) -> tuple[Case, ...]:
    """Every demand of a code beside what a load's protection does."""
    found: list[Case] = []
    for band, event in corners(code):
        seen = ride(event, load=load, level=code.recovery_level, voltage=code.recovery_voltage)
        worst = band.least if band.most <= 1.0 else band.most
        broken = ""
        if seen.outcome == "leaves":
            broken = "it leaves until it is reset"
        elif seen.back > code.recovery_time + _EXACT:
            broken = f"it is back after {seen.back:.3g} s, {code.recovery_time:g} s are allowed"
        found.append(
            Case(
                "voltage",
                worst,
                band.duration,
                seen.outcome,
                seen.lost,
                seen.back,
                code.recovery_time,
                broken,
            )
        )
    for band in code.frequency:
        for hertz in (band.least, band.most):
            inside = load.frequency_low - _EXACT <= hertz / code.nominal <= load.frequency_high + _EXACT
            if not inside:
                words = f"it leaves below {load.frequency_low * code.nominal:g} Hz"
                if hertz > code.nominal:
                    words = f"it leaves above {load.frequency_high * code.nominal:g} Hz"
                found.append(Case("frequency", hertz, band.duration, "leaves", 1.0, load.by_hand, 0.0, words))
                break
        else:
            far = max((band.least, band.most), key=lambda hertz: abs(hertz - code.nominal))
            found.append(Case("frequency", far, band.duration, "stays", 0.0, 0.0, 0.0, ""))
    if code.rocof > 0.0:
        met = load.rocof >= code.rocof
        words = "" if met else f"it leaves above {load.rocof:g} Hz/s"
        found.append(Case("rocof", code.rocof, 0.5, "stays" if met else "leaves", 0.0 if met else 1.0,
                          0.0 if met else load.by_hand, 0.0, words))  # fmt: skip
    if not code.counting:
        counts = math.isfinite(load.count)
        words = f"it counts: {load.count:g} dips within {load.window:g} s and it is gone" if counts else ""
        found.append(Case("counting", load.count, load.window, "leaves" if counts else "stays",
                          1.0 if counts else 0.0, load.by_hand if counts else 0.0, 0.0, words))  # fmt: skip
    return tuple(found)


@dataclass(frozen=True)
class Mend:
    """A change of a load: its words, the protection that it makes, the s of the load that a store holds (0:
    settings alone), and the demands that stay broken."""

    id: str
    load: Protection
    hold: float
    left: tuple[Case, ...]


def mend(code: Code, load: Protection) -> tuple[Mend, ...]:
    """Changes of a load from the least to the largest, up to the first with which no demand is broken.

    As it is; without its counter; back as soon as its settings allow; both; a store behind its supply that
    holds the load through the longest dip that is still broken then, so that it never leaves.
    """
    quick = replace(load, wait=min(load.wait, load.least_wait), walk_in=min(load.walk_in, load.least_walk_in))
    settled = replace(quick, count=math.inf)
    dips = [case.duration for case in judge(code, settled) if case.broken and case.quantity == "voltage"]
    hold = max((seconds for seconds in dips if seconds <= _DIP), default=0.0)
    held = replace(load, tolerance=(), transfer_low=0.0, transfer_high=math.inf, count=math.inf)
    changes = [("as it is", load, 0.0)]
    if math.isfinite(load.count):
        changes.append(("counter off", replace(load, count=math.inf), 0.0))
    if quick != load:
        changes.append(("quick return", quick, 0.0))
        if math.isfinite(load.count):
            changes.append(("counter off and quick return", settled, 0.0))
    if hold > 0.0:
        changes.append(("hold-up store", held, hold))
    found: list[Mend] = []
    for words, changed, seconds in changes:
        left = tuple(case for case in judge(code, changed) if case.broken)
        found.append(Mend(words, changed, seconds, left))
        if not left:
            break
    return tuple(found)
