"""A language model on a substrate: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.emulate import STUDY

__all__ = ["emulate"]

Progress = Callable[[str, float], None]


def emulate(
    model: str | Path = "smollm2-135m",
    substrate: str = "nvfp4",
    *,
    text: str | Path = "wikipedia",
    windows: int = 12,
    length: int = 512,
    seeds: int = 1,
    calibration: int = 8,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Run a language model on a substrate, as ``gigawatt emulate`` does: perplexity beside fp32, and cost.

    Parameters
    ----------
    model : str or path
        ``smollm2-135m``, ``small``, a folder with ``config.json``, or an id of a hub.
    substrate : str
        A row of the catalog's substrates, with changes: ``fp8:weights=int4``.
    text : str or path
        ``wikipedia``, or a UTF-8 file of ten paragraphs or more.
    windows, length, seeds, calibration : int
        Windows of held-out text, their tokens, drawn runs, windows of training text.
    fresh : bool
        Whether to run again what an earlier run stored.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys in docs/emulate.md; table ``losses``, a row a window.

    Raises
    ------
    InputError, MissingDataError
        A model, substrate or text that is not there; torch that is not installed.
    """
    from gigawatt.studies.emulate.emulate import emulate_with_cost

    found = emulate_with_cost(
        model, substrate, text=text, windows=windows, length=length, seeds=seeds, calibration=calibration,
        cache=not fresh, progress=progress,
    )  # fmt: skip
    data = found.to_json()

    def losses() -> dict[str, list[Any]]:
        """Loss of each window, eight digits."""
        columns = {"fp32": data["baseline_losses"]}
        columns |= {f"seed {number}": values for number, values in enumerate(data["losses"])}
        rounded = {name: [float(f"{value:.8g}") for value in values] for name, values in columns.items()}
        return {"window": list(range(len(data["baseline_losses"]))), **rounded}

    return Answer(STUDY, data, found, larger={"losses": losses}, files={"losses": losses})
