"""What a design draws, how hot it gets, and the clock that cooling allows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gigawatt.catalog.loader import entity, table
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.evidence import Grade
from gigawatt.machine.chip.built import DieBuilt
from gigawatt.machine.chip.layout import Layout
from gigawatt.machine.clocks import ClockModel
from gigawatt.technology.chiplets.die_cost import load_process
from gigawatt.technology.chiplets.die_links import DieLink
from gigawatt.technology.chiplets.package_thermal import Thermal, load_cooling, package_thermal
from gigawatt.technology.digital.gpu import kernels
from gigawatt.technology.stacked_memory.stack import Stack

__all__ = ["Power", "voltage"]

_HALVINGS = 60


class Power(Layout):
    """A design's watts and temperatures."""

    def law_energy(self) -> float:
        """J of a 16-bit operation at full clock, the mean over the dies that compute."""
        weights: list[float] = []
        joules: list[float] = []
        for die in self.design.dies:
            if die.compute:
                process = load_process(die.node)
                weights.append(die.count * die.area * self.laws.rate.at(process, self.design.architecture))
                joules.append(self.laws.energy.at(process, self.design.architecture))
        return float(np.average(joules, weights=weights))

    def power(self, rate: float, stack: Stack | None, stacks: int, link: DieLink | None) -> dict[str, float]:
        """Watts by part at full clock in a large multiplication, and the joules of a byte (``byte``)."""
        kin = self.design.kernels
        share = self.sustained()
        byte = self.byte_energy(stack)
        traffic = self.common.value("gemm_dram_traffic")
        work = share * rate
        moved = work * traffic
        found = {
            "arithmetic": work * self.law_energy(),
            "on-chip memory": work * kernels(kin).on_chip_traffic * self.common.value("energy_sram"),
            "memory": moved * byte,
            "links between dies": 0.0,
        }
        if link is not None:
            pairs = sum(die.count for die in self.design.dies if not die.on)
            found["links between dies"] = pairs * self.design.die_bandwidth * link.energy
        base = sum(d.count * d.area for d in self.design.dies if not d.compute) * self.rules.value(
            "leakage_area"
        )
        kept = 0.0 if stack is None else stacks * stack.idle_power
        idle_share = self.common.evidence("idle_share")
        dynamic = sum(found.values())
        idle = max(idle_share.value / (1.0 - idle_share.value) * dynamic, base + kept)
        self.assume(
            "idle_power",
            f"{idle_share.value:g}",
            "share of the power limit of measured chips",
            idle_share.grade,
            idle_share.source_id,
        )
        found["idle"] = idle
        direct = 0.0 if stack is None else stacks * stack.idle_power + moved * stack.energy_byte
        found["total"] = sum(found.values())
        found["byte"], found["in stacks"] = byte, direct
        return found

    def sustained(self) -> float:
        """Share of the peak that a large multiplication keeps up."""
        known = table("kernels")
        own = known[self.design.kernels].get("gemm_sustained_share") if self.design.kernels in known else None
        return known["default"].value("gemm_sustained_share") if own is None else own

    def byte_energy(self, stack: Stack | None) -> float:
        """J of a byte of memory with its way through the chip."""
        stacked = self.design.memory is not None and self.design.memory.place != "beside"
        path = self.rules.value("path_stacked") if stacked else self.common.value("memory_path")
        if stack is None:
            return entity("memories", "SRAM only").value("energy")  # no way out of the die
        return stack.energy_byte * path

    def thermal(
        self,
        drawn: Mapping[str, float],
        dies: list[DieBuilt],
        stack: Stack | None,
        stacks: int,
        whole: float | None = None,
    ) -> Thermal:
        """Temperatures at the watts given, or at ``whole`` [W] of the package with those in its stacks."""
        design = self.design
        total = drawn["total"] if whole is None else whole
        in_stacks = min(drawn["in stacks"], 0.9 * total)
        logic = total - in_stacks
        under = {die.on for die in design.dies if die.on}
        top = sum(die.count * die.area for die in design.dies if die.role not in under)
        layers: list[float] = []
        if under:
            base = sum(d.count * d.area for d in design.dies if d.role in under)
            below = min(
                base * self.rules.value("leakage_area") + drawn.get("links between dies", 0.0), 0.9 * logic
            )
            layers = [logic - below, below]
        place = design.memory.place if design.memory is not None else "beside"
        return package_thermal(
            load_cooling(design.cooling),
            logic_power=logic,
            logic_area=top,
            stack_power=in_stacks,
            stack_area=0.0 if stack is None else stack.area,
            stacks=stacks,
            stack_height=8 if stack is None else stack.height,
            layers=layers,
            place=place,
        )

    def reading(
        self,
        bandwidth: float,
        idle: float,
        byte: float,
        dies: list[DieBuilt],
        stack: Stack | None,
        stacks: int,
    ) -> tuple[float, float]:
        """(bandwidth that can be kept up, what the chip then draws) where it only reads its memory."""

        def fits(rate: float) -> bool:
            whole = idle + rate * byte
            kept = 0.0 if stack is None else stacks * stack.idle_power + rate * stack.energy_byte
            at = self.thermal({"total": whole, "in stacks": kept}, dies, stack, stacks)
            return whole <= (at.limit if self.design.power_limit is None else self.design.power_limit)

        whole = idle + bandwidth * byte
        if fits(bandwidth):
            return bandwidth, whole
        low, high = 0.0, bandwidth
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if fits(middle) else (low, middle)
        limit = idle + low * byte
        self.assume(
            "memory_bandwidth",
            f"{low / 1e12:.4g} TB/s",
            f"of {bandwidth / 1e12:.4g} TB/s that the memory "
            f"offers: all of it would draw {whole:,.0f} W, cooling carries {limit:,.0f} W of such heat",
            Grade.modelled,
        )
        return low, limit

    def clock(self, drawn: Mapping[str, float], thermal: Thermal) -> tuple[float, dict[str, float], str]:
        """(clock over full, watts by part at it, what sets the limit)."""
        names = ("arithmetic", "on-chip memory", "memory", "links between dies", "idle")
        parts = {name: drawn[name] for name in names}
        own = self.design.power_limit
        if own is not None and own > thermal.limit:
            raise InfeasibleError(
                "power beyond cooling",
                key="power_limit",
                given=f"{own:,.0f} W",
                allowed=f"{thermal.limit:,.0f} W with {self.design.cooling} "
                f"({thermal.limit_flux / 1e6:.2f} W/mm² of logic): {own - thermal.limit:,.0f} W too much",
            )
        limit = thermal.limit if own is None else own
        binding = f"cooling ({thermal.binding})" if own is None else "the owner's limit"
        if drawn["total"] <= limit * (1.0 + 1e-12):
            return 1.0, parts, "parts"
        model = _clocks()

        def at(clock: float) -> dict[str, float]:
            square = voltage(clock) ** 2
            made = dict(parts)
            for name in ("arithmetic", "on-chip memory"):
                made[name] *= clock * square
            made["memory"] *= clock
            made["idle"] *= (1.0 - model.clocked) + model.clocked * clock * square
            return made

        low, high = model.least, 1.0
        if sum(at(low).values()) > limit:
            least = sum(at(low).values())
            raise InfeasibleError(
                "power beyond cooling even at the least clock",
                key="cooling",
                given=f"{least:,.0f} W at {low:.0%} of the clock, {drawn['total']:,.0f} W at full",
                allowed=f"{limit:,.0f} W: {least - limit:,.0f} W too much; more area, or better cooling",
            )
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if sum(at(middle).values()) > limit else (middle, high)
        self.assume(
            "clock",
            f"{low:.3f}",
            f"{binding} allows {limit:,.0f} W of {drawn['total']:,.0f} W",
            Grade.modelled,
        )
        return low, at(low), binding


def _clocks() -> ClockModel:
    row = table("clocks")["default"]
    return ClockModel(
        id="design",
        reference=float("nan"),
        least=row.value("least_share"),
        boost=row.value("boost_share"),
        knee=row.value("knee_share"),
        slope=row.value("voltage_slope"),
        idle=0.0,
        clocked=row.value("clocked_idle"),
        power_limit=0.0,
    )


def voltage(clock: float) -> float:
    """Core voltage at a relative clock over that at full clock, of the median chip."""
    return float(_clocks().voltage(clock))
