"""What a campus is bought for: its chips, nodes, network and building as assets, from the catalog's rows."""

from __future__ import annotations

from gigawatt.catalog import Entity, entity
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.quantities import show
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.money.ledger import Asset

__all__ = ["building_asset", "building_price", "campus_assets", "discount_rate"]


def _assumption(row: Evidence, key: str, unit: str, reason: str) -> Assumption:
    text = show(row.value, unit)
    if row.low is not None and row.high is not None:
        text += f" ({show(row.low, unit)} to {show(row.high, unit)})"
    return row.assumption(key, reason, text)


def discount_rate(
    finance: Entity | None = None, premium: Evidence | None = None, place: str = ""
) -> tuple[float, Assumption]:
    """The catalog's real discount rate [1/yr] and the assumption that it makes.

    ``premium`` [1/yr] is what investors ask for more at a ``place``: it is added where it is not 0.
    """
    row = (finance or entity("finance", "hyperscaler")).evidence("discount_rate")
    told = _assumption(row, "finance.discount_rate", "percent", row.note)
    if premium is None or premium.value == 0.0:
        return row.value, told
    rate = row.value + premium.value
    low, high = (
        (row.low or row.value) + (premium.low or 0.0),
        (row.high or row.value) + (premium.high or 0.0),
    )
    shown = f"{show(rate, 'percent')} ({show(low, 'percent')} to {show(high, 'percent')})"
    why = f"{show(row.value, 'percent')} and {show(premium.value, 'percent')} of risk of {place}; {row.note}"
    return rate, Assumption(told.key, shown, why, max(row.grade, premium.grade), premium.source_id)


def building_price(*, it_power: float, building: Entity) -> float:
    """Construction of the data centre, power and cooling included, IT and land excluded [$].

    ``it_power × construction [$/W of IT] × (1 + premium for liquid-cooled high density)``.
    """
    return it_power * building.value("construction") * (1.0 + building.value("density_premium"))


_ASSUMED = {
    "finance": (
        ("spare_share", "percent", "spares bought beside the working chips"),
        ("chip_life", "yr", "depreciation of chips and nodes"),
        ("network_life", "yr", "depreciation of the network"),
        ("it_upkeep", "percent", "repair and support of IT a year"),
    ),
    "building": (
        ("construction", "$/W", "building, power and cooling per W of IT"),
        ("density_premium", "percent", "liquid-cooled high density"),
        ("life", "yr", "depreciation of the building"),
        ("operation", "$/W/yr", "staff and maintenance of the facility"),
        ("embodied", "kg/W", "embodied carbon of building, power, cooling"),
    ),
}
"""Numbers of the catalog that every campus takes, by table: quantity, unit, what it is for."""


def building_asset(
    *, it_power: float, factor: float = 1.0, embodied: float | None = None
) -> tuple[Asset, tuple[Assumption, ...]]:
    """(the building for ``it_power`` [W], power and cooling included, what the catalog filled in).

    ``factor`` is what it costs over one of the published construction cost; ``embodied`` [kg CO2e] takes the
    place of the catalog's figure per W of IT.
    """
    house = entity("building", "ai-campus")
    asset = Asset(
        price=building_price(it_power=it_power, building=house) * factor,
        life=house.value("life"),
        operating=it_power * house.value("operation") * SECONDS_PER_YEAR,
        embodied=it_power * house.value("embodied") if embodied is None else embodied,
    )
    return asset, _assumed("building", house)


def _assumed(table: str, row: Entity) -> tuple[Assumption, ...]:
    return tuple(
        _assumption(row.evidence(quantity), f"{table}.{quantity}", unit, reason)
        for quantity, unit, reason in _ASSUMED[table]
    )


def campus_assets(
    *,
    chip_count: float,
    chip_price: float,
    it_power: float,
    node_count: float = 0.0,
    node_price: float = 0.0,
    network_price: float = 0.0,
    chip_embodied: float | None = None,
    node_embodied: float = 0.0,
    building_factor: float = 1.0,
    building_embodied: float | None = None,
) -> tuple[dict[str, Asset], tuple[Assumption, ...]]:
    """The assets of a campus and every assumption that the catalog filled in.

    Parameters
    ----------
    chip_count, node_count : float
        Working chips and nodes; spares are added by the catalog's ``spare_share``.
    chip_price, node_price : float
        Of one [$]; a node's price without its chips.
    network_price : float
        Switches, optics and cables of the whole scale-out network [$].
    it_power : float
        IT power the building is made for [W].
    chip_embodied, node_embodied : float, optional
        Embodied carbon of one [kg CO2e]; ``None`` takes the catalog's figure for an accelerator with its
        share of the server, and then ``node_embodied`` must be left at 0.
    building_factor : float
        What the building costs over one of the published construction cost: other redundancy, say.
    building_embodied : float, optional
        Embodied carbon of the building [kg CO2e]; ``None`` takes the catalog's figure per W of IT.

    Returns
    -------
    assets : dict of str to Asset
        ``chips, nodes, network, building``.
    assumptions : tuple of Assumption
    """
    for key, value in (
        ("chip_count", chip_count),
        ("it_power", it_power),
        ("building_factor", building_factor),
    ):
        if not value > 0:
            raise InputError("out of range", key=key, given=value, allowed="more than 0")
    money = entity("finance", "hyperscaler")
    house, told = building_asset(it_power=it_power, factor=building_factor, embodied=building_embodied)
    assumptions = [*_assumed("finance", money), *told]
    if chip_embodied is None:
        if node_embodied:
            raise InputError(
                "the catalog's figure for an accelerator holds its share of the node",
                key="node_embodied",
                given=node_embodied,
                allowed="give chip_embodied too, or leave node_embodied at 0",
            )
        row = money.evidence("accelerator_embodied")
        chip_embodied = row.value
        reason = "an accelerator with its share of the server"
        assumptions.append(_assumption(row, "finance.accelerator_embodied", "kg", reason))

    bought = 1.0 + money.value("spare_share")
    upkeep = money.value("it_upkeep")

    def equipment(price: float, life: str, embodied: float = 0.0) -> Asset:
        return Asset(price=price, life=money.value(life), operating=price * upkeep, embodied=embodied)

    assets = {
        "chips": equipment(
            bought * chip_count * chip_price, "chip_life", bought * chip_count * chip_embodied
        ),
        "nodes": equipment(
            bought * node_count * node_price, "node_life", bought * node_count * node_embodied
        ),
        "network": equipment(network_price, "network_life"),
        "building": house,
    }
    return assets, tuple(assumptions)
