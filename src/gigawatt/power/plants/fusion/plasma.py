"""The 0-D power balance of a magnetically confined plasma at a mean density and temperature.

    loss = stored energy / τ_E(loss) = α power deposited + heating from outside − radiation of the core

All powers are of the whole plasma in W. Everything is vectorised over density and temperature: the integrals
over the profile depend on temperature alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError
from gigawatt.power.plants.fusion.confinement import (
    bootstrap_share,
    greenwald_density,
    lh_power,
    load_scaling,
    loop_voltage,
    normalised_beta,
    sudo_density,
)
from gigawatt.power.plants.fusion.machine import Plasma
from gigawatt.power.plants.fusion.profiles import Sampled, sample
from gigawatt.power.plants.fusion.radiation import (
    bremsstrahlung_coefficients,
    cooling_rate,
    mean_charge,
    synchrotron_power,
)
from gigawatt.power.plants.fusion.reactivity import KEV, REACTIONS, Fuel, load_fuel, reactivity

__all__ = ["State", "evaluate"]

Array = npt.NDArray[np.float64]

_HELIUM = 4.0026  # u
_MU0 = 1.25663706212e-6  # H/m, CODATA 2018
_STEPS = 50  # halvings of the ash fraction: 2^-50


@dataclass(frozen=True)
class State:
    """A plasma at density × temperature; arrays of one shape, SI, temperatures in keV.

    ``heating`` is what must come from outside (auxiliary and ohmic; negative: more than ignited);
    ``auxiliary`` is ``heating`` less ``ohmic``. ``loss`` is what the scaling means. ``core`` is the
    radiation taken off before.
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
        name: shaped(shapes.mean(square * reactivity(name, plasma.ion_ratio * hot)))
        for name in fuel.reactions
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
        The machine.
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
    ``docs/plants-fusion.md`` for the conventions. Helium ash: Reiter, Wolf, Kever, Nucl. Fusion 30 (1990)
    2141.
    """
    n, t = np.asarray(density, dtype=float), np.asarray(temperature, dtype=float)
    _check_range("density", n, 1e17, 1e23, "1/m³")
    _check_range("temperature", t, 0.1, 500.0, "keV")
    fuel = load_fuel(plasma.fuel)
    made = _integrals(plasma, fuel, t)
    room = 1.0 - made.charge
    if bool(np.any(room <= 0.0)):
        raise InputError(
            "the impurities leave no fuel",
            key="plasma.impurities",
            given=f"{float(np.max(made.charge)):.2f} of the electrons are theirs",
            allowed="less than 1",
        )
    shape = np.broadcast_shapes(n.shape, t.shape)
    core = _Core(plasma, fuel, made, n, t, room)
    helium = core.helium(shape)
    part = core.share(helium)
    fusion, charged = core.fusion_power(part)
    stored = core.energy(helium)
    loss = core.lost(stored)
    light = part * fuel.charge_squared + 4.0 * helium  # Σ Z² n / n_e of fuel and ash
    z_eff = light + made.charge2
    brems, lines, round_, inside = core.radiation(light)
    deposited = plasma.deposited * charged
    heating = loss + inside - deposited
    pressure = stored / (1.5 * plasma.torus)
    if plasma.current > 0.0:
        mass = (part * fuel.mass + helium * _HELIUM) / (part + helium)
        driven = core.with_current(pressure, z_eff, mass)
    else:
        none = np.zeros(shape)
        power = np.sqrt(np.maximum(deposited + np.maximum(heating, 0.0), 1.0))
        densest = power * sudo_density(
            power=1.0, field=plasma.field, major_radius=plasma.major_radius, minor_radius=plasma.minor_radius
        )
        driven = _Driven(none, none, none, none, none, densest)
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
        core=inside,
        loss=loss,
        heating=heating,
        ohmic=driven.ohmic,
        auxiliary=heating - driven.ohmic,
        stored=stored,
        confinement=stored / loss,
        helium=helium,
        fuel=part,
        z_effective=z_eff,
        beta=2.0 * _MU0 * pressure / plasma.field**2,
        beta_normalised=driven.beta_normalised,
        density_share=n * made.line / driven.densest + np.zeros(shape),
        bootstrap=driven.bootstrap,
        lh=driven.lh,
        voltage=driven.voltage,
    )


def _check_range(name: str, value: Array, low: float, high: float, unit: str) -> None:
    if value.size and bool(np.all((value >= low) & (value <= high))):
        return
    given = f"{float(np.min(value)):g} to {float(np.max(value)):g} {unit}" if value.size else "nothing"
    raise InputError(
        "outside the physical range", key=name, given=given, allowed=f"{low:g} to {high:g} {unit}"
    )


@dataclass(frozen=True)
class _Driven:
    """What follows from the plasma's current: shares, V, W, and the largest density, 1/m³."""

    bootstrap: Array
    voltage: Array
    ohmic: Array
    beta_normalised: Array
    lh: Array
    densest: Array | float


