"""A load that gives way: a part that can be cut at a price, a part that can wait.

Training is *cut*: a job that is paused or capped loses time, worth so much per joule not drawn, in steps of
which each costs more than the one before (:class:`CutStep`). Batch serving is *deferred*: the energy is drawn
later, within a window. Deferred work is one queue, first come, first served, so "no work waits longer than
W hours" is "the queue holds no more than what came in the last W hours"; with that the queue's length is the
only variable of an hour, and its limits are known beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_rules
from gigawatt.core.errors import InputError

__all__ = ["CutStep", "Flexible", "before_in", "queue_limit"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_HOUR = 3600.0
_ROUNDING = 1e-12
"""By how much shares may sum to more than 1."""


@dataclass(frozen=True)
class CutStep:
    """A part of every hour's load that may be cut.

    Attributes
    ----------
    share : float
        Of the hour's load, above 0 to 1.
    cost : float
        $/J cut.
    event : float
        $ per W that begins to be cut: what an event costs however long it is.
    slows : float
        Share of the work of an hour that is lost while all of the step is cut, 0 to 1.
    stops : float
        s of work that an event of all of the step loses.
    name : str
        What is done to the load.
    """

    share: float
    cost: float
    event: float = 0.0
    slows: float = 0.0
    stops: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        rules = (
            ("share", self.share, "a share, above 0 to 1", 0.0 < self.share <= 1.0),
            ("cost", self.cost, "$/J, not negative", self.cost >= 0.0),
            ("event", self.event, "$/W, not negative", self.event >= 0.0),
            ("slows", self.slows, "a share, 0 to 1", 0.0 <= self.slows <= 1.0),
            ("stops", self.stops, "s, not negative", self.stops >= 0.0),
        )
        check_rules(rules, "flexible.steps", finite=True)


@dataclass(frozen=True)
class Flexible:
    """What a load allows.

    Attributes
    ----------
    cut_share : float
        Share of each hour's load that may be cut, where all of it costs the same.
    cut_cost : float
        $/J cut: what the time lost is worth.
    cut_limit : float or None
        Largest share of all energy that may be cut; ``None`` leaves it to the price.
    defer_share : float
        Share of each hour's load that may wait.
    defer_window : float
        Longest wait, s; counted in whole hours, below one hour nothing waits.
    wait_cost : float
        $ per J that waits for one hour.
    peak : float or None
        Largest power with what is made up, W; ``None`` is the largest load.
    steps : tuple of CutStep
        In place of ``cut_share`` and ``cut_cost``: steps of rising cost.
    lost_limit : float or None
        Largest share of the work of all hours that cuts may lose, by ``slows`` and ``stops`` of the steps.
    outage_price : float or None
        $/J that outages leave unserved; ``None``: as all energy not served.
    outage_event : float
        $ of an outage, however long it is.
    """

    cut_share: float = 0.0
    cut_cost: float = 0.0
    cut_limit: float | None = None
    defer_share: float = 0.0
    defer_window: float = 0.0
    wait_cost: float = 0.0
    peak: float | None = None
    steps: tuple[CutStep, ...] = ()
    lost_limit: float | None = None
    outage_price: float | None = None
    outage_event: float = 0.0

    def __post_init__(self) -> None:
        limit = 1.0 if self.cut_limit is None else self.cut_limit
        lost = 1.0 if self.lost_limit is None else self.lost_limit
        outage = 0.0 if self.outage_price is None else self.outage_price
        prices = [step.cost for step in self.steps]
        if self.steps and self.cut_share:
            raise InputError(
                "steps are given as well", key="flexible.cut_share", given=f"{self.cut_share:g}",
                allowed="cut_share and cut_cost, or steps",
            )  # fmt: skip
        if prices != sorted(prices):
            raise InputError(
                "a later step costs less", key="flexible.steps",
                given=", ".join(f"{price:g}" for price in prices), allowed="costs that rise, $/J",
            )  # fmt: skip
        rules = (
            ("cut_share", self.cut_share, "a share, 0 to 1", 0.0 <= self.cut_share <= 1.0),
            ("cut_cost", self.cut_cost, "$/J, not negative", self.cut_cost >= 0.0),
            ("cut_limit", limit, "a share, 0 to 1", 0.0 <= limit <= 1.0),
            ("lost_limit", lost, "a share, 0 to 1", 0.0 <= lost <= 1.0),
            ("outage_price", outage, "$/J, not negative", outage >= 0.0),
            ("outage_event", self.outage_event, "$, not negative", self.outage_event >= 0.0),
            ("defer_share", self.defer_share, "a share, 0 to 1", 0.0 <= self.defer_share <= 1.0),
            ("defer_window", self.defer_window, "s, not negative", self.defer_window >= 0.0),
            ("wait_cost", self.wait_cost, "$ per J and hour, not negative", self.wait_cost >= 0.0),
            ("peak", 1.0 if self.peak is None else self.peak, "W, above 0", (self.peak or 1.0) > 0.0),
            (
                "defer_share",
                self.defer_share + self.share,
                "cut and deferred share together at most 1",
                self.defer_share + self.share <= 1.0 + _ROUNDING,
            ),
        )
        check_rules(rules, "flexible", finite=True)

    @property
    def ladder(self) -> tuple[CutStep, ...]:
        """The steps of what may be cut, cheapest first."""
        if self.steps or self.cut_share == 0.0:
            return self.steps
        return (CutStep(self.cut_share, self.cut_cost),)

    @property
    def share(self) -> float:
        """Share of each hour's load that may be cut in all steps together."""
        return math.fsum(step.share for step in self.steps) if self.steps else self.cut_share

    @property
    def window(self) -> int:
        """Hours that work may wait."""
        return int(self.defer_window // _HOUR)

    def lost(self, cut: Array, load: Array, before: Ints, weight: Array) -> float:
        """Share of the work of all hours that cuts lose.

        Parameters
        ----------
        cut : (H, steps)
            W cut by step of :attr:`ladder`; (H, 0) where nothing may be cut.
        load, before, weight : (H,)
            W; index of the hour before each; how much an hour counts, 1 in the mean.
        """
        lost, part = 0.0, np.divide(1.0, load, out=np.zeros_like(load), where=load > 0.0)
        for step, power in zip(self.ladder, cut.T, strict=False):
            begun = np.maximum(power - power[before], 0.0)
            hours = step.slows * power + step.stops / _HOUR * begun
            lost += float(weight @ (hours * part)) / step.share
        return lost / float(np.sum(weight))

    @property
    def waits(self) -> bool:
        """Whether any work may wait."""
        return self.defer_share > 0.0 and self.window > 0

    @property
    def cuts(self) -> bool:
        """Whether any load may be cut."""
        return self.share > 0.0 and self.cut_limit != 0.0 and self.lost_limit != 0.0


def before_in(blocks: tuple[int, ...]) -> Ints:
    """Index of the hour before each hour, cyclic within each block of so many hours."""
    first = np.cumsum([0, *blocks[:-1]])
    return np.concatenate([a + np.roll(np.arange(n), 1) for a, n in zip(first, blocks, strict=True)])


def queue_limit(*, arriving: npt.ArrayLike, window: int, blocks: tuple[int, ...]) -> Array:
    """The longest queue at the end of each hour in which no work has waited ``window`` hours.

    Parameters
    ----------
    arriving : (H,)
        Deferrable work that comes in an hour, in any unit.
    window : int
        Hours; a window as long as a block or longer is the whole block.
    blocks : tuple of int
        Hours of each block; a block repeats for ever.

    Returns
    -------
    (H,)
        In the unit of ``arriving``: the sum over the last ``window`` hours, this one included.
    """
    work = np.asarray(arriving, dtype=float)
    limit, first = np.zeros_like(work), 0
    for count in blocks:
        part = work[first : first + count]
        reach = min(window, count)
        summed = np.cumsum(np.concatenate([part[count - reach :], part]))
        limit[first : first + count] = summed[reach:] - summed[: len(summed) - reach]
        first += count
    return limit
