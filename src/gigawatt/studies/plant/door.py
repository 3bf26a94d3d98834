"""A plant from its physics: what the command and Python both call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.plant import STUDY

__all__ = ["plant"]

Progress = Callable[[str, float], None]


def plant(
    kind: str,
    *,
    settings: Mapping[str, str] | None = None,
    design: str | None = None,
    year: int = 2040,
    designs: bool = False,
    keys: bool = False,
    curves: bool = True,
    progress: Progress | None = None,
) -> Answer:
    """The sheet of a plant from its physics, as ``gigawatt plant`` prints it.

    Parameters
    ----------
    kind : str
        ``msr``, ``fusion`` or ``space-solar``.
    settings : mapping, optional
        Number of the plant → value with unit, such as ``{"net": "400 MW"}``.
    design : str, optional
        A design of this kind.
    year : int
        Of operation, of which the costs are.
    designs, keys : bool
        The designs that there are, or what ``settings`` takes, in place of the sheet.
    curves : bool
        Whether to compute what the figures draw.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        ``plant, design, year, lines, assumptions …``.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        No such plant, design or number; one that cannot be.
    """
    from gigawatt.power.plants.sheet import physics_of
    from gigawatt.studies.plant.document import keys_document
    from gigawatt.studies.plant.figures import drawings

    physics = physics_of(kind)
    if designs:
        return Answer(STUDY, physics.list_designs(), kind="designs")
    if progress is not None:
        progress("Solving the plant", 0.1)
    more = {} if design is None else {"design": design}
    found = physics.sheet(dict(settings or {}), year=float(year), **more)
    if keys:
        return Answer(STUDY, found.to_json(), found, more=found.settings, say=keys_document)
    if not curves:
        return Answer(STUDY, found.to_json(), found)
    values = physics.curves(found)
    text = json.dumps(values, default=_list)
    figures = {name: draw for name, (draw, _) in drawings(values).items()}
    return Answer(
        STUDY, found.to_json(), found, figures, more=json.loads(text),
        texts={"curves.json": lambda: text + "\n"},
    )  # fmt: skip


def _list(value: Any) -> Any:
    """Arrays and their scalars as JSON has them, to the digits that a figure shows."""
    if value.ndim > 1:
        return [_list(row) for row in value]
    found = value.tolist()
    return [float(f"{one:.5g}") if isinstance(one, float) else one for one in found] if value.ndim else found
