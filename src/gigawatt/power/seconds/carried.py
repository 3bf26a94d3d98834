"""Whether the machines of an hourly plan carry the seconds of its load, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.seconds.flicker import flicker_severity, voltage
from gigawatt.power.seconds.load import series
from gigawatt.power.seconds.machines import Frequency, Machine, Mode, frequency, modes
from gigawatt.power.seconds.measures import Limits, Measures, measure
from gigawatt.power.seconds.rows import bought, load_machine, load_store, store_prices
from gigawatt.power.seconds.sizing import Sized, smallest_store
from gigawatt.power.seconds.stores import Store, pass_store

__all__ = ["Carried", "carry_seconds", "machines_of"]

Array = npt.NDArray[np.float64]
Recovery = Callable[[float], float]

_HIGHEST_STEP = 0.02
_BISECTIONS = 24
_RESTORE = 10.0
_BOUGHT = "power-battery"  # row of dynamics_stores


@dataclass(frozen=True)
class Carried:
    """The verdict on a plan's seconds.

    Attributes
    ----------
    carried : bool
        Whether nothing has to be added.
    island : bool
        Whether no grid is among the plants.
    measures, frequency : Measures, Frequency
        Of the load as it is, with the plan's machines.
    sized : Sized or None
        The smallest store with which limits and frequency are kept; ``None`` where none is needed.
    after : Frequency
        With that store.
    covered : float
        W of the need that batteries of the plan cover (with J enough), in place of a new store.
    power, energy : float
        W and J to be bought beside the plan; the energy is at least what such cells come with.
    cost : float
        $/year of it, with its losses.
    severity, voltage_dip : float or None
        Flicker (Pst) and share of the voltage lost in the dynamic range, where a grid connects.
    modes : tuple of Mode
        What swings by itself.
    notices : tuple of str
    """

    carried: bool
    island: bool
    measures: Measures
    frequency: Frequency
    sized: Sized | None
    after: Frequency
    covered: float
    power: float
    energy: float
    cost: float
    severity: float | None
    voltage_dip: float | None
    modes: tuple[Mode, ...]
    notices: tuple[str, ...]


def carry_seconds(
    load: npt.ArrayLike,
    *,
    step: float,
    plants: Mapping[str, float],
    limits: Limits,
    electricity: float,
    capital_recovery: Recovery,
    short_circuit_ratio: float | None = None,
) -> Carried:
    """Say whether plants that an hourly plan built can carry a load's seconds.

    With a grid connection the load behind the store must keep the connection's ``limits``; on an island the
    frequency must stay within the catalog's band and rate (``dynamics_limits``, ``frequency``), and the
    limits are left aside. The store is the smallest that does; batteries of the plan count first.

    Parameters
    ----------
    load : (T,)
        W at the bus.
    step : float
        s.
    plants : mapping
        Plant id → capacity [W], such as ``SupplyPlan.capacity``; zeros are left out.
    limits : Limits
        Of the connection.
    electricity : float
        $/J.
    capital_recovery : callable
        Life in s → share of the investment a year.
    short_circuit_ratio : float, optional
        Of the connection; the catalog's where left out.

    Raises
    ------
    InputError
        An unknown plant, no plant that turns, machines too small for the load's first value.
    InfeasibleError
        No store keeps the limits, or the frequency.

    References
    ----------
    Kundur, Power System Stability and Control, 1994; Choukse et al., arXiv 2508.14318, 2025.
    """
    values = series(load, "load")
    built = {name: watts for name, watts in plants.items() if watts > 0.0}
    island = "grid" not in built
    notices: list[str] = []
    bus = machines_of(built)
    found = measure(values, step=step, limits=limits)
    row = entity("dynamics_limits", "frequency")
    nominal = row.value("nominal")
    band, rate = row.value("deviation"), row.value("rocof")

    def turned(power: Array) -> Frequency:
        return frequency(power, step=step, machines=bus, nominal=nominal)

    before = turned(values)
    sized: Sized | None = None
    if island:
        if _outside(before, band, rate) > 1.0:
            sized = _for_frequency(values, step, load_store(_BOUGHT), turned, band, rate, limits)
    elif found.excess(limits):
        sized = smallest_store(values, step=step, limits=limits, store=load_store(_BOUGHT))
    after = before if sized is None else turned(sized.passed.power)
    need = 0.0 if sized is None else sized.store.power
    joules = 0.0 if sized is None else sized.store.energy
    covered = _covered(built, need)
    power = need - covered
    energy = bought(_BOUGHT, power=power, energy=joules * power / need) if power > 0.0 else 0.0
    prices = store_prices(_BOUGHT, electricity=electricity, capital_recovery=capital_recovery)
    lost = 0.0 if sized is None else sized.passed.losses
    cost = prices.yearly(power=power, energy=energy, burnt=lost, seconds=len(values) * step)
    severity = dip = None
    if not island:
        severity, dip = _at_connection(
            values if sized is None else sized.passed.power, step, built["grid"], short_circuit_ratio, notices
        )
    swings = modes(machines=bus, load=float(values[0]))
    notices.extend(
        f"the governors are not stable: they swing by themselves at {mode.frequency:.2g} Hz"
        for mode in swings
        if mode.damping <= 0.0
    )
    _say(notices, built, bus, found, before, values, step, island, need, covered, band)
    return Carried(
        carried=power == 0.0,
        island=island,
        measures=found,
        frequency=before,
        sized=sized,
        after=after,
        covered=covered,
        power=power,
        energy=energy,
        cost=cost,
        severity=severity,
        voltage_dip=dip,
        modes=swings,
        notices=tuple(notices),
    )


def machines_of(built: Mapping[str, float]) -> tuple[Machine, ...]:
    """Machines that share the load; a grid is one as large as the system behind it, at half load."""
    bus: list[Machine] = []
    for name, watts in built.items():
        size = entity("dynamics_machines", "grid").value("system") if name == "grid" else watts
        made = load_machine(name, rating=size)
        if made is not None:
            bus.append(made)
    if not bus:
        raise InputError(
            "no plant of the plan turns or makes a frequency",
            key="plants",
            given=", ".join(built) or "nothing",
            allowed="a grid, a turbine, an engine, a reactor, or a battery",
        )
    if all(one.power is not None for one in bus):  # stores alone: they share the load
        bus = [_undispatched(one) for one in bus]
    return tuple(bus)


def _undispatched(one: Machine) -> Machine:
    return replace(one, power=None)


def _outside(found: Frequency, band: float, rate: float) -> float:
    """The worse of deviation and rate over what is allowed."""
    return max(max(-found.nadir, found.zenith) / band, found.rocof / rate)


def _for_frequency(
    values: Array,
    step: float,
    basis: Store,
    turned: Callable[[Array], Frequency],
    band: float,
    rate: float,
    limits: Limits,
) -> Sized:
    """Shortest time constant with which the machines keep the frequency, by bisection."""

    def tried(tau: float) -> Sized | None:
        rule = replace(basis, time_constant=tau, restore=_RESTORE * tau)
        passed = pass_store(values, step=step, store=rule)
        if _outside(turned(passed.power), band, rate) > 1.0:
            return None
        needed = passed.needed_energy
        level = float(-passed.stored.min() / needed) if needed > 0.0 else 0.5
        size = replace(rule, power=passed.needed_power, energy=needed, level=min(max(level, 0.0), 1.0))
        whole = float(values.sum()) * step
        return Sized(
            size,
            passed,
            measure(passed.power, step=step, limits=limits),
            passed.losses / whole if whole else 0.0,
        )

    short, long = step / 10.0, len(values) * step
    best = tried(long)
    if best is None:
        raise InfeasibleError(
            f"no store keeps the frequency within {band:g} Hz and {rate:g} Hz/s, even with {long:.4g} s",
            key="plants",
            allowed="more capacity that turns and has a governor, or a grid-forming battery among the plants",
        )
    for _ in range(_BISECTIONS):
        middle = math.sqrt(short * long)
        found = tried(middle)
        if found is None:
            short = middle
        else:
            long, best = middle, found
        if long / short < 1.001:
            break
    return best


def _covered(built: Mapping[str, float], power: float) -> float:
    """W of the need that batteries of the plan cover; seconds are a sliver of what they hold."""
    return min(sum(watts for name, watts in built.items() if name.startswith("battery")), power)


def _at_connection(
    power: Array, step: float, connection: float, ratio: float | None, notices: list[str]
) -> tuple[float | None, float]:
    row = entity("dynamics_machines", "grid")
    strength = (row.value("short_circuit_ratio") if ratio is None else ratio) * connection
    volts = voltage(power, short_circuit=strength, x_over_r=row.value("x_over_r"))
    dip = float((volts.max() - volts.min()) / volts.max())
    if step > _HIGHEST_STEP:
        notices.append(f"no flicker: it needs steps of {_HIGHEST_STEP:g} s or less")
        return None, dip
    severity = flicker_severity(volts, step=step)
    most = entity("dynamics_limits", "flicker").value("severity")
    if severity > most:
        notices.append(f"flicker: Pst {severity:.2g} at the connection, {most:g} is the planning level")
    return severity, dip


def _say(
    notices: list[str],
    built: Mapping[str, float],
    bus: tuple[Machine, ...],
    found: Measures,
    before: Frequency,
    values: Array,
    step: float,
    island: bool,
    need: float,
    covered: float,
    band: float,
) -> None:
    if island and max(-before.nadir, before.zenith) > band:
        notices.append(
            f"the island swings by {before.nadir:.3g} to {before.zenith:+.3g} Hz without a store; "
            f"{band:g} Hz are allowed"
        )
    if before.limited:
        notices.append("a valve meets its speed or its end: the machines do not follow the load")
    firm = sum(one.rating for one in bus if one.name != "grid" and not one.name.startswith("battery"))
    if island and firm > 0.0 and found.peak > firm:
        notices.append(
            f"the load's peak of {found.peak / 1e6:.4g} MW is above the {firm / 1e6:.4g} MW that turn"
        )
    slow = 0.0
    for name, watts in built.items():
        row = entity("plants", name)
        if name != "grid" and row.text("kind") == "dispatchable":
            rate = row.get("ramp")
            slow += math.inf if rate is None else rate * watts
    if island and not math.isinf(slow):
        minute = min(60.0, len(values) * step / 2.0)
        if found.per_minute > slow * minute:
            moved, given = found.per_minute / 1e6, slow * minute / 1e6
            notices.append(
                f"the load moves by {moved:.4g} MW in {minute:.3g} s, the plants' ramps give {given:.4g} MW: "
                "a store or a slower start has to give the rest"
            )
    reactors = [name for name in built if name.startswith("fission")]
    if reactors and island:
        notices.append(f"{', '.join(reactors)} turn but do not follow the load within seconds")
    if covered > 0.0:
        notices.append(
            f"batteries of the plan give {covered / 1e6:.4g} of {need / 1e6:.4g} MW; they must be fast and "
            "keep that power free"
        )
