"""Fit the few free numbers of the catalog's software stacks to measured training runs, and judge the fit.

    python benchmarks/fit_stacks.py            fit, and print errors in sample and with each source left out
    python benchmarks/fit_stacks.py --write    the same, and write catalog/data/stacks.details.csv,
                                               catalog/data/sustained.csv and validation/residuals.csv
    python benchmarks/fit_stacks.py --write-docs    docs/scorecard.md from what was written last

What is fitted are the `KNOBS`: numbers of a stack, or the share of its rate that a chip sustains, each
inside physical bounds. A knob is drawn to its prior, so that one of which few rows speak stays there. The
loss is the absolute logarithm of predicted over measured; a source weighs with the root of its rows (at
most `CAP`), so that no large table speaks for all. Nothing is split at random: a source (or an accelerator)
is left out as a whole, every knob that its rows touch is put back to its prior and fitted again, and
only then are the rows judged.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.performance.stacks import Stack, load_stack, sustained
from gigawatt.validation.baseline import constant_utilisation
from gigawatt.validation.cases import Case
from gigawatt.validation.files import Refusal, rows_file
from gigawatt.validation.predict import predict
from gigawatt.validation.rows import read_rows
from gigawatt.validation.scorecard import errors_of
from gigawatt.validation.validate import prepare_all, validate, width

ROOT = Path(__file__).resolve().parents[1]
CATALOG = ROOT / "src/gigawatt/catalog/data"
RESULT = ROOT / "validation/fit.json"
CAP = 60
"""Most rows of a source that add to its weight."""
EVERY = {"vTrain ground truth (single-node)": 30, "MosaicML llm-foundry benchmarking README": 3,
         "BigScience benchmarking logs": 2, "vTrain ground truth (multi-node)": 2}  # fmt: skip
"""Of these large regular tables every n-th row is fitted to; all rows are judged."""
SHRINK = 0.15
"""What one `scale` away from the prior costs, in rows' logarithms: about as far as one source lies from
another, so that one short source cannot carry a knob far (the mode of Laplace errors and a Laplace prior)."""

WIDE = 3.0
"""A chip's sustained share is known so many times less well beforehand than a stack's rate."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A free number: of which stacks (or chips), its prior and bounds, and what counts as one step away.

    ``also`` are stacks that take the number but to whose rows it is not fitted.
    """

    name: str
    where: tuple[str, ...]
    quantity: str
    prior: float
    low: float
    high: float
    scale: float
    unit: str
    why: str
    also: tuple[str, ...] = ()

    def prior_cost(self, at: float) -> float:
        """What the distance from the prior costs beside the rows."""
        return SHRINK * abs(at - self.prior) / (self.scale * (WIDE if self.on_chip else 1.0))

    @property
    def on_chip(self) -> bool:
        """Whether it belongs to chips."""
        return self.quantity.startswith("share")

    def touches(self, case: Case) -> bool:
        """Whether the prediction of ``case`` depends on it."""
        if self.on_chip and self.quantity.endswith("narrow") != (case.number_format in NARROW):
            return False
        return (case.cluster.chip.id if self.on_chip else case.habits.stack) in self.where


NARROW = ("fp8", "int8", "fp4")
FUSED = ("megatron-core-2024", "nemo-2025", "nemo-mlperf", "llama3-2024", "deepseek-v3", "fsdp-2023",
         "maxtext-2024", "neuron-2023", "generic-2024")  # fmt: skip
TPU = ("TPU-v4", "TPU-v5e", "TPU-v5p", "TPU-v6e")
HOPPER = ("H100-SXM5-80GB", "H200-SXM-141GB", "H800-SXM5-80GB", "H100-PCIe-80GB")
BLACKWELL = ("B200-SXM-180GB", "GB200", "B100-SXM-192GB", "B300-SXM-270GB", "GB300")
BESIDE = ("A100-SXM4-80GB", "A100-SXM4-40GB", "A800-SXM4-80GB", "V100-SXM2-32GB", "Gaudi2", "Gaudi3",
          "Trainium1", "Trainium1-NeuronCore", *TPU)  # fmt: skip
"""Chips that keep their whole rate in the fit: the power limit binds none of them as it does the newer ones."""


def _arithmetic(stack: str) -> Knob:
    why = "rate of matrix multiplications in a step beside the best benchmarked"
    return Knob(f"{stack}.arithmetic", (stack,), "arithmetic", 0.92, 0.6, 1.1, 0.1, "", why)


UNFUSED = ("megatron-2021", "megatron-2022", "deepspeed-2023")
EAGER = ("megatron-core-2024", "nemo-2025", "llama3-2024", "deepseek-v3", "fsdp-2023", "generic-2024")
"""Stacks that issue operations from Python as the unfused ones do."""

KNOBS = (
    *(_arithmetic(stack) for stack in (*UNFUSED, *FUSED)),
    Knob("fsdp-2023.attention", ("fsdp-2023",), "attention", 0.5, 0.3, 1.1, 0.2, "",
         "attention kernels of 2023; prior recalled: FlashAttention-2 about twice FlashAttention, 3 about twice 2"),
    Knob("unfused.score_passes", UNFUSED, "score_passes", 6.0, 4.0, 10.0, 2.0, "",
         "times that attention scores go through memory; one number for all unfused stacks"),
    Knob("unfused.unaligned", UNFUSED, "unaligned", 4.0, 1.0, 32.0, 4.0, "",
         "times that attention takes longer where heads are not a multiple of 16 bytes"),
    Knob("eager.host", UNFUSED, "host", 50e-6, 5e-6, 150e-6, 16e-6, "us",
         "issuing an operation from Python: about 5 kernels at 10 µs each; one number for all eager stacks", EAGER),
    Knob("hopper.sustained", HOPPER, "share", 0.85, 0.6, 1.0, 0.1, "", "rate kept under the power limit, 16 bit"),
    Knob("hopper.sustained_narrow", HOPPER, "share_narrow", 0.9, 0.6, 1.0, 0.1, "", "the same, 8 bit and less"),
    Knob("blackwell.sustained", BLACKWELL, "share", 0.75, 0.6, 1.0, 0.1, "",
         "rate kept under the power limit, 16 bit; prior: about what Hopper keeps"),
    Knob("blackwell.sustained_narrow", BLACKWELL, "share_narrow", 0.9, 0.6, 1.0, 0.1, "", "the same, 8 bit and less"),
    Knob("tpu.sustained_narrow", TPU, "share_narrow", 0.9, 0.6, 1.0, 0.1, "", "rate kept in a step, 8 bit"),
)  # fmt: skip
USUAL = "generic-2024.arithmetic"
"""Not fitted: the median of the fitted stacks, for whoever's stack is not known."""
TIED = frozenset(knob.where[0] for knob in KNOBS if knob.quantity == "attention")
"""Stacks whose attention is fitted by itself; in all others it moves with arithmetic."""

