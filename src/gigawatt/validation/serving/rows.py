"""Measured serving rows: read, typed, and turned into what the step model can be asked.

The columns are those of a benchmark collection (:data:`COLUMNS`). A row says a model, a machine, a layout, an
engine and a load, and one or more of time to first token, time a token and throughput. What it leaves open is
filled in by rules that stand here, the same for every row.

*Layouts.* ``parallel_detail`` such as ``tp8 pp1 dp1 mtp1 ep8`` gives attention's tensor and data ranks and
the experts' tensor ranks and groups. Some collections write tensor · expert for what is one node's ranks
(tp64 … ep8 on eight accelerators); where the product exceeds a node and divides by the expert groups, it is
divided. Where data ranks are not given, they are the experts' ranks over attention's.
*Key-value cache.* Where a row is silent: FP8 for models quantised by their maker or run by TensorRT-LLM in
8 bit and less, else 16 bit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gigawatt.core.errors import InputError
from gigawatt.machine import Chip
from gigawatt.technology.digital.gpu import BITS
from gigawatt.validation.files import Refusal
from gigawatt.validation.rows import LARGEST, LEAST, cells_of, check_columns, number_of
from gigawatt.validation.serving.names import (
    EMPTY,
    architecture_named,
    blocked,
    chip_named,
    named,
    number_format,
)
from gigawatt.workload.architecture import Architecture

__all__ = ["COLUMNS", "MEASURED", "ServingCase", "case_of", "read_serving_rows"]

MEASURED = ("TTFT_ms", "TPOT_ms", "tok_s_total")
"""Columns of which a row must have one."""
COLUMNS = (
    "source", "accelerator", "model", "framework", "framework_version", "weight_prec", "kv_prec", "mode",
    "regime", "parallel_detail", "n_accel", "TP", "PP", "DP", "EP", "isl", "osl", "concurrency", *MEASURED,
)  # fmt: skip
_RATE = "request_rate"
_REQUIRED = ("source", "accelerator", "model", "isl", "osl", "regime")
_MOST = {"n_accel": 4096.0, "TP": 4096.0, "PP": 4096.0, "DP": 4096.0, "EP": 4096.0, "isl": 1e7, "osl": 1e7,
         "concurrency": 1e6}  # fmt: skip
_DETAIL = re.compile(r"tp(\d+) pp(\d+) dp(\d+|None) mtp(\d+) ep(\d+)")
_PLAIN = re.compile(r"TP\d+(,PP\d+)?")
"""Labels that repeat the columns ``TP`` and ``PP``."""
_LAYOUTS = "such as tp8 pp1 dp1 mtp1 ep8, or nothing beside TP, PP, DP, EP"
_NODE = 8.0
"""Accelerators of a node of the machines whose labels are mended."""
_MAKERS = re.compile(r"llama-3\.[13]-(70b|405b)", re.I)
"""Models that benchmarks run from their maker's quantised weights, with an 8-bit cache."""


@dataclass(frozen=True)
class ServingCase:
    """One measured row that can be asked of the step model.

    ``kind`` is ``closed`` (so many requests at once), ``static`` (one batch, all alike), ``peak`` (as many as
    it takes) or ``first`` (a prompt alone). ``tensor``, ``data``, ``expert``, ``expert_tensor``, ``pipeline``
    are the layout; ``measured`` maps ``ttft`` [s], ``tpot`` [s], ``throughput`` [output tokens/s of one
    replica].
    """

    line: int
    source: str
    model: str
    architecture: Architecture
    chip: Chip
    engine: str
    weights: str
    cache: str
    kind: str
    tensor: float
    data: float
    expert: float
    expert_tensor: float
    pipeline: float
    prompt: float
    output: float
    held: float
    label: str
    measured: Mapping[str, float] = field(repr=False)

    @property
    def group(self) -> tuple[str, str, str, str, str, str]:
        """What rows that are evaluated together have in common."""
        return (self.model, self.chip.id, self.engine, self.weights, self.cache, self.kind)

    @property
    def half(self) -> str:
        """Model, accelerator and framework: what is fitted or judged as one."""
        return f"{self.model}|{self.chip.id}|{self.engine.removesuffix('-offline')}"


def read_serving_rows(file: Path) -> list[dict[str, str]]:
    """Rows of a CSV or Parquet file as texts by column, with ``line``.

    Raises
    ------
    InputError
        No such file, a required column missing (with the nearest spelling), or none with a measurement.
    """
    names, cells = cells_of(file)
    check_columns(file, names, _REQUIRED, (*COLUMNS, _RATE))
    if not set(MEASURED) & set(names):
        raise InputError("nothing measured here", file=file, line=1, allowed=MEASURED)
    return [{**record, "line": str(line)} for line, record in cells]


def _number(row: Mapping[str, str], column: str) -> float | None:
    """The number of a cell, above zero.

    Raises
    ------
    InputError
        The cell is no number.
    Refusal
        A number that no run can have.
    """
    value = number_of(row, column, line=int(row["line"]))
    if value is None:
        return None
    if not LEAST <= value <= _MOST.get(column, LARGEST):
        raise Refusal(f"{column} is out of range", row[column])
    return value


