"""Long work from the page: begin, watch its progress as events, cancel, look at what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from gigawatt.faces.web.answers import Fragment, Question
from gigawatt.faces.web.assets import STATIC
from gigawatt.faces.web.form.state import SHOW, read_address
from gigawatt.faces.web.names import Unknown
from gigawatt.faces.web.processes.jobs import Job, sse
from gigawatt.faces.web.rendering import environment
from gigawatt.faces.web.site import Site
from gigawatt.faces.web.views import all_views, job_of

__all__ = ["router"]

router = APIRouter(prefix="/jobs", include_in_schema=False, default_response_class=HTMLResponse)

_MOST_SETTINGS, _MOST_TEXT = 40, 400

Tab = Annotated[str, Header(alias="X-Tab", max_length=64)]
Htmx = Annotated[str, Header(alias="HX-Request", max_length=8)]


def _site(request: Request) -> Site:
    return request.app.state.site


def _job(request: Request, id: str) -> Job:
    found = _site(request).jobs.get(id[:64])
    if found is None:
        raise Unknown("no such job", allowed="the last ones that were begun")
    return found


async def _settings(request: Request) -> dict[str, str]:
    """Settings of the job that its form holds, as the form of a page sends them."""
    body = (await request.body()).decode("utf-8", "replace")
    pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_SETTINGS)
    return {k.removeprefix(SHOW): v[:_MOST_TEXT] for k, v in pairs if k.startswith(SHOW)}


@router.post("/{kind}")
async def begin(request: Request, kind: str, item: str = "", tab: Tab = "", htmx: Htmx = "") -> Response:
    """Begin work of a kind on the question of the address."""
    long, site = job_of(kind), _site(request)
    shown = read_address(request.query_params.multi_items(), site.uploads)
    settings = {**dict(shown.settings), **await _settings(request)}
    question = Question(kind, shown.state, tuple(sorted(settings.items())), item[:_MOST_TEXT])
    known = site.kept.get(question)
    if known is not None and htmx:
        return HTMLResponse(known.html)
    for earlier in site.jobs.of(tab) if long.alone and tab else ():
        if earlier.kind == kind:
            await site.jobs.cancel(earlier.id)
    job = site.jobs.start(
        "gigawatt.faces.web.answers:work",
        question,
        kind=kind,
        title=long.title,
        owner=tab,
    )
    if not htmx:
        return RedirectResponse(f"/jobs/{job.id}", status_code=303)
    return HTMLResponse(_render("job.html.j2", job=job))


@router.get("/{id}/events")
async def events(request: Request, id: str) -> Response:
    """Its progress, until it ends."""
    job = _job(request, id)

    async def stream() -> AsyncIterator[bytes]:
        async for event, _ in _site(request).jobs.events(job.id):
            if event == "ping":
                yield b": still here\n\n"
            elif event == "progress":
                yield sse("progress", _render("job_progress.html.j2", job=job))
            else:
                yield sse("ended", _render("job_ended.html.j2", job=job))
                yield sse("close", "")

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.post("/{id}/cancel")
async def cancel(request: Request, id: str, htmx: Htmx = "") -> Response:
    """End it."""
    job = _job(request, id)
    await _site(request).jobs.cancel(job.id)
    if not htmx:
        return RedirectResponse(f"/jobs/{job.id}", status_code=303)
    return HTMLResponse(_result(request, job))


@router.get("/{id}/result")
async def result(request: Request, id: str) -> Response:
    """What came of it, as a part of the page."""
    return HTMLResponse(_result(request, _job(request, id)))


@router.get("/{id}")
async def alone(request: Request, id: str) -> Response:
    """A page of its own for it, which looks again by itself until it has ended."""
    job = _job(request, id)
    html = _render(
        "job_page.html.j2", job=job, result=_result(request, job), static=STATIC, views=all_views()
    )
    return HTMLResponse(html)


def _result(request: Request, job: Job) -> str:
    if job.state == "done" and isinstance(job.value, tuple):
        question, found = job.value
        assert isinstance(question, Question)
        assert isinstance(found, Fragment)
        _site(request).kept.keep(question, found)
        return found.html
    return _render("job_result.html.j2", job=job)


def _render(name: str, **context: Any) -> str:
    return environment().get_template(name).render(**context)
