"""State of the event engine as flat arrays: records where it is compiled, objects and lists where not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.compiled import COMPILED
from gigawatt.performance.serving.step_tables import StepTables
from gigawatt.serving.cache_tiers import CacheTier
from gigawatt.serving.kernels.cost import COLUMNS

__all__ = [
    "ENTRY",
    "LOW",
    "OPTIONS",
    "PART",
    "REPLICA",
    "REQUEST",
    "TOP",
    "World",
    "as_arrays",
    "as_state",
    "buckets_for",
    "entries_state",
    "held_tables",
    "longer",
    "mixed",
    "packed",
    "regulator",
    "replicas_state",
    "tables",
    "tiers_state",
    "turns",
    "with_outages",
]

_F, _I = np.float64, np.int64


def _record(ints: str, floats: str = "", short: str = "") -> np.dtype[Any]:
    kinds = ((ints, _I), (short, np.int32), (floats, _F))
    return np.dtype([(name, kind) for names, kind in kinds for name in names.split()])


#: What does not change. ``slots``: sequences a replica; ``mask``: buckets of its prefix cache less one. Two
#: lines say where things begin in ``whole`` (``tails``: how far behind ``heads``) and in ``real``.
OPTIONS = _record(
    "count replicas slots most pages sequence_pages watermark chunked alone every balance spreads swap "
    "prefix block_pages block_tokens entries mask static jumps routing concurrency levels bins scaling "
    "minimum maximum linked link_shared "
    "ends heads tails names buckets loads crowd backlog member gaps draws egress ingress sessions after "
    "later order heap think spans "
    "tiers own_tiers low_buckets slack outages falls interrupted urgent "
    "tok_x tok_n tok_y bat ctx_x ctx_n dec_y chk_x chk_n bef_x bef_n pre_y tok_c bat_c dec_c pre_c held",
    "budget batch_wait long_prompt block host_bandwidth host_capacity verified accepted overhead headroom "
    "cores groups token_bytes sequence_bytes bound width target interval start_up cool_down bandwidth "
    "latency least_think detection restart "
    "cap up resting own_limit clocked least_clock knee volts full_volts",
)

#: Of the whole fleet. ``turn``: round robin; ``done``: requests that a closed loop may send now; ``placed``:
#: requests that have come, ``pending``: turns of sessions that will. ``row`` of ``rows`` outages is next; of
#: a rolling update ``chain`` was the last row, ``chain_left`` follow, ``updated`` is the replica under way;
#: ``homeless`` requests hang on failed replicas or wait for one that takes them, in a list.
TOP = _record(
    "cursor turn begun done finished computed iterations jumps preemptions evictions started placed pending "
    "row rows chain chain_left updated homeless first_homeless last_homeless",
    "now swapped transferred next_scaling last_scaling end",
)

#: Of a replica. ``flying``: an iteration or a jump of ``k`` is under way, from ``clock`` to ``end``;
#: ``steps``: decode iterations so far; ``context``: tokens that decoding sequences hold; ``shared``,
#: ``held``, ``unheld``: blocks by holders, those held, those only cached; ``state``: see ``kernels.fleet``;
#: ``passes``: decode iterations since the engine looked for requests, of which it saw ``visible`` that wait;
#: ``stalled``: prompts alone have run since the last decode iteration; ``moving``: decoding sequences that
#: the iteration under way brings a token; ``cause``: the row of the outage that it is in, ``first_lost``: of
#: the requests that hang on it.
REPLICA = _record(
    "flying busy k steps next_end decoding prefilling waiting blocked outstanding resumed active "
    "prompt_pages shared held unheld oldest newest spare state first_on_way last_on_way passes visible "
    "stalled sleeping moving cause first_lost",
    "clock end d0 d1 e0 e1 context prompt_tokens tokens firsts host ready_at",
)

#: Of a request. ``way``: 0 to be prefilled, 1 swapped out, 2 prefilled elsewhere, 3 rejected; ``generated``:
#: tokens so far; ``steps_left``, ``kept``: of a swapped one; ``counted``: share of the next token that is
#: counted already. Two lines of a processor's cache.
REQUEST = _record(
    "prompt output next first_block",
    "arrival scheduled first_token finish last_token kept counted",
    "level way generated blocks holds steps_left replica preemptions cached source",
)

#: A prompt that is being computed; not before ``ready``, when blocks of slower tiers are there.
PART = _record("key total done chunk", "ready")

#: A block in a prefix cache; short, since caches of millions of blocks are read at random.
ENTRY = _record("name", short="chain older newer held")


#: A tier below a replica's own cache, a row a tier and replica. ``wanted``: blocks that are to be loaded for
#: the request that is looked at; ``free``: when the link of the replica is; ``hits``: blocks found as one
#: was first scheduled, ``loads`` in all. The rest is of the tier, where it is ``shared`` in the row of the
#: first replica. ``unheld``: blocks that it holds; ``written`` to it, ``again``: that were there already,
#: ``left`` it.
LOW = _record(
    "oldest newest unheld spare buckets mask capacity shared wanted written again left hits loads",
    "bandwidth latency free",
)


#: The state. ``whole``: keys and last steps of decoding sequences, by slot; queues; names of blocks; buckets;
#: the attention group of a request (``member``), requests that run by replica and group (``loads``), prompt
#: tokens of the iteration under way by replica and group (``crowd``), those left as one is formed by group
#: (``backlog``). ``real``: tokens of decoding sequences
#: less those gained since the replica's first step, by slot; tables; gaps; draws; when links are free; time
#: of attention to prompts by group (``spans``). ``book``: what went on, by bin. Few arrays, since each costs
#: compilation.
class World(NamedTuple):
    """See above; records as arrays, or as lists of objects where nothing is compiled."""

    cfg: Any
    top: Any
    rep: Any
    req: Any
    pre: Any
    ent: Any
    whole: Any
    real: Any
    book: Any
    low: Any


def _pairs(time: NDArray[np.float64], energy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(np.stack([time, energy], axis=-1), dtype=_F).ravel()


def _at_each(knots: NDArray[np.float64], values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Values (B, …) over knots at 0, 1 … ``most``, linear between and beyond them."""
    x = np.arange(most + 1, dtype=_F)
    if len(knots) < 2:
        return np.repeat(values, most + 1, axis=0)
    low = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    share = (x - knots[low]) / (knots[low + 1] - knots[low])
    share = share.reshape(-1, *(1,) * (values.ndim - 1))
    return values[low] * (1.0 - share) + values[low + 1] * share


