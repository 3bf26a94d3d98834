"""Measured serving rows: read, typed, and turned into what a user would ask of the step model.

The columns are those of a benchmark collection (:data:`COLUMNS`). A row says a model, a machine, a layout, an
engine and a load, and one or more of time to first token, time a token and throughput. What it leaves open is
filled in by the rules below, which are the same for every row.

*Load.* ``mode`` and ``regime`` in words; where they say nothing, a rate or a number of requests at once says
it. Lengths that a row does not give are those of the benchmark that it names (the catalog's ``loads``), but
for outputs that follow from tokens and requests a second.
*Formats.* Where a row is silent: what the model's name says, what the named load is run in, what the
checkpoint stores, else 16 bit. A row that names the narrow format of a checkpoint of several (``fp4`` of
gpt-oss) means the checkpoint. The key-value cache: FP8 for models quantised by their maker or run by
TensorRT-LLM in 8 bit and less, or whose published recipe says so in a closed loop, else 16 bit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from gigawatt.core.errors import InputError
from gigawatt.machine import Chip
from gigawatt.performance.serving.engines import load_engine
from gigawatt.performance.serving.layouts import layout_rules, published_apart
from gigawatt.performance.serving.recipes import recipe_for
from gigawatt.serving.loads import NamedLoad, load_named, named_loads
from gigawatt.technology.digital.gpu import BITS
from gigawatt.validation.files import Refusal
from gigawatt.validation.rows import cells_of, check_columns, number_of
from gigawatt.validation.serving.layout import Layout, Pools, as_run, layout_of, number, pools_of
from gigawatt.validation.serving.names import (
    EMPTY,
    architecture_named,
    blocked,
    chip_named,
    format_in_name,
    named,
    number_format,
)
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import WEIGHT_BYTES, formats_of

__all__ = ["COLUMNS", "MEASURED", "ServingCase", "case_of", "check_heads", "read_serving_rows"]

MEASURED = ("TTFT_ms", "TPOT_ms", "tok_s_total")
"""Columns of which a row must have one."""
COLUMNS = (
    "source", "accelerator", "model", "framework", "framework_version", "weight_prec", "kv_prec", "mode",
    "regime", "parallel_detail", "n_accel", "TP", "PP", "DP", "EP", "isl", "osl", "concurrency",
    "request_rate", "req_s", "table", "TTFT_stat", *MEASURED,
)  # fmt: skip
_REQUIRED = ("source", "accelerator", "model", "isl", "osl", "regime")
_RATES = ("request_rate", "req_s")
_SAID = (
    ("replay", ""), ("first-token", "first"), ("static", "static"), ("closed-loop", "closed"),
    ("fixed concurrency", "closed"), ("steady state", "steady"), ("max throughput", "peak"),
    ("offline", "peak"), ("infinite rate", "peak"), ("open-loop", "open"), ("server", "open"),
    ("poisson", "open"),
)  # fmt: skip
"""Words of a mode or regime → the kind of load; the first that is found counts."""
_MODES = ("agg", "offline", "server", "online", "interactive")
_MAKERS = re.compile(r"llama-3\.[13]-(70b|405b)", re.I)
"""Models that benchmarks run from their maker's quantised weights, with an 8-bit cache."""
_OWN_FORMATS = ("mxfp4", "fp4", "int4")
"""Formats of which checkpoints store their experts alone."""


@dataclass(frozen=True)
class ServingCase:
    """One measured row that can be asked of the step model.

    ``kind`` is ``closed`` (a benchmark that keeps n requests in flight), ``steady`` (their mean long
    after the start), ``static`` (one batch, all alike), ``peak`` (as many as it takes), ``first`` (a prompt
    alone), ``open`` (``rate`` requests/s) or ``pools`` (a benchmark over a prefill and a decode pool).
    ``load`` is the named load of the lengths, if one; ``median`` says that times are medians over requests,
    not means; ``measured`` maps ``ttft`` [s], ``tpot`` [s],
    ``throughput`` [output tokens/s of all accelerators].
    """

    line: int
    source: str
    model: str
    architecture: Architecture
    chip: Chip
    engine: str
    version: str
    weights: str
    cache: str
    kind: str
    layout: Layout
    pools: Pools | None
    prompt: float
    output: float
    held: float
    rate: float
    load: NamedLoad | None
    median: bool
    measured: Mapping[str, float] = field(repr=False)

    @property
    def tensor(self) -> float:
        """Tensor degree of attention."""
        return self.layout.tensor

    @property
    def data(self) -> float:
        """Attention groups."""
        return self.layout.data

    @property
    def expert(self) -> float:
        """Groups of experts."""
        return self.layout.expert

    @property
    def expert_tensor(self) -> float:
        """Tensor degree of experts."""
        return self.layout.expert_tensor

    @property
    def pipeline(self) -> float:
        """Stages."""
        return self.layout.pipeline

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
    check_columns(file, names, _REQUIRED, COLUMNS)
    if not set(MEASURED) & set(names):
        raise InputError("nothing measured here", file=file, line=1, allowed=MEASURED)
    return [{**record, "line": str(line)} for line, record in cells]


