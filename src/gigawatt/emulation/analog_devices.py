"""What a memory cell does to a weight: programming, relaxation and drift, low-frequency noise.

A weight is written as the difference of two conductances, each between 0 and the largest that the device
holds; everything here is relative to that largest one. The numbers are rows of ``analog``: polynomials and
laws that others fitted to arrays of 10⁵ to 10⁶ measured cells.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError

__all__ = [
    "DEVICES",
    "Cell",
    "age",
    "drift_exponents",
    "load_cell",
    "program",
    "programming_spread",
    "weights_at",
]

DEVICES = ("pcm", "pcm-hermes", "rram", "flash", "gain-cell")
"""Devices that hold a weight, as ``device`` of a substrate writes them."""

_DAY = 86400.0
_LEAST = 1e-7  # relative conductance below which a logarithm is not taken


@dataclass(frozen=True)
class Cell:
    """A device and its numbers, SI, by quantity (a row of the table ``analog``)."""

    name: str
    numbers: Mapping[str, float]

    def __getitem__(self, key: str) -> float:
        return self.numbers[key]

    def get(self, key: str, default: float = 0.0) -> float:
        """A number, or ``default`` where the device has none of the kind."""
        return self.numbers.get(key, default)


@lru_cache(maxsize=8)
def load_cell(device: str) -> Cell:
    """The device called ``device``.

    Raises
    ------
    InputError
        Not one of :data:`DEVICES`.
    """
    check_word("device", device, DEVICES, "no such memory device")
    row = entity("analog", device)
    return Cell(device, {key: row.value(key) for key in row.numbers})


def programming_spread(cell: Cell, g: Tensor, time: float = 0.0) -> Tensor:
    """Standard deviation of a programmed conductance around its target, both over the largest one.

    Parameters
    ----------
    cell : Cell
        PCM: a polynomial of the conductance; of the HERMES chip one for cells of one device, and one for
        those of two, which hold large weights. RRAM: one of the fourth degree at 1 s, 1 day and 2 days,
        between which the spread grows with the logarithm of time (relaxation). Flash: A(1 − e^(−I/B)), with
        A and B by the day. Gain cell: none beside its levels.
    g : tensor [1]
        0 to 1.
    time : float [s]
        Since programming, ≥ 0; beyond what was measured the last value stays.

    Returns
    -------
    tensor [1]
        ≥ 0, of the shape of ``g``.

    References
    ----------
    Nandakumar et al. 2019, "Phase-change memory models for deep learning training and inference", ICECS;
    Joshi et al. 2020, Nature Communications 11, 2473. Wan et al. 2022, Nature 608, 504, as fitted by Rasch et
    al. (aihwkit). Agrawal et al. 2022, IEDM 21.7, as fitted in CrossSim.
    """
    if cell.name == "pcm":
        made = _polynomial(cell, "programming", g, 3)
        return (made / cell["reference"]).clamp(min=0.0)
    if cell.name == "pcm-hermes":
        x = g * cell["reference"]
        one, two = _polynomial(cell, "one", x, 4), _polynomial(cell, "two", x, 4)
        made = torch.where(x > cell["divergence"], two, one) / cell["reference"]
        return torch.where(x < cell["reset"], torch.zeros_like(x), made)
    if cell.name == "rram":
        low, high, share = _between((1.0, _DAY, 2.0 * _DAY), max(time, 1.0), logarithmic=True)
        a, b = (_polynomial(cell, f"spread_{step}", g, 5) for step in (low, high))
        return ((a + (b - a) * share) / cell["reference"]).clamp(min=0.0)
    if cell.name == "flash":
        low, high, share = _between(tuple(_DAY * day for day in range(6)), time)
        top, scale = (
            cell[f"{key}_{low}"] + (cell[f"{key}_{high}"] - cell[f"{key}_{low}"]) * share
            for key in ("spread_top", "spread_scale")
        )
        return top / cell["reference"] * -torch.expm1(-g * (cell["reference"] / scale))
    return torch.zeros_like(g)


def _polynomial(cell: Cell, key: str, g: Tensor, count: int) -> Tensor:
    made = torch.full_like(g, cell[f"{key}_{count - 1}"])
    for power in range(count - 2, -1, -1):
        made = made * g + cell[f"{key}_{power}"]
    return made


def _between(times: tuple[float, ...], time: float, *, logarithmic: bool = False) -> tuple[int, int, float]:
    """(index below, index above, share of the way) of ``time`` among ``times``."""
    if time <= times[0]:
        return 0, 0, 0.0
    if time >= times[-1]:
        return len(times) - 1, len(times) - 1, 0.0
    high = next(i for i, one in enumerate(times) if one > time)
    a, b, t = times[high - 1], times[high], time
    if logarithmic:
        a, b, t = math.log(a), math.log(b), math.log(t)
    return high - 1, high, (t - a) / (b - a)


def program(
    cell: Cell,
    target: Tensor,
    *,
    scale: float = 1.0,
    time: float = 0.0,
    stuck_share: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Conductances after programming towards ``target``, over the largest one.

    Parameters
    ----------
    cell : Cell
        A gain cell is written to the nearest of its levels; the others to the target itself.
    target : tensor [1]
        0 to 1.
    scale : float [1]
        On the published spread; 0 programs without error.
    time : float [s]
        Since programming; only RRAM and flash spread further by themselves (:func:`age` does the rest).
    stuck_share : float [1]
        Share of cells stuck at the largest or the least conductance, half each.
    generator : torch.Generator, optional
        Of the draws.

    Returns
    -------
    tensor [1]
        ≥ 0; a conductance above the target's largest stays.
    """
    if cell.name == "gain-cell":
        steps = cell["levels"] - 1.0
        made = torch.round(target * steps) / steps
    else:
        spread = programming_spread(cell, target, time)
        made = target + scale * spread * _normal(target, generator)
    if cell.name != "pcm-hermes":  # there the spread is of the pair, which may change its sign
        made = made.clamp(min=0.0)
    if stuck_share > 0.0:
        drawn = torch.rand(target.shape, generator=generator, dtype=target.dtype)
        made = torch.where(drawn < stuck_share, (drawn < stuck_share / 2.0).to(made.dtype), made)
    return made


