"""What may be set on a plant in orbit: keys, units, meanings, ranges; and reading what somebody set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_word
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
    launch = entity("space_solar", "launch")
    payload = launch.value("payload")
    rows = {
        "design": design, "launch": launch, "beam": entity("space_solar", "beam"),
        "site": entity("sites", "abilene"), "operation": entity("space_solar", "operation"),
    }  # fmt: skip
    values = {
        "launch_price": launch_price(year, payload=payload, case=case),
        "launch_payload": payload,
        "electric_propulsion": 0.0,
        "constellation": 1.0,
        "latitude": math.degrees(rows["site"].value("latitude")),
        "longitude": math.degrees(rows["site"].value("longitude")),
    }
    numbers: dict[str, Setting] = {
        key: (rows[row].value(key) if row else values[key], unit, meaning, low, high)
        for key, row, unit, meaning, low, high in _NUMBERS
    }
    return numbers | {
        "orbit": (design.text("orbit"), "", "one of " + ", ".join(list_orbits()), 0.0, 0.0),
        "collector": (design.text("collector"), "", "one of " + ", ".join(COLLECTORS), 0.0, 0.0),
        "beam": (
            BEAMS[0], "", "assumed: NASA's efficiencies; physical: by apertures, air and diodes", 0.0, 0.0,
        ),
    }  # fmt: skip


#: Key, row of its value ("" where it is computed), unit, meaning, low, high.
_NUMBERS: tuple[tuple[str, str, str, str, float, float], ...] = (
    ("launch_price", "", "$", "of a launch, before the discount for a block", 1e5, 1e10),
    ("launch_payload", "", "kg", "to low orbit", 1e3, 1e6),
    ("refuels", "launch", "1", "tankers for a payload that goes on from low orbit", 0.0, 30.0),
    ("electric_propulsion", "", "1", "1: no tankers, but engines on the modules", 0.0, 1.0),
    ("cell_efficiency", "design", "1", "of the cells; the panel shrinks so that the power stays", 0.05, 0.7),
    ("module_mass", "design", "kg", "of a module", 0.1, 1e3),
    ("module_cost", "design", "$", "of the first module", 1e2, 1e8),
    ("module_learning", "design", "1", "cost at twice the number", 0.55, 1.0),
    ("servicer_learning", "design", "1", "cost at twice the number", 0.55, 1.0),
    ("remover_learning", "design", "1", "cost at twice the number", 0.55, 1.0),
    ("module_life", "design", "s", "after which every module is replaced", _YEAR, 50.0 * _YEAR),
    ("rectenna_cost", "beam", "$/m^2", "of the ground", 0.0, 1e4),
    ("frequency", "design", "Hz", "of the beam", 1e9, 5e10),
    ("transmit_diameter", "design", "m", "aperture in orbit", 10.0, 2e4),
    ("rectenna_diameter", "design", "m", "on the ground, as seen along the beam", 50.0, 3e4),
    ("taper", "beam", "1", "dB that the aperture's edge is down", 0.0, 40.0),
    ("pointing", "beam", "radian", "root mean square of the beam's offset on an axis", 0.0, 1e-3),
    ("rain_rate", "beam", "1", "mm/h of rain for which the physical beam is shown", 0.0, 200.0),
    ("liquid", "beam", "kg/m^2", "water of the cloud above", 0.0, 20.0),
    ("latitude", "", "deg", "of the rectenna", -90.0, 90.0),
    ("longitude", "", "deg", "of the rectenna", -180.0, 180.0),
    ("mask", "beam", "radian", "least elevation", math.radians(5.0), math.radians(85.0)),
    (
        "constellation", "", "1",
        "satellites of this orbit, each of the design's size where it is not geo", 1.0, 500.0,
    ),
    ("interest", "operation", "1", "effective, a year", 0.0, 0.3),
)  # fmt: skip
SETTINGS = (*(key for key, *_ in _NUMBERS), "orbit", "collector", "beam")


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
            check_word(key, str(value), words[key], "no such choice")
            found[key] = value
            continue
        _, unit, meaning, low, high = known[key]
        number = read_number(key, value, unit=unit, meaning=meaning, low=low, high=high)
        if key in ("constellation", "electric_propulsion") and number != round(number):
            raise InputError("not a whole number", key=key, given=value, allowed=meaning)
        found[key] = number
    return found
