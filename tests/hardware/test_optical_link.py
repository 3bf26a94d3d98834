"""Optical links: the receiver beside a simulated one, budgets beside ports, rows beside the model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity, table
from gigawatt.core.errors import InputError
from gigawatt.machine import load_link
from gigawatt.technology.optical.link import (
    COMPONENTS,
    error_ratio,
    fabric_power,
    link_budget,
    sensitivity,
)

few = settings(deadline=None, max_examples=20, derandomize=True)
RECEIVER = {
    "symbol_rate": 100e9, "responsivity": 0.9, "noise_density": 2.25e-22, "bandwidth_share": 0.5,
    "extinction": 4.0,
}  # fmt: skip


def test_six_is_one_error_in_a_thousand_million() -> None:
    assert error_ratio(6.0) == pytest.approx(9.87e-10, rel=1e-3)  # Agrawal
    assert error_ratio(0.0) == pytest.approx(0.5)


@pytest.mark.parametrize("levels", [2, 4])
def test_errors_of_a_simulated_receiver(levels: int) -> None:
    """A million symbols at the sensitivity for one error in 100: Gaussian noise, Gray code, nearest level."""
    power = sensitivity(levels=levels, error_rate=1e-2, **RECEIVER)
    rng = np.random.default_rng(3)
    ratio = 10.0**0.4
    lowest = 2.0 * power / (1.0 + ratio)
    steps = np.linspace(lowest, lowest * ratio, levels) * RECEIVER["responsivity"]
    assert np.mean(steps) == pytest.approx(power * RECEIVER["responsivity"])
    sent = rng.integers(levels, size=1_000_000)
    noise = np.sqrt(RECEIVER["noise_density"] * 0.5 * 100e9)
    seen = steps[sent] + noise * rng.standard_normal(sent.size)
    read = np.clip(np.rint((seen - steps[0]) / (steps[1] - steps[0])), 0, levels - 1).astype(int)
    gray = np.arange(levels) ^ (np.arange(levels) >> 1)
    wrong = gray[sent] ^ gray[read]
    bits = np.mean((wrong & 1) + (wrong >> 1)) / np.log2(levels)
    assert bits == pytest.approx(1e-2, rel=0.05)


def test_ports_beside_what_is_published() -> None:
    for id, most in (("pluggable-1600", 0.25), ("cpo-1600", 0.25)):
        published = entity("optical_links_published", id).value("energy") / 8.0
        assert link_budget(id).total == pytest.approx(published, rel=most)
    assert 800e9 * link_budget("cpo-1600").total < entity("optical_links_published", "cpo-800").value(
        "power_below"
    )


@pytest.mark.parametrize("id", list(table("optical_links")))
def test_a_budget_adds_up(id: str) -> None:
    budget = link_budget(id)
    assert set(budget.energy) == set(COMPONENTS)
    row = entity("optical_links", id)
    decibel = row.value("loss") + row.value("penalty") + row.value("margin")
    assert 10.0 * np.log10(budget.launched / budget.received) == pytest.approx(decibel, rel=1e-12)
    assert budget.power == pytest.approx(budget.rate * budget.total, rel=1e-12)
    assert budget.latency(100.0) - budget.latency(0.0) == pytest.approx(489.7e-9, rel=1e-3)  # 4.9 ns a metre


@few
@given(more=st.floats(0.1, 10.0))
def test_signs_of_a_budget(more: float) -> None:
    usual = link_budget("cpo-1600")
    lossy = link_budget("cpo-1600", loss=13.0 + more)
    assert lossy.laser_power / usual.laser_power == pytest.approx(10.0 ** (more / 10.0), rel=1e-9)
    assert link_budget("cpo-1600", extinction=4.0 + more).laser_power < usual.laser_power
    assert link_budget("cpo-1600", margin=2.0 + more).reach > usual.reach


def test_a_fabric_has_two_ends_a_tier() -> None:
    assert fabric_power(rate=400e9, tiers=1, host=1e-12, switch=1e-12) == pytest.approx(0.8)
    assert fabric_power(rate=400e9, tiers=3, host=2e-12, switch=1e-12) == pytest.approx(0.4 * 7)


def test_rows_of_links_are_those_of_the_model() -> None:
    """A byte between racks goes over two optical links; three ports of switches change their optics."""
    copper = load_link("nvlink5-nvl72").energy_byte
    for id, design in (("cpo-nvlink5-576", "cpo-1600"), ("optical-io-nvlink5-576", "optical-io")):
        model = copper + 2.0 * 8.0 * link_budget(design).total
        assert load_link(id).energy_byte == pytest.approx(model, rel=0.05)
        assert load_link(id).bandwidth == load_link("nvlink5-nvl72").bandwidth
        assert load_link(id).latency > load_link("nvlink5-nvl72").latency
    old, new = (
        entity("optical_links_published", id).value("energy") / 8.0 for id in ("pluggable-1600", "cpo-1600")
    )
    for id in ("ndr-400", "xdr-800"):
        usual, made = load_link(f"ib-{id}"), load_link(f"cpo-{id}")
        rate = usual.bandwidth * 8.0
        less = fabric_power(rate=rate, tiers=2, host=old, switch=old) - fabric_power(
            rate=rate, tiers=2, host=old, switch=new
        )
        assert usual.network_power - made.network_power == pytest.approx(float(less), rel=0.25)
        assert usual.energy_byte - made.energy_byte == pytest.approx(16.0 * (old - new), rel=0.05)


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: link_budget("cpo-1600", colour=1.0), "cpo-1600"),
        (lambda: link_budget("cpo-1600", wall_plug=0.0), "wall_plug"),
        (lambda: link_budget("cpo-1600", loss=float("nan")), "loss"),
        (lambda: link_budget("copper"), "copper"),
        (lambda: sensitivity(levels=2, error_rate=0.7, **RECEIVER), "error_rate"),
        (lambda: error_ratio(-1.0), "quality"),
        (lambda: fabric_power(rate=1e9, tiers=0, host=0.0, switch=0.0), "tiers"),
        (lambda: link_budget("cpo-1600").latency(-1.0), "length"),
    ],
)
def test_bad_links_are_one_line(call: object, key: str) -> None:
    with pytest.raises(InputError, match=key) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
