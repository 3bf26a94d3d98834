"""Files that the page is made of: its own, and plotly.js as the plotly package ships it."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import Response

__all__ = ["MAP_STYLE", "PLOTLY", "STATIC", "router"]

router = APIRouter(include_in_schema=False)

_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "json": "application/json"}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_PLOTLY = "plotly.min.js"


@lru_cache(maxsize=1)
def _found() -> dict[str, bytes]:
    """Every file by name, read once: no name from a request is ever made a path."""
    folder = files("gigawatt.faces.web") / "static"
    found = {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in _TYPES}
    found["report.css"] = (files("gigawatt.faces.report") / "templates" / "report.css").read_bytes()
    found[_PLOTLY] = (files("plotly") / "package_data" / _PLOTLY).read_bytes()
    return found


@lru_cache(maxsize=64)
def _packed(name: str) -> bytes:
    return gzip.compress(_found()[name], 6, mtime=0)


def _version() -> str:
    """A digest of all files, in the address so that a browser may keep them for good."""
    digest = hashlib.sha256()
    for name, data in sorted(_found().items()):
        digest.update(name.encode() + data)
    return digest.hexdigest()[:10]


def _map_style() -> str:
    """The id of the style element that plotly.js makes for tile maps, which the page never draws.

    The policy of the page forbids such an element; where one of this id stands already, plotly.js makes none.
    """
    found = re.search(rb'getElementById\("([0-9a-f]{64})"\)', _found()[_PLOTLY])
    return found.group(1).decode() if found else "no-map-style"


MAP_STYLE = _map_style()
STATIC = f"/static/{_version()}"
"""Where the files lie."""
PLOTLY = f"{STATIC}/{_PLOTLY}"


@router.get("/static/{version}/{name}")
async def static(request: Request, version: str, name: str) -> Response:
    """One of the files, compressed where the browser takes that."""
    if name not in _found() or f"/static/{version}" != STATIC:
        return Response("not here\n", 404, media_type="text/plain")
    kind = _TYPES[name.rpartition(".")[2]]
    headers = {**_FOREVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_packed(name), media_type=kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(_found()[name], media_type=kind, headers=headers)
