"""The seconds between: conservation, limits, closed forms, oracles of Kundur and IEC, signs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.seconds import (
    Limits,
    Machine,
    Prices,
    Segment,
    Store,
    TrainingLoad,
    averaged,
    bought,
    carry_seconds,
    flicker_severity,
    frequency,
    frontier,
    largest_fall,
    least_store,
    list_limits,
    list_stores,
    load_limits,
    load_machine,
    load_store,
    measure,
    modes,
    pass_store,
    pass_stores,
    resample,
    response,
    settled,
    smallest_store,
    soften,
    spectrum,
    step_deviation,
    store_prices,
    sum_nodes,
    training_power,
    voltage,
)

STEP = 0.01
NODE = TrainingLoad((Segment("compute", 10e3, 2.0), Segment("communication", 4e3, 0.7)), 1500.0, 0.05)
LOSSY = Store(charge_efficiency=0.95, discharge_efficiency=0.9)
PRICES = Prices(power=40e-3, energy=30 / 3.6e6, electricity=60 / 3.6e9)
SEEDS = st.integers(0, 10_000)
SOME = settings(deadline=None, max_examples=15, derandomize=True)


@SOME
@given(SEEDS, st.floats(0.0, 0.05))
def test_work_ripples_from_second_to_second_and_nothing_else_does(seed: int, ripple: float) -> None:
    plain = TrainingLoad((Segment("work", 8e3, 40.0), Segment("wait", 3e3, 5.0)), 1500.0)
    rippled = replace(plain, ripple=ripple)
    more = {"step": STEP, "duration": 200.0, "start": 5.0, "stop": 195.0, "seed": seed}
    still, moved = training_power(plain, **more), training_power(rippled, **more)
    assert np.array_equal(still[still < 7e3], moved[still < 7e3])
    working = averaged(moved[600:4400], step=STEP, window=1.0)[::100]
    assert working.std() == pytest.approx(ripple * 8e3, rel=0.5, abs=1.0)
    assert abs(moved.mean() - still.mean()) < 4.0 * ripple * 8e3 / math.sqrt(150.0) + 1e-9
    held = training_power(replace(rippled, highest=8.1e3), **more)
    assert held.max() <= 8.1e3 + 1e-6
    assert np.all(held <= moved + 1e-9)


def test_a_meter_smooths_a_fall_over_its_window() -> None:
    fall = np.concatenate([np.full(500, 5e3), np.full(500, 1e3)])
    shown = averaged(fall, step=STEP, window=1.0)
    assert len(shown) == 1000 - 100 + 1
    assert (shown.max(), shown.min()) == (5e3, 1e3)
    assert largest_fall(fall, step=STEP, apart=0.1) == pytest.approx(4e3)
    assert largest_fall(shown, step=STEP, apart=0.1) == pytest.approx(400.0)
    assert largest_fall(shown, step=STEP, apart=1.0) == pytest.approx(4e3)
    assert largest_fall(fall[::-1], step=STEP, apart=1.0) == 0.0
    with pytest.raises(InputError, match="longer than the series"):
        averaged(fall, step=STEP, window=20.0)


def campus(seconds: float = 60.0, **more: float) -> np.ndarray:
    node = training_power(NODE, step=STEP, duration=seconds, **more)  # type: ignore[arg-type]
    return sum_nodes(node, step=STEP, nodes=2048, spread=0.02)


def random_load(seed: int, count: int = 600) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.repeat(rng.uniform(2e6, 20e6, count // 20), 20)


# the load


def test_sampling_keeps_every_joule() -> None:
    plain = TrainingLoad(NODE.segments, NODE.idle)
    power = training_power(plain, step=0.013, duration=2.7 * 4 + 5.2, start=2.6, stop=2.6 + 2.7 * 4)
    exact = 4 * (10e3 * 2.0 + 4e3 * 0.7) + 1500.0 * 5.2
    assert power.sum() * 0.013 == pytest.approx(exact, rel=2e-3)  # the last step is cut
    fine, coarse = (training_power(NODE, step=s, duration=54.0, seed=3).sum() * s for s in (0.001, 0.1))
    assert fine == pytest.approx(coarse, rel=1e-9)


def test_checkpoints_and_failures_are_where_they_were_put() -> None:
    load = TrainingLoad((Segment("step", 8e3, 1.0),), 1e3, 0.0, Segment("checkpoint", 2e3, 0.5), 4)
    power = training_power(load, step=0.1, duration=20.0, failures=((10.0, 3.0),))
    assert power[39] == pytest.approx(8e3)
    assert power[41] == pytest.approx(2e3)
    assert np.allclose(power[100:130], 1e3)
    assert np.allclose(power[130:170], 8e3)
    assert power[171] == pytest.approx(2e3)


@SOME
@given(seed=SEEDS, rho=st.floats(0.0, 1.0), nodes=st.integers(1, 100_000))
def test_variance_of_many_nodes(seed: int, rho: float, nodes: int) -> None:
    one = np.random.default_rng(seed).uniform(1e3, 1e4, 4001)
    total = sum_nodes(one, step=STEP, nodes=nodes, correlation=rho, seed=seed)
    assert total.mean() == pytest.approx(nodes * one.mean(), rel=1e-9)
    common, own = nodes**2 * rho * one.var(), nodes * (1 - rho) * one.var()
    cross = 2 * math.sqrt(common * own)  # a surrogate is uncorrelated only in the mean
    assert abs(total.var() - common - own) <= 0.1 * cross + 1e-6 * (common + own)


@SOME
@given(spread=st.floats(0.001, 0.5))
def test_spread_only_smooths(spread: float) -> None:
    node = training_power(NODE, step=STEP, duration=30.0)
    sharp, soft = (sum_nodes(node, step=STEP, nodes=10, spread=s) for s in (0.0, spread))
    assert soft.var() <= sharp.var()
    assert measure(soft, step=STEP).step_drop <= measure(sharp, step=STEP).step_drop


@SOME
@given(seed=SEEDS, step=st.floats(0.02, 0.9))
def test_resampling_keeps_energy(seed: int, step: float) -> None:
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.uniform(0.05, 0.4, 80))
    p = rng.uniform(1e3, 5e3, 80)
    even = resample(t, p, step=step)
    ends = t[0] + np.array([0.0, len(even) * step])
    inside = (t > ends[0]) & (t < ends[1])
    x = np.concatenate([[ends[0]], t[inside], [ends[1]]])
    assert even.sum() * step == pytest.approx(np.trapezoid(np.interp(x, t, p), x), rel=1e-9)


# measures


@SOME
@given(hertz=st.sampled_from([0.2, 0.5, 1.0, 7.0, 15.0]), amplitude=st.floats(1e3, 1e7))
def test_a_sine_is_found_with_its_amplitude(hertz: float, amplitude: float) -> None:
    t = np.arange(12_000) * STEP
    power = 20e6 + amplitude * np.sin(2 * math.pi * hertz * t)
    found = measure(power, step=STEP)
    assert found.modes[0][0] == pytest.approx(hertz, abs=0.013)
    assert found.amplitude == pytest.approx(amplitude, rel=1e-3)
    assert found.band_rms == pytest.approx(amplitude / math.sqrt(2), rel=1e-3)
    assert found.dynamic_range == pytest.approx(2 * amplitude, rel=0.12)


def test_ramps_of_a_ramp() -> None:
    power = np.concatenate([np.full(1000, 1e6), np.linspace(1e6, 11e6, 1001), np.full(1000, 11e6)])
    found = measure(power, step=STEP, limits=Limits(ramp_window=0.5, range_window=2.0))
    assert found.ramp_up == pytest.approx(1e6)
    assert found.ramp_down == 0.0
    assert found.dynamic_range == pytest.approx(2e6, rel=0.01)
    assert found.per_minute == pytest.approx(10e6)


def test_refusals_are_one_line() -> None:
    load = campus(30.0)
    cases = (
        (lambda: spectrum(load, step=0.03), "too coarse for 20 Hz"),
        (lambda: spectrum(load[:500], step=STEP), "too short for 0.1 Hz"),
        (lambda: measure(load, step=0.03, limits=Limits(amplitude=1e6)), "at most 0.025 s"),
        (lambda: Limits(ramp_up=0.0), "no storage can meet"),
        (lambda: Segment("x", -1.0, 1.0), "x.power"),
        (lambda: TrainingLoad((Segment("x", 1.0, 0.0),), 1.0), "segments"),
        (lambda: Store(charge_efficiency=0.0), "charge_efficiency"),
        (lambda: frequency(load, step=STEP, machines=()), "nothing carries"),
        (lambda: frequency(load, step=STEP, machines=(Machine("b", 1e8),)), "without inertia"),
        (lambda: frequency(load, step=STEP, machines=(Machine("b", 1e6, 5.0),)), "cannot give its part"),
        (lambda: voltage(load, short_circuit=1e7, x_over_r=10.0), "voltage collapses"),
        (lambda: flicker_severity(load, step=0.1), "too coarse for flicker"),
        (lambda: load_limits("moderat", peak=1e6), "'moderate'"),
        (lambda: load_store("supercapacitr"), "'supercapacitor'"),
        (lambda: load_machine("gas-turbin", rating=1e6), "'gas-turbine'"),
        (lambda: resample([0.0, 0.0, 1.0], [1.0, 1.0, 1.0], step=0.1), "must grow"),
        (lambda: training_power(NODE, step=0.0, duration=1.0), "time step"),
        (lambda: sum_nodes(load, step=STEP, nodes=0), "nodes"),
        (lambda: settled(1.0, machines=(Machine("x", 1.0),), load=1.0), "nothing holds"),
    )
    for call, words in cases:
        with pytest.raises(InputError) as refused:
            call()
        assert words in str(refused.value), str(refused.value)
        assert "\n" not in str(refused.value)


# stores


@SOME
@given(seed=SEEDS, into=st.floats(0.5, 1.0), out=st.floats(0.5, 1.0), tau=st.floats(0.0, 5.0),
       power=st.floats(1e5, 2e7), energy=st.floats(1e5, 1e9), level=st.floats(0.0, 1.0))  # fmt: skip
def test_no_joule_is_lost(
    seed: int, into: float, out: float, tau: float, power: float, energy: float, level: float
) -> None:
    load = random_load(seed)
    store = Store("s", power, energy, into, out, tau, 3e6, 5e6, 20.0, level, 1e4)
    found = pass_store(load, step=STEP, store=store)
    assert np.allclose(found.power, load + 1e4 + found.charge - found.discharge, rtol=0, atol=1e-3)
    balance = found.power.sum() * STEP - load.sum() * STEP - (found.stored[-1] - found.stored[0])
    assert balance == pytest.approx(found.losses, abs=1e-9 * load.sum() * STEP)
    assert found.stored.min() >= -1e-6 * energy
    assert found.stored.max() <= energy * (1 + 1e-9)
    assert max(found.charge.max(), found.discharge.max()) <= power * (1 + 1e-9)
    assert not np.any((found.charge > 0) & (found.discharge > 0))


def test_without_a_store_the_load_passes_through() -> None:
    load = campus(20.0)
    for store in (Store(power=0.0, time_constant=3.0), Store(energy=0.0, time_constant=3.0), Store()):
        assert np.array_equal(pass_store(load, step=STEP, store=store).power, load)
    both = pass_stores(load, step=STEP, stores=(Store(time_constant=0.1), Store(time_constant=2.0)))
    assert both[1].power.var() < both[0].power.var() < load.var()


@SOME
@given(seed=SEEDS, tau=st.floats(0.02, 5.0))
def test_a_low_pass_swings_through_tau_times_its_range(seed: int, tau: float) -> None:
    """Closed form: stored = −τ·Δdrawn, with τ of the step's exponential: step/(e^(step/τ) − 1)."""
    found = pass_store(random_load(seed), step=STEP, store=Store(time_constant=tau))
    exact = STEP / math.expm1(STEP / tau)
    assert found.needed_energy == pytest.approx(
        exact * np.ptp(np.append(found.power, found.power[0])), rel=1e-6
    )


