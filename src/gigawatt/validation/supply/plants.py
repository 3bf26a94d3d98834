"""Plants of the catalog beside published numbers: levelised costs, capital by year, heat rates, carbon.

The published numbers are rows of ``plants_published``, each with the range that its source has or that is
accepted; the tolerance of a check is that range. ``fitted`` marks what our rows were read from: such a check
finds errors of transcription, units, years and inflation, not of judgement. What disagrees is left in.
"""

from __future__ import annotations

import numpy as np

from gigawatt.catalog import entity
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.money import capital_recovery_factor
from gigawatt.power import Plant, build_plant
from gigawatt.studies.plant.overview import levelised_cost_of

__all__ = [
    "fall",
    "investment",
    "levelised",
    "life_cycle",
    "part_load",
    "published_rate",
    "read_from",
    "warm_air_loss",
]

_TABLE = "plants_published"

_HOUR = 3600.0
_YEAR = HOURS_PER_YEAR * _HOUR
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


def fall(plant: str, *, year: float, first: float, rate: float) -> float:
    """Levelised cost of a year over that of the ``first``, at the plant's own availability."""
    factor = entity("plants", plant).evidence("availability").value
    base, later = (levelised(plant, year=one, rate=rate, capacity_factor=factor) for one in (first, year))
    return later / base


def investment(plant: str, *, year: float, rate: float, duration: float = 0.0) -> float:
    """Capital cost in $/W with a store of ``duration`` in s."""
    made = _built(plant, year, rate=rate)
    return made.investment + (made.storage.energy_investment * duration if made.storage else 0.0)


def part_load(plant: str, share: float, *, rate: float) -> float | None:
    """Heat rate at a share of the load over that at full load; ``None`` of a plant without such a curve."""
    made = _built(plant, 0.0, rate=rate)
    return None if made.part_load is None else float(made.part_load.relative(share))


def warm_air_loss(plant: str, *, rate: float) -> float | None:
    """Share of the output lost in air 10 K warmer; ``None`` of a plant that does not care."""
    made = _built(plant, 0.0, rate=rate)
    if made.derating is None:
        return None
    return 1.0 - float(made.derating.capacity(made.derating.reference + _WARM))


def read_from(plant: str, source: str, *quantities: str) -> bool:
    """Whether one of a plant's quantities in the catalog is read from a source."""
    mine = entity("plants", plant).numbers
    return any(own.source_id == source for quantity in quantities for own in mine.get(quantity, ()))


def published_rate() -> float:
    """The interest of the published levelised costs, 1/year."""
    return entity(_TABLE, "finance").value("rate") * _YEAR


def life_cycle(plant: str, *, year: float, rate: float) -> float:
    """Carbon of running and building over what the plant delivers, kg/J."""
    made, row = _built(plant, year, rate=rate), entity("plants", plant)
    return float(np.mean(made.carbon)) + made.construction_carbon / (row.value("capacity_factor") * _YEAR)


def _built(plant: str, year: float, *, rate: float, case: str = "value") -> Plant:
    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=rate, life=life))

    profile = np.ones(1) if entity("plants", plant).text("kind") == "profile" else None
    return build_plant(plant, year=year, capital_recovery=recovery, profile=profile, case=case)
