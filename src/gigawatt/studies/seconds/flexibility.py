"""What batch, cap, pause and store give when the utility calls, alone and together, and what each costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.power.loop import (
    BatchControl,
    CapControl,
    Course,
    FeedbackBatch,
    GridCurve,
    PauseControl,
    StoreControl,
    run_loop,
)
from gigawatt.power.seconds import Prices, frequency, load_store
from gigawatt.studies.seconds.flexible import FlexibleQuestion
from gigawatt.studies.seconds.ride import holding

__all__ = ["Flexibility", "Given", "flexibility"]

Array = NDArray[np.float64]

_FINE, _STEP = 0.1, 1.0
_ROOM = 1.25
"""Power at which the grid is computed at most, over the normal one."""
_PATIENCE = 0.2
"""Share of the time until the power has to be lower after which a pause does what is still lacking."""


@dataclass(frozen=True)
class Given:
    """What one control gave.

    ``refused``: why it gives nothing at all (then there is no course). Powers [W]: ``asked`` less at the
    end of the call's fall, ``mean`` and ``least`` given while it holds, by the utility's meter; ``reached``
    [s] after the call from which on it holds (``inf``: never); ``rebound`` [W] above the normal power
    afterwards. ``tokens`` not written and ``trained`` tokens not trained until the end, against no control;
    ``wait`` [s], the longest that a request waited for its place; ``token_time`` [s] in the mean and at its
    worst. ``store``: row of the catalog, its ``store_power`` [W], ``store_energy`` [J] and ``cost``
    [$/year]. ``lowest`` and ``highest`` voltage, ``beyond`` [s]: how long a node was outside of its limits;
    ``deviation`` [Hz], lowest and highest on an island.
    """

    control: str
    refused: str
    course: Course | None = None
    asked: float = 0.0
    mean: float = 0.0
    least: float = 0.0
    reached: float = math.inf
    meets: bool = False
    rebound: float = 0.0
    tokens: float = 0.0
    trained: float = 0.0
    wait: float = 0.0
    token_time: tuple[float, float] = (0.0, 0.0)
    energy: float = 0.0
    store: str = ""
    store_power: float = 0.0
    store_energy: float = 0.0
    cost: float = 0.0
    lowest: float = 1.0
    highest: float = 1.0
    beyond: float = 0.0
    deviation: tuple[float, float] | None = None


@dataclass(frozen=True)
class Flexibility:
    """The call, the course without any control, and what every control gave.

    ``normal`` [W] before the call; ``target`` (T,) [W]; ``shown``: the one to draw.
    """

    question: FlexibleQuestion
    normal: float
    plain: Course
    target: Array
    given: tuple[Given, ...]

    @property
    def shown(self) -> Given | None:
        """All together, else the first that gives anything."""
        able = [one for one in self.given if one.course is not None]
        return next((one for one in able if one.control == "all"), able[0] if able else None)


def flexibility(
    question: FlexibleQuestion, *, priced: Callable[[str], Prices], say: Callable[[str], None] | None = None
) -> Flexibility:
    """Run the loop once without control and once with each.

    Parameters
    ----------
    question : FlexibleQuestion
        The call, its pools, its grid.
    priced : callable
        Row of ``dynamics_stores`` → its prices.
    say : callable, optional
        Called with what is done.

    Raises
    ------
    InputError, InfeasibleError
        A grid that cannot carry the load.
    """
    q, tell = question, say or (lambda text: None)
    serving = [q.service.pool] if q.service is not None else []
    training = [q.training] if q.training is not None else []
    fine = _FINE if 0.0 < q.within < 10.0 * _STEP else _STEP
    duration = q.lead + q.within + q.hold + q.tail
    count = round(duration / fine)

    def run(grid: GridCurve, target: Array | None = None, **more: object) -> Course:
        return run_loop(
            step=fine, duration=count * fine, grid=grid, serving=serving, training=training, target=target,
            **more,  # type: ignore[arg-type]
        )  # fmt: skip

    tell("Without control")
    first = run(_flat()).load
    normal = float(np.mean(first[: max(1, round(q.lead / fine))]))
    grid = q.grid(_ROOM * max(normal, float(first.max())), normal)
    plain = run(grid)
    target = _target(q, normal, fine, count)
    found: list[Given] = []
    for name in q.controls:
        tell(f"Control by {name}")
        refused = _refused(q, name)
        if refused:
            found.append(Given(name, refused))
            continue
        store, row = _store(q, name, normal, priced) if name in ("store", "all") else (None, "")
        course = run(
            grid, target, store=store, power_controls=_cascade(q, name), voltage_control=_voltage(q, name)
        )
        found.append(_judged(q, name, normal, plain, course, store, row, priced))
    if q.limit is not None and serving:
        tell("Control by the voltage")
        course = run(grid, voltage_control=_voltage(q, "voltage"))
        found.append(_judged(q, "voltage", normal, plain, course, None, "", priced))
    return Flexibility(q, normal, plain, target, tuple(found))


def _flat() -> GridCurve:
    """A grid whose voltage is the rated one whatever is drawn: for the power alone."""
    return GridCurve(np.array([0.0, 1.0]), np.ones((2, 1)), ("any",), scales=True)


def _target(q: FlexibleQuestion, normal: float, step: float, count: int) -> Array:
    """W that the call allows (T,), ``inf`` where there is none."""
    since = np.arange(count) * step - q.lead
    if q.follow is not None:
        times, shares = q.follow
        share = np.interp(since, times, shares)
        on = (since >= 0.0) & (since <= times[-1]) & (share < 1.0)
    else:
        share = 1.0 - q.cut * np.clip(since / q.within, 0.0, 1.0)
        on = (since >= 0.0) & (since <= q.within + q.hold)
    return np.where(on, normal * share, math.inf)


def _refused(q: FlexibleQuestion, name: str) -> str:
    """Why a control can do nothing here."""
    capped = [len(q.service.pool.caps) > 1] if q.service is not None else []
    capped += [len(q.training.caps) > 1] if q.training is not None else []
    if name == "batch" and q.service is None:
        return "nothing serves; --serve MODEL --serving-count N adds a service"
    if name == "cap" and not any(capped):
        return "the accelerators of a trace are unknown"
    if name == "pause" and q.training is None:
        return "nothing trains"
    return ""


def _cascade(q: FlexibleQuestion, name: str) -> list[BatchControl | CapControl | PauseControl]:
    cap = CapControl(delay=q.delay, gain=q.gain, release=q.release)
    batch = BatchControl(delay=q.delay, gain=q.gain, release=q.release)
    pause = PauseControl(delay=q.delay, patience=max(_PATIENCE * q.within, 1.0))
    made = {
        "batch": [batch], "cap": [cap], "pause": [pause], "store": [], "all": [cap, batch, pause],
    }  # fmt: skip
    return made[name]  # type: ignore[return-value]


def _voltage(q: FlexibleQuestion, name: str) -> FeedbackBatch | None:
    if q.limit is None or q.service is None or name != "voltage":
        return None
    sizes = [float(size) for size in q.service.pool.batch if size <= q.service.pool.most]
    return FeedbackBatch(sizes, low=1.0 - q.limit, high=1.0 + q.limit, delay=q.delay)


def _store(
    q: FlexibleQuestion, name: str, normal: float, priced: Callable[[str], Prices]
) -> tuple[StoreControl, str]:
    """The cheapest store that could give the whole cut for the whole call."""
    cut = normal * (q.cut if q.follow is None else max(0.0, 1.0 - float(q.follow[1].min())))
    row, joules, _ = holding(max(cut, 1.0), q.within + q.hold, q.accelerators, priced)
    basis = load_store(row, accelerators=q.accelerators)
    return (
        StoreControl(max(cut, 1.0), joules, basis.charge_efficiency, basis.discharge_efficiency, level=1.0),
        row,
    )


def _metered(q: FlexibleQuestion, power: Array, step: float) -> Array:
    """W as the utility's meter shows them: the mean of its window up to each step."""
    width = max(1, round(q.window / step))
    sums = np.concatenate([[0.0], np.cumsum(power)])
    at = np.arange(1, len(sums))
    since = np.maximum(at - width, 0)
    return (sums[at] - sums[since]) / (at - since)


