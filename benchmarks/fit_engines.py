"""Fit of serving engines: a few bounded numbers each, on half of the measured groups, judged on the others.

    python benchmarks/fit_engines.py ROWS [--write]

ROWS is a collection of measured serving rows (CSV or Parquet, columns as in
``gigawatt.validation.serving.rows``). A group is a model on an accelerator under an engine; groups whose name has an
even CRC-32 are fitted. ``--write`` writes ``engines.details.csv`` of the catalog and ``validation/serving_fit.json``.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import csv
import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from gigawatt.performance.serving.engines import Engine, load_engine
from gigawatt.validation.serving.card import fitted_half, read_cases
from gigawatt.validation.serving.closed_loop import WAVES
from gigawatt.validation.serving.predict import predict_serving
from gigawatt.validation.serving.rows import ServingCase

Array = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
CATALOG = ROOT / "src/gigawatt/catalog/data/engines.details.csv"
ERRORS = ROOT / "validation/serving_fit.json"


@dataclass(frozen=True)
class Knob:
    """A number that is fitted: prior, spread of its logarithm, bounds, unit in the catalog."""

    name: str
    prior: float
    spread: float
    low: float
    high: float
    unit: str = ""
    scale: float = 1.0
    what: str = ""


KNOBS = (
    Knob(
        "arithmetic",
        0.95,
        0.15,
        0.3,
        1.0,
        what="rate of multiplications beside the kernels benchmarked alone",
    ),
    Knob("memory", 0.98, 0.1, 0.4, 1.05, what="rate of memory beside the kernels benchmarked alone"),
    Knob(
        "decode_attention",
        1.0,
        0.3,
        0.8,
        4.0,
        what="time of decoding's attention beside the kernel benchmarked alone",
    ),
    Knob("experts", 1.1, 0.3, 0.6, 4.0, what="time of fused experts beside the kernel benchmarked alone"),
    Knob("layer_overhead", 6.0, 0.7, 0.5, 200.0, "us", 1e-6, "between the kernels of a layer"),
    Knob("overhead", 800.0, 0.8, 20.0, 30000.0, "us", 1e-6, "of every iteration, hidden by nothing"),
    Knob("sequence", 5.0, 1.0, 0.05, 500.0, "us", 1e-6, "of the host for every sequence of an iteration"),
    Knob("exchange", 1.1, 0.3, 0.8, 4.0, what="time of communication beside the catalog's links"),
    Knob(
        "eager",
        100.0,
        1.0,
        1.0,
        5000.0,
        "us",
        1e-6,
        "least time of a layer where prompts run, outside captured graphs",
    ),
)
"""Priors: what engines' own reports and kernel benchmarks suggest; the same for every engine."""
COLD = Knob("cold", 0.0, 0.0, 0.0, 10.0, "s", 1.0,
            "what the first requests of a server wait in all for kernels at their first use: the part of a "
            "closed loop's mean TTFT that neither engine nor client explain, times its waves")  # fmt: skip
"""Fitted apart, through the event engine, when all other numbers stand."""
COLD_EXPERTS = replace(
    COLD,
    name="cold_experts",
    what="the same of models with experts, whose kernels are compiled or tuned by shape",
)
"""To those models alone, COLD to the others, which have no more to compile."""
STRENGTH = 0.1
"""Residual of one spread from the prior, beside the root of all weights."""
ROWS = 20
WEIGHT = {"tpot": 1.0, "throughput": 1.0, "ttft": 0.4}


def few(cases: Sequence[ServingCase]) -> list[ServingCase]:
    """At most :data:`ROWS` rows of a group and source, drawn with a fixed seed: more say nothing new."""
    rng = np.random.default_rng(0)
    groups: dict[tuple[str, str], list[ServingCase]] = defaultdict(list)
    for case in cases:
        groups[case.source, case.half].append(case)
    return [rows[i] for rows in groups.values() for i in sorted(rng.permutation(len(rows))[:ROWS].tolist())]


def knobs_of(cases: Sequence[ServingCase]) -> list[Knob]:
    """Knobs that these rows can say something of."""
    routed = any(block.experts is not None for case in cases for block in case.architecture.blocks)
    several = any(case.tensor * case.data > 1.0 for case in cases)
    found = [k for k in KNOBS if k.name != "experts" or routed]
    return [k for k in found if k.name != "exchange" or several]


def with_values(engine: Engine, knobs: Sequence[Knob], x: Array) -> Engine:
    """The engine with the knobs' logarithms ``x``."""
    values = {k.name: float(np.exp(v)) * k.scale for k, v in zip(knobs, x, strict=True)}
    return replace(engine, **values)  # type: ignore[arg-type]


def residuals(cases: Sequence[ServingCase], engine: Engine, weights: Sequence[dict[str, float]]) -> Array:
    """Weighted logarithms of predicted over measured."""
    found: list[float] = []
    for case, made, weight in zip(
        cases,
        predict_serving(cases, {engine.id: engine}, rounds=3, events=False),
        weights,
        strict=True,
    ):
        for name, value in made.items():
            found.append(weight[name] * float(np.clip(np.log(value / case.measured[name]), -1.5, 1.5)))
    return np.array(found)


