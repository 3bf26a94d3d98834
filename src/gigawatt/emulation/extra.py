"""The packages of the extra, imported when they are needed; what to install where one is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gigawatt.core.errors import MissingDataError
from gigawatt.emulation.text import INSTALL

__all__ = ["needed"]


def needed(package: str) -> Any:
    """The package, imported.

    Raises
    ------
    MissingDataError
        It is not installed; names what to install.
    """
    try:
        return import_module(package)
    except ImportError:
        raise MissingDataError("not installed", key=package, allowed=INSTALL) from None
