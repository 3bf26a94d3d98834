"""Images and sound of requests: read in words, for the towers of the model."""

from __future__ import annotations

import re

from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import parse
from gigawatt.machine import Chip
from gigawatt.workload import Architecture
from gigawatt.workload.encoders import Encoded, image_patches
from gigawatt.workload.towers import Tower

__all__ = ["read_encoded"]

_IMAGES = "such as '1' or '2 of 1024x768'"
_HOURS = 3600.0


def read_encoded(
    assumed: AssumptionList,
    architecture: Architecture,
    chip: Chip,
    *,
    images: str | None,
    audio: str | None,
    sessions: str | None,
) -> tuple[Encoded, ...]:
    """What each request has beside text: ``images`` (``2 of 1024x768``), ``audio`` (``30 s``).

    The size of images that a tower takes at any size is a row of ``defaults`` where it is left out, listed.

    Raises
    ------
    InputError
        A model without such a tower, a size where the tower's is fixed, words that cannot be read, sessions
        (whose turns would have images of their own), or a chip that is not digital.
    """
    found: list[Encoded] = []
    for key, text in (("images", images), ("audio", audio)):
        if text is None:
            continue
        if sessions is not None:
            raise InputError(
                "turns of sessions are text alone", key=key, given=text, allowed="single requests"
            )
        if chip.technology != "gpu":
            raise InputError(f"{chip.id} is not a digital chip: towers are computed on those alone", key=key,
                             given=text, allowed="a chip of technology gpu")  # fmt: skip
        tower = _tower(architecture, key, text)
        found.append(_images(assumed, tower, text) if key == "images" else _audio(tower, text))
    return tuple(found)


def _tower(architecture: Architecture, key: str, text: str) -> Tower:
    hears = key == "audio"
    for one in architecture.towers:
        if bool(one.rate) is hears:
            return one
    kind, other = ("audio", "its config.json with an audio tower that is counted") if hears else (
        "vision", "a model with one, such as qwen3-vl-30b-a3b")  # fmt: skip
    raise InputError(
        f"{architecture.name} has no {kind} tower that is counted", key=key, given=text, allowed=other
    )


def _images(assumed: AssumptionList, tower: Tower, text: str) -> Encoded:
    match = re.fullmatch(r"\s*(\d+)\s*(?:of\s+(\d+)\s*[x×]\s*(\d+)\s*(?:pixels)?)?\s*", text)
    if match is None or not 1 <= int(match[1]) <= 10_000:
        raise InputError("not images of a request", key="images", given=text, allowed=_IMAGES)
    count = int(match[1])
    if tower.patches:
        if match[2] is not None:
            raise InputError(
                f"images of this model have one size, {tower.patches} patches", key="images", given=text,
                allowed=f"'{count}', where an image of {count} tiles is {count} images",
            )  # fmt: skip
        return Encoded(tower, count, float(tower.patches))
    size = match[2] and (int(match[2]), int(match[3]))
    if not size:
        row = assumed.default("serving.images.size").text("text")
        width, _, height = row.partition("x")
        size = int(width), int(height)
    if not all(16 <= side <= 20_000 for side in size):
        raise InputError("not the sides of an image", key="images", given=text, allowed="16 to 20000 pixels")
    return Encoded(tower, count, image_patches(tower, width=size[0], height=size[1]))


def _audio(tower: Tower, text: str) -> Encoded:
    try:
        seconds = parse(text, "s", example="30 s")
    except InputError as error:
        raise error.at(key="audio") from None
    if not 0.0 < seconds <= 24.0 * _HOURS:
        raise InputError("not a length of sound", key="audio", given=text, allowed="above 0 s to 24 h")
    whole = tower.sound(seconds)
    clip = float(tower.patches) or whole  # sound is cut into clips where these have a length
    return Encoded(tower, max(round(whole / clip), 1), clip)
