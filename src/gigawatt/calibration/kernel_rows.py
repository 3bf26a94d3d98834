"""Measured kernels as rows: tables of latencies by operation and device, read into sizes of operations.

The tables are those of aiconfigurator-core: one Parquet file ``OPERATION__DEVICE.parquet`` each, latencies in
ms. Every row becomes the sizes that :class:`~gigawatt.workload.operations.Operation` has, so that the same
model predicts it, with the bytes of what was timed beside the kernel (``extra``) and the software that ran it
(``source``). What no operation of the product describes is left out: formats that multiply narrow weights by
16-bit activations, and expert layers without gating.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError, MissingDataError

if TYPE_CHECKING:
    from gigawatt.workload.operations import Array

Frame = Any
"""A pandas DataFrame or a column of one (typed so, since its stubs give every column as a union)."""

__all__ = ["BYTES", "DEVICES", "FILES", "FORMATS", "Frame", "judged", "read_kernels", "shape_hash", "target"]

DEVICES: Mapping[str, str] = {
    "a100_sxm": "A100-SXM4-80GB",
    "h100_sxm": "H100-SXM5-80GB",
    "h200_sxm": "H200-SXM-141GB",
    "b200_sxm": "B200-SXM-180GB",
    "gb200": "GB200",
    "l40s": "L40S",
}
"""Names of the tables' devices in the catalog's ``chips``."""

FORMATS: Mapping[str, str] = {
    "bfloat16": "bf16",
    "fp8": "fp8",
    "fp8_block": "fp8_block",
    "nvfp4": "fp4",
}
"""Number formats of the tables; ``fp8_block`` is FP8 with a scale for every block of 128."""

BYTES: Mapping[str, float] = {"bf16": 2.0, "fp8": 1.0, "fp8_block": 1.0, "fp4": 0.5}
"""Bytes of one number of each fitted format."""

FILES: Mapping[str, tuple[str, ...]] = {
    "gemm": ("gemm",),
    "grouped_gemm": ("moe",),
    "attention": ("context_attention", "context_mla"),
    "decode": ("generation_attention", "generation_mla"),
}
"""Tables that hold the kernels of each family."""

_ENOUGH = 400  # rows that a fit needs
_WIDE = BYTES["bf16"]
_FITTED_TENTHS = 6  # of ten shapes, those that fit; the others judge
_MLA = (192.0, 128.0)  # widths of keys and of values of latent attention, unfolded
_LATENT = (576.0, 512.0)  # the same, on the latent vectors themselves


def shape_hash(*sizes: Array) -> Array:
    """A number from 0 to 9 of each shape, the same for all sources, formats and devices."""
    mixed = np.full(len(sizes[0]), 2166136261, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    for size in sizes:
        mixed = ((mixed ^ np.asarray(size).astype(np.uint64)) * np.uint64(16777619)) & mask
        mixed ^= mixed >> np.uint64(15)
        mixed = (mixed * np.uint64(2246822519)) & mask
        mixed ^= mixed >> np.uint64(13)
    return (mixed % np.uint64(10)).astype(float)


def judged(frame: Frame) -> NDArray[np.bool_]:
    """Which rows judge: their shapes are of the four tenths that no fit sees."""
    return frame["part"].to_numpy(dtype=float) >= _FITTED_TENTHS


def target(frame: Frame) -> NDArray[np.bool_]:
    """Which rows are of the kernels that the product predicts.

    Of attention, kernels whose keys and values are stored in the format they multiply in, without those that
    time the writing of a cache too (``torch_flow``); of expert layers, balanced loads; of all, no stand-ins
    where a library lacks a kernel (Triton, Marlin, "minimal latency"). A condition that leaves too few rows
    does not hold.
    """
    source, kind = frame["source"], frame["kind"]
    attention = kind.str.startswith("attention")
    stored = np.where(frame["form"] == "bf16", source.str.endswith(":bfloat16"), source.str.endswith(":fp8"))
    conditions = (
        ~source.str.contains("riton|marlin|min_latency"),
        ~attention | stored,
        ~kind.str.startswith("experts") | source.str.endswith("balanced"),
        ~kind.str.contains("attention|decode") | ~source.str.contains("torch_flow"),
    )
    chosen = np.ones(len(frame), dtype=bool)
    for condition in conditions:
        narrower = chosen & np.asarray(condition, dtype=bool)
        chosen = narrower if narrower.sum() >= _ENOUGH else chosen
    return chosen


def read_kernels(folder: Path, family: str, device: str, tables: tuple[str, ...] | None = None) -> Frame:
    """Measured rows of a family of kernels on a device; ``tables`` are those of :data:`FILES` to read, all if
    left out.

    Returns
    -------
    DataFrame
        ``form``, ``source``, ``variant`` (of a source: has its own fixed time), ``m, n, k, batch``,
        ``groups`` (sequences × key-value heads), ``flops``, ``moved`` [B], ``extra`` [B], ``gate`` (0, or of
        an expert layer the number of parallel up-projections), ``time`` [s], ``part``
        (:func:`shape_hash`), ``kind`` (what the scorecard calls it).

    Raises
    ------
    MissingDataError
        The folder has none of the tables.
    """
    import pandas as pd

    found: list[Frame] = []
    for name in tables or FILES[family]:
        file = folder / f"{name}__{device}.parquet"
        if file.is_file():
            found.append(_read(name, file))
    if not found:
        raise MissingDataError(
            "no measured kernels here", given=str(folder), allowed=f"{FILES[family][0]}__{device}.parquet"
        )
    made = pd.concat(found, ignore_index=True)
    return made[made["m"] > 0.0].reset_index(drop=True)


def _read(name: str, file: Path) -> Frame:
    """The rows of one table; a file that is not of its shape is an error with the column."""
    try:
        return _READERS[name](_table(file))
    except KeyError as error:
        raise InputError("this column is missing", file=file, key=str(error.args[0])) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"not a table of measured kernels ({error})", file=file) from None


def _table(file: Path) -> Frame:
    import duckdb

    try:
        return duckdb.connect().execute("select * from read_parquet(?)", [file.as_posix()]).df()
    except duckdb.Error as error:
        raise InputError("not a readable Parquet table", file=file) from error


def _frame(table: Frame, **columns: object) -> Frame:
    import pandas as pd

    made = pd.DataFrame(columns, index=table.index)
    made["time"] = table["latency_ms"] * 1e-3
    if "groups" not in made:
        made["groups"] = made["batch"]
    if "variant" not in made:
        made["variant"] = made["source"]
    for name in ("m", "n", "k", "batch", "flops", "moved", "extra", "gate", "groups", "time"):
        made[name] = made[name].astype(float)
    return made[made["form"].notna()]


def _gemm(table: Frame) -> Frame:
    form = table["gemm_dtype"].map(FORMATS)
    size = form.map(BYTES)
    m, n, k = (table[c].astype(float) for c in "mnk")
    return _frame(
        table, kind="gemm", form=form, source=table["framework"] + ":" + table["kernel_source"],
        m=m, n=n, k=k, batch=1.0, flops=2.0 * m * n * k, moved=size * (m * k + k * n) + _WIDE * m * n,
        extra=np.where(form == "bf16", 0.0, m * k * (_WIDE + size)), gate=0.0, part=shape_hash(m, n, k),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _busiest(tokens: float, experts: int, chosen: int, ranks: int, exponent: float) -> tuple[float, float]:
    """(rows, experts that get any) on the busiest rank: mean of seeded draws of the tables' power law."""
    if exponent == 0.0:
        active = min(experts, tokens * chosen)
        return tokens * chosen / ranks, max(active / ranks, 1.0)
    rng = np.random.default_rng(0)
    low, high = (1.0, max(tokens * 0.8, 1.1)) if tokens * chosen > experts else (0.01, 2.0)
    power = 1.0 - exponent
    u = rng.random((32, experts))
    draw = ((high**power - low**power) * u + low**power) ** (1.0 / power)
    count = np.round(draw / draw.sum(axis=1, keepdims=True) * (tokens * chosen)).reshape(32, ranks, -1)
    busiest = count[np.arange(32), count.sum(axis=2).argmax(axis=1)]
    return float(busiest.sum(axis=1).mean()), float(np.maximum((busiest > 0).sum(axis=1), 1).mean())


