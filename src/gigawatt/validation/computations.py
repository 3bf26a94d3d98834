"""The names that rows of published targets may call, part by part: the one place where they are registered.

A part imports what it calls when it is run, and not before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.catalog import entity, loader, table
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import factor

__all__ = ["PARTS", "computations"]

Names = dict[str, Any]


def _publisher(row: Evidence) -> str:
    return loader.source(row.source_id).publisher


def _title(row: Evidence) -> str:
    return loader.source(row.source_id).title


def _cited(row: Evidence) -> str:
    return ", ".join(part for part in (_title(row), row.locator, row.note) if part)


_COMMON: Names = {
    "abs": abs, "entity": entity, "factor": factor, "float": float, "int": int, "len": len,
    "cited": _cited, "log10": math.log10, "max": max, "min": min,
    "pi": math.pi, "publisher": _publisher, "round": round, "source": loader.source, "sum": sum,
    "table": table, "title": _title,
}  # fmt: skip


def _resource() -> Names:
    from gigawatt.validation import supply_resource as own

    def target(series: str) -> float | None:
        return loader.entity("sites_years", series).get("wind_capacity_factor")

    return {**_public(own), "fleet_target": target}


def _plants() -> Names:
    from gigawatt.validation import supply_plants as own

    return _public(own)


def _building() -> Names:
    from gigawatt.validation import supply_building as own

    return _public(own)


def _plan() -> Names:
    from gigawatt.validation import supply_plan as own

    return _public(own)


def _molten_salt() -> Names:
    from gigawatt.power.plants.molten_salt.sheet import sheet
    from gigawatt.power.plants.molten_salt.system import decay_heat
    from gigawatt.validation import supply_molten_salt as own

    return {**_public(own), "sheet": sheet, "decay_heat": decay_heat}


def _fusion() -> Names:
    from gigawatt.validation import supply_fusion as own

    return _public(own)


def _space_solar() -> Names:
    from gigawatt.validation import supply_space_solar as own

    return _public(own)


def _dynamics() -> Names:
    from gigawatt.validation import supply_dynamics as own

    return _public(own)


def _cost() -> Names:
    from gigawatt.validation import technologies_cost as own

    return _public(own)


def _near_memory() -> Names:
    from gigawatt.validation import technologies_near_memory as own

    return _public(own)


def _formats() -> Names:
    from gigawatt.validation import technologies_formats as own
    from gigawatt.workload.formats import stored_bits

    def bits(form: str, *, width: float, rows: float) -> float:
        return float(stored_bits(form, width=width, rows=rows))

    return {**_public(own), "stored_bits": bits}


def _analog() -> Names:
    from gigawatt.validation import technologies_analog as own

    return _public(own)


def _photonic() -> Names:
    from gigawatt.validation import technologies_photonic as own

    return _public(own)


def _optics() -> Names:
    from gigawatt.technology.optical.activations import load_activation
    from gigawatt.technology.optical.link import link_budget
    from gigawatt.validation import technologies_optics as own

    return {**_public(own), "link_budget": link_budget, "load_activation": load_activation}


def _neuromorphic() -> Names:
    from gigawatt.technology.neuromorphic.deployment import deploy
    from gigawatt.validation import technologies_neuromorphic as own

    return {**_public(own), "deploy": deploy}


def _memory() -> Names:
    from gigawatt.validation import technologies_memory as own

    return _public(own)


def _quantum() -> Names:
    from gigawatt.validation import technologies_quantum as own

    return _public(own)


def _shipping() -> Names:
    from gigawatt.validation import technologies_shipping as own

    return _public(own)


def _chiplets() -> Names:
    from gigawatt.validation import technologies_chiplets as own

    return _public(own)


def _costs() -> Names:
    from gigawatt.validation import outlook_costs as own

    return _public(own)


def _records() -> Names:
    from gigawatt.validation import outlook_records as own

    return _public(own)


def _growth() -> Names:
    from gigawatt.validation import outlook_growth as own

    return _public(own)


def _energy() -> Names:
    from gigawatt.validation import outlook_energy as own

    return _public(own)


def _monte_carlo() -> Names:
    from gigawatt.validation import outlook_monte_carlo as own

    return _public(own)


def _adoption() -> Names:
    from gigawatt.validation import outlook_adoption as own

    return _public(own)


def _society() -> Names:
    from gigawatt.validation import outlook_society as own

    return _public(own)


def _public(module: Any) -> Names:
    return {name: getattr(module, name) for name in module.__all__}


_TABLES: Mapping[str, Mapping[str, Callable[[], Names]]] = {
    "supply": {
        "resource": _resource,
        "plants": _plants,
        "building": _building,
        "plan": _plan,
        "molten_salt": _molten_salt,
        "fusion": _fusion,
        "space_solar": _space_solar,
        "dynamics": _dynamics,
    },
    "technologies": {
        "cost": _cost,
        "near_memory": _near_memory,
        "formats": _formats,
        "analog": _analog,
        "photonic": _photonic,
        "optics": _optics,
        "neuromorphic": _neuromorphic,
        "memory": _memory,
        "quantum_energies": _quantum,
        "quantum_estimates": _quantum,
        "quantum_speed_ups": _quantum,
        "chiplets": _chiplets,
        "shipping": _shipping,
    },
    "outlook": {
        "costs": _costs,
        "records": _records,
        "growth": _growth,
        "energy": _energy,
        "monte_carlo": _monte_carlo,
        "adoption": _adoption,
        "society": _society,
    },
}
PARTS: Mapping[str, tuple[str, ...]] = {name: tuple(parts) for name, parts in _TABLES.items()}
"""Parts of each table of published targets, in the order in which they are shown."""


def computations(name: str, part: str) -> Names:
    """What the rows of a part may call, by name."""
    return {**_COMMON, **_TABLES[name][part]()}
