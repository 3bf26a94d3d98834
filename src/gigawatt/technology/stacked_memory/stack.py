"""One stack of memory of a generation: bandwidth, capacity, joules, watts, price, SI throughout."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.catalog.loader import table
from gigawatt.core.checks import check_range
from gigawatt.technology.stacked_memory import dram_energy
from gigawatt.technology.stacked_memory.dram_energy import access_range, idle_power

__all__ = ["Stack", "generations", "stack_of"]

_BYTE = 8.0


def generations() -> tuple[str, ...]:
    """Ids of the generations, oldest first."""
    return tuple(table("stacked_memory"))


@dataclass(frozen=True)
class Stack:
    """One stack of memory; SI throughout.

    Attributes
    ----------
    generation, name : str
        Row of ``stacked_memory``.
    year : int
        First product, or the roadmap's.
    height : int
        DRAM dies.
    channels, lanes : int
        Independent channels; data lanes in all.
    data_rate : float
        Of a lane [B/s] (a bit is an eighth of a byte, as everywhere in the catalog).
    bandwidth, capacity : float
        Peak [B/s]; bytes.
    energy_byte, energy_low, energy_high : float
        Of an access, both ends of the interface counted [J/B], with its range.
    idle_power, power : float
        Kept but not read; at peak bandwidth [W].
    area, thickness : float
        Footprint [m²]; of the whole stack [m].
    price, price_low, price_high : float
        Of the stack [$].
    bonding, cooling : str
        How its dies are joined; what the generation is meant to be cooled by.
    """

    generation: str
    name: str
    year: int
    height: int
    channels: int
    lanes: int
    data_rate: float
    bandwidth: float
    capacity: float
    energy_byte: float
    energy_low: float
    energy_high: float
    idle_power: float
    power: float
    area: float
    thickness: float
    price: float
    price_low: float
    price_high: float
    bonding: str
    cooling: str


def stack_of(generation: str, *, height: int | None = None, data_rate: float | None = None) -> Stack:
    """A stack of a generation.

    Parameters
    ----------
    generation : str
        ``hbm2`` to ``hbm8``.
    height : int, optional
        DRAM dies, within the generation's range; its usual one where left out.
    data_rate : float, optional
        Of a lane [B/s], within the range of its grades; 9.6 Gb/s is 1.2e9.

    Raises
    ------
    InputError
        An unknown generation, a height or rate that it does not have.
    """
    row = dram_energy.generation(generation)
    found: dict[str, float] = {}
    for key, given, unit in (("height", height, "dies"), ("data_rate", data_rate, "B/s")):
        one = row.evidence(key)
        low = one.value if one.low is None else one.low
        high = one.value if one.high is None else one.high
        found[key] = float(check_range(key, one.value if given is None else given, low, high, unit))
    dies = round(found["height"])
    lanes = row.value("channels") * row.value("pseudo_channels") * row.value("width") * _BYTE
    bandwidth = lanes * found["data_rate"]
    capacity = dies * row.value("die_capacity")
    value, low, high = access_range(row, height=dies)
    idle = float(idle_power(row, height=dies))
    price = row.evidence("price")
    assert price.low is not None
    assert price.high is not None
    return Stack(
        generation=row.id,
        name=row.text("name"),
        year=int(row.text("year")),
        height=dies,
        channels=round(row.value("channels")),
        lanes=round(lanes),
        data_rate=found["data_rate"],
        bandwidth=bandwidth,
        capacity=capacity,
        energy_byte=value,
        energy_low=low,
        energy_high=high,
        idle_power=idle,
        power=idle + bandwidth * value,
        area=row.value("area"),
        thickness=row.value("thickness"),
        price=price.value * capacity,
        price_low=price.low * capacity,
        price_high=price.high * capacity,
        bonding=row.text("bonding"),
        cooling=row.text("cooling"),
    )
