"""docs/serving-plans.md: what `plan-serving` recommends beside what is deployed and published.

    python benchmarks/serving_plans.py

Half a minute: 25 plans in closed form, and those of the published layouts.
"""

# ruff: noqa: E501
from __future__ import annotations

from pathlib import Path

from gigawatt.faces.figures.readable import significant
from gigawatt.validation.serving.plans import (
    LOAD,
    PublishedPlan,
    Recommended,
    pinned_rate,
    published_plans,
    recommended,
)

ROOT = Path(__file__).resolve().parents[1]

HEAD = """# Serving plans beside deployments

Made by `python benchmarks/serving_plans.py`; do not edit. Each row is `gigawatt plan-serving --model … --chip … --weights …
--cache … --prompt {prompt} --output {output} --objective {objective} --year {year} --finalists 0`: the formats are those of the published
checkpoint, the engine is the usual one of the year. *Published* are the layouts that the publisher recommends or measured
(`validation/published_plans.csv`); *same* says whether the plan is one of them. The last column is what the best published
layout gives under the same load, predicted alike. {same} of {rows} plans are among the published layouts; every other one is
explained below, and `tests/validation/test_serving_plans.py` holds both lists.

| model | chip | weights, cache | planned | in flight | output tokens/s a chip | TPOT | limit | published | same | published layout gives |
|---|---|---|---|---|---|---|---|---|---|---|
"""

GROUPS = """
## Groups of attention data parallelism, by release

vLLM from 0.9 to 0.15, of 2025, pads every attention group to the one with the longest prompt, so that shared experts compute
for all of them; later releases do not (`engines_versions`). Output tokens/s a chip of published layouts under the same load,
with the releases of both years:

| model | chip | layout | 2025 | 2026 |
|---|---|---|---|---|
"""

RULES = """
## What a plan takes from the engine

Rows of `engines_limits`, `engines_recipes` and `engines_layouts` ([models](model/serving.md)):

- Tokens and sequences of an iteration are the engine's defaults on the accelerator, or those of a recipe (`--recipe published`,
  or a row of `gigawatt catalog list engines_recipes`). With 256 sequences, the limit of smaller accelerators, gpt-oss-120b was
  planned on several B200 a replica; with the 1,024 of vLLM one is enough, as published.
- vLLM lays experts on all ranks (EP = TP × DP) or cuts them as tensors; TensorRT-LLM makes attention data parallel on all ranks
  or on none. A shard of block-scaled FP8 is whole blocks of 128: Qwen3-235B in FP8 runs on TP4, or on TP8 with experts spread.
- Stages inside a domain are planned on PCIe alone, where rows measured them; `--pipeline` asks for others. A replica shares a node
  evenly or fills nodes (a tray of four in an NVL72).
- TensorRT-LLM has no kernels for NVFP4 weights before Blackwell, and says so.

## Not searched

Tensor parallelism across domains, redundant experts, two batches that overlap, several tokens predicted at once without
`--guesses`: deployments that have them serve more than the plan says. Prefill and decode apart is `--mode both`.
"""


def line(row: PublishedPlan, made: Recommended) -> str:
    """One row of the table."""
    gives = "not planned" if made.published_rate is None else significant(made.published_rate)
    source = f"[{row.publisher}]({row.url}): {row.what}" if row.publisher else "–"
    formats = f"{row.weights or 'checkpoint'}, {row.cache}"
    return (
        f"| {row.model} | {row.chip} | {formats} | {made.layout} | {significant(made.held)} | {significant(made.rate)} | "
        f"{significant(1e3 * made.tpot)} ms | {made.limit} | {source} | "
        f"{'yes' if made.layout in row.layouts else 'no'} | {gives} |"
    )


def groups() -> str:
    """Published layouts with attention data parallelism, by the engine's releases of two years."""
    text = GROUPS
    for row in published_plans():
        for layout in row.layouts:
            rates = [pinned_rate(row, layout, year) for year in (2025, 2026)] if "DP" in layout else []
            if all(rates) and rates:
                cells = " | ".join(significant(float(rate or 0.0)) for rate in rates)
                text += f"| {row.model} | {row.chip} | {layout} | {cells} |\n"
    return text


def page() -> str:
    """The page."""
    found = [(row, recommended(row)) for row in published_plans()]
    same = sum(made.layout in row.layouts for row, made in found)
    text = HEAD.format(same=same, rows=len(found), **LOAD) + "\n".join(line(*one) for one in found)
    text += "\n\n## Why a plan is another\n\n"
    for row, made in found:
        if made.layout not in row.layouts:
            text += f"- **{row.model} on {row.chip}**, {made.layout}: {row.difference}.\n"
    return text + groups() + RULES


if __name__ == "__main__":
    (ROOT / "docs" / "serving-plans.md").write_text(page(), encoding="utf-8")
