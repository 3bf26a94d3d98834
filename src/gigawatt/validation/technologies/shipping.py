"""Shipping chips rebuilt from die area, node and stacks, with laws fitted without them and without their kin.

A memory's rate is ``fitted`` where it was taken from the chip's bandwidth: a check of stacks and pins only.
"""

from __future__ import annotations

from functools import lru_cache

from gigawatt.catalog import entity, table
from gigawatt.machine.chip.build import build_chip
from gigawatt.machine.chip.built import Built
from gigawatt.machine.load import load_chip
from gigawatt.technology.chiplets.die_cost import load_process
from gigawatt.technology.chiplets.node_laws import compute_area, fit_laws

__all__ = ["form_of", "joules_by_laws", "left_out", "load_chip", "peak_by_laws", "rebuilt"]


@lru_cache(maxsize=1)
def rebuilt() -> frozenset[str]:
    """Ids of the shipping chips that designs of the catalog rebuild."""
    return frozenset(one.text("kin") for one in table("chip_designs").values() if one.text("kin"))


def left_out(design: str) -> Built:
    """A shipping chip rebuilt with laws that were fitted without it."""
    return build_chip(design, laws=fit_laws(entity("chip_designs", design).text("kin")))


def form_of(chip: str) -> str:
    """The 16-bit format in which a chip is compared."""
    return "bf16" if "bf16" in load_chip(chip).peak else "fp16"


def peak_by_laws(chip: str) -> float:
    """FLOP/s of a chip of ``chip_calibration`` by laws that were fitted without it."""
    row = entity("chip_calibration", chip)
    process = load_process(row.text("node"))
    room = compute_area(
        process,
        area=row.value("area"),
        sram=row.value("sram"),
        phys=row.value("phys"),
        links=row.value("links"),
    )
    return fit_laws(chip).rate.at(process, float(row.text("year"))) * room * row.value("enabled")


def joules_by_laws(chip: str) -> float:
    """J/FLOP of a chip of ``chip_calibration`` by laws that were fitted without it."""
    row = entity("chip_calibration", chip)
    return fit_laws(chip).energy.at(load_process(row.text("node")), float(row.text("year")))
