"""Analog in-memory computing beside what others published: a chip, a simulator, attention on gain cells.

``fitted`` marks what our number was made from. The 64-core chip is predicted from a single core of an earlier
chip of the family and from published shares; neither of its totals was used.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from functools import lru_cache

from gigawatt.catalog import entity
from gigawatt.technology.analog import tiles as analog
from gigawatt.technology.analog.writing import attention_head
from gigawatt.technology.registry import load_substrate

__all__ = ["adapted", "gain_cell", "hermes", "layer_errors", "m1076"]


def hermes(mode: str) -> dict[str, float]:
    """Ours of the 64-core PCM chip in ``fast`` or ``precise`` mode, SI.

    All cores make one 256 × 256 product; joules are those of cells and converters, as the paper counts them.
    """
    made = load_substrate(f"pcm-hermes-{mode}")
    core = entity("analog", "core-pcm")
    rows, columns, cores = core.value("rows"), core.value("columns"), core.value("cores")
    joules = analog.cost(made, m=1.0, n=columns, k=rows)
    energy = cores * sum(float(joules[part]) for part in ("cells", "dac", "adc"))
    operations = cores * 2.0 * rows * columns
    rate = operations / float(analog.time(made, m=1.0, n=columns, k=rows))
    silicon = cores * float(analog.area(made))
    return {
        "throughput": rate,
        "efficiency": operations / energy,
        "energy": energy,
        "density": rate / silicon,
    }


def m1076() -> dict[str, float]:
    """Ours of Mythic's M1076 in fast mode, SI."""
    made = load_substrate("flash:mode=fast")
    core = entity("analog", "core-flash")
    rows, columns, cores = core.value("rows"), core.value("columns"), core.value("cores")
    seconds = float(analog.time(made, m=1.0, n=columns, k=rows))
    joules = sum(float(x) for x in analog.cost(made, m=1.0, n=columns, k=rows).values())
    return {"throughput": cores * 2.0 * rows * columns / seconds, "power": cores * joules / seconds}


@lru_cache(maxsize=8)
def layer_errors(inputs: int, draws: int = 5) -> dict[str, float]:
    """Relative errors of a layer of ``inputs`` × 512 normal weights on PCM, as the other simulator was run.

    Weights of variance 1/inputs and 1,024 normal inputs, drawn by numpy with seed 20; inputs of 3 drive a row
    fully, converters of 8 bits span 10 full inputs on full weights, output noise 0.04 of one, no IR drop and
    no noise of reads. Needs torch.

    Returns
    -------
    dict
        ``forward`` (converters and output noise alone), ``programmed``, ``hour``, ``day`` (global
        compensation), ``day_uncompensated``: root mean square over that of the exact outputs.
    """
    import numpy as np
    import torch

    from gigawatt.emulation.analog import AnalogLinear

    rng = np.random.default_rng(20)
    w = (rng.standard_normal((512, inputs)) / np.sqrt(inputs)).astype(np.float32)
    x = torch.tensor(rng.standard_normal((1024, inputs)).astype(np.float32))
    linear = torch.nn.Linear(inputs, 512, bias=False)
    linear.weight.data = torch.tensor(w)
    exact = x @ linear.weight.data.T
    changes = {
        "forward": "programming_noise=0",
        "programmed": "drift_time=0",
        "hour": "drift_time=3600",
        "day": "drift_time=86400",
        "day_uncompensated": "drift_time=86400,compensation=none",
    }
    found: dict[str, float] = {}
    for name, change in changes.items():
        made = load_substrate(f"pcm:input_range=static,{change}")
        errors: list[float] = []
        for seed in range(1 if name == "forward" else draws):
            layer = AnalogLinear(linear, made, generator=torch.Generator().manual_seed(seed))
            layer.input_range.fill_(3.0)
            layer.read_noise = 0.0
            errors.append(float((layer(x) - exact).norm() / exact.norm()))
        found[name] = float(np.mean(errors))
    return found


def adapted() -> dict[str, float]:
    """What ``benchmarks/adapt_analog.py`` measured, by quantity."""
    row = entity("analog_adapted", "smollm2-135m")
    return {key: row.value(key) for key in row.numbers}


def gain_cell() -> dict[str, float]:
    """Ours of an attention head on gain cells: a window of 1,024, 64 wide, SI."""
    head = attention_head(window=1024.0, width=64.0)
    return {"energy": sum(float(x) for x in head.energy.values()), "latency": float(head.time)}
