"""Checks of arguments: numbers within their ranges, a word among those known; else one line that names it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError, nearest

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["check_range", "check_rules", "check_word"]


def check_range(
    key: str,
    value: ArrayLike,
    low: float,
    high: float | None = None,
    unit: str = "",
    *,
    open_low: bool = False,
    message: str = "outside its physical range",
) -> NDArray[Any]:
    """``value`` as an array of floats, all of it within ``low`` to ``high``.

    ``high`` of ``None`` is no limit, but infinity is refused; ``np.inf`` lets it pass. With ``open_low`` the
    values are above ``low``.

    Raises
    ------
    InputError
        ``message`` with the key, the first value outside the range (or NaN), and the range.
    """
    import numpy as np  # here: help and refusals of words need none of it

    numbers = np.asarray(value, dtype=float)
    good = (numbers > low if open_low else numbers >= low) & (
        np.isfinite(numbers) if high is None else numbers <= high
    )
    if not np.all(good):
        given = value if np.ndim(value) == 0 else float(numbers.flat[int(np.argmin(np.ravel(good)))])
        spaced = f" {unit}" if unit else ""
        if high is not None:
            allowed = f"{'above ' if open_low else ''}{low:g} to {high:g}{spaced}"
        else:
            allowed = f"above {low:g}{spaced}, finite" if open_low else f"{low:g}{spaced} or more, finite"
        raise InputError(message, key=key, given=given, allowed=allowed)
    return numbers


def check_rules(
    rules: Iterable[tuple[str, float, str, bool]],
    owner: str = "",
    *,
    finite: bool = False,
    message: str = "not a sensible value",
) -> None:
    """Refuse the first of several numbers that breaks its rule.

    A rule is (key, value, what is allowed, whether the value fits); keys follow ``owner`` and a dot.
    ``finite``: infinity and NaN fit no rule.

    Raises
    ------
    InputError
        ``message`` with the key, the value and what is allowed.
    """
    for key, value, allowed, fits in rules:
        if not fits or (finite and not math.isfinite(value)):
            raise InputError(
                message, key=f"{owner}.{key}" if owner else key, given=f"{value:g}", allowed=allowed
            )


def check_word(key: str | None, given: str, options: Collection[str], message: str = "not known") -> str:
    """``given``, which is one of ``options``.

    Raises
    ------
    InputError
        ``message`` with the key, the options and the nearest of them.
    """
    if given not in options:
        raise InputError(message, key=key, given=given, allowed=options, nearest=nearest(given, options))
    return given