def test_the_step_size_does_not_matter() -> None:
    load = random_load(4)
    store = Store(time_constant=1.0, restore=20.0, charge_efficiency=0.95)
    one = pass_store(load, step=STEP, store=store)
    four = pass_store(np.repeat(load, 4), step=STEP / 4, store=store)
    assert four.needed_energy == pytest.approx(one.needed_energy, rel=0.01)
    assert four.losses == pytest.approx(one.losses, rel=0.01)
    machines = (Machine("g", 40e6, 5.0, 0.05, 0.2, 0.4, minimum=-9.0, maximum=9.0),)
    bus = [frequency(np.repeat(load, n), step=STEP / n, machines=machines) for n in (1, 4)]
    assert np.allclose(bus[0].deviation, bus[1].deviation[::4], rtol=0, atol=1e-9)


def test_software_alone() -> None:
    load = campus(40.0, start=5.0, stop=30.0)
    peak = load.max()
    soft = soften(load, step=STEP, floor=0.8 * peak, hold=3.0, awake=peak / 4, ramp_up=4e6, ramp_down=2e6)
    rise = np.diff(soft.power)
    assert rise.min() >= -2e6 * STEP * (1 + 1e-9)
    assert soft.power.sum() * STEP == pytest.approx(load.sum() * STEP + soft.dummy - soft.delayed, rel=1e-9)
    assert soft.delayed > 0.0
    start = campus(40.0, start=5.0, stop=40.0)[:690]  # its first two seconds of work
    awake = 1.001 * start[0]
    slow = soften(start, step=STEP, ramp_up=4e6, awake=awake)
    since = (np.arange(len(start)) - np.argmax(start >= awake) + 1) * STEP
    assert np.all(slow.power <= awake + 4e6 * np.maximum(since, 0.0) + 1e-3)
    assert np.all(slow.power <= start)
    assert slow.power[-1] == pytest.approx(start[0] + 4e6 * 1.9, rel=0.05)
    running = campus(40.0)
    assert np.array_equal(soften(running, step=STEP, ramp_up=4e6, awake=peak / 4).power, running)
    assert np.array_equal(soften(load, step=STEP).power, load)