Values = dict[str, float]


def stacks_of(values: Values, cases: Iterable[Case]) -> dict[tuple[str, str, str], Stack]:
    """The stack of every (stack, chip, number format) of the cases with the knobs at ``values``."""
    found: dict[tuple[str, str, str], Stack] = {}
    for case in cases:
        name, chip, form = (case.habits.stack, case.cluster.chip, case.number_format)
        key = (name, chip.id, form)
        if key in found:
            continue
        numbers: dict[str, float] = {}
        kept, catalog_share = 1.0, sustained(chip, form)
        for knob in KNOBS:
            if knob.on_chip and knob.touches(case):
                kept = values[knob.name]
            elif not knob.on_chip and name in (*knob.where, *knob.also):
                numbers[knob.quantity] = values[knob.name]
        stack = replace(load_stack(name), **numbers)
        if name not in TIED:
            stack = replace(stack, attention=stack.arithmetic)
        over = kept / catalog_share
        found[key] = replace(stack, arithmetic=stack.arithmetic * over, attention=stack.attention * over)
    return found


def logs(cases: Sequence[Case], values: Values) -> NDArray[np.float64]:
    """ln(predicted / measured) of every case, nan where the prediction is refused."""
    outcomes = predict(cases, stacks=stacks_of(values, cases))
    return np.array(
        [
            np.nan if isinstance(one, Refusal) else np.log(one.step_time / case.measured)
            for case, one in zip(cases, outcomes, strict=True)
        ]
    )


def thinned(cases: Sequence[Case]) -> list[Case]:
    """The rows that are fitted to: all, but every n-th of the large regular tables."""
    seen: dict[str, int] = {}
    kept: list[Case] = []
    for case in cases:
        source = case.row.text("source")
        seen[source] = seen.get(source, -1) + 1
        if seen[source] % EVERY.get(source, 1) == 0:
            kept.append(case)
    return kept


def weights(cases: Sequence[Case]) -> NDArray[np.float64]:
    """A row's weight: the root of its source's rows (at most CAP), shared by them."""
    sources = [case.row.text("source") for case in cases]
    counts = {name: sources.count(name) for name in set(sources)}
    return np.array([np.sqrt(min(counts[name], CAP)) / counts[name] for name in sources])