def _layout(row: Mapping[str, str], chip: Chip) -> tuple[float, float, float, float, float]:
    """(tensor, data, expert, expert tensor, pipeline)."""
    detail = row.get("parallel_detail", "").strip()
    said = _DETAIL.fullmatch(detail)
    count, tensor, pipeline, data, expert = (
        _number(row, name) for name in ("n_accel", "TP", "PP", "DP", "EP")
    )
    if said is None:
        if detail not in EMPTY and not _PLAIN.fullmatch(detail):
            raise Refusal("the layout cannot be read", f"parallel_detail {detail!r}; allowed: {_LAYOUTS}")
        if tensor is None and count is None:
            raise Refusal("the layout is not given")
        pipeline, data, expert = pipeline or 1.0, data or 1.0, expert or 1.0
        tensor = tensor or max((count or 1.0) / pipeline, 1.0)
        return tensor, data, expert, max(tensor * data / expert, 1.0), pipeline
    tensor, pipeline = float(said[1]), float(said[2])
    expert = float(said[5])
    if not all(1.0 <= float(part) <= _MOST["TP"] for part in said.groups() if part != "None"):
        raise Refusal("degrees that no layout has", row.get("parallel_detail", ""))
    ranks = float(said[4]) * expert  # of the experts: all that a stage has
    data = max(ranks / tensor, 1.0) if said[3] == "None" else float(said[3])
    if tensor * data > _NODE and expert > 1.0 and not chip.id.startswith("GB"):
        tensor, data = (tensor / expert, data) if tensor > 1.0 else (tensor, data / expert)
    share = tensor * data / expert
    if share < 1.0 or share != int(share):
        raise Refusal("degrees that do not divide", row.get("parallel_detail", ""))
    if tensor * data * pipeline > _NODE:
        raise Refusal("a layout of several nodes, whose label may be of a disaggregated run")
    return tensor, data, expert, share, pipeline


def _kind(row: Mapping[str, str]) -> str:
    regime = row.get("regime", "")
    mode = row.get("mode", "").strip()
    if mode.startswith("disagg"):
        raise Refusal("disaggregated: pools of one row are not told apart")
    if mode not in EMPTY and not mode.startswith("agg"):
        raise Refusal("the mode is not known", f"{mode!r}; allowed: agg, disagg")
    if "first-token" in regime:
        return "first"
    if "static" in regime:
        return "static"
    if "closed-loop" in regime:
        return "closed"
    if "max throughput" in regime:
        return "peak"
    raise Refusal("a load whose lengths or rate are not in the row", regime[:40])


def case_of(row: Mapping[str, str]) -> ServingCase:
    """What a row asks.

    Raises
    ------
    Refusal
        With the reason: an unknown model or machine, no layout, no lengths, a label that cannot be.
    """
    kind = _kind(row)
    number_of(row, _RATE, line=int(row["line"]))
    chip, architecture = chip_named(row["accelerator"].strip()), architecture_named(row["model"])
    tensor, data, expert, expert_tensor, pipeline = _layout(row, chip)
    prompt, output = _number(row, "isl"), _number(row, "osl")
    if not prompt or not output:
        raise Refusal("lengths are not given")
    held = _number(row, "concurrency")
    if held is None and kind != "peak":
        held = 1.0 if kind == "first" else None
    if held is None and kind != "peak":
        raise Refusal("the number of requests at once is not given")
    framework = row.get("framework", "").strip()
    engine = _engine(framework, row)
    weights = number_format(row.get("weight_prec", "").strip())
    cache = row.get("kv_prec", "").strip()
    if cache in EMPTY or cache == "auto":
        own = engine.startswith("trtllm") or _MAKERS.search(row["model"]) is not None
        cache = "fp8" if weights in ("fp8", "fp4") and own else "bf16"
    cache = "bf16" if cache == "fp16" else cache
    if weights not in {*BITS, "int4"} or cache not in BITS:
        raise Refusal("the number format is not known", f"{weights} {cache}")
    measured = {
        name: value * scale
        for name, column, scale in (
            ("ttft", "TTFT_ms", 1e-3), ("tpot", "TPOT_ms", 1e-3), ("throughput", "tok_s_total", 1.0),
        )
        if (value := _number(row, column)) is not None
    }  # fmt: skip
    if not measured:
        raise Refusal("nothing measured that is predicted")
    return ServingCase(
        line=int(row["line"]), source=row["source"], model=architecture.name, architecture=architecture,
        chip=chip, engine=engine, weights=blocked(weights, row["model"]), cache=cache, kind=kind,
        tensor=tensor, data=data, expert=expert, expert_tensor=expert_tensor, pipeline=pipeline,
        prompt=prompt, output=output,
        held=held or 0.0, label=f"{row.get('framework_version', '')}|{row.get('parallel_detail', '')}",
        measured=measured,
    )  # fmt: skip


def _engine(framework: str, row: Mapping[str, str]) -> str:
    version = row.get("framework_version", "")
    if framework.startswith("trtllm") and version.startswith(("0.", "v0.")):
        return "trtllm-2024"
    if framework.lower() == "vllm" and "LLM-Inference-Bench" in row["source"]:
        return "vllm-2024-offline"
    if framework == "TensorRT-LLM":
        return "trtllm-2024"
    found = named("engine", framework)
    return "generic-2025" if found is None else found
