"""Published numbers on cost, concentration, carbon, water and waste beside the outlook's, and on runs beside
homes.

*overlap* and *place* as in :mod:`gigawatt.validation.outlook.monte_carlo`. Nothing was fitted to these
numbers, but for those marked; where boundaries differ the row says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import factor
from gigawatt.outlook.priors import read_priors
from gigawatt.outlook.randomness import SEED
from gigawatt.outlook.series import quarters
from gigawatt.outlook.society.concentration import Concentration, concentration
from gigawatt.outlook.society.ownership import drawn_ahead, year_apart
from gigawatt.outlook.society.society import curse_effect, price_rise
from gigawatt.studies.outlook.compare import compare_energy
from gigawatt.studies.outlook.limits import outlook_tables
from gigawatt.studies.outlook.outlook import OutlookResult, outlook
from gigawatt.validation.check import Told
from gigawatt.validation.outlook.energy import run_energy
from gigawatt.validation.outlook.monte_carlo import DRAWS, overlap

__all__ = [
    "bills",
    "clouds",
    "cost_of",
    "first_quarter",
    "households",
    "last_quarter",
    "median",
    "median_cost",
    "overlapping",
    "owners",
    "owners_place",
    "rents",
    "run_cost",
    "value_place",
    "water",
    "yearly_growth",
]

Array = NDArray[np.float64]

TABLE = "outlook_society_published"
_FIVE = 5
_DRAWN = 20_000
_BACK = 2  # years of the hindcast of owners


@lru_cache(maxsize=1)
def _result() -> OutlookResult:
    return outlook("base", DRAWS)


def _row(id: str, quantity: str) -> Evidence:
    return catalog.entity(TABLE, id).evidence(quantity)


def _ends(row: Evidence) -> tuple[float, float]:
    return row.low or row.value, row.high or row.value


def _band(name: str, year: int) -> tuple[float, float]:
    band, unit = _result().band(name, year), factor(_result().units[name])
    return band[0.1] * unit, band[0.9] * unit


def run_cost(row: Entity) -> float:
    """Cost of a published run [$] as `gigawatt run` gives it: machine and building for its hours, power.

    Parameters
    ----------
    row : Entity
        Of ``outlook_cost_runs``; ``run`` names a row of ``hindcast_energy``, else the row has the same
        columns.

    Returns
    -------
    float
        Dollars of the catalog's currency year.

    Raises
    ------
    MissingDataError
        A chip without a price.
    """
    return run_energy(catalog.entity("hindcast_energy", row.text("run")) if row.text("run") else row).cost


@lru_cache(maxsize=64)
def cost_of(id: str) -> float:
    """:func:`run_cost` of a row of ``outlook_cost_runs``, $."""
    return run_cost(catalog.entity("outlook_cost_runs", id))


def median_cost() -> float:
    """Median of our costs of runs over the published ones."""
    rows = catalog.table("outlook_cost_runs").values()
    return float(np.median([cost_of(row.id) / row.value("cost") for row in rows]))


def median(name: str, year: int) -> float:
    """Median of our draws, SI."""
    return _result().band(name, year)[0.5] * factor(_result().units[name])


def yearly_growth(name: str, first: int, last: int) -> float:
    """Factor a year between the medians of two years."""
    return (median(name, last) / median(name, first)) ** (1.0 / (last - first))


def last_quarter() -> str:
    """The last quarter of the rows of owners."""
    return quarters()[-1]


def first_quarter() -> str:
    """The first quarter of the rows of owners."""
    return quarters()[0]


@lru_cache(maxsize=4)
def owners(quarter: str) -> Concentration:
    """How concentrated the tracked AI chips were in a quarter."""
    return concentration(quarter)


@lru_cache(maxsize=1)
def _ahead() -> tuple[Mapping[str, Array], str]:
    told = year_apart()[:-_BACK]
    rng = np.random.Generator(np.random.Philox(key=SEED))
    return drawn_ahead(told, rows=_DRAWN, years=_BACK, rng=rng)[0], told[-1]


def owners_place(name: str) -> Told:
    """Place of what came in what was drawn two years before: ``hhi``, or share of the ``five`` largest."""
    now = owners(last_quarter())
    came = now.hhi_low if name == "hhi" else now.largest[_FIVE]
    ahead, since = _ahead()
    last = ahead[name][:, -1]
    low, high = (float(x) for x in np.quantile(last, [0.05, 0.95]))
    words = f" of {now.quarter} from {since} on: place in {low:.3g} to {high:.3g}"
    return Told(float(np.mean(last < came)), words)


def _told(id: str, quantity: str, ours: tuple[float, float], unit: str) -> Told:
    """Overlap of our 80 % interval ``ours`` (SI) with the published range."""
    row, scale = _row(id, quantity), factor(unit)
    low, high = _ends(row)
    words = f": overlap of {ours[0] / scale:.3g} to {ours[1] / scale:.3g} {unit} (80 %) with "
    return Told(overlap(*ours, low, high), f"{words}{low / scale:.3g} to {high / scale:.3g}")


def overlapping(id: str, quantity: str, name: str, year: int, unit: str) -> Told:
    """Overlap of our 80 % interval of a quantity of the outlook with the published range; an interval whose
    low end is nothing begins at a thousandth of its high end."""
    low, high = _band(name, year)
    high = max(high, 1e-6)
    return _told(id, quantity, (max(low, high / 1e3), high), unit)


def water(id: str, quantity: str, year: int, unit: str) -> Told:
    """The same of AI's water, at sites and at plants, ends added."""
    site, plants = (_band(name, year) for name in ("water_site", "water_plants"))
    return _told(id, quantity, (site[0] + plants[0], site[1] + plants[1]), unit)