class _Core:
    """A plasma at densities ``n`` and temperatures ``t``; ``room``: share of electrons of fuel and ash."""

    def __init__(self, plasma: Plasma, fuel: Fuel, made: _Integrals, n: Array, t: Array, room: Array) -> None:
        self.plasma, self.fuel, self.made, self.n, self.t, self.room = plasma, fuel, made, n, t, room
        self.pairs = {name: _pairs(fuel, name) * made.rates[name] for name in fuel.reactions}
        scaling = load_scaling(plasma.scaling)
        self.power = scaling.power
        self.prefactor = plasma.h_factor * scaling.prefactor(
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

    def share(self, helium: Array) -> Array:
        """Fuel ions over electrons."""
        return (self.room - 2.0 * helium) / self.fuel.charge

    def energy(self, helium: Array) -> Array:
        """J stored."""
        ions = self.share(helium) + helium + self.made.count
        warm = 1.5 * self.plasma.torus * KEV * self.n * self.t * self.made.pressure
        return warm * (1.0 + self.plasma.ion_ratio * ions)

    def lost(self, stored: Array) -> Array:
        """W by transport, from the scaling of the confinement time."""
        return 1e6 * (stored / (1e6 * self.prefactor)) ** (1.0 / (1.0 + self.power))

    def helium(self, shape: tuple[int, ...]) -> Array:
        """Ash over electrons: as given, or what stays where its confinement is ``ash_ratio`` of energy's."""
        plasma, room = self.plasma, self.room
        if plasma.helium is not None:
            helium = np.full(shape, plasma.helium)
            if bool(np.any(2.0 * helium >= room)):
                raise InputError(
                    "the helium leaves no fuel",
                    key="plasma.helium",
                    given=f"{plasma.helium:g} of the electrons",
                    allowed=f"below {float(np.min(room)) / 2.0:.3f}",
                )
            return helium
        low, high = np.zeros(shape), np.broadcast_to(room / 2.0, shape).copy()
        if not plasma.ash_ratio > 0.0:
            return low
        alphas = _total([self.pairs[name] * REACTIONS[name].alphas for name in self.fuel.reactions])
        for _ in range(_STEPS):
            helium = 0.5 * (low + high)
            stored = self.energy(helium)
            stays = plasma.ash_ratio * stored / self.lost(stored)
            more = stays * self.n * self.share(helium) ** 2 * alphas > helium
            low, high = np.where(more, helium, low), np.where(more, high, helium)
        return 0.5 * (low + high)

    def fusion_power(self, part: Array) -> tuple[Array, Array]:
        """(W of all products, of the charged ones)."""
        burning = self.plasma.torus * (self.n * part) ** 2
        names = self.fuel.reactions
        whole = _total([self.pairs[name] * REACTIONS[name].energy for name in names])
        return burning * whole, burning * _total(
            [self.pairs[name] * REACTIONS[name].charged for name in names]
        )

    def radiation(self, light: Array) -> tuple[Array, Array, Array, Array]:
        """W of bremsstrahlung, lines and synchrotron, and what of all three leaves the core."""
        plasma, made, volume, n = self.plasma, self.made, self.plasma.torus, self.n
        round_ = synchrotron_power(
            density=n * made.peak_density,
            temperature=self.t * made.peak_temperature,
            major_radius=plasma.major_radius,
            minor_radius=plasma.minor_radius,
            elongation=plasma.elongation,
            field=plasma.field,
            density_exponent=plasma.profile.density,
            temperature_exponent=plasma.profile.temperature,
            temperature_inner=plasma.profile.inner,
            reflection=plasma.reflection,
        )
        brems = volume * n**2 * (light * made.ions + made.electrons)
        inside = volume * n**2 * (light * made.ions_core + made.electrons_core + made.lines_core)
        return brems, volume * n**2 * made.lines, round_, plasma.core_radiation * (inside + round_)

    def with_current(self, pressure: Array, z_effective: Array, mass: Array) -> _Driven:
        """Of a plasma with a current: bootstrap share, loop voltage, limits."""
        plasma, made = self.plasma, self.made
        poloidal = _MU0 * plasma.current / plasma.circumference
        bootstrap = bootstrap_share(
            beta_poloidal=2.0 * _MU0 * pressure / poloidal**2,
            aspect=plasma.minor_radius / plasma.major_radius,
            z_effective=z_effective,
            q95=plasma.safety,
            density_exponent=max(made.peak_density - 1.0, 0.0),
            temperature_exponent=np.maximum(made.peak_temperature - 1.0, 1e-3),
        )
        voltage = loop_voltage(
            current=plasma.current * (1.0 - bootstrap),
            temperature=self.t,
            z_effective=z_effective,
            major_radius=plasma.major_radius,
            minor_radius=plasma.minor_radius,
            elongation=plasma.elongation,
        )
        return _Driven(
            bootstrap=bootstrap,
            voltage=voltage,
            ohmic=voltage * plasma.current * (1.0 - bootstrap),
            beta_normalised=normalised_beta(
                pressure=pressure,
                field=plasma.field,
                current=plasma.current,
                minor_radius=plasma.minor_radius,
            ),
            lh=lh_power(density=self.n * made.line, field=plasma.field, surface=plasma.skin, mass=1.0) / mass,
            densest=greenwald_density(current=plasma.current, minor_radius=plasma.minor_radius),
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
