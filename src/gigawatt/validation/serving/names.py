"""Models, accelerators, engines and number formats of measured serving rows, by the catalog's names.

A model is looked for as a user would type it: the catalog's ids and aliases, the same without the publisher
and without what a name says of tuning and number format, then the patterns of ``serving_names.csv`` (models
of the same shape). An accelerator is looked for by the catalog's names, without a count, a note in brackets
and the words of a partition.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gigawatt.catalog import entity
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.machine import Chip, load_chip
from gigawatt.validation.files import Refusal, table
from gigawatt.workload import read_architecture
from gigawatt.workload.architecture import Architecture

__all__ = [
    "EMPTY",
    "architecture_named",
    "blocked",
    "chip_named",
    "format_in_name",
    "named",
    "number_format",
]

EMPTY = frozenset(("", "nan", "NaN", "None", "null", "NA"))
"""Cells that say nothing."""
_FORMATS = {
    "fp16/bf16": "bf16", "fp16": "bf16", "bfloat16": "bf16", "float16": "bf16", "mxfp4": "fp4",
    "nvfp4": "fp4", "awq": "int4", "gptq": "int4", "w4a16": "int4", "float8": "fp8", "fp8_e4m3": "fp8",
}  # fmt: skip
_BLOCKS = re.compile(r"deepseek|qwen|glm|minimax|kimi", re.I)
"""Models whose 8-bit weights have a scale for every block."""
_TUNED = re.compile(
    r"[-_ ](instruct|chat|it|hf|base|thinking|dynamic|preview|turbo|fp8|fp4|nvfp4|mxfp4|int4|bf16|awq|gptq|"
    r"w4a16|v?\d{4})$",
    re.I,
)
"""What a name says behind the size: tuning, date, number format."""
_IN_NAME = re.compile(r"[-_](fp8|nvfp4|mxfp4|fp4|int4|awq|gptq|w4a16)\b", re.I)
_AROUND = re.compile(r"\(.*?\)|^\s*\d+\s*x\s+|-nps\d.*$|-cts$|-spx.*$", re.I)
"""Around the name of an accelerator: a note, a count, a partition."""


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
    problem: GigawattError | None = None
    for name in dict.fromkeys((text, _AROUND.sub("", text).strip(), named("chip", text))):
        try:
            if name:
                return load_chip(name)
        except GigawattError as error:
            problem = problem or error
    raise Refusal("an accelerator that the catalog lacks", str(problem or "no name"))


def _bare(text: str) -> str:
    """A model's name without publisher, tuning, date and number format."""
    name = text.strip().rpartition("/")[2]
    while (shorter := _TUNED.sub("", name)) != name:
        name = shorter
    return name


@lru_cache(maxsize=512)
def architecture_named(text: str) -> Architecture:
    """The catalog's model; raises ``Refusal`` where neither a name nor a pattern fits."""
    for name in dict.fromkeys((text.strip(), text.strip().rpartition("/")[2], _bare(text))):
        try:
            return read_architecture(entity("models", name).id)
        except InputError:
            continue
    pattern = named("model", text)
    if pattern is None:
        raise Refusal("a model that the catalog lacks", text)
    return read_architecture(pattern)


def number_format(text: str) -> str:
    """The number format of weights; 16 bit where a row is silent."""
    return "bf16" if text in EMPTY else _FORMATS.get(text.lower(), text.lower())


def format_in_name(model: str) -> str:
    """The number format that a model's name says, as in ``…-FP8``; empty where it says none."""
    found = _IN_NAME.search(model)
    return "" if found is None else number_format(found[1])


def blocked(weights: str, model: str) -> str:
    """``fp8_block`` for 8-bit weights of a model whose maker scales them block by block."""
    return "fp8_block" if weights == "fp8" and _BLOCKS.search(model) else weights
