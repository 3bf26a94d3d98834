"""numpy's attention is attention, forward and backward, and its multiplications are what was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.calibration.measure import Unsupported
from gigawatt.calibration.numpy_backend import NumpyBackend, attend, attend_backward, host_memory
from gigawatt.calibration.plan import ATTENTION, Job


def exact(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Causal attention in double precision, all scores at once."""
    scores = q @ k.T / np.sqrt(q.shape[1])
    scores[np.triu_indices(len(q), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ v


@pytest.fixture
def operands() -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(1)
    return tuple(random.standard_normal((300, 16)) for _ in range(4))  # more than one block of queries


def test_attention_forward(operands: tuple[np.ndarray, ...]) -> None:
    q, k, v, _ = (x.astype(np.float32) for x in operands)
    assert attend(q, k, v)[0] == pytest.approx(exact(*operands[:3]), abs=2e-5)


def test_attention_backward_is_the_slope_of_forward(operands: tuple[np.ndarray, ...]) -> None:
    """By central differences along a random direction of each operand."""
    q, k, v, gradient = (x.astype(np.float32) for x in operands)
    found = attend_backward(q, k, v, *attend(q, k, v), gradient)
    random = np.random.default_rng(2)
    for index in range(3):
        step = random.standard_normal(q.shape)
        ends = []
        for sign in (1e-5, -1e-5):
            moved = list(operands[:3])
            moved[index] = moved[index] + sign * step
            ends.append(np.sum(exact(*moved) * operands[3]))
        slope = (ends[0] - ends[1]) / 2e-5
        assert np.sum(found[index] * step) == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("layout", ["nt", "nn", "tn"])
def test_a_multiplication_has_the_sizes_of_its_job(layout: str) -> None:
    made = NumpyBackend().prepare(Job("gemm", "fp32", 48, 32, 80, layout))()
    assert isinstance(made, np.ndarray)
    assert made.shape == (48, 32)
    assert np.abs(made).max() > 1.0  # of random operands, not of zeros


def test_times_grow_with_the_work() -> None:
    backend = NumpyBackend()
    for small, large in (
        (Job("gemm", "fp32", 64, 64, 64), Job("gemm", "fp32", 768, 768, 768)),
        (Job(ATTENTION[0], "fp32", 64, 64, 64), Job(ATTENTION[0], "fp32", 768, 768, 64, heads=4, shared=2)),
        (Job(ATTENTION[1], "fp32", 64, 64, 64), Job(ATTENTION[1], "fp32", 768, 768, 64, heads=4, shared=2)),
        (Job("memory_copy", "bytes", size=1 << 12), Job("memory_copy", "bytes", size=1 << 25)),
    ):
        times = [min(backend.sample(backend.prepare(job), 3)) for job in (small, large)]
        assert 0.0 < 3.0 * times[0] < times[1], small


def test_what_numpy_cannot_do() -> None:
    backend = NumpyBackend()
    assert [form for form, reason in backend.formats().items() if not reason] == ["fp32"]
    for job in (
        Job("gemm", "bf16"),
        Job("host_to_device", "bytes", size=8),
        Job("all_reduce", "float", size=8),
    ):
        with pytest.raises(Unsupported):
            backend.prepare(job)


def test_the_device_is_this_machine() -> None:
    device = NumpyBackend().device
    assert device.kind == "CPU"
    assert device.name
    assert device.units >= 1
    assert device.memory == host_memory()
