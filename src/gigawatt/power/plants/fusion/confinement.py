"""Confinement scalings of tokamaks and stellarators, operating limits, currents and flux.

SI units in and out; the published fits take MA, MW, 1e19/m³ and are fed these inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_word

__all__ = [
    "SCALINGS",
    "Scaling",
    "bootstrap_share",
    "current_from_safety_factor",
    "greenwald_density",
    "lh_power",
    "load_scaling",
    "loop_voltage",
    "normalised_beta",
    "plasma_inductance",
    "safety_factor",
    "sudo_density",
]

Array = npt.NDArray[np.float64]

_MU0 = 1.25663706212e-6  # H/m, CODATA 2018


@dataclass(frozen=True)
class Scaling:
    """τ_E = C Π x^exponent; I [MA], B [T], n [1e19/m³, line average], P [MW], R, a [m], M [u].

    ``elongation`` is that of the area, ``elongation_edge`` that of the separatrix; ``triangularity`` is the
    exponent of 1 + δ; ``iota`` of the rotational transform at two thirds of the radius.
    """

    id: str
    constant: float
    current: float
    field: float
    density: float
    power: float
    major: float
    minor: float
    aspect: float
    elongation: float
    elongation_edge: float
    mass: float
    triangularity: float
    iota: float
    reference: str

    def prefactor(
        self,
        *,
        current: float,
        field: float,
        density: npt.ArrayLike,
        major_radius: float,
        minor_radius: float,
        elongation: float,
        elongation_edge: float,
        triangularity: float,
        mass: float,
        iota: float,
    ) -> Array:
        """τ_E at a loss of 1 MW, s: current [A], field [T], density [1/m³], radii [m], mass [u].

        References
        ----------
        The scaling's own ``reference``.
        """
        fixed = (
            self.constant
            * (current * 1e-6) ** self.current
            * field**self.field
            * major_radius**self.major
            * minor_radius**self.minor
            * (minor_radius / major_radius) ** self.aspect
            * elongation**self.elongation
            * elongation_edge**self.elongation_edge
            * mass**self.mass
            * (1.0 + triangularity) ** self.triangularity
            * iota**self.iota
        )
        return fixed * (np.asarray(density, dtype=float) * 1e-19) ** self.density


def _one(name: str, reference: str, constant: float, **exponents: float) -> Scaling:
    names = (
        "current field density power major minor aspect elongation elongation_edge mass triangularity iota"
    )
    values = {key: exponents.get(key, 0.0) for key in names.split()}
    return Scaling(id=name, constant=constant, reference=reference, **values)


SCALINGS: Mapping[str, Scaling] = {
    one.id: one
    for one in (
        _one(
            "ipb98y2",
            "ITER Physics Basis, Nucl. Fusion 39 (1999) 2175, eq. 20; its elongation: 48 (2008) 099801",
            0.0562,
            current=0.93,
            field=0.15,
            density=0.41,
            power=-0.69,
            major=1.97,
            aspect=0.58,
            elongation=0.78,
            mass=0.19,
        ),
        _one(
            "iter89p",
            "Yushmanov et al., Nucl. Fusion 30 (1990) 1999 (density there in 1e20/m³)",
            0.048 * 0.1**0.1,
            current=0.85,
            field=0.2,
            density=0.1,
            power=-0.5,
            major=1.2,
            minor=0.3,
            elongation_edge=0.5,
            mass=0.5,
        ),
        _one(
            "itpa20",
            "Verdoolaege et al., Nucl. Fusion 61 (2021) 076006, STD5",
            0.053,
            current=0.976,
            field=0.218,
            density=0.2442,
            power=-0.6687,
            major=1.710,
            aspect=0.354,
            elongation=0.799,
            mass=0.195,
            triangularity=0.362,
        ),
        _one(
            "itpa20-il",
            "Luce et al., Nucl. Fusion 61 (2021); ITER-like discharges of Verdoolaege et al.",
            0.067,
            current=1.291,
            field=-0.134,
            density=0.1473,
            power=-0.6442,
            major=1.194,
            elongation=0.673,
            mass=0.302,
            triangularity=0.560,
        ),
        _one(
            "iss04",
            "Yamada et al., Nucl. Fusion 45 (2005) 1684",
            0.134,
            field=0.84,
            density=0.54,
            power=-0.61,
            major=0.64,
            minor=2.28,
            iota=0.41,
        ),
    )
}


def load_scaling(name: str) -> Scaling:
    """The scaling ``name``; raises ``InputError`` for an unknown one."""
    check_word("scaling", name, SCALINGS, "no such scaling")
    return SCALINGS[name]


def current_from_safety_factor(
    *,
    q95: float,
    major_radius: float,
    minor_radius: float,
    field: float,
    elongation95: float,
    triangularity95: float,
) -> float:
    """Plasma current [A] at a safety factor; radii in m, field in T, shape of the 95 % surface.

    References
    ----------
    Uckan, ITER Physics Design Guidelines 1989, eq. for q95 (no X-point correction beyond its shape factor).
    """
    aspect = minor_radius / major_radius
    shape = (
        0.5
        * (1.17 - 0.65 * aspect)
        / (1.0 - aspect**2) ** 2
        * (1.0 + elongation95**2 * (1.0 + 2.0 * triangularity95**2 - 1.2 * triangularity95**3))
    )
    return 5e6 * minor_radius**2 * field / (major_radius * q95) * shape


def safety_factor(
    *,
    current: float,
    major_radius: float,
    minor_radius: float,
    field: float,
    elongation95: float,
    triangularity95: float,
) -> float:
    """q95 at a plasma current [A]: the inverse of :func:`current_from_safety_factor`.

    References
    ----------
    Uckan, ITER Physics Design Guidelines 1989.
    """
    at_one = current_from_safety_factor(
        q95=1.0,
        major_radius=major_radius,
        minor_radius=minor_radius,
        field=field,
        elongation95=elongation95,
        triangularity95=triangularity95,
    )
    return at_one / current


def greenwald_density(*, current: float, minor_radius: float) -> float:
    """Greenwald's limit of the line-averaged density, 1/m³; A and m.

    References
    ----------
    Greenwald, Plasma Phys. Control. Fusion 44 (2002) R27.
    """
    return 1e14 * current / (np.pi * minor_radius**2)


def sudo_density(*, power: float, field: float, major_radius: float, minor_radius: float) -> float:
    """Sudo's limit of a stellarator's line-averaged density, 1/m³; W, T, m.

    References
    ----------
    Sudo et al., Nucl. Fusion 30 (1990) 11.
    """
    return 2.5e19 * float(np.sqrt(power * 1e-6 * field / (major_radius * minor_radius**2)))


def normalised_beta(*, pressure: npt.ArrayLike, field: float, current: float, minor_radius: float) -> Array:
    """Troyon's β_N in % m T / MA of a volume-averaged pressure [Pa] and a vacuum field [T].

    References
    ----------
    Troyon et al., Plasma Phys. Control. Fusion 26 (1984) 209.
    """
    beta = 2.0 * _MU0 * np.asarray(pressure, dtype=float) / field**2
    return 100.0 * beta * minor_radius * field / (current * 1e-6)


def lh_power(*, density: npt.ArrayLike, field: float, surface: float, mass: float) -> Array:
    """Power over the separatrix at which H-mode begins, W; density [1/m³], surface [m²], mass [u].

    References
    ----------
    Martin et al., J. Phys. Conf. Ser. 123 (2008) 012033; isotope 2/M as there for D-T (Righi et al. 1999).
    """
    n20 = 1e-20 * np.asarray(density, dtype=float)
    return 1e6 * 0.0488 * n20**0.717 * field**0.803 * surface**0.941 * 2.0 / mass


def bootstrap_share(
    *,
    beta_poloidal: npt.ArrayLike,
    aspect: float,
    z_effective: npt.ArrayLike,
    q95: float,
    density_exponent: float,
    temperature_exponent: npt.ArrayLike,
) -> Array:
    """Share of the current that the pressure gradient drives, at most 1 (q on the axis 1).

    Parameters
    ----------
    beta_poloidal : array_like
        Plasma pressure over that of the poloidal field.
    aspect : float
        a/R.
    z_effective : array_like
        Effective charge.
    q95 : float
        Safety factor.
    density_exponent : float
        α_n; peak over mean less one.
    temperature_exponent : array_like
        α_T, > 0.

    References
    ----------
    Gi, Nakamura, Tobita, Ono, Fusion Eng. Des. 89 (2014) 2709, first scaling.
    """
    hot = np.asarray(temperature_exponent, dtype=float)
    pressure = density_exponent + hot
    share = (
        0.474
        * aspect**-0.1
        * pressure**0.974
        * hot**-0.416
        * np.asarray(z_effective, dtype=float) ** 0.178
        * q95**-0.133
        * aspect**0.5
        * np.asarray(beta_poloidal, dtype=float)
    )
    return np.minimum(share, 1.0)


def loop_voltage(
    *,
    current: npt.ArrayLike,
    temperature: npt.ArrayLike,
    z_effective: npt.ArrayLike,
    major_radius: float,
    minor_radius: float,
    elongation: float,
) -> Array:
    """Voltage that keeps ``current`` [A] flowing against neoclassical resistivity, V; keV and m.

    References
    ----------
    Wesson, Tokamaks, 4th ed., 2.16.2 and 14.10; trapped particles: Hirshman, Hawryluk, Birge 1977 as
    fitted in ITER's guidelines.
    """
    root = (minor_radius / major_radius) ** 0.5
    trapped = 0.609 / (0.609 - 0.785 * root + 0.269 * root**2)
    eta = 2.8e-8 * np.asarray(temperature, dtype=float) ** -1.5 * 0.9 * np.asarray(z_effective, dtype=float)
    return (
        np.asarray(current, dtype=float) * eta * trapped * 2.0 * major_radius / (minor_radius**2 * elongation)
    )


def plasma_inductance(
    *, major_radius: float, minor_radius: float, elongation: float, internal: float
) -> float:
    """Inductance of the plasma ring [H]: external part of an elongated ring, and ``internal`` = l_i/2.

    References
    ----------
    Wesson, Tokamaks, 4th ed., 3.6 (large aspect ratio).
    """
    external = np.log(8.0 * major_radius / (minor_radius * elongation**0.5)) - 2.0
    return float(_MU0 * major_radius * (external + internal))
