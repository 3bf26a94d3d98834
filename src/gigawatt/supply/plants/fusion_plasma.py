"""The 0-D power balance of a magnetically confined plasma at a mean density and temperature.

    loss = stored energy / τ_E(loss) = α power deposited + heating from outside − radiation of the core

All powers are of the whole plasma in W. Everything is vectorised over density and temperature: the integrals
over the profile depend on temperature alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gigawatt.errors import InfeasibleError, InputError
from gigawatt.supply.plants.fusion_confinement import (
    bootstrap_share,
    greenwald_density,
    lh_power,
    load_scaling,
    loop_voltage,
    normalised_beta,
    safety_factor,
    sudo_density,
)
from gigawatt.supply.plants.fusion_profiles import Profile, Sampled, sample
from gigawatt.supply.plants.fusion_radiation import (
    bremsstrahlung_coefficients,
    cooling_rate,
    mean_charge,
    synchrotron_power,
)
from gigawatt.supply.plants.fusion_reactivity import KEV, REACTIONS, Fuel, load_fuel, reactivity

__all__ = ["AVERAGES", "Plasma", "State", "evaluate", "solve_temperature", "with_size"]

Array = npt.NDArray[np.float64]

AVERAGES = ("profile", "volume")
_HELIUM = 4.0026  # u
_MU0 = 1.25663706212e-6  # H/m, CODATA 2018
_STEPS = 50  # halvings of the ash fraction: 2^-50


@dataclass(frozen=True)
class Plasma:
    """A plasma without its density and temperature.

    Attributes
    ----------
    fuel, scaling : str
        Ids in ``FUELS`` and ``SCALINGS``.
    major_radius, minor_radius, field, current
        m, m, T on the axis, A (0: a stellarator, with ``iota``).
    elongation, elongation_edge, elongation95, triangularity, triangularity95
        Of the area (V / 2π²Ra²), of the separatrix, of the 95 % surface.
    h_factor : float
        τ_E over the scaling.
    impurities : tuple of (element, n_z/n_e)
    ash_ratio : float
        τ_He/τ_E of the helium's particles; ``helium`` fixes n_He/n_e instead.
    deposited : float
        Share of the charged fusion products' energy that stays in the plasma.
    core_radius, core_radiation
        Radiation from inside ρ = ``core_radius`` counts by the share ``core_radiation`` before the loss that the
        scaling means; 0 counts all radiation within that loss.
    volume, surface : float
        m³, m²; 0: from the shape.
    averages : str
        ``profile``: stored energy and the scaling's density from the profile. ``volume``: stored energy as the
        product of volume averages and the volume-averaged density in the scaling, as some codes take them.
    """

    fuel: str = "dt"
    scaling: str = "ipb98y2"
    major_radius: float = 6.2
    minor_radius: float = 2.0
    field: float = 5.3
    current: float = 15e6
    elongation: float = 1.7
    elongation_edge: float = 1.85
    elongation95: float = 1.7
    triangularity: float = 0.5
    triangularity95: float = 0.33
    iota: float = 1.0
    h_factor: float = 1.0
    profile: Profile = Profile()
    ion_ratio: float = 1.0
    impurities: tuple[tuple[str, float], ...] = ()
    ash_ratio: float = 5.0
    helium: float | None = None
    deposited: float = 0.95
    reflection: float = 0.6
    core_radius: float = 1.0
    core_radiation: float = 0.0
    volume: float = 0.0
    surface: float = 0.0
    averages: str = "profile"

    def __post_init__(self) -> None:
        load_fuel(self.fuel)
        load_scaling(self.scaling)
        ranges = {
            "major_radius": (0.1, 50.0, "m"),
            "minor_radius": (0.05, 20.0, "m"),
            "field": (0.1, 40.0, "T"),
            "elongation": (0.5, 4.0, ""),
            "elongation_edge": (0.5, 4.0, ""),
            "elongation95": (0.5, 4.0, ""),
            "h_factor": (0.05, 10.0, ""),
            "ion_ratio": (0.1, 10.0, ""),
            "ash_ratio": (0.0, 100.0, ""),
            "deposited": (0.0, 1.0, ""),
            "reflection": (0.0, 0.999, ""),
            "core_radius": (0.0, 1.0, ""),
            "core_radiation": (0.0, 1.0, ""),
            "current": (0.0, 1e9, "A"),
        }
        for name, (low, high, unit) in ranges.items():
            value = float(getattr(self, name))
            if not low <= value <= high:
                raise InputError(
                    "outside the physical range",
                    key=f"plasma.{name}",
                    given=f"{value:g} {unit}".strip(),
                    allowed=f"{low:g} to {high:g} {unit}".strip(),
                )
        if not self.minor_radius < self.major_radius:
            raise InputError(
                "a torus needs a hole",
                key="plasma.minor_radius",
                given=f"{self.minor_radius:g} m",
                allowed=f"below the major radius, {self.major_radius:g} m",
            )
        if self.averages not in AVERAGES:
            raise InputError("unknown convention", key="plasma.averages", given=self.averages, allowed=AVERAGES)
        for element, share in self.impurities:
            mean_charge(element, 1.0)
            if not 0.0 <= share < 1.0:
                raise InputError(
                    "not a share of the electrons",
                    key=f"plasma.impurities.{element}",
                    given=f"{share:g}",
                    allowed="0 to 1; above some 1/Z the fuel is gone",
                )

    @property
    def torus(self) -> float:
        """Plasma volume, m³."""
        return self.volume or 2.0 * np.pi**2 * self.major_radius * self.minor_radius**2 * self.elongation

    @property
    def skin(self) -> float:
        """Plasma surface, m² (Sauter, Fusion Eng. Des. 112 (2016) 633, where it is not given)."""
        if self.surface:
            return self.surface
        aspect, delta = self.minor_radius / self.major_radius, self.triangularity
        round_ = 4.0 * np.pi**2 * self.major_radius * self.minor_radius
        return (
            round_
            * (1.0 + 0.55 * (self.elongation_edge - 1.0))
            * (1.0 + 0.08 * delta**2)
            * (1.0 - 0.32 * delta * aspect)
        )

    @property
    def safety(self) -> float:
        """q95 of a tokamak; of a stellarator 1/ι."""
        if self.current == 0.0:
            return 1.0 / self.iota
        return safety_factor(
            current=self.current,
            major_radius=self.major_radius,
            minor_radius=self.minor_radius,
            field=self.field,
            elongation95=self.elongation95,
            triangularity95=self.triangularity95,
        )


@dataclass(frozen=True)
class State:
    """A plasma at density × temperature; arrays of one shape, SI, temperatures in keV.

    ``heating`` is what must come from outside (auxiliary and ohmic; negative: more than ignited); ``auxiliary``
    is ``heating`` less ``ohmic``. ``loss`` is what the scaling means. ``core`` is the radiation taken off before.
    ``separatrix`` : power that particles carry out. ``possible`` : radiation does not exceed all heating.
    """

    density: Array
    temperature: Array
    fusion: Array
    charged: Array
    neutron: Array
    deposited: Array
    bremsstrahlung: Array
    impurity: Array
    synchrotron: Array
    core: Array
    loss: Array
    heating: Array
    ohmic: Array
    auxiliary: Array
    stored: Array
    confinement: Array
    helium: Array
    fuel: Array
    z_effective: Array
    beta: Array
    beta_normalised: Array
    density_share: Array
    bootstrap: Array
    lh: Array
    voltage: Array

    @property
    def radiation(self) -> Array:
        """All radiation from inside the separatrix, W."""
        return self.bremsstrahlung + self.impurity + self.synchrotron

    @property
    def separatrix(self) -> Array:
        """Power that crosses the separatrix with particles, W."""
        return self.deposited + self.heating - self.radiation

    @property
    def possible(self) -> npt.NDArray[np.bool_]:
        """Where the heating covers the radiation."""
        return self.separatrix >= 0.0

    @property
    def gain(self) -> Array:
        """Q: fusion power over heating from outside; inf where none is needed."""
        need = np.maximum(self.heating, 0.0)
        return np.where(need > 0.0, self.fusion / np.where(need > 0.0, need, 1.0), np.inf)

    @property
    def triple(self) -> Array:
        """n_e T τ_E, keV s/m³."""
        return self.density * self.temperature * self.confinement

    def at(self, name: str) -> float:
        """The value of ``name`` of a state of one point."""
        return float(np.asarray(getattr(self, name)).reshape(-1)[0])


@dataclass(frozen=True)
class _Integrals:
    """Averages over the profile; arrays of the temperature's shape, per n_e²."""

    rates: dict[str, Array]
    ions: Array
    electrons: Array
    ions_core: Array
    electrons_core: Array
    lines: Array
    lines_core: Array
    pressure: Array
    line: float
    charge: Array
    charge2: Array
    count: float
    peak_density: float
    peak_temperature: Array


