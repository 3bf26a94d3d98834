"""How hot a package gets, and the largest power that its cooling allows.

From the transistors outward: silicon, the layer between die and plate, the plate in which heat spreads, and
its film to the coolant; a lid with a second layer lies between where there is one (``lid``), which the
accelerators of today do without (``bare``). Every resistance is constant, so that temperatures are linear in
power and the largest power follows at once. Spreading is that of the exact series. Where coolant runs in the
die itself (``die``), all but the silicon and the film fall away. Rows: ``chip_cooling`` and ``chip_rules``.

References
----------
Kennedy 1960, "Spreading resistance in cylindrical semiconductor devices", J. Applied Physics 31(8). Lee,
Song, Au, Moran 1995, "Constriction/spreading resistance model for electronic packaging", ASME/JSME Thermal
Engineering 4. Yovanovich, Muzychka, Culham 1999, "Spreading resistance of isoflux rectangles and strips on
compound flux channels", J. Thermophysics and Heat Transfer 13(4).
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import entity, table
from gigawatt.core.caches import pure
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Grade, worst

__all__ = [
    "Cooling",
    "Thermal",
    "coolings",
    "load_cooling",
    "package_thermal",
    "spreading_exact",
    "spreading_resistance",
    "stack_temperatures",
]

Array = NDArray[np.float64]
RULES = "default"


def spreading_resistance(
    *,
    source_area: ArrayLike,
    plate_area: ArrayLike,
    thickness: ArrayLike,
    conductivity: ArrayLike,
    film: ArrayLike,
    mean: bool = False,
) -> Array:
    """What a source smaller than its plate adds to plain conduction, closed form of Lee et al. [K/W].

    Parameters
    ----------
    source_area, plate_area : array [m²]
        0 < source ≤ plate; taken as discs of the same area.
    thickness : array [m]
        Of the plate, > 0.
    conductivity : array [W/m/K]
        Of the plate.
    film : array [W/m²/K]
        From the plate's far side to what cools it, over its area.
    mean : bool
        Mean over the source instead of its hottest point.

    Returns
    -------
    array
        0 where the source covers the plate. Hottest point: within 12 % of :func:`spreading_exact` and plain
        conduction together where the Biot number h·b/k is below 0.3 and the plate thicker than a thirtieth of
        its radius b; up to a third too large at high Biot numbers.

    Raises
    ------
    InputError
        A source larger than its plate; a number outside its range.

    References
    ----------
    Lee et al. 1995.
    """
    a2 = check_range("source_area", source_area, 0.0, 1.0, "m²", open_low=True)
    b2 = check_range("plate_area", plate_area, 0.0, 1.0, "m²", open_low=True)
    if np.any(a2 > b2 * (1 + 1e-12)):
        raise InputError(
            "the source is larger than its plate",
            key="source_area",
            given=f"{float(np.max(a2)) * 1e6:.3g} mm²",
            allowed=f"up to {float(np.min(b2)) * 1e6:.3g} mm²",
        )
    t = check_range("thickness", thickness, 0.0, 0.1, "m", open_low=True)
    k = check_range("conductivity", conductivity, 0.0, 1e4, "W/m/K", open_low=True)
    h = check_range("film", film, 0.0, 1e8, "W/m²/K", open_low=True)
    a, b = np.sqrt(a2 / math.pi), np.sqrt(b2 / math.pi)
    eps = np.minimum(a / b, 1.0)
    biot = h * b / k
    lam = math.pi + 1.0 / (math.sqrt(math.pi) * eps)
    tanh = np.tanh(lam * t / b)
    phi = (tanh + lam / biot) / (1.0 + lam / biot * tanh)
    shape = 0.5 * (1.0 - eps) ** 1.5 if mean else (1.0 - eps) / math.sqrt(math.pi)
    return shape * phi / (math.sqrt(math.pi) * k * a)


def spreading_exact(
    *,
    source_area: float,
    plate_area: float,
    thickness: float,
    conductivity: float,
    film: float,
    mean: bool = False,
    terms: int = 400,
) -> float:
    """As :func:`spreading_resistance`, by the series of Kennedy with a film on the far side [K/W].

    With δ the zeros of J1, ε the ratio of radii and φ(δ) as in the closed form, the hottest point has
    2/(π k a) · Σ J1(δε) φ / (δ J0(δ))² and the mean over the source 2 J1(δε)/(δε) of each term.

    Parameters
    ----------
    source_area, plate_area, thickness, conductivity, film, mean
        As in the closed form.
    terms : int
        Of the series, ≥ 1.

    Raises
    ------
    InputError
        A number outside its range.

    References
    ----------
    Kennedy 1960; Yovanovich, Muzychka, Culham 1999.
    """
    check_range("source_area", source_area, 0.0, plate_area, "m²", open_low=True)
    from scipy import special

    a, b = math.sqrt(source_area / math.pi), math.sqrt(plate_area / math.pi)
    zeros, j0 = _zeros(terms)
    ratio = zeros * a / b
    tanh = np.tanh(zeros * thickness / b)
    biot = film * b / conductivity
    phi = (tanh + zeros / biot) / (1.0 + zeros / biot * tanh)
    j1 = np.asarray(special.j1(ratio), float)
    part = j1 * phi / (zeros * j0) ** 2
    if mean:
        part = part * 2.0 * j1 / ratio
    return float(2.0 / (math.pi * conductivity * a) * np.sum(part))


@pure
def _zeros(terms: int) -> tuple[Array, Array]:
    """Zeros of J1 and J0 at them."""
    from scipy import special

    zeros = np.asarray(special.jn_zeros(1, terms), float)
    return zeros, np.asarray(special.j0(zeros), float)


def stack_temperatures(*, powers: ArrayLike, joints: ArrayLike, outside: ArrayLike, coolant: float) -> Array:
    """Temperatures of layers on one another, all heat leaving through the first [°C or K, as ``coolant``].

    Parameters
    ----------
    powers : array (L,) [W]
        Of each layer, the one beside the sink first.
    joints : array (L − 1,) [K/W]
        Between a layer and the one above it towards the sink.
    outside : float [K/W]
        From the first layer to the coolant.
    coolant : float
        Temperature of what takes the heat.

    Returns
    -------
    array (L,)
        Never falling away from the sink: through a joint flows all that is made behind it.

    Raises
    ------
    InputError
        A negative power or resistance, a wrong number of joints.
    """
    made = check_range("powers", powers, 0.0, 1e6, "W")
    between = check_range("joints", joints, 0.0, 1e4, "K/W")
    if made.ndim != 1 or between.shape != (max(made.size - 1, 0),):
        raise InputError(
            "as many joints as layers less one", key="joints", given=between.size, allowed=f"{made.size - 1}"
        )
    behind = np.cumsum(made[::-1])[::-1]
    steps = np.concatenate([[float(np.asarray(outside)) * behind[0]], between * behind[1:]])
    return coolant + np.cumsum(steps)


@dataclass(frozen=True)
class Cooling:
    """A kind of cooling; a row of ``chip_cooling``. SI, ``coolant`` in K.

    ``contact`` is ``bare`` (plate on the dies), ``lid`` (a lid between) or ``die`` (coolant in the die).
    """

    id: str
    name: str
    contact: str
    film: float
    plate_area: float
    plate_thickness: float
    plate_conductivity: float
    coolant: float
    interface: float
    lid_interface: float
    lid_thickness: float
    lid_conductivity: float
    grade: Grade


def coolings() -> tuple[str, ...]:
    """Ids of the kinds of cooling."""
    return tuple(table("chip_cooling"))


def load_cooling(id: str) -> Cooling:
    """The kind of cooling called ``id``.

    Raises
    ------
    InputError
        No such kind: names the nearest.
    """
    try:
        row = entity("chip_cooling", id)
    except InputError:
        raise InputError(
            "no such cooling", key="cooling", given=id, allowed=coolings(), nearest=nearest(id, coolings())
        ) from None
    return Cooling(
        id=row.id,
        name=row.text("name", row.id),
        contact=row.text("contact"),
        film=row.value("film"),
        plate_area=row.get("plate_area", 0.0) or 0.0,
        plate_thickness=row.value("plate_thickness"),
        plate_conductivity=row.value("plate_conductivity"),
        coolant=row.value("coolant"),
        interface=row.get("interface", 0.0) or 0.0,
        lid_interface=row.get("lid_interface", 0.0) or 0.0,
        lid_thickness=row.get("lid_thickness", 0.0) or 0.0,
        lid_conductivity=row.get("lid_conductivity", 1.0) or 1.0,
        grade=worst(one.grade for one in row.rows()),
    )


@dataclass(frozen=True)
class Thermal:
    """Temperatures of a package at a power and the most it can take. K, W, W/m²; resistances in K/W.

    ``resistance`` by part from the logic's mean to the coolant and ``hot_spot``, what its hottest spot adds,
    are per watt of the package. ``limit`` is the largest power of the package with the given shares,
    ``binding`` the temperature that sets it: ``logic`` or ``memory``.
    """

    resistance: dict[str, float]
    hot_spot: float
    junction: float
    memory: float
    flux: float
    limit: float
    limit_flux: float
    binding: str
    coolant: float

    @property
    def total(self) -> float:
        """From the hottest spot of the logic to the coolant, per watt of the package [K/W]."""
        return sum(self.resistance.values()) + self.hot_spot


def _path(cooling: Cooling, share: float, logic: float, footprint: float) -> tuple[dict[str, float], float]:
    """(resistances per watt of the package by part, film under the silicon [W/m²/K])."""
    rules = entity("chip_rules", RULES)
    k = rules.value("silicon_conductivity")
    if cooling.contact == "die":
        return {
            "silicon": share * cooling.plate_thickness / (k * logic),
            "coolant": 1.0 / (cooling.film * footprint),
        }, cooling.film
    plate_area = max(cooling.plate_area, footprint)
    found = {
        "silicon": share * rules.value("die_thickness") / (k * logic),
        "joint": share * cooling.interface / logic,
    }
    below = cooling.interface
    if cooling.contact == "lid":
        film = 1.0 / cooling.film + cooling.plate_thickness / cooling.plate_conductivity
        through = 1.0 / (film * footprint / plate_area + cooling.lid_interface)
        found["lid"] = share * cooling.lid_thickness / (cooling.lid_conductivity * footprint)
        found["lid"] += share * float(
            spreading_exact(
                source_area=logic, plate_area=footprint, thickness=cooling.lid_thickness,
                conductivity=cooling.lid_conductivity, film=through, mean=True,
            )
        )  # fmt: skip
        found["lid joint"] = cooling.lid_interface / footprint
        below += cooling.lid_thickness / cooling.lid_conductivity
        source, part = footprint, 1.0
    else:
        source, part = logic, share
    found["plate"] = cooling.plate_thickness / (cooling.plate_conductivity * plate_area)
    found["plate"] += part * float(
        spreading_exact(
            source_area=source, plate_area=plate_area, thickness=cooling.plate_thickness,
            conductivity=cooling.plate_conductivity, film=cooling.film, mean=True,
        )
    )  # fmt: skip
    found["coolant"] = 1.0 / (cooling.film * plate_area)
    return found, 1.0 / below


def package_thermal(
    cooling: Cooling,
    *,
    logic_power: float,
    logic_area: float,
    stack_power: float = 0.0,
    stack_area: float = 0.0,
    stacks: int = 0,
    stack_height: int = 8,
    layers: Sequence[float] = (),
    place: str = "beside",
) -> Thermal:
    """Temperatures and the largest power of a package.

    Parameters
    ----------
    cooling : Cooling
        Of the package.
    logic_power : float [W]
        Of all logic, > 0.
    logic_area : float [m²]
        Of the logic that lies side by side.
    stack_power, stack_area : float [W], [m²]
        Of all stacks of memory; of one.
    stacks, stack_height : int
        Stacks; dies in each.
    layers : sequence of float [W]
        Logic under logic: power of each layer, the one beside the sink first; must sum to ``logic_power``.
    place : str
        Of the stacks: ``beside`` the logic; ``on-logic``, so that its heat leaves through them;
        ``under-logic``, so that theirs leaves through it.

    Raises
    ------
    InputError
        A number outside its range; layers that do not sum to the logic's power.
    """
    check_range("logic_power", logic_power, 0.0, 1e6, "W", open_low=True)
    check_range("logic_area", logic_area, 0.0, 0.1, "m²", open_low=True)
    check_range("stack_power", stack_power, 0.0, 1e5, "W")
    check_range("stacks", stacks, 0, 1000, "stacks")
    rules = entity("chip_rules", RULES)
    total_power = logic_power + stack_power
    share = logic_power / total_power
    beside = stacks * stack_area if place == "beside" else 0.0
    resistance, film = _path(cooling, share, logic_area, logic_area + beside)
    outside = resistance["coolant"] + resistance.get("plate", 0.0) + resistance.get("lid joint", 0.0)
    if layers:
        resistance["stacked logic"] = _layered_rise(layers, logic_power, logic_area) / total_power
    memory = outside
    if stacks:
        memory = _memory_path(
            resistance, cooling, share=share, footprint=stacks * stack_area, height=stack_height,
            outside=outside, place=place,
        )  # fmt: skip
    hot = share * _hot_spot(cooling, logic_area, film)
    limits = {"logic": (rules.value("junction_limit") - cooling.coolant) / (sum(resistance.values()) + hot)}
    if stacks:
        limits["memory"] = (rules.value("stack_limit") - cooling.coolant) / memory
    binding = min(limits, key=lambda name: limits[name])
    return Thermal(
        resistance=resistance,
        hot_spot=hot,
        junction=cooling.coolant + total_power * (sum(resistance.values()) + hot),
        memory=cooling.coolant + total_power * memory if stacks else cooling.coolant,
        flux=logic_power / logic_area,
        limit=limits[binding],
        limit_flux=limits[binding] * share / logic_area,
        binding=binding,
        coolant=cooling.coolant,
    )


def _layered_rise(layers: Sequence[float], logic_power: float, logic_area: float) -> float:
    """Temperature [K] of the last layer of logic above the first, each bonded to the one before."""
    if not math.isclose(sum(layers), logic_power, rel_tol=1e-6):
        raise InputError(
            "layers that do not sum to the logic's power",
            key="layers",
            given=f"{sum(layers):g} W",
            allowed=f"{logic_power:g} W",
        )
    joint = entity("chip_rules", RULES).value("bond_resistance") / logic_area
    steps = stack_temperatures(
        powers=np.asarray(layers), joints=np.full(len(layers) - 1, joint), outside=0.0, coolant=0.0
    )
    return float(steps[-1])


def _memory_path(
    resistance: dict[str, float],
    cooling: Cooling,
    *,
    share: float,
    footprint: float,
    height: int,
    outside: float,
    place: str,
) -> float:
    """K per watt of the package from the stacks to the coolant; stacks on the logic join its ``resistance``.

    ``share`` of the package's heat is the logic's; ``outside`` [K/W] is the path that both share.
    """
    rules = entity("chip_rules", RULES)
    column = rules.value("stack_resistance") * height / rules.value("stack_reference") / footprint
    if place == "on-logic":  # the bottom die of a stack is as warm as the logic under it
        resistance["memory"] = (share + 0.5 * (1.0 - share)) * column
        return sum(resistance.values())
    if place == "under-logic":
        joint = rules.value("bond_resistance") / footprint
        through = resistance["silicon"] + resistance.get("joint", 0.0)
        return sum(resistance.values()) + (1.0 - share) * (through / share + joint + 0.5 * column)
    return outside + (1.0 - share) * (0.5 * column + cooling.interface / footprint)


def _hot_spot(cooling: Cooling, logic_area: float, film: float) -> float:
    """K per watt of the logic by which its hottest spot is above its mean; ``film`` [W/m²/K] is under it."""
    rules = entity("chip_rules", RULES)
    spot = min(rules.value("hot_spot_area"), 0.5 * logic_area)
    depth = cooling.plate_thickness if cooling.contact == "die" else rules.value("die_thickness")
    conductivity = rules.value("silicon_conductivity")
    sharp = spreading_exact(
        source_area=spot, plate_area=logic_area, thickness=depth, conductivity=conductivity, film=film
    )
    excess = (rules.value("hot_spot_flux") - 1.0) * spot / logic_area
    return excess * (1.0 / (film * logic_area) + sharp)
