"""Step tables for tests: some that look like a 70-billion model on eight accelerators, and plain ones."""

from __future__ import annotations

import dataclasses

import numpy as np

from gigawatt.machine import load_chip
from gigawatt.performance.serving.power import Regulator
from gigawatt.performance.serving.step_tables import HeldTables, StepTables


def plausible_tables(**changes: object) -> StepTables:
    """Weights are read in 8 ms, a token takes 40 µs, 64 sequences some 20 ms; round numbers from nowhere."""
    tokens = np.array([1, 8, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384], dtype=float)
    linear = np.maximum(8e-3 + 2e-5 * tokens, 4.1e-5 * tokens)
    batch = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024], dtype=float)
    context = np.array([1, 64, 256, 1024, 4096, 16384, 65536], dtype=float)
    chunk = np.array([1, 16, 64, 256, 1024, 4096, 16384], dtype=float)
    before = np.array([0, 256, 1024, 4096, 16384, 65536], dtype=float)
    decode = 2e-4 + 1.37e-7 * batch[:, None] * (context[None, :] + 200.0)
    prefill = 1e-4 + 1.1e-9 * chunk[:, None] * (before[None, :] + 0.5 * chunk[:, None])
    found = StepTables(
        tokens=tokens,
        linear_time=linear,
        linear_energy=4200.0 * linear,
        batch=batch,
        batch_time=5e-4 + 1.3e-5 * batch,
        batch_energy=1500.0 * (5e-4 + 1.3e-5 * batch),
        floor=9.7e-3 + 2e-5 * batch,
        context=context,
        decode_time=decode,
        decode_energy=3100.0 * decode,
        chunk=chunk,
        before=before,
        prefill_time=prefill,
        prefill_energy=4500.0 * prefill,
        overhead=1.1e-3,
        verified=1.0,
        accepted=1.0,
        capacity=1.4e6,
        token_bytes=327680.0,
        sequence_bytes=0.0,
        idle_power=8 * 90.0,
        power_limit=8 * 700.0,
        chips=8,
    )
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


def capped_tables(cap: float, **changes: object) -> StepTables:
    """:func:`plausible_tables` with eight H100 held to ``cap`` [W]: tokens multiply, sequences are read."""
    found = plausible_tables(**changes)

    def both(time: np.ndarray, energy: np.ndarray, share: float) -> np.ndarray:
        return np.stack([share * time, 0.6 * share * energy], axis=-1)

    beyond = np.clip(found.tokens / 400.0, 0.0, 1.0)
    return dataclasses.replace(
        found,
        held=HeldTables(
            regulator=Regulator.of(load_chip("H100-SXM5-80GB"), cap),
            linear=np.stack([beyond * found.linear_time, 0.6 * beyond * found.linear_energy], axis=-1),
            shared=np.zeros_like(found.tokens),
            batch=both(found.batch_time, found.batch_energy, 0.1),
            decode=both(found.decode_time, found.decode_energy, 0.05),
            prefill=both(found.prefill_time, found.prefill_energy, 0.9),
        ),
    )


def plain_tables(*, token: float, iteration: float = 0.0, **changes: object) -> StepTables:
    """An iteration takes ``iteration`` and ``token`` seconds a token, and for the latter a joule a second."""
    one, two = np.array([1.0]), np.array([0.0, 1.0])
    zero = np.zeros(1)
    found = StepTables(
        tokens=two, linear_time=token * two, linear_energy=token * two,
        batch=one, batch_time=zero, batch_energy=zero, floor=zero,
        context=one, decode_time=zero[:, None], decode_energy=zero[:, None],
        chunk=one, before=one, prefill_time=zero[:, None], prefill_energy=zero[:, None],
        overhead=iteration, verified=1.0, accepted=1.0, capacity=1e9, token_bytes=2.0, sequence_bytes=0.0,
        idle_power=0.0, power_limit=1e9, chips=1,
    )  # fmt: skip
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]
