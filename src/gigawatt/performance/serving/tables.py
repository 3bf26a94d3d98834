"""The tables that the event engine looks up, made from the step model of one replica."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.serving.inference import (
    Replica,
    check_used,
    decode_cost,
    encoder_cost,
    host_time,
    prompt_cost,
    sequence_cost,
    shared_cost,
    token_cost,
)
from gigawatt.performance.serving.memory import beside_cache, check_fits, holding, kept, room
from gigawatt.performance.serving.pass_cost import PassCost
from gigawatt.performance.serving.power import Regulator, load_serving_power
from gigawatt.performance.serving.step_tables import HeldTables, StepTables

__all__ = ["step_tables"]

Array = NDArray[np.float64]

_STEP = 2.0**0.25
"""Ratio of one knot to the next where the work has steps (tiles, waves)."""
_WIDE = 2.0**0.5
"""The same where it has none."""


def _knots(most: float, ratio: float, few: int = 4) -> Array:
    """1, 2, … ``few``, then whole numbers each about ``ratio`` times the one before, up to ``most``."""
    found = [float(i) for i in range(1, few + 1)]
    while found[-1] < most:
        found.append(float(np.ceil(found[-1] * ratio)))
    return np.array(found)


def _grid(cost: PassCost, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """(time of the work, energy) on a grid."""
    time, energy = np.broadcast_to(cost.work, shape), np.broadcast_to(cost.energy, shape)
    return time.astype(np.float64), energy.astype(np.float64)


def _held(cost: PassCost, shape: tuple[int, ...]) -> Array:
    """Seconds that multiplications bind and joules of the core on a grid (…, 2)."""
    both = (np.broadcast_to(value, shape) for value in (cost.parts["arithmetic"], cost.core))
    return np.stack(list(both), axis=-1).astype(np.float64)


def _capacity(r: Replica, typical: float, places: float) -> float:
    """Bytes for keys and values: what the adapters of as many sequences as run leave of the room."""
    running = np.minimum(holding(r, typical), places)
    return float(np.max(room(r) - beside_cache(r, running)))


def step_tables(
    r: Replica,
    *,
    accepted: float = 1.0,
    budget: float | None = None,
    sequences: float | None = None,
    longest: float = 131072.0,
    typical: float = 4096.0,
    cached: float = 0.0,
) -> StepTables:
    """Tables of one replica.

    Parameters
    ----------
    r : Replica
        One point: its layout columns hold one value each.
    accepted : float
        Tokens that a decoding sequence gains an iteration.
    budget, sequences : float, optional
        Most tokens and sequences of an iteration that the tables have knots for; the engine's usual ones if
        left out.
    longest : float [tokens]
        Longest prompt and context with knots of their own.
    typical : float [tokens]
        Length of a sequence at which its bytes are spread over its tokens: windows and states make short ones
        dearer and long ones cheaper a token.

    cached : float [tokens]
        Of a prompt, found in a cache: what is computed of it attends to them as well.

    Raises
    ------
    InputError
        More than one point, the model does not fit, or what stands beside the host takes nothing of it.
    """
    if np.size(r.chips) != 1:
        raise InputError("tables are of one replica", key="layout", given=int(np.size(r.chips)), allowed="1")
    check_fits(r)
    engine = r.engine
    data = float(np.max(r.shares.data))
    most = (engine.token_budget if budget is None else budget) * data
    places = (engine.max_sequences if sequences is None else sequences) * data
    tokens = _knots(max(most, places * r.verified), _STEP, few=8)
    batch = _knots(places, _STEP)
    context = np.concatenate([[0.0], 16.0 * _knots(longest / 16.0, _WIDE, few=2)])
    check_used(r, typical)
    chunk = _knots(most, _WIDE)
    before = np.concatenate([[0.0], 16.0 * _knots(longest / 16.0, 2.0, few=1)])
    linear, ends = token_cost(r, tokens), sequence_cost(r, batch)
    linear_time, linear_energy = _grid(linear, tokens.shape)
    batch_time, batch_energy = _grid(ends, batch.shape)
    grid = np.meshgrid(batch, context, indexing="ij")
    decode = decode_cost(r, *grid)
    decode_time, decode_energy = _grid(decode, grid[0].shape)
    grid = np.meshgrid(chunk, before, indexing="ij")
    prompt = prompt_cost(r, grid[0], grid[1] + cached)
    prefill_time, prefill_energy = _grid(prompt, grid[0].shape)
    encoder = encoder_cost(r)  # with the first chunk of a prompt, before which there is nothing
    prefill_time[:, 0] += float(np.max(encoder.work))
    prefill_energy[:, 0] += float(np.max(encoder.energy))
    shared = common = None
    if data > 1.0 and engine.padded <= 0.0:
        common = shared_cost(r, tokens)
        shared, _ = _grid(common, tokens.shape)
    held = None
    if r.cap is not None:
        prefill = _held(prompt, grid[0].shape)
        prefill[:, 0] += _held(encoder, (1,))
        held = HeldTables(
            regulator=Regulator.of(r.cluster.chip, r.cap),
            linear=_held(linear, tokens.shape),
            shared=np.zeros_like(tokens) if common is None else _held(common, tokens.shape)[:, 0],
            batch=_held(ends, batch.shape),
            decode=_held(decode, decode_time.shape),
            prefill=prefill,
        )
    token_bytes = max(float(np.max(kept(r, typical))) / typical, 1.0)
    chips = float(np.max(r.chips))
    chip = r.cluster.chip
    return StepTables(
        tokens=tokens,
        linear_time=linear_time,
        linear_energy=linear_energy,
        hidden=np.broadcast_to(linear.hidden, tokens.shape).astype(np.float64),
        hidden_cores=prompt.cores,
        groups=data,
        shared=shared,
        spreads=engine.spreads > 0.0,
        batch=batch,
        batch_time=batch_time,
        batch_energy=batch_energy,
        floor=np.broadcast_to(host_time(r, batch), batch.shape).astype(np.float64),
        context=context,
        decode_time=decode_time,
        decode_energy=decode_energy,
        chunk=chunk,
        before=before,
        prefill_time=prefill_time,
        prefill_energy=prefill_energy,
        overhead=engine.overhead,
        verified=r.verified,
        accepted=accepted,
        capacity=_capacity(r, typical, places) / token_bytes,
        token_bytes=token_bytes,
        sequence_bytes=0.0,
        idle_power=chip.idle_power * chips,
        power_limit=load_serving_power(chip).limit * chips,
        chips=round(chips),
        stages=round(float(np.max(r.under_way))),
        held=held,
    )
