"""The step model of serving: limits, sums, tables that agree with it, and what must not change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.machine import build_cluster
from gigawatt.performance.collectives import Fabric, all_reduce, group
from gigawatt.performance.serving.direct import direct_latency, direct_reduce
from gigawatt.performance.serving.engines import default_engine, load_engine
from gigawatt.performance.serving.inference import (
    Replica,
    decode_cost,
    multiply_format,
    prompt_cost,
    sequence_cost,
    token_cost,
    within_limit,
)
from gigawatt.performance.serving.memory import holding, room
from gigawatt.performance.serving.steady import (
    accepted_tokens,
    decode_pass,
    most_held,
    static_batch,
    steady,
)
from gigawatt.performance.serving.step_tables import iteration_cost, stage_delay
from gigawatt.performance.serving.tables import step_tables
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares


def replica(
    model: str = "llama-3.1-70b",
    chip: str = "H100-SXM5-80GB",
    weights: str = "fp8",
    pipeline: float = 1.0,
    **degrees,
) -> Replica:
    cluster, _ = build_cluster(chip=chip, count=64)
    shares = Shares.of(
        weights=weights, multiply=multiply_format(weights, cluster.chip),
        cache="fp8" if weights != "bf16" else "bf16", **(degrees or {"tensor": 4.0}),
    )  # fmt: skip
    return Replica(read_architecture(model), cluster, load_engine("vllm-2025"), shares, np.asarray(pipeline))


def test_decoding_alone_is_no_quicker_than_its_weights_are_read() -> None:
    r = replica()
    chip = r.cluster.chip
    weights = chip.memory_bytes * r.engine.usable - r.engine.reserve - float(room(r)) / float(r.chips)
    assert float(token_cost(r, 1.0).time) > 0.95 * weights / chip.memory_bandwidth
    assert float(token_cost(r, 1.0).time) < 2.5 * weights / chip.memory_bandwidth


def test_prompts_are_bound_by_arithmetic_and_decoding_by_memory() -> None:
    r = replica()
    prompt, one = token_cost(r, 8192.0).parts, token_cost(r, 4.0).parts
    assert prompt["arithmetic"] > 3.0 * prompt["memory"]
    assert one["memory"] > 5.0 * one["arithmetic"]
    least = 2.0 * r.architecture.active_parameters * 8192.0 / (4.0 * r.cluster.chip.peak["fp8"])
    assert least < float(token_cost(r, 8192.0).time) < 3.0 * least


def test_more_work_takes_longer() -> None:
    for r in (replica(), replica("deepseek-v3", "H200-SXM-141GB", "fp8_block", tensor=8.0)):
        tokens = 2.0 ** np.arange(0, 14)
        assert (np.diff(token_cost(r, tokens).energy) > 0.0).all()
        context = 2.0 ** np.arange(6, 17)
        assert (np.diff(decode_cost(r, 32.0, context).energy) >= 0.0).all()
        assert (np.diff(prompt_cost(r, 512.0, context).time) >= 0.0).all()


def test_tables_are_the_step_model_at_and_between_knots() -> None:
    r = replica()
    tables = step_tables(r)
    rng = np.random.default_rng(0)
    b = np.floor(rng.uniform(1, 256, 200))
    context, chunk, before = (
        rng.uniform(50, 2e4, 200),
        np.floor(rng.uniform(1, 4000, 200)),
        rng.uniform(0, 1e4, 200),
    )
    time, energy = iteration_cost(tables, decoding=b, context=context, chunk=chunk, before=before)
    exact = token_cost(r, b + chunk).plus(decode_cost(r, b, context)).plus(prompt_cost(r, chunk, before))
    exact = within_limit(r, exact.plus(sequence_cost(r, b + 1.0)))
    host = r.engine.host + r.engine.host_sequence * (b + 1.0)
    wanted = np.maximum(exact.time, host) + r.engine.overhead
    assert np.median(np.abs(time / wanted - 1.0)) < 0.02
    assert np.max(np.abs(time / wanted - 1.0)) < 0.15
    assert np.median(np.abs(energy / exact.energy - 1.0)) < 0.01
    at, _ = iteration_cost(tables, decoding=tables.batch[:20], context=tables.context[5])
    alone = token_cost(r, tables.batch[:20]).plus(decode_cost(r, tables.batch[:20], tables.context[5]))
    alone = alone.plus(sequence_cost(r, tables.batch[:20]))
    assert at == pytest.approx(
        np.maximum(alone.time, host[0] * 0 + tables.floor[:20]) + r.engine.overhead, rel=0.02
    )


def test_steady_of_one_request_is_its_iterations_in_turn() -> None:
    r = replica()
    found = steady(r, prompt=1024.0, output=256.0, held=1.0)
    step = token_cost(r, 1.0).plus(decode_cost(r, 1.0, 1024.0 + 128.0)).plus(sequence_cost(r, 1.0))
    first = token_cost(r, 1024.0).plus(prompt_cost(r, 1024.0, 0.0)).plus(sequence_cost(r, 1.0))
    wanted = float(first.time) + 255.0 * (float(step.time) + r.engine.overhead) + r.engine.overhead
    assert float(1.0 / found.requests) == pytest.approx(wanted, rel=0.03)


def test_little_holds_and_more_requests_are_served_more_slowly() -> None:
    r = replica()
    held = np.array([1.0, 4.0, 16.0, 64.0, 200.0])
    found = steady(r, prompt=900.0, output=900.0, held=held)
    inside = found.requests * (found.first_token - r.engine.prompt + 899.0 * found.token)
    assert inside[1:] == pytest.approx(held[1:], rel=0.02)
    assert (np.diff(found.requests) > 0.0).all()
    assert (np.diff(found.token) > 0.0).all()
    assert (np.diff(found.energy) < 0.0).all()  # a batch shares the reading of weights


def test_guessed_tokens() -> None:
    """Leviathan et al. 2023, arXiv:2211.17192: (1 − a^(k+1))/(1 − a)."""
    assert float(accepted_tokens(guesses=3, acceptance=0.8)) == pytest.approx((1 - 0.8**4) / 0.2)
    r = replica("deepseek-v3", "H200-SXM-141GB", "fp8_block", tensor=8.0)
    plain = steady(r, prompt=1000.0, output=1000.0, held=4.0)
    guessing = replace(r, guesses=1.0)
    gain = accepted_tokens(guesses=1, acceptance=0.85)
    faster = steady(guessing, prompt=1000.0, output=1000.0, held=4.0, accepted=gain)
    assert 1.0 < float(plain.token / faster.token) < 1.85


def test_static_batches_wait_for_all_prompts() -> None:
    r = replica()
    one, many = (static_batch(r, prompt=1000.0, output=100.0, batch=b) for b in (1.0, 32.0))
    assert float(many.first_token - r.engine.prompt) > 20.0 * float(one.first_token - r.engine.prompt)
    assert float(many.requests) > float(one.requests)


def test_room_and_places() -> None:
    r = replica()
    assert float(holding(r, 4000.0)) == pytest.approx(float(room(r)) / (4000.0 * 80 * 2 * 8 * 128), abs=1.0)
    assert float(most_held(r, prompt=10.0, output=10.0)) == r.engine.max_sequences
    with pytest.raises(InputError, match=r"does not fit; given '1\d\d\.\d GB of weights on each of 1 "):
        step_tables(replica(weights="bf16", tensor=1.0))


def test_stages_that_each_have_the_same_batch_draw_the_same_watts() -> None:
    """The joules of a replica are those of all of its stages, not of one batch that passes them."""
    watts: list[float] = []
    for stages in (1.0, 2.0, 4.0):
        r = replica(tensor=4.0, pipeline=stages)
        time, energy = decode_pass(r, sequences=64.0 * stages, context=1000.0)
        watts.append(float(energy / (time * r.chips)))
    assert watts[1] == pytest.approx(watts[0], rel=0.01)
    assert watts[2] == pytest.approx(watts[0], rel=0.02)


def test_pipelines_and_attention_data_ranks() -> None:
    tensor, pipe = replica(tensor=8.0), replica(tensor=1.0, pipeline=8.0)
    assert float(tensor.chips) == float(pipe.chips) == 8.0
    slow, quick = (steady(x, prompt=500.0, output=500.0, held=2.0) for x in (pipe, tensor))
    assert float(slow.token) > 3.0 * float(quick.token)  # one batch sees one stage at a time
    first = [float(x.first_token) - pipe.engine.prompt for x in (slow, quick)]
    assert first[0] > 2.0 * first[1]  # a prompt passes the stages in turn
    delay = float(stage_delay(step_tables(replica(tensor=2.0, pipeline=4.0)), 1024.0))
    whole = float(token_cost(replica(tensor=2.0), 1024.0).time)
    assert 0.4 * whole < delay < 0.9 * whole  # three of four stages, less what weights cost anyway
    assert float(stage_delay(step_tables(tensor), 1024.0)) == 0.0
    together = replica("deepseek-v3", "H200-SXM-141GB", "fp8_block", tensor=8.0)
    apart = replica("deepseek-v3", "H200-SXM-141GB", "fp8_block", tensor=1.0, data=8.0, expert=8.0)
    assert float(holding(apart, 4000.0)) > 3.0 * float(holding(together, 4000.0))  # latents are not split


def test_small_reductions_go_by_neighbours_memory() -> None:
    fabric = Fabric.of(build_cluster(chip="H100-SXM5-80GB", count=8)[0])
    where = group(size=8.0, stride=1.0, fabric=fabric)
    size = 2.0 ** np.arange(8, 30)
    library = all_reduce(size=size, group=where, fabric=fabric)
    found = direct_reduce(size=size, ranks=8.0, fabric=fabric, other=library)
    assert (found.time <= library.time + 1e-15).all()
    assert (np.diff(found.time) > 0.0).all()
    # measured on H100, 8 ranks, 131 kB: 8.1 µs (aiconfigurator-core, custom_allreduce, captured graph)
    near = direct_reduce(
        size=131072.0, ranks=8.0, fabric=fabric, other=all_reduce(size=131072.0, group=where, fabric=fabric)
    )
    assert float(near.time) == pytest.approx(8.1e-6, rel=0.25)


def test_no_such_kernels_where_engines_have_none() -> None:
    """vLLM, pull request 16010: of AMD gfx94 alone, so none on MI250."""
    fabric = Fabric.of(build_cluster(chip="MI250X", count=4)[0])
    assert direct_latency(fabric.scale_up) is None
    library = all_reduce(size=8192.0, group=group(size=4.0, stride=1.0, fabric=fabric), fabric=fabric)
    assert direct_reduce(size=8192.0, ranks=4.0, fabric=fabric, other=library) is library


def test_an_engine_that_passes_layers_on_gains_no_speed_by_accelerators() -> None:
    """llama.cpp, --split-mode layer: a batch is on one accelerator at a time, whose joules are spent."""
    engine = load_engine("llama-cpp-2024")
    one, four = (replace(replica(tensor=1.0, pipeline=p), engine=engine) for p in (1.0, 4.0))
    alone, split = (static_batch(x, prompt=500.0, output=200.0, batch=16.0) for x in (one, four))
    assert 1.0 <= float(split.token) / float(alone.token) < 1.1  # a hop from each to the next
    assert float(token_cost(four, 16.0).energy) == pytest.approx(float(token_cost(one, 16.0).energy), rel=0.1)
    assert float(holding(four, 700.0)) > 4.0 * float(holding(one, 700.0))  # what they are joined for
    assert float(stage_delay(step_tables(four), 500.0)) == 0.0
    piped = replace(four, engine=replace(engine, pipelined=1.0))
    assert float(steady(piped, prompt=500.0, output=200.0, held=64.0).requests) > 1.2 * float(
        steady(four, prompt=500.0, output=200.0, held=64.0).requests
    )


def test_engines_of_the_catalog() -> None:
    cluster, _ = build_cluster(chip="H100-SXM5-80GB", count=8)
    assert default_engine(cluster.chip, 2023) == "vllm-2023"
    assert default_engine(cluster.chip, 2026) == "vllm-2025"
    with pytest.raises(InputError, match="did you mean 'vllm-2025'"):
        load_engine("vllm-2026")
