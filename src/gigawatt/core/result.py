"""What a scenario gives: every quantity with its grade, tables, notices, assumptions, and its trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import factor
from gigawatt.core.registry import find_study

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Quantity", "Result"]


@dataclass(frozen=True)
class Quantity:
    """One quantity of a result: SI value, unit to show it in, grade, how it came about.

    ``code`` is the file and line of its function, ``method`` what a search or a programme does; both are
    empty in results of version 0.1. ``expression`` is the arithmetic of the function over the names of its
    inputs where it is only arithmetic, ``terms`` the SI values in it of what is not a quantity.
    """

    name: str
    value: Any
    unit: str
    grade: Grade
    summary: str
    formula: str
    inputs: tuple[str, ...]
    origin: str
    where: str
    reason: str
    written: str
    evidence: tuple[Evidence, ...] = field(repr=False, default=())
    code: str = ""
    method: str = ""
    expression: str = ""
    terms: Mapping[str, float] = field(repr=False, default_factory=dict[str, float])

    @property
    def label(self) -> str:
        """``given`` for what the scenario wrote, else the grade."""
        return "given" if self.origin == "scenario" and not self.evidence else self.grade.label

    @property
    def shown(self) -> float | str:
        """The value in ``unit``, or its text."""
        if isinstance(self.value, bool | str) or self.value is None:
            return str(self.value)
        return float(self.value) / factor(self.unit)


@dataclass(frozen=True)
class Result:
    """A frozen answer.

    Attributes
    ----------
    name : str
        The scenario's name.
    quantities : mapping of str to Quantity
        Every scalar quantity and every leaf of the chain, by dotted name.
    tables : mapping of str to pandas.DataFrame
        ``breakdown, relief, layouts, energy, hourly, plants, ledger, per_token``.
    notices : tuple of str
        What a reader has to know: bindings, shortfalls, lead times.
    assumptions : tuple of Assumption
        Every value that nobody asked for.
    run : mapping
        Scenario hash, catalog version, package versions, seconds.
    """

    name: str
    quantities: Mapping[str, Quantity] = field(repr=False)
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    notices: tuple[str, ...]
    assumptions: tuple[Assumption, ...] = field(repr=False)
    run: Mapping[str, Any]

    def quantity(self, name: str) -> Quantity:
        """One quantity; raises ``InputError`` with the nearest name."""
        if name not in self.quantities:
            raise InputError("no such quantity", given=name, nearest=nearest(name, self.quantities))
        return self.quantities[name]

    def __getitem__(self, name: str) -> Any:
        """The SI value of a quantity (or its text)."""
        return self.quantity(name).value

    def to_frame(self) -> pd.DataFrame:
        """Every quantity as a table: value (in ``unit``), unit, grade, what it is."""
        import pandas as pd

        rows = [
            {"quantity": q.name, "value": q.shown, "unit": q.unit, "grade": q.label, "what": q.summary}
            for q in self.quantities.values()
        ]
        return pd.DataFrame(rows).set_index("quantity")

    def arrays(self) -> xr.Dataset:
        """The hourly series as a labelled data set over ``hour``, units in the attributes."""
        import xarray as xr

        frame = self.tables["hourly"]
        data = xr.Dataset({str(name): ("hour", frame[name].to_numpy()) for name in frame.columns})
        for name in data:
            data[name].attrs["units"] = str(name).rsplit("[", 1)[-1].rstrip("]") if "[" in str(name) else ""
        return data.assign_coords(hour=frame.index.to_numpy())

    def figure(self, name: str) -> Any:
        """A plotly figure by name (``sankey``, ``breakdown``, ``layouts``, ``dispatch``, …)."""
        return find_study("run").service("figure")(self, name)

    def _repr_html_(self) -> str:
        """The head of the document, in a notebook."""
        return find_study("run").service("notebook")(self)
