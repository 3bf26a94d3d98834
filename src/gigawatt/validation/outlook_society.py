"""Published numbers on cost, concentration, carbon, water and waste beside the outlook's, and on runs beside
homes.

*overlap* and *place* as in :mod:`gigawatt.validation.outlook_monte_carlo`. Nothing was fitted to these
numbers, but for those marked; where boundaries differ the row says so.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.economics import discount_rate
from gigawatt.evidence import Evidence
from gigawatt.outlook.concentration import concentration, quarters
from gigawatt.outlook.ownership import drawn_ahead, year_apart
from gigawatt.outlook.priors import read_priors
from gigawatt.outlook.randomness import SEED
from gigawatt.outlook.society import curse_effect, price_rise
from gigawatt.quantities import factor
from gigawatt.study.outlook import OutlookResult, outlook
from gigawatt.study.outlook_compare import compare_energy
from gigawatt.study.outlook_limits import outlook_tables
from gigawatt.study.pathway import accelerators
from gigawatt.validation.check import Check
from gigawatt.validation.outlook_energy import run_energy
from gigawatt.validation.outlook_monte_carlo import DRAWS, overlap

__all__ = ["checks", "run_cost"]

PART = "society"
TABLE = "outlook_society_published"
_MILLION = 1e6
_FIVE = 5
_FACTOR = 2.0  # within which a published cost of a run is said to be met
_SINCE, _UNTIL = 2024, 2027
_DRAWN = 20_000
_BACK = 2  # years of the hindcast of owners


@lru_cache(maxsize=1)
def _result() -> OutlookResult:
    return outlook("base", DRAWS)


def _row(id: str, quantity: str) -> Evidence:
    return catalog.entity(TABLE, id).evidence(quantity)


def _source(row: Evidence, note: str = "") -> str:
    return ", ".join(part for part in (row.source_id, row.locator, row.note, note) if part)


def _ends(row: Evidence) -> tuple[float, float]:
    return row.low or row.value, row.high or row.value


def _overlap(id: str, quantity: str, ours: tuple[float, float], unit: str, what: str) -> Check:
    """Overlap of our 80 % interval ``ours`` (SI) with the published range; half of it is wanted."""
    row, scale = _row(id, quantity), factor(unit)
    low, high = _ends(row)
    told = f"{id} {what}: overlap of {ours[0] / scale:.3g} to {ours[1] / scale:.3g} {unit} (80 %) with "
    told += f"{low / scale:.3g} to {high / scale:.3g}"
    return Check(PART, told, overlap(*ours, low, high), 1.0, "overlap", 0.5, _source(row))


def _band(name: str, year: int) -> tuple[float, float]:
    band, unit = _result().band(name, year), factor(_result().units[name])
    return band[0.1] * unit, band[0.9] * unit


def run_cost(row: Entity) -> float:
    """Cost of a published run [$]: our chip-hours at what the chip with its share of node, network and
    building costs an hour, and the power that it draws.

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
    run = catalog.entity("hindcast_energy", row.text("run")) if row.text("run") else row
    found, rate = run_energy(run), discount_rate()[0]
    hour = accelerators(chip=run.text("chip"), pue=run.value("pue"), rate=rate).hour
    price = catalog.entity("outlook_grid", "us").value("price")
    return found.chip_hours * hour + found.drawn * run.value("pue") * price


def _runs() -> list[Check]:
    made: list[Check] = []
    for row in catalog.table("outlook_cost_runs").values():
        ours, proof = run_cost(row), row.evidence("cost")
        tolerance = _FACTOR - 1.0 if ours >= proof.value else 1.0 - 1.0 / _FACTOR
        made.append(
            Check(
                PART,
                f"N1 cost of {row.text('name')}, last run, machines written off and power",
                ours / _MILLION,
                proof.value / _MILLION,
                "M$",
                tolerance,
                _source(proof, f"architecture {row.text('architecture') or 'of the run'}"),
            )
        )
    ratios = [check.ours / check.published for check in made]
    made.append(
        Check(
            PART, f"N1 median of ours over published, {len(ratios)} runs", float(np.median(ratios)), 1.0,
            "1", 0.25, "target as of energies: 0.8 to 1.25",
        )
    )  # fmt: skip
    growth, later = _row("N1", "run_growth"), _row("N1", "run_cost_2027")
    first, last = (_result().band("run_cost", year)[0.5] for year in (_SINCE, _UNTIL))
    yearly = (last / first) ** (1.0 / (_UNTIL - _SINCE))
    low, high = _ends(growth)
    tolerance = (high if yearly >= growth.value else 2.0 * growth.value - low) / growth.value - 1.0
    made.append(
        Check(
            PART,
            f"N1 growth of the cost of the largest run {_SINCE} to {_UNTIL}, {low:g} to {high:g} wanted",
            yearly, growth.value, "1", tolerance, _source(growth, "theirs is of 2016 to 2024"),
        )
    )  # fmt: skip
    lacking = max(0.0, later.value - last * _MILLION) / _MILLION
    told = f"N1 cost of the largest run {_UNTIL} above 1 B$: lacking (ours {last:,.0f} M$, median)"
    made.append(Check(PART, told, lacking, 0.0, "M$", 0.0, _source(later)))
    return made


