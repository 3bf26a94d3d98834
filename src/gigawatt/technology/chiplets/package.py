"""What a package costs: carrier, substrate, bumps, and what joining dies loses.

Dies lie on a *carrier* (redistribution layer, silicon interposer, bridges, another die) that is made on a
wafer of its own with a yield of its own, and the carrier on an organic *substrate*; a plain organic package
has none. *Chip last*: carrier made and tested, then dies joined, so that a bad carrier wastes no die. *Chip
first*: the carrier is built around the dies and takes them with it.

References
----------
Feng and Ma 2022, "Chiplet Actuary: a quantitative cost model and multi-chiplet architecture exploration",
DAC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InfeasibleError, InputError, nearest
from gigawatt.core.evidence import Grade, worst
from gigawatt.technology.chiplets.yields import die_yield, gross_dies, reticle_fields

__all__ = ["Package", "PackageCost", "assemble", "load_package", "packages"]

_RETICLE = (0.026, 0.033)


@dataclass(frozen=True)
class Package:
    """A kind of package; a row of ``chip_packages``. Lengths in m, areas in m², money in $.

    Attributes
    ----------
    carrier_price, carrier_defects, carrier_clustering : float
        Of a wafer of carriers [$]; its defects [1/m²] and α; price 0: no carrier.
    carrier_scale, substrate_scale : float
        Carrier over the area that is laid on it; substrate over carrier (or over dies).
    substrate_price : float
        [$/m²]; multiplied by ``layers`` where many dies are wired in it.
    layers : tuple of (float, float)
        (substrate area [m²], factor) from which more layers are needed; only without a carrier.
    die_bump, carrier_bump : float
        Of a die's bumps, of the carrier's [$/m²].
    bonding, attach : float
        Yield of joining one die; of joining the carrier to the substrate.
    first : bool
        Chip first.
    fixed : float
        Lid, solder balls, assembly and test of a package [$].
    limit : float
        Largest carrier (or substrate without one) [m²].
    wafer : tuple of (float, float, float)
        Diameter, lost rim, lane of the carrier's wafer [m].
    stitch : float
        Yield of a seam between exposures of the carrier.
    """

    id: str
    name: str
    carrier_price: float
    carrier_defects: float
    carrier_clustering: float
    carrier_scale: float
    substrate_scale: float
    substrate_price: float
    layers: tuple[tuple[float, float], ...]
    die_bump: float
    carrier_bump: float
    bonding: float
    attach: float
    first: bool = False
    fixed: float = 0.0
    limit: float = math.inf
    wafer: tuple[float, float, float] = (0.3, 0.003, 1e-4)
    stitch: float = 1.0
    grade: Grade = Grade.guess


@dataclass(frozen=True)
class PackageCost:
    """Money of one good packaged chip by part [$], with areas [m²] and yields.

    ``dies``: good dies as they come in, their bumps with them; ``carrier``, ``substrate``, ``fixed``;
    ``defects`` of carrier and substrate, ``wasted`` good dies in bad packages.
    """

    dies: float
    carrier: float
    substrate: float
    fixed: float
    defects: float
    wasted: float
    carrier_area: float
    substrate_area: float
    carrier_yield: float
    joining_yield: float

    @property
    def package(self) -> float:
        """All that is not a die."""
        return self.carrier + self.substrate + self.fixed + self.defects + self.wasted

    @property
    def total(self) -> float:
        """Dies and package."""
        return self.dies + self.package

    def parts(self) -> dict[str, float]:
        """By name, in the order in which they are spent."""
        return {
            name: getattr(self, name)
            for name in ("dies", "carrier", "substrate", "fixed", "defects", "wasted")
        }


def packages() -> tuple[str, ...]:
    """Ids of the kinds of package."""
    return tuple(table("chip_packages"))


def load_package(id: str, *, year: float = 2024) -> Package:
    """The kind of package called ``id``; its size limit is that of ``year``.

    Raises
    ------
    InputError
        No such kind: names the nearest.
    """
    try:
        row = entity("chip_packages", id)
    except InputError:
        raise InputError(
            "no such package", key="package", given=id, allowed=packages(), nearest=nearest(id, packages())
        ) from None
    return Package(
        id=row.id,
        name=row.text("name", row.id),
        carrier_price=row.value("carrier_price"),
        carrier_defects=row.value("carrier_defects"),
        carrier_clustering=row.value("carrier_clustering"),
        carrier_scale=row.value("carrier_scale"),
        substrate_scale=row.value("substrate_scale"),
        substrate_price=row.value("substrate_price"),
        layers=_layers(row),
        die_bump=row.value("die_bump"),
        carrier_bump=row.value("carrier_bump"),
        bonding=row.value("bonding"),
        attach=row.value("attach"),
        first=row.text("order") == "first",
        fixed=row.value("fixed"),
        limit=row.at("limit", year)[0],
        stitch=row.value("stitch"),
        grade=worst(one.grade for one in row.rows()),
    )


def _layers(row: Entity) -> tuple[tuple[float, float], ...]:
    found = [(row.get(f"layers_from_{i}"), row.get(f"layers_factor_{i}")) for i in range(3)]
    return tuple(cast("list[tuple[float, float]]", [one for one in found if one[0] is not None]))


def assemble(
    kind: Package,
    *,
    dies: Mapping[str, tuple[float, float, float]],
    laid: float | None = None,
) -> PackageCost:
    """Money of a good package with good dies on it.

    Parameters
    ----------
    kind : Package
        What they are joined in.
    dies : mapping of name to (count, area [m²], price [$] of a known good one)
        What is joined: logic, stacks of memory.
    laid : float, optional [m²]
        Area side by side on the carrier; the sum of all dies where left out (dies on dies need less).

    Raises
    ------
    InputError
        A number outside its range, no die.
    InfeasibleError
        A carrier above the kind's limit: says by how much.
    """
    if not dies:
        raise InputError("a package holds a die", key="dies", given="none", allowed="one or more")
    for name, (count, area, price) in dies.items():
        check_range(f"{name}.count", count, 1.0, 1e5, "dies")
        check_range(f"{name}.area", area, 0.0, 0.1, "m²", open_low=True)
        check_range(f"{name}.price", price, 0.0, 1e7, "$")
    bonds = int(sum(count for count, _, _ in dies.values()))  # each of yield kind.bonding
    side_by_side = sum(count * area for count, area, _ in dies.values())
    if laid is not None:
        side_by_side = float(check_range("laid", laid, 0.0, 1.0, "m²", open_low=True))
    has_carrier = kind.carrier_price > 0.0
    base = side_by_side * kind.carrier_scale
    substrate_area = base * kind.substrate_scale
    _check_size(kind, base if has_carrier else substrate_area)
    chips = sum(count * (price + area * kind.die_bump) for count, area, price in dies.values())
    carrier, good = _carrier(kind, base) if has_carrier else (0.0, 1.0)
    factor = 1.0
    if bonds > 1:
        for least, times in kind.layers:
            factor = times if substrate_area > least else factor
    substrate = substrate_area * kind.substrate_price * factor
    bonded = kind.bonding**bonds
    attached = kind.attach if has_carrier else 1.0
    body = substrate + kind.fixed
    if not has_carrier:
        defects = body * (1.0 / bonded - 1.0)
        wasted = chips * (1.0 / bonded - 1.0)
    elif kind.first:
        defects = carrier * (1.0 / (good * attached) - 1.0) + body * (1.0 / attached - 1.0)
        wasted = chips * (1.0 / (good * attached) - 1.0)
    else:
        defects = carrier * (1.0 / (good * bonded * attached) - 1.0) + body * (1.0 / attached - 1.0)
        wasted = chips * (1.0 / (bonded * attached) - 1.0)
    return PackageCost(
        dies=float(chips),
        carrier=float(carrier),
        substrate=float(substrate),
        fixed=kind.fixed,
        defects=float(defects),
        wasted=float(wasted),
        carrier_area=base if has_carrier else 0.0,
        substrate_area=float(substrate_area),
        carrier_yield=good,
        joining_yield=bonded * attached,
    )


def _check_size(kind: Package, area: float) -> None:
    """Refuse a carrier (or a substrate without one) of ``area`` [m²] above the kind's limit."""
    if area > kind.limit * (1.0 + 1e-9):
        raise InfeasibleError(
            f"the {'interposer' if kind.carrier_price > 0.0 else 'package'} of {kind.id} is too large",
            key="package",
            given=f"{area * 1e6:,.0f} mm² ({area / (_RETICLE[0] * _RETICLE[1]):.1f} reticles)",
            allowed=f"{kind.limit * 1e6:,.0f} mm²: {area / kind.limit - 1:.0%} less area, or a larger kind",
        )


def _carrier(kind: Package, area: float) -> tuple[float, float]:
    """(price [$], yield) of a carrier of ``area`` [m²] with its bumps."""
    diameter, edge, lane = kind.wafer
    on_wafer = float(gross_dies(area, diameter=diameter, edge=edge, scribe=lane))
    if on_wafer < 1.0:
        raise InfeasibleError(
            "no whole interposer fits a wafer",
            key="package",
            given=f"{area * 1e6:,.0f} mm²",
            allowed="a smaller one, or a kind that uses the whole wafer",
        )
    good = float(die_yield(area, kind.carrier_defects, clustering=kind.carrier_clustering))
    good *= float(reticle_fields(area, stitch_yield=kind.stitch)[2])
    return kind.carrier_price / on_wafer + area * kind.carrier_bump, good
