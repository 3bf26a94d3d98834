"""How many tokens prompts and outputs have: constant, uniform, lognormal, geometric, or by percentiles.

A distribution is one small object; :meth:`Lengths.draw` makes a million lengths at once.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri  # pyright: ignore[reportMissingTypeStubs]

from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError, nearest

__all__ = [
    "Lengths",
    "as_lengths",
    "constant_lengths",
    "geometric_lengths",
    "lognormal_lengths",
    "observed_lengths",
    "read_lengths",
    "uniform_lengths",
]

Tokens = NDArray[np.int64]

_Z90 = 1.2815515655446004  #: standard normal quantile of 90 %
_CONVENTIONS = ("vllm", "inferencex")
_FORMS = {
    "constant": ("tokens",),
    "uniform": ("tokens", "ratio", "convention", "maximum"),
    "lognormal": ("median", "p90", "mean", "maximum"),
    "geometric": ("mean", "maximum"),
    "observed": ("p5, p50, p90 …",),
}
_EXAMPLES = '"1024", "uniform(1024, 0.8)", "lognormal(median=500, p90=2000, maximum=8192)"'


@dataclass(frozen=True)
class Lengths:
    """A distribution of whole numbers of tokens, each at least 1.

    Attributes
    ----------
    kind : str
        constant, uniform, lognormal, geometric or observed.
    low, high : int
        Ends of a uniform (both included); of a constant both are its value.
    median : float [token], sigma : float
        Of a lognormal: exp(mean) and standard deviation of the logarithm; of a geometric ``median`` is the
        mean.
    maximum : int, optional
        What is longer is cut there, as an engine cuts at its limit.
    knots : tuple of (share, token)
        Of an observed one: percentiles, between which the logarithm is linear; none is beyond the outer ones.
    """

    kind: str
    low: int = 1
    high: int = 1
    median: float = 1.0
    sigma: float = 0.0
    maximum: int | None = None
    knots: tuple[tuple[float, float], ...] = ()

    def draw(self, count: int, random: np.random.Generator) -> Tokens:
        """``count`` independent lengths [tokens], array (count,)."""
        return np.maximum(np.rint(self.sample(count, random)), 1.0).astype(np.int64)

    def sample(self, count: int, random: np.random.Generator) -> NDArray[np.float64]:
        """``count`` independent draws (count,), not rounded where the distribution is continuous."""
        if self.kind == "lognormal":
            drawn = self.median * np.exp(self.sigma * random.standard_normal(count))
        elif self.kind == "uniform":
            drawn = random.integers(self.low, self.high + 1, count).astype(float)
        elif self.kind == "geometric":
            drawn = random.geometric(1.0 / self.median, count).astype(float)
        elif self.kind == "observed":
            knots: NDArray[np.float64] = np.array(self.knots)
            drawn = np.exp(np.interp(random.random(count), knots[:, 0], np.log(knots[:, 1])))
        else:
            drawn = np.full(count, float(self.low))
        return np.minimum(drawn, float(self.maximum or np.iinfo(np.int64).max // 2))

    def quantile(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Tokens that ``shares`` (n,) of the lengths, each within (0, 1), do not exceed; not rounded where
        the distribution is continuous."""
        p = np.asarray(shares, dtype=float)
        if self.kind == "lognormal":
            found = self.median * np.exp(self.sigma * ndtri(p))
        elif self.kind == "uniform":
            found = self.low + np.floor(p * (self.high - self.low + 1))
        elif self.kind == "geometric":
            certain = self.median <= 1.0
            found = np.ones_like(p) if certain else np.ceil(np.log1p(-p) / np.log1p(-1.0 / self.median))
        elif self.kind == "observed":
            knots: NDArray[np.float64] = np.array(self.knots)
            found = np.exp(np.interp(p, knots[:, 0], np.log(knots[:, 1])))
        else:
            found = np.full_like(p, float(self.low))
        return np.clip(found, 1.0, float(self.maximum or np.iinfo(np.int64).max // 2))


def _tokens(value: object, key: str) -> int:
    """A whole number of tokens, at least 1."""
    try:
        number = math.nan if isinstance(value, str | bool) else float(cast("Any", value))
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < 1 or number != int(number):
        raise InputError("not a number of tokens", key=key, given=str(value), allowed="a whole number from 1")
    return int(number)


def _limit(maximum: int | None) -> int | None:
    return None if maximum is None else _tokens(maximum, "maximum")


def constant_lengths(*, tokens: int) -> Lengths:
    """Always the same."""
    n = _tokens(tokens, "tokens")
    return Lengths("constant", low=n, high=n)


def uniform_lengths(
    *, tokens: int, ratio: float, convention: str = "vllm", maximum: int | None = None
) -> Lengths:
    """Every whole number between two ends alike, as the engines' benchmarks draw random prompts.

    Parameters
    ----------
    tokens : int
        The length asked for.
    ratio : float in [0, 1]
        What they call the random range ratio, which means two things.
    convention : str
        ``vllm``: from tokens · (1 − ratio) to tokens · (1 + ratio), as ``vllm bench serve`` since 2025;
        ``inferencex``: from tokens · ratio to tokens, as InferenceX (ratio 0.8) and older vLLM.
    maximum : int, optional
        What is longer is cut there.

    References
    ----------
    docs.vllm.ai, ``vllm bench serve --random-range-ratio``; InferenceMAX README, ``RANDOM_RANGE_RATIO``.
    """
    n = _tokens(tokens, "tokens")
    if not 0.0 <= ratio <= 1.0:
        raise InputError("not a share", key="ratio", given=ratio, allowed="0 to 1")
    check_word("convention", convention, _CONVENTIONS, "no such convention of the ratio")
    below, above = (1.0 - ratio, 1.0 + ratio) if convention == "vllm" else (ratio, 1.0)
    low, high = max(math.floor(n * below), 1), max(math.ceil(n * above), 1)
    return Lengths("uniform", low=low, high=high, maximum=_limit(maximum))


def lognormal_lengths(
    *, median: float, p90: float | None = None, mean: float | None = None, maximum: int | None = None
) -> Lengths:
    """A lognormal through a median and either a 90th percentile or a mean.

    Parameters
    ----------
    median : float > 0 [token]
        Half are shorter.
    p90, mean : float ≥ median [token]
        One of the two. Of the distribution before cutting and rounding.
    maximum : int, optional
        What is longer is cut there (its mean falls below ``mean`` then).

    Notes
    -----
    σ = ln(p90 / median) / z₀.₉, or σ² = 2 ln(mean / median).
    """
    if (p90 is None) == (mean is None):
        raise InputError("a lognormal needs a second number", key="p90", allowed="one of p90 and mean")
    second, key = (p90, "p90") if p90 is not None else (mean, "mean")
    check_range("median", median, 0.0, open_low=True, message="not a number of tokens")
    if second is None or not math.isfinite(second) or second < median:
        raise InputError(
            "a lognormal's spread cannot be negative", key=key, given=second, allowed=f"at least {median:g}"
        )
    wide = math.log(second / median)
    sigma = wide / _Z90 if key == "p90" else math.sqrt(2.0 * wide)
    return Lengths("lognormal", median=float(median), sigma=sigma, maximum=_limit(maximum))


def geometric_lengths(*, mean: float, maximum: int | None = None) -> Lengths:
    """A geometric from 1 on, such as turns of a session that ends after each with the same probability."""
    check_range("mean", mean, 1.0, message="not a mean of whole numbers from 1")
    return Lengths("geometric", median=float(mean), maximum=_limit(maximum))


def observed_lengths(**percentiles: float) -> Lengths:
    """As observed: percentiles ``p5=…, p50=…``, the logarithm linear between, none beyond the outer."""
    knots = sorted((float(name[1:]) / 100.0, float(value)) for name, value in percentiles.items())
    values = [value for _, value in knots]
    if len(knots) < 2 or min(values) <= 0.0 or values != sorted(values) or knots[-1][0] > 1.0:
        raise InputError(
            "not percentiles",
            given=str(percentiles),
            allowed="two or more of p0 to p100 that ascend from above 0",
        )
    return Lengths("observed", knots=tuple(knots))


def read_lengths(text: str) -> Lengths:
    """Lengths as a person writes them.

    ``"1024"``; ``"uniform(1024, 0.8)"``, with ``convention=inferencex`` where that is meant;
    ``"lognormal(median=500, p90=2000)"`` or with ``mean=``; ``"geometric(mean=3)"``; each with ``maximum=``;
    ``"observed(p5=10, p50=350, p95=700)"``.

    Raises
    ------
    InputError
        Anything else; names the argument.
    """
    plain = re.fullmatch(r"\s*(\d[\d_,]*)\s*(?:tokens?)?\s*", text)
    if plain:
        return constant_lengths(tokens=int(plain[1].replace("_", "").replace(",", "")))
    call = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", text)
    if not call:
        raise InputError("not a distribution of lengths", given=text, allowed=_EXAMPLES)
    kind, inside = call[1].lower(), [part.strip() for part in call[2].split(",") if part.strip()]
    if kind not in _FORMS:
        raise InputError(
            "no such distribution of lengths", given=text, allowed=_FORMS, nearest=nearest(kind, _FORMS)
        )
    given: dict[str, float | str] = {}
    for place, part in enumerate(inside):
        name, equals, value = (piece.strip() for piece in part.rpartition("="))
        if not equals:
            name = _FORMS[kind][place] if place < len(_FORMS[kind]) else ""
        known = re.fullmatch(r"p\d+(\.\d+)?", name) if kind == "observed" else name in _FORMS[kind]
        if not known or name in given:
            raise InputError(
                f"not an argument of {kind}",
                key=name or None,
                given=text,
                allowed=_FORMS[kind],
                nearest=nearest(name, _FORMS[kind]),
            )
        if name == "convention":
            given[name] = value
            continue
        try:
            given[name] = float(value)
        except ValueError:
            raise InputError("not a number", key=name, given=text, allowed=_EXAMPLES) from None
    needed = {
        "constant": ("tokens",), "uniform": ("tokens", "ratio"), "lognormal": ("median",),
        "geometric": ("mean",), "observed": (),
    }[kind]  # fmt: skip
    for name in needed:
        if name not in given:
            raise InputError(f"{kind} needs {name}", given=text, allowed=_EXAMPLES)
    made = {
        "constant": constant_lengths, "uniform": uniform_lengths, "lognormal": lognormal_lengths,
        "geometric": geometric_lengths, "observed": observed_lengths,
    }[kind]  # fmt: skip
    return made(**given)  # type: ignore[arg-type]


def as_lengths(lengths: Lengths | int | str, *, maximum: int | None = None) -> Lengths:
    """A distribution from a distribution, a number of tokens or a text; with a (lower) maximum."""
    made = (
        lengths
        if isinstance(lengths, Lengths)
        else read_lengths(lengths)
        if isinstance(lengths, str)
        else constant_lengths(tokens=lengths)
    )
    if maximum is None:
        return made
    limit = _tokens(maximum, "maximum")
    return replace(made, maximum=limit if made.maximum is None else min(limit, made.maximum))
