"""What a product costs on analog tiles: joules, seconds and silicon, component by component.

A read of a tile drives its rows through pulse-width converters for one integration, once a phase, and
converts every column; partial sums, scales and the way to the next core are digital. ``mode`` sets the
phases (one, or four for the signs of inputs and weights) and is the mode whose noise the functional face
applies.

Energies are anchored on one measurement: a single 14-nm PCM core (10.5 TOPS/W). Its split over cells and
converters is published for such tiles. The 64-core chip of the same family is predicted from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.technology.substrate import Bound, Statistics, Substrate
from gigawatt.workload.operations import Array

__all__ = [
    "COMPONENTS",
    "DEVICES",
    "PHASES",
    "SETTINGS",
    "area",
    "core_area",
    "cost",
    "phases",
    "read_energy",
    "read_time",
    "reads",
    "time",
]

DEVICES = ("pcm", "pcm-hermes", "rram", "flash", "gain-cell")
PHASES: Mapping[str, float] = {"fast": 1.0, "precise": 4.0}
"""Reads of a product: all at once, or one for each pair of signs of inputs and weights."""
COMPONENTS = ("cells", "dac", "adc", "digital", "link")
"""Of a product's energy."""

SETTINGS: Mapping[str, Bound] = {
    "device": ("", "what holds the weights", DEVICES),
    "mode": ("", "phases of a read: one, or four for the signs", tuple(PHASES)),
    "tile_rows": ("", "inputs of a tile; the sum of more currents than a column bears", 16.0, 4096.0),
    "tile_columns": ("", "outputs of a tile", 16.0, 4096.0),
    "dac_bits": ("", "bits of an input with its sign (0: ideal)", 0.0, 12.0),
    "adc_bits": ("", "bits of an output with its sign (0: ideal)", 0.0, 14.0),
    "input_noise": ("", "noise of a driven row, of its range", 0.0, 1.0),
    "output_noise": ("", "noise of a conversion, of its range", 0.0, 1.0),
    "programming_noise": ("", "factor on the published spread of programming", 0.0, 10.0),
    "read_noise": ("", "factor on the published noise of a read", 0.0, 10.0),
    "drift_time": ("s", "since programming; beyond 30 years nothing was measured", 0.0, 9.5e8),
    "compensation": ("", "one factor a tile that undoes the mean drift", ("none", "global")),
    "ir_drop": ("", "factor on the resistance of the wires", 0.0, 100.0),
    "stuck_share": ("", "share of cells stuck at an end", 0.0, 1.0),
    "slices": ("", "pairs of cells for a weight, each with what those before missed", 1.0, 8.0),
    "attention": ("", "where the products of attention are made", ("digital", "gain-cell")),
    "input_range": (
        "",
        "full input of a row: fixed, or a share of each vector's largest",
        ("static", "dynamic"),
    ),
}

_DEFAULTS: Mapping[str, float] = {
    "tile_rows": 512.0,
    "tile_columns": 512.0,
    "dac_bits": 8.0,
    "adc_bits": 8.0,
    "slices": 1.0,
}
_GAUSS = float(np.sqrt(2.0 / np.pi))  # mean magnitude of a normal variable over its root mean square
_CORES: Mapping[str, str] = {
    "pcm": "core-pcm",
    "pcm-hermes": "core-pcm",
    "rram": "core-rram",
    "flash": "core-flash",
    "gain-cell": "core-gain-cell",
}


def _number(substrate: Substrate, key: str) -> float:
    value = float(substrate.settings.get(key, _DEFAULTS[key]))
    if key.endswith("_bits") and value == 0.0:
        return _DEFAULTS[key]  # an ideal converter has no price: that of the usual one
    bound = SETTINGS[key]
    assert len(bound) == 4
    check_range(key, value, bound[2], bound[3], message=f"outside its physical range: {bound[1]}")
    return value