def _integrals(plasma: Plasma, fuel: Fuel, temperature: Array) -> _Integrals:
    flat = temperature.reshape(-1)
    shapes: Sampled = sample(plasma.profile, flat)
    hot = flat[:, None] * shapes.temperature
    square = shapes.density**2
    inside = shapes.radius < plasma.core_radius if plasma.core_radius < 1.0 else np.full_like(square, True)
    core = shapes.weights * inside

    def shaped(values: Array) -> Array:
        return values.reshape(temperature.shape)

    rates = {
        name: shaped(shapes.mean(square * reactivity(name, plasma.ion_ratio * hot))) for name in fuel.reactions
    }
    ions, electrons = (square * one for one in bremsstrahlung_coefficients(hot))
    lines = np.zeros_like(hot)
    charge = np.zeros_like(flat)
    charge2 = np.zeros_like(flat)
    for element, share in plasma.impurities:
        lines = lines + share * square * cooling_rate(element, hot)
        number = mean_charge(element, flat)
        charge, charge2 = charge + share * number, charge2 + share * number**2
    by_profile = plasma.averages == "profile"
    pressure = shapes.mean(shapes.density * shapes.temperature) if by_profile else np.ones_like(flat)
    return _Integrals(
        rates,
        shaped(shapes.mean(ions)),
        shaped(shapes.mean(electrons)),
        shaped(ions @ core),
        shaped(electrons @ core),
        shaped(shapes.mean(lines)),
        shaped(lines @ core),
        shaped(pressure),
        shapes.line if by_profile else 1.0,
        shaped(charge),
        shaped(charge2),
        sum(share for _, share in plasma.impurities),
        float(shapes.density[0]),
        shaped(shapes.temperature[:, 0]),
    )


