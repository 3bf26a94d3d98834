"""Fit the rows of ``timelines_fit``: spreads of lags, slips of stated dates, width of the bands.

    python benchmarks/fit_timelines.py          # prints the table

Lags by maximum a posteriori over all pairs of ``timelines``; slips by censored normal (a statement that
is not settled when the table ends says that its factor is larger than so far); the factor of the
bands by cases left out one at a time.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr

from gigawatt.catalog.loader import entity
from gigawatt.power.dates.lags import EFFECTS, NOISES, LagModel, log_posterior, pairs_of
from gigawatt.power.dates.milestones import by_case, catalog_milestones, year_of
from gigawatt.power.dates.ready import settled

SEEN = year_of("2026-05-23")
"""When the tracked campuses were seen last."""
PRIOR_MEDIAN, PRIOR_KIND = (0.3, 0.5), 0.5
"""Prior of the mean log slip of all kinds; standard deviation of a kind's about it."""
DRAWN = NormalDist().inv_cdf(0.9)
OWN_WEIGHT = entity("timelines_fit", "lag").value("own_weight")


def lags():
    """(standard deviations and mean, pairs) at the largest posterior."""
    pairs = pairs_of(catalog_milestones())
    start = np.r_[np.full(len(EFFECTS) + len(NOISES), -1.2), -0.2]

    def off(settings):
        value, slope = log_posterior(settings, pairs)
        return -value, -slope

    found = minimize(off, start, jac=True, method="L-BFGS-B").x
    return dict(zip((*EFFECTS, *NOISES), np.exp(found[:-1]), strict=True)), float(found[-1]), pairs


def statements():
    """(kind, log factor, whether it was settled) of every statement of the catalog."""
    found = []
    for mine in by_case(catalog_milestones()).values():
        begun = min((row.date for row in mine if row.stage == "ground"), default=None)
        for row in (one for one in mine if one.planned):
            said = row.as_of or begun  # a date of which nobody wrote when: as construction began
            if said is None or row.date <= said:
                continue
            event = settled(row, mine) if row.as_of else next(
                (one for one in mine if one.stage in ("power", "commercial")), None)  # fmt: skip
            if event is None and any(one.milestone == "cancelled" for one in mine):
                continue
            until = SEEN if event is None else event.date
            if until > said:
                found.append((row.kind, math.log((until - said) / (row.date - said)), event is not None))
    return found


def slips(rows):
    """(median factor by kind and of all, standard deviation of the logarithm)."""
    kinds = sorted({kind for kind, _, _ in rows})

    def off(x):
        whole, spread, own = x[0], math.exp(x[1]), dict(zip(kinds, x[2:], strict=True))
        value = 0.5 * ((whole - PRIOR_MEDIAN[0]) / PRIOR_MEDIAN[1]) ** 2 + 0.5 * (x[1] - math.log(0.5)) ** 2
        value += sum(0.5 * (one / PRIOR_KIND) ** 2 for one in own.values())
        for kind, log_factor, known in rows:
            z = (log_factor - whole - own[kind]) / spread
            value += 0.5 * z * z + math.log(spread) if known else -float(log_ndtr(-z))
        return value

    found = minimize(off, np.r_[0.3, math.log(0.5), np.zeros(len(kinds))]).x
    medians = {kind: math.exp(found[0] + own) for kind, own in zip(kinds, found[2:], strict=True)}
    return {"all": math.exp(found[0]), **medians}, math.exp(found[1])


def width(sd, mean, pairs, cases=None):
    """Factor of the spreads with which bands of cases left out hold 80 %."""
    off = []
    for case in {pair.case for pair in pairs} if cases is None else cases:
        model = LagModel([pair for pair in pairs if pair.case != case], sd, mean, OWN_WEIGHT)
        for pair in pairs:
            if pair.case == case:
                lag = model.lag(pair.kind, pair.reached, pair.awaited)
                off.append(abs(math.log(pair.lag / lag.median)) / lag.sd)
    return float(np.quantile(off, 0.8)) / DRAWN, len(off)


def main() -> None:
    """Print what the table has."""
    sd, mean, pairs = lags()
    print(len(pairs), "pairs,", len({pair.case for pair in pairs}), "cases")
    for name, value in {**sd, "mean": mean}.items():
        print(f"lag,{name},{value:.4g}")
    rows = statements()
    medians, spread = slips(rows)
    print(len(rows), "statements,", sum(known for _, _, known in rows), "settled")
    for kind, value in medians.items():
        print(f"slip,{kind.replace(' ', '_')}_median,{value:.4g}")
    print(f"slip,sd,{spread:.4g}")
    mixed = {row.case for row in catalog_milestones() if not row.planned and row.stage not in (
        None, "ground", "power", "step")}  # fmt: skip
    for words, cases in (("all cases", None), ("cases of several sources", mixed)):
        print("band,factor", words, *width(sd, mean, pairs, cases))


if __name__ == "__main__":
    main()
