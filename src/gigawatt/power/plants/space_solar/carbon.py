"""Carbon and energy of making and launching a plant in orbit, with their ranges."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_word
from gigawatt.power.plants.space_solar.cost import Programme, Spending

__all__ = ["Footprint", "footprint"]

_CO2_PER_METHANE = 44.0095 / 16.0425
_CASES = ("value", "low", "high")
_MANUFACTURE = (
    ("develop", "modules"),
    ("maintain", "modules"),
    ("assemble", "servicers"),
    ("maintain", "servicers"),
    ("dispose", "removers"),
)


@dataclass(frozen=True)
class Footprint:
    """Over the plant's life: ``carbon`` [kg] without soot by part, ``soot`` [kg of CO2 equivalent] of the
    launches,
    ``energy`` [J] of heat and electricity put in by part."""

    carbon: dict[str, float]
    soot: float
    energy: dict[str, float]

    def carbon_intensity(self, energy: float) -> float:
        """kg/J over ``energy`` [J] delivered in the life, soot left out."""
        return sum(self.carbon.values()) / energy

    def payback(self, power: float) -> float:
        """s of operation at ``power`` [W] that give back the energy put in, heat like electricity."""
        return sum(self.energy.values()) / power


def _at(row: Entity, quantity: str, case: str) -> float:
    found = row.evidence(quantity)
    if case == "low":
        return found.value if found.low is None else found.low
    if case == "high":
        return found.value if found.high is None else found.high
    return found.value


def footprint(programme: Programme, spending: Spending, *, case: str = "value") -> Footprint:
    """What a programme emits and the energy that it takes, before a watt comes down and over its life.

    Launches: methane burnt (all of it to CO2), its supply chain, liquid oxygen; ships by their flights (a
    ship that carries a payload on to a higher orbit flies once, tankers ``reuses`` times); what is flown by
    its price, as input-output tables do; the rectenna by its area. Soot stands apart: nobody has measured it
    for methane.

    Parameters
    ----------
    programme, spending
        See :func:`~gigawatt.power.plants.space_solar.cost.spend`.
    case : str
        ``value``, ``low`` or ``high`` end of every coefficient at once.

    Raises
    ------
    InputError
        An unknown case.

    References
    ----------
    NASA OTPS 2024, section 2.2: masses and spending times intensities. Maloney, C. et al. (2022). JGR
    Atmospheres 127, e2021JD036373: soot of rockets.
    """
    check_word("case", case, _CASES, "unknown case")
    row, launch = entity("space_solar", "carbon"), entity("space_solar", "launch")
    flights = spending.total_launches
    tanked = programme.refuels / (1.0 + programme.refuels)
    stays = 1.0 - tanked if programme.refuels else 0.0
    ships = launch.value("dry_mass") * flights * (stays + (1.0 - stays) / launch.value("reuses"))
    methane = _at(row, "methane", case) * flights
    oxygen = methane * _at(row, "oxygen_ratio", case)
    air = oxygen * _at(row, "oxygen_energy", case)
    made = sum(spending.phases[phase][item] for phase, item in _MANUFACTURE)
    carbon = {
        "methane burnt": methane * _CO2_PER_METHANE,
        "methane's supply": methane * _at(row, "methane_upstream", case),
        "liquid oxygen": air * _at(row, "power_carbon", case),
        "launchers": ships * _at(row, "vehicle_carbon", case),
        "what is flown": made * _at(row, "hardware_carbon", case),
        "rectenna": programme.rectenna_area * _at(row, "rectenna_carbon", case),
    }
    energy = {
        "methane": methane * _at(row, "methane_energy", case),
        "liquid oxygen": air,
        "launchers": ships * _at(row, "vehicle_energy", case),
        "what is flown": spending.upmass * _at(row, "hardware_energy", case),
        "rectenna": programme.rectenna_area * _at(row, "rectenna_energy", case),
    }
    soot = (methane + oxygen) * _at(row, "soot", case) * _at(row, "soot_warming", case)
    return Footprint(carbon, soot, energy)