def _moe(table: Frame) -> Frame:
    table = table[~table["kernel_source"].str.contains("nongated")]
    form = table["moe_dtype"].map(FORMATS)
    table, form = table[form.notna()], form[form.notna()]
    exponent = table["distribution"].str.extract(r"([0-9.]+)$")[0].fillna("0").astype(float)
    keys = zip(
        table["num_tokens"].astype(float), table["num_experts"], table["topk"], table["moe_ep_size"],
        exponent, strict=True,
    )  # fmt: skip
    local = np.array([_busiest(*key) for key in keys]).reshape(-1, 2)
    rows, active = local[:, 0], local[:, 1]
    hidden, inter = table["hidden_size"].astype(float), table["inter_size"] / table["moe_tp_size"]
    size, m = form.map(BYTES), rows / active
    up, down = 2.0 * inter * hidden, inter * hidden
    moved = active * size * (up + down) + rows * (size * (hidden + inter) + _WIDE * (2.0 * inter + hidden))
    tokens = np.minimum(table["num_tokens"], rows)
    extra = _WIDE * (2.0 * rows * hidden + 2.0 * tokens * hidden + 3.0 * rows * inter)
    extra = extra + np.where(form == "bf16", 0.0, rows * (hidden + inter) * (_WIDE + size))
    spread = np.where(exponent == 0.0, "balanced", "power law")
    return _frame(
        table, kind="experts, " + spread, form=form,
        source=table["framework"] + ":" + table["kernel_source"] + ":" + table["distribution"],
        m=m, n=2.0 * inter, k=hidden, batch=active, flops=2.0 * rows * (up + down), moved=moved, extra=extra,
        gate=2.0,
        part=shape_hash(
            table["num_tokens"], hidden, table["inter_size"], table["topk"], table["num_experts"],
            table["moe_tp_size"], table["moe_ep_size"],
        ),
    )  # fmt: skip


