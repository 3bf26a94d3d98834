"""Dies, packages, links and whole chips beside what others published.

Three cost models were run with their own inputs, and their outputs are rows; our formulas get the same
inputs. Shipping chips are rebuilt from die area, node and stacks with laws fitted without them (and without
those of the same silicon). ``fitted`` marks what our number was made from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from gigawatt.catalog import Entity, entity, table
from gigawatt.machine.chip.build import build_chip
from gigawatt.machine.chip.built import Built
from gigawatt.machine.load import load_chip
from gigawatt.technology.chiplets.die_cost import design_cost, good_die, load_process
from gigawatt.technology.chiplets.die_links import load_die_link
from gigawatt.technology.chiplets.node_laws import compute_area, fit_laws
from gigawatt.technology.chiplets.package import Package, PackageCost, assemble, load_package
from gigawatt.technology.chiplets.package_thermal import load_cooling, package_thermal
from gigawatt.technology.chiplets.yields import (
    die_yield,
    dies_on_wafer,
    gross_dies,
    reticle_utilisation,
)
from gigawatt.validation.check import Check

__all__ = ["SHIPPING", "actuary_die", "actuary_package", "catch_die", "checks", "google_die", "left_out"]

PUBLISHED = "chiplets_published"
SHIPPING = ("A100-parts", "H100-parts", "H200-parts", "B200-parts", "MI300X-parts", "TPU-v5p-parts")
_PART = "chiplets"
#: Their pins' rate was taken from the bandwidth: a check of stacks and pins only.
_RATES_FROM = ("A100-parts", "H100-parts", "H200-parts", "MI300X-parts")
_COSTS, _ALIKE, _WIDE = 0.01, 0.1, 0.3
_MM2 = 1e-6
_ACTUARY_NODES = {"5": "n5", "7": "n7", "14": "n16", "3": "n3"}


def _wafer(model: str) -> dict[str, float]:
    """Rim and lane of a cost model's wafer."""
    row = entity(PUBLISHED, f"{model}-wafer")
    return {"edge": row.value("edge"), "scribe": row.value("scribe")}


def actuary_die(row: Entity) -> dict[str, float]:
    """Ours with the inputs of a die of Chiplet Actuary: gross, good_share, raw, good [$]."""
    area = row.value("area")
    gross = float(gross_dies(area, **_wafer("actuary")))
    share = float(
        die_yield(
            area, row.value("defects"), clustering=entity(PUBLISHED, "actuary-wafer").value("clustering")
        )
    )
    raw, lost, _ = good_die(wafer=row.value("wafer"), gross=gross, sold=share)
    return {"gross": gross, "good_share": share, "raw": raw, "good": raw + lost}


def actuary_kind(name: str) -> Package:
    """Chiplet Actuary's packages with its own parameters: ``os``, ``fo``, ``fo0`` (chip first), ``si``."""
    row, ours = entity(PUBLISHED, f"actuary-kind-{name}"), load_package("organic")
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
        * (1.0 if count == 1 else 1.0 + entity(PUBLISHED, "actuary-wafer").value("link_share"))
    )
    gross = float(gross_dies(area, **_wafer("actuary")))
    share = float(
        die_yield(
            area, row.value("defects"), clustering=entity(PUBLISHED, "actuary-wafer").value("clustering")
        )
    )
    price = sum(good_die(wafer=row.value("wafer"), gross=gross, sold=share))
    return assemble(actuary_kind(kind), dies={"die": (float(count), area, price)})


def catch_die(row: Entity) -> dict[str, float]:
    """Ours with the inputs of a layer of UCLA's model, and with its count of dies on the wafer."""
    area, litho = row.value("area"), row.value("litho")
    own = entity(PUBLISHED, "catch-wafer")
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


def left_out(design: str) -> Built:
    """A shipping chip rebuilt with laws that were fitted without it."""
    kin = entity("chip_designs", design).text("kin")
    return build_chip(design, laws=fit_laws(kin))


