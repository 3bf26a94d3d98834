"""What the supply room answered for the outlook: shares of plants, cost, carbon and water of least-cost
supply.

Tables of the catalog that ``benchmarks/outlook_energy.py`` made: pathways of a few sites over the price of
gas, the price of carbon, how free building is, and the costs of plants. Between the nodes everything is
linear (gas: in its logarithm), outside them the end stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.outlook.frame import YEARS
from gigawatt.outlook.series import read_rows

__all__ = ["KEPT", "OWN_REGIONS", "Response", "own_response", "site_water"]

Array = NDArray[np.float64]

OWN_REGIONS = ("us", "europe", "asia")
"""Regions with sites in the table; elsewhere data centres take the grid."""
KEPT: Mapping[str, tuple[str, ...]] = {
    "grid": ("grid",),
    "gas": ("gas-combined-cycle", "gas-engine"),
    "fission": ("fission-small", "fission-molten-salt"),
    "wind": ("wind",),
    "solar": ("solar",),
    "fusion": ("fusion",),
    "space": ("space-solar",),
    "stored": ("battery",),
    "cost": ("cost_MWh",),
    "carbon": ("carbon_kWh",),
    "built": ("built_kWh",),
    "water": ("water_MWh",),
}
"""What is kept → columns of the table that are added up for it."""
_UNITS = {"cost": "$/MWh", "carbon": "g/kWh", "built": "g/kWh", "water": "L/MWh"}
_FREEDOM = {"held": 0.0, "free": 1.0}
_COSTS = {"value": 0.0, "low": 1.0}


@dataclass(frozen=True, eq=False)
class Response:
    """``values`` (regions, carbon, gas, build, case, steps, kept) in SI; ``carbon`` [$/kg], ``gas`` [$/J],
    the rising axes, and ``steps`` the years. Build runs from held (0) to free (1), case from the catalog's
    costs (0) to the low ends (1)."""

    carbon: Array
    gas: Array
    steps: Array
    values: Array = field(repr=False)

    def __post_init__(self) -> None:
        shape = (len(OWN_REGIONS), len(self.carbon), len(self.gas), 2, 2, len(self.steps), len(KEPT))
        if self.values.shape != shape or not np.all(np.isfinite(self.values)):
            raise InputError("a response table with holes", given=f"{self.values.shape}", allowed=f"{shape}")

    def at(self, region: Array, carbon: Array, gas: Array, freedom: Array, costs: Array) -> Array:
        """What is kept, by draw and year of the outlook.

        Parameters
        ----------
        region : array (draws, regions)
            Weights that sum to one.
        carbon, gas : array (draws, 1)
            Price of carbon in 2050 [$/kg], of gas [$/J], each > 0 or 0.
        freedom, costs : array (draws, 1)
            0 to 1.

        Returns
        -------
        array (kept, draws, years)
            SI; shares of plants sum to one without what is stored.
        """
        weights = region[:, :, None] * _hat(self.carbon, carbon)[:, None, :]
        for more in (
            _hat(np.log(self.gas), np.log(gas)),
            np.concatenate([1.0 - freedom, freedom], axis=1),
            np.concatenate([1.0 - costs, costs], axis=1),
        ):
            weights = (weights[..., None] * more[:, None, None, :]).reshape(len(more), len(OWN_REGIONS), -1)
        flat = self.values.reshape(-1, len(self.steps) * len(KEPT))
        steps = (weights.reshape(len(weights), -1) @ flat).reshape(len(weights), len(self.steps), len(KEPT))
        return np.matmul(np.ascontiguousarray(steps.transpose(2, 0, 1)), self._years().T)

    def _years(self) -> Array:
        """(years, steps): linear between the steps, constant outside."""
        return _hat(self.steps, np.asarray(YEARS, dtype=float)[:, None])


def _hat(axis: Array, values: Array) -> Array:
    """Weights of linear interpolation: (n, nodes) of ``values`` (n, 1), clipped to the axis."""
    at = np.clip(values[:, 0], axis[0], axis[-1])
    left = np.clip(np.searchsorted(axis, at, side="right") - 1, 0, len(axis) - 2)
    part = (at - axis[left]) / (axis[left + 1] - axis[left])
    found = np.zeros((len(at), len(axis)))
    rows = np.arange(len(at))
    found[rows, left] = 1.0 - part
    found[rows, left + 1] = part
    return found


@lru_cache(maxsize=1)
def own_response() -> Response:
    """The table of the catalog, sites of a region weighted by their shares.

    A step in which nothing is ready takes the plants of the next one.

    Raises
    ------
    InputError
        A node of the table is missing.
    """
    rows = read_rows("energy_response")
    sites = catalog.table("outlook_energy_sites")
    axes = {key: sorted({float(row[key]) for row in rows}) for key in ("carbon_t", "gas_MMBtu", "year")}
    carbon, gas, steps = axes.values()
    at = {
        (row["site"], float(row["carbon_t"]), float(row["gas_MMBtu"]), row["build"], row["case"],
         float(row["year"])): row
        for row in rows
    }  # fmt: skip
    shape = (len(OWN_REGIONS), len(carbon), len(gas), 2, 2, len(steps), len(KEPT))
    values = np.zeros(shape)
    scales = np.array([factor(_UNITS[name]) if name in _UNITS else 1.0 for name in KEPT])
    for name, site in sites.items():
        r = OWN_REGIONS.index(site.text("region"))
        for (c, one), (g, other), (b, build), (k, case) in product(
            enumerate(carbon), enumerate(gas), enumerate(_FREEDOM), enumerate(_COSTS)
        ):
            later: Array | None = None
            for s in reversed(range(len(steps))):
                row = at.get((name, one, other, build, case, steps[s]))
                if row is None and later is None:
                    raise InputError("a node is missing", key="energy_response", given=f"{name}, {steps[s]}")
                if row is not None:
                    later = np.array([sum(float(row[i]) for i in columns) for columns in KEPT.values()])
                values[r, c, g, b, k, s] += site.value("share") * (later if later is not None else 0.0)
    return Response(
        np.array(carbon) / factor("t"), np.array(gas) / factor("MMBtu"), np.array(steps), values * scales
    )


@lru_cache(maxsize=1)
def site_water() -> Array:
    """Water that a plant with cooling towers evaporates [m³/J of IT], by :data:`OWN_REGIONS`."""
    sites = catalog.table("outlook_energy_sites")
    found = np.zeros(len(OWN_REGIONS))
    for row in read_rows("site_water"):
        site = sites[row["site"]]
        r = OWN_REGIONS.index(site.text("region"))
        found[r] += site.value("share") * float(row["water_kWh"]) * factor("L/kWh")
    return found
