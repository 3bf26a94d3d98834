"""Optical gates, circuits and memories: verdicts that follow from transfer functions, and known limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.technology.optical.gates import (
    Gate,
    Levels,
    levels,
    list_gates,
    load_gate,
    verdict,
    with_amplifier,
)
from gigawatt.technology.optical.kerr import KerrCavity
from gigawatt.technology.optical.logic import adder_energy, chain, ripple_adder, xor_tree
from gigawatt.technology.optical.memory import holding_energy, kerr_latch, loop_buffer
from gigawatt.workload.operations import Array

few = settings(deadline=None, max_examples=15, derandomize=True)
PASSIVE, POWERED = ("gate-absorber", "gate-kerr"), ("gate-soa-mzi", "gate-electro-optic")


def test_passive_gates_fail_and_powered_ones_do_not() -> None:
    """Miller 2010: nearly all proposals fail on most criteria; what has its own supply need not."""
    assert set(list_gates()) == {*PASSIVE, *POWERED}
    for id in PASSIVE:
        assert not verdict(load_gate(id)).cascadable
        assert len(verdict(load_gate(id)).fails) >= 4
    for id in POWERED:
        found = verdict(load_gate(id))
        assert found.cascadable, found.fails
        assert found.fan_out == 3  # a drive of 4 less 1 dB


def test_an_ideal_interferometer_keeps_none_and_one() -> None:
    """sin²(πp/2) has the fixed points 0, 1/2 and 1."""
    gate = load_gate("gate-electro-optic", floor=0.0, loss=0.0, drive=1.0)
    found = levels(gate)
    assert found.low == 0.0
    assert found.high == pytest.approx(1.0, abs=1e-3)
    assert found.between == pytest.approx(0.5, abs=1e-3)
    assert found.margin == pytest.approx(0.5, abs=2e-3)


@few
@given(drive=st.floats(1.0, 8.0), loss=st.floats(0.0, 3.0))
def test_fan_out_is_what_the_drive_is_worth(drive: float, loss: float) -> None:
    """As long as the high level is worth the switching input; a little below it levels still hold."""
    gate = load_gate("gate-electro-optic", drive=drive, loss=loss)
    most = verdict(gate, 1).fan_out
    assert most >= int(drive * 10.0 ** (-loss / 10.0))
    assert most <= drive * 10.0 ** (-loss / 10.0) / 0.7


def test_a_linear_gate_restores_nothing() -> None:
    gate = replace(load_gate("gate-electro-optic"), transfer=lambda p: 0.999 * p, drive=1.0, loss=1.0)
    assert levels(gate).margin == 0.0
    assert not verdict(gate).cascadable


def test_errors_of_a_passive_chain_end_at_chance() -> None:
    for id in PASSIVE:
        found = chain(load_gate(id), depth=20, words=4000)
        assert found.error_rate[-1] == pytest.approx(0.5, abs=0.05)
        assert found.quality[0] > found.quality[-1]


def test_a_restoring_chain_does_not_wear_out() -> None:
    found = chain(load_gate("gate-soa-mzi"), depth=40, fan_out=2.0, words=4000)
    assert np.all(found.error_rate == 0.0)
    assert found.quality[-1] == pytest.approx(found.quality[0], rel=0.1)


def test_more_noise_more_errors() -> None:
    rates = [
        chain(load_gate("gate-soa-mzi", noise=noise), depth=8, words=4000).error_rate[-1]
        for noise in (0.05, 0.2, 0.4)
    ]
    assert rates[0] <= rates[1] < rates[2]


def _amplified(gate: Gate, gain: float, saturation: float) -> Gate:
    def transfer(power: Array) -> Array:
        out = gain * gate.transfer(power)
        return out / (1.0 + out / saturation)

    return replace(gate, transfer=transfer)


def widest_margin(gate: Gate, fan_out: float = 2.0) -> tuple[float, float, Levels]:
    """(gain, saturation, levels) of the amplifier behind a passive gate that leaves the widest margin."""
    best = (1.0, float("inf"), levels(gate, fan_out))
    plain = with_amplifier(gate, 1.0, 1e30)
    for gain in np.geomspace(1.0, 1e3, 49):
        for saturation in np.geomspace(1.0, 1e2, 13):
            found = levels(_amplified(plain, float(gain), float(saturation)), fan_out)
            if found.margin > best[2].margin:
                best = (float(gain), float(saturation), found)
    return best


def test_an_amplifier_restores_levels_but_not_inversion() -> None:
    for id in PASSIVE:
        gate = load_gate(id)
        gain, saturation, found = widest_margin(gate)
        assert found.margin > 0.0
        helped = verdict(with_amplifier(gate, gain, saturation))
        assert "no inversion: no complete logic" in helped.fails
        assert helped.levels.margin == pytest.approx(found.margin, rel=0.02)
        assert gain > 1.0


def test_without_noise_the_adder_adds() -> None:
    """Conservation of truth: every sum of 4 bits and every parity comes out."""
    for id in POWERED:
        gate = replace(load_gate(id), noise=0.0, photons=1e12)
        assert np.all(ripple_adder(gate, words=2000).error_rate == 0.0)
        assert np.all(xor_tree(gate, depth=8, words=200).error_rate == 0.0)


def test_a_poor_extinction_breaks_the_adder_before_a_chain() -> None:
    gate = load_gate("gate-soa-mzi", floor=0.2)
    assert ripple_adder(gate, words=2000).error_rate[-1] > 0.01


def test_few_photons_break_logic() -> None:
    gate = replace(load_gate("gate-electro-optic"), photons=10.0)
    assert ripple_adder(gate, words=2000).error_rate[-1] > 0.05


def test_optical_addition_costs_thousands_of_times_what_cmos_does() -> None:
    ours, cmos = adder_energy(load_gate("gate-electro-optic"))
    assert ours / cmos > 1e3
    assert cmos == pytest.approx(4.0 * entity("optical_elements", "adder-cmos").value("energy"))


def test_a_latch_in_a_cavity() -> None:
    """Power falls as 1/Q², energy as 1/Q, time grows as Q; a wider detuning widens the hysteresis."""
    one = kerr_latch(KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.07e-18, 4e-12))
    ten = kerr_latch(KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.07e-18, 4e-11))
    assert one.hold_power / ten.hold_power == pytest.approx(100.0, rel=1e-9)
    assert one.write_energy / ten.write_energy == pytest.approx(10.0, rel=1e-9)
    assert ten.write_time / one.write_time == pytest.approx(10.0, rel=1e-9)
    wider = kerr_latch(KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.07e-18, 4e-12), 3.5)
    assert wider.window > one.window > 0.0
    with pytest.raises(InputError, match="detuning"):
        kerr_latch(KerrCavity(1.55e-6, 3.48, 4.5e-18, 0.07e-18, 4e-12), 1.0)


def test_a_loop_holds_what_its_length_holds() -> None:
    loop = loop_buffer([1.0, 100.0])
    assert loop.length[0] == pytest.approx(2.9979e8 / 1.468 / 40e9, rel=1e-3)  # 5 mm a bit at 40 Gb/s
    assert loop.turns[1] <= loop.turns[0]
    assert loop.hold_power[0] == pytest.approx(100.0 * loop.hold_power[1], rel=1e-12)


def test_holding_costs_light_where_light_holds() -> None:
    assert holding_energy("phase-change", 1e3) == holding_energy("phase-change", 0.0)
    grown = holding_energy("latch-phc", 1.0) - holding_energy("latch-phc", 0.0)
    assert grown == pytest.approx(30e-9, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: load_gate("gate-cmos"), "gate"),
        (lambda: load_gate("gate-kerr", colour=1.0), "gate-kerr"),
        (lambda: load_gate("gate-kerr", noise=-1.0), "noise"),
        (lambda: levels(load_gate("gate-kerr"), 0.5), "fan_out"),
        (lambda: levels(load_gate("gate-kerr"), 1.0, 0.0), "light"),
        (lambda: ripple_adder(load_gate("gate-absorber")), "invert"),
        (lambda: xor_tree(load_gate("gate-soa-mzi"), depth=13), "depth"),
        (lambda: chain(load_gate("gate-soa-mzi"), depth=0), "depth"),
        (lambda: adder_energy(load_gate("gate-soa-mzi"), 0), "bits"),
        (lambda: with_amplifier(load_gate("gate-kerr"), 0.5, 1.0), "gain"),
        (lambda: loop_buffer(0.0), "bits"),
        (lambda: holding_energy("sram-cell", -1.0), "seconds"),
    ],
)
def test_bad_gates_are_one_line(call: object, key: str) -> None:
    with pytest.raises(InputError, match=key) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
