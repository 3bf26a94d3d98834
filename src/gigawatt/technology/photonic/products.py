"""What a product costs in light: joules, seconds and area, component by component.

Three designs. A mesh of interferometers (``mzi``) and banks of rings (``ring``) hold their weights. A
crossbar (``crossbar``) is modulated on both sides: of several wavelengths its crossings make inner products
of two streams (Lightening-Transformer), of one wavelength a matrix stands in it while vectors pass (PACE).
Weights of a crossbar come from a memory for each product, which is part of what the product costs; so do keys
and values where it does attention.

Converters, modulators and receivers are priced by the event, lasers and locked rings by the second. The laser
follows from a link budget: the light that a receiver needs for its bits, losses on the way, and what the wall
pays for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.photonic.link import (
    SETTINGS,
    converter_power,
    detected_power,
    dynamic,
    held_power,
    held_weights,
    number,
    optical_power,
    part,
    path_loss,
    streams,
    word,
)
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.workload.operations import Array

__all__ = [
    "COMPONENTS",
    "SETTINGS",
    "Attention",
    "Counts",
    "area",
    "attention",
    "chip_area",
    "cost",
    "counts",
    "detected_power",
    "dynamic",
    "number",
    "optical_power",
    "path_loss",
    "powers",
    "standing_power",
    "time",
]

COMPONENTS = (
    "laser", "modulator", "dac", "detector", "tia", "adc", "tuning", "digital", "sram", "link", "weights",
)  # fmt: skip
"""Of a product's energy."""

_BYTE = 8.0
_RAILS = 2.0  # detectors of a signed output
_NONE: Array = np.zeros(())


@dataclass(frozen=True)
class Counts:
    """Events of m vectors through a matrix, all cores together.

    Attributes
    ----------
    inputs, weights : array
        Conversions that drive a modulator with an input, with a weight.
    detections : array
        Outputs that a pair of detectors reads in a symbol.
    conversions : array
        Of outputs, after the currents of ``cores`` were added.
    array_symbols : array
        Symbols in which an array is lit, summed over arrays.
    symbols : array
        Symbols from begin to end.
    arrays : array
        That hold the matrix, or that work on it.
    """

    inputs: Array
    weights: Array
    detections: Array
    conversions: Array
    array_symbols: Array
    symbols: Array
    arrays: Array


def _sizes(**sizes: ArrayLike) -> tuple[Array, ...]:
    """Sizes broadcast together; a matrix has rows and columns, a product may have no vector."""
    checked = [
        check_range(key, value, 0.0, open_low=key not in ("m", "batch", "cache"), message="not a size")
        for key, value in sizes.items()
    ]
    return tuple(np.broadcast_arrays(*checked))


def counts(substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike) -> Counts:
    """What happens in m vectors through a matrix of k inputs and n outputs.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``photonic``.
    m, n, k : array [vectors, outputs, inputs]
        Broadcastable; m ≥ 0, the others > 0. Rows, columns and wavelengths that a matrix does not fill are
        off.

    Raises
    ------
    InputError
        A size or setting that cannot be.
    """
    vectors, outputs, inputs = _sizes(m=m, n=n, k=k)
    size, waves = number(substrate, "size"), number(substrate, "wavelengths")
    tiles, cores = number(substrate, "tiles"), number(substrate, "cores")
    if streams(substrate):
        down, across, deep = (np.ceil(x / y) for x, y in ((outputs, size), (vectors, size), (inputs, waves)))
        blocks = down * across * deep
        return Counts(
            vectors * inputs * np.ceil(outputs / (size * tiles)),
            outputs * inputs * across,
            vectors * outputs * deep,
            vectors * outputs * np.ceil(inputs / (waves * cores)),
            blocks,
            np.ceil(blocks / (tiles * cores)),
            np.full_like(blocks, tiles * cores),
        )
    ring = word(substrate, "design", "mzi") == "ring"
    reach = waves if ring else size
    down, across = np.ceil(inputs / reach), np.ceil(outputs / size)
    held = down * across
    once = vectors if ring or waves == 1.0 else np.ceil(vectors / waves)  # a mesh takes a vector a colour
    if not dynamic(substrate):
        return Counts(
            vectors * inputs * across,
            np.zeros_like(vectors),
            vectors * outputs * down,
            vectors * outputs * np.ceil(down / cores),
            once * held,
            once,
            held,
        )
    working = np.minimum(held, tiles * cores)
    load = np.where(vectors > 0.0, size, 0.0)  # a row of weights a symbol
    turns = np.ceil(held / (tiles * cores))
    return Counts(
        vectors * inputs * across,
        np.where(vectors > 0.0, outputs * inputs, 0.0),
        vectors * outputs * down,
        vectors * outputs * np.ceil(down / cores),
        (vectors + load) * held,
        (vectors + load) * turns,
        working,
    )


