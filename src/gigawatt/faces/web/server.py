"""The server process: a socket, uvicorn, a line that says where the page is."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address

import uvicorn

from gigawatt.core.errors import InputError
from gigawatt.faces.web.app import create_app
from gigawatt.faces.web.guards.protocol import Patient

__all__ = ["is_here", "serve"]

_MOST_FOLDER = 107 - len("/pymp-12345678/listener-12345678")
"""Bytes that a folder's path may have: a socket's has 107 (``man 7 unix``), these names are Python's."""


def serve(
    *,
    host: str,
    port: int,
    workers: int,
    hosts: Sequence[str] = (),
    open_page: bool = False,
    ahead: bool = True,
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    host, port
        Where to listen; port 0 is any free one.
    workers : int
        Processes that answer.
    hosts : sequence of str
        Names under which it may be asked, beside those of this machine.
    open_page : bool
        Open a browser.
    ahead : bool
        Compute what is likely to be asked next while the machine is idle.

    Raises
    ------
    InputError
        The port is taken, the address is not this machine's, or the path of the folder of temporary files is
        too long.
    """
    _check_temporary()
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    shown = "localhost" if is_here(host) else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/"
    print(f"gigawatt: {address} (stop with Ctrl+C)", file=sys.stderr, flush=True)
    if open_page:
        import webbrowser

        webbrowser.open(address)
    app = create_app(workers=workers, hosts=(*hosts, host), ahead=ahead)
    config = uvicorn.Config(
        app, http=Patient, ws="none", lifespan="on",
        log_level="warning", access_log=False, server_header=False, date_header=False,
        timeout_keep_alive=30, h11_max_incomplete_event_size=32 * 1024, timeout_graceful_shutdown=2,
    )  # fmt: skip
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def is_here(host: str) -> bool:
    """Whether an address is one that this machine alone can reach."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_temporary() -> None:
    """Raise where the processes could not meet: they do so at a socket in the folder of temporary files."""
    folder = tempfile.gettempdir()
    if hasattr(socket, "AF_UNIX") and len(os.fsencode(folder)) > _MOST_FOLDER:
        raise InputError(
            "the folder of temporary files has too long a path", key="TMPDIR", given=folder,
            allowed=f"at most {_MOST_FOLDER} bytes",
        )  # fmt: skip


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small writes at once (no Nagle) only where the protocol is named
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise InputError(
            f"cannot listen there: {error.strerror}", key="--port", given=f"{host}:{port}",
            allowed="--port 0 takes a free one",
        ) from None  # fmt: skip
    return listening