@SOME
@given(low=st.floats(0.0, 1.0), more=st.floats(0.0, 0.5))
def test_a_higher_floor_burns_more(low: float, more: float) -> None:
    load = random_load(1)
    burnt = [
        soften(load, step=STEP, floor=f * load.max(), hold=2.0, awake=1e6).dummy for f in (low, low + more)
    ]
    assert burnt[0] <= burnt[1] + 1e-6


# sizing

LIMITS = Limits(ramp_up=2e6, ramp_down=2e6, ramp_window=0.1, dynamic_range=5e6, amplitude=0.5e6)


def test_the_store_found_does_it_and_a_smaller_one_does_not() -> None:
    load = campus()
    found = smallest_store(load, step=STEP, limits=LIMITS, store=LOSSY)
    again = pass_store(load, step=STEP, store=found.store)
    assert not measure(again.power, step=STEP, limits=LIMITS).excess(LIMITS)
    assert again.power == pytest.approx(found.passed.power, rel=1e-6)
    from dataclasses import replace

    for less in ({"power": 0.9}, {"energy": 0.8}, {"time_constant": 0.98}):
        smaller = replace(found.store, **{k: v * getattr(found.store, k) for k, v in less.items()})
        broken = measure(pass_store(load, step=STEP, store=smaller).power, step=STEP, limits=LIMITS)
        assert broken.excess(LIMITS), less


