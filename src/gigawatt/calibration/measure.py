"""Timing a device: warm-up, random data, flushed caches, medians until they stand still.

A :class:`Backend` makes operands and runs one shape; everything else (what is a good median, when the
time is up, what a row holds) is here and the same for every backend. The rows have the columns of the
published kernel tables of aiconfigurator where these have one.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Protocol

import numpy as np

from gigawatt.calibration.plan import ATTENTION, COLLECTIVES, ELEMENT, Job, Rates
from gigawatt.core.errors import InfeasibleError

__all__ = [
    "COLUMNS",
    "DTYPES",
    "Backend",
    "Device",
    "Measured",
    "Unsupported",
    "first_look",
    "make_row",
    "measure",
    "median_time",
    "write_rows",
]

DTYPES: Mapping[str, str] = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32", "fp8": "fp8"}
"""Number format → what the tables call it."""

COLUMNS = (
    "device_id", "framework", "fw_version", "device", "op_name", "kernel_source", "gemm_dtype", "attn_dtype",
    "kv_cache_dtype", "nccl_dtype", "m", "n", "k", "batch_size", "isl_tokens", "num_heads",
    "num_key_value_heads", "head_dim", "beam_width", "past_kv_tokens", "window_size", "num_gpus",
    "message_size", "latency_ms", "layout", "spread", "repeats", "clock_mhz", "training_shape", "judges",
    "partial", "host", "date",
)  # fmt: skip
"""Columns of a measured file; empty where a row has none."""

_WARM_UP = 2
_CHUNK = 3  # repeats between two looks at the spread
_MOST = 40  # repeats
_STILL = 0.01  # standard error of the median, as a share of it, that is small enough
_ERROR_OF_MEDIAN = 1.2533 * 1.4826  # √(π/2) times the factor from the median deviation to the standard one
_SHARE = 1 / 60  # of the budget, that one shape may take
_LONGEST = 0.4  # seconds that one shape may take
_FAILURES = 3  # of a kind and format, after which it is left out
_WATCH, _WATCHED = 0.07, 512  # how often, as a share of the budget, and which edge is timed again
_STEADY = 1.15  # ratio of those times up to which nothing is said
_LOOK = 5e-3  # seconds that a first look wants to see


class Unsupported(Exception):
    """The device or the library cannot run this; the text says why."""


@dataclass(frozen=True, slots=True)
class Device:
    """What is measured: as its driver and its library name it.

    ``units`` processors (threads on a CPU), ``memory`` and ``cache`` in bytes, ``power_limit`` in W
    (each 0 where unknown), ``count`` devices of this kind at hand.
    """

    name: str
    kind: str
    framework: str
    version: str
    units: int
    memory: float
    cache: float
    power_limit: float = 0.0
    count: int = 1


class Backend(Protocol):
    """A library that runs multiplications, attention and copies on one device."""

    @property
    def device(self) -> Device:
        """The device that is measured."""
        ...

    def formats(self) -> Mapping[str, str]:
        """Number formats by name: empty where it runs, else why it does not."""
        ...

    def attention_formats(self) -> Sequence[str]:
        """Number formats that attention is computed in."""
        ...

    @property
    def grouped(self) -> bool:
        """Whether attention runs with fewer key-value heads than query heads."""
        ...

    def prepare(self, job: Job) -> Callable[[], object]:
        """Operands of random data, and the call that is timed; raises :class:`Unsupported`."""
        ...

    def sample(self, call: Callable[[], object], repeats: int) -> list[float]:
        """Seconds of each of ``repeats`` calls, the caches flushed before each."""
        ...

    def kernel_source(self, job: Job) -> str:
        """The library routine that ran."""
        ...

    def clock(self) -> float | None:
        """The device's clock now [MHz], or ``None``."""
        ...


