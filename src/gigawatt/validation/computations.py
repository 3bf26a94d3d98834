"""The names that rows of published targets may call.

A part ``analog`` of the table ``technologies`` calls what ``gigawatt.validation.technologies.analog`` says in
its ``__all__``, which is imported when the part is run, and not before; so does ``quantum.energies``, a piece
of a part that is run alone. A part is added by its module and its rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from gigawatt.catalog import entity, loader, table
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import factor

__all__ = ["computations"]


def _publisher(row: Evidence) -> str:
    return loader.source(row.source_id).publisher


def _title(row: Evidence) -> str:
    return loader.source(row.source_id).title


def _cited(row: Evidence) -> str:
    return ", ".join(part for part in (_title(row), row.locator, row.note) if part)


_COMMON: Mapping[str, Any] = {
    "abs": abs, "cited": _cited, "entity": entity, "factor": factor, "float": float, "int": int, "len": len,
    "log10": math.log10, "max": max, "min": min, "pi": math.pi, "publisher": _publisher, "round": round,
    "source": loader.source, "sum": sum, "table": table, "title": _title,
}  # fmt: skip


def computations(name: str, part: str) -> dict[str, Any]:
    """What the rows of a part may call, by name.

    Raises
    ------
    InputError
        A part without a module of its own.
    """
    module = _module(name, part)
    return {**_COMMON, **{one: getattr(module, one) for one in module.__all__}}


def _module(name: str, part: str) -> ModuleType:
    path = f"{__package__}.{name}.{part.partition('.')[0]}"
    if find_spec(path) is None:
        raise InputError("no module has the computations of this part", key="part", given=part, allowed=path)
    return import_module(path)
