"""The same formats by torchao: perplexity of a model over the same windows, rounded by its code.

    pip install torchao==0.18.0
    python benchmarks/compare_torchao.py [--model smollm2-135m] [--windows 12] [--substrates ID …]

Writes rows of ``formats_torchao``. MX and NVFP4 through ``prototype.mx_formats``; INT8 and FP8 of rows
through ``quantize_``. Inputs of layers are rounded by its code too where the substrate rounds them.
"""

from __future__ import annotations

import argparse
import copy
import csv
import time

import torch
from torchao.prototype.mx_formats.constants import DTYPE_FP6_E2M3
from torchao.prototype.mx_formats.mx_tensor import MXTensor
from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor, per_tensor_amax_to_scale
from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

from gigawatt.catalog import path
from gigawatt.emulation.evaluate import interval, losses, pick_windows
from gigawatt.emulation.layers import linear_layers
from gigawatt.emulation.models import load_model
from gigawatt.emulation.run import emulate
from gigawatt.emulation.text import load_text

FILE = path("formats_torchao.csv")
SUBSTRATES = ("w-mxfp4", "w-nvfp4", "w-int8", "w-fp8", "a-mxfp8", "a-nvfp4", "a-mxfp4")
HEAD = (
    "id", "substrate", "model", "perplexity []", "torchao []", "base []", "windows []", "date", "grade",
    "source_id", "locator", "note",
)  # fmt: skip


def rounded(x: torch.Tensor, form: str) -> torch.Tensor:
    flat = x.reshape(-1, x.shape[-1]).contiguous()
    if form == "nvfp4":
        made = NVFP4Tensor.to_nvfp4(flat, per_tensor_scale=per_tensor_amax_to_scale(flat.abs().max()))
    else:
        kind = {"mxfp4": torch.float4_e2m1fn_x2, "mxfp8": torch.float8_e4m3fn, "mxfp6": DTYPE_FP6_E2M3}[form]
        made = MXTensor.to_mx(flat, kind, 32)
    return made.dequantize(torch.float32).reshape(x.shape)


def by_torchao(module: torch.nn.Module, substrate: str) -> torch.nn.Module:
    made = copy.deepcopy(module)
    form = substrate.split("-")[-1]
    layers = dict(linear_layers(made))
    if form in ("int8", "fp8"):
        config = Int8WeightOnlyConfig() if form == "int8" else Float8WeightOnlyConfig()
        quantize_(made, config, filter_fn=lambda layer, name: name in layers)
        return made
    for layer in layers.values():
        if substrate.startswith("w-"):
            layer.weight.data = rounded(layer.weight.data, form)
        else:
            layer.register_forward_pre_hook(lambda _, inputs: (rounded(inputs[0], form),))
    return made


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--model", default="smollm2-135m")
    reader.add_argument("--windows", type=int, default=12)
    reader.add_argument("--substrates", nargs="+", default=list(SUBSTRATES))
    given = reader.parse_args()
    torch.set_num_threads(1)
    model = load_model(given.model)
    windows = pick_windows(model, load_text(), given.windows, 512)
    rows: dict[str, dict[str, str]] = {}
    if FILE.exists():
        with FILE.open(newline="", encoding="utf-8") as stream:
            rows = {row["id"]: row for row in csv.DictReader(stream)}
    for substrate in given.substrates:
        ours = emulate(model, substrate, windows=given.windows)
        theirs = interval(losses(by_torchao(model.module, substrate), windows)).value
        print(
            f"{given.model} {substrate}: ours {ours.perplexity.value:.5g}, torchao {theirs:.5g}", flush=True
        )
        rows[f"{given.model}/{substrate}"] = {
            "id": f"{given.model}/{substrate}", "substrate": substrate, "model": given.model,
            "perplexity []": f"{ours.perplexity.value:.7g}", "torchao []": f"{theirs:.7g}",
            "base []": f"{ours.baseline.value:.7g}", "windows []": str(given.windows),
            "date": time.strftime("%Y-%m-%d"), "grade": "measured", "source_id": "torchao",
            "locator": "benchmarks/compare_torchao.py", "note": "",
        }  # fmt: skip
        with FILE.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, HEAD, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows.values())


if __name__ == "__main__":
    main()