def clouds(*names: str) -> float:
    """Spending of actors, $/s."""
    return sum(catalog.entity("outlook_actors", name).value("money") for name in names)


def value_place(exponent: float) -> Told:
    """Place of an exponent of revenue over users in ours."""
    draws = outlook_tables().value_exponent
    low, high = (float(x) for x in np.quantile(draws, [0.05, 0.95]))
    return Told(float(np.mean(draws < exponent)), f" in {low:.2f} to {high:.2f} (90 %)")


@lru_cache(maxsize=1)
def _curse() -> Array:
    drawn = read_priors().draw(SEED, 0, _DRAWN, {"curse_sign", "curse_size", "institutions"})
    return curse_effect(drawn["curse_sign"], drawn["curse_size"], 0.0 * drawn["institutions"] + 0.5)


def rents(direction: str) -> float:
    """Share of draws in which rents ``slow`` or ``quicken`` growth."""
    effect = _curse()
    return float(np.mean(effect < 0.0 if direction == "slow" else effect > 0.0))


def households(run: str) -> float:
    """Energy of a run in US households."""
    energy = catalog.entity("outlook_runs", run).value("energy")
    return next(one for one in compare_energy(energy) if one.id == "household-us").count


def bills() -> Told:
    """Overlap of the rise of bills by what data centres add to the demand of two auctions with PJM's own."""
    rise, paid = _pjm(), _row("P2", "sales").value * _row("P2", "retail").value
    low, high = (end / paid for end in _ends(_row("P2", "attributed")))
    words = f": overlap of {rise[0]:.1%} to {rise[1]:.1%} (80 %, prior of the elasticity) with "
    return Told(overlap(*rise, low, high), f"{words}{low:.1%} to {high:.1%}")


def _pjm() -> tuple[float, float]:
    """10 and 90 % of the rise of bills by what data centres add to the demand of two auctions, ours."""
    added = _row("P2", "demand_added").value
    drawn = read_priors().draw(SEED, 0, _DRAWN, {"supply_elasticity", "household_part"})
    rise = price_rise(
        added,
        _row("P2", "demand_required").value - added,
        drawn["supply_elasticity"],
        drawn["household_part"],
    )
    low, high = np.quantile(rise, [0.1, 0.9])
    return float(low), float(high)
