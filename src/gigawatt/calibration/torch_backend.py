"""torch as a backend: CUDA, ROCm (which torch calls CUDA too) and CPU.

torch is imported when a backend is made, never with the package.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gigawatt.calibration.measure import Device, Unsupported
from gigawatt.calibration.numpy_backend import cache_bytes, cpu_name, host_memory
from gigawatt.calibration.plan import ATTENTION, Job
from gigawatt.core.checks import check_word
from gigawatt.core.errors import MissingDataError

__all__ = ["TorchBackend", "import_torch"]

_FLUSHED_CPU = 32e6
_FLUSHED_GPU = (
    256e6  # above the last-level cache of every device in the catalog; hides the host's launch time
)
_POOL = 1 << 20  # random values to begin with
_ATTENTION = ("bf16", "fp16", "fp32")


def import_torch() -> Any:
    """The torch module; without it one line says how to install it."""
    try:
        return importlib.import_module("torch")
    except ImportError:
        raise MissingDataError(
            "this needs torch, which is not installed",
            allowed="pip install 'gigawatt[calibrate]', or --backend numpy for this machine's CPU",
        ) from None


def _query(index: int, what: str) -> float | None:
    """A figure from nvidia-smi, where there is one."""
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", f"--id={index}", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
        return float(done.stdout.strip())
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


class TorchBackend:
    """Multiplications, attention and copies through torch on ``device`` (auto, cpu, cuda, cuda:0 …)."""

    def __init__(self, device: str = "auto") -> None:
        torch = self.torch = import_torch()
        found = torch.cuda.is_available()
        name = ("cuda" if found else "cpu") if device == "auto" else device
        allowed = [
            "auto",
            "cpu",
            *(["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))] if found else []),
        ]
        check_word("--device", name, allowed, "torch has no such device here")
        self.on = torch.device(name)
        self.gpu = self.on.type == "cuda"
        self.index = self.on.index or 0
        if self.gpu:
            torch.cuda.set_device(self.index)
        self._device = self._gpu() if self.gpu else self._cpu()
        self._flush = torch.zeros(
            int(_FLUSHED_GPU if self.gpu else min(self._device.cache or _FLUSHED_CPU, _FLUSHED_CPU)),
            dtype=torch.uint8,
            device=self.on,
        )
        self._out_of_memory: type[Exception] = torch.cuda.OutOfMemoryError
        self._pools: dict[str, Any] = {}
        self._clocked, self._clock = 0.0, None
        self.dtypes: dict[str, Any] = {
            "bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32,
            "fp8": getattr(torch, "float8_e4m3fn", None),
        }  # fmt: skip
        torch.backends.cuda.matmul.allow_tf32 = False
        self._grouped = self._takes_groups()

    def _gpu(self) -> Device:
        torch = self.torch
        found = torch.cuda.get_device_properties(self.index)
        hip = getattr(torch.version, "hip", None)
        return Device(
            name=found.name,
            kind="GPU",
            framework="torch",
            version=f"{torch.__version__} {'ROCm ' + hip if hip else 'CUDA ' + str(torch.version.cuda)}",
            units=int(found.multi_processor_count),
            memory=float(found.total_memory),
            cache=float(getattr(found, "L2_cache_size", 0) or 0),
            power_limit=_query(self.index, "power.limit") or 0.0,
            count=int(torch.cuda.device_count()),
        )

    def _cpu(self) -> Device:
        torch = self.torch
        return Device(
            name=cpu_name(),
            kind="CPU",
            framework="torch",
            version=str(torch.__version__),
            units=int(torch.get_num_threads()),
            memory=host_memory(),
            cache=cache_bytes(),
        )

    @property
    def device(self) -> Device:
        """The device that is measured."""
        return self._device

    def formats(self) -> Mapping[str, str]:
        """Formats that a small multiplication runs in; else the reason that torch gives."""
        found: dict[str, str] = {}
        for form in self.dtypes:
            try:
                call = self.prepare(Job("gemm", form, 64, 64, 64))
                self.sample(call, 1)
                found[form] = ""
            except (Unsupported, RuntimeError, ValueError, NotImplementedError) as error:
                found[form] = str(error).splitlines()[0][:120]
        return found

    def attention_formats(self) -> Sequence[str]:
        """Formats of attention: those of 16 and 32 bits in which a multiplication runs."""
        runs = self.formats()
        names = [form for form in _ATTENTION if not runs.get(form, "missing")]
        return names if not self.gpu else names[:1]

    @property
    def grouped(self) -> bool:
        """Whether fused attention takes fewer key-value heads than query heads: on GPUs, in newer torch."""
        return self._grouped

    def _takes_groups(self) -> bool:
        torch = self.torch
        if not self.gpu:
            return False
        q, k = (torch.zeros(1, heads, 64, 64, dtype=torch.float16, device=self.on) for heads in (4, 2))
        try:
            torch.nn.functional.scaled_dot_product_attention(q, k, k, is_causal=True, enable_gqa=True)
        except (TypeError, RuntimeError):
            return False
        return True

    def kernel_source(self, job: Job) -> str:
        """The torch routine that ran."""
        if job.operation == "gemm":
            return "torch_scaled_mm" if job.number_format == "fp8" else "torch_mm"
        return "torch_sdpa" if job.operation in ATTENTION else "torch_copy"

    def clock(self) -> float | None:
        """Clock of the processors [MHz] by nvidia-smi, asked at most every two seconds."""
        if not self.gpu:
            return None
        if time.monotonic() - self._clocked > 2.0:
            self._clock = _query(self.index, "clocks.sm")
            self._clocked = time.monotonic()
        return self._clock

    def sample(self, call: Callable[[], object], repeats: int) -> list[float]:
        """Seconds by device events, the last-level cache written over before each call.

        The write keeps the device busy while the host issues the call, so that the interval between the two
        events is the device's time and not the host's.
        """
        torch = self.torch
        try:
            if not self.gpu:
                found: list[float] = []
                for _ in range(repeats):
                    self._flush.add_(1)
                    began = time.perf_counter_ns()
                    call()
                    found.append((time.perf_counter_ns() - began) * 1e-9)
                return found
            events = [
                (torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True))
                for _ in range(repeats)
            ]
            for before, after in events:
                self._flush.zero_()
                before.record()
                call()
                after.record()
            torch.cuda.synchronize()
            return [before.elapsed_time(after) * 1e-3 for before, after in events]
        except self._out_of_memory as error:
            raise MemoryError(str(error)) from None

    def prepare(self, job: Job) -> Callable[[], object]:
        """Operands of random data and the call."""
        try:
            return self._prepare(job)
        except self._out_of_memory as error:
            self._pools.clear()
            self.torch.cuda.empty_cache()
            raise MemoryError(str(error)) from None

    def _prepare(self, job: Job) -> Callable[[], object]:
        torch = self.torch
        if job.operation == "gemm":
            return self._multiplication(job)
        if job.operation in ATTENTION:
            return self._attention(job)
        if job.operation == "memory_copy":
            source = torch.ones(job.size, dtype=torch.uint8, device=self.on)
            target = torch.zeros_like(source)
            return lambda: target.copy_(source)
        if job.operation in ("host_to_device", "device_to_host") and self.gpu:
            host = torch.ones(job.size, dtype=torch.uint8, pin_memory=True)
            there = torch.ones(job.size, dtype=torch.uint8, device=self.on)
            if job.operation == "host_to_device":
                return lambda: there.copy_(host, non_blocking=True)
            return lambda: host.copy_(there, non_blocking=True)
        raise Unsupported(f"{self.on.type} has no such operation")

    def _values(self, form: str, *shape: int) -> Any:
        """Normal random numbers: a prefix of the format's pool."""
        torch, count = self.torch, 1
        for size in shape:
            count *= size
        pool = self._pools.get(form)
        if pool is None or pool.numel() < count:
            self._pools.pop(form, None)
            draw = torch.randn(_POOL, device=self.on, generator=torch.Generator(self.on).manual_seed(0))
            draw = draw.to(self.dtypes[form])
            whole = torch.empty(max(count, _POOL), dtype=draw.dtype, device=self.on)
            for start in range(0, whole.numel(), _POOL):
                part = whole[start : start + _POOL]
                part.copy_(draw[: part.numel()])
            pool = self._pools[form] = whole
        return pool[:count].view(*shape)

    def _multiplication(self, job: Job) -> Callable[[], object]:
        torch, form = self.torch, job.number_format
        m, n, k = job.m, job.n, job.k
        if self.dtypes.get(form) is None:
            raise Unsupported(f"this torch has no {form}")
        self._values(form, max(m * k, n * k))
        if form == "fp8":
            if not self.gpu:
                raise Unsupported("torch multiplies fp8 on GPUs only")
            if n % 16 or k % 16:
                raise RuntimeError("torch multiplies fp8 in multiples of 16")
            left, right = self._values(form, m, k), self._values(form, n, k).t()
            one = torch.ones((), device=self.on)
            multiply = torch._scaled_mm
            return lambda: multiply(left, right, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)
        left = self._values(form, k, m).t() if job.layout == "tn" else self._values(form, m, k)
        right = self._values(form, n, k).t() if job.layout == "nt" else self._values(form, k, n)
        out = torch.empty(m, n, dtype=left.dtype, device=self.on)
        return lambda: torch.mm(left, right, out=out)

    def _attention(self, job: Job) -> Callable[[], object]:
        torch, form = self.torch, job.number_format
        if form not in _ATTENTION:
            raise Unsupported(f"torch computes no attention in {form}")
        backward = job.operation == ATTENTION[1]
        q = self._values(form, job.batch, job.heads, job.m, job.k).clone().requires_grad_(backward)
        k = self._values(form, job.batch, job.shared, job.n, job.k)
        v = k.flip(-1).requires_grad_(backward)
        k = k.clone().requires_grad_(backward)
        shares = {"enable_gqa": True} if job.shared < job.heads else {}

        def compute() -> Any:
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, **shares)

        if not backward:
            return compute
        out = compute()
        gradient = self._values(form, *q.shape).flip(-1)
        return lambda: torch.autograd.grad(out, (q, k, v), gradient, retain_graph=True)
