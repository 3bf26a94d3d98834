"""Number formats and sparsity on a real model: our measured perplexities beside others of the same formats.

What is compared is the ratio to the unrounded model, since windows and cleaning of the text differ. An
exploratory run (table ``formats_published``) has one seed, other windows and another cleaning: a tenth of the
ratio is allowed, which was set when three of its rows were known.
torchao (table ``formats_torchao``) rounds the same weights of the same model over the same windows: half a
percent. What misses is left in. Measurements are stored by ``benchmarks/measure_formats.py`` and
``benchmarks/compare_torchao.py``; tests run some of them again.
"""

from __future__ import annotations

from collections.abc import Iterator

from gigawatt.catalog import source, table
from gigawatt.catalog.loader import Entity
from gigawatt.validation.supply_check import Check
from gigawatt.workload.formats import stored_bits

__all__ = ["MEASURED", "checks"]

MEASURED = "technologies_measured"

_MODEL, _SMALL = "smollm2-135m", "small"
_SAME_TEXT_NOISE = 0.10
_TORCHAO = 0.005

_BITS = (
    ("mxfp8", 8.25, "OCP MX 1.0: 8 bits and an 8-bit scale of 32"),
    ("mxfp6_e2m3", 6.25, "OCP MX 1.0: 6 bits and an 8-bit scale of 32"),
    ("mxfp4", 4.25, "OCP MX 1.0: 4 bits and an 8-bit scale of 32"),
    ("nvfp4", 4.5, "NVIDIA, arXiv:2509.25149: 4 bits and an 8-bit scale of 16"),
)


def checks() -> list[Check]:
    """Every published number of formats and sparsity that was measured here, beside ours."""
    return [*_ratios(), *_torchao(), *_orders(), *_stored()]


def _measured(model: str) -> dict[str, Entity]:
    return {row.text("substrate"): row for row in table(MEASURED).values() if row.text("model") == model}


def _ratios() -> Iterator[Check]:
    mine = _measured(_MODEL)
    for name, row in table("formats_published").items():
        if name in mine:
            yield Check(
                part="formats",
                what=f"{name}: perplexity over that of the unrounded model",
                ours=mine[name].value("ratio"),
                published=row.value("perplexity") / row.value("base"),
                unit="1",
                tolerance=_SAME_TEXT_NOISE,
                source=f"{source(row.evidence('perplexity').source_id).title}, {_MODEL}",
            )


def _torchao() -> Iterator[Check]:
    for row in table("formats_torchao").values():
        yield Check(
            part="formats",
            what=f"{row.text('substrate')}: perplexity of {row.text('model')}, torchao's rounding",
            ours=row.value("perplexity"),
            published=row.value("torchao"),
            unit="1",
            tolerance=_TORCHAO,
            source=source("torchao").title,
        )


def _orders() -> Iterator[Check]:
    """Orders that papers found, on both models: 1 where it holds, 0 where not."""
    measured = {model: _measured(model) for model in (_SMALL, _MODEL)}
    for better, worse, paper in (
        ("w-nvfp4", "w-mxfp4", "nvfp4-mxfp4-2025"),
        ("a-nvfp4", "a-mxfp4", "nvfp4-mxfp4-2025"),
        ("nvfp4", "mxfp4", "nvfp4-mxfp4-2025"),
        ("w-int4-gptq", "w-int4-g128", "gptq-2023"),
        ("2of4-wanda", "2of4-magnitude", "wanda-2024"),
        ("wanda-50", "magnitude-50", "wanda-2024"),
        ("4of8-wanda", "2of4-wanda", "wanda-2024"),
        ("a-int6-hadamard", "a-int6", "quarot-2024"),
        ("int8-smooth", "int8", "smoothquant-2023"),
    ):
        for model, mine in measured.items():
            if better in mine and worse in mine:
                yield Check(
                    part="formats",
                    what=f"{model}: {better} better than {worse} (1: it is)",
                    ours=float(mine[better].value("ratio") < mine[worse].value("ratio")),
                    published=1.0,
                    unit="1",
                    tolerance=0.0,
                    source=f"{source(paper).title}, {source(paper).publisher}",
                )


def _stored() -> Iterator[Check]:
    for form, bits, where in _BITS:
        yield Check(
            part="formats",
            what=f"{form}: bits of a number with its part of the scale",
            ours=float(stored_bits(form, width=4096.0, rows=4096.0)),
            published=bits,
            unit="bit",
            tolerance=1e-6,
            source=where,
        )
