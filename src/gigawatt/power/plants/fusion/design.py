"""Designs of the catalog, and the search for the size that gives a wanted net power, with what binds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gigawatt.catalog import entity
from gigawatt.catalog.loader import Entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.plants.fusion.confinement import current_from_safety_factor
from gigawatt.power.plants.fusion.lawson import fusion_over_bremsstrahlung
from gigawatt.power.plants.fusion.machine import Plasma, with_size
from gigawatt.power.plants.fusion.plant import Flows, Plant, burn_time, flows
from gigawatt.power.plants.fusion.plasma import State, evaluate
from gigawatt.power.plants.fusion.profiles import Profile
from gigawatt.power.plants.fusion.radiation import IMPURITIES
from gigawatt.power.plants.fusion.reactivity import KEV

__all__ = ["TABLE", "Design", "Limits", "Sized", "load_design", "operate", "plant_at", "size_for"]

Array = npt.NDArray[np.float64]

TABLE = "fusion"
_POINTS = (40, 56)  # densities and temperatures looked at for each size
_FINE, _ZOOMS = 11, 3  # points a side, and times, that the neighbourhood of the best point is looked at again
_SIZES = (0.5, 4.0)  # of the design's radius, between which a size is looked for
_LARGEST = 45.0  # m
_RELAXED = 0.005  # gain of net power by which a limit counts as binding
_PLASMA = [
    "major_radius",
    "minor_radius",
    "field",
    "elongation",
    "elongation_edge",
    "elongation95",
    "triangularity",
    "triangularity95",
    "h_factor",
    "ion_ratio",
    "ash_ratio",
    "helium",
    "deposited",
    "reflection",
    "core_radius",
    "core_radiation",
    "volume",
    "surface",
    "iota",
    "current",
]
_PLANT = [
    "efficiency",
    "blanket_gain",
    "blanket_cover",
    "heating_efficiency",
    "pumping",
    "pump_efficiency",
    "cryogenics",
    "magnets",
    "fuel_cycle",
    "base",
    "base_share",
    "dwell",
    "dwell_pumping",
]
_PROFILE = {
    "profile_density": "density",
    "profile_temperature": "temperature",
    "pedestal": "pedestal",
    "density_top": "density_top",
    "density_edge": "density_edge",
    "gradient": "gradient",
}


@dataclass(frozen=True)
class Limits:
    """What the search keeps to. ``density`` of Greenwald's (or Sudo's) line density; ``beta`` β_N, of a
    stellarator β; ``wall`` W/m² of neutrons; ``lh`` power over the separatrix over the threshold; ``burn`` s;
    ``heating`` W; ``control``: least heating over the fusion power left in the plasma; ``coil`` T behind
    ``build`` m of blanket and shield."""

    density: float = 0.9
    beta: float = 2.8
    wall: float = math.inf
    lh: float = 1.0
    burn: float = 0.0
    heating: float = math.inf
    control: float = 0.0
    coil: float = math.inf
    build: float = 0.0


@dataclass(frozen=True)
class Design:
    """A row of the catalog's ``fusion``: plasma, plant, limits, own numbers (SI; temperatures in keV)."""

    id: str
    name: str
    kind: str
    plasma: Plasma
    plant: Plant
    limits: Limits
    numbers: Mapping[str, float] = field(repr=False)
    row: Entity = field(repr=False)


def load_design(name: str, given: Mapping[str, float] | None = None) -> Design:
    """A magnetic design of the catalog.

    Parameters
    ----------
    name : str
        Id or alias in ``fusion``.
    given : mapping, optional
        SI values (temperatures in keV) in place of the catalog's, by quantity; ``fuel`` is text.

    Raises
    ------
    InputError
        No such design, or one that is no torus.
    """
    row = entity(TABLE, name)
    kind = row.text("kind")
    if kind not in ("tokamak", "stellarator"):
        raise InputError(
            "not a magnetic design", key="design", given=name, allowed="a tokamak or stellarator"
        )
    own = {quantity: evidence[0].value for quantity, evidence in row.numbers.items()}
    for hot in ("temperature", "temperature_top", "temperature_edge"):
        if hot in own:
            own[hot] = own[hot] / KEV
    own |= dict(given or {})
    plasma = {key: own[key] for key in _PLASMA if key in own}
    if "q95" in own:
        keys = ("q95", "major_radius", "minor_radius", "field", "elongation95", "triangularity95")
        plasma["current"] = current_from_safety_factor(**{key: own[key] for key in keys})
    shape = {inner: own[key] for key, inner in _PROFILE.items() if key in own}
    shape |= {key: own[key] for key in ("temperature_top", "temperature_edge") if key in own}
    dirt = tuple((one, own[f"impurity_{one}"]) for one in IMPURITIES if own.get(f"impurity_{one}", 0.0) > 0.0)
    text = {"fuel": row.text("fuel"), "scaling": row.text("scaling"), "averages": row.text("averages")}
    limits = {key.removeprefix("limit_"): value for key, value in own.items() if key.startswith("limit_")}
    return Design(
        id=row.id,
        name=row.text("name"),
        kind=kind,
        plasma=Plasma(**text, **plasma, profile=Profile(**shape), impurities=dirt),  # type: ignore[arg-type]
        plant=Plant(**{key: own[key] for key in _PLANT if key in own}),
        limits=Limits(**limits, build=own.get("inboard_build", 0.0)),
        numbers=own,
        row=row,
    )


