"""What can be taken away from a question: its report, its scenario."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gigawatt.core.errors import GigawattError
from gigawatt.faces.web.form.state import read_address
from gigawatt.faces.web.site import Site, affinity

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_KINDS = {
    "report.html": ("text/html; charset=utf-8", "gigawatt.faces.web.answers:report_html"),
    "report.md": ("text/markdown; charset=utf-8", "gigawatt.faces.web.answers:report_markdown"),
    "scenario.yaml": ("application/yaml; charset=utf-8", "gigawatt.faces.web.answers:scenario_yaml"),
}


async def _made(request: Request, name: str) -> Response:
    site: Site = request.app.state.site
    kind, target = _KINDS[name]
    state = read_address(request.query_params.multi_items(), site.uploads).state
    try:
        text: str = await site.pool.ask(target, state, affinity=affinity(state))
    except GigawattError as error:
        return Response(f"{error}\n", 422, media_type="text/plain; charset=utf-8")
    headers = {"Content-Disposition": f'attachment; filename="{state.start}-{name}"'}
    return Response(text, media_type=kind, headers=headers)


@router.get("/report.html")
async def report_html(request: Request) -> Response:
    """The report of the answer: one file that needs nothing but itself."""
    return await _made(request, "report.html")


@router.get("/report.md")
async def report_markdown(request: Request) -> Response:
    """The same as Markdown."""
    return await _made(request, "report.md")


@router.get("/scenario.yaml")
async def scenario(request: Request) -> Response:
    """The question as a file for ``gigawatt run``."""
    return await _made(request, "scenario.yaml")
