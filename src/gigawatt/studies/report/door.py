"""The report of what is stored: what the command and Python both call."""

from __future__ import annotations

from pathlib import Path

__all__ = ["report"]


def report(folder: str | Path, format: str = "html") -> str:
    """The report of a stored result or study, as ``gigawatt report`` writes it.

    Parameters
    ----------
    folder : path
        What ``gigawatt run``, ``--output`` or :meth:`~gigawatt.core.answer.Answer.save` wrote, of version
        0.1 too.
    format : str
        ``html`` (one page that needs nothing but itself) or ``md``.

    Raises
    ------
    InputError
        Neither a result nor a study, one that cannot be read; no such format.
    """
    from gigawatt.faces.report.stored import stored

    return stored(folder).text(format)