def _seconds(substrate: Substrate, made: Counts, fetched: ArrayLike) -> Array:
    """Of a product: its symbols, or the fetching of ``fetched`` bytes if that takes longer."""
    busy = made.symbols / number(substrate, "clock")
    return np.maximum(busy, np.asarray(fetched, dtype=float) / _bandwidth())


def _bandwidth() -> float:
    return part("memory").value("stacks") * entity("memories", "HBM2").value("bandwidth")


def _bytes(substrate: Substrate, weights: ArrayLike) -> Array:
    return np.asarray(weights, dtype=float) * number(substrate, "weight_bits") / _BYTE


def _joules(
    substrate: Substrate, made: Counts, results: Array, operands: Array, seconds: Array
) -> dict[str, Array]:
    """Joules by component, without what is fetched from memory."""
    clock, sram = number(substrate, "clock"), part("sram")
    of_input, of_weight, of_output = (number(substrate, f"{x}_bits") for x in ("dac", "weight", "adc"))
    drives = made.inputs + made.weights
    light = optical_power(substrate) / part("laser").value("efficiency")
    bytes_in = (made.inputs * of_input + made.weights * of_weight) / _BYTE
    bytes_out = results * of_output / _BYTE
    between = 0.0 if dynamic(substrate) else operands * of_input / _BYTE + bytes_out  # dies that hold weights
    rings = 2.0 * drives * part("ring").value("power") / clock if streams(substrate) else 0.0
    return {
        "laser": light * made.arrays * seconds,
        "modulator": drives * part("modulator").value("energy"),
        "dac": made.inputs * converter_power("dac", of_input, clock) / clock
        + made.weights * converter_power("dac", of_weight, clock) / clock,
        "detector": made.detections * _RAILS * part("detector").value("power") / clock,
        "tia": made.conversions * part("tia").value("power") / clock,
        "adc": made.conversions * converter_power("adc", of_output, clock) / clock,
        "tuning": held_power(substrate) * made.arrays * seconds + rings,
        "digital": made.conversions * part("digital").value("energy"),
        "sram": bytes_in * sram.value("read") + bytes_out * sram.value("write"),
        "link": between * part("link").value("energy") + 0.0 * drives,
    }


def cost(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics | None = None,
) -> dict[str, Array]:
    """Joules of m vectors through a matrix of k inputs and n outputs, by component.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``photonic``.
    m, n, k : array [vectors, outputs, inputs]
        Broadcastable; m ≥ 0, the others > 0.
    statistics : mapping, optional
        What the functional run counted; nothing of it changes these joules.

    Returns
    -------
    dict of array [J]
        :data:`COMPONENTS`. ``weights``: from memory, once a product, where they do not stay (a crossbar).
        ``laser`` and ``tuning`` burn for as long as the product takes, waiting for weights among it; what
        held weights burn while other layers run is :func:`standing_power`. Scope: ``macro`` without
        ``weights``.

    Raises
    ------
    InputError
        A size or setting that cannot be: named, with its range.

    References
    ----------
    Zhu et al. 2024, "Lightening-Transformer", HPCA (arXiv:2305.19533). Component values: table ``photonic``.
    """
    del statistics
    made = counts(substrate, m=m, n=n, k=k)
    vectors, outputs, inputs = _sizes(m=m, n=n, k=k)
    fetched = (
        _bytes(substrate, np.where(vectors > 0.0, outputs * inputs, 0.0)) if dynamic(substrate) else _NONE
    )
    joules = _joules(substrate, made, vectors * outputs, vectors * inputs, _seconds(substrate, made, fetched))
    joules["weights"] = fetched * entity("memories", "HBM2").value("energy") + 0.0 * vectors
    return joules


def time(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics | None = None,
) -> Array:
    """Seconds of the same product; a crossbar waits for its weights where memory is slower than light."""
    del statistics
    made = counts(substrate, m=m, n=n, k=k)
    _, outputs, inputs = _sizes(m=m, n=n, k=k)
    return _seconds(substrate, made, _bytes(substrate, outputs * inputs) if dynamic(substrate) else _NONE)


@dataclass(frozen=True)
class Attention:
    """What the products of attention take: joules by component, seconds."""

    energy: dict[str, Array]
    time: Array


