"""A device made of the catalog's own H100: times as predicted, seeded noise, a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gigawatt.calibration.measure import Device, Unsupported, make_row
from gigawatt.calibration.plan import ATTENTION, COPIES, Job
from gigawatt.calibration.report import predicted_times
from gigawatt.machine.load import load_chip

NAME = "NVIDIA H100 80GB HBM3"


class MadeDevice:
    """Predicted times of ``H100-SXM5-80GB``, ``slower``, with ``noise``; ``time`` adds them up."""

    grouped = True

    def __init__(self, *, slower: float = 1.0, noise: float = 0.02, name: str = NAME) -> None:
        self.chip = load_chip("H100-SXM5-80GB")
        self.device = Device(
            name=name, kind="GPU", framework="made", version="1", units=int(self.chip.units),
            memory=85e9, cache=50e6, power_limit=690.0,
        )  # fmt: skip
        self.slower, self.noise, self.time = slower, noise, 0.0
        self.random = np.random.default_rng(0)
        self.calls = 0
        self.stop_at: int | None = None

    def monotonic(self) -> float:
        return self.time

    def formats(self) -> Mapping[str, str]:
        return {"bf16": "", "fp16": "", "fp32": "no", "fp8": ""}

    def attention_formats(self) -> Sequence[str]:
        return ("bf16",)

    def kernel_source(self, job: Job) -> str:
        return "made"

    def clock(self) -> float | None:
        return 1755.0

    def prepare(self, job: Job) -> Callable[[], float]:
        if job.operation == "gemm" and job.number_format == "fp32":
            raise Unsupported("no")
        if job.operation in COPIES:
            seconds = 3e-6 + job.moved / (3.0e12 if job.operation == COPIES[0] else 50e9)
        else:
            assert job.operation in ("gemm", *ATTENTION)
            row = make_row(self.device, job, "made", (1.0, 0.0, 1))
            seconds = float(predicted_times(self.chip, [row], job.number_format)[0])
        return lambda: self.slower * seconds

    def sample(self, call: Callable[[], object], repeats: int) -> list[float]:
        found: list[float] = []
        for _ in range(repeats):
            self.calls += 1
            if self.stop_at is not None and self.calls >= self.stop_at:
                raise KeyboardInterrupt
            found.append(float(call()) * float(np.exp(self.noise * self.random.standard_normal())))  # type: ignore[arg-type]
            self.time += found[-1] + 1e-4
        return found
