"""A load that gives way: a part that can be cut at a price, a part that can wait.

Training is *cut*: a job that is paused or capped loses time, worth so much per joule not drawn. Serving that
nobody waits for is *deferred*: the energy is drawn later, within a window. Deferred work is one queue, first
come, first served, so "nobody waits longer than W hours" is "the queue holds no more than what came in the
last W hours"; with that the queue's length is the only variable of an hour, and its limits are known
beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError

__all__ = ["Flexible", "before_in", "queue_limit"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_HOUR = 3600.0


@dataclass(frozen=True)
class Flexible:
    """What a load allows.

    Attributes
    ----------
    cut_share : float
        Share of each hour's load that may be cut.
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
    """

    cut_share: float = 0.0
    cut_cost: float = 0.0
    cut_limit: float | None = None
    defer_share: float = 0.0
    defer_window: float = 0.0
    wait_cost: float = 0.0
    peak: float | None = None

    def __post_init__(self) -> None:
        limit = 1.0 if self.cut_limit is None else self.cut_limit
        checks = (
            ("cut_share", self.cut_share, "a share, 0 to 1", 0.0 <= self.cut_share <= 1.0),
            ("cut_cost", self.cut_cost, "$/J, not negative", self.cut_cost >= 0.0),
            ("cut_limit", limit, "a share, 0 to 1", 0.0 <= limit <= 1.0),
            ("defer_share", self.defer_share, "a share, 0 to 1", 0.0 <= self.defer_share <= 1.0),
            ("defer_window", self.defer_window, "s, not negative", self.defer_window >= 0.0),
            ("wait_cost", self.wait_cost, "$ per J and hour, not negative", self.wait_cost >= 0.0),
            ("peak", 1.0 if self.peak is None else self.peak, "W, above 0", (self.peak or 1.0) > 0.0),
            (
                "defer_share",
                self.defer_share + self.cut_share,
                "cut and deferred share together at most 1",
                self.defer_share + self.cut_share <= 1.0,
            ),
        )
        for key, value, allowed, fits in checks:
            if not (math.isfinite(value) and fits):
                raise InputError(
                    "not a sensible value", key=f"flexible.{key}", given=f"{value:g}", allowed=allowed
                )

    @property
    def window(self) -> int:
        """Hours that work may wait."""
        return int(self.defer_window // _HOUR)

    @property
    def waits(self) -> bool:
        """Whether any work may wait."""
        return self.defer_share > 0.0 and self.window > 0

    @property
    def cuts(self) -> bool:
        """Whether any load may be cut."""
        return self.cut_share > 0.0 and self.cut_limit != 0.0


def before_in(blocks: tuple[int, ...]) -> Ints:
    """Index of the hour before each hour, cyclic within each block of so many hours."""
    first = np.cumsum([0, *blocks[:-1]])
    return np.concatenate([a + np.roll(np.arange(n), 1) for a, n in zip(first, blocks, strict=True)])


def queue_limit(*, arriving: npt.ArrayLike, window: int, blocks: tuple[int, ...]) -> Array:
    """The longest queue at the end of each hour in which nobody has waited ``window`` hours.

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