def attention(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    batch: ArrayLike,
    cache: ArrayLike,
    cache_bits: float = 16.0,
) -> Attention:
    """Scores and values of m queries over n keys of width k, ``batch`` heads, on a dynamic crossbar.

    Parameters
    ----------
    substrate : Substrate
        A crossbar.
    m, n, k, batch : array [queries, keys, width, heads of all sequences]
        m, batch ≥ 0, the others > 0.
    cache : array
        Elements of keys and values that are fetched, ≥ 0.
    cache_bits : float
        Bits of one, > 0.

    Raises
    ------
    InputError
        A design whose weights stand: it cannot multiply two activations.
    """
    if not dynamic(substrate):
        raise InputError(
            "weights of this design stand: it cannot multiply two activations",
            key="attention",
            given=word(substrate, "design", "mzi"),
            allowed="design=crossbar",
        )
    if not cache_bits > 0.0:
        raise InputError("not a number of bits", key="cache_bits", given=cache_bits, allowed="above 0")
    queries, keys, width, heads, kept = _sizes(m=m, n=n, k=k, batch=batch, cache=cache)
    energy: dict[str, Array] = {}
    seconds = np.zeros_like(queries)
    bytes_kept = kept * cache_bits / _BYTE
    for outputs, inputs in ((keys, width), (width, keys)):
        made = counts(substrate, m=queries, n=outputs, k=inputs)
        took = _seconds(substrate, made, 0.5 * bytes_kept / np.maximum(heads, 1.0))
        for name, value in _joules(substrate, made, queries * outputs, queries * inputs, took).items():
            energy[name] = energy.get(name, 0.0) + value * heads
        seconds = seconds + took * heads
    energy["cache"] = bytes_kept * entity("memories", "HBM2").value("energy")
    return Attention(energy, seconds)


def standing_power(substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> Array:
    """W that keep a matrix of k inputs and n outputs in its arrays, used or not; 0 where it is sent in."""
    if dynamic(substrate):
        return np.zeros(np.broadcast_shapes(np.shape(n), np.shape(k)))
    return counts(substrate, m=0.0, n=n, k=k).arrays * held_power(substrate)


def powers(substrate: Substrate) -> dict[str, float]:
    """W of a whole chip at work, every row, column and wavelength used, by component (without memory).

    A crossbar of ``tiles`` × ``cores`` arrays; of the other designs one array.
    """
    size, waves = number(substrate, "size"), number(substrate, "wavelengths")
    tiles, cores = (
        (number(substrate, "tiles"), number(substrate, "cores")) if dynamic(substrate) else (1.0, 1.0)
    )
    clock = number(substrate, "clock")
    if streams(substrate):
        made = counts(substrate, m=size, n=size * tiles, k=waves * cores)
        shape = (size * size * tiles, size * waves * cores)
    else:
        reach = waves if word(substrate, "design", "mzi") == "ring" else size
        one = counts(substrate, m=1.0, n=size, k=reach)
        # a stream of vectors through arrays that are full: what a load of weights takes is left out
        made = Counts(*(np.asarray(x) for x in (
            one.inputs * tiles * cores, 0.0, one.detections * tiles * cores, one.conversions * tiles * cores,
            tiles * cores, 1.0, tiles * cores,
        )))  # fmt: skip
        shape = (size * tiles * cores, reach * tiles * cores)
    second = made.symbols / clock
    found = _joules(substrate, made, np.asarray(shape[0]), np.asarray(shape[1]), second)
    return {name: float(value / second) for name, value in found.items()}


def area(
    substrate: Substrate,
    *,
    n: ArrayLike | None = None,
    k: ArrayLike | None = None,
) -> Array:
    """Photonics and converters [m²] of the arrays that hold a matrix, or of the whole chip (a crossbar).

    With neither size: of one array, or of the chip.
    """
    parts = _areas(substrate)
    if dynamic(substrate) or n is None or k is None:
        return np.asarray(sum(parts.values()))
    return counts(substrate, m=0.0, n=n, k=k).arrays * sum(parts.values())


def chip_area(substrate: Substrate) -> dict[str, float]:
    """Area [m²] by component of one array, or of a crossbar's whole chip with its memory and combs."""
    return _areas(substrate)


def _areas(substrate: Substrate) -> dict[str, float]:
    size, waves = number(substrate, "size"), number(substrate, "wavelengths")
    tiles, cores = number(substrate, "tiles"), number(substrate, "cores")
    design = word(substrate, "design", "mzi")

    def one(name: str) -> float:
        return part(name).value("area")

    if streams(substrate):
        drives = size * waves * cores * (tiles + 1.0)
        nodes = size * size * tiles * cores
        sources = tiles + cores
        return {
            "laser": sources * one("laser"),
            "comb": sources * one("comb"),
            "dac": drives * one("dac"),
            "modulator": drives * one("modulator"),
            "ring": 4.0 * size * waves * tiles * cores * one("ring"),
            "node": nodes * one("node"),
            "tia": nodes * one("tia"),
            "adc": size * size * tiles * one("adc"),
            "sram": one("sram"),
        }
    arrays = tiles * cores if dynamic(substrate) else 1.0
    reach = waves if design == "ring" else size
    cell = {"mzi": "heater", "ring": "ring", "crossbar": "modulator"}[design]
    return {
        "laser": arrays * one("laser"),
        "dac": arrays * reach * one("dac"),
        "modulator": arrays * reach * one("modulator"),
        "cell": arrays * held_weights(substrate) * one(cell),
        "detector": arrays * size * _RAILS * one("detector"),
        "tia": arrays * size * one("tia"),
        "adc": arrays * size * one("adc"),
    }
