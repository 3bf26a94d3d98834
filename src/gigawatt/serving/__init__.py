"""Requests over time on replicas of a model: waiting, batches, keys and values, and the power they draw."""

from gigawatt.serving.disaggregation import Ratio, plan_ratio, simulate_disaggregated
from gigawatt.serving.engine import ITL_EDGES, EngineOptions, Outcome, Series
from gigawatt.serving.fleet import Autoscaling, Fleet, Link
from gigawatt.serving.outages import OutageLog, Outages, PlannedOutage
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate

__all__ = [
    "ITL_EDGES",
    "Autoscaling",
    "EngineOptions",
    "Fleet",
    "Link",
    "OutageLog",
    "Outages",
    "Outcome",
    "PlannedOutage",
    "Ratio",
    "Requests",
    "Series",
    "plan_ratio",
    "simulate",
    "simulate_disaggregated",
]
