"""Plants of the catalog beside published numbers: levelised costs, capital by year, heat rates, carbon.

The published numbers are rows of ``plants_published``, each with the range that its source has or that is
accepted; the tolerance of a check is that range. ``fitted`` marks what our rows were read from: such a check
finds errors of transcription, units, years and inflation, not of judgement. What disagrees is left in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gigawatt.catalog import entity, table
from gigawatt.catalog.loader import Entity
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.money import capital_recovery_factor
from gigawatt.power import Plant, build_plant
from gigawatt.studies.plant.overview import levelised_cost_of
from gigawatt.validation.supply_check import Check

__all__ = ["TABLE", "checks", "levelised"]

TABLE = "plants_published"

_HOUR = 3600.0
_YEAR = HOURS_PER_YEAR * _HOUR
_PERCENT = 100.0
_MWH, _KWH = 3.6e9, 3.6e6
_BTU = 1055.05585262
_WARM = 10.0  # K above the rating point, of ``warm_air_loss``


def levelised(plant: str, *, year: float, rate: float, capacity_factor: float, case: str = "value") -> float:
    """Levelised cost in $/J of a plant's electricity at a capacity factor, without connection or storage.

    Parameters
    ----------
    plant, year, case
        As in :func:`gigawatt.power.build_plant`.
    rate : float
        Effective annual rate, 1/year.
    capacity_factor : float
        Energy delivered / (capacity × year), (0, 1]; with outages in it.
    """
    made = _built(plant, year, rate=rate, case=case)
    return levelised_cost_of(made, capacity_factor=capacity_factor)


def checks() -> tuple[Check, ...]:
    """Every published number of ``plants_published`` beside ours."""
    return tuple(
        check
        for published in table(TABLE).values()
        if published.id in table("plants")
        for check in _of(published)
    )


def _of(published: Entity) -> Iterator[Check]:
    name = published.id
    rate = entity(TABLE, "finance").value("rate") * _YEAR
    for quantity, rows in published.numbers.items():
        kind, _, at = quantity.rpartition("_")
        if quantity == "lcoe":
            factor = published.value("lcoe_capacity_factor")
            for row in rows:
                ours = levelised(name, year=_year(row), rate=rate, capacity_factor=factor)
                what = f"levelised cost at {rate:.1%}, capacity factor {factor:g}"
                yield _check("costs", name, what, ours, row, "$/MWh", _MWH, ("capital_cost",))
        elif quantity == "lcoe_fall":
            yield from _falls(name, rows, rate)
        elif quantity == "heat_rate":
            for row in rows:
                ours = entity("plants", name).at("heat_rate", _year(row))[0]
                yield _check("plants", name, "heat rate", ours, row, "Btu/kWh", _KWH / _BTU, ("heat_rate",))
        elif kind == "part_load":
            made = _built(name, 0.0, rate=rate)
            if made.part_load is not None:
                ours = float(made.part_load.relative(float(at) / _PERCENT))
                what = f"heat rate at {at} % load over full load"
                yield _check("plants", name, what, ours, rows[0], "1", 1.0, ())
        elif quantity == "warm_air_loss":
            made = _built(name, 0.0, rate=rate)
            if made.derating is not None:
                ours = 1.0 - float(made.derating.capacity(made.derating.reference + _WARM))
                yield _check("plants", name, "output lost in air 10 K warmer", ours, rows[0], "1", 1.0, ())
        elif quantity == "capital" or kind in ("capital", "price"):
            yield from _capital(name, quantity, rows, rate)
        elif quantity == "carbon":
            for row in rows:
                ours = _life_cycle(name, _year(row), rate)
                yield _check("plants", name, "life-cycle carbon", ours, row, "g/kWh", _KWH * 1e3, ())


def _falls(name: str, rows: tuple[Evidence, ...], rate: float) -> Iterator[Check]:
    first, *later = rows
    factor = entity("plants", name).evidence("availability").value
    base = levelised(name, year=_year(first), rate=rate, capacity_factor=factor)
    for row in later:
        ours = levelised(name, year=_year(row), rate=rate, capacity_factor=factor) / base
        what = f"levelised cost of {row.year} over {first.year}"
        yield _check("costs", name, what, ours, row, "1", 1.0, ("capital_cost",))


def _capital(name: str, quantity: str, rows: tuple[Evidence, ...], rate: float) -> Iterator[Check]:
    kind, _, hours = quantity.rpartition("_")
    duration = float(hours.removesuffix("h")) * _HOUR if kind else 0.0
    for row in rows:
        made = _built(name, _year(row), rate=rate)
        ours = made.investment + (made.storage.energy_investment * duration if made.storage else 0.0)
        per_energy = kind == "price"
        what = f"capital cost of {row.year}" + (f", {hours}" if kind else "")
        unit, scale = ("$/kWh", _KWH) if per_energy else ("$/kW", 1e3)
        yield _check(
            "costs",
            name,
            what,
            ours / duration if per_energy else ours,
            row,
            unit,
            scale,
            ("capital_cost", "energy_capital_cost"),
        )


def _life_cycle(name: str, year: float, rate: float) -> float:
    made, row = _built(name, year, rate=rate), entity("plants", name)
    return float(np.mean(made.carbon)) + made.construction_carbon / (row.value("capacity_factor") * _YEAR)


def _check(
    part: str,
    plant: str,
    what: str,
    ours: float,
    row: Evidence,
    unit: str,
    scale: float,
    read: tuple[str, ...],
) -> Check:
    mine = entity("plants", plant).numbers
    sources = {own.source_id for quantity in read for own in mine.get(quantity, ())}
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    return Check(
        part=part,
        what=f"{entity('plants', plant).text('name', plant)}: {what}",
        ours=ours * scale,
        published=row.value * scale,
        unit=unit,
        tolerance=max(high - row.value, row.value - low) / row.value,
        source=f"{row.source_id}: {row.locator}",
        fitted=row.source_id in sources,
    )


def _built(plant: str, year: float, *, rate: float, case: str = "value") -> Plant:
    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=rate, life=life))

    profile = np.ones(1) if entity("plants", plant).text("kind") == "profile" else None
    return build_plant(plant, year=year, capital_recovery=recovery, profile=profile, case=case)


def _year(row: Evidence) -> float:
    return float(row.year or 0)
