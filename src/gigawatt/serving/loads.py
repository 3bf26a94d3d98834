"""Named loads: how long prompts and outputs of a public benchmark are, as rows of the catalog's ``loads``."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.catalog import Entity, entity, table
from gigawatt.core.errors import InputError, nearest

__all__ = ["NamedLoad", "lengths_of", "list_loads", "load_named", "named_loads"]


@dataclass(frozen=True)
class NamedLoad:
    """Requests of a benchmark.

    Attributes
    ----------
    id, name : str
    prompt, output : float [token]
        Means; an output of 0 where the benchmark leaves its length to the model.
    prompt_lengths, output_lengths : str
        Distributions as :func:`~gigawatt.serving.lengths.read_lengths` takes them; empty where none is known.
    sorted_bytes : float [B]
        That sorting a logit moves (top-p sampling), 0 without.
    weights : str
        Format of weights in which submissions run where the accelerator has it; empty: no such rule.
    """

    id: str
    name: str
    prompt: float
    output: float
    prompt_lengths: str
    output_lengths: str
    sorted_bytes: float = 0.0
    weights: str = ""


def _lengths(row: Entity, end: str) -> str:
    """A lognormal through median and mean, cut at the longest; a number of tokens without a median."""
    mean, median, most = (row.get(f"{end}{part}") for part in ("", "_median", "_most"))
    if mean is None:
        return ""
    if median is None:
        return f"{mean:.0f}"
    cut = "" if most is None else f", maximum={most:.0f}"
    return f"lognormal(median={min(median, mean):g}, mean={mean:g}{cut})"


def _load(row: Entity) -> NamedLoad:
    return NamedLoad(
        id=row.id,
        name=row.text("name"),
        prompt=row.get("prompt") or 0.0,
        output=row.get("output") or 0.0,
        prompt_lengths=_lengths(row, "prompt"),
        output_lengths=_lengths(row, "output"),
        sorted_bytes=row.get("sorted_bytes") or 0.0,
        weights=row.text("weights"),
    )


def load_named(name: str) -> NamedLoad:
    """The load called ``name`` (an id or alias of ``loads``).

    Raises
    ------
    InputError
        No such row: with the nearest.
    """
    return _load(entity("loads", name))


def named_loads() -> dict[str, NamedLoad]:
    """All loads by id."""
    return {id: _load(row) for id, row in table("loads").items()}


def list_loads() -> tuple[str, ...]:
    """Ids of the loads that say both lengths: what a question can name."""
    return tuple(id for id, load in named_loads().items() if load.output_lengths)


def lengths_of(name: str) -> tuple[str, str] | None:
    """(distribution of prompts, of outputs) of the load ``name``; ``None`` where there is none of the name.

    Raises
    ------
    InputError
        The load leaves its outputs to the model.
    """
    try:
        load = load_named(name)
    except InputError:
        return None
    if not load.output_lengths:
        raise InputError(
            "this load leaves the length of outputs to the model", key="trace", given=name,
            allowed=list_loads(), nearest=nearest(name, list_loads()),
        )  # fmt: skip
    return load.prompt_lengths, load.output_lengths
