"""Options of a serving engine, and what a simulation of it returns: one row a request, series over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.serving.cache_tiers import CacheTier
from gigawatt.serving.outages import OutageLog

__all__ = ["ITL_EDGES", "EngineOptions", "Outcome", "Series"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Edges [s] of the bins of gaps between tokens: 128 a decade, 1.8 % wide; the ends take what lies beyond.
ITL_EDGES: Floats = np.logspace(-5.0, 4.0, 9 * 128 + 1)

_PREEMPTION = ("recompute", "swap")
_MODE = ("continuous", "static")


@dataclass(frozen=True)
class EngineOptions:
    """How a replica's engine forms iterations. The defaults are those of vLLM 0.8 and later on large devices.

    Attributes
    ----------
    token_budget : int
        Tokens of an iteration at most (vLLM's ``max_num_batched_tokens``). Not observed by ``static``.
    max_sequences : int
        Running at once at most; no more than the budget has tokens for (``token_budget / verified``).
    chunked : bool
        Prompts are computed in chunks that fill the budget. If not, whole; one that exceeds the budget waits
        until nothing else runs.
    prompts_alone : bool
        An iteration holds prompts or decoding sequences, prompts first, so that decoding stands while any
        prompt can run (SGLang; vLLM before its V1 engine). If not, both run in one.
    read_interval : int
        Decode iterations after which the engine looks for new requests (SGLang's
        ``scheduler_recv_interval``); after an iteration with prompts, and while nothing runs, it looks at
        once.
    balance : bool
        Attention groups wait with their prompts until each has one, ``read_interval`` iterations at most,
        after an iteration with prompts as well; while a group runs nothing, none waits (TensorRT-LLM's
        ``attention_dp_config.enable_balance`` with ``timeout_iters``).
    batch_wait : float in [0, 1]
        Share of the budget that waiting prompts fill before any of them runs, ``read_interval`` iterations
        after the first at the latest; while nothing runs, none waits (TensorRT-LLM's
        ``batch_wait_max_tokens_ratio`` and ``batch_wait_timeout_iters``). Nought: none waits for others.
    block : int [token]
        Of one page of keys and values.
    preemption : str
        ``recompute``: a preempted sequence computes its prompt and its tokens anew; ``swap``: its keys and
        values go to the host's memory and come back, at ``host_bandwidth``, while the engine waits; where
        ``host_capacity`` is used up it is recomputed.
    priority_preemption : bool
        A request that finds no place, or no pages, preempts running ones of a lower priority (SGLang's
        ``enable_priority_scheduling``). If not, it waits ahead of them, and only what grows past the pages
        preempts (vLLM's policy ``priority``).
    host_bandwidth : float [B/s], host_capacity : float [B]
        Of the replica.
    prefix_caching : bool
        Leading whole blocks that the cache still holds are not computed again.
    mode : str
        ``continuous``, or ``static``: a batch is formed from what waits, prefilled, decoded until its longest
        answer is done, padded to the longest prompt; then all of it returns at once.
    long_prompt : int [token], optional
        A chunk is at most so long (vLLM's ``long_prefill_token_threshold``).
    context_limit : int [token], optional
        A request whose prompt and output are longer is rejected, as is one that cannot fit the cache.
    watermark : float
        Share of pages that must stay free when a sequence is admitted beside others.
    tiers : tuple of CacheTier
        Where prefixes go that are evicted, the quickest first; shared ones behind those of a replica. Leading
        blocks found there are loaded while others run, or recomputed where that is quicker.
    """

    token_budget: int = 8192
    max_sequences: int = 256
    chunked: bool = True
    prompts_alone: bool = False
    read_interval: int = 1
    balance: bool = False
    batch_wait: float = 0.0
    block: int = 16
    preemption: str = "recompute"
    priority_preemption: bool = False
    host_bandwidth: float = 0.0
    host_capacity: float = inf
    prefix_caching: bool = True
    mode: str = "continuous"
    long_prompt: int | None = None
    context_limit: int | None = None
    watermark: float = 0.0
    tiers: tuple[CacheTier, ...] = ()

    def __post_init__(self) -> None:
        for key, options in (("preemption", _PREEMPTION), ("mode", _MODE)):
            given = getattr(self, key)
            check_word(key, given, options, "no such choice")
        shared = [tier.shared for tier in self.tiers]
        if shared != sorted(shared) or len({tier.name for tier in self.tiers}) < len(shared):
            raise InputError(
                "not an order of tiers", key="tiers", given=[tier.name for tier in self.tiers],
                allowed="tiers of a replica before shared ones, each once",
            )  # fmt: skip
        for key in (
            "token_budget",
            "max_sequences",
            "read_interval",
            "block",
            "long_prompt",
            "context_limit",
        ):
            given = getattr(self, key)
            if given is not None and given < 1:
                raise InputError("must be positive", key=key, given=given, allowed="1 or more")
        if self.priority_preemption and self.mode == "static":
            raise InputError(
                "static batches are not preempted",
                key="priority_preemption",
                given=True,
                allowed="continuous",
            )
        if self.preemption == "swap" and not self.host_bandwidth > 0.0:
            raise InputError(
                "swapping needs a bandwidth", key="host_bandwidth", given=self.host_bandwidth,
                allowed="bytes per second, more than 0",
            )  # fmt: skip
        if not 0.0 <= self.batch_wait <= 1.0:
            raise InputError("is no share", key="batch_wait", given=self.batch_wait, allowed="0 to 1")
        if not 0.0 <= self.watermark < 1.0:
            raise InputError("is no share", key="watermark", given=self.watermark, allowed="0 to below 1")


@dataclass(frozen=True)
class TierUse:
    """What went through a tier of the prefix cache in a run, over all replicas.

    Attributes
    ----------
    hit_tokens : int
        Of prompts that were first scheduled, loaded from it.
    loaded_tokens : int
        With those that were loaded again after a preemption.
    written_tokens, kept_tokens, evicted_tokens, held_tokens : int
        Of blocks that came from the tier above; that came and were there already; that left for the tier
        below, or for good; that it holds at the end: written = evicted + held.
    token_bytes : float [B]
        Of keys and values of a token.
    """

    hit_tokens: int
    loaded_tokens: int
    written_tokens: int
    kept_tokens: int
    evicted_tokens: int
    held_tokens: int
    token_bytes: float


@dataclass(frozen=True)
class Series:
    """What goes on by time, over all replicas; each array (T,) over bins of ``bin`` seconds from 0 on.

    Work is spread evenly over the iteration that does it. The last bin holds the last finish and is whole.

    Attributes
    ----------
    energy : [J]
        Of all accelerators that are on, idle power included.
    iterations, prompt_tokens, output_tokens
        Done in the bin; prompt tokens as computed: without cached ones, with recomputed ones.
    running, waiting, kv_tokens, replicas_on
        Means over the bin; ``kv_tokens`` of all sequences that run, shared blocks counted once.
    busy : [s]
        That replicas spent in iterations, summed over them.
    """

    bin: float
    energy: Floats
    iterations: Floats
    prompt_tokens: Floats
    output_tokens: Floats
    running: Floats
    waiting: Floats
    kv_tokens: Floats
    replicas_on: Floats
    busy: Floats

    def __len__(self) -> int:
        return len(self.energy)


@dataclass(frozen=True)
class Outcome:
    """What became of each request, and what went on.

    Attributes
    ----------
    arrival, scheduled, first_token, finish : array (N,) [s]
        ``arrival`` as it was (in a closed loop it follows from the others); ``scheduled``: start of the first
        iteration that worked on it; nan where rejected.
    replica : array (N,)
        Which one finished it, -1 where rejected; where there are two fleets those that decode are counted on.
    preemptions, cached_tokens : array (N,)
        How often it was preempted; tokens of its prompt that the cache held when it was first scheduled.
    rejected : array (N,) of bool
    series : Series
    itl_weights : array (len(ITL_EDGES) - 1,)
        Tokens (all but each request's first) by the gap to the token before, in the bins of ``ITL_EDGES``. An
        iteration that gains ``accepted`` tokens counts as so many equal gaps.
    counters : mapping
        ``iterations``, ``preemptions``, ``jumps`` (events that stand for several iterations), ``evictions``
        (of cached blocks), ``recomputed_tokens``, ``swapped_bytes``, ``transferred_bytes``.
    replicas : int
        That may be on at once.
    pools : mapping of Series
        Where there are two fleets, ``prefill`` and ``decode``; ``series`` is their sum.
    tiers : mapping of TierUse
        By name of the tier.
    later : array (N,) of bool
        Which requests are later turns of a session; empty without sessions.
    outages : OutageLog, optional
        Of replicas that failed or were drained; None where the fleet has none.
    interrupted : array (N,)
        How often a failure ended each request's iteration; empty where the fleet has no outages.
    """

    arrival: Floats
    scheduled: Floats
    first_token: Floats
    finish: Floats
    replica: Ints
    preemptions: Ints
    cached_tokens: Ints
    rejected: NDArray[np.bool_]
    series: Series
    itl_weights: Floats
    counters: dict[str, float] = field(default_factory=dict[str, float])
    replicas: int = 1
    pools: dict[str, Series] = field(default_factory=dict[str, Series])
    tiers: dict[str, TierUse] = field(default_factory=dict[str, TierUse])
    later: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    outages: OutageLog | None = None
    interrupted: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.arrival)