@lru_cache(maxsize=8)
def _core(device: str) -> Entity:
    check_word("device", device, DEVICES, "no such memory device")
    return entity("analog", _CORES[device])


def _own(substrate: Substrate) -> Entity:
    substrate.check_technology("analog")
    return _core(substrate.word("device") or "pcm")


def phases(substrate: Substrate) -> float:
    """Reads that one product takes in the substrate's mode.

    Raises
    ------
    InputError
        An unknown mode.
    """
    mode = substrate.word("mode") or "precise"
    check_word("mode", mode, PHASES, "no such mode")
    return PHASES[mode]


def read_time(substrate: Substrate) -> float:
    """Seconds of one product on a tile: all its phases.

    A phase integrates for 2^(bits−1) steps of the input, and ends with a fixed overhead.

    References
    ----------
    Khaddam-Aljameh et al. 2022, IEEE JSSC 57, 1027 (130 ns for 8 bits at 1 GHz).
    """
    core = _own(substrate)
    steps = 2.0 ** (_number(substrate, "dac_bits") - 1.0)
    return phases(substrate) * (steps * core.value("step_time") + core.value("overhead"))


@lru_cache(maxsize=8)
def _unit(device: str) -> tuple[float, float, float]:
    """(J a cell, J a row, J a column) of one phase of the core that was measured."""
    core = _core(device)
    rows, columns = core.value("rows"), core.value("columns")
    whole = 2.0 * rows * columns / core.value("efficiency")
    return (
        whole * core.value("share_cells") / (rows * columns),
        whole * core.value("share_dac") / rows,
        whole * core.value("share_adc") / columns,
    )


def read_energy(substrate: Substrate, statistics: Statistics | None = None) -> dict[str, float]:
    """Joules of one phase: of a cell (``cell``), of a driven row (``dac``), of a converted column (``adc``).

    Parameters
    ----------
    substrate : Substrate
        Cells pay by the length of a pulse, 2^(dac_bits−1) steps; a time-based conversion doubles by the bit.
    statistics : mapping, optional
        ``activation_crest`` sets the mean input over its range (√(2/π)/crest of a normal variable, but not
        above that of the measured core, with which it is taken where it is not given); a share
        ``activation_zeros`` of rows is not driven.

    References
    ----------
    Singh et al. 2025, "The design of analogue in-memory computing tiles", Nature Electronics, figure 5
    (shares of cells and converters, growth of converters).
    """
    core = _own(substrate)
    counted = statistics or {}
    cell, row, column = _unit(substrate.word("device") or "pcm")
    pulse = 2.0 ** (_number(substrate, "dac_bits") - core.value("bits"))
    step = entity("analog", "periphery").value("adc_step")
    usual = core.value("input_level")
    crest = counted.get("activation_crest", 0.0)
    level = min(usual, _GAUSS / crest) / usual if crest > 0.0 else 1.0
    driven = 1.0 - counted.get("activation_zeros", 0.0)
    check_range("activation_zeros", driven, 0.0, 1.0, message="not a share")
    return {
        "cell": cell * pulse * level * driven,
        "dac": row * driven,
        "adc": column * step ** (_number(substrate, "adc_bits") - core.value("bits")),
    }


