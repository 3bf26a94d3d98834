"""What a network of users is worth: the exponent of revenue over users, with errors in both.

    ln revenue = a + beta ln users + scatter

Both are known with errors. ``beta`` 1: every user is worth the same; 2 is Metcalfe's law, which is never
assumed.

References
----------
.. [1] B. C. Kelly, "Some aspects of measurement error in linear regression of astronomical data",
   Astrophysical Journal 665, 1489-1506 (2007).
.. [2] D. W. Hogg, J. Bovy, D. Lang, "Data analysis recipes: fitting a model to data", arXiv:1008.4686 (2010),
   section 7: the likelihood of a line with errors in both coordinates and scatter.
.. [3] X.-Z. Zhang, J.-J. Liu, Z.-W. Xu, "Tencent and Facebook data validate Metcalfe's law", Journal of
   Computer Science and Technology 30, 246-251 (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.outlook.series import decimal_year, read_rows

__all__ = ["metcalfe_exponent", "revenue_and_users"]

Array = NDArray[np.float64]

_ANGLES = 121
_REFINED = 2
_NEGLIGIBLE = 20.0  # ln below the most likely angle
_SCATTERS = 30
_OFFSETS = np.linspace(-8.0, 8.0, 49)  # of the line, in its standard errors were it normal
_STEEPEST = float(np.arctan(4.0))  # exponents from -1 to 4
_FLATTEST = float(np.arctan(-1.0))


def metcalfe_exponent(
    users: ArrayLike,
    revenue: ArrayLike,
    *,
    users_error: ArrayLike,
    revenue_error: ArrayLike,
    draws: int,
    rng: np.random.Generator,
    freedom: float | None = None,
) -> Array:
    """Posterior draws of the exponent of revenue over users.

    Parameters
    ----------
    users, revenue : array (n,)
        At the same dates, above 0; n at least 3.
    users_error, revenue_error : float or array (n,)
        Standard error of the logarithm, 0 or more.
    draws : int
        1 or more.
    rng : numpy.random.Generator
        Where randomness comes from.
    freedom : float, optional
        Student's t of that freedom (above 1) about the line instead of a normal: outliers weigh less.

    Returns
    -------
    ndarray, (draws,)
        Of beta; ``(draws > 1).mean()`` is the probability that value grows faster than users.

    Raises
    ------
    InputError
        Too few points, not positive, or errors below 0.

    Notes
    -----
    The prior is flat in the angle of the line (from -1 to 4 in beta), in its distance from the mean, and in
    the logarithm of the scatter. Revenue also serves other products and follows users with a delay, so that
    beta is an elasticity over this time, not a law.

    References
    ----------
    [2]_, with the prior flat in the angle; [1]_ on why the error in users matters.
    """
    x, y = np.log(np.asarray(users, dtype=float)), np.log(np.asarray(revenue, dtype=float))
    if x.ndim != 1 or x.shape != y.shape or len(x) < 3:
        raise InputError("too few points", key="users", given=f"{x.shape} and {y.shape}", allowed="3 or more")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("users and revenue must be above 0", key="users", allowed="above 0")
    sx, sy = (np.broadcast_to(np.asarray(e, dtype=float), x.shape) for e in (users_error, revenue_error))
    for key, given in (("users_error", sx), ("revenue_error", sy)):
        if not (np.isfinite(given).all() and (given >= 0.0).all()):
            raise InputError(
                "an error cannot be below 0", key=key, given=float(np.min(given)), allowed="0 up"
            )
    if draws < 1:
        raise InputError("nothing to draw", key="draws", given=draws, allowed="1 or more")
    if freedom is not None and not freedom > 1.0:
        raise InputError("no such tail", key="freedom", given=freedom, allowed="above 1")
    line = _Line(x, y, sx, sy, freedom)
    grid: Array = np.linspace(_FLATTEST, _STEEPEST, _ANGLES)
    for _ in range(_REFINED):
        logs = line.log_mass(grid)
        inside = np.flatnonzero(logs > logs.max() - _NEGLIGIBLE)
        first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, len(grid) - 1)
        grid = np.linspace(float(grid[first]), float(grid[last]), _ANGLES)
    logs = line.log_mass(grid)
    mass = np.exp(logs - logs.max())
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (mass[1:] + mass[:-1]))])
    shares = rng.random(draws) * cumulative[-1]
    return np.tan(np.asarray(np.interp(shares, cumulative, grid), dtype=float))


@dataclass(frozen=True)
class _Line:
    """Points with their errors; ``freedom`` of what lies about the line, ``None`` where it is normal."""

    x: Array
    y: Array
    sx: Array
    sy: Array
    freedom: float | None

    def log_mass(self, angles: Array) -> Array:
        """ln posterior of each angle, its distance and the scatter summed out, up to a constant."""
        residual = float(np.std(self.y - np.polyval(np.polyfit(self.x, self.y, 1), self.x)))
        widest = 10.0 * max(residual, 1e-3)
        scatter = np.geomspace(widest / 300.0, widest, _SCATTERS)[None, :, None]
        angle = angles[:, None, None]
        beta = np.tan(angle)
        variance = beta**2 * self.sx**2 + self.sy**2 + scatter**2  # (angles, scatters, n)
        weight = 1.0 / variance
        total = np.sum(weight, axis=-1, keepdims=True)
        away = self.y - beta * self.x
        off = away - np.sum(weight * away, axis=-1, keepdims=True) / total
        # the distance of a line is its intercept times cos(angle)
        scale = np.log(np.cos(angle[..., 0])) - 0.5 * np.log(total[..., 0])
        plain = scale - 0.5 * np.sum(np.log(variance), axis=-1)
        if self.freedom is None:
            logs = plain - 0.5 * np.sum(weight * off**2, axis=-1)
        else:
            steps = _OFFSETS / np.sqrt(total[..., None])  # (angles, scatters, 1, offsets)
            z2 = (off[..., None] - steps) ** 2 * weight[..., None]
            each = -0.5 * (self.freedom + 1.0) * np.sum(np.log1p(z2 / self.freedom), axis=-2)
            logs = plain + np.logaddexp.reduce(each, axis=-1)
        return np.logaddexp.reduce(logs, axis=-1)


@lru_cache(maxsize=2)
def revenue_and_users(*, with_first: bool = True) -> tuple[Array, Array, Array]:
    """OpenAI: (year, weekly users, annualised revenue [$ a year]) at each report of revenue.

    Users are interpolated between reports in the logarithm; revenue before the first report or after the
    last is left out. With ``with_first`` the earliest report of revenue, from weeks before weekly users
    were told, is joined by the first users: an outlier.
    """
    found: dict[str, list[tuple[float, float]]] = {"revenue": [], "weekly_users": []}
    for row in read_rows("revenue_users"):
        found[row["quantity"]].append((decimal_year(row["date"]), float(row["value"])))
    users, revenue = (np.array(sorted(found[key])) for key in ("weekly_users", "revenue"))
    first, last = users[0, 0], users[-1, 0]
    keep = (revenue[:, 0] <= last) & ((revenue[:, 0] >= first) | with_first)
    year = revenue[keep, 0]
    at = np.asarray(np.interp(year, users[:, 0], np.log(users[:, 1])), dtype=float)
    return year, np.exp(at), revenue[keep, 1]
