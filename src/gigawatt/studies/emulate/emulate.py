"""A technology's two faces together: what it does to a model's quality, and what it takes for a token.

Both faces read the same substrate, and what the functional run counted goes into the cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gigawatt.core.errors import GigawattError
from gigawatt.emulation.run import Emulation, emulate
from gigawatt.emulation.text import WIKIPEDIA
from gigawatt.workload import read_architecture

__all__ = ["Emulated", "emulate_with_cost", "token_cost_of"]

_ROLL_UP = "gigawatt.technology.rollup"


@dataclass(frozen=True)
class Emulated:
    """Quality and cost of one substrate.

    ``cost`` is what :func:`token_cost_of` gives, ``None`` where there is none; ``without`` then says why.
    """

    run: Emulation
    cost: Any = None
    without: str = ""

    def to_json(self) -> dict[str, Any]:
        """Of the run, with ``cost`` beside it (``None`` where there is none)."""
        cost = None if self.cost is None else self.cost.to_json()
        return {**self.run.to_json(), "cost": cost, "without_cost": self.without}


def token_cost_of(run: Emulation) -> Any:
    """What a token takes on the substrate of a run behind a window of it, its statistics included.

    Parameters
    ----------
    run : Emulation
        A model of which a ``config.json`` is there.

    Returns
    -------
    TokenCost or str
        Of the roll-up; words where there is no cost: no roll-up, or no ``config.json``.

    Raises
    ------
    GigawattError
        What the cost face refuses.
    """
    if find_spec(_ROLL_UP) is None:
        return "no cost face yet"
    if run.folder is None:
        return "the model has no config.json here"
    architecture = read_architecture(run.folder / "config.json")
    roll_up = import_module(_ROLL_UP)
    return roll_up.token_cost(
        run.substrate, architecture, run.statistics, batch=1.0, context=float(run.length)
    )


def emulate_with_cost(
    model: str | Path,
    substrate: str,
    *,
    text: str | Path = WIKIPEDIA,
    windows: int = 12,
    length: int = 512,
    seeds: int = 1,
    calibration: int = 8,
    cache: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> Emulated:
    """Run a model on a substrate, and cost it with what the run counted.

    Parameters are those of :func:`~gigawatt.emulation.run.emulate`. A cost that is refused leaves the quality
    standing, with the reason in words.

    Raises
    ------
    InputError, MissingDataError
        As :func:`~gigawatt.emulation.run.emulate`.
    """
    run = emulate(
        model,
        substrate,
        text=text,
        windows=windows,
        length=length,
        seeds=seeds,
        calibration=calibration,
        cache=cache,
        progress=progress,
    )
    try:
        cost = token_cost_of(run)
    except GigawattError as error:
        return Emulated(run, without=str(error))
    return Emulated(run, without=cost) if isinstance(cost, str) else Emulated(run, cost)
