"""Fit the shares and offsets of ``kernels.csv`` to measured kernels, and say how well they fit.

    python benchmarks/fit_kernels.py SHARED/data/kernels [--write]

Measurements: aiconfigurator-core (NVIDIA, Apache-2.0), one Parquet file per operation and device. The fit is
least absolute log error on a seeded subsample; large multiplications count three times, since training
consists of them, and so do heads of 128. FP8 and FP4 fits keep the offsets and fixed times of BF16 where the
catalog has one row for all formats. ``--write`` replaces the fitted rows; rows of other sources stay.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from scipy.optimize import minimize

from gigawatt.catalog.loader import entity, path
from gigawatt.hardware.technology import gpu

CHIPS = {
    "a100_sxm": "A100-SXM4-80GB",
    "h100_sxm": "H100-SXM5-80GB",
    "h200_sxm": "H200-SXM-141GB",
    "b200_sxm": "B200-SXM-180GB",
    "gb200": "GB200",
    "l40s": "L40S",
}
WRITTEN = {"bf16": ("bfloat16",), "fp8": ("fp8",), "fp4": ("nvfp4",)}
WRITTEN_MOE = WRITTEN | {"fp8": ("fp8", "fp8_block")}
SAMPLE, LARGE, HEAD, WEIGHT = 2500, 1e11, 128, 3.0
SOURCE = "aiconfigurator-kernels"


def rows(folder: Path, operation: str, device: str, columns: str, where: str, pick: str) -> pd.DataFrame:
    """A seeded sample of measured shapes; of kernels of one shape ``pick`` (median, min) the latency [s]."""
    file = folder / f"{operation}__{device}.parquet"
    select = f"select {columns}, {pick}(latency_ms) / 1e3 as t from '{file}' where {where}"
    frame = duckdb.sql(f"{select} group by all order by all").df()
    return frame.sample(min(SAMPLE, len(frame)), random_state=0).astype(float)


def fit(case: Case) -> dict[str, float]:
    """Parameters (all positive) of least weighted mean absolute log error; fixed ones as they are."""
    weight = np.where(case.flops > LARGE, WEIGHT, 1.0)
    if "d" in case.frame:
        weight = weight * np.where(case.frame.d == HEAD, WEIGHT, 1.0)
    free = [name for name in case.start if name not in case.fixed]

    def named(logs: np.ndarray) -> dict[str, float]:
        return case.fixed | dict(zip(free, (float(x) for x in np.exp(logs)), strict=True))

    def loss(logs: np.ndarray) -> float:
        ratio = case.predict(case.frame, **named(logs)) / case.frame.t
        return float(np.average(np.abs(np.log(ratio)), weights=weight))

    start = np.log([case.start[name] for name in free])
    found = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 900, "xatol": 1e-3})
    return named(found.x)


def predict_gemm(chip: dict[str, float], form: str) -> Callable[..., np.ndarray]:
    """Time [s] of measured GEMM rows; those of FP8 and FP4 hold the cast of activations from BF16 too."""
    size, peak = gpu.BITS[form] / 8, chip[f"peak_{form}"]

    def predict(
        x: pd.DataFrame, share: float, depth: float, tile: float, memory: float, launch: float, cast=0.0
    ):
        arithmetic = gpu.gemm_time(
            m=x.m, n=x.n, k=x.k, batch=1.0, units=chip["units"], rate=peak * min(share, 1.0),
            depth_offset=depth, tile_offset=tile,
        )  # fmt: skip
        moved = size * (x.m * x.k + x.k * x.n) + 2 * x.m * x.n
        stream = gpu.memory_time(bytes_moved=moved, rate=chip["memory_bandwidth"] * min(memory, 1.0))
        if form != "bf16":
            cast = cast + x.m * x.k * (2 + size) / (chip["memory_bandwidth"] * min(memory, 1.0))
        return np.maximum(arithmetic, stream) + launch + cast

    return predict


def predict_moe(chip: dict[str, float], form: str, gemm: dict[str, float]) -> Callable[..., np.ndarray]:
    """Time [s] of a fused expert layer: two grouped GEMMs, their bytes and one fixed time."""
    size, peak = gpu.BITS[form] / 8, chip[f"peak_{form}"]

    def predict(x: pd.DataFrame, share: float, fixed: float):
        total = 0.0
        per_expert = x.tokens * x.topk / x.experts
        used = np.minimum(x.experts, x.tokens * x.topk)
        for n, k in ((2 * x.inter, x.hidden), (x.hidden, x.inter)):
            arithmetic = gpu.gemm_time(
                m=np.maximum(per_expert, 1.0), n=n, k=k, batch=used, units=chip["units"],
                rate=peak * min(share, 1.0), depth_offset=gemm["depth"], tile_offset=gemm["tile"],
            )  # fmt: skip
            moved = used * size * n * k + x.tokens * x.topk * (size * k + 2 * n)
            stream = gpu.memory_time(bytes_moved=moved, rate=chip["memory_bandwidth"] * gemm["memory"])
            total = total + np.maximum(arithmetic, stream)
        return total + fixed

    return predict


def predict_attention(chip: dict[str, float], form: str, memory: float) -> Callable[..., np.ndarray]:
    """Time [s] of causal attention over a whole prompt."""
    peak = chip[f"peak_{form}"]

    def predict(x: pd.DataFrame, share: float, query: float, width: float, fixed: float):
        arithmetic = gpu.attention_time(
            flops=causal(x), m=x.s, k=x.d, rate=peak * min(share, 1.0), query_offset=query, width_offset=width
        )
        moved = 2 * x.b * x.s * x.d * 2 * (x.h + x.kv)
        stream = gpu.memory_time(bytes_moved=moved, rate=chip["memory_bandwidth"] * memory)
        return np.maximum(arithmetic, stream) + fixed

    return predict


def causal(x: pd.DataFrame) -> np.ndarray:
    """FLOPs of causal attention, as computed."""
    return 2.0 * x.b * x.h * x.d * x.s * (x.s + 1.0)


GEMM = {"share": 0.85, "depth": 200.0, "tile": 3.0, "memory": 0.8, "launch": 2.5e-6}
MOE = {"share": 0.6, "fixed": 2e-5}
ATTENTION = {"share": 0.8, "query": 800.0, "width": 40.0, "fixed": 1.5e-5}
ATTENTION_WHERE = (
    "past_kv_tokens = 0 and window_size = 0 and isl_tokens >= 128 and kernel_source not like '%triton%'"
)
ATTENTION_COLUMNS = "batch_size b, isl_tokens s, num_heads h, num_key_value_heads kv, head_dim d"
MOE_WHERE = (
    "moe_ep_size = 1 and moe_tp_size = 1 and distribution = 'balanced' "
    "and kernel_source not like '%nongated%'"
)
MOE_COLUMNS = "num_tokens tokens, hidden_size hidden, inter_size inter, topk, num_experts experts"


def quoted(words: tuple[str, ...]) -> str:
    """``('a', 'b')`` as SQL writes it."""
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


class Case:
    """One device, operation and format: its rows, its predictor, and the catalog names of its parameters."""

    def __init__(self, operation: str, device: str, form: str, folder: Path, fits: dict) -> None:
        self.operation, self.device, self.form = operation, device, form
        row = entity("chips", CHIPS[device])
        chip = {q: row.value(q) for q in ("units", "memory_bandwidth", f"peak_{form}")}
        formats = quoted((WRITTEN_MOE if operation == "moe" else WRITTEN)[form])
        shared = {} if form == "bf16" else fits.get((operation, device, "bf16"), {})
        if operation == "gemm":
            pick = "median" if form == "bf16" else "min"
            self.frame = rows(folder, "gemm", device, "m, n, k", f"gemm_dtype in {formats}", pick)
            self.flops = (2 * self.frame.m * self.frame.n * self.frame.k).to_numpy()
            self.predict, self.start, common = predict_gemm(chip, form), GEMM, ("memory", "launch", "tile")
            if form != "bf16":
                self.start = GEMM | {"cast": 3e-6}
            self.names = {
                "share": f"gemm_share_{form}", "depth": f"gemm_depth_offset_{form}",
                "tile": f"gemm_tile_offset_{form}",
            }  # fmt: skip
            if form == "bf16":
                self.names |= {"memory": "memory_share", "launch": "launch"}
        elif operation == "moe":
            where = f"{MOE_WHERE} and moe_dtype in {formats}"
            self.frame = rows(folder, "moe", device, MOE_COLUMNS, where, "min")
            x = self.frame
            self.flops = (6 * x.tokens * x.topk * x.hidden * x.inter).to_numpy()
            self.predict, self.start = predict_moe(chip, form, fits["gemm", device, form]), MOE
            common = ("fixed",)
            self.names = {"share": f"grouped_share_{form}"}
            if form == "bf16":
                self.names |= {"fixed": "grouped_launch"}
        else:
            where = f"{ATTENTION_WHERE} and attn_dtype in {formats}"
            self.frame = rows(folder, "context_attention", device, ATTENTION_COLUMNS, where, "min")
            self.flops = causal(self.frame).to_numpy()
            self.predict = predict_attention(chip, form, fits["gemm", device, "bf16"]["memory"])
            self.start, self.names = ATTENTION, {"share": f"attention_share_{form}"}
            common = ("query", "width", "fixed")
            if form == "bf16":
                self.names |= {
                    "query": "attention_query_offset", "width": "attention_width_offset",
                    "fixed": "attention_launch",
                }  # fmt: skip

        self.fixed = {name: shared[name] for name in common if name in shared}

    @property
    def measured(self) -> bool:
        """Whether enough shapes of this kind were measured."""
        return len(self.frame) >= 50

    def errors(self, parameters: dict[str, float]) -> np.ndarray:
        """Relative errors of the predicted times."""
        return (self.predict(self.frame, **parameters) / self.frame.t - 1.0).to_numpy()


def cases(folder: Path, fits: dict) -> list[Case]:
    """Every measured case, fitted as it is made (later ones use the fits of earlier ones)."""
    made = []
    for operation, forms in (("gemm", WRITTEN), ("moe", WRITTEN), ("attention", ("bf16", "fp8"))):
        for device in CHIPS:
            for form in forms:
                if entity("chips", CHIPS[device]).get(f"peak_{form}") is None:
                    continue
                if operation != "gemm" and ("gemm", device, form) not in fits:
                    continue
                case = Case(operation, device, form, folder, fits)
                if case.measured:
                    fits[operation, device, form] = fit(case)
                    made.append(case)
    return made


def report(made: list[Case], fits: dict) -> None:
    """Errors in sample, and of each device by the median fit of the others."""
    errors = "median    p90    bias  large"
    print(f"{'':33s} | in sample{'':26s} | left out")
    print(f"operation  format device        n |   {errors}     |   {errors}")
    for case in made:
        key = (case.operation, case.device, case.form)
        others = [fits[k] for k in fits if k[0] == key[0] and k[2] == key[2] and k[1] != key[1]]
        columns = []
        transferred = (
            {name: float(np.median([o[name] for o in others])) for name in case.start} if others else None
        )
        for parameters in (fits[key], transferred):
            if parameters is None:
                columns.append("       -      -       -      -")
                continue
            error = case.errors(parameters)
            size = np.abs(error)
            large = size[case.flops > LARGE]
            middle, high = np.quantile(size, (0.5, 0.9))
            columns.append(f"{middle:8.3f} {high:6.3f} {error.mean():+7.3f} {np.median(large):6.3f}")
        print(f"{key[0]:10s} {key[2]:6s} {key[1]:9s} {len(case.frame):5d} | {columns[0]}     | {columns[1]}")


def catalog_rows(made: list[Case], fits: dict) -> list[dict[str, str]]:
    """Rows of ``kernels.csv``: each device's fit (calibrated) and their median as ``default`` (modelled)."""
    by_name: dict[str, dict[str, float]] = {}
    for case in made:
        for name, quantity in case.names.items():
            value = fits[case.operation, case.device, case.form][name]
            by_name.setdefault(quantity, {})[case.device] = min(value, 1.0) if "share" in quantity else value
    out = []
    for quantity, values in by_name.items():
        unit, scale = ("us", 1e6) if "launch" in quantity else ("", 1.0)
        common = {"quantity": quantity, "unit": unit, "source_id": SOURCE, "low": "", "high": ""}
        for device, value in values.items():
            out.append(
                common
                | {"id": CHIPS[device], "value": f"{value * scale:.4g}", "grade": "calibrated"}
                | {"locator": f"systems/data/{device}", "note": "benchmarks/fit_kernels.py"}
            )
        numbers = np.array(list(values.values())) * scale
        out.append(
            common
            | {"id": "default", "value": f"{np.median(numbers):.4g}", "grade": "modelled"}
            | {"low": f"{numbers.min():.4g}", "high": f"{numbers.max():.4g}", "locator": ", ".join(values)}
            | {"note": "median and range of the fitted chips"}
        )
    return out


def write(made: list[Case], fits: dict) -> None:
    """Replace the fitted rows of ``kernels.csv`` and keep the others."""
    file = path("kernels.csv")
    fields = [
        "id",
        "quantity",
        "value",
        "low",
        "high",
        "unit",
        "year",
        "grade",
        "source_id",
        "locator",
        "note",
    ]
    with file.open(newline="", encoding="utf-8") as stream:
        kept = [row for row in csv.DictReader(stream) if row["source_id"] != SOURCE]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fields, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            sorted([*kept, *catalog_rows(made, fits)], key=lambda row: (row["id"], row["quantity"]))
        )


def main() -> None:
    """Fit, report, and with ``--write`` ship."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the measured kernels (Parquet)")
    parser.add_argument("--write", action="store_true", help="replace the fitted rows of kernels.csv")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        raise SystemExit(f"no such folder: {arguments.folder}")
    fits: dict = {}
    made = cases(arguments.folder, fits)
    report(made, fits)
    if arguments.write:
        write(made, fits)


if __name__ == "__main__":
    main()
