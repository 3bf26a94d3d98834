"""Nonlinear optics. Oracles: numpy's roots, scipy's Lambert W and equations, the authors' own library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import lambertw

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.technology.optical.absorber import filling_energy, saturable_transmission
from gigawatt.technology.optical.activations import (
    KINDS,
    list_activations,
    load_activation,
    shape,
)
from gigawatt.technology.optical.electro_optic import (
    ElectroOpticNeuron,
    electro_optic_field,
    second_harmonic,
)
from gigawatt.technology.optical.kerr import (
    CRITICAL_DETUNING,
    CRITICAL_POWER,
    KerrCavity,
    cavity_energy,
    ring_up,
    turning_points,
)

few = settings(deadline=None, max_examples=25, derandomize=True)
CAVITY = KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.07e-18, 4e-12)


@few
@given(power=st.floats(0.0, 50.0), detuning=st.floats(-4.0, 6.0))
def test_the_cubic_beside_numpys_roots(power: float, detuning: float) -> None:
    roots = np.roots([1.0, -2.0 * detuning, 1.0 + detuning**2, -power])
    real = np.sort(roots[np.abs(roots.imag) < 1e-6 * (1.0 + np.abs(roots))].real)
    for upper, expected in ((False, real[0]), (True, real[-1])):
        y = float(cavity_energy(power, detuning, upper=upper))
        assert y * (1.0 + (detuning - y) ** 2) == pytest.approx(power, rel=1e-9, abs=1e-12)
        assert y == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_bistability_begins_where_theory_says() -> None:
    """Gibbs: at δ = √3 both turning points are 8/(3√3)."""
    down, up = turning_points(CRITICAL_DETUNING)
    assert down == pytest.approx(CRITICAL_POWER, rel=1e-7)
    assert up == pytest.approx(8.0 / 3.0**1.5, rel=1e-7)
    down, up = turning_points(2.5)
    inside, outside = 0.5 * (down + up), 1.01 * up
    assert cavity_energy(inside, 2.5, upper=True) > 2.0 * cavity_energy(inside, 2.5)
    assert cavity_energy(outside, 2.5, upper=True) == pytest.approx(float(cavity_energy(outside, 2.5)))
    with pytest.raises(InputError, match="detuning"):
        turning_points(1.0)


def test_the_motion_ends_in_the_steady_states() -> None:
    """Upward and downward in input: hysteresis, by the equation of motion alone."""
    power = 0.5 * sum(turning_points(2.5))
    low = ring_up(power, 2.5, until=40.0)[-1, 0]
    y = float(cavity_energy(power, 2.5, upper=True))
    near = 1.1 * np.sqrt(power) / (1.0 + 1j * (2.5 - y))  # a tenth beside the field of the upper state
    high = ring_up(power, 2.5, start=near, until=40.0)[-1, 0]
    assert low == pytest.approx(float(cavity_energy(power, 2.5)), rel=1e-4)
    assert high == pytest.approx(y, rel=1e-4)


def test_the_motion_beside_scipy() -> None:
    found = solve_ivp(
        lambda _, a: -(1.0 + 1j * (1.2 - np.abs(a) ** 2)) * a + np.sqrt(2.0),
        (0.0, 5.0),
        [0j],
        rtol=1e-10,
        atol=1e-12,
    )
    assert ring_up(2.0, 1.2, until=5.0)[-1, 0] == pytest.approx(abs(found.y[0, -1]) ** 2, rel=1e-8)


def test_a_cavity_without_nonlinearity_is_a_lorentzian_and_keeps_energy() -> None:
    faint = 1e-9 * CAVITY.characteristic_power
    for detuning in (0.0, 1.0, 3.0):
        assert float(CAVITY.transmitted(faint, detuning)) / faint == pytest.approx(
            1.0 / (1.0 + detuning**2), rel=1e-6
        )
    lossy = KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.07e-18, 4e-12, 0.8)
    assert float(lossy.transmitted(faint, 0.0)) / faint == pytest.approx(0.64, rel=1e-6)
    powers = np.geomspace(1e-3, 1e3, 61) * CAVITY.characteristic_power
    assert np.all(CAVITY.transmitted(powers, 1.6) <= powers * (1.0 + 1e-12))


def test_the_threshold_falls_with_the_square_of_q_and_grows_with_the_volume() -> None:
    double = KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.07e-18, 8e-12)
    large = KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.14e-18, 4e-12)
    assert CAVITY.threshold_power / double.threshold_power == pytest.approx(4.0, rel=1e-12)
    assert large.threshold_power / CAVITY.threshold_power == pytest.approx(2.0, rel=1e-12)


@few
@given(u=st.floats(1e-6, 200.0), depth=st.floats(0.01, 8.0))
def test_saturation_is_lamberts_w(u: float, depth: float) -> None:
    """scipy's Lambert W: u_out = W(u·e^(u − d))."""
    if u - depth < 600.0:
        expected = float(lambertw(u * np.exp(u - depth)).real)
        assert u * float(saturable_transmission(u, depth=depth)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("u", [0.01, 0.7, 5.0, 60.0])
@pytest.mark.parametrize(("depth", "fixed"), [(2.3, 0.46), (1.0, 3.0), (0.0, 1.0)])
def test_saturation_beside_the_differential_equation(u: float, depth: float, fixed: float) -> None:
    found = solve_ivp(
        lambda _, v: -depth * v / (1.0 + v) - fixed * v, (0.0, 1.0), [u], rtol=1e-11, atol=1e-14
    )
    ours = float(saturable_transmission(u, depth=depth, fixed_depth=fixed))
    assert u * ours == pytest.approx(found.y[0, -1], rel=1e-8)


def test_limits_of_saturation() -> None:
    faint, bright = saturable_transmission([0.0, 1e9], depth=2.0, fixed_depth=0.5)
    assert faint == pytest.approx(np.exp(-2.5), rel=1e-12)
    assert bright == pytest.approx(np.exp(-0.5), rel=1e-6)


def test_states_of_graphene() -> None:
    """Half a photon of 0.8 eV: 1.2e13 electrons per cm² with v = 10⁶ m/s (density of states, textbook)."""
    joules = filling_energy(wavelength=1.55e-6, fermi_velocity=1e6, area=1e-12)
    photon = 6.62607015e-34 * 299792458.0 / 1.55e-6
    assert joules / photon == pytest.approx(1.174e17 * 1e-12, rel=2e-3)


def test_the_electro_optic_neuron_beside_its_authors_library() -> None:
    """neuroptica 0.1.0, ElectroOpticActivation, run with tap 0.1, gain 0.4 π and bias π."""
    row = entity("photonic_nonlinear_published", "neuroptica-a")
    fields = np.array([0.1, 0.5, 1.0, 1.5])
    ours = np.abs(electro_optic_field(fields, tap=0.1, phase_gain=0.4 * np.pi, phase_bias=np.pi)) ** 2
    theirs = [row.value(f"out_{text}") for text in ("0_1", "0_5", "1_0", "1_5")]
    assert ours == pytest.approx(theirs, rel=1e-10)


def test_the_neuron_opens_where_its_voltage_says() -> None:
    neuron = ElectroOpticNeuron(0.1, 0.8, 1e3, 10.0, 1.0, 1e10, 0.02, 1e-13, 3.0)
    assert neuron.half_wave_power == pytest.approx(10.0 / (0.1 * 0.8 * 1e3), rel=1e-12)
    power = neuron.half_wave_power
    assert float(neuron.transmitted(power)) / power == pytest.approx(0.9 * 10**-0.3, rel=1e-9)
    assert neuron.energy == pytest.approx(0.02 / 1e10 + 1e-13 * 100.0, rel=1e-12)


def test_the_harmonic_beside_its_differential_equations() -> None:
    """Fundamental a and harmonic b: a' = −k·a·b, b' = k·a²; a² + b² is kept (Armstrong et al. 1962)."""
    k = np.sqrt(1e5)
    found = solve_ivp(
        lambda _, v: [-k * v[0] * v[1], k * v[0] ** 2],
        (0.0, 2.5e-3),
        [np.sqrt(3.0), 0.0],
        rtol=1e-11,
        atol=1e-14,
    )
    a, b = found.y[:, -1]
    assert a**2 + b**2 == pytest.approx(3.0, rel=1e-8)
    assert second_harmonic(3.0, efficiency=1e5, length=2.5e-3) == pytest.approx(b**2, rel=1e-7)


@pytest.mark.parametrize("id", list_activations())
def test_every_activation_is_passive_and_scales(id: str) -> None:
    device = load_activation(id)
    assert device.kind in KINDS
    watts = np.linspace(0.0, 3.0, 31) * device.threshold_power
    out = device.transmitted(watts)
    assert np.all(out >= 0.0)
    assert np.all(out <= watts * (1.0 + 1e-12))
    assert device.transmitted(0.0) == 0.0
    assert device.energy >= device.threshold_energy > 0.0
    assert shape(device).transmission <= 1.0


def test_the_form_of_an_activation_is_its_device() -> None:
    """Relative numbers and watts of the cavity and the neuron are the same function."""
    kerr = load_activation("kerr-silicon-phc")
    watts = np.linspace(0.0, 0.03, 17)
    assert kerr.transmitted(watts) == pytest.approx(CAVITY.transmitted(watts, 1.6), rel=1e-10, abs=1e-15)
    neuron = ElectroOpticNeuron(0.1, 0.8, 1e3, 10.0, 1.0, 1e10, 0.02, 1e-13, 3.0)
    device = load_activation("electro-optic")
    assert device.transmitted(watts) == pytest.approx(neuron.transmitted(watts), rel=1e-9, abs=1e-18)


def test_the_published_thresholds_within_a_factor_of_two() -> None:
    """An area and a volume of a textbook cavity with published response times; neither energy was used."""
    for id in ("absorber-graphene", "kerr-silicon-phc"):
        published = entity("photonic_nonlinear_published", id).value("threshold_energy")
        assert 0.5 < load_activation(id).threshold_energy / published < 2.0


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: cavity_energy(-1.0, 0.0), "power"),
        (lambda: cavity_energy(1.0, np.nan), "detuning"),
        (lambda: saturable_transmission(np.nan, depth=1.0), "power"),
        (lambda: saturable_transmission(1.0, depth=-1.0), "depth"),
        (lambda: electro_optic_field(1.0, tap=1.0, phase_gain=1.0, phase_bias=0.0), "tap"),
        (lambda: KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.07e-18, 4e-12, 1.5), "coupled"),
        (lambda: load_activation("kerr-silicon-phc", detuning=2.0), "detuning"),
        (lambda: load_activation("kerr-silicon-phc", colour=2.0), "kerr-silicon-phc"),
        (lambda: load_activation("ppln-shg", lifetime=-1.0), "lifetime"),
        (lambda: load_activation("electro-optic").relative(-0.1), "power"),
        (lambda: ring_up(1.0, 1.0, until=0.0), "until"),
        (lambda: second_harmonic(1.0, efficiency=0.0, length=1.0), "efficiency"),
        (lambda: filling_energy(wavelength=0.0, fermi_velocity=1e6, area=1e-12), "wavelength"),
        (lambda: shape(load_activation("ppln-shg"), most=0.0), "most"),
    ],
)
def test_bad_input_is_one_line(call: object, key: str) -> None:
    with pytest.raises(InputError, match=key) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
