"""Measured rows beside predictions: the scorecards, and the band that a prediction deserves."""

from gigawatt.validation.card import Card, Errors, Group, Summary
from gigawatt.validation.check import Check
from gigawatt.validation.files import data_folder
from gigawatt.validation.tables import TABLES, validate
from gigawatt.validation.training.band import Band, prediction_band
from gigawatt.validation.training.scorecard import Judged, Refused, Scorecard

__all__ = [
    "TABLES",
    "Band",
    "Card",
    "Check",
    "Errors",
    "Group",
    "Judged",
    "Refused",
    "Scorecard",
    "Summary",
    "data_folder",
    "prediction_band",
    "validate",
]
