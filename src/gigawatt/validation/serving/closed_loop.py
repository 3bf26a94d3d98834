"""Closed-loop benchmarks through the event engine, as their client and their server run them.

*The client* (InferenceX, ``benchmark_serving`` of vLLM and SGLang with a concurrency): all slots send at once
at the start, a slot sends its next request when one is done, ten requests a slot, lengths drawn evenly from
0.8 of the nominal ones to the whole, the end of an answer ignored. *The server*: the published recipe for
model, accelerator, format and concurrency, else the engine's defaults
(:mod:`gigawatt.performance.serving.recipes`); over one pool, or a prefill and a decode pool. *Statistics* are
those that the row names: a mean counts the first wave with the others, and what the engine takes at the first
use of its kernels (``cold``); a median hardly sees either.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import table
from gigawatt.core.errors import GigawattError
from gigawatt.performance.serving.engines import Engine
from gigawatt.performance.serving.inference import Replica
from gigawatt.performance.serving.recipes import Recipe, recipe_for
from gigawatt.performance.serving.step_tables import StepTables, stage_delay
from gigawatt.performance.serving.tables import step_tables
from gigawatt.serving.disaggregation import balanced_mix, simulate_disaggregated
from gigawatt.serving.engine import EngineOptions, Outcome
from gigawatt.serving.fleet import Fleet, Link
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate
from gigawatt.validation.serving.layout import Layout, Pools
from gigawatt.validation.serving.replicas import replica_with
from gigawatt.validation.serving.rows import ServingCase

__all__ = ["SHORTEST", "WAVES", "predict_closed", "predict_pools", "recipe_of"]

Array = NDArray[np.float64]

WAVES = 10
"""Requests that a slot sends in all."""
SHORTEST = 0.8
"""Shortest length over the nominal one."""
_MOST, _LEAST_WAVES = 2000, 3
"""Most requests that are simulated, and the fewest waves: later waves are alike."""
_FEWEST = 8
"""Sequences that tables have knots for at least."""


def recipe_of(case: ServingCase, engine: Engine, layout: Layout, held: float) -> Recipe:
    """The published settings of a case with this layout and ``held`` requests, else the engine's own."""
    return recipe_for(
        engine, model=case.model, chip=case.chip, weights=case.weights, groups=layout.data, held=held,
        prompt=case.prompt, output=case.output, tensor=layout.tensor,
    )  # fmt: skip


def _requests(case: ServingCase, held: int) -> Requests:
    """What the client sends, all at once: the engine's closed loop says when."""
    count = min(WAVES * held, max(_MOST, _LEAST_WAVES * held))
    random = np.random.default_rng(0)
    prompt, output = (
        random.integers(max(int(SHORTEST * nominal), 1), max(round(nominal), 1) + 1, count)
        for nominal in (case.prompt, case.output)
    )
    return Requests(arrival=np.zeros(count), prompt=prompt, output=output)


def _options(engine: Engine, recipe: Recipe, layout: Layout) -> EngineOptions:
    """Of all attention groups together."""
    return EngineOptions(
        token_budget=max(int(recipe.token_budget * layout.data), 1),
        max_sequences=max(int(recipe.max_sequences * layout.data), 1),
        chunked=engine.chunked > 0.0,
        prompts_alone=engine.alone > 0.0,
        read_interval=recipe.read_interval,
        balance=recipe.balance,
        batch_wait=recipe.batch_wait,
        block=max(1, round(engine.page)),
        prefix_caching=False,
        long_prompt=recipe.token_budget if layout.data > 1.0 else None,
    )


def _statistics(
    case: ServingCase,
    engine: Engine,
    outcome: Outcome,
    requests: Requests,
    held: int,
    delay: Array,
    waits: float,
) -> dict[str, float]:
    """TTFT, TPOT [s] and output tokens/s as the client reports them."""
    step = (outcome.finish - outcome.first_token) / np.maximum(requests.output - 1, 1)
    first = outcome.first_token - outcome.arrival + engine.prompt + waits * step + delay
    span = float(np.nanmax(outcome.finish))
    tokens = float(requests.output[~outcome.rejected].sum())
    rate = tokens / span if span > 0.0 else 0.0
    if case.median:
        return {"ttft": float(np.nanmedian(first)), "tpot": float(np.nanmedian(step)), "throughput": rate}
    share = 1.0 / WAVES
    start, later = float(np.nanmean(first[:held])), first[held:]
    ttft = start if not len(later) else share * start + (1.0 - share) * float(np.nanmean(later))
    experts = any(block.experts is not None for block in case.architecture.blocks)
    cold = engine.cold_experts if experts else engine.cold
    return {"ttft": ttft + share * cold, "tpot": float(np.nanmean(step)), "throughput": rate}


