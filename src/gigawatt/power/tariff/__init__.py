"""Tariffs: what a connection pays, part by part; the bill of a load, and the charges that a plan sees."""

from gigawatt.power.tariff.bill import Bill, Line, bill, cents
from gigawatt.power.tariff.charges import with_tariff
from gigawatt.power.tariff.clock import Clock
from gigawatt.power.tariff.parts import Part, Tariff
from gigawatt.power.tariff.rows import list_tariffs, read_tariff, tariff_of

__all__ = [
    "Bill",
    "Clock",
    "Line",
    "Part",
    "Tariff",
    "bill",
    "cents",
    "list_tariffs",
    "read_tariff",
    "tariff_of",
    "with_tariff",
]
