"""A fusion plant as a person reads it and as the plan takes it: sheet, settings, curves.

Magnetic plants come from a 0-D power balance (``plasma``), sized for a wanted net power within their
limits (``design``); inertial ones from a gain curve (``inertial``). Nothing of it has been built: what is
measured and what is hoped stands in ``docs/plants-fusion.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gigawatt.catalog import Entity, entity, table
from gigawatt.core.errors import InputError, nearest
from gigawatt.power.plants.fusion.design import TABLE, Design, Sized, load_design, operate, size_for
from gigawatt.power.plants.fusion.inertial import CURVES, Inertial, gain_curve, inertial_flows, rate_for
from gigawatt.power.plants.fusion.lawson import popcon, triple_product
from gigawatt.power.plants.fusion.lines import (
    SETTINGS,
    FusionSheet,
    assumptions,
    costs_in,
    flow_lines,
    life_lines,
    read_settings,
    setting,
    tritium_lines,
)
from gigawatt.power.plants.fusion.plant import Flows, Plant, availability, wall_life
from gigawatt.power.plants.fusion.plasma import evaluate
from gigawatt.power.plants.fusion.reactivity import FUELS, load_fuel
from gigawatt.power.plants.fusion.solve import solve_temperature
from gigawatt.power.plants.fusion.stellarator import ignition_factor
from gigawatt.power.plants.sheet import Line, Setting

__all__ = ["DESIGN", "curves", "list_designs", "sheet"]

DESIGN = "pilot"
"""The design behind the plan's row."""

_BREAK = 1.0 / 0.8  # neutrons carry four fifths: a gain of all fusion energy as one of the neutrons' energy

_OF_INERTIAL = ("driver", "gain", "driver_efficiency", "repetition", "efficiency", "net")


def list_designs() -> dict[str, str]:
    """Id → name of the designs that have a sheet."""
    return {row.id: row.text("name", row.id) for row in table(TABLE).values() if row.text("kind")}


def sheet(
    settings: Mapping[str, float | str] | None = None, *, design: str = DESIGN, year: float = 2040
) -> FusionSheet:
    """The plant of ``design``, with ``settings`` in place of the catalog's numbers, in ``year``.

    Parameters
    ----------
    settings : mapping, optional
        By key of :attr:`FusionSheet.settings`: SI numbers, or text with a unit (``"400 MW"``); ``fuel`` is
        text.
    design : str
        Id or alias in the catalog's ``fusion``: a tokamak, a stellarator, an inertial plant.
    year : float
        Of operation; the cost falls with the plants built by then.

    Raises
    ------
    InputError
        Unknown design, setting, or a value outside its range.
    InfeasibleError
        No power balance, no size within the limits, or a blanket that breeds too little.

    References
    ----------
    See ``docs/plants-fusion.md``.
    """
    row = entity(TABLE, design)
    kind = row.text("kind")
    if not kind:
        raise InputError(
            "no such design",
            key="design",
            given=design,
            allowed=list_designs(),
            nearest=nearest(design, list_designs()),
        )
    common = entity(TABLE, "common")
    general = tuple(key for key in SETTINGS if key in common.numbers)
    if kind == "inertial":
        if str((settings or {}).get("fuel", "dt")) != "dt":
            raise InputError("targets are of D-T", key="fuel", given=(settings or {})["fuel"], allowed="dt")
        return _inertial(row.id, read_settings(settings, (*_OF_INERTIAL, *general)), year)
    own = tuple(key for key in SETTINGS if key in row.numbers or key in ("net", "elongation"))
    given = read_settings(settings, (*own, *general))
    plain: dict[str, Any] = {key: value for key, value in given.items() if key not in ("net", *general)}
    made = load_design(row.id, plain)
    fuel = str((settings or {}).get("fuel", made.plasma.fuel))
    if fuel != made.plasma.fuel:
        made = replace(made, plasma=replace(made.plasma, fuel=fuel))
    net = given.get("net", made.numbers.get("net"))
    sized = size_for(made, net) if net is not None else _as_published(made)
    return _magnetic(made, sized, given, general, year)


