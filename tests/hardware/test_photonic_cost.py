"""Cost of photonic products. Oracles: published outputs of a simulator (structure chosen on them); laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.technology.mapper import places
from gigawatt.technology.photonic import products as photonic
from gigawatt.technology.photonic.link import detected_power, receiver
from gigawatt.technology.photonic.noise import needed_power
from gigawatt.technology.photonic.writing import write
from gigawatt.technology.registry import load_substrate
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.validation.published import checks_of
from gigawatt.validation.technologies.photonic import lightening, processor
from gigawatt.workload import read_architecture

few = settings(deadline=None, max_examples=20, derandomize=True)
SUBSTRATES = (
    "photonic-mzi", "photonic-mzi-trimmed", "photonic-crossbar", "photonic-crossbar-4b", "photonic-ring",
    "pace", "lightmatter",
)  # fmt: skip


def made(name: str) -> Substrate:
    return load_substrate(name)


def total(substrate: Substrate, **sizes: object) -> np.ndarray:
    return np.sum(list(photonic.cost(substrate, **sizes).values()), axis=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("workload", "bits"), [("deit", 4), ("deit", 8), ("bert", 4), ("bert", 8)])
def test_lightening_transformer(workload: str, bits: int) -> None:
    """Zhu et al. 2024, outputs of their simulator: 0.3843, 1.2055, 9.324, 30.53 mJ; 19.35 and 516 µs."""
    row = entity("photonic_published", "lt-b")
    joules, seconds = lightening(workload, bits)
    assert joules == pytest.approx(row.value(f"energy_{workload}_{bits}"), rel=0.1)
    assert seconds == pytest.approx(row.value(f"latency_{workload}"), rel=0.02)


def test_processors() -> None:
    """PACE without lasers, the light of the processor with four cores; PACE with lasers is missed by 20 %."""
    assert processor("pace")["efficiency_without_lasers"] == pytest.approx(4.21e12, rel=0.15)
    assert processor("lightmatter")["optical_power"] == pytest.approx(1.6, rel=0.15)
    missed = {
        one.what
        for one in checks_of("technologies", "photonic")
        if not one.ok and one.what.startswith("pace")
    }
    assert missed <= {"pace: efficiency"}


@pytest.mark.parametrize("name", SUBSTRATES)
def test_every_component_has_joules(name: str) -> None:
    sizes = {"m": np.array([1.0, 2.0]), "n": 700.0, "k": 900.0}
    found = photonic.cost(made(name), **sizes)
    assert set(found) == set(photonic.COMPONENTS)
    for part, value in found.items():
        assert value.shape == (2,), part
        assert np.all(np.isfinite(value) & (value >= 0.0)), part
    assert np.all(photonic.time(made(name), **sizes) > 0.0)
    assert float(photonic.area(made(name), n=700.0, k=900.0)) > 0.0
    assert not np.any(total(made(name), m=0.0, n=10.0, k=10.0))


@few
@given(m=st.integers(1, 300), n=st.integers(1, 4000), k=st.integers(1, 4000))
def test_signs_of_what_moves_a_photonic_cost(m: int, n: int, k: int) -> None:
    sizes = {"m": m, "n": n, "k": k}
    for name in SUBSTRATES:
        one = made(name)
        base = total(one, **sizes)
        assert total(one, m=2 * m, n=n, k=k) > base
        assert total(made(f"{name}:adc_bits=9"), **sizes) > base
        assert total(made(f"{name}:dac_bits=11"), **sizes) > base
        bright = photonic.cost(made(f"{name}:photons_per_mac=1e7"), **sizes)
        assert bright["laser"] > photonic.cost(one, **sizes)["laser"]
    lossy = photonic.cost(made("photonic-mzi:loss=0.5"), **sizes)["laser"]
    assert lossy > photonic.cost(made("photonic-mzi"), **sizes)["laser"]


def test_a_mesh_multiplies_the_laser_with_its_depth() -> None:
    """0.25 dB more in each of 129 elements is a factor of 10^3.225."""
    low, high = (photonic.optical_power(made(f"photonic-mzi:loss={x}")) for x in (0.25, 0.5))
    assert high / low == pytest.approx(10**3.225, rel=1e-9)
    shorter = photonic.path_loss(made("photonic-mzi:size=16"))["elements"]
    assert photonic.path_loss(made("photonic-mzi"))["elements"] / shorter == pytest.approx(129 / 33)


def test_weights_of_a_crossbar_come_from_memory_once_a_product() -> None:
    one = made("photonic-crossbar")
    few_, many = (photonic.cost(one, m=m, n=4096.0, k=4096.0) for m in (1.0, 64.0))
    assert (
        few_["weights"]
        == many["weights"]
        == pytest.approx(4096**2 * entity("memories", "HBM2").value("energy"))
    )
    assert (
        photonic.cost(made("photonic-crossbar-4b"), m=1.0, n=4096.0, k=4096.0)["weights"]
        == few_["weights"] / 2
    )
    assert not np.any(photonic.cost(made("photonic-ring"), m=1.0, n=4096.0, k=4096.0)["weights"])
    slow = photonic.time(one, m=1.0, n=4096.0, k=4096.0)
    assert slow == pytest.approx(4096**2 / 1024e9)  # memory, not light, sets the pace
    assert not photonic.standing_power(one, n=4096.0, k=4096.0)
    assert photonic.standing_power(made("photonic-mzi"), n=64.0, k=64.0) == pytest.approx(
        2 * 64**2 * 0.03 * 0.75
    )


def test_a_full_chip_is_its_events() -> None:
    """Joules of a product that fills rows, columns and wavelengths are the chip's watts times its seconds."""
    one = made("photonic-crossbar")
    m, n, k = 12.0 * 50, 48.0 * 50, 24.0 * 50
    busy = float(photonic.counts(one, m=m, n=n, k=k).symbols) / 5e9
    cost, watts = photonic.cost(one, m=m, n=n, k=k), photonic.powers(one)
    assert busy == pytest.approx(50**3 / 5e9)
    for part in ("dac", "modulator", "adc", "tia", "detector", "laser", "tuning"):
        assert float(cost[part]) == pytest.approx(watts[part] * busy, rel=1e-9), part


