"""Long work for programs: begin, look, end."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Path, Request, Response

from gigawatt.faces.web.api.models import Begin, JobState, Refused
from gigawatt.faces.web.api.questions import PREFIX, REFUSES, UNKNOWN
from gigawatt.faces.web.form.state import State, read_form
from gigawatt.faces.web.names import Unknown
from gigawatt.faces.web.processes.jobs import Busy, Job

__all__ = ["router"]

router = APIRouter(prefix=f"{PREFIX}/jobs", tags=["jobs"], responses=REFUSES)

_KIND = "api "
"""What the kinds of these begin with: a page has others."""
_PLAIN = {"text/plain": {"schema": {"type": "string"}}}
_GUARDED: dict[int | str, dict[str, Any]] = {
    403: {"description": "without `Origin` of this server, or from another site", "content": _PLAIN},
    413: {"description": "more than a request may hold", "content": _PLAIN},
}
_MANY: dict[int | str, dict[str, Any]] = {
    429: {"model": Refused, "description": "too many jobs wait already"}
}
_ID = Path(max_length=64)


@router.post("", status_code=202, responses={**_GUARDED, **_MANY})
async def begin(request: Request, work: Begin, response: Response) -> JobState:
    """Begin work; where it is to be looked at stands in ``Location``."""
    state = _state(request, work.question)
    target, payload = "as_data", state
    if work.kind == "compare":
        target, payload = "compared", (_state(request, work.beside), state)
    here = request.client.host if request.client else "this machine"
    try:
        job = request.app.state.site.jobs.start(
            f"gigawatt.faces.web.answers:{target}", payload,
            kind=f"{_KIND}{work.kind}", title=f"{work.kind}, for a program", owner=f"a program at {here}",
        )  # fmt: skip
    except Busy as error:
        raise HTTPException(429, str(error), {"Retry-After": "5"}) from None
    response.headers["Location"] = f"{PREFIX}/jobs/{job.id}"
    return _shown(job)


@router.get("/{id}", responses=UNKNOWN)
async def look(request: Request, id: str = _ID) -> JobState:
    """How far it is; once it is done, what came of it."""
    return _shown(_job(request, id))


@router.delete("/{id}", responses={**UNKNOWN, **_GUARDED})
async def end(request: Request, id: str = _ID) -> JobState:
    """End it; what has ended already stays as it is."""
    job = _job(request, id)
    await request.app.state.site.jobs.cancel(job.id)
    return _shown(job)


def _state(request: Request, question: dict[str, str]) -> State:
    return read_form(question.items(), request.app.state.site.uploads).state


def _job(request: Request, id: str) -> Job:
    found: Job | None = request.app.state.site.jobs.get(id)
    if found is None or not found.kind.startswith(_KIND):
        raise Unknown("no such job", key="job", allowed="one of the last that were begun")
    return found


def _shown(job: Job) -> JobState:
    told: dict[str, Any] = job.view()
    value = job.value if job.state == "done" else None
    return JobState(**{**told, "kind": job.kind.removeprefix(_KIND), "value": value})
