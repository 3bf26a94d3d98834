"""What a plan or a study says, as Python meets it: one document, its lists as tables, its figures by name."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "flat_rows"]

Document = Mapping[str, Any]


def flat_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows without nesting: ``{"layout": {"tensor": 8}}`` becomes ``{"layout.tensor": 8}``.

    Lists inside a row stay as they are.
    """

    def flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in row.items():
            inner = (
                flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
            )
            found |= inner
        return found

    return [flat(row) for row in rows]


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


@dataclass(frozen=True)
class Answer(Mapping[str, Any]):
    """The document that a command prints with ``--json``, read as a mapping, with tables and figures.

    Attributes
    ----------
    title : str
        What was asked, in a line.
    document : mapping
        Stable keys, the unit at the end of each; the pages of the commands list them.
    found : object
        What the study itself gave: a ``Plan``, a ``ServingPlan``, a ``SupplyAnswer``, an ``OutlookResult`` …
    figures : tuple of str
        Names that :meth:`figure` knows.
    """

    title: str
    document: Document = field(repr=False)
    found: Any = field(repr=False)
    _draw: Mapping[str, Callable[..., Any]] = field(repr=False, default_factory=dict[str, Callable[..., Any]])
    _more: Mapping[str, Callable[[], Any]] = field(repr=False, default_factory=dict[str, Callable[[], Any]])

    def __getitem__(self, key: str) -> Any:
        """A value of the document."""
        if key not in self.document:
            raise InputError("no such key", given=key, nearest=nearest(key, self.document))
        return self.document[key]

    def __iter__(self) -> Iterator[str]:
        """Keys of the document."""
        return iter(self.document)

    def __len__(self) -> int:
        """How many keys the document has."""
        return len(self.document)

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures."""
        return tuple(self._draw)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables: lists of rows in the document, dots between keys, and what is larger."""

        def names(document: Document, before: str = "") -> Iterator[str]:
            for key, value in document.items():
                if _is_table(value):
                    yield f"{before}{key}"
                elif isinstance(value, Mapping):
                    yield from names(value, f"{before}{key}.")

        return (*names(self.document), *self._more)

    def table(self, name: str) -> pd.DataFrame:
        """A table by name, nested keys joined by dots.

        Raises
        ------
        InputError
            No such table, with the nearest.
        """
        import pandas as pd

        if name in self._more:
            return pd.DataFrame(self._more[name]())
        value: Any = self.document
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if not _is_table(value):
            raise InputError(
                "no such table", given=name, allowed=self.tables, nearest=nearest(name, self.tables)
            )
        return pd.DataFrame(flat_rows(value))

    def figure(self, name: str, /, *what: Any, **options: Any) -> Any:
        """A plotly figure by name; the rest are arguments of the function that draws it.

        Raises
        ------
        InputError
            No such figure, with the nearest.
        """
        if name not in self._draw:
            raise InputError(
                "no such figure", given=name, allowed=self.figures, nearest=nearest(name, self.figures)
            )
        return self._draw[name](*what, **options)

    def to_frame(self) -> pd.DataFrame:
        """Single values of the document as a table: key, value; nested keys joined by dots."""
        import pandas as pd

        row = flat_rows([self.document])[0]
        kept = {key: value for key, value in row.items() if isinstance(value, bool | int | float | str)}
        return pd.DataFrame({"value": kept}).rename_axis("key")

    def to_json(self) -> dict[str, Any]:
        """The document as a plain dictionary."""
        return dict(self.document)

    def _repr_html_(self) -> str:
        """In a notebook: the title, and what there is to look at."""
        lines = [f"<b>{html.escape(self.title)}</b>"]
        for word, names in (("tables", self.tables), ("figures", self.figures)):
            if names:
                lines.append(f"{word}: {html.escape(', '.join(names))}")
        return "<br>".join(lines)
