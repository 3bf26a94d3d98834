"""How hot a stack gets beside its processor, and what heat costs: refresh, bandwidth, height.

A network of resistances. From the top: coolant, lid, top die, bond, die, bond … base die, microbumps,
interposer, board. Every die loses heat in itself; between two dies lie a bond, the wiring of one and the
silicon of both. The processor has its own way to the lid; lid and interposer join the two laterally. In the
lid heat spreads at 45 degrees. With embedded cooling the coolant touches the top die: no lid, no interface.

Above 85 °C cells leak so fast that they are refreshed twice as often, which takes bandwidth and watts.

References
----------
Colgan et al. 2012, "Measurement of microbump thermal resistance in 3D chip stacks", SEMI-THERM (bonds).
JESD238 (refresh at high temperature; recalled).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.stacked_memory.dram_energy import (
    access_energy,
    defaults,
    idle_power,
    refresh_power,
)
from gigawatt.technology.stacked_memory.dram_timing import channel_of
from gigawatt.technology.stacked_memory.stack import Stack, stack_of
from gigawatt.workload.operations import Array

__all__ = [
    "BONDS",
    "COOLING",
    "Temperatures",
    "die_powers",
    "most_height",
    "most_power",
    "solve",
    "stack_temperature",
]

BONDS = ("microbump", "hybrid")
"""How two dies are joined."""
COOLING = ("air", "cold-plate", "immersion", "embedded")
"""What takes the heat from the lid, or from the top die."""

_TABLE = "stacked_memory_thermal"
_NOWHERE = 1e-12  # W/K: a path that is not there


def _value(id: str, quantity: str) -> float:
    return entity(_TABLE, id).value(quantity)


def _word(key: str, given: str, allowed: tuple[str, ...]) -> str:
    check_word(key, given, allowed, "not known")
    return given


def solve(conductance: Array, power: Array, *, fixed: NDArray[np.bool_], held: Array) -> Array:
    """Temperatures of a network in which all heat that is lost leaves through nodes that are held.

    Parameters
    ----------
    conductance : array (n, n)
        Symmetric, of the path between two nodes [W/K]; zeros where there is none.
    power : array (n,)
        Lost in a node [W].
    fixed : array (n,) of bool
        Nodes whose temperature is given.
    held : array (n,)
        Those temperatures [K]; ignored elsewhere.

    Returns
    -------
    array (n,)
        Temperatures [K].

    Raises
    ------
    InputError
        No node is held.
    """
    if not np.any(fixed):
        raise InputError("no node is held", key="fixed", given="none", allowed="a coolant at least")
    laplace = np.diag(conductance.sum(axis=1)) - conductance
    free = ~fixed
    found = np.where(fixed, held, 0.0)
    right = power[free] - laplace[free][:, fixed] @ held[fixed]
    found[free] = np.linalg.solve(laplace[free][:, free], right)
    return found


@dataclass(frozen=True)
class Temperatures:
    """Of a stack [K], and where its heat goes [W].

    ``dies`` from the bottom up, ``base`` die, ``processor``; ``hottest`` DRAM die; ``to_coolant``,
    ``to_board`` heat of stack and processor together; ``power`` of the stack [W], ``refresh_share`` of time
    that refreshing takes, ``bandwidth_lost`` share of what a stack below 85 °C reaches, ``power_added`` [W]
    by more refreshes.
    """

    dies: tuple[float, ...]
    base: float
    processor: float
    to_coolant: float
    to_board: float
    power: float
    refresh_share: float
    bandwidth_lost: float
    power_added: float

    @property
    def hottest(self) -> float:
        """The hottest DRAM die [K]."""
        return max(self.dies)

    @property
    def bottom(self) -> float:
        """The bottom DRAM die [K]."""
        return self.dies[0]


def die_powers(stack: Stack, *, use: float = 1.0, temperature: float | None = None) -> tuple[float, float]:
    """(W of a DRAM die, W of the base die) at a share ``use`` of the peak bandwidth.

    Cells, wires and vias are the dies'; of the interface the stack has one of two ends, in its base die.
    """
    check_range("use", use, 0.0, 1.0)
    parts = {name: float(one) for name, one in access_energy(stack.generation, height=stack.height).items()}
    moved = stack.bandwidth * use
    base_idle = entity("stacked_memory", stack.generation).value("base_die")
    kept = float(idle_power(stack.generation, height=stack.height, temperature=temperature)) - base_idle
    dies = moved * (parts["activation"] + parts["array"] + parts["wire"] + parts["via"]) + kept
    return dies / stack.height, base_idle + moved * parts["io"] / 2.0


def _layers(height: int, bond: str) -> tuple[Array, float, float]:
    """(m²K/W between neighbouring dies (height − 1,), top die to lid, bottom die to base die)."""
    k, wiring = _value("die", "conductivity"), _value("die", "wiring")
    thin = _value("die", "thickness") * min(1.0, 12.0 / height)
    joint = _value(bond, "resistance")
    between = np.full(max(height - 1, 0), thin / k + wiring + joint)
    if height > 1:
        between[-1] = 0.5 * (thin + _value("die", "top")) / k + wiring + joint
    top = _value("die", "top") / (2.0 * k)
    bottom = 0.5 * (thin + _value("die", "base")) / k + wiring + joint
    return between, top, bottom


def _spread(area: float, thickness: float) -> float:
    """Area that heat fills below a plate, at 45 degrees [m²]."""
    return float((np.sqrt(area) + 2.0 * thickness) ** 2)


def stack_temperature(
    stack: Stack | str,
    *,
    use: float = 1.0,
    bonding: str | None = None,
    cooling: str | None = None,
    coolant: float | None = None,
    processor_power: float | None = None,
    dies: float | None = None,
    base: float | None = None,
    lateral: bool = True,
    board: bool = True,
) -> Temperatures:
    """Temperatures of a stack beside a processor, at rest.

    Parameters
    ----------
    stack : Stack or str
        A generation's usual one, or one of :func:`stack_of`.
    use : float
        Share of the peak bandwidth, 0 to 1.
    bonding, cooling : str, optional
        Of :data:`BONDS`, :data:`COOLING`; the generation's where left out.
    coolant : float, optional
        Its temperature [K], 250 to 350.
    processor_power : float, optional
        Beside the stack [W], 0 to 5,000.
    dies, base : float, optional
        W of a DRAM die and of the base die in place of :func:`die_powers`.
    lateral, board : bool
        Whether the processor and the board are there; both off: heat has one way, up.

    Raises
    ------
    InputError
        An unknown bond or cooling; a number outside its range.
    """
    one = stack_of(stack) if isinstance(stack, str) else stack
    bond = _word("bonding", bonding or one.bonding, BONDS)
    cool = _word("cooling", cooling or one.cooling, COOLING)
    fluid = float(
        check_range("coolant", _value(cool, "temperature") if coolant is None else coolant, 250.0, 350.0, "K")
    )
    power = _value("processor", "power") if processor_power is None else processor_power
    check_range("processor_power", power, 0.0, 5000.0, "W")

    def at(temperature: float) -> Temperatures:
        usual = die_powers(one, use=use, temperature=temperature)
        each = float(check_range("dies", usual[0] if dies is None else dies, 0.0, 1000.0, "W"))
        lowest = float(check_range("base", usual[1] if base is None else base, 0.0, 500.0, "W"))
        return _solved(one, bond, cool, fluid, (each, lowest, power if lateral else 0.0), lateral, board)

    cold = at(defaults().value("hot") - 1.0)
    if cold.hottest <= defaults().value("hot"):
        return cold
    return at(defaults().value("hot") + 1.0)


def _solved(
    one: Stack,
    bond: str,
    cool: str,
    fluid: float,
    powers: tuple[float, float, float],
    lateral: bool,
    board: bool,
) -> Temperatures:
    each, lowest, processor = powers
    between, top, bottom = _layers(one.height, bond)
    n, area = one.height, one.area
    core = _value("processor", "area")
    base, foot, chip, lid, lid_chip, air, ground = n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6
    g = np.zeros((n + 7, n + 7))

    def join(a: int, b: int, conductance: float) -> None:
        g[a, b] = g[b, a] = conductance

    for i, resistance in enumerate(between):
        join(i, i + 1, area / float(resistance))
    join(0, base, area / bottom)
    interposer = area / (
        _value("package", "footing") + _value("die", "base") / (2.0 * _value("die", "conductivity"))
    )
    join(base, foot, interposer)
    join(foot, ground, area / _value("package", "board") if board else _NOWHERE)
    film, plate = _value(cool, "resistance"), _value("package", "lid")
    if cool == "embedded":
        join(n - 1, lid, area / top)
        join(lid, air, area / film)
        join(chip, lid_chip, core / (_value("die", "top") / _value("die", "conductivity")))
        join(lid_chip, air, core / film)
    else:
        k = _value("package", "lid_conductivity")
        grease = _value("package", "interface")
        join(n - 1, lid, area / (top + grease))
        join(chip, lid_chip, core / grease)
        for node, size in ((lid, area), (lid_chip, core)):
            wide = _spread(size, plate)
            join(node, air, 1.0 / (plate / (k * np.sqrt(size * wide)) + film / wide))
        if lateral:
            join(lid, lid_chip, k * plate * np.sqrt(area) / _distance(area, core))
    if lateral:
        thick, silicon = _value("package", "interposer"), _value("die", "conductivity")
        join(foot, chip, silicon * thick * np.sqrt(area) / _distance(area, core))
    lost = np.zeros(n + 7)
    lost[:n], lost[base], lost[chip] = each, lowest, processor
    fixed = np.zeros(n + 7, dtype=bool)
    fixed[[air, ground]] = True
    held = np.zeros(n + 7)
    held[air], held[ground] = fluid, _value("package", "board_temperature")
    found = solve(g, lost, fixed=fixed, held=held)
    flow = g * (found[:, None] - found[None, :])
    warm = float(np.max(found[:n]))
    share, lost_bandwidth, added = _refreshing(one, warm)
    return Temperatures(
        dies=tuple(float(t) for t in found[:n]),
        base=float(found[base]),
        processor=float(found[chip]),
        to_coolant=float(flow[:, air].sum()),
        to_board=float(flow[:, ground].sum()),
        power=each * n + lowest,
        refresh_share=share,
        bandwidth_lost=lost_bandwidth,
        power_added=added,
    )


def _distance(area: float, core: float) -> float:
    """Metres from the middle of the stack to the middle of the processor."""
    return float(np.sqrt(area) / 2.0 + _value("package", "gap") + np.sqrt(core) / 2.0)


def _refreshing(one: Stack, temperature: float) -> tuple[float, float, float]:
    """(share of time, share of bandwidth lost to heat, W added) of refreshing at a temperature."""
    cool, warm = (channel_of(one.generation, temperature=t) for t in (None, temperature))
    shares = [each.rfc / each.refi for each in (cool, warm)]
    watts = [
        float(refresh_power(one.generation, capacity=one.capacity, temperature=t))
        for t in (None, temperature)
    ]
    return shares[1], 1.0 - (1.0 - shares[1]) / (1.0 - shares[0]), watts[1] - watts[0]


def _limit(limit: float | None) -> float:
    return float(
        check_range("limit", _value("limit", "throttle") if limit is None else limit, 300.0, 500.0, "K")
    )


def most_power(stack: Stack | str, *, limit: float | None = None, **where: str | float | None) -> float:
    """Watts of a stack whose hottest die is at ``limit`` [K] (95 °C), split over dies as at full use.

    Keywords are those of :func:`stack_temperature`. The network is linear, so that two solutions give it.

    Raises
    ------
    InputError
        A limit outside 300 to 500 K; one that is passed by a stack without any power.
    """
    one = stack_of(stack) if isinstance(stack, str) else stack
    most = _limit(limit)
    each, lowest = die_powers(one)
    whole = each * one.height + lowest
    none, full = (
        stack_temperature(one, dies=share * each, base=share * lowest, **where)  # type: ignore[arg-type]
        for share in (0.0, 1.0)
    )
    if none.hottest >= most:
        raise InputError(
            "the processor alone heats the stack beyond the limit",
            key="limit",
            given=f"{most:g} K",
            allowed=f"above {none.hottest:.0f} K, or better cooling",
        )
    shares = [
        (most - cold) / (warm - cold)
        for cold, warm in zip((*none.dies,), (*full.dies,), strict=True)
        if warm > cold
    ]
    return whole * min(shares)


def most_height(
    generation: str, *, limit: float | None = None, tallest: int = 32, **where: str | float | None
) -> int:
    """Dies, ``tallest`` at most, of which the hottest is within ``limit`` [K] (95 °C); 0: none.

    Bandwidth is the generation's usual one, whatever the height.

    Keywords are those of :func:`stack_temperature`.
    """
    from dataclasses import replace

    usual, best, most = stack_of(generation), 0, _limit(limit)
    for height in range(1, tallest + 1):
        taller = replace(usual, height=height, capacity=usual.capacity / usual.height * height)
        found = stack_temperature(taller, **where)  # type: ignore[arg-type]
        if found.hottest > most:
            break
        best = height
    return best
