"""Questions that are pinned to stand beside another: they lie in the address, each in a slot of its own.

    /compare?machine.count=8192&show.a.start=llama-3.1-405b-texas&show.a.year=2030

A slot holds the start and the changes of a question, as the address itself does. Nothing is kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from gigawatt.faces.web.form.state import State, read_address

__all__ = ["SLOTS", "Pin", "pins", "router", "settings_of", "with_pin"]

router = APIRouter(include_in_schema=False)

SLOTS = ("a", "b", "c")
"""Names of the slots, in the order in which they are shown."""


@dataclass(frozen=True)
class Pin:
    """A question in a slot, and what of it could not be read."""

    slot: str
    state: State
    dropped: tuple[str, ...] = ()


def pins(settings: Mapping[str, str], uploads: Container[str] = ()) -> tuple[Pin, ...]:
    """The pinned questions of an address.

    Parameters
    ----------
    settings : mapping of str to str
        Settings of the view: ``a.start``, ``a.machine.count`` …
    uploads : container of str
        Tokens of uploads that are there.
    """
    found: list[Pin] = []
    for slot in SLOTS:
        pairs = [
            (key.partition(".")[2], text) for key, text in settings.items() if key.startswith(f"{slot}.")
        ]
        if pairs:
            shown = read_address(pairs, uploads)
            found.append(Pin(slot, shown.state, shown.dropped))
    return tuple(found)


def settings_of(states: Mapping[str, State]) -> dict[str, str]:
    """The settings that hold questions, by slot."""
    found: dict[str, str] = {}
    for slot, state in states.items():
        found[f"{slot}.start"] = state.start
        found |= {f"{slot}.{key}": text for key, text in state.changes}
    return found


def with_pin(state: State, settings: Mapping[str, str], uploads: Container[str] = ()) -> dict[str, str]:
    """Settings with one more question pinned: in the next slot, in place of the last where all are taken."""
    there = [pin.state for pin in pins(settings, uploads)]
    if state not in there:
        there = [*there[: len(SLOTS) - 1], state]
    return settings_of(dict(zip(SLOTS, there, strict=False)))


@router.get("/pin")
async def pin(request: Request) -> Response:
    """Pin the question of the address, and go to where it stands beside the one that is asked next."""
    uploads = request.app.state.site.uploads
    shown = read_address(request.query_params.multi_items(), uploads)
    kept = with_pin(shown.state, dict(shown.settings), uploads)
    return RedirectResponse(f"/compare?{shown.state.query(kept)}", status_code=303)
