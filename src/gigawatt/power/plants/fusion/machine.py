"""A plasma without its density and temperature: shape, field, current, profile, impurities, conventions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace

import numpy as np

from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.power.plants.fusion.confinement import load_scaling, safety_factor
from gigawatt.power.plants.fusion.profiles import Profile
from gigawatt.power.plants.fusion.radiation import mean_charge
from gigawatt.power.plants.fusion.reactivity import load_fuel

__all__ = ["AVERAGES", "Plasma", "with_size"]

AVERAGES = ("profile", "volume")


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
        Radiation from inside ρ = ``core_radius`` counts by the share ``core_radiation`` before the loss
        that the scaling means; 0 counts all radiation within that loss.
    volume, surface : float
        m³, m²; 0: from the shape.
    averages : str
        ``profile``: stored energy and the scaling's density from the profile. ``volume``: stored energy as
        the product of volume averages and the volume-averaged density in the scaling, as some codes take
        them.
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
    profile: Profile = dataclasses.field(default_factory=Profile)
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
            check_range(f"plasma.{name}", value, low, high, unit, message="outside the physical range")
        if not self.minor_radius < self.major_radius:
            raise InputError(
                "a torus needs a hole",
                key="plasma.minor_radius",
                given=f"{self.minor_radius:g} m",
                allowed=f"below the major radius, {self.major_radius:g} m",
            )
        check_word("plasma.averages", self.averages, AVERAGES, "unknown convention")
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
    def circumference(self) -> float:
        """Poloidal circumference, m (Sauter 2016)."""
        bulge = 1.0 + 0.55 * (self.elongation_edge - 1.0)
        return 2.0 * float(np.pi) * self.minor_radius * bulge * (1.0 + 0.08 * self.triangularity**2)

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


def with_size(plasma: Plasma, major_radius: float) -> Plasma:
    """The same plasma at another major radius [m]: aspect ratio, field, q95, shape kept."""
    ratio = major_radius / plasma.major_radius
    return replace(
        plasma,
        major_radius=major_radius,
        minor_radius=plasma.minor_radius * ratio,
        current=plasma.current * ratio,
        volume=plasma.volume * ratio**3,
        surface=plasma.surface * ratio**2,
    )