def plant_at(design: Design, plasma: Plasma) -> Plant:
    """The plant round a plasma of another size: cryogenics and magnets grow with the surface.

    References
    ----------
    Heat leaks and joints grow with the area of the coils.
    """
    ratio = (plasma.major_radius / design.plasma.major_radius) ** 2
    one = design.plant
    return replace(one, cryogenics=one.cryogenics * ratio, magnets=one.magnets * ratio)


def operate(design: Design, plasma: Plasma, state: State, *, heating: float | None = None) -> Flows:
    """The plant's powers at a state of one point; pulsed where the design has a flux swing.

    Parameters
    ----------
    design, plasma, state
        ``state`` is of ``plasma``, one point.
    heating : float, optional
        W into the plasma in place of the design's installed heating or, without it, what the balance asks
        for.

    Raises
    ------
    InfeasibleError
        The plasma asks for cooling: at this point it is more than ignited.

    References
    ----------
    As :func:`gigawatt.power.plants.fusion.plant.flows`.
    """
    used = design.numbers.get("injected", state.at("auxiliary")) if heating is None else heating
    if used < 0.0:
        raise InfeasibleError(
            f"no power balance: the plasma makes {-used / 1e6:.3g} MW more heat than it loses", key=design.id
        )
    plant = plant_at(design, plasma)
    if "flux" in design.numbers:
        plant = replace(plant, burn=max(_burn(design, plasma, state.at("voltage")), 1e-9))
    return flows(
        plant,
        fusion=state.at("fusion"),
        neutron=state.at("neutron"),
        heating=used,
        ohmic=state.at("ohmic"),
    )


def _burn(design: Design, plasma: Plasma, voltage: float) -> float:
    own = design.numbers
    swing = own["flux"] * (plasma.major_radius / design.plasma.major_radius) ** 2
    return burn_time(plasma, flux=swing, voltage=voltage, ejima=own["ejima"], internal=own["internal"])


@dataclass(frozen=True)
class Sized:
    """A design at the size found: its plasma, the state, the powers, and the limits that bind, worst first.

    ``least`` : smallest net power of the same machine within its limits, W.
    """

    design: Design
    plasma: Plasma
    state: State
    flows: Flows
    binding: tuple[str, ...]
    least: float


def _margins(design: Design, plasma: Plasma, state: State) -> dict[str, npt.NDArray[np.bool_]]:
    """Where each limit is kept, by its name in words."""
    limits = design.limits
    wall = state.neutron / (plasma.skin * _wall_ratio())
    beta = state.beta if design.kind == "stellarator" else state.beta_normalised
    kept: dict[str, npt.NDArray[np.bool_]] = {
        "density limit": state.density_share <= limits.density,
        "beta limit": beta <= limits.beta,
        "neutron wall load": wall <= limits.wall,
        "heating power": state.auxiliary <= limits.heating,
        "heating left to control the burn": state.auxiliary >= limits.control * state.deposited,
    }
    if design.kind == "tokamak":
        kept["H-mode threshold"] = state.separatrix >= limits.lh * state.lh
        inner = plasma.major_radius - plasma.minor_radius - limits.build
        peak = plasma.field * plasma.major_radius / inner if inner > 0.0 else math.inf
        kept["field on the coil"] = np.full(state.fusion.shape, peak <= limits.coil)
    if "flux" in design.numbers:
        own = design.numbers
        swing = own["flux"] * (plasma.major_radius / design.plasma.major_radius) ** 2
        # one evaluation at 1 V: the flux left for the burn
        left = burn_time(plasma, flux=swing, voltage=1.0, ejima=own["ejima"], internal=own["internal"])
        kept["burn time"] = left >= limits.burn * np.maximum(state.voltage, 0.0)
    return kept


