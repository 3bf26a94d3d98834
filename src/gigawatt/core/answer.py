"""What a study answers: its data, the document that says it, tables, figures, and what is written of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gigawatt.core.checks import check_word
from gigawatt.core.document import Document
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.study import Study, resolve

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["Answer", "Data", "flat_rows"]

Data = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]] | Mapping[str, Any]
"""A table: rows, or columns by name."""

_NOTEBOOK = "gigawatt.faces.report.notebook:notebook"
_WRITER = "gigawatt.faces.report.files:write_answer"


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
    """What a study answers, read as the mapping that its command prints with ``--json``.

    Attributes
    ----------
    study : Study
        Which study answers.
    data : mapping
        Stable keys, the unit at the end of each; the docs page of the study lists them.
    found : object
        What the study computed: a ``Plan``, a ``ServingPlan``, a ``SupplyAnswer``, an ``OutlookResult`` …
    drawings : mapping of str to callable
        Figures by name.
    larger : mapping of str to callable
        Tables that are not in ``data``, by name.
    more : object
        What the document reads beside ``data``.
    files : mapping of str to callable
        Tables that a folder of the answer holds as CSV, by name; rows that are empty are left out.
    parquet : mapping of str to callable
        Tables that it holds as Parquet, by name.
    texts : mapping of str to callable
        Other files of the folder, by file name.
    sealed : mapping of str to mapping
        Records, by file name, that get the digests of the other files and stand in place of ``study.json``.
    words : tuple of str
        What was typed after ``gigawatt``; empty where Python was called.
    listed : bool
        Whether the JSON is the list ``data["rows"]`` alone.
    kind : str
        Which of the study's ``documents`` says it; empty for its ``document``.
    say : callable, optional
        ``(data, again, more) -> Document`` where it is not the study's own.
    """

    study: Study
    data: Data = field(repr=False)
    found: Any = field(repr=False, default=None)
    drawings: Mapping[str, Callable[..., Any]] = field(
        repr=False, default_factory=dict[str, Callable[..., Any]]
    )
    larger: Mapping[str, Callable[[], Any]] = field(repr=False, default_factory=dict[str, Callable[[], Any]])
    more: Any = field(repr=False, default=None)
    files: Mapping[str, Callable[[], Rows]] = field(repr=False, default_factory=dict[str, Callable[[], Rows]])
    parquet: Mapping[str, Callable[[], Any]] = field(repr=False, default_factory=dict[str, Callable[[], Any]])
    texts: Mapping[str, Callable[[], str]] = field(repr=False, default_factory=dict[str, Callable[[], str]])
    sealed: Mapping[str, Mapping[str, Any]] = field(repr=False, default_factory=dict[str, Mapping[str, Any]])
    words: tuple[str, ...] = ()
    listed: bool = False
    kind: str = ""
    say: Callable[[Any, Any, Any], Document] | None = field(repr=False, default=None)

    def __getitem__(self, key: str) -> Any:
        """A value of the data."""
        if key not in self.data:
            raise InputError("no such key", given=key, nearest=nearest(key, self.data))
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        """Keys of the data."""
        return iter(self.data)

    def __len__(self) -> int:
        """How many keys the data have."""
        return len(self.data)

    @cached_property
    def record(self) -> dict[str, Any]:
        """How the answer is reproduced: command, versions, files that it read."""
        from gigawatt.core.record import study_record

        return study_record(self.study.name, self.words) | ({"kind": self.kind} if self.kind else {})

    @cached_property
    def text(self) -> str:
        """The data as JSON."""
        return json.dumps(self.data, indent=1, allow_nan=False) + "\n"

    @cached_property
    def document(self) -> Document:
        """What the answer says, for every writer: terminal, HTML, Markdown, web app and notebook."""
        from gigawatt.core.record import again_of

        # through JSON, so that a report written again from the folder is the same
        say = self.say or resolve(self.study.documents[self.kind] if self.kind else self.study.document)
        return say(json.loads(self.text), again_of(self.record), self.more)

    @property
    def title(self) -> str:
        """What was answered, in a line."""
        return self.document.title

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures."""
        return tuple(self.drawings)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables: lists of rows in the data, dots between keys, and what is larger."""

        def names(data: Data, before: str = "") -> Iterator[str]:
            for key, value in data.items():
                if _is_table(value):
                    yield f"{before}{key}"
                elif isinstance(value, Mapping):
                    yield from names(value, f"{before}{key}.")

        return (*names(self.data), *self.larger)

    def table(self, name: str) -> pd.DataFrame:
        """A table by name, nested keys joined by dots.

        Raises
        ------
        InputError
            No such table, with the nearest.
        """
        import pandas as pd

        if name in self.larger:
            return pd.DataFrame(self.larger[name]())
        value: Any = self.data
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
        check_word(None, name, self.figures, "no such figure")
        return self.drawings[name](*what, **options)

    def to_frame(self) -> pd.DataFrame:
        """Single values of the data as a table: key, value; nested keys joined by dots."""
        import pandas as pd

        row = flat_rows([self.data])[0]
        single = {key: value for key, value in row.items() if isinstance(value, bool | int | float | str)}
        return pd.DataFrame({"value": single}).rename_axis("key")

    def to_json(self) -> Any:
        """The data as a plain dictionary, or the list of rows where the answer is one."""
        return list(self.data["rows"]) if self.listed else dict(self.data)

    def save(self, folder: str | Path) -> tuple[str, ...]:
        """Names of the files that are written into a folder, as ``--output`` does, all or none.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        return resolve(_WRITER)(folder, self)

    def _repr_html_(self) -> str:
        """The head of the document, in a notebook."""
        return resolve(_NOTEBOOK)(self.document)