def _as_published(design: Design) -> Sized:
    """The design at its own point: density and temperature, or density and heating, or ignited."""
    own = design.numbers
    if "temperature" in own:
        state = evaluate(design.plasma, own["density"], own["temperature"])
    elif "auxiliary" in own:
        state = solve_temperature(design.plasma, own["density"], own["auxiliary"])
    else:
        _, state = ignition_factor(design.plasma, own["density"], own["fusion"])
        powers = operate(design, design.plasma, state, heating=0.0)
        return Sized(design, design.plasma, state, powers, (), powers.average)
    powers = operate(design, design.plasma, state)
    return Sized(design, design.plasma, state, powers, (), powers.average)


def _water(powers: Flows) -> float:
    row = entity(TABLE, "common")
    return row.value("evaporated") * powers.duty * powers.rejected / (powers.average * row.value("latent"))


def _magnetic(
    design: Design, sized: Sized, given: Mapping[str, float], general: tuple[str, ...], year: float
) -> FusionSheet:
    plasma, state, powers = sized.plasma, sized.state, sized.flows
    row = entity(TABLE, "common")
    load = powers.neutron / (plasma.skin * row.value("wall_ratio"))
    worn = wall_life(load=max(load, 1.0), damage=row.value("damage"), limit=setting(given, "dpa_limit"))
    life = worn / powers.duty  # of operation, dwells among it
    runs = availability(life=life, exchange=setting(given, "exchange"), unplanned=setting(given, "unplanned"))
    costs = costs_in(given, year)
    electric = "efficiency" in design.row.numbers  # an experiment has no turbine
    net, gross = (powers.average, powers.gross) if electric else (0.0, 0.0)
    lines = _plasma_lines(design, sized, load)
    lines += flow_lines(powers) if electric else flow_lines(powers)[:1]
    if electric and plasma.fuel == "dt":
        lines += tritium_lines(powers.fusion, given, runs * powers.duty)
    lines += life_lines(life, runs, costs, year)
    quantities = {
        **costs,
        "variable_cost": row.value("replacement_cost") * costs["capital_cost"] / life,
        "minimum_load": max(row.value("cycle_minimum"), min(sized.least / net, 1.0)) if net > 0.0 else 0.0,
        "availability": runs,
        "capacity_factor": runs,
        "water": _water(powers) if net > 0.0 else 0.0,
        "unit_size": max(net, 0.0),
        "net": net,
        "gross": gross,
        "fusion": powers.fusion,
        "recirculated": powers.recirculated if electric else 0.0,
    }
    settings: dict[str, Setting] = {"fuel": (plasma.fuel, "", "fuel: " + ", ".join(FUELS), 0.0, 0.0)}
    for key, (unit, meaning, low, high) in SETTINGS.items():
        if key in general:
            settings[key] = (setting(given, key), unit, meaning, low, high)
        elif key in design.numbers or key in given:
            settings[key] = (given.get(key, design.numbers.get(key, math.nan)), unit, meaning, low, high)
    return FusionSheet(
        name=f"{design.name}, {load_fuel(plasma.fuel).name}",
        design=design.id,
        year=year,
        lines=lines,
        quantities=quantities,
        settings=settings,
        assumptions=assumptions(design.id, design.row.rows(), year),
        flows=powers,
        plasma=plasma,
        state=state,
    )


