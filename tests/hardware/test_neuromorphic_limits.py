"""Break-even of events with the same silicon, and a model on event-driven chips. Laws and published ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.technology.neuromorphic.break_even import (
    Silicon,
    break_even,
    curve,
    energies,
    load_silicon,
)
from gigawatt.technology.neuromorphic.deployment import (
    deploy,
    edge_gpu,
    model_weights,
)

few = settings(deadline=None, max_examples=30, derandomize=True)
joules = st.floats(1e-15, 1e-10)


@few
@given(add=joules, multiply=joules, fetch=joules, zeros=st.floats(0, 1), refetch=st.booleans())
def test_at_break_even_both_take_the_same(
    add: float, multiply: float, fetch: float, zeros: float, refetch: bool
) -> None:
    silicon = Silicon(add, multiply, fetch)
    for against in ("dense", "gated"):
        at = float(break_even(silicon, zeros=zeros, against=against, refetch=refetch))
        if at < 1.0 - zeros:
            continue
        found = energies(silicon, spikes=at, zeros=zeros, refetch=refetch)
        assert float(found["events"]) == pytest.approx(float(found[against]), rel=1e-9)
    assert break_even(silicon, zeros=zeros, refetch=True) <= break_even(silicon, zeros=zeros, refetch=False)


def test_known_limits() -> None:
    """Without memory, additions against products; with nothing but memory, one spike a number."""
    assert break_even(load_silicon(memory="none")) == pytest.approx(3.0)  # (0.2 + 0.1)/0.1 pJ, 45 nm
    assert break_even(Silicon(1e-30, 0.0, 1e-12)) == pytest.approx(1.0)
    # fetched once for all spikes, memory falls out against a dense run
    assert break_even(load_silicon(), refetch=False) == pytest.approx(3.0)
    assert break_even(load_silicon(memory="sram_large")) == pytest.approx(12.8 / 12.6)
    # one spike for every number that is not silent saves the multiplier alone
    found = energies(load_silicon(), spikes=0.9, zeros=0.1)
    assert found["events"] / found["gated"] == pytest.approx(1.35 / 1.55)


def test_a_batch_shares_fetches_that_events_do_not() -> None:
    alone, many = (break_even(load_silicon(), batch=size) for size in (1.0, 64.0))
    assert many < 0.3 * alone


def test_neurons_and_routes_lower_it() -> None:
    plain = load_silicon()
    dear = Silicon(plain.add, plain.multiply, plain.fetch, update=5e-12, route=20e-12)
    sizes = {"outputs": 1536.0, "inputs": 576.0, "steps": 15.0}
    assert break_even(dear, **sizes) < break_even(plain, **sizes)
    assert break_even(dear, outputs=1e9, inputs=1e9, steps=15.0) == pytest.approx(float(break_even(plain)))
    assert break_even(dear, outputs=4.0, inputs=4.0, steps=1000.0) == 0.0


def test_a_curve_crosses_one_at_break_even() -> None:
    silicon, spikes = load_silicon(), np.linspace(0.0, 6.0, 601)
    made = curve(silicon, zeros=[0.0, 0.5, 0.9], spikes=spikes)
    assert made.shape == (3, 601)
    assert np.all(np.diff(made, axis=1) >= 0.0)
    crossing = spikes[(made[1] <= 1.0).sum() - 1]
    assert crossing == pytest.approx(float(break_even(silicon, zeros=0.5)), abs=0.011)


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: energies(load_silicon(), spikes=0.5, zeros=0.1), "spikes"),
        (lambda: energies(load_silicon(), spikes=1.0, zeros=1.5), "zeros"),
        (lambda: break_even(load_silicon(), against="brain"), "against"),
        (lambda: break_even(load_silicon(), batch=0.5), "batch"),
        (lambda: curve(load_silicon(), zeros=0.1, spikes=1.0, against="brain"), "against"),
        (lambda: load_silicon(memory="tape"), "memory"),
        (lambda: load_silicon(weight_bits=0.0), "weight_bits"),
        (lambda: Silicon(0.0, 1.0, 1.0), "add"),
        (lambda: Silicon(1.0, -1.0, 1.0), "multiply"),
        (lambda: deploy(model="loihi2"), "model"),
        (lambda: deploy("brain"), "core"),
        (lambda: deploy(measured_prefill=-1.0), "measured_prefill"),
        (lambda: edge_gpu(5e9), "parameters"),
        (lambda: edge_gpu(1e8, host_time=-1.0), "host_time"),
    ],
)
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
    assert caught.value.allowed


def fit_chip() -> dict[str, float]:
    """Joules a synapse and static watts of Loihi 2: Hala Point at its rate, 24 chips that read a prompt."""
    system, model = entity("neuromorphic", "hala-point"), entity("neuromorphic", "matmul-free-370m")
    published = entity("neuromorphic_published", "loihi2-lm")
    chips, rate = system.value("chips"), published.value("prefill_throughput")
    one, other = (
        system.value("power") / chips,
        rate * published.value("prefill_energy") / published.value("chips"),
    )
    busy = system.value("synapse_rate") / chips
    active = rate * model_weights(model) * (1.0 - model.value("zeros")) / published.value("chips")
    synapse = (one - other) / (busy - active)
    return {"synapse": synapse, "static": one - synapse * busy}


def test_rows_of_the_chip_are_the_fit() -> None:
    """The catalog's calibrated numbers are what two published totals give."""
    found, row = fit_chip(), entity("neuromorphic", "loihi2")
    assert row.value("synapse") == pytest.approx(found["synapse"], rel=2e-3)
    assert row.value("static") == pytest.approx(found["static"], rel=2e-3)


def test_generated_tokens_from_read_ones() -> None:
    """Richter et al., table I: 41.5 tokens/s and 405 mJ; nothing of generation was fitted."""
    told = entity("neuromorphic_published", "loihi2-lm")
    made = deploy(measured_prefill=told.value("prefill_throughput"))
    assert made.chips == told.value("chips")
    assert made.throughput[0] < told.value("throughput") < made.throughput[2]
    assert made.energy[0] < told.value("energy") < made.energy[2]
    assert made.throughput[1] == pytest.approx(told.value("throughput"), rel=0.25)
    assert made.energy[1] == pytest.approx(told.value("energy"), rel=0.25)
    assert made.throughput[1] < made.prefill
    assert made.prefill_energy < made.energy[0]


def test_weights_of_the_model() -> None:
    """308 M in blocks; with the head's 33 M, at 10.9 % zeros, the 307 M active ones of table III."""
    weights = model_weights(entity("neuromorphic", "matmul-free-370m"))
    assert weights == 24 * (4 * 1024**2 + 3 * 1024 * 2816)
    assert (weights + 32000 * 1024) * (1 - 0.109) == pytest.approx(307e6, rel=0.015)


def test_an_edge_gpu_is_as_slow_as_its_host() -> None:
    slow, fast = edge_gpu(494e6), edge_gpu(494e6, host_time=0.0)
    assert fast[0] == pytest.approx(68e9 / (2 * 494e6))
    assert slow[0] < 0.25 * fast[0]
    assert slow[1] > fast[1]
