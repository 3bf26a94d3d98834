"""A chip from its parts: what the commands and Python both call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.chip import STUDY

__all__ = ["chip_build", "chip_list"]


_KINDS = {
    "node": "chip_nodes",
    "package": "chip_packages",
    "cooling": "chip_cooling",
    "memory.kind": "stacked_memory",
    "links.die_to_die": "chip_links",
    "links.scale_up": "links",
    "links.node": "nodes",
}
"""Key of a design → the table of the parts that it may name."""


def chip_build(design: str, settings: Mapping[str, str] | None = None, *, published: bool = False) -> Answer:
    """A chip from its parts, as ``gigawatt chip build`` builds it.

    Parameters
    ----------
    design : str
        The id of a design of the catalog, or its file in YAML.
    settings : mapping, optional
        Dotted key of the design → value, such as ``{"dies.gpu.area": "400 mm^2"}``.
    published : bool
        Whether the document puts published numbers of shipping chips beside.

    Returns
    -------
    Answer
        Keys in docs/chiplets.md; table ``chips``, a row of the catalog's.

    Raises
    ------
    InputError, InfeasibleError
        A design that cannot be read or built.
    """
    from gigawatt.chain.rows_read import reading
    from gigawatt.faces.report.held import FILE, published_text
    from gigawatt.machine.chip.build import build_chip
    from gigawatt.machine.chip.design_file import read_design
    from gigawatt.studies.chip import figures
    from gigawatt.validation.published import checks_of

    built, read = reading(lambda: build_chip(read_design(design, dict(settings or {}))))
    data, rows_read = built.to_json(), read.to_json()
    data |= rows_read | {"assumptions": [*data["assumptions"], *rows_read["assumptions"]]}
    row = {f"{key} [{unit}]": float(f"{value:.6g}") for key, (value, unit) in built.numbers().items()}
    row_of_catalog = {"id": built.design.id, "name": built.design.name, **row}
    rows = [check.to_json() for check in checks_of("technologies", "shipping")] if published else []
    drawings = {name: partial(getattr(figures, name), data) for name in ("limits", "cost", "power")}
    return Answer(
        STUDY, data, built, drawings, more=rows, files={"chips": lambda: [row_of_catalog]},
        texts={FILE: lambda: published_text(rows)},
    )  # fmt: skip


def chip_list(*, parts: bool = False) -> Answer:
    """The designs of the catalog, or the parts that a design may name, as ``gigawatt chip list`` lists them.

    Returns
    -------
    Answer
        Rows ``id, name, year, kin, note``; with ``parts`` names by id for each key of a design.
    """
    from gigawatt.catalog import entity, table
    from gigawatt.machine.chip.parts import design_names

    if parts:
        found = {
            key: {one.id: one.text("name", one.id) for one in table(name).values()}
            for key, name in _KINDS.items()
        }
        return Answer(STUDY, found, kind="parts")
    rows: list[dict[str, Any]] = []
    for name in design_names():
        design = entity("chip_designs", name)
        words = {key: design.text(key) for key in ("name", "kin", "note")}
        rows.append({"id": name, "name": words["name"], "year": int(design.text("year")), **words})
    return Answer(STUDY, {"rows": rows}, listed=True, kind="designs")
