"""Which shapes to measure, in an order of which every beginning covers the space.

Streams of jobs (matrix multiplications of each number format, attention forward and backward, copies) are
dealt in turn. Each begins with its largest shape, so that the best rate is known early, and goes on
with a low-discrepancy sequence in the logarithms of the sizes, mixed with shapes that training has:
forward, input gradient and weight gradient of published models, whole and split over tensor ranks.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gigawatt.workload.operations import FORMAT_BYTES

__all__ = [
    "ATTENTION",
    "COLLECTIVES",
    "COPIES",
    "ELEMENT",
    "JUDGED",
    "Job",
    "Rates",
    "collective_jobs",
    "is_judged",
    "make_plan",
]

ATTENTION = ("context_attention", "context_attention_backward")
COPIES = ("memory_copy", "host_to_device", "device_to_host")
COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "alltoall")

ELEMENT: Mapping[str, int] = {"half": 2, "float": 4}
"""Bytes of an element of a collective (exact)."""

JUDGED = 5
"""Of every so many shapes of a kind one is kept from the fit and judges it (odd, as the plan alternates)."""

_MODELS = (
    "llama-3.1-8b", "gpt3-175b", "qwen3-0.6b", "llama-3.1-70b", "gpt2", "deepseek-v3", "tinyllama-1.1b",
    "mixtral-8x7b", "qwen3-14b", "gpt3-1.3b", "llama-3.1-405b", "gpt2-xl",
)  # fmt: skip
_TENSOR = (1, 2, 4, 8)
_TOKENS = (256, 1024, 4096, 8192)
_LARGEST = 16384  # edge of the largest square multiplication
_DEEPEST = 65536
_HEAD_WIDTHS = (128, 64, 128, 256)
_SHARED_HEADS = (1, 4, 8)  # query heads to a key-value head
_MOST = {"gemm": 320, "context_attention": 96, "context_attention_backward": 64, "memory_copy": 40}
_WEIGHTS = {"gemm": 5, "context_attention": 3, "context_attention_backward": 1, "memory_copy": 1}
_ASIDE = 40  # shapes of a number format that has no surface of its own
_REPEATS = 6  # runs of a job that the estimate of its cost counts
_FIXED = 3e-3  # seconds of a job besides its runs: operands, waiting
_JOB_SHARE = 1 / 80  # of the budget, that one job may take
_LONGEST = 0.05  # seconds of one run, of which more tell no more
_SHORTEST = 1e-3  # of the longest attention, that the shortest takes
_MEMORY_SHARE = 1 / 4  # of the device's memory, that one job may hold


@dataclass(frozen=True, slots=True)
class Job:
    """One shape to measure.

    ``gemm``: m × k by k × n, operands stored as ``layout`` says (nt forward, nn input gradient, tn weight
    gradient). Attention: ``batch`` sequences of m query tokens and n keys, causal, ``heads`` query heads
    of width k over ``shared`` heads of keys and values. Copies and collectives: ``size`` bytes (of a
    collective as the number of elements that ``nccl-tests`` counts, times their width) over ``devices``.
    """

    operation: str
    number_format: str
    m: int = 1
    n: int = 1
    k: int = 1
    layout: str = "nt"
    batch: int = 1
    heads: int = 1
    shared: int = 1
    size: int = 0
    devices: int = 1
    training: bool = False

    @property
    def flops(self) -> float:
        """FLOPs as computed; the causal half of attention, five multiplications backward for two forward."""
        if self.operation == "gemm":
            return 2.0 * self.m * self.n * self.k
        if self.operation in ATTENTION:
            forward = 2.0 * self.batch * self.heads * self.k * self.m * (self.n + 1.0)
            return forward * (2.5 if self.operation == ATTENTION[1] else 1.0)
        return 0.0

    @property
    def moved(self) -> float:
        """Least bytes to and from device memory."""
        width = FORMAT_BYTES.get(self.number_format, 1.0)
        if self.operation == "gemm":
            return width * (self.m * self.k + self.k * self.n + self.m * self.n)
        if self.operation in ATTENTION:
            return 2.0 * width * self.batch * self.m * self.k * (self.heads + self.shared)
        return 2.0 * self.size if self.operation == "memory_copy" else float(self.size)

    @property
    def held(self) -> float:
        """Bytes of memory that the job needs at once."""
        if self.operation == ATTENTION[1]:
            return 5.0 * self.moved
        return self.moved

    @property
    def describe(self) -> str:
        """The shape in few words."""
        if self.operation == "gemm":
            return f"{self.number_format} {self.m}×{self.n}×{self.k}"
        if self.operation in ATTENTION:
            return f"{self.number_format} {self.batch}×{self.heads} heads of {self.k}, {self.m} tokens"
        return f"{self.size / 1e6:.3g} MB" + (f" over {self.devices}" if self.devices > 1 else "")


@dataclass(frozen=True, slots=True)
class Rates:
    """What a first look found: FLOP/s by number format, bytes/s of memory, bytes of memory."""

    flops: Mapping[str, float]
    bandwidth: float
    memory: float

    def seconds(self, job: Job) -> float:
        """About how long one run of ``job`` takes."""
        rate = self.flops.get(job.number_format, 0.0)
        if job.operation in ATTENTION:
            rate /= 2.0
        return max(job.flops / rate if rate else 0.0, job.moved / self.bandwidth)


def is_judged(index: int) -> bool:
    """Whether the ``index``-th measured shape of a kind is kept from the fit."""
    return index % JUDGED == JUDGED - 1


def _sequence(dimensions: int) -> Iterator[np.ndarray]:
    """Points in [0, 1) of Roberts's additive low-discrepancy sequence; every prefix is spread evenly.

    References
    ----------
    M. Roberts 2018, "The unreasonable effectiveness of quasirandom sequences" (R-sequence).
    """
    root = 2.0
    for _ in range(60):  # the root above 1 of x^(d+1) = x + 1
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1.0)
    for index in itertools.count(1):
        yield (0.5 + index * steps) % 1.0


def _log(low: float, high: float, share: float, multiple: int) -> int:
    """The multiple of ``multiple`` nearest to the point ``share`` of the way from low to high, in logs."""
    value = low * (high / low) ** share
    return max(round(value / multiple), 1) * multiple


class _Bounds:
    """What one job may take of the time and of the memory."""

    def __init__(self, rates: Rates, seconds: float) -> None:
        self.rates, self.seconds = rates, min(seconds * _JOB_SHARE / _REPEATS, _LONGEST)
        self.memory = rates.memory * _MEMORY_SHARE

    def fit(self, job: Job) -> bool:
        return self.rates.seconds(job) <= self.seconds and job.held <= self.memory

    def largest_square(self, number_format: str) -> int:
        edge = _LARGEST
        while edge > 64 and not self.fit(Job("gemm", number_format, edge, edge, edge)):
            edge //= 2
        return edge


def _training_shapes() -> list[tuple[int, int, int, str]]:
    """(m, n, k, layout) of the matrix multiplications of a layer of published models, shuffled."""
    from gigawatt.workload.operations import block_operations
    from gigawatt.workload.reader import read_architecture

    found: dict[tuple[int, int, int, str], None] = {}
    for name in _MODELS:
        architecture = read_architecture(name)
        for tokens in _TOKENS:
            for op in block_operations(
                architecture,
                architecture.blocks[0],
                microbatch=1,
                sequence=float(tokens),
                tensor=np.asarray(_TENSOR, dtype=float),
                context=1,
                expert=1,
                sequence_parallel=0,
                number_format="bf16",
            ):
                if op.kind == "gemm":
                    kind = op.name.rpartition(".")[2]
                    layout = {"input_gradient": "nn", "weight_gradient": "tn"}.get(kind, "nt")
                    sizes = np.broadcast_arrays(op.m, op.n, op.k, np.ones(len(_TENSOR)))[:3]
                    for m, n, k in zip(*sizes, strict=True):
                        found[int(m), int(n), int(k), layout] = None
    shapes = list(found)
    return [shapes[i] for i in np.random.default_rng(0).permutation(len(shapes))]


def _multiplications(number_format: str, bounds: _Bounds) -> Iterator[Job]:
    edge = bounds.largest_square(number_format)
    yield Job("gemm", number_format, edge, edge, edge)
    training = iter(_training_shapes())
    for turn, point in enumerate(_sequence(3)):
        multiple = (64, 8, 128)[turn % 3]
        m, n, k = (
            _log(16, _LARGEST, point[0], 16),
            _log(64, _LARGEST, point[1], multiple),
            _log(64, _DEEPEST, point[2], multiple),
        )
        job = Job("gemm", number_format, m, n, k, ("nt", "nn", "tn")[turn % 3])
        while not bounds.fit(job) and max(m, n, k) > 64:
            m, n, k = (max(int(x * 0.8) // 16 * 16, 16) for x in (m, n, k))
            job = Job("gemm", number_format, m, n, k, job.layout)
        yield job
        for m, n, k, layout in training:
            job = Job("gemm", number_format, m, n, k, layout, training=True)
            if bounds.fit(job):
                yield job
                break


def _attention(operation: str, number_format: str, bounds: _Bounds, grouped: bool) -> Iterator[Job]:
    for turn, point in enumerate(_sequence(4)):
        tokens = _LARGEST if turn == 0 else _log(128, _LARGEST, point[0], 64)
        heads = 2 ** round(2 + 4 * point[1])
        shared = max(heads // _SHARED_HEADS[turn % 3], 1) if grouped else heads
        width = _HEAD_WIDTHS[turn % 4]
        batch = 2 ** round(5 * point[2])
        most = bounds.seconds * (1.0 if turn == 0 else _SHORTEST ** point[3])
        while True:
            job = Job(operation, number_format, tokens, tokens, width, "nt", batch, heads, shared)
            if bounds.fit(job) and bounds.rates.seconds(job) <= most:
                break
            if batch > 1:
                batch //= 2
            elif heads > 4 or (tokens <= 64 and heads > 1):
                heads, shared = heads // 2, max(shared // 2, 1)
            elif tokens > 64:
                tokens = max(tokens // 2, 64)
            else:
                break  # the smallest there is
        yield job


def _copies(operation: str, bounds: _Bounds) -> Iterator[Job]:
    """Powers of two down from the largest, then between them: each pass halves the gaps."""
    largest = 30
    while largest > 16 and not bounds.fit(Job(operation, "bytes", size=1 << largest)):
        largest -= 1
    for halvings in range(4):
        step = 8 >> halvings
        for exponent in range(largest, 11, -step):
            if halvings == 0 or (largest - exponent) // step % 2 == 1:
                yield Job(operation, "bytes", size=1 << exponent)
    for exponent in range(largest - 1, 11, -1):
        yield Job(operation, "bytes", size=3 << (exponent - 1))


def _unlike(jobs: Iterable[Job], most: int) -> Iterator[Job]:
    """The first ``most`` jobs, each shape once."""
    seen: set[Job] = set()
    for job in itertools.islice(jobs, 8 * most):
        if job not in seen:
            seen.add(job)
            yield job
            if len(seen) >= most:
                return


def make_plan(
    *,
    formats: Iterable[str],
    attention_formats: Iterable[str],
    rates: Rates,
    seconds: float,
    host_copies: bool = False,
    grouped: bool = True,
    fitted: Collection[str] = (),
) -> list[Job]:
    """The jobs for a budget of ``seconds``, best order first.

    Parameters
    ----------
    formats, attention_formats : iterable of str
        Number formats that the device multiplies, and computes attention, in.
    fitted : collection of str
        Formats that get a surface of their own; of the others only some shapes are measured.
    rates : Rates
        Of a first look; no job takes more than an eightieth of the budget, 50 ms a run, a quarter of the
        memory.
    seconds : float [s]
        Budget; the plan ends where its estimate is used up.
    host_copies : bool
        Whether copies between host and device are asked for.
    grouped : bool
        Whether query heads may share key-value heads.

    Returns
    -------
    list of Job
        Each shape once; a prefix of it covers every operation and the range of sizes.
    """
    bounds = _Bounds(rates, seconds)
    streams: list[tuple[int, Iterator[Job]]] = []
    for operation, names in (("gemm", formats), *((name, attention_formats) for name in ATTENTION)):
        for form in names:
            made = (
                _multiplications(form, bounds)
                if operation == "gemm"
                else _attention(operation, form, bounds, grouped)
            )
            main = not fitted or form in fitted
            weight = _WEIGHTS[operation] if main else 1
            streams.append((weight, _unlike(made, _MOST[operation] if main else _ASIDE)))
    copies = COPIES if host_copies else COPIES[:1]
    streams.extend((1, _unlike(_copies(name, bounds), _MOST["memory_copy"])) for name in copies)
    plan: list[Job] = []
    left = seconds
    while streams and left > 0.0:
        for weight, stream in list(streams):
            taken = list(itertools.islice(stream, weight))
            plan.extend(taken)
            left -= sum(_FIXED + _REPEATS * rates.seconds(job) for job in taken)
            if len(taken) < weight:
                streams.remove((weight, stream))
    return plan


def collective_jobs(*, devices: int, memory: float, gpu: bool) -> list[Job]:
    """All-reduce, all-gather, reduce-scatter and all-to-all by size, the ends first, then between.

    Sizes go to 256 MB between GPUs and to 16 MB between processes of a CPU; elements are halves and floats.
    """
    largest = 28 if gpu else 24
    while largest > 20 and (1 << largest) > memory * _MEMORY_SHARE / 4:
        largest -= 1
    exponents = list(range(largest, 9, -1))
    order = sorted(range(len(exponents)), key=lambda i: (-(i & -i) if i else -(1 << 30), i))
    return [
        Job(operation, "half" if gpu else "float", size=1 << exponents[i], devices=devices)
        for i in order
        for operation in COLLECTIVES
    ]