def _owners() -> list[Check]:
    row = _row("H1", "hhi")
    low, high = _ends(row)
    now = concentration(quarters()[-1])
    made = [
        Check(
            PART, f"H1 HHI of {quarters()[-1]}, {words}, {low:,.0f} to {high:,.0f} wanted", ours, row.value,
            "1", (high - low) / 2.0 / row.value, _source(row), True,
        )
        for words, ours in (("unnamed owners countless", now.hhi_low), ("unnamed as two", now.hhi_high))
    ]  # fmt: skip
    told = year_apart()[:-_BACK]
    rng = np.random.Generator(np.random.Philox(key=SEED))
    ahead, _ = drawn_ahead(told, rows=_DRAWN, years=_BACK, rng=rng)
    for name, words, came in (
        ("hhi", "HHI", now.hhi_low), ("five", "share of the five largest", now.largest[_FIVE]),
    ):  # fmt: skip
        last = ahead[name][:, -1]
        low, high = (float(x) for x in np.quantile(last, [0.05, 0.95]))
        made.append(
            Check(
                PART, f"H2 {words} of {now.quarter} from {told[-1]} on: place in {low:.3g} to {high:.3g}",
                float(np.mean(last < came)), 0.5, "place", 0.9, "hindcast, rows of owners",
            )
        )  # fmt: skip
    for quantity, quarter in (("largest_five_2022", quarters()[0]), ("largest_five", quarters()[-1])):
        one = _row("H1", quantity)
        made.append(
            Check(
                PART, f"H1 share of the five largest, {quarter}", concentration(quarter).largest[_FIVE],
                one.value, "1", 0.02, _source(one), True,
            )
        )  # fmt: skip
    return made


def _environment() -> list[Check]:
    site, plants = (_band(name, 2025) for name in ("water_site", "water_plants"))
    water = (site[0] + plants[0], site[1] + plants[1])
    return [
        _overlap("N2", "carbon_ai", _band("carbon_ai", 2025), "Mt/yr", "carbon of AI's power 2025"),
        _overlap("N2", "water_ai", water, "GL/yr", "water of AI 2025, ends added"),
        _overlap("N3", "waste_2030", _positive(_band("waste", 2030)), "Mt/yr", "AI servers taken out 2030"),
    ]


def _positive(ends: tuple[float, float]) -> tuple[float, float]:
    """Ends of an interval whose low end may be nothing: a thousandth of the high end then."""
    high = max(ends[1], 1e-6)
    return max(ends[0], high / 1e3), high


def _money() -> list[Check]:
    spending, clouds = _row("C1", "spending_2026"), _row("C1", "clouds_2025")
    five = ("amazon", "alphabet", "microsoft", "meta", "oracle")
    ours = sum(catalog.entity("outlook_actors", name).value("money") for name in five)
    scale = factor("B$/yr")
    value = _row("M2", "value_exponent")
    draws = outlook_tables().value_exponent
    low, high = (float(x) for x in np.quantile(draws, [0.05, 0.95]))
    return [
        Check(
            PART, "C1 spending of five large clouds 2025, rows of actors", ours / scale, clouds.value / scale,
            "B$/yr", 0.1, _source(clouds),
        ),
        _overlap("C1", "spending_2026", _band("capital", 2026), "B$/yr", f"spending 2026 ({spending.note})"),
        Check(
            PART, f"M2 exponent of revenue over users: place of 1.23 in {low:.2f} to {high:.2f} (90 %)",
            float(np.mean(draws < value.value)), 0.5, "place", 0.9, _source(value), True,
        ),
    ]  # fmt: skip


def _society() -> list[Check]:
    priors = read_priors()
    drawn = priors.draw(SEED, 0, _DRAWN, {"curse_sign", "curse_size", "institutions"})
    effect = curse_effect(drawn["curse_sign"], drawn["curse_size"], 0.0 * drawn["institutions"] + 0.5)
    down, up = _row("R1", "curse_negative"), _row("R1", "curse_positive")
    homes = _row("K1", "households_gpt3")
    rise, attributed = _pjm(), _row("P2", "attributed")
    bills = _row("P2", "sales").value * _row("P2", "retail").value
    low, high = _ends(attributed)
    told = f"P2 rise of bills by data centres in PJM: overlap of {rise[0]:.1%} to {rise[1]:.1%} "
    told += f"(80 %, prior of the elasticity) with {low / bills:.1%} to {high / bills:.1%}"
    energy = catalog.entity("outlook_runs", "gpt-3").value("energy")
    beside = next(one for one in compare_energy(energy) if one.id == "household-us")
    return [
        Check(PART, "R1 share of draws in which rents slow growth", float(np.mean(effect < 0.0)), down.value,
              "1", 0.05, _source(down), True),
        Check(PART, "R1 share of draws in which rents quicken it", float(np.mean(effect > 0.0)), up.value,
              "1", 0.05, _source(up), True),
        Check(PART, "K1 GPT-3 in US households", beside.count, homes.value, "1", 0.1, _source(homes)),
        Check(PART, told, overlap(*rise, low / bills, high / bills), 1.0, "overlap", 0.5,
              _source(attributed)),
        _overlap("P1", "bill_rise", _band("household_rise", 2027), "percent",
                 "rise of US bills 2027 (theirs: one region, one year)"),
    ]  # fmt: skip


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


def checks() -> list[Check]:
    """Every published number of energy, environment and society; some three CPU-seconds.

    Raises
    ------
    GigawattError
        A row that is needed is missing from the catalog.
    """
    return [check for part in (_runs, _owners, _environment, _money, _society) for check in part()]
