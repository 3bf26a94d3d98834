"""The outlook's energy, environment and society as they are told: by year with bands, chances,
comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np

from gigawatt import catalog
from gigawatt.core.quantities import factor
from gigawatt.outlook.energy import environment
from gigawatt.outlook.energy import sources as energy
from gigawatt.outlook.society import society
from gigawatt.outlook.society.ownership import owner_futures
from gigawatt.studies.outlook.compare import compare_energy, runs_of
from gigawatt.studies.outlook.outlook import QUANTILES, OutlookResult

__all__ = ["PARTS", "chances", "society_block"]

PARTS: dict[str, tuple[str, ...]] = {
    "energy": tuple(row[0] for row in energy.TOLD),
    "environment": (*(row[0] for row in environment.TOLD), "rebound"),
    "society": tuple(row[0] for row in (*society.TOLD, *society.LINEAR) if row[0] != "rebound"),
}
"""What is told, by part."""


def chances(result: OutlookResult) -> dict[str, Any]:
    """Chances of what has two sides, of all draws; by year where it changes.

    Returns
    -------
    dict
        ``value_exponent_above_one``; ``surplus`` (value above cost) and ``backfire`` (rebound above one) by
        year; ``curse_prior`` and ``blessing_prior`` of rents: the weights drawn from; ``owners_revert`` (the
        pull to the mean is above 0). ``exploratory`` names those that are.
    """
    told = slice(result.years[0] - energy.YEARS[0], result.years[-1] - energy.YEARS[0] + 1)

    def above(name: str, value: float) -> list[float]:
        return [float(x) for x in result.sketches[name].share_above(value)[told]]

    row = catalog.entity("outlook_society_published", "R1")
    return {
        "value_exponent_above_one": result.value_above_one,
        "surplus": above("surplus", 0.0),
        "backfire": above("rebound", 1.0),
        "curse_prior": row.value("curse_negative"),
        "blessing_prior": row.value("curse_positive"),
        "owners_revert": float(np.mean(owner_futures().pull > 0.0)),
        "exploratory": ["surplus", "backfire", "curse_prior", "blessing_prior"],
    }


def society_block(result: OutlookResult) -> dict[str, Any]:
    """Names by part, chances and comparisons, plain numbers: what the command adds to its JSON.

    Returns
    -------
    dict
        ``parts``: name → outputs (their bands are in ``bands`` of the result); ``exploratory``;
        ``chances``; ``runs``: energies [MWh] at 5, 50 and 95 %, and the median beside each row.
    """
    runs: list[dict[str, Any]] = []
    for name, energies in runs_of(result).items():
        beside = [
            {
                "name": one.name, "kind": one.kind, "count": one.count, "days": one.days,
                "yearly_MWh": one.yearly / factor("MWh"), "grade": one.grade.label, "source": one.source_id,
            }
            for one in compare_energy(energies[1])
        ]  # fmt: skip
        runs.append(
            {"run": name, "energy_MWh": [value / factor("MWh") for value in energies], "beside": beside}
        )
    return {
        "parts": {part: list(names) for part, names in PARTS.items()},
        "quantiles": list(QUANTILES),
        "exploratory": sorted(society.EXPLORATORY),
        "chances": chances(result),
        "runs": runs,
    }