def test_perfect_foresight_is_a_lower_bound() -> None:
    load = campus()
    blind = smallest_store(load, step=STEP, limits=LIMITS, store=LOSSY)
    cost = PRICES.yearly(
        power=blind.store.power, energy=blind.store.energy, burnt=blind.passed.losses, seconds=60.0
    )
    bound = least_store(load, step=STEP, limits=LIMITS, prices=PRICES, store=LOSSY)
    assert 0.0 < bound.cost <= cost
    assert np.ptp(bound.drawn) <= LIMITS.dynamic_range * (1 + 1e-6)
    assert np.diff(bound.drawn).max() <= 2e6 * bound.step * (1 + 1e-6)
    burning = least_store(load, step=STEP, limits=LIMITS, prices=PRICES, store=LOSSY, floor=load.max())
    assert burning.cost <= bound.cost * (1 + 1e-9)


def test_a_square_wave_needs_what_can_be_computed_by_hand() -> None:
    """Half a second each at 10 and 20 MW, at most 2 MW of range: 4 MW, and 4 MW · 0.5 s of store."""
    load = np.tile(np.repeat([20e6, 10e6], 50), 20)
    found = least_store(load, step=STEP, limits=Limits(dynamic_range=2e6), prices=PRICES, most_steps=2000)
    assert found.power == pytest.approx(4e6, rel=1e-5)
    assert found.energy == pytest.approx(2e6, rel=1e-5)
    assert found.cost == pytest.approx(4e6 * PRICES.power + 2e6 * PRICES.energy, rel=1e-5)


