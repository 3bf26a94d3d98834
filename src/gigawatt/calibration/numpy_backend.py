"""numpy on the CPU as a backend: what a machine without torch can be measured with.

Multiplications go to the BLAS that numpy was built with, attention runs over blocks of queries (the keys
behind the diagonal are not computed), forward and backward, copies are ``numpy.copyto``.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.calibration.measure import Device, Unsupported
from gigawatt.calibration.plan import ATTENTION, Job

__all__ = ["NumpyBackend", "cache_bytes", "cpu_name", "host_memory"]

Matrix = NDArray[np.float32]

_BLOCK = 256  # queries that share a pass over the keys
_UNKNOWN_CACHE = 32e6
_MOST_FLUSHED = (
    64e6  # larger last-level caches are shared by many machines' processes; a flush costs its size
)
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def cpu_name() -> str:
    """The processor as the system names it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "CPU"


def host_memory() -> float:
    """Bytes of main memory; 0 where the system does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return 0.0


def cache_bytes() -> float:
    """Bytes of the largest cache of the first processor; 0 where the system does not say."""
    found = 0.0
    for file in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = file.read_text(encoding="ascii").strip()
        scale = {"K": 1024.0, "M": 1024.0**2, "G": 1024.0**3}.get(text[-1:], 0.0)
        if scale and text[:-1].isdigit():
            found = max(found, float(text[:-1]) * scale)
    return found


def _threads() -> int:
    for name in _THREADS:
        if os.environ.get(name, "").isdigit():
            return max(int(os.environ[name]), 1)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class NumpyBackend:
    """numpy's matrix multiplication, attention and copy on this machine's CPU, in fp32."""

    def __init__(self) -> None:
        cache = cache_bytes()
        self._device = Device(
            name=cpu_name(),
            kind="CPU",
            framework="numpy",
            version=np.__version__,
            units=_threads(),
            memory=host_memory(),
            cache=cache,
        )
        self._flush = np.zeros(int(min(cache or _UNKNOWN_CACHE, _MOST_FLUSHED)), dtype=np.uint8)
        self._random = np.random.default_rng(0)
        self._pool: Matrix = self._random.standard_normal(1 << 16, dtype=np.float32)

    @property
    def device(self) -> Device:
        """This machine's CPU."""
        return self._device

    def formats(self) -> Mapping[str, str]:
        """fp32 alone: numpy has no fast multiplication of narrower formats."""
        reason = "numpy has no fast multiplication in it (torch may)"
        return {"fp32": "", "bf16": reason, "fp16": reason, "fp8": reason}

    def attention_formats(self) -> Sequence[str]:
        """fp32."""
        return ("fp32",)

    @property
    def grouped(self) -> bool:
        """Heads run one by one and may share keys and values."""
        return True

    def kernel_source(self, job: Job) -> str:
        """``numpy_blas``, or ``numpy_blocks`` for attention."""
        return "numpy_blocks" if job.operation in ATTENTION else "numpy_blas"

    def clock(self) -> float | None:
        """Not known to numpy."""
        return None

    def sample(self, call: Callable[[], object], repeats: int) -> list[float]:
        """Seconds by the system's clock; a buffer of the cache's size is written before each call."""
        found: list[float] = []
        for _ in range(repeats):
            self._flush += 1
            began = time.perf_counter_ns()
            call()
            found.append((time.perf_counter_ns() - began) * 1e-9)
        return found

    def prepare(self, job: Job) -> Callable[[], object]:
        """Operands of random data and the call."""
        if job.operation == "gemm":
            if job.number_format != "fp32":
                raise Unsupported(self.formats().get(job.number_format, "unknown number format"))
            return self._multiplication(job)
        if job.operation in ATTENTION:
            return self._attention(job)
        if job.operation == "memory_copy":
            source = np.ones(job.size, dtype=np.uint8)
            target = np.zeros_like(source)
            return lambda: np.copyto(target, source)
        raise Unsupported("numpy has one device")

    def _values(self, *shape: int) -> Matrix:
        """Normal random numbers: a prefix of one pool, which grows by repeating a draw."""
        count = int(np.prod(shape))
        if count > self._pool.size:
            self._pool = np.resize(self._pool, count)
        return self._pool[:count].reshape(shape)

    def _multiplication(self, job: Job) -> Callable[[], object]:
        m, n, k = job.m, job.n, job.k
        self._values(max(m * k, n * k))
        left = self._values(k, m).T if job.layout == "tn" else self._values(m, k)
        right = self._values(n, k).T if job.layout == "nt" else self._values(k, n)
        out = np.empty((m, n), dtype=np.float32)
        return lambda: np.matmul(left, right, out=out)

    def _attention(self, job: Job) -> Callable[[], object]:
        batch, tokens, width = job.batch, job.m, job.k
        group = max(job.heads // job.shared, 1)
        q = self._values(batch, job.heads, tokens, width)
        k = self._values(batch, job.shared, tokens, width)
        v = k[..., ::-1]
        v = np.ascontiguousarray(v)
        pairs = [(b, h) for b in range(batch) for h in range(job.heads)]
        if job.operation == ATTENTION[0]:

            def forward() -> None:
                for b, h in pairs:
                    attend(q[b, h], k[b, h // group], v[b, h // group])

            return forward
        outputs = {(b, h): attend(q[b, h], k[b, h // group], v[b, h // group]) for b, h in pairs}

        def backward() -> None:
            for b, h in pairs:
                attend_backward(q[b, h], k[b, h // group], v[b, h // group], *outputs[b, h], q[b, h])

        return backward


def _scores(q: Matrix, k: Matrix, start: int, stop: int) -> Matrix:
    """Scaled scores of queries start…stop with the keys up to stop, what lies ahead masked."""
    scores = q[start:stop] @ k[:stop].T
    scores *= np.float32(q.shape[1] ** -0.5)
    rows = np.arange(start, stop)[:, None]
    scores[:, start:][np.arange(start, stop)[None, :] > rows] = -np.inf
    return scores


def attend(q: Matrix, k: Matrix, v: Matrix) -> tuple[Matrix, Matrix]:
    """Causal attention of one head: (output, logarithms of the sums); arrays (tokens, width)."""
    tokens = len(q)
    out, sums = np.empty_like(q), np.empty((tokens, 1), dtype=np.float32)
    for start in range(0, tokens, _BLOCK):
        stop = min(start + _BLOCK, tokens)
        scores = _scores(q, k, start, stop)
        most = scores.max(axis=1, keepdims=True)
        scores -= most
        np.exp(scores, out=scores)
        total = scores.sum(axis=1, keepdims=True)
        out[start:stop] = (scores @ v[:stop]) / total
        sums[start:stop] = np.log(total) + most
    return out, sums


def attend_backward(
    q: Matrix, k: Matrix, v: Matrix, out: Matrix, sums: Matrix, gradient: Matrix
) -> tuple[Matrix, Matrix, Matrix]:
    """Gradients with respect to q, k and v of one head, the scores computed again.

    References
    ----------
    Dao 2023, FlashAttention-2, arXiv:2307.08691, algorithm 2.
    """
    scale = np.float32(q.shape[1] ** -0.5)
    dq, dk, dv = np.empty_like(q), np.zeros_like(k), np.zeros_like(v)
    row = (gradient * out).sum(axis=1, keepdims=True)
    for start in range(0, len(q), _BLOCK):
        stop = min(start + _BLOCK, len(q))
        weights = _scores(q, k, start, stop)
        weights -= sums[start:stop]
        np.exp(weights, out=weights)
        dv[:stop] += weights.T @ gradient[start:stop]
        change = gradient[start:stop] @ v[:stop].T
        change -= row[start:stop]
        change *= weights
        change *= scale
        dq[start:stop] = change @ k[:stop]
        dk[:stop] += change.T @ q[start:stop]
    return dq, dk, dv
