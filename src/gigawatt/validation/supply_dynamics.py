"""The seconds beside published numbers: a measured node, textbook frequencies, flicker, ramps, anecdotes.

The published numbers are rows of ``dynamics_published``. Flicker and textbook rows are recalled and say so.
The node's idle power and the ramps are read from the same source as ours: those checks are ``fitted``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from gigawatt.catalog import entity, table
from gigawatt.chain.training.plan import plan_training
from gigawatt.chain.training.question import read_question
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.evidence import Evidence
from gigawatt.power.dynamics import (
    Limits,
    Machine,
    Store,
    TrainingLoad,
    flicker_severity,
    frequency,
    least_store,
    load_store,
    measure,
    settled,
    store_prices,
    sum_nodes,
    training_power,
)
from gigawatt.studies.seconds.plan import training_load
from gigawatt.validation.supply_check import Check

__all__ = ["TABLE", "checks"]

TABLE = "dynamics_published"
_PART = "dynamics"
_KILO, _MEGA = 1e3, 1e6
_STEP = 0.01
_SECONDS = 60.0


def checks() -> list[Check]:
    """Every published number of ``dynamics_published`` beside ours."""
    return [
        *_node("node-h100x8", "nvidia-h100-sxm", accelerators_alone=True),
        *_node("node-b200x8", "nvidia-b200-sxm", accelerators_alone=False),
        *_storage(),
        *_campus(),
        *_textbook(),
        *_ramps(),
        *_flicker(),
    ]


@lru_cache(maxsize=8)
def _load(chip: str, count: int, model: str) -> TrainingLoad:
    plan = plan_training(read_question(model=model, chip=chip), count, top=1)
    return training_load(plan.search.best, plan.cluster.count)


def _node(id: str, chip: str, *, accelerators_alone: bool) -> Iterator[Check]:
    """Eight accelerators in training; the H100 trace is of the accelerators without their node."""
    row = entity(TABLE, id)
    load = _load(chip, 8, "llama-3.1-8b")
    question = read_question(model="llama-3.1-8b", chip=chip)
    share = 0.0
    if accelerators_alone:
        share = load.idle - question.chip.idle_power
    peak = 8.0 * (load.segments[0].power - share)
    low = 8.0 * (load.idle - share)
    yield _check(
        f"{chip} × 8: highest power in training",
        peak,
        row.evidence("peak"),
        "kW",
        _KILO,
        spread=0.1,
    )
    yield _check(
        f"{chip} × 8: lowest power between steps", low, row.evidence("low"), "kW", _KILO,
        fitted=accelerators_alone,
    )  # fmt: skip
    if (
        "drop" in row.numbers
    ):  # a block of the step ends at once: the fall is the same in a second and a tenth
        for words, quantity in (("a second", "drop"), ("0.1 s", "drop_tenth")):
            fall = row.evidence(quantity)
            yield _check(f"{chip} × 8: largest fall within {words}", peak - low, fall, "kW", _KILO)


def _storage() -> Iterator[Check]:
    """The best cut of a peak that 65 J for each accelerator give, over full swings of 0.5 to 20 Hz."""
    load = _load("nvidia-gb200", 72, "llama-3.1-8b")
    high, low = load.segments[0].power, load.idle
    basis = load_store("rack-capacitor", accelerators=1.0)
    best = 0.0
    for hertz in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0):
        half = max(1, round(0.5 / hertz / 0.0025))
        wave = np.tile(np.repeat([high, low], half), 8)
        best = max(best, _cut(wave, basis))
    published = entity(TABLE, "gb300").evidence("peak_cut")
    yield _check(
        "GB200 with the store of a GB300: cut of the peak, at best", best, published, "1", 1.0, spread=0.3
    )


def _cut(wave: np.ndarray, basis: Store) -> float:
    """Largest share of the peak that the store takes, by bisection over the range that it can keep."""
    prices = store_prices("rack-capacitor", electricity=0.0, capital_recovery=lambda life: 0.2)
    swing, narrow, wide = float(np.ptp(wave)), 0.0, 1.0
    peak = float(wave.max())
    cut = 0.0
    for _ in range(8):
        middle = (narrow + wide) / 2.0
        try:
            found = least_store(
                wave, step=0.0025, limits=Limits(dynamic_range=middle * swing), prices=prices, store=basis
            )
        except InfeasibleError:
            narrow = middle
        else:
            wide = middle
            cut = 1.0 - float(found.drawn.max()) / peak
    return cut


def _campus() -> Iterator[Check]:
    row = entity(TABLE, "llama3")
    count = round(row.value("accelerators"))
    load = _load("nvidia-h100-sxm", 16_384, "llama-3.1-405b")
    one = training_power(load, step=_STEP, duration=_SECONDS, start=5.0)
    swing = measure(sum_nodes(one, step=_STEP, nodes=count), step=_STEP).dynamic_range
    yield _check("Llama 3: swing of 24,576 accelerators", swing, row.evidence("swing"), "MW", _MEGA)
    colossus = entity(TABLE, "colossus")
    power, price = colossus.value("battery_power"), colossus.evidence("battery_price")
    battery = entity("plants", "battery-2h")
    ours = power * battery.at("capital_cost", 2025)[0]
    ours += power * battery.value("duration_min") * battery.at("energy_capital_cost", 2025)[0]
    yield _check("Colossus: price of 150 MW of batteries of two hours", ours, price, "M$", _MEGA, spread=0.3)


def _textbook() -> Iterator[Check]:
    first = entity(TABLE, "kundur-11-1")
    units = tuple(Machine(f"unit {i}", 500e6, 5.0) for i in range(4))
    load = np.full(40_000, 1000e6)
    load[0] = 1020e6
    found = frequency(load, step=_STEP, machines=units, damping=1.5 * 1000.0 / 1020.0)
    last = float(found.deviation[-1])
    yield _check(
        "Kundur 11.1: rise without governors", last, first.evidence("deviation"), "Hz", 1.0, spread=5e-3
    )
    reached = float(np.searchsorted(found.deviation, last * (1.0 - math.exp(-1.0)))) * _STEP
    yield _check(
        "Kundur 11.1: time constant", reached, first.evidence("time_constant"), "s", 1.0, spread=5e-3
    )
    second = entity(TABLE, "kundur-11-2")
    free = settled(-60e6, machines=(Machine("open", 1500e6, 5.0),), load=1200e6, damping=1.5)
    yield _check("Kundur 11.2: rise without governors", free, second.evidence("free"), "Hz", 1.0, spread=5e-3)
    held = (Machine("governed", 400e6, 5.0, 0.05), Machine("open", 1100e6, 5.0))
    governed = settled(-60e6, machines=held, load=1200e6, damping=1.5)
    yield _check(
        "Kundur 11.2: rise with governors", governed, second.evidence("governed"), "Hz", 1.0, spread=5e-3
    )


def _ramps() -> Iterator[Check]:
    for name in ("gas-combined-cycle", "gas-turbine"):
        published = entity(TABLE, f"ramp-{name}").evidence("ramp")
        ours = entity("plants", name).value("ramp")
        scale = published.value / float(published.written)
        yield _check(
            f"{name}: ramp", ours, published, "%/min", 1.0 / scale, spread=1e-6, fitted=True, inverse=True
        )


def _flicker() -> Iterator[Check]:
    step = 0.005
    t = np.arange(round(600.0 / step)) * step
    for lamp in ("230V", "120V"):
        for quantity, (published,) in table(TABLE)[f"flicker-{lamp}"].numbers.items():
            changes = float(quantity.removeprefix("pst_"))
            wave = np.where(np.floor(t * changes / 60.0 + 1e-9) % 2 < 1, 1.0, -1.0)
            severity = flicker_severity(1.0 + published.value / 2.0 * wave, step=step, lamp=lamp)
            yield Check(
                part=_PART,
                what=f"flicker, {lamp} lamp: Pst of {changes:g} changes a minute of {published.written} %",
                ours=severity,
                published=1.0,
                unit="1",
                tolerance=0.05,
                source=f"{published.source_id}: {published.locator}",
            )


def _check(
    what: str,
    ours: float,
    row: Evidence,
    unit: str,
    scale: float,
    *,
    spread: float = 0.0,
    fitted: bool = False,
    inverse: bool = False,
) -> Check:
    """``spread`` is a tolerance where the source has no range, or a narrower one than is accepted."""
    factor = scale if inverse else 1.0 / scale
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    return Check(
        part=_PART,
        what=what,
        ours=ours * factor,
        published=row.value * factor,
        unit=unit,
        tolerance=max((row.value - low) / row.value, (high - row.value) / row.value, spread),
        source=f"{row.source_id}: {row.locator}",
        fitted=fitted,
    )
