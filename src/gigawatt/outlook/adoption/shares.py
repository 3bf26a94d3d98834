"""Technologies taken up, or not: readiness, cost with learning against an incumbent that moves, adoption.

Each year a technology that is ready is wanted by a share of what is new, by its cost over the incumbent's
(a logit), as far as its curve of adoption has come and makers can deliver; what is made lowers its cost.
Where it stays dearer it stays a niche. Readiness is a gate: a technology that fails has a share of 0.

Power competes for what the campuses of the world add; compute (photonic, analog, neuromorphic) for new AI
machines against digital chips, whose efficiency rises meanwhile; packages (stacked memory, chiplets, optical
links) each for itself against what it replaces; generations of memory against the one before.

What is given beyond the trend (``technology_relief``): chips' watts where another substrate or memory on
logic is used, the links' watts and rates where they are optical, and power on top of what queues allow.
Generations of memory and chiplets are part of the trends already and give nothing more.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.outlook.adoption.curves import CURVES, capped, logit_shares, ready_year
from gigawatt.outlook.adoption.learning_costs import exponent, log_cost, log_shock
from gigawatt.outlook.adoption.technologies import (
    COMMON,
    POSITIVE,
    QUANTITIES,
    Technology,
    drawn_name,
    list_technologies,
)
from gigawatt.outlook.frame import YEARS, Frame
from gigawatt.outlook.paths import ANCHOR, since
from gigawatt.outlook.tables import Tables

__all__ = ["BLOCKS", "compute_shares", "energy_shares", "generation_shares", "package_shares"]

Array = NDArray[np.float64]
Drawn = Mapping[str, Array]

_AT = YEARS.index(ANCHOR)
_T = np.asarray(YEARS, dtype=float)
_TODAY = ANCHOR + 1.0  # times to TRL 9 are counted from the start of this year
_AFTER = since(ANCHOR)[0]


def _reach(group: Sequence[Technology], ready: Array, seed: Array, speed: Array) -> Array:
    """(years, technologies, draws): part of its market that each one's curve has come to."""
    return np.stack(
        [
            CURVES[one.curve](_T[:, None] - ready[i], seed[i], speed[i])
            for i, one in enumerate(group)
        ],
        axis=1,
    )  # fmt: skip


def _random_walk(shocks: Array) -> Array:
    """(years, draws): sum of the shocks after :data:`ANCHOR`."""
    return np.cumsum(np.where(_T > ANCHOR, shocks, 0.0), axis=1).T


