"""Writing analog tiles: joules, seconds, wear; refresh of leaking cells, and attention on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.analog.tiles import DEVICES
from gigawatt.technology.substrate import Substrate
from gigawatt.workload.operations import Array

__all__ = ["HeadCost", "Writing", "attention_head", "refresh_power", "write"]

_PAIR = 2.0  # cells of a weight


@dataclass(frozen=True)
class Writing:
    """What programming takes.

    Attributes
    ----------
    energy : array [J]
        Of all cells once.
    time : array [s]
        One row of every tile at a time, tiles at once.
    updates : float
        How often a weight can be written before its cells wear out.
    """

    energy: Array
    time: Array
    updates: float


def _device(substrate: Substrate) -> str:
    device = substrate.word("device") or "pcm"
    check_word("device", device, DEVICES, "no such memory device")
    return device


def write(substrate: Substrate, weights: ArrayLike) -> Writing:
    """Program ``weights`` weights once, by write and verify.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``analog``: its device sets joules and seconds of a pulse and the pulses of a cell;
        ``slices`` and ``tile_rows`` count.
    weights : array
        ≥ 0.

    Raises
    ------
    InputError
        A negative count, an unknown device.

    References
    ----------
    Le Gallo et al. 2023, Nature Electronics 6, 680 (program and verify, at most 30 iterations).
    """
    count = check_range("weights", weights, 0.0, message="not a count of weights")
    row = entity("analog", _device(substrate))
    pieces = float(substrate.settings.get("slices", 1.0))
    pulses = row.value("write_pulses")
    rows = float(substrate.settings.get("tile_rows", 512.0))
    return Writing(
        count * _PAIR * pieces * pulses * row.value("write_energy"),
        np.where(count > 0.0, rows * pulses * row.value("write_time"), 0.0),
        row.value("endurance") / pulses,
    )


def refresh_power(substrate: Substrate, weights: ArrayLike, loss: float = 0.05) -> Array:
    """Watts to write ``weights`` again before their cells have lost the share ``loss`` of what they hold.

    Parameters
    ----------
    substrate : Substrate
        Whose device leaks or not.
    weights : array
        ≥ 0.
    loss : float
        Above 0 and below 1: the period is −τ·ln(1 − loss). Cells that do not leak need no refresh.

    Raises
    ------
    InputError
        A share outside (0, 1).

    References
    ----------
    Leroux et al. 2025, Nature Computational Science 5, 813 (leakage of a gain cell: exponential).
    """
    if not 0.0 < loss < 1.0:
        raise InputError("not a share that can be lost", key="loss", given=loss, allowed="between 0 and 1")
    retention = entity("analog", _device(substrate)).get("retention")
    if retention is None:
        return np.zeros_like(np.asarray(weights, dtype=float))
    return write(substrate, weights).energy / (-retention * np.log1p(-loss))


@dataclass(frozen=True)
class HeadCost:
    """One token through one head of attention on gain cells.

    Attributes
    ----------
    energy : mapping [J]
        ``scores``, ``values`` (cells with their charge-to-pulse circuits), ``dac``, ``digital``.
    time : array [s]
        All sub-tiles at once.
    area : array [m²]
        With digital control.
    """

    energy: dict[str, Array]
    time: Array
    area: Array


def attention_head(*, window: ArrayLike, width: ArrayLike) -> HeadCost:
    """Attention of one new token over the last ``window``, in a head of ``width``, on two gain-cell arrays.

    Cells and the digital sum grow with the sub-tiles, the converters with the numbers that a token writes
    (its key and its value). Scope: ``macro``, attention alone; simulated, not measured.

    Parameters
    ----------
    window, width : array [tokens, 1]
        > 0; sub-tiles are of 64 × 64 cells.

    Raises
    ------
    InputError
        A window or width that is not above 0.

    References
    ----------
    Leroux et al. 2025, Nature Computational Science 5, 813: 1.12 + 0.70 nJ in arrays, 4 nJ in digital
    control, 0.33 nJ in converters at 1,024 × 64.
    """
    seen, wide = np.asarray(window, dtype=float), np.asarray(width, dtype=float)
    for key, size in (("window", seen), ("width", wide)):
        check_range(key, size, 0.0, open_low=True, message="not a size")
    row = entity("analog", "core-gain-cell")
    tile = row.value("rows")
    tiles = np.ceil(seen / tile) * np.ceil(wide / tile)
    share = tiles / (row.value("window") * row.value("width") / tile**2)
    return HeadCost(
        {
            "scores": share * row.value("score_energy"),
            "values": share * row.value("value_energy"),
            "dac": row.value("dac_energy") * wide / row.value("width"),
            "digital": share * row.value("control_energy"),
        },
        row.value("latency") * np.ones_like(share),
        share * row.value("area"),
    )
