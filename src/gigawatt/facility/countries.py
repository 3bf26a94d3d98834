"""The country and state of a site: which hubs, carbon market, laws and cost factors hold there.

A row of ``countries`` stands for a part of a state, a state, a country or the world, each ``within`` a larger
one; what a row does not have, the larger one has. A law of ``allowed`` is of one of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gigawatt.catalog import Entity, loader
from gigawatt.core.evidence import Evidence
from gigawatt.facility.sites import Site

__all__ = ["Country", "Law", "country_of"]

_WORLD = "world"
_TABLE = "countries"


@dataclass(frozen=True)
class Law:
    """What holds for new plants of a ``subject`` (``nuclear``, ``wind`` …) at a place.

    ``offered``: whether they are among what may be built; ``words``: the law, or the resource; ``row``: its
    row of ``allowed``, of the place called ``place``.
    """

    subject: str
    offered: bool
    words: str
    place: str
    row: Entity


@dataclass(frozen=True)
class Country:
    """Rows of ``countries`` that hold at a site, the smallest place first, the world last."""

    rows: tuple[Entity, ...]

    @property
    def name(self) -> str:
        """The smallest of them."""
        return self.rows[0].text("name")

    def text(self, column: str) -> str:
        """A column of the smallest place that has it; empty where none has."""
        return next((found for row in self.rows if (found := row.text(column))), "")

    def row_with(self, quantity: str) -> Entity | None:
        """The row of the smallest place that has a number; ``None`` where none has."""
        return next((row for row in self.rows if quantity in row.numbers), None)

    def number(self, quantity: str, year: float) -> tuple[tuple[float, float, float], Evidence]:
        """((value, low, high) in SI at ``year``, the row it is read from).

        Raises
        ------
        MissingDataError
            No place around the site has this number.
        """
        row = self.row_with(quantity) or self.rows[-1]
        return row.at(quantity, year), row.evidence(quantity, int(year))

    def hubs(self) -> Mapping[str, str]:
        """Hub at which a fuel is priced (row of ``fuel_hubs``), by fuel."""
        return {fuel: hub for fuel in loader.table("fuels") if (hub := self.text(fuel))}

    def law(self, subject: str) -> Law | None:
        """The law of the smallest place that has one on the subject; ``None``: nothing is known."""
        laws = loader.table("allowed")
        for place in self.rows:
            row = laws.get(f"{place.id}/{subject}")
            if row is not None:
                offered = row.text("offered") == "yes"
                return Law(subject, offered, row.text("law"), place.text("name"), row)
        return None


def country_of(site: Site) -> Country:
    """The country of a site, its state and the part of it where they have rows.

    A part of a state is what lies west and south of the bounds of its row. A country without a row has that
    of the world alone.
    """
    known = loader.table(_TABLE)
    here = [row for row in known.values() if _holds(row, site)]
    smallest = max(here, key=lambda row: len(_chain(row, known)), default=known[_WORLD])
    return Country(_chain(smallest, known))


def _holds(row: Entity, site: Site) -> bool:
    """Whether a site lies in the place of a row."""
    if row.text("country") != site.country or row.text("state") not in ("", site.state):
        return False
    bounds = (("west_of", site.longitude), ("south_of", site.latitude))
    return all(name not in row.numbers or math.radians(at) < row.value(name) for name, at in bounds)


def _chain(row: Entity, known: Mapping[str, Entity]) -> tuple[Entity, ...]:
    found = [row]
    while (larger := found[-1].text("within")) and larger in known:
        found.append(known[larger])
    return tuple(found)
