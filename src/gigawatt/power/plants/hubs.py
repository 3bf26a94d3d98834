"""Where a fuel is priced: at a hub, with the delivery from it to the plant."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gigawatt.catalog.loader import Entity, entity

__all__ = ["NO_HUBS", "price_row"]

NO_HUBS: Mapping[str, str] = MappingProxyType({})
"""No hub of a place: every fuel at the usual hub of its row."""


def price_row(fuel: str, hubs: Mapping[str, str] = NO_HUBS) -> Entity:
    """The row that has ``price`` and ``delivery`` [$/J of heat] of a fuel.

    Parameters
    ----------
    fuel : str
        Id of the table ``fuels``.
    hubs : mapping
        Row of ``fuel_hubs`` by fuel, of a place.

    Returns
    -------
    Entity
        The fuel's own row where that has a price (uranium, diesel, a user's row); else the hub's.

    Raises
    ------
    InputError
        No such fuel, no such hub.
    """
    own = entity("fuels", fuel)
    hub = hubs.get(own.id) or own.text("hub")
    return own if "price" in own.numbers or not hub else entity("fuel_hubs", hub)
