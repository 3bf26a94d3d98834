"""Checks of digital formats and sparsity: TEAL's speed, joules of a token in stacked memory."""

from __future__ import annotations

from gigawatt.catalog.loader import entity, source
from gigawatt.machine.load import load_chip
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.validation.supply_check import Check
from gigawatt.workload import read_architecture

__all__ = ["checks"]

_TEAL_CHIPS = ("A100-SXM4-80GB", "L40S")
_TEAL_MODELS = ("llama-2-7b", "llama-2-13b", "llama-3.1-8b")


def _teal(kept: float) -> float:
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


def _stacked() -> float:
    """J/token of reading 70 billion weights of 8 bits, at the device and its interface."""
    model, chip = read_architecture("llama-3.1-70b"), load_chip("H100-SXM5-80GB")
    settings = {"weights": "fp8_e4m3", "activations": "fp8_e4m3", "weight_group": "tensor"}
    made = token_cost(Substrate("fp8", "fp8", "digital", settings), model, chip=chip)
    read = made.energy["weights"] / chip.energy_byte["dram"]
    return read * entity("memories", "HBM2").value("energy")


def checks() -> list[Check]:
    """Published figures that the cost of digital formats and of zeros is held to."""
    teal, hbm = entity("technologies_checks", "teal"), entity("technologies_checks", "hbm")
    found = [
        Check(
            "sparsity",
            f"TEAL, {100 - 100 * kept:.0f} % zeros, batch 1: times quicker, best of 2 chips, 3 models",
            _teal(kept),
            teal.value(quantity),
            "",
            0.1,
            source(teal.evidence(quantity).source_id).title,
        )
        for kept, quantity in ((0.6, "speedup_40"), (0.5, "speedup_50"))
    ]
    found.append(
        Check(
            "formats",
            "Weights of Llama 3.1 70B in FP8 read once from stacked memory",
            _stacked(),
            hbm.value("token_70b"),
            "J/token",
            0.05,
            hbm.evidence("token_70b").locator,
        )
    )
    return found
