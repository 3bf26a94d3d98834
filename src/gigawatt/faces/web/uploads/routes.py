"""Files that are brought to the page: a model, a scenario, a chip, a trace, a year of weather or load."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.web.answers import Question
from gigawatt.faces.web.form.fields import SIZES, branch_of
from gigawatt.faces.web.form.state import Shown, read_address, read_values
from gigawatt.faces.web.pages.pages import whole_page
from gigawatt.faces.web.site import Site
from gigawatt.faces.web.uploads.paths import KINDS, key_of
from gigawatt.faces.web.uploads.store import Upload
from gigawatt.faces.web.views import all_views, view_of
from gigawatt.schema.fields import allows, belongs_to

__all__ = ["router"]

router = APIRouter(prefix="/upload", include_in_schema=False)


@router.post("/{kind}")
async def bring(request: Request, kind: str, view: str = all_views()[0].name) -> Response:
    """Take a file in and go on with it; one that cannot be read leaves the old answer, with a line."""
    site: Site = request.app.state.site
    seen = view_of(view)
    shown = read_address(request.query_params.multi_items(), site.uploads)
    try:
        found = await site.uploads.receive(kind, *await _file(request, kind), site.pool.ask)
        shown = _with(found, shown)
    except GigawattError as error:
        if kind not in KINDS:
            raise
        known = site.kept.get(Question(seen.name, shown.state, shown.settings))
        page = whole_page(site, seen, shown, found=known, errors={kind: str(error)})
        return HTMLResponse(page, 422)
    query = shown.state.query(dict(shown.settings))
    return RedirectResponse(f"/{seen.name}{f'?{query}' if query else ''}", status_code=303)


async def _file(request: Request, kind: str) -> tuple[str, bytes]:
    """Name and content of the one file that was sent."""
    async with request.form(max_files=1, max_fields=4) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise InputError("no file was sent", key=kind)
        return sent.filename or "", await sent.read()


def _with(found: Upload, shown: Shown) -> Shown:
    if found.kind == "scenario":
        return read_values(found.values)
    key = key_of(found.kind)
    assert key is not None
    branch = shown.state.branch
    if not allows(branch_of(key), branch):
        raise InputError(belongs_to(branch_of(key), branch), key=key)
    others = SIZES[branch] if key in SIZES[branch] else ()
    state = shown.state.with_changes(dict.fromkeys(others, "") | {key: found.token})
    if found.kind == "trace":
        state = state.with_changes({"serving.prompt": "", "serving.output": ""})
    if found.kind == "hours":
        state = state.with_changes({"load.profile": ""})
    state.loaded()
    return Shown(state, shown.settings)
