"""Futures of who owns AI compute, and how unevenly it lies over countries.

Owners' shares follow ln s(t + 1) = ln s(t) − κ (ln s(t) − m(t)) + σ ε, normalised, m the mean over named
owners: a pull to the mean where κ > 0, drift apart where κ < 0, Gibrat's law at 0. κ and σ are drawn from
their posterior given the yearly changes of the rows, so that whether shares revert is not decided beforehand.
The part of owners without a name goes on as it went (a drift of its log odds, drawn from its posterior) and
ever slower. HHI and the shares of the largest are those of one drawn set of shares, and so agree with each
other.

References
----------
Gibrat 1931, "Les inégalités économiques"; Gelman et al., "Bayesian Data Analysis", section 14.2 (posterior of
a regression with flat priors); Lorenz 1905, "Methods of measuring the concentration of wealth"; Brown 1994,
"Using Gini-style indices to evaluate the spatial patterns of health practitioners", Social Science & Medicine
38(9), 1243-1256.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.outlook.frame import YEARS
from gigawatt.outlook.randomness import SEED
from gigawatt.outlook.series import owners, quarters
from gigawatt.outlook.society.concentration import CHINA, OTHER, concentration

__all__ = [
    "Futures",
    "country_table",
    "drawn_ahead",
    "gini",
    "owner_futures",
    "pull_posterior",
    "share_paths",
    "unnamed_paths",
    "year_apart",
    "yearly_shares",
]

Array = NDArray[np.float64]

_POINTS = 1e4  # of the index: shares in percent, squared
_QUARTERS = 4
_LARGEST = 5
_NODES = 33  # of the table of Gini coefficients, each way


def gini(amount: ArrayLike, people: ArrayLike) -> float:
    """Gini coefficient of an amount over people who live in groups, all alike within a group.

    Parameters
    ----------
    amount : array (groups,)
        0 or more, some above 0.
    people : array (groups,)
        Above 0.

    Returns
    -------
    float
        0 (each person has as much) to 1.

    Raises
    ------
    InputError
        Shapes that do not fit, an amount below 0 or none at all, people not above 0.

    References
    ----------
    Brown 1994, equation 1: 1 − Σ (x₊ − x)(y₊ + y) over the Lorenz curve.
    """
    have, count = np.asarray(amount, dtype=float), np.asarray(people, dtype=float)
    if have.ndim != 1 or have.shape != count.shape or not len(have):
        raise InputError("not one amount a group", given=f"{have.shape} and {count.shape}", allowed="alike")
    if not np.all(np.isfinite(have)) or have.min() < 0.0 or have.sum() <= 0.0:
        raise InputError(
            "not amounts", key="amount", given=float(have.min()), allowed="0 or more, some above"
        )
    if not np.all(np.isfinite(count)) or count.min() <= 0.0:
        raise InputError("not people", key="people", given=float(count.min()), allowed="above 0")
    order = np.argsort(have / count, kind="stable")
    x = np.concatenate([[0.0], np.cumsum(count[order]) / count.sum()])
    y = np.concatenate([[0.0], np.cumsum(have[order]) / have.sum()])
    return float(1.0 - np.sum(np.diff(x) * (y[1:] + y[:-1])))


def year_apart() -> tuple[str, ...]:
    """Quarters a year apart, the last the newest."""
    return quarters()[::-1][::_QUARTERS][::-1]


def _owner_shares(quarter: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for (_, owner), row in owners(quarter).items():
        found[owner] = found.get(owner, 0.0) + row[0]
    whole = sum(found.values())
    return {name: value / whole for name, value in found.items()}


def _standing(told: Sequence[Mapping[str, float]]) -> tuple[tuple[str, ...], Array]:
    names = tuple(
        sorted(
            name
            for name in told[-1]
            if name not in (OTHER, CHINA) and all(one.get(name, 0.0) > 0.0 for one in told)
        )
    )
    return names, np.array([[one[name] for name in names] for one in told])


@lru_cache(maxsize=1)
def yearly_shares() -> tuple[tuple[str, ...], Array]:
    """Named owners that stand in the first quarter as in the last, and their shares of all machines at
    quarters a year apart, the last the newest: (names, (years, owners))."""
    return _standing([_owner_shares(quarter) for quarter in year_apart()])


def pull_posterior(shares: Array, *, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Posterior draws of the pull to the mean κ and the scatter σ of yearly changes of ln shares.

    Parameters
    ----------
    shares : array (years, owners)
        Above 0; at least two years and three owners.
    draws : int
        1 or more.
    rng : numpy.random.Generator
        Where randomness comes from.

    Returns
    -------
    kappa, sigma : array (draws,)
        κ of a year, negative where shares drift apart; σ > 0.

    Raises
    ------
    InputError
        Too few years or owners, a share that is not above 0, nothing to draw.

    Notes
    -----
    Δ ln s less its mean over owners is regressed on ln s less its mean, with flat priors in κ and ln σ: κ is
    Student t, σ² a scaled inverse χ².
    """
    if shares.ndim != 2 or shares.shape[0] < 2 or shares.shape[1] < 3:
        raise InputError("too few shares", given=f"{shares.shape}", allowed="two years, three owners or more")
    if not np.all(np.isfinite(shares)) or shares.min() <= 0.0:
        raise InputError("not shares", given=float(shares.min()), allowed="above 0")
    if draws < 1:
        raise InputError("nothing to draw", key="draws", given=draws, allowed="1 or more")
    logs = np.log(shares)
    gap = logs[:-1] - logs[:-1].mean(axis=1, keepdims=True)
    change = np.diff(logs, axis=0)
    change = change - change.mean(axis=1, keepdims=True)
    spread = float(np.sum(gap**2))
    kappa = -float(np.sum(gap * change)) / spread
    freedom = (shares.shape[0] - 1) * (shares.shape[1] - 1) - 1
    left = float(np.sum((change + kappa * gap) ** 2))
    variance = left / rng.chisquare(freedom, draws)
    return kappa + np.sqrt(variance / spread) * rng.standard_normal(draws), np.sqrt(variance)


