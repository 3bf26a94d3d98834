"""From catalog rows and files to grid codes, protections and events of the voltage."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gigawatt.catalog.loader import Entity, table
from gigawatt.core.errors import InputError, nearest
from gigawatt.power.seconds.columns import read_columns
from gigawatt.power.seconds.ride_through import Band, Code, Event, Protection

__all__ = [
    "DEFAULT_CODE",
    "DEFAULT_PROTECTION",
    "code_of",
    "list_codes",
    "list_events",
    "list_protections",
    "load_code",
    "load_event",
    "load_protection",
]

DEFAULT_CODE = "ercot-nogrr-282"
"""Where no place says which code holds: the one in force with a curve for loads of this kind."""
DEFAULT_PROTECTION = "ups-counter"
"""Where none is given: as most of the sites that left in July 2024."""
_ITIC = "itic"
_BARE = "supply"


def list_codes() -> list[str]:
    """Ids of the grid codes in the catalog."""
    return list(table("ride_through"))


def list_protections() -> list[str]:
    """Ids of the ways in which loads leave the grid and come back."""
    return list(table("ride_through_loads"))


def list_events() -> list[str]:
    """Ids of the events in the catalog."""
    return list(dict.fromkeys(row.text("event") for row in table("grid_events").values()))


def code_of(*, grid: str, country: str) -> str:
    """Id of the code that holds at a place by its ``grid`` or its ``country``; empty where none is known."""
    for column, name in (("grids", grid), ("countries", country)):
        for id, row in table("ride_through").items():
            if name and name in row.text(column).split("|"):
                return id
    return ""


def load_code(id: str) -> Code:
    """A grid code of the catalog; an unknown one is an ``InputError``."""
    row = _row("ride_through", id, "code")
    return Code(
        id=id,
        name=row.text("name"),
        status=row.text("status"),
        voltage=_bands(id, "voltage"),
        frequency=_bands(id, "frequency"),
        recovery_level=_number(row, "recovery_level", 0.9),
        recovery_voltage=_number(row, "recovery_voltage", 0.9),
        recovery_time=_number(row, "recovery_time", math.inf),
        rocof=_number(row, "rocof", 0.0),
        counting=row.text("counting") != "prohibited",
        nominal=row.value("nominal"),
        least_load=_number(row, "least_load", 0.0),
    )


def load_protection(id: str) -> Protection:
    """How a kind of load leaves the grid and comes back; an unknown one is an ``InputError``."""
    row = _row("ride_through_loads", id, "protection")
    return Protection(
        id=id,
        transfer_low=_number(row, "transfer_low", 0.0),
        transfer_high=_number(row, "transfer_high", math.inf),
        detection=_number(row, "detection", 0.0),
        wait=_number(row, "wait", 0.0),
        walk_in=_number(row, "walk_in", 0.0),
        count=_number(row, "count", math.inf),
        window=_number(row, "window", 60.0),
        least_wait=_number(row, "least_wait", 0.0),
        least_walk_in=_number(row, "least_walk_in", 0.0),
        tolerance=_bands(_ITIC, "voltage") if id == _BARE else (),
        frequency_low=row.value("frequency_low"),
        frequency_high=row.value("frequency_high"),
        rocof=row.value("rocof"),
        by_hand=row.value("by_hand"),
    )


def load_event(given: str) -> Event:
    """An event of the catalog, or of a CSV file with ``time`` [s] and ``voltage``, a share of the rated one.

    Raises
    ------
    InputError
        No such event, or a file that is none.
    """
    if Path(given).suffix.lower() != ".csv":
        rows = [row for row in table("grid_events").values() if row.text("event") == given]
        if not rows:
            known = list_events()
            raise InputError(
                "no such event", key="event", given=given, nearest=nearest(given, known),
                allowed=f"{', '.join(known)}, or a CSV file with time [s] and voltage",
            )  # fmt: skip
        return Event(
            given,
            np.array([row.value("time") for row in rows]),
            np.array([row.value("voltage") for row in rows]),
        )
    times, volts = read_columns(
        Path(given), ("time", "voltage"), key="event", words="time [s], voltage [share of the rated one]"
    )
    if len(times) < 2:
        raise InputError("an event needs two rows or more", file=Path(given), given=len(times))
    falls = np.flatnonzero(np.diff(times) <= 0.0)
    if len(falls):
        line = int(falls[0]) + 3
        raise InputError(
            "the times of an event must grow", file=Path(given), line=line, given=f"{times[line - 2]:g}"
        )
    return Event(Path(given).name, times, volts)


def _bands(curve: str, quantity: str) -> tuple[Band, ...]:
    rows: Iterable[Entity] = table("ride_through_bands").values()
    return tuple(
        Band(
            row.value(f"least_{quantity}"),
            row.value(f"most_{quantity}"),
            _number(row, "duration", math.inf),
        )
        for row in rows
        if row.text("curve") == curve and row.get(f"least_{quantity}") is not None
    )


def _number(row: Entity, name: str, otherwise: float) -> float:
    found = row.get(name)
    return otherwise if found is None else found


def _row(name: str, id: str, key: str) -> Entity:
    found = table(name).get(id)
    if found is None:
        known = list(table(name))
        raise InputError(f"no such {key}", key=key, given=id, allowed=known, nearest=nearest(id, known))
    return found
