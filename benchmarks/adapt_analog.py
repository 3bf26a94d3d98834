"""Noise-aware fine-tuning of a real language model on phase-change tiles: what it brings, and in how long.

One chip is drawn. Its perplexity is measured as programmed, with converters, after the best low-rank
correction of what programming missed, and after training of the same adapters on the training text through
that chip's noise. What else is measured: the same adapters on another chip, the chip a day later, and the
digital model trained on the same text, since some of the gain is that of the text.

    python benchmarks/adapt_analog.py --out src/gigawatt/catalog/data/analog_adapted.csv

Needs the extra ``emulation`` and some 10 CPU-minutes on one thread.
"""

from __future__ import annotations

import argparse
import copy
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gigawatt.emulation.analog import AnalogLinear, convert, linear_layers
from gigawatt.emulation.evaluate import losses, pick_windows
from gigawatt.emulation.models import load_model
from gigawatt.emulation.text import load_text
from gigawatt.technology.registry import load_substrate
from low_rank_adapters import LowRank, adapt, attach

SUBSTRATE = "pcm-hermes-precise:tile_rows=4096,tile_columns=4096,ir_drop=0,output_noise=0,read_noise=0"
"""Programming noise of the HERMES chip, one scale a column; converters of 8 bits where they are on."""

COLUMNS = (
    "id", "quantity", "value", "low", "high", "unit", "year", "currency_year", "grade", "source_id",
    "locator", "note",
)  # fmt: skip


def converters(model: torch.nn.Module, bits: float) -> None:
    """Set the bits of both converters of every tile (0: ideal ones)."""
    for layer in model.modules():
        if isinstance(layer, AnalogLinear):
            layer.dac_bits = layer.adc_bits = bits


def transplant(adapted: torch.nn.Module, model: torch.nn.Module) -> None:
    """Put the trained paths and norms of one chip beside the tiles of another."""
    for path, parent in list(model.named_modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, AnalogLinear):
                theirs: Any = adapted.get_submodule(f"{path}.{name}" if path else name)
                made = LowRank(child, theirs.down.shape[0])
                made.down, made.up = theirs.down, theirs.up
                setattr(parent, name, made)
    trained = {n: p for n, p in adapted.named_parameters() if "norm" in n}
    for name, parameter in model.named_parameters():
        if name in trained:
            parameter.data.copy_(trained[name].data)


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--substrate", default=SUBSTRATE)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--digital-steps", type=int, default=60)
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    mine, text = load_model(asked.model), load_text()
    held = pick_windows(mine, text, asked.windows, 512)
    training = pick_windows(mine, text, max(asked.steps, asked.digital_steps), 512, training=True)
    shown = training[:: max(1, len(training) // 8)][:8]
    rows: list[tuple[str, float, str]] = []

    def note(quantity: str, value: float, words: str) -> None:
        rows.append((quantity, value, words))
        print(
            f"{quantity}: {value:.4g} ({words}), {time.process_time() - began:.0f} CPU-s so far", flush=True
        )
        with asked.out.open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(COLUMNS)
            for key, number, said in rows:
                table.writerow(
                    (
                        asked.model,
                        key,
                        f"{number:.6g}",
                        "",
                        "",
                        "1",
                        "",
                        "",
                        "measured",
                        "analog-adapted",
                        "",
                        said,
                    )
                )

    def perplexity(model: torch.nn.Module) -> float:
        return float(np.exp(losses(model, held).mean()))

    def chip(seed: int, changes: str = "") -> torch.nn.Module:
        made = copy.deepcopy(mine.module)
        convert(
            made, load_substrate(asked.substrate + changes), shown[:1], torch.Generator().manual_seed(seed)
        )
        converters(made, 0)
        return made

    note("seed", asked.seed, asked.substrate)
    note("windows", asked.windows, "held-out windows of 512 tokens")
    note("perplexity_base", perplexity(mine.module), "fp32")
    noisy = chip(asked.seed)
    note("perplexity_programmed", perplexity(noisy), "programming noise alone")
    converters(noisy, 8)
    note("perplexity_converters", perplexity(noisy), "with converters of 8 bits")
    converters(noisy, 0)
    training_began = time.process_time()
    counted = attach(noisy, mine.module, rank=asked.rank, inputs=shown)
    note("rank", asked.rank, "of the adapters")
    note("adapter_share", counted["adapter_share"], "digital weights over weights on tiles")
    note(
        "correction_minutes", (time.process_time() - training_began) / 60.0, "CPU-minutes of the closed form"
    )
    note("perplexity_corrected", perplexity(noisy), "best low-rank correction, no training")
    done = adapt(
        noisy,
        training[: asked.steps],
        steps=asked.steps,
        half=True,
        generator=torch.Generator().manual_seed(1),
    )
    note("tokens", done.tokens, "of training text")
    note("training_minutes", done.cpu_seconds / 60.0, "CPU-minutes of training, one thread")
    note("perplexity_adapted", perplexity(noisy), "corrected and trained, programming noise alone")
    converters(noisy, 8)
    note("perplexity_adapted_converters", perplexity(noisy), "the same with converters of 8 bits")
    converters(noisy, 0)
    other = chip(asked.seed + 1)
    transplant(noisy, other)
    note("perplexity_other_chip", perplexity(other), "the same adapters beside another chip")
    del other
    aged = chip(asked.seed, ",drift_time=86400,read_noise=1")
    for layer in aged.modules():
        if isinstance(layer, AnalogLinear):
            layer.read_noise = 0.0
    transplant(noisy, aged)
    note("perplexity_day", perplexity(aged), "a day later: drift, 1/f noise, global compensation")
    del aged, noisy
    if asked.digital_steps:
        plain = copy.deepcopy(mine.module)
        for parameter in plain.parameters():
            parameter.requires_grad_(False)
        for _, parent, name, layer in list(linear_layers(plain)):
            setattr(parent, name, LowRank(layer, asked.rank))
        adapt(
            plain, training[: asked.digital_steps], steps=asked.digital_steps, half=True,
            generator=torch.Generator().manual_seed(1),
        )  # fmt: skip
        note(
            "perplexity_base_trained",
            perplexity(plain),
            f"fp32 model, same adapters, {asked.digital_steps} steps",
        )
    note("cpu_minutes", (time.process_time() - began) / 60.0, "of all of it, one thread")


if __name__ == "__main__":
    main()