def _wall_ratio() -> float:
    return entity(TABLE, "common").value("wall_ratio")


def _net(design: Design, plasma: Plasma, state: State) -> Array:
    """Net power averaged over pulses at every point; the same sum as ``flows``, for arrays."""
    plant = plant_at(design, plasma)
    heating = np.maximum(state.auxiliary, 0.0)
    carried = state.fusion + state.neutron * plant.blanket_cover * (plant.blanket_gain - 1.0)
    carried = carried + heating + state.ohmic
    gross = plant.efficiency * carried * (1.0 + plant.pumping) * (1.0 - plant.base_share)
    pumps = plant.pumping * carried / plant.pump_efficiency
    fixed = plant.cryogenics + plant.magnets + plant.fuel_cycle + plant.base
    net = gross - pumps - fixed - heating / plant.heating_efficiency - state.ohmic
    if "flux" not in design.numbers:
        return net
    own = design.numbers
    swing = own["flux"] * (plasma.major_radius / design.plasma.major_radius) ** 2
    left = burn_time(plasma, flux=swing, voltage=1.0, ejima=own["ejima"], internal=own["internal"])
    burn = left / np.maximum(state.voltage, 1e-9)
    idle = plant.cryogenics + plant.fuel_cycle + plant.base + plant.dwell_pumping * pumps
    return (burn * net - plant.dwell * idle) / (burn + plant.dwell)


def _temperatures(design: Design) -> Array:
    """(K,) keV: D-T burns best at 10 to 20, the other fuels at some 100."""
    return np.geomspace(5.0, 40.0 if design.plasma.fuel == "dt" else 150.0, _POINTS[1])


@dataclass(frozen=True)
class _Best:
    net: float
    density: float
    temperature: float
    binding: tuple[str, ...]
    least: float
    gains: tuple[tuple[float, str], ...] = ()


def _best(design: Design, radius: float) -> _Best:
    """The most net power of a machine of ``radius`` within its limits; −inf where none is within them."""
    plasma = with_size(design.plasma, radius)
    probe = evaluate(plasma, 1e20, 10.0)
    # twice the density limit: the points beyond it tell whether it binds
    top = 1e20 * 2.0 * design.limits.density / probe.at("density_share")
    n = np.clip(top * (np.arange(_POINTS[0]) + 1.0) / _POINTS[0], 1e17, 1e23)  # where the balance holds
    t = _temperatures(design)
    scan = _scan(design, plasma, n, t)
    if math.isinf(scan.net):
        return scan
    wide, step = scan, _POINTS[0]
    ratio = float(t[1] / t[0])
    for _ in range(_ZOOMS):  # the neighbourhood of the best point again, five times finer
        near = scan.density + top / step * np.linspace(-1.0, 1.0, _FINE)
        warm = scan.temperature * ratio ** np.linspace(-1.0, 1.0, _FINE)
        scan = _scan(design, plasma, np.clip(near, 1e17, 1e23), np.clip(warm, 0.1, 500.0))
        step, ratio = step * (_FINE - 1) // 2, ratio ** (2.0 / (_FINE - 1))
    more = scan.net + _RELAXED * abs(scan.net)
    binding = tuple(name for gain, name in wide.gains if gain > more)
    near_by = tuple(name for gain, name in scan.gains if gain > scan.net)[:1]
    return replace(scan, least=min(wide.least, scan.net), binding=binding or near_by)


def _scan(design: Design, plasma: Plasma, densities: Array, temperatures: Array) -> _Best:
    """The best point of a grid, what lifting each limit would give, and the least net power within them."""
    state = evaluate(plasma, densities[:, None], temperatures[None, :])
    net = np.where(state.possible, _net(design, plasma, state), -np.inf)
    kept = _margins(design, plasma, state)
    inside = np.logical_and.reduce(list(kept.values()))
    allowed = np.where(inside, net, -np.inf)
    at = int(np.argmax(allowed))
    found = float(allowed.flat[at])
    gains: list[tuple[float, str]] = []
    for name in kept:
        others = np.logical_and.reduce([one for other, one in kept.items() if other != name])
        gains.append((float(np.max(np.where(others, net, -np.inf))), name))
    gains.sort(reverse=True)
    if math.isinf(found):
        binding = tuple(name for gain, name in gains if gain > 0.0) or tuple(
            name for name, one in kept.items() if not bool(np.any(one))
        )
        return _Best(found, 0.0, 0.0, binding, 0.0)
    positive = allowed[allowed > 0.0]
    least = float(positive.min()) if positive.size else 0.0
    row, column = divmod(at, temperatures.size)
    return _Best(found, float(densities[row]), float(temperatures[column]), (), least, tuple(gains))


