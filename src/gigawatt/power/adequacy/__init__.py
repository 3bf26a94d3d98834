"""Adequacy: will whole units that fail carry the load; what it lacks, how often and for how long."""

from gigawatt.power.adequacy.indices import Indices, convolve
from gigawatt.power.adequacy.outage_table import OutageTable, outage_table
from gigawatt.power.adequacy.plan import Adequacy, Nine, adequacy_of, nines_of
from gigawatt.power.adequacy.units import Units

__all__ = [
    "Adequacy", "Indices", "Nine", "OutageTable", "Units", "adequacy_of", "convolve", "nines_of",
    "outage_table",
]  # fmt: skip
