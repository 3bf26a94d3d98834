"""Models, accelerators, engines and number formats of measured serving rows, by the catalog's names."""

from __future__ import annotations

import re
from functools import lru_cache

from gigawatt.core.errors import GigawattError
from gigawatt.machine import Chip, load_chip
from gigawatt.validation.files import Refusal, table
from gigawatt.workload import read_architecture
from gigawatt.workload.architecture import Architecture

__all__ = ["EMPTY", "architecture_named", "blocked", "chip_named", "named", "number_format"]

EMPTY = frozenset(("", "nan", "NaN", "None", "null", "NA"))
"""Cells that say nothing."""
_FORMATS = {"fp16/bf16": "bf16", "fp16": "bf16", "bfloat16": "bf16", "mxfp4": "fp4"}
_BLOCKS = re.compile(r"deepseek|qwen|glm|minimax|kimi", re.I)
"""Models whose 8-bit weights have a scale for every block."""


@lru_cache(maxsize=4096)
def named(what: str, text: str) -> str | None:
    """The catalog's name of a ``chip``, ``model`` or ``engine`` by the patterns of ``serving_names.csv``."""
    for row in table("serving_names.csv"):
        if row["what"] == what and re.search(row["pattern"], text, re.I):
            return row["name"]
    return None


@lru_cache(maxsize=512)
def chip_named(text: str) -> Chip:
    """The catalog's chip by any of its names; raises ``Refusal`` where the catalog lacks it."""
    try:
        return load_chip(named("chip", text) or text)
    except GigawattError as error:
        raise Refusal("an accelerator that the catalog lacks", str(error)) from error


@lru_cache(maxsize=512)
def architecture_named(text: str) -> Architecture:
    """The catalog's model; raises ``Refusal`` where no pattern fits."""
    name = named("model", text)
    if name is None:
        raise Refusal("a model that the catalog lacks", text)
    return read_architecture(name)


def number_format(text: str) -> str:
    """The number format of weights; 16 bit where a row is silent."""
    return "bf16" if text in EMPTY else _FORMATS.get(text, text)


def blocked(weights: str, model: str) -> str:
    """``fp8_block`` for 8-bit weights of a model whose maker scales them block by block."""
    return "fp8_block" if weights == "fp8" and _BLOCKS.search(model) else weights
