"""From plasma to grid: blanket, coolant, turbine, what it feeds back to itself, tritium, walls, pulses.

Powers in W while the plasma burns; :attr:`Flows.average` is over burn and dwell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.plants.fusion.confinement import plasma_inductance
from gigawatt.power.plants.fusion.machine import Plasma
from gigawatt.power.plants.fusion.reactivity import REACTIONS

__all__ = [
    "Flows",
    "Plant",
    "Tritium",
    "availability",
    "burn_time",
    "flows",
    "tritium",
    "wall_life",
]

_MU0 = 1.25663706212e-6  # H/m, CODATA 2018
_TRITON = 3.0160492 * 1.66053906660e-27  # kg
_DECAY = math.log(2.0) / (12.32 * 365.25 * 86400.0)  # 1/s, tritium (Lucas, Unterweger 2000)


@dataclass(frozen=True)
class Plant:
    """The plant round a burning core.

    ``efficiency`` : gross electricity over heat. ``blanket_gain`` : heat over neutron energy in the
    blanket, on
    ``blanket_cover`` of the neutrons. ``heating_efficiency`` : power in the plasma over that from the busbar.
    ``pumping`` : mechanical coolant pumping over the heat it carries; ``pump_efficiency`` of its motors.
    ``cryogenics``, ``magnets``, ``fuel_cycle``, ``base`` : W at all times; ``base_share`` of the gross power.
    ``dwell`` : s between burns, in which pumps run at ``dwell_pumping`` of their power. ``burn`` : s, inf:
    steady.
    """

    efficiency: float = 0.4
    blanket_gain: float = 1.2
    blanket_cover: float = 1.0
    heating_efficiency: float = 0.5
    pumping: float = 0.03
    pump_efficiency: float = 0.9
    cryogenics: float = 0.0
    magnets: float = 0.0
    fuel_cycle: float = 0.0
    base: float = 0.0
    base_share: float = 0.0
    burn: float = math.inf
    dwell: float = 0.0
    dwell_pumping: float = 0.1

    def __post_init__(self) -> None:
        ranges = {
            "efficiency": (0.05, 0.75),
            "blanket_gain": (0.5, 5.0),
            "blanket_cover": (0.0, 1.0),
            "heating_efficiency": (1e-4, 1.0),
            "pumping": (0.0, 0.5),
            "pump_efficiency": (0.1, 1.0),
            "base_share": (0.0, 0.9),
            "dwell_pumping": (0.0, 1.0),
            "cryogenics": (0.0, math.inf),
            "magnets": (0.0, math.inf),
            "fuel_cycle": (0.0, math.inf),
            "base": (0.0, math.inf),
            "dwell": (0.0, math.inf),
        }
        for name, (low, high) in ranges.items():
            value = float(getattr(self, name))
            check_range(f"plant.{name}", value, low, high, message="outside the physical range")
        if not self.burn > 0.0:
            raise InputError("a pulse lasts", key="plant.burn", given=f"{self.burn:g} s", allowed="above 0 s")


@dataclass(frozen=True)
class Flows:
    """Powers while burning, W. ``net`` = ``gross`` − Σ ``loads``; ``average`` is over burn and dwell.

    ``blanket`` : what nuclear reactions in the blanket add. ``pump_heat`` : pumping that ends in the coolant.
    ``rejected`` : heat to the environment. ``duty`` : share of the time that the plasma burns between
    outages.
    """

    fusion: float
    neutron: float
    charged: float
    heating: float
    ohmic: float
    blanket: float
    pump_heat: float
    thermal: float
    gross: float
    loads: dict[str, float]
    net: float
    average: float
    rejected: float
    duty: float = 1.0

    @property
    def recirculated(self) -> float:
        """Share of the gross power that the plant uses itself while burning."""
        return sum(self.loads.values()) / self.gross

    @property
    def gain(self) -> float:
        """Engineering gain: gross electricity over what is fed back."""
        return 1.0 / self.recirculated

    @property
    def residual(self) -> float:
        """Energy in less energy out over the fusion power; 0 to rounding."""
        return (self.fusion + self.blanket - self.net - self.rejected) / self.fusion


def flows(plant: Plant, *, fusion: float, neutron: float, heating: float, ohmic: float = 0.0) -> Flows:
    """The plant's power balance.

    Parameters
    ----------
    plant : Plant
        What stands round the core.
    fusion, neutron : float
        Fusion power and what of it neutrons carry, W, ``fusion`` > 0.
    heating, ohmic : float
        Power put into the plasma (or the target) by the heating system, and by its current, W, >= 0.

    Returns
    -------
    Flows
        ``fusion + blanket = net + rejected`` to rounding.

    Raises
    ------
    InputError
        A power that is negative.

    References
    ----------
    Freidberg, Plasma Physics and Fusion Energy (2007), ch. 4.4. Without fusion the plant would only heat
    itself.
    """
    for name, value in (("fusion", fusion), ("neutron", neutron), ("heating", heating), ("ohmic", ohmic)):
        if not (value > 0.0 if name == "fusion" else value >= 0.0):
            raise InputError(
                "a power cannot be negative", key=name, given=f"{value:g} W", allowed="above 0 W"
            )
    blanket = neutron * plant.blanket_cover * (plant.blanket_gain - 1.0)
    carried = fusion + blanket + heating + ohmic
    pump_heat = plant.pumping * carried
    thermal = carried + pump_heat
    gross = plant.efficiency * thermal
    loads = {
        "heating": heating / plant.heating_efficiency,
        "ohmic": ohmic,
        "pumps": pump_heat / plant.pump_efficiency,
        "cryogenics": plant.cryogenics,
        "magnets": plant.magnets,
        "fuel cycle": plant.fuel_cycle,
        "rest": plant.base + plant.base_share * gross,
    }
    net = gross - sum(loads.values())
    rejected = (
        thermal
        - gross
        + (loads["heating"] - heating)
        + (loads["pumps"] - pump_heat)
        + loads["cryogenics"]
        + loads["magnets"]
        + loads["fuel cycle"]
        + loads["rest"]
    )
    average, duty = net, 1.0
    if math.isfinite(plant.burn) and plant.dwell > 0.0:
        idle = plant.cryogenics + plant.fuel_cycle + plant.base + plant.dwell_pumping * loads["pumps"]
        duty = plant.burn / (plant.burn + plant.dwell)
        average = duty * net - (1.0 - duty) * idle
    return Flows(
        fusion=fusion,
        neutron=neutron,
        charged=fusion - neutron,
        heating=heating,
        ohmic=ohmic,
        blanket=blanket,
        pump_heat=pump_heat,
        thermal=thermal,
        gross=gross,
        loads=loads,
        net=net,
        average=average,
        rejected=rejected,
        duty=duty,
    )


def burn_time(plasma: Plasma, *, flux: float, voltage: float, ejima: float, internal: float) -> float:
    """How long the transformer drives the current, s; 0 where the start takes all of its flux.

    Parameters
    ----------
    plasma : Plasma
        The machine.
    flux : float
        Swing of solenoid and other coils, Wb.
    voltage : float
        Loop voltage in the burn, V, > 0.
    ejima : float
        Ejima's coefficient of the resistive start.
    internal : float
        Half the internal inductance l_i/2.

    References
    ----------
    Ejima et al., Nucl. Fusion 22 (1982) 1313; Wesson, Tokamaks.
    """
    if not voltage > 0.0:
        return math.inf
    inductive = plasma.current * plasma_inductance(
        major_radius=plasma.major_radius,
        minor_radius=plasma.minor_radius,
        elongation=plasma.elongation,
        internal=internal,
    )
    start = ejima * _MU0 * plasma.major_radius * plasma.current
    return max(flux - inductive - start, 0.0) / voltage


@dataclass(frozen=True)
class Tritium:
    """``burnt``, ``fed`` kg/s while burning; ``inventory`` kg, what the start needs; ``needed`` the
    breeding ratio below which the stock shrinks; ``doubling`` s until a second plant can start."""

    burnt: float
    fed: float
    inventory: float
    needed: float
    doubling: float


def tritium(
    *,
    fusion: float,
    breeding: float,
    burn_share: float,
    loss: float,
    processing: float,
    reserve: float,
    duty: float,
) -> Tritium:
    """Fuel cycle of a D-T plant at steady stock.

    Parameters
    ----------
    fusion : float
        W while burning.
    breeding : float
        Tritons bred in a reaction.
    burn_share : float
        Share of the tritium fed that burns, (0, 1].
    loss : float
        Share of what passes through processing that is lost to walls and effluents, [0, 1).
    processing, reserve : float
        s that fuel spends on its way round; s of feed held for an outage of the plant.
    duty : float
        Availability, (0, 1].

    Raises
    ------
    InputError
        A share out of its range.
    InfeasibleError
        Breeding below what the cycle needs: the plant would run dry.

    References
    ----------
    Abdou, Riva, Ying et al., Nucl. Fusion 61 (2021) 013001 (here one residence time for the whole cycle).
    """
    for name, value in (("burn_share", burn_share), ("duty", duty)):
        check_range(name, value, 0.0, 1.0, open_low=True, message="not a share")
    if not 0.0 <= loss < 1.0:
        raise InputError("not a share", key="loss", given=f"{loss:g}", allowed="0 to below 1")
    burnt = fusion / REACTIONS["T(d,n)4He"].energy * _TRITON
    fed = burnt / burn_share
    round_ = fed - burnt  # what comes back unburnt
    inventory = fed * (processing + reserve)
    needed = 1.0 + (loss * round_ * duty + _DECAY * inventory) / (burnt * duty)
    if breeding < needed:
        raise InfeasibleError(
            f"the blanket breeds less tritium than the plant uses: {breeding:.3f} a reaction, "
            f"needed {needed:.3f} at a burn-up of {burn_share:.2%}",
            key="breeding_ratio",
        )
    surplus = (breeding - needed) * burnt * duty
    return Tritium(burnt, fed, inventory, needed, inventory / surplus if surplus > 0.0 else math.inf)


def wall_life(*, load: float, damage: float, limit: float) -> float:
    """Full-power life of first wall and blanket, s.

    Parameters
    ----------
    load : float
        Neutron wall loading, W/m², > 0.
    damage : float
        Displacements per atom for each J/m².
    limit : float
        Displacements per atom that the structure stands.

    References
    ----------
    Gilbert et al., Nucl. Fusion 52 (2012) 083019: some 10 dpa in steel per MW year/m².
    """
    return limit / (damage * load)


def availability(*, life: float, exchange: float, unplanned: float) -> float:
    """Share of the time in which the plant can run: exchanges of walls, other outages.

    Parameters
    ----------
    life, exchange : float
        s of full power between exchanges, s that one takes.
    unplanned : float
        Share of the remaining time lost to failures and yearly work, [0, 1).

    References
    ----------
    Ward, Dudarev, Mater. Today 11 (2008) 46, and PROCESS's first availability model.
    """
    if not 0.0 <= unplanned < 1.0:
        raise InputError("not a share", key="unplanned", given=f"{unplanned:g}", allowed="0 to below 1")
    return life / (life + exchange) * (1.0 - unplanned)
