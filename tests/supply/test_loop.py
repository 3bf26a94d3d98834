"""The closed loop: nothing is lost, controllers come to rest, the store never gives what it has not."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.power.loop import (
    BatchControl,
    CapControl,
    Course,
    FeedbackBatch,
    PauseControl,
    ServingPool,
    StoreControl,
    TrainingPool,
    VoltageRule,
    run_loop,
    thevenin_grid,
)

SIZES = [8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
BATCH = np.array(SIZES)
CAPS = np.array([700.0, 550.0, 400.0])


def pool(**changed: object) -> ServingPool:
    """A replica of four accelerators whose power rises by a half from batch 8 to 256."""
    rise = np.log2(BATCH / 8.0) / 5.0
    power = np.outer([1.0, 0.9, 0.75], 2000.0 + 1000.0 * rise)
    tokens = np.outer([1.0, 0.97, 0.85], 450.0 * (BATCH / 8.0) ** 0.7)
    usual = ServingPool("chat", 500.0, BATCH, CAPS, power, tokens, BATCH / tokens, 300.0, 256.0)
    return replace(usual, **changed)  # type: ignore[arg-type]


def training(power: float = 1e6, restart: float = 60.0) -> TrainingPool:
    return TrainingPool(
        "training", np.full(1, power), 0.3 * power, CAPS, np.array([1.0, 0.8, 0.6]),
        np.array([1.0, 0.95, 0.8]), 1e6, restart,
    )  # fmt: skip


GRID = thevenin_grid(most=10e6, short_circuit=50e6, x_over_r=5.0, power_factor=0.98)


def target(level: float, *, count: int, since: int = 100, until: int | None = None) -> np.ndarray:
    found = np.full(count, math.inf)
    found[since : count if until is None else until] = level
    return found


def asked(level: float, *controls: BatchControl | CapControl | PauseControl, **more: object) -> Course:
    """Ten minutes of a pool beside a training run, held to ``level`` [W] from 100 s on."""
    options: dict = {"serving": [pool()], "training": [training()], **more}
    return run_loop(
        step=1.0,
        duration=600.0,
        grid=GRID,
        target=target(level, count=600),
        power_controls=controls,
        **options,
    )


@settings(max_examples=40, deadline=None)
@given(
    share=st.floats(0.1, 1.5), evicts=st.booleans(), cut=st.floats(0.5, 1.0),
    step=st.sampled_from([0.1, 0.5, 1.0]),
    replicas=st.floats(1.0, 2000.0),
)  # fmt: skip
def test_every_request_is_served_runs_or_waits(
    share: float, evicts: bool, cut: float, step: float, replicas: float
) -> None:
    one = pool(replicas=replicas, evicts=evicts)
    one = replace(one, demand=share * one.capacity(one.most))
    count = round(200.0 / step)
    course = run_loop(
        step=step, duration=200.0, grid=GRID, serving=[one],
        target=target(cut * replicas * 3000.0, count=count, since=count // 4),
        power_controls=[BatchControl(), CapControl()],
    )  # fmt: skip
    kept = course.served + course.running + course.waiting[-1]
    assert kept == pytest.approx(course.arrived, rel=1e-9)
    assert np.all(course.waiting >= 0.0)
    assert np.all(course.batch >= 0.0)
    assert np.all(course.batch <= 256.0 * (1 + 1e-9))


@settings(max_examples=60, deadline=None)
@given(
    power=st.floats(0.0, 2e6), energy=st.floats(0.0, 1e9), into=st.floats(0.5, 1.0), out=st.floats(0.5, 1.0),
    level=st.floats(0.0, 1.0), cut=st.floats(0.5, 1.1), droop=st.sampled_from([0.0, 10.0]),
)  # fmt: skip
def test_a_store_gives_what_it_has(
    power: float, energy: float, into: float, out: float, level: float, cut: float, droop: float
) -> None:
    store = StoreControl(power, energy, into, out, level, droop=droop)
    course = asked(cut * 2.5e6, store=store)
    flow = course.drawn - course.load
    assert np.all(np.abs(flow) <= power * (1 + 1e-9) + 1e-6)
    assert np.all(course.stored >= -1e-6)
    assert np.all(course.stored <= energy * (1 + 1e-9))
    kept = level * energy + float(flow.sum()) - course.lost
    assert kept == pytest.approx(course.stored[-1], rel=1e-6, abs=10.0)


@settings(max_examples=40, deadline=None)
@given(cut=st.floats(0.78, 0.98), gain=st.floats(0.05, 0.6), delay=st.sampled_from([0.0, 1.0, 2.0]))
@pytest.mark.parametrize("kind", [BatchControl, CapControl])
def test_a_reachable_target_is_reached_and_held(
    kind: type[BatchControl | CapControl], cut: float, gain: float, delay: float
) -> None:
    """Whatever gain up to 0.6 / (1 + delay): the load comes to rest at the target and stays."""
    course = asked(cut * 2.5e6, kind(gain=gain / (1.0 + delay), delay=delay), serving=[pool(evicts=True)])
    whole = asked(math.inf).load[-1]
    level = cut * 2.5e6
    if level > whole:
        return
    least = 1e6 + 500.0 * 2000.0 if kind is BatchControl else 0.75 * 1.5e6 + 0.6e6
    tail = course.load[-100:]
    if level < least:
        assert tail == pytest.approx(np.full(100, least), rel=0.01)
    else:
        assert tail == pytest.approx(np.full(100, level), rel=5e-3)


def test_a_target_too_low_ends_at_the_smallest_batch_and_comes_back() -> None:
    found = run_loop(
        step=1.0, duration=900.0, grid=GRID, serving=[pool(evicts=True)],
        target=target(0.5e6, count=900, since=100, until=300), power_controls=[BatchControl()],
    )  # fmt: skip
    assert found.limit[299, 0] == pytest.approx(8.0)
    assert found.load[299] == pytest.approx(500.0 * 2000.0, rel=1e-6)
    assert found.limit[-1, 0] == pytest.approx(256.0)
    assert found.load[-1] == pytest.approx(found.load[0], rel=1e-6)


def test_batches_that_are_finished_fall_slower_than_those_that_are_evicted() -> None:
    loads = [asked(2e6, BatchControl(), serving=[pool(evicts=e)]).load for e in (True, False)]
    first = [int(np.argmax(load[100:] < 2.3e6)) for load in loads]
    assert 0 < first[0] < first[1]


def test_a_pause_falls_to_rest_and_costs_its_restart() -> None:
    course = run_loop(
        step=1.0, duration=600.0, grid=GRID, training=[training(restart=60.0)],
        target=target(0.5e6, count=600, since=100, until=300), power_controls=[PauseControl(patience=3.0)],
    )  # fmt: skip
    assert course.load[200] == pytest.approx(0.3e6)
    assert course.load[320] == pytest.approx(0.3e6)
    assert course.load[-1] == pytest.approx(1e6)
    lost = 600.0 - course.trained[0] / 1e6
    assert lost == pytest.approx(200.0 + 60.0, abs=5.0)


def test_a_cascade_uses_the_first_before_the_next() -> None:
    """What the cap can give alone leaves the batches as they are."""
    course = asked(2.2e6, CapControl(), BatchControl(), PauseControl())
    assert np.min(course.cap) < 700.0
    assert np.all(course.limit == 256.0)
    assert np.all(course.paused == 0)
    deep = asked(1.2e6, CapControl(), BatchControl(), PauseControl())
    assert np.min(deep.limit) < 256.0
    assert deep.paused[-1] == 1


def test_without_a_target_nothing_moves() -> None:
    still = asked(math.inf)
    course = asked(math.inf, CapControl(), BatchControl(), PauseControl(), store=StoreControl(1e6, 1e9))
    assert np.array_equal(still.load, course.load)
    assert np.array_equal(course.drawn, course.load)


@pytest.mark.parametrize("control", [VoltageRule(SIZES), FeedbackBatch(SIZES)])
def test_a_low_voltage_lowers_the_batches_and_a_high_one_does_not(
    control: VoltageRule | FeedbackBatch,
) -> None:
    weak = thevenin_grid(most=2.5e6, short_circuit=12e6, x_over_r=2.0, power_factor=0.95)
    plain = run_loop(step=1.0, duration=600.0, grid=weak, serving=[pool(evicts=True)], beside=0.4e6)
    found = run_loop(
        step=1.0,
        duration=600.0,
        grid=weak,
        serving=[pool(evicts=True)],
        beside=0.4e6,
        voltage_control=control,
    )
    assert plain.lowest.min() < 0.92
    assert np.maximum(0.95 - found.lowest, 0.0).sum() < np.maximum(0.95 - plain.lowest, 0.0).sum()
    assert found.limit[-1, 0] < 256.0


def test_feedback_leaves_a_good_voltage_alone_and_fills_the_batches() -> None:
    stiff = thevenin_grid(most=4e6, short_circuit=1e9, x_over_r=5.0)
    one = pool(most=64.0, evicts=True)
    rule = run_loop(step=1.0, duration=600.0, grid=stiff, serving=[one], voltage_control=VoltageRule(SIZES))
    feedback = run_loop(
        step=1.0, duration=600.0, grid=stiff, serving=[one], voltage_control=FeedbackBatch(SIZES, step=0.5)
    )
    assert np.all(rule.limit == 64.0)
    assert feedback.limit[-1, 0] > 64.0


def test_a_droop_holds_the_voltage_up() -> None:
    weak = thevenin_grid(most=2.5e6, short_circuit=12e6, x_over_r=2.0, power_factor=0.95)
    plain = run_loop(step=1.0, duration=60.0, grid=weak, serving=[pool()])
    found = run_loop(
        step=1.0, duration=60.0, grid=weak, serving=[pool()], store=StoreControl(1e6, 1e9, droop=20.0)
    )
    assert found.lowest.min() > plain.lowest.min() + 0.005


def test_a_source_that_moves_moves_the_voltage() -> None:
    source = np.ones(100)
    source[50:] = 0.95
    course = run_loop(step=1.0, duration=100.0, grid=GRID, beside=1e6, source=source)
    assert course.lowest[60] < course.lowest[40] - 0.045


def test_an_hour_at_a_tenth_of_a_second_takes_less_than_two_seconds() -> None:
    started = time.process_time()
    run_loop(
        step=0.1, duration=3600.0, grid=GRID, serving=[pool(demand=2e3)], training=[training()],
        target=target(2e6, count=36000, since=3000, until=12000),
        power_controls=[CapControl(), BatchControl(), PauseControl()],
        store=StoreControl(0.5e6, 1e9),
    )  # fmt: skip
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"most": 512.0}, "chat.most: not a sensible value"),
        ({"replicas": 0.0}, "chat.replicas: not a sensible value"),
        ({"power": np.zeros((3, 6))}, "chat.power: not a sensible value"),
        ({"batch": BATCH[::-1]}, "chat.batch: not a sensible value"),
    ],
)
def test_what_is_no_pool_is_refused(changed: dict, words: str) -> None:
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        pool(**changed)


def test_what_is_no_loop_is_refused() -> None:
    with pytest.raises(InputError, match="not a time step"):
        run_loop(step=0.0, duration=1.0, grid=GRID)
    with pytest.raises(InputError, match="a series of another length"):
        run_loop(step=1.0, duration=10.0, grid=GRID, target=np.ones(3))
    with pytest.raises(InputError, match=r"batch\.gain: not a controller"):
        BatchControl(gain=2.5)
    with pytest.raises(InputError, match=r"store\.power: not a store"):
        StoreControl(-1.0, 1.0)