def reads(substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> dict[str, Array]:
    """Tiles, driven rows, converted columns and used cells of one vector through k inputs and n outputs.

    Returns
    -------
    dict of array
        ``tiles``, ``rows``, ``columns``, ``cells`` (of one phase); each slice of the weights counts.
    """
    inputs, outputs = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    for key, size in (("k", inputs), ("n", outputs)):
        check_range(key, size, 0.0, open_low=True, message="not a size")
    down = np.ceil(inputs / _number(substrate, "tile_rows"))
    across = np.ceil(outputs / _number(substrate, "tile_columns"))
    pieces = _number(substrate, "slices")
    return {
        "tiles": down * across * pieces,
        "rows": across * inputs * pieces,
        "columns": down * outputs * pieces,
        "cells": inputs * outputs * pieces,
    }


def _vectors(m: ArrayLike) -> Array:
    made = check_range("m", m, 0.0, message="not a count of vectors")
    return made


def cost(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics | None = None,
) -> dict[str, Array]:
    """Joules of m vectors through a matrix of k inputs and n outputs that stands on tiles, by component.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``analog``.
    m, n, k : array [vectors, outputs, inputs]
        Broadcastable; m ≥ 0, the others > 0. Unused cells of a tile cost nothing, unused columns are off.
    statistics : mapping, optional
        What the functional run counted, as :func:`read_energy` reads it.

    Returns
    -------
    dict of array [J]
        ``cells``, ``dac``, ``adc`` of all phases; ``digital``: scale and sum of every conversion;
        ``link``: inputs to every tile that reads them and outputs onwards. Scope: ``macro``. Writing is not
        in it (:mod:`~gigawatt.technology.analog.writing`).

    Raises
    ------
    InputError
        A size, setting or statistic that cannot be: named, with its range.

    References
    ----------
    Khaddam-Aljameh et al. 2022, IEEE JSSC 57, 1027; Le Gallo et al. 2023, Nature Electronics 6, 680.
    """
    vectors, used = _vectors(m), reads(substrate, n=n, k=k)
    unit, periphery = read_energy(substrate, statistics), entity("analog", "periphery")
    times = vectors * phases(substrate)
    moved = used["rows"] + np.asarray(n, dtype=float)
    return {
        "cells": times * used["cells"] * unit["cell"],
        "dac": times * used["rows"] * unit["dac"],
        "adc": times * used["columns"] * unit["adc"],
        "digital": times * used["columns"] * periphery.value("digital_energy"),
        "link": vectors * moved * periphery.value("link_bits") * periphery.value("link_energy"),
    }


def time(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics | None = None,
) -> Array:
    """Seconds of the same product: its tiles read at once, its vectors one after the other."""
    del statistics
    used = reads(substrate, n=n, k=k)
    return _vectors(m) * read_time(substrate) * np.ones_like(used["tiles"])


@lru_cache(maxsize=32)
def _areas(device: str, rows: float, columns: float, bits: float) -> tuple[float, float, float, float]:
    core = _core(device)
    whole = core.value("area")
    n, m = core.value("rows"), core.value("columns")
    cells = whole * core.value("area_cells") * (rows * columns) / (n * m)
    dac = whole * core.value("area_dac") * rows / n
    adc = whole * core.value("area_adc") * columns / m * bits / core.value("bits")
    rest = whole * (1.0 - core.value("area_cells") - core.value("area_dac") - core.value("area_adc"))
    return cells, dac, adc, rest * columns / m


def core_area(substrate: Substrate) -> dict[str, float]:
    """Silicon of one tile with its periphery by component [m²]: ``cells``, ``dac``, ``adc``, ``digital``.

    Cells grow with the tile, drivers with its rows, converters with its columns (a counter's width with the
    bits) and so does the digital part.
    """
    _own(substrate)
    made = _areas(
        substrate.word("device") or "pcm",
        _number(substrate, "tile_rows"),
        _number(substrate, "tile_columns"),
        _number(substrate, "adc_bits"),
    )
    return dict(zip(("cells", "dac", "adc", "digital"), made, strict=True))


def area(
    substrate: Substrate,
    *,
    n: ArrayLike | None = None,
    k: ArrayLike | None = None,
    weights: float | None = None,
) -> Array:
    """Silicon of the tiles that hold a matrix of k inputs and n outputs, or ``weights`` on full tiles [m²].

    With neither: of one tile.
    """
    one = sum(core_area(substrate).values())
    if n is not None and k is not None:
        return reads(substrate, n=n, k=k)["tiles"] * one
    held = _number(substrate, "tile_rows") * _number(substrate, "tile_columns")
    count = 1.0 if weights is None else weights * _number(substrate, "slices") / held
    return np.asarray(count * one)
