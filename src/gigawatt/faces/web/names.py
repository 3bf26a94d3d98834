"""A name in an address that nothing has."""

from __future__ import annotations

from gigawatt.core.errors import InputError

__all__ = ["Unknown"]


class Unknown(InputError):
    """A name in the path that nothing has: status 404."""
