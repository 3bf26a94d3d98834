"""Number formats and sparsity on a real model: our measured perplexities, stored by substrate.

What is compared is the ratio to the unrounded model, since windows and cleaning of the text differ. An
exploratory run (table ``formats_published``) has one seed, other windows and another cleaning: a tenth of the
ratio is allowed, which was set when three of its rows were known.
torchao (table ``formats_torchao``) rounds the same weights of the same model over the same windows: half a
percent. What misses is left in. Measurements are stored by ``benchmarks/measure_formats.py`` and
``benchmarks/compare_torchao.py``; tests run some of them again.
"""

from __future__ import annotations

from functools import lru_cache

from gigawatt.catalog import table
from gigawatt.catalog.loader import Entity
from gigawatt.workload.formats import stored_bits

__all__ = ["MEASURED", "bits", "measured"]

MEASURED = "technologies_measured"


@lru_cache(maxsize=8)
def measured(model: str) -> dict[str, Entity]:
    """Rows of :data:`MEASURED` of a model, by substrate."""
    return {row.text("substrate"): row for row in table(MEASURED).values() if row.text("model") == model}


def bits(form: str, *, width: float, rows: float) -> float:
    """Bits of a number of a ``width`` by ``rows`` matrix, with its part of the scales."""
    return float(stored_bits(form, width=width, rows=rows))
