"""What digital formats and sparsity are held to: TEAL's speed, joules of a token in stacked memory."""

from __future__ import annotations

from gigawatt.catalog.loader import entity
from gigawatt.machine.load import load_chip
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.workload import read_architecture

__all__ = ["stacked", "teal"]

_TEAL_CHIPS = ("A100-SXM4-80GB", "L40S")
_TEAL_MODELS = ("llama-2-7b", "llama-2-13b", "llama-3.1-8b")


def teal(kept: float) -> float:
    """Most that a token at batch 1 quickens with that share of activations kept.

    The paper's "up to" is the best of its models on A100 and A6000; the catalog's card of the second's class
    (GDDR6, 864 for 768 GB/s) is the L40S.
    """
    zeros = Substrate("teal", "teal", "digital", {"sparsity": "teal", "keep": kept})
    dense = Substrate("bf16", "bf16", "digital", {"weights": "bf16"})

    def quicker(model: str, chip: str) -> float:
        architecture = read_architecture(model)
        slow, quick = (token_cost(one, architecture, chip=chip).step_time for one in (dense, zeros))
        return slow / quick

    return max(quicker(model, chip) for model in _TEAL_MODELS for chip in _TEAL_CHIPS)


def stacked() -> float:
    """J/token of reading 70 billion weights of 8 bits, at the device and its interface."""
    model, chip = read_architecture("llama-3.1-70b"), load_chip("H100-SXM5-80GB")
    settings = {"weights": "fp8_e4m3", "activations": "fp8_e4m3", "weight_group": "tensor"}
    made = token_cost(Substrate("fp8", "fp8", "digital", settings), model, chip=chip)
    read = made.energy["weights"] / chip.energy_byte["dram"]
    return read * entity("memories", "HBM2").value("energy")
