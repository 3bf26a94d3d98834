"""Fusion plants beside what others published of them.

Inputs are the published ones of each design (table ``fusion``); what is predicted stands in
``fusion_published``. ``fitted`` marks what a number of ours was read from or chosen at: ITER (the profile's
exponent was taken from guidelines after others had been tried), ARC's electricity (blanket and loads come
from the same table), the optimised large tokamak's (pumps and cryogenics from its output), and products of
two inputs. What
misses its tolerance is left in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from gigawatt.catalog import entity
from gigawatt.power.plants.fusion import sheet
from gigawatt.power.plants.fusion.confinement import plasma_inductance
from gigawatt.power.plants.fusion.cost import learning_needed, levelised
from gigawatt.power.plants.fusion.design import TABLE, Design, load_design, operate
from gigawatt.power.plants.fusion.plasma import State, evaluate
from gigawatt.power.plants.fusion.solve import solve_temperature
from gigawatt.power.plants.fusion.stellarator import ignition_factor

__all__ = ["ours"]

_PUBLISHED = "fusion_published"


@lru_cache(maxsize=64)
def ours(name: str) -> dict[str, float]:
    """What we predict of a case, SI, by the quantity's name in ``fusion_published``.

    Raises
    ------
    MissingDataError
        No such case.
    """
    if name == "cost":
        return _cost()
    kind = entity(TABLE, name).text("kind")
    if kind == "inertial":
        made = sheet(design=name)
        return {
            "fusion": made.quantities["fusion"],
            "net": made.quantities["net"],
            "yield": made.flows.fusion / entity(TABLE, name).value("repetition"),
        }
    design = load_design(name)
    if kind == "stellarator":
        own = design.numbers
        factor, state = ignition_factor(design.plasma, own["density"], own["fusion"])
        powers = operate(design, design.plasma, state, heating=0.0)
        return {"h_ignition": factor, "net": powers.net, "gross": powers.gross}
    return _tokamak(design)


def _state(design: Design) -> State:
    own = design.numbers
    if "temperature" in own:
        return evaluate(design.plasma, own["density"], own["temperature"])
    return solve_temperature(design.plasma, own["density"], own["auxiliary"])


def _tokamak(design: Design) -> dict[str, float]:
    state, plasma = _state(design), design.plasma
    of: Callable[[str], float] = state.at
    found = {
        key: of(key)
        for key in (
            "fusion",
            "loss",
            "heating",
            "auxiliary",
            "radiation",
            "synchrotron",
            "lh",
            "ohmic",
            "stored",
            "confinement",
            "voltage",
            "z_effective",
            "beta_normalised",
            "bootstrap",
            "density_share",
            "gain",
        )
    }
    found["current"] = plasma.current
    found["gain_auxiliary"] = found["fusion"] / found["auxiliary"]
    coupling = design.numbers.get("coupling", 1.0)
    found["gain_launched"] = found["fusion"] / (found["auxiliary"] / coupling + found["ohmic"])
    # an internal inductance of 1.2275, as the run prints it
    found["ramp_flux"] = plasma.current * plasma_inductance(
        major_radius=plasma.major_radius,
        minor_radius=plasma.minor_radius,
        elongation=plasma.elongation,
        internal=design.numbers.get("internal", 0.5),
    )
    if "efficiency" in design.row.numbers:
        powers = operate(design, plasma, state)
        found["gross"], found["net"] = powers.gross, powers.net
    return found


def _cost() -> dict[str, float]:
    """Learning rate from the levelised cost of our first plant to the published mature one."""
    row = entity(TABLE, "common")
    made = sheet()
    first = row.value("first_cost")
    scale = first / made.quantities["capital_cost"]
    cost = levelised(
        capital=first,
        fixed=row.value("fixed_share") * first * 365.0 * 86400.0,
        variable=made.quantities["variable_cost"] * scale,
        rate=row.value("rate"),
        life=row.value("life"),
        build=row.value("lead_time"),
        availability=made.quantities["availability"],
    )
    mature = entity(_PUBLISHED, "cost").value("levelised_mature")
    units = row.value("mature_units")
    return {"learning_needed": learning_needed(first=cost, mature=mature, units=units)}
