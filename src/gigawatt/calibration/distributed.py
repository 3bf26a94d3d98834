"""Collectives through torch.distributed: one process a device (NCCL, RCCL), or two on a CPU (Gloo)."""

from __future__ import annotations

import math
import os
import socket
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from gigawatt.calibration.measure import Measured, make_row
from gigawatt.calibration.plan import Job
from gigawatt.calibration.torch_backend import import_torch

__all__ = ["measure_collectives"]

_REPEATS = 20
_FEWEST = 3
_SHARE = 1 / 100  # of the budget, that one size may take
_WAIT = 30.0  # seconds that a rank waits for another


def measure_collectives(jobs: Sequence[Job], *, gpu: bool, seconds: float, into: Measured) -> None:
    """Time collectives over ``jobs[0].devices`` processes and add their rows to ``into``.

    Each collective runs between barriers; its time is the slowest rank's median. What the library does
    not offer (Gloo has no reduce-scatter in older versions) is left out with a notice.
    """
    torch = import_torch()
    ranks = jobs[0].devices
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "rows.json"
        context = torch.multiprocessing.spawn(
            _rank, args=(ranks, gpu, list(jobs), seconds, _free_port(), str(answer)), nprocs=ranks, join=False
        )
        ends = time.monotonic() + seconds + 4.0 * _WAIT
        try:
            while not context.join(timeout=1.0):
                if time.monotonic() > ends:
                    into.notice("collectives are left out: the processes did not finish")
                    return
        except Exception as error:
            into.notice(f"collectives are left out: {str(error).strip().splitlines()[-1][:160]}")
            return
        finally:
            for process in context.processes:
                if process.is_alive():
                    process.terminate()
        _collect(answer, jobs, gpu, into)


def _collect(answer: Path, jobs: Sequence[Job], gpu: bool, into: Measured) -> None:
    import json

    found = json.loads(answer.read_text(encoding="utf-8"))
    for reason in found["notices"]:
        into.notice(reason)
    for index, median, error, repeats in found["times"]:
        into.rows.append(
            make_row(into.device, jobs[index], "NCCL" if gpu else "Gloo", (median, error, repeats))
        )


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("", 0))
        return int(door.getsockname()[1])


def _rank(rank: int, ranks: int, gpu: bool, jobs: list[Job], seconds: float, port: int, answer: str) -> None:
    """One process: every rank runs the same jobs; rank 0 says when the time is up and writes the answer."""
    import json

    torch = import_torch()
    warnings.simplefilter("ignore")  # of names that newer versions of torch prefer
    distributed = torch.distributed
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    where = torch.device(f"cuda:{rank}" if gpu else "cpu")
    if gpu:
        torch.cuda.set_device(where)
    distributed.init_process_group(
        "nccl" if gpu else "gloo", rank=rank, world_size=ranks, timeout=timedelta(seconds=_WAIT)
    )
    times: list[tuple[int, float, float, int]] = []
    notices: dict[str, str] = {}
    began = time.monotonic()
    for index, job in enumerate(jobs):
        over = torch.tensor([float(time.monotonic() - began > seconds)], device=where)
        distributed.broadcast(over, 0)
        if over.item():
            break
        if job.operation in notices:
            continue
        try:
            found = _times(torch, job, ranks, where, seconds * _SHARE)
        except (RuntimeError, ValueError, NotImplementedError, AttributeError) as error:
            notices[job.operation] = f"{job.operation} is left out: {str(error).splitlines()[0][:120]}"
            continue
        values = torch.tensor(found, device=where, dtype=torch.float64)
        distributed.all_reduce(values, distributed.ReduceOp.MAX)
        median = float(values.median())
        error = float((values - median).abs().median()) / median / math.sqrt(len(found))
        times.append((index, median, error, len(found)))
    if rank == 0:
        Path(answer).write_text(
            json.dumps({"times": times, "notices": [*notices.values()]}), encoding="utf-8"
        )
    distributed.destroy_process_group()


def _times(torch: Any, job: Job, ranks: int, where: Any, limit: float) -> list[float]:
    """Seconds of each repeat on this rank; all ranks agree on how many ``limit`` seconds allow."""
    call = _call(torch, job, ranks, where)
    found: list[float] = []
    repeats = 2
    while len(found) < repeats:
        torch.distributed.barrier()
        if where.type == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        call()
        if where.type == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
        if len(found) == repeats == 2:
            slowest = torch.tensor(found[1], device=where, dtype=torch.float64)
            torch.distributed.all_reduce(slowest, torch.distributed.ReduceOp.MAX)
            repeats = 2 + max(min(int(limit / max(float(slowest), 1e-9)), _REPEATS), _FEWEST)
    return found[2:]


def _call(torch: Any, job: Job, ranks: int, where: Any) -> Callable[[], object]:
    """The collective of ``job.size`` bytes: of the whole for all-reduce and all-to-all, the result of an
    all-gather and the input of a reduce-scatter, as nccl-tests counts."""
    distributed = torch.distributed
    dtype = (
        torch.float16 if where.type == "cuda" else torch.float32
    )  # Gloo reduces no halves in some versions
    count = max(job.size // torch.finfo(dtype).bits * 8 // ranks, 1) * ranks
    whole = torch.randn(count, device=where).to(dtype)
    part = torch.empty(count // ranks, dtype=dtype, device=where)
    if job.operation == "all_reduce":
        return lambda: distributed.all_reduce(whole)
    if job.operation == "all_gather":
        return lambda: distributed.all_gather_into_tensor(whole, part)
    if job.operation == "reduce_scatter":
        return lambda: distributed.reduce_scatter_tensor(part, whole)
    target = torch.empty_like(whole)
    return lambda: distributed.all_to_all_single(target, whole)