@SOME
@given(share=st.floats(0.1, 0.9))
def test_tighter_limits_need_no_less(share: float) -> None:
    load = campus(30.0)
    wide, tight = (
        least_store(
            load, step=STEP, limits=Limits(dynamic_range=x * np.ptp(load)), prices=PRICES, most_steps=100
        )
        for x in (share + 0.1, share)
    )
    assert tight.cost >= wide.cost - 1e-6 * (1 + wide.cost)
    blind = [
        smallest_store(load, step=STEP, limits=Limits(amplitude=x * 6e6)).store.time_constant
        for x in (share + 0.1, share)
    ]
    assert blind[1] >= blind[0] * (1 - 1e-3)


def test_the_frontier_trades_store_for_floor() -> None:
    load = campus()
    found = frontier(
        load, step=STEP, limits=LIMITS, prices=PRICES, store=LOSSY,
        floors=[share * load.max() for share in (0.0, 0.5, 0.8, 0.95)], hold=5.0, awake=load.max() / 4,
    )  # fmt: skip
    powers = [point.sized.store.power for point in found.points]
    burnt = [point.software.dummy for point in found.points]
    assert powers == sorted(powers, reverse=True)
    assert burnt == sorted(burnt)
    assert found.best.cost == min(point.cost for point in found.points)
    assert powers[-1] < 0.2 * powers[0]


def test_no_need_no_store_and_no_way_is_said() -> None:
    flat = np.full(3000, 5e6)
    none = smallest_store(flat, step=STEP, limits=LIMITS)
    assert none.store.power == none.store.energy == none.losses_share == 0.0
    load = campus(30.0)
    with pytest.raises(InfeasibleError, match="too small for these limits") as small:
        smallest_store(load, step=STEP, limits=LIMITS, store=Store("rack", energy=1e5))
    assert "rack.energy" in str(small.value)
    step = np.concatenate([np.full(500, 1e6), np.full(2500, 20e6)])
    with pytest.raises(InfeasibleError, match="no store meets this limit of the dynamic range"):
        smallest_store(step, step=STEP, limits=Limits(dynamic_range=1e5))
    with pytest.raises(InfeasibleError, match="no store of this size"):
        least_store(load, step=STEP, limits=Limits(dynamic_range=1e6), prices=PRICES, store=Store(power=1e5))


# frequency


def kundur() -> tuple[Machine, ...]:
    return tuple(Machine(f"unit {i}", 500e6, 5.0) for i in range(4))


def test_kundur_without_governors() -> None:
    """Example 11.1: 20 MW of 1,020 MW lost, D of the 1,000 MW that stay: 0.8 Hz with 13.33 s."""
    load = np.full(20_001, 1000e6)
    load[0] = 1020e6
    found = frequency(load, step=STEP, machines=kundur(), damping=1.5 * 1000 / 1020)
    assert settled(-20e6, machines=kundur(), load=1000e6, damping=1.5) == pytest.approx(0.8)
    t = np.arange(len(load)) * STEP
    closed = step_deviation(t, change=-20e6, kinetic=10e9, damping=1.5e9)
    assert np.allclose(found.deviation[1:], closed, rtol=0, atol=1e-9)
    assert closed[1333] == pytest.approx(0.8 * (1 - math.exp(-1)), rel=1e-3)
    assert found.residual == pytest.approx(0.0, abs=1e-9)


def test_governor_step_response_is_the_closed_form() -> None:
    """One governor of T and a droop R without damping is a second-order system."""
    H, R, T, S = 4.0, 0.05, 0.3, 100e6
    machine = Machine("g", S, H, R, T, 0.0, minimum=-9.0, maximum=9.0)
    load = np.full(4000, 60e6)
    load[0] = 50e6
    found = frequency(load, step=STEP, machines=(machine,))
    # 2H T ω'' + 2H ω' + ω/R = −p  (turbine time of a millisecond left out)
    p, natural = 0.1, math.sqrt(1 / (2 * H * T * R))
    zeta = 1 / (2 * T * natural)
    damped = natural * math.sqrt(1 - zeta**2)
    t = np.arange(1, 4000) * STEP
    end = -p * R
    slope0 = -p / (2 * H)
    decay = np.exp(-zeta * natural * t)
    sine = (slope0 - zeta * natural * end) / damped
    closed = end + decay * (-end * np.cos(damped * t) + sine * np.sin(damped * t))
    assert np.allclose(found.deviation[2:], 60 * closed, rtol=0, atol=2e-3)
    assert found.deviation[-1] == pytest.approx(settled(10e6, machines=(machine,), load=50e6), rel=1e-3)
    (mode,) = modes(machines=(machine,), load=50e6)
    assert mode.frequency == pytest.approx(damped / (2 * math.pi), rel=1e-2)
    assert mode.damping == pytest.approx(zeta, rel=2e-2)


