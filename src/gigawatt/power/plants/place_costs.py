"""Cost of a plant at a place over that in the United States, which the rows of ``plants`` have."""

from __future__ import annotations

from gigawatt.catalog.loader import Entity, table
from gigawatt.core.evidence import Evidence
from gigawatt.facility.countries import Country

__all__ = ["capital_factor"]

_CASES = ("value", "low", "high")


def capital_factor(
    plant: Entity, country: Country, case: str = "value"
) -> tuple[float, tuple[Evidence, ...]]:
    """(capital cost at a place over that of the plant's row, the rows it is read from).

    The price paid in the region of the place (``plants_places``) where there is a row of it; else the work on
    the site at the place's cost of it, ``1 + labour_share · (labour − 1)``, with machines at one price in the
    world; 1 of a plant with neither.

    Parameters
    ----------
    plant : Entity
        Row of ``plants``, with its ``labour_share`` [1].
    country : Country
        The place, with its ``labour`` [1], the United States being 1.
    case : str
        ``value``, ``low`` or ``high`` end of the row of the region; that of labour is small beside the range
        of the plant's own cost and is left out.

    References
    ----------
    Rows of ``plants_places`` and ``countries``.
    """
    row = table("plants_places").get(f"{country.text('costs')}/{plant.id}")
    if row is not None:
        one = row.evidence("capital_factor")
        return row.at("capital_factor", 0.0)[_CASES.index(case)], (one,)
    paid = country.row_with("labour")
    if "labour_share" not in plant.numbers or paid is None:
        return 1.0, ()
    share, labour = plant.evidence("labour_share"), paid.evidence("labour")
    factor = 1.0 + share.value * (labour.value - 1.0)
    return factor, () if labour.value == 1.0 else (share, labour)
