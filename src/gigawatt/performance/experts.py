"""Layers of experts in training: grouped multiplications, small kernels of the routing, dispatch, imbalance.

A grouped multiplication is as many matrix multiplications as the device has experts, each with the tokens
that one of them receives: its tiles are those of the library's kernels on such a matrix, dealt out together,
at a share of their rate that belongs to how the software runs them (and another one for weight gradients).
Kernels fused for serving, whose fits the chip's ``grouped_gemm`` family has, are not used in training.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import table
from gigawatt.core.errors import MissingDataError
from gigawatt.machine.machine import Chip
from gigawatt.performance import collectives
from gigawatt.performance.activations import ELEMENT
from gigawatt.performance.collectives import Fabric, Group, Traffic
from gigawatt.performance.stacks import NARROW, Stack
from gigawatt.technology import Cost, Efficiency, Model
from gigawatt.workload.architecture import Experts
from gigawatt.workload.operations import Operation

__all__ = [
    "CLAMPED", "PERMUTATION", "ROUTER", "device_kernels", "dispatch_and_combine", "domains_reached",
    "exchange_share", "expert_imbalance", "grouped_cost", "issued", "lasting_excess", "memory_passes",
]  # fmt: skip

Array = NDArray[np.float64]

PERMUTATION, ROUTER, CLAMPED = "experts.permute", "router.top_k", "experts.clamped"
"""Operations of a routed layer that software does in more passes, or more kernels, than the least."""
_BESIDE_PRODUCTS = ("experts.activation", CLAMPED, "experts.cast")
"""Those that a kernel of a whole feed-forward does on the way out of its multiplications."""
_RANKS, _SLOTS = 8.0, 32.0  # of the layout that a lasting skew is said of
_PHASES = 2.0  # forward and backward share the kernels of the router


def expert_imbalance(*, tokens: Array, per_token: int, expert: Array, skew: Array | float) -> Array:
    """Tokens on the busiest of ``expert`` ranks over the mean.

    Chance: the largest of e nearly normal counts with mean μ = tokens·per_token is about
    μ + √(2 μ ln e); beyond it a lasting ``skew`` of the router. 1 where there is one rank.

    Parameters
    ----------
    tokens : array
        Tokens that one rank sends, so that tokens · per_token is the mean load of a rank.
    per_token : int
        Experts that a token visits.
    expert : array
        Ranks that share the experts, ≥ 1.
    skew : array
        ≥ 0, of the stack or engine.
    """
    mean = np.maximum(tokens * per_token, 1.0)
    chance = np.sqrt(2.0 * np.log(expert) / mean)
    return 1.0 + np.where(expert > 1.0, chance + skew, 0.0)


def lasting_excess(*, skew: float, experts: int, ranks: Array, redundant: float) -> Array:
    """Lasting excess of the busiest of ``ranks`` over the mean load, beyond chance.

    Popularity of experts is taken as normal about its mean. A rank of s slots has the mean of s such, the
    busiest of e ranks lies √(2 ln e / s) deviations above the mean; ``skew`` fixes the deviation. Copies of
    the R most popular of n experts halve their load, so that the most popular one without a copy is the next:
    it lies Φ⁻¹(1 − R/n) deviations above the mean in place of Φ⁻¹(1 − 1/n), and the excess falls in this
    ratio. 0 from n/2 redundant experts on, where none above the mean is left alone.

    Parameters
    ----------
    skew : float
        The excess on 8 ranks of 32 experts each, without copies.
    experts : int
        n of a layer.
    ranks : array
        e ≥ 1.
    redundant : float
        R ≥ 0, of a layer.

    References
    ----------
    Largest of normal draws: Cramér 1946, section 28.6. Copies of the most popular experts: DeepSeek-AI 2024,
    arXiv:2412.19437, section 3.4.
    """
    spread = np.sqrt(np.log(np.maximum(ranks, 1.0)) * ranks / (experts + redundant))
    usual = np.sqrt(np.log(_RANKS) / _SLOTS)
    alone, most = (
        NormalDist().inv_cdf(1.0 - min(max(copies, 1.0), 0.5 * experts) / experts)
        for copies in (redundant, 1.0)
    )
    return np.asarray(skew * spread / usual * (alone / most if most > 0.0 else 1.0))


def domains_reached(*, experts: Experts, domains: Array) -> Array:
    """Fast domains that the experts of one token lie in, on average.

    k experts drawn evenly over D domains reach D·(1 − (1 − 1/D)^k); a router that is limited to g of G
    groups reaches at most g·max(1, D/G).

    Parameters
    ----------
    experts : Experts
        The routed layer.
    domains : array
        Over which its experts are spread, ≥ 1.

    References
    ----------
    DeepSeek-AI 2024, arXiv:2412.19437, section 2.1.2 (node-limited routing).
    """
    reached = domains * (1.0 - (1.0 - 1.0 / domains) ** experts.per_token)
    if experts.groups_per_token <= 0:
        return reached
    return np.minimum(reached, experts.groups_per_token * np.maximum(1.0, domains / experts.groups))


def grouped_cost(
    technology: Model, operation: Operation, chip: Chip, efficiency: Efficiency, stack: Stack
) -> Cost:
    """Cost of one launch of a grouped multiplication.

    Parameters
    ----------
    technology : Model
        Of the chip.
    operation : Operation
        Of kind ``grouped_gemm``: ``batch`` experts of a device, each with m tokens.
    chip, efficiency
        What it runs on and what the stack reaches there.
    stack : Stack
        ``grouped`` and ``grouped_gradient`` are its shares of the library's rate on one such matrix. A device
        with a single expert multiplies it as any other matrix.
    """
    one = technology.cost(replace(operation, kind="gemm"), chip, efficiency)
    gradient = operation.name.endswith("weight_gradient")
    share = stack.grouped_gradient if gradient else stack.grouped
    arithmetic = one.arithmetic / np.where(operation.batch > 1.0, share, 1.0)
    return replace(one, arithmetic=arithmetic, time=np.maximum(arithmetic, one.memory) + one.launch)


def device_kernels(operation: Operation, stack: Stack) -> Array:
    """Kernels of one launch of an operation on the device: those of the router and of every expert, else 1.

    A product of 8 bits is beside a conversion of each expert's tokens, but that of weight gradients, whose
    operands have both forms already.
    """
    if operation.name == ROUTER:
        return np.asarray(stack.router_kernels / _PHASES)
    if operation.kind != "grouped_gemm":
        return np.ones(())
    casts = operation.number_format in NARROW and not operation.name.endswith("weight_gradient")
    each = stack.grouped_kernels * (1.0 + (stack.cast_kernels if casts else 0.0))
    return np.maximum(operation.batch * each, 1.0)


def issued(operation: Operation, stack: Stack) -> Array:
    """Operations that the host issues for one launch, each of ``stack.kernels`` kernels; 1 of most."""
    if operation.name == ROUTER:
        return device_kernels(operation, stack) / stack.kernels
    if operation.kind == "grouped_gemm":
        return 1.0 + (device_kernels(operation, stack) - 1.0) / stack.kernels
    return np.ones(())


def memory_passes(operation: Operation, stack: Stack, *, narrow: bool) -> float:
    """Bytes that an element-wise operation, a conversion or a sort really moves over the least.

    ``narrow``: a run of 8 bits or fewer, for which kernels of a whole feed-forward of experts are written.
    """
    inside = stack.expert_passes if narrow and operation.name in _BESIDE_PRODUCTS else 1.0
    if operation.name.endswith("cast"):
        return stack.cast * inside
    if operation.name == CLAMPED:
        return stack.traffic * stack.clamped * inside
    return stack.traffic * inside * (stack.permute * stack.permutes if operation.name == PERMUTATION else 1.0)


def exchange_share(dispatcher: str, chip: Chip) -> float:
    """Rate of a dispatcher inside a fast domain beside that of the library's all-to-all.

    Of the catalog's ``expert_exchanges`` of that dispatcher, the row whose ``prefix`` is the longest that
    begins the chip's id.
    """
    rows = [
        row
        for row in table("expert_exchanges").values()
        if row.text("dispatcher") == dispatcher and chip.id.startswith(row.text("prefix"))
    ]
    if not rows:
        raise MissingDataError("no such dispatcher in the catalog", given=dispatcher)
    return max(rows, key=lambda row: len(row.text("prefix"))).value("share")


def dispatch_and_combine(
    *, experts: Experts, elements: Array, where: Group, fabric: Fabric, stack: Stack, chip: Chip
) -> Traffic:
    """Dispatch of tokens to the experts of other ranks and combination of what comes back.

    Parameters
    ----------
    experts : Experts
        The routed layer.
    elements : array
        Numbers that one rank sends: tokens · experts of a token · width of their input.
    where : Group
        The ranks that share the experts.
    fabric, stack, chip
        Links, software and chip: bytes of a number on the way out, whether a token that goes to several
        experts of a fast domain crosses the fabric once, and the rate of the dispatcher inside a domain.
    """
    copies: Array | float = 1.0
    inner: Array | float = exchange_share(stack.dispatcher, chip)
    if stack.deduplicates > 0.0:
        copies = domains_reached(experts=experts, domains=where.outside) / experts.per_token
        inner = (
            inner / domains_reached(experts=experts, domains=where.inside * where.outside) * experts.per_token
        )
    ways = [
        collectives.all_to_all(size=elements * width, group=where, copies=copies, fabric=fabric, inner=inner)
        for width in (stack.dispatch_bytes, ELEMENT)
    ]
    return ways[0] + ways[1]
