"""Measured rows beside predictions: the scorecard, and the band that a prediction deserves."""

from gigawatt.validation.band import Band, prediction_band
from gigawatt.validation.files import TABLES, data_folder
from gigawatt.validation.scorecard import Errors, Group, Judged, Refused, Scorecard
from gigawatt.validation.validate import validate

__all__ = [
    "TABLES",
    "Band",
    "Errors",
    "Group",
    "Judged",
    "Refused",
    "Scorecard",
    "data_folder",
    "prediction_band",
    "validate",
]
