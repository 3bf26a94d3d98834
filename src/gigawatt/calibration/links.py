"""A row of the catalog's ``links`` from collectives that were measured here."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gigawatt.calibration import link_fits
from gigawatt.calibration.measure import Measured
from gigawatt.calibration.plan import COLLECTIVES, ELEMENT, is_judged
from gigawatt.calibration.report import Score, row_values
from gigawatt.calibration.user import Number
from gigawatt.catalog.loader import Entity, table
from gigawatt.core.errors import MissingDataError
from gigawatt.core.evidence import Evidence, Grade
from gigawatt.core.quantities import factor
from gigawatt.machine.load import load_link
from gigawatt.machine.machine import Link
from gigawatt.performance.collectives import Fabric

__all__ = ["LinkFit", "fit_link"]

_NAMES = {"alltoall": "all_to_all"}  # the tables' names that the fit writes otherwise
_GIGA = 1e9


@dataclass(frozen=True)
class LinkFit:
    """The link's text columns, its numbers, and how it predicts collectives that it did not fit."""

    texts: dict[str, str]
    numbers: list[Number] = field(repr=False)
    scores: list[Score]


def _rows(measured: Measured) -> link_fits.Measured | None:
    rows = measured.of(*COLLECTIVES)
    if not rows:
        return None
    return link_fits.Measured(
        operation=np.asarray([_NAMES.get(str(row["op_name"]), str(row["op_name"])) for row in rows]),
        size=row_values(rows, "message_size") * [ELEMENT[str(row["nccl_dtype"])] for row in rows],
        inside=row_values(rows, "num_gpus"),
        outside=np.ones(len(rows)),
        seconds=row_values(rows, "latency_ms") * 1e-3,
    )


def _datasheet(like: Entity | None, same: bool) -> Evidence | None:
    """The bandwidth of the link that the very device has by the catalog."""
    link = like.text("default_scale_up") if like is not None and same else ""
    return table("links")[link].evidence("bandwidth") if link in table("links") else None


def fit_link(name: str, measured: Measured, *, like: Entity | None, same: bool) -> LinkFit | None:
    """The link between this machine's devices, or ``None`` where no collective was measured.

    Parameters
    ----------
    name : str
        Of the chip; the link is ``NAME-link``.
    measured : Measured
        Rows; every fifth collective judges the fit of the others.
    like : Entity, optional
        Chip whose link lends its energy per byte, and its datasheet's bandwidth where it is this device.
    same : bool
        Whether ``like`` is this device by name.
    """
    rows = _rows(measured)
    if rows is None:
        return None
    sheet = _datasheet(like, same)
    ranks = rows.inside
    rings = rows.operation != "all_to_all"
    reached = float(np.max((rows.size * (ranks - 1.0) / ranks / rows.seconds)[rings], initial=0.0))
    if reached <= 0.0:
        return None
    bandwidth = reached if sheet is None else sheet.value
    usual = load_link((like.text("default_scale_up") if like is not None else "") or "pcie4")
    empty = Link(
        id=f"{name}-link", bandwidth=bandwidth, latency=usual.latency, energy_byte=usual.energy_byte,
        efficiency=1.0, in_network=False, evidence={},
    )  # fmt: skip
    judges = np.asarray([is_judged(index) for index in range(len(rows))])
    try:
        fitted = link_fits.fit_link(empty, rows.where(~judges))
    except MissingDataError:
        measured.notice(f"{len(rows)} collectives are too few to fit a link")
        return None
    if sheet is None:
        first = Number("bandwidth", reached / _GIGA, "GB/s", Grade.measured, "best rate of a ring")
    else:
        note = "datasheet of the device's own link"
        first = Number(
            "bandwidth", bandwidth / factor(sheet.unit), sheet.unit, sheet.grade, note, source=sheet.source_id
        )
    numbers = [
        first,
        Number("energy_byte", usual.energy_byte * 1e12, "pJ/B", Grade.guess, f"as {usual.id}"),
        *(
            Number(quantity, value, unit, Grade.calibrated, f"{int((~judges).sum())} collectives")
            for quantity, (value, unit) in link_fits.numbers(fitted).items()
        ),
    ]
    texts = {
        "id": empty.id,
        "name": f"between {int(ranks.max())} × {measured.device.name} of this machine",
        "in_network": "no",
        "grade": Grade.calibrated.label,
        "locator": "",
        "note": f"over {int(ranks.max())} ranks",
    }
    scores = [_score(rows.where(judges == judged), fitted, judged) for judged in (True, False)]
    return LinkFit(texts, numbers, scores)


def _score(rows: link_fits.Measured, link: Link, judged: bool) -> Score:
    errors = link_fits.errors(rows, Fabric(link, link))
    size = np.abs(errors)
    return Score(
        "collectives", "", len(rows), float(np.median(size)), float(np.quantile(size, 0.9)),
        float(np.mean(errors)), judged,
    )  # fmt: skip
