"""The pages: each view with its form, and the fragments that take the place of one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.study import View
from gigawatt.faces.web.answers import Fragment, Question
from gigawatt.faces.web.assets import MAP_STYLE, PLOTLY, STATIC
from gigawatt.faces.web.form.fields import fields_of
from gigawatt.faces.web.form.form import field_id, form_of
from gigawatt.faces.web.form.state import Shown, State, read_address, read_form
from gigawatt.faces.web.names import Unknown
from gigawatt.faces.web.processes.pool import Superseded
from gigawatt.faces.web.rendering import environment
from gigawatt.faces.web.site import Site
from gigawatt.faces.web.views import all_views, view_of, views_of

__all__ = ["router", "whole_page"]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Tab = Annotated[str, Header(alias="X-Tab", max_length=64)]


def _site(request: Request) -> Site:
    return request.app.state.site


def _question(view: View, shown: Shown, item: str) -> Question:
    return Question(view.name, shown.state, shown.settings, item)


@router.get("/")
async def home(request: Request) -> Response:
    """The first view."""
    query = request.url.query
    return RedirectResponse(f"/{all_views()[0].name}{f'?{query}' if query else ''}", status_code=307)


@router.get("/answer/{name}")
@router.get("/answer/{name}/{item:path}")
async def answer(
    request: Request,
    name: str,
    item: str = "",
    tab: Tab = "",
    trigger: Annotated[str, Header(alias="HX-Trigger")] = "",
) -> Response:
    """One answer without the page around it."""
    view = view_of(name, item)
    try:
        read = read_form if view.listed else read_address
        shown = read(request.query_params.multi_items(), _site(request).uploads)
        question = _question(view, shown, item)
        found = await _site(request).answer(question, tab)
    except Superseded:
        return Response(status_code=204)
    except GigawattError as error:
        return _refused(request, error, first=trigger == "answer")
    if not view.listed and trigger != "question":  # a part of a page, which stays where it is
        return HTMLResponse(found.html)
    address = f"/{view.name}{f'/{quote(item)}' if item else ''}{_after(shown)}"
    nav = (
        environment()
        .get_template("nav.html.j2")
        .render(views=views_of(shown.state.branch, view.name), view=view, query=shown.state.query())
    )
    html = f'{found.html}<nav id="views" aria-label="Views" hx-swap-oob="innerHTML">{nav}</nav>'
    headers = {} if trigger == "answer" else {"HX-Replace-Url": address}
    return HTMLResponse(html, headers=headers)


@router.get("/{name}")
@router.get("/{name}/{item:path}")
async def page(request: Request, name: str, item: str = "", wait: str = "") -> Response:
    """A whole page. Its answer is in it where it is known or asked to wait for, else the page fetches it."""
    try:
        view = view_of(name, item)
    except InputError as error:
        return _missing(str(error))
    shown = read_address(request.query_params.multi_items(), _site(request).uploads)
    question = _question(view, shown, item)
    site = _site(request)
    found = site.kept.get(question)
    if found is None and wait:
        try:
            found = await site.answer(question)
        except GigawattError as error:
            status = 404 if isinstance(error, Unknown) else 422
            return HTMLResponse(whole_page(site, view, shown, item, problem=str(error)), status)
    return HTMLResponse(whole_page(site, view, shown, item, found=found))


def whole_page(
    site: Site,
    view: View,
    shown: Shown,
    item: str = "",
    *,
    found: Fragment | None = None,
    problem: str = "",
    errors: Mapping[str, str] | None = None,
) -> str:
    """A view with its form around it.

    Parameters
    ----------
    site, view, shown, item
        What is shown.
    found : Fragment, optional
        The answer; left out, the page fetches it.
    problem : str
        Why there is no answer.
    errors : mapping of str to str, optional
        Lines by the field that they belong to.
    """
    answer = found.html if found else ""
    if problem:
        answer = environment().get_template("problem.html.j2").render(text=problem)
    return environment().get_template("page.html.j2").render(
        title=(found.title if found and found.title else view.title),
        view=view,
        views=views_of(shown.state.branch, view.name),
        item=item,
        form=form_of(shown.state, errors, site.labels()),
        query=shown.state.query(dict(shown.settings)),
        settings=shown.settings,
        dropped=shown.dropped,
        answer=answer,
        static=STATIC,
        plotly=PLOTLY,
        map_style=MAP_STYLE,
        version=__version__,
        catalog=catalog.version(),
    )  # fmt: skip


def _after(shown: Shown) -> str:
    query = shown.state.query(dict(shown.settings))
    return f"?{query}" if query else ""


def _refused(request: Request, error: GigawattError, *, first: bool) -> Response:
    """An error at the field it belongs to; the old answer stays, where there is one."""
    key = error.key or ""
    at_field = key in fields_of(_state_of(request).branch)
    text = _line(error, at_field)
    html = environment().get_template("refused.html.j2").render(
        id=f"e-{field_id(key)}" if at_field else "problem", text=text, first=first, at_field=at_field
    )  # fmt: skip
    return HTMLResponse(html, 422, {} if first else {"HX-Reswap": "none"})


def _line(error: GigawattError, at_field: bool) -> str:
    """One line; the field itself says which key it is."""
    said = str(error)
    return said.removeprefix(f"{error.key}: ") if at_field else said


def _state_of(request: Request) -> State:
    return read_address(request.query_params.multi_items(), _site(request).uploads).state


def _missing(text: str) -> Response:
    context: Mapping[str, Any] = {
        "text": text,
        "views": views_of(State().branch),
        "static": STATIC,
    }
    return HTMLResponse(environment().get_template("missing.html.j2").render(**context), 404)
