"""From parts to a chip: areas to a rate, parts to watts, cooling to a clock, dies to money.

``build_chip(design)`` computes; ``made_row(name)`` gives the row of ``chips`` that :func:`load_chip` reads,
so that a design runs wherever a chip of the catalog does.

*Rate.* What a die's memory and interfaces leave computes at the law of its node and year
(:mod:`~gigawatt.technology.chiplets.node_laws`), by the share of its units that must work. A
narrower format is quicker as it is narrower; tf32 is half of 16 bits.

*Power.* As every chip of the catalog is taken: a large multiplication in 16 bits at the sustained rate draws
it, idle power the usual share of it. A chip that draws more when it only reads its memory is rated for that,
as far as cooling goes; beyond, it reads more slowly.

*Clock.* Where cooling (or the owner's limit) allows less, the clock falls along the voltage curve of
:mod:`~gigawatt.machine.clocks` until it fits; below the least clock the design is refused.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gigawatt.catalog.loader import Entity, keep_made, table
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Assumption, worst
from gigawatt.machine.chip.built import Built, DieBuilt
from gigawatt.machine.chip.design_file import read_design
from gigawatt.machine.chip.parts import Design, is_design_file
from gigawatt.machine.chip.power import Power, voltage
from gigawatt.technology.chiplets.die_cost import design_cost, load_process
from gigawatt.technology.chiplets.die_links import load_die_link
from gigawatt.technology.chiplets.node_laws import Laws, fit_laws
from gigawatt.technology.chiplets.package import PackageCost, load_package
from gigawatt.technology.chiplets.package_thermal import load_cooling
from gigawatt.technology.digital.gpu import BITS
from gigawatt.technology.stacked_memory.stack import Stack

__all__ = ["build_chip", "made_row", "narrower"]


def narrower(form: str) -> float:
    """Times the 16-bit rate at which units multiply a format: 16 over its bits, half for tf32."""
    return 0.5 if form == "tf32" else BITS["bf16"] / BITS[form]


def made_row(name: str) -> tuple[Entity, tuple[Assumption, ...]]:
    """The row of ``chips`` of a design, by id or file, made known to the catalog, with what was assumed.

    Raises
    ------
    InputError, InfeasibleError
        A design that cannot be read or made; one called like a chip of the catalog.
    """
    if is_design_file(name):
        name = str(Path(name).expanduser().resolve()) if Path(name).expanduser().is_file() else name
    design = read_design(name)
    known = table("chips").get(design.id)
    if known is not None and known.text("design") != name:
        raise InputError(
            "a chip of this name is known already",
            file=design.file or None,
            key="name",
            given=design.id,
            allowed="another name"
            if not known.text("design")
            else f"another name than {known.text('design')}",
        )
    made = build_chip(design)
    row = made.entity()
    row = replace(row, texts={**row.texts, "design": name})
    keep_made("chips", row)
    return row, made.assumptions


def build_chip(
    design: Design | str | Path, *, laws: Laws | None = None, leaving: float | None = None
) -> Built:
    """The chip that a design makes.

    Parameters
    ----------
    design : Design, str or Path
        Or what :func:`~gigawatt.machine.chip.design_file.read_design` reads.
    laws : Laws, optional
        Of rate and joules; those fitted to all shipping chips where left out.
    leaving : float, optional
        What leaves the package to other chips, one way [B/s]; what the design's links carry where left out.

    Raises
    ------
    InputError
        An unknown part: names the nearest.
    InfeasibleError
        A carrier above its limit, an edge too short, dies too full, power beyond cooling: says by how much.
    """
    made = read_design(design) if isinstance(design, str | Path) else design
    try:
        return _Builder(made, fit_laws() if laws is None else laws, leaving).build()
    except GigawattError as error:
        raise made.blame(error) from None


class _Builder(Power):
    """A design from its parts to the chip."""

    def build(self) -> Built:
        design = self.design
        package = load_package(design.package, year=design.year)
        cooling = load_cooling(design.cooling)
        self.grades += [package.grade, cooling.grade]
        stack, stacks, slowed = self.stacks()
        link = load_die_link(design.die_link) if design.die_link else None
        if link is not None:
            self.grades.append(link.grade)
        outside = self.outside()
        phys = self.phys(stacks)
        dies = [self.die(die, link, outside, phys[die.role]) for die in design.dies]
        limits = self.edges(stacks, link, outside)
        memory_bytes, bandwidth, sram = self.memory(stack, stacks, slowed)
        rate = sum(die.count * die.rate for die in dies)
        packed = self.packed(dies, stack, stacks)
        sized = packed.carrier_area or packed.substrate_area
        limits["package"] = (sized, package.limit, "m^2")
        drawn = self.power(rate, stack, stacks, link)
        thermal = self.thermal(drawn, dies, stack, stacks)
        clock, power, binding = self.clock(drawn, thermal)
        bandwidth, streaming = self.reading(bandwidth, power["idle"], drawn["byte"], dies, stack, stacks)
        whole = max(sum(power.values()), streaming)
        if streaming > sum(power.values()):
            binding = "reading memory"
        at_limit = self.thermal({**drawn, **power}, dies, stack, stacks, whole)
        limits["cooling"] = (whole, at_limit.limit, "W")
        peak = {form: rate * narrower(form) * clock for form in design.formats}
        joules = {form: self.law_energy() * voltage(clock) ** 2 / narrower(form) for form in design.formats}
        cost, once, price, ends = self.money(dies, stack, stacks, packed)
        grade = worst(self.grades)
        return Built(
            design=design,
            laws=self.laws,
            dies=tuple(dies),
            stack=stack,
            stacks=stacks,
            packed=packed,
            thermal=at_limit,
            peak=peak,
            energy_flop=joules,
            energy_dram=drawn["byte"],
            memory_bytes=memory_bytes,
            memory_bandwidth=bandwidth,
            sram_bytes=sram,
            power=power,
            power_parts=drawn["total"],
            power_limit=whole,
            streaming=streaming,
            idle=power["idle"],
            clock=clock,
            die_area=sum(die.count * die.area for die in dies),
            cost=cost,
            design_cost=once,
            price=price,
            price_range=ends,
            carbon=self.carbon(dies, packed, memory_bytes if stack is not None else 0.0),
            units=float(sum(die.count * die.good_units for die in design.dies)),
            limits=limits,
            binding=binding,
            grades={"all": grade},
            assumptions=tuple(self.assumed),
        )

    def money(
        self, dies: list[DieBuilt], stack: Stack | None, stacks: int, packed: PackageCost
    ) -> tuple[dict[str, float], float, float, tuple[float, float]]:
        """(cost by part, design cost a chip, price, its range)."""
        logic = sum(die.count * die.cost.price for die in dies)
        memory = 0.0 if stack is None else stacks * stack.price
        cost = {
            "logic": logic,
            "memory": memory,
            "bumps": packed.dies - logic - memory,
            "carrier": packed.carrier,
            "substrate": packed.substrate,
            "assembly and test": packed.fixed,
            "bad carriers": packed.defects,
            "wasted dies": packed.wasted,
        }
        once = 0.0
        if self.design.volume is not None:
            once = sum(design_cost(die.node, die.area) for die in dies) / self.design.volume
        multiple = self.rules.evidence("price_multiple")
        low, high = multiple.low or multiple.value, multiple.high or multiple.value
        if self.design.margin is None:
            times = multiple.value
            self.assume(
                "price",
                f"{times:g} times the cost",
                "price over cost of three shipping chips",
                multiple.grade,
                multiple.source_id,
            )
        else:
            times = low = high = self.design.margin
        total = sum(cost.values()) + once
        ends = [total, total]
        for i, pick in enumerate(("low", "high")):
            ends[i] += sum(die.count * (getattr(die.cost, pick) - die.cost.price) for die in dies)
            if stack is not None:
                ends[i] += stacks * ((stack.price_low, stack.price_high)[i] - stack.price)
        price = total * times
        return cost, once, price, (min(ends[0] * low, price), max(ends[1] * high, price))

    def carbon(self, dies: list[DieBuilt], packed: PackageCost, memory: float) -> float:
        wafers = sum(
            die.count * die.area / die.cost.passed * load_process(die.node).value("carbon_area")
            for die in dies
        )
        base = packed.carrier_area or packed.substrate_area
        return (
            wafers
            + base * self.rules.value("carbon_package")
            + memory * self.common.value("carbon_per_memory")
            + self.common.value("carbon_of_board")
        )
