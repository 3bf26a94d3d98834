"""Closed-loop benchmarks over a prefill and a decode pool.

Where a row does not say how many workers of either kind ran, they are those of the published deployment for
its model, accelerator, engine and load (:mod:`gigawatt.performance.serving.deployments`), with the cut of
attention and experts and the draft tokens that it sets; labels of such rows give ranks alone. Where none is
published, as many as keep step within the model's interactive target.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

from gigawatt.catalog import table
from gigawatt.core.errors import GigawattError
from gigawatt.performance.serving.deployments import MODULES, Deployment, Workers, deployment_for
from gigawatt.performance.serving.engines import Engine
from gigawatt.performance.serving.memory import room
from gigawatt.performance.serving.recipes import Recipe
from gigawatt.performance.serving.step_tables import StepTables, stage_delay
from gigawatt.performance.serving.tables import step_tables
from gigawatt.serving.disaggregation import balanced_mix, simulate_disaggregated
from gigawatt.serving.engine import EngineOptions
from gigawatt.serving.fleet import Fleet, Link
from gigawatt.serving.speculation import read_speculation
from gigawatt.validation.serving.closed_loop import (
    FEWEST_PLACES,
    SHORTEST,
    client_statistics,
    closed_requests,
    engine_options,
    recipe_of,
)
from gigawatt.validation.serving.layout import Layout, Pools
from gigawatt.validation.serving.replicas import replica_with
from gigawatt.validation.serving.rows import ServingCase, check_heads

__all__ = ["pools_as_run", "predict_pools"]


def _pool(
    case: ServingCase, engine: Engine, pool: Layout, held: float, guesses: float = 0.0
) -> tuple[Recipe, StepTables]:
    """(settings, tables) of a worker of a pool with ``held`` requests, with ``guesses`` draft tokens."""
    recipe = recipe_of(case, engine, pool, held)
    places = max(min(float(recipe.max_sequences), held / pool.data), FEWEST_PLACES)
    replica = replace(replica_with(case, [pool], engine), guesses=guesses)
    accepted = 1.0
    if guesses > 0.0:
        accepted = read_speculation(MODULES, model=case.model, guesses=round(guesses)).accepted
    budget = max(recipe.token_budget, case.prompt)
    return recipe, step_tables(replica, accepted=accepted, budget=budget, sequences=places)


def pools_as_run(case: ServingCase, engine: Engine) -> tuple[Pools, float]:
    """(pools with their workers, draft tokens) of a case: as its row has them, else as published, else what
    keeps step."""
    assert case.pools is not None
    if case.pools.counted:
        return case.pools, 0.0
    published = _published(case, engine)
    layouts = [] if published is None else [_layout(w) for w in (published.prefill, published.decode)]
    if published is None or not all(_fits(case, engine, layout) for layout in layouts):
        check_heads(case.architecture, case.pools)
        return _mixed(case, engine, max(round(case.held), 1)), 0.0
    return replace(case.pools, prefill=layouts[0], decode=layouts[1]), published.guesses


def _published(case: ServingCase, engine: Engine) -> Deployment | None:
    """The published deployment with the ranks of the row; with any where the model has no room on these,
    which then say nothing."""
    assert case.pools is not None

    def found(ranks: tuple[float, float] | None) -> Deployment | None:
        return deployment_for(
            engine=engine.id, model=case.model, chip=case.chip.id, weights=case.weights,
            prompt=case.prompt, output=case.output, held=case.held, ranks=ranks,
        )  # fmt: skip

    pools = (case.pools.prefill, case.pools.decode)
    of_the_row = found((pools[0].chips, pools[1].chips))
    if of_the_row is None and not all(_fits(case, engine, pool) for pool in pools):
        return found(None)
    return of_the_row


def _fits(case: ServingCase, engine: Engine, pool: Layout) -> bool:
    try:
        return bool(room(replica_with(case, [pool], engine)).max() > 0.0)
    except GigawattError:
        return False


def _layout(workers: Workers) -> Layout:
    share = max(workers.ranks / workers.experts, 1.0)
    return Layout(workers.tensor, workers.groups, workers.experts, share, copies=workers.count)


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
        token_budget=engine_options(engine, first, before).token_budget,
        max_sequences=engine_options(engine, second, after).max_sequences, tpot=_interactive(case.model),
    )  # fmt: skip
    room_for = decode.capacity / (mean * (case.prompt + case.output / 2.0))
    times = max(math.ceil(held / (counts[1] * room_for)), 1)
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
    """TTFT, TPOT [s] and throughput [output tokens/s] of a case with a prefill and a decode pool, as
    :func:`~gigawatt.validation.serving.closed_loop.predict_closed`; no decoding delays a prompt."""
    pools, guesses = pools_as_run(case, engine)
    held = max(round(case.held), 1)
    fleets: list[Fleet] = []
    options: list[EngineOptions] = []
    for pool, drafts in ((pools.prefill, 0.0), (pools.decode, guesses)):
        recipe, tables = _pool(case, engine, pool, max(held / pool.copies, 1.0), drafts)
        fleets.append(Fleet(tables, round(pool.copies), "least-loaded"))
        options.append(engine_options(engine, recipe, pool))
    scale_out = replica_with(case, [pools.decode], engine).cluster.scale_out
    ranks = min(pools.prefill.chips, pools.decode.chips)
    link = Link(scale_out.bandwidth * scale_out.efficiency * ranks, scale_out.latency)
    requests = closed_requests(case, held)
    outcome = simulate_disaggregated(
        requests, fleets[0], fleets[1], options[0], options[1], link=link, concurrency=held
    )
    delay = stage_delay(fleets[0].tables, requests.prompt)
    return client_statistics(case, engine, outcome, requests, held, delay, 0.0)
