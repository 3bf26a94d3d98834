"""What a square millimetre of a node computes, and for how many joules: laws calibrated on shipping chips.

A foundry says by how much gates shrink and what they save from node to node; what is left is architecture,
which has grown with the years at about a constant rate:

    ρ(node, year) = ρ0 · density(node) · e^(g·(year − 2020))
    e(node, year) = e0 · power(node) · e^(−s·(year − 2020))

with ρ the dense 16-bit rate over the area that computes with all of its units at work, e the joules of a
16-bit operation above idle power and memory, as the catalog's chips have them. ρ0, g, e0, s are least
squares in logarithms over ``chip_calibration``. The area that computes is a die's area less its large memory
and the PHYs along its edge (:func:`compute_area`). Beyond the last year of the fit no gain of architecture
is assumed.

References
----------
Koomey, Berard, Sanchez, Wong 2011, "Implications of historical trends in the electrical efficiency of
computing", IEEE Annals of the History of Computing 33(3). Hobbhahn, Heim, Aydos 2023, "Trends in machine
learning hardware", Epoch AI.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InfeasibleError, MissingDataError
from gigawatt.machine.chips import catalog_chip
from gigawatt.technology.chiplets.die_cost import RULES, load_process

__all__ = ["Law", "Laws", "compute_area", "fit_laws", "phy_area", "same_die", "sram_area"]

_ORIGIN = 2020
_FORMATS = ("bf16", "fp16")


@dataclass(frozen=True)
class Law:
    """``first`` · node factor · e^(``growth`` · (year − 2020)); ``spread`` is e^σ − 1 of the residuals."""

    first: float
    growth: float
    spread: float
    node: str

    def at(self, process: Entity, year: float) -> float:
        """The law's value for a node in a year; the year is held at the last one of the fit."""
        until = entity("chip_rules", RULES).value("trend_until")
        return self.first * process.value(self.node) * math.exp(self.growth * (min(year, until) - _ORIGIN))


@dataclass(frozen=True)
class Laws:
    """``rate`` [FLOP/s/m²] and ``energy`` [J/FLOP] of 16 bits, and the chips that they were fitted to."""

    rate: Law
    energy: Law
    chips: tuple[str, ...]


def sram_area(process: Entity, size: float) -> float:
    """Area [m²] of a memory of ``size`` bytes with its tags, spare rows and wires.

    Raises
    ------
    InputError
        A negative size.
    """
    check_range("sram", size, 0.0, 1e12, "B")
    fill = entity("chip_rules", RULES).value("sram_fill")
    return size / (process.value("sram_density") * fill)


def phy_area(phys: float, links: float) -> float:
    """Area [m²] that interfaces to stacks of memory and links to other chips [B/s one way] take.

    Raises
    ------
    InputError
        A negative number.
    """
    rules = entity("chip_rules", RULES)
    check_range("phys", phys, 0, 1000, "PHYs")
    check_range("links", links, 0.0, 1e15, "B/s")
    return phys * rules.value("phy_stack") + links / rules.value("phy_links")


def compute_area(
    process: Entity, *, area: float, sram: float, phys: float, links: float, others: float = 0.0
) -> float:
    """What is left of a die for arithmetic [m²]: its area less memory, PHYs, links and ``others`` [m²].

    Raises
    ------
    InfeasibleError
        Nothing is left: says by how much.
    """
    taken = sram_area(process, sram) + phy_area(phys, links) + others
    taken += entity("chip_rules", RULES).value("uncore") * area
    if taken >= area:
        raise InfeasibleError(
            "memory and links leave no room for arithmetic",
            key="area",
            given=f"{taken * 1e6:.0f} mm² of {area * 1e6:.0f} mm²",
            allowed=f"{taken / area - 1:.0%} less of them, or a larger die",
        )
    return area - taken


def same_die() -> Mapping[str, str]:
    """Chips that share their silicon with one of the fit, so that leaving one out leaves out all."""
    return {"H200-SXM-141GB": "H100-SXM5-80GB", "GB200": "B200-SXM-180GB", "MI355X": "MI350X"}


def fit_laws(without: str | None = None) -> Laws:
    """The laws, fitted to all chips of ``chip_calibration`` or to all but one.

    Parameters
    ----------
    without : str, optional
        A chip of the catalog to leave out, with those of the same silicon.

    Raises
    ------
    MissingDataError
        Fewer than three chips are left.
    """
    return _fitted(same_die().get(without, without) if without else "")


@lru_cache(maxsize=64)
def _fitted(without: str) -> Laws:
    years: list[float] = []
    rates: list[float] = []
    joules: list[float] = []
    chips: list[str] = []
    for row in table("chip_calibration").values():
        if row.id == without:
            continue
        chip, process = catalog_chip(row.id), load_process(row.text("node"))
        form = next(name for name in _FORMATS if name in chip.peak)
        room = compute_area(
            process,
            area=row.value("area"),
            sram=row.value("sram"),
            phys=row.value("phys"),
            links=row.value("links"),
        )
        years.append(float(row.text("year")) - _ORIGIN)
        rates.append(math.log(chip.peak[form] / (room * row.value("enabled")) / process.value("density")))
        joules.append(math.log(chip.energy_flop[form] / process.value("power")))
        chips.append(row.id)
    if len(chips) < 3:
        raise MissingDataError("too few chips for a law", key="chip_calibration", given=len(chips))
    return Laws(_line(years, rates, "density"), _line(years, joules, "power"), tuple(chips))


def _line(x: list[float], y: list[float], node: str) -> Law:
    design = np.stack([np.ones(len(x)), np.asarray(x)], axis=1)
    (first, growth), *_ = np.linalg.lstsq(design, np.asarray(y), rcond=None)
    left = np.asarray(y) - design @ np.array([first, growth])
    spread = math.expm1(math.sqrt(float(np.sum(left**2)) / (len(x) - 2)))
    return Law(math.exp(float(first)), float(growth), spread, node)
