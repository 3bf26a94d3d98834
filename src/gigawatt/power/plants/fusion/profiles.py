"""Profiles over the plasma: shapes with mean one, and the averages that a 0-D balance needs.

ρ is the normalised radius, the volume element 2 ρ dρ. A shape is sampled at Gauss points, so that an average
is a weighted sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = ["Profile", "Sampled", "sample"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """Parabolic, parabolic inside a pedestal, or of a given gradient with a pedestal.

    ``density``, ``temperature`` : exponents α_n, α_T, >= 0.
    ``inner`` : β_T, exponent of ρ in the temperature inside a pedestal.
    ``pedestal`` : ρ of the pedestal's top, (0, 1]; 1 is none.
    ``density_top``, ``density_edge`` : n over ⟨n⟩ at the pedestal's top and at the edge.
    ``temperature_top``, ``temperature_edge`` : keV there.
    ``gradient`` : a/L_T of the outer core, > 0 for the third form: the logarithmic gradient grows from the
    axis and is constant from some radius to the pedestal's top at ``pedestal``; that radius gives T its
    peaking
    1 + α_T, and the density's gradient gives n its peaking 1 + α_n. The pedestal is a tanh.

    References
    ----------
    Rodriguez-Fernandez et al., J. Plasma Phys. 86 (2020) 865860503 (gradient form).
    Bernert et al., Plasma Phys. Control. Fusion 57 (2015) 014038 (pedestal form, as system codes use it).
    """

    density: float = 0.5
    temperature: float = 1.5
    inner: float = 2.0
    pedestal: float = 1.0
    density_top: float = 0.0
    density_edge: float = 0.0
    temperature_top: float = 0.0
    temperature_edge: float = 0.0
    gradient: float = 0.0

    def __post_init__(self) -> None:
        for name in ("density", "temperature"):
            value = getattr(self, name)
            check_range(f"profile.{name}", value, 0.0, 10.0, message="not a profile exponent")
        check_range(
            "profile.pedestal", self.pedestal, 0.0, 1.0, open_low=True, message="not a normalised radius"
        )
        check_range("profile.gradient", self.gradient, 0.0, 20.0, message="not a gradient")
        if self.gradient > 0.0 and not self.pedestal < 1.0:
            raise InputError("this form needs a pedestal", key="profile.pedestal", allowed="below 1")
        if not self.density_top >= self.density_edge >= 0.0:
            raise InputError("the pedestal falls outwards", key="profile.density_edge")
        if not self.temperature_top >= self.temperature_edge >= 0.0:
            raise InputError("the pedestal falls outwards", key="profile.temperature_edge")


@dataclass(frozen=True)
class Sampled:
    """Shapes at R points for K mean temperatures.

    ``weights`` : (R,), sum one. ``radius`` : (R,). ``density`` : (R,), n/⟨n⟩. ``temperature`` : (K, R),
    T/⟨T⟩.
    ``line`` : line average of the density over its volume average.
    """

    radius: Array
    weights: Array
    density: Array
    temperature: Array
    line: float

    def mean(self, values: Array) -> Array:
        """Volume average over the last axis."""
        return values @ self.weights


@lru_cache(maxsize=32)
def _points(pedestal: float, count: int) -> tuple[Array, Array]:
    """Gauss points in u = ρ² with weights; a quarter of them outside the pedestal."""
    split = pedestal**2
    pieces = [(0.0, split, count)]
    if pedestal < 1.0:
        outside = max(count // 4, 4)
        pieces = [(0.0, split, count - outside), (split, 1.0, outside)]
    at: list[Array] = []
    weight: list[Array] = []
    for low, high, number in pieces:
        x, w = np.polynomial.legendre.leggauss(number)
        at.append(low + (high - low) * (x + 1.0) / 2.0)
        weight.append((high - low) / 2.0 * w)
    return np.sqrt(np.concatenate(at)), np.concatenate(weight)


@lru_cache(maxsize=32)
def _by_gradient(profile: Profile, count: int) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """(density, temperature) over their pedestal tops, as functions of ρ."""
    edge = profile.pedestal
    width = (1.0 - edge) / 1.5  # of the tanh; the top lies 1.5 widths inside the edge
    radius, weights = _points(edge, count)

    def shape(gradient: float, inner: float, at: Array) -> Array:
        rise = np.where(at < inner, 0.5 * (at**2 / inner + inner), at)  # ∫ min(ρ/inner, 1)
        core = np.exp(gradient * (edge - rise))
        fall = 1.0 + np.tanh((1.0 - at - width / 2.0) / (width / 2.0))
        top = 1.0 + np.tanh((1.0 - edge - width / 2.0) / (width / 2.0))
        return np.where(at < edge, core, fall / top)

    def peaking(gradient: float, inner: float) -> float:
        axis = float(shape(gradient, inner, np.zeros(1))[0])
        return axis / float(shape(gradient, inner, radius) @ weights)

    def bisect(of: Callable[[float], float], low: float, high: float, target: float, name: str) -> float:
        ends = sorted((of(low), of(high)))
        check_range(
            f"profile.{name}",
            target,
            ends[0],
            ends[1],
            message="no profile of this gradient has that peaking",
        )
        falling = of(low) > of(high)
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if (of(middle) > target) == falling else (low, middle)
        return 0.5 * (low + high)

    steep = profile.gradient
    inner = bisect(lambda x: peaking(steep, x), 1e-3, 0.999 * edge, 1.0 + profile.temperature, "temperature")
    gentle = bisect(lambda g: peaking(g, inner), -1.0, 10.0, 1.0 + profile.density, "density")
    return partial(shape, gentle, inner), partial(shape, steep, inner)


def sample(profile: Profile, temperature: npt.ArrayLike, count: int = 48) -> Sampled:
    """Shapes of ``profile`` at mean temperatures.

    Parameters
    ----------
    profile : Profile
        Form and exponents.
    temperature : (K,) array_like
        Volume-averaged temperature [keV], > 0; only a pedestal of given height depends on it.
    count : int
        Gauss points, at least 8.

    Raises
    ------
    InputError
        A mean density below what the pedestal holds. Where a mean *temperature* is below that of a pedestal
        of the given height, the pedestal is lowered to a flat core instead: a scan runs through such points.
    """
    mean = np.atleast_1d(np.asarray(temperature, dtype=float))
    radius, weights = _points(profile.pedestal, count)
    x, w = np.polynomial.legendre.leggauss(count)
    chord, along = (x + 1.0) / 2.0, w / 2.0
    edge = profile.pedestal
    if profile.gradient > 0.0:
        cold, hot = _by_gradient(profile, count)
        density, far = cold(radius), cold(chord)
        scale = 1.0 / float(density @ weights)
        shape = hot(radius)
        shape = shape / float(shape @ weights)
        many = np.broadcast_to(shape, (mean.size, shape.size))
        return Sampled(radius, weights, density * scale, many, float(along @ far) * scale)
    if edge >= 1.0:
        density = (1.0 - radius**2) ** profile.density * (1.0 + profile.density)
        line = float(along @ ((1.0 - chord**2) ** profile.density)) * (1.0 + profile.density)
        hot = (1.0 - radius**2) ** profile.temperature * (1.0 + profile.temperature)
        return Sampled(radius, weights, density, np.broadcast_to(hot, (mean.size, hot.size)), line)

    def parts(at: Array, exponent: float, inner: float) -> tuple[Array, Array]:
        """(core bump, 1 at the axis; share of the way from the edge to the top)."""
        core = np.where(at < edge, np.maximum(1.0 - (np.minimum(at, edge) / edge) ** inner, 0.0), 0.0)
        slope = np.clip((1.0 - at) / (1.0 - edge), 0.0, 1.0)
        return np.where(at < edge, core**exponent, 0.0), slope

    bump, slope = parts(radius, profile.density, 2.0)
    base = profile.density_edge + (profile.density_top - profile.density_edge) * slope
    excess = 1.0 - float(base @ weights)
    if excess < 0.0:
        raise InputError(
            "the pedestal holds more than the mean density",
            key="profile.density_top",
            given=f"{profile.density_top:g} of the mean",
            allowed="a top that leaves the core the densest",
        )
    height = excess / float(bump @ weights)
    density = base + height * bump
    far, falls = parts(chord, profile.density, 2.0)
    chorded = profile.density_edge + (profile.density_top - profile.density_edge) * falls + height * far
    bump, slope = parts(radius, profile.temperature, profile.inner)
    drop = np.minimum(profile.temperature_edge / mean, 1.0)[:, None]
    full = float(slope @ weights)
    highest = (1.0 - drop * (1.0 - full)) / full  # top at which the core is flat
    top = np.minimum((profile.temperature_top / mean)[:, None], highest)
    base = drop + (top - drop) * slope
    rise = (1.0 - (base @ weights)) / float(bump @ weights)
    return Sampled(
        radius, weights, density, base + np.maximum(rise, 0.0)[:, None] * bump, float(along @ chorded)
    )