def size_for(design: Design, net: float, *, tolerance: float = 1e-4) -> Sized:
    """The major radius at which the best point within the limits gives ``net`` on average.

    Parameters
    ----------
    design : Design
        Aspect ratio, shape, field and q95 are kept.
    net : float
        W to the grid, averaged over pulses, > 0.
    tolerance : float
        Of the radius.

    Raises
    ------
    InputError
        A net power that is not positive.
    InfeasibleError
        No size between half and four times the design's gives it; says which limit or loss stands in the way.

    References
    ----------
    Zohm, Phil. Trans. R. Soc. A 377 (2019) 20170437: size, field and limits of a tokamak plant.
    """
    check_range("net", net, 0.0, unit="W", open_low=True, message="a plant delivers power")
    start = design.plasma.major_radius
    sizes = np.geomspace(_SIZES[0] * start, min(_SIZES[1] * start, _LARGEST), 25)
    found = [_best(design, float(size)) for size in sizes]
    enough = [i for i, one in enumerate(found) if one.net >= net]
    if not enough:
        raise InfeasibleError(_why(design, net, found, sizes), key=design.id)
    first = enough[0]
    high = float(sizes[first])
    low = float(sizes[first - 1]) if first else high
    best = _best(design, high)
    while high - low > tolerance * high:
        middle = 0.5 * (low + high)
        one = _best(design, middle)
        if one.net >= net:
            high, best = middle, one
        else:
            low = middle
    plasma = with_size(design.plasma, high)
    binding = best.binding or _first_failing(design, low)
    return _finish(design, plasma, best, net, binding)


def _finish(design: Design, plasma: Plasma, best: _Best, net: float, binding: tuple[str, ...]) -> Sized:
    """Trim the density of the best point until the net power is the wanted one."""
    low, high = 0.8 * best.density, best.density

    def lack(density: float) -> float:
        state = evaluate(plasma, density, best.temperature)
        return float(_net(design, plasma, state)) - net

    if lack(low) < 0.0:
        for _ in range(50):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if lack(middle) >= 0.0 else (middle, high)
    state = evaluate(plasma, high, best.temperature)
    return Sized(design, plasma, state, operate(design, plasma, state), binding, best.least)


def _first_failing(design: Design, radius: float) -> tuple[str, ...]:
    return _best(design, radius).binding


def _why(design: Design, net: float, found: list[_Best], sizes: Array) -> str:
    share = float(np.max(fusion_over_bremsstrahlung(design.plasma.fuel, np.geomspace(2.0, 500.0, 200))))
    if share < 1.0:
        return (
            "no power balance: radiation exceeds the fusion power left in the plasma at every temperature; "
            f"bremsstrahlung alone is {1.0 / share:.2g} times as large at best"
        )
    best = max(reversed(found), key=lambda one: one.net)
    between = f"no size from {sizes[0]:.3g} to {sizes[-1]:.3g} m"
    if math.isinf(best.net):
        plasma = with_size(design.plasma, float(sizes[-1]))
        state = evaluate(
            plasma, 1e20 * np.geomspace(0.1, 10.0, _POINTS[0])[:, None], _temperatures(design)[None, :]
        )
        free = np.where(state.possible, _net(design, plasma, state), -np.inf)
        if float(np.max(free)) <= 0.0:
            return (
                "no power balance: radiation and losses exceed what fusion gives at every density and "
                f"temperature, even at {sizes[-1]:.3g} m and without limits"
            )
        names = ", ".join(best.binding) or "several limits together"
        return f"{between} keeps every limit; in the way at {sizes[-1]:.3g} m: {names}"
    size = float(sizes[found.index(best)])
    names = ", ".join(best.binding) or "nothing but size"
    most = f"at most {best.net / 1e6:.4g} MW at {size:.3g} m, bound by {names}"
    return f"{between} gives {net / 1e6:.4g} MW; {most}"
