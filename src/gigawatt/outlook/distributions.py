"""Distributions by quantile: what is not known, as a function of a uniform number.

Ranges are the 5 and 95 % quantiles for shapes with tails (normal, lognormal, student_t, logitnormal) and the
ends for shapes without (uniform, loguniform, triangular, pert). A normal or lognormal with ``mid`` has it as
its median, and so may be skewed: its score is scaled on each side by itself (two-piece).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Z95

__all__ = ["KINDS", "Distribution", "normal_score", "student_t_score"]

Array = NDArray[np.float64]

KINDS = (
    "fixed",
    "normal",
    "lognormal",
    "student_t",
    "logitnormal",
    "uniform",
    "loguniform",
    "triangular",
    "pert",
    "beta",
    "chance",
    "bootstrap",
)
_RANGED = ("normal", "lognormal", "student_t", "logitnormal", "uniform", "loguniform")
_MODED = ("triangular", "pert")
_POSITIVE = ("lognormal", "loguniform")
_BOUNDED = ("logitnormal", "uniform", "loguniform", "triangular", "pert", "beta", "chance", "fixed")
_NODES = np.linspace(-8.3, 8.3, 2 * 4150 + 1)  # ±8.29: where a uniform of 53 bits ends


def normal_score(u: Array) -> Array:
    """Standard normal numbers from uniform ones."""
    from scipy.special import ndtri  # pyright: ignore[reportMissingTypeStubs]

    return np.asarray(ndtri(u))


@lru_cache(maxsize=64)
def _tabled(kind: str, a: float, b: float) -> Array:
    """Quantiles of a standard shape at the normal scores ``_NODES``."""
    from scipy.special import betaincinv, ndtr, stdtrit  # pyright: ignore[reportMissingTypeStubs]

    p = ndtr(_NODES)
    if kind == "student_t":
        lower = np.asarray(stdtrit(a, p[_NODES <= 0.0]))
        return np.concatenate([lower, -lower[-2::-1]])  # symmetric: the upper tail keeps its digits
    return np.asarray(betaincinv(a, b, p))


def _between(z: Array, table: Array) -> Array:
    """``table`` at the scores ``z``, linear between ``_NODES``, which are evenly spaced."""
    place = np.clip(
        (np.asarray(z) - _NODES[0]) * ((len(_NODES) - 1) / (_NODES[-1] - _NODES[0])), 0.0, len(_NODES) - 1.0
    )
    left = np.minimum(place.astype(np.intp), len(_NODES) - 2)
    low = table[left]
    return low + (place - left) * (table[left + 1] - low)


def student_t_score(z: Array, freedom: float) -> Array:
    """Student-t numbers with ``freedom`` degrees from standard normal ones, by a table of 8,301 nodes.

    Parameters
    ----------
    z : array
        Any shape.
    freedom : float
        Degrees of freedom, > 2 (a finite variance).

    Returns
    -------
    array
        As ``z``; within 2e-5 of the exact quantile, relative.

    Raises
    ------
    InputError
        Degrees of freedom of 2 or fewer.
    """
    if not freedom > 2.0:
        raise InputError("no finite variance", key="freedom", given=freedom, allowed="> 2")
    return _between(z, _tabled("student_t", float(freedom), 0.0))


@dataclass(frozen=True)
class Distribution:
    """One quantity that is not known; ``low``, ``mid``, ``high`` in the unit of its row.

    fixed: ``mid``. student_t: ``shape`` degrees of freedom. triangular, pert: ``mid`` is the mode, ``shape``
    of pert its weight (4). beta: ``mid`` the mean, ``shape`` the concentration a + b. chance: 1 with
    probability ``mid``, else 0. bootstrap: the number of one of ``mid`` rows, drawn with replacement.
    ``share``: must lie within 0 to 1.

    Raises
    ------
    InputError
        A kind that is not known, numbers that are missing, low above high, a mode outside its ends, a scale
        or shape that is not positive, a share outside 0 to 1.
    """

    kind: str
    low: float | None = None
    mid: float | None = None
    high: float | None = None
    shape: float | None = None
    share: bool = False

    def __post_init__(self) -> None:
        kind = self.kind
        check_word(None, kind, KINDS, "no such distribution")
        for name in ("low", "mid", "high", "shape"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise InputError(f"{name} is not a finite number", given=value, allowed="finite")
        if kind in _RANGED or kind in _MODED:
            if self.low is None or self.high is None:
                raise InputError(f"{kind} needs low and high", given=f"{self.low} to {self.high}")
            if not self.low < self.high:
                raise InputError(
                    "low is not below high", given=f"{self.low:g} to {self.high:g}", allowed="low < high"
                )
            if kind in _POSITIVE and not self.low > 0.0:
                raise InputError(f"{kind} is of positive numbers", given=self.low, allowed="low > 0")
            if (
                self.mid is not None
                and kind in ("normal", "lognormal")
                and not self.low < self.mid < self.high
            ):
                raise InputError(
                    "the median is outside its range",
                    given=self.mid,
                    allowed=f"{self.low:g} to {self.high:g}",
                )
            if kind in _MODED and not (self.mid is not None and self.low <= self.mid <= self.high):
                raise InputError(
                    "the mode is outside its ends", given=self.mid, allowed=f"{self.low:g} to {self.high:g}"
                )
        elif self.mid is None:
            raise InputError(f"{kind} needs mid", given=self.mid)
        self._check_shape()
        self._check_share()

    def _check_shape(self) -> None:
        if self.kind == "student_t" and not (self.shape or 0.0) > 2.0:
            raise InputError("degrees of freedom", given=self.shape, allowed="> 2 (a finite variance)")
        if self.kind == "beta" and not (self.shape or 0.0) > 0.0:
            raise InputError("the concentration is not positive", given=self.shape, allowed="> 0")
        if self.kind == "beta" and not 0.0 < (self.mid or 0.0) < 1.0:
            raise InputError(
                "a mean outside the beta distribution", given=self.mid, allowed="between 0 and 1"
            )
        if self.kind == "chance" and not 0.0 <= (self.mid or 0.0) <= 1.0:
            raise InputError("not a probability", given=self.mid, allowed="0 to 1")
        if self.kind == "bootstrap" and not (self.mid and self.mid >= 1 and self.mid == int(self.mid)):
            raise InputError("not a number of rows", given=self.mid, allowed="a whole number ≥ 1")
        if self.kind == "pert" and self.shape is not None and not self.shape > 0.0:
            raise InputError("the weight of the mode is not positive", given=self.shape, allowed="> 0")

    def _check_share(self) -> None:
        ends = [x for x in (self.low, self.mid, self.high) if x is not None]
        inside = self.kind in _BOUNDED and all(0.0 <= x <= 1.0 for x in ends)
        if self.kind == "logitnormal" and not all(0.0 < x < 1.0 for x in ends):
            raise InputError(
                "logitnormal lies between 0 and 1",
                given=f"{self.low} to {self.high}",
                allowed="0 < low < high < 1",
            )
        if self.share and not inside:
            raise InputError(
                "a share outside 0 to 1",
                given=f"{self.kind} of {', '.join(f'{x:g}' for x in ends)}",
                allowed=f"{', '.join(_BOUNDED)}, within 0 to 1",
            )

    def scaled(self, factor: float) -> Distribution:
        """The same distribution of the quantity times ``factor`` > 0 (a change of unit)."""
        if factor == 1.0 or self.kind in ("bootstrap", "chance", "beta", "logitnormal"):
            return self
        low, mid, high = (None if x is None else x * factor for x in (self.low, self.mid, self.high))
        return Distribution(self.kind, low, mid, high, self.shape, self.share)

    def quantile(self, u: Array) -> Array:
        """Values at the probabilities ``u`` in (0, 1), any shape; monotone in ``u``."""
        return self._functions()[self.kind](u)

    def _functions(self) -> dict[str, Callable[[Array], Array]]:
        low, mid, high = (0.0 if x is None else x for x in (self.low, self.mid, self.high))
        shape = 4.0 if self.shape is None else self.shape

        def line(z: Array, a: float, b: float, m: float | None = None) -> Array:  # 5 % at a, 95 % at b
            if m is None:
                return 0.5 * (a + b) + z * (0.5 * (b - a) / Z95)
            return m + np.where(z < 0.0, z * (m - a), z * (b - m)) / Z95

        median = None if self.mid is None else mid

        def student(u: Array) -> Array:
            edge = float(student_t_score(np.array(Z95), shape))
            return line(student_t_score(normal_score(u), shape) * (Z95 / edge), low, high)

        def logit(u: Array) -> Array:
            ends = [math.log(x / (1.0 - x)) for x in (low, high)]
            return 1.0 / (1.0 + np.exp(-line(normal_score(u), ends[0], ends[1])))

        def triangle(u: Array) -> Array:
            part = (mid - low) / (high - low)
            up = low + np.sqrt(u * (high - low) * (mid - low))
            down = high - np.sqrt((1.0 - u) * (high - low) * (high - mid))
            return np.where(u < part, up, down)

        def pert(u: Array) -> Array:
            a = 1.0 + shape * (mid - low) / (high - low)
            return low + (high - low) * _between(normal_score(u), _tabled("beta", a, 2.0 + shape - a))

        def beta(u: Array) -> Array:
            return _between(normal_score(u), _tabled("beta", mid * shape, (1.0 - mid) * shape))

        return {
            "fixed": lambda u: np.full_like(u, mid),
            "normal": lambda u: line(normal_score(u), low, high, median),
            "lognormal": lambda u: np.exp(
                line(
                    normal_score(u),
                    math.log(low),
                    math.log(high),
                    None if median is None else math.log(median),
                )
            ),
            "student_t": student,
            "logitnormal": logit,
            "uniform": lambda u: low + u * (high - low),
            "loguniform": lambda u: low * (high / low) ** u,
            "triangular": triangle,
            "pert": pert,
            "beta": beta,
            "chance": lambda u: (u < mid).astype(np.float64),
            "bootstrap": lambda u: np.floor(u * mid),
        }

    def words(self) -> str:
        """The distribution in words, in the unit of its row."""
        if self.kind == "fixed":
            return f"{self.mid:g}"
        if self.kind in _MODED:
            return f"{self.kind} {self.low:g} to {self.high:g}, mode {self.mid:g}"
        if self.kind in _RANGED:
            tails = " (5 to 95 %)" if self.kind not in ("uniform", "loguniform") else ""
            middle = "" if self.mid is None else f", median {self.mid:g}"
            return f"{self.kind} {self.low:g} to {self.high:g}{tails}{middle}"
        return f"{self.kind} {self.mid:g}" + ("" if self.shape is None else f", concentration {self.shape:g}")