def _normal(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)


def drift_exponents(cell: Cell, target: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Exponents ν of g(t) = g0·(t/t0)^−ν, drawn for each cell by its target [1].

    The mean and the spread of ν fall with the logarithm of the conductance, between bounds.

    References
    ----------
    Joshi et al. 2020, Nature Communications 11, 2473, with the parameters of aihwkit's PCM model.
    """
    logarithm = target.clamp(min=_LEAST).log()
    mean = (cell["drift_mean_slope"] * logarithm + cell["drift_mean_offset"]).clamp(
        cell["drift_mean_low"], cell["drift_mean_high"]
    )
    spread = (cell["drift_spread_slope"] * logarithm + cell["drift_spread_offset"]).clamp(
        cell["drift_spread_low"], cell["drift_spread_high"]
    )
    return (mean + spread * _normal(target, generator)).abs()


def age(
    cell: Cell,
    programmed: Tensor,
    target: Tensor,
    *,
    time: float,
    noise: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Conductances ``time`` seconds after programming: drift, accumulated 1/f noise, leakage.

    Parameters
    ----------
    cell : Cell
        PCM drifts and has 1/f noise of Q(g)·√ln((t+t_r)/(2t_r)), t counted from the start of programming; a
        gain cell decays as e^(−t/τ). RRAM and flash spread in :func:`program` instead.
    programmed, target : tensor [1]
        As programmed, and as it was meant.
    time : float [s]
        ≥ 0. At 0 nothing has happened yet.
    noise : float [1]
        On the published 1/f noise.
    generator : torch.Generator, optional
        Of the draws.

    Raises
    ------
    InputError
        A negative time.
    """
    if time < 0.0:
        raise InputError("a time before programming", key="drift_time", given=time, allowed="0 s or more")
    if time == 0.0:
        return programmed
    if cell.name == "gain-cell":
        return programmed * math.exp(-time / cell["retention"])
    if cell.name not in ("pcm", "pcm-hermes"):
        return programmed
    start = cell["drift_start"]
    exponents = drift_exponents(cell, target, generator=generator)
    drifted = programmed * torch.exp(-exponents * math.log((time + start) / start))
    if noise > 0.0:
        part = (
            programmed.abs().pow(cell["flicker_power"]).clamp(min=1e-3).reciprocal() * cell["flicker"]
        ).clamp(max=cell["flicker_high"])
        read = cell["flicker_time"]
        spread = part * math.sqrt(math.log((time + start + read) / (2.0 * read)))
        drifted = drifted + drifted * (noise * spread) * _normal(drifted, generator)
    return drifted if cell.name == "pcm-hermes" else drifted.clamp(min=0.0)


def weights_at(
    cell: Cell,
    weights: Tensor,
    *,
    time: float = 0.0,
    programming: float = 1.0,
    noise: float = 1.0,
    stuck_share: float = 0.0,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A pair of conductances for each weight, as programmed and at ``time`` after.

    Parameters
    ----------
    cell : Cell
        Of both.
    weights : tensor [1]
        −1 to 1: its positive part is the target of one cell, its negative part that of the other.
    time, programming, noise, stuck_share : float [s, 1, 1, 1]
        As :func:`program` and :func:`age` take them.
    generator : torch.Generator, optional
        Of the draws.

    Returns
    -------
    (plus, minus, plus_then, minus_then) : tensors [1]
        At ``time``, and as they were when programming ended.
    """
    targets = (weights.clamp(min=0.0), (-weights).clamp(min=0.0))
    first = [
        program(cell, one, scale=programming, time=time, stuck_share=stuck_share, generator=generator)
        for one in targets
    ]
    later = _branch(generator) if time > 0.0 else generator
    made = [
        age(cell, now, target, time=time, noise=noise, generator=later)
        for now, target in zip(first, targets, strict=True)
    ]
    if cell.name == "pcm-hermes":
        made, first = ([a.relu() + (-b).relu(), b.relu() + (-a).relu()] for a, b in (made, first))
    return made[0], made[1], first[0], first[1]


def _branch(generator: torch.Generator | None) -> torch.Generator | None:
    """A stream of its own that does not advance ``generator``: a chip is the same chip at every age."""
    if generator is None:
        return None
    copied = torch.Generator()
    copied.set_state(generator.get_state())
    return torch.Generator().manual_seed(int(torch.randint(2**62, (1,), generator=copied)))
