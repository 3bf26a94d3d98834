"""Iterations under a power cap: the clock at which the mean power of their work stays within it.

All functions are compiled. The same rule as :class:`gigawatt.performance.serving.power.Regulator`, in the
same steps, so that events and closed form agree; options are of all accelerators of a replica.
"""

from __future__ import annotations

from typing import Any

from gigawatt.core.compiled import compiled
from gigawatt.serving.kernels.cost import Row, decode_cost, line_cost, place, prefill_cost

__all__ = ["chunk_time", "held", "held_line", "settled"]

#: Of the bracket of clocks, as in :mod:`gigawatt.machine.clocks`.
HALVINGS = 36


@compiled
def held_line(f: Row, c: Any, at: float) -> tuple[float, float, float]:
    """(seconds that multiplications bind, joules of the core) of what works on ``at`` tokens alike, and the
    part of the seconds that all attention groups share."""
    x, n, y = c.tok_x, c.tok_n, c.tok_c
    if n < 2:
        return f[y], f[y + 1], f[y + 2]
    m = place(f, x, n, at)
    u = (at - f[x + m]) / (f[x + m + 1] - f[x + m])
    i = y + 3 * m
    core = f[i + 1] * (1.0 - u) + f[i + 4] * u
    return f[i] * (1.0 - u) + f[i + 3] * u, core, f[i + 2] * (1.0 - u) + f[i + 5] * u


@compiled
def settled(c: Any, time: float, energy: float, arithmetic: float, core: float) -> tuple[float, float]:
    """(time, energy) of an iteration's work under the power cap: what
    :class:`gigawatt.performance.serving.power.Regulator` gives, in the same steps.

    ``arithmetic`` of the time is bound by multiplications, ``core`` of the energy is theirs.
    """
    if time <= 0.0:
        return time, energy
    busy = min(arithmetic, time)
    rest, beside = time - busy, energy - core - (c.up - c.resting) * time
    demand, own = (core + beside) / time, c.own_limit - c.up
    if demand > own:
        core, beside = core * own / demand, beside * own / demand
    clock, v = 1.0, 1.0
    wait = c.up
    power = wait + (core + beside) / time
    if power > c.cap * (1.0 + 1e-9):
        low, high = c.least_clock, 1.0
        for _ in range(HALVINGS):
            clock = 0.5 * (low + high)
            v = max(1.0, 1.0 + c.volts * (clock / c.knee - 1.0)) / c.full_volts
            wait = c.up * ((1.0 - c.clocked) + c.clocked * clock * v * v)
            if wait + (core * v * v + beside) / (busy / clock + rest) > c.cap:
                high = clock
            else:
                low = clock
        clock = low
        v = max(1.0, 1.0 + c.volts * (clock / c.knee - 1.0)) / c.full_volts
        wait = c.up * ((1.0 - c.clocked) + c.clocked * clock * v * v)
        power = wait + (core * v * v + beside) / (busy / clock + rest)
    seconds = busy / clock + rest
    pause = 0.0
    if power - c.cap > 1e-9 * c.cap:
        pause = seconds * (power - c.cap) / (c.cap - wait)
    whole = seconds + pause
    return whole, power * seconds + wait * pause - c.resting * whole


@compiled
def held(
    w: Any, r: int, prompts: int, attention: float, there: float, wide: float, time: float, energy: float,
    slope: float, slope_energy: float, reach: float,
) -> tuple[float, float, float, float]:  # fmt: skip
    """(time, energy, their slopes per token of context) of the work of an iteration under the power cap.

    ``time``, ``energy`` and slopes are given at the chips' own limit, these up to a context that is ``reach``
    tokens longer; those under the cap are straight lines to there, or to where the next answer is done.
    ``attention`` [s] is of the prompts of the busiest group, ``there`` are the tokens in all and ``wide``
    those if all groups had as many.
    """
    cfg, q = w.cfg[0], w.rep[r]
    n, whole, share = q.moving, 0.0, 0.0
    arithmetic, core, common = held_line(w.real, cfg, there)
    if wide > there:
        more, _, theirs = held_line(w.real, cfg, wide)
        arithmetic = more + common - theirs
    at = cfg.bat_c + 2 * (n + prompts)
    arithmetic += w.real[at]
    core += w.real[at + 1]
    for m in range(q.prefilling if prompts > 0 else 0):
        part = w.pre[r * cfg.slots + m]
        if part.chunk > 0:
            chunk, done = float(part.chunk), float(part.done)
            more, _ = prefill_cost(w.real, cfg, cfg.pre_y, chunk, done)
            whole += more
            more, more_core = prefill_cost(w.real, cfg, cfg.pre_c, chunk, done)
            share += more
            core += more_core
    if whole > 0.0:
        arithmetic += share * attention / whole
    later, later_core = 0.0, 0.0
    if n > 0:
        mean = q.context / q.decoding
        more, more_core, later, later_core, _ = decode_cost(w.real, cfg, cfg.dec_c, q.decoding, mean)
        core += more_core * n / q.decoding
        if cfg.alone == 1 and prompts > 0:  # of other groups than the prompts: the longer of the two counts
            alone, _, _, _, _ = decode_cost(w.real, cfg, cfg.dec_y, q.decoding, mean)
            more *= max(alone - attention, 0.0) / alone if alone > 0.0 else 0.0
        arithmetic += more
    ahead = min(cfg.accepted * max(q.next_end - q.steps, 1), max(reach, 1.0))
    first, joules = settled(cfg, time, energy, arithmetic, core)
    last, more = settled(
        cfg,
        time + slope * ahead,
        energy + slope_energy * ahead,
        arithmetic + later * ahead,
        core + later_core * ahead,
    )
    return first, joules, (last - first) / ahead, (more - joules) / ahead


@compiled
def chunk_time(f: Row, c: Any, chunk: float, done: float) -> float:
    """Time in which ``chunk`` tokens of a prompt are computed alone after ``done``, under a cap if any."""
    time, energy, _, _ = line_cost(f, c, chunk)
    more, more_energy = prefill_cost(f, c, c.pre_y, chunk, done)
    if c.held == 0:
        return time + more
    arithmetic, core, _ = held_line(f, c, chunk)
    part, part_core = prefill_cost(f, c, c.pre_c, chunk, done)
    return settled(c, time + more, energy + more_energy, arithmetic + part, core + part_core)[0]