def _check(
    what: str,
    ours: float,
    row: Entity,
    quantity: str,
    tolerance: float,
    scale: float = 1.0,
    unit: str = "",
    *,
    fitted: bool = False,
) -> Check:
    one = row.evidence(quantity)
    source = ", ".join(part for part in (one.source_id, one.locator, one.note) if part)
    return Check(_PART, what, ours / scale, one.value / scale, unit or one.unit, tolerance, source, fitted)


def _cost_models() -> Iterator[Check]:
    rows = table(PUBLISHED)
    textbook = rows["textbook"]
    for quantity, model in (("poisson", "poisson"), ("negative_binomial", "negative-binomial")):
        ours = float(die_yield(814 * _MM2, 1e3, model=model, clustering=3.0))
        yield _check(f"yield of 814 mm² at 0.1/cm², {model}", ours, textbook, quantity, 0.02, unit="1")
    for row in (row for row in rows.values() if not row.id.endswith("-wafer")):
        if row.id.startswith("actuary-die"):
            yield _check(f"{row.id}: good die", actuary_die(row)["good"], row, "good", _COSTS, unit="$")
            node = _ACTUARY_NODES.get(row.id.split("-")[2])
            if node is not None:
                once = design_cost(node, row.value("area"))
                grown = entity("chip_nodes", node).value("design_cost") / (
                    float(entity("chip_nodes", node).evidence("design_cost").written) * 1e6
                )  # of dollars of theirs to those of the catalog
                yield _check(f"{row.id}: design", once / grown, row, "design", _COSTS, 1e6, "M$")
        elif row.id.startswith("actuary-package"):
            yield _check(f"{row.id}: chip", actuary_package(row).total, row, "total", _COSTS, unit="$")
        elif row.id.startswith("catch"):
            ours = catch_die(row)
            yield _check(
                f"{row.id}: good die, its count of dies", ours["good"], row, "good", _COSTS, unit="$"
            )
            if row.id == "catch-5nm-800":
                yield _check(
                    f"{row.id}: dies on the wafer, our count", ours["gross"], row, "gross", 0.05, unit="1"
                )
        elif row.id.startswith("google"):
            ours = google_die(row)
            for quantity in ("gross", "bose", "murphy", *(["price"] if "price" in ours else [])):
                unit = "$" if quantity == "price" else "1"
                yield _check(f"{row.id}: {quantity}", ours[quantity], row, quantity, 0.05, unit=unit)


def _links() -> Iterator[Check]:
    rows = table(PUBLISHED)
    for name, unit, scale in (("ucie-standard", "GB/s/mm", 1e12), ("ucie-advanced", "TB/s/mm", 1e15)):
        link = load_die_link(name)
        yield _check(f"{name}: shoreline at 32 GT/s", link.edge, rows[name], "shoreline", 0.02, scale, unit)
        slow = load_die_link(name, rate=2e9)
        bit = 1e-12 * 8.0
        yield _check(
            f"{name}: joules up to 16 GT/s",
            slow.energy,
            rows[name],
            "energy_slow",
            0.01,
            bit,
            "pJ/b",
            fitted=True,
        )
        yield _check(
            f"{name}: joules above", link.energy, rows[name], "energy_fast", 0.01, bit, "pJ/b", fitted=True
        )
    three, coarse, fine = rows["ucie-3d"], load_die_link("ucie-3d"), load_die_link("ucie-3d", pitch=1e-6)
    areal, bit = 1e18, 1e-12 * 8.0
    yield _check(
        "ucie-3d: bandwidth at 1 µm", fine.areal, three, "areal", 0.01, areal, "TB/s/mm²", fitted=True
    )
    yield _check("ucie-3d: bandwidth at 9 µm", coarse.areal, three, "areal_9um", 0.1, areal, "TB/s/mm²")
    yield _check(
        "ucie-3d: joules at 9 µm", coarse.energy, three, "energy_coarse", 0.01, bit, "pJ/b", fitted=True
    )
    yield _check("ucie-3d: joules at 1 µm", fine.energy, three, "energy_fine", 0.01, bit, "pJ/b", fitted=True)