def energy_shares(
    group: Sequence[Technology], q: Drawn, store: Drawn, shift: Array, common: Drawn, power: Array
) -> tuple[Array, Array, Array]:
    """Kinds of power by their share of AI's electricity.

    Parameters
    ----------
    group : sequence of Technology
        n kinds.
    q, store : mapping of array (n, draws), (draws,)
        Quantities of the kinds and of batteries, in SI.
    shift : array (n, draws)
        Part of a kind's energy that has to pass through batteries.
    common : mapping
        ``incumbent_cost``, ``incumbent_growth``, ``energy_choice``, ``energy_volatility``, ``firm_worth``
        (draws,); ``energy_shocks`` (draws, years).
    power : array (draws, years) [W]
        That AI campuses can have by the end of a year.

    Returns
    -------
    tuple
        Shares of AI's electricity (years, n, draws); levelised costs (years, n, draws) [$/J], without
        storage; share that passes through batteries (years, draws).
    """
    total = power.T
    ready = ready_year(q["fails"], q["time"] / factor("yr"), _TODAY)
    mature = q["start"] > 0.0
    reach = np.where(mature, 1.0, _reach(group, ready, q["seed"], q["speed"] * factor("yr")))
    learned, kept = exponent(q["learning"]), exponent(store["learning"])
    walk = _random_walk(common["energy_shocks"])
    sigma, choice = common["energy_volatility"], common["energy_choice"]
    first, before = np.log(q["cost"]), np.log(q["before"])
    made, stored = q["experience"].copy(), store["experience"].copy()
    doubled, doubled_store = 2.0 ** (q["world"] * factor("yr")), 2.0 ** (store["world"] * factor("yr"))
    weight = np.where(mature, q["start"] / (1.0 - q["start"].sum(axis=0)), q["most"])
    stands = q["start"] * total[_AT]
    delivered = q["start"] * np.maximum(total[_AT + 1] - total[_AT], 0.0)
    shares = np.broadcast_to(q["start"], (len(_T), *q["start"].shape)).copy()
    prices = np.broadcast_to(q["cost"], shares.shape).copy()
    origin: Array = np.zeros(())
    for t in range(_AT, len(_T)):
        noise = log_shock(own=q["shock"], common=walk[t], volatility=sigma, years=_AFTER[t])
        other = log_shock(own=store["shock"], common=walk[t], volatility=sigma, years=_AFTER[t])
        waits = np.clip(np.minimum(_T[t], ready) - ANCHOR, 0.0, None)
        prices[t] = np.exp(log_cost(first, learned, made, q["experience"]) + before * waits + noise)
        battery = np.exp(log_cost(np.log(store["cost"]), kept, stored, store["experience"]) + other)
        rival = np.log(common["incumbent_cost"]) + _AFTER[t] * np.log(common["incumbent_growth"])
        ratio = np.log(prices[t] + shift * battery) - rival
        if t == _AT:
            # today's shares are those of today's costs; a new kind is worth more where it is firm and clean
            origin = np.where(mature, ratio, np.log(common["firm_worth"]))
            continue
        added = np.maximum(total[t] - total[t - 1], 0.0)
        wanted = logit_shares(weight * reach[t], ratio - origin, choice, q["most"]) * added
        able = np.where(_T[t] >= ready, q["first"] * factor("yr"), 0.0)
        delivered = capped(wanted, delivered, able, q["ramp"])
        made = np.where(_T[t] >= ready, made * doubled + delivered, made)
        stored = stored * doubled_store + (shift * delivered).sum(axis=0)
        stands = stands + delivered
        shares[t] = stands / np.maximum(total[t], stands.sum(axis=0))
    return shares, prices, (shift * shares).sum(axis=1)


def compute_shares(
    group: Sequence[Technology], q: Drawn, common: Drawn, path: Array, market: Array
) -> tuple[Array, Array]:
    """Substrates by their share of new AI compute, and the joules of a token over a digital chip's.

    Parameters
    ----------
    group : sequence of Technology
        n substrates.
    q : mapping of array (n, draws)
        Their quantities, in SI.
    common : mapping of array (draws,)
        ``compute_choice``, ``compute_energy``, ``compute_follows``, ``compute_volatility``.
    path : array (draws, years)
        Efficiency of new digital chips over that of 2025.
    market : array (draws, years)
        New machines by area, over those of 2025.

    Returns
    -------
    tuple of array (years, n, draws)
        Shares; energies e = 1 − m + m · (digital's efficiency) / (its own), m the share that it can take.

    References
    ----------
    Amdahl 1967, "Validity of the single processor approach …", AFIPS 30, 483–485.
    """
    digital, sold = np.log(path.T), market.T
    ready = ready_year(q["fails"], q["time"] / factor("yr"), _TODAY)
    reach = _reach(group, ready, q["seed"], q["speed"] * factor("yr"))
    learned, follows, sigma = exponent(q["learning"]), common["compute_follows"], common["compute_volatility"]
    mapped, energy, choice = q["mapped"], common["compute_energy"], common["compute_choice"]
    grown = np.log(q["progress"])
    place = np.clip(np.ceil(np.minimum(ready, _T[-1])) - _T[0], 0, len(_T) - 1).astype(np.intp)
    then = np.take_along_axis(digital, place, axis=0)  # digital's level when each is ready
    made, delivered = q["experience"].copy(), np.zeros_like(q["cost"])
    shares = np.zeros((len(_T), *q["cost"].shape))
    joules = np.ones_like(shares)
    for t in range(_AT, len(_T)):
        trend = np.log(q["efficiency"]) + follows * digital[t] + _AFTER[t] * grown
        own = -np.logaddexp(-trend, -np.log(q["most"]))
        joules[t] = 1.0 - mapped + mapped * np.exp(digital[t] - own)
        gone = np.maximum(_T[t] - ready, 0.0)
        price = log_cost(np.log(q["cost"]), learned, made, q["experience"])
        price = (
            price + sigma * np.sqrt(gone) * q["shock"] + (1.0 - follows) * np.maximum(digital[t] - then, 0.0)
        )
        ratio = energy * joules[t] + (1.0 - energy) * (1.0 - mapped + mapped * np.exp(price))
        wanted = logit_shares(q["ceiling"] * reach[t], np.log(ratio), choice, q["ceiling"]) * sold[t]
        delivered = capped(wanted, delivered, np.where(_T[t] >= ready, q["first"], 0.0), q["ramp"])
        made = made + delivered
        shares[t] = delivered / sold[t]
    return shares, joules


