"""Forecasts of coverage: evidence, fit, draws, predictions, and what they mean for the targets."""

from analysis.forecast.draw import Draws, draw
from analysis.forecast.model import Model, model
from analysis.forecast.prediction import predict
from analysis.forecast.settings import DEFAULT, FAMILY, Settings

__all__ = ["DEFAULT", "FAMILY", "Draws", "Model", "Settings", "draw", "model", "predict"]