def _pairs(tokens: Frame, window: Frame) -> Frame:
    """Query-key pairs of a causal sequence, each query seeing at most ``window`` keys (0: all before it)."""
    reach = np.where(window > 0, np.minimum(window, tokens), tokens)
    return reach * (reach + 1.0) / 2.0 + (tokens - reach) * reach


def _context(table: Frame) -> Frame:
    b, s, h, g, d, w = (
        table[c].astype(float)
        for c in ("batch_size", "isl_tokens", "num_heads", "num_key_value_heads", "head_dim", "window_size")
    )
    form = table["attn_dtype"].map(FORMATS)
    size = form.map(BYTES)
    source = table["framework"] + ":" + table["kernel_source"] + np.where(w > 0, ":window:", ":")
    source = source + np.where(h == g, "multi-head:", "") + table["kv_cache_dtype"]
    cached = table["kv_cache_dtype"].map(FORMATS).map(BYTES)
    return _frame(
        table, kind=np.where(w > 0, "attention, window", "attention"), form=form, source=source,
        variant=source + ":" + table["head_dim"].astype(str),
        m=s, n=np.where(w > 0, np.minimum(w, s), s), k=d, batch=b * h, flops=4.0 * d * b * h * _pairs(s, w),
        moved=b * s * d * (size * (h + 2.0 * g) + _WIDE * h),
        groups=b * g, extra=2.0 * b * s * d * g * (_WIDE + cached), gate=0.0,
        part=shape_hash(b, s, h, g, d, w),
    )  # fmt: skip


def _latent_kernel(table: Frame) -> Array:
    """Kernels on the latent vectors themselves (sglang, but for the one that only unfolds them)."""
    return ((table["framework"] == "sglang") & (table["kernel_source"] != "trtllm_mla")).to_numpy()


def _context_mla(table: Frame) -> Frame:
    b, s, h = (table[c].astype(float) for c in ("batch_size", "isl_tokens", "num_heads"))
    latent = _latent_kernel(table)
    keys, values = (np.where(latent, a, b_) for a, b_ in zip(_LATENT, _MLA, strict=True))
    held = np.where(latent, keys, h * (keys + values))
    return _frame(
        table, kind=np.where(latent, "attention, on latents", "attention, latent"),
        form=table["mla_dtype"].map(FORMATS),
        source=table["framework"] + ":mla_" + table["kernel_source"] + ":" + table["kv_cache_dtype"],
        m=s, n=s, k=keys, batch=b * h, flops=2.0 * (keys + values) * b * h * _pairs(s, 0.0 * s),
        moved=_WIDE * b * s * (h * (keys + values) + held), extra=0.0, gate=0.0,
        groups=np.where(latent, b, b * h), part=shape_hash(b, s, h),
    )  # fmt: skip


def _generation(table: Frame) -> Frame:
    b, h, g, d, w = (
        table[c].astype(float)
        for c in ("batch_size", "num_heads", "num_key_value_heads", "head_dim", "window_size")
    )
    seen = table["past_kv_tokens"] + 1.0
    reach = np.where(w > 0, np.minimum(w, seen), seen)
    form = table["kv_cache_dtype"].map(FORMATS)
    source = table["framework"] + ":" + table["kernel_source"] + np.where(w > 0, ":window", "")
    return _frame(
        table, kind=np.where(w > 0, "decode, window", "decode"), form=form, source=source,
        variant=source + ":" + table["head_dim"].astype(str),
        m=1.0, n=reach, k=d, batch=b * h, flops=4.0 * d * b * h * reach,
        moved=2.0 * b * g * d * reach * form.map(BYTES) + 2.0 * _WIDE * b * h * d, extra=0.0, gate=0.0,
        part=shape_hash(b, seen, h, g, d, w),
    )  # fmt: skip


def _generation_mla(table: Frame) -> Frame:
    b, h = (table[c].astype(float) for c in ("batch_size", "num_heads"))
    seen = table["past_kv_tokens"] + 1.0
    keys, values = _LATENT
    form = table["kv_cache_dtype"].map(FORMATS)
    return _frame(
        table, kind="decode, on latents", form=form,
        source=table["framework"] + ":mla_" + table["kernel_source"],
        m=1.0, n=seen, k=keys, batch=b * h, flops=2.0 * (keys + values) * b * h * seen,
        moved=b * keys * seen * form.map(BYTES) + _WIDE * b * h * (keys + values), extra=0.0, gate=0.0,
        part=shape_hash(b, seen, h),
    )  # fmt: skip


_READERS = {
    "gemm": _gemm,
    "moe": _moe,
    "context_attention": _context,
    "context_mla": _context_mla,
    "generation_attention": _generation,
    "generation_mla": _generation_mla,
}
