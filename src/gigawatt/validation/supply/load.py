"""Power of campuses beside what was published: rated, provided under a cap, drawn in training and in HPL."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from gigawatt.chain.asking import Asker
from gigawatt.schema.changed import scenario_of

__all__ = ["campus"]


@lru_cache(maxsize=64)
def campus(
    quantity: str,
    *,
    chip: str,
    count: int,
    site: str,
    model: str = "llama-3.1-405b",
    tokens: str = "15T tokens",
    sequence: str | None = None,
    batch: str | None = None,
    form: str | None = None,
    cap: str | None = None,
) -> float:
    """A quantity of ``gigawatt run``, in SI, of a campus that trains ``model``."""
    keys = {
        "model": model, "training.tokens": tokens, "training.sequence": sequence,
        "training.global_batch": batch, "training.number_format": form, "machine.chip": chip,
        "machine.count": count, "machine.power_cap": cap, "site.name": site,
    }  # fmt: skip
    given = {key: value for key, value in keys.items() if value is not None}
    return float(Asker(scenario_of(given, Path("published"))).at({}).value(quantity).value)