def tables(found: StepTables, slots: int) -> dict[str, NDArray[np.float64]]:
    """The step tables flat, with a row for every whole number of sequences up to ``slots``."""
    once = np.stack([found.batch_time, found.batch_energy, found.floor], axis=-1)
    decode = np.stack([found.decode_time, found.decode_energy], axis=-1)
    return {
        "tok_x": np.ascontiguousarray(found.tokens, dtype=_F),
        "tok_y": np.stack(
            [found.linear_time, found.linear_energy, found.beside, found.common], axis=-1
        ).ravel(),
        "bat": _at_each(found.batch, once, slots).ravel(),
        "ctx_x": np.ascontiguousarray(found.context, dtype=_F),
        "dec_y": _at_each(found.batch, decode, slots).ravel(),
        "chk_x": np.ascontiguousarray(found.chunk, dtype=_F),
        "bef_x": np.ascontiguousarray(found.before, dtype=_F),
        "pre_y": _pairs(found.prefill_time, found.prefill_energy),
    }


def held_tables(found: StepTables, slots: int) -> dict[str, NDArray[np.float64]]:
    """What a power cap slows, flat as :func:`tables`; empty where there is none."""
    held = found.held
    if held is None:
        return {name: np.zeros(0) for name in ("tok_c", "bat_c", "dec_c", "pre_c")}
    return {
        "tok_c": np.concatenate([held.linear, held.shared[:, None]], axis=-1).ravel(),
        "bat_c": _at_each(found.batch, held.batch, slots).ravel(),
        "dec_c": _at_each(found.batch, held.decode, slots).ravel(),
        "pre_c": np.ascontiguousarray(held.prefill, dtype=_F).ravel(),
    }


def regulator(found: StepTables) -> dict[str, float]:
    """The options of a power cap [W of the replica]; none where there is none."""
    if found.held is None:
        return {}
    one, chips = found.held.regulator, found.chips
    model = one.model
    return {
        "held": 1, "cap": float(np.max(one.cap)) * chips, "up": model.idle * chips,
        "resting": one.idle * chips, "own_limit": model.power_limit * chips, "clocked": model.clocked,
        "least_clock": model.least, "knee": model.knee, "volts": model.slope,
        "full_volts": max(1.0, 1.0 + model.slope * (1.0 / model.knee - 1.0)),
    }  # fmt: skip


def _objects(rows: NDArray[Any]) -> list[Any]:
    """Records as plain objects, which Python reads ten times as fast."""
    names = rows.dtype.names or ()
    kind = type("Record", (), {"__slots__": names})
    found: list[Any] = []
    for values in rows.tolist():
        one = kind()
        for name, value in zip(names, values, strict=True):
            setattr(one, name, value)
        found.append(one)
    return found


def as_state(arrays: dict[str, NDArray[Any]]) -> Any:
    """The arrays as the kernel takes them."""
    if COMPILED:
        return World(**arrays)
    return World(**{k: _objects(v) if v.dtype.names else v.tolist() for k, v in arrays.items()})


