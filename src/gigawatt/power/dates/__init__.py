"""Dates: when a project, a plant or a connection can give power, as random dates."""

from gigawatt.power.dates.lags import Lag, LagModel, lag_model, pairs_of
from gigawatt.power.dates.lead import Arrival, check_ordered, lead_time_draw, row_range, waits_in_queue
from gigawatt.power.dates.milestones import (
    STAGES,
    Milestone,
    by_case,
    catalog_milestones,
    date_words,
    year_of,
)
from gigawatt.power.dates.ready import ReadyDate, Slip, cancelled, ready_date, slip_of

__all__ = [
    "STAGES", "Arrival", "Lag", "LagModel", "Milestone", "ReadyDate", "Slip", "by_case", "cancelled",
    "catalog_milestones", "check_ordered", "date_words", "lag_model", "lead_time_draw", "pairs_of",
    "ready_date", "row_range", "slip_of", "waits_in_queue", "year_of",
]  # fmt: skip