def unnamed_paths(parts: Array, *, fade: Array, years: int, rng: np.random.Generator) -> Array:
    """The part of owners without a name in the years ahead.

    Parameters
    ----------
    parts : array (n,)
        Past parts a year apart, between 0 and 1, three or more; the last is the start.
    fade : array (draws,)
        Years in which the drift of the log odds falls by a factor of e, above 0.
    years : int
        1 or more.
    rng : numpy.random.Generator
        Where randomness comes from.

    Returns
    -------
    array (draws, years)
        Between 0 and 1. Drift and scatter of the log odds are drawn from their posterior (Student t, scaled
        inverse chi-squared); both fade alike, so that the part settles.

    Raises
    ------
    InputError
        Fewer than three parts, or one that is not between 0 and 1.
    """
    if len(parts) < 3 or np.min(parts) <= 0.0 or np.max(parts) >= 1.0:
        raise InputError("not parts", given=f"{parts}", allowed="three or more, between 0 and 1")
    change = np.diff(np.log(parts / (1.0 - parts)))
    n, draws = len(change), len(fade)
    sigma = np.sqrt(np.sum((change - change.mean()) ** 2) / rng.chisquare(n - 1, draws))
    drift = change.mean() + sigma / np.sqrt(n) * rng.standard_normal(draws)
    slow = np.exp(-np.arange(1, years + 1)[None, :] / fade[:, None])
    steps = slow * (drift[:, None] + sigma[:, None] * rng.standard_normal((draws, years)))
    odds = np.log(parts[-1] / (1.0 - parts[-1])) + np.cumsum(steps, axis=1)
    return 1.0 / (1.0 + np.exp(-odds))


def share_paths(start: Array, kappa: Array, sigma: Array, named: Array, rng: np.random.Generator) -> Array:
    """Shares of owners in the years ahead.

    Parameters
    ----------
    start : array (owners,)
        Shares of named owners, above 0.
    kappa, sigma : array (draws,)
        Of :func:`pull_posterior`.
    named : array (draws, years)
        What named owners have together in each year.
    rng : numpy.random.Generator
        Where randomness comes from.

    Returns
    -------
    array (draws, years, owners)
        Each year sums to ``named``.
    """
    logs = np.broadcast_to(np.log(start), (len(kappa), len(start))).copy()
    found = np.empty((*named.shape, len(start)))
    for t in range(named.shape[1]):
        noise = rng.standard_normal(logs.shape)
        gap = logs - logs.mean(axis=1, keepdims=True)
        logs = logs - kappa[:, None] * gap + sigma[:, None] * noise
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        found[:, t] = named[:, t : t + 1] * weights / weights.sum(axis=1, keepdims=True)
    return found


@dataclass(frozen=True, eq=False)
class Futures:
    """Drawn futures by year of the outlook, (rows, years): ``hhi`` in points (unnamed owners countless),
    ``one`` and ``five`` the shares of the largest owner and of the five largest. ``pull`` (rows,): κ of each
    row."""

    hhi: Array = field(repr=False)
    one: Array = field(repr=False)
    five: Array = field(repr=False)
    pull: Array = field(repr=False)