def _plasma_lines(design: Design, sized: Sized, load: float) -> list[Line]:
    plasma, state = sized.plasma, sized.state
    at = state.at
    part = "plasma"
    binding = ", ".join(sized.binding) if sized.binding else "none: a published point"
    found: list[Line] = [
        (part, "major radius", plasma.major_radius, "m", f"minor radius {plasma.minor_radius:.3g} m"),
        (part, "field on the axis", plasma.field, "T", ""),
    ]
    if plasma.current > 0.0:
        found += [
            (part, "plasma current", plasma.current, "A", f"q95 {plasma.safety:.3g}"),
            (part, "bootstrap share of the current", at("bootstrap"), "", ""),
            (part, "normalised beta", at("beta_normalised"), "% m T/MA", "thermal"),
            (
                part,
                "separatrix power over the H-mode threshold",
                at("separatrix") / at("lh"),
                "",
                "",
            ),
        ]
    else:
        found.append((part, "beta", at("beta"), "", "thermal"))
    limit = "Greenwald's" if plasma.current > 0.0 else "Sudo's"
    found += [
        (part, "density, mean", at("density"), "1/m³", f"line average {at('density_share'):.2f} of {limit}"),
        (part, "temperature, mean", at("temperature"), "keV", ""),
        (
            part,
            "energy confinement time",
            at("confinement"),
            "s",
            f"{plasma.h_factor:g} times {plasma.scaling}",
        ),
        (part, "helium per electron", at("helium"), "", f"effective charge {at('z_effective'):.2f}"),
        (part, "heating from outside", max(at("auxiliary"), 0.0), "W", ""),
        (part, "radiation", float(state.radiation.reshape(-1)[0]), "W", ""),
        (part, "gain Q", float(state.gain.reshape(-1)[0]), "", "fusion power over heating, ohmic among it"),
        (part, "triple product n T τ", float(state.triple.reshape(-1)[0]), "keV s/m³", ""),
        (part, "neutron wall load", load, "W/m²", ""),
        (part, "what binds the size", binding, "", ""),
    ]
    return found


def _inertial_source(row: Entity, given: Mapping[str, float]) -> tuple[Inertial, Plant]:
    """The driver with its targets, and the plant round it, as the row and what is given say."""

    def own(key: str, default: float | None = None) -> float:
        if key in given:
            return given[key]
        if default is not None and key not in row.numbers:
            return default
        return row.value(key)

    driver = own("driver")
    curve = row.text("curve")
    gain, efficiency = (
        gain_curve(curve, driver) if curve in CURVES else (own("gain"), own("driver_efficiency"))
    )
    source = Inertial(
        driver=driver,
        gain=given.get("gain", gain),
        repetition=own("repetition"),
        driver_efficiency=own("driver_efficiency", efficiency),
    )
    plant = Plant(
        efficiency=own("efficiency"),
        blanket_gain=1.0 + (own("blanket_gain_total") - 1.0) * _BREAK,
        pumping=0.0,
        base_share=own("base_share"),
    )
    return (rate_for(source, plant, given["net"]) if "net" in given else source), plant


def _inertial(name: str, given: Mapping[str, float], year: float) -> FusionSheet:
    row = entity(TABLE, name)
    source, plant = _inertial_source(row, given)
    powers = inertial_flows(source, plant)
    common = entity(TABLE, "common")
    runs = 1.0 - setting(given, "unplanned")
    costs = costs_in(given, year)
    note = row.text("curve") or "measured"
    lines: list[Line] = [
        ("target", "driver energy", source.driver, "J", ""),
        ("target", "gain", source.gain, "", f"curve {note}"),
        ("target", "yield", source.driver * source.gain, "J", ""),
        ("target", "shots a second", source.repetition, "1/s", ""),
        ("target", "driver efficiency", source.driver_efficiency, "", f"times gain {source.cycle_gain:.3g}"),
        *flow_lines(powers),
        *tritium_lines(powers.fusion, given, runs),
        *life_lines(math.inf, runs, costs, year),
    ]
    quantities = {
        **costs,
        "variable_cost": 0.0,
        "minimum_load": common.value("cycle_minimum"),
        "availability": runs,
        "capacity_factor": runs,
        "water": _water(powers) if powers.average > 0.0 else 0.0,
        "unit_size": max(powers.average, 0.0),
        "net": powers.average,
        "gross": powers.gross,
        "fusion": powers.fusion,
        "recirculated": powers.recirculated,
    }
    settings: dict[str, Setting] = {"fuel": ("dt", "", "targets are of D-T", 0.0, 0.0)}
    now = {
        "driver": source.driver,
        "gain": source.gain,
        "driver_efficiency": source.driver_efficiency,
        "repetition": source.repetition,
        "efficiency": plant.efficiency,
        "net": powers.average,
    }
    for key, (unit, meaning, low, high) in SETTINGS.items():
        if key in now or key in common.numbers:
            value = now[key] if key in now else setting(given, key)
            settings[key] = (value, unit, meaning, low, high)
    return FusionSheet(
        name=row.text("name"),
        design=row.id,
        year=year,
        lines=lines,
        quantities=quantities,
        settings=settings,
        assumptions=assumptions(row.id, row.rows(), year),
        flows=powers,
    )


