"""What the JSON interface says, as types: they make its description in ``/openapi.json``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "About", "Answer", "Assumed", "Begin", "Choice", "Cited", "Column", "Control", "Entry",
    "JobState", "Problem", "Quantity", "Refused", "Row", "Start", "Step", "StepRow", "Table",
]  # fmt: skip

Number = float | int | str | None
Text = Annotated[str, Field(max_length=400)]


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


class Start(BaseModel):
    """A scenario to start from."""

    id: str
    title: str
    branch: str


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


class Quantity(BaseModel):
    """One quantity of an answer."""

    value: Number
    unit: str
    grade: str = Field(description="how it is known, the weakest on the way to it; `given` by the question")
    what: str


class Assumed(BaseModel):
    """A value that the question does not say."""

    key: str
    value: str
    reason: str
    grade: str
    source: str


class Answer(BaseModel):
    """An answer whole, but for its long tables."""

    name: str
    quantities: dict[str, Quantity]
    tables: dict[str, list[dict[str, Any]]]
    notices: list[str]
    assumptions: list[Assumed]
    run: dict[str, Any]


class StepRow(BaseModel):
    """A row of the catalog that enters at a step."""

    name: str
    written: str
    unit: str
    grade: str
    source: str
    locator: str
    where: str
    note: str


class Step(BaseModel):
    """One step of the walk from a quantity to what it is made of."""

    depth: int
    quantity: str
    value: Number
    unit: str
    grade: str
    what: str
    formula: str
    expression: str
    terms: dict[str, float | None]
    method: str
    code: str
    inputs: list[str]
    origin: str
    where: str
    reason: str
    rows: list[StepRow]


class Column(BaseModel):
    """A column of a table."""

    name: str
    unit: str


class Table(BaseModel):
    """A table of an answer: rows hold a value for each column."""

    name: str
    columns: list[Column]
    rows: list[list[float | int | str | bool | None]]


class Cited(BaseModel):
    """A source: where numbers were read, and how many of the catalog come from it."""

    title: str
    publisher: str
    year: int | None
    url: str
    licence: str
    numbers: int


class Row(BaseModel):
    """One number of a catalog's entry, in SI units; ``written`` in ``unit`` is what its row says."""

    quantity: str
    value: float
    low: float | None
    high: float | None
    unit: str
    written: str
    year: int | None
    grade: str
    source: str
    locator: str
    where: str
    note: str


class Entry(BaseModel):
    """One entry of a catalog's table."""

    id: str
    table: str
    texts: dict[str, str]
    rows: list[Row]


Question = Annotated[
    dict[Text, Text],
    Field(
        max_length=120,
        description="keys as in the address of the page, `start` among them",
        examples=[{"start": "llama-3.1-405b-texas", "machine.count": "8192"}],
    ),
]


class Begin(BaseModel):
    """Work to begin: a whole answer, or two questions side by side with their difference split."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["answer", "compare"]
    question: Question = Field(default_factory=dict)
    beside: Question = Field(default_factory=dict, description="what `compare` measures the question against")


class JobState(BaseModel):
    """Work in the background: how far it is, and what came of it."""

    id: str
    kind: Literal["answer", "compare"]
    state: Literal["waiting", "running", "done", "refused", "failed", "cancelled"]
    share: float = Field(ge=0.0, le=1.0)
    words: str
    asked: float = Field(description="seconds since 1970")
    started: float | None
    ended: float | None
    error: str
    value: dict[str, Any] | None = Field(description="what came of it, once it is done")