def test_a_forced_oscillation_is_amplified_at_the_mode() -> None:
    turbine = load_machine("gas-turbine", rating=100e6)
    assert turbine is not None
    (mode,) = modes(machines=(turbine,), load=50e6)
    around = np.array([0.2, 1.0, 5.0]) * mode.frequency
    gain = np.abs(response(around, machines=(turbine,), load=50e6))
    assert gain[1] > 3 * max(gain[0], gain[2])
    t = np.arange(12_000) * STEP
    free = Machine("g", 100e6, 5.0, 0.05, 0.2, 0.3, minimum=-9.0, maximum=9.0)
    found = frequency(50e6 + 1e6 * np.sin(2 * math.pi * 0.5 * t), step=STEP, machines=(free,))
    expected = 1e6 * abs(response([0.5], machines=(free,), load=50e6)[0])
    assert np.abs(found.deviation[6000:]).max() == pytest.approx(expected, rel=0.01)


def test_infinite_inertia_and_limits() -> None:
    load = campus(20.0)
    stiff = frequency(load, step=STEP, machines=(Machine("grid", 1e9, math.inf, 0.05, 1.0, 1.0),))
    assert np.all(stiff.deviation == 0.0)
    slow = Machine("slow", 40e6, 5.0, 0.05, 0.2, 0.3, ramp=0.01)
    held = frequency(load, step=STEP, machines=(slow,))
    assert held.limited
    assert np.abs(np.diff(held.power[:, 0])).max() <= 0.01 * 40e6 * STEP * 1.01
    assert held.residual == pytest.approx(0.0, abs=1e-9)
    again = frequency(load, step=STEP, machines=(slow,), secondary=30.0, damping=1.0)
    assert again.residual == pytest.approx(0.0, abs=1e-9)


def test_isochronous_control_comes_back() -> None:
    load = np.full(12_000, 60e6)
    load[0] = 50e6
    machine = Machine("g", 100e6, 5.0, 0.05, 0.1, 0.2)
    assert abs(frequency(load, step=STEP, machines=(machine,), secondary=5.0).deviation[-1]) < 1e-3


@SOME
@given(inertia=st.floats(2.0, 8.0), more=st.floats(1.05, 2.0), droop=st.floats(0.05, 0.1))
def test_signs_of_the_frequency(inertia: float, more: float, droop: float) -> None:
    load = np.full(1500, 55e6)
    load[0] = 50e6

    def nadir(**changed: float) -> tuple[float, float]:
        values = {"inertia": inertia, "droop": droop, "rating": 100e6, **changed}
        found = frequency(
            load, step=STEP, machines=(Machine("g", governor_time=0.1, turbine_time=0.2, **values),)
        )  # type: ignore[arg-type]
        return found.nadir, found.rocof

    base = nadir()
    assert base[0] < 0.0
    heavier = nadir(inertia=inertia * more)
    assert heavier[0] > base[0]
    assert heavier[1] < base[1]
    assert nadir(droop=droop / more)[0] > base[0] or nadir(droop=droop * more)[0] < base[0]
    assert nadir(rating=100e6 * more)[0] > base[0]


# voltage and flicker


@pytest.mark.parametrize(
    ("lamp", "table"),
    [
        ("230V", {1: 2.724, 2: 2.211, 7: 1.459, 39: 0.906, 110: 0.725, 1620: 0.402}),
        ("120V", {1: 3.166, 2: 2.568, 7: 1.695, 39: 1.044, 110: 0.841, 1620: 0.547}),
    ],
)
def test_flicker_of_the_standard(lamp: str, table: dict[int, float]) -> None:
    """IEC 61000-4-15, table 5: rectangular changes with Pst 1 within 5 %."""
    step = 0.005
    t = np.arange(round(600 / step)) * step
    for changes, percent in table.items():
        wave = np.where(np.floor(t * changes / 60 + 1e-9) % 2 < 1, 1.0, -1.0)
        assert flicker_severity(1 + percent / 200 * wave, step=step, lamp=lamp) == pytest.approx(1, abs=0.05)