def curves(
    made: FusionSheet | Mapping[str, float | str] | None = None, *, count: int = 200
) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    """Data of the figures.

    Parameters
    ----------
    made : FusionSheet or mapping, optional
        A sheet, or settings of the default design.
    count : int
        Points a side of the map.

    Returns
    -------
    dict
        ``popcon`` (magnetic plants): ``density`` (N,), ``temperature`` (K,) and (N, K) arrays ``fusion``,
        ``auxiliary``, ``gain`` (nan where ignited or impossible is not drawn: there ``gain`` is inf and
        ``possible`` false), ``density_share``, ``beta``, ``lh`` (separatrix over threshold), ``point``
        (2,).
        ``lawson``: ``temperature`` (T,), and ``<fuel>_q1``, ``<fuel>_q10``, ``<fuel>_inf`` (T,), keV s/m³,
        inf where there is no balance. ``flows``: ``source``, ``target`` (names), ``value`` (W) of a flow
        diagram.

    Raises
    ------
    InputError, InfeasibleError
        As :func:`sheet`.

    References
    ----------
    As the functions it calls.
    """
    one = made if isinstance(made, FusionSheet) else sheet(made)
    found: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    if one.plasma is not None and one.state is not None:
        at = one.state.at
        chart = popcon(
            one.plasma,
            density=(0.05 * at("density"), 2.0 * at("density")),
            temperature=(2.0, max(40.0, 2.0 * at("temperature"))),
            count=count,
        )
        state = chart.state
        over = state.separatrix / np.where(state.lh > 0.0, state.lh, 1.0)
        found["popcon"] = {
            "density": chart.density[:, 0],
            "temperature": chart.temperature[0],
            "fusion": state.fusion,
            "auxiliary": state.auxiliary,
            "gain": state.gain,
            "density_share": state.density_share,
            "beta": state.beta_normalised if one.plasma.current > 0.0 else state.beta,
            "lh": over,
            "possible": state.possible,
            "point": np.array([at("density"), at("temperature")]),
        }
    t = np.geomspace(1.0, 500.0, 300)
    lawson: dict[str, np.ndarray[Any, Any]] = {"temperature": t}
    for name in FUELS:
        for label, gain in (("q1", 1.0), ("q10", 10.0), ("inf", math.inf)):
            lawson[f"{name}_{label}"] = triple_product(name, t, gain)
    found["lawson"] = lawson
    found["flows"] = _diagram(one.flows)
    return found


def _diagram(powers: Flows) -> dict[str, np.ndarray[Any, Any]]:
    """(source, target, W): what enters a node leaves it, but for the plasma's and the grid's ends."""
    lost = sum(powers.loads.values()) - powers.heating - powers.ohmic - powers.pump_heat
    flows_: list[tuple[str, str, float]] = [
        ("fusion", "blanket", powers.neutron),
        ("fusion", "plasma", powers.charged),
        ("nuclear reactions", "blanket", powers.blanket),
        ("blanket", "heat", powers.neutron + powers.blanket),
        ("plasma", "heat", powers.charged + powers.heating + powers.ohmic),
        ("pumps", "heat", powers.pump_heat),
        ("heat", "gross electricity", powers.gross),
        ("heat", "environment", powers.thermal - powers.gross),
        ("gross electricity", "plasma", powers.heating + powers.ohmic),
        ("gross electricity", "pumps", powers.pump_heat),
        ("gross electricity", "environment", lost),
        ("gross electricity", "grid", powers.net),
    ]
    return {
        "source": np.array([a for a, _, _ in flows_]),
        "target": np.array([b for _, b, _ in flows_]),
        "value": np.array([c for _, _, c in flows_]),
    }