def _kind(row: Mapping[str, str]) -> str:
    """The kind of load, by words, else by what is given."""
    mode = row.get("mode", "").strip().lower()
    if mode.startswith("disagg"):
        return "pools"
    if mode not in EMPTY and not mode.startswith(_MODES):
        raise Refusal("the mode is not known", f"{mode!r}; allowed: {', '.join(_MODES)}, disagg")
    words = f"{mode} {row.get('regime', '').lower()}"
    kind = next((kind for word, kind in _SAID if word in words), None)
    if kind == "":
        raise Refusal("a replay of a trace that is not in the row", row.get("regime", "")[:40])
    if kind is not None:
        return kind
    if _rate(row) is not None:
        return "open"
    if number(row, "concurrency") is not None:
        return "closed"
    raise Refusal("a load whose lengths or rate are not in the row", row.get("regime", "")[:40])


def _rate(row: Mapping[str, str]) -> float | None:
    """Requests a second: asked for, else served."""
    for column in _RATES:
        value = number_of(row, column, line=int(row["line"]))
        if value is not None and value > 0.0:
            return value
    return None


@lru_cache(maxsize=1024)
def _load_named(model: str, words: str) -> NamedLoad | None:
    """The named load of a model (catalog id) that ``words`` of a row speak of."""
    for part in words.split("|"):
        try:
            return load_named(part.strip())
        except InputError:
            continue
    if "mlperf" in words.lower():
        try:
            return load_named(f"mlperf-{model}")
        except InputError:
            return None
    return next((load for id, load in named_loads().items() if id in words.lower()), None)


def _lengths(row: Mapping[str, str], load: NamedLoad | None) -> tuple[float, float]:
    """(tokens of a prompt, of an output) in the mean."""
    prompt, output = number(row, "isl"), number(row, "osl")
    if output is None:
        tokens, requests = number(row, "tok_s_total"), number_of(row, "req_s", line=int(row["line"]))
        if tokens and requests and requests > 0.0:
            output = max(tokens / requests, 1.0)
    if load is not None:
        prompt, output = prompt or load.prompt, output or load.output
    if not prompt or not output:
        raise Refusal("lengths are neither in the row nor of a named load", row.get("table", "")[:40])
    return prompt, output


def _weights(row: Mapping[str, str], architecture: Architecture, chip: Chip, load: NamedLoad | None) -> str:
    """The stored formats of the weights, as a scenario writes them."""
    said = row.get("weight_prec", "").strip()
    stored = architecture.checkpoint.weights if architecture.checkpoint is not None else ""
    form = "" if said in EMPTY or said == "auto" else number_format(said)
    form = form or format_in_name(row["model"])
    if not form and load is not None and load.weights in chip.peak:
        form = load.weights
    own = " " in stored and any(f"={name}" in stored for name in _OWN_FORMATS)
    if own and form in ("", *_OWN_FORMATS) and _same_family(form, stored):
        return stored
    form = blocked(form or stored or "bf16", row["model"])
    try:
        known = all(one in {*WEIGHT_BYTES, *BITS} for one in formats_of(form).values())
    except InputError:
        known = False
    if not known:
        raise Refusal("the number format is not known", form)
    return form


def _same_family(form: str, stored: str) -> bool:
    """Whether a format in a row can be that of the checkpoint's experts: 4-bit floats or 4-bit integers."""
    return not form or ("int4" in stored) == (form == "int4")


def _cache(row: Mapping[str, str], weights: str, engine: str, usual: str) -> str:
    """The format of the cache; ``usual``: that of the recipe of a closed loop, where it says one."""
    cache = row.get("kv_prec", "").strip()
    if cache in EMPTY and usual:
        return usual
    if cache in EMPTY or cache == "auto":
        own = engine.startswith("trtllm") or _MAKERS.search(row["model"]) is not None
        cache = "fp8" if weights in ("fp8", "fp4") and own else "bf16"
    cache = number_format(cache)
    if cache not in BITS:
        raise Refusal("the number format is not known", f"cache {cache}")
    return cache


