"""When plants are ordered, as people write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gigawatt import catalog
from gigawatt.chain.supply.candidates import plant_id
from gigawatt.core.errors import InputError
from gigawatt.power.dates import year_of

__all__ = ["ANY", "ORDERED", "Orders", "order_date", "orders_of", "read_orders"]

ORDERED, ANY = "supply.ordered", "any"


@dataclass(frozen=True)
class Orders:
    """Decimal year in which plants are ordered, ``all`` but those in ``each``; ``None``: they are there."""

    all: float | None
    each: Mapping[str, float | None] = field(default_factory=lambda: {})

    def of(self, name: str) -> float | None:
        """When a plant is ordered."""
        return self.each.get(name, self.all)


def read_orders(text: str) -> Orders:
    """``2026-11``, ``any``, ``2026-11, grid: 2022-03`` or ``grid: any`` → when plants are ordered.

    What stands without a plant is for all others; left out it is the catalog's default.

    Raises
    ------
    InputError
        No date, no plant, two dates of one plant.
    """
    usual = order_date(catalog.entity("defaults", ORDERED).text("text"))
    whole: list[float | None] = []
    each: dict[str, float | None] = {}
    for part in text.split(","):
        name, colon, written = part.rpartition(":")
        when = order_date(written.strip())
        if not colon:
            whole.append(when)
            continue
        plant = plant_id(ORDERED, name.strip())
        if plant in each:
            raise InputError("a plant stands twice", key=ORDERED, given=text, allowed="one date of a plant")
        each[plant] = when
    if len(whole) > 1:
        raise InputError(
            "two dates for all plants", key=ORDERED, given=text, allowed="one, and others by plant"
        )
    return Orders(whole[0] if whole else usual, each)


def order_date(written: str) -> float | None:
    """A date as a decimal year; ``None`` of :data:`ANY`."""
    if written == ANY:
        return None
    try:
        return year_of(written)
    except InputError as error:
        error.allowed = f"{error.allowed}, or {ANY}"
        raise error.at(key=ORDERED) from None


def orders_of(written: str | None) -> Orders:
    """When plants are ordered, by default where nothing is written."""
    return read_orders(written or catalog.entity("defaults", ORDERED).text("text"))