def fit(cases: Sequence[Case], start: Values, free: Sequence[Knob], sweeps: int = 4) -> Values:
    """Coordinate search of the ``free`` knobs from ``start``; a knob that no case touches stays."""
    weight, values = weights(cases), dict(start)
    off = logs(cases, values)
    step = {knob.name: knob.scale for knob in free}
    for _ in range(sweeps):
        for knob in free:
            mine = [i for i, case in enumerate(cases) if knob.touches(case)]
            if not mine:
                continue
            some, share = [cases[i] for i in mine], weight[mine]

            def loss(
                at: float,
                knob: Knob = knob,
                some: Sequence[Case] = some,
                share: NDArray[np.float64] = share,
            ) -> tuple[float, NDArray[np.float64]]:
                found = logs(some, {**values, knob.name: at})
                data = float(np.nansum(share * np.abs(found)))
                return data + knob.prior_cost(at), found

            least = float(np.nansum(share * np.abs(off[mine])))
            least += knob.prior_cost(values[knob.name])
            for direction in (1.0, -1.0):
                moved = False
                while True:
                    at = min(max(values[knob.name] + direction * step[knob.name], knob.low), knob.high)
                    if at == values[knob.name]:
                        break
                    tried, found = loss(at)
                    if tried >= least - 1e-6:
                        break
                    values[knob.name], least, moved = at, tried, True
                    off[mine] = found
                if moved:
                    break
        step = {name: size / 2.0 for name, size in step.items()}
    return values


def usual(values: Values, without: Iterable[Knob] = ()) -> float:
    """The median arithmetic of the fitted stacks other than those of ``without``."""
    names = [k.name for k in KNOBS if k.quantity == "arithmetic" and k.name != USUAL and k not in without]
    return float(np.median([values[name] for name in names]))


def left_out(cases: Sequence[Case], fitted: Values, name_of: Callable[[Case], str]) -> NDArray[np.float64]:
    """ln(predicted / measured) of every case from a fit that had seen no case of the same name.

    Knobs that the left-out cases touch go back to their priors (an arithmetic of which no other row
    speaks to the median of the other stacks), and are fitted to the rest.
    """
    found = np.full(len(cases), np.nan)
    for name in dict.fromkeys(map(name_of, cases)):
        out = [i for i, case in enumerate(cases) if name_of(case) == name]
        rest = thinned([case for case in cases if name_of(case) != name])
        touched = [knob for knob in KNOBS if any(knob.touches(cases[i]) for i in out)]
        start = dict(fitted)
        for knob in touched:
            alone = not any(knob.touches(case) for case in rest)
            borrowed = knob.quantity == "arithmetic" and (alone or knob.name == USUAL)
            start[knob.name] = usual(fitted, touched) if borrowed else knob.prior
        touching = [case for case in rest if any(knob.touches(case) for knob in touched)]
        free = [knob for knob in touched if knob.name != USUAL]
        values = fit(touching, start, free, sweeps=3) if touching else start
        found[out] = logs([cases[i] for i in out], values)
    return found


