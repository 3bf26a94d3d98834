"""What low-communication training (DiLoCo) costs in loss, tokens and compute.

Replicas of the model train alone for H inner steps and then exchange what changed. Against plain data
parallelism with the same tokens the loss is higher by a factor e^ρ,

    ρ = b + (N/N₀)^−g · (k · ln(M)^h + q · ln(H/H₀) · [M > 1]),

with N parameters, M replicas and H inner steps. The five coefficients were fitted to published losses
(catalog table ``diloco_losses``, role ``fit``: table 4 of the scaling laws for DiLoCo up to 2.4 G parameters
and table 5 of Streaming DiLoCo up to 1 G); the rows of role ``judge`` (4 and 10 G parameters, overtraining
on another data set, overlap of a whole outer step) were left out. That all of the penalty declines with the
size of the model follows the sources' finding 1 and section 5.1.

A loss becomes tokens or compute through L(N, D) = E + A/N^α + B/D^β (Hoffmann et al. 2022, as refitted by
Besiroglu et al. 2024): the tokens, or the compute at the best split between N and D, that win the loss back.

References
----------
Douillard et al. 2023, arXiv:2311.08105 (DiLoCo). Charles et al. 2025, arXiv:2503.09799 (scaling laws).
Douillard et al. 2025, arXiv:2501.18512 (streaming). Kale et al. 2025, arXiv:2502.12996 (eager updates).
Besiroglu et al. 2024, arXiv:2404.10102.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, entity
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Z95

__all__ = [
    "COEFFICIENTS",
    "Penalty",
    "compute_factor",
    "loss_penalty",
    "low_communication_penalty",
    "penalty_law",
    "token_factor",
]

Array = NDArray[np.float64]

#: Coefficients of the law, in the order of the fit.
COEFFICIENTS = ("base", "replicas_scale", "size_exponent", "replicas_exponent", "inner_scale")


@dataclass(frozen=True, slots=True)
class Penalty:
    """Cost of low-communication training against plain data parallelism, arrays of one shape.

    Attributes
    ----------
    log_loss : array
        ρ, the published law as it is (it can be below 0: the outer optimizer helps).
    loss, loss_low, loss_high : array ≥ 0
        ρ not below 0, and its 90 % band: no credit is taken for an optimizer that one site could use too.
    tokens, tokens_low, tokens_high : array ≥ 1
        Factor on the tokens of the same model to reach the same loss (inf where no tokens do).
    compute : array ≥ 1
        Factor on the compute at the best split between parameters and tokens.
    outside : bool array
        Parameters, replicas or inner steps outside what was published and fitted; the band is wider there.
    """

    log_loss: Array
    loss: Array
    loss_low: Array
    loss_high: Array
    tokens: Array
    tokens_low: Array
    tokens_high: Array
    compute: Array
    outside: NDArray[np.bool_]


def _law() -> tuple[list[float], float, float]:
    row = entity("diloco_law", "penalty")
    return [row.value(name) for name in COEFFICIENTS], row.value("size_base"), row.value("inner_base")


def penalty_law(
    coefficients: Iterable[float], size: Array, replicas: Array, inner: Array, one: float, base: float
) -> Array:
    """ρ by the law above, from :data:`COEFFICIENTS`, N₀ (``one``) and H₀ (``base``)."""
    offset, scale, decline, power, steps = coefficients
    several = np.log(np.maximum(replicas, 1.0))
    apart = scale * several**power + steps * np.log(inner / base) * (replicas > 1.0)
    return offset + (size / one) ** -decline * apart


def _positive(name: str, values: ArrayLike, least: float = 0.0) -> Array:
    array = np.asarray(values, dtype=float)
    if np.any(~(array >= least)) or np.any(array <= 0.0):
        raise InputError(
            "out of range", key=name, given=float(np.min(array)), allowed=f"at least {least:g}, above 0"
        )
    return array


def loss_penalty(*, parameters: ArrayLike, replicas: ArrayLike, inner_steps: ArrayLike) -> Array:
    """ρ = ln(loss / loss of plain data parallelism) at the same tokens.

    Parameters
    ----------
    parameters : array > 0
        N. Fitted on dense models of 35 M to 2.4 G parameters, judged at 4 and 10 G.
    replicas : array ≥ 1
        M: fitted on 1, 2, 4, 8.
    inner_steps : array ≥ 1
        H: fitted on 30 and 100.

    Returns
    -------
    array
        Broadcast of the three; below 0 where the outer optimizer gains more than the replicas lose.
    """
    coefficients, one, base = _law()
    return penalty_law(
        coefficients,
        _positive("parameters", parameters),
        _positive("replicas", replicas, 1.0),
        _positive("inner_steps", inner_steps, 1.0),
        one,
        base,
    )


def _chinchilla() -> tuple[float, float, float, float, float]:
    row = entity("diloco_law", "chinchilla")
    names = ("irreducible", "size_scale", "size_exponent", "token_scale", "token_exponent")
    found = [row.value(name) for name in names]
    return found[0], found[1], found[2], found[3], found[4]


def token_factor(*, log_loss: ArrayLike, parameters: ArrayLike, tokens: ArrayLike) -> Array:
    """Factor on the tokens that wins back a loss that is higher by e^ρ, with the model's size kept.

    Solves e^ρ · L(N, f·D) = L(N, D) for f; inf where even endless tokens do not (the model would have to
    grow).

    Parameters
    ----------
    log_loss : array
        ρ.
    parameters, tokens : array > 0
        N and D of the run.

    Returns
    -------
    array
        f; 1 where ρ is 0.
    """
    end, size_scale, alpha, token_scale, beta = _chinchilla()
    size = size_scale * _positive("parameters", parameters) ** -alpha
    data = token_scale * _positive("tokens", tokens) ** -beta
    left = data - (end + size + data) * -np.expm1(-np.asarray(log_loss, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(left > 0.0, (data / np.where(left > 0.0, left, 1.0)) ** (1.0 / beta), np.inf)


def compute_factor(*, log_loss: ArrayLike, parameters: ArrayLike, tokens: ArrayLike) -> Array:
    """Factor on the compute that wins back a loss that is higher by e^ρ, parameters and tokens both grown.

    Along the best split the reducible loss falls as C^−αβ/(α+β) (Hoffmann et al. 2022). Parameters as in
    :func:`token_factor`; inf where the loss asked for lies below the irreducible one.
    """
    end, size_scale, alpha, token_scale, beta = _chinchilla()
    size = size_scale * _positive("parameters", parameters) ** -alpha
    reducible = size + token_scale * _positive("tokens", tokens) ** -beta
    left = reducible - (end + reducible) * -np.expm1(-np.asarray(log_loss, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(left > 0.0, reducible / np.where(left > 0.0, left, 1.0), np.inf)
    return ratio ** (1.0 / alpha + 1.0 / beta)


def low_communication_penalty(
    *,
    parameters: ArrayLike,
    tokens: ArrayLike,
    replicas: ArrayLike,
    inner_steps: ArrayLike,
    extra_log_loss: ArrayLike = 0.0,
) -> Penalty:
    """What training in replicas that meet every ``inner_steps`` costs, with a 90 % band.

    Parameters
    ----------
    parameters, tokens : array > 0
        Of the run (parameters of a dense model; a mixture of experts was not published).
    replicas, inner_steps : array ≥ 1
        M and H.
    extra_log_loss : array, optional
        What a variant adds to ρ, such as an overlap of a whole outer step.

    Returns
    -------
    Penalty
        Arrays of the broadcast shape. The band is ±1.645 standard deviations of the fitted rows, and ±
        the worst row that judges outside the domain.
    """
    size, spent = np.asarray(parameters, dtype=float), np.asarray(tokens, dtype=float)
    many, inner = np.asarray(replicas, dtype=float), np.asarray(inner_steps, dtype=float)
    rho = loss_penalty(parameters=size, replicas=many, inner_steps=inner) + np.asarray(extra_log_loss)
    rho, size, spent, many, inner = np.broadcast_arrays(rho, size, spent, many, inner)
    domain = entity("diloco_law", "domain")
    outside = (
        _beyond(domain, "parameters", size)
        | _beyond(domain, "replicas", many)
        | _beyond(domain, "inner_steps", inner)
    )
    residual = entity("diloco_law", "penalty").evidence("residual")
    spread = np.where(outside, residual.high or residual.value, Z95 * residual.value)
    loss, low, high = (np.maximum(r, 0.0) for r in (rho, rho - spread, rho + spread))
    factors = [token_factor(log_loss=r, parameters=size, tokens=spent) for r in (loss, low, high)]
    compute = compute_factor(log_loss=loss, parameters=size, tokens=spent)
    return Penalty(rho, loss, low, high, factors[0], factors[1], factors[2], compute, outside)


def _beyond(domain: Entity, name: str, values: Array) -> NDArray[np.bool_]:
    row = domain.evidence(name)
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    return (values < low) | (values > high)
