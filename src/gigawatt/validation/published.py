"""The one runner of published targets: rows of ``published_TABLE.csv``, each a number beside ours.

A row of the file asks for one number, or for one of each row of the catalog that ``each`` names. Its columns:

========== ==============================================================================================
part       module of the table's folder whose names the row calls (:mod:`.computations`), after a dot a piece
           of it; what is run alone
group      what it counts in; the part where empty
each       ``TABLE/ENTITY/QUANTITY`` of the catalog, ``*`` in the last two stands for any text
where      condition on a row of ``each``; all where empty
what       words, with ``{id}`` and others of the row in braces
ours       a call such as ``peak_bandwidth('hbm2')``, in SI where ``each`` is given, else in ``unit``
published  a number in ``unit``, or a call; the value of the catalog's row where empty
unit       unit of both as shown; that of the catalog's row where it says ``row``
scale      SI value of ``unit`` where it is no unit of the product's; 1 for a word such as ``overlap``
rule       ``share`` (the tolerance is of published), ``range`` (the catalog's low and high, at least the
           tolerance), ``inside`` (the same, each side for itself), ``factor`` (as many times more or less),
           ``absolute`` (in ``unit``), ``at least`` and ``at most`` (of published: what lacks must be nothing)
tolerance  a number, or a call
fitted     ``yes`` where our number was made from it, or a condition; empty: it judges
source     words; source, locator and note of the catalog's row where empty
note       words that follow the source
========== ==============================================================================================

In every call the catalog's row is ``row``, its entity ``id`` and ``its``, its quantity ``quantity`` and what
the stars stand for ``star`` and ``stars``. What a part misses its tolerance by is left in.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gigawatt.catalog import entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import factor
from gigawatt.validation.calls import Calls
from gigawatt.validation.card import Card, card_of_checks
from gigawatt.validation.check import Check, Told
from gigawatt.validation.computations import computations
from gigawatt.validation.files import data_folder

__all__ = ["COLUMNS", "check_of", "checks_of", "parts_of", "published_card", "rows_of"]

COLUMNS = (
    "part", "group", "each", "where", "what", "ours", "published", "unit", "scale", "rule", "tolerance",
    "fitted", "source", "note",
)  # fmt: skip
RULES = ("share", "range", "inside", "factor", "absolute", "at least", "at most")
OPTIONAL = ("torch", "transformers", "gguf")
"""Packages of the extra ``emulation``: a row that cannot do without them is left out where they are not."""
Row = Mapping[str, str]


@lru_cache(maxsize=8)
def rows_of(name: str) -> tuple[Row, ...]:
    """The rows of a table of published targets, with the ``line`` of each in its file.

    Raises
    ------
    InputError
        A column or a rule that is not known.
    """
    file = data_folder() / f"published_{name}.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        rows = [{**row, "line": str(reader.line_num)} for row in reader]
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError("other columns", file=file, line=1, given=reader.fieldnames, allowed=COLUMNS)
    for row in rows:
        if (row["rule"] or "share") not in RULES:
            raise InputError("no such rule", file=file, line=int(row["line"]), key="rule",
                             given=row["rule"], allowed=RULES,
                             nearest=nearest(row["rule"], RULES))  # fmt: skip
    return tuple(rows)


def parts_of(name: str) -> tuple[str, ...]:
    """Parts of a table of published targets, in the order of its rows."""
    return tuple(dict.fromkeys(row["part"] for row in rows_of(name)))


def published_card(
    name: str, parts: Sequence[str] | None = None, progress: Callable[[int, int], None] | None = None
) -> Card:
    """The scorecard of supply, technologies or outlook.

    Parameters
    ----------
    name : str
        The table.
    parts : sequence of str, optional
        Parts to check; all where left out.
    progress : callable, optional
        Called with (parts done, parts in all).

    Raises
    ------
    InputError
        No such part.
    """
    known = parts_of(name)
    chosen = known if parts is None else tuple(parts)
    for part in chosen:
        check_word(None, part, known, "no such part")
    found: list[Check] = []
    for done, part in enumerate(chosen, start=1):
        found += checks_of(name, part)
        if progress is not None:
            progress(done, len(chosen))
    return card_of_checks(name, found)


def checks_of(name: str, part: str, about: Callable[[str], bool] | None = None) -> list[Check]:
    """The checks of one part of a table, in the order of its rows.

    ``about`` takes the words of a row before its number is computed: those for which it is false are left
    out.
    """
    calls = Calls(computations(name, part))
    found: list[Check] = []
    for row in (row for row in rows_of(name) if row["part"] == part):
        try:
            found += [
                check_of(row, calls, scope)
                for scope in _scopes(row, calls)
                if about is None or about(calls.words(row["what"], scope))
            ]
        except ModuleNotFoundError as error:
            if error.name not in OPTIONAL:
                raise
        except GigawattError as error:
            raise error.at(file=f"published_{name}.csv", line=int(row["line"])) from None
    return found


def _scopes(row: Row, calls: Calls) -> Iterator[dict[str, Any]]:
    """The names of each catalog row that a row of the file stands for; one without names where of none."""
    if not row["each"]:
        yield {}
        return
    name, ids, quantities = row["each"].split("/")
    entities = [entity(name, ids)] if "*" not in ids else list(table(name).values())
    for one in entities:
        by_id = _stars(ids, one.id)
        for quantity, evidences in one.numbers.items() if by_id is not None else ():
            by_quantity = _stars(quantities, quantity)
            if by_id is None or by_quantity is None:
                continue
            stars = (*by_id, *by_quantity)
            for evidence in evidences:
                scope = {"id": one.id, "its": one, "quantity": quantity, "row": evidence, "stars": stars,
                         "star": by_quantity[0] if by_quantity else by_id[0] if by_id else ""}  # fmt: skip
                if not row["where"] or calls.value(row["where"], scope):
                    yield scope


def _stars(pattern: str, text: str) -> tuple[str, ...] | None:
    """What the stars of a pattern stand for in a text, ``None`` where it is another."""
    found = re.fullmatch("(.*)".join(re.escape(part) for part in pattern.split("*")), text)
    return None if found is None else found.groups()


def check_of(row: Row, calls: Calls, scope: Mapping[str, Any]) -> Check:
    """The check that a row asks for; ``scope`` are the names of its catalog row, where it has one."""
    evidence: Evidence | None = scope.get("row")
    made = calls.value(row["ours"], scope)
    told = made if isinstance(made, Told) else Told(float(made))
    unit = evidence.unit if row["unit"] == "row" and evidence is not None else row["unit"]
    scale = _scale(unit, row["scale"]) if evidence is not None and not row["published"] else 1.0
    ours = told.value / scale
    if row["published"]:
        published = float(calls.value(row["published"], scope))
    elif evidence is not None:
        published = evidence.value / scale
    else:
        raise InputError("neither a catalog row nor a published number", key="published", given=row["what"])
    what = calls.words(row["what"], {**scope, "ours": ours, "published": published}) + told.words
    notes = [calls.words(row["note"], scope), told.note]
    rule, allowed = row["rule"] or "share", told.tolerance
    if allowed is None:
        allowed = float(calls.value(row["tolerance"], scope)) if row["tolerance"] else 0.0
    if rule in ("at least", "at most"):
        lacking = max(0.0, published - ours if rule == "at least" else ours - published)
        word = "lacking to" if rule == "at least" else "above"
        what = f"{what}: {word} {published:.4g} (ours {ours:.3g})"
        ours, published, allowed = lacking, 0.0, 0.0
    elif rule != "share":
        allowed = _tolerance(rule, allowed, ours * scale, published * scale, evidence)
        if rule == "inside" and evidence is not None:
            low, high = _ends(evidence)
            notes.insert(0, f"passes from {low:.4g} to {high:.4g}")
    fitted = row["fitted"] == "yes" or bool(row["fitted"] and calls.value(row["fitted"], scope))
    return Check(
        part=row["group"] or row["part"].replace("_", " "),
        what=what,
        ours=ours,
        published=published,
        unit=unit,
        tolerance=allowed,
        source=", ".join(part for part in (_source(row, evidence, calls, scope), *notes) if part),
        fitted=fitted,
    )


def _source(row: Row, evidence: Evidence | None, calls: Calls, scope: Mapping[str, Any]) -> str:
    if row["source"]:
        return calls.words(row["source"], scope)
    if evidence is None:
        return ""
    return ", ".join(part for part in (evidence.source_id, evidence.locator, evidence.note) if part)


def _ends(row: Evidence) -> tuple[float, float]:
    return row.value if row.low is None else row.low, row.value if row.high is None else row.high


def _tolerance(rule: str, least: float, ours: float, published: float, row: Evidence | None) -> float:
    """The share of ``published`` that a rule allows."""
    if rule == "factor":
        return least - 1.0 if ours >= published else 1.0 - 1.0 / least
    if rule == "absolute":
        return least / abs(published)
    assert row is not None
    low, high = _ends(row)
    if rule == "inside":
        return (high - row.value if ours >= row.value else row.value - low) / row.value
    return max((high - row.value) / abs(row.value), (row.value - low) / abs(row.value), least)


@lru_cache(maxsize=128)
def _scale(unit: str, written: str) -> float:
    return float(written) if written else factor(unit) if unit else 1.0
