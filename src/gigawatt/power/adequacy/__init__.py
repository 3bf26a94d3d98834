"""Adequacy: will whole units that fail carry the load; what it lacks, how often and for how long."""

from gigawatt.power.adequacy.indices import Indices, convolve
from gigawatt.power.adequacy.judged import adequacy_judged, losses_of
from gigawatt.power.adequacy.nines import Nine, nines_of
from gigawatt.power.adequacy.outage_table import OutageTable, outage_table
from gigawatt.power.adequacy.plan import Adequacy, adequacy_of
from gigawatt.power.adequacy.sizing import WHOLE, outage_bill, plan_whole_units
from gigawatt.power.adequacy.system import BUILT
from gigawatt.power.adequacy.units import Units

__all__ = [
    "BUILT", "WHOLE", "Adequacy", "Indices", "Nine", "OutageTable", "Units", "adequacy_judged", "adequacy_of",
    "convolve", "losses_of", "nines_of", "outage_bill", "outage_table", "plan_whole_units",
]  # fmt: skip
