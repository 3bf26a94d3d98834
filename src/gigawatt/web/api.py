"""The JSON interface: the same questions and answers for programs, described in ``/openapi.json``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.errors import GigawattError, nearest
from gigawatt.web.fields import FIELDS, fields_of, options
from gigawatt.web.names import Unknown
from gigawatt.web.site import affinity
from gigawatt.web.starts import DEFAULT, starts
from gigawatt.web.state import State, read_form

__all__ = ["as_problem", "router"]

_VERSION = "/api/v1"


class Problem(BaseModel):
    """What is wrong with a question, in one line and in its parts."""

    message: str
    line: str = Field(description="the whole error as one line")
    key: str | None = None
    given: str | None = None
    allowed: str | None = None
    nearest: str | None = None


class Refused(BaseModel):
    """A question that has no answer as it stands."""

    error: Problem


def as_problem(error: GigawattError) -> dict[str, Any]:
    """An error in its parts."""
    given = None if error.given is None else str(error.given)
    return {
        "message": error.message, "line": str(error), "key": error.key, "given": given,
        "allowed": error.allowed, "nearest": error.nearest,
    }  # fmt: skip


def _keys() -> list[dict[str, Any]]:
    """The query parameters of a question, for the description."""
    text = {"type": "string", "maxLength": 400}
    found = [{"name": "start", "in": "query", "required": False, "schema": {**text, "enum": list(starts())},
              "description": f"scenario to start from; {DEFAULT} if left out"}]  # fmt: skip
    for field in FIELDS:
        if any(one["name"] == field.key for one in found):
            continue
        example = field.example or (field.stops[0] if field.stops else "")
        said = ": ".join(part for part in (field.label, field.words) if part)
        only = {"train": " (training only)", "serve": " (serving only)"}.get(field.purpose, "")
        shown = {"example": example} if example else {}
        found.append({"name": field.key, "in": "query", "required": False, "schema": text,
                      "description": said + only, **shown})  # fmt: skip
    return found


_ASKS: dict[str, Any] = {"parameters": _keys()}
_REFUSES: dict[int | str, dict[str, Any]] = {
    422: {"model": Refused, "description": "a value that cannot be, or a question without an answer"},
    400: {"model": Refused, "description": "not a request that is served"},
    503: {"model": Refused, "description": "too many questions wait"},
}
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "no such name"}}

router = APIRouter(prefix=_VERSION, tags=["gigawatt"], responses=_REFUSES)


class Start(BaseModel):
    """A scenario to start from."""

    id: str
    title: str
    serves: bool


class About(BaseModel):
    """What answers here."""

    gigawatt: str
    catalog: str
    starts: list[Start]


class Choice(BaseModel):
    """A value that may be chosen."""

    value: str
    words: str
    group: str


class Control(BaseModel):
    """A key that may be set."""

    key: str
    section: str
    label: str
    words: str
    kind: str
    value: str
    stops: list[str]
    choices: list[Choice]


class Row(BaseModel):
    """One number of a catalog's entry."""

    quantity: str
    value: float
    low: float | None
    high: float | None
    unit: str
    written: str
    grade: str
    source: str
    where: str
    note: str


class Entry(BaseModel):
    """One entry of a catalog's table."""

    id: str
    table: str
    texts: dict[str, str]
    rows: list[Row]


@router.get("/about")
async def about() -> About:
    """Versions, and the scenarios to start from."""
    found = [Start(id=one.id, title=one.title, serves=one.serves) for one in starts().values()]
    return About(gigawatt=__version__, catalog=catalog.version(), starts=found)


@router.get("/controls/{start}", responses=_UNKNOWN)
async def controls(start: str = Path(max_length=80)) -> list[Control]:
    """Every key that may be set in a scenario, what stands in it, what may be chosen."""
    _known_start(start)
    state = State(start)
    return [
        Control(
            key=field.key, section=field.section, label=field.label, words=field.words, kind=field.kind,
            value=state.written(field.key), stops=list(field.stops_of(state.serves)),
            choices=[Choice(value=o.value, words=o.words, group=o.group) for o in options(field.key)],
        )
        for field in fields_of(state.serves).values()
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
async def answer(request: Request) -> dict[str, Any]:
    """Every quantity of the answer with unit and grade, notices, assumptions, tables."""
    shown = read_form(request.query_params.multi_items(), request.app.state.site.uploads)
    return await request.app.state.site.pool.ask(
        "gigawatt.web.answers:as_data", shown.state, affinity=affinity(shown.state)
    )


@router.get("/explain/{quantity}", openapi_extra=_ASKS)
async def explain(request: Request, quantity: str = Path(max_length=120)) -> list[dict[str, Any]]:
    """The walk from a quantity down to its inputs and rows."""
    shown = read_form(request.query_params.multi_items(), request.app.state.site.uploads)
    return await request.app.state.site.pool.ask(
        "gigawatt.web.answers:explained", (shown.state, quantity), affinity=affinity(shown.state)
    )


@router.get("/catalog")
async def tables() -> dict[str, int]:
    """Every table of the catalog, and how many entries it has."""
    return {name: len(catalog.table(name)) for name in catalog.tables()}


@router.get("/catalog/{table}", responses=_UNKNOWN)
async def entries(table: str = Path(max_length=80)) -> list[str]:
    """The entries of one table."""
    _known_table(table)
    return list(catalog.table(table))


@router.get("/catalog/{table}/{entry}", responses=_UNKNOWN)
async def entry(table: str = Path(max_length=80), entry: str = Path(max_length=120)) -> Entry:
    """One entry: every number with unit, range, grade and source."""
    _known_table(table)
    found = catalog.table(table).get(entry)
    if found is None:
        raise Unknown("no such entry", key=table, given=entry, nearest=nearest(entry, catalog.table(table)))
    rows = [
        Row(
            quantity=r.quantity, value=r.value, low=r.low, high=r.high, unit=r.unit, written=r.written,
            grade=r.grade.label, source=r.source_id, where=r.where, note=r.note,
        )
        for r in found.rows()
    ]  # fmt: skip
    return Entry(id=found.id, table=table, texts=dict(found.texts), rows=rows)


def _known_table(table: str) -> None:
    if table not in catalog.tables():
        raise Unknown("no such table", key="table", given=table, nearest=nearest(table, catalog.tables()))
