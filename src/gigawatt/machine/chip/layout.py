"""What a design's parts take of their dies, edges and package; refuses what does not fit."""

from __future__ import annotations

import math

from gigawatt.catalog.loader import entity, table
from gigawatt.core.errors import InfeasibleError, InputError, nearest
from gigawatt.core.evidence import Assumption, Grade, worst
from gigawatt.machine.chip.built import SOURCE, DieBuilt
from gigawatt.machine.chip.parts import Design, DieArea
from gigawatt.machine.rows import load_link
from gigawatt.technology.chiplets.die_cost import RULES, DieCost, Harvest, die_cost, load_process
from gigawatt.technology.chiplets.die_links import DieLink, need
from gigawatt.technology.chiplets.node_laws import Laws, compute_area, phy_area, sram_area
from gigawatt.technology.chiplets.package import PackageCost, assemble, load_package
from gigawatt.technology.stacked_memory.stack import Stack, stack_of

__all__ = ["Layout"]

_WAFER = "wafer-scale"


class Layout:
    """One design while it is computed: areas, edges, package."""

    def __init__(self, design: Design, laws: Laws, leaving: float | None = None) -> None:
        self.design, self.laws, self.leaving = design, laws, leaving
        self.rules = entity("chip_rules", RULES)
        self.common = entity("chips_defaults", "default")
        self.assumed: list[Assumption] = []
        self.grades: list[Grade] = [design.grade, Grade.calibrated]

    def assume(
        self, key: str, value: str, reason: str, grade: Grade = Grade.guess, source: str = SOURCE
    ) -> None:
        """List what the engine fills in."""
        self.assumed.append(Assumption(f"{self.design.id}.{key}", value, reason, grade, source))

    def stacks(self) -> tuple[Stack | None, int, float]:
        """(stack, how many, share of its slowest grade's rate that it runs at)."""
        part = self.design.memory
        if part is None:
            return None, 0, 1.0
        rows = table("stacked_memory")
        known = {
            alias: row.id for row in rows.values() for alias in (row.id, *row.text("aliases").split("|"))
        }
        if part.kind not in known and part.kind.lower() not in known:
            raise InputError(
                "no such memory",
                key="memory.kind",
                given=part.kind,
                allowed=list(rows),
                nearest=nearest(part.kind, rows),
            )
        kind = known.get(part.kind) or known[part.kind.lower()]
        rate, slowed = part.data_rate, 1.0
        lowest = rows[kind].evidence("data_rate").low or rows[kind].value("data_rate")
        if rate is not None and 0.0 < rate < lowest:
            slowed, rate = rate / lowest, lowest
            self.assume(
                "memory.data_rate", f"{slowed:.2f}", "below the slowest grade: that grade, clocked down"
            )
        try:
            stack = stack_of(kind, height=part.height, data_rate=rate)
        except InputError as error:
            error.key = f"memory.{(error.key or 'kind').rsplit('.', 1)[-1]}"
            raise
        self.grades.append(worst(row.grade for row in rows[kind].rows()))
        return stack, part.stacks, slowed

    def outside(self) -> float:
        """What leaves the package to other chips, one way [B/s]."""
        if self.leaving is not None:
            return self.leaving
        total = 0.0
        for key in ("scale_up", "scale_out"):
            name = getattr(self.design, key)
            if name:
                try:
                    total += load_link(name).bandwidth
                except InputError as error:
                    error.key = f"links.{key}"
                    raise
        return total

    def phys(self, stacks: int) -> dict[str, int]:
        """Interfaces to stacks on each kind of die, as written or spread over the dies on the carrier."""
        dies = self.design.dies
        written = sum(die.count * die.phys for die in dies)
        if written == 0 and stacks:
            ground = [die for die in dies if not die.on and die.compute] or [d for d in dies if not d.on]
            each = math.ceil(stacks / sum(die.count for die in ground))
            self.assume("dies.phys", str(each), "interfaces to stacks spread over the dies on the carrier")
            return {die.role: each if die in ground else 0 for die in dies}
        if written < stacks:
            raise InfeasibleError(
                "fewer interfaces than stacks",
                key="memory.stacks",
                given=f"{stacks} stacks",
                allowed=f"{written}, or more phys on the dies",
            )
        return {die.role: die.phys for die in dies}

    def die(self, die: DieArea, link: DieLink | None, outside: float, phys: int) -> DieBuilt:
        """A kind of die: what its area goes to, what it computes, what it costs."""
        key = f"dies.{die.role}"
        try:
            process = load_process(die.node)
        except InputError as error:
            error.key = f"{key}.node"
            raise
        self.grades += [row.grade for row in process.rows()]
        serial = self.serial(die, outside)
        joins = 0.0 if link is None else need(link, 2.0 * self.design.die_bandwidth).area
        budget = {
            "memory": sram_area(process, die.sram),
            "stack interfaces": phy_area(phys, 0.0),
            "links between chips": phy_area(0, serial),
            "links between dies": joins,
        }
        room, rate = 0.0, 0.0
        try:
            left = compute_area(process, area=die.area, sram=die.sram, phys=phys, links=serial, others=joins)
        except InfeasibleError as error:
            error.key = f"{key}.area"
            raise
        if die.compute:
            room = left if die.arithmetic is None else die.arithmetic * die.area
            if room > left * (1.0 + 1e-9):
                raise InfeasibleError(
                    "more arithmetic than memory and links leave room for",
                    key=f"{key}.arithmetic",
                    given=f"{die.arithmetic:.0%}",
                    allowed=f"{left / die.area:.0%}",
                )
            working = die.good_units / die.units if die.units else 1.0
            rate = room * working * self.laws.rate.at(process, self.design.architecture)
        budget["arithmetic"] = room
        budget["rest"] = max(die.area - sum(budget.values()), 0.0)
        return DieBuilt(
            die.role, process.id, die.count, die.area, budget, rate, self.die_cost(die, room, key)
        )

    def serial(self, die: DieArea, outside: float) -> float:
        """Links to other chips on one die: on dies made for them, else on all that lie on the carrier."""
        dies = self.design.dies
        made_for = [d for d in dies if not d.compute and not d.on] or [d for d in dies if not d.on]
        return outside / sum(d.count for d in made_for) if die in made_for else 0.0

    def die_cost(self, die: DieArea, room: float, key: str) -> DieCost:
        """Money of a known good die of this kind; a wafer-scale chip takes the whole wafer."""
        year = self.design.year
        harvest = None
        if 0 < die.good_units < die.units:
            harvest = Harvest(die.units, die.good_units, room / die.units)
        if self.design.package == _WAFER:
            process = load_process(die.node)
            price, low, high = process.at("wafer_price", year)
            test = self.rules.value("test_area") * die.area
            return DieCost(
                process.id,
                die.area,
                1.0,
                0.0,
                1.0,
                1.0,
                1.0,
                price,
                price,
                0.0,
                test,
                price + test,
                low + test,
                high + test,
                0.0,
                Grade.guess,
            )
        try:
            made = die_cost(die.node, die.area, year=year, harvest=harvest)
        except (InputError, InfeasibleError) as error:
            error.key = f"{key}.{error.key}"
            raise
        self.grades.append(made.grade)
        return made

    def edges(self, stacks: int, link: DieLink | None, outside: float) -> dict[str, tuple[float, float, str]]:
        """How much of the shoreline stacks and links take; refuses what does not fit."""
        ground = [die for die in self.design.dies if not die.on]
        number = sum(die.count for die in ground)
        whole = sum(die.count * die.area for die in ground)
        side = math.sqrt(whole / number)
        rows = max(d for d in range(1, math.isqrt(number) + 1) if number % d == 0) if number > 3 else 1
        share = self.rules.value("edge_share")
        rim = 2.0 * side * (rows + number / rows) * share
        found: dict[str, tuple[float, float, str]] = {}
        on_logic = self.design.memory is not None and self.design.memory.place != "beside"
        held = 0.0 if on_logic else stacks * self.rules.value("edge_stack")
        taken = held + outside / self.rules.value("edge_links")
        found["edge of the package's logic"] = (taken, rim, "m")
        if taken > rim:
            raise InfeasibleError(
                "the shoreline is too short for the stacks and links",
                key="memory.stacks",
                given=f"{taken * 1e3:.0f} mm: {held * 1e3:.0f} for {stacks} stacks, "
                f"{(taken - held) * 1e3:.0f} for links",
                allowed=f"{rim * 1e3:.0f} mm, {taken / rim - 1:.0%} less",
            )
        if link is not None and self.design.die_bandwidth > 0.0 and not link.over_area:
            if number == 1:
                raise InputError(
                    "a single die has no other",
                    key="links.bandwidth",
                    given=self.design.die_bandwidth,
                    allowed="0, or more dies",
                )
            smallest = math.sqrt(min(die.area for die in ground))
            facing = smallest * (1 if number == 2 else 2) * share
            edge = need(link, 2.0 * self.design.die_bandwidth).edge
            found["edge between dies"] = (edge, facing, "m")
            if edge > facing:
                raise InfeasibleError(
                    "the shoreline is too short for the link between dies",
                    key="links.bandwidth",
                    given=f"{edge * 1e3:.1f} mm of {link.id}",
                    allowed=f"{facing * 1e3:.1f} mm, {edge / facing - 1:.0%} less bandwidth",
                )
        return found

    def memory(self, stack: Stack | None, stacks: int, slowed: float) -> tuple[float, float, float]:
        """(bytes, bytes a second, bytes on the dies)."""
        sram = sum(die.count * die.sram for die in self.design.dies)
        if stack is not None:
            return stacks * stack.capacity, stacks * stack.bandwidth * slowed, sram
        if sram <= 0.0:
            raise InputError(
                "a chip without memory",
                key="memory",
                given="neither stacks nor sram",
                allowed="stacks of memory, or sram on the dies",
            )
        turns = self.rules.evidence("sram_turns")
        self.assume(
            "memory_bandwidth",
            f"{turns.value:g} /s",
            "bandwidth of memory on the die over its capacity",
            turns.grade,
            turns.source_id,
        )
        return sram, sram * turns.value, sram

    def packed(self, dies: list[DieBuilt], stack: Stack | None, stacks: int) -> PackageCost:
        """The package with its dies and stacks; refuses what does not fit on what it stands on."""
        design = self.design
        parts = {die.role: (float(die.count), die.area, die.cost.price) for die in dies}
        on = {die.role: die.on for die in design.dies}
        flat = sum(die.count * die.area for die in dies if not on[die.role])
        if stack is not None:
            parts["memory"] = (float(stacks), stack.area, stack.price)
            if design.memory is not None and design.memory.place != "beside":
                logic = sum(die.count * die.area for die in dies if die.role not in on.values())
                if stacks * stack.area > logic * (1.0 + 1e-9):
                    raise InfeasibleError(
                        "the stacks are larger than the logic that they share their place with",
                        key="memory.stacks",
                        given=f"{stacks * stack.area * 1e6:,.0f} mm²",
                        allowed=f"{logic * 1e6:,.0f} mm²",
                    )
            else:
                flat += stacks * stack.area
        for die in design.dies:
            if die.on:
                base = next(one for one in design.dies if one.role == die.on)
                if die.count * die.area > base.count * base.area * (1.0 + 1e-9):
                    raise InfeasibleError(
                        "the dies are larger than those they stand on",
                        key=f"dies.{die.role}.on",
                        given=f"{die.count * die.area * 1e6:,.0f} mm²",
                        allowed=f"{base.count * base.area * 1e6:,.0f} mm²",
                    )
        return assemble(load_package(design.package, year=design.year), dies=parts, laid=flat)
