"""From requests and options to the flat state of the kernel, and from there to an outcome."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.serving.engine import EngineOptions, Outcome, Series, TierUse
from gigawatt.serving.fleet import ROUTINGS, Fleet, Link
from gigawatt.serving.kernels import state
from gigawatt.serving.kernels.cost import (
    BUSY,
    COLUMNS,
    ENERGY,
    GAPS,
    ITERATIONS,
    KV,
    ON,
    OUTPUT,
    PROMPT,
    RUNNING,
    WAITING,
    WORK,
)
from gigawatt.serving.kernels.fleet import DONE, run
from gigawatt.serving.kernels.session import REJECTED
from gigawatt.serving.outages import OutageSchedule, logged
from gigawatt.serving.requests import Requests
from gigawatt.serving.sessions import whole_sessions

__all__ = ["Prefilled", "build", "outcome", "refused", "serve"]

Arrays = dict[str, NDArray[Any]]

#: Bins of a series at most: a gigabyte.
MOST_BINS = 10_000_000

#: Pages of a cache without bounds; far below where whole numbers end.
_ENDLESS = 1 << 50

_LOOKS_AHEAD = 10.0  #: seconds at most that replicas run on between two looks at what comes


@dataclass(frozen=True)
class Prefilled:
    """Of requests that were prefilled elsewhere: where, when their first token was out, what carries them."""

    replica: NDArray[np.int64]
    first_token: NDArray[np.float64]
    replicas: int
    link: Link


def _pages(tokens: float, block: int) -> int:
    return int(min(tokens // block, _ENDLESS)) if math.isfinite(tokens) else _ENDLESS


def _options(requests: Requests, fleet: Fleet, given: EngineOptions) -> NDArray[Any]:
    """What does not change, as far as requests, fleet and engine tell it."""
    tables, block = fleet.tables, given.block
    most = min(given.max_sequences, int(given.token_budget // tables.verified))
    if given.mode == "static":
        most = given.max_sequences
    if most < 1:
        raise InputError(
            "is less than one sequence checks in an iteration",
            key="token_budget", given=given.token_budget, allowed=f"{tables.verified:g} or more",
        )  # fmt: skip
    pages = _pages(tables.capacity, block)
    names, block_tokens = _names(requests)
    cached = given.prefix_caching and block_tokens > 0 and given.mode == "continuous"
    if cached and block_tokens % block:
        raise InputError(
            "blocks of prefixes are no whole pages",
            key="block", given=block, allowed=f"a divisor of the {block_tokens} tokens of a block",
        )  # fmt: skip
    block_pages = block_tokens // block if cached else 1
    names = names if cached else 0
    entries = min(pages // block_pages, names) + 1 if cached else 0
    found = np.zeros(1, dtype=state.OPTIONS)
    one: dict[str, Any] = {
        "count": len(requests),
        "replicas": fleet.most,
        "slots": most,
        "most": most,
        "pages": pages,
        "sequence_pages": _sequence_pages(fleet, given),
        "watermark": math.ceil(given.watermark * pages) if given.watermark > 0.0 else 0,
        "chunked": given.chunked,
        "alone": given.prompts_alone,
        "every": given.read_interval,
        "balance": given.balance and tables.groups > 1.0,
        "spreads": tables.spreads,
        "swap": given.preemption == "swap",
        "prefix": cached,
        "block_pages": block_pages,
        "block_tokens": block_tokens if cached else 1,
        "entries": entries,
        "mask": state.buckets_for(entries) - 1 if cached else 0,
        "static": given.mode == "static",
        "urgent": given.priority_preemption,
        "routing": ROUTINGS.index(fleet.routing),
        "bound": fleet.bound,
        "slack": fleet.slack,
        "budget": given.token_budget,
        "batch_wait": given.batch_wait,
        "long_prompt": math.inf if given.long_prompt is None else given.long_prompt,
        "block": block,
        "host_bandwidth": given.host_bandwidth,
        "host_capacity": given.host_capacity,
        "verified": tables.verified,
        "accepted": tables.accepted,
        "overhead": tables.overhead,
        "headroom": tables.power_limit - tables.idle_power,
        "cores": tables.hidden_cores,
        "groups": tables.groups,
        "token_bytes": tables.token_bytes,
        **state.regulator(tables),
        "sequence_bytes": tables.sequence_bytes,
    }
    if given.tiers:
        if not cached:
            raise InputError(
                "tiers hold prefixes, and these requests share none or are not cached", key="tiers",
                given=given.tiers[0].name, allowed="sessions, or a trace with hashes, with prefix caching",
            )  # fmt: skip
        one["tiers"] = len(given.tiers)
        one["own_tiers"] = sum(1 for tier in given.tiers if not tier.shared)
    if requests.sessions is not None:
        later = requests.sessions.later
        one["sessions"] = True
        one["least_think"] = np.min(requests.sessions.think[later], initial=_LOOKS_AHEAD)
    if fleet.outages is not None and fleet.outages.any:
        if given.mode == "static":
            raise InputError(
                "static batches have no outages", key="mode", given=given.mode, allowed="continuous"
            )
        one |= {"outages": True, "detection": fleet.outages.detection, "restart": fleet.outages.restart}
    scaling = fleet.autoscaling
    if scaling is not None:
        one["scaling"] = True
        one |= {
            key: getattr(scaling, key)
            for key in ("minimum", "maximum", "target", "interval", "start_up", "cool_down")
        }
    for key, value in one.items():
        found[key] = value
    return found


def _names(requests: Requests) -> tuple[int, int]:
    """(identities of blocks, tokens of a block); (0, 0) where there are none."""
    if requests.sessions is not None:
        return len(requests.sessions.ids), requests.sessions.block_tokens
    return (0, 0) if requests.blocks is None else (len(requests.blocks[1]), requests.block_tokens)


def _sequence_pages(fleet: Fleet, options: EngineOptions) -> int:
    """Pages that a sequence takes whatever its length."""
    page = fleet.tables.token_bytes * options.block
    return math.ceil(fleet.tables.sequence_bytes / page) if page > 0.0 else 0


def refused(requests: Requests, fleet: Fleet, options: EngineOptions) -> NDArray[np.bool_]:
    """Which requests the engine rejects: longer than it allows, or than the cache of a replica holds."""
    length = requests.prompt + requests.output
    held = np.ceil((length - 1 + fleet.tables.verified) / options.block) + _sequence_pages(fleet, options)
    too_long = held > _pages(fleet.tables.capacity, options.block)
    if options.context_limit is not None:
        too_long |= length > options.context_limit
    sessions = requests.sessions
    if sessions is not None and too_long.any():  # what follows an answer that never comes
        served = whole_sessions(sessions, ~too_long)
        too_long[:] = True
        too_long[served] = False
    return too_long


def _requests(
    requests: Requests, fleet: Fleet, options: EngineOptions, fixed: NDArray[Any], prefilled: Prefilled | None
) -> tuple[NDArray[Any], int]:
    """(a record a request, levels of urgency)."""
    rows = np.zeros(len(requests), dtype=state.REQUEST)
    rows["next"] = rows["replica"] = -1
    for key in ("scheduled", "first_token", "finish", "last_token"):
        rows[key] = np.nan
    rows["arrival"], rows["prompt"], rows["output"] = requests.arrival, requests.prompt, requests.output
    levels = np.unique(requests.priority)
    if len(levels) > 1:
        rows["level"] = np.searchsorted(levels, requests.priority)
    if prefilled is not None:
        rows["way"] = 2
        rows["source"] = prefilled.replica
        rows["first_token"] = rows["last_token"] = prefilled.first_token
    rejected = refused(requests, fleet, options)
    if rejected.any():
        rows["way"][rejected] = REJECTED
    sessions = requests.sessions
    if fixed["prefix"][0] and sessions is not None:
        rows["first_block"], rows["blocks"] = sessions.first, requests.prompt // sessions.block_tokens
    if fixed["prefix"][0] and requests.blocks is not None and len(rows):
        offsets = requests.blocks[0]
        rows["first_block"] = offsets[:-1]
        rows["blocks"] = np.minimum(np.diff(offsets), requests.prompt // requests.block_tokens)
    return rows, max(len(levels), 1)


def build(
    requests: Requests,
    fleet: Fleet,
    options: EngineOptions,
    *,
    width: float,
    concurrency: int = 0,
    seed: int = 0,
    jumps: bool = True,
    prefilled: Prefilled | None = None,
    schedule: OutageSchedule | None = None,
) -> Arrays:
    """The state before the first request; the keywords of :func:`gigawatt.serving.simulation.simulate`."""
    if not width > 0.0:
        raise InputError("must be positive", key="bin", given=width, allowed="seconds, more than 0")
    fixed = _options(requests, fleet, options)
    rows, levels = _requests(requests, fleet, options, fixed, prefilled)
    bins = int((0.0 if concurrency else requests.span) / width) + 64
    if bins > MOST_BINS:
        raise InputError("more bins than can be kept", key="bin", given=width, allowed=f"{MOST_BINS} of them")
    top = np.zeros(1, dtype=state.TOP)
    top["first_homeless"] = top["updated"] = -1
    falls = np.zeros((0, 6)) if schedule is None else schedule.until(bins * width)
    top["rows"] = len(falls)
    for key, value in (
        ("width", width), ("bins", bins), ("concurrency", concurrency), ("levels", levels), ("jumps", jumps)
    ):  # fmt: skip
        fixed[key] = value
    links = [1, 1]
    if prefilled is not None:
        fixed["linked"], fixed["bandwidth"] = True, prefilled.link.bandwidth
        fixed["latency"] = prefilled.link.latency
        fixed["link_shared"] = prefilled.link.shared
        links = [prefilled.replicas, fleet.most]
    if fleet.autoscaling is not None:
        top["next_scaling"], top["last_scaling"] = fleet.autoscaling.interval, -np.inf
    replicas, slots, entries = fleet.most, int(fixed["slots"][0]), int(fixed["entries"][0])
    sessions = requests.sessions
    ids = np.zeros(0, np.int64) if requests.blocks is None else requests.blocks[1]
    ids = ids if sessions is None else sessions.ids
    names = state.mixed(ids) if entries else np.zeros(0, np.int64)
    known = int(ids.max(initial=-1)) + 1 if options.tiers and ids.min(initial=0) >= 0 else len(ids)
    low, sunk, buckets = state.tiers_state(fixed, options.tiers, replicas * entries, min(known, len(ids)))
    queues = np.full(replicas * levels, -1)
    none, groups = np.zeros(replicas * slots), int(fixed["groups"][0])
    whole = {
        "keys": none, "ends": none, "heads": queues, "tails": queues, "names": names,
        "buckets": np.full(replicas * (int(fixed["mask"][0]) + 1), -1),
        "low_buckets": np.full(buckets, -1),
        "loads": np.zeros(replicas * groups),
        "crowd": np.zeros(replicas * groups),
        "backlog": np.zeros(groups),
        "member": np.zeros(len(rows) if groups > 1 else 0),
        "interrupted": np.zeros(0 if schedule is None else len(rows)),
        **({} if sessions is None else state.turns(sessions.following, sessions.later)),
    }  # fmt: skip
    draws = np.random.default_rng(seed).random(len(rows)) if fleet.routing == "random" else np.zeros(0)
    flat = state.tables(fleet.tables, slots) | state.held_tables(fleet.tables, slots)
    real = {"base": none, **flat, "gaps": np.zeros(GAPS), "draws": draws, "spans": np.zeros(groups)}
    real |= {"egress": np.zeros(links[0]), "ingress": np.zeros(links[1])}
    real |= {} if sessions is None else {"think": sessions.think}
    real |= {"falls": falls.ravel()}  # the last, as more may come
    book = np.zeros((bins, COLUMNS))
    book[0, WORK + 2 * ON] = fleet.replicas * width
    book[1, WORK + 2 * ON + 1] = fleet.replicas
    arrays = {
        "whole": state.packed(fixed, whole, np.int64),
        "real": state.packed(fixed, real, np.float64),
    }
    fixed["tails"] = len(queues)
    for name in ("tok", "ctx", "chk", "bef"):
        fixed[f"{name}_n"] = len(flat[f"{name}_x"])
    return {
        "cfg": fixed,
        "top": top,
        "rep": state.replicas_state(replicas, fleet.replicas, entries),
        "req": rows if len(rows) else np.zeros(1, dtype=state.REQUEST),
        "pre": np.zeros(replicas * slots, dtype=state.PART),
        "ent": np.concatenate([state.entries_state(replicas, entries), sunk]),
        "low": low,
        "book": book.ravel(),
        **arrays,
    }


def serve(arrays: Arrays, schedule: OutageSchedule | None = None) -> Any:
    """Run the kernel to the end; the state after it."""
    world, width = state.as_state(arrays), float(arrays["cfg"]["width"][0])
    while run(world) != DONE:
        bins = 2 * len(world.book) // COLUMNS
        if bins > MOST_BINS:
            raise InputError(
                "more bins than can be kept", key="bin", given=bins, allowed=f"{MOST_BINS} of them"
            )
        world = state.longer(world, bins)
        if schedule is not None:
            world = state.with_outages(world, schedule.until(bins * width))
    return world


def _tier(world: Any, fixed: Any, t: int) -> TierUse:
    """What became of tier ``t``, over all replicas."""
    (low,) = state.as_arrays(world, "low")
    replicas, size = int(fixed["replicas"][0]), int(fixed["block_tokens"][0])
    rows = slice(t * replicas, (t + 1) * replicas)
    tokens = {
        key: size * int(low[key][rows].sum())
        for key in ("hits", "loads", "written", "again", "left", "unheld")
    }
    return TierUse(
        hit_tokens=tokens["hits"], loaded_tokens=tokens["loads"], written_tokens=tokens["written"],
        kept_tokens=tokens["again"], evicted_tokens=tokens["left"], held_tokens=tokens["unheld"],
        token_bytes=float(fixed["token_bytes"][0]),
    )  # fmt: skip


def outcome(world: Any, fleet: Fleet, bin: float, names: tuple[str, ...] = ()) -> Outcome:
    """What became of the requests of a state that was served, in bins of ``bin`` seconds, and of the tiers
    called ``names``."""
    request, top, fixed, book, real = state.as_arrays(world, "req", "top", "cfg", "book", "real")
    request = {name: request[name][: int(fixed["count"][0])] for name in state.REQUEST.names or ()}
    weights = real[int(fixed["gaps"][0]) :][:GAPS]
    rejected = request["way"] == REJECTED
    finish = np.where(rejected, np.nan, request["finish"])
    end = float(np.nanmax(finish)) if not rejected.all() else 0.0
    bins = int(end / bin) + 1
    work = book.reshape(-1, COLUMNS)[:bins]
    inside, change = work[:, WORK::2], work[:, WORK + 1 :: 2]
    level = np.maximum(inside / bin + np.cumsum(change, axis=0), 0.0)
    on = level[:, ON]
    found = Series(
        bin=bin,
        energy=work[:, ENERGY] + fleet.tables.idle_power * bin * on,
        iterations=work[:, ITERATIONS].copy(),
        prompt_tokens=work[:, PROMPT].copy(),
        output_tokens=work[:, OUTPUT].copy(),
        running=level[:, RUNNING],
        waiting=level[:, WAITING],
        kv_tokens=work[:, KV] / bin,
        replicas_on=on,
        busy=bin * level[:, BUSY],
    )
    used = {name: _tier(world, fixed, t) for t, name in enumerate(names)}
    had = bool(fixed["outages"][0])
    falls = np.array(real[int(fixed["falls"][0]) :]).reshape(-1, 6)
    (whole,) = state.as_arrays(world, "whole") if had else (np.zeros(0, np.int64),)
    at = int(fixed["interrupted"][0])
    once = 0 if fixed["linked"][0] else (request["prompt"] - request["cached"])[~rejected].sum()
    counters = {name: float(top[name][0]) for name in ("iterations", "jumps", "preemptions", "evictions")}
    counters |= {
        "recomputed_tokens": float(top["computed"][0] - once),
        "swapped_bytes": float(top["swapped"][0]),
        "transferred_bytes": float(top["transferred"][0]),
    }
    return Outcome(
        arrival=request["arrival"].copy(),
        scheduled=np.where(rejected, np.nan, request["scheduled"]),
        first_token=np.where(rejected, np.nan, request["first_token"]),
        finish=finish,
        replica=np.where(rejected, -1, request["replica"]),
        preemptions=request["preemptions"].copy(),
        cached_tokens=request["cached"].copy(),
        rejected=rejected,
        series=found,
        itl_weights=np.array(weights),
        counters=counters,
        replicas=fleet.most,
        tiers=used,
        outages=logged(falls) if had else None,
        interrupted=np.array(whole[at : at + int(fixed["count"][0]) if had else at]),
    )
