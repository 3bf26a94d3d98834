"""Meshes of interferometers. Oracles: dense products of matrix exponentials, laws of unitaries, counts of
errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from gigawatt.core.errors import InputError
from gigawatt.technology.photonic.mesh import (
    Flaws,
    apply_mesh,
    decompose,
    decompose_real,
    flawed,
    flawed_matrix,
    layers,
    matrix_of,
    weight_error,
)
from gigawatt.validation.technologies.photonic import mesh_error

few = settings(deadline=None, max_examples=15, derandomize=True)


def unitaries(modes: int, count: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.linalg.qr(
        rng.standard_normal((count, modes, modes)) + 1j * rng.standard_normal((count, modes, modes))
    )[0]


@few
@given(modes=st.integers(2, 24), seed=st.integers(0, 1000))
def test_a_mesh_makes_its_unitary(modes: int, seed: int) -> None:
    u = unitaries(modes, seed=seed)
    mesh = decompose(u)
    assert mesh.theta.shape == (3, modes * (modes - 1) // 2)
    assert mesh.theta.min() >= 0.0
    assert mesh.theta.max() <= np.pi
    assert np.abs(matrix_of(mesh) - u).max() < 1e-12


def test_the_largest_mesh_and_special_ones() -> None:
    u = unitaries(64, 2)
    assert np.abs(matrix_of(decompose(u)) - u).max() < 1e-12
    special = np.stack([np.eye(9), np.eye(9)[::-1], np.diag(np.exp(1j * np.arange(9)))])
    assert np.abs(matrix_of(decompose(special)) - special).max() < 1e-12


def test_real_matrices_of_any_rank() -> None:
    rng = np.random.default_rng(1)
    w = rng.standard_normal((4, 12, 12))
    w[1] = np.outer(w[1, 0], w[1, 1])  # of rank 1
    w[2] = 0.0
    made = decompose_real(w)
    assert made.middle.max() <= 1.0 + 1e-12
    assert np.abs(flawed_matrix(made, Flaws(), rng) - w).max() < 1e-12


def test_an_interferometer_is_couplers_and_phases() -> None:
    """Oracle: exponentials of the Hamiltonians of two coupled modes, multiplied in light's order (scipy)."""
    mesh = decompose(unitaries(5, 1))
    rng = np.random.default_rng(2)
    bad = flawed(mesh, Flaws(phase_error=0.05, splitter_error=0.1, loss=0.3), rng)
    total = np.eye(5, dtype=complex)
    swap = np.array([[0, 1], [1, 0]])
    for start, stop, first in layers(5):
        layer = np.eye(5, dtype=complex) * 10 ** (-0.3 / 20)
        for gate in range(start, stop):
            at = first + 2 * (gate - start)
            a, b = (np.pi / 4 + np.asarray(x)[0, gate] for x in (bad.alpha, bad.beta))
            arm, turn = (np.diag([np.exp(1j * x[0, gate]), 1.0]) for x in (bad.theta, bad.phi))
            layer[at : at + 2, at : at + 2] = 10 ** (-0.3 / 20) * (
                expm(1j * b * swap) @ arm @ expm(1j * a * swap) @ turn
            )
        total = layer @ total
    total = np.diag(np.exp(1j * bad.output[0])) @ total
    assert np.abs(matrix_of(bad)[0] - total).max() < 1e-13


def test_light_is_kept_or_lost_by_what_it_passes() -> None:
    u = unitaries(8, 2)
    mesh, rng = decompose(u), np.random.default_rng(3)
    fields = rng.standard_normal((2, 8, 5)) + 1j * rng.standard_normal((2, 8, 5))
    lit = np.sum(np.abs(fields) ** 2, 1)
    off = flawed(mesh, Flaws(phase_error=0.3, splitter_error=0.1, crosstalk=0.01, bits=6), rng)
    assert np.sum(np.abs(apply_mesh(off, fields)) ** 2, 1) == pytest.approx(lit, rel=1e-12)
    dim = flawed(mesh, Flaws(loss=0.5), rng)  # 8 layers of 0.5 dB
    assert np.sum(np.abs(apply_mesh(dim, fields)) ** 2, 1) == pytest.approx(lit * 10**-0.4, rel=1e-12)
    assert weight_error(matrix_of(dim) * 10**0.2, u) == pytest.approx(0.0, abs=1e-12)
    uneven = flawed(mesh, Flaws(loss=0.5, dummies=False), rng)
    assert np.all(np.sum(np.abs(apply_mesh(uneven, fields)) ** 2, 1) > lit * 10**-0.4)
    assert np.all(weight_error(matrix_of(uneven) * 10**0.2, u) > 0.01)


@pytest.mark.parametrize("modes", [16, 32, 64])
def test_errors_of_phases_add_up_as_squares(modes: int) -> None:
    """√(2N)·σ: of N²/2 phases θ and of N²/2 phases φ, each on one of N modes, in two meshes."""
    rng = np.random.default_rng(modes)
    w = rng.standard_normal((30, modes, modes))
    made, flaws = decompose_real(w), Flaws(phase_error=0.01)
    left, right = flawed(made.left, flaws, rng), flawed(made.right, flaws, rng)
    found = apply_mesh(left, made.middle[:, :, None] * matrix_of(right)) * made.scale[:, None, None]
    expected = 0.01 * np.sqrt(2 * (modes - 1) + 2)
    assert weight_error(found, w).mean() == pytest.approx(expected, rel=0.06)
    assert mesh_error(modes) == pytest.approx(0.01 * np.sqrt(5 * (modes - 1) + 2), rel=0.06)


def test_bits_of_phases_halve_the_error() -> None:
    rng, w = np.random.default_rng(5), np.random.default_rng(6).standard_normal((20, 16, 16))
    made = decompose_real(w)
    errors = [weight_error(flawed_matrix(made, Flaws(bits=b), rng), w).mean() for b in (6, 8, 10)]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.2)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.2)


def test_a_gain_makes_good_the_mean_loss() -> None:
    rng, w = np.random.default_rng(5), np.random.default_rng(6).standard_normal((3, 8, 8))
    made = decompose_real(w)
    raw = weight_error(flawed_matrix(made, Flaws(loss=0.2), rng), w)
    mended = weight_error(flawed_matrix(made, Flaws(loss=0.2), rng, exact=w), w)
    assert np.all(raw > 0.25)
    assert mended == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: decompose(np.ones((3, 3))), "unitary"),
        (lambda: decompose(np.ones((3, 4))), "matrix"),
        (lambda: decompose(np.full((2, 2), np.nan)), "matrix"),
        (lambda: decompose_real(1j * np.eye(3)), "matrix"),
        (lambda: Flaws(phase_error=-1.0), "phase_error"),
        (lambda: Flaws(phase_error=float("nan")), "phase_error"),
        (lambda: Flaws(loss=1e9), "loss"),
        (lambda: Flaws(crosstalk=2.0), "crosstalk"),
        (lambda: replace(Flaws(), bits=99.0), "bits"),
    ],
)
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
    assert caught.value.allowed
