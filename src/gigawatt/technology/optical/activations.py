"""Optical activations as physical transfer functions: watts in, watts out, joules, seconds.

A row of ``photonic_nonlinear`` is a device; its ``kind`` says which equation it obeys: ``kerr``
(:mod:`nonlinear_kerr`), ``absorber`` (:mod:`nonlinear_absorber`), ``electro-optic`` and ``harmonic``
(:mod:`nonlinear_electro_optic`). All are of one light beam: positive, without products of two signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.optical.absorber import filling_energy, saturable_transmission
from gigawatt.technology.optical.electro_optic import ElectroOpticNeuron, second_harmonic
from gigawatt.technology.optical.kerr import CRITICAL_DETUNING, KerrCavity, cavity_energy
from gigawatt.workload.operations import Array

__all__ = ["KINDS", "TABLE", "OpticalActivation", "Shape", "list_activations", "load_activation", "shape"]

TABLE = "photonic_nonlinear"
KINDS = ("kerr", "absorber", "electro-optic", "harmonic")
"""Equations that an activation can obey."""
_CAVITY = ("wavelength", "index", "kerr_index", "mode_volume", "lifetime", "coupled")
_NEURON = (
    "tap", "responsivity", "transimpedance", "half_wave_voltage", "bias", "rate", "amplifier_power",
    "capacitance", "insertion",
)  # fmt: skip


@dataclass(frozen=True)
class OpticalActivation:
    """A device with its transfer function.

    Attributes
    ----------
    id, name, kind : str
        Of the catalog; ``kind`` is one of :data:`KINDS`.
    threshold_power : float [W]
        Where it acts. Kerr: least input of bistability; absorber: saturation power; electro-optic: input that
        opens the modulator; harmonic: input of which tanh²(1) = 58 % is converted.
    time : float [s]
        Of response.
    electric_energy : float [J]
        Beside the light.
    form : mapping
        Dimensionless numbers of the transfer function, powers over ``threshold_power``.
    """

    id: str
    name: str
    kind: str
    threshold_power: float
    time: float
    electric_energy: float
    form: Mapping[str, float] = field(default_factory=lambda: {})

    @property
    def threshold_energy(self) -> float:
        """Light [J] at the threshold for the time of response."""
        return self.threshold_power * self.time

    @property
    def energy(self) -> float:
        """Light and electricity [J] of an activation at the threshold; the laser's own losses not counted."""
        return self.threshold_energy + self.electric_energy

    def relative(self, power: ArrayLike) -> Array:
        """Output for an input ≥ 0, both in units of ``threshold_power``."""
        u = check_range("power", power, 0.0, message="not a power")
        form = self.form
        if self.kind == "kerr":
            y = cavity_energy(u * form["scale"], form["detuning"])
            return form["coupled"] ** 2 / form["scale"] * y
        if self.kind == "absorber":
            return u * saturable_transmission(u, depth=form["depth"], fixed_depth=form["fixed_depth"])
        if self.kind == "electro-optic":
            return u * form["open"] * np.cos(0.5 * np.pi * (u + form["bias"])) ** 2
        return second_harmonic(u, efficiency=1.0, length=1.0)

    def transmitted(self, power: ArrayLike) -> Array:
        """Output [W] for ``power`` [W] ≥ 0.

        Raises
        ------
        InputError
            A power that is negative or not finite.
        """
        return self.threshold_power * self.relative(np.asarray(power, dtype=float) / self.threshold_power)


@dataclass(frozen=True)
class Shape:
    """What a transfer function can do, over a range of inputs.

    Attributes
    ----------
    transmission : float
        Largest output over input: below 1 every layer loses light.
    gain : float
        Largest dP_out/dP_in: above 1 a small change is amplified, on top of whatever bias that needs.
    contrast : float
        Largest d ln P_out/d ln P_in: above 1 two levels are driven apart.
    bias_width : float
        Width of inputs over which the gain is above 1, over their middle; 0 where it never is.
    """

    transmission: float
    gain: float
    contrast: float
    bias_width: float


