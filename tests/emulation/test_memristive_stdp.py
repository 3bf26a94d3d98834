"""Memristive synapses that learn: the device's law, what is counted, patterns whose best answer is known."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity, table
from gigawatt.core.errors import InputError, MissingDataError
from memristive_learning import (
    Patterns,
    learn,
    load_digits,
    load_memristor,
    load_network,
    make_patterns,
    pulse,
)

few = settings(deadline=None, max_examples=25, derandomize=True)
DEVICES = [key for key, row in table("memristors").items() if row.text("kind") == "device"]
UP, DOWN = np.array([True]), np.array([False])


@pytest.mark.parametrize("name", DEVICES)
def test_levels_cross_the_range(name: str) -> None:
    """As many pulses as a device has levels lead from one end to the other: the law's own integral."""
    device = load_memristor(name)
    for raised, start, levels in ((UP, 0.0, device.levels_up), (DOWN, 1.0, device.levels_down)):
        g = np.array([start])
        for _ in range(round(levels)):
            g = pulse(device, g, raised)
        assert g[0] == pytest.approx(1.0 - start, abs=0.06)


@few
@given(
    g=st.floats(0, 1), up=st.floats(0, 6), down=st.floats(0, 6), levels=st.integers(10, 500),
)  # fmt: skip
def test_a_pulse_moves_towards_its_end_and_stays_within(
    g: float, up: float, down: float, levels: int
) -> None:
    device = load_memristor("ideal", up=up, down=down, levels_up=levels, levels_down=levels)
    here = np.array([g])
    raised, lowered = pulse(device, here, UP)[0], pulse(device, here, DOWN)[0]
    assert 0.0 <= lowered <= g <= raised <= 1.0
    assert raised > g or g == 1.0
    # the nearer the end, the weaker the pulse; mirrored devices mirror
    if up > 0.1 and g < 0.4:
        assert raised - g > pulse(device, here + 0.5, UP)[0] - (g + 0.5)
    mirror = load_memristor("ideal", up=down, down=up, levels_up=levels, levels_down=levels)
    assert 1.0 - pulse(mirror, 1.0 - here, UP)[0] == pytest.approx(lowered, abs=1e-12)


def test_noise_spreads_pulses_and_bounds_hold() -> None:
    device = load_memristor("ideal", noise=0.05)
    g = np.full(20_000, 0.5)
    made = pulse(device, g, np.ones(20_000, dtype=bool), rng=np.random.default_rng(0))
    assert made.std() == pytest.approx(0.05, rel=0.03)
    assert pulse(device, g, np.zeros(20_000, dtype=bool), low=0.49, high=0.6).min() >= 0.49


def test_hidden_patterns_are_found() -> None:
    """Ten patterns with 5 % of the pixels flipped: the nearest pattern is always right, and we nearly so."""
    made = make_patterns(flip=0.05, count=900, seed=1)
    assert made.best == 1.0
    found = learn(load_network(), load_memristor("ideal"), made.part(0, 600), made.part(600, 900), epochs=2)
    assert found.accuracy > 0.9
    # conductances have become patterns: high where the pixel of the class is on
    for neuron in np.flatnonzero(found.labels >= 0)[:10]:
        mean = made.images[made.classes == found.labels[neuron]].mean(0)
        on, off = found.conductances[neuron][mean > 0.5], found.conductances[neuron][mean < 0.5]
        assert on.mean() > off.mean()


def test_what_is_written_is_counted() -> None:
    made = make_patterns(count=60, seed=2)
    network, device = load_network(), load_memristor("taox-hfox", spread=0.0)
    found = learn(network, device, made, made, seed=3)
    assert found.updates == pytest.approx(found.spikes * 60 * 64)  # every spike writes a whole row
    least = device.write_up**2 * device.floor * device.write_time
    most = device.write_up**2 * device.conductance * device.write_time
    assert least < found.update_energy < most
    expected = 60 * network.steps * network.rate * made.images.mean() * 64 * network.neurons
    assert found.reads == pytest.approx(expected, rel=0.03)
    one = device.read**2 * device.read_time
    assert one * device.floor < found.read_energy / found.reads < one * device.conductance
    assert learn(network, device, made, made, seed=3).accuracy == found.accuracy


def test_no_learning_without_pulses() -> None:
    """Pulses too weak to matter: better than chance a little at most, far from what learning reaches."""
    made = make_patterns(flip=0.15, count=700, seed=4)
    parts = made.part(0, 400), made.part(400, 700)
    stuck = learn(load_network(), load_memristor("ideal", levels_up=1e6, levels_down=1e6), *parts)
    moved = learn(load_network(), load_memristor("ideal"), *parts)
    assert moved.accuracy > stuck.accuracy + 0.05


def test_digits_as_they_lie_in_a_wheel(tmp_path: Path) -> None:
    file = tmp_path / "digits.csv.gz"
    row = ",".join(str(i % 17) for i in range(64))
    file.write_bytes(gzip.compress(f"{row},7\n{row},3\n".encode()))
    made = load_digits(file)
    assert made.images.shape == (2, 64)
    assert made.images.max() == 1.0
    assert made.classes.tolist() == [7, 3]
    with pytest.raises(MissingDataError):
        load_digits(tmp_path / "none.gz")


def test_stored_runs_say_what_the_page_says() -> None:
    """Spread costs accuracy; exponents do not; k-means is above all."""
    rows = {key: row.value("accuracy") for key, row in table("memristors_learned").items()}
    assert rows["spread-0"] > rows["spread-0.25"] > rows["spread-1"]
    assert rows["nonlinear-3"] > rows["ideal"] > 0.7
    assert rows["k-means"] == max(rows.values())
    assert entity("memristors_learned", "taox-hfox").value("update_energy") < 1e-12


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: load_memristor("ideal", spread=2.0), "spread"),
        (lambda: load_memristor("ideal", levels_up=0.0), "levels_up"),
        (lambda: load_memristor("ideal", floor=1.0), "floor"),
        (lambda: load_network(rate=2.0), "rate"),
        (lambda: load_network(neurons=0), "neurons"),
        (lambda: make_patterns(flip=0.5), "flip"),
        (lambda: make_patterns(count=0), "count"),
        (lambda: learn(load_network(), load_memristor("ideal"), make_patterns(count=2),
                       make_patterns(count=2), epochs=0), "epochs"),
        (lambda: learn(load_network(), load_memristor("ideal"), make_patterns(count=2),
                       make_patterns(count=2, pixels=9)), "test"),
        (lambda: learn(load_network(), load_memristor("ideal"),
                       Patterns(np.zeros((0, 4)), np.zeros(0, dtype=np.int64)), make_patterns(count=2)),
         "training"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
    assert caught.value.allowed