def evaluate(plasma: Plasma, density: npt.ArrayLike, temperature: npt.ArrayLike) -> State:
    """The power balance at mean densities and temperatures.

    Parameters
    ----------
    plasma : Plasma
    density, temperature : array_like, broadcast
        Volume averages of the electrons: 1/m³, 1e17 to 1e23; keV, 0.1 to 500.

    Returns
    -------
    State
        Arrays of the broadcast shape.

    Raises
    ------
    InputError
        A value out of its range; impurities that leave no fuel.

    References
    ----------
    Freidberg, Plasma Physics and Fusion Energy (2007), ch. 4; Hirose et al. 2020 and the codes named in
    ``docs/plants-fusion.md`` for the conventions. Helium ash: Reiter, Wolf, Kever, Nucl. Fusion 30 (1990) 2141.
    """
    n, t = np.asarray(density, dtype=float), np.asarray(temperature, dtype=float)
    for name, value, low, high, unit in (
        ("density", n, 1e17, 1e23, "1/m³"),
        ("temperature", t, 0.1, 500.0, "keV"),
    ):
        if value.size == 0 or not bool(np.all((value >= low) & (value <= high))):
            raise InputError(
                "outside the physical range",
                key=name,
                given=f"{float(np.min(value)):g} to {float(np.max(value)):g} {unit}" if value.size else "nothing",
                allowed=f"{low:g} to {high:g} {unit}",
            )
    fuel, scaling = load_fuel(plasma.fuel), load_scaling(plasma.scaling)
    made = _integrals(plasma, fuel, t)
    room = 1.0 - made.charge
    if bool(np.any(room <= 0.0)):
        raise InputError(
            "the impurities leave no fuel",
            key="plasma.impurities",
            given=f"{float(np.max(made.charge)):.2f} of the electrons are theirs",
            allowed="less than 1",
        )
    volume = plasma.torus
    pairs = {
        name: _pairs(fuel, name) * made.rates[name] for name in fuel.reactions
    }  # rate over n_fuel²
    alphas = _total([pairs[name] * REACTIONS[name].alphas for name in fuel.reactions])
    prefactor = plasma.h_factor * scaling.prefactor(
        current=plasma.current,
        field=plasma.field,
        density=n * made.line,
        major_radius=plasma.major_radius,
        minor_radius=plasma.minor_radius,
        elongation=plasma.elongation,
        elongation_edge=plasma.elongation_edge,
        triangularity=plasma.triangularity,
        mass=fuel.mass,
        iota=plasma.iota,
    )

    def share(helium: Array) -> Array:
        return (room - 2.0 * helium) / fuel.charge

    def energy(helium: Array) -> Array:
        ions = share(helium) + helium + made.count
        return 1.5 * volume * KEV * n * t * made.pressure * (1.0 + plasma.ion_ratio * ions)

    def lost(stored: Array) -> Array:
        return 1e6 * (stored / (1e6 * prefactor)) ** (1.0 / (1.0 + scaling.power))

    shape = np.broadcast_shapes(n.shape, t.shape)
    if plasma.helium is not None:
        helium = np.full(shape, plasma.helium)
        if bool(np.any(2.0 * helium >= room)):
            raise InputError(
                "the helium leaves no fuel",
                key="plasma.helium",
                given=f"{plasma.helium:g} of the electrons",
                allowed=f"below {float(np.min(room)) / 2.0:.3f}",
            )
    else:
        low, high = np.zeros(shape), np.broadcast_to(room / 2.0, shape).copy()
        for _ in range(_STEPS if plasma.ash_ratio > 0.0 else 0):
            helium = 0.5 * (low + high)
            stored = energy(helium)
            stays = plasma.ash_ratio * stored / lost(stored)
            more = stays * n * share(helium) ** 2 * alphas > helium
            low, high = np.where(more, helium, low), np.where(more, high, helium)
        helium = 0.5 * (low + high) if plasma.ash_ratio > 0.0 else low
    part = share(helium)
    burning = volume * (n * part) ** 2
    fusion = burning * _total([pairs[name] * REACTIONS[name].energy for name in fuel.reactions])
    charged = burning * _total([pairs[name] * REACTIONS[name].charged for name in fuel.reactions])
    stored = energy(helium)
    loss = lost(stored)
    light = part * fuel.charge_squared + 4.0 * helium  # Σ Z² n / n_e of fuel and ash
    z_eff = light + made.charge2
    brems = volume * n**2 * (light * made.ions + made.electrons)
    lines = volume * n**2 * made.lines
    round_ = synchrotron_power(
        density=n * made.peak_density,
        temperature=t * made.peak_temperature,
        major_radius=plasma.major_radius,
        minor_radius=plasma.minor_radius,
        elongation=plasma.elongation,
        field=plasma.field,
        density_exponent=plasma.profile.density,
        temperature_exponent=plasma.profile.temperature,
        temperature_inner=plasma.profile.inner,
        reflection=plasma.reflection,
    )
    core = plasma.core_radiation * (
        volume * n**2 * (light * made.ions_core + made.electrons_core + made.lines_core) + round_
    )
    deposited = plasma.deposited * charged
    heating = loss + core - deposited
    pressure = stored / (1.5 * volume)
    beta = 2.0 * _MU0 * pressure / plasma.field**2
    if plasma.current > 0.0:
        poloidal = _MU0 * plasma.current / _circumference(plasma)
        bootstrap = bootstrap_share(
            beta_poloidal=2.0 * _MU0 * pressure / poloidal**2,
            aspect=plasma.minor_radius / plasma.major_radius,
            z_effective=z_eff,
            q95=plasma.safety,
            density_exponent=max(made.peak_density - 1.0, 0.0),
            temperature_exponent=np.maximum(made.peak_temperature - 1.0, 1e-3),
        )
        voltage = loop_voltage(
            current=plasma.current * (1.0 - bootstrap),
            temperature=t,
            z_effective=z_eff,
            major_radius=plasma.major_radius,
            minor_radius=plasma.minor_radius,
            elongation=plasma.elongation,
        )
        ohmic = voltage * plasma.current * (1.0 - bootstrap)
        beta_n = normalised_beta(
            pressure=pressure, field=plasma.field, current=plasma.current, minor_radius=plasma.minor_radius
        )
        densest: Array | float = greenwald_density(current=plasma.current, minor_radius=plasma.minor_radius)
        mass = (part * fuel.mass + helium * _HELIUM) / (part + helium)
        lh = lh_power(density=n * made.line, field=plasma.field, surface=plasma.skin, mass=1.0) / mass
    else:
        bootstrap = voltage = ohmic = beta_n = lh = np.zeros(shape)
        densest = sudo_density(
            power=1.0, field=plasma.field, major_radius=plasma.major_radius, minor_radius=plasma.minor_radius
        ) * np.sqrt(np.maximum(deposited + np.maximum(heating, 0.0), 1.0))
    return State(
        density=np.broadcast_to(n, shape),
        temperature=np.broadcast_to(t, shape),
        fusion=fusion,
        charged=charged,
        neutron=fusion - charged,
        deposited=deposited,
        bremsstrahlung=brems,
        impurity=np.broadcast_to(lines, shape),
        synchrotron=np.broadcast_to(round_, shape),
        core=core,
        loss=loss,
        heating=heating,
        ohmic=ohmic,
        auxiliary=heating - ohmic,
        stored=stored,
        confinement=stored / loss,
        helium=helium,
        fuel=part,
        z_effective=z_eff,
        beta=beta,
        beta_normalised=beta_n,
        density_share=n * made.line / densest + np.zeros(shape),
        bootstrap=bootstrap,
        lh=lh,
        voltage=voltage,
    )


