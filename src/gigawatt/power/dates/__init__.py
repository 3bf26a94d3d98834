"""Dates: when a project, a plant or a connection can give power, as random dates."""

from gigawatt.power.dates.lags import Lag, LagModel, lag_model, pairs_of
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
    "STAGES", "Lag", "LagModel", "Milestone", "ReadyDate", "Slip", "by_case", "cancelled",
    "catalog_milestones", "date_words", "lag_model", "pairs_of", "ready_date", "slip_of", "year_of",
]  # fmt: skip
