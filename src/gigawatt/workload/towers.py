"""Towers beside the language part: parameters, and what an image or sound costs, from rows of names.

A row of the catalog's ``model_towers`` lists what a tower is made of. ``IN>OUT`` is a matrix (``IN>OUT+``
with bias), anything else so many parameters; both are products of numbers and keys of the configuration: of
``vision_config`` or ``audio_config``, else of the wrapper (``a|b``: the first that is given), ``key^2``,
``key/2``, ``#key`` the length of a list. ``patch`` is the pixels of one, ``grid`` the patches of the usual
image, ``merge`` those that become one token, ``text`` the width of the language part. A row with a ``rate``
hears: its patches are positions of sound, at a fixed rate a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from gigawatt import catalog
from gigawatt.workload.config import Config

__all__ = ["TOWERS", "Tower", "read_towers"]

TOWERS = {"vision_config": "vision tower", "audio_config": "audio tower"}
"""Where a configuration has what stands beside its language part."""

_MOST_LAYERS = 10_000


@dataclass(frozen=True, slots=True)
class Tower:
    """What turns images or sound into tokens of the language part.

    ``parameters`` are all of it, with the projector. A patch passes ``patch_weights``, a token (``merge``
    patches) ``token_weights``; in ``full`` of ``layers`` a patch sees all others of its image, in the rest
    those of its window of ``window`` patches; ``width`` is that of attention. A patch has ``pixels``,
    the usual image ``patches`` (0: images of any size). Of sound a patch is a position, ``rate`` of them a
    second, and ``patches`` those of a clip that is padded to its length.
    """

    name: str
    parameters: int
    layers: int
    width: int
    patch_weights: int
    token_weights: int
    merge: int = 1
    patches: int = 0
    pixels: int = 0
    full: int = 0
    window: int = 0
    rate: int = 0

    def sound(self, seconds: float) -> float:
        """Positions of ``seconds`` of sound, padded to whole clips where clips have a length."""
        heard = self.rate * seconds
        return self.patches * float(-(-heard // self.patches)) if self.patches else heard

    def image(self, pixels: float) -> float:
        """Patches of an image of so many pixels: as many, or those of the usual image where it has one."""
        return float(self.patches or pixels / max(self.pixels, 1))

    def tokens(self, patches: float) -> float:
        """Tokens of the language part that an image of so many patches becomes."""
        return patches / self.merge

    def flops(self, patches: float) -> float:
        """FLOPs of one image, forward: 2 a weight, 4 × width a pair of patches and layer."""
        near = (self.layers - self.full) * min(float(self.window or patches), patches)
        pairs = patches * (self.full * patches + near)
        return 2.0 * (self.patch_weights * patches + self.token_weights * self.tokens(patches)) + (
            4.0 * self.width * pairs
        )


class _Sizes:
    """The sizes of a tower by the names of a row."""

    def __init__(self, c: Config, row: Mapping[str, str], key: str, vision: Config, outer: Config) -> None:
        self.c, self.key, self.vision, self.outer = c, key, vision, outer
        words = (word.partition("=") for word in row["defaults"].split())
        self.usual = {key: int(value) for key, _, value in words}
        self.row = row

    def _found(self, names: str) -> tuple[Config, str, object]:
        for name in names.split("|"):
            for where in (self.vision, self.outer):
                if where.values.get(name) is not None:
                    return where, name, where.values[name]
        if names.endswith("|text"):
            return self.outer, names, self.c.hidden
        name = next((one for one in names.split("|") if one in self.usual), names.split("|")[0])
        return self.vision, name, self.usual.get(name)

    def number(self, names: str) -> int:
        """A size or flag, of a list the product (``[14, 14]``)."""
        where, name, given = self._found(names)
        if isinstance(given, list):
            product = 1
            for one in cast("list[object]", given):
                product *= self._whole(where, name, one)
            return product
        return self._whole(where, name, given)

    def _whole(self, where: Config, name: str, given: object) -> int:
        if given is None:
            error = where.error(name, "this key is missing", allowed="a whole number")
            error.key = f"{self.key}.{name}"
            raise error
        if isinstance(given, bool):
            return int(given)
        return (
            Config({name: given}, file=where.file, text=where.text, family="", nested=False).option(
                name, least=0
            )
            or 0
        )

    def _side(self, names: str) -> int:
        """A length that some write as a pair of two."""
        where, name, given = self._found(names)
        pair = cast("list[object]", given) if isinstance(given, list) else [given]
        return self._whole(where, name, pair[0] if pair else None)

    def _factor(self, word: str) -> int:
        if word.isdigit():
            return int(word)
        if word == "text":
            return self.c.hidden
        if word == "patch":
            return self._side("patch_size") ** 2
        if word == "grid":
            return (self._side("image_size") // max(self._side("patch_size"), 1)) ** 2
        if word == "merge":
            return max(self.product(self.row["merge"] or "1"), 1)
        if word.startswith("#"):
            found = self._found(word[1:])[2]
            return (
                len(cast("list[object]", found)) if isinstance(found, list) else self.usual.get(word[1:], 1)
            )
        name, squared, _ = word.partition("^")
        return self.number(name) ** (2 if squared else 1)

    def product(self, text: str) -> int:
        """A product such as ``2*hidden_size``, over what stands behind a stroke."""
        over, _, under = text.partition("/")
        found = 1
        for word in over.split("*"):
            found *= self._factor(word)
        return found // max(self.product(under), 1) if under else found

    def counted(self, cell: str) -> tuple[int, int]:
        """(parameters, weights of matrices) of the terms of a cell."""
        parameters = weights = 0
        for term in self.row[cell].split():
            inputs, matrix, outputs = term.removesuffix("+").partition(">")
            size = self.product(inputs)
            if matrix:
                wide = self.product(outputs)
                weights += size * wide
                size = size * wide + (wide if term.endswith("+") else 0)
            parameters += size
        return parameters, weights


_CELLS = ("defaults", "depth", "width", "merge", "full", "window", "rate", "patch", "layer", "around",
          "projector")  # fmt: skip


def _row(name: str) -> dict[str, str] | None:
    entry = catalog.table("model_towers").get(name)
    if entry is None:
        return None
    like = _row(entry.text("like")) if entry.text("like") else None
    found = {cell: entry.text(cell) or (like or {}).get(cell, "") for cell in _CELLS}
    return {cell: "" if text == "none" else text for cell, text in found.items()}


def _rows(family: str, kind: object) -> dict[str, str] | None:
    """The tower's row with the wrapper's projector; ``None`` where one of them is not known."""
    plain = str(kind).removesuffix("_model").removesuffix("_vision")
    wrapper, own = _row(family), _row(plain)
    tower = wrapper if wrapper is not None and wrapper["layer"] else own
    if wrapper is None or tower is None or not tower["layer"]:
        return None
    chosen = ("projector", "merge")
    return {**tower, **{cell: wrapper[cell] or tower[cell] for cell in chosen},
            "defaults": f"{tower['defaults']} {wrapper['defaults']}"}  # fmt: skip


def _heard(kind: object) -> dict[str, str] | None:
    """The row of a tower that hears, by its own ``model_type``; its projector stands in it."""
    row = _row(str(kind))
    return row if row is not None and row["rate"] else None


def read_towers(
    values: Mapping[str, Any], c: Config, family: str
) -> tuple[tuple[Tower, ...], tuple[str, ...]]:
    """(towers that are counted, those that are not, in words).

    Parameters
    ----------
    values : mapping
        The outermost keys of the configuration.
    c : Config
        That of the language part.
    family : str
        ``model_type`` of the wrapper.

    Raises
    ------
    InputError
        A size of a tower is missing or is none.
    """
    found: list[Tower] = []
    left: list[str] = []
    for key, words in TOWERS.items():
        given = values.get(key)
        if not isinstance(given, dict) or not given:
            continue
        inner = cast("dict[str, Any]", given)
        kind = inner.get("model_type")
        row = _rows(family, kind) if key == "vision_config" else _heard(kind)
        if row is None:
            left.append(f"the {words} of {family} is not counted: no row of model_towers has it")
            continue
        here = Config(inner, file=c.file, text=c.text, family=family, nested=False)
        outer = Config(values, file=c.file, text=c.text, family=family, nested=False)
        found.append(_tower(_Sizes(c, row, key, here, outer), words))
    return tuple(found), tuple(left)


def _tower(s: _Sizes, name: str) -> Tower:
    layers = s.product(s.row["depth"])
    if not 0 < layers <= _MOST_LAYERS:
        raise s.vision.error(
            s.row["depth"], "this is not a size", given=layers, allowed=f"1 to {_MOST_LAYERS}"
        )
    patch, layer, around, projector = (s.counted(cell) for cell in ("patch", "layer", "around", "projector"))
    window = s.product(s.row["window"]) if s.row["window"] else 0
    usual = s.vision.values.get("image_size") or "image_size" in s.usual
    rate = s.product(s.row["rate"]) if s.row["rate"] else 0
    clip = s.product("max_source_positions") if rate and not window else 0
    return Tower(
        name=name,
        parameters=patch[0] + layers * layer[0] + around[0] + projector[0],
        layers=layers,
        width=s.product(s.row["width"]),
        patch_weights=patch[1] + layers * layer[1] + around[1],
        token_weights=projector[1],
        merge=s.product("merge"),
        patches=s.product("grid") if usual and not rate else clip,
        pixels=0 if rate else s.product("patch"),
        full=min(s.product(s.row["full"]), layers) if window else layers,
        window=window,
        rate=rate,
    )
