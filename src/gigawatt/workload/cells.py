"""Cells of a family's row: fields of a descriptor, each with the keys of a ``config.json`` that give it.

A cell is a list of ``field=value``. A value is a name (``grouped``), a number, ``true`` or ``false``, or keys
of the configuration: the first of several (``a|b``) that is given or that transformers' class fills in,
products of them (``4*hidden_size``, ``7*hidden_size/2``), and of a flag its opposite (``!no_bias``). A key
within an object is dotted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from gigawatt.workload.config import Config

__all__ = ["Cell", "split"]


def split(cell: str) -> dict[str, str]:
    """The fields of a cell and what stands for each."""
    found = (word.partition("=") for word in cell.split())
    return {field: value for field, _, value in found}


class Cell:
    """The fields of one cell, read from one configuration."""

    def __init__(self, c: Config, fields: Mapping[str, str]) -> None:
        self.c, self.fields = c, fields

    def word(self, field: str, default: str = "") -> str:
        """What stands in the row, unread."""
        return self.fields.get(field, default)

    def keys(self, field: str) -> list[str]:
        """The alternatives of a field."""
        return [word for word in self.word(field).split("|") if word]

    def _place(self, key: str) -> tuple[Config, str]:
        outer, dot, inner = key.rpartition(".")
        return (self.c.inner(outer), inner) if dot else (self.c, key)

    def _factor(self, word: str, least: int) -> int | None:
        if word.isdigit():
            return int(word)
        where, key = self._place(word)
        return self.c.hidden if word == "hidden_size" else where.option(key, least=least)

    def _given(self, word: str) -> bool:
        if "*" in word or "/" in word:
            return all(self._given(factor) for factor in word.replace("/", "*").split("*"))
        where, key = self._place(word)
        return word.isdigit() or word == "hidden_size" or where.values.get(key) is not None

    def _product(self, word: str, least: int) -> int | None:
        over, _, under = word.partition("/")
        product = 1
        for factor in over.split("*"):
            found = self._factor(factor, least)
            if found is None:
                return None
            product *= found
        return product // int(under or 1)

    def number(self, field: str, default: int | None = None, least: int = 0) -> int | None:
        """A size: of the alternatives the first that is given, then the first with a class default."""
        own = {word: self._given(word) and not word.isdigit() for word in self.keys(field)}
        for word in sorted(own, key=lambda word: not own[word]):
            found = self._product(word, least)
            if found is not None:
                return found
        return default

    def size(self, field: str) -> int:
        """A size that is needed, ≥ 1: the first alternative that is given; an error names the first."""
        words = self.keys(field)
        given = [word for word in words if self._given(word)]
        for word in given or [word for word in words if "*" in word]:
            found = self._product(word, 1)
            if found is not None:
                return found
        where, key = self._place(words[0].split("/")[0].split("*")[-1])
        return where.size(key)

    def flag(self, field: str, default: bool = False) -> bool:
        """True or false: as written in the row, or of the first key that is given."""
        for word in sorted(self.keys(field), key=lambda word: not self._given(word.lstrip("!"))):
            if word in ("true", "false"):
                return word == "true"
            where, key = self._place(word.lstrip("!"))
            if where.values.get(key) is not None or key in where.defaults:
                return where.flag(key) != word.startswith("!")
        return default

    def listing(self, field: str, kind: type, length: int | None = None) -> tuple[str, list[Any]] | None:
        """The first list that is given among a field's keys, and its key; of flags as numbers 0 and 1."""
        for word in self.keys(field):
            where, key = self._place(word)
            found = where.values.get(key)
            if isinstance(found, str):  # "MEM*": a letter a layer; "3,4,5": numbers
                words = found.split(",") if kind is int else list(found)
                if kind is int and not all(x.strip().isdecimal() for x in words):
                    raise where.error(key, "this is not a list", given=found[:40], allowed="whole numbers")
                found = [int(x) for x in words] if kind is int else words
                where = Config(
                    {**where.values, key: found}, file=where.file, text=where.text, family="", nested=False
                )
            if found:
                entries = cast("list[Any]", found) if isinstance(found, list) else None
                if kind is int and entries is not None and all(isinstance(x, bool) for x in entries):
                    where = Config(
                        {**where.values, key: [int(x) for x in entries]},
                        file=where.file,
                        text=where.text,
                        family="",
                        nested=False,
                    )
                given = where.listing(key, kind, length)
                if given is not None:
                    return key, given
        return None
