"""Prompts on one fleet, answers on another: keys and values travel between, one transfer after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.serving.step_tables import StepTables, iteration_cost
from gigawatt.serving.engine import EngineOptions, Outcome, Series
from gigawatt.serving.fleet import Fleet, Link
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate

__all__ = ["Ratio", "balanced_mix", "closed_arrivals", "plan_ratio", "simulate_disaggregated"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _taken(requests: Requests, rows: Ints, arrival: Floats, output: Ints) -> Requests:
    """Some requests, in the order of ``rows``, with other times and outputs."""
    blocks = requests.blocks
    if blocks is not None:
        counts = np.diff(blocks[0])[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        within: Ints = np.arange(int(offsets[-1]), dtype=np.int64) - np.repeat(offsets[:-1], counts)
        blocks = (offsets, blocks[1][np.repeat(blocks[0][rows], counts) + within])
    return Requests(
        arrival=arrival,
        prompt=requests.prompt[rows],
        output=output,
        priority=requests.priority[rows],
        blocks=blocks,
        block_tokens=requests.block_tokens,
    )


def _longer(series: Series, bins: int, idle_power: float) -> Series:
    """The series with idle bins behind it."""
    more = bins - len(series)
    found: dict[str, Floats] = {}
    for part in fields(Series)[1:]:
        values: Floats = getattr(series, part.name)
        found[part.name] = np.concatenate([values, np.zeros(more)])
    on = series.replicas_on[-1]
    found["replicas_on"][len(series) :] = on
    found["energy"][len(series) :] = on * idle_power * series.bin
    return Series(bin=series.bin, **found)


def _sum(one: Series, other: Series) -> Series:
    found = {part.name: getattr(one, part.name) + getattr(other, part.name) for part in fields(Series)[1:]}
    return Series(bin=one.bin, **found)


def simulate_disaggregated(
    requests: Requests,
    prefill: Fleet,
    decode: Fleet,
    options_prefill: EngineOptions | None = None,
    options_decode: EngineOptions | None = None,
    *,
    link: Link,
    concurrency: int | None = None,
    bin: float = 1.0,
    seed: int = 0,
    jumps: bool = True,
    cached_prompt: float = 0.0,
) -> Outcome:
    """Serve ``requests`` by a fleet that computes prompts and first tokens, and one that decodes.

    A request is routed to its decode replica when its first token is out. Then its keys and values (and
    states) go over the link of its prefill replica and that of its decode replica: both must be free, those
    asked for earlier first. ``link.shared`` replicas share one. There it waits like any other; the prefill
    side keeps nothing.

    Parameters
    ----------
    requests : Requests
        In the order in which they come; one that either fleet would reject is rejected.
    prefill, decode : Fleet
        The two fleets; each with its own routing and autoscaling.
    options_prefill, options_decode : EngineOptions, optional
        Of their engines. The decode side must be continuous.
    link : Link
        What carries keys and values.
    concurrency : int, optional
        A closed loop: n requests are in flight, and the next of the list arrives when one finishes
        (:func:`closed_arrivals`); ``requests.arrival`` is ignored.
    cached_prompt : float
        Share of each prompt that is found in a cache, so that the prefill side computes the rest. Its tables
        count the attention to what is cached; the time to read it is not counted.
    bin, seed, jumps
        As in :func:`gigawatt.serving.simulation.simulate`.

    Returns
    -------
    Outcome
        ``pools`` holds the series of both fleets.

    References
    ----------
    Zhong et al. (2024), DistServe, OSDI; Patel et al. (2024), Splitwise, ISCA.
    """
    from gigawatt.serving.engine_run import Prefilled, build, outcome, refused, serve

    if requests.sessions is not None:
        raise InputError(
            "sessions run on replicas that both prefill and decode", key="prefill",
            allowed="aggregated replicas, or requests without sessions",
        )  # fmt: skip
    if concurrency is not None:

        def run(part: Requests) -> Outcome:
            return simulate_disaggregated(
                part, prefill, decode, options_prefill, options_decode, link=link, bin=bin, seed=seed,
                jumps=jumps, cached_prompt=cached_prompt,
            )  # fmt: skip

        requests = replace(requests, arrival=closed_arrivals(requests, concurrency, run))
    first, second = options_prefill or EngineOptions(), options_decode or EngineOptions()
    if first.tiers or second.tiers:
        raise InputError(
            "tiers are modelled on replicas that both prefill and decode", key="tiers",
            given=(*first.tiers, *second.tiers)[0].name, allowed="aggregated replicas",
        )  # fmt: skip
    if any(fleet.outages is not None and fleet.outages.any for fleet in (prefill, decode)):
        raise InputError(
            "failures are modelled on replicas that both prefill and decode", key="outages",
            allowed="aggregated replicas",
        )  # fmt: skip
    if second.mode != "continuous":
        raise InputError("cannot take what is prefilled", key="mode", given=second.mode, allowed="continuous")
    length = requests.prompt + requests.output
    rejected = refused(requests, decode, second)
    if first.context_limit is not None:
        rejected |= length > first.context_limit
    rows = np.flatnonzero(~rejected)
    ones = np.ones(len(rows), dtype=np.int64)
    prompts = _taken(requests, rows, requests.arrival[rows], ones)
    if cached_prompt > 0.0:
        computed = np.maximum(np.rint(prompts.prompt * (1.0 - cached_prompt)), 1.0).astype(np.int64)
        prompts = replace(prompts, prompt=computed, blocks=None)
    early = simulate(prompts, prefill, first, bin=bin, seed=seed, jumps=jumps)
    rejected[rows[early.rejected]] = True

    goes_on = np.flatnonzero(~early.rejected & (requests.output[rows] > 1))
    goes_on = goes_on[np.argsort(early.first_token[goes_on], kind="stable")]
    behind = rows[goes_on]
    answers = _taken(requests, behind, early.first_token[goes_on], requests.output[behind])
    prefilled = Prefilled(
        replica=early.replica[goes_on],
        first_token=early.first_token[goes_on],
        replicas=prefill.most,
        link=link,
    )
    state = build(answers, decode, second, width=bin, seed=seed, jumps=jumps, prefilled=prefilled)
    late = outcome(serve(state), decode, bin)

    times: dict[str, Floats] = {}
    for name in ("scheduled", "first_token", "finish"):
        times[name] = np.full(len(requests), np.nan)
        times[name][rows] = getattr(early, name)
    times["finish"][behind] = late.finish
    replica = np.full(len(requests), -1)
    replica[rows] = early.replica
    replica[behind] = late.replica + prefill.most
    preemptions, cached = np.zeros((2, len(requests)), dtype=np.int64)
    preemptions[rows], cached[rows] = early.preemptions, early.cached_tokens
    preemptions[behind] += late.preemptions
    bins = max(len(early.series), len(late.series))
    pools = {
        "prefill": _longer(early.series, bins, prefill.tables.idle_power),
        "decode": _longer(late.series, bins, decode.tables.idle_power),
    }
    return Outcome(
        arrival=requests.arrival.copy(),
        replica=replica,
        preemptions=preemptions,
        cached_tokens=cached,
        rejected=rejected,
        series=_sum(pools["prefill"], pools["decode"]),
        itl_weights=early.itl_weights + late.itl_weights,
        counters={name: value + late.counters[name] for name, value in early.counters.items()},
        replicas=prefill.most + decode.most,
        pools=pools,
        scheduled=times["scheduled"],
        first_token=times["first_token"],
        finish=times["finish"],
    )


def closed_arrivals(requests: Requests, concurrency: int, run: Callable[[Requests], Outcome]) -> Floats:
    """Arrivals (N,) [s] of a closed loop of ``concurrency`` over fleets that run one after the other.

    The next request arrives when one finishes, which the fleets know only after they have run: they run with
    a wave of requests more each time, then until hardly an arrival moves. What comes later does not change
    what was before, so that each run leaves a longer part of the loop as it is.

    Parameters
    ----------
    requests : Requests
        In the order in which they are sent; their arrivals are ignored.
    concurrency : int
        In flight at once, 1 or more.
    run : callable
        What becomes of requests at given arrivals.

    Raises
    ------
    InputError
        Fewer than one in flight.
    """
    if concurrency < 1:
        raise InputError("must be positive", key="concurrency", given=concurrency, allowed="1 or more")
    count = len(requests)
    arrival, known, rounds = np.zeros(count), min(concurrency, count), 0
    while known < count or rounds < _ROUNDS:
        rounds += 1 if known == count else 0
        out = run(_taken(requests, np.arange(known), arrival[:known], requests.output[:known]))
        done = np.sort(np.where(np.isnan(out.finish), out.arrival, out.finish))
        more = min(known + concurrency, count)
        before = arrival[concurrency:more].copy()
        arrival[concurrency:more] = done[: more - concurrency]
        settled = np.abs(arrival[concurrency:more] - before).max(initial=0.0) <= _SETTLED * done[-1]
        if known == count and settled:
            break
        known = more
    return arrival


_ROUNDS, _SETTLED = 12, 1e-3
"""Runs of the whole loop at most, and the share of its length by which an arrival may still move."""


@dataclass(frozen=True)
class Ratio:
    """Replicas for a demand; each array of the demand's shape.

    Attributes
    ----------
    prefill, decode : array
        Replicas, the fewest that keep both fleets under the utilisation.
    prefill_utilisation, decode_utilisation : array
        Shares of what they can do at most.
    sequences : array
        Decoding at once on a replica that does its most.
    tpot : array [s]
        Time per output token there.
    """

    prefill: Ints
    decode: Ints
    prefill_utilisation: Floats
    decode_utilisation: Floats
    sequences: Ints
    tpot: Floats


def balanced_mix(
    prefill: StepTables,
    decode: StepTables,
    *,
    prompt: float,
    output: float,
    token_budget: int,
    max_sequences: int,
    tpot: float,
) -> tuple[int, int]:
    """(prefill, decode) replicas, one of either kind and as many of the other as keep step with it.

    A prefill replica runs as many prompts together as its iteration has room for, a decode replica the most
    sequences that its cache, its places and ``tpot`` allow, one at least. Their rates are balanced to the
    nearest whole number.

    Parameters
    ----------
    prefill, decode : StepTables
        Of a replica of either kind.
    prompt, output : float [token]
        Mean lengths.
    token_budget, max_sequences : int
        Of the engines of a prefill and of a decode replica.
    tpot : float [s]
        Time per output token at most.
    """
    mean = prompt + 0.5 * output
    room = decode.capacity / (mean + decode.sequence_bytes / decode.token_bytes)
    held = np.arange(1.0, max(min(float(max_sequences), room), 1.0) + 1.0)
    each, _ = iteration_cost(decode, decoding=held, context=mean)
    most = int(np.max(np.flatnonzero(each / decode.accepted <= tpot), initial=0))
    decoded = float(held[most] / (each[most] * max((output - 1.0) / decode.accepted, 1.0)))
    together, chunks = max(np.floor(token_budget / prompt), 1.0), np.ceil(prompt / token_budget)
    chunk = prompt / chunks
    time, _ = iteration_cost(
        prefill, decoding=0.0, context=0.0, chunk=chunk, before=0.5 * (prompt - chunk), prompts=together
    )
    ratio = float(together / (chunks * time)) / decoded
    return max(round(1.0 / ratio), 1), max(round(ratio), 1)


def plan_ratio(
    prefill: StepTables,
    decode: StepTables,
    *,
    rate: ArrayLike,
    prompt: ArrayLike,
    output: ArrayLike,
    utilisation: float,
    token_budget: int,
    max_sequences: int,
    tpot: float | None = None,
) -> Ratio:
    """The smallest mix of prefill and decode replicas that serves a demand within a utilisation.

    Each attention group computes one prompt at a time, in chunks of the budget. A decode replica runs as many
    sequences at once as its cache, ``max_sequences`` and ``tpot`` allow and as give most tokens.

    Parameters
    ----------
    prefill, decode : StepTables
        Of a replica of either kind.
    rate, prompt, output : array [1/s], [token], [token]
        The demand: requests, and their mean lengths. Arrays broadcast.
    utilisation : float
        Above 0, at most 1.
    token_budget, max_sequences : int
        Of the engines.
    tpot : float [s], optional
        Time per output token at most.

    Raises
    ------
    InputError
        A utilisation outside (0, 1]; a demand of which not one sequence fits, in memory or in ``tpot``.
    """
    if not 0.0 < utilisation <= 1.0:
        raise InputError("is no share", key="utilisation", given=utilisation, allowed="above 0, at most 1")
    r, p, n = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (rate, prompt, output)))
    chunks = np.ceil(p / token_budget)
    chunk = p / chunks
    time, _ = iteration_cost(
        prefill, decoding=0.0, context=0.0, chunk=chunk, before=0.5 * (p - chunk), prompts=prefill.groups
    )
    busy = r * chunks * time / prefill.groups

    most = min(max_sequences, int(token_budget // decode.verified))
    sequences = np.arange(1, most + 1, dtype=float)
    steps = np.maximum(np.ceil((n - 1.0) / decode.accepted), 1.0)[..., None]
    mean = p[..., None] + 0.5 * n[..., None]
    each, _ = iteration_cost(decode, decoding=sequences, context=mean)
    room = sequences * (mean + decode.sequence_bytes / max(decode.token_bytes, 1.0)) <= decode.capacity
    quick = np.ones_like(room) if tpot is None else each / decode.accepted <= tpot
    done = np.where(room & quick, sequences / (each * steps), 0.0)
    best = np.argmax(done, axis=-1)
    at_most = np.take_along_axis(done, best[..., None], axis=-1)[..., 0]
    if np.any(at_most <= 0.0):
        fits = bool(np.all(room[..., 0]))
        raise InputError(
            "one sequence alone is slower" if fits else "one sequence does not fit the cache",
            key="tpot" if fits else "output", given=tpot if fits else float(n.max()),
            allowed=f"{float(each[..., 0].max()) / decode.accepted:.4g} s or more" if fits
            else f"prompt + output / 2 within {decode.capacity:.4g} tokens",
        )  # fmt: skip
    needed = r / at_most
    counts = [np.maximum(np.ceil(x / utilisation - 1e-9), 1.0) for x in (busy, needed)]
    taken = np.take_along_axis(each, best[..., None], axis=-1)[..., 0]
    return Ratio(
        prefill=counts[0].astype(np.int64),
        decode=counts[1].astype(np.int64),
        prefill_utilisation=busy / counts[0],
        decode_utilisation=needed / counts[1],
        sequences=(best + 1).astype(np.int64),
        tpot=taken / decode.accepted,
    )
