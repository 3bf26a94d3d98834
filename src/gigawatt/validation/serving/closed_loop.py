"""Closed-loop benchmarks through the event engine, as their client and their server run them.

*The client* (InferenceX, ``benchmark_serving`` of vLLM and SGLang with a concurrency): all slots send at once
at the start, a slot sends its next request when one is done, ten requests a slot, lengths drawn evenly from
0.8 of the nominal ones to the whole, the end of an answer ignored. *The server*: the published recipe for
model, accelerator, format and concurrency, else the engine's defaults
(:mod:`gigawatt.performance.serving.recipes`). *Statistics* are
those that the row names: a mean counts the first wave with the others, and what the engine takes at the first
use of its kernels (``cold``); a median hardly sees either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import GigawattError
from gigawatt.performance.serving.engines import Engine
from gigawatt.performance.serving.inference import Replica
from gigawatt.performance.serving.recipes import Recipe, recipe_for
from gigawatt.performance.serving.step_tables import StepTables, stage_delay
from gigawatt.performance.serving.tables import step_tables
from gigawatt.serving.engine import EngineOptions, Outcome
from gigawatt.serving.fleet import Fleet
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate
from gigawatt.validation.serving.layout import Layout
from gigawatt.validation.serving.replicas import replica_with
from gigawatt.validation.serving.rows import ServingCase

__all__ = [
    "SHORTEST",
    "WAVES",
    "client_statistics",
    "closed_requests",
    "engine_options",
    "predict_closed",
    "recipe_of",
]

Array = NDArray[np.float64]

WAVES = 10
"""Requests that a slot sends in all."""
SHORTEST = 0.8
"""Shortest length over the nominal one."""
_MOST, _LEAST_WAVES = 2000, 3
"""Most requests that are simulated, and the fewest waves: later waves are alike."""
FEWEST_PLACES = 8
"""Sequences that tables have knots for at least."""


def recipe_of(case: ServingCase, engine: Engine, layout: Layout, held: float) -> Recipe:
    """The published settings of a case with this layout and ``held`` requests, else the engine's own."""
    return recipe_for(
        engine, model=case.model, chip=case.chip, weights=case.weights, groups=layout.data, held=held,
        prompt=case.prompt, output=case.output, tensor=layout.tensor,
    )  # fmt: skip


def closed_requests(case: ServingCase, held: int) -> Requests:
    """What the client sends, all at once: the engine's closed loop says when."""
    count = min(WAVES * held, max(_MOST, _LEAST_WAVES * held))
    random = np.random.default_rng(0)
    prompt, output = (
        random.integers(max(int(SHORTEST * nominal), 1), max(round(nominal), 1) + 1, count)
        for nominal in (case.prompt, case.output)
    )
    return Requests(arrival=np.zeros(count), prompt=prompt, output=output)


def engine_options(engine: Engine, recipe: Recipe, layout: Layout) -> EngineOptions:
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


def client_statistics(
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
    experts = case.architecture.routed
    cold = engine.cold_experts if experts else engine.cold
    return {"ttft": ttft + share * cold, "tpot": float(np.nanmean(step)), "throughput": rate}


def _tables(r: Replica, budget: float, places: float) -> StepTables:
    return step_tables(r, budget=budget, sequences=max(places, FEWEST_PLACES))


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
            requests = closed_requests(cases[i], h)
            outcome = simulate(requests, Fleet(tables), engine_options(engine, recipe, layout), concurrency=h)
            delay = stage_delay(tables, requests.prompt)
            made = client_statistics(cases[i], engine, outcome, requests, h, delay, engine.waits - 1.0)
            found[i] = made | {"throughput": made["throughput"] * layout.copies}
    return found
