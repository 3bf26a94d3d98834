"""Starting and stopping the fuel pump at no power: what the rod must do to keep the reactor just critical."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.power.plants.molten_salt.loop import (
    MOST_FLOW,
    Neutrons,
    Ring,
    instants_of,
    neutrons,
    ring,
    steady_precursors,
)

__all__ = ["Curve", "measured", "pump_transient", "rod_reactivity"]

Array = npt.NDArray[np.float64]

CURVES = "molten_salt_curves"
_SPAN = 70.0  # s after the switch


@dataclass(frozen=True)
class Curve:
    """A curve of the catalog: ``time`` (T,) s and ``value`` (T,) in SI; ``source`` and place of it."""

    time: Array
    value: Array
    source: str


def measured(name: str) -> Curve:
    """A measured curve: ``startup``, ``coastdown`` (reactivity), ``startup-speed``, ``coastdown-speed`` (over
    rated), ``step-1``, ``step-5``, ``step-8`` (W over the start).

    Raises
    ------
    InputError
        No such curve.

    References
    ----------
    ORNL-4233, figures 22 to 24; ORNL-TM-2997, figures 2 to 4, all read off scans.
    """
    rows = [row for row in table(CURVES).values() if row.text("curve") == name]
    if not rows:
        names = list(dict.fromkeys(row.text("curve") for row in table(CURVES).values()))
        raise InputError(
            "no such curve", key="curve", given=name, allowed=names, nearest=nearest(name, names)
        )
    quantity = next(q for q in ("flow", "reactivity", "power") if q in rows[0].numbers)
    first = rows[0].evidence(quantity)
    return Curve(
        time=np.array([row.value("time") for row in rows]),
        value=np.array([row.value(quantity) for row in rows]),
        source=f"{first.source_id}: {first.locator}",
    )


def rod_reactivity(kinetics: Neutrons, loop: Ring, *, time: npt.ArrayLike, flow: npt.ArrayLike) -> Array:
    """Reactivity that holds the neutrons constant while the flow changes, over that of fuel at rest.

    The first flow has lasted for ever; between the instants the flow is linear.

    Parameters
    ----------
    kinetics, loop
        The fuel's neutrons; the cells.
    time : (T,)
        s, rising.
    flow : (T,)
        Over rated flow, [0, 2].

    Returns
    -------
    (T,) ndarray
        0 where fuel has always been at rest; :func:`lost_reactivity` after long steady flow.

    Raises
    ------
    InputError
        Times that do not rise; a flow out of range.

    References
    ----------
    ORNL-4233, section 5.6 (the test); ORNL-TM-1626, equation 14 with dn/dt = 0.
    """
    instants, flows = instants_of(time), np.asarray(flow, dtype=float)
    if flows.shape != instants.shape:
        raise InputError(
            "one flow an instant", key="flow", given=str(flows.shape), allowed=str(instants.shape)
        )
    if not (np.all(np.isfinite(flows)) and flows.min() >= 0.0 and flows.max() <= MOST_FLOW):
        raise InputError(
            "flow of the fuel out of range: it cannot run backwards, and pumps are unknown above",
            key="flow",
            given=f"{flows.min():g} to {flows.max():g}",
            allowed=f"0 to {MOST_FLOW:g} of the rated flow",
        )
    groups, cells = len(kinetics.decay), len(loop.time)
    made = kinetics.fraction[:, None] * loop.source

    def derivative(instant: float, state: Array) -> Array:
        held = state.reshape(groups, cells)
        moved = (np.roll(held, 1, axis=1) - held) * (float(np.interp(instant, instants, flows)) / loop.time)
        return (made - kinetics.decay[:, None] * held + moved).ravel()

    found: Any = import_module("scipy.integrate").solve_ivp(
        derivative,
        (float(instants[0]), float(instants[-1])),
        steady_precursors(kinetics, loop, float(flows[0])).ravel(),
        method="DOP853",
        t_eval=instants,
        rtol=1e-8,
        atol=1e-10 * float(made.max()),
        max_step=float((instants[-1] - instants[0]) / 50.0),
    )
    after: Array = np.asarray(found.y)
    held = after.reshape(groups, cells, len(instants))
    kept = np.einsum("g,gct,c->t", kinetics.decay, held, loop.importance * loop.time)
    return kinetics.total - kept


def pump_transient(name: str) -> Curve:
    """The rod in a ``startup`` or ``coastdown`` of the MSRE's fuel pump, with the flow that was recorded.

    Parameters
    ----------
    name : str
        Which of the two.

    Returns
    -------
    Curve
        Reactivity over that of fuel at rest, every 0.5 s for 70 s after the switch.

    Raises
    ------
    InputError
        Another transient.

    References
    ----------
    ORNL-4233, section 5.6.
    """
    check_word("transient", name, ("startup", "coastdown"), "no such transient")
    speed = measured(f"{name}-speed")
    last = 1.0 if name == "startup" else 0.0
    time = np.unique(
        np.concatenate([np.linspace(0.0, _SPAN, int(2 * _SPAN) + 1), speed.time[speed.time < _SPAN]])
    )
    flow = np.interp(time, speed.time, np.clip(speed.value, 0.0, 1.0), right=last)
    rod = rod_reactivity(neutrons("u235"), ring("msre"), time=time, flow=flow)
    return Curve(time, rod, "computed")
