"""The JSON interface: the same questions and answers for programs, described in ``/openapi.json``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.core.errors import GigawattError, nearest
from gigawatt.core.registry import find_study
from gigawatt.faces.web.api.models import (
    About,
    Answer,
    Choice,
    Cited,
    Control,
    Entry,
    Refused,
    Row,
    Start,
    Step,
    Table,
)
from gigawatt.faces.web.form.fields import FORM_FIELDS, FormField, fields_of, options
from gigawatt.faces.web.form.state import State, read_form
from gigawatt.faces.web.names import Unknown
from gigawatt.faces.web.site import Site, affinity
from gigawatt.faces.web.starts import BRANCHES, DEFAULT, starts

__all__ = ["PREFIX", "REFUSES", "UNKNOWN", "as_problem", "elsewhere", "router"]

PREFIX = "/api/v1"


def as_problem(error: GigawattError) -> dict[str, Any]:
    """An error in its parts."""
    given = None if error.given is None else str(error.given)
    parts = {
        "message": error.message, "line": str(error), "key": error.key, "given": given,
        "allowed": error.allowed, "nearest": error.nearest,
    }  # fmt: skip
    # half a character of UTF-16, which JSON may bring, cannot be said again
    return {key: text and str(text).encode(errors="replace").decode() for key, text in parts.items()}


def _keys() -> list[dict[str, Any]]:
    """The query parameters of a question, for the description."""
    text = {"type": "string", "maxLength": 400}
    found = [{"name": "start", "in": "query", "required": False, "schema": {**text, "enum": list(starts())},
              "description": f"scenario to start from; {DEFAULT} if left out"}]  # fmt: skip
    named: dict[str, list[FormField]] = {}
    for field in FORM_FIELDS:  # the size has one a branch
        named.setdefault(field.key, []).append(field)
    for key, alike in named.items():
        first = alike[0]
        example = first.example or (first.stops[0] if first.stops else "")
        told = (f"{one.sentence}{f' ({one.branch} only)' if one.branch in BRANCHES else ''}" for one in alike)
        said = ": ".join(part for part in (first.label, "; ".join(told)) if part)
        shown = {"example": example} if example else {}
        found.append({"name": key, "in": "query", "required": False, "schema": text,
                      "description": said, **shown})  # fmt: skip
    return found


_ASKS: dict[str, Any] = {"parameters": _keys()}
REFUSES: dict[int | str, dict[str, Any]] = {
    422: {"model": Refused, "description": "a value that cannot be, or a question without an answer"},
    400: {"model": Refused, "description": "not a request that is served"},
    503: {"model": Refused, "description": "too many questions wait"},
}
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "no such name"}}

router = APIRouter(prefix=PREFIX, tags=["gigawatt"], responses=REFUSES)


@router.get("/about")
async def about() -> About:
    """Versions, and the scenarios to start from."""
    found = [Start(id=one.id, title=one.title, branch=one.branch) for one in starts().values()]
    return About(gigawatt=__version__, catalog=catalog.version(), starts=found)


@router.get("/controls/{start}", responses=UNKNOWN)
async def controls(start: str = Path(max_length=80)) -> list[Control]:
    """Every key that may be set in a scenario, what stands in it, what may be chosen."""
    _known_start(start)
    state = State(start)
    return [
        Control(
            key=field.key, section=field.section, label=field.label, words=field.sentence, kind=field.kind,
            value=state.written(field.key), stops=list(field.stops),
            choices=[Choice(value=o.value, words=o.words, group=o.group) for o in options(field.key)],
        )
        for field in fields_of(state.branch).values()
    ]  # fmt: skip


def _known_start(start: str) -> None:
    if start not in starts():
        raise Unknown(
            "no such scenario",
            key="start",
            given=start[:80],
            allowed=starts(),
            nearest=nearest(start, starts()),
        )


@router.get("/answer", openapi_extra=_ASKS)
async def answer(request: Request) -> Answer:
    """Every quantity of the answer with unit and grade, notices, assumptions, tables of up to 200 rows."""
    return await _ask(request, "as_data")


@router.get("/explain/{quantity}", openapi_extra=_ASKS)
async def explain(request: Request, quantity: str = Path(max_length=120)) -> list[Step]:
    """The walk from a quantity down to its inputs and rows."""
    return await _ask(request, "explained", quantity)


@router.get("/tables", openapi_extra=_ASKS)
async def tables_of_answer(request: Request) -> dict[str, int]:
    """The tables of the answer, and how many rows each has."""
    return await _ask(request, "table_sizes")


@router.get("/tables/{name}", openapi_extra=_ASKS, response_model=Table)
async def table_of_answer(request: Request, name: str = Path(max_length=80)) -> Response:
    """A table of the answer with all its rows, such as the 8,760 of ``hourly``."""
    return _json(await _ask(request, "table_json", name))


@router.get("/figures")
async def figures() -> dict[str, list[str]]:
    """Names of figures by the branch of the question."""
    return {branch: list(names) for branch, names in find_study("run").service("figure_names")().items()}


@router.get("/figures/{name}", openapi_extra=_ASKS, responses=UNKNOWN)
async def figure_of_answer(request: Request, name: str = Path(max_length=80)) -> dict[str, Any]:
    """A figure of the answer as plotly draws it: ``data`` and ``layout``."""
    known = dict.fromkeys(one for names in (await figures()).values() for one in names)
    if name not in known:
        raise Unknown("no such figure", key="figure", given=name, nearest=nearest(name, known))
    return _json(await _ask(request, "figure_json", name))  # type: ignore[return-value]


async def _ask(request: Request, function: str, name: str = "") -> Any:
    """What a function of :mod:`gigawatt.faces.web.answers` says of the question, or of a name in its
    answer.
    """
    site: Site = request.app.state.site
    state = read_form(request.query_params.multi_items(), site.uploads).state
    return await site.pool.ask(
        f"gigawatt.faces.web.answers:{function}", (state, name) if name else state, affinity=affinity(state)
    )


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


@router.get("/sources")
async def sources() -> dict[str, Cited]:
    """Every source of the catalog by its id."""
    uses = catalog.source_uses()
    return {
        one.id: Cited(
            title=one.title, publisher=one.publisher, year=one.year, url=one.url, licence=one.licence,
            numbers=sum(uses.get(one.id, {}).values()),
        )
        for one in catalog.sources().values()
    }  # fmt: skip


@router.get("/catalog")
async def tables() -> dict[str, int]:
    """Every table of the catalog, and how many entries it has."""
    return {name: len(catalog.table(name)) for name in catalog.tables()}


@router.get("/catalog/{table}", responses=UNKNOWN)
async def entries(table: str = Path(max_length=80)) -> list[str]:
    """The entries of one table."""
    _known_table(table)
    return list(catalog.table(table))


@router.get("/catalog/{table}/{entry:path}", responses=UNKNOWN)
async def entry(table: str = Path(max_length=80), entry: str = Path(max_length=120)) -> Entry:
    """One entry: every number with unit, range, grade and source."""
    _known_table(table)
    found = catalog.table(table).get(entry)
    if found is None:
        raise Unknown("no such entry", key=table, given=entry, nearest=nearest(entry, catalog.table(table)))
    rows = [
        Row(
            quantity=r.quantity, value=r.value, low=r.low, high=r.high, unit=r.unit, written=r.written,
            year=r.year, grade=r.grade.label, source=r.source_id,
            locator=r.locator, where=r.where, note=r.note,
        )
        for r in found.rows()
    ]  # fmt: skip
    return Entry(id=found.id, table=table, texts=dict(found.texts), rows=rows)


def _known_table(table: str) -> None:
    if table not in catalog.tables():
        raise Unknown("no such table", key="table", given=table, nearest=nearest(table, catalog.tables()))


elsewhere = APIRouter(prefix=PREFIX, include_in_schema=False)
"""Comes after all others of the interface: what none of them takes."""


@elsewhere.get("/{path:path}")
async def nowhere(path: str) -> None:
    """A path that nothing has."""
    raise Unknown("no such path", given=path[:80], allowed="those of /openapi.json")
