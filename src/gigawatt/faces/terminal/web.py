"""``gigawatt web``: the web app, served from this machine."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Annotated

import typer

from gigawatt.core.errors import InputError, MissingDataError

__all__ = ["web_command"]

_NEEDED = ("fastapi", "uvicorn", "multipart")


def web_command(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8470,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's are at your risk.")
    ] = "localhost",
    workers: Annotated[int, typer.Option(min=0, max=256, help="Processes that answer; 0: one a core.")] = 0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which it may be asked; repeat for more.", show_default=False),
    ] = None,
    ahead: Annotated[
        bool, typer.Option(help="Compute what is likely to be asked next while the machine is idle.")
    ] = True,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve the web app; it works offline and sends no data."""
    lacking = [name for name in _NEEDED if find_spec(name) is None]
    if lacking:
        raise MissingDataError(
            "the page needs the extra `web`", given=", ".join(lacking), allowed="pip install 'gigawatt[web]'"
        )
    from gigawatt.faces.web.server import is_here, serve

    if not is_here(host) and not allow_host:
        raise InputError(
            "say under which names it may be asked",
            key="--host",
            given=host,
            allowed="--allow-host NAME beside it",
        )
    serve(
        host=host,
        port=port,
        workers=workers or os.cpu_count() or 2,
        hosts=tuple(allow_host or ()),
        open_page=open_page,
        ahead=ahead,
    )
