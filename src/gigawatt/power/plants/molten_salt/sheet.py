"""A molten-salt reactor on one sheet: physics to the row of a plan, with every setting and its range."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.molten_salt.cost import Fuel, availability, fuel_use, unit_cost
from gigawatt.power.plants.molten_salt.follow import follow, ramp_limit
from gigawatt.power.plants.molten_salt.kinetics import effective_fraction, simulate
from gigawatt.power.plants.molten_salt.loop import TABLE, lost_reactivity, reactor_row
from gigawatt.power.plants.molten_salt.pump import measured, pump_transient
from gigawatt.power.plants.molten_salt.system import System, decay_heat, system
from gigawatt.power.plants.sheet import Line, PlantSheet, Setting, read_number

__all__ = ["curves", "list_designs", "sheet"]

Array = npt.NDArray[np.float64]

ROW, PRICED_AS = "fission-molten-salt", "fission-small"
_HOUR = 3600.0
_YEAR = HOURS_PER_YEAR * _HOUR
_MWH = 3.6e9
_REFINEMENT = 1.0  # cells of the fuel loop; with twice as many the ramp moves by 2 %
_NUMBERS: dict[str, str] = {
    "burnup": "heat from a kg of uranium",
    "enrichment": "share of U-235 in the fuel put in",
    "tails": "share of U-235 in what enrichment leaves",
    "uranium_price": "natural uranium",
    "conversion_price": "conversion of natural uranium",
    "separation_price": "separative work",
    "salt_price": "salt and its making, per kg of uranium",
    "overrun": "cost of the first over its estimate less one; in the high end",
    "learning_rate": "fall of the price at a doubling, negative where it rose",
    "units_built": "units built before",
    "forced_outage": "share of the time lost to faults",
    "outage": "planned outage for a change of the core",
    "core_life": "time between changes of the core",
    "temperature_rate": "fastest change of temperature that thick metal stands",
    "turbine_ramp": "ramp of the turbine, share of its capacity",
    "turbine_minimum": "least output of the turbine",
}


def list_designs() -> dict[str, str]:
    """Id → name of the designs that make electricity."""
    rows = (row for row in table(TABLE).values() if row.text("kind") == "reactor")
    return {row.id: row.text("name", row.id) for row in rows if (row.get("efficiency") or 0.0) > 0.0}


def sheet(
    settings: Mapping[str, float | str] | None = None, *, design: str = "imsr", year: float = 2040
) -> PlantSheet:
    """The sheet of a molten-salt reactor.

    Parameters
    ----------
    settings : mapping, optional
        SI values (``fuel`` a name) in place of the catalog's, by the keys of ``PlantSheet.settings``.
    design : str
        A reactor of ``molten_salt`` with a turbine.
    year : float
        Year of operation, for the cost before learning, 2000 to 2100.

    Raises
    ------
    InputError
        Unknown setting or design; a number out of its range; a design without turbine.

    References
    ----------
    See ``docs/plants-molten-salt.md``.
    """
    row = reactor_row(design)
    if row.value("efficiency") <= 0.0:
        raise InputError(
            "this reactor has no turbine",
            key="design",
            given=design,
            allowed="a design that makes electricity",
        )
    check_range("year", year, 2000.0, 2100.0, message="year out of range")
    given = _settings(settings or {}, design)
    number = {key: float(value[0]) for key, value in given.items() if key != "fuel"}
    plant = _plant(design, given)
    efficiency, listed = row.value("efficiency"), entity("plants", ROW)
    fuel = fuel_use(
        burnup=number["burnup"],
        efficiency=efficiency,
        product=number["enrichment"],
        tails=number["tails"],
        feed=row.value("feed_enrichment"),
        uranium_price=number["uranium_price"],
        conversion_price=number["conversion_price"],
        separation_price=number["separation_price"],
        salt_price=number["salt_price"],
    )
    price, cheap, dear = _prices(row, number, year)
    quantities: dict[str, float] = {
        "capital_cost": price,
        "capital_cost_low": cheap,
        "capital_cost_high": dear,
        "fuel_cost": fuel.cost,
        "ramp": ramp_limit(plant, rate=number["temperature_rate"]),
        "minimum_load": number["turbine_minimum"],
        "availability": availability(
            forced=number["forced_outage"], outage=number["outage"], interval=number["core_life"]
        ),
        "unit_size": plant.power * efficiency,
        "heat_rate": 1.0 / efficiency,
    }
    for name in ("fixed_cost", "variable_cost", "lead_time", "life", "water"):
        quantities[name] = listed.value(name)
    for name in ("construction_carbon", "capacity_factor"):  # kg/J at that capacity factor
        quantities[name] = listed.value(name)
    heat = decay_heat([1.0, _HOUR, 24.0 * _HOUR], operation=number["core_life"])
    return PlantSheet(
        name=row.text("name", design),
        design=design,
        year=year,
        lines=[
            *_reactor_lines(plant, str(given["fuel"][0]), efficiency, heat),
            *_operation_lines(quantities, fuel),
        ],
        quantities=quantities,
        settings=given,
        assumptions=_assumptions(settings or {}, design, year),
    )


def _prices(row: Entity, number: Mapping[str, float], year: float) -> tuple[float, float, float]:
    """$/W of a unit: as estimated, after ten units of the best learning, with the overrun of first ones."""
    estimate = entity("plants", PRICED_AS).at("capital_cost", year)[0]
    learnt = {"units": number["units_built"], "learning_rate": number["learning_rate"]}
    price = unit_cost(estimate=estimate, overrun=0.0, **learnt)
    dear = unit_cost(estimate=estimate, overrun=number["overrun"], **learnt)
    best = row.evidence("learning_rate").high or 0.0
    cheap = unit_cost(estimate=estimate, overrun=0.0, units=10.0, learning_rate=best)
    return price, min(price, cheap), max(price, dear)


def _reactor_lines(plant: System, fuel: str, efficiency: float, heat: Array) -> list[Line]:
    kinetics, pcm = plant.kinetics, 1e5
    lost = lost_reactivity(kinetics, plant.loop)
    outside = f"{lost / kinetics.total:.0%} of them decay outside the core"
    shares = ", ".join(f"{x:.2%}" for x in heat)
    graphite = kinetics.graphite_coefficient * pcm
    electricity = plant.power * efficiency / 1e6
    critical = effective_fraction(plant) * pcm
    return [
        ("reactor", "heat of one unit", plant.power / 1e6, "MW", ""),
        ("reactor", "electricity of one unit", electricity, "MW", f"efficiency {efficiency:.0%}"),
        ("reactor", "fuel", fuel, "", "kinetics of MSRE's"),
        ("reactor", "delayed neutrons at rest", kinetics.total * pcm, "pcm", ""),
        ("reactor", "lost by the flow", lost * pcm, "pcm", outside),
        ("reactor", "prompt critical above", critical, "pcm", "an insertion of more is refused"),
        ("reactor", "feedback of fuel", kinetics.fuel_coefficient * pcm, "pcm/K", "at once"),
        ("reactor", "feedback of graphite", graphite, "pcm/K", "within minutes"),
        ("reactor", "decay heat after 1 s, 1 h, 1 day", shares, "", "of the power"),
    ]


def _operation_lines(q: Mapping[str, float], fuel: Fuel) -> list[Line]:
    ramp, least, running = q["ramp"] * 60.0, q["minimum_load"], q["availability"]
    between = f"{q['capital_cost_low'] * 1e3:,.0f} to {q['capital_cost_high'] * 1e3:,.0f}"
    building = q["lead_time"] / _YEAR
    return [
        ("operation", "ramp", ramp, "1/min", "by the rate of temperature that thick metal stands"),
        ("operation", "least load", least, "", "of the turbine; the reactor goes lower"),
        ("operation", "availability", running, "", "no outage for fuel: it is topped up as it runs"),
        ("fuel", "uranium", fuel.uranium * _MWH * 1e3, "g/MWh", ""),
        ("fuel", "natural uranium", fuel.natural * _MWH * 1e3, "g/MWh", ""),
        ("fuel", "separative work", fuel.work * _MWH * 1e3, "g/MWh", ""),
        ("fuel", "cost", fuel.cost * _MWH, "$/MWh", ""),
        ("money", "price of a unit", q["capital_cost"] * 1e3, "$/kW", between),
        ("money", "fixed cost", q["fixed_cost"] * _YEAR * 1e3, "$/kW/year", ""),
        ("money", "time to build", building, "year", "none has been built since 1965"),
    ]


def curves(made: PlantSheet | Mapping[str, float | str] | None = None) -> dict[str, dict[str, Array]]:
    """Data of the figures, SI: ``startup``, ``coastdown``, ``step`` of the MSRE, ``day`` of the design.

    Parameters
    ----------
    made : PlantSheet or mapping, optional
        A sheet, or settings of one; only the day depends on it.

    Returns
    -------
    dict
        Each ``time`` s and what stands over it; ``measured_time`` with the published points.

    Raises
    ------
    InputError
        As :func:`sheet`.
    InfeasibleError
        A least load above the mean of the day.

    References
    ----------
    ORNL-4233, figure 24; ORNL-TM-2997, figure 4.
    """
    found: dict[str, dict[str, Array]] = {}
    for name in ("startup", "coastdown"):
        points, ours = measured(name), pump_transient(name)
        found[name] = {
            "time": ours.time,
            "reactivity": ours.value,
            "measured_time": points.time,
            "measured_reactivity": points.value,
        }
    found["step"] = _reactivity_step()
    if isinstance(made, PlantSheet):
        given, design, ramp = made.settings, made.design, made.quantities["ramp"]
    else:
        design = "imsr"
        given, ramp = _settings(made or {}, design), None
    plant = _plant(design, given)
    if ramp is None:
        ramp = ramp_limit(plant, rate=float(given["temperature_rate"][0]))
    found["day"] = _day(plant, given, ramp)
    return found


def _reactivity_step() -> dict[str, Array]:
    """Power of the MSRE after a step of reactivity at 8 MW, computed and published."""
    points = measured("step-8")
    msre = system("msre", fuel="u233")
    time = np.concatenate([[0.0], np.linspace(0.05, 100.0, 401)])
    size = entity("molten_salt_published", "step-8").value("reactivity")
    step = simulate(msre, time=time, power=msre.power, reactivity=np.where(time > 0.0, size, 0.0))
    return {
        "time": time,
        "power": step.fission - step.fission[0],
        "outlet": step.outlet,
        "measured_time": points.time,
        "measured_power": points.value,
    }


def _day(plant: System, given: Mapping[str, Setting], ramp: float) -> dict[str, Array]:
    """A reactor that follows a day of serving."""
    time = np.linspace(0.0, 24.0 * _HOUR, 289)
    load = plant.power * plant.row.value("efficiency") * _serving(time / _HOUR)
    day = follow(
        plant,
        time=time,
        load=load,
        ramp=ramp,
        ramp_turbine=float(given["turbine_ramp"][0]),
        minimum_load=float(given["turbine_minimum"][0]),
    )
    return {
        "time": time,
        "load": load,
        "heat": day.heat,
        "fission": day.reactor.fission * day.units,
        "inlet": day.reactor.inlet,
        "outlet": day.reactor.outlet,
        "graphite": day.reactor.graphite,
        "coolant_hot": day.reactor.coolant_hot,
        "coolant_cold": day.reactor.coolant_cold,
        "salt": day.salt_level,
    }


def _serving(hour: Array) -> Array:
    """A day of serving over its peak: a trough at night, a plateau by day, a second peak in the evening.

    An example for the figure alone; it enters no number of a plan.
    """
    day = (
        0.68
        - 0.27 * np.cos(2.0 * np.pi * (hour - 4.0) / 24.0)
        - 0.08 * np.cos(4.0 * np.pi * (hour - 4.0) / 24.0)
    )
    return day / float(day.max())


def _plant(design: str, given: Mapping[str, tuple[float | str, str, str, float, float]]) -> System:
    return system(
        design,
        fuel=str(given["fuel"][0]),
        refinement=_REFINEMENT,
        fuel_coefficient=float(given["fuel_coefficient"][0]),
        graphite_coefficient=float(given["graphite_coefficient"][0]),
    )


def _bounds(found: Evidence) -> tuple[float, float]:
    """The range that a setting may take: twice as wide as the catalog's on either side, not past 0."""
    low = found.value if found.low is None else found.low
    high = found.value if found.high is None else found.high
    return (low if low < 0.0 else low / 2.0), (high if high < 0.0 else 2.0 * high)