def package_shares(group: Sequence[Technology], q: Drawn, choice: Array, market: Array) -> Array:
    """Ways of packaging by the share of new AI machines that use each: (years, n, draws).

    Parameters
    ----------
    group, q, market
        As of :func:`compute_shares`; ``cost`` is that over what it replaces.
    choice : array (draws,)
        As of :func:`~gigawatt.outlook.adoption.curves.logit_shares`.
    """
    sold = market.T
    ready = ready_year(q["fails"], q["time"] / factor("yr"), _TODAY)
    mature = q["start"] > 0.0
    begun = np.where(mature, float(ANCHOR), ready)
    seed = np.where(mature, np.clip(q["start"] / q["most"], 0.01, 0.99), q["seed"])
    reach = _reach(group, begun, seed, q["speed"] * factor("yr"))
    learned, first = exponent(q["learning"]), np.log(q["cost"])
    known = np.where(mature, q["start"], 0.0) + q["first"]
    made, delivered = known.copy(), q["start"] * sold[_AT]
    today = 1.0 + np.exp(np.minimum(choice * first, 200.0))
    shares = np.broadcast_to(q["start"], (len(_T), *known.shape)).copy()
    for t in range(_AT + 1, len(_T)):
        against = 1.0 + np.exp(np.minimum(choice * log_cost(first, learned, made, known), 200.0))
        part = np.where(mature, today, 1.0) / against  # today's share is that of today's cost
        wanted = np.minimum(q["most"] * reach[t] * part, q["most"]) * sold[t]
        able = np.where(_T[t] >= ready, q["first"], 0.0)
        delivered = capped(wanted, delivered, np.where(mature, np.maximum(able, q["start"]), able), q["ramp"])
        made = made + delivered
        shares[t] = delivered / sold[t]
    return shares


def generation_shares(group: Sequence[Technology], q: Drawn) -> Array:
    """Generations by their share of new stacked memory, each taking over from those before: (years, n,
    draws).

    Parameters
    ----------
    group : sequence of Technology
        n generations, in order.
    q : mapping of array (n, draws)
        Their quantities, in SI.

    References
    ----------
    Norton and Bass 1987, "A diffusion theory model of adoption and substitution for successive generations of
    high-technology products", Management Science 33, 1069–1086 (a logistic in the place of Bass's curve).
    """
    ready = ready_year(q["fails"], q["time"] / factor("yr"), _TODAY)
    reach = _reach(group, ready, q["seed"], q["speed"] * factor("yr"))
    left = np.cumprod((1.0 - reach)[:, ::-1], axis=1)[:, ::-1]
    later = np.concatenate([left[:, 1:], np.ones_like(left[:, :1])], axis=1)
    return reach * later


BLOCKS = Frame()
"""The blocks of this module: made of the rows of the catalog when it is imported."""

_ENERGY, _STORE = list_technologies("energy"), list_technologies("storage")[0]
_COMPUTE, _PACKAGE = list_technologies("compute"), list_technologies("package")
_GENERATION, _QUANTUM = list_technologies("generation"), list_technologies("quantum")


def _drawn(values: Mapping[str, Any], group: Sequence[Technology], family: str) -> dict[str, Array]:
    """Quantity → (technologies, draws) of a family."""
    found: dict[str, Array] = {}
    for quantity in QUANTITIES[family]:
        names = [drawn_name(one, quantity) for one in group]
        rows = np.stack([cast("Array", values[name])[:, 0] for name in names])
        if quantity in POSITIVE and not rows.min() > 0.0:
            wrong = int(np.argmin(rows.min(axis=1)))
            raise InputError(
                "not above 0", key=names[wrong], given=float(rows.min()), allowed="above 0 in every draw"
            )
        found[quantity] = rows
    if "start" in found and family == "energy" and not found["start"].sum(axis=0).max() < 1.0:
        raise InputError(
            "today's shares leave nothing to gas and the grid",
            key="start",
            given=float(found["start"].sum(axis=0).max()),
            allowed="below 1 together",
        )
    return found


