"""The application: pages, files, JSON, jobs and uploads behind the guards of
:mod:`gigawatt.faces.web.guards.security`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from gigawatt._version import __version__
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.web import assets
from gigawatt.faces.web.ahead import Ahead
from gigawatt.faces.web.answers import Question
from gigawatt.faces.web.api import jobs as api_jobs
from gigawatt.faces.web.api import questions as api
from gigawatt.faces.web.api.questions import as_problem
from gigawatt.faces.web.form.state import Shown, State
from gigawatt.faces.web.guards.security import secured
from gigawatt.faces.web.names import Unknown
from gigawatt.faces.web.pages import downloads, pages, pinned
from gigawatt.faces.web.pages import jobs as longer
from gigawatt.faces.web.processes.jobs import Jobs
from gigawatt.faces.web.processes.pool import Busy, Died, Failed, Pool, Superseded
from gigawatt.faces.web.site import Site
from gigawatt.faces.web.uploads import routes as uploading
from gigawatt.faces.web.uploads.store import Uploads
from gigawatt.faces.web.views import all_views

__all__ = ["create_app"]

_IDLE = 15
"""By how much the process gives way that computes what nobody has asked yet."""


def create_app(*, workers: int = 2, jobs: int = 2, hosts: Sequence[str] = (), ahead: bool = True) -> Any:
    """The ASGI application.

    Parameters
    ----------
    workers : int
        Processes that answer while somebody waits.
    jobs : int
        Longer computations at a time.
    hosts : sequence of str
        Names under which the server may be asked, beside those of this machine.
    ahead : bool
        Whether what is likely to be asked next is computed while the machine is idle.

    Returns
    -------
    ASGI application
        Starts its processes with the lifespan, and ends them with it.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncGenerator[None]:
        uploads = Uploads()
        pool = Pool(workers=workers, folder=uploads.folder)
        background = Jobs(most=jobs, folder=uploads.folder)
        idle = Pool(workers=1, folder=uploads.folder, nice=_IDLE)
        beside: list[asyncio.Task[None]] = []
        try:
            await pool.start()
            app.state.site = site = Site(pool, background, uploads)
            pages.whole_page(site, all_views()[0], Shown(State()))  # its own catalog and templates, read once
            beside.append(asyncio.create_task(_warm(site, workers)))
            if ahead:
                beside.append(asyncio.create_task(_ahead(site, idle)))
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await idle.close()
            await background.close()
            await pool.close()
            uploads.close()

    app = FastAPI(
        title="gigawatt",
        version=__version__,
        description="From silicon to power plant: what it takes, its bottleneck, what would relieve it.",
        lifespan=life,
        docs_url=None,  # its page would fetch scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (
        assets.router,
        api.router,
        api_jobs.router,
        api.elsewhere,
        downloads.router,
        longer.router,
        uploading.router,
        pinned.router,
        pages.router,
    ):
        app.include_router(router)
    for kind, function in _ANSWERS.items():
        app.add_exception_handler(kind, function)
    return secured(app, hosts=hosts, versioned="/static/")


async def _ahead(site: Site, idle: Pool) -> None:
    """Compute what is likely to be asked next, from when the process for it has started."""
    await idle.start()
    site.ahead = Ahead(idle, site.kept)
    await site.ahead.run()


async def _warm(site: Site, workers: int) -> None:
    """Have every process compute what the page opens with, so that nobody waits for their first time."""
    asked = (Question(view.name, State()) for view in all_views() if view.asks and view.listed)
    await asyncio.gather(
        *(site.answer(question) for question in islice(asked, workers)), return_exceptions=True
    )


def _plain(request: Request) -> bool:
    return not request.url.path.startswith("/api/")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GigawattError)
    status = 404 if isinstance(error, Unknown) else 422
    if _plain(request):
        return PlainTextResponse(f"{error}\n", status)
    return JSONResponse({"error": as_problem(error)}, status)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    key = ".".join(str(part) for part in first.get("loc", ())[1:])
    return await _refused(request, InputError(str(first.get("msg", "not valid")).lower(), key=key))


async def _superseded(request: Request, error: Exception) -> Response:
    return Response(status_code=204)


async def _busy(request: Request, error: Exception) -> Response:
    text = str(error) or "too many questions wait; ask again in a moment"
    if _plain(request):
        return PlainTextResponse(f"{text}\n", 503, {"Retry-After": "2"})
    return JSONResponse({"error": {"message": text, "line": text}}, 503, {"Retry-After": "2"})


async def _failed(request: Request, error: Exception) -> Response:
    text = str(error)
    if _plain(request):
        return PlainTextResponse(f"{text}\n", 500)
    return JSONResponse({"error": {"message": text, "line": text}}, 500)


async def _elsewhere(request: Request, error: Exception) -> Response:
    """What no route takes: an unknown path, or a method that it does not have."""
    assert isinstance(error, HTTPException)
    text = str(error.detail).lower()
    if _plain(request):
        return PlainTextResponse(f"{text}\n", error.status_code, error.headers)
    return JSONResponse({"error": {"message": text, "line": text}}, error.status_code, error.headers)


_ANSWERS: dict[type[Exception], Any] = {
    HTTPException: _elsewhere,
    GigawattError: _refused,
    RequestValidationError: _invalid,
    Superseded: _superseded,
    Busy: _busy,
    Died: _busy,
    Failed: _failed,
}