def _array(found: Any) -> Any:
    if COMPILED:
        return found
    if found and hasattr(found[0], "__slots__"):
        names = found[0].__slots__
        return {name: np.array([getattr(one, name) for one in found]) for name in names}
    return np.array(found)


def as_arrays(world: Any, *names: str) -> list[Any]:
    """Columns of the state after a run: arrays, and mappings of arrays where there are records."""
    return [_array(getattr(world, name)) for name in names]


def longer(world: Any, bins: int) -> Any:
    """The same state with room for ``bins`` bins."""
    one = world.cfg[0]
    zeros = np.zeros(COLUMNS * (bins - int(one["bins"] if COMPILED else one.bins)))
    if COMPILED:
        one["bins"] = bins
        return world._replace(book=np.concatenate([world.book, zeros]))
    one.bins = bins
    return world._replace(book=world.book + zeros.tolist())


def with_outages(world: Any, rows: NDArray[np.float64]) -> Any:
    """The same state with more outages, ``rows`` (K, 6), behind those that it has."""
    if not len(rows):
        return world
    if COMPILED:
        world.top[0]["rows"] += len(rows)
        return world._replace(real=np.concatenate([world.real, rows.ravel()]))
    world.top[0].rows += len(rows)
    return world._replace(real=world.real + rows.ravel().tolist())


def turns(following: NDArray[np.int64], later: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
    """What ``whole`` holds of sessions: see :mod:`gigawatt.serving.kernels.session`."""
    none = np.zeros(len(later), dtype=_I)
    return {"after": following, "later": later.astype(_I), "order": none, "heap": none}


def packed(
    cfg: NDArray[Any], parts: dict[str, NDArray[Any]], kind: type[np.float64] | type[np.int64]
) -> NDArray[Any]:
    """The parts one behind the other; where each begins is noted in the options."""
    at = 0
    for name, part in parts.items():
        if name in (cfg.dtype.names or ()):
            cfg[name] = at
        at += len(part)
    return np.concatenate([np.asarray(part, dtype=kind) for part in parts.values()])


def replicas_state(count: int, on: int, entries: int) -> NDArray[Any]:
    """Replicas before anything came; ``entries`` blocks of each prefix cache are chained as free."""
    rows = np.zeros(count, dtype=REPLICA)
    rows["oldest"] = rows["newest"] = rows["first_on_way"] = rows["last_on_way"] = -1
    rows["first_lost"] = -1
    rows["spare"] = np.arange(count) * entries if entries else -1
    rows["state"][:on] = 1
    rows["next_end"] = np.iinfo(_I).max
    return rows


def entries_state(replicas: int, entries: int) -> NDArray[Any]:
    """Free entries of the prefix caches, each chained to the next of its replica."""
    rows = np.zeros(max(replicas * entries, 1), dtype=ENTRY)
    if entries:
        rows["chain"] = np.arange(1, replicas * entries + 1)
        rows["chain"][entries - 1 :: entries] = -1
    return rows


def tiers_state(
    cfg: NDArray[Any], tiers: Sequence[CacheTier], first: int, names: int
) -> tuple[NDArray[Any], NDArray[Any], int]:
    """(rows of ``LOW``, entries chained as free from ``first`` on, buckets) of ``tiers`` for blocks of
    ``names`` identities at most."""
    replicas = int(cfg["replicas"][0])
    size = float(cfg["block_tokens"][0] * cfg["token_bytes"][0])
    low, buckets = np.zeros(max(len(tiers) * replicas, 1), dtype=LOW), 0
    parts: list[NDArray[Any]] = []
    for t, tier in enumerate(tiers):
        count = int(min(tier.capacity / size if size > 0.0 else names, names))
        mask = buckets_for(count) - 1
        for r in range(replicas):
            row = low[t * replicas + r]
            row["bandwidth"], row["latency"], row["shared"] = tier.bandwidth, tier.latency, tier.shared
            row["capacity"], row["mask"], row["buckets"] = count, mask, buckets
            row["oldest"] = row["newest"] = -1
            row["spare"] = first if count else -1
            if r and tier.shared:
                continue
            rows = np.zeros(count, dtype=ENTRY)
            rows["chain"] = np.arange(first + 1, first + count + 1)
            rows["chain"][-1:] = -1
            parts.append(rows)
            first, buckets = first + count, buckets + mask + 1
    return low, np.concatenate(parts) if parts else np.zeros(0, dtype=ENTRY), buckets


def mixed(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Identities scattered over 64 bits, one to one, so that their low bits choose buckets evenly."""
    found = ids.astype(np.uint64)
    found ^= found >> np.uint64(32)
    found *= np.uint64(0x9E3779B97F4A7C15)
    found ^= found >> np.uint64(29)
    return found.view(np.int64)


def buckets_for(entries: int) -> int:
    """A power of two, twice the entries or a little more."""
    return 1 << max(math.ceil(math.log2(max(2 * entries, 2))), 1)