def test_attention_in_light_is_placed_and_priced() -> None:
    architecture = read_architecture("llama-3.1-8b")
    light, dark = made("photonic-crossbar"), made("photonic-crossbar:attention=digital")
    on = {one.work.operation.name for one in places(light, architecture) if one.on_substrate}
    off = {one.work.operation.name for one in places(dark, architecture) if one.on_substrate}
    assert on > off
    ours, theirs = (token_cost(x, architecture, context=2048.0) for x in (light, dark))
    assert ours.energy["fallback"] < theirs.energy["fallback"]
    assert ours.energy["cache"] > 0.0 == theirs.energy["cache"]
    assert ours.energy["weights"] > 0.9 * 7e9 * entity("memories", "HBM2").value("energy")
    assert ours.area == pytest.approx(60.28e-6, rel=1e-3)
    # keys and values are read once: joules of the cache double with the context
    longer = token_cost(light, architecture, context=4096.0)
    assert longer.energy["cache"] == pytest.approx(2 * ours.energy["cache"], rel=0.02)


def test_held_weights_burn_while_other_layers_run() -> None:
    architecture = read_architecture("llama-3.1-8b")
    hot, cold = made("photonic-ring"), made("photonic-ring:tuning=phase-change")
    thermal, changed = token_cost(hot, architecture), token_cost(cold, architecture)
    held = 6.98e9 * 0.275e-3  # a ring a weight of the layers
    spent = thermal.energy["idle"] - changed.energy["idle"]
    assert spent == pytest.approx(held * thermal.step_time, rel=0.01)


def test_setting_weights() -> None:
    thermal, patch = (made(f"photonic-ring:tuning={x}") for x in ("thermal", "phase-change"))
    sizes = {"n": np.array([16.0, 160.0]), "k": 16.0}
    assert write(thermal, **sizes).energy[1] == pytest.approx(10 * write(thermal, **sizes).energy[0])
    assert write(thermal, **sizes).energy[0] == pytest.approx(256 * 0.275e-3 * 10e-6)
    assert write(patch, **sizes).energy[0] == pytest.approx(256 * 1e-9)
    assert write(patch, **sizes).time == pytest.approx(16e-6)
    assert not np.any(write(made("photonic-crossbar"), **sizes).energy)


@pytest.mark.parametrize("name", ["photonic-crossbar", "pace"])
def test_the_rule_of_sensitivity_is_within_a_factor_of_physics(name: str) -> None:
    """Shot noise, amplifier and laser noise for 7 bits of a full range, beside -25 dBm a level."""
    one = made(f"{name}:adc_bits=7,photons_per_mac=0")
    assert 0.25 < float(needed_power(7.0, receiver(one))) / detected_power(one) < 4.0


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda s: photonic.cost(s, m=1.0, n=0.0, k=4.0), "n"),
        (lambda s: photonic.cost(s, m=-1.0, n=4.0, k=4.0), "m"),
        (lambda s: photonic.time(s, m=1.0, n=4.0, k=np.nan), "k"),
        (lambda s: photonic.attention(s, m=1.0, n=4.0, k=4.0, batch=1.0, cache=1.0), "attention"),
        (lambda s: made("photonic-mzi:size=1"), "photonic-mzi.size"),
        (lambda s: made("photonic-mzi:tuning=hope"), "photonic-mzi.tuning"),
        (lambda s: photonic.cost(Substrate("x", "x", "digital", {}), m=1.0, n=1.0, k=1.0), "technology"),
        (
            lambda s: photonic.cost(Substrate("x", "x", "photonic", {"design": "y"}), m=1.0, n=1.0, k=1.0),
            "design",
        ),
        (
            lambda s: photonic.cost(Substrate("x", "x", "photonic", {"clock": 0.0}), m=1.0, n=1.0, k=1.0),
            "clock",
        ),
    ],
)
def test_photonic_costs_that_cannot_be_are_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run(made("photonic-mzi"))  # type: ignore[operator]
    assert caught.value.key == key
    assert caught.value.allowed