def shape(activation: OpticalActivation, *, most: float = 3.0, points: int = 3001) -> Shape:
    """:class:`Shape` of an activation for inputs up to ``most`` thresholds.

    Parameters
    ----------
    activation : OpticalActivation
        Any.
    most : float
        Above 0; beyond 1 threshold an electro-optic neuron closes again.
    points : int
        Of the grid, ≥ 100.

    Raises
    ------
    InputError
        A range or grid that is too small.
    """
    check_range("most", most, 0.0, open_low=True, message="not a range")
    if points < 100:
        raise InputError("too few points", key="points", given=points, allowed="100 or more")
    u = np.linspace(0.0, most, points)
    out = activation.relative(u)
    slope = np.gradient(out, u)[2:-2]  # not at the ends, where differences are one-sided
    u, out = u[2:-2], out[2:-2]
    above = u[slope > 1.0]
    width = float(2.0 * (above[-1] - above[0]) / (above[-1] + above[0])) if above.size else 0.0
    relative = slope * u / np.maximum(out, 1e-300)
    return Shape(float(np.max(out / u)), float(np.max(slope)), float(np.max(relative)), width)


def list_activations() -> list[str]:
    """Ids of the catalog's optical activations."""
    return list(table(TABLE))


def load_activation(id: str, **changes: float) -> OpticalActivation:
    """The activation called ``id``, with some of its numbers replaced.

    Parameters
    ----------
    id : str
        Of ``photonic_nonlinear``.
    **changes : float
        Numbers of its row, SI.

    Raises
    ------
    InputError
        No such activation or number; a number outside its physical range.
    """
    row = entity(TABLE, id)
    unknown = sorted(set(changes) - set(row.numbers))
    if unknown:
        raise InputError("no such number of this device", key=row.id, given=unknown[0], allowed=row.numbers)
    kind, name = row.text("kind"), row.text("name", row.id)

    def number(key: str) -> float:
        return float(changes.get(key, row.value(key)))

    if kind == "kerr":
        return _kerr(row, name, {key: number(key) for key in (*_CAVITY, "detuning")})
    if kind == "absorber":
        keys = ("wavelength", "fermi_velocity", "area", "lifetime", "depth", "fixed_depth")
        return _absorber(row, name, {key: number(key) for key in keys})
    if kind == "electro-optic":
        neuron = ElectroOpticNeuron(**{key: number(key) for key in _NEURON})
        loss = (1.0 - neuron.tap) * 10.0 ** (-neuron.insertion / 10.0)
        form = {"open": loss, "bias": neuron.bias}
        return OpticalActivation(
            row.id, name, kind, neuron.half_wave_power, 1.0 / neuron.rate, neuron.energy, form
        )
    if kind == "harmonic":
        efficiency, length, lifetime = number("efficiency"), number("length"), number("lifetime")
        second_harmonic(0.0, efficiency=efficiency, length=length)
        check_range(f"{row.id}.lifetime", lifetime, 0.0, open_low=True)
        return OpticalActivation(row.id, name, kind, 1.0 / (efficiency * length**2), lifetime, 0.0)
    raise InputError("no such kind of activation", key=row.id, given=kind, allowed=KINDS)


def _kerr(row: Entity, name: str, of: dict[str, float]) -> OpticalActivation:
    detuning = of.pop("detuning")
    if not (np.isfinite(detuning) and detuning < CRITICAL_DETUNING):
        raise InputError(
            "an activation has one branch",
            key="detuning",
            given=detuning,
            allowed="below √3 half linewidths; beyond it is a memory",
        )
    cavity = KerrCavity(**of)
    scale = cavity.threshold_power / cavity.characteristic_power
    form = {"detuning": detuning, "coupled": cavity.coupled, "scale": scale}
    return OpticalActivation(row.id, name, "kerr", cavity.threshold_power, cavity.lifetime, 0.0, form)


def _absorber(row: Entity, name: str, of: dict[str, float]) -> OpticalActivation:
    energy = filling_energy(wavelength=of["wavelength"], fermi_velocity=of["fermi_velocity"], area=of["area"])
    check_range(f"{row.id}.lifetime", of["lifetime"], 0.0, open_low=True)
    form = {"depth": of["depth"], "fixed_depth": of["fixed_depth"]}
    saturable_transmission(0.0, depth=form["depth"], fixed_depth=form["fixed_depth"])
    return OpticalActivation(row.id, name, "absorber", energy / of["lifetime"], of["lifetime"], 0.0, form)
