"""The answer of `gigawatt plan-supply` as JSON: stable keys, the unit at the end of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.site.capacity_chain import chain_rows, permit_notices, source_stages
from gigawatt.chain.supply.grid_tariff import bill_of, bill_rows
from gigawatt.chain.supply.grid_trade import clean_share, market_based
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.facility.capacity_chain import Stage, building_stages, substation
from gigawatt.power import Flexible
from gigawatt.power.dates import waits_in_queue
from gigawatt.power.tariff import Bill
from gigawatt.studies.supply.accreditation import accreditation_json
from gigawatt.studies.supply.adequacy import as_json
from gigawatt.studies.supply.plan import SupplyAnswer

__all__ = ["DUST", "as_answer", "hourly"]

Array = NDArray[np.float64]

#: Below this share of the load a capacity is the solver's dust.
DUST = 1e-3
#: Power not served counts as lacking above this share of the load.
_LACKING = 1e-6
HOUR = 3600.0
_MWH, _GWH, _MW, _GRAM = 3.6e9, 3.6e12, 1e6, 3.6e9
_YEAR = HOURS_PER_YEAR * HOUR
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PERCENTILES = (10, 50, 90)
#: A marginal price of at least this share of the price of energy not served is one of scarcity.
_SCARCE = 0.5
#: A price below this share of the mean is nothing.
_NOTHING = 1e-3
#: Share of hours that a mend is named for.
_ORDINARY = 0.999
#: $/MWh below which a price is written as nothing.
_CENT = 1e-2


def as_answer(supply: SupplyAnswer) -> dict[str, Any]:
    """The plan as one mapping, of a mean year; see docs/plan-supply.md."""
    question, plan = supply.question, supply.plan
    year = supply.year_share
    served = plan.energy_served * year
    low, high = (sum(costs.values()) * year for costs in (supply.costs.low, supply.costs.high))
    spent = plan.cost_per_energy * served
    plants = _plants(supply)
    water = sum(plan.water.values()) * year
    curtailed = float(np.sum(plan.curtailed)) * HOUR * plan.weight * year
    lacking = float(np.sum(plan.not_served)) * HOUR * plan.weight * year
    construction = sum(plan.construction_carbon.values()) * year
    queue = plan.waiting.reshape(question.weather_years, -1)  # J
    put_off = float(np.maximum(queue - np.roll(queue, 1, axis=1), 0.0).sum()) * plan.weight * year
    answer: dict[str, Any] = {
        **_asked(supply),
        "cost_USD_per_MWh": plan.cost_per_energy * _MWH,
        "cost_low_USD_per_MWh": low / served * _MWH,
        "cost_high_USD_per_MWh": high / served * _MWH,
        "cost_USD_per_year": spent,
        "upfront_USD": sum(plan.upfront.values()),
        "carbon_g_per_kWh": plan.carbon_intensity * _GRAM,
        "carbon_boundary": question.boundary,
        "carbon_20_g_per_kWh": plan.carbon_intensity_20 * _GRAM,
        "carbon_market_based_g_per_kWh": market_based(plan, question.grid.residual) * _GRAM,
        "construction_carbon_g_per_kWh": construction / served * _GRAM,
        "carbon_t_per_year": sum(plan.carbon.values()) * year / 1e3,
        "carbon_shadow_price_USD_per_t": plan.carbon_shadow_price * 1e3,
        "water_m3_per_year": water,
        "water_L_per_kWh": water * 1e3 / (served / 3.6e6),
        "curtailed_GWh": curtailed / _GWH,
        "not_served_MWh": lacking / _MWH,
        "not_served_hours": float(np.sum(plan.not_served > _LACKING * plan.load.max())) * plan.weight * year,
        "cut_MWh": float(np.sum(plan.cut)) * HOUR * plan.weight * year / _MWH,
        "cut_hours": float(np.sum(plan.cut > _LACKING * plan.load.max())) * plan.weight * year,
        "put_off_MWh": put_off / _MWH,
        "price_USD_per_MWh": _prices(plan.price * _MWH, plan.load),
        "price_hours": _price_hours(supply),
        "plants": plants,
        "months": _months(supply),
        "binding": list(plan.binding),
        "lead_times": _lead_times(supply),
        "adequacy": as_json(supply.adequacy, supply.nines, supply.bad_week),
        "accreditation": accreditation_json(supply.credits, question.grid.id),
        "capacity_chain": chain_rows(_stages(supply)),
        "notices": [*question.notices, *plan.notices, *permit_notices(plan), *_short(supply)],
        "gap": plan.gap,
        "infeasibility": plan.infeasibility,
        "solver": plan.solver,
        "plan_cpu_s": supply.cpu_seconds,
        "assumptions": [
            {"key": one.key, "value": one.value, "reason": one.reason, "grade": one.grade.label}
            for one in (*question.assumptions, *supply.adequacy.assumptions)
        ],
    }
    if (bill := bill_of(plan)) is not None:
        answer["bill"] = _bill(supply, bill)
    if any(plant.through for plant in plan.plants):
        answer["clean_share_market_based"] = clean_share(plan)
    if np.any(plan.sold):
        answer["sold_GWh"] = float(plan.hour_weight @ plan.sold.sum(1)) * HOUR * plan.weight * year / _GWH
    if question.building is not None:
        built = question.building
        answer["building"] = {
            "it_peak_MW": float(built.it.max()) / _MW,
            "pue": built.annual_pue,
            "pue_hottest_hour": float(built.pue.max()),
            "water_m3_per_year": float(built.water.sum()),
        }
    return answer


def _asked(supply: SupplyAnswer) -> dict[str, Any]:
    """The question with its load, of a mean year."""
    question, plan = supply.question, supply.plan
    flexible = question.flexible or Flexible()
    return {
        "site": question.site.id,
        "site_name": question.site.name,
        "grid": question.grid.id,
        "year": question.year,
        "weather_years": question.weather_years,
        "load_peak_MW": float(plan.load.max()) / _MW,
        "load_mean_MW": float(plan.load.mean()) * plan.duty / _MW,
        "load_GWh": float(plan.load.sum()) * HOUR * plan.weight * supply.year_share / _GWH,
        "profile": question.profile,
        "carbon_limit_g_per_kWh": _scaled(question.carbon_limit, _GRAM),
        "carbon_price_USD_per_t": question.carbon_price * 1e3,
        "not_served_price_USD_per_MWh": question.not_served_price * _MWH,
        "reliability": None if question.not_served_limit is None else 1.0 - question.not_served_limit,
        "matching": question.matching,
        "flexible_share": flexible.cut_share or None,
        "flexible_USD_per_MWh": flexible.cut_cost * _MWH if flexible.cut_share else None,
        "deferrable_share": flexible.defer_share or None,
        "deferrable_h": flexible.defer_window / HOUR if flexible.defer_share else None,
        "discount_rate": question.rate,
    }


def _bill(supply: SupplyAnswer, bill: Bill) -> dict[str, Any]:
    """The bill of a mean year, and the highest hour of each month: of the load, and drawn from the grid."""
    plan = supply.plan
    drawn = plan.metered(next(plant.id for plant in plan.plants if plant.metered is not None))
    month = np.tile(np.repeat(np.arange(len(_DAYS)), np.array(_DAYS) * 24), plan.years)
    months = [
        {
            "month": name,
            "load_peak_MW": float(plan.load[month == k].max()) / _MW,
            "drawn_peak_MW": float(drawn[month == k].max()) / _MW,
            "amount": sum(one.amount for one in bill.lines if one.month == k + 1),
        }
        for k, name in enumerate(_MONTHS)
    ]
    keys = {"amount [$/yr]": "amount_USD_per_year", "share []": "share"}
    return {
        "tariff": bill.tariff.id,
        "name": bill.tariff.name,
        "currency": bill.tariff.currency,
        "price_year": bill.tariff.year,
        "total": bill.total,
        "total_USD_per_year": bill.dollars,
        "lines": [{keys.get(k, k): v for k, v in row.items()} for row in bill_rows(bill)],
        "months": months,
    }


def _stages(supply: SupplyAnswer) -> tuple[Stage, ...]:
    """Stages from plants to racks; without a building those of the load at the meter alone."""
    question = supply.question
    found = source_stages(supply.plan, supply.adequacy)
    if question.building is None:
        return (*found, substation(float(supply.plan.load.max())))
    return (*found, *reversed(building_stages(question.building, redundancy=question.redundancy)))


def _short(supply: SupplyAnswer) -> list[str]:
    """The notice of a plan that is short by more than it says, and what would mend it."""
    notice = supply.adequacy.notice
    mend = next((one for one in supply.nines if one.count and one.share >= _ORDINARY), None)
    if notice is None or mend is None:
        return [] if notice is None else [notice]
    return [f"{notice}; {mend.count:,} more of {mend.plant} would serve {100 * mend.share:.4g} % of hours"]


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def _plants(supply: SupplyAnswer) -> list[dict[str, Any]]:
    plan, year = supply.plan, supply.year_share
    energy, charge, wasted = (plan.energy(what) for what in ("dispatch", "charge", "curtailed"))
    served, arrivals = plan.energy_served, supply.question.arrivals
    worth = DUST * float(plan.load.max())
    rows: list[dict[str, Any]] = []
    for i, plant in enumerate(plan.plants):
        size, name = plan.capacity[plant.id], plant.id
        there = arrivals.by.get(name)
        parts = plan.cost[name]
        waits = not plant.through and waits_in_queue(name)
        queued = supply.question.grid.connection_time if waits else plant.lead_time
        lead = queued if there is None else there.lead[0]
        full = plan.dispatch[:, i] >= size * (1.0 - DUST)
        store = plan.storage_energy.get(name)
        rows.append(
            {
                "id": name,
                "name": plant.name,
                "kind": plant.kind,
                "built": size > worth,
                "capacity_MW": size / _MW,
                "limit_MW": plant.maximum / _MW if np.isfinite(plant.maximum) else None,
                "storage_MWh": _scaled(store, 1.0 / _MWH),
                "energy_GWh": energy[name] * year / _GWH,
                "charged_GWh": charge[name] * year / _GWH if store is not None else None,
                "share": (energy[name] - charge[name]) / served,
                "capacity_factor": energy[name] / (size * HOUR * plan.hours) if size > worth else None,
                "full_hours": float(np.sum(full)) * plan.weight * year if size > worth else 0.0,
                "curtailed_GWh": wasted[name] * year / _GWH,
                "cost_USD_per_year": sum(parts.values()) * year,
                "cost_low_USD_per_year": supply.costs.low[name] * year,
                "cost_high_USD_per_year": supply.costs.high[name] * year,
                "cost_parts_USD_per_year": {part: value * year for part, value in parts.items()},
                "upfront_USD": plan.upfront[name],
                "carbon_t_per_year": plan.carbon[name] * year / 1e3,
                "construction_carbon_t_per_year": plan.construction_carbon[name] * year / 1e3,
                "water_m3_per_year": plan.water[name] * year,
                "lead_time_years": lead / _YEAR,
                "order_by": arrivals.order_by(name, supply.question.year),
                "ready": None if there is None else there.ready(),
                "ready_low": None if there is None else there.ready(0.1),
                "ready_high": None if there is None else there.ready(0.9),
            }
        )
    return rows


def _prices(price: Array, load: Array) -> dict[str, float]:
    price = np.where(np.abs(price) < _CENT, 0.0, price)  # what an interior point leaves of nothing
    low, middle, high = (float(v) for v in np.percentile(price, _PERCENTILES))
    return {
        "mean": float(np.average(price, weights=load)),
        "p10": low,
        "median": middle,
        "p90": high,
        "highest": float(price.max()),
    }


def _price_hours(supply: SupplyAnswer) -> dict[str, float]:
    """Hours of a mean year by marginal price: zero, ordinary, high, scarcity."""
    plan, question = supply.plan, supply.question
    mean = float(np.average(plan.price, weights=plan.load))
    scarce = plan.price >= _SCARCE * question.not_served_price
    nothing = plan.price <= _NOTHING * mean
    dear = (plan.price > 2.0 * mean) & ~scarce
    hours = plan.hours / len(plan.load) * supply.year_share
    return {
        "nothing": float(np.sum(nothing & ~scarce)) * hours,
        "ordinary": float(np.sum(~nothing & ~dear & ~scarce)) * hours,
        "above_twice_the_mean": float(np.sum(dear & ~nothing)) * hours,
        "of_scarcity": float(np.sum(scarce)) * hours,
    }


def _months(supply: SupplyAnswer) -> list[dict[str, Any]]:
    """Energy of each month of a mean year: load, each plant, charging, curtailed, not served."""
    plan = supply.plan
    scale = HOUR * plan.weight * supply.year_share / _GWH
    of_day = len(plan.load) // (supply.question.weather_years * sum(_DAYS))
    edges = np.concatenate([[0], np.cumsum(_DAYS)]) * of_day

    def split(values: Array) -> list[float]:
        years = values.reshape(supply.question.weather_years, -1).sum(0)
        return [float(years[a:b].sum()) * scale for a, b in pairwise(edges)]

    columns: dict[str, Sequence[float]] = {
        "load_GWh": split(plan.load),
        "not_served_GWh": split(plan.not_served),
        "charged_GWh": split(plan.charge.sum(1)),
        "curtailed_GWh": split(plan.curtailed.sum(1)),
    }
    energy = {plant.id: split(plan.dispatch[:, i]) for i, plant in enumerate(plan.plants)}
    return [
        {
            "month": month,
            **{name: values[i] for name, values in columns.items()},
            "plants_GWh": {name: values[i] for name, values in energy.items()},
        }
        for i, month in enumerate(_MONTHS)
    ]


def _lead_times(supply: SupplyAnswer) -> list[str]:
    """Order dates of the plants, the longest lead time first."""
    question, worth = supply.question, DUST * float(supply.plan.load.max())
    built = [plant for plant in supply.plan.plants if supply.plan.capacity[plant.id] > worth]
    built.sort(key=lambda plant: -plant.lead_time)
    said = (question.arrivals.words(plant.id, question.year) for plant in built)
    return [one for one in said if one is not None]


def hourly(supply: SupplyAnswer) -> dict[str, list[float]]:
    """Series of the plan in MW and $/MWh, four significant digits, for figures and hourly.csv.

    ``load``, ``not served``, ``price``; by plant ``ID`` given, ``ID charge``, ``ID stored`` [MWh],
    ``ID curtailed`` where there is any; means of the hour, where a load is not drawn all the time.
    """
    plan, mean = supply.plan, supply.plan.duty / _MW
    worth = DUST * float(plan.load.max())
    series: dict[str, Array] = {
        "load": plan.load * mean,
        "not served": plan.not_served * mean,
        "price": plan.price * _MWH,
    }
    for i, plant in enumerate(plan.plants):
        if plan.capacity[plant.id] <= worth:
            continue
        series[plant.id] = plan.dispatch[:, i] * mean
        if plant.storage is not None:
            series[f"{plant.id} charge"] = plan.charge[:, i] * mean
            series[f"{plant.id} stored"] = plan.state_of_charge[:, i] * plan.duty / _MWH
        elif np.any(plan.curtailed[:, i] > worth):
            series[f"{plant.id} curtailed"] = plan.curtailed[:, i] * mean
    return {name: [float(f"{value:.4g}") for value in values.tolist()] for name, values in series.items()}