@SOME
@given(times=st.floats(0.1, 3.0))
def test_flicker_is_linear(times: float) -> None:
    noise = np.random.default_rng(0).standard_normal(4000) * 1e-3
    one, more = (flicker_severity(1 + k * (noise - noise.mean()), step=STEP) for k in (1.0, times))
    assert more == pytest.approx(times * one, rel=1e-6)


@SOME
@given(strength=st.floats(6.0, 50.0), ratio=st.floats(0.0, 30.0))
def test_voltage_of_two_buses(strength: float, ratio: float) -> None:
    """The root solves the circuit: E = V + (R + jX)·I."""
    power = np.array([10e6, 20e6])
    volts = voltage(power, short_circuit=strength * 20e6, x_over_r=ratio, power_factor=0.95)
    z = (1 + 1j * ratio) / abs(1 + 1j * ratio)
    s = power * (1 + 1j * math.tan(math.acos(0.95))) / (strength * 20e6)
    assert np.abs(volts + z * np.conj(s) / volts) == pytest.approx(np.ones(2), abs=1e-9)
    assert volts[1] < volts[0] < 1.0


# rows and plans


def recovery(life: float) -> float:
    return 0.07 / (1 - 1.07 ** -(life / (8760 * 3600)))


def test_every_row_makes_what_it_is_for() -> None:
    assert {"moderate", "tight"} <= set(list_limits())
    tight, moderate = (load_limits(name, peak=1e8) for name in ("tight", "moderate"))
    assert tight.ramp_up < moderate.ramp_up
    for name in list_stores():
        store = load_store(name, accelerators=1000)
        prices = store_prices(name, electricity=1e-8, capital_recovery=recovery)
        assert 0.7 < store.charge_efficiency * store.discharge_efficiency <= 1.0
        low, high = (
            store_prices(name, electricity=1e-8, capital_recovery=recovery, case=c) for c in ("low", "high")
        )
        assert low.power <= prices.power <= high.power
        assert bought(name, power=1e6, energy=0.0) > 0.0
    assert load_store("rack-capacitor", accelerators=1000).energy == pytest.approx(65e3)
    assert load_machine("solar", rating=1e6) is None
    for name in ("gas-turbine", "gas-combined-cycle", "gas-engine", "battery-2h", "grid", "diesel"):
        machine = load_machine(name, rating=1e8)
        assert machine is not None
        assert all(mode.damping > 0.0 for mode in modes(machines=(machine,), load=5e7)), name


def verdict(plants: dict[str, float], **more: object):  # type: ignore[no-untyped-def]
    load = campus(30.0)
    return carry_seconds(
        load, step=STEP, plants=plants, limits=load_limits("moderate", peak=float(load.max())),
        electricity=60 / 3.6e9, capital_recovery=recovery, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_grid_needs_a_store_and_a_battery_is_one() -> None:
    alone = verdict({"grid": 25e6, "solar": 50e6})
    assert not alone.carried
    assert not alone.island
    assert alone.sized is not None
    assert alone.power == alone.sized.store.power
    assert alone.energy >= alone.sized.store.energy
    assert alone.cost > 0.0
    assert alone.severity is not None
    with_battery = verdict({"grid": 25e6, "battery-2h": 40e6})
    assert with_battery.carried
    assert with_battery.covered == pytest.approx(alone.power)
    assert any("batteries of the plan" in text for text in with_battery.notices)
    weak = verdict({"grid": 25e6}, short_circuit_ratio=2.5)
    assert weak.voltage_dip is not None
    assert alone.voltage_dip is not None
    assert weak.voltage_dip > alone.voltage_dip


def test_an_island_of_turbines() -> None:
    alone = verdict({"gas-turbine": 40e6})
    assert alone.island
    assert not alone.carried
    assert -alone.frequency.nadir > 0.5 >= -alone.after.nadir
    assert any("the island swings" in text for text in alone.notices)
    helped = verdict({"gas-turbine": 40e6, "battery-2h": 20e6})
    assert helped.carried
    larger = verdict({"gas-turbine": 400e6})
    assert larger.frequency.nadir > alone.frequency.nadir
    with pytest.raises(InputError, match="turns or makes"):
        verdict({"solar": 1e8})
    reactor = verdict({"fission-small": 10e6, "gas-turbine": 60e6})
    assert any("do not follow the load" in text for text in reactor.notices)
