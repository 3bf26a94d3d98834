"""Where what is measured would lie: bands of latencies, rate and watts of an answer, as numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.core.document import Grid
from gigawatt.faces.figures.readable import between, significant, with_unit
from gigawatt.faces.report.parts import listed, rows_grid
from gigawatt.machine import load_chip
from gigawatt.validation.serving.bands import coverage_left_out, regime_of, serving_bands

__all__ = ["bands_grid", "bands_of", "bands_words", "factors_grid"]

_NAMED = {"ttft": "TTFT", "tpot": "TPOT", "throughput": "output", "watts": "accelerators"}
_UNITS = {"ttft": "s", "tpot": "s", "throughput": "tokens/s", "watts": "kW"}


def _predicted(answer: Mapping[str, Any]) -> dict[str, float | None]:
    """Metric → the number of the answer that it judges: the median, or the mean in closed form."""

    def middle(row: Mapping[str, float | None]) -> float | None:
        return row.get("p50", row.get("mean"))

    return {
        "ttft": middle(answer["ttft_s"]),
        "tpot": middle(answer["tpot_s"]),
        "throughput": answer["output_tokens_per_s"],
        "watts": answer["power_kW"]["accelerators"],
    }


def bands_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Bands of an answer as JSON: ends in the unit of what they judge, share of new sources' rows inside."""
    found: dict[str, Any] = {}
    predicted = _predicted(answer)
    most = load_chip(answer["chip"]).power_limit * answer["chips"] / 1e3  # no accelerator draws more
    for metric, band in serving_bands(answer["engine"]).items():
        value = predicted[metric]
        if value is not None:
            high = min(band.high * value, most) if metric == "watts" else band.high * value
            found[metric] = {
                "low": band.low * value, "value": value, "high": high, "unit": _UNITS[metric],
                "series": band.groups,
            }  # fmt: skip
    if not found:
        return {}
    return {
        **found,
        "regime": regime_of(answer["engine"]),
        "coverage_aimed_at": next(iter(serving_bands(answer["engine"]).values())).coverage,
        "coverage_of_left_out_sources": coverage_left_out(),
    }


def bands_words(answer: Mapping[str, Any]) -> str:
    """The bands of an answer as a sentence, or nothing."""
    bands = answer.get("bands") or {}
    said = [
        f"{words} {between(*(with_unit(bands[metric][end], unit) for end in ('low', 'high')))}"
        for metric, words in _NAMED.items()
        if metric in bands
        for unit in (_UNITS[metric],)
    ]
    return f"Measured, nine of ten would lie within: {listed(said)}." if said else ""


def _caption(regime: str) -> str:
    return (
        f"Bands of {regime}: where nine measured rows of ten would lie, from the scorecard's rows that no "
        f"fit saw. Of rows of a source that a band had not seen, {100 * coverage_left_out():.0f} % of times "
        "and rates lay inside. Watts: two sources."
    )


def bands_grid(answer: Mapping[str, Any]) -> tuple[Grid, ...]:
    """The bands of an answer as a table, or nothing."""
    bands = answer.get("bands") or {}
    rows = [
        (words, *(with_unit(bands[metric][end], _UNITS[metric]) for end in ("value", "low", "high")))
        for metric, words in _NAMED.items()
        if metric in bands
    ]
    if not rows:
        return ()
    return (rows_grid(_caption(bands["regime"]), ("of", "predicted", "low end", "high end"), rows),)


def factors_grid(engine: str) -> tuple[Grid, ...]:
    """Measured over predicted of an engine's regime as a table, or nothing."""
    rows = [
        (_NAMED[metric], significant(band.low), significant(band.high), f"{band.groups}")
        for metric, band in serving_bands(engine).items()
    ]
    if not rows:
        return ()
    heads = ("measured over predicted", "low end", "high end", "series")
    return (rows_grid(_caption(regime_of(engine)), heads, rows),)
