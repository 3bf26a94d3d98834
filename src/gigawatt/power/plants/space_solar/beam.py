"""A beam between two apertures: how much arrives, how it lies on the ground, who may stand there.

Both apertures are circles that face one another and the transmitter is focused on the receiver, so that the
field there is the Hankel transform of the field in the aperture, near or far.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = [
    "LIGHT",
    "aperture_product",
    "collection_efficiency",
    "ground_density",
    "keep_out_radius",
    "optimum_efficiency",
    "sidelobe",
    "tapered_collection",
]

Array = npt.NDArray[np.float64]

LIGHT = 299792458.0
_NODES = 96
_TAPERS = (0.0, 40.0)


def _positive(**values: npt.ArrayLike) -> None:
    for name, value in values.items():
        given = np.asarray(value, dtype=np.float64)
        if not np.all(np.isfinite(given) & (given > 0.0)):
            raise InputError(
                "not a sensible value",
                key=name,
                given=f"{float(given.ravel()[0]):g}",
                allowed="above 0, finite",
            )


def aperture_product(
    *,
    transmit_area: npt.ArrayLike,
    receive_area: npt.ArrayLike,
    wavelength: npt.ArrayLike,
    distance: npt.ArrayLike,
) -> Array:
    """τ of two apertures [], any shape: √(A_t A_r) / (λ D).

    Parameters
    ----------
    transmit_area, receive_area : array [m²]
        As seen along the beam, > 0.
    wavelength, distance : array [m]
        > 0.

    Raises
    ------
    InputError
        A value that is not positive: there is no beam.

    References
    ----------
    Brown, W. C. (1974). The technology and application of free-space power transmission by microwave beam.
    Proc. IEEE 62(1), 11-25.
    """
    _positive(
        transmit_area=transmit_area, receive_area=receive_area, wavelength=wavelength, distance=distance
    )
    areas = np.asarray(transmit_area, dtype=np.float64) * np.asarray(receive_area, dtype=np.float64)
    return np.sqrt(areas) / (np.asarray(wavelength) * np.asarray(distance))


def collection_efficiency(tau: npt.ArrayLike, *, jitter: npt.ArrayLike = 0.0) -> Array:
    """Share of the transmitted power that falls on the receiver [], any shape: 1 − exp(−τ²) for a Gaussian
    beam.

    Parameters
    ----------
    tau : array []
        :func:`aperture_product`, >= 0.
    jitter : array []
        Root mean square of the beam's offset on each axis over the receiver's radius, >= 0. The mean spot is
        then wider by √(1 + 2 τ² jitter²).

    Returns
    -------
    array
        In [0, 1): 0 at τ = 0, towards 1 as the apertures grow.

    Raises
    ------
    InputError
        A negative value.

    References
    ----------
    Brown, W. C., Eves, E. E. (1992). Beamed microwave power transmission and its application to space. IEEE
    Trans. Microwave Theory Tech. 40(6), 1239-1250. Offset: convolution of two Gaussians.
    """
    product, offset = np.asarray(tau, dtype=np.float64), np.asarray(jitter, dtype=np.float64)
    for name, given in (("tau", product), ("jitter", offset)):
        if not np.all(given >= 0.0):
            raise InputError(
                "not a sensible value", key=name, given=f"{float(np.min(given)):g}", allowed=">= 0"
            )
    squared = product**2
    return -np.expm1(-squared / (1.0 + 2.0 * squared * offset**2))


@lru_cache(maxsize=4)
def _gauss(count: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss and Legendre on 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


def _bessel(order: int, x: Array) -> Array:
    library: Any = import_module("scipy.special")  # half a second, so not at the door
    return np.asarray(library.j0(x) if order == 0 else library.j1(x), dtype=np.float64)


def optimum_efficiency(tau: npt.ArrayLike) -> Array:
    """The largest share that any taper can carry between two circular apertures [], (n,).

    The best field is the first generalised prolate spheroidal function; the share is the square of its
    eigenvalue under the finite Hankel transform with c = 2τ. :func:`collection_efficiency` is Brown's closed
    form of it.

    Parameters
    ----------
    tau : (n,) []
        >= 0, at most 20 (above, the share is 1 to rounding).

    Raises
    ------
    InputError
        Out of that range.

    References
    ----------
    Slepian, D. (1964). Prolate spheroidal wave functions IV. Bell System Tech. J. 43, 3009-3057. Goubau, G.,
    Schwering, F. (1961). On the guided propagation of electromagnetic wave beams. IRE Trans. AP-9, 248-256.
    """
    found = np.atleast_1d(np.asarray(tau, dtype=np.float64))
    if not np.all((found >= 0.0) & (found <= 20.0)):
        raise InputError("out of range", key="tau", given=f"{float(np.max(found)):g}", allowed="0 to 20")
    nodes, weights = _gauss(_NODES)
    root = np.sqrt(weights * nodes)
    made = np.empty(found.size)
    for i, value in enumerate(found.ravel()):
        c = 2.0 * value
        kernel = c * root[:, None] * _bessel(0, c * nodes[:, None] * nodes[None, :]) * root[None, :]
        made[i] = min(float(np.max(np.abs(np.linalg.eigvalsh(kernel)))) ** 2, 1.0)
    return made.reshape(found.shape)


def _field(taper: float) -> tuple[Array, Array, float]:
    """(field at the nodes of a radius of 1, nodes' weights r dr, power ∫ f² r dr of an aperture)."""
    check_range("taper", taper, _TAPERS[0], _TAPERS[1], "dB at the edge", message="no such taper")
    nodes, weights = _gauss(_NODES)
    field = 10.0 ** (-taper / 20.0 * nodes**2)
    area = nodes * weights
    return field, area, float(np.sum(field**2 * area))


def ground_density(
    radius: npt.ArrayLike,
    *,
    power: float,
    transmit_diameter: float,
    wavelength: float,
    distance: float,
    taper: float = 10.0,
) -> Array:
    """Power density of the focused beam across the receiver's plane, (n,) [W/m²].

    Parameters
    ----------
    radius : (n,) [m]
        From the middle of the beam.
    power : float [W]
        That leaves the aperture.
    transmit_diameter, wavelength, distance : float [m]
        > 0.
    taper : float [dB]
        How far the power density of the Gaussian field in the aperture is down at its edge.

    Notes
    -----
    S(r) = 2π a² P / (λD)² · (∫ f J0(2π a r ρ / λD) ρ dρ)² / ∫ f² ρ dρ, with ρ from 0 to 1; integrated over
    the whole plane it gives ``power``.

    Raises
    ------
    InputError
        A value that is not positive, or a taper out of range.

    References
    ----------
    Goodman, J. W. (2005). Introduction to Fourier Optics, 3rd ed., section 4.2.
    """
    _positive(power=power, transmit_diameter=transmit_diameter, wavelength=wavelength, distance=distance)
    field, area, norm = _field(taper)
    nodes, _ = _gauss(_NODES)
    out = np.atleast_1d(np.asarray(radius, dtype=np.float64))
    reach = transmit_diameter / 2.0
    argument = 2.0 * np.pi * reach * out / (wavelength * distance)
    if float(np.max(argument)) > _NODES:
        raise InputError(
            "so far out the rings are finer than what is computed",
            key="radius",
            given=f"{float(np.max(out)):g} m",
            allowed=f"up to {_NODES * wavelength * distance / (2.0 * np.pi * reach):g} m",
        )
    amplitude = _bessel(0, argument[:, None] * nodes[None, :]) @ (field * area)
    return 2.0 * np.pi * reach**2 * power / (wavelength * distance) ** 2 * amplitude**2 / norm


def tapered_collection(
    *,
    transmit_diameter: float,
    receive_diameter: float,
    wavelength: float,
    distance: float,
    taper: float = 10.0,
) -> float:
    """Share of a tapered beam that falls on a circular receiver [], by the pattern, not by a formula.

    Parameters
    ----------
    transmit_diameter, receive_diameter, wavelength, distance : float [m]
        > 0.
    taper : float [dB]
        At the aperture's edge.

    References
    ----------
    :func:`ground_density`, integrated over the receiver.
    """
    nodes, weights = _gauss(_NODES)
    edge = receive_diameter / 2.0
    density = ground_density(
        nodes * edge,
        power=1.0,
        transmit_diameter=transmit_diameter,
        wavelength=wavelength,
        distance=distance,
        taper=taper,
    )
    return float(np.sum(density * nodes * weights) * 2.0 * np.pi * edge**2)


def sidelobe(taper: float) -> float:
    """Highest ring beside the beam over its middle [dB], negative.

    Parameters
    ----------
    taper : float [dB]
        As in :func:`ground_density`.

    References
    ----------
    Balanis, C. A. (2016). Antenna Theory, 4th ed., table 12.1: −17.6 dB for an even circle.
    """
    x = np.linspace(0.0, 30.0, 6001)
    density = ground_density(
        x, power=1.0, transmit_diameter=2.0, wavelength=1.0, distance=2.0 * np.pi, taper=taper
    )
    falling = np.flatnonzero((density[1:-1] <= density[:-2]) & (density[1:-1] < density[2:]))
    first = int(falling[0]) + 1
    return 10.0 * math.log10(float(np.max(density[first:])) / float(density[0]))


def keep_out_radius(
    limit: float,
    *,
    power: float,
    transmit_diameter: float,
    wavelength: float,
    distance: float,
    taper: float = 10.0,
) -> float:
    """Radius beyond which the beam is nowhere stronger than ``limit`` [m]; 0 where it never is.

    Parameters
    ----------
    limit : float [W/m²]
        What may fall on a person, > 0.
    power, transmit_diameter, wavelength, distance, taper
        As in :func:`ground_density`.

    Raises
    ------
    InputError
        The limit is not positive, or is still passed where the rings become too fine to compute.

    References
    ----------
    ICNIRP (2020). Health Physics 118(5), 483-524: 10 W/m² for the public, 50 W/m² at work, whole body, 2 to
    300 GHz.
    """
    _positive(limit=limit)
    farthest = _NODES * wavelength * distance / (np.pi * transmit_diameter)
    radius = np.linspace(0.0, farthest * (1.0 - 1e-12), 4001)
    density = ground_density(
        radius,
        power=power,
        transmit_diameter=transmit_diameter,
        wavelength=wavelength,
        distance=distance,
        taper=taper,
    )
    above = np.flatnonzero(density > limit)
    if not above.size:
        return 0.0
    last = int(above[-1])
    if last == radius.size - 1:
        raise InputError(
            "the beam passes this limit as far as it can be computed",
            key="limit",
            given=f"{limit:g} W/m2",
            allowed=f"above {float(density[-1]):.2g} W/m2",
        )
    share = (density[last] - limit) / (density[last] - density[last + 1])
    return float(radius[last] + share * (radius[last + 1] - radius[last]))
