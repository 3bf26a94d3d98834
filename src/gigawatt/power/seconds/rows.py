"""From catalog rows to limits, stores, prices and machines."""

from __future__ import annotations

import math
from collections.abc import Callable

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.seconds.bound import Prices
from gigawatt.power.seconds.machines import Machine
from gigawatt.power.seconds.measures import Limits
from gigawatt.power.seconds.stores import Store

__all__ = [
    "bought",
    "list_limits",
    "list_stores",
    "load_limits",
    "load_machine",
    "load_store",
    "store_prices",
]

_YEAR = HOURS_PER_YEAR * 3600.0
_LIKE = {"coal": "gas-combined-cycle"}


def list_limits() -> list[str]:
    """Ids of the connections in the catalog whose limits have a ramp."""
    return [name for name, row in table("dynamics_limits").items() if "ramp" in row.numbers]


def list_stores() -> list[str]:
    """Ids of the stores for seconds in the catalog."""
    return list(table("dynamics_stores"))


def load_limits(id: str, *, peak: float) -> Limits:
    """Limits of a connection for a load with this ``peak`` [W]; an unknown ``id`` is an ``InputError``."""
    check_word("limits", id, list_limits(), "no such limits")
    check_range("peak", peak, 0.0, unit="W", open_low=True, message="not a power")
    row = entity("dynamics_limits", id)
    ramp = row.value("ramp") * peak
    return Limits(
        ramp_up=ramp,
        ramp_down=ramp,
        ramp_window=row.value("ramp_window"),
        dynamic_range=row.value("dynamic_range") * peak,
        range_window=row.value("range_window"),
        amplitude=row.value("amplitude") * peak,
        low=row.value("low"),
        high=row.value("high"),
    )


def load_store(id: str, *, accelerators: float = math.inf) -> Store:
    """A store of the catalog without its size, but for one in the racks: J for each accelerator are its most.

    Raises
    ------
    InputError
        No such store.
    """
    row = _store(id)
    each = row.get("energy_chip")
    return Store(
        name=id,
        energy=math.inf if each is None or math.isinf(accelerators) else each * accelerators,
        charge_efficiency=row.value("charge_efficiency"),
        discharge_efficiency=row.value("discharge_efficiency"),
    )


def store_prices(
    id: str,
    *,
    electricity: float,
    capital_recovery: Callable[[float], float],
    case: str = "value",
) -> Prices:
    """What a store costs a year, with its share for operation.

    A store has at least its ``minimum_duration`` of energy for its power (cells can give no more): those J
    are in the price of power, so that only what goes beyond them is dearer; see :func:`bought`.

    Parameters
    ----------
    id : str
        Row of ``dynamics_stores``.
    electricity : float
        $/J.
    capital_recovery : callable
        Life in s → share of the investment a year.
    case : str
        ``value``, ``low`` or ``high`` end of the costs.
    """
    row = _store(id)
    place = ("value", "low", "high").index(case) if case in ("value", "low", "high") else -1
    if place < 0:
        raise InputError("unknown case", key=id, given=case, allowed="value, low, high")
    yearly = capital_recovery(row.value("life")) + row.value("fixed_share") * _YEAR
    power = row.at("power_cost", 0.0)[place]
    energy = row.at("energy_cost", 0.0)[place]
    return Prices(
        power=power * yearly,
        energy=energy * yearly,
        electricity=electricity,
        minimum_duration=row.value("minimum_duration"),
    )


def bought(id: str, *, power: float, energy: float) -> float:
    """J that are bought where ``power`` [W] and ``energy`` [J] are needed: cells have a least duration."""
    return max(energy, power * _store(id).value("minimum_duration"))


def load_machine(id: str, *, rating: float) -> Machine | None:
    """A plant of the capacity plan as a machine on the bus; ``None`` where it neither turns nor governs.

    Parameters
    ----------
    id : str
        Of the catalog's ``plants``: solar and wind do neither; batteries of any duration are one kind.
    rating : float
        W.
    """
    plant = table("plants").get(id)
    if plant is None:
        raise InputError(
            "no such plant", key="plants", given=id, allowed=sorted(table("plants")),
            nearest=nearest(id, table("plants")),
        )  # fmt: skip
    kind = plant.text("kind")
    name = "battery" if id.startswith("battery") else id
    row = table("dynamics_machines").get(_LIKE.get(name, name))
    if row is None or kind == "profile":
        return None
    ramp = row.get("valve_speed", math.inf) or math.inf
    return Machine(
        name=id,
        rating=rating,
        inertia=row.value("inertia"),
        droop=row.get("droop", math.inf) or math.inf,
        governor_time=row.get("governor_time", 0.0) or 0.0,
        turbine_time=row.get("turbine_time", 0.0) or 0.0,
        fast_share=row.get("fast_share", 1.0) or 1.0,
        slow_time=row.get("slow_time", 0.0) or 0.0,
        ramp=ramp,
        minimum=row.get("minimum", 0.0) or 0.0,
        power=0.0 if kind == "storage" else None,  # a store gives nothing at the start
    )


def _store(id: str) -> Entity:
    found = table("dynamics_stores").get(id)
    if found is None:
        raise InputError(
            "no such store", key="store", given=id, allowed=list_stores(), nearest=nearest(id, list_stores())
        )
    return found
