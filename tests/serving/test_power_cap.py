"""Services under a power cap: one regulator in closed form, step tables and the curve of flexibility."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.machine import build_cluster, load_chip
from gigawatt.performance.serving.curve import batch_curve
from gigawatt.performance.serving.engines import load_engine
from gigawatt.performance.serving.inference import Replica, multiply_format
from gigawatt.performance.serving.power import least_serving_cap, load_serving_power
from gigawatt.performance.serving.steady import decode_pass, prompts_pass, steady
from gigawatt.performance.serving.step_tables import iteration_cost
from gigawatt.performance.serving.tables import step_tables
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares

H100 = "H100-SXM5-80GB"
LAYOUTS: dict[str, tuple[str, str, dict[str, Any], float]] = {
    "8B": ("llama-3.1-8b", H100, {"tensor": 1.0}, 1.0),
    "70B": ("llama-3.1-70b", "MI300X", {"tensor": 4.0}, 1.0),
    "stages": ("llama-3.1-70b", H100, {"tensor": 4.0}, 2.0),
    "experts": ("qwen3-30b-a3b", "B200-SXM-180GB", {"tensor": 1.0, "data": 4.0, "expert": 4.0}, 1.0),
}


def replica(name: str, cap: Any = None) -> Replica:
    model, chip, degrees, pipeline = LAYOUTS[name]
    cluster, _ = build_cluster(chip=chip, count=64)
    shares = Shares.of(
        weights="bf16", multiply=multiply_format("bf16", cluster.chip), cache="bf16", **degrees
    )
    engine = load_engine("vllm-2025")
    return Replica(read_architecture(model), cluster, engine, shares, np.asarray(pipeline), cap=cap)


def caps_of(name: str, count: int = 12) -> np.ndarray:
    chip = load_chip(LAYOUTS[name][1])
    return np.linspace(1.01 * least_serving_cap(chip), chip.power_limit, count)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_cap_at_the_chips_limit_is_none(name: str) -> None:
    r = replica(name)
    at_limit = replace(r, cap=r.cluster.chip.power_limit)
    free, held = (
        steady(one, prompt=1500.0, output=300.0, held=np.array([1.0, 16.0, 128.0])) for one in (r, at_limit)
    )
    for key in ("first_token", "burst", "token", "requests", "iteration", "energy", "power"):
        np.testing.assert_allclose(getattr(held, key), getattr(free, key), rtol=1e-9, err_msg=key)
    tables, capped = (step_tables(one) for one in (r, at_limit))
    work = {"decoding": np.array([1.0, 37.0, 0.0]), "context": 900.0, "chunk": np.array([0.0, 700.0, 2048.0])}
    for own, other in zip(iteration_cost(tables, **work), iteration_cost(capped, **work), strict=True):
        np.testing.assert_allclose(other, own, rtol=1e-9)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_lower_cap_is_never_quicker_and_never_draws_more(name: str) -> None:
    """At one layout and one number of requests; a chip draws no more than it keeps of its cap."""
    caps = caps_of(name)
    power = load_serving_power(load_chip(LAYOUTS[name][1]))
    for held in (1.0, 24.0, 200.0):
        found = steady(replica(name, caps), prompt=1500.0, output=300.0, held=held, rounds=0)
        chips = float(replica(name).chips)
        for key in ("token", "iteration", "first_token"):
            assert np.all(np.diff(getattr(found, key)) <= 1e-12), (key, held)
        assert np.all(np.diff(found.power) >= -1e-6), held
        assert np.all(found.power / chips <= power.sustained * caps * (1.0 + 1e-9)), held


@given(prompt=st.floats(50.0, 8000.0), output=st.floats(2.0, 2000.0), held=st.floats(1.0, 300.0))
@settings(max_examples=40, deadline=None)
def test_whatever_is_asked_a_chip_keeps_its_cap(prompt: float, output: float, held: float) -> None:
    caps = caps_of("8B", 6)
    found = steady(replica("8B", caps), prompt=prompt, output=output, held=held)
    power = load_serving_power(load_chip(H100))
    assert np.all(found.power <= power.sustained * caps * (1.0 + 1e-9))
    assert np.all(found.power >= power.idle * 0.5)
    # at one number of decoding sequences (no round of the fixed point, which may end elsewhere)
    slow, free = (
        steady(replica("8B", cap), prompt=prompt, output=output, held=held, rounds=0) for cap in (caps, None)
    )
    assert np.all(slow.requests <= free.requests * (1.0 + 1e-6))


def test_prompts_slow_by_the_clock_and_decoding_hardly() -> None:
    """Prefill is bound by multiplications, decoding by memory: the reason why services are capped at all."""
    free, held = replica("8B"), replica("8B", 450.0)
    prompts = [
        float(prompts_pass(r, prompt=2048.0, count=4.0, most=8192.0, ends=ends(r))[0]) for r in (free, held)
    ]
    steps = [float(decode_pass(r, sequences=32.0, context=1000.0)[0]) for r in (free, held)]
    assert prompts[1] > 1.25 * prompts[0]
    assert steps[1] < 1.03 * steps[0]


def ends(r: Replica):
    from gigawatt.performance.serving.inference import sequence_cost

    return sequence_cost(r, 4.0)


@pytest.mark.parametrize("name", LAYOUTS)
def test_joules_of_a_request_are_least_between_the_least_cap_and_the_limit(name: str) -> None:
    """Voltage falls with the clock; below its knee idle power is paid for longer and longer."""
    caps = caps_of(name, 40)
    found = steady(replica(name, caps), prompt=4000.0, output=100.0, held=64.0)
    best = int(np.argmin(found.energy))
    assert 0 < best < len(caps) - 1
    assert found.energy[best] < 0.97 * found.energy[-1]
    assert found.energy[best] < 0.8 * found.energy[0]


def test_the_curve_of_flexibility_is_the_replica_under_the_cap() -> None:
    r, caps, batch = replica("8B"), np.array([600.0, 450.0, 300.0]), np.array([4.0, 16.0, 64.0, 200.0])
    curve = batch_curve(r, prompt=1500.0, output=300.0, batch=batch, caps=caps)
    assert curve.caps.tolist() == [700.0, *caps]
    for i, cap in enumerate([None, *caps]):
        one = steady(replace(r, cap=cap), prompt=1500.0, output=300.0, held=batch, sequences=200.0)
        np.testing.assert_allclose(curve.token_time[i], one.token, rtol=1e-9)
        np.testing.assert_allclose(curve.accelerators[i], one.power, rtol=1e-9)
        np.testing.assert_allclose(curve.tokens[i], one.requests * 300.0, rtol=1e-9)
    own = batch_curve(replace(r, cap=450.0), prompt=1500.0, output=300.0, batch=batch, caps=caps)
    assert own.caps.tolist() == [450.0, 300.0]  # a cap of its own is the highest
    np.testing.assert_allclose(own.power, curve.power[2:], rtol=1e-9)


@pytest.mark.parametrize("name", ["8B", "stages", "experts"])
@pytest.mark.parametrize("share", [0.5, 0.75])
def test_tables_and_closed_form_settle_at_the_same_clock(name: str, share: float) -> None:
    """At a knot of the tables an iteration of decoding alone is that of the closed form."""
    cap = share * load_chip(LAYOUTS[name][1]).power_limit
    r = replica(name, cap)
    tables = step_tables(r, longest=16384.0)
    batch, context = float(tables.batch[10]), float(tables.context[9])
    tokens = float(tables.tokens[np.argmin(np.abs(tables.tokens - batch))])
    time, energy = iteration_cost(tables, decoding=batch, context=context)
    own, joules = decode_pass(r, sequences=batch, context=context)
    close = 1e-9 if tokens == batch else 5e-3
    assert float(time) == pytest.approx(float(own), rel=close)
    assert float(energy) == pytest.approx(float(joules), rel=close)
