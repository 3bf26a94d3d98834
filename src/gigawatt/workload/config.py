"""A Hugging Face ``config.json`` with errors as an interface: every key is checked where it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from gigawatt import catalog
from gigawatt.core.errors import InputError, nearest

__all__ = ["Config", "load_config"]

_LARGEST = 2**31 - 1
_MOST_LAYERS = 10_000
_ALWAYS_REQUIRED = ("hidden_size", "num_hidden_layers")


@lru_cache(maxsize=1)
def _class_defaults() -> Mapping[str, Mapping[str, Any]]:
    """What transformers' own configuration classes fill in for a key that a config omits."""
    text = catalog.path("models/transformers_defaults.json").read_text(encoding="utf-8")
    return json.loads(text)["families"]


class Config:
    """The keys of one model's configuration, read with the defaults of transformers' own classes.

    Parameters
    ----------
    values : mapping
        The keys; those of ``text_config`` for a wrapper around several towers.
    file : path
        Where they stand, for messages.
    text : str
        The whole file, to find the line of a key.
    family : str
        The family, as in :data:`gigawatt.workload.families.FAMILIES`.
    nested : bool
        Whether they stand in ``text_config``: transformers writes there only what differs from its
        class's defaults, so that sizes too may be omitted.
    """

    def __init__(
        self, values: Mapping[str, Any], *, file: Path, text: str, family: str, nested: bool
    ) -> None:
        self.values, self.file, self.text, self.family, self.nested = values, file, text, family, nested
        self.defaults = _class_defaults().get(family, {})

    def line(self, key: str) -> int | None:
        """The 1-based line of a key, or ``None``."""
        start = self.text.find('"text_config"') if self.nested else 0
        found = re.compile(rf'"{re.escape(key)}"\s*:').search(self.text, max(start, 0))
        return None if found is None else self.text.count("\n", 0, found.start()) + 1

    def error(
        self, key: str, message: str, *, given: object = None, allowed: str | None = None
    ) -> InputError:
        """An error that stands at a key."""
        dotted = f"text_config.{key}" if self.nested else key
        return InputError(
            message, file=self.file, line=self.line(key), key=dotted, given=given, allowed=allowed
        )

    def _missing(self, key: str) -> InputError:
        error = self.error(
            key, "this key is missing", allowed=f"a whole number from 1 ({self.family} needs it)"
        )
        unknown = [name for name in self.values if name not in self.defaults]
        error.nearest = nearest(key, unknown)
        return error

    def _whole(self, key: str, given: object, least: int, most: int) -> int:
        if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
            shown = given if isinstance(given, (int, float, str)) else json.dumps(given)[:40]
            raise self.error(
                key, "this is not a size", given=shown, allowed=f"a whole number from {least} to {most}"
            )
        return given

    def size(self, *keys: str, most: int = _LARGEST) -> int:
        """A size that must be given; ``keys`` are its spellings, the usual one first."""
        for key in keys:
            if key in self.values:
                return self._whole(key, self.values[key], 1, most)
        default = self.defaults.get(keys[0])
        if self.nested and default is not None and keys[0] not in _ALWAYS_REQUIRED:
            return self._whole(keys[0], default, 1, most)
        raise self._missing(next((key for key in keys if key in self.defaults), keys[0]))

    def option(self, *keys: str, least: int = 1) -> int | None:
        """A size that may be omitted: transformers' default, or ``None`` where that is none."""
        for key in keys:
            if self.values.get(key) is not None:
                return self._whole(key, self.values[key], least, _LARGEST)
        default = None if keys[0] in self.values else self.defaults.get(keys[0])
        return None if default is None else self._whole(keys[0], default, least, _LARGEST)

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false; transformers' default, then ``default``, where it is omitted."""
        given = self.values.get(key)
        if given is None:
            given = self.defaults.get(key, default)
        if not isinstance(given, bool):
            shown = given if isinstance(given, (int, float, str)) else json.dumps(given)[:40]
            raise self.error(key, "this is not a flag", given=shown, allowed="true, false")
        return given

    def listing(self, key: str, kind: type, length: int | None = None) -> list[Any] | None:
        """A list whose items are all of ``kind``; ``None`` where it is omitted, null or empty."""
        found = self.values.get(key)
        if not found:
            return None
        given = cast("list[Any]", found) if isinstance(found, list) else [found]
        if not isinstance(found, list) or any(type(item) is not kind for item in given):
            word = {int: "a list of whole numbers", str: "a list of names"}[kind]
            raise self.error(key, "this is not a list", given=json.dumps(found)[:40], allowed=word)
        if length is not None and len(given) != length:
            raise self.error(
                key, "one entry a layer", given=f"{len(given)} entries", allowed=f"{length} entries"
            )
        return given

    def inner(self, key: str) -> Config:
        """The keys of an object within; empty where it is omitted or null."""
        found = self.values.get(key)
        if found is not None and not isinstance(found, dict):
            raise self.error(key, "this is no object", allowed="an object, or nothing")
        values = cast("dict[str, Any]", found or {})
        return Config(values, file=self.file, text=self.text, family=self.family, nested=False)

    def inners(self, key: str, length: int) -> list[Config]:
        """The keys of every object of a list with one entry a layer."""
        found = self.values.get(key)
        entries = cast("list[Any]", found) if isinstance(found, list) else []
        if len(entries) != length or not all(isinstance(entry, dict) for entry in entries):
            raise self.error(key, "one entry a layer", allowed=f"a list of {length} objects")
        return [
            Config(entry, file=self.file, text=self.text, family=self.family, nested=False)
            for entry in entries
        ]

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.size("num_hidden_layers", "n_layer", "n_layers", "num_layers", most=_MOST_LAYERS)

    @property
    def hidden(self) -> int:
        """Width of the residual stream."""
        return self.size("hidden_size", "n_embd", "n_embed", "d_model")

    @property
    def heads(self) -> int:
        """Number of query heads."""
        return self.size("num_attention_heads", "n_head", "n_heads", "num_heads")

    def head_dim(self) -> int:
        """Width of a head: as given, by class default, or hidden over heads."""
        given = self.option("head_dim")
        if given is not None:
            return given
        if self.hidden % self.heads:
            raise self.error(
                "num_attention_heads",
                "the hidden size is not a multiple of the number of heads",
                given=self.heads,
                allowed=f"a divisor of {self.hidden}, or give head_dim",
            )
        return self.hidden // self.heads

    def key_value_heads(self, *keys: str) -> int:
        """Number of key-value heads: as given, by class default, or that of the query heads."""
        names = keys or ("num_key_value_heads",)
        found = self.option(*names) or self.heads
        if self.heads % found:
            raise self.error(
                names[0],
                "key-value heads do not divide the heads",
                given=found,
                allowed=f"a divisor of {self.heads}",
            )
        return found


def load_config(file: Path) -> tuple[dict[str, Any], str]:
    """The top-level object of a ``config.json`` and its text; what is none is a one-line error."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError("no such file", file=file, allowed="a path to a config.json") from error
    except UnicodeDecodeError as error:
        raise InputError("this is no text file", file=file, allowed="JSON in UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot read this file ({error.strerror})", file=file) from error
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"broken JSON ({error.msg})", file=file, line=error.lineno, allowed="a Hugging Face config.json"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError("broken JSON (a number or a nesting is too long)", file=file) from error
    if not isinstance(values, dict):
        raise InputError("this is no configuration", file=file, allowed="a JSON object with a model_type")
    return cast("dict[str, Any]", values), text
