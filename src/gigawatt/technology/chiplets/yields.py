"""How many dies a wafer gives, and how many of them are good.

All functions are pure and broadcast over arrays. A defect kills what it hits; ``defects`` below is the mean
number on a die, its critical area times the defect density.

==================  =================================  ==========================================
model               yield of a die with mean x         where defects gather
==================  =================================  ==========================================
poisson             e^-x                               nowhere
murphy              ((1 − e^-x)/x)²                    density spread as a triangle
seeds               1/(1 + x)                          density spread as an exponential
negative-binomial   (1 + x/α)^-α                       gamma; α → ∞ is Poisson, α = 1 is Seeds
bose-einstein       (1 + x)^-n                         n critical layers, x of one layer
==================  =================================  ==========================================

References
----------
Murphy 1964, "Cost-size optima of monolithic integrated circuits", Proc. IEEE 52(12). Seeds 1967, IEDM.
Stapper 1973, "Defect density distribution for LSI yield calculations", IEEE Trans. Electron Devices 20(7).
Stapper, Armstrong, Saji 1983, "Integrated circuit yield statistics", Proc. IEEE 71(4).
De Vries 2005, "Investigation of gross die per wafer formulas", IEEE Trans. Semiconductor Manufacturing 18(1).
Williams, Brown 1981, "Defect level as a function of fault coverage", IEEE Trans. Computers C-30(12).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.caches import pure
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError, nearest

__all__ = [
    "MODELS",
    "die_yield",
    "dies_on_wafer",
    "gross_dies",
    "harvested_yield",
    "known_good",
    "reticle_fields",
    "reticle_utilisation",
]

Array = NDArray[np.float64]
MODELS = ("poisson", "murphy", "seeds", "negative-binomial", "bose-einstein")
_NODES = 64  # of the quadrature over the density of defects
_MOST_UNITS = 100_000
_FIELD = 0.026 * 0.033  # m² of an exposure


def gross_dies(
    area: ArrayLike,
    *,
    diameter: float = 0.3,
    edge: float = 0.003,
    scribe: float = 1e-4,
    rim: float | None = None,
) -> Array:
    """Whole square dies on a wafer, by area and circumference: π(d/2 − e)²/S − π(d − 2r)/√(2S).

    Parameters
    ----------
    area : array [m²]
        Of a die, > 0.
    diameter, edge : float [m]
        Of the wafer; of the rim that gives no dies.
    scribe : float [m]
        Width of the lane between dies; S = (√area + scribe)².
    rim : float, optional [m]
        r of the second term where it is not ``edge``.

    Returns
    -------
    array
        ≥ 0, not rounded; below :func:`dies_on_wafer` by 1 % for dies of 20 mm², by 11 % for 800 mm².

    Raises
    ------
    InputError
        A die larger than the wafer, a rim that leaves nothing, a negative lane.

    References
    ----------
    De Vries 2005.
    """
    check_range("diameter", diameter, 0.0, 0.45, "m", open_low=True)
    check_range("edge", edge, 0.0, 0.5 * diameter, "m")
    check_range("scribe", scribe, 0.0, 0.01, "m")
    size = check_range("area", area, 0.0, 0.25 * math.pi * diameter**2, "m²", open_low=True)
    cell = (np.sqrt(size) + scribe) ** 2
    usable = math.pi * (0.5 * diameter - edge) ** 2
    inner = diameter - 2.0 * (edge if rim is None else rim)
    return np.maximum(usable / cell - math.pi * inner / np.sqrt(2.0 * cell), 0.0)


def dies_on_wafer(
    area: float,
    *,
    aspect: float = 1.0,
    diameter: float = 0.3,
    edge: float = 0.003,
    scribe: float = 1e-4,
    shifts: int = 12,
) -> int:
    """Whole dies on a wafer, counted on a grid, the best of ``shifts``² places of the grid.

    Parameters
    ----------
    area : float [m²]
        Of a die, > 0.
    aspect : float
        Width over height of the die, > 0.
    diameter, edge, scribe : float [m]
        As in :func:`gross_dies`.
    shifts : int
        Places tried along each axis, ≥ 1: the count is a lower bound, exact as it grows.

    Raises
    ------
    InputError
        As :func:`gross_dies`.
    """
    check_range("area", area, 0.0, 0.25 * math.pi * diameter**2, "m²", open_low=True)
    check_range("aspect", aspect, 0.01, 100.0)
    check_range("edge", edge, 0.0, 0.5 * diameter, "m")
    width, height = math.sqrt(area * aspect), math.sqrt(area / aspect)
    dx, dy, radius = width + scribe, height + scribe, 0.5 * diameter - edge
    columns, rows = math.ceil(2.0 * radius / dx) + 2, math.ceil(2.0 * radius / dy) + 2
    i, j = np.arange(-columns, columns + 1), np.arange(-rows, rows + 1)
    most = 0
    for sx in np.arange(shifts) / shifts:
        x = (i + sx) * dx
        far_x = np.maximum(np.abs(x), np.abs(x + width))
        for sy in np.arange(shifts) / shifts:
            y = (j + sy) * dy
            far_y = np.maximum(np.abs(y), np.abs(y + height))
            most = max(most, int(np.sum(far_x[:, None] ** 2 + far_y[None, :] ** 2 <= radius**2)))
    return most


def die_yield(
    area: ArrayLike,
    defect_density: ArrayLike,
    *,
    model: str = "negative-binomial",
    clustering: float = 3.0,
    critical: ArrayLike = 1.0,
    layers: float = 1.0,
) -> Array:
    """Share of dies without a killing defect.

    Parameters
    ----------
    area : array [m²]
        Of the die, > 0.
    defect_density : array [1/m²]
        0.1/cm² is 1,000; of one layer for ``bose-einstein``.
    model : str
        One of :data:`MODELS`.
    clustering : float
        α of the negative binomial, > 0.
    critical : array
        Share of the area where a defect kills, 0 to 1.
    layers : float
        Critical layers of ``bose-einstein``, ≥ 1.

    Returns
    -------
    array
        0 to 1; falls with area and density.

    Raises
    ------
    InputError
        An unknown model; a number outside its range.
    """
    size = check_range("area", area, 0.0, 0.1, "m²", open_low=True)
    density = check_range("defect_density", defect_density, 0.0, 1e6, "1/m²")
    x = size * density * check_range("critical", critical, 0.0, 1.0)
    if model == "poisson":
        return np.exp(-x)
    if model == "murphy":
        some = np.where(x > 0.0, x, 1.0)
        return np.where(x > 0.0, (-np.expm1(-some) / some) ** 2, 1.0)
    if model == "seeds":
        return 1.0 / (1.0 + x)
    if model == "negative-binomial":
        alpha = float(check_range("clustering", clustering, 0.0, np.inf, open_low=True))
        return np.exp(-x) if math.isinf(alpha) else np.exp(-alpha * np.log1p(x / alpha))
    if model == "bose-einstein":
        return (1.0 + x) ** -check_range("layers", layers, 1.0, 1000.0)
    raise InputError(
        "no such model of yield", key="model", given=model, allowed=MODELS, nearest=nearest(model, MODELS)
    )


@pure
def _gamma_nodes(alpha: float) -> tuple[Array, Array]:
    """Nodes and weights of the mean over a gamma density of shape α and mean α (Golub and Welsch 1969)."""
    k = np.arange(_NODES, dtype=float)
    off = np.sqrt(k[1:] * (k[1:] + alpha - 1.0))
    nodes, vectors = np.linalg.eigh(np.diag(2.0 * k + alpha) + np.diag(off, 1) + np.diag(off, -1))
    return nodes, vectors[0] ** 2


def harvested_yield(
    *,
    unit_area: float,
    units: int,
    needed: int,
    shared_area: float,
    defect_density: float,
    clustering: float = 3.0,
) -> float:
    """Share of dies whose shared part is good and of whose like units at least ``needed`` are.

    Defects hit independently at a density that differs from die to die as a gamma does: the mean over it of a
    binomial tail. Clustering raises what harvesting gives less than it raises the yield of perfect dies.

    Parameters
    ----------
    unit_area, shared_area : float [m²]
        Of one of the like units; of what must be good in any case.
    units, needed : int
        1 ≤ units, 0 ≤ needed ≤ units.
    defect_density : float [1/m²]
        Mean over dies.
    clustering : float
        α; infinite: the same density everywhere.

    Returns
    -------
    float
        Equal to :func:`die_yield` of the whole where all are needed.

    Raises
    ------
    InputError
        More units needed than there are; a number outside its range.
    """
    check_range("units", units, 1, _MOST_UNITS)
    check_range("needed", needed, 0, units, "units")
    check_range("unit_area", unit_area, 0.0, 0.1, "m²", open_low=True)
    check_range("shared_area", shared_area, 0.0, 0.1, "m²")
    check_range("defect_density", defect_density, 0.0, 1e6, "1/m²")
    check_range("clustering", clustering, 0.0, np.inf, open_low=True)
    if needed == units:
        return float(die_yield(shared_area + units * unit_area, defect_density, clustering=clustering))
    if math.isinf(clustering):
        density, weight = np.array([1.0]), np.array([1.0])
    else:
        nodes, weight = _gamma_nodes(float(clustering))
        density = nodes / clustering
    local = density * defect_density
    good = np.exp(-local * unit_area)
    tail = _binomial_tail(units, needed, good)
    return float(np.sum(weight * np.exp(-local * shared_area) * tail))


def _binomial_tail(n: int, least: int, p: Array) -> Array:
    """P(X ≥ least) of a binomial, by sums of logarithms."""
    k = np.arange(least, n + 1, dtype=float)
    logs = np.array([math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in k])
    p = np.clip(p, 1e-300, 1.0)
    q = np.clip(1.0 - p, 1e-300, 1.0)
    terms = logs[:, None] + k[:, None] * np.log(p)[None, :] + (n - k)[:, None] * np.log(q)[None, :]
    return np.minimum(np.exp(terms).sum(axis=0), 1.0)


def known_good(true_yield: ArrayLike, coverage: ArrayLike) -> tuple[Array, Array]:
    """What a test passes, and how much of that is good: Y^T and Y^(1−T).

    Parameters
    ----------
    true_yield : array
        Y, above 0 to 1.
    coverage : array
        T, share of faults that the test finds, 0 to 1.

    Returns
    -------
    (passed, quality)
        Shares of all dies and of passed ones; their product is Y. 1 − quality escapes.

    Raises
    ------
    InputError
        A number outside its range.

    References
    ----------
    Williams and Brown 1981.
    """
    good = check_range("true_yield", true_yield, 0.0, 1.0, open_low=True)
    found = check_range("coverage", coverage, 0.0, 1.0)
    return good**found, good ** (1.0 - found)


def reticle_fields(area: float, *, stitch_yield: float = 1.0) -> tuple[int, int, float]:
    """Exposures that a die or interposer needs, seams between them, and what the seams leave good.

    Parameters
    ----------
    area : float [m²]
        Of the die or interposer, > 0.
    stitch_yield : float
        Of one seam, above 0 to 1.

    Returns
    -------
    (int, int, float)
        Fields, laid as near a square as they go; seams; stitch_yield^seams.

    Raises
    ------
    InputError
        A number outside its range.
    """
    check_range("area", area, 0.0, 0.1, "m²", open_low=True)
    check_range("stitch_yield", stitch_yield, 0.0, 1.0, open_low=True)
    fields = math.ceil(area / _FIELD - 1e-9)
    side = math.isqrt(fields)
    left = fields - side * side
    seams = 2 * side * (side - 1) + 2 * left - math.ceil(left / side)
    return fields, seams, stitch_yield**seams


def reticle_utilisation(area: float) -> float:
    """Share of the exposed fields that is die: whole dies in a field, or whole fields for a larger die.

    By area alone, as the cost model of the references does: how dies lie in the field is left out.

    References
    ----------
    Graening, Pal, Gupta 2023, "Chiplets: how small is too small?", DAC.
    """
    check_range("area", area, 0.0, 0.1, "m²", open_low=True)
    exposed = _FIELD * math.ceil(area / _FIELD - 1e-9)
    return math.floor(exposed / area + 1e-9) * area / exposed