def _common(values: Mapping[str, Any], family: str) -> dict[str, Array]:
    return {
        name: values[name][:, 0] if values[name].shape[1] == 1 else values[name] for name in COMMON[family]
    }


def _outputs(found: Array) -> tuple[Array, ...]:
    """Each technology's (draws, years) of (years, technologies, draws)."""
    return tuple(np.ascontiguousarray(found[:, i].T) for i in range(found.shape[1]))


def _block(
    family: str, others: Sequence[str], outputs: Sequence[str]
) -> Callable[[Callable[[Mapping[str, Any]], Any]], None]:
    """Register a function of a mapping as a block whose inputs are the family's rows and ``others``."""

    def register(function: Callable[[Mapping[str, Any]], Any]) -> None:
        group = list_technologies(family)
        rows = [drawn_name(one, quantity) for one in group for quantity in QUANTITIES[family]]
        if family == "energy":
            rows += [drawn_name(_STORE, quantity) for quantity in QUANTITIES["storage"]]
        names = tuple(dict.fromkeys([*rows, *COMMON.get(family, ()), *others]))

        def block(*values: Any) -> Any:
            return function(dict(zip(names, values, strict=True)))

        block.__name__, block.__doc__ = function.__name__.strip("_"), function.__doc__
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        block.__signature__ = inspect.Signature(  # pyright: ignore[reportFunctionMemberAccess]
            [inspect.Parameter(name, kind) for name in names]
        )
        BLOCKS.block(*outputs)(block)

    return register


@_block(
    "energy",
    ("power_queue", "technology_extra", "technology_relief"),
    (
        *(f"{one.key}_share [1]" for one in _ENERGY),
        *(f"{one.key}_price [$/J]" for one in _ENERGY),
        "storage_share [1]", "advanced_fission_share [1]", "space_solar_power [W]", "power_ceiling [W]",
    ),
)  # fmt: skip
def _power_kinds(values: Mapping[str, Any]) -> tuple[Array, ...]:
    """Kinds of power by share and price; advanced fission together; space solar in watts; power with what
    new kinds bring on top."""
    store = {name: rows[0] for name, rows in _drawn(values, (_STORE,), "storage").items()}
    power, common = cast("Array", values["power_queue"]), _common(values, "energy")
    nothing = np.zeros(len(power))
    shift = np.stack([common.get(f"{one.key}_shift", nothing) for one in _ENERGY])
    shares, prices, stored = energy_shares(
        _ENERGY, _drawn(values, _ENERGY, "energy"), store, shift, common, power
    )
    told = _outputs(shares)
    by_key = {one.key: share for one, share in zip(_ENERGY, told, strict=True)}
    advanced = sum(by_key[one.key] for one in _ENERGY if one.key.startswith("fission") and not one.mature)
    new = sum(by_key[one.key] for one in _ENERGY if not one.mature) * power
    ceiling = power + values["technology_relief"] * values["technology_extra"] * new
    return (
        *told, *_outputs(prices), np.ascontiguousarray(stored.T), np.asarray(advanced),
        by_key["space_solar"] * power, ceiling,
    )  # fmt: skip


@BLOCKS.block("machine_market [1]")
def market(made: Array, efficiency_path: Array) -> Array:
    """New AI machines by area of silicon, over those of 2025."""
    area = made / efficiency_path
    return area / area[:, _AT : _AT + 1]


@_block(
    "compute",
    ("efficiency_path", "machine_market"),
    (*(f"{one.key}_share [1]" for one in _COMPUTE), *(f"{one.key}_joules [1]" for one in _COMPUTE)),
)
def _substrates(values: Mapping[str, Any]) -> tuple[Array, ...]:
    """Substrates by share of new AI compute, and a token's joules over a digital chip's."""
    shares, joules = compute_shares(
        _COMPUTE, _drawn(values, _COMPUTE, "compute"), _common(values, "compute"),
        values["efficiency_path"], values["machine_market"],
    )  # fmt: skip
    return *_outputs(shares), *_outputs(joules)