def group_weights(cases: Sequence[ServingCase]) -> list[dict[str, float]]:
    """Every group and source counts by the root of its rows."""
    count: dict[tuple[str, str, str], int] = defaultdict(int)
    for case in cases:
        for name in case.measured:
            count[case.source, case.half, name] += 1
    return [
        {name: WEIGHT[name] * count[case.source, case.half, name] ** -0.25 for name in case.measured}
        for case in cases
    ]


def fit(
    name: str, cases: Sequence[ServingCase], begin: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Fitted numbers of one engine, by knob, in the catalog's units; ``begin``: those of a fit to more rows."""
    if not cases:
        return {}
    knobs, weights, base = knobs_of(cases), group_weights(cases), load_engine(name)
    prior = np.log([k.prior for k in knobs])
    spread = np.array([k.spread for k in knobs])
    total = sum(sum(w.values()) for w in weights)
    strength = STRENGTH * np.sqrt(max(total, 1.0))
    low, high = (np.log([getattr(k, end) for k in knobs]) for end in ("low", "high"))

    def loss(z: Array) -> Array:
        x = prior + z * spread
        return np.concatenate([residuals(cases, with_values(base, knobs, x), weights), strength * z])

    # numbers that only bind above a threshold have no slope below it: begin on both sides
    best: Array | None = None
    least = np.inf
    starts = [np.array([eager if k.name == "eager" else 0.0 for k in knobs]) for eager in (0.0, 2.5)]
    if begin:
        known = [np.log(begin.get(k.name, k.prior)) for k in knobs]
        starts = [
            np.clip((known - prior) / spread, (low - prior) / spread + 1e-6, (high - prior) / spread - 1e-6)
        ]
    for start in starts:
        found = least_squares(
            loss, start, bounds=((low - prior) / spread, (high - prior) / spread),
            loss="soft_l1", f_scale=0.05, diff_step=0.05, x_scale=1.0, max_nfev=8 if begin else 15, jac=lambda z: slopes(loss, z),
        )  # fmt: skip
        if found.cost < least:
            best, least = found.x, found.cost
    x = prior + (best if best is not None else 0.0) * spread
    return {k.name: float(np.exp(v)) for k, v in zip(knobs, x, strict=True)}


def fit_cold(name: str, cases: Sequence[ServingCase], engine: Engine | None = None) -> dict[str, float]:
    """Seconds of :data:`COLD` and :data:`COLD_EXPERTS` of one engine: of the closed loops whose TTFT is a mean,
    the least error of its logarithm, errors beyond :data:`FAR` counted as that (a queue for memory is no
    start)."""
    rows = [c for c in cases if c.kind == "closed" and "ttft" in c.measured and not c.median]
    warm = replace(engine or load_engine(name), cold=0.0, cold_experts=0.0)
    with_experts = [any(b.experts is not None for b in c.architecture.blocks) for c in rows]
    dense, routed = (
        _least([c for c, e in zip(rows, with_experts, strict=True) if e == mine], warm)
        for mine in (False, True)
    )
    return {COLD.name: min(dense, routed) if any(with_experts) else dense, COLD_EXPERTS.name: routed}


def _least(rows: Sequence[ServingCase], warm: Engine) -> float:
    """Seconds that rows wait beyond what the engine ``warm`` explains; nought of no rows."""
    if not rows:
        return 0.0
    name = warm.id
    made = predict_serving(rows, {name: warm})
    ratio = np.array([[m["ttft"], c.measured["ttft"]] for m, c in zip(made, rows, strict=True)])
    grid = np.linspace(COLD.low, COLD.high, 501)
    off = np.abs(np.log((ratio[:, :1] + grid / WAVES) / ratio[:, 1:]))
    return float(grid[int(np.argmin(np.minimum(off, FAR).mean(axis=0)))])


FAR = 1.0
"""Logarithm of predicted over measured from which on a row says no more."""


def slopes(loss: Callable[[Array], Array], z: Array, step: float = 0.1) -> Array:
    """Jacobian by differences of a step in units of the priors' spread."""
    at = loss(z)
    return np.stack([(loss(z + step * row) - at) / step for row in np.eye(len(z))], axis=1)


def engine_of(name: str, values: Mapping[str, float]) -> Engine:
    """The catalog's engine with fitted numbers."""
    scale = {k.name: k.scale for k in (*KNOBS, COLD, COLD_EXPERTS)}
    return replace(load_engine(name), **{k: v * scale[k] for k, v in values.items()})  # type: ignore[arg-type]


def errors(cases: Sequence[ServingCase], engines: Mapping[str, Engine]) -> dict[str, dict[str, float]]:
    """Median, p90 and bias by metric and source."""
    found: dict[str, list[float]] = defaultdict(list)
    for case, made in zip(cases, predict_serving(cases, engines), strict=True):
        for name, value in made.items():
            ratio = value / case.measured[name]
            for key in (f"{name} | {case.source}", f"{name} | {case.source} | {case.chip.id}"):
                found[key].append(ratio)
    return {
        key: {
            "n": len(r),
            "median_ape": float(np.median(np.abs(np.array(r) - 1.0))),
            "p90_ape": float(np.quantile(np.abs(np.array(r) - 1.0), 0.9)),
            "bias": float(np.exp(np.mean(np.log(r))) - 1.0),
        }
        for key, r in sorted(found.items())
    }


def main() -> None:
    """Fit, judge, print; write where asked."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--engines", nargs="*", help="only these")
    parser.add_argument("--cold", action="store_true", help="keep all numbers but those of a server's start")
    given = parser.parse_args()
    cases = [case for case in read_cases(given.rows)[0] if case.kind not in ("open", "pools")]
    by_engine: dict[str, list[ServingCase]] = defaultdict(list)
    for case in cases:
        by_engine[case.engine].append(case)
    names = [
        n for n in sorted(by_engine) if n != "generic-2025" and (not given.engines or n in given.engines)
    ]
    jobs: dict[tuple[str, str], list[ServingCase]] = {}
    for name in names:
        rows = few([c for c in by_engine[name] if fitted_half(c)])
        jobs[name, ""] = rows
        for chip in sorted({c.chip.id for c in by_engine[name]}):
            jobs[name, chip] = [c for c in rows if c.chip.id != chip]
    whole = [k for k in jobs if not k[1]]
    parts = [k for k in jobs if k[1]]
    known = json.loads(ERRORS.read_text(encoding="utf-8")) if given.cold else {}
    if given.cold:
        kept = {k.name for k in KNOBS}
        stored = {n: {k: v for k, v in known["fitted"].get(n, {}).items() if k in kept} for n in names}
        made = {key: dict(stored[key[0]]) for key in jobs}
    else:
        with ProcessPoolExecutor(2) as pool:
            made = dict(
                zip(whole, pool.map(fit, [k[0] for k in whole], [jobs[k] for k in whole]), strict=True)
            )
            begins = [made[name, ""] for name, _ in parts]
            made |= dict(
                zip(
                    parts, pool.map(fit, [k[0] for k in parts], [jobs[k] for k in parts], begins), strict=True
                )
            )
    for (name, chip), values in made.items():
        rows = [c for c in by_engine[name] if fitted_half(c) and c.chip.id != chip]
        if any(c.kind == "closed" for c in by_engine[name]):
            values |= fit_cold(name, rows, engine_of(name, values))
    engines = {name: engine_of(name, made[name, ""]) for name in names}
    for name in names:
        print(name, len(jobs[name, ""]), {k: float(f"{v:.4g}") for k, v in made[name, ""].items()})
    chosen = [c for c in cases if c.engine in engines]
    report = {
        "fitted": {name: made[name, ""] for name in names},
        "errors": {
            "fit": errors([c for c in chosen if fitted_half(c)], engines),
            "judge": errors([c for c in chosen if not fitted_half(c)], engines),
            "accelerator_left_out": {},
        },
    }
    left: dict[str, dict[str, float]] = {}
    for name in names:
        for chip in sorted({c.chip.id for c in by_engine[name]}):
            other = engine_of(name, made[name, chip] or made[name, ""])
            rows = [c for c in by_engine[name] if c.chip.id == chip]
            for key, value in errors(rows, {name: other}).items():
                if key.count("|") == 2:
                    left[f"{key} | {name}"] = value
    if given.cold:  # what other numbers do on an accelerator that they had not seen, as it was found
        before = known["errors"]["accelerator_left_out"]
        left = {
            key: value if key.startswith("ttft") else before.get(key, value) for key, value in left.items()
        }
    report["errors"]["accelerator_left_out"] = left
    for part, lines in report["errors"].items():
        for key, e in lines.items():
            if part != "accelerator_left_out" and key.count("|") == 2:
                continue
            print(
                f"{part:22s} {key[:90]:90s} n {e['n']:5d}  median {e['median_ape']:.3f}  p90 {e['p90_ape']:.3f}  bias {e['bias']:+.3f}"
            )
    if given.write:
        write(names, made)
        ERRORS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def write(names: Sequence[str], made: Mapping[tuple[str, str], Mapping[str, float]]) -> None:
    """Put the fitted numbers into the catalog; rows of other quantities stay as they are."""
    by_name = {k.name: k for k in (*KNOBS, COLD, COLD_EXPERTS)}
    fitted = {(name, quantity): value for name in names for quantity, value in made[name, ""].items()}
    with CATALOG.open(newline="", encoding="utf-8") as stream:
        head, *old = csv.reader(stream)
    with CATALOG.open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(head)
        lines.writerows(row for row in old if (row[0], row[1]) not in fitted)
        for (name, quantity), value in fitted.items():
            k = by_name[quantity]
            numbers = [f"{value:.4g}", f"{k.low:g}", f"{k.high:g}", k.unit]
            graded = ["", "calibrated", "gigawatt-serving", "", f"{k.what}; range is the bounds"]
            lines.writerow([name, quantity, *numbers, *graded])


if __name__ == "__main__":
    main()
