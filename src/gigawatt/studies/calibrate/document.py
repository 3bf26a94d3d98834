"""What ``gigawatt calibrate`` measured, or would measure, as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gigawatt.core.document import Again, Document, Grid
from gigawatt.core.quantities import factor
from gigawatt.faces.report.parts import few, rows_document, rows_grid

__all__ = ["document"]

Data = Mapping[str, Any]


def document(answer: Data, again: Again, more: Any = None) -> Document:
    """The document of a calibration, or of its plan."""
    return _plan(answer, again) if "shapes" in answer else _measured(answer, again)


def _plan(answer: Data, again: Again) -> Document:
    rates = [(form, f"{few(rate / factor('TFLOP/s'))} TFLOP/s") for form, rate in answer["rates"].items()]
    rates.append(("copy", f"{few(answer['memory_bandwidth'] / factor('GB/s'))} GB/s"))
    counts = Counter((one["operation"], one["format"]) for one in answer["shapes"])
    shapes = [(name.replace("_", " "), form, str(count)) for (name, form), count in counts.items()]
    words = (
        f"One run of each shape takes {few(answer['one_run_s'])} s; the budget is {answer['budget_s']:g} s.",
        f"This would write {answer['table']} and rows of {answer['catalog']}.",
    )
    return rows_document(
        f"{answer['name']}: {answer['device']}, {answer['backend']}",
        again,
        rows_grid("At a first look.", ("format", "rate"), rates),
        rows_grid("Shapes.", ("operation", "format", "shapes"), shapes),
        paragraphs=words,
        notices=tuple(answer["notices"]),
    )


def _measured(answer: Data, again: Again) -> Document:
    device = answer["device"]
    numbers = [
        (name, f"{few(one['value'], 4)} {one['unit']}".strip(), one["grade"], one["note"])
        for name, one in answer["numbers"].items()
    ]
    return rows_document(
        f"{answer['name']}: {answer['rows']} shapes on {device['name']}, {device['framework']} "
        f"{device['version']}",
        again,
        rows_grid("The chip.", ("quantity", "value", "grade", "note"), numbers, grade="grade"),
        _scores(answer["scores"]),
        paragraphs=(*_ratios(answer), _written(answer)),
        notices=tuple(answer["notices"]),
    )


def _scores(scores: list[Data]) -> Grid:
    rows = [
        (
            one["kind"], one["number_format"], str(one["shapes"]),
            "not fitted" if one["judged"] else "fitted",
            f"{one['median']:.1%}", f"{one['p90']:.1%}", f"{one['bias']:+.1%}",
        )
        for one in scores
    ]  # fmt: skip
    caption = "Errors of predicted times, (predicted - measured) / measured."
    return rows_grid(caption, ("kind", "format", "shapes", "", "median", "p90", "bias"), rows)


def _ratios(answer: Data) -> tuple[str, ...]:
    return tuple(
        f"{kind}: {ratio:.2f} × the time that the catalog predicts for {answer['same_as']}."
        for kind, ratio in answer["measured_over_catalog"].items()
    )


def _written(answer: Data) -> str:
    size = "gpt2 --count 1" if answer["device"]["kind"] == "CPU" else "llama-3.1-8b --count 8"
    return (
        f"Measured rows are in {answer['table']}, the chip is in the user catalog {answer['catalog']}. "
        f"Next: gigawatt plan-training --chip {answer['name']} --model {size}"
    )
