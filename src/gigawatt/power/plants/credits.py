"""Tax credits of a place for a plant, by when it is begun and in service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gigawatt.catalog.loader import Entity, table
from gigawatt.core.evidence import Assumption, Evidence, worst
from gigawatt.core.quantities import HOURS_PER_YEAR, show
from gigawatt.facility.countries import Country
from gigawatt.power.plants.plant import Plant

__all__ = ["Credit", "credits_of", "with_credits"]

_YEAR = HOURS_PER_YEAR * 3600.0


@dataclass(frozen=True)
class Credit:
    """A credit of a law: ``share`` of the investment, ``energy`` [$/J] for ``years`` [s], 0 where it has
    none; ``worth``: what a sold dollar of it brings; ``row`` of the table ``credits``."""

    share: float
    energy: float
    years: float
    worth: float
    row: Entity

    @property
    def rows(self) -> tuple[Evidence, ...]:
        """Its numbers."""
        return tuple(
            self.row.evidence(name) for name in ("share", "energy", "worth") if name in self.row.numbers
        )


def credits_of(plant: str, country: Country, *, begun: float, served: float) -> tuple[Credit, ...]:
    """Credits that a plant can have; none where the law of the place gives none.

    Parameters
    ----------
    plant : str
        Id of the table ``plants``.
    country : Country
        Where it is built.
    begun, served : float
        Decimal years in which its construction begins, and in which it is in service.
    """
    places = {row.id for row in country.rows}
    found: list[Credit] = []
    for row in table("credits").values():
        if row.text("place") not in places or plant not in row.text("plants").split("|"):
            continue
        in_time = row.value("begun_from") <= begun < row.value("begun_before")
        if in_time and served <= (row.get("served_before") or served):
            years = (row.get("years") or 0.0) * _YEAR
            found.append(
                Credit(row.get("share") or 0.0, row.get("energy") or 0.0, years, row.value("worth"), row)
            )
    return tuple(found)


def with_credits(
    plant: Plant, credits: tuple[Credit, ...], *, capital_recovery: Callable[[float], float]
) -> Plant:
    """The plant with the credit that is worth most over its life; as it is without any.

    Of a share ``s`` of the investment, sold at ``w``, ``s · w`` of the annuity falls away. Of ``e`` $/J for
    ``n`` years of a life ``L``, ``e · w · crf(L) / crf(n)`` is earned with every joule, the same
    present value levelised over the life. One of both is taken, the larger at the plant's mean availability.

    Parameters
    ----------
    plant : Plant
        Without a credit; its ``capital`` [$/W a year] is the annuity of its ``investment``.
    credits : tuple of Credit
        Of :func:`credits_of`.
    capital_recovery : callable
        Life [s] → share of the investment that is paid back in a year.

    Returns
    -------
    Plant
        ``capital`` less ``credit``, or ``variable`` less ``energy_credit``; a store's energy part likewise.

    References
    ----------
    Rows of ``credits``: sections 45Y and 48E of the US Internal Revenue Code, and others.
    """
    best, most = plant, 0.0
    for one in credits:
        for made, worth in (_by_share(plant, one), _by_energy(plant, one, capital_recovery)):
            if worth > most:
                best, most = made, worth
    return best


def _told(plant: Plant, one: Credit, what: str) -> Plant:
    said = Assumption(
        key=f"supply.credits.{plant.id}",
        value=what,
        reason=f"{one.row.text('name')}, {one.row.id} of the table credits: {one.row.evidence('worth').note}",
        grade=worst(row.grade for row in one.rows),
        source=one.rows[0].source_id,
    )
    return replace(plant, evidence=(*plant.evidence, *one.rows), assumptions=(*plant.assumptions, said))


def _by_share(plant: Plant, one: Credit) -> tuple[Plant, float]:
    """The plant with a share of its cost back, and what that is worth [$/W a year; a store's at its least
    duration]."""
    share = one.share * one.worth
    if not share > 0.0:
        return plant, 0.0
    given, store = plant.capital * share, plant.storage
    worth = given
    if store is not None:
        back = store.energy_capital * share
        worth += back * max(store.duration_min, 1.0)
        store = replace(store, energy_capital=store.energy_capital - back, credit=back)
    what = f"{100.0 * one.share:.3g} % of the capital cost, sold at {100.0 * one.worth:.3g} %"
    made = replace(plant, capital=plant.capital - given, credit=given, storage=store)
    return _told(made, one, what), worth


def _by_energy(plant: Plant, one: Credit, recovery: Callable[[float], float]) -> tuple[Plant, float]:
    """The plant with a credit by energy, and what that is worth [$/W a year]."""
    if not (one.energy > 0.0 and one.years > 0.0 and plant.storage is None):
        return plant, 0.0
    levelised = one.energy * one.worth * recovery(plant.life) / recovery(min(one.years, plant.life))
    worth = levelised * float(np.mean(plant.availability)) * _YEAR
    years = one.years / _YEAR
    what = (
        f"{show(one.energy, '$/MWh', 3)} for {years:.3g} years: {show(levelised, '$/MWh', 3)} over its life"
    )
    made = replace(plant, variable=plant.variable - levelised, energy_credit=levelised)
    return _told(made, one, what), worth