@dataclass
class Measured:
    """Rows so far, what could not be measured and why, and whether the plan was cut short."""

    device: Device
    rows: list[dict[str, object]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    partial: bool = False

    def of(self, *operations: str, number_format: str | None = None) -> list[dict[str, object]]:
        """Rows of these operations (and of this number format)."""
        dtype = None if number_format is None else DTYPES[number_format]
        return [
            row
            for row in self.rows
            if row["op_name"] in operations
            and (dtype is None or dtype in (row["gemm_dtype"], row["attn_dtype"]))
        ]

    def notice(self, text: str) -> None:
        """Keep a notice once."""
        if text not in self.notices:
            self.notices.append(text)


def median_time(backend: Backend, call: Callable[[], object], limit: float) -> tuple[float, float, int]:
    """(median [s], its standard error as a share, repeats) of a call.

    Runs until the standard error is below one per cent, ``limit`` seconds have passed or forty runs are done.
    """
    began = time.monotonic()
    found: list[float] = []
    backend.sample(call, 1)
    if time.monotonic() - began < limit / 4:
        backend.sample(call, _WARM_UP - 1)
    while True:
        found.extend(backend.sample(call, _CHUNK))
        times = np.asarray(found)
        median = float(np.median(times))
        deviation = float(np.median(np.abs(times - median)))
        error = _ERROR_OF_MEDIAN * deviation / (median * math.sqrt(len(found))) if median > 0.0 else 0.0
        passed = time.monotonic() - began
        steady = error <= _STILL and len(found) > _CHUNK
        if steady or len(found) >= _MOST or passed + passed / len(found) * _CHUNK > limit:
            return median, error, len(found)


def first_look(backend: Backend, formats: Iterable[str]) -> Rates:
    """Rates of multiplications by format and of memory, from a few growing shapes."""

    def grow(make: Callable[[int], Job], size: int, most: int) -> tuple[Job, float]:
        found: tuple[Job, float] | None = None
        while size <= most:
            job = make(size)
            try:
                call = backend.prepare(job)
                backend.sample(call, 1)
                found = job, max(min(backend.sample(call, 2)), 1e-9)
            except (MemoryError, RuntimeError):
                break
            if found[1] >= _LOOK:
                break
            size *= 2
        if found is None:
            raise InfeasibleError(f"{backend.device.name} does not run {make(size).describe}")
        return found

    rates: dict[str, float] = {}
    for form in formats:
        job, seconds = grow(lambda edge, form=form: Job("gemm", form, edge, edge, edge), 256, 8192)
        rates[form] = job.flops / seconds
    copied, seconds = grow(lambda size: Job("memory_copy", "bytes", size=size), 1 << 22, 1 << 28)
    return Rates(rates, copied.moved / seconds, backend.device.memory or 4e9)


def make_row(device: Device, job: Job, source: str, times: tuple[float, float, int]) -> dict[str, object]:
    """A row of the measured file."""
    row: dict[str, object] = dict.fromkeys(COLUMNS, "")
    dtype = DTYPES.get(job.number_format, job.number_format)
    row |= {
        "device_id": "_".join(device.name.lower().split()),
        "framework": device.framework,
        "fw_version": device.version,
        "device": device.name,
        "op_name": job.operation,
        "kernel_source": source,
        "latency_ms": f"{times[0] * 1e3:.6g}",
        "spread": f"{times[1]:.3g}",
        "repeats": times[2],
        "training_shape": int(job.training),
        "judges": 0,
        "partial": 0,
        "host": platform.node(),
        "date": date.today().isoformat(),
    }
    if job.operation == "gemm":
        row |= {"gemm_dtype": dtype, "m": job.m, "n": job.n, "k": job.k, "layout": job.layout}
    elif job.operation in ATTENTION:
        row |= {
            "attn_dtype": dtype, "kv_cache_dtype": dtype, "batch_size": job.batch, "isl_tokens": job.m,
            "num_heads": job.heads, "num_key_value_heads": job.shared, "head_dim": job.k, "beam_width": 1,
            "past_kv_tokens": 0, "window_size": 0,
        }  # fmt: skip
    elif job.operation in COLLECTIVES:
        row |= {
            "nccl_dtype": job.number_format,
            "num_gpus": job.devices,
            "message_size": job.size // ELEMENT[job.number_format],
        }
    else:
        row |= {"message_size": job.size}
    return row


def measure(
    backend: Backend,
    jobs: Sequence[Job],
    *,
    seconds: float,
    into: Measured,
    report: Callable[[str, float], None] = lambda text, share: None,
) -> None:
    """Time ``jobs`` in their order until ``seconds`` are used up; rows are added to ``into``.

    A shape that does not run (memory, an unsupported number format) is left out with a notice. On an
    interrupt ``into`` holds what was measured so far and is marked partial.
    """
    began = time.monotonic()
    watch = _Watch(backend, next((job for job in jobs if job.operation == "gemm"), None), seconds)
    skipped: set[tuple[str, str]] = set()
    failed: Counter[tuple[str, str]] = Counter()
    into.partial = True
    for index, job in enumerate(jobs):
        passed = time.monotonic() - began
        if passed >= seconds:
            break
        watch.look(passed)
        report(f"{job.operation.replace('_', ' ')} {job.describe}", max(passed / seconds, index / len(jobs)))
        if (job.operation, job.number_format) in skipped:
            continue
        try:
            times = median_time(backend, backend.prepare(job), min(seconds * _SHARE, _LONGEST))
        except Unsupported as reason:
            skipped.add((job.operation, job.number_format))
            into.notice(f"{job.operation} in {job.number_format} is left out: {reason}")
            continue
        except MemoryError:
            into.notice(f"{job.operation} {job.describe} is left out: not enough memory")
            continue
        except RuntimeError as error:  # what a library raises on a shape that it cannot run
            failed[job.operation, job.number_format] += 1
            if failed[job.operation, job.number_format] >= _FAILURES:
                skipped.add((job.operation, job.number_format))
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
            into.notice(f"{job.operation} {job.describe} is left out: {reason}")
            continue
        row = make_row(backend.device, job, backend.kernel_source(job), times)
        clock = backend.clock()
        row["clock_mhz"] = "" if clock is None else f"{clock:.0f}"
        into.rows.append(row)
    drift = watch.drift
    if drift > _STEADY:
        into.notice(
            f"the machine's own speed varied by a factor of {drift:.2f} while it was measured (other work, "
            "clocks): the errors hold that too"
        )
    into.partial = False


class _Watch:
    """One shape timed again and again through the run: whether the machine itself stands still."""

    def __init__(self, backend: Backend, job: Job | None, seconds: float) -> None:
        self.backend, self.job, self.every = backend, job, seconds * _WATCH
        self.times: list[float] = []

    def look(self, passed: float) -> None:
        """Time the shape, where it is due ``passed`` seconds into the run."""
        if self.job is None or passed < self.every * len(self.times):
            return
        try:
            call = self.backend.prepare(replace(self.job, m=_WATCHED, n=_WATCHED, k=_WATCHED))
            self.backend.sample(call, 1)
            self.times.append(float(np.median(self.backend.sample(call, _CHUNK))))
        except (Unsupported, MemoryError, RuntimeError):
            self.job = None

    @property
    def drift(self) -> float:
        """Ninth over first tenth of the times (1: steady)."""
        if len(self.times) < _CHUNK:
            return 1.0
        low, high = np.quantile(self.times, (0.1, 0.9))
        return float(high / low)


def write_rows(measured: Measured, file: Path) -> None:
    """Write the rows to ``file`` (.csv, or .parquet through DuckDB): whole or not at all."""
    import csv

    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with draft.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list[str](COLUMNS))
            writer.writeheader()
            for row in measured.rows:
                writer.writerow(row | {"partial": int(measured.partial)})
        if file.suffix == ".parquet":
            _to_parquet(draft)
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _to_parquet(draft: Path) -> None:
    import duckdb

    made = draft.with_name(f"{draft.name}.parquet")
    source, target = (str(path).replace("'", "''") for path in (draft, made))
    with duckdb.connect() as connection:
        connection.execute(f"copy (from read_csv('{source}', header = true)) to '{target}' (format parquet)")
    os.replace(made, draft)