def drawn_ahead(
    quarters_told: Sequence[str], *, rows: int, years: int, rng: np.random.Generator
) -> tuple[dict[str, Array], Array]:
    """Concentration in the years after the last of ``quarters_told``, from these quarters alone.

    Parameters
    ----------
    quarters_told : sequence of str
        A year apart, in order, three or more.
    rows, years : int
        Futures, and years ahead.
    rng : numpy.random.Generator
        Where randomness comes from.

    Returns
    -------
    paths : dict
        ``hhi``, ``one``, ``five`` → (rows, years), as of :class:`Futures`.
    pull : array (rows,)
        κ of each row.

    Raises
    ------
    InputError
        No such quarter, or too few of them.
    """
    told = [_owner_shares(quarter) for quarter in quarters_told]
    kappa, sigma = pull_posterior(_standing(told)[1], draws=rows, rng=rng)
    held = {name: value for name, value in told[-1].items() if name not in (OTHER, CHINA)}
    start = np.array([value for value in held.values() if value > 0.0])
    parts = np.array([one.get(OTHER, 0.0) + one.get(CHINA, 0.0) for one in told])
    fade = catalog.entity("outlook_society_settings", "owners").evidence("fade")
    low, high = fade.low or fade.value, fade.high or fade.value
    slow = np.exp(rng.uniform(np.log(low), np.log(high), rows)) / factor("yr")
    named = 1.0 - unnamed_paths(parts, fade=slow, years=years, rng=rng)
    ahead = share_paths(start, kappa, sigma, named, rng)
    ordered = -np.sort(-ahead, axis=2)
    found = {
        "hhi": _POINTS * np.sum(ahead**2, axis=2),
        "one": ordered[..., 0],
        "five": ordered[..., :_LARGEST].sum(axis=2),
    }
    return found, kappa


@lru_cache(maxsize=1)
def owner_futures() -> Futures:
    """Rows of futures of concentration: to the newest quarter as measured, after its year drawn.

    Years before the newest quarter are those of their last quarter.
    """
    rows = int(catalog.table("outlook_society")["owner_row"].value("mid"))
    rng = np.random.Generator(np.random.Philox(key=SEED))
    now = int(quarters()[-1][:4])
    drawn, kappa = drawn_ahead(year_apart(), rows=rows, years=YEARS[-1] - now, rng=rng)
    found: dict[str, Array] = {}
    for name, paths in drawn.items():
        past = np.array([_measured(name, year) for year in YEARS if year <= now])
        found[name] = np.concatenate([np.broadcast_to(past, (rows, len(past))), paths], axis=1)
    return Futures(**found, pull=kappa)


def _measured(name: str, year: int) -> float:
    quarter = max(one for one in quarters() if one <= f"{year}-12-31")
    row = concentration(quarter, draws=1)
    measures: Mapping[str, float] = {"hhi": row.hhi_low, "one": row.largest[1], "five": row.largest[_LARGEST]}
    return measures[name]


@dataclass(frozen=True, eq=False)
class Countries:
    """Gini coefficients over countries, (US shares, closings): ``share`` and ``closed`` are the axes."""

    share: Array
    closed: Array
    values: Array = field(repr=False)

    def at(self, share: Array, closed: Array) -> Array:
        """Gini at a US share (draws, 1) and a part of the gap that has closed (draws, years), bilinear."""
        n, m = len(self.share) - 1, len(self.closed) - 1
        x = np.clip((share - self.share[0]) / (self.share[-1] - self.share[0]), 0.0, 1.0) * n
        y = np.clip((closed - self.closed[0]) / (self.closed[-1] - self.closed[0]), 0.0, 1.0) * m
        i, j = np.minimum(x.astype(np.intp), n - 1), np.minimum(y.astype(np.intp), m - 1)
        u, v = x - i, y - j
        flat, at = self.values.ravel(), i * (m + 1) + j
        left = flat[at] * (1.0 - v) + flat[at + 1] * v
        right = flat[at + m + 1] * (1.0 - v) + flat[at + m + 2] * v
        return (1.0 - u) * left + u * right


@lru_cache(maxsize=1)
def country_table() -> Countries:
    """Gini of compute over people by country, for US shares and for parts of the gap that has closed.

    Countries of the rows keep their proportions outside the United States; people elsewhere have none of what
    is tracked. Closing: share ∝ (its own)^(1 − λ) (its part of people)^λ over the countries that have any;
    below 0 it gathers.
    """
    rows = catalog.table("outlook_countries")
    people = np.array([row.value("population") for row in rows.values()])
    machines = np.array([row.value("machines") for row in rows.values()])
    world = catalog.table("outlook_society")["population_2025"].value("mid")
    us = list(rows).index("USA")
    shares, closed = np.linspace(0.3, 0.95, _NODES), np.linspace(-0.5, 1.0, _NODES)
    values = np.empty((_NODES, _NODES))
    for i, share in enumerate(shares):
        parts = machines * (1.0 - share) / (machines.sum() - machines[us])
        parts[us] = share
        for j, part in enumerate(closed):
            moved = parts ** (1.0 - part) * (people / people.sum()) ** part
            values[i, j] = gini([*moved, 0.0], [*people, world - people.sum()])
    return Countries(shares, closed, values)
