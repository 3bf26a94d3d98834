"""A chip that was computed from its parts: areas, yields, money, watts, temperatures, and its row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gigawatt.catalog.loader import CURRENCY_YEAR, Entity
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.machine.chip.parts import Design
from gigawatt.technology.chiplets.die_cost import DieCost
from gigawatt.technology.chiplets.node_laws import Laws
from gigawatt.technology.chiplets.package import PackageCost
from gigawatt.technology.chiplets.package_thermal import Thermal
from gigawatt.technology.stacked_memory.stack import Stack

__all__ = ["Built", "DieBuilt"]

SOURCE = "chiplets-fit"
_ZERO_CELSIUS = 273.15


@dataclass(frozen=True)
class DieBuilt:
    """Like dies of a built chip. ``budget`` [m²] of one by use; ``rate`` [FLOP/s] of 16 bits of one."""

    role: str
    node: str
    count: int
    area: float
    budget: Mapping[str, float]
    rate: float
    cost: DieCost

    def to_json(self) -> dict[str, Any]:
        """Stable keys; SI, shares of good dies and prices in $ of one die."""
        return {
            "role": self.role,
            "node": self.node,
            "count": self.count,
            "area": self.area,
            "budget": dict(self.budget),
            "rate": self.rate,
            "yield_perfect": self.cost.perfect,
            "yield_sold": self.cost.sold,
            "gross": self.cost.gross,
            "price": self.cost.price,
            "price_low": self.cost.low,
            "price_high": self.cost.high,
        }


@dataclass(frozen=True)
class Built:
    """A chip from parts; SI, money in $ of the catalog's year.

    Attributes
    ----------
    peak : mapping of format to FLOP/s
        At the clock that cooling and owner allow.
    energy_flop : mapping of format to J/FLOP
    energy_dram : float
        Of a byte of its memory with the way through the chip [J/B].
    power : mapping of part to W
        In a large 16-bit multiplication at the sustained rate; sums to ``power_limit`` unless streaming
        binds.
    power_parts, streaming : float
        What parts would draw at full clock; what the chip draws that only reads its memory [W].
    clock : float
        Over that at which parts draw ``power_parts``; 1 unless cooling or the owner's limit binds.
    limits : mapping of name to (used, available, unit)
        Package, edge, cooling …: how near each is.
    binding : str
        What sets the power limit.
    grades : mapping of quantity to Grade
        The worst of the rows that went into it.
    """

    design: Design
    laws: Laws
    dies: tuple[DieBuilt, ...]
    stack: Stack | None
    stacks: int
    packed: PackageCost
    thermal: Thermal
    peak: Mapping[str, float]
    energy_flop: Mapping[str, float]
    energy_dram: float
    memory_bytes: float
    memory_bandwidth: float
    sram_bytes: float
    power: Mapping[str, float]
    power_parts: float
    power_limit: float
    streaming: float
    idle: float
    clock: float
    die_area: float
    cost: Mapping[str, float]
    design_cost: float
    price: float
    price_range: tuple[float, float]
    carbon: float
    units: float
    limits: Mapping[str, tuple[float, float, str]]
    binding: str
    grades: Mapping[str, Grade]
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)

    @property
    def cost_total(self) -> float:
        """Of making one chip [$], design left out."""
        return sum(self.cost.values())

    @property
    def ridge(self) -> float:
        """FLOP of 16 bits per byte of memory at which both bind alike; 0 without such a format."""
        return self.peak.get("bf16", self.peak.get("fp16", 0.0)) / self.memory_bandwidth

    def numbers(self) -> dict[str, tuple[float, str]]:
        """The chip's row of ``chips``: quantity → (SI value, unit in which SI is written)."""
        made = {f"peak_{form}": (rate, "FLOP/s") for form, rate in self.peak.items()}
        made |= {f"energy_flop_{form}": (joules, "J/FLOP") for form, joules in self.energy_flop.items()}
        made |= {
            "energy_dram": (self.energy_dram, "J/B"),
            "memory_bytes": (self.memory_bytes, "B"),
            "memory_bandwidth": (self.memory_bandwidth, "B/s"),
            "sram_bytes": (self.sram_bytes, "B"),
            "power_limit": (self.power_limit, "W"),
            "idle_power": (self.idle, "W"),
            "die_area": (self.die_area, "m^2"),
            "price": (self.price, "$"),
            "embodied_carbon": (self.carbon, "kg"),
        }
        if self.units:
            made["units"] = (self.units, "")
        if self.design.domain:
            made["scale_up_domain"] = (float(self.design.domain), "")
        return made

    def entity(self) -> Entity:
        """The row that stands for this chip in the catalog's ``chips`` for as long as the process runs."""
        design = self.design
        where = design.file or f"chip_designs.csv:{design.id}"
        numbers: dict[str, tuple[Evidence, ...]] = {}
        for quantity, (value, unit) in self.numbers().items():
            ends = self.price_range if quantity == "price" else (None, None)
            grade = self.grades.get(quantity.split("_")[0], self.grades["all"])
            one = Evidence(
                entity=design.id,
                quantity=quantity,
                value=value,
                low=ends[0],
                high=ends[1],
                unit=unit,
                written=f"{value:.6g}",
                year=None,
                currency_year=CURRENCY_YEAR if unit == "$" else None,
                grade=grade,
                source_id=design.source or SOURCE,
                locator="",
                note="built from parts",
                where=where,
            )
            numbers[quantity] = (one,)
        texts = {
            "id": design.id,
            "aliases": "",
            "name": design.name,
            "vendor": "",
            "kind": "design",
            "status": "design",
            "technology": design.technology,
            "year": str(design.year),
            "node": "/".join(dict.fromkeys(die.node for die in self.dies)),
            "memory": self.stack.name if self.stack is not None else "SRAM only",
            "kernels": design.kernels,
            "kin": design.kin,
            "default_node": design.node,
            "default_scale_up": design.scale_up,
            "default_scale_out": design.scale_out,
            "grade": self.grades["all"].label,
            "source_id": design.source or SOURCE,
            "locator": where,
            "note": design.note,
        }
        return Entity(design.id, "chips", numbers, texts)

    def to_json(self) -> dict[str, Any]:
        """Stable keys; SI, temperatures in °C."""
        thermal = self.thermal
        return {
            "id": self.design.id,
            "name": self.design.name,
            "year": self.design.year,
            "row": {key: value for key, (value, _) in self.numbers().items()},
            "grade": self.grades["all"].label,
            "ridge": self.ridge,
            "clock": self.clock,
            "binding": self.binding,
            "dies": [die.to_json() for die in self.dies],
            "memory": None
            if self.stack is None
            else {
                "generation": self.stack.generation,
                "stacks": self.stacks,
                "height": self.stack.height,
                "bandwidth": self.memory_bandwidth,
                "capacity": self.memory_bytes,
            },
            "cost": dict(self.cost),
            "cost_total": self.cost_total,
            "design_cost": self.design_cost,
            "price": self.price,
            "price_low": self.price_range[0],
            "price_high": self.price_range[1],
            "package": {
                "kind": self.design.package,
                "carrier_area": self.packed.carrier_area,
                "substrate_area": self.packed.substrate_area,
                "carrier_yield": self.packed.carrier_yield,
                "joining_yield": self.packed.joining_yield,
            },
            "power": dict(self.power),
            "power_parts": self.power_parts,
            "power_streaming": self.streaming,
            "thermal": {
                "cooling": self.design.cooling,
                "coolant": thermal.coolant - _ZERO_CELSIUS,
                "junction": thermal.junction - _ZERO_CELSIUS,
                "memory": thermal.memory - _ZERO_CELSIUS,
                "flux": thermal.flux,
                "limit": thermal.limit,
                "limit_flux": thermal.limit_flux,
                "limited_by": thermal.binding,
                "resistance": {**thermal.resistance, "hot spot": thermal.hot_spot},
            },
            "limits": {
                k: {"used": u, "available": a, "unit": unit} for k, (u, a, unit) in self.limits.items()
            },
            "assumptions": [one.to_json() for one in self.assumptions],
        }
