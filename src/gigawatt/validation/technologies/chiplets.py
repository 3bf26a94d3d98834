"""Dies, packages, links and what cooling carries beside what others published.

Three cost models were run with their own inputs, and their outputs are rows; our formulas get the same
inputs. ``fitted`` marks what our number was made from.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

from gigawatt.catalog import Entity, entity
from gigawatt.machine.chip.build import build_chip
from gigawatt.machine.load import load_chip
from gigawatt.technology.chiplets.die_cost import design_cost, good_die
from gigawatt.technology.chiplets.die_links import load_die_link
from gigawatt.technology.chiplets.package import Package, PackageCost, assemble, load_package
from gigawatt.technology.chiplets.package_thermal import load_cooling, package_thermal
from gigawatt.technology.chiplets.yields import (
    die_yield,
    dies_on_wafer,
    gross_dies,
    reticle_utilisation,
)

__all__ = [
    "actuary_design", "actuary_die", "actuary_package", "carried", "catch_die", "die_yield", "google_die",
    "load_chip", "load_die_link", "node_of", "rise_in_channels",
]  # fmt: skip

_PUBLISHED = "chiplets_published"
_ACTUARY_NODES = {"5": "n5", "7": "n7", "14": "n16", "3": "n3"}


def _wafer(model: str) -> dict[str, float]:
    """Rim and lane of a cost model's wafer."""
    row = entity(_PUBLISHED, f"{model}-wafer")
    return {"edge": row.value("edge"), "scribe": row.value("scribe")}


def actuary_die(row: Entity) -> dict[str, float]:
    """Ours with the inputs of a die of Chiplet Actuary: gross, good_share, raw, good [$]."""
    area = row.value("area")
    gross = float(gross_dies(area, **_wafer("actuary")))
    share = float(
        die_yield(
            area, row.value("defects"), clustering=entity(_PUBLISHED, "actuary-wafer").value("clustering")
        )
    )
    raw, lost, _ = good_die(wafer=row.value("wafer"), gross=gross, sold=share)
    return {"gross": gross, "good_share": share, "raw": raw, "good": raw + lost}


def actuary_kind(name: str) -> Package:
    """Chiplet Actuary's packages with its own parameters: ``os``, ``fo``, ``fo0`` (chip first), ``si``."""
    row, ours = entity(_PUBLISHED, f"actuary-kind-{name}"), load_package("organic")
    wafer = _wafer("actuary")
    return Package(
        id=name,
        name=name,
        layers=ours.layers if name == "os" else (),
        first=name == "fo0",
        wafer=(ours.wafer[0], wafer["edge"], wafer["scribe"]),
        **cast("Any", {key: row.value(key) for key in row.numbers}),
    )


def actuary_package(row: Entity) -> PackageCost:
    """Ours with the inputs of a package of Chiplet Actuary."""
    kind = row.id.split("-")[2]
    count = round(row.value("count"))
    area = (
        row.value("area")
        / count
        * (1.0 if count == 1 else 1.0 + entity(_PUBLISHED, "actuary-wafer").value("link_share"))
    )
    gross = float(gross_dies(area, **_wafer("actuary")))
    share = float(
        die_yield(
            area, row.value("defects"), clustering=entity(_PUBLISHED, "actuary-wafer").value("clustering")
        )
    )
    price = sum(good_die(wafer=row.value("wafer"), gross=gross, sold=share))
    return assemble(actuary_kind(kind), dies={"die": (float(count), area, price)})


def catch_die(row: Entity) -> dict[str, float]:
    """Ours with the inputs of a layer of UCLA's model, and with its count of dies on the wafer."""
    area, litho = row.value("area"), row.value("litho")
    own = entity(_PUBLISHED, "catch-wafer")
    share = float(
        die_yield(
            area, row.value("defects"), clustering=own.value("clustering"), critical=row.value("critical")
        )
    )
    used = reticle_utilisation(area)
    wafer = (
        row.value("price_area") * 0.25 * math.pi * own.value("diameter") ** 2 * (1.0 - litho + litho / used)
    )
    raw, lost, _ = good_die(wafer=wafer, gross=row.value("gross"), sold=share)
    return {
        "good_share": share,
        "utilisation": used,
        "raw": raw,
        "good": raw + lost,
        "gross": float(_catch_count(area)),
    }


def _catch_count(area: float) -> int:
    wafer = _wafer("catch")
    return dies_on_wafer(area, edge=wafer["edge"], scribe=wafer["scribe"])


def google_die(row: Entity) -> dict[str, float]:
    """Ours with the inputs of a die of Google's model; ``price`` where it states one."""
    width, height, street = row.value("width"), row.value("height"), _wafer("google")["scribe"]
    cell = (width + street) * (height + street)  # its model takes the lane as part of the die
    area = (math.sqrt(cell) - street) ** 2
    gross = float(gross_dies(area, **_wafer("google")))
    found = {
        "gross": gross,
        "bose": float(
            die_yield(cell, row.value("defects"), model="bose-einstein", layers=row.value("layers"))
        ),
        "murphy": float(die_yield(cell, row.value("defects"), model="murphy")),
    }
    if row.get("given_yield") is not None:
        raw, lost, _ = good_die(wafer=row.value("wafer"), gross=gross, sold=row.value("given_yield"))
        found["price"] = raw + lost + row.value("probe")
    return found


def node_of(die: str) -> str | None:
    """The catalog's node of a die of Chiplet Actuary, such as ``actuary-die-5-100``, where it has it."""
    return _ACTUARY_NODES.get(die.split("-")[2])


def actuary_design(row: Entity) -> float:
    """Cost of designing a die of Chiplet Actuary [$ of theirs]; raises ``InputError`` for another node."""
    node = node_of(row.id) or ""
    grown = entity("chip_nodes", node).value("design_cost") / (
        float(entity("chip_nodes", node).evidence("design_cost").written) * 1e6
    )  # of dollars of theirs to those of the catalog
    return design_cost(node, row.value("area")) / grown


def rise_in_channels(row: Entity) -> float:
    """Kelvin that the junction of ``row``'s power and flux is above water in channels, heat spread evenly."""
    power = row.value("power")
    made = package_thermal(load_cooling("embedded"), logic_power=power, logic_area=power / row.value("flux"))
    return made.junction - made.coolant - power * made.hot_spot


def carried(design: str, cooling: str) -> float:
    """Watts that ``cooling`` carries from a design."""
    return build_chip(replace(build_chip(design).design, cooling=cooling)).thermal.limit