def summary(cases: Sequence[Case], off: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Errors by accelerator and kind, of all, and of all but vTrain, as fractions."""
    chips = [f"{case.row.text('accelerator')} | {case.kind}" for case in cases]
    makers = [f"{_maker(case)} | {case.kind}" for case in cases]
    whole = ["all but vTrain" if "others" in name else "" for name in makers]
    found: dict[str, dict[str, float]] = {}
    for labels in (makers, whole, ["all"] * len(cases), chips):
        for name in dict.fromkeys(filter(None, labels)):
            use = np.array([label == name for label in labels]) & np.isfinite(off)
            if use.any():
                errors = errors_of(np.exp(off[use]), np.ones(int(use.sum())))
                found[name] = {"n": int(use.sum()), **asdict(errors)}
    return found


def naive(cases: Sequence[Case]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln(predicted / measured) of the constant utilisation, in sample and with the source left out."""
    measured = np.array([case.measured for case in cases])
    made = constant_utilisation(
        measured=measured,
        work=np.array([case.work for case in cases]),
        groups=[f"{c.row.text('accelerator')} | {width(c.number_format)} | {c.kind}" for c in cases],
        sources=[case.row.text("source") for case in cases],
    )
    return np.log(made.inside / measured), np.log(made.outside / measured)


def _maker(case: Case) -> str:
    name, source = case.cluster.chip.id, case.row.text("source")
    return f"{name.split('-')[0]} {'(vTrain)' if source.startswith('vTrain') else '(others)'}"


def write(values: Values, cases: Sequence[Case], outside: NDArray[np.float64], used: Sequence[Case]) -> None:
    """The fitted numbers as catalog rows, and the errors out of sample that the band is made of."""
    header = [
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

    def line(where: str, quantity: str, knob: Knob) -> list[str]:
        factor = 1e-6 if knob.unit == "us" else 1.0
        numbers = [f"{number / factor:.4g}" for number in (values[knob.name], knob.low, knob.high)]
        spoke = any(knob.touches(c) and where in (c.cluster.chip.id, c.habits.stack) for c in used)
        note = f"{knob.why}; range is the bounds" + ("" if spoke else "; no row of this one, as its like")
        grade = "calibrated" if spoke else "guess"
        return [where, quantity, *numbers, knob.unit, "", grade, "gigawatt-training-fit", "", note]

    details, chips = [header], [header]
    for knob in KNOBS:
        for where in (*knob.where, *knob.also):
            (chips if knob.on_chip else details).append(line(where, knob.quantity, knob))
            if knob.quantity == "arithmetic" and where not in TIED:
                details.append(line(where, "attention", knob))
    for where in BESIDE:
        for quantity in ("share", "share_narrow"):
            if not any(knob.quantity == quantity and where in knob.where for knob in KNOBS):
                numbers = ["1", "0.6", "1", "", "", "guess", "gigawatt-training-fit", ""]
                chips += [[where, quantity, *numbers, "not fitted: what the others are beside"]]
    for quantity in ("share", "share_narrow"):
        fitted = [values[knob.name] for knob in KNOBS if knob.quantity == quantity]
        numbers = [
            f"{np.median([1.0, *fitted]):.4g}",
            "0.6",
            "1",
            "",
            "",
            "guess",
            "gigawatt-training-fit",
            "",
        ]
        chips += [["default", quantity, *numbers, "median of the fitted ones and 1"]]
    for file, rows in ((CATALOG / "stacks.details.csv", details), (CATALOG / "sustained.csv", chips)):
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)
    with (ROOT / "validation/residuals.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "source", "kind", "ln_measured_over_predicted"])
        for case, off in zip(cases, outside, strict=True):
            if np.isfinite(off):
                writer.writerow([case.row.id, case.row.text("source"), case.kind, f"{-off:.4f}"])


def main() -> None:
    """Fit, judge, print; write where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, default=rows_file("training"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--write-docs", action="store_true")
    parser.add_argument("--fit-only", action="store_true", help="do not leave anything out")
    given = parser.parse_args()
    if given.write_docs and not given.write:
        document(validate("training").to_json(), json.loads(RESULT.read_text(encoding="utf-8")))
        return
    began = time.perf_counter()
    cases, _ = prepare_all(read_rows(given.rows))
    used = thinned(cases)
    prior = {knob.name: knob.prior for knob in KNOBS}
    values = fit(used, prior, [knob for knob in KNOBS if knob.name != USUAL])
    values[USUAL] = usual(values)
    for knob in KNOBS:
        print(f"{knob.name:32s} {values[knob.name]:.4g}   (prior {knob.prior:g})")
    found = {"prior": summary(cases, logs(cases, prior)), "in_sample": summary(cases, logs(cases, values))}
    inside, alone = naive(cases)
    found |= {"naive_in_sample": summary(cases, inside), "naive_source_left_out": summary(cases, alone)}
    if not given.fit_only:
        outside = left_out(cases, values, lambda case: case.row.text("source"))
        found["source_left_out"] = summary(cases, outside)
        dense = left_out(cases, values, lambda case: case.cluster.chip.id)
        found["accelerator_left_out"] = summary(cases, dense)
        if given.write:
            write(values, cases, outside, used)
            count = sum(k.name != USUAL and any(k.touches(case) for case in used) for k in KNOBS)
            written = {"fitted": count, "knobs": values, "errors": found}
            RESULT.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    for name, table in found.items():
        print(name)
        for group, e in table.items():
            print(f"  {group:28s} n {e['n']:5.0f}  mape {e['mape']:.3f}  median {e['median_ape']:.3f}"
                  f"  p90 {e['p90_ape']:.3f}  bias {e['bias']:+.3f}")  # fmt: skip
    print(f"{time.perf_counter() - began:.0f} s")


def document(card: Mapping[str, Any], fitted: Mapping[str, Any]) -> None:
    """Write docs/scorecard.md from a scorecard and from what the last `--write` judged."""
    baseline, outside = card["baseline"]["in_sample"], card["baseline"]["leave_source_out"]
    ours = outside["ours_on_the_same_rows"]
    lines = [
        "# Scorecard: training",
        "",
        "Written by `python benchmarks/fit_stacks.py --write-docs`; `gigawatt validate training` prints the same",
        "errors for the shipped rows, `--rows FILE` for any others. Errors are of the time of a step: APE is",
        "|predicted/measured - 1|, bias the geometric mean of predicted/measured less one (above zero: too slow).",
        "",
        f"{card['rows']:,} rows, {card['predicted']:,} predicted, {card['refused']} refused: "
        + "; ".join(f"{reason} ({count})" for reason, count in card["refused_reasons"].items())
        + ".",
        f"{card['parameters_fitted']} numbers are fitted (below); the naive baseline fits one a group of accelerator,",
        "number format and dense/MoE.",
        "",
        "## Out of sample",
        "",
        "*Source left out*: every fitted number that a source's rows touch is put back to its prior and fitted",
        "again without that source, then its rows are judged. *Accelerator left out*: the same by chip. Rows of",
        "vTrain (1,549 of one system) are shown apart. Each fitted number is drawn to its prior as one source of",
        "one row would draw it, so that a number of which only few short sources speak stays where it was.",
        "",
        "| rows | n | in sample | **source left out** | median | p90 | bias | accelerator left out | constant MFU in sample | constant MFU, source left out |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    tables = fitted["errors"]
    for name, e in tables["source_left_out"].items():
        inside, by_chip = tables["in_sample"][name], tables["accelerator_left_out"][name]
        lines.append(
            f"| {name.replace(' | ', ', ')} | {e['n']} | {inside['mape']:.1%} | **{e['mape']:.1%}** | "
            f"{e['median_ape']:.1%} | {e['p90_ape']:.1%} | {e['bias']:+.1%} | {by_chip['mape']:.1%} | "
            f"{tables['naive_in_sample'][name]['mape']:.1%} | {_alone(tables['naive_source_left_out'].get(name))} |"
        )
    covered = card["coverage90"]
    lines += [
        "",
        "## Beside the naive baseline",
        "",
        "| | n | MAPE | median | p90 | bias |",
        "|---|---|---|---|---|---|",
        _row("gigawatt, in sample", card["predicted"], card["overall"]),
        _row("constant MFU, in sample", card["predicted"], baseline),
        _row("gigawatt, rows whose group other sources measured too", outside["n"], ours),
        _row("constant MFU from those other sources", outside["n"], outside),
        "",
        f"The 90 % band, made of errors on sources left out, holds {covered:.0%} of the rows, and",
        f"{card['coverage90_mean_of_sources']:.0%} where every source counts alike.",
        "",
        "## By source, in sample",
        "",
        "| source, accelerator, kind | n | refused | MAPE | median | p90 | bias | in the 90 % band | constant MFU |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for group in card["groups"]:
        name = group["group"].replace(" | ", ", ")
        if not group["n"]:
            lines.append(f"| {name} | 0 | {group['refused']} | | | | | | |")
            continue
        lines.append(
            f"| {name} | {group['n']} | {group['refused']} | {group['mape']:.1%} | {group['median_ape']:.1%} | "
            f"{group['p90_ape']:.1%} | {group['bias']:+.1%} | {group['coverage90']:.0%} | "
            f"{group['baseline_mape']:.1%} |"
        )
    lines += [
        "",
        "## What is fitted",
        "",
        "| number | value | prior | bounds | what it is |",
        "|---|---|---|---|---|",
    ]
    for knob in KNOBS:
        factor = 1e-6 if knob.unit == "us" else 1.0
        numbers = [f"{x / factor:.4g}" for x in (fitted["knobs"][knob.name], knob.prior, knob.low, knob.high)]
        why = "the median of the others, not fitted" if knob.name == USUAL else knob.why
        unit = " µs" if knob.unit == "us" else ""
        lines.append(
            f"| {knob.name} | {numbers[0]}{unit} | {numbers[1]} | {numbers[2]} to {numbers[3]} | {why} |"
        )
    (ROOT / "docs/scorecard.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _alone(e: Mapping[str, float] | None) -> str:
    return f"{e['mape']:.1%} (of {e['n']})" if e else "no other source"


def _row(name: str, n: int, e: Mapping[str, float]) -> str:
    return (f"| {name} | {n} | {e['mape']:.1%} | {e['median_ape']:.1%} | {e['p90_ape']:.1%} | "
            f"{e['bias']:+.1%} |")  # fmt: skip


if __name__ == "__main__":
    main()