def _pairs(fuel: Fuel, reaction: str) -> float:
    """n_a n_b over n_fuel², half of it for like particles."""
    one = REACTIONS[reaction]
    product = fuel.ions[one.a][0] * fuel.ions[one.b][0]
    return 0.5 * product if one.a == one.b else product


def _total(parts: list[Array]) -> Array:
    found = parts[0]
    for part in parts[1:]:
        found = found + part
    return found


def _circumference(plasma: Plasma) -> float:
    """Poloidal circumference, m (Sauter 2016)."""
    bulge = 1.0 + 0.55 * (plasma.elongation_edge - 1.0)
    return 2.0 * np.pi * plasma.minor_radius * bulge * (1.0 + 0.08 * plasma.triangularity**2)


def solve_temperature(
    plasma: Plasma, density: float, auxiliary: float, *, low: float = 1.0, high: float = 100.0
) -> State:
    """The plasma that ``auxiliary`` watts sustain at ``density``: the hottest state that is thermally stable.

    Parameters
    ----------
    plasma : Plasma
    density : float
        1/m³.
    auxiliary : float
        Heating from outside, without the ohmic part, W, >= 0.
    low, high : float
        Temperatures looked through, keV.

    Returns
    -------
    State
        One point; more heating makes it hotter.

    Raises
    ------
    InfeasibleError
        No temperature balances; says what the nearest one lacks.
    InputError
        Negative heating.

    References
    ----------
    Freidberg, Plasma Physics and Fusion Energy (2007), 4.5: stability of the burn.
    """
    if not auxiliary >= 0.0:
        raise InputError(
            "heating cannot be negative", key="auxiliary", given=f"{auxiliary:g} W", allowed="0 W and more"
        )
    grid = np.geomspace(low, high, 241)
    state = evaluate(plasma, density, grid)
    lack = np.where(state.possible, state.auxiliary - auxiliary, np.inf)
    rises = np.flatnonzero((lack[:-1] <= 0.0) & (lack[1:] > 0.0))
    if rises.size == 0:
        raise InfeasibleError(_why_none(state, auxiliary), key="plasma")
    cool, hot = float(grid[rises[-1]]), float(grid[rises[-1] + 1])
    for _ in range(_STEPS):
        middle = 0.5 * (cool + hot)
        one = evaluate(plasma, density, middle)
        too_hot = one.at("auxiliary") > auxiliary or not bool(one.possible)
        cool, hot = (cool, middle) if too_hot else (middle, hot)
    return evaluate(plasma, density, 0.5 * (cool + hot))


def _why_none(state: State, auxiliary: float) -> str:
    best = int(np.argmax(state.fusion / state.radiation))
    ratio = float((state.deposited / state.radiation).max())
    if not bool(np.any(state.possible & (state.auxiliary <= auxiliary))):
        if ratio < 1.0:
            return (
                f"no power balance: radiation exceeds the fusion power left in the plasma at every temperature "
                f"(at best {ratio:.2f} of it, at {float(state.temperature[best]):.3g} keV)"
            )
        least = float(np.min(np.where(state.possible, state.auxiliary, np.inf)))
        return f"no power balance: the least heating that sustains this density is {least / 1e6:.4g} MW"
    return "no power balance: the burn runs away above the hottest temperature looked at"


def with_size(plasma: Plasma, major_radius: float) -> Plasma:
    """The same plasma at another major radius [m]: aspect ratio, field, q95 and shape kept, current scaled."""
    ratio = major_radius / plasma.major_radius
    return replace(
        plasma,
        major_radius=major_radius,
        minor_radius=plasma.minor_radius * ratio,
        current=plasma.current * ratio,
        volume=plasma.volume * ratio**3,
        surface=plasma.surface * ratio**2,
    )