@_block("package", ("machine_market",), tuple(f"{one.key}_share [1]" for one in _PACKAGE))
def _packages(values: Mapping[str, Any]) -> tuple[Array, ...]:
    """Ways of packaging by share of new AI machines."""
    found = package_shares(
        _PACKAGE,
        _drawn(values, _PACKAGE, "package"),
        values["package_choice"][:, 0],
        values["machine_market"],
    )
    return _outputs(found)


@_block(
    "generation", ("generation_bandwidth",),
    (*(f"{one.key}_share [1]" for one in _GENERATION), "stack_bandwidth [B/s]"),
)  # fmt: skip
def _generations(values: Mapping[str, Any]) -> tuple[Array, ...]:
    """Generations of stacked memory by share of what is new, and the mean bandwidth of a new stack."""
    drawn = _drawn(values, _GENERATION, "generation")
    shares = generation_shares(_GENERATION, drawn)
    old = values["generation_bandwidth"][:, 0]
    mean = (shares * drawn["bandwidth"]).sum(axis=1) + (1.0 - shares.sum(axis=1)) * old
    return *_outputs(shares), np.ascontiguousarray(mean.T)


@BLOCKS.block("quantum_ready [1]", "quantum_share [1]")
def quantum(quantum_fails: Array, quantum_time: Array, quantum_weight: Array) -> tuple[Array, Array]:
    """Whether a quantum computer is of use for a task of model development, and its share of new compute:
    the weight that is given to it, none by default."""
    ready = ready_year(quantum_fails, quantum_time / factor("yr"), _TODAY)
    there = (ready <= _T).astype(float)
    return there, there * quantum_weight


@BLOCKS.block("hybrid_share [1]", "codesigned_share [1]")
def together(
    photonic_share: Array,
    analog_share: Array,
    neuromorphic_share: Array,
    stacked_logic_share: Array,
    optical_links_share: Array,
) -> tuple[Array, Array]:
    """New machines with optical and with neuromorphic parts (the less of both shares), and those on which
    only models made for them pay (another substrate, or memory on logic)."""
    optical = np.maximum(optical_links_share, photonic_share)
    other = photonic_share + analog_share + neuromorphic_share
    return np.minimum(optical, neuromorphic_share), 1.0 - (1.0 - other) * (1.0 - stacked_logic_share)


@BLOCKS.block("neuromorphic_inference [1]")
def serving(neuromorphic_share: Array, inference_share: Array) -> Array:
    """Neuromorphic share of the new compute that serves, if none of it trains."""
    return np.minimum(neuromorphic_share / inference_share, 1.0)


@BLOCKS.block("chip_watts [W]", "overhead [1]", "network_gain [1]", "technology_saving [1]")
def relief(
    tables: Tables,
    chip_watts_digital: Array,
    overhead_plain: Array,
    network_growth: Array,
    technology_relief: Array,
    photonic_share: Array,
    analog_share: Array,
    neuromorphic_share: Array,
    photonic_joules: Array,
    analog_joules: Array,
    neuromorphic_joules: Array,
    stacked_logic_share: Array,
    stacked_logic_saves: Array,
    optical_links_share: Array,
    optical_links_power: Array,
    optical_links_saves: Array,
    optical_links_gain: Array,
) -> tuple[Array, Array, Array, Array]:
    """What technologies give to new machines: chips' watts by the mean joules of their substrates and memory,
    hosts' and links' watts, what network rates gained since the last chip whose rates are known; and the
    joules saved of new machines."""
    shares = (photonic_share, analog_share, neuromorphic_share)
    joules = (photonic_joules, analog_joules, neuromorphic_joules)
    change = sum(share * (each - 1.0) for share, each in zip(shares, joules, strict=True))
    chip = (1.0 + technology_relief * change) * (
        1.0 - technology_relief * stacked_logic_share * stacked_logic_saves
    )
    links = 1.0 - technology_relief * optical_links_share * optical_links_power * optical_links_saves
    gain = 1.0 + technology_relief * optical_links_share * (optical_links_gain - 1.0)
    after = np.maximum(_T - float(tables.utilisation.years[-1]), 0.0)
    return chip_watts_digital * chip, overhead_plain * links, network_growth**after * gain, 1.0 - chip * links
