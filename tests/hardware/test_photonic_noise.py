"""Noise, link budgets, rings. Oracles: counted photons, equations solved both ways, textbook limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.technology.photonic.noise import (
    CHARGE,
    Receiver,
    amplitude,
    direct_noise,
    effective_bits,
    homodyne_noise,
    laser_power,
    needed_photons,
    needed_power,
    photon_energy,
    signal_to_noise,
)
from gigawatt.technology.photonic.rings import bank_weights, drop, ring_phase
from gigawatt.validation.technologies.photonic import width_exponent

few = settings(deadline=None, max_examples=25, derandomize=True)


def test_counted_photons_scatter_as_said() -> None:
    """Oracle: Poisson counts on two detectors of signed numbers."""
    rng = np.random.default_rng(0)
    w, x, photons = rng.standard_normal((40, 64)), rng.standard_normal((1, 64)), 50.0
    lit = np.abs(x) @ np.abs(w).T
    per = photons * 64 / lit.mean()  # counts a unit of |w||x|
    products = w * x
    plus, minus = (np.where(s * products > 0, s * products, 0.0).sum(1) for s in (1.0, -1.0))
    draws = (rng.poisson(plus * per, (20_000, 40)) - rng.poisson(minus * per, (20_000, 40))) / per
    expected = direct_noise(lit=lit, mean=lit.mean(), columns=64, photons=photons)[0]
    assert draws.std(0) == pytest.approx(expected, rel=0.03)
    assert draws.mean(0) == pytest.approx(products.sum(1), abs=4 * expected.max() / np.sqrt(20_000) * 2)


def test_homodyne_noise_beside_the_outputs_of_a_random_matrix() -> None:
    """Hamerly et al. 2019: relative noise 1/√photons, whatever the size."""
    rng = np.random.default_rng(1)
    for rows, columns in ((64, 64), (32, 512), (300, 1000)):
        w, x = rng.standard_normal((rows, columns)), rng.standard_normal((200, columns))
        noise = homodyne_noise(
            weights=np.linalg.norm(w),
            inputs=np.linalg.norm(x, axis=1),
            rows=rows,
            columns=columns,
            photons=25.0,
        )
        outputs = np.sqrt(np.mean((x @ w.T) ** 2))
        assert np.sqrt(np.mean(noise**2)) / outputs == pytest.approx(0.2, rel=0.05)
        assert needed_photons(w, x, error=0.2) == pytest.approx(25.0, rel=0.1)


def test_photons_against_width() -> None:
    """Intensities add up in step: 1/d (Anderson et al. 2024). Signed random numbers do not: no gain."""
    assert width_exponent("intensities") == pytest.approx(-1.0, abs=0.03)
    assert width_exponent("signed") == pytest.approx(0.0, abs=0.03)


@few
@given(bits=st.floats(1, 8), bandwidth=st.floats(1e8, 5e10), noise=st.floats(1e-12, 1e-10))
def test_power_for_bits_and_bits_of_power(bits: float, bandwidth: float, noise: float) -> None:
    receiver = Receiver(0.9, bandwidth, noise, intensity_noise=1e-17)
    power = needed_power(bits, receiver)
    assert effective_bits(signal_to_noise(power, receiver)) == pytest.approx(bits, rel=1e-9)
    assert needed_power(bits + 0.5, receiver) > power


def test_limits_of_a_receiver() -> None:
    shot = Receiver(1.0, 1e9, 1e-30)  # no amplifier noise to speak of
    assert signal_to_noise(1e-3, shot) == pytest.approx(1e-3 / (2 * CHARGE * 1e9), rel=1e-6)
    thermal = Receiver(1.0, 1e9, resistance=50.0)
    assert thermal.thermal == pytest.approx(4 * 1.380649e-23 * 300 * 1e9 / 50)
    loud = Receiver(1.0, 1e9, intensity_noise=1e-15)
    assert signal_to_noise(10.0, loud) == pytest.approx(1e6, rel=1e-3)  # 1/(RIN·B), however bright
    with pytest.raises(InputError, match="fewer bits"):
        needed_power(12.0, loud)


def test_a_link_budget() -> None:
    """10 dB of losses, 4 detectors of 1 mW, a fifth of the wall's power becomes light: 200 mW."""
    assert laser_power(1e-3, losses=(3.0, 7.0), ways=4.0, efficiency=0.2) == pytest.approx(0.2)
    assert amplitude(3.0103) == pytest.approx(0.5, rel=1e-5)
    assert photon_energy(1550e-9) == pytest.approx(1.2816e-19, rel=1e-4)


@few
@given(weight=st.floats(-0.99, 1.0), finesse=st.floats(40, 1000))
def test_a_ring_takes_its_weight(weight: float, finesse: float) -> None:
    phase = ring_phase(weight, finesse=finesse)
    assert 2.0 * drop(phase, finesse=finesse) - 1.0 == pytest.approx(weight, abs=1e-9)
    assert drop(np.pi / finesse, finesse=finesse) == pytest.approx(0.5)  # half width at half maximum
    assert drop(2 * np.pi, finesse=finesse) == pytest.approx(1.0)


def test_neighbours_take_light() -> None:
    rng = np.random.default_rng(2)
    w = rng.uniform(-0.8, 0.8, (50, 8))
    phases = ring_phase(w, finesse=200)
    assert bank_weights(phases, finesse=200, spacing=np.inf) == pytest.approx(w, abs=1e-12)
    errors = [
        np.abs(bank_weights(ring_phase(w, finesse=f), finesse=f) - w).max() for f in (100.0, 200.0, 400.0)
    ]
    assert errors[0] > errors[1] > errors[2]  # finer rings see less of one another
    one = np.array([[0.0]])
    assert bank_weights(one, finesse=50.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: drop(0.0, finesse=1.0), "finesse"),
        (lambda: ring_phase(1.5, finesse=50), "weight"),
        (lambda: bank_weights(np.zeros((1, 3)), finesse=50, spacing=-1.0), "spacing"),
        (lambda: photon_energy(0.0), "wavelength"),
        (lambda: laser_power(1.0, losses=(-1.0,)), "losses"),
        (lambda: laser_power(1.0, losses=(1.0,), efficiency=2.0), "efficiency"),
        (lambda: Receiver(responsivity=-1.0), "responsivity"),
        (lambda: Receiver(intensity_noise=-1.0), "intensity_noise"),
        (lambda: homodyne_noise(weights=1.0, inputs=1.0, rows=1, columns=1, photons=0.0), "photons"),
        (lambda: needed_photons(np.ones((2, 3)), np.ones((2, 2))), "inputs"),
        (lambda: needed_photons(np.zeros((2, 3)), np.ones((2, 3))), "inputs"),
        (lambda: needed_photons(np.ones((2, 3)), np.ones((2, 3)), detection="x"), "detection"),
    ],
)
def test_noise_that_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
    assert caught.value.allowed