def _tables(r: Replica, budget: float, places: float) -> StepTables:
    return step_tables(r, budget=budget, sequences=max(places, _FEWEST))


def predict_closed(cases: Sequence[ServingCase], engine: Engine) -> list[dict[str, float]]:
    """TTFT, TPOT [s] and throughput [output tokens/s of all copies] of cases of one group, one pool each.

    Where a case cannot be simulated its values are not numbers.
    """
    found: list[dict[str, float]] = [{} for _ in cases]
    by_layout: dict[Layout, list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        by_layout[case.layout].append(i)
    for layout, rows in by_layout.items():
        held = [max(round(cases[i].held / layout.copies), 1) for i in rows]
        recipes = [recipe_of(cases[i], engine, layout, h) for i, h in zip(rows, held, strict=True)]
        budget = max(max(x.token_budget, cases[i].prompt) for i, x in zip(rows, recipes, strict=True))
        places = max(min(x.max_sequences, h / layout.data) for x, h in zip(recipes, held, strict=True))
        try:
            tables = _tables(replica_with(cases[rows[0]], [layout], engine), budget, places)
        except GigawattError:
            for i in rows:
                found[i] = dict.fromkeys(("ttft", "tpot", "throughput"), float("nan"))
            continue
        for i, h, recipe in zip(rows, held, recipes, strict=True):
            requests = _requests(cases[i], h)
            outcome = simulate(requests, Fleet(tables), _options(engine, recipe, layout), concurrency=h)
            delay = stage_delay(tables, requests.prompt)
            made = _statistics(cases[i], engine, outcome, requests, h, delay, engine.waits - 1.0)
            found[i] = made | {"throughput": made["throughput"] * layout.copies}
    return found


def _pool(case: ServingCase, engine: Engine, pool: Layout, held: float) -> tuple[Recipe, StepTables]:
    """(settings, tables) of a worker of a pool with ``held`` requests."""
    recipe = recipe_of(case, engine, pool, held)
    places = min(float(recipe.max_sequences), held / pool.data)
    return recipe, _tables(replica_with(case, [pool], engine), max(recipe.token_budget, case.prompt), places)


def _mixed(case: ServingCase, engine: Engine, held: int) -> Pools:
    """The pools with as many workers as keep step within the model's interactive target, the row not giving
    them; as many times that mix as hold all requests in flight."""
    assert case.pools is not None
    before, after = case.pools.prefill, case.pools.decode
    first, prefill = _pool(case, engine, before, held)
    second, decode = _pool(case, engine, after, held)
    mean = (1.0 + SHORTEST) / 2.0
    counts = balanced_mix(
        prefill, decode, prompt=mean * case.prompt, output=mean * case.output,
        token_budget=_options(engine, first, before).token_budget,
        max_sequences=_options(engine, second, after).max_sequences, tpot=_interactive(case.model),
    )  # fmt: skip
    room = decode.capacity / (mean * (case.prompt + case.output / 2.0))
    times = max(math.ceil(held / (counts[1] * room)), 1)
    return replace(
        case.pools,
        prefill=replace(before, copies=float(counts[0] * times)),
        decode=replace(after, copies=float(counts[1] * times)),
    )


@lru_cache(maxsize=64)
def _interactive(model: str) -> float:
    """Time per output token [s] of the tightest target that the catalog has for a model, else for any."""
    rows = table("objectives").values()
    mine = [row for row in rows if model in (row.text("model"), row.id)] or list(rows)
    return min(row.value("tpot") for row in mine)


def predict_pools(case: ServingCase, engine: Engine) -> dict[str, float]:
    """As :func:`predict_closed`, of a case with a prefill and a decode pool; no decoding delays a prompt."""
    assert case.pools is not None
    held = max(round(case.held), 1)
    mixed = _mixed(case, engine, held) if not case.pools.counted else case.pools
    fleets: list[Fleet] = []
    options: list[EngineOptions] = []
    for pool in (mixed.prefill, mixed.decode):
        recipe, tables = _pool(case, engine, pool, max(held / pool.copies, 1.0))
        fleets.append(Fleet(tables, round(pool.copies), "least-loaded"))
        options.append(_options(engine, recipe, pool))
    scale_out = replica_with(case, [case.pools.decode], engine).cluster.scale_out
    ranks = min(case.pools.prefill.chips, case.pools.decode.chips)
    link = Link(scale_out.bandwidth * scale_out.efficiency * ranks, scale_out.latency)
    requests = _requests(case, held)
    outcome = simulate_disaggregated(
        requests, fleets[0], fleets[1], options[0], options[1], link=link, concurrency=held
    )
    delay = stage_delay(fleets[0].tables, requests.prompt)
    return _statistics(case, engine, outcome, requests, held, delay, 0.0)
