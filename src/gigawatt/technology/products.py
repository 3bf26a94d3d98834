"""What a technology takes for one operation that runs on it, whoever asks: roll-up, hybrid machine, plan."""

from __future__ import annotations

from gigawatt.machine.machine import Chip
from gigawatt.technology.interface import Product
from gigawatt.technology.registry import model_of
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.work import Work
from gigawatt.workload.operations import Operation

__all__ = ["Product", "product_of"]


def product_of(
    operation: Operation,
    substrate: Substrate,
    statistics: Statistics | None = None,
    *,
    chip: Chip,
) -> Product:
    """What one launch of an operation takes on a substrate that it is placed on.

    Parameters
    ----------
    operation : Operation
        A product; of ``batch`` like ones each has silicon of its own, so that they run at once.
    substrate : Substrate
        Of a registered technology.
    statistics : mapping, optional
        What a functional run of it counted.
    chip : Chip
        The digital machine: the substrate itself, or its host.

    Returns
    -------
    Product
        Joules of all ``batch`` products, seconds of one.

    Raises
    ------
    MissingDataError
        The technology is not registered.
    """
    work = Work.of(operation)
    return model_of(substrate.technology).product(work, substrate, statistics or {}, chip=chip)