def _settings(wanted: Mapping[str, float | str], design: str) -> dict[str, Setting]:
    row = reactor_row(design)
    fuels = [one.id for one in table(TABLE).values() if one.text("kind") == "fuel"]
    known = ["fuel", "fuel_coefficient", "graphite_coefficient", *_NUMBERS]
    for key in wanted:
        if key not in known:
            raise InputError(
                "no such setting of a molten-salt reactor",
                key=key,
                allowed=known,
                nearest=nearest(key, known),
            )
    fuel = str(wanted.get("fuel", row.text("fuel")))
    check_word("fuel", fuel, fuels, "no such fuel")
    made: dict[str, Setting] = {"fuel": (fuel, "", "kinetics: " + ", ".join(fuels), 0.0, 0.0)}
    rows = {
        key: (entity(TABLE, fuel), f"reactivity by the temperature of the {key.split('_')[0]}")
        for key in known[1:3]
    }
    rows |= {key: (row, meaning) for key, meaning in _NUMBERS.items()}
    for key, (at, meaning) in rows.items():
        found = at.evidence(key)
        low, high = _bounds(found)
        if key.endswith("_coefficient"):
            low, high = -1e-3, 0.0
        elif key in ("forced_outage", "turbine_minimum"):
            high = min(high, 0.95)
        elif key == "learning_rate":
            low, high = -1.0, 0.5
        elif key == "units_built":
            low = 1.0
        elif key == "enrichment":
            high = 0.1975
        elif key == "tails":
            high = 0.006
        value = read_number(
            key, wanted.get(key, found.value), unit=found.unit, meaning=meaning, low=low, high=high
        )
        made[key] = (value, found.unit, meaning, low, high)
    return made


def _assumptions(wanted: Mapping[str, float | str], design: str, year: float) -> tuple[Assumption, ...]:
    row = reactor_row(design)
    found = [
        one.assumption(f"molten_salt.{key}", "not set; " + (one.note or one.locator or "from the catalog"))
        for key in _NUMBERS
        if key not in wanted
        for one in (row.evidence(key),)
    ]
    priced = entity("plants", PRICED_AS).evidence("capital_cost", math.floor(year))
    found.append(
        priced.assumption(
            "molten_salt.capital_cost",
            "no molten-salt reactor has a price: the estimate is that of small light-water reactors",
            f"as {PRICED_AS}",
        )
    )
    return tuple(found)
