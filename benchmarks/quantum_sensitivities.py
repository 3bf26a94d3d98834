"""What few bits in one part of SmolLM2-135M do to perplexity: rows of ``quantum_sensitivities``.

    python benchmarks/quantum_sensitivities.py [--windows 8] [--check "3 4 3 2 3 3 4 3"]

Eight parts: the layers in four runs from first to last, attention and feed-forward apart. One part at a time
is rounded to 2, 3, 4 or 5 bits in groups of 32, the rest stays in fp32: the rise of the loss [nats a token]
over the same held-out windows. ``--check`` rounds all parts at once, to see whether the rises add up. One
thread.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch

from gigawatt.catalog import path
from gigawatt.emulation.evaluate import interval, losses, pick_windows
from gigawatt.emulation.formats import quantise
from gigawatt.emulation.layers import linear_layers
from gigawatt.emulation.models import load_model
from gigawatt.emulation.text import WIKIPEDIA, load_text

FILE = path("quantum_sensitivities.csv")
HEAD = (
    "id,model,part,bits [],rise [],rise_low [],rise_high [],weights [],windows [],length [],"
    "grade,source_id,locator,note"
)
RUNS, WIDTHS, LENGTH = 4, (2, 3, 4, 5), 512


def parts(model: torch.nn.Module) -> dict[str, list[str]]:
    """Names of linear layers by part: ``attention-0`` … ``feed-forward-3``."""
    names = [name for name, _ in linear_layers(model)]
    layers = sorted({int(name.split(".layers.")[1].split(".")[0]) for name in names if ".layers." in name})
    found: dict[str, list[str]] = {}
    for run, chunk in enumerate(np.array_split(layers, RUNS)):
        for kind, mark in (("attention", "self_attn"), ("feed-forward", "mlp")):
            found[f"{kind}-{run}"] = [
                name for name in names for layer in chunk if f".layers.{layer}.{mark}." in name
            ]
    return found


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--windows", type=int, default=8)
    ask.add_argument("--check", default="")
    given = ask.parse_args()
    torch.set_num_threads(1)
    model = load_model("smollm2-135m", length=LENGTH)
    windows = pick_windows(model, load_text(WIKIPEDIA), given.windows, LENGTH)
    module, groups = model.module, parts(model.module)
    base = losses(module, windows)
    print(f"fp32 {np.exp(base.mean()):.4f}", file=sys.stderr, flush=True)
    layers = dict(linear_layers(module))
    kept = {name: layers[name].weight.data.clone() for name in layers}

    def rise(widths: dict[str, int]) -> tuple[float, float, float]:
        """(mean, low, high) of the rise of the loss with parts rounded to these widths."""
        for part, bits in widths.items():
            for name in groups[part]:
                layers[name].weight.data = quantise(kept[name], f"int{bits}", "g32")
        found = interval(losses(module, windows), base)
        for part in widths:
            for name in groups[part]:
                layers[name].weight.data = kept[name]
        return tuple(float(np.log(x)) for x in (found.value, found.low, found.high))  # type: ignore[return-value]

    if given.check:
        for one in given.check.split(","):
            widths = dict(zip(groups, (int(bits) for bits in one.split()), strict=True))
            print(one, *(f"{x:.5f}" for x in rise(widths)), flush=True)
        return
    rows = [HEAD]
    for part, names in groups.items():
        weights = sum(kept[name].numel() for name in names)
        for bits in WIDTHS:
            mean, low, high = rise({part: bits})
            row = (
                f"{part}/{bits},smollm2-135m,{part},{bits},{mean:.6g},{low:.6g},{high:.6g},{weights},"
                f"{given.windows},{LENGTH},measured,gigawatt-measured,benchmarks/quantum_sensitivities.py,"
            )
            rows.append(row)
            print(row, file=sys.stderr, flush=True)
    FILE.write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
