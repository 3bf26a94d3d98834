"""Circuits of optical gates with noise and loss: bit errors over depth, an adder, joules beside CMOS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.optical.gates import TABLE, Gate, levels
from gigawatt.workload.operations import Array

__all__ = ["GATES_PER_ADDER", "CircuitErrors", "adder_energy", "chain", "ripple_adder", "xor_tree"]

GATES_PER_ADDER = 7
"""Of a full adder here: two XOR, two AND with a restoring gate each, and one that joins the carries."""


Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class CircuitErrors:
    """Errors stage by stage.

    Attributes
    ----------
    depth : array, shape (n,)
        Gates that a signal went through.
    error_rate : array, shape (n,)
        Wrong bits over bits, counted.
    quality : array, shape (n,)
        (μ₁ − μ₀)/(σ₁ + σ₀): 6 is one error in 10⁹ of Gaussian noise, 7 one in 10¹².
    """

    depth: Array
    error_rate: Array
    quality: Array


def _noisy(gate: Gate, power: Array, rng: Generator) -> Array:
    """Light with the noise of a stage: relative to its level, and that of its photons."""
    spread = np.sqrt((gate.noise * power) ** 2 + np.maximum(power, 0.0) / gate.photons)
    return np.maximum(power + spread * rng.standard_normal(power.shape), 0.0)


def _judge(power: Array, bits: Bits, cut: float) -> tuple[float, float]:
    one, zero = power[bits], power[~bits]
    wrong = float(np.count_nonzero((power > cut) != bits)) / bits.size
    spread = float(one.std() + zero.std())
    return wrong, float((one.mean() - zero.mean()) / max(spread, 1e-12))


def _checked(gate: Gate, depth: int, words: int, fan_out: float) -> None:
    for key, count in (("depth", depth), ("words", words)):
        if count < 1:
            raise InputError("not a count", key=key, given=count, allowed="1 or more")
    check_range("fan_out", fan_out, 1.0, message="not a fan-out")
    if gate.photons <= 0.0:
        raise InputError("a gate without light", key=gate.id, given=gate.photons, allowed="above 0")


def _inverting(gate: Gate) -> None:
    if not gate.inverts:
        raise InputError(
            "this gate cannot invert, so that no circuit of it makes an XOR",
            key="gate",
            given=gate.id,
            allowed="a gate with its own supply of light",
        )


def chain(
    gate: Gate, *, depth: int, fan_out: float = 1.0, words: int = 20_000, seed: int = 0
) -> CircuitErrors:
    """Random bits through ``depth`` equal gates that should pass them on.

    Bits start at the levels that the gate keeps; where it keeps one level only, at none and at the input that
    switches. They are told apart in the middle of what the levels without noise have become.

    Parameters
    ----------
    gate : Gate
        Any.
    depth : int
        ≥ 1.
    words : int
        ≥ 1.
    fan_out : float
        Inputs that each output drives, ≥ 1.
    seed : int
        Of bits and noise.

    Raises
    ------
    InputError
        A count or fan-out below 1.

    References
    ----------
    Agrawal, Fiber-Optic Communication Systems (Q factor).
    """
    _checked(gate, depth, words, fan_out)
    rng = np.random.default_rng(seed)
    bits = rng.random(words) < 0.5
    kept = levels(gate, fan_out)
    low, high = (kept.low, kept.high) if kept.margin > 0.0 else (0.0, 1.0)
    power = np.where(bits, high, low)
    clean = np.array([low, high])
    wrong, quality = np.zeros(depth), np.zeros(depth)
    for stage in range(depth):
        power = gate.stage(_noisy(gate, power, rng), fan_out)
        clean = gate.stage(clean, fan_out)
        # a detector at the end is not better than its own noise: that of a stage at the level that switches
        seen = power + gate.noise * rng.standard_normal(words)
        wrong[stage], quality[stage] = _judge(seen, bits, 0.5 * float(clean.sum()))
    return CircuitErrors(np.arange(1, depth + 1, dtype=float), wrong, quality)


def xor_tree(gate: Gate, *, depth: int, words: int = 4_000, seed: int = 0) -> CircuitErrors:
    """Parity of 2^``depth`` random bits by a tree of XOR gates: two inputs join and turn an interferometer.

    Parameters
    ----------
    gate : Gate
        One that inverts.
    depth : int
        1 to 12.
    words : int
        ≥ 1.
    seed : int
        Of bits and noise.

    Raises
    ------
    InputError
        A gate that cannot invert, a depth outside its range.
    """
    _inverting(gate)
    _checked(gate, depth, words, 1.0)
    if depth > 12:
        raise InputError("too deep a tree", key="depth", given=depth, allowed="1 to 12")
    rng = np.random.default_rng(seed)
    bits = rng.random((words, 2**depth)) < 0.5
    kept = levels(gate)
    power = np.where(bits, kept.high, kept.low)
    wrong, quality = np.zeros(depth), np.zeros(depth)
    for stage in range(depth):
        power = gate.stage(_noisy(gate, power[:, ::2] + power[:, 1::2], rng))
        bits = bits[:, ::2] ^ bits[:, 1::2]
        seen = power + gate.noise * rng.standard_normal(power.shape)
        wrong[stage], quality[stage] = _judge(seen.ravel(), bits.ravel(), kept.between)
    return CircuitErrors(np.arange(1, depth + 1, dtype=float), wrong, quality)


def ripple_adder(gate: Gate, *, bits: int = 4, words: int = 20_000, seed: int = 0) -> CircuitErrors:
    """Two random numbers of ``bits`` bits added with a ripple carry, in light; errors of each bit of the sum.

    Of a, b and the carry c: s = XOR(XOR(a, b), c); c' = a·b + c·XOR(a, b). An AND modulates one signal with
    another and restores the level; every output drives two inputs.

    Parameters
    ----------
    gate : Gate
        One that inverts.
    bits : int
        ≥ 1.
    words : int
        ≥ 1.
    seed : int
        Of bits and noise.

    Returns
    -------
    CircuitErrors
        Of the sum's bits, the carry out of the last among them (n = bits + 1); ``depth`` counts the gates on
        the longest way.

    Raises
    ------
    InputError
        A gate that cannot invert, a count below 1.
    """
    _inverting(gate)
    _checked(gate, bits, words, 1.0)
    rng = np.random.default_rng(seed)
    first, second = (rng.random((words, bits)) < 0.5 for _ in range(2))
    kept = levels(gate, 2.0)
    low, high = (kept.low, kept.high) if kept.margin > 0.0 else (0.0, 1.0)
    cut = kept.between if kept.margin > 0.0 else 0.5
    full = float(gate.stage(np.array([1.0]), 2.0)[0])

    def pass_on(power: Array) -> Array:
        return gate.stage(_noisy(gate, power, rng), 2.0)

    def both(one: Array, other: Array) -> Array:
        open_share = gate.stage(_noisy(gate, one, rng), 2.0) / max(full, 1e-30)
        return pass_on(open_share * other)

    carry, carry_bits = np.full(words, low), np.zeros(words, dtype=bool)
    wrong: list[float] = []
    quality: list[float] = []
    depth: list[float] = []
    for place in range(bits):
        a_bits, b_bits = first[:, place], second[:, place]
        a, b = np.where(a_bits, high, low), np.where(b_bits, high, low)
        half, half_bits = pass_on(a + b), a_bits ^ b_bits
        total, total_bits = pass_on(half + carry), half_bits ^ carry_bits
        carry = pass_on(both(a, b) + both(half, carry))
        carry_bits = (a_bits & b_bits) | (half_bits & carry_bits)
        found = _judge(total + gate.noise * rng.standard_normal(words), total_bits, cut)
        wrong.append(found[0])
        quality.append(found[1])
        depth.append(2.0 + 3.0 * place)
    found = _judge(carry + gate.noise * rng.standard_normal(words), carry_bits, cut)
    return CircuitErrors(
        np.array([*depth, 1.0 + 3.0 * bits]), np.array([*wrong, found[0]]), np.array([*quality, found[1]])
    )


def adder_energy(gate: Gate, bits: int = 4) -> tuple[float, float]:
    """Joules of an addition of ``bits`` bits (with this gate, in CMOS).

    Parameters
    ----------
    gate : Gate
        One that inverts.
    bits : int
        ≥ 1.

    Raises
    ------
    InputError
        A gate that cannot invert, a count below 1.
    """
    _inverting(gate)
    if bits < 1:
        raise InputError("not a count", key="bits", given=bits, allowed="1 or more")
    return GATES_PER_ADDER * bits * gate.energy, bits * entity(TABLE, "adder-cmos").value("energy")
