"""What may be set on a plant in orbit: keys, units, meanings, ranges; and reading what somebody set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.sheet import Setting, read_number
from gigawatt.power.plants.space_solar.cost import launch_price
from gigawatt.power.plants.space_solar.year import COLLECTORS, list_orbits

__all__ = ["DESIGNS", "SETTINGS", "defaults", "read"]


DESIGNS = ("rd1-heliostat", "rd2-planar")
BEAMS = ("assumed", "physical")
_YEAR = HOURS_PER_YEAR * 3600.0


def defaults(design: Entity, year: float, case: str = "value") -> dict[str, Setting]:
    """Every setting of a design in a year: (value, unit, meaning, low, high), SI but for degrees.

    Parameters
    ----------
    design : Entity
        Of the table ``space_solar``.
    year : float
        Of the launch price.
    case : str
        Of the launch price: ``value``, ``low``, ``high``.
    """
    launch, beam = entity("space_solar", "launch"), entity("space_solar", "beam")
    site, operation = entity("sites", "abilene"), entity("space_solar", "operation")
    payload = launch.value("payload")
    return {
        "launch_price": (
            launch_price(year, payload=payload, case=case),
            "$",
            "of a launch, before the discount for a block",
            1e5,
            1e10,
        ),
        "launch_payload": (payload, "kg", "to low orbit", 1e3, 1e6),
        "refuels": (
            launch.value("refuels"),
            "1",
            "tankers for a payload that goes on from low orbit",
            0.0,
            30.0,
        ),
        "electric_propulsion": (0.0, "1", "1: no tankers, but engines on the modules", 0.0, 1.0),
        "cell_efficiency": (
            design.value("cell_efficiency"),
            "1",
            "of the cells; the panel shrinks so that the power stays",
            0.05,
            0.7,
        ),
        "module_mass": (design.value("module_mass"), "kg", "of a module", 0.1, 1e3),
        "module_cost": (design.value("module_cost"), "$", "of the first module", 1e2, 1e8),
        "module_learning": (design.value("module_learning"), "1", "cost at twice the number", 0.55, 1.0),
        "servicer_learning": (design.value("servicer_learning"), "1", "cost at twice the number", 0.55, 1.0),
        "remover_learning": (design.value("remover_learning"), "1", "cost at twice the number", 0.55, 1.0),
        "module_life": (
            design.value("module_life"),
            "s",
            "after which every module is replaced",
            _YEAR,
            50.0 * _YEAR,
        ),
        "rectenna_cost": (beam.value("rectenna_cost"), "$/m^2", "of the ground", 0.0, 1e4),
        "frequency": (design.value("frequency"), "Hz", "of the beam", 1e9, 5e10),
        "transmit_diameter": (design.value("transmit_diameter"), "m", "aperture in orbit", 10.0, 2e4),
        "rectenna_diameter": (
            design.value("rectenna_diameter"),
            "m",
            "on the ground, as seen along the beam",
            50.0,
            3e4,
        ),
        "taper": (beam.value("taper"), "1", "dB that the aperture's edge is down", 0.0, 40.0),
        "pointing": (
            beam.value("pointing"),
            "radian",
            "root mean square of the beam's offset on an axis",
            0.0,
            1e-3,
        ),
        "rain_rate": (
            beam.value("rain_rate"),
            "1",
            "mm/h of rain for which the physical beam is shown",
            0.0,
            200.0,
        ),
        "liquid": (beam.value("liquid"), "kg/m^2", "water of the cloud above", 0.0, 20.0),
        "latitude": (
            math.degrees(site.value("latitude")),
            "deg",
            "of the rectenna",
            -90.0,
            90.0,
        ),
        "longitude": (
            math.degrees(site.value("longitude")),
            "deg",
            "of the rectenna",
            -180.0,
            180.0,
        ),
        "mask": (beam.value("mask"), "radian", "least elevation", math.radians(5.0), math.radians(85.0)),
        "constellation": (
            1.0,
            "1",
            "satellites of this orbit, each of the design's size where it is not geo",
            1.0,
            500.0,
        ),
        "interest": (operation.value("interest"), "1", "effective, a year", 0.0, 0.3),
        "orbit": (design.text("orbit"), "", "one of " + ", ".join(list_orbits()), 0.0, 0.0),
        "collector": (design.text("collector"), "", "one of " + ", ".join(COLLECTORS), 0.0, 0.0),
        "beam": (
            "assumed",
            "",
            "assumed: NASA's efficiencies; physical: by apertures, air and diodes",
            0.0,
            0.0,
        ),
    }


def _words() -> dict[str, tuple[str, ...]]:
    return {"orbit": tuple(list_orbits()), "collector": COLLECTORS, "beam": BEAMS}


def read(design: Entity, year: float, given: Mapping[str, float | str] | None) -> dict[str, Any]:
    """Values of every setting, those ``given`` in place of the design's.

    Raises
    ------
    InputError
        An unknown key, a word that is none of its choices, a number out of its range.
    """
    known = defaults(design, year)
    words = _words()
    found: dict[str, Any] = {key: setting[0] for key, setting in known.items()}
    for key, value in (given or {}).items():
        if key not in known:
            raise InputError(
                "no such setting",
                key=key,
                given=str(value),
                allowed=sorted(known),
                nearest=nearest(key, known),
            )
        if key in words:
            if value not in words[key]:
                raise InputError(
                    "no such choice",
                    key=key,
                    given=str(value),
                    allowed=words[key],
                    nearest=nearest(str(value), words[key]),
                )
            found[key] = value
            continue
        _, unit, meaning, low, high = known[key]
        number = read_number(key, value, unit=unit, meaning=meaning, low=low, high=high)
        if key in ("constellation", "electric_propulsion") and number != round(number):
            raise InputError("not a whole number", key=key, given=value, allowed=meaning)
        found[key] = number
    return found


SETTINGS = (
    "launch_price",
    "launch_payload",
    "refuels",
    "electric_propulsion",
    "cell_efficiency",
    "module_mass",
    "module_cost",
    "module_learning",
    "servicer_learning",
    "remover_learning",
    "module_life",
    "rectenna_cost",
    "frequency",
    "transmit_diameter",
    "rectenna_diameter",
    "taper",
    "pointing",
    "rain_rate",
    "liquid",
    "latitude",
    "longitude",
    "mask",
    "constellation",
    "interest",
    "orbit",
    "collector",
    "beam",
)
