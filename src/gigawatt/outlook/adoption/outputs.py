"""Outputs of technologies with units, words and ranges."""

from __future__ import annotations

from gigawatt.core.quantities import factor
from gigawatt.outlook.adoption.technologies import list_technologies

__all__ = ["SHARES", "TOLD", "UNTOLD"]

_PRICED = ("fission_advanced", "fusion", "space_solar")
_SHARED = ("energy", "storage", "package", "compute")

SHARES: dict[str, str] = {
    f"{one.key}_share": one.id for family in _SHARED for one in list_technologies(family)
}
"""Output → technology whose share it is."""

Row = tuple[str, str, str, float, float, bool]


def _told() -> tuple[Row, ...]:
    low, high = 1e-3 * factor("$/MWh"), 1e6 * factor("$/MWh")
    watt = (1e-6, 1e14)
    found: list[Row] = [
        (f"{one.key}_share", "1", f"{one.name}: {one.market}", 0.0, 1.0, False)
        for family in _SHARED
        for one in list_technologies(family)
    ]
    names = {one.key: one.name for one in list_technologies("energy")}
    found += [
        (f"{key}_price", "$/MWh", f"{names[key]}: levelised cost of new plants", low, high, True)
        for key in _PRICED
    ]
    found += [
        ("advanced_fission_share", "1", "small, advanced and molten-salt reactors: share of AI's electricity",
         0.0, 1.0, False),
        ("space_solar_power", "GW", "space solar that AI gets", *watt, True),
        ("stack_bandwidth", "TB/s", "bandwidth of a new stack of memory", 1e11, 1e15, True),
        ("hybrid_share", "1", "new AI machines with optical and with neuromorphic parts", 0.0, 1.0, False),
        ("codesigned_share", "1", "new AI machines that only pay with models made for them", 0.0, 1.0, False),
        ("technology_saving", "1", "energy of new machines saved by technologies beyond the trend",
         -1.0, 1.0, False),
    ]  # fmt: skip
    return tuple(found)


TOLD: tuple[Row, ...] = _told()
"""(name, unit, words, low, high in SI, whether on a logarithmic scale) of each output that is told."""

UNTOLD: tuple[str, ...] = (
    *(f"{one.key}_price" for one in list_technologies("energy") if one.key not in _PRICED),
    *(f"{one.key}_joules" for one in list_technologies("compute")),
    *(f"{one.key}_share" for one in list_technologies("generation")),
    "quantum_share",
    "quantum_ready",
    "neuromorphic_inference",
    "chip_watts_digital",
    "power_queue",
)
"""Outputs that are there to be read, not told by year."""
