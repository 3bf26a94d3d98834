"""Tables of the views: rows of texts as the grids that the report writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gigawatt.catalog import sources
from gigawatt.core.document import Cell, Grid
from gigawatt.faces.figures.readable import significant

__all__ = ["graded", "percent", "ranged", "sourced", "tabled"]

_UNKNOWN = "–"


def tabled(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[Cell | str]], *, words: Sequence[int] = (0,)
) -> Grid:
    """Rows of texts and cells as a grid.

    Parameters
    ----------
    caption : str
        What one sees in it.
    head : sequence of str
        Of the columns, with units.
    rows : iterable of sequence
        Texts, or cells where they are more.
    words : sequence of int
        Columns that hold words, all others being numbers.
    """
    made = tuple(tuple(one if isinstance(one, Cell) else Cell(one) for one in row) for row in rows)
    return Grid(caption, tuple(head), tuple(i not in words for i in range(len(head))), made)


def graded(label: str) -> Cell:
    """A grade as its badge."""
    return Cell(label, grade=label)


def ranged(value: float, low: float, high: float, digits: int = 3) -> str:
    """A number with its range: ``49 (44 to 56)``; without, where the ends are the number."""
    middle, least, most = (significant(one, digits) for one in (value, low, high))
    return middle if least == middle == most or middle == _UNKNOWN else f"{middle} ({least} to {most})"


def percent(share: float | None, *, sign: bool = False) -> str:
    """A share in percent, with one decimal."""
    if share is None or share != share:
        return _UNKNOWN
    return f"{100 * share:+.1f} %" if sign else f"{100 * share:.1f} %"


def sourced(text: str) -> Cell:
    """Ids of sources, each a link where its address is known."""
    known = dict(sources())
    links: list[tuple[str, str]] = []
    for name in (part.strip() for part in text.replace(";", ",").split(",")):
        url = known[name].url if name in known else ""
        if name:
            links.append((name, url if url.startswith(("https://", "http://")) else ""))
    return Cell(text, links=tuple(links)) if links else Cell(text or _UNKNOWN)