def _held(row: Mapping[str, str], kind: str) -> float:
    """Requests at once, 0 where the load is not said by them."""
    held = number(row, "concurrency")
    if held is None:
        if kind == "first":
            return 1.0
        if kind not in ("peak", "open"):
            raise Refusal("the number of requests at once is not given")
    return held or 0.0


def case_of(row: Mapping[str, str]) -> ServingCase:
    """What a row asks.

    Raises
    ------
    Refusal
        With the reason: an unknown model or machine, no layout, no lengths, a label that cannot be.
    """
    kind = _kind(row)
    rate = _rate(row)
    chip, architecture = chip_named(row["accelerator"].strip()), architecture_named(row["model"])
    pools = pools_of(row, chip) if kind == "pools" else None
    if pools is not None and pools.counted:
        check_heads(architecture, pools)
    layout = pools.decode if pools is not None else layout_of(row, chip)
    load = _load_named(architecture.name, "|".join(row.get(k, "") for k in ("table", "mode", "regime")))
    prompt, output = _lengths(row, load)
    if kind == "open" and rate is None:
        raise Refusal("the rate is not given")
    held = _held(row, kind)
    engine = _engine(row, kind)
    rules = layout_rules(engine)
    layout = as_run(layout, row, rules, apart=kind == "peak" and published_apart(rules, architecture.name))
    weights = _weights(row, architecture, chip, load)
    recipe = recipe_for(
        load_engine(engine), model=architecture.name, chip=chip, weights=weights, groups=layout.data,
        held=held, prompt=prompt, output=output, tensor=layout.tensor,
    )  # fmt: skip
    return ServingCase(
        line=int(row["line"]), source=row["source"], model=architecture.name, architecture=architecture,
        chip=chip, engine=engine, version=row.get("framework_version", "").strip(), weights=weights,
        cache=_cache(row, weights, engine, recipe.cache if kind in ("closed", "pools") else ""), kind=kind,
        layout=layout, pools=pools, prompt=prompt, output=output, held=held, rate=rate or 0.0, load=load,
        median=_median(row), measured=_measured(row),
    )  # fmt: skip


def check_heads(architecture: Architecture, pools: Pools) -> None:
    """Refuse tensor ranks that attention's heads cannot be dealt to: a label of more than one replica."""
    for layout in (pools.prefill, pools.decode):
        if any(block.attention.heads % layout.tensor for block in architecture.blocks):
            raise Refusal(
                "degrees that do not divide", f"heads of {architecture.name} by TP{layout.tensor:g}"
            )


def _measured(row: Mapping[str, str]) -> dict[str, float]:
    """TTFT, TPOT [s] and output tokens/s, those that the row has."""
    found = {
        name: value * scale
        for name, column, scale in (
            ("ttft", "TTFT_ms", 1e-3), ("tpot", "TPOT_ms", 1e-3), ("throughput", "tok_s_total", 1.0),
        )
        if (value := number(row, column)) is not None
    }  # fmt: skip
    if not found:
        raise Refusal("nothing measured that is predicted")
    return found


def _median(row: Mapping[str, str]) -> bool:
    """Whether the row says that its TTFT is a median; one that says nothing, or both, has means."""
    said = row.get("TTFT_stat", "").lower()
    return "median" in said and "mean" not in said


def _engine(row: Mapping[str, str], kind: str) -> str:
    """The catalog's engine: by framework and version; of none by the framework's usual generation.

    A static batch is how the libraries' own scripts of 2024 measured: without a version, that generation. The
    version of a disaggregated row may be that of what routes between the pools.
    """
    framework, version = row.get("framework", "").strip(), row.get("framework_version", "").strip()
    found = named("engine", framework)
    first = re.match(r"v?(\d+)\.(\d+)", version)
    major, minor = (int(first[1]), int(first[2])) if first else (None, 0)
    static = kind in ("static", "first")
    if kind == "pools":
        return found or "generic-2025"
    if found == "trtllm-2025" and (major == 0 or (major is None and static)):
        return "trtllm-2024"
    if found == "vllm-2025":
        if major == 0 and minor < _V1:
            return "vllm-2024-offline" if static else "vllm-2024"
        if major is None and static:
            return "vllm-2024-offline"
    return "generic-2025" if found is None else found


_V1 = 8
"""Minor version of vLLM 0 from which on the V1 engine is the usual one."""
