"""Fit the power of serving to measured watts of half of the models, and judge it on the other half.

    python benchmarks/fit_serving_power.py SHARED/data/serving/measured.parquet [--json FILE]

Fitted are the rows of models whose name has an even checksum (``in_fitted_half``): text loads of
the ML.ENERGY benchmark 3 (H100, B200; not redistributed) and 2 (A100). All at the measured rate: errors of
times do not enter. Per accelerator three numbers (active power, J/B, J/FLOP of 16 bits), for all together
two ratios (J/FLOP of 8 and of 4 bits) and four stretches of kernel times. Bounds keep the numbers physical.
Prints the numbers of the catalog's ``serving_power``, errors on both halves, and errors of each accelerator
predicted by the shares of the others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from gigawatt.machine.load import load_chip
from gigawatt.performance.serving.power import load_serving_power, whole_energy
from gigawatt.validation.power.serving import Work, work_of
from gigawatt.validation.power.serving_rows import IMAGES, PowerCase, cases_of

CHIPS = {"A100-SXM4-40GB": "v2", "H100-SXM5-80GB": "v3", "B200-SXM-180GB": "v3"}
OWN = ("active", "byte", "flop")
SHARED = ("flop_8", "flop_4", "kernels", "experts", "experts_8", "experts_4")
#: Bounds: active power over the limit, pJ/B, J/FLOP over that of a large multiplication at the limit.
LOW, HIGH = {"active": 0.15, "byte": 30.0, "flop": 0.5}, {"active": 0.5, "byte": 100.0, "flop": 2.0}
SHARED_LOW = {
    "flop_8": 0.5,
    "flop_4": 0.25,
    "kernels": 1.0,
    "experts": 1.0,
    "experts_8": 1.0,
    "experts_4": 1.0,
}
SHARED_HIGH = {
    "flop_8": 1.0,
    "flop_4": 0.5,
    "kernels": 1.5,
    "experts": 3.0,
    "experts_8": 6.0,
    "experts_4": 1.5,
}
SUSTAINED = 0.975
SCALE = 0.05


class Rows:
    """Columns of cases of one accelerator."""

    def __init__(self, cases: Sequence[PowerCase], works: Sequence[Work]) -> None:
        chip = load_chip(cases[0].chip.id)
        narrow, least = {"fp8", "int8"}, {"fp4"}
        self.limit, self.idle, self.whole = chip.power_limit, chip.idle_power, whole_energy(chip)
        self.watts = np.array([c.measured for c in cases])
        self.time = np.array([c.held / c.rate for c in cases])
        self.kernels = np.array([w.kernels for w in works])
        self.experts = np.array([w.experts for w in works])
        self.exchange = np.array([w.exchange for w in works])
        self.bytes = np.array([w.bytes_moved for w in works])
        self.flop_8 = np.array([sum(n for f, n in w.flops.items() if f in narrow) for w in works])
        self.flop_4 = np.array([sum(n for f, n in w.flops.items() if f in least) for w in works])
        self.flop = np.array([sum(w.flops.values()) for w in works]) - self.flop_8 - self.flop_4
        self.form = np.array([{"fp8_block": 1, "fp4": 2}.get(c.weights, 0) for c in cases])
        names, counts = np.unique([c.model for c in cases], return_counts=True)
        each = dict(zip(names, counts, strict=True))
        self.weight = np.array([1.0 / np.sqrt(each[c.model]) for c in cases])
        self.even = np.array([c.use == "fit" for c in cases])
        self.model = np.array([c.model for c in cases])
        self.load = np.array([c.load for c in cases])

    def predicted(self, own: np.ndarray, shared: np.ndarray) -> np.ndarray:
        """Watts with the three numbers of an accelerator and those of all."""
        s = dict(zip(SHARED, shared, strict=True))
        experts = np.array([s["experts"], s["experts_8"], s["experts_4"]])[self.form]
        busy = np.minimum(s["kernels"] * self.kernels + experts * self.experts + self.exchange, self.time)
        flops = self.flop + s["flop_8"] * self.flop_8 + s["flop_4"] * self.flop_4
        joules = own[0] * self.limit * busy + own[1] * 1e-12 * self.bytes + own[2] * self.whole * flops
        return np.minimum(self.idle + joules / self.time, SUSTAINED * self.limit)


def told(name: str, predicted: np.ndarray, measured: np.ndarray) -> dict[str, float]:
    off = predicted / measured - 1.0
    a = np.abs(off)
    found = {
        "n": len(a),
        "median": float(np.median(a)),
        "mape": float(a.mean()),
        "p90": float(np.quantile(a, 0.9)),
        "bias": float(np.exp(np.log1p(off).mean()) - 1.0),
    }
    print(f"{name:54}", "  ".join(f"{k} {v:.3f}" if k != "n" else f"n {v:4d}" for k, v in found.items()))
    return found


def fit(rows: dict[str, Rows], half: bool = True) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Numbers of least error on the fitted half (or on all rows)."""
    names = list(rows)
    low = np.array([LOW[k] for _ in names for k in OWN] + [SHARED_LOW[k] for k in SHARED])
    high = np.array([HIGH[k] for _ in names for k in OWN] + [SHARED_HIGH[k] for k in SHARED])

    def split(p: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        n = len(OWN)
        return {name: p[i * n : i * n + n] for i, name in enumerate(names)}, p[n * len(names) :]

    def residuals(p: np.ndarray) -> np.ndarray:
        own, shared = split(p)
        found = []
        for name, r in rows.items():
            keep = r.even if half else np.ones_like(r.even)
            off = (r.predicted(own[name], shared) / r.watts - 1.0) * r.weight
            found.append(off[keep] / np.median(r.weight[keep]))
        return np.concatenate(found)

    best = min(
        (
            least_squares(
                residuals, low + (high - low) * start, bounds=(low, high), x_scale=high - low,
                loss="soft_l1", f_scale=SCALE, diff_step=1e-3, max_nfev=400,
            )
            for start in (0.2, 0.35, 0.5)
        ),
        key=lambda found: found.cost,
    )  # fmt: skip
    return split(best.x)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measured", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    cases, refused = cases_of(given.measured)
    print("refused:", dict(refused))
    loads: dict[str, dict[str, list[PowerCase]]] = {"text": {}, "images and video": {}, "other benchmark": {}}
    for case in cases:
        if "ml-energy" not in case.source or case.chip.id not in CHIPS:
            continue
        own = CHIPS[case.chip.id] in case.source
        kind = "other benchmark" if not own else "images and video" if case.load in IMAGES else "text"
        loads[kind].setdefault(case.chip.id, []).append(case)
    rows = {
        kind: {chip: Rows(some, [work_of(c) for c in some]) for chip, some in of.items()}
        for kind, of in loads.items()
    }
    text = {chip: rows["text"][chip] for chip in CHIPS}
    own, shared = fit(text)
    answer: dict[str, object] = {
        "shared": dict(zip(SHARED, shared.tolist(), strict=True)),
        "chips": {},
        "errors": {},
    }
    for chip, p in own.items():
        r = text[chip]
        numbers = {"active [W]": p[0] * r.limit, "byte [pJ/B]": p[1], "flop [pJ/FLOP]": p[2] * r.whole * 1e12}
        shares = {
            "active_share": p[0],
            "byte_share": p[1] / (load_chip(chip).energy_byte["dram"] * 1e12),
            "flop_share": p[2],
        }
        answer["chips"][chip] = {**numbers, **shares}  # type: ignore[index]
        print(chip, {k: round(float(v), 3) for k, v in {**numbers, **shares}.items()})
    print("all", {k: round(v, 3) for k, v in answer["shared"].items()})  # type: ignore[attr-defined]
    errors: dict[str, dict[str, float]] = {}

    def judged(name: str, r: Rows, numbers: np.ndarray, keep: np.ndarray, with_: np.ndarray) -> None:
        if keep.any():
            errors[name] = told(name, r.predicted(numbers, with_)[keep], r.watts[keep])

    for chip, p in own.items():
        judged(f"{chip}, text, fitted models", text[chip], p, text[chip].even, shared)
        judged(f"{chip}, text, other models", text[chip], p, ~text[chip].even, shared)
        for kind in ("images and video", "other benchmark"):
            if chip in rows[kind]:
                r = rows[kind][chip]
                judged(f"{chip}, {kind}, fitted models' names", r, p, r.even, shared)
                judged(f"{chip}, {kind}, other models' names", r, p, ~r.even, shared)
    every = [(text[chip], p) for chip, p in own.items()]
    errors["all, text, other models"] = told(
        "all, text, other models",
        np.concatenate([r.predicted(p, shared)[~r.even] for r, p in every]),
        np.concatenate([r.watts[~r.even] for r, _ in every]),
    )
    for left in CHIPS:  # each accelerator by the shares of the others
        other, common = fit({chip: r for chip, r in text.items() if chip != left}, half=False)
        share = np.mean(list(other.values()), axis=0)
        byte = np.mean([p[1] / (load_chip(c).energy_byte["dram"] * 1e12) for c, p in other.items()])
        share[1] = byte * load_chip(left).energy_byte["dram"] * 1e12
        judged(
            f"{left} by the shares of the others", text[left], share, np.ones_like(text[left].even), common
        )
    answer["errors"] = errors
    print("in force now:", {c: load_serving_power(load_chip(c)).active for c in CHIPS})
    if given.json:
        given.json.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