def _thermal() -> Iterator[Check]:
    row = entity(PUBLISHED, "tsmc-channels")
    area = row.value("power") / row.value("flux")
    made = package_thermal(load_cooling("embedded"), logic_power=row.value("power"), logic_area=area)
    rise = made.junction - made.coolant - row.value("power") * made.hot_spot
    yield _check(
        "water in the die: rise of 2.6 kW, uniform heat", rise, row, "rise", 0.05, unit="K", fitted=True
    )
    for design, chip, cooling in (
        ("A100-parts", "A100-SXM4-80GB", "air"),
        ("H100-parts", "H100-SXM5-80GB", "air"),
        ("B200-parts", "B200-SXM-180GB", "air"),
        ("MI300X-parts", "MI300X", "air"),
        ("B200-parts", "GB300", "cold-plate"),
    ):
        own = load_chip(chip)
        heat = replace(build_chip(design).design, cooling=cooling)
        limit = build_chip(heat).thermal.limit
        yield Check(
            _PART,
            f"{chip}: its power beyond what {cooling} carries in our model",
            max(0.0, own.power_limit / limit - 1.0),
            0.0,
            "1",
            0.0,
            f"sold with {cooling} at {own.power_limit:g} W",
        )


def _chips() -> Iterator[Check]:
    for design in SHIPPING:
        kin = entity("chip_designs", design).text("kin")
        chip, made = load_chip(kin), left_out(design)
        source = f"the catalog's {kin}; laws fitted without it"
        form = "bf16"
        yield Check(
            _PART,
            f"{design}: peak of {form}",
            made.peak[form] / made.clock / 1e12,
            chip.peak[form] / 1e12,
            "TFLOP/s",
            _WIDE,
            source,
        )
        yield Check(
            _PART,
            f"{design}: power limit from its parts",
            max(made.power_parts, made.streaming),
            chip.power_limit,
            "W",
            _WIDE,
            source,
        )
        offered = 0.0 if made.stack is None else made.memory_bandwidth
        yield Check(
            _PART,
            f"{design}: memory bandwidth",
            offered / 1e12,
            chip.memory_bandwidth / 1e12,
            "TB/s",
            _ALIKE,
            source,
            fitted=design in _RATES_FROM,
        )
        if design in table(PUBLISHED):
            row = entity(PUBLISHED, design)
            yield _check(f"{design}: cost of making it", made.cost_total, row, "cost", _WIDE, unit="$")
            besides = made.cost_total - made.cost["logic"] - made.cost["memory"]
            parts = {"logic": made.cost["logic"], "memory": made.cost["memory"], "besides": besides}
            for part, dollars in parts.items():
                yield _check(f"{design}: cost of it, {part}", dollars, row, part, _WIDE, unit="$")
    known = {entity("chip_designs", design).text("kin") for design in SHIPPING}
    for row in table("chip_calibration").values():
        if row.id in known:
            continue
        chip, process = load_chip(row.id), load_process(row.text("node"))
        laws, year = fit_laws(row.id), float(row.text("year"))
        form = "bf16" if "bf16" in chip.peak else "fp16"
        room = compute_area(
            process,
            area=row.value("area"),
            sram=row.value("sram"),
            phys=row.value("phys"),
            links=row.value("links"),
        )
        ours = laws.rate.at(process, year) * room * row.value("enabled")
        source = f"the catalog's {row.id}; laws fitted without it"
        yield Check(
            _PART, f"{row.id}: peak of {form}", ours / 1e12, chip.peak[form] / 1e12, "TFLOP/s", _WIDE, source
        )
        yield Check(
            _PART,
            f"{row.id}: joules of {form}",
            laws.energy.at(process, year) * 1e12,
            chip.energy_flop[form] * 1e12,
            "pJ/FLOP",
            _WIDE,
            source,
        )


def shipping() -> list[Check]:
    """Shipping chips rebuilt from die, node and stacks by laws that were fitted without them."""
    return list(_chips())


def checks() -> list[Check]:
    """Every published number of dies, packages, links and chips beside ours."""
    return [*_cost_models(), *_links(), *_thermal(), *shipping()]