def _judged(
    q: FlexibleQuestion,
    name: str,
    normal: float,
    plain: Course,
    course: Course,
    store: StoreControl | None,
    row: str,
    priced: Callable[[str], Prices],
) -> Given:
    """What a course gave and cost."""
    shown, step = _metered(q, course.drawn, course.step), course.step
    called = np.flatnonzero(~np.isinf(course.target)) if name != "voltage" else np.zeros(0, dtype=np.intp)
    asked, mean, least, reached, meets = 0.0, 0.0, 0.0, 0.0, True
    if len(called):
        allowed = _metered(q, np.minimum(course.target, normal), step) + q.tolerance * normal
        low = float(course.target[called].min())
        due = int(called[np.argmax(course.target[called] <= low * (1.0 + 1e-9))]) + round(q.window / step)
        over = called[shown[called] > allowed[called]]
        last = int(over[-1]) + 1 if len(over) else int(called[0])
        meets, asked = last <= due, normal - low
        reached = (last - int(called[0])) * step if last <= int(called[-1]) else math.inf
        held = called[(course.target[called] <= low * (1.0 + 1e-9)) & (called >= due)]
        below = normal - shown[held if len(held) else called[-1:]]
        mean, least = float(below.mean()), float(below.min())
    used, cost = 0.0, 0.0
    if store is not None:
        used = float(course.stored.max(initial=0.0) - course.stored.min(initial=math.inf))
        power = float(np.max(course.load - course.drawn, initial=0.0))
        if power > 0.0:
            row, used, cost = holding(power, used / power, q.accelerators, priced)
        else:
            row = ""
    low, high = (1.0 - q.limit, 1.0 + q.limit) if q.limit is not None else (-math.inf, math.inf)
    after = course.time >= q.lead + q.within + q.hold
    deviation: tuple[float, float] | None = None
    if q.machines:
        swung = frequency(course.drawn, step=step, machines=q.machines)
        deviation = (swung.nadir, swung.zenith)
    wait = 0.0
    if q.service is not None:
        wait = float(course.waiting[:, 0].max()) / q.service.pool.demand
    times = course.token_time[:, 0] if q.service is not None else np.zeros(1)
    return Given(
        control=name, refused="", course=course, asked=asked,
        mean=mean, least=least,
        reached=reached, meets=meets,
        rebound=max(0.0, float(shown[after].max(initial=0.0)) - normal),
        tokens=float((plain.written - course.written).sum()),
        trained=float((plain.trained - course.trained).sum()),
        wait=wait, token_time=(float(times.mean()), float(times.max())),
        energy=float((plain.drawn - course.drawn).sum()) * step,
        store=row, store_power=float(np.max(course.load - course.drawn, initial=0.0)),
        store_energy=used, cost=cost,
        lowest=float(course.lowest.min()), highest=float(course.highest.max()), deviation=deviation,
        beyond=float(np.sum((course.lowest < low) | (course.highest > high))) * step,
    )  # fmt: skip
